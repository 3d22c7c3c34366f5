"""
One question to the issuer's token endpoint: what do I get for this?

RFC 8693 §2.1, §2.2; RFC 6749 §2.3.1, §5. Found through the issuer's own metadata, asked over https alone (plain http: an issuer
on this machine), without redirects and without the environment's proxies, in bounded time, and read strictly: an answer that
is not what was asked for is no answer.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from resource_lib.backchannel.channel import Channel, IssuerUnavailableError, Reply
from resource_lib.exchange.errors import ExchangeRefusedError, ExchangeUnavailableError
from resource_lib.identity.issuer_documents import FetchError, named_url, one_object

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_MAX_BYTES: Final = 65_536
_MAX_TOKEN: Final = 8192
_METADATA_LIFE_S: Final = 3600.0
_REFUSALS: Final = frozenset({400, 401, 403})


@dataclass(frozen=True, kw_only=True, slots=True)
class Traded:
    """What came back. The token is not shown when this is."""

    token: str = field(repr=False)
    scope: frozenset[str] | None
    ends_at: float
    """On the clock of the endpoint that traded it, counted from before it was asked."""


class TokenEndpoint:
    """The token endpoint of one issuer, asked with this server's own credential."""

    def __init__(self, channel: Channel) -> None:
        """Ask through `channel`, whose timeout bounds one whole exchange."""
        self.channel = channel
        self.clock = channel.clock
        self._found: tuple[str, float] | None = None

    async def exchange(self, *, subject_token: str, subject_token_type: str = ACCESS_TOKEN, **more: str) -> Traded:
        """Return what the issuer gives for a token. Raises ExchangeRefusedError, ExchangeUnavailableError."""
        form = {
            "grant_type": _GRANT,
            "subject_token": subject_token,
            "subject_token_type": subject_token_type,
            **{name: value for name, value in more.items() if value},
        }
        began = self.clock()
        try:
            async with asyncio.timeout(self.channel.timeout):
                reply = await self._ask(form)
        except (IssuerUnavailableError, FetchError, TimeoutError):
            self._found = None
            raise ExchangeUnavailableError from None
        if reply.status == 200:
            return _read(reply.body, began)
        if reply.status in _REFUSALS:
            raise _refusal(reply.body)
        raise ExchangeUnavailableError(reply.retry_after_s)

    async def _ask(self, form: Mapping[str, str]) -> Reply:
        return await self.channel.send(
            "POST",
            await self._url(),
            content=urlencode(form).encode("ascii"),
            headers={"content-type": "application/x-www-form-urlencoded"},
            most_bytes=_MAX_BYTES,
        )

    async def _url(self) -> str:
        if self._found is None or self.clock() >= self._found[1]:
            metadata = await self.channel.metadata()
            url = named_url(metadata, "token_endpoint", issuer=self.channel.issuer)
            self._found = url, self.clock() + _METADATA_LIFE_S
        return self._found[0]


def _read(body: bytes, began: float) -> Traded:
    said = _object(body)
    token, kind, life, scope = (said.get(name) for name in ("access_token", "token_type", "expires_in", "scope"))
    if type(token) is not str or not 0 < len(token) <= _MAX_TOKEN or not token.isascii() or not token.isprintable():
        raise ExchangeUnavailableError
    if type(kind) is not str or kind.lower() != "bearer" or said.get("issued_token_type") != ACCESS_TOKEN:
        raise ExchangeUnavailableError
    if type(life) is not int or life < 0 or not (scope is None or type(scope) is str):
        raise ExchangeUnavailableError
    return Traded(token=token, scope=None if scope is None else frozenset(scope.split()), ends_at=began + life)


def _refusal(body: bytes) -> Exception:
    said = _object(body)
    error, description = said.get("error"), said.get("error_description")
    if type(error) is not str:
        return ExchangeUnavailableError()
    return ExchangeRefusedError(error, description if type(description) is str else "")


def _object(body: bytes) -> dict[str, Any]:
    try:
        return one_object(body, "the token endpoint's answer")
    except FetchError:
        raise ExchangeUnavailableError from None
