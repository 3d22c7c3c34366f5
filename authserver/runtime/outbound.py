"""
The way out: this server fetches what strangers name and posts to where tenants want to be told, and neither makes it speak to
our own network. It also looks at the servers that its operators registered: those alone may stand in it (`look`).

CWE-918; MCP authorization A16; draft-ietf-oauth-client-id-metadata-document §6. The name is resolved once, every answer must be
a public unicast address, and the connection goes to one of the addresses that were checked: a resolver that changes its mind
is not asked again. TLS is verified for the name. There are no redirects, proxies, cookies or compressed bodies, because nothing
here knows of them: this stands on httpcore2, below the client that would.

It deliberately does not: read what came (callers compare the media type), remember anything, or retry.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

import httpcore2

from authserver.runtime.addresses import address_prefix
from authserver.runtime.buckets import Bucket
from resource_lib.wire.addresses import is_loopback, is_machine, is_public

MOST_URL_CHARACTERS: Final = 2048
MOST_SECONDS: Final = 10.0
MOST_POSTED_BYTES: Final = 64 * 1024

_CONNECT_S: Final = 4.0
_LOOK_S: Final = 5.0
_ADDRESSES_TRIED: Final = 3
_AT_ONCE: Final = 16
_AT_ONCE_KNOWN: Final = 8
_AT_ONCE_HOOKS: Final = 16
_AT_ONCE_LOOKS: Final = 8
_AT_ONCE_PER_HOST: Final = 2
_WAITING_PER_HOST: Final = 30
_NAMES_AT_ONCE: Final = 8

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?(?P<target>[/?][!-~]*)?"
)
_UNSAFE_IN_TARGET = re.compile(r"[#\\\"<>^`{|}]")
_LABEL = re.compile(r"(?!-)[0-9a-z-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_OUR_OWN = (
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".localdomain",
    ".home.arpa",
    ".arpa",
    ".onion",
    ".alt",
)
"""Names that no public resolver answers for (RFC 6761, 6762, 7686, 8375, 9476 and ICANN's `internal`): not even asked for."""

Answered = TypeVar("Answered")

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host. Raises OSError when there are none."""


class OutboundError(Exception):
    """Nothing was fetched. `description` may be shown to whoever named the URL; `reason` is for the record."""

    def __init__(self, description: str, *, reason: str) -> None:
        super().__init__(description)
        self.description = description
        self.reason = reason


class OutboundRefusedError(OutboundError):
    """The URL, or what its name resolves to, may not be asked; no connection was made."""


class OutboundFailedError(OutboundError):
    """It was asked, or looked up, and gave nothing usable."""


class OutboundBusyError(OutboundFailedError):
    """We have asked that host, or everybody, often enough for now; it says nothing about the host."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What came back. `headers` have lower-case names; repeated ones are joined by a comma. `body` is empty for a 304."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The essence of Content-Type in lower case, empty where it is missing."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_standard(self) -> bool:
        return self.scheme == "https" and self.port == 443

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


class Outbound:
    """
    The one fetcher of a process.

    `allow_loopback`: loopback may be fetched too, by https or http at any port; for development. `ca_file`: a PEM file of
    authorities believed besides the public ones. `resolve`, `dial` and `clock` (microseconds, monotonic) are for tests: they
    replace the machine's resolver, its sockets and its time. Raises OSError, ssl.SSLError for an unusable `ca_file`.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        ca_file: Path | None = None,
        seconds: float = MOST_SECONDS,
        resolve: Resolver | None = None,
        dial: httpcore2.AsyncNetworkBackend | None = None,
        clock: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._seconds = min(seconds, MOST_SECONDS)
        self._resolve = resolve or self._ask_machine
        self._dial = dial or httpcore2.AnyIOBackend()
        self._clock = clock
        # Reading the public authorities takes a while; most processes of a command never speak to anybody.
        self._tls = tls_context(ca_file) if ca_file is not None else None
        # A pool of its own: a slow resolver keeps nobody waiting but those who asked it.
        self._names = ThreadPoolExecutor(_NAMES_AT_ONCE, thread_name_prefix="outbound-names")
        self._invented, self._known = _Lane(at_once=_AT_ONCE), _Lane(at_once=_AT_ONCE_KNOWN)
        self._hooks = _Lane(at_once=_AT_ONCE_HOOKS)
        self._looks = _Lane(at_once=_AT_ONCE_LOOKS, seconds=_LOOK_S, is_vouched_for=True)

    async def get(
        self,
        url: str,
        *,
        most_bytes: int,
        accept: str = "application/json",
        if_none_match: str = "",
        is_known: bool = False,
    ) -> Fetched:
        """
        Fetch one resource: 200 with its whole body, or 304 where `if_none_match` was given.

        `is_known` is for a URL that was good before, or that somebody stands for whom its host trusts: it has budgets of its own,
        so that whoever invents URLs at the same host, or names that lead to it, keeps nobody from it.

        Raises OutboundRefusedError for a URL that may not be asked, OutboundBusyError when the budget is spent, and
        OutboundFailedError for everything else: no answer, TLS, any other status, a body above `most_bytes`, time.
        """
        target = self._allowed(url)
        headers = {"Accept": accept}
        if if_none_match:
            headers["If-None-Match"] = if_none_match
        lane = self._known if is_known else self._invented
        async with self._turn_at(target, lane, url if is_known else target.host):
            return await self._ask(
                target,
                lane,
                "GET",
                headers=headers,
                read=lambda response: _read(response, most_bytes, conditional=bool(if_none_match)),
            )

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        """
        Send `body` (JSON) to an address that a tenant's operator named, and return the status, whatever it is.

        Nothing of the answer but its status is read. It has budgets of its own: what hooks do not answer keeps nobody from a
        client's document. `headers` go besides ours.

        Raises OutboundRefusedError for a URL that may not be asked, OutboundBusyError when the budget is spent, and
        OutboundFailedError for no answer, TLS, or time.
        """
        if len(body) > MOST_POSTED_BYTES:
            raise ValueError("larger than anything that is posted")
        target = self._allowed(url)
        async with self._turn_at(target, self._hooks, url):
            return await self._ask(
                target,
                self._hooks,
                "POST",
                headers={"Content-Type": "application/json", "Content-Length": str(len(body)), **headers},
                body=body,
                read=_status,
            )

    async def look(self, method: str, url: str, *, body: bytes = b"", most_bytes: int, token: str = "") -> Fetched:
        """
        Ask a server that an operator of this platform registered, and return what it says, whatever its status.

        Only for addresses that the operators of the whole deployment have named: these may stand on loopback or a private
        network, at any port, by a name that no public resolver knows; not where a cloud keeps its credentials, and plain http on
        loopback alone. Nothing of ours goes with it but `token`, where one is given. Of the answer at most `most_bytes` are kept.

        Raises OutboundRefusedError for a URL that may not be asked, OutboundBusyError when the budget is spent, and
        OutboundFailedError for no answer, TLS, or time.
        """
        target = _target(url, is_vouched_for=True)
        headers = {"Accept": "application/json, text/event-stream"}
        if body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self._turn_at(target, self._looks, url):
            return await self._ask(
                target,
                self._looks,
                method,
                headers=headers,
                body=body or None,
                read=lambda response: _glance(response, most_bytes),
            )

    def check(self, url: str) -> None:
        """Raise OutboundRefusedError for a URL that would never be asked from here, whatever its name resolves to."""
        self._allowed(url)

    def _allowed(self, url: str) -> _Target:
        target = _target(url)
        if not self._allow_loopback and (not target.is_standard or _is_literal(target.host)):
            raise OutboundRefusedError("It must be https, at a host name and port 443.", reason="url_not_public")
        return target

    @asynccontextmanager
    async def _turn_at(self, target: _Target, lane: "_Lane", asked: str) -> AsyncIterator[None]:
        seconds = min(self._seconds, lane.seconds)
        try:
            async with lane.budget(target.host, asked, self._clock()):
                async with asyncio.timeout(seconds):
                    yield
        except TimeoutError:
            raise OutboundFailedError(
                f"The server did not answer within {seconds:g} seconds.", reason="timeout"
            ) from None

    async def close(self) -> None:
        """Let go of the threads; fetches under way fail by themselves."""
        self._names.shutdown(wait=False, cancel_futures=True)

    async def _ask(
        self,
        target: _Target,
        lane: "_Lane",
        method: str,
        *,
        headers: Mapping[str, str],
        read: Callable[[httpcore2.Response], Awaitable[Answered]],
        body: bytes | None = None,
    ) -> Answered:
        addresses = await self._checked_addresses(target, lane)
        sent: dict[bytes | str, bytes | str] = {
            "Host": target.authority,
            "Accept-Encoding": "identity",
            "User-Agent": "authserver",
            "Connection": "close",
        }
        sent |= dict[bytes | str, bytes | str](headers.items())
        if self._tls is None:
            self._tls = tls_context()
        url = httpcore2.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        timeouts = {"connect": _CONNECT_S, "read": self._seconds, "write": self._seconds}
        backend = _CheckedAddresses(target, addresses, self._dial)
        try:
            async with (
                httpcore2.AsyncConnectionPool(
                    ssl_context=self._tls, network_backend=backend, max_connections=1, max_keepalive_connections=0
                ) as connection,
                connection.stream(
                    method, url, headers=sent, content=body, extensions={"timeout": timeouts}
                ) as response,
            ):
                return await read(response)
        except httpcore2.ConnectError as error:
            if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
                raise OutboundFailedError(
                    "The server's TLS certificate is not valid for that name.", reason="tls"
                ) from error
            raise _unreachable("connect") from error
        except httpcore2.TimeoutException:
            raise TimeoutError from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise OutboundFailedError("The server's answer broke off or is no HTTP.", reason="protocol") from error
        finally:
            # The pool does not know of a connection whose handshake the deadline interrupted.
            await backend.close()

    async def _checked_addresses(self, target: _Target, lane: "_Lane") -> list[str]:
        """Resolve once; every answer must be allowed, or none is used."""
        if _is_canonical(target.host):
            found: Sequence[str] = [target.host]
        else:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    found = await self._resolve(target.host, target.port)
            except OSError:  # TimeoutError too
                raise _unreachable("name_not_resolved") from None
        addresses = list(dict.fromkeys(found))
        if lane.is_vouched_for:
            return _vouched_for(target, addresses)
        if self._allow_loopback and addresses and all(map(is_loopback, addresses)):
            return addresses
        if not addresses or not all(map(is_public, addresses)):
            # The same words as for a name that does not exist: our resolver's view is nobody's business.
            raise OutboundRefusedError(_UNREACHABLE, reason="address_not_public")
        if not target.is_standard or _is_literal(target.host):
            raise OutboundRefusedError("It must be https, at a host name and port 443.", reason="url_not_public")
        # Many names may point at one machine: it is not asked for all of them.
        if lane.dialled.take(address_prefix(addresses[0]), self._clock()) is not None:
            raise _busy("address_budget")
        return addresses

    async def _ask_machine(self, host: str, port: int) -> Sequence[str]:
        def ask() -> list[str]:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            return [str(answer[4][0]) for answer in answers]

        try:
            return await asyncio.get_running_loop().run_in_executor(self._names, ask)
        except RuntimeError:  # closed
            raise _unreachable("closed") from None


@dataclass(slots=True)
class _Turns:
    """Who fetches from one host, or waits to."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE_PER_HOST))
    taken: int = 0


class _Lane:
    """What those share who may use each other's budget up. `is_vouched_for`: operators of the platform named the addresses."""

    def __init__(self, *, at_once: int, seconds: float = MOST_SECONDS, is_vouched_for: bool = False) -> None:
        self.seconds = seconds
        self.is_vouched_for = is_vouched_for
        self.dialled = Bucket(per_minute=120, burst=60)
        self._asked = Bucket(per_minute=60, burst=20)
        self._everybody = asyncio.Semaphore(at_once)
        self._turns: dict[str, _Turns] = {}

    @asynccontextmanager
    async def budget(self, host: str, asked: str, now_us: int) -> AsyncIterator[None]:
        """Pay for one fetch: some a minute of `asked`, few at once for a host, a ceiling for all; who is one too many waits."""
        turns = self._turns.get(host)
        if turns is not None and turns.taken >= _AT_ONCE_PER_HOST + _WAITING_PER_HOST:
            raise _busy("host_at_once")
        if self._asked.take(asked, now_us) is not None:
            raise _busy("host_budget")
        turns = self._turns.setdefault(host, _Turns())
        turns.taken += 1
        try:
            async with _turn(turns.free), _turn(self._everybody):
                yield
        finally:
            turns.taken -= 1
            if not turns.taken:
                del self._turns[host]


@asynccontextmanager
async def _turn(free: asyncio.Semaphore) -> AsyncIterator[None]:
    try:
        await asyncio.wait_for(free.acquire(), MOST_SECONDS)
    except TimeoutError:
        raise _busy("ceiling") from None
    try:
        yield
    finally:
        free.release()


class _CheckedAddresses(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that were checked, whatever name it is given."""

    def __init__(self, target: _Target, addresses: list[str], dial: httpcore2.AsyncNetworkBackend) -> None:
        self._target = target
        self._addresses = addresses
        self._dial = dial
        self._opened: list[httpcore2.AsyncNetworkStream] = []

    async def close(self) -> None:
        """Close whatever is still open."""
        for stream in self._opened:
            await stream.aclose()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the method of httpcore2
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Try the first few addresses in turn, within one `timeout`."""
        if (host, port) != (self._target.host, self._target.port):
            raise httpcore2.ConnectError("another host than was checked")
        failed: Exception | None = None
        try:
            async with asyncio.timeout(timeout):
                for address in self._addresses[:_ADDRESSES_TRIED]:
                    try:
                        stream = await self._dial.connect_tcp(
                            address, port, None, local_address=local_address, socket_options=socket_options
                        )
                        self._opened.append(stream)
                        return stream
                    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                        failed = error
        except TimeoutError:
            raise httpcore2.ConnectTimeout("no address answered in time") from None
        raise httpcore2.ConnectError("no address answered") from failed


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return a context that verifies chain and name, TLS 1.2 or newer. Raises OSError, ssl.SSLError for an unusable file."""
    context = httpcore2.default_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def check_url(url: str) -> None:
    """Raise OutboundRefusedError for a URL that nobody would ever be asked for; whether one may be asked is seen when it is."""
    _target(url)


def _vouched_for(target: _Target, addresses: list[str]) -> list[str]:
    """Return the addresses where an operator's own server may stand. Raises OutboundRefusedError."""
    if not addresses or not all(map(is_machine, addresses)):
        raise OutboundRefusedError(_UNREACHABLE, reason="address_not_a_servers")
    if target.scheme != "https" and not all(map(is_loopback, addresses)):
        raise OutboundRefusedError("It must be https: plain http is for loopback alone.", reason="plain_http")
    return addresses


def _target(url: str, *, is_vouched_for: bool = False) -> _Target:
    """Read a URL by the one grammar that has one reading; whatever two parsers could take differently is refused."""
    found = _URL.fullmatch(url) if len(url) <= MOST_URL_CHARACTERS else None
    if found is None or _UNSAFE_IN_TARGET.search(found["target"] or ""):
        raise OutboundRefusedError(
            "It must be a plain https URL in ASCII, without user, fragment, spaces or backslashes.", reason="url_form"
        )
    host, port = found["host"].lower().strip("[]"), int(found["port"] or (443 if found["scheme"] == "https" else 80))
    if port > 65535 or not (
        _is_canonical(host) if found["host"].startswith("[") else _is_host(host, is_vouched_for=is_vouched_for)
    ):
        raise OutboundRefusedError("Its host must be a full domain name, without a trailing dot.", reason="url_host")
    path = found["target"] or "/"
    return _Target(scheme=found["scheme"], host=host, port=port, path=path if path.startswith("/") else "/" + path)


def _is_host(host: str, *, is_vouched_for: bool) -> bool:
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Four plain numbers are an address; octal, hexadecimal and short spellings are read differently by everybody.
        return _is_canonical(host)
    if host == "localhost":
        return True
    is_name = len(host) <= 253 and all(map(_LABEL.fullmatch, labels))
    return is_name and (is_vouched_for or (len(labels) >= 2 and not host.endswith(_OUR_OWN)))


def _is_canonical(host: str) -> bool:
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


def _is_literal(host: str) -> bool:
    """Whether this is no name that somebody can own."""
    return host == "localhost" or _is_canonical(host)


async def _status(response: httpcore2.Response) -> int:
    return response.status


async def _glance(response: httpcore2.Response, most_bytes: int) -> Fetched:
    """Take the beginning of an answer; a stream may have none, and no end."""
    headers = {name: _header(response, name) for name in ("content-type", "www-authenticate", "location")}
    body = bytearray()
    if not headers["content-type"].lower().startswith("text/event-stream"):
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) >= most_bytes:
                break
    return Fetched(status=response.status, headers=headers, body=bytes(body[:most_bytes]))


def _header(response: httpcore2.Response, name: str) -> str:
    found = [value.decode("latin-1") for known, value in response.headers if known.decode("latin-1").lower() == name]
    return ", ".join(found)


async def _read(response: httpcore2.Response, most_bytes: int, *, conditional: bool) -> Fetched:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if response.status == 304 and conditional:
        return Fetched(status=304, headers=headers, body=b"")
    if response.status != 200:
        raise OutboundFailedError(
            f"The server answered HTTP {response.status} instead of 200; redirects are not followed.",
            reason=f"status_{response.status}",
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise OutboundFailedError("The server answered compressed although not asked to.", reason="content_encoding")
    too_large = OutboundFailedError(f"It is larger than {most_bytes} bytes.", reason="too_large")
    if headers.get("content-length", "").isdigit() and int(headers["content-length"][:12]) > most_bytes:
        raise too_large
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > most_bytes:
            raise too_large
    return Fetched(status=200, headers=headers, body=bytes(body))


_UNREACHABLE: Final = "Its host could not be reached at a public address."


def _unreachable(reason: str) -> OutboundFailedError:
    return OutboundFailedError(_UNREACHABLE, reason=reason)


def _busy(reason: str) -> OutboundBusyError:
    return OutboundBusyError("This server has asked that host often enough for now; try again later.", reason=reason)
