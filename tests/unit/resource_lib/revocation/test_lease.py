"""How old the knowledge is: an upper bound, on a clock that nobody sets and that goes on while the machine sleeps."""

import time

import pytest

from resource_lib.revocation.lease import Lease, clock


@pytest.mark.requirement("follow:lease:monotonic")
def test_the_age_counts_from_the_moment_that_was_proven_and_never_from_an_earlier_one():
    """Decision 14."""
    now = [100.0]
    lease = Lease(max_staleness=5, read_staleness=30, clock=lambda: now[0])
    never = (lease.age, lease.is_fresh)
    lease.renew(99.0)
    lease.renew(98.0)
    now[0] = 104.0
    at_the_bound = (lease.age, lease.is_fresh)
    now[0] = 104.01

    assert (None, False) == never
    assert (5.0, True) == at_the_bound
    assert not lease.is_fresh


@pytest.mark.requirement("follow:lease:monotonic")
@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux tells the two apart")
def test_the_clock_goes_on_while_the_machine_is_suspended():
    """CLOCK_MONOTONIC stands still then, and a machine that slept for an hour would think itself fresh."""
    before, now, after = time.clock_gettime(time.CLOCK_BOOTTIME), clock(), time.clock_gettime(time.CLOCK_BOOTTIME)

    assert before <= now <= after
