"""
An internet of our own on loopback: names that resolve as a test says, addresses that lead to real TLS servers or nowhere.

The server under test resolves and dials through it, so that a test sees every question to the resolver and every connection,
and nothing leaves the machine.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore2
import trustme

from authserver.runtime.outbound import Outbound

PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "2606:2800:220:1:248:1893:25c8:1946"


@dataclass(kw_only=True)
class Answer:
    """What a site says: as HTTP, or as raw bytes in the pieces given, with a wait before each piece."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: Sequence[bytes] | None = None
    hangs: bool = False
    """Say what there is to say, then nothing for ever."""

    def pieces(self) -> Sequence[bytes]:
        if self.raw is not None:
            return self.raw
        given = {"content-type": "application/json", "content-length": str(len(self.body)), **self.headers}
        head = f"HTTP/1.1 {self.status} x\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return [head.encode() + b"\r\n" + self.body]


Site = Callable[[str, dict[str, str]], Answer | Awaitable[Answer]]
"""Given the path and the headers, answers."""


@dataclass(kw_only=True)
class Listener:
    """A real server on loopback that counts who connected and what they asked."""

    port: int
    connections: int = 0
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    posted: list["Posted"] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One request with a body; `headers` have lower-case names and values as they were sent."""

    path: str
    headers: dict[str, str]
    body: bytes


class Internet(httpcore2.AsyncNetworkBackend):
    """The resolver and the wires. `names` maps a host to its answers, a list of lists: one per question, the last for ever."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.routes: dict[str, int] = {}
        """Public address to the loopback port that plays it; other addresses are dialled as they are."""
        self.asked: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.authority = trustme.CA()
        self._open = contextlib.AsyncExitStack()

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if not answers:
            raise OSError("no such host")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        port = self.routes.get(host, port)
        wires = httpcore2.AnyIOBackend()
        return await wires.connect_tcp("127.0.0.1" if host in self.routes else host, port, timeout)

    def outbound(self, folder: Path, **changed: Any) -> Outbound:
        """Return a way out into this internet, which believes its authority."""
        ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(ca_file))
        return Outbound(ca_file=ca_file, resolve=self.resolve, dial=self, **changed)

    async def serve(
        self,
        site: Site,
        *,
        name: str = "",
        address: str = "",
        certificate: trustme.LeafCert | None = None,
        tls: bool = True,
    ) -> Listener:
        """Start a server on loopback; with `name` and `address` it is found there, with a certificate for `name`."""
        context: ssl.SSLContext | None = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            (certificate or self.authority.issue_cert(name or "localhost", "127.0.0.1")).configure_cert(context)
        listener = Listener(port=0)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listener.connections += 1
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                path = head[0].split(" ")[1]
                listener.requests.append((path, headers))
                if head[0].startswith("POST "):
                    as_sent = dict(line.split(": ", 1) for line in head[1:] if line)
                    listener.posted.append(
                        Posted(
                            path=path,
                            headers={name.lower(): value for name, value in as_sent.items()},
                            body=await reader.readexactly(int(headers["content-length"])),
                        )
                    )
                answer = site(path, headers)
                if not isinstance(answer, Answer):
                    answer = await answer
                for piece in answer.pieces():
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if answer.hangs:
                    await reader.read()
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

        server = await asyncio.start_server(
            talk, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=0.1 if tls else None
        )
        listener.port = server.sockets[0].getsockname()[1]
        self._open.callback(server.close)
        if name:
            self.names.setdefault(name, [[address or PUBLIC]])
            self.routes[address or PUBLIC] = listener.port
        return listener

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Internet"]:
        async with self._open:
            yield self
