"""GET /rs/feed — decision 14: the numbered list, signed, for servers that follow it."""

import time
from urllib.parse import parse_qsl

from authserver.domain.revocation import tail
from authserver.oauth import feed
from authserver.oauth.errors import OAuthError
from authserver.oauth.feed import Listener, Told
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.rs.asking import authorization, json_body, wait_s
from authserver.web.work import run

MOST_WAIT_S = 25
MOST_ACK_BYTES = 8 * 1024


async def follow(request: Request) -> Response:
    """Answer what follows a cursor; with `wait`, as soon as something does, and at the latest then."""
    try:
        told = await _follow(request)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=200, body=told.jws.encode(), content_type=b"application/jwt")


async def _follow(request: Request) -> Told:
    asked = feed.asked(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True))
    wait = wait_s(request, most=MOST_WAIT_S)
    until = time.monotonic() + wait
    listener = await _listener(request)
    feed.noticed(request.machines.work(), listener, asked)
    while True:
        turn = request.machines.tail.turn
        work = request.machines.work(request_id=request.request_id)
        listener = await feed.still(work, listener)
        told = await feed.tell(work, listener, asked.after, nonce=asked.nonce)
        left = until - time.monotonic()
        if told.is_news or told.more or left <= 0:
            return told
        await request.machines.tail.wait(turn, left)


async def _listener(request: Request) -> Listener:
    """Return who asks, and have everything read that was committed before it did."""

    async def who(work: UnitOfWork) -> Listener:
        return await feed.listener(work, request.issuer, authorization(request))

    listener = await run(request, who)
    work = request.machines.work(request_id=request.request_id)
    await tail.look(work)
    return await feed.still(work, listener)


async def acknowledge(request: Request) -> Response:
    """Take what an instance has applied; 204."""
    try:
        body = json_body(request)
        listener = await _listener(request)
        await feed.acknowledge(request.machines.work(request_id=request.request_id), listener, body)
    except OAuthError as error:
        return oauth_error(request, error)
    return Response(status=204)
