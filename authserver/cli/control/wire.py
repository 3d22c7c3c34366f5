"""
One question to a remote server: TLS verified, no redirect, no proxy of the environment, bounded time and size.

Plain http is for a server on this machine alone. Whatever is no proper answer is one sentence; no token stands in it.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from authserver.cli.control.port import RefusedError
from authserver.runtime.words import plain
from authserver.settings import LOOPBACK
from resource_lib.wire import strict_json

MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_DEPTH: Final = 32
_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Its body is not shown when this is: it may hold a token."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] = field(repr=False)

    @property
    def retry_after_s(self) -> int:
        """How long to wait, as the server says."""
        said = self.headers.get("retry-after", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 1


class UnclearError(RefusedError):
    """The request went out and nobody knows what became of it: no answer came back."""


def server_url(given: str) -> str:
    """Return the server's address as its issuer spells it. Raises RefusedError."""
    url = given.rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RefusedError("--server: an address such as https://auth.example.com.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or not url.isascii():
        raise RefusedError("--server: an address such as https://auth.example.com.")
    if parts.path or parts.query or parts.fragment or "?" in url or "#" in url:
        raise RefusedError("--server: the deployment's own issuer, without a path, such as https://auth.example.com.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise RefusedError("--server: must be https; plain http is for a server on this machine alone.")
    return url


class Wire:
    """Asks one server."""

    def __init__(self, server: str, http: httpx2.AsyncClient) -> None:
        self.server = server
        self._http = http

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Return the answer, whatever its status. Raises RefusedError, and UnclearError where it may have been done."""
        if not url.startswith(self.server + "/"):
            raise RefusedError(f"{self.server} names an address elsewhere; nothing was sent there.")
        given: dict[str, Any] = {"headers": {"accept": "application/json", **(headers or {})}}
        if form is not None:
            given["data"] = form
        if body is not None:
            given["json"] = body
        if auth is not None:
            given["auth"] = auth
        try:
            async with self._http.stream(method, url, **given) as response:
                return await self._read(response)
        except httpx2.ConnectError as error:
            raise RefusedError(_not_connected(self.server, error)) from None
        except httpx2.HTTPError as error:
            said = "did not answer in time" if isinstance(error, httpx2.TimeoutException) else "broke the connection"
            raise UnclearError(f"{self.server} {said}.") from None

    async def _read(self, response: httpx2.Response) -> Answer:
        if 300 <= response.status_code < 400:
            raise RefusedError(
                f"{self.server} sends elsewhere (HTTP {response.status_code}), and nothing is sent there: give --server the "
                "address that the deployment itself goes by."
            )
        held = bytearray()
        async for chunk in response.aiter_bytes():
            held += chunk
            if len(held) > MOST_BYTES:
                raise RefusedError(
                    f"{self.server} answers with more than {MOST_BYTES // 1_048_576} MiB; nothing of it was used."
                )
        if not held:
            return Answer(response.status_code, response.headers, {})
        try:
            return Answer(
                response.status_code, response.headers, strict_json.loads_object(bytes(held), most_depth=_MOST_DEPTH)
            )
        except ValueError:
            raise RefusedError(
                f"{self.server} answered HTTP {response.status_code} with something that is not from an authserver. Is the "
                "address right?"
            ) from None


def _not_connected(server: str, error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {server} is not to be trusted: {plain(cause.verify_message, 120)}. Nothing was sent. "
                "SSL_CERT_FILE names a private authority."
            )
        if isinstance(cause, ssl.SSLError):
            return f"{server} does not speak TLS as it should. Nothing was sent."
        cause = cause.__cause__ or cause.__context__
    return f"{server} cannot be reached. Nothing was sent."


@asynccontextmanager
async def wire(server: str) -> AsyncIterator[Wire]:
    """Yield a way to ask a server."""
    # The environment's proxies and credentials are not asked: SSL_CERT_FILE alone counts, through OpenSSL's own default.
    context = ssl.create_default_context()
    async with httpx2.AsyncClient(
        verify=context,
        timeout=_TIMEOUT_S,
        trust_env=False,
        follow_redirects=False,
        limits=httpx2.Limits(max_connections=4),
    ) as http:
        yield Wire(server, http)
