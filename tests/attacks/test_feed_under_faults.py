"""Whoever stands between a server and its issuer: what is dropped, doubled, late, old, out of order or forged."""

import asyncio
import random

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib.identity.principal import Principal
from resource_lib.revocation.standing import Standings
from resource_lib.testing import TestIssuer
from resource_lib.testing.issuer import TENANT
from tests.support.hearing import Following

BOUND_S = 5.0
ISSUER, EVIL = TestIssuer(), TestIssuer()
TOOL = {"resource": ISSUER.resource, "tool": "add"}
WHAT = {
    "user": ("user", {"sub": "usr_a"}),
    "everything": ("everything", {"tenant": "*"}),
    "tool": ("tool", TOOL),
}

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([0.5, 2.0, 3.0])),
        st.tuples(st.sampled_from(["ask", "ask in vain", "ask and wait", "the answer comes", "log in"]), st.just(0)),
        st.tuples(
            st.sampled_from(["stream", "stream something old", "stream backwards", "stream forged"]), st.integers(0, 3)
        ),
        st.tuples(st.just("end"), st.sampled_from(["user", "everything"])),
        st.tuples(st.sampled_from(["kill", "revive"]), st.sampled_from(sorted(WHAT))),
    ),
    min_size=8,
    max_size=40,
)


def somebody(number):
    return Principal(
        tenant=TENANT,
        subject="usr_a",
        client_id="cli_a",
        scopes=frozenset(),
        authorization_id=f"aut_{number}",
        token_id=f"jti_{number}",
        issued_at=0,
        expires_at=2**33,
        control_number=number,
        key_id="kid",
    )


def _cut(_):
    raise httpx2.ReadError("cut")


class World:
    """A server, its issuer, and everything that happens between them, by the hand clock alone; and what is true."""

    def __init__(self):
        self.it = Following(issuer=ISSUER)
        self.standings = Standings(state=self.it.state, lease=self.it.lease, stop_file=None)
        self.streamed = []
        self.late = []
        self.people = [somebody(0)]
        self.ended = {}
        """When each of them ended, by number."""
        self.told = set()
        """Of whose end the server has heard."""
        self.stopped = {}
        """Since when what is killed is killed."""

    async def step(self, what, how):
        match what:
            case "wait":
                self.it.now += how
            case "log in":
                if not self.stopped.keys() & {"user", "everything"}:
                    self.people.append(somebody(self.it.feed.head))
            case "ask":
                await self.it.ask()
                self.told |= self.ended.keys()
            case "ask in vain":
                self.it.instead = _cut
                await self.it.ask()
                self.it.instead = None
            case "ask and wait":
                await self._ask_late()
            case "the answer comes":
                await self._arrive()
            case "end" | "kill" | "revive":
                self._announce(what, how)
            case _:
                await self._stream(what, how)
        self.look()

    def _announce(self, act, target):
        kind, subject = WHAT[target]
        number = self.it.feed.announce(kind, act, **subject)
        if act == "revive":
            self.stopped.pop(target, None)
            return
        if act == "kill":
            self.stopped.setdefault(target, self.it.now)
        if target != "tool":
            for person in self.people:
                if person.control_number < number:
                    self.ended.setdefault(person.control_number, self.it.now)

    async def _ask_late(self):
        """A question that is answered now, and whose answer arrives at some later time."""
        gate, answered = asyncio.Event(), asyncio.Event()
        honest = self.it.feed.answer

        async def answer(request):
            if request.method != "GET":
                return await self.it._answer(request)
            said = honest("GET", request.url.path, dict(request.url.params), dict(request.headers))
            answered.set()
            await gate.wait()
            return httpx2.Response(said[0], stream=httpx2.ByteStream(said[1]))

        transport = self.it.follower._channel.transport
        transport.handler, before = answer, transport.handler
        task = asyncio.create_task(self.it.follower._asked())
        await asyncio.wait({task, asyncio.ensure_future(answered.wait())}, return_when=asyncio.FIRST_COMPLETED)
        transport.handler = before
        self.late.append((gate, task))

    async def _arrive(self):
        if self.late:
            gate, task = self.late.pop(0)
            gate.set()
            await task

    async def _stream(self, what, how):
        feed = self.it.feed
        after = max(0, feed.head - how)
        now = feed.batch(after)
        self.streamed.append(now)
        said = self.streamed[-1 - how * 3 % len(self.streamed)] if what == "stream something old" else now
        if what == "stream backwards":
            said = said | {"events": said["events"][-1:]}
        raw = feed.signed(said)
        if what == "stream forged":
            raw = EVIL.forge(header=EVIL.header() | {"typ": "feed+jwt", "kid": self.it.issuer.kid}, payload=said)
        try:
            await self.it.follower._streamed(raw.encode())
        except ValueError:
            assert what == "stream forged"

    def look(self):
        """Let everybody try a write now, and judge what happened."""
        self.people = self.people[-12:]
        for person in self.people:
            number = person.control_number
            standing = self.standings.of(person, "add")
            starts = not (standing.is_dead or standing.is_old or standing.is_killed or standing.stop)
            stops = [at for at in (self.ended.get(number), self.stopped.get("tool")) if at is not None]
            if starts and stops:
                late = self.it.now - min(stops)
                assert late <= BOUND_S, f"a write started {late:.2f} s after its stop"
            assert standing.is_dead or number not in self.told, "something dead lives again"

    async def close(self):
        for gate, task in self.late:
            gate.set()
            await asyncio.gather(task, return_exceptions=True)
        await self.it.follower.aclose()


@pytest.mark.requirement("follow:bound:no-write-starts-late")
@settings(max_examples=100, deadline=None)
@given(steps=_steps)
def test_no_write_starts_later_than_the_bound_and_nothing_dead_lives_again_whatever_happens_to_messages(steps):
    """Decision 14: with the list dropped, doubled, reordered, delayed, replayed or forged."""

    async def run():
        world = World()
        await world.step("ask", 0)
        assert not world.standings.of(somebody(0), "add").is_old
        for what, how in steps:
            await world.step(what, how)
        await world.close()

    asyncio.run(run())


_WALK = {
    ("wait", 0.5): 4,
    ("wait", 3.0): 1,
    ("ask", 0): 4,
    ("ask and wait", 0): 1,
    ("the answer comes", 0): 1,
    ("log in", 0): 3,
    **{(what, how): 2 for what in ("stream", "stream something old", "stream backwards") for how in range(4)},
    **{("end", target): 1 for target in ("user", "everything")},
    **{("kill", target): 1 for target in WHAT},
    **{("revive", target): 3 for target in WHAT},
}


@pytest.mark.requirement("follow:bound:no-write-starts-late")
@pytest.mark.parametrize("seed", range(8))
def test_the_bound_holds_through_a_long_life_of_faults(seed):
    """The same, for what takes a long history: stopped, revived, stopped again, and what was said in between said again."""
    drawn = random.Random(seed)
    steps = drawn.choices(list(_WALK), list(_WALK.values()), k=500)

    async def run():
        world = World()
        await world.step("ask", 0)
        for what, how in steps:
            await world.step(what, how)
        await world.close()
        return world

    world = asyncio.run(run())
    assert 5 <= len(world.told)
    assert not world.it.follower.refusal


@pytest.mark.requirement("follow:bound:no-write-starts-late")
@pytest.mark.parametrize("delay", [0, 1, 4.9, 60])
def test_an_answer_that_was_held_back_is_as_old_as_it_was_held(delay):
    """Whoever delays an answer that was given before a kill gains nothing by it."""

    async def run():
        world = World()
        await world.step("ask", 0)
        await world.step("ask and wait", 0)
        await world.step("end", "user")
        world.it.now += delay
        await world.step("the answer comes", 0)
        world.it.now = max(world.it.now, 1000.0 + BOUND_S + 0.01)
        world.look()
        await world.close()
        return world.it.lease.age

    assert asyncio.run(run()) >= BOUND_S
