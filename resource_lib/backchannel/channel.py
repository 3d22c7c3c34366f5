"""
One question to the issuer, in this MCP server's own name: a method, a path below the issuer, JSON there and back, or a form.

Over https alone (plain http: an issuer on this machine), without redirects, without the environment's proxies, in bounded time and
size. Connections are kept open, for each event loop its own. Whatever is no proper answer is no answer: whoever asked fails
closed.
"""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import httpx2

from resource_lib.backchannel.credential import Credential
from resource_lib.identity.issuer_documents import (
    FetchError,
    bounded_body,
    is_plain_loopback,
    read_metadata,
    refuse_unsafe,
)
from resource_lib.settings import SettingsError
from resource_lib.wire import strict_json

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of one answer: the demands of all tenants, or one outcome."""
MOST_DEPTH: Final = 64
_LIMITS: Final = httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30)
_SAY_EVERY_S: Final = 60

_NO_ANSWER: Final = (FetchError, httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError)

log = logging.getLogger("resource_lib.backchannel")


class IssuerUnavailableError(Exception):
    """The issuer could not be asked, does not know this server, or gave no proper answer. Try after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__("the issuer cannot be asked now")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Reply:
    """What the issuer answered. The body is not shown when this is: it may hold what a caller sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Say which status it is, and no more."""
        return f"Reply({self.status})"

    def object(self) -> dict[str, Any]:
        """Return the JSON object that the body is. Raises IssuerUnavailableError."""
        try:
            return strict_json.loads_object(self.body, most_depth=MOST_DEPTH)
        except ValueError:
            raise IssuerUnavailableError from None

    @property
    def retry_after_s(self) -> int:
        """How many seconds the issuer wants to be left alone: 1 to 300, and 1 when it does not say."""
        said = self.headers.get("retry-after", "")
        return min(max(int(said), 1), 300) if said.isascii() and said.isdigit() and len(said) < 6 else 1


class Channel:
    """
    Asks one issuer with this server's credential.

    `timeout` (seconds) bounds one whole question. `tls` is for an issuer whose certificate comes from a private authority.
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
        self._base = issuer.rstrip("/")
        self.timeout = timeout
        self._tls = tls
        self.transport = transport
        self._said_at: float | None = None
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        wait: float = 0,
    ) -> Reply:
        """Return the issuer's answer to `method` at `path`, which begins with a slash: any status but 401 and 5xx.

        As `send`, with JSON: `body`, or `content` that is JSON already; `wait` (seconds) is how long the issuer was asked to think.
        """
        content = (
            content if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        )
        sent = dict(headers or {}) | ({} if content is None else {"content-type": "application/json"})
        reply = await self.send(method, self._base + path, content=content, headers=sent, wait=wait)
        if reply.status == 401:
            self._say_refused()
            raise IssuerUnavailableError(reply.retry_after_s)
        if reply.status >= 500 or 300 <= reply.status < 304 or 304 < reply.status < 400:
            raise IssuerUnavailableError(reply.retry_after_s)
        return reply

    def _say_refused(self) -> None:
        """Say what an operator must hear of and no caller could cure; once a minute, because it is asked again all the time."""
        if self._said_at is not None and self.clock() - self._said_at < _SAY_EVERY_S:
            return
        self._said_at = self.clock()
        log.error(
            "the issuer does not take this server's credential: its secret is not the newest, or it was stopped or disabled. "
            "Cure: put the secret of `authserver client rotate` into its file; `authserver server list` shows how it is",
            extra={"event": "backchannel.refused"},
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str],
        wait: float = 0,
        most_bytes: int = MOST_BYTES,
    ) -> Reply:
        """Return the answer at a `url` of the issuer's, whatever its status; this server's credential goes there.

        What is asked must bear being asked twice: a kept connection that turns out to be dead is replaced once. Raises
        IssuerUnavailableError, and UnicodeEncodeError for text that is none.
        """
        sent = self._headers(headers)

        async def once() -> Reply:
            client = await self._client()
            request = client.stream(method, url, content=content, headers=sent, timeout=self.timeout + wait)
            async with request as response:
                return Reply(response.status_code, response.headers, await bounded_body(response, most_bytes))

        try:
            async with asyncio.timeout(self.timeout + wait):
                try:
                    return await once()
                except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
                    return await once()
        except _NO_ANSWER:
            raise IssuerUnavailableError from None

    @asynccontextmanager
    async def stream(
        self, path: str, *, headers: Mapping[str, str], idle: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a stream of events at `path`, and yield its bytes as they come; `idle` (seconds) without any is its end.

        Raises IssuerUnavailableError, also out of the iterator and for any other status or type.
        """
        sent = self._headers({**headers, "accept": "text/event-stream"})
        client = await self._client()
        try:
            async with client.stream("GET", self._base + path, headers=sent, timeout=idle) as response:
                kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
                plain = response.headers.get("content-encoding", "identity") == "identity"
                if response.status_code != 200 or kind != "text/event-stream" or not plain:
                    raise IssuerUnavailableError(Reply(response.status_code, response.headers, b"").retry_after_s)
                yield response.aiter_raw()
        except _NO_ANSWER:
            raise IssuerUnavailableError from None

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return what is sent with each question. Raises IssuerUnavailableError."""
        try:
            credential = self.credential.header()
        except SettingsError as error:
            # The file of the secret is being replaced, or is gone: nobody is asked, and an operator must hear of it.
            log.error("this server's credential cannot be read: %s", error, extra={"event": "backchannel.unreadable"})
            raise IssuerUnavailableError from None
        return {
            "accept": "application/json",
            **headers,
            "authorization": credential,
            "accept-encoding": "identity",
        }

    async def metadata(self) -> dict[str, Any]:
        """Return what the issuer publishes about itself (RFC 8414 §3). Raises IssuerUnavailableError."""
        try:
            async with asyncio.timeout(self.timeout):
                return await read_metadata(await self._client(), self.issuer)
        except _NO_ANSWER:
            raise IssuerUnavailableError from None

    async def aclose(self) -> None:
        """Close the connections of this event loop. It may be asked again: then it opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None and self.transport is None:
            await client.aclose()

    async def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        found = self._clients.get(loop)
        if found is not None:
            return found
        if self._tls is None and self.transport is None:
            # Made once and elsewhere: reading the authorities takes a while, and the loop has callers to serve.
            self._tls = await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
        # Between the look above and this line another call of the same loop may have made it.
        return self._clients.setdefault(
            loop,
            httpx2.AsyncClient(
                verify=self._tls or True,
                transport=self.transport,
                trust_env=False,
                follow_redirects=False,
                limits=_LIMITS,
            ),
        )
