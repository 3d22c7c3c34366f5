"""
One execution of an approved call: it began once, its lease is renewed while it lives, and what came of it is told.

The run has a name of its own at the issuer, so that a question asked twice is one question, and two runs are never one. When the
issuer cannot hear the outcome, it is told again until it does; when this process dies, nobody claims to know how it ended.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from resource_lib.approval.exact_call import ExactCall
from resource_lib.approval.kept import kept
from resource_lib.backchannel.approvals import (
    Approvals,
    ConflictError,
    NotStandingError,
    RefusedError,
    SlowDownError,
)
from resource_lib.backchannel.channel import IssuerUnavailableError

RENEW_S: Final = 10.0
LONGEST_PAUSE_S: Final = 600.0
"""How long a run waits for a client that was asked for more; then it is over."""

_ABANDONED: Final[Mapping[str, Any]] = {
    "content": [{"type": "text", "text": "The tool asked for more input, and nobody answered in time."}],
    "isError": True,
}

_FAILED: Final = (
    ConflictError,
    NotStandingError,
    RefusedError,
    SlowDownError,
    IssuerUnavailableError,
    UnicodeEncodeError,
)

log = logging.getLogger("resource_lib.approval")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """A run that may begin."""

    approval_id: str
    instance_id: str
    leg: int
    """Which part of the call it is: a tool that asks for more input is called again, under the same yes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What came of one leg. `result` None: nobody knows; the server stopped answering without an answer."""

    result: Mapping[str, Any] | None = field(repr=False)
    is_error: bool
    is_pause: bool = False
    """Whether the tool asks for more input, so that another leg follows."""


Settle = Callable[[Ran], Awaitable[None]]


class Runner(Protocol):
    """Whatever lets the server have the call."""

    def is_wanted(self) -> bool:
        """Tell whether anybody still waits for the answer."""
        ...

    def hindrance(self) -> Any:
        """Return what is said instead when the call may not run any more as it was judged when it came; None: it may."""
        ...

    async def full(self) -> Any:
        """Return what is said instead of asking anybody, because a limit has no room for one more call; None: there is room."""
        ...

    async def begin(self, approval_id: str) -> Any:
        """Record that it is about to begin by this yes, and count it against its limits; return what is said instead, when one has no room, or None."""
        ...

    async def withdraw(self) -> None:
        """Take back what was counted, if it has not begun after all. Again: nothing happens."""
        ...

    async def __call__(self, ticket: Ticket, settle: Settle) -> bool:
        """Let it run; await `settle` with what came of it before the last bytes leave. Return whether they left in full."""
        ...


class Execution:
    """One run, from the moment it may begin."""

    def __init__(self, approvals: Approvals, ticket: Ticket, call: ExactCall) -> None:
        self._approvals = approvals
        self._ticket = ticket
        self._call = call
        self.ran: asyncio.Future[Ran] = asyncio.get_running_loop().create_future()
        """What came of it, as soon as that is known."""
        self.was_delivered = False
        self._heard: Callable[[Ran], None] = lambda _: None
        self._untold: Ran | None = None

    async def go(self, run: Runner, heard: Callable[[Ran], None]) -> None:
        """Run it to its end, with its lease; `heard` is told what came of it at once. Raises whatever the server raises."""
        self._heard = heard
        renewing = asyncio.create_task(self._renew())
        try:
            self.was_delivered = await run(self._ticket, self._settle)
        except Exception:
            log.exception("an approved call crashed", extra={"event": "approval.crashed"})
            await self._settle(Ran(result=_crashed(), is_error=True))
            raise
        finally:
            renewing.cancel()
            if not self.ran.done():
                await asyncio.shield(self._settle(Ran(result=None, is_error=True)))

    async def not_begun(self, result: Mapping[str, Any] | None) -> None:
        """Say that nothing was done, though its yes is spent: its caller is told so by whoever asked.

        None: an earlier part of it was done, so nobody knows what came of the whole.
        """
        self.was_delivered = result is not None
        await self._settle(Ran(result=result, is_error=True))

    async def _renew(self) -> None:
        """Say every ten seconds that it still runs, until it is cancelled or somebody else has taken over."""
        said = {**self._call.begun(instance_id=self._ticket.instance_id), "leg": self._ticket.leg}
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._approvals.consume(self._ticket.approval_id, said)
            except ConflictError:
                return
            except _FAILED:
                log.warning("a lease could not be renewed", extra={"event": "approval.unrenewed"})

    async def _pause(self) -> None:
        """Keep it open until somebody takes up its next leg; if nobody does, it is over."""
        try:
            async with asyncio.timeout(LONGEST_PAUSE_S):
                await self._renew()
        except TimeoutError:
            await self._tell(Ran(result=_ABANDONED, is_error=True))

    async def _settle(self, ran: Ran) -> None:
        """Take note of what came of it, and tell the issuer at once if it can hear."""
        if self.ran.done():
            return
        if ran.result is not None and not ran.is_pause and not await self._tell_once(ran):
            self._untold = ran
        if not self.ran.done():
            self.ran.set_result(ran)
            self._heard(ran)

    async def land(self) -> None:
        """After its last byte: tell what the issuer has not heard yet, or keep the run open for its next leg."""
        if self.ran.result().is_pause:
            await self._pause()
        elif self._untold is not None:
            await self._tell(self._untold)
        elif self.was_delivered:
            await self._tell_delivered()

    async def was_heard(self) -> None:
        """Take note that somebody who waited along has the answer in full, though the first caller may have gone."""
        if not self.was_delivered:
            self.was_delivered = True
            await self._tell_delivered()

    async def _tell(self, ran: Ran) -> None:
        """Tell the outcome until the issuer has heard it."""
        pause = 1.0
        while not await self._tell_once(ran):
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30.0)

    async def _tell_delivered(self) -> None:
        """Say that the answer was sent in full: the next identical call is a new one."""
        for pause in (0.2, 1.0, 5.0):
            try:
                return await self._approvals.delivered(self._ticket.approval_id, instance_id=self._ticket.instance_id)
            except IssuerUnavailableError:
                await asyncio.sleep(pause)
            except _FAILED:
                return None
        return None

    async def _tell_once(self, ran: Ran) -> bool:
        """Tell it; False: the issuer cannot hear now."""
        assert ran.result is not None
        try:
            await self._approvals.outcome(
                self._ticket.approval_id,
                instance_id=self._ticket.instance_id,
                is_error=ran.is_error,
                outcome=kept(ran.result, self._call.arguments, self._call.rule.redact),
                delivered=self.was_delivered,
            )
        except (IssuerUnavailableError, SlowDownError):
            log.warning("an outcome could not be told yet", extra={"event": "approval.untold"})
            return False
        except _FAILED:
            log.exception("an outcome was not taken", extra={"event": "approval.untold"})
        return True


def _crashed() -> dict[str, Any]:
    text = "The server failed while it ran this call. What it had done by then, it did."
    return {"content": [{"type": "text", "text": text}], "isError": True}
