"""
The token request: who asks, by which grant, and may they?

OAuth 2.1 §3.2. A grant is one file of `grants/` and one line of its table.
"""

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.client_authentication import authenticate, read
from authserver.oauth.errors import OAuthError, SlowDown, UnauthorizedClient, UnsupportedGrantType
from authserver.oauth.grants import GRANTS
from authserver.oauth.parameters import Parameters
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.addresses import address_prefix
from authserver.runtime.unit_of_work import UnitOfWork


async def handle(work: UnitOfWork, issuer: Issuer, form: Parameters, authorization: bytes | None) -> TokenResponse:
    """Return the tokens. Raises an OAuthError, which is an answer: what was recorded with it is committed.

    `authorization` is the request's header of that name.
    """
    client: Client | None = None
    try:
        form.refuse_repeated()
        client = await authenticate(work, issuer, read(authorization, form))
        _within_limit(work, client)
        grant = GRANTS.get(form.required("grant_type"))
        if grant is None:
            raise UnsupportedGrantType("grant_type: is not known here.")
        if form.one("grant_type") not in client.grant_types:
            raise UnauthorizedClient("This client is not registered for that grant_type.")
        if not client.is_shared:
            work.bind(client.tenant)
        return await grant(work, issuer, client, form)
    except SlowDown:
        # Nothing is recorded: a flood must not become a flood of writes.
        raise
    except OAuthError as error:
        if client is None or client.is_public:
            event.record_stranger(
                work,
                event.Kind.TOKEN_REFUSED,
                reason=error.reason,
                client_id=client.id if client else "",
                error=error.code,
            )
        else:
            event.record(
                work,
                event.Kind.TOKEN_REFUSED,
                event.Outcome.REFUSED,
                reason=error.reason,
                client_id=client.id,
                error=error.code,
            )
        raise


def _within_limit(work: UnitOfWork, client: Client) -> None:
    # Anybody can say that they are a public client: then the budget is of client and address prefix together, so that a
    # stranger cannot use up somebody else's.
    spender = f"{client.id}\0{address_prefix(work.address)}" if client.is_public else client.id
    limited = work.machines.token_requests.take(spender, work.at_us)
    if limited is not None:
        raise SlowDown("This client asks too often.", reason="token_flood", retry_after_s=limited.retry_after_s)
