"""
An API key is exchanged for a token of a few minutes, by whoever holds it or by the MCP server that was shown it.

RFC 8693 §2.1: the key is the credential, so its holder sends no client authentication, only the key as `subject_token` with
a `subject_token_type` of our own. An MCP server that accepts keys authenticates as itself, and learns only of keys for its
own resource. Every fault has the same answer; a right key is never turned away because of its neighbours' wrong ones.
"""

from authserver.domain.api_keys import api_key
from authserver.domain.api_keys.api_key import ApiKey
from authserver.domain.audit import event
from authserver.domain.clients.client import TOKEN_EXCHANGE, Client
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tokens import authorization, presented
from authserver.domain.tokens.presented import NotStandingError, Standing
from authserver.oauth import exchange_parameters, scopes, stopped
from authserver.oauth.errors import InvalidRequest, InvalidScope, SlowDown, UnauthorizedClient
from authserver.oauth.issuing import held_now, issue_access_token
from authserver.oauth.parameters import Parameters
from authserver.oauth.resource_indicators import same_resource
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.addresses import address_prefix
from authserver.runtime.unit_of_work import UnitOfWork


def is_whole_credential(header: bytes | None, form: Parameters) -> bool:
    """Whether a token request is an API key and names no client; `header` is its `Authorization`, which must be absent."""
    return (
        header is None
        and form.one("grant_type") == TOKEN_EXCHANGE
        and form.one("subject_token_type") == exchange_parameters.API_KEY
        and not any(
            form.one(name) for name in ("client_id", "client_secret", "client_assertion", "client_assertion_type")
        )
    )


async def exchange_by_holder(work: UnitOfWork, issuer: Issuer, form: Parameters) -> TokenResponse:
    """Return a token for the key alone. Raises InvalidRequest, InvalidTarget, InvalidScope.

    SlowDown after many wrong keys of one address, and after too many requests with one right key, wherever they come from: no
    flood spends what a right key has.
    """
    try:
        return await _exchange(work, issuer, form, client=None)
    except InvalidRequest:
        stranger = f"api_key\0{address_prefix(work.address)}"
        if limited := work.machines.secret_guesses.take(stranger, work.at_us):
            raise SlowDown(
                "Too many wrong keys.", reason="api_key_guessing", retry_after_s=limited.retry_after_s
            ) from None
        raise


async def exchange(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> TokenResponse:
    """Return a token for a key that an MCP server was shown. Raises InvalidRequest, InvalidTarget, InvalidScope."""
    if not client.is_resource_server:
        raise UnauthorizedClient("An API key is sent by its holder alone, or by the MCP server it is for.")
    return await _exchange(work, issuer, form, client=client)


async def _exchange(work: UnitOfWork, issuer: Issuer, form: Parameters, *, client: Client | None) -> TokenResponse:
    exchange_parameters.check(form)
    key, stands = await _key(work, issuer, form.required("subject_token"), client)
    if client is None and (limited := work.machines.token_requests.take(f"api_key\0{key.id}", work.at_us)):
        raise SlowDown("Too many requests.", reason="token_flood", retry_after_s=limited.retry_after_s)
    same_resource(work, form, key.resource)
    if stands.held is not None:
        raise stopped.waits(stands.held)
    scope = _scope(work, form, key, stands)
    authorization.require_live(work, stands.authorization)
    access = await issue_access_token(
        work,
        issuer,
        stands.authorization,
        scope=scope,
        roles=stands.member.roles if stands.member else None,
    )
    api_key.note_use(work, key)
    event.record(
        work,
        event.Kind.API_KEY_EXCHANGED,
        client_id=client.id if client else "",
        sub=key.sub,
        authorization_id=key.authorization_id,
        resource=key.resource,
        key_id=key.id,
        jti=access.id,
    )
    return TokenResponse(access_token=access, issued_token_type=exchange_parameters.ACCESS_TOKEN)


async def _key(work: UnitOfWork, issuer: Issuer, sent: str, client: Client | None) -> tuple[ApiKey, Standing]:
    """Return the key and what it stands on; binds the unit of work to its tenant."""
    tenant = api_key.tenant_named_in(sent)
    if tenant is None:
        # A typo, or no key at all: the checksum says so without a look-up.
        raise _refused("malformed")
    key = await api_key.find_presented(work.beside(tenant), sent)
    if key is None:
        raise _refused("unknown_api_key")
    if client is not None and (client.speaks_for != key.resource or not await presented.is_heard(work, client, tenant)):
        raise _refused("other_resource")
    if not key.is_alive(work.now):
        raise _refused("api_key_ended")
    try:
        stands = await presented.behind(work, issuer, tenant=tenant, authorization_id=key.authorization_id)
    except NotStandingError as refused:
        raise _refused(refused.reason) from None
    work.bind(tenant)
    return key, stands


def _scope(work: UnitOfWork, form: Parameters, key: ApiKey, stands: Standing) -> tuple[str, ...]:
    """Return what was asked for, or all that the key still holds: what its owner may have now at the resource as it is now."""
    held = held_now(work, key.scope, stands)
    sent = form.one("scope")
    scope = held if sent is None else scopes.parse(sent)
    if not scope or not set(scope) <= set(held):
        raise InvalidScope("scope: is beyond what this key holds now.", reason="wider_scope")
    return scope


def _refused(reason: str) -> InvalidRequest:
    # RFC 8693 §2.2.2. Unknown, ended, another's: all the same.
    return InvalidRequest("subject_token: is no API key that can be used here.", reason=reason)
