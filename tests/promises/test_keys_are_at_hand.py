"""
Keys are there when a token needs them: an issuer that fails, lies, dawdles or rotates, on a real socket.

The cache's own clock is set by hand; only what must be waited for (a slow answer, a caller that hangs up) takes real time.
"""

import asyncio
import json
import ssl
import threading
from contextlib import asynccontextmanager

import httpx2
import pytest

from resource_lib.identity.access_token import InvalidToken, Reason
from resource_lib.identity.issuer_documents import metadata_url
from resource_lib.identity.jwks_cache import JWKSCache, KeysUnavailableError
from resource_lib.testing import TestIssuer

METADATA = "/.well-known/oauth-authorization-server"
KEYS = "/jwks.json"
TLS = ssl.create_default_context()
"""One for all: reading the authorities takes longer than any test here."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Site:
    """An issuer behind a real socket, whose answers can be replaced path by path."""

    def __init__(self, issuer: TestIssuer) -> None:
        self.issuer = issuer
        self.asked: list[str] = []
        self.answers: dict[str, bytes] = {}
        self.hold: asyncio.Event | None = None
        self.asking = asyncio.Event()
        self.caches: list[JWKSCache] = []

    def answer(self, path: str) -> bytes:
        if path in self.answers:
            return self.answers[path]
        documents = {METADATA: self.issuer.metadata, KEYS: self.issuer.jwks}
        if path not in documents:
            return http(b"{}", status="404 Not Found")
        return http(json.dumps(documents[path]).encode(), f"Cache-Control: public, max-age={self.issuer.max_age}")

    async def serve(self, reader, writer):
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split(b" ")[1].decode()
            self.asked.append(path)
            self.asking.set()
            if self.hold is not None:
                await self.hold.wait()
            writer.write(self.answer(path))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def down(self, status="500 Internal Server Error", body=b"{}"):
        self.answers = {path: http(body, status=status) for path in (METADATA, KEYS)}

    def up(self):
        self.answers = {}


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def site(**settings):
    place = Site(TestIssuer(**settings))
    server = await asyncio.start_server(place.serve, "127.0.0.1", 0)
    place.issuer.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield place
    finally:
        if place.hold is not None:
            place.hold.set()
        for keys in place.caches:
            await settled(keys)
        server.close()
        await server.wait_closed()


def cache(place, clock, **settings):
    keys = JWKSCache(issuer=place.issuer.issuer, clock=clock, jitter=lambda: 0.5, tls=TLS, **settings)
    place.caches.append(keys)
    return keys


async def settled(keys):
    """Let a refresh that runs by itself come to its end."""
    while keys._tasks:
        await asyncio.gather(*keys._tasks)


async def reason(validator, token):
    with pytest.raises(InvalidToken) as caught:
        await validator.verify(token)
    return caught.value.reason


# -- discovery ---------------------------------------------------------------------------------------------------------

discovery = pytest.mark.requirement("keys:discovery:through-the-issuers-own-metadata")


@discovery
@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/t/acme", "https://a.example/.well-known/oauth-authorization-server/t/acme"),
        ("https://a.example:8443/t/acme", "https://a.example:8443/.well-known/oauth-authorization-server/t/acme"),
    ],
)
def test_the_well_known_part_goes_between_host_and_path(issuer, url):
    """RFC 8414 §3.1."""
    assert url == metadata_url(issuer)


@discovery
async def test_keys_are_found_and_kept():
    """RFC 8414 §3, RFC 7517 §5."""
    async with site() as place:
        validator = place.issuer.validator(keys=cache(place, Clock()))

        for _ in range(3):
            await validator.verify(place.issuer.token())

        assert [METADATA, KEYS] == place.asked


@discovery
@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"slash": True},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"jwks_uri": "http://keys.example/keys"},
        {"jwks_uri": "ftp://127.0.0.1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "/jwks.json"},
        {"jwks_uri": "https://user:secret@keys.example/keys"},
        {"jwks_uri": "https://keys.example/keys#one"},
        {"jwks_uri": "https://"},
        {"jwks_uri": "https://[/"},
    ],
    ids=str,
)
async def test_metadata_that_is_not_the_issuers_own_is_refused(change):
    """RFC 8414 §3.3: the issuer is compared byte for byte. The key set is on https, or on loopback for a loopback issuer."""
    async with site() as place:
        if "slash" in change:
            change = {"issuer": place.issuer.issuer + "/"}
        place.answers[METADATA] = http(json.dumps(place.issuer.metadata | change).encode())
        validator = place.issuer.validator(keys=cache(place, Clock()))

        with pytest.raises(KeysUnavailableError):
            await validator.verify(place.issuer.token())

        assert [METADATA] == place.asked


@discovery
@pytest.mark.parametrize("path", [METADATA, KEYS])
async def test_a_redirect_is_not_followed(path):
    """SF-04: the issuer named the place; nobody else moves it."""
    async with site() as place:
        place.answers[path] = http(b"", f"Location: {place.issuer.issuer}/elsewhere", status="302 Found")

        with pytest.raises(KeysUnavailableError):
            await place.issuer.validator(keys=cache(place, Clock())).verify(place.issuer.token())

        assert "/elsewhere" not in place.asked


@discovery
@pytest.mark.parametrize(
    "issuer",
    ["http://auth.example", "http://10.0.0.1", "ftp://a.example", "https://a.example?x=1", "https://a.example#x",
     "https://u@a.example", "a.example", "", "http://localhost.evil.example"],
)  # fmt: skip
def test_an_issuer_that_is_neither_https_nor_loopback_stops_the_start(issuer):
    """Decision 6."""
    with pytest.raises(ValueError, match="issuer"):
        JWKSCache(issuer=issuer)


@discovery
@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost:9000", "https://a.example/t"]
)
def test_an_issuer_on_https_or_loopback_is_taken(issuer):
    """The control of the test above."""
    JWKSCache(issuer=issuer)


# -- one fetch ---------------------------------------------------------------------------------------------------------

one_fetch = pytest.mark.requirement("keys:fetch:one-at-a-time")


@one_fetch
async def test_a_hundred_callers_share_one_fetch():
    """CVE-2026-48524 and its kind: a crowd at start is one request."""
    async with site() as place:
        validator = place.issuer.validator(keys=cache(place, Clock()), remember=0)

        found = await asyncio.gather(*(validator.verify(place.issuer.token()) for _ in range(100)))

        assert 100 == len(found)
        assert [METADATA, KEYS] == place.asked


@one_fetch
async def test_a_caller_who_hangs_up_does_not_take_the_fetch_along():
    """Ours: the fetch is nobody's request."""
    async with site() as place:
        place.hold = asyncio.Event()
        validator = place.issuer.validator(keys=cache(place, Clock()))
        first = asyncio.create_task(validator.verify(place.issuer.token()))
        await place.asking.wait()
        second = asyncio.create_task(validator.verify(place.issuer.token()))
        await asyncio.sleep(0)

        first.cancel()
        await asyncio.wait([first])
        place.hold.set()
        await second

        assert first.cancelled()
        assert [METADATA, KEYS] == place.asked


@one_fetch
async def test_two_event_loops_share_one_fetch():
    """Ours: a server that runs a loop per thread may share one guard."""
    async with site() as place:
        place.hold = asyncio.Event()
        validator = place.issuer.validator(keys=cache(place, Clock()))
        here = asyncio.create_task(validator.verify(place.issuer.token()))
        await place.asking.wait()
        found = []
        started = threading.Event()

        async def elsewhere():
            started.set()
            found.append(await validator.verify(place.issuer.token()))

        thread = threading.Thread(target=asyncio.run, args=(elsewhere(),))
        thread.start()
        await asyncio.to_thread(started.wait)
        place.hold.set()
        await here
        await asyncio.to_thread(thread.join)

        assert 1 == len(found)
        assert [METADATA, KEYS] == place.asked


# -- outage ------------------------------------------------------------------------------------------------------------

outage = pytest.mark.requirement("keys:outage:last-good-set-stays")

FAILURES = {
    "500": lambda place: place.down(),
    "404": lambda place: place.down("404 Not Found"),
    "an error page with status 200": lambda place: place.down("200 OK", b"<html><h1>Maintenance</h1></html>"),
    "an empty body": lambda place: place.down("200 OK", b""),
    "an empty set": lambda place: place.answers.update({KEYS: http(b'{"keys":[]}')}),
    "no set": lambda place: place.answers.update({KEYS: http(b'{"error":"x"}')}),
    "a list": lambda place: place.answers.update({KEYS: http(b"[]")}),
    "a set of unusable keys": lambda place: place.answers.update({KEYS: http(b'{"keys":[{"kty":"oct","k":"AA","kid":"x"}]}')}),
    "a duplicate member": lambda place: place.answers.update({KEYS: http(b'{"keys":[],' + json.dumps(place.issuer.jwks).encode()[1:])}),
    "more than 100 keys": lambda place: place.answers.update({KEYS: http(json.dumps({"keys": place.issuer.jwks["keys"] * 101}).encode())}),
    "half a megabyte": lambda place: place.answers.update({KEYS: http(b'{"keys":[]' + b" " * 524_288 + b"}")}),
    "a packed answer": lambda place: place.answers.update({KEYS: http(b"\x1f\x8b", "Content-Encoding: gzip")}),
    "a cut connection": lambda place: place.answers.update({KEYS: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"}),
    "no HTTP": lambda place: place.answers.update({KEYS: b"SSH-2.0\r\n"}),
}  # fmt: skip


@outage
@pytest.mark.parametrize("failure", FAILURES)
async def test_a_failing_issuer_leaves_the_last_good_set_in_force(failure):
    """JK-06, RFC 5861 §4."""
    async with site() as place:
        clock = Clock()
        keys = cache(place, clock, max_stale=3600)
        validator = place.issuer.validator(keys=keys, remember=0)
        await validator.verify(place.issuer.token())
        FAILURES[failure](place)

        for _ in range(59):
            clock.advance(60)
            await validator.verify(place.issuer.token())
            await settled(keys)

        clock.advance(60)
        with pytest.raises(KeysUnavailableError):
            await validator.verify(place.issuer.token())


FAILURES_AT_START = FAILURES | {
    "metadata that is gone": lambda place: place.answers.update({METADATA: http(b"{}", status="404 Not Found")}),
    "metadata of 64 KB": lambda place: place.answers.update({METADATA: http(b" " * 65_537)}),
    "metadata that is a page": lambda place: place.answers.update({METADATA: http(b"<html>")}),
}


@outage
@pytest.mark.parametrize("failure", FAILURES_AT_START)
async def test_without_any_set_everything_is_refused_until_the_issuer_is_back(failure):
    """JK-06: fail closed, with an error that is not about the token, and heal without a restart."""
    async with site() as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock))
        FAILURES_AT_START[failure](place)

        with pytest.raises(KeysUnavailableError) as caught:
            await validator.verify(place.issuer.token())
        assert 1 <= caught.value.retry_after_s <= 30
        place.up()
        clock.advance(caught.value.retry_after_s)

        assert await validator.verify(place.issuer.token())


@outage
async def test_nobody_listening_is_an_outage_too():
    """JK-06."""
    async with site() as place:
        issuer = place.issuer

    with pytest.raises(KeysUnavailableError):
        await issuer.validator(keys=JWKSCache(issuer=issuer.issuer)).verify(issuer.token())


@outage
async def test_a_slow_issuer_costs_one_timeout_and_then_nobody_waits():
    """JK-06: the whole refresh has one limit, and those who come during the pause after it are answered at once."""
    async with site() as place:
        place.hold = asyncio.Event()
        validator = place.issuer.validator(keys=cache(place, Clock(), timeout=0.05))

        for _ in range(20):
            with pytest.raises(KeysUnavailableError):
                await validator.verify(place.issuer.token())

        assert 1 == len(place.asked)


@outage
async def test_a_failing_issuer_is_left_alone_between_tries():
    """Ours: an outage is not made worse; the pauses grow to half a minute."""
    async with site() as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock))
        place.down()

        for _ in range(600):
            clock.advance(1)
            with pytest.raises(KeysUnavailableError):
                await validator.verify(place.issuer.token())

        assert 20 <= len(place.asked) <= 40


@outage
async def test_a_remembered_verdict_does_not_outlive_the_keys():
    """Ours: with the set too old to be used, the cache of verdicts is no way around it."""
    async with site() as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock, max_stale=400), remember_seconds=10**6)
        token = place.issuer.token()
        await validator.verify(token)
        place.down()
        clock.advance(401)

        with pytest.raises(KeysUnavailableError):
            await validator.verify(token)


@outage
async def test_after_a_quiet_time_the_set_is_read_again_before_it_is_used():
    """JK-02: a key that was removed while nobody called does not get one more call."""
    async with site(max_age=300) as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock))
        token = place.issuer.token()
        await validator.verify(token)
        stolen = place.issuer.kid
        place.issuer.rotate()
        place.issuer.remove(stolen)
        clock.advance(301)

        assert Reason.UNKNOWN_KEY == await reason(validator, token)


# -- unknown kids --------------------------------------------------------------------------------------------------------

flood = pytest.mark.requirement("keys:unknown:flood-is-bounded")


def stranger(issuer, kid):
    return issuer.forge(header=issuer.header() | {"kid": kid})


@flood
async def test_a_flood_of_unknown_kids_causes_few_fetches_and_evicts_nothing():
    """CVE-2026-48524, RS-04: five at once, then one in five seconds; good tokens notice nothing."""
    async with site() as place:
        clock = Clock()
        keys = cache(place, clock)
        validator = place.issuer.validator(keys=keys)
        await validator.verify(place.issuer.token())
        place.asked.clear()

        for number in range(3000):
            clock.advance(0.01)
            assert Reason.UNKNOWN_KEY == await reason(validator, stranger(place.issuer, f"x{number}"))
            if number % 100 == 0:
                await validator.verify(place.issuer.token())

        assert 5 <= len(place.asked) <= 5 + 30 / 5 + 1
        assert 1000 >= len(keys._unknown)


@flood
async def test_one_unknown_kid_again_and_again_uses_up_no_allowance():
    """Ours: a client with one retired token does not keep others from a new key."""
    async with site() as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock))
        await validator.verify(place.issuer.token())
        for _ in range(500):
            assert Reason.UNKNOWN_KEY == await reason(validator, stranger(place.issuer, "retired"))

        place.issuer.rotate()

        assert await validator.verify(place.issuer.token())
        assert 4 == len(place.asked)


@flood
async def test_strangers_tokens_cause_no_fetch():
    """Ours: another issuer's token is not worth a question to ours; nor is a token of the wrong shape."""
    async with site() as place:
        validator = place.issuer.validator(keys=cache(place, Clock()))

        assert Reason.ISSUER == await reason(validator, TestIssuer().token())
        assert Reason.TYPE == await reason(validator, place.issuer.forge(header=place.issuer.header() | {"typ": "JWT"}))

        assert [] == place.asked


@flood
async def test_a_thousand_callers_with_unknown_kids_at_once_share_fetches():
    """RS-04: concurrency does not get around the bound."""
    async with site() as place:
        validator = place.issuer.validator(keys=cache(place, Clock()))
        await validator.verify(place.issuer.token())
        place.asked.clear()

        refused = await asyncio.gather(
            *(reason(validator, stranger(place.issuer, f"x{number}")) for number in range(1000))
        )

        assert {Reason.UNKNOWN_KEY} == set(refused)
        assert 1 <= len(place.asked) <= 5


# -- rotation ----------------------------------------------------------------------------------------------------------

rotation = pytest.mark.requirement("keys:rotation:no-call-fails")


@rotation
async def test_the_next_set_is_read_before_the_last_one_is_old():
    """JK-02, RFC 9111 §4.2: and nobody waits for it."""
    async with site(max_age=300) as place:
        clock = Clock()
        keys = cache(place, clock)
        validator = place.issuer.validator(keys=keys)
        await validator.verify(place.issuer.token())
        place.issuer.publish()

        clock.advance(200)
        await validator.verify(place.issuer.token())
        await settled(keys)
        place.issuer.rotate()
        place.asked.clear()
        await validator.verify(place.issuer.token())

        assert [] == place.asked


@rotation
async def test_ten_rotations_under_load_fail_no_call():
    """JK-03: keys are published for one max-age before they sign, and stay for as long after; real sockets, eight callers."""
    async with site(max_age=60) as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock), remember=100)
        is_over, calls = False, 0

        async def caller():
            nonlocal calls
            while not is_over:
                await validator.verify(place.issuer.token())
                calls += 1
                await asyncio.sleep(0)

        async def some_calls():
            enough = calls + 40
            while calls < enough:
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(caller())
            used = {place.issuer.kid}
            for _ in range(10):
                old = place.issuer.kid
                place.issuer.publish()
                for _ in range(4):
                    clock.advance(20)
                    await some_calls()
                used.add(place.issuer.rotate())
                await some_calls()
                place.issuer.remove(old)
            is_over = True

        assert 11 == len(used)
        assert calls >= 10 * 5 * 40
        assert place.asked.count(KEYS) <= 1 + 10 * 4


@rotation
async def test_a_key_that_signs_at_once_fails_no_call():
    """JK-03, the emergency: nobody was told before; the first unknown kid makes us look."""
    async with site() as place:
        clock = Clock()
        validator = place.issuer.validator(keys=cache(place, clock), remember=0)

        for _ in range(10):
            place.issuer.rotate()
            await asyncio.gather(*(validator.verify(place.issuer.token()) for _ in range(20)))
            clock.advance(5)


@rotation
async def test_a_fetch_that_began_before_the_key_was_published_is_not_the_last_word():
    """Ours: a caller with a new key that joins an older fetch asks once more."""
    async with site(max_age=300) as place:
        clock = Clock()
        keys = cache(place, clock)
        validator = place.issuer.validator(keys=keys)
        await validator.verify(place.issuer.token())
        old_set = http(json.dumps(place.issuer.jwks).encode())
        clock.advance(200)
        place.hold = asyncio.Event()
        place.asking.clear()
        await validator.verify(place.issuer.token())
        await place.asking.wait()

        place.answers[KEYS] = old_set
        place.issuer.rotate()
        clock.advance(0.1)
        newcomer = asyncio.create_task(validator.verify(place.issuer.token()))
        await asyncio.sleep(0)
        place.hold.set()
        await settled(keys)
        place.up()

        assert await newcomer


# -- life --------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("keys:outage:last-good-set-stays")
@pytest.mark.parametrize(
    ("headers", "life"),
    [
        ({}, 300),
        ({"cache-control": "max-age=120"}, 120),
        ({"cache-control": "public, max-age=120, must-revalidate"}, 120),
        ({"cache-control": "s-maxage=9, max-age=120"}, 120),
        ({"cache-control": "max-age=120", "age": "100"}, 20),
        ({"cache-control": "max-age=120", "age": "1000"}, 5),
        ({"cache-control": "max-age=0"}, 5),
        ({"cache-control": "no-store"}, 5),
        ({"cache-control": "no-cache, max-age=120"}, 5),
        ({"cache-control": "max-age=31536000"}, 3600),
        ({"cache-control": "max-age=-1"}, 300),
        ({"cache-control": "max-age=" + "9" * 5000}, 3600),
        ({"cache-control": "max-age=x"}, 300),
    ],
    ids=str,
)
def test_how_long_a_set_is_fresh(headers, life):
    """RFC 9111 §4.2.1, bounded on both sides: five seconds to an hour."""
    assert life == JWKSCache(issuer="https://a.example")._life(httpx2.Headers(headers))
