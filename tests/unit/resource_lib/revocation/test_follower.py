"""The follower: what renews the lease and what only adds, what is not believed, and how servers keep out of each other's way."""

import asyncio
import json
import os
import random

import httpx2
import pytest

from resource_lib.revocation.follower import EVERY_S
from resource_lib.testing import TestIssuer
from resource_lib.testing.issuer import TENANT, base64url
from tests.support.hearing import Following


@pytest.fixture
async def it():
    made = Following()
    yield made
    await made.follower.aclose()


# -- what is fresh


@pytest.mark.requirement("follow:lease:as-of-before-the-question")
async def test_what_is_known_is_as_old_as_the_question_and_as_what_the_issuer_had_read(it):
    """Decision 14: `t0 - age_ms`; an answer that took long is that much older."""
    it.took_s, it.feed.age_ms = 1.5, 250

    assert 1.75 == await it.ask()


@pytest.mark.requirement("follow:lease:a-stream-renews-nothing")
async def test_a_stream_applies_at_once_and_renews_nothing(it):
    """Decision 14: a delayed stream is not fresh."""
    await it.ask()
    it.now += 4
    n = it.feed.announce("user", sub="usr_a")

    await it.stream(it.feed.batch(0))

    assert 4.001 == pytest.approx(it.lease.age)
    assert [n] == [event.n for event in it.news]
    assert it.feed.cursor(n) == it.follower.cursor


@pytest.mark.requirement("follow:feed:pages")
async def test_a_beginning_is_fresh_only_when_all_of_it_was_heard(it):
    """`more` true: further events wait, and any of them may end what is asked about."""
    for number in range(25):
        it.feed.announce("authorization", authorization_id=f"aut_{number}")
    it.feed.page = 10

    await it.ask()

    assert ["", "feed0.10", "feed0.20"] == [asked.get("after", "") for asked in it.feed.asked]
    assert 25 == len(it.state)
    assert it.lease.is_fresh
    it.feed.page = 1000
    it.feed.announce("user", sub="usr_a")
    it.instead = lambda asked: it.feed.signed(it.feed.batch(25, nonce=asked["nonce"], more=True))
    it.now += 3
    await it.ask()
    assert it.lease.age >= 3


@pytest.mark.requirement("follow:feed:acknowledged")
async def test_what_is_applied_is_acknowledged_at_once_and_again_with_the_next_question(it):
    """The contract: `POST /rs/feed/ack`, and `after` of a short question says the same."""
    await it.ask()
    n = it.feed.announce("user", sub="usr_a")
    await it.stream(it.feed.batch(0))
    while len(it.feed.acknowledged) < 2:
        await asyncio.sleep(0)
    await it.ask()

    said = it.feed.acknowledged[-1]
    assert (it.follower.instance, it.feed.cursor(n), 5000) == (
        said["instance"],
        said["cursor"],
        said["max_staleness_ms"],
    )
    assert it.feed.cursor(n) == it.feed.asked[-1]["after"]


@pytest.mark.requirement("follow:feed:holes")
async def test_a_stream_with_a_hole_applies_what_it_has_and_asks_for_the_rest(it):
    """Nothing is acknowledged that was not heard."""
    await it.ask()
    it.feed.announce("user", sub="usr_a")
    second = it.feed.announce("user", sub="usr_b")

    await it.stream(it.feed.batch(1))

    assert [second] == [event.n for event in it.news]
    assert "feed0.0" == it.follower.cursor
    await it.ask()
    assert [second, 1] == [event.n for event in it.news]
    assert it.feed.cursor(second) == it.follower.cursor


@pytest.mark.requirement("follow:feed:holes")
async def test_an_answer_that_does_not_begin_where_the_last_one_ended_is_begun_anew(it):
    """The contract: a wrong `prev`, and the follower takes everything from the beginning."""
    it.feed.announce("tenant")
    await it.ask()
    it.feed.announce("user", sub="usr_a")
    it.now += 1
    it.instead = lambda asked: it.feed.signed(it.feed.batch(0, nonce=asked["nonce"]))
    await it.ask()
    stale = it.lease.age
    it.instead = None

    await it.ask()

    assert stale >= 1
    assert "after" not in it.feed.asked[-1]
    assert 0.001 == pytest.approx(it.lease.age)


# -- what is not believed


@pytest.mark.requirement("follow:feed:another-list-is-not-believed")
@pytest.mark.parametrize(
    "how",
    [
        lambda it, asked: it.feed.signed(it.feed.batch(3, nonce=asked["nonce"], cursor="feed0.2", events=[])),
        lambda it, asked: it.feed.signed(it.feed.batch(None, nonce=asked["nonce"], cursor="feed0.2", events=[])),
        lambda it, asked: it.feed.signed(it.feed.batch(None, nonce=asked["nonce"], feed="feed1", cursor="feed1.9")),
        lambda it, asked: it.feed.signed(it.feed.batch(3, nonce=asked["nonce"], feed="feed1")),
        lambda it, asked: httpx2.Response(409, stream=httpx2.ByteStream(b'{"error":"feed_backwards"}')),
    ],
    ids=["backwards", "a shorter beginning", "another list", "another list that goes on", "it says so itself"],
)
async def test_a_list_that_goes_backwards_or_is_another_one_is_not_believed_until_the_next_start(it, how, caplog):
    """Decision 14: what is known stays in force, nothing is fresh, and operators hear of it loudly."""
    for number in range(3):
        it.feed.announce("user", sub=f"usr_{number}")
    await it.ask()

    it.instead = lambda asked: how(it, asked)
    await it.ask()
    it.instead = None
    await it.ask()

    assert it.follower.refusal
    assert not it.lease.is_fresh
    assert it.lease.age > it.lease.read_staleness
    assert 3 == len(it.state)
    assert ["feed.refused"] == [record.event for record in caplog.records if record.levelname == "CRITICAL"][:1]


@pytest.mark.requirement("follow:feed:changed-hearing")
async def test_a_list_under_another_name_that_is_the_same_one_is_begun_anew(it):
    """A server that is heard for another tenant gets another cursor: the whole state again, and nothing is lost."""
    it.feed.announce("tool", "kill", resource=it.issuer.resource, tool="pay")
    it.feed.announce("user", sub="usr_a")
    await it.ask()
    it.feed.heard_as = "feed0renamed"

    await it.ask()

    assert ("", "feed0renamed.2") == (it.follower.refusal, it.follower.cursor)
    assert it.lease.is_fresh


def _access_token(it, payload):
    return it.issuer.forge(payload=payload)


def _unsigned(it, payload):
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "feed+jwt"}, payload)]
    return ".".join(base64url(part) for part in parts) + "."


def _unsigned_with_kid(it, payload):
    header = {"alg": "none", "typ": "feed+jwt", "kid": it.issuer.kid}
    return ".".join([base64url(json.dumps(header).encode()), base64url(json.dumps(payload).encode()), ""])


def _hmac(it, payload):
    return it.feed.signed(payload, alg="HS256")


def _another_issuers(it, payload):
    other = TestIssuer()
    other.kid, other._keys = it.issuer.kid, {it.issuer.kid: other._keys[other.kid]}
    return other.forge(header=other.header() | {"typ": "feed+jwt"}, payload=payload)


NASTY = {
    "an access token as a feed": _access_token,
    "no type": lambda it, said: it.issuer.forge(header={"alg": "ES256", "kid": it.issuer.kid}, payload=said),
    "alg none": _unsigned,
    "alg none with a kid": _unsigned_with_kid,
    "an HMAC": _hmac,
    "another issuer's key": _another_issuers,
    "said to another resource": lambda it, said: it.feed.signed(said | {"aud": "https://other.example/mcp"}),
    "said to two": lambda it, said: it.feed.signed(said | {"aud": [it.issuer.resource, "https://other.example"]}),
    "said to another client": lambda it, said: it.feed.signed(said | {"sub": "cli_other"}),
    "another issuer": lambda it, said: it.feed.signed(said | {"iss": "https://evil.example"}),
    "an old answer": lambda it, said: it.feed.signed(said | {"nonce": "of-another-question"}),
    "no nonce": lambda it, said: it.feed.signed({name: value for name, value in said.items() if name != "nonce"}),
    "a negative age": lambda it, said: it.feed.signed(said | {"age_ms": -5000}),
    "an age that is a float": lambda it, said: it.feed.signed(said | {"age_ms": 0.5}),
    "a kind of tomorrow": lambda it, said: it.feed.signed(
        said | {"events": [{"n": 1, "kind": "planet", "act": "end", "tenant": "*"}]}
    ),
    "an act of tomorrow": lambda it, said: it.feed.signed(
        said | {"events": [{"n": 1, "kind": "everything", "act": "melt", "tenant": "*"}]}
    ),
    "a cursor without a number": lambda it, said: it.feed.signed(said | {"cursor": "feed0"}),
    "a cursor of half a number": lambda it, said: it.feed.signed(said | {"cursor": "feed0.1e3"}),
    "a member twice": lambda it, said: it.issuer.forge(
        header=it.issuer.header() | {"typ": "feed+jwt"}, payload=json.dumps(said).encode()[:-1] + b',"age_ms":1}'
    ),
    "cut off": lambda it, said: it.feed.signed(said)[:-40],
    "nothing": lambda it, said: b"",
    "gigantic": lambda it, said: b"x" * (5 * 1024 * 1024),
    "gzip": lambda it, said: httpx2.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(it.feed.signed(said).encode())
    ),
    "a redirect": lambda it, said: httpx2.Response(
        302, headers={"location": "https://evil.example/rs/feed"}, stream=httpx2.ByteStream(b"")
    ),
    "a 500": lambda it, said: httpx2.Response(500, stream=httpx2.ByteStream(it.feed.signed(said).encode())),
    "a 401": lambda it, said: httpx2.Response(401, stream=httpx2.ByteStream(b"{}")),
    "a 404": lambda it, said: httpx2.Response(404, stream=httpx2.ByteStream(it.feed.signed(said).encode())),
    "a 409 of another kind": lambda it, said: httpx2.Response(409, stream=httpx2.ByteStream(b'{"error":"busy"}')),
}


@pytest.mark.requirement("follow:feed:nothing-else-is-believed")
@pytest.mark.parametrize("what", NASTY)
async def test_whatever_is_not_the_answer_to_this_question_teaches_nothing_and_renews_nothing(it, what):
    """RFC 8725 §3.1, §3.9, §3.11; the next honest answer is believed again."""
    it.instead = lambda asked: NASTY[what](
        it, it.feed.batch(None, nonce=asked["nonce"]) | {"events": [], "reset": {"kills": []}}
    )
    await it.ask()
    learned = (len(it.state), it.follower.cursor, it.lease.age, it.follower.refusal)
    it.instead = None

    await it.ask()

    assert (0, None, None, "") == learned
    assert it.lease.is_fresh
    assert not any(request.url.host == "evil.example" for request in it.requests)


@pytest.mark.requirement("follow:feed:a-stream-takes-nothing-back")
async def test_an_old_beginning_that_is_played_again_revives_nothing_and_is_no_place_to_go_on_from(it):
    """Whoever stands between has heard it before the stop: what is known is newer, each thing by its number."""
    tool = {"resource": it.issuer.resource, "tool": "pay"}
    it.feed.announce("tool", "kill", **tool)
    it.feed.announce("tool", "revive", **tool)
    old = it.feed.batch(None)
    it.feed.announce("tool", "kill", **tool)
    await it.ask()

    await it.stream(old)

    assert it.state.is_killed(TENANT, "pay")
    assert "feed0.3" == it.follower.cursor


@pytest.mark.requirement("follow:feed:a-stream-takes-nothing-back")
async def test_an_old_revival_that_is_played_again_revives_nothing(it):
    """Each event has a number, and the latest one counts."""
    tool = {"resource": it.issuer.resource, "tool": "pay"}
    it.feed.announce("tool", "kill", **tool)
    it.feed.announce("tool", "revive", **tool)
    old = it.feed.batch(0)
    it.feed.announce("tool", "kill", **tool)
    await it.ask()

    await it.stream(old)

    assert it.state.is_killed(TENANT, "pay")


@pytest.mark.requirement("follow:feed:a-stream-takes-nothing-back")
async def test_a_beginning_that_comes_late_by_a_stream_revives_nothing_that_is_known(it):
    """It was said when this server was not heard for the tenant, so what is stopped there is not in it: it can only add."""
    it.feed.announce("tool", "kill", resource=it.issuer.resource, tool="pay")
    it.feed.announce("policy", "changed", resource=it.issuer.resource)
    late = it.feed.batch(None, tenants=["ten_other"], reset={"kills": []}, events=[])
    await it.ask()

    await it.stream(late)

    assert it.state.is_killed(TENANT, "pay")
    assert it.state.knows(TENANT)


@pytest.mark.requirement("follow:feed:a-late-answer-takes-nothing-back")
async def test_the_answer_to_an_older_question_says_nothing_of_whom_this_server_is_heard_for(it):
    """Two beginnings cross on the wire: the later question is the truth, whichever answer comes last."""
    it.feed.announce("tool", "kill", resource=it.issuer.resource, tool="pay")
    crossing = asyncio.Event()
    honest = it._answer

    async def hanging(request):
        answer = await honest(request)
        if not crossing.is_set() and request.method == "GET":
            await crossing.wait()
        return answer

    it.feed.tenants = [TENANT, "ten_before"]
    it.instead = lambda asked: it.feed.signed(it.feed.batch(None, nonce=asked["nonce"], events=[], reset={"kills": []}))
    it.follower._channel.transport.handler = hanging
    older = asyncio.create_task(it.follower._asked())
    while not it.requests:
        await asyncio.sleep(0)
    it.now, it.instead, it.feed.tenants = it.now + 1, None, [TENANT]
    it.follower._channel.transport.handler = honest

    await it.ask()
    crossing.set()
    await older

    assert frozenset({TENANT}) == it.state.tenants
    assert it.state.is_killed(TENANT, "pay")
    assert 0.001 == pytest.approx(it.lease.age)


@pytest.mark.requirement("follow:feed:nothing-else-is-believed")
async def test_what_a_killed_key_has_signed_counts_no_more_while_the_key_set_still_holds_it(it):
    """The issuer's keys cannot be had anew for a while: whoever stole the key can sign a list, too."""
    await it.ask()
    it.feed.announce("key", "kill", tenant="*", kid=it.issuer.header()["kid"])
    await it.ask()
    age = it.lease.age
    it.now += 3
    it.feed.announce("user", sub="usr_a")

    await it.ask()

    assert it.state.is_killed_key(it.issuer.header()["kid"])
    assert age + 3 == pytest.approx(it.lease.age)
    assert ["key"] == [event.kind for event in it.news]


@pytest.mark.requirement("follow:feed:survives-a-rotation")
async def test_a_rotated_key_is_found_and_the_list_goes_on(it):
    """The keys are the guard's own, asked for anew when a batch names another."""
    await it.ask()
    it.issuer.rotate()
    it.now += 1

    await it.ask()

    assert 0.001 == pytest.approx(it.lease.age)


# -- how it asks


@pytest.mark.requirement("follow:feed:not-all-at-once")
async def test_a_question_comes_at_least_every_two_seconds_and_at_most_every_one():
    """Decision 14, with jitter."""
    pauses, drawn = [], random.Random(7)

    async def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) > 200:
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    it = Following(sleep=sleep, uniform=drawn.uniform)
    keeping = asyncio.create_task(_asking(it))
    while len(pauses) <= 200:
        await asyncio.sleep(0)
    keeping.cancel()
    await it.follower.aclose()

    assert all(EVERY_S / 2 <= pause < EVERY_S for pause in pauses)
    assert 100 < len({round(pause, 4) for pause in pauses})


async def _asking(it):
    it.follower._soon[asyncio.get_running_loop()] = asyncio.Event()
    await it.follower._keep_asking()


@pytest.mark.requirement("follow:feed:not-all-at-once")
async def test_fifty_servers_whose_stream_ends_in_one_moment_do_not_come_back_in_one():
    """A restart of the issuer ends each stream at once: at most a few may knock within the same tenth of a second."""
    drawn = random.Random(11)
    first_pauses = []

    class Ended(Exception):
        pass

    async def sleep(seconds):
        first_pauses.append(seconds)
        raise Ended

    for _ in range(50):
        it = Following(sleep=sleep, uniform=drawn.uniform)
        await it.ask()
        with pytest.raises(Ended):
            await it.follower._keep_listening()
        await it.follower.aclose()

    tenths = [int(pause * 10) for pause in first_pauses]
    assert 50 == len(first_pauses)
    assert 10 > max(tenths.count(tenth) for tenth in set(tenths))


@pytest.mark.requirement("follow:feed:not-all-at-once")
async def test_a_storm_of_reconnections_backs_off():
    """An issuer that ends every stream at once is left alone for longer and longer, never for more than ten seconds."""
    longest = []

    class Enough(Exception):
        pass

    async def sleep(seconds):
        if len(longest) >= 12:
            raise Enough
        await asyncio.sleep(0)

    def uniform(_, most):
        longest.append(most)
        return 0.0

    it = Following(sleep=sleep, uniform=uniform)
    await it.ask()
    longest.clear()
    with pytest.raises(Enough):
        await it.follower._keep_listening()
    await it.follower.aclose()

    assert sorted(longest) == longest
    assert (3.0, 10.0) == (longest[0], longest[-1])


@pytest.mark.requirement("follow:feed:a-start-waits-a-moment")
async def test_the_first_callers_wait_for_the_first_answer_and_share_it(it):
    """Never heard is not fresh: a start waits a moment, as for operators' demands."""
    await asyncio.gather(*(it.follower.hear(TENANT) for _ in range(10)))

    assert it.lease.is_fresh
    assert 1 == len(it.feed.asked)


@pytest.mark.requirement("follow:feed:a-start-waits-a-moment")
async def test_a_question_that_hangs_delays_no_other(it):
    """An answer that never comes costs its own age and no more."""
    gate = asyncio.Event()
    honest = it._answer

    async def hanging(request):
        if request.method == "GET" and len(it.requests) == 1:
            it.requests.append(request)
            await gate.wait()
        return await honest(request)

    await it.ask()
    it.follower._channel.transport.handler = hanging
    hangs = asyncio.create_task(it.follower._asked())
    await asyncio.sleep(0)
    it.now += 3

    await it.ask()

    assert 0.001 == pytest.approx(it.lease.age)
    hangs.cancel()
    await asyncio.gather(hangs, return_exceptions=True)


def test_the_instance_names_one_start():
    """A random name for each process."""
    assert Following().follower.instance != Following().follower.instance


@pytest.mark.requirement("follow:feed:a-fork-speaks-for-itself")
def test_a_fork_has_a_name_of_its_own():
    """A guard made before the workers were forked: one that has applied a stop says nothing of the others."""
    follower = Following().follower
    name, (reading, writing) = follower.instance, os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, follower.instance.encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert name == follower.instance
    assert os.read(reading, 100).decode() not in ("", name)
    os.close(reading)
    os.close(writing)
