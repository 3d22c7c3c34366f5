"""RFC 7591 §2 `jwks_uri`: a client publishes its keys itself, and we follow them through rotation and failure."""

import asyncio
import json

import pytest

from tests.spec.test_rfc7523_client_assertion import is_refused, present
from tests.support import assertions
from tests.support.clock import HandClock
from tests.support.internet import Answer, Internet
from tests.support.server import Server, settings_for

pytestmark = pytest.mark.one_database

URL = "https://keys.example/jwks.json"


class Publisher:
    """The client's own server: it says what the test sets, and counts who asked."""

    def __init__(self):
        self.keys = [assertions.new_key("first")]
        self.answer = {}
        self.body = None
        self.gate = None
        self.listener = None

    async def __call__(self, path, headers):
        if self.gate is not None:
            await self.gate.wait()
        body = self.body if self.body is not None else assertions.key_set(*self.keys).encode()
        return Answer(**{"body": body, **self.answer})

    @property
    def asked(self):
        return len(self.listener.requests)


@pytest.fixture
async def publisher():
    return Publisher()


@pytest.fixture
async def server(place_and_world, templates, publisher, tmp_path):
    place, world = place_and_world
    async with Internet().running() as internet:
        publisher.listener = await internet.serve(publisher, name="keys.example")
        running = Server(
            settings=settings_for(templates.kek, place.url),
            clock=HandClock(),
            world=world,
            place=place,
            outbound=internet.outbound(tmp_path),
        )
        await running.start()
        yield running
        await running.stop()


async def machine(server, key, uri=URL):
    made = await server.operator.add_key_client("t1", None, jwks_uri=uri)
    return server.client("K", client_id=made.id, key=key)


@pytest.mark.requirement("client-assertion:jwks-uri:is-followed")
async def test_a_client_proves_itself_by_a_key_that_it_publishes(server, publisher):
    """Asked once, not once per request; somebody else's key is refused without asking again."""
    app = await machine(server, publisher.keys[0])

    answers = [await present(app, app.assertion()) for _ in range(5)]
    forged = server.client("K", client_id=app.app.client_id, key=assertions.new_key("first"))

    assert all(answer.ok for answer in answers), answers[0].body
    assert is_refused(await present(forged, forged.assertion()))
    assert 1 == publisher.asked


@pytest.mark.requirement("client-assertion:jwks-uri:is-followed")
async def test_a_new_key_is_found_when_it_is_first_used(server, publisher):
    """RFC 7517 §4.5: an unknown kid makes us ask; the key that is gone is believed no more."""
    app = await machine(server, publisher.keys[0])
    assert (await present(app, app.assertion())).ok
    old, new = publisher.keys[0], assertions.new_key("second")
    later = server.client("K", client_id=app.app.client_id, key=new)

    publisher.keys = [old, new]
    server.clock.advance(31)
    both = (await present(later, later.assertion())).ok, (await present(app, app.assertion())).ok
    publisher.keys = [new]
    server.clock.advance(301)
    gone = await present(app, app.assertion())

    assert (True, True) == both
    assert is_refused(gone)
    assert (await present(later, later.assertion())).ok


@pytest.mark.requirement("client-assertion:jwks-uri:is-followed")
async def test_many_at_once_ask_once(server, publisher):
    """A cold start under load is one fetch."""
    app = await machine(server, publisher.keys[0])
    publisher.gate = asyncio.Event()
    waiting = [asyncio.ensure_future(present(app, app.assertion())) for _ in range(20)]
    while not publisher.asked:
        await asyncio.sleep(0)

    publisher.gate.set()
    answers = await asyncio.gather(*waiting)

    assert all(answer.ok for answer in answers)
    assert 1 == publisher.asked


@pytest.mark.requirement("client-assertion:jwks-uri:is-followed")
@pytest.mark.parametrize(
    "broken",
    [
        {"status": 500}, {"status": 302, "headers": {"location": "https://keys.example/other"}}, {"body": b"not JSON"},
        {"body": b'{"keys": []}'}, {"headers": {"content-type": "text/html"}}, {"body": b"[" * 70_000},
    ],
    ids=str,
)  # fmt: skip
async def test_an_owner_that_fails_leaves_the_last_keys_in_force_for_an_hour(server, publisher, broken):
    """RFC 5861 §4: and not for ever, or whoever keeps it down keeps a withdrawn key alive."""
    app = await machine(server, publisher.keys[0])
    assert (await present(app, app.assertion())).ok
    publisher.answer = broken

    server.clock.advance(3599)
    meanwhile = await present(app, app.assertion())
    server.clock.advance(1)
    too_late = await present(app, app.assertion())
    publisher.answer = {}
    server.clock.advance(300)

    assert meanwhile.ok
    assert is_refused(too_late)
    assert (await present(app, app.assertion())).ok


@pytest.mark.requirement("client-assertion:jwks-uri:is-followed")
@pytest.mark.parametrize(
    "uri", ["https://nobody.example/jwks", "https://127.0.0.1/jwks", "http://127.0.0.1:9000/jwks.json"]
)
async def test_no_keys_mean_no(server, publisher, uri):
    """Fail closed: what cannot be fetched, or may not be asked, proves nobody."""
    app = await machine(server, publisher.keys[0], uri=uri)

    assert is_refused(await present(app, app.assertion()))


@pytest.mark.requirement("client-assertion:jwks-uri:strangers-cause-little")
async def test_invented_key_names_make_us_ask_twice_a_minute(server, publisher):
    """CVE-2026-48524: and nobody loses the keys that we have."""
    app = await machine(server, publisher.keys[0])
    assert (await present(app, app.assertion())).ok

    for number in range(200):
        stranger = server.client("K", client_id=app.app.client_id, key=assertions.new_key(f"invented{number}"))
        stranger.server = server.client("P", address=f"203.0.113.{number}").server
        assert is_refused(await present(stranger, stranger.assertion()))
        server.clock.advance(0.3)

    assert publisher.asked <= 4
    assert (await present(app, app.assertion())).ok


@pytest.mark.requirement("client-assertion:keys:are-checked-strictly")
async def test_of_a_published_set_each_key_stands_or_falls_alone(server, publisher):
    """SF-07: a shared secret, a private key and a doubled name beside a good key."""
    app = await machine(server, publisher.keys[0])
    good, other = assertions.public(publisher.keys[0]), assertions.public(assertions.new_key("double"))
    bad = [{"kty": "oct", "k": "AAAA", "kid": "s"}, assertions.new_key("private"), other, {**good, "kid": "double"}]
    publisher.body = json.dumps({"keys": [*bad, good]}).encode()

    assert (await present(app, app.assertion())).ok
    doubled = server.client("K", client_id=app.app.client_id, key={**publisher.keys[0], "kid": "double"})
    assert is_refused(await present(doubled, doubled.assertion()))
