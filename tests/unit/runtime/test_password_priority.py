"""A password is hashed at a lower priority than everything else is answered."""

import os
import sys
import threading

import pytest

from authserver.runtime.passwords import PasswordHasher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority belongs to the whole process")


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.requirement("ours:passwords:others-come-first")
async def test_a_password_is_hashed_by_a_thread_that_stands_back_and_the_event_loop_does_not():
    """Decision 20 and the goals: the other endpoints stay quick while people log in."""
    hasher = PasswordHasher(memory_kib=8, time_cost=1, workers=1)
    before = niceness()

    in_the_thread = [await hasher._run(niceness) for _ in range(3)]

    assert [min(19, before + 10)] * 3 == in_the_thread
    assert before == niceness()
