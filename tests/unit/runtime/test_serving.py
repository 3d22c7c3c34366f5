"""What a connection may take, what TLS is spoken, and how processes begin and end."""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

from authserver.runtime import serving
from resource_lib.wire import tls
from tests.unit.runtime.serving_app import app

ROOT = Path(__file__).resolve().parents[3]

MANY = """
import sys
from authserver.runtime.serving import Listener, run_many
from tests.unit.runtime.serving_app import MakeApp
run_many(MakeApp(), Listener(host="127.0.0.1", port=int(sys.argv[1])), workers=2)
"""


@contextlib.asynccontextmanager
async def served(application=app, *, context=None):
    """Serve in this loop; yield the port."""
    bound = serving.bound_socket("127.0.0.1", 0)
    listener = serving.Listener(host="127.0.0.1", port=0, tls=(lambda: context) if context else None)
    server = serving.Server(serving._config(application, listener))
    running = asyncio.ensure_future(server._serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        bound.close()


async def answer_to(port, *parts, pause=0.0):
    """Send the parts and return everything that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("serving:head:is-bounded")
@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 4_000_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100_000,
        b"GET /" + b"a" * 4_000_000,
    ],
    ids=["one header without end", "headers without end", "a path without end"],
)
async def test_a_head_without_end_is_cut_off(head):
    """A connection costs a bounded amount of memory before anybody knows who it is."""
    async with served() as port:
        answer = await asyncio.wait_for(answer_to(port, head), 60)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.requirement("serving:head:is-bounded")
@pytest.mark.parametrize("size", [30_000, 200_000])
async def test_requests_of_ordinary_size_follow_each_other_on_one_connection(size):
    """The bound is for each request's head, not for the connection, and not for a body that comes with it in one piece."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nX: ".encode()
    request = head + b"a" * 30_000 + b"\r\n\r\n" + b"b" * size
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(6):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(len(str(os.getpid())))
        writer.close()
        await writer.wait_closed()


@pytest.mark.requirement("feed:stream:a-slow-reader-costs-one-message")
async def test_a_reader_that_does_not_read_is_cut_off(monkeypatch):
    """What it was to get is held in memory; a stream that nobody reads would hold it for ever."""
    monkeypatch.setattr(serving, "_SLOW_READER_S", 0.2)
    ended = asyncio.Event()

    async def endless(scope, receive, send):
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        left = asyncio.ensure_future(until_left(receive))
        while not left.done():
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            await asyncio.sleep(0)
        ended.set()

    async def until_left(receive):
        while (await receive())["type"] != "http.disconnect":
            pass

    async with served(endless) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(ended.wait(), 60)
        writer.close()
        del reader


@pytest.mark.requirement("serving:request:is-complete-in-time")
@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"GET / HTTP/1.1\r\n", b"X: y\r\n", b"X: y\r\n", b"X: y\r\n", b"X: y\r\n"],
        [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b"a", b"a", b"a", b"a"],
    ],
    ids=["silence", "a slow head", "a slow body"],
)
async def test_a_request_that_does_not_arrive_in_time_is_cut_off(parts, monkeypatch):
    """Slowloris: connections are not held by sending little and slowly."""
    monkeypatch.setattr(serving, "_REQUEST_S", 0.2)
    async with served() as port:
        answer = await asyncio.wait_for(answer_to(port, *parts, pause=0.1), 60)

    assert b"200" not in answer


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = trustme.CA()
    server = made.issue_cert("localhost", "127.0.0.1")
    client = made.issue_cert("agent@example.com", common_name="agent-7")
    for name, blob in (("cert", server.cert_chain_pems[0]), ("key", server.private_key_pem), ("ca", made.cert_pem)):
        blob.write_to_path(folder / name)
    return made, client, folder


def client_context(authority, *, suites=None, newest=None, certificate=False):
    made, client, _ = authority
    context = ssl.create_default_context()
    made.configure_trust(context)
    if suites:
        if hasattr(context, "set_ciphersuites"):
            context.set_ciphersuites(suites)
        else:
            tls._ask_openssl(context, suites)
    if newest:
        context.minimum_version = context.maximum_version = newest
    if certificate:
        client.configure_cert(context)
    return context


def handshake(server_context, client_side):
    """Shake hands in memory; return the client's end."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_side.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(10):
        for end in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    with contextlib.suppress(ssl.SSLWantReadError):
        server.read(1)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.read(1)
    return client, server


def our_context(authority, **more):
    folder = authority[2]
    return tls.server_context(certificate=folder / "cert", key=folder / "key", **more)


@pytest.mark.requirement("serving:tls:two-suites-of-one-version")
@pytest.mark.parametrize("suite", ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_the_two_suites_are_spoken(authority, suite):
    """C61."""
    client, _ = handshake(our_context(authority), client_context(authority, suites=suite))

    assert (suite, "TLSv1.3") == client.cipher()[:2]


@pytest.mark.requirement("serving:tls:two-suites-of-one-version")
def test_another_suite_is_not_spoken(authority):
    """C61: a client that knows only AES-128 gets no connection, by a real handshake."""
    with pytest.raises(ssl.SSLError):
        handshake(our_context(authority), client_context(authority, suites="TLS_AES_128_GCM_SHA256"))

    ordinary = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ordinary.load_cert_chain(authority[2] / "cert", authority[2] / "key")
    client, _ = handshake(ordinary, client_context(authority, suites="TLS_AES_128_GCM_SHA256"))
    assert "TLS_AES_128_GCM_SHA256" == client.cipher()[0], "the client of this test does offer it"


@pytest.mark.requirement("serving:tls:two-suites-of-one-version")
def test_tls_1_2_is_not_spoken(authority):
    """C61."""
    with pytest.raises(ssl.SSLError):
        handshake(our_context(authority), client_context(authority, newest=ssl.TLSVersion.TLSv1_2))


@pytest.mark.requirement("serving:tls:two-suites-of-one-version")
def test_tls_that_cannot_be_restricted_is_refused(authority, monkeypatch):
    """Rather no start than a suite that nobody asked for."""
    monkeypatch.setattr(tls, "_ask_openssl", lambda *_: None)
    monkeypatch.setattr(ssl.SSLContext, "set_ciphersuites", lambda *_: None, raising=False)

    with pytest.raises(tls.TLSError, match="proxy"):
        our_context(authority)


@pytest.mark.requirement("serving:tls:client-certificates")
def test_a_client_certificate_is_demanded_where_that_is_the_mode(authority):
    """Decision 21: exposure `client-certificates`."""
    context = our_context(authority, client_ca=authority[2] / "ca", demand=True)

    with pytest.raises(ssl.SSLError):
        handshake(context, client_context(authority))
    _, server = handshake(context, client_context(authority, certificate=True))
    assert server.getpeercert()["subject"]

    stranger = trustme.CA().issue_cert("evil@example.com", common_name="evil")
    unknown = client_context(authority)
    stranger.configure_cert(unknown)
    with pytest.raises(ssl.SSLError):
        handshake(context, unknown)


@pytest.mark.requirement("serving:tls:client-certificates")
@pytest.mark.parametrize("certificate", [True, False])
async def test_the_application_learns_the_verified_certificate(authority, certificate):
    """The ASGI TLS extension; over plain HTTP and without a certificate nothing is claimed."""
    scopes = []

    async def remembering(scope, receive, send):
        if scope["type"] == "http":
            scopes.append(scope)
        await app(scope, receive, send)

    context = our_context(authority, client_ca=authority[2] / "ca")
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with served(remembering, context=context) as port:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(authority, certificate=certificate), server_hostname="localhost"
        )
        writer.write(request)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
    async with served(remembering) as port:
        await answer_to(port, request)

    extension = scopes[0]["extensions"]["tls"]
    assert 0x0304 == extension["tls_version"]
    if certificate:
        assert "CN=agent-7" in extension["client_cert_name"].split(",")
        (pem,) = extension["client_cert_chain"]
        assert authority[1].cert_chain_pems[0].bytes().decode().split() == pem.split()
    else:
        assert (None, []) == (extension["client_cert_name"], extension["client_cert_chain"])
    assert "extensions" not in scopes[1]


# --- exposure ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("serving:exposure:is-declared")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.10"])
def test_loopback_needs_no_mode(host):
    assert serving.check_exposure(host, "loopback", has_tls=False, has_client_ca=False, has_proxies=False) is None


@pytest.mark.requirement("serving:exposure:is-declared")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "auth.example.com", "127.0.0.1.example.com"])
@pytest.mark.parametrize(
    ("exposure", "protection"),
    [
        ("loopback", {"has_tls": True, "has_client_ca": True, "has_proxies": True}),
        ("client-certificates", {"has_tls": True, "has_client_ca": False, "has_proxies": True}),
        ("client-certificates", {"has_tls": False, "has_client_ca": True, "has_proxies": True}),
        ("trusted-proxy", {"has_tls": True, "has_client_ca": True, "has_proxies": False}),
        ("public-bearer", {"has_tls": False, "has_client_ca": True, "has_proxies": True}),
        ("sender-constrained", {"has_tls": True, "has_client_ca": True, "has_proxies": True}),
    ],
)
def test_any_other_address_needs_a_mode_that_protects_it(host, exposure, protection):
    """C60, C61, decision 21: never a silent 0.0.0.0; the refusal names the setting and the cure."""
    with pytest.raises(serving.ExposureError, match="AUTHSERVER_EXPOSURE"):
        serving.check_exposure(host, exposure, **protection)


@pytest.mark.requirement("serving:exposure:is-declared")
def test_a_declared_mode_is_accepted_and_public_bearer_warns():
    """Decision 21: `public-bearer` is a standing warning."""
    everything = {"has_tls": True, "has_client_ca": True, "has_proxies": True}

    assert serving.check_exposure("0.0.0.0", "client-certificates", **everything) is None
    assert serving.check_exposure("0.0.0.0", "trusted-proxy", **everything) is None
    assert "steals a token" in serving.check_exposure("0.0.0.0", "public-bearer", **everything)


# --- processes --------------------------------------------------------------------------------------------------------


def ask(port, path="/"):
    """Return the process id that answered on a new connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while received := connection.recv(4096):
            answer += received
    return int(answer.rpartition(b"\r\n\r\n")[2])


def wait_until(question, seconds=120):
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, ValueError):
            found = question()
            if found:
                return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def many():
    port = serving.bound_socket("127.0.0.1", 0)
    number = port.getsockname()[1]
    port.close()
    process = subprocess.Popen([sys.executable, "-c", MANY, str(number)], cwd=ROOT, stderr=subprocess.DEVNULL)
    yield number, process
    if process.poll() is None:
        process.kill()
        process.wait()
    with contextlib.suppress(OSError, ValueError):
        while True:  # workers that outlived their parent are this test's failure, not the next one's burden
            os.kill(ask(number), signal.SIGKILL)


def both(port):
    seen = {ask(port) for _ in range(40)}
    return seen if len(seen) == 2 else None


@pytest.mark.requirement("serving:processes:share-the-port")
@pytest.mark.slow
def test_workers_share_the_port_come_back_when_they_die_and_end_calmly(many):
    """Decision 20: one process per core with SO_REUSEPORT; SIGTERM answers what was accepted, then exit code 0."""
    port, process = many
    first = wait_until(lambda: both(port))

    os.kill(min(first), signal.SIGKILL)
    second = wait_until(lambda: (found := both(port)) and found != first and found)
    assert max(first) in second

    with socket.create_connection(("127.0.0.1", port)) as accepted:
        accepted.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(0.1)
        process.terminate()
        answer = accepted.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert 0 == process.wait(60)
    with pytest.raises(OSError, match="refused"):
        ask(port)


@pytest.mark.requirement("serving:processes:share-the-port")
@pytest.mark.slow
def test_workers_do_not_outlive_their_parent_and_a_second_server_is_refused(many):
    """An orphan would hold the port; a second server on it would answer half of the requests."""
    port, process = many
    wait_until(lambda: both(port))

    second = subprocess.run(
        [sys.executable, "-c", MANY, str(port)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert 0 != second.returncode
    assert "Address already in use" in second.stderr

    process.kill()
    process.wait()

    def nobody():
        try:
            ask(port)
        except ConnectionRefusedError:
            return True
        return False

    assert wait_until(nobody)
