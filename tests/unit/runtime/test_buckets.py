"""A budget and its clock: nobody is locked out because somebody set the clock, and what they get by it is one budget more."""

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
def test_a_clock_that_was_set_back_locks_nobody_out(back):
    """The budget begins anew, as full as ever and no fuller, refills at its pace from then on, and is as full when it is set right."""
    bucket, now = Bucket(per_minute=60, burst=20), 2 * HOUR
    assert 20 == emptied(bucket, now)
    assert 2 == bucket.peek("key", now).retry_after_s

    assert bucket.peek("key", now - back) is None
    assert 20 == emptied(bucket, now - back)
    assert 0 == emptied(bucket, now - back)
    assert 5 == emptied(bucket, now - back + 5 * S)
    assert 20 == emptied(bucket, now + HOUR)


@pytest.mark.requirement("limits:clock:set-back-locks-nobody-out")
def test_whoever_used_little_is_not_turned_away_by_a_clock_that_was_set_back():
    """All of them come at that moment, and none has done anything."""
    bucket = Bucket(per_minute=2, burst=1)
    assert bucket.take("key", 2 * HOUR) is None

    assert bucket.take("key", HOUR) is None
    assert 30 <= bucket.take("key", HOUR).retry_after_s <= 31


@pytest.mark.requirement("limits:clock:set-back-locks-nobody-out")
def test_the_open_door_lets_in_whoever_comes_once_whatever_the_clock_was():
    """A flood before the clock was set back closes it for nobody."""
    door = OpenDoor(per_minute=4, ceiling_per_minute=4)
    for number in range(10):
        door.take(f"key {number}", 2 * HOUR)

    assert door.take("newcomer", HOUR) is None
    assert door.take("key 1", HOUR) is None
