"""GRANTS: grant_type to handler. A new grant is one file and one line; server metadata is derived from this table."""

from collections.abc import Awaitable, Callable

from authserver.domain.clients.client import DEVICE_CODE, TOKEN_EXCHANGE, Client
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.grants import authorization_code, client_credentials, device_code, refresh_token, token_exchange
from authserver.oauth.parameters import Parameters
from authserver.oauth.token_response import TokenResponse
from authserver.runtime.unit_of_work import UnitOfWork

Exchange = Callable[[UnitOfWork, Issuer, Client, Parameters], Awaitable[TokenResponse]]

GRANTS: dict[str, Exchange] = {
    "authorization_code": authorization_code.exchange,
    "refresh_token": refresh_token.exchange,
    "client_credentials": client_credentials.exchange,
    DEVICE_CODE: device_code.exchange,
    TOKEN_EXCHANGE: token_exchange.exchange,
}
