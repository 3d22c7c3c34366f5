"""Who was given text from outside lately: bounded, by a clock that nobody sets, shared where there is a store."""

import asyncio
from dataclasses import replace

import pytest

from resource_lib.context import Taints
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.store import StoreUnavailableError
from resource_lib.output.taint import Taint
from resource_lib.settings import SettingsError
from resource_lib.testing import TestIssuer
from resource_lib.wire.approvals import Follows

NOW = 1_800_000_000


class Clock:
    """Monotonic seconds, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def somebody(subject="u1", tenant="t1", **said):
    issuer = TestIssuer(clock=lambda: NOW)
    token = issuer.token(scopes=["a"], subject=subject, tenant=tenant, **said)
    return await issuer.validator().verify(token, NOW)


def made(clock, **more):
    return Taints(Taint(seconds=600), clock=clock, wall=lambda: NOW, **more)


@pytest.mark.requirement("taint:person:whole")
async def test_a_second_login_and_another_application_of_a_person_are_the_same_person(clock):
    """An agent that was talked into something has every login of its person at hand."""
    taints, ada = made(clock), await somebody()
    other_login = replace(ada, authorization_id="another", client_id="another", token_id="another")

    taints.given(ada, "read_ticket")

    assert taints.of(other_login, "add", {}) == Follows(tool="read_ticket", at=NOW)
    assert taints.of(replace(ada, subject="u2"), "add", {}) is None
    assert taints.of(replace(ada, tenant="t2"), "add", {}) is None


@pytest.mark.requirement("taint:window")
async def test_it_is_over_after_its_time_and_begins_anew_with_each_result(clock):
    taints, ada = made(clock), await somebody()
    taints.given(ada, "read_ticket")
    clock.now += 599
    taints.given(ada, "read_mail")
    clock.now += 599

    assert taints.of(ada, "add", {}).tool == "read_mail"
    clock.now += 1
    assert taints.of(ada, "add", {}) is None


@pytest.mark.requirement("taint:window")
async def test_a_call_that_was_held_does_not_get_through_by_waiting(clock):
    """A person's no would else be worth ten minutes."""
    taints, ada = made(clock), await somebody()
    taints.given(ada, "read_ticket")
    taints.hold(ada, "add", {"n": 1})
    clock.now += 601

    assert taints.of(ada, "add", {"n": 1}) is not None
    assert taints.of(ada, "add", {"n": 2}) is None
    assert taints.of(ada, "wipe", {"n": 1}) is None
    clock.now += 900
    assert taints.of(ada, "add", {"n": 1}) is None


@pytest.mark.requirement("taint:bounded")
async def test_what_had_to_be_forgotten_for_lack_of_room_counts_for_everybody(clock):
    """A flood of people makes nobody clean."""
    taints, ada = made(clock, most=3), await somebody()
    taints.given(ada, "read_ticket")
    for number in range(3):
        taints.given(replace(ada, subject=f"other{number}"), "read_ticket")

    assert taints.of(ada, "add", {}) is not None
    assert taints.of(replace(ada, subject="nobody"), "add", {}) is not None
    clock.now += 600
    assert taints.of(replace(ada, subject="nobody"), "add", {}) is None


@pytest.mark.requirement("taint:bounded")
async def test_calls_that_are_held_are_bounded_too(clock):
    taints, ada = made(clock), await somebody()
    taints.given(ada, "read_ticket")
    for number in range(200):
        taints.hold(ada, "add", {"n": number})

    assert len(taints._people[ada.tenant, ada.subject].held) == 64
    clock.now += 601
    assert taints.of(ada, "add", {"n": 199}) is not None


@pytest.mark.requirement("taint:spares")
async def test_a_tool_that_its_author_spares_never_waits(clock):
    taints = Taints(Taint(spares=["save_note"]), clock=clock)
    ada = await somebody()
    taints.given(ada, "read_ticket")

    assert taints.of(ada, "save_note", {}) is None
    assert taints.of(ada, "add", {}) is not None


@pytest.mark.requirement("taint:shared")
async def test_another_process_learns_of_it_through_the_store_for_exactly_as_long(clock):
    """The taint is a bucket that is filled up: nothing else is asked of a store than what limits ask."""
    store = ProcessStore(clock=lambda: int(clock.now * 1_000_000))
    here, there, ada = made(clock, store=store), made(clock, store=store), await somebody()

    here.given(ada, "read_ticket")
    await here.tell(ada)
    clock.now += 300
    here.given(ada, "read_ticket")
    await here.tell(ada)
    clock.now += 590
    await there.hear(ada)

    assert there.of(ada, "add", {}) == Follows(tool="", at=NOW - 590)
    clock.now += 11
    await there.hear(ada)
    assert there.of(ada, "add", {}) is None


@pytest.mark.requirement("taint:shared")
async def test_a_hundred_tellers_at_once_lose_nothing(clock):
    store = ProcessStore(clock=lambda: int(clock.now * 1_000_000))
    tellers, ada = [made(clock, store=store) for _ in range(100)], await somebody()
    await asyncio.gather(*(one.tell(ada) for one in tellers))
    there = made(clock, store=store)
    clock.now += 598
    await there.hear(ada)

    assert there.of(ada, "add", {}) is not None


@pytest.mark.requirement("taint:shared")
async def test_a_store_that_is_away_counts_as_given(clock):
    """What cannot be known is taken as it would be worst."""

    class Away(ProcessStore):
        async def take(self, asked, *, peek=False):
            raise StoreUnavailableError

    taints, ada = made(clock, store=Away()), await somebody()
    await taints.hear(ada)

    assert taints.of(ada, "add", {}) is not None
    clock.now += 3
    assert taints.of(ada, "add", {}) is None


class Stumbling(ProcessStore):
    """A store that does not answer while `is_away`."""

    is_away = False

    async def take(self, asked, *, peek=False):
        if self.is_away:
            raise StoreUnavailableError
        return await super().take(asked, peek=peek)


@pytest.fixture
def stumbling(clock, monkeypatch):
    monkeypatch.setattr("resource_lib.context.taints.TELL_AGAIN_S", 0.001)
    return Stumbling(clock=lambda: int(clock.now * 1_000_000))


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.requirement("taint:told-or-closed")
async def test_what_could_not_be_told_is_told_until_it_is_heard_and_holds_writes_here_meanwhile(
    clock, stumbling, caplog
):
    """No result is lost to the others because the store was away when it left; they are held for what is left of the time."""
    here, ada, eve = made(clock, store=stumbling), await somebody(), await somebody("eve")
    stumbling.is_away = True
    for person in (ada, eve):
        here.given(person, "read_ticket")
        await here.tell(person)
    clock.now += 300
    here.given(eve, "read_ticket")
    await here.tell(eve)
    assert (2, True) == (here.untold, here.of(ada, "add", {}) is not None)

    stumbling.is_away = False
    await until(lambda: here.untold == 0)

    for person, at in ((ada, NOW - 300), (eve, NOW)):
        there = made(clock, store=stumbling)
        await there.hear(person)
        assert there.of(person, "add", {}) == Follows(tool="", at=at)
    await here.aclose()
    assert ["taint.untold", "taint.told"] == [record.event for record in caplog.records if hasattr(record, "event")]


@pytest.mark.requirement("taint:told-or-closed")
async def test_whoever_could_not_hear_a_moment_ago_takes_it_as_given_until_the_others_had_time_to_tell(
    clock, stumbling
):
    """The store is back, and the process that knows has not said it yet: nobody gets through in between."""
    there, ada = made(clock, store=stumbling), await somebody()
    stumbling.is_away = True
    await there.hear(ada)
    stumbling.is_away = False
    clock.now += 2.1
    assert there.of(ada, "add", {}) is None, "what was known is over"

    await there.hear(ada)

    assert there.of(ada, "add", {}) is not None
    clock.now += 3
    await there.hear(ada)
    assert there.of(ada, "add", {}) is None


@pytest.mark.requirement("taint:told-or-closed")
async def test_what_is_over_before_it_could_be_told_is_told_no_more(clock, stumbling):
    here, ada = made(clock, store=stumbling), await somebody()
    stumbling.is_away = True
    here.given(ada, "read_ticket")
    await here.tell(ada)
    clock.now += 601
    stumbling.is_away = False
    await until(lambda: here.untold == 0)

    assert 0 == len(stumbling)


@pytest.mark.requirement("taint:shared")
@pytest.mark.parametrize("older", [0, 1, 300, 599])
async def test_one_who_tells_of_an_older_result_meanwhile_makes_it_no_shorter(clock, older):
    """Between our look at the store and our word in it somebody else may have said less."""

    class Overtaken(ProcessStore):
        is_overtaken = True

        async def take(self, asked, *, peek=False):
            found = await super().take(asked, peek=peek)
            if peek and self.is_overtaken:
                self.is_overtaken = False
                await super().take([replace(asked[0], cost=600 - older)])
            return found

    store, ada = Overtaken(clock=lambda: int(clock.now * 1_000_000)), await somebody()
    await made(clock, store=store).tell(ada)
    clock.now += 598
    there = made(clock, store=store)
    await there.hear(ada)

    assert there.of(ada, "add", {}) is not None


@pytest.mark.requirement("taint:settings")
@pytest.mark.parametrize(
    "said", [{"seconds": 0}, {"seconds": 1.5}, {"seconds": 10**9}, {"spares": "save"}, {"spares": [1]}, {"alone": "no"}]
)
def test_settings_that_could_not_be_kept_stop_the_start(said):
    with pytest.raises(SettingsError, match=r"taint\."):
        Taint(**said)
