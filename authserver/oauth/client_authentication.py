"""
Who is asking: no credential, a secret in the header or in the body, or an assertion, and never two at once.

OAuth 2.1 §2.4, §2.4.1; RFC 6749 §2.3.1 (the header's parts are form-encoded); RFC 7521 §4.2. Guessing is limited per client and
address prefix, so that a stranger cannot lock the rightful client out.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.tenants import tenant as tenants
from authserver.oauth import client_assertion, client_id_metadata
from authserver.oauth.client_assertion import UnprovenAssertion
from authserver.oauth.errors import InvalidClient, InvalidGrant, InvalidRequest, OAuthError, SlowDown
from authserver.oauth.parameters import Parameters
from authserver.runtime.addresses import address_prefix
from authserver.runtime.identifiers import secret_hash
from authserver.runtime.unit_of_work import UnitOfWork

METHODS = ("none", "client_secret_basic", "client_secret_post", client_assertion.METHOD)

_MOST_HEADER_BYTES = 4096
_UNKNOWN = b"\0" * 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What a request says of its client; nothing is proven yet."""

    method: str
    client_id: str
    secret: str | None
    assertion: UnprovenAssertion | None = None


def read(authorization: bytes | None, form: Parameters) -> Credentials:
    """Return the one credential of a request. Raises InvalidRequest for two, InvalidClient for none or an unreadable one."""
    body_id, body_secret = form.one("client_id"), form.one("client_secret")
    assertion, assertion_type = form.one("client_assertion"), form.one("client_assertion_type")
    if assertion is not None or assertion_type is not None:
        if authorization is not None or body_secret is not None:
            raise InvalidRequest("The client authenticates in one way, not in two.", reason="two_credentials")
        return _asserted(body_id, assertion, assertion_type)
    if authorization is not None:
        header_id, header_secret = _basic(authorization)
        if body_secret is not None:
            raise InvalidRequest(
                "The client authenticates in the header or in the body, not both.", reason="two_credentials"
            )
        if body_id is not None and body_id != header_id:
            raise InvalidRequest("client_id: is another than the one in the header.", reason="two_clients")
        return Credentials(method="client_secret_basic", client_id=header_id, secret=header_secret)
    if body_id is None:
        raise InvalidClient("The client did not say who it is.", reason="missing_client")
    if body_secret is not None:
        return Credentials(method="client_secret_post", client_id=body_id, secret=body_secret)
    return Credentials(method="none", client_id=body_id, secret=None)


async def authenticate(
    work: UnitOfWork, issuer: Issuer, credentials: Credentials, *, may_be_new: bool = False
) -> Client:
    """Return the client that proved to be who it says, at the issuer that speaks for it.

    `may_be_new`: where a flow begins, so that a metadata document may be read for the first time.
    Raises InvalidClient, the same for an unknown client, a wrong secret or assertion, another method, a suspended tenant;
    SlowDown after too many wrong ones; InvalidGrant for the right credential of a machine whose time is over.
    """
    client = await client_id_metadata.known(work, credentials.client_id, may_be_new=may_be_new)
    guesser = f"{credentials.client_id[:100]}\0{address_prefix(work.address)}"
    is_guess = credentials.method != "none"
    if is_guess and (limited := work.machines.secret_guesses.peek(guesser, work.at_us)):
        raise SlowDown("Too many wrong secrets.", reason="client_guessing", retry_after_s=limited.retry_after_s)
    fault = await _fault(work, issuer, client, credentials)
    if fault is not None or client is None:
        # A replay is no guess: whoever sends a right assertion twice, in a race or a retry, is not locked out for it.
        if is_guess and fault != client_assertion.REPLAYED:
            work.machines.secret_guesses.take(guesser, work.at_us)
        raise client_assertion.refusal(fault or "unproven_client")
    if not await is_served(work, issuer, client):
        raise client_assertion.refusal("client_not_served")
    if client.has_ended(work.now):
        # Only whoever holds the right credential hears it.
        raise InvalidGrant(
            "The time of this client is over; an operator renews it (`authserver client renew`).", reason="client_ended"
        )
    if credentials.secret is not None and client.secret_hash != secret_hash(credentials.secret):
        await _note_old_secret(work, client)
    return client


async def is_served(work: UnitOfWork, issuer: Issuer, client: Client) -> bool:
    """Whether this issuer answers this client at all now."""
    if not client.is_active:
        return False
    if client.is_shared:
        return True
    tenant = await tenants.by_id(work, client.tenant)
    return tenant is not None and tenant.is_active and (await all_issuers(work)).serves(issuer, client.tenant)


def within_limit(work: UnitOfWork, client: Client, *, door: str = "") -> None:
    """Raise SlowDown when a client that has said who it is asks too often.

    Anybody can say that they are a public client: then the budget is of client and address prefix together, so that a
    stranger cannot use up somebody else's. A `door` has a budget of its own beside that of all others.
    """
    spender = f"{client.id}\0{address_prefix(work.address)}" if client.is_public else client.id
    if door:
        spender = f"{door}\0{spender}"
    limited = work.machines.token_requests.take(spender, work.at_us)
    if limited is not None:
        raise SlowDown("This client asks too often.", reason="token_flood", retry_after_s=limited.retry_after_s)


def record_refusal(work: UnitOfWork, kind: event.Kind, client: Client | None, error: OAuthError) -> None:
    """Record what a client was refused; whoever proved nothing has a bounded share of the record."""
    client_id = client.id if client else ""
    if client is None or client.is_public or client.is_self_made:
        event.record_stranger(work, kind, reason=error.reason, client_id=client_id, error=error.code)
    else:
        event.record(work, kind, event.Outcome.REFUSED, reason=error.reason, client_id=client_id, error=error.code)


async def _fault(work: UnitOfWork, issuer: Issuer, client: Client | None, credentials: Credentials) -> str | None:
    # The registered method alone counts: a public client cannot be made confidential by sending a secret, nor a
    # confidential one public by leaving it out.
    if credentials.assertion is not None:
        if client is None or client.auth_method != credentials.method:
            return "unproven_client"
        if limited := work.machines.token_requests.peek(client.id, work.at_us):
            # Before any arithmetic, and before the assertion is spent: who has to wait may come back with it.
            raise SlowDown("This client asks too often.", reason="token_flood", retry_after_s=limited.retry_after_s)
        return await client_assertion.fault(work, issuer, client, credentials.assertion)
    return None if _is_proven(client, credentials, work.now) else "unproven_client"


def _is_proven(client: Client | None, credentials: Credentials, now: int) -> bool:
    given = secret_hash(credentials.secret) if credentials.secret is not None else b"\1" * 32
    known = client.live_secrets(now) if client is not None else ()
    # As many comparisons for a stranger as for a client in the middle of a rotation.
    first, second = (*known, _UNKNOWN, _UNKNOWN)[:2]
    is_same = hmac.compare_digest(first, given) | hmac.compare_digest(second, given)
    if client is None or client.auth_method != credentials.method:
        return False
    return client.auth_method == "none" or (credentials.secret is not None and is_same)


async def _note_old_secret(work: UnitOfWork, client: Client) -> None:
    # Once a minute and place is enough to find out who was forgotten. On its own, because the flow may be about another
    # tenant's rows, and because it happened whatever becomes of the flow.
    if work.machines.old_secrets.take(f"{client.id}\0{address_prefix(work.address)}", work.at_us) is None:
        beside = work.beside(client.tenant)
        event.record(beside, event.Kind.OLD_SECRET_USED, client_id=client.id, payload={"address": work.address})
        await beside.commit()


def _asserted(body_id: str | None, assertion: str | None, assertion_type: str | None) -> Credentials:
    if assertion is None:
        raise InvalidRequest("client_assertion: is missing.", reason="missing_parameter")
    if assertion_type != client_assertion.TYPE:
        raise InvalidRequest(f"client_assertion_type: must be {client_assertion.TYPE}.", reason="assertion_type")
    unproven = client_assertion.read(assertion)
    if body_id is not None and body_id != unproven.client_id:
        raise client_assertion.refusal("assertion_subject")
    return Credentials(method=client_assertion.METHOD, client_id=unproven.client_id, secret=None, assertion=unproven)


def _basic(header: bytes) -> tuple[str, str]:
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic" or len(header) > _MOST_HEADER_BYTES:
        raise InvalidClient("Authorization: only Basic is understood here.", reason="unreadable_credential")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, separator, secret = decoded.partition(":")
        client_id = unquote_plus(client_id, errors="strict")
        secret = unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        separator = ""
        client_id = secret = ""
    if not separator or not client_id or not secret:
        raise InvalidClient(
            "Authorization: Basic needs base64 of client_id:client_secret.", reason="unreadable_credential"
        )
    return client_id, secret
