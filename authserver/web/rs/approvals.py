"""/rs/approvals and below it — design §4; a question may wait for its answer, and holds no row meanwhile."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from authserver.domain.issuers.issuer import Issuer
from authserver.oauth import approval_request, approvals
from authserver.oauth.approval_request import Members
from authserver.oauth.approvals import Place, Reply
from authserver.oauth.errors import OAuthError, TooManyApprovals
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.errors import oauth_error
from authserver.web.http import Request, Response
from authserver.web.rs import asking
from authserver.web.rs.asking import authorization
from authserver.web.work import run

MOST_WAIT_S = 25
_LOOK_EVERY_S = 0.2
_UNDECIDED = frozenset({"pending", "executing"})

About = Callable[[UnitOfWork, Issuer, str, Members, bytes | None], Awaitable[Reply]]


async def ask(request: Request) -> Response:
    """Answer whether a call may run, and ask for a yes where nobody was asked."""

    async def flow(work: UnitOfWork) -> Reply:
        return await approvals.ask(work, request.issuer, _members(request), authorization(request))

    return await _answer(request, lambda: run(request, flow))


async def consume(request: Request) -> Response:
    """Answer whether this run may begin, or go on."""
    return await _about(request, approvals.consume)


async def outcome(request: Request) -> Response:
    """Take what came of it."""
    return await _about(request, approvals.outcome)


async def look(request: Request) -> Response:
    """Answer what has become of it; with `wait`, as soon as that changes, and at the latest then."""
    return await _answer(request, lambda: _look(request))


async def _look(request: Request) -> Reply:
    wait_s = asking.wait_s(request, most=MOST_WAIT_S)

    async def first(work: UnitOfWork) -> Place:
        return await approvals.place(work, request.issuer, request.path_id, authorization(request))

    where = await run(request, first)

    async def again(work: UnitOfWork) -> Reply:
        return await approvals.status(work, request.issuer, where)

    reply = before = await run(request, again)
    if not wait_s or before.members["state"] not in _UNDECIDED:
        return reply
    with request.machines.approval_waits.take(where.server) as has_seat:
        # Real time, not the server's clock: it measures this one conversation.
        until = time.monotonic() + (wait_s if has_seat else 0)
        while reply.members["state"] == before.members["state"] and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(_LOOK_EVERY_S, left))
            reply = await run(request, again)
    return reply


async def _about(request: Request, do: About) -> Response:
    async def flow(work: UnitOfWork) -> Reply:
        return await do(work, request.issuer, request.path_id, _members(request), authorization(request))

    return await _answer(request, lambda: run(request, flow))


async def _answer(request: Request, do: Callable[[], Awaitable[Reply]]) -> Response:
    try:
        reply = await do()
    except TooManyApprovals as error:
        # Told in the body too, so that it reaches the caller of the tool as it is.
        said = {"error": error.code, "error_description": error.description, "retry_after_s": error.retry_after_s}
        refused = oauth_error(request, error)
        return Response(status=refused.status, body=json.dumps(said).encode(), headers=refused.headers)
    except OAuthError as error:
        return oauth_error(request, error)
    # The standard library's: an outcome may hold integers of any size.
    return Response(status=reply.status, body=json.dumps(reply.members, ensure_ascii=False).encode())


def _members(request: Request) -> Members:
    return approval_request.members_of(asking.json_body(request))
