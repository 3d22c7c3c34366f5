"""
A code becomes tokens, once, for whoever asked for it.

OAuth 2.1 §4.1.3, §7.5.2; RFC 7636 §4.6; RFC 8707 §2.2. Everything is checked before anything is written. A stranger's try
never uses the code up; a replay ends what the code began only when it is otherwise valid, so that nobody else can end it.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client, Origin
from authserver.domain.codes import authorization_code as codes
from authserver.domain.codes.authorization_code import Code
from authserver.domain.issuers.issuer import Issuer
from authserver.domain.tokens import authorization
from authserver.oauth import pkce
from authserver.oauth.beginning import first_tokens
from authserver.oauth.errors import InvalidGrant
from authserver.oauth.parameters import Parameters
from authserver.oauth.redirect_uris import is_registered
from authserver.oauth.resource_indicators import same_resource
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork


async def exchange(work: UnitOfWork, issuer: Issuer, client: Client, form: Parameters) -> TokenResponse:
    """Return the tokens of a code. Raises InvalidGrant, InvalidTarget, InvalidRequest."""
    presented, verifier = form.required("code"), form.required("code_verifier")
    code = await _known(work, issuer, client, presented)
    sent_redirect = form.one("redirect_uri")
    if sent_redirect is not None and sent_redirect != code.redirect_uri:
        # OAuth 2.1 §10.2: it may be left out, but what is sent is enforced.
        raise _refused("other_redirect_uri")
    if not pkce.verifies(verifier, code.code_challenge):
        if not code.is_used:
            codes.count_attempt(work, code)
        raise _refused("wrong_verifier")
    same_resource(work, form, code.resource)
    if code.is_used:
        await _end_what_it_began(work, client, code)
        raise _refused("code_replayed")
    if code.has_ended:
        raise _refused("code_ended")
    if work.now >= code.expires_at or code.attempts >= codes.MOST_ATTEMPTS:
        raise _refused("code_expired")
    if client.origin is Origin.DOCUMENT and not is_registered(code.redirect_uri, client.redirect_uris):
        raise _refused("client_changed")
    if code.client_snapshot and code.client_snapshot != client.snapshot:
        # Whoever changed how the client proves itself since then need not be whom the person allowed.
        raise _refused("client_changed")
    return await first_tokens(
        work, issuer, client, code, claim=lambda: codes.redeem(work, code), nonce=code.nonce, form=form
    )


async def _known(work: UnitOfWork, issuer: Issuer, client: Client, presented: str) -> Code:
    tenant = codes.tenant_named_in(presented)
    if tenant is None or (not client.is_shared and client.tenant != tenant):
        raise _refused("unknown_code")
    code = await codes.find(work.beside(tenant), presented)
    if code is None:
        # Still bound to no tenant: a stranger's text must not choose whose record it fills.
        raise _refused("unknown_code")
    work.bind(tenant)
    if code.client_id != client.id or code.issuer_path != issuer.path:
        raise _refused("other_client")
    return code


async def _end_what_it_began(work: UnitOfWork, client: Client, code: Code) -> None:
    begun = await authorization.find(work, code.authorization_id)
    if begun is not None and not begun.is_ended:
        authorization.end(work, begun, reason="code_replayed")
    event.record(
        work,
        event.Kind.CODE_REPLAYED,
        event.Outcome.REFUSED,
        client_id=client.id,
        sub=code.sub,
        authorization_id=code.authorization_id,
    )


def _refused(reason: str) -> InvalidGrant:
    # One description for every cause: which one it was is in the record.
    return InvalidGrant("The code is unknown, used, expired, or not for this request.", reason=reason)
