"""
One question to the issuer's token endpoint: what do I get for this?

RFC 8693 §2.1, §2.2; RFC 6749 §2.3.1, §5. Found through the issuer's own metadata, asked over https alone (plain http: an issuer
on this machine), without redirects and without the environment's proxies, in bounded time, and read strictly: an answer that
is not what was asked for is no answer.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import httpx2

from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.exchange.errors import ExchangeRefusedError, ExchangeUnavailableError
from resource_lib.identity.issuer_documents import (
    FetchError,
    bounded_body,
    is_plain_loopback,
    named_url,
    one_object,
    read_metadata,
    refuse_unsafe,
)

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
    """
    The token endpoint of one issuer, asked with this server's own credential.

    `timeout` (seconds) bounds one whole exchange. `tls` is for an issuer whose certificate comes from a private authority.
    `transport` and `clock` (monotonic seconds) are for tests.
    """

    def __init__(
        self,
        *,
        issuer: str,
        credential: Credential,
        timeout: float = 5,
        tls: ssl.SSLContext | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        refuse_unsafe(issuer, "issuer", may_be_plain=is_plain_loopback(issuer))
        self.issuer = issuer
        self.credential = credential
        self.clock = clock
        self._timeout = timeout
        self._tls = tls
        self._transport = transport
        self._found: tuple[str, float] | None = None

    def channel(self) -> Channel:
        """Return a channel to the same issuer, with the same credential."""
        return Channel(
            issuer=self.issuer,
            credential=self.credential,
            timeout=self._timeout,
            tls=self._tls,
            transport=self._transport,
        )

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
            async with asyncio.timeout(self._timeout):
                status, headers, body = await self._ask(form)
        except (FetchError, httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError):
            self._found = None
            raise ExchangeUnavailableError from None
        if status == 200:
            return _read(body, began)
        if status in _REFUSALS:
            raise _refusal(body)
        after = headers.get("retry-after", "")
        raise ExchangeUnavailableError(min(int(after), 300) if after.isdigit() and len(after) < 6 else 1)

    async def _ask(self, form: Mapping[str, str]) -> tuple[int, httpx2.Headers, bytes]:
        if self._tls is None and self._transport is None:
            # Made once and elsewhere: reading the authorities takes longer than an exchange, and the loop has callers to serve.
            self._tls = await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
        client = httpx2.AsyncClient(
            verify=self._tls or True,
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
        )
        try:
            url = await self._url(client)
            headers = {
                "authorization": self.credential.header(),
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
                "accept-encoding": "identity",
            }
            async with client.stream("POST", url, content=urlencode(form).encode("ascii"), headers=headers) as response:
                return response.status_code, response.headers, await bounded_body(response, _MAX_BYTES)
        finally:
            if self._transport is None:
                await client.aclose()

    async def _url(self, client: httpx2.AsyncClient) -> str:
        if self._found is None or self.clock() >= self._found[1]:
            metadata = await read_metadata(client, self.issuer)
            self._found = named_url(metadata, "token_endpoint", issuer=self.issuer), self.clock() + _METADATA_LIFE_S
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
