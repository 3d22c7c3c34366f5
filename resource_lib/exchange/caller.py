"""
Who is calling: the person or machine that a request's token speaks for, after an API key was traded for one.

All failures look alike from here on: the one 401 (decision 10). Why a token was refused is for our log alone.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from resource_lib.exchange.api_keys import ApiKeys
from resource_lib.exchange.errors import ExchangeRefusedError
from resource_lib.identity.access_token import InvalidToken
from resource_lib.identity.principal import Principal
from resource_lib.wire import api_key

log = logging.getLogger("resource_lib.guard")


class TokenVerifier(Protocol):
    """Whatever can tell a good access token from a bad one."""

    async def verify(self, token: str, now: float) -> Principal:
        """Return whom `token` speaks for. Raises InvalidToken."""
        ...


Refused = Callable[[str, Mapping[str, Any] | None, str], None]
"""Told of a token that is refused: the token, what it says where its signature is good, and why."""


class Callers:
    """Tells callers by their tokens. `api_keys` is None where keys are not accepted."""

    def __init__(self, verifier: TokenVerifier, api_keys: ApiKeys | None) -> None:
        self._verifier = verifier
        self._api_keys = api_keys

    async def identify(
        self, token: str | None, now: float, *, refused: Refused | None = None
    ) -> tuple[Principal, str] | None:
        """Return whom a token speaks for, and the token; None: nobody, and `refused` is told why.

        Raises KeysUnavailableError and ExchangeUnavailableError when that cannot be told now.
        """
        if token is None:
            if refused is not None:
                refused("", None, "missing")
            return None
        try:
            if self._api_keys is not None and api_key.is_well_formed(token):
                token = await self._api_keys.token(token)
            return await self._verifier.verify(token, now), token
        except InvalidToken as error:
            log.info("token refused: %s", error.reason.value, extra={"event": "token.refused"})
            if refused is not None:
                refused(token, error.said, error.reason.value)
        except ExchangeRefusedError as error:
            log.info("API key refused: %s", error.error, extra={"event": "api_key.refused"})
            if refused is not None:
                refused("", None, "api_key")
        return None
