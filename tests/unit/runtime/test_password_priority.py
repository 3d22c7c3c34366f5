"""A password is hashed at a lower priority than everything else is answered."""

import asyncio
import os
import sys
import threading

import pytest

from authserver.runtime.passwords import PasswordHasher, PasswordLineFullError

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


@pytest.mark.requirement("ours:passwords:wait-in-a-short-line")
async def test_of_two_hundred_logins_at_once_two_are_hashed_some_wait_and_the_rest_is_told_to_come_back():
    """EX-01: memory for two hashes, whoever knocks; each of them takes 19 MiB and more in a real deployment."""
    hasher, may_end, running, most = (
        PasswordHasher(memory_kib=8, time_cost=1, workers=2, line=64),
        threading.Event(),
        [],
        [],
    )

    def job():
        running.append(1)
        most.append(len(running))
        may_end.wait(30)
        running.pop()
        return True

    async def login():
        try:
            return await hasher._run(job)
        except PasswordLineFullError:
            return "come back"

    logins = [asyncio.create_task(login()) for _ in range(200)]
    refused, waiting = await asyncio.wait(logins, timeout=0.2)
    may_end.set()
    answers = [await one for one in logins]

    assert (134, 66) == (len(refused), len(waiting))
    assert (134, 66) == (answers.count("come back"), answers.count(True))
    assert 2 == max(most)
