"""What is written in one turn of the event loop leaves in one write, in order, and nothing is lost when it closes."""

import asyncio

import pytest

from authserver.runtime.serving import Gathered


class RecordingTransport(asyncio.Transport):
    """Keeps what happened to it."""

    def __init__(self):
        super().__init__(extra={"peername": ("192.0.2.1", 1)})
        self.happened = []

    def write(self, data):
        self.happened.append(data)

    def close(self):
        self.happened.append("closed")


@pytest.mark.requirement("ours:serving:one-write-per-answer")
async def test_a_head_and_a_body_written_in_one_turn_leave_in_one_write():
    """Ours: each write is a system call, and uvicorn writes the head and the body apart."""
    transport = RecordingTransport()
    gathered = Gathered(transport, asyncio.get_running_loop())

    gathered.write(b"head ")
    gathered.write(b"body")
    await asyncio.sleep(0)
    gathered.write(b"the next answer")
    await asyncio.sleep(0)

    assert [b"head body", b"the next answer"] == transport.happened


@pytest.mark.requirement("ours:serving:one-write-per-answer")
async def test_what_was_gathered_is_sent_before_the_connection_closes_and_only_once():
    """Ours: an error is answered and closed in one breath; the client must still read it."""
    transport = RecordingTransport()
    gathered = Gathered(transport, asyncio.get_running_loop())

    gathered.write(b"400 bad request")
    gathered.close()
    await asyncio.sleep(0)

    assert [b"400 bad request", "closed"] == transport.happened


async def test_everything_else_is_the_transports_own():
    """Ours: uvicorn asks it for addresses, pauses it and asks whether it is closing."""
    gathered = Gathered(RecordingTransport(), asyncio.get_running_loop())

    assert ("192.0.2.1", 1) == gathered.get_extra_info("peername")
