"""
Runs a flow inside a unit of work: which tenant, one transaction, one reading of the clock.

Decision 3: an OAuth error is an answer and commits; any other exception is an accident and nothing was written. A lost
claim runs the flow again, where it meets what the winner wrote, and all that was announced by then. Who is told to come back later (429) has spent nothing, a
single-use assertion neither.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from authserver.domain.revocation import tail
from authserver.oauth.authorization_request import RefusedAuthorization
from authserver.oauth.errors import OAuthError, SlowDown, TemporarilyUnavailable, UnregisteredRedirect
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.http import Request

Answer = TypeVar("Answer")

_TRIES = 5


async def run(request: Request, flow: Callable[[UnitOfWork], Awaitable[Answer]]) -> Answer:
    """Return what `flow` answers, once everything it wants written is durable. Raises what it refuses with."""
    for _ in range(_TRIES):
        work = request.machines.work(request_id=request.request_id, address=request.address)
        refusal: Exception | None = None
        answer: Answer | None = None
        try:
            answer = await flow(work)
        except SlowDown:
            raise
        except (OAuthError, RefusedAuthorization, UnregisteredRedirect) as refused:
            refusal = refused
        if not await work.commit():
            # What it was lost to may be a kill that this process has not heard of.
            await tail.look(request.machines.work())
            continue
        if refusal is not None:
            raise refusal
        return answer  # type: ignore[return-value]
    raise TemporarilyUnavailable("Too many requests for the same thing at once.", reason="contention", retry_after_s=1)
