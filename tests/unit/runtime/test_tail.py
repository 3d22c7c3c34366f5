"""One reading serves whoever waits for one that began after they asked, and a list that changed is another list."""

import asyncio

import pytest

from authserver.runtime import tail as tails
from authserver.runtime.notes import Notes
from authserver.runtime.tail import Tail


def rows(first, last):
    return [{"seq": number} for number in range(first, last + 1)]


class Reading:
    """A reading that ends when it is told to."""

    def __init__(self):
        self.begun = 0
        self.go_on = asyncio.Event()

    async def __call__(self):
        self.begun += 1
        await self.go_on.wait()


@pytest.mark.requirement("feed:one-reading-serves-all")
async def test_those_who_ask_while_one_reads_share_the_next_reading():
    """The one that runs may have looked before what they ask for was committed."""
    tail, reading = Tail(), Reading()
    first = asyncio.create_task(tail.look(reading))
    await asyncio.sleep(0)
    later = [asyncio.create_task(tail.look(reading)) for _ in range(50)]
    await asyncio.sleep(0)
    assert 1 == reading.begun
    reading.go_on.set()
    await asyncio.gather(first, *later)
    assert 2 == reading.begun


@pytest.mark.requirement("feed:one-reading-serves-all")
async def test_a_reading_that_fails_fails_for_all_who_shared_it_and_age_goes_on():
    tail, reading = Tail(), Reading()
    assert None is tail.age_s

    async def failing():
        await reading()
        raise OSError

    asked = [asyncio.create_task(tail.look(failing)) for _ in range(50)]
    await asyncio.sleep(0)
    reading.go_on.set()
    assert all(isinstance(each, OSError) for each in await asyncio.gather(*asked, return_exceptions=True))
    assert reading.begun <= 2
    assert None is tail.age_s
    await tail.look(reading)
    assert 0 <= tail.age_s < 5


@pytest.mark.requirement("feed:one-reading-serves-all")
async def test_a_reading_whose_asker_goes_away_serves_nobody():
    """Who shared it would else take what was read before for what is so now."""
    tail, first, theirs, own = Tail(), Reading(), Reading(), Reading()
    own.go_on.set()
    running = asyncio.create_task(tail.look(first))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(tail.look(theirs))
    staying = asyncio.create_task(tail.look(own))
    await asyncio.sleep(0)
    first.go_on.set()
    await running
    while not theirs.begun:
        await asyncio.sleep(0)

    leaving.cancel()
    await staying

    assert 1 == own.begun


@pytest.mark.requirement("feed:one-reading-serves-all")
async def test_the_age_is_counted_from_before_the_reading():
    """What was committed while it ran may be missing from it."""
    tail, reading = Tail(), Reading()
    now = asyncio.get_running_loop().time
    asked = asyncio.create_task(tail.look(reading))
    while not reading.begun:
        await asyncio.sleep(0)
    begun = now()
    await asyncio.sleep(0.05)
    went_on = now()
    reading.go_on.set()
    await asked
    assert tail.age_s >= went_on - begun


async def test_a_list_with_a_hole_is_not_taken():
    tail = Tail()
    tail.begin(feed_id="a", after=4)
    tail.extend(rows(5, 6))
    with pytest.raises(tails.HoleError):
        tail.extend(rows(8, 8))
    assert 6 == tail.head


async def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(tails, "MOST_KEPT", 8)
    tail = Tail()
    tail.begin(feed_id="a", after=0)
    for number in range(1, 40):
        tail.extend(rows(number, number))
    assert None is tail.rows(20, 10)
    assert [38, 39] == [row["seq"] for row in tail.rows(37, 10)]
    assert [] == tail.rows(39, 10)
    assert len(tail._rows) <= 10


async def test_whoever_waits_hears_of_a_change_and_of_the_end():
    tail = Tail()
    waiting = asyncio.create_task(tail.wait(tail.turn, 20))
    await asyncio.sleep(0)
    tail.begin(feed_id="a", after=0)
    await asyncio.wait_for(waiting, 1)
    waiting = asyncio.create_task(tail.wait(tail.turn, 20))
    await asyncio.sleep(0)
    tail.end()
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(tail.wait(tail.turn, 20), 1)


async def test_a_note_that_fails_is_written_again_and_of_each_thing_one_at_a_time():
    notes, written, fails = Notes(), [], [True]

    async def write():
        written.append(1)
        await asyncio.sleep(0)
        if fails:
            raise OSError(fails.pop())

    for _ in range(3):
        notes.write_beside(("a",), 1, write)
    await notes.close()
    assert (1, None) == (len(written), notes.last(("a",)))
    notes.write_beside(("a",), 1, write)
    await notes.close()
    assert (2, 1) == (len(written), notes.last(("a",)))
