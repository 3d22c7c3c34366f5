"""
Serves the application: one process per core on one shared port, bounded in what a connection may take.

Each worker has its own listening socket with SO_REUSEPORT, so that the kernel spreads connections (a shared socket leaves
most of them to one worker). A connection that does not finish its request in time, or sends endless headers, is closed.
Control C60: loopback unless told otherwise, and then a declared mode.
"""

import asyncio
import gc
import ipaddress
import multiprocessing
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_REQUEST_S = 20
_KEEP_ALIVE_S = 30
_DRAIN_S = 10
_SLOW_READER_S = 20
_MOST_HEADER_BYTES = 64 * 1024
_MOST_CONNECTIONS = 4096


class ExposureError(Exception):
    """The server would be reachable from outside without a declared protection. The message names the setting and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Where to listen. `tls` makes the context in each worker."""

    host: str
    port: int
    tls: Callable[[], ssl.SSLContext] | None = None


def check_exposure(host: str, exposure: str, *, has_tls: bool, has_client_ca: bool, has_proxies: bool) -> str | None:
    """Return a standing warning, or None. Raises ExposureError for an address that its declared mode does not protect."""
    if is_loopback(host):
        return None
    cure = (
        f"AUTHSERVER_HOST: {host} is not loopback. Declare AUTHSERVER_EXPOSURE as client-certificates (with "
        "AUTHSERVER_TLS_CERTIFICATE, _KEY and _CLIENT_CA), trusted-proxy (with AUTHSERVER_TRUSTED_PROXIES), or "
        "public-bearer (with AUTHSERVER_TLS_CERTIFICATE and _KEY)."
    )
    if exposure == "client-certificates" and has_tls and has_client_ca:
        return None
    if exposure == "trusted-proxy" and has_proxies:
        return None
    if exposure == "public-bearer" and has_tls:
        return "public-bearer: whoever steals a token can use it from anywhere until it ends"
    if exposure == "sender-constrained":
        raise ExposureError("AUTHSERVER_EXPOSURE: sender-constrained tokens are not part of this version. " + cure)
    raise ExposureError(cure)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Gathered:
    """A transport that sends in one write what is written in one turn of the event loop.

    uvicorn writes an answer's head and its body apart. Each write is a system call that runs the reader's side of a
    loopback connection too, and half of the time that a small answer costs.
    """

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send `data`, after what was written before it, before this turn of the loop is over."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._parts:
            parts, self._parts = self._parts, []
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Send what was gathered, then close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's."""
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for each request and a limit on its headers (slowloris, header bombs)."""

    _deadline: asyncio.TimerHandle | None = None
    _patience: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True
    _ended = False
    _tls: dict[object, object] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its deadline."""
        super().connection_made(Gathered(transport, self.loop))  # type: ignore[arg-type]
        self._tls = tls_extension(transport.get_extra_info("ssl_object"))
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._forget_deadline()
        self._forget_patience()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for a reader who does not read, but not for ever: what it was to get, and what made it, are held meanwhile."""
        super().pause_writing()
        self._forget_patience()
        self._patience = self.loop.call_later(_SLOW_READER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with a reader who reads again."""
        self._forget_patience()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Count what arrives of a head that is not complete yet: the parser would gather it without end."""
        self._ended = False
        super().data_received(data)
        # Where a request ended in these bytes, they were mostly its body; what follows of the next head is counted from then on.
        if self._in_head and not self._ended and self.parser is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEADER_BYTES:
                self.send_400_response("Request header fields too large.")

    def on_message_begin(self) -> None:
        """A request begins: it must be complete in time."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._tls is not None:
            self.scope["extensions"] = {"tls": self._tls}
        self._expect_request()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._forget_deadline()
        self._in_head, self._head_bytes, self._ended = True, 0, True
        super().on_message_complete()

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _expect_request(self) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(_REQUEST_S, self.timeout_keep_alive_handler)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def tls_extension(connection: ssl.SSLObject | None) -> dict[object, object] | None:
    """Return what the ASGI TLS extension says of a connection: its version, and the client's verified certificate."""
    if connection is None:
        return None
    certificate = connection.getpeercert(binary_form=True)
    name = None
    if certificate:
        from cryptography import x509  # noqa: PLC0415 - only where clients have certificates

        name = x509.load_der_x509_certificate(certificate).subject.rfc4514_string()
    return {
        "server_cert": None,
        "client_cert_chain": [ssl.DER_cert_to_PEM_cert(certificate)] if certificate else [],
        "client_cert_name": name,
        "client_cert_error": None,
        "tls_version": 0x0304,
        "cipher_suite": None,
    }


class Server(uvicorn.Server):
    """uvicorn's server; told to stop, it answers what it has accepted and the process ends with 0."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop when told; at once when told again from the keyboard."""
        # uvicorn would raise the signal again in the end, and a calm stop would look like a death to a supervisor.
        del frame
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the collector that what is there now lives for ever."""
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of whoever only waits, where the application knows how (`drain`), then answer the rest."""
        drain = getattr(self.config.app, "drain", None)
        if drain is not None:
            drain()
        await super().shutdown(sockets)


def _config(app: Any, listener: Listener) -> uvicorn.Config:
    tls = listener.tls
    return uvicorn.Config(
        app,
        loop="uvloop" if os.name == "posix" else "asyncio",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        limit_concurrency=_MOST_CONNECTIONS,
        ssl_context_factory=(lambda _config, _default: tls()) if tls is not None else None,
    )


def bound_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket bound to the address, which `shared` others of ours may bind too. Raises OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.set_inheritable(True)
    return bound


def run_one(make_app: Callable[[], Any], listener: Listener, *, shared: bool = False) -> None:
    """Serve in this process until SIGTERM or SIGINT; requests that were accepted are answered first.

    `shared`: other workers listen on the same port. Raises OSError when a stranger has it.
    """
    if shared:
        threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    server = Server(_config(make_app(), listener))
    server.run(sockets=[bound_socket(listener.host, listener.port, shared=shared)])
    if not server.started:
        raise SystemExit(3)


def _end_with_parent() -> None:
    """A worker whose parent was killed would hold the port for ever: it stops as if it had been told to."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def run_many(make_app: Callable[[], Any], listener: Listener, *, workers: int) -> None:
    """Serve with several processes; one that dies is started again. SIGTERM ends them all within the drain time."""
    # A second server started by mistake would share the port too, and take half of the connections: ask alone first.
    alone = bound_socket(listener.host, listener.port)
    port = alone.getsockname()[1]
    alone.close()
    # Held open so that the port stays ours; it never listens, so it gets no connection.
    reserved = bound_socket(listener.host, port, shared=True)
    listener = Listener(host=listener.host, port=port, tls=listener.tls)
    context = multiprocessing.get_context("spawn")
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)

    def start() -> "BaseProcess":
        process = context.Process(target=run_one, args=(make_app, listener), kwargs={"shared": True}, daemon=False)
        process.start()
        return process

    running = [start() for _ in range(workers)]
    restarts: list[float] = []
    while not stopping:
        time.sleep(0.2)
        for place, process in enumerate(running):
            if process.is_alive() or stopping:
                continue
            now = time.monotonic()
            restarts = [*(moment for moment in restarts if now - moment < 60), now]
            if len(restarts) > 5 * workers:
                stopping = True
                break
            running[place] = start()
    failed = len(restarts) > 5 * workers
    for process in running:
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _DRAIN_S + 2
    for process in running:
        process.join(max(0.1, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
    reserved.close()
    if failed:
        raise SystemExit(1)
