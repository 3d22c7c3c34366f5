"""
The way out of a tool: known hosts alone, at public addresses alone.

    HOSTS = Hosts("api.example.com", ".files.example.com")
    async with HOSTS.client() as client:
        answer = await client.get(url)

C29; CWE-918. A host is allowed by its whole name, or by a suffix that begins with a dot. The name is resolved once, every address must be
public unicast (no loopback, private or link-local one, nor where clouds keep their credentials), and the connection goes to one that was
checked: a resolver that changes its mind is not asked again. TLS is verified for the name. A redirect is another request and passes the
same checks. Proxies of the environment are not used.
"""

import asyncio
import re
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import ip_address
from typing import Any, Final

import httpx2

from resource_lib.safe.errors import UnsafeError
from resource_lib.wire.addresses import is_machine, is_public

TIMEOUT_S: Final = 10.0
RESOLVE_S: Final = 5.0
_ADDRESSES_TRIED: Final = 3
_MOST_KEPT: Final = 64
_NAME: Final = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_ALL_DIGITS: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")

_OPTIONS: Final = frozenset(
    {
        "auth",
        "base_url",
        "cookies",
        "default_encoding",
        "event_hooks",
        "follow_redirects",
        "headers",
        "max_redirects",
        "params",
        "timeout",
    }
)
"""What a client may be told. Whatever else it knows (`proxy`, `mounts`, `transport`, `verify`, …) says how or where requests travel."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host. Raises OSError when there are none."""


class RefusedHostError(UnsafeError, httpx2.RequestError):
    """The host may not be asked, or its name leads where nobody may be asked; nothing was sent."""

    def __init__(self, message: str, *, request: httpx2.Request | None = None) -> None:
        httpx2.RequestError.__init__(self, message, request=request)


class Hosts:
    """
    Which hosts may be asked. `ports` besides those of the scheme; `plain_http` for http; `private` for hosts in a network of one's own.

    `resolve` replaces the machine's resolver, and `connect` makes what carries requests to an address. Raises ValueError for a host
    that is no name: an address belongs on no list.
    """

    def __init__(
        self,
        *hosts: str,
        ports: Collection[int] = (443,),
        plain_http: bool = False,
        private: bool = False,
        resolve: Resolver | None = None,
        connect: Callable[[], httpx2.AsyncBaseTransport] | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        for host in hosts:
            if not _NAME.fullmatch(host.removeprefix(".")) or _ALL_DIGITS.fullmatch(host):
                raise ValueError(f"{host!r} is no host name in lower case, nor a suffix such as .example.com")
            if host.startswith(".") and "." not in host[1:]:
                raise ValueError(f"{host!r} would allow a whole top-level domain")
        if not hosts:
            raise ValueError("name at least one host")
        self._exact = frozenset(host for host in hosts if not host.startswith("."))
        self._suffixes = tuple(host for host in hosts if host.startswith("."))
        self._ports = frozenset(ports) | ({80} if plain_http and 443 in ports else set())
        self._schemes = frozenset({"https", "http"} if plain_http else {"https"})
        self._is_allowed: Callable[[str], bool] = is_machine if private else is_public
        self._resolve = resolve or _ask_machine
        self._connect = connect or (lambda: httpx2.AsyncHTTPTransport(verify=verify, trust_env=False))

    def check(self, url: str) -> str:
        """Return the host of a URL that may be asked, as far as its text says. Raises RefusedHostError."""
        try:
            parsed = httpx2.URL(url)
        except (httpx2.InvalidURL, TypeError, ValueError):
            raise RefusedHostError("It is no URL.") from None
        return self._host_of(parsed)

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return what carries the requests of an httpx2 client to these hosts alone."""
        return _Checked(self)

    def client(self, **options: Any) -> httpx2.AsyncClient:
        """Return a client that asks these hosts alone, follows no redirect unless told to, and knows no proxy.

        `options` are those of httpx2.AsyncClient that do not say which way requests go. Raises TypeError for the others.
        """
        if foreign := sorted(options.keys() - _OPTIONS):
            raise TypeError(
                f"{foreign[0]}= would send requests past the list of hosts: say Hosts(connect=…) or Hosts(verify=…) for how they travel, "
                f"and give a client {', '.join(sorted(_OPTIONS))}"
            )
        given = {"timeout": TIMEOUT_S, "follow_redirects": False, **options}
        return httpx2.AsyncClient(**given, transport=self.transport(), trust_env=False)

    def _host_of(self, url: httpx2.URL) -> str:
        host = url.raw_host.decode("ascii", "replace").lower()
        if url.scheme not in self._schemes or url.userinfo:
            raise RefusedHostError("It must be an https URL without a user.")
        if (url.port or {"https": 443, "http": 80}[url.scheme]) not in self._ports:
            raise RefusedHostError("That port may not be asked.")
        if not _NAME.fullmatch(host) or _ALL_DIGITS.fullmatch(host):
            raise RefusedHostError("A host is asked by its name.")
        if host not in self._exact and not host.endswith(self._suffixes or ("\0",)):
            raise RefusedHostError("That host may not be asked.")
        return host

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = list(dict.fromkeys(await self._resolve(host, port)))
        except OSError:  # TimeoutError too
            raise RefusedHostError("That host could not be reached.") from None
        # One bad answer among good ones is enough: nobody chooses which of them is dialled.
        if not found or not all(map(self._is_allowed, found)):
            raise RefusedHostError("That host could not be reached.")
        return found[:_ADDRESSES_TRIED]


class _Checked(httpx2.AsyncBaseTransport):
    """Carries each request to an address that was checked, in the name of its host."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        # One for each name: a connection that proved to be one host is never used for another at the same address.
        self._kept: OrderedDict[tuple[str, int], httpx2.AsyncBaseTransport] = OrderedDict()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises RefusedHostError before anything is sent."""
        try:
            host = self._hosts._host_of(request.url)  # noqa: SLF001 - one module
            port = request.url.port or {"https": 443, "http": 80}[request.url.scheme]
            addresses = await self._hosts._addresses(host, port)  # noqa: SLF001
        except RefusedHostError as error:
            error.request = request
            raise
        authority = host if request.url.port is None else f"{host}:{port}"
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
        carrier = await self._carrier(host, port)
        failed: httpx2.ConnectError | httpx2.ConnectTimeout | None = None
        for address in addresses:
            literal = f"[{address}]" if ip_address(address).version == 6 else address
            sent = httpx2.Request(
                request.method,
                request.url.copy_with(host=literal),
                headers=[(b"Host", authority.encode("ascii")), *headers],
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await carrier.handle_async_request(sent)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    async def aclose(self) -> None:
        """Close what is open."""
        while self._kept:
            await self._kept.popitem()[1].aclose()

    async def _carrier(self, host: str, port: int) -> httpx2.AsyncBaseTransport:
        carrier = self._kept.get((host, port))
        if carrier is None:
            carrier = self._kept[host, port] = self._hosts._connect()  # noqa: SLF001
        self._kept.move_to_end((host, port))
        while len(self._kept) > _MOST_KEPT:
            await self._kept.popitem(last=False)[1].aclose()
        return carrier


async def _ask_machine(host: str, port: int) -> Sequence[str]:
    answers = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )
    return [str(answer[4][0]) for answer in answers]
