"""A budget and its clock: nobody is locked out because somebody set the clock, and nobody gets more by it."""

import pytest

from authserver.runtime.buckets import Bucket, OpenDoor

S = 1_000_000
HOUR = 3600 * S


def emptied(bucket, now):
    """Take until nothing is left; return how many there were."""
    taken = 0
    while bucket.take("key", now) is None:
        taken += 1
        assert taken < 1000
    return taken


@pytest.mark.requirement("limits:clock:set-back-locks-nobody-out")
@pytest.mark.parametrize("back", [S // 2, HOUR], ids=["half a second", "an hour"])
def test_a_clock_that_was_set_back_locks_nobody_out_and_gives_nothing_away(back):
    """What was empty is empty and refills at its pace from then on, and no later when the clock is set right again."""
    bucket, now = Bucket(per_minute=60, burst=20), 2 * HOUR
    assert 20 == emptied(bucket, now)

    assert bucket.peek("key", now - back).retry_after_s <= 2
    assert 0 == emptied(bucket, now - back)
    assert 5 == emptied(bucket, now - back + 5 * S)
    assert 20 == emptied(bucket, now + HOUR)


@pytest.mark.requirement("limits:clock:set-back-locks-nobody-out")
def test_the_open_door_lets_in_whoever_comes_once_whatever_the_clock_was():
    """A flood before the clock was set back closes it for no newcomer, and for the flood no longer than the flood itself."""
    door = OpenDoor(per_minute=4, ceiling_per_minute=4)
    for number in range(10):
        door.take(f"key {number}", 2 * HOUR)

    assert door.take("newcomer", HOUR) is None
    told = door.take("key 1", HOUR).retry_after_s
    assert told <= 16
    assert door.take("key 1", HOUR + told * S) is None
