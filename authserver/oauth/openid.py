"""
Who signed in, told to the client: the ID token beside an access token, and the claims at the userinfo endpoint.

OpenID Connect Core §2, §3.1.3.3, §5.3, §5.4, §12.2. A client gets either with `openid` alone; a name or an e-mail address
only while its person allows it that, and never in an access token. `sub` is the membership's, so nobody is followed from
one tenant to another (decision 22).
"""

from collections.abc import Container

from authserver.domain.issuers.issuer import Issuer
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources.resource import OPENID, PERSONAL
from authserver.domain.tokens import id_token as id_tokens
from authserver.domain.tokens import presented
from authserver.domain.tokens.access_token import AccessToken
from authserver.domain.tokens.authorization import Authorization
from authserver.domain.tokens.presented import NotStandingError
from authserver.domain.users import user
from authserver.oauth.errors import InsufficientScope, InvalidToken, SlowDown
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire import claims

CLAIMS = (*id_tokens.CLAIMS, *PERSONAL.values())


async def id_token(
    work: UnitOfWork,
    issuer: Issuer,
    owner: Authorization,
    access: AccessToken,
    *,
    person_id: str,
    told: Container[str],
    nonce: str = "",
) -> str | None:
    """Return the ID token, if the access token has `openid`. `told` is what the consent holds now.

    A refresh has no `nonce` (OpenID Connect Core §12.2): it answers no authorization request.
    """
    if OPENID not in access.scope:
        return None
    return id_tokens.mint(
        work,
        await key_ring(work, issuer.path),
        owner,
        access,
        issuer=issuer.identifier,
        nonce=nonce,
        personal=await _personal(work, person_id, access.scope, told),
    )


async def userinfo(work: UnitOfWork, issuer: Issuer, token: str | None) -> dict[str, str]:
    """Return the claims of whoever stands behind an access token of ours, as allowed now.

    Raises InvalidToken, the same for every cause; InsufficientScope for one without `openid`; SlowDown.
    """
    if token is None:
        raise _refused("missing_token")
    try:
        known = await presented.read(work, issuer, token)
        if known.act is not None or claims.CNF in known.claims:
            # It was given to an MCP server to act with, or is bound to a key that we are not shown.
            raise NotStandingError("not_the_clients_own")
        stands = await presented.standing(work, issuer, known)
    except NotStandingError as refused:
        raise _refused(refused.reason) from None
    limited = work.machines.token_requests.take(f"userinfo\0{known.authorization_id}", work.at_us)
    if limited is not None:
        raise SlowDown("This client asks too often.", reason="userinfo_flood", retry_after_s=limited.retry_after_s)
    if OPENID not in known.scope or stands.member is None or stands.consent is None:
        raise InsufficientScope("The access token was not issued with openid.")
    told = await _personal(work, stands.member.person_id, known.scope, stands.consent.scope)
    return {claims.SUB: known.sub, **told}


async def _personal(work: UnitOfWork, person_id: str, scope: tuple[str, ...], told: Container[str]) -> dict[str, str]:
    wanted = [claim for name, claim in PERSONAL.items() if name in scope and name in told]
    person = await user.person_by_id(work, person_id) if wanted else None
    if person is None:
        return {}
    known = {"name": person.name, "email": person.email}
    # An erased person has neither.
    return {claim: known[claim] for claim in wanted if known[claim]}


def _refused(reason: str) -> InvalidToken:
    return InvalidToken("The access token is missing, unknown, expired, ended, or not for this.", reason=reason)
