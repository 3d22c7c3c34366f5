"""Operators' demands are followed: asked for when needed, kept when the issuer is silent, and never guessed."""

import asyncio
import json

import httpx2
import pytest

from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.backchannel.overlay import EVERY_S, Overlay

ISSUER = "https://issuer.test"
DENIED = {"ten_a": {"refund": {"mode": "deny"}}, "ten_b": {}}


class Issuer:
    """An issuer that says what a test tells it to; None: it is down. Time passes when the test says so."""

    def __init__(self, said=None):
        self.said = said
        self.raw = None
        self.asked = []
        self.now = 1000.0
        self.pauses = []
        self.taken = []
        self.gate = None
        self._wake = asyncio.Event()
        credential = Credential(client_id="cli_x", secret="cs_canary")
        channel = Channel(issuer=ISSUER, credential=credential, transport=httpx2.MockTransport(self._answer))
        self.overlay = Overlay(channel, self._take, sleep=self._pause, clock=lambda: self.now)

    def _take(self, overlays, version):
        self.taken.append((version, overlays))

    async def _pause(self, seconds):
        self.pauses.append(seconds)
        await self._wake.wait()
        self._wake.clear()
        self.now += seconds

    async def heard_of(self, tenant):
        """Whether a tenant is known once it has been asked about; None: nothing is known at all."""
        await self.overlay.hear_of(tenant)
        return None if self.overlay.age is None else self.overlay.knows(tenant)

    async def next_question(self):
        """Let the pause be over and the question be answered."""
        while not self.pauses:
            await asyncio.sleep(0)
        before = len(self.pauses)
        self._wake.set()
        while len(self.pauses) == before:
            await asyncio.sleep(0)

    async def _answer(self, request):
        self.asked.append(request.headers.get("if-none-match"))
        if self.gate is not None:
            await self.gate.wait()
        if self.said is None and self.raw is None:
            return httpx2.Response(503, headers={"retry-after": "7"}, stream=httpx2.ByteStream(b""))
        body = (
            self.raw if self.raw is not None else json.dumps({"version": str(self.said), "tenants": self.said}).encode()
        )
        tag = f'"{hash(body)}"'
        if request.headers.get("if-none-match") == tag:
            return httpx2.Response(304, headers={"etag": tag}, stream=httpx2.ByteStream(b""))
        return httpx2.Response(200, headers={"etag": tag}, stream=httpx2.ByteStream(body))


@pytest.fixture
async def issuer():
    made = Issuer(DENIED)
    yield made
    await made.overlay.aclose()


@pytest.mark.requirement("opt-in:guard:follows-what-operators-demand")
async def test_it_is_asked_for_at_the_first_need_and_then_every_two_seconds_at_most(issuer):
    """Decision 18: the first caller waits for it; after that nobody does, and an unchanged one costs nothing."""
    heard = [await issuer.heard_of(tenant) for tenant in ("ten_a", "ten_b")]
    for _ in range(20):
        await issuer.next_question()

    ((_, overlays),) = issuer.taken
    assert [True, True] == heard
    assert "deny" == overlays["ten_a"]["refund"].mode
    assert (21, 21) == (len(issuer.asked), len(issuer.pauses))
    assert [None] == [tag for tag in issuer.asked if tag is None]
    assert all(0.7 * EVERY_S < pause <= EVERY_S for pause in issuer.pauses)
    assert 10 < len(set(issuer.pauses))


@pytest.mark.requirement("opt-in:guard:follows-what-operators-demand")
async def test_a_change_is_in_force_with_the_next_answer_and_swapped_whole(issuer):
    """Decision 18: without a deploy; nobody sees half of it."""
    await issuer.heard_of("ten_a")
    issuer.said = {"ten_a": {}, "ten_c": {"*": {"most": "read"}}}

    await issuer.next_question()

    assert 2 == len(issuer.taken)
    assert ({}, "read") == (issuer.taken[1][1]["ten_a"], issuer.taken[1][1]["ten_c"]["*"].most)
    assert [True, False, True] == [issuer.overlay.knows(tenant) for tenant in ("ten_a", "ten_b", "ten_c")]


@pytest.mark.requirement("opt-in:guard:never-told-decides-nothing")
async def test_an_issuer_that_never_answered_leaves_everything_undecided(issuer):
    """Fail closed: the caller hears when to come back, and the next one asks again."""
    issuer.said = None

    first = await issuer.heard_of("ten_a")
    at_once = [await issuer.heard_of("ten_a") for _ in range(50)]
    asked = len(issuer.asked)
    issuer.said = DENIED
    issuer.now += 1

    assert [None] * 51 == [first, *at_once]
    assert (1, 7, False) == (asked, issuer.overlay.retry_after_s, issuer.overlay.is_old)
    assert await issuer.heard_of("ten_a")


@pytest.mark.requirement("opt-in:guard:known-but-old-counts")
async def test_what_is_known_stays_in_force_while_the_issuer_is_silent_and_says_how_old_it_is(issuer):
    """Decision 18: an outage takes no tool away and gives none back."""
    await issuer.heard_of("ten_a")
    issuer.said = None
    issuer.now += 100

    await issuer.next_question()

    assert issuer.overlay.knows("ten_a")
    assert 1 == len(issuer.taken)
    assert 100 <= issuer.overlay.age
    assert issuer.overlay.is_old
    assert 7 == issuer.pauses[-1]


@pytest.mark.requirement("opt-in:guard:never-told-decides-nothing")
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b'{"version": "x"}', b'{"version": 1, "tenants": {}}', b'{"version": "x", "tenants": []}',
        b'{"version": "x", "tenants": {"ten_a": []}}', b'{"version": "x", "tenants": {"ten_a": {"refund": {"mode": "later"}}}}',
        b'{"version": "x", "tenants": {"ten_a": {}}, "tenants": {}}', b'{"version": "x", "tenants": {"ten_a": {"refund": {"new": 1}}}}',
    ],
)  # fmt: skip
async def test_what_is_not_understood_in_every_part_changes_nothing(issuer, raw):
    """A newer issuer may demand what this library does not know: half of it would be a guess."""
    fresh = Issuer()
    fresh.raw = raw
    await issuer.heard_of("ten_a")
    issuer.raw = raw

    await issuer.next_question()

    assert await fresh.heard_of("ten_b") is None
    assert 1 == len(issuer.taken)
    assert issuer.overlay.knows("ten_a")
    assert [] == fresh.taken
    await fresh.overlay.aclose()


@pytest.mark.requirement("opt-in:guard:a-tenant-that-is-not-named-has-no-tools")
async def test_a_tenant_that_was_just_linked_is_asked_about_at_once_and_not_by_every_call(issuer):
    """Decision 22: a stranger's token cannot make this server ask for each of its calls."""
    await issuer.heard_of("ten_a")
    asked = len(issuer.asked)
    unknown = [await issuer.heard_of("ten_z") for _ in range(50)]
    issuer.said = DENIED | {"ten_z": {}}
    issuer.now += 1

    linked = await issuer.heard_of("ten_z")

    assert {False} == set(unknown)
    assert linked
    assert 2 >= len(issuer.asked) - asked


@pytest.mark.requirement("opt-in:guard:follows-what-operators-demand")
async def test_many_callers_who_need_it_at_once_ask_once_and_one_who_leaves_takes_nothing_along(issuer):
    """Ours: a start under load, and callers who hang up."""
    issuer.gate = asyncio.Event()
    waiting = [asyncio.create_task(issuer.heard_of("ten_a")) for _ in range(50)]
    while not issuer.asked:
        await asyncio.sleep(0)
    waiting[0].cancel()
    issuer.gate.set()

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert isinstance(answers[0], asyncio.CancelledError)
    assert [True] * 49 == answers[1:]
    assert 1 == len(issuer.asked)


@pytest.mark.requirement("opt-in:guard:follows-what-operators-demand")
async def test_it_follows_once_in_each_event_loop_and_ends_with_it(issuer):
    """Ours: no task is left behind."""
    for _ in range(3):
        issuer.overlay.follow()
    await issuer.heard_of("ten_a")
    running = [task for task in asyncio.all_tasks() if task.get_name() == "overlay"]

    await issuer.overlay.aclose()
    await issuer.overlay.aclose()

    assert 1 == len(running)
    assert running[0].done()
    assert issuer.overlay.knows("ten_a")
