"""
GET /rs/feed, POST /rs/feed/ack — decision 14: the numbered list, signed, for servers that follow it.

As one answer, at once or when something follows; or as a stream (`text/event-stream`, WHATWG HTML §9.2) that goes on by itself
and proves by a message each second that it is alive. All of them wait for one reading of the database.
"""

import random
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from urllib.parse import parse_qsl

from authserver.domain.revocation import tail
from authserver.oauth import feed
from authserver.oauth.errors import OAuthError, SlowDown, TemporarilyUnavailable
from authserver.oauth.feed import Asked, Listener, Told
from authserver.runtime.unit_of_work import DatabaseUnavailableError, UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response, Stream
from authserver.web.rs.asking import authorization, json_body, wait_s
from authserver.web.work import run

MOST_WAIT_S = 25
MOST_ACK_BYTES = 8 * 1024
HEARTBEAT_S = 1.0
_STREAM = b"text/event-stream"
_STREAM_S = 600
"""How long a stream goes on: who follows proves itself anew, and finds another process after some time."""
_RETRY_AFTER_S = 30


async def follow(request: Request) -> Response | Stream:
    """Answer what follows a cursor; with `wait`, as soon as something does, and at the latest then; or as a stream."""
    try:
        asked = feed.asked(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True))
        wait = wait_s(request, most=MOST_WAIT_S)
        if _STREAM in request.headers.get(b"accept", b""):
            return await _streamed(request, asked)
        told = await _answered(request, asked, wait)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=200, body=told.jws.encode(), content_type=b"application/jwt")


async def acknowledge(request: Request) -> Response:
    """Take what an instance has applied; 204."""
    try:
        body = json_body(request)
        listener = await _listener(request)
        await feed.acknowledge(request.machines.work(request_id=request.request_id), listener, body)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=204)


async def _listener(request: Request) -> Listener:
    """Return who asks, and have everything read that was committed before it did."""

    async def who(work: UnitOfWork) -> Listener:
        return await feed.listener(work, request.issuer, authorization(request))

    listener = await run(request, who)
    work = request.machines.work(request_id=request.request_id)
    await tail.look(work)
    return await feed.still(work, listener)


async def _answered(request: Request, asked: Asked, wait: int) -> Told:
    listener = await _listener(request)
    machines = request.machines
    feed.noticed(machines.work(), listener, asked)
    # Whoever finds no seat is answered at once, with what there is.
    with ExitStack() as seat:
        if wait and not seat.enter_context(machines.feed_seats.take(listener.client.id)):
            wait = 0
        until = time.monotonic() + wait
        while True:
            turn = machines.tail.turn
            work = machines.work(request_id=request.request_id)
            listener = await feed.still(work, listener)
            told = await feed.tell(work, listener, asked.after, nonce=asked.nonce)
            left = until - time.monotonic()
            if told.is_news or told.more or left <= 0 or machines.tail.is_ending:
                return told
            await machines.tail.wait(turn, left)


async def _streamed(request: Request, asked: Asked) -> Stream:
    listener = await _listener(request)
    after = request.headers.get(b"last-event-id", b"").decode("latin-1") or asked.after
    feed.position(listener, after, request.machines.tail.head)
    seats = request.machines.feed_seats
    with ExitStack() as seat:
        if not seat.enter_context(seats.take(listener.client.id)):
            if seats.is_full:
                raise TemporarilyUnavailable(
                    "Too many streams are open. Ask without one.", reason="streams_full", retry_after_s=_RETRY_AFTER_S
                )
            raise SlowDown(
                "Too many streams of this server are open. Ask without one.",
                reason="too_many_streams",
                retry_after_s=_RETRY_AFTER_S,
            )
        return Stream(
            chunks=_messages(request, listener, after),
            content_type=_STREAM,
            # nginx would gather what is to be there at once.
            headers=((b"x-accel-buffering", b"no"),),
            closed=seat.pop_all().close,
        )


async def _messages(request: Request, listener: Listener, after: str) -> AsyncIterator[bytes]:
    machines = request.machines
    # Not all at once, where all began at once.
    until = time.monotonic() + _STREAM_S * random.uniform(0.8, 1.0)  # noqa: S311 - not a secret
    while time.monotonic() < until and not machines.tail.is_ending:
        turn = machines.tail.turn
        work = machines.work(request_id=request.request_id)
        try:
            listener = await feed.still(work, listener)
            told = await feed.tell_many(work, listener, after)
        except OAuthError:
            return  # asked again, it is told why
        except DatabaseUnavailableError:
            await machines.tail.wait(turn, HEARTBEAT_S)
            continue
        yield b"id: %b\ndata: %b\n\n" % (told.cursor.encode(), told.jws.encode())
        after = told.cursor
        if not told.more:
            await machines.tail.wait(turn, HEARTBEAT_S)
