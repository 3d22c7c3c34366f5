"""
The token request: who asks, by which grant, and may they?

OAuth 2.1 §3.2. A grant is one file of `grants/` and one line of its table.
"""

from authserver.domain.audit import event
from authserver.domain.clients import registration
from authserver.domain.clients.client import Client
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth import api_keys, authorization_details
from authserver.oauth.client_authentication import authenticate, read, record_refusal, within_limit
from authserver.oauth.errors import (
    AuthorizationPending,
    OAuthError,
    PolledTooSoon,
    SlowDown,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from authserver.oauth.grants import GRANTS
from authserver.oauth.parameters import Parameters
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork


async def handle(work: UnitOfWork, issuer: Issuer, form: Parameters, authorization: bytes | None) -> TokenResponse:
    """Return the tokens. Raises an OAuthError, which is an answer: what was recorded with it is committed.

    `authorization` is the request's header of that name.
    """
    client: Client | None = None
    try:
        form.refuse_repeated()
        if form.one("grant_type") not in {"authorization_code", "refresh_token"}:
            # Nobody was asked about any, so there are none of which to ask for fewer.
            authorization_details.refuse_any(form)
        if api_keys.is_whole_credential(authorization, form):
            return await api_keys.exchange_by_holder(work, issuer, form)
        client = await authenticate(work, issuer, read(authorization, form))
        within_limit(work, client)
        grant = GRANTS.get(form.required("grant_type"))
        if grant is None:
            raise UnsupportedGrantType("grant_type: is not known here.")
        if not client.may_use(form.required("grant_type")):
            raise UnauthorizedClient("This client is not registered for that grant_type.")
        if not client.is_shared:
            work.bind(client.tenant)
        answer = await grant(work, issuer, client, form)
        await registration.used(work, client)
        return answer
    except (SlowDown, AuthorizationPending, PolledTooSoon):
        # Nothing is recorded: neither a flood nor a device that waits must become a flood of writes.
        raise
    except OAuthError as error:
        record_refusal(work, event.Kind.TOKEN_REFUSED, client, error)
        raise
