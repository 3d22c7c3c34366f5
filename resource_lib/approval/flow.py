"""
The way of one call that waits for a yes: find or ask for it, wait or begin, run once, tell what came of it.

Identical calls of one process share one way: one of them runs, the others hear the same outcome. Between processes the issuer
decides who begins. Nothing here decides that a call may run; everything here may find out that it must not.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4
from weakref import WeakKeyDictionary

from resource_lib.approval import said
from resource_lib.approval.exact_call import ExactCall
from resource_lib.approval.run import Execution, Ran, Runner, Ticket
from resource_lib.approval.said import Answered, NotStanding, Outcome, Refused, Said, Waiting
from resource_lib.backchannel.approvals import (
    Approvals,
    ConflictError,
    NotStandingError,
    Record,
    RefusedError,
    SlowDownError,
)
from resource_lib.backchannel.channel import IssuerUnavailableError
from resource_lib.wire.approvals import State

LONGEST_WAIT_S: Final = 10.0
"""For the outcome of an identical call that runs already."""
_MOST_WAITING: Final = 24
"""Questions that wait at the issuer at once: the others must get through, the renewals above all."""
_MOST_ASKING: Final = 24
"""Calls that are asked about at once, for the same reason: a flood of one caller's lets no lease of another lapse."""
_LONGEST_TURN_S: Final = 5.0
_ROUNDS: Final = 4
_LANDING_S: Final = 6.0
_OLDEST_MS: Final = 600_000

_Key = tuple[int, bytes, int]


@dataclass(frozen=True, slots=True)
class _Begin:
    """The next leg of a call that its tool has paused."""

    approval_id: str
    leg: int


class _Flight:
    """Identical calls of this process on their one way."""

    __slots__ = ("call", "joined", "key", "known", "known_at", "run", "task")

    def __init__(self, key: _Key, call: ExactCall, run: Runner) -> None:
        self.key = key
        self.call = call
        self.run = run
        self.known: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        """What those hear who came second: known before the first one's last bytes have left."""
        self.known.add_done_callback(lambda known: known.cancelled() or known.exception())
        self.known_at = math.inf
        self.joined = 0
        self.task: asyncio.Task[Said]

    def is_over_for(self, call: ExactCall) -> bool:
        """Tell whether a call came after the answer: whoever sends it may have read that, so it is the next one."""
        return call.reached_at >= self.known_at

    def know(self, found: Said, now: float) -> None:
        if not self.known.done():
            self.known_at = now
            self.known.set_result(found)


class ApprovalFlow:
    """Walks calls along that way. `clock` counts monotonic seconds."""

    def __init__(self, approvals: Approvals, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._approvals = approvals
        self.clock = clock
        self._process = uuid4().hex[:16]
        self._flights: dict[_Key, _Flight] = {}
        self._landing: dict[_Key, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._waiting = 0
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def go(self, call: ExactCall, run: Runner, *, patience: float = 0) -> Said:
        """Return what becomes of a call. `patience`: seconds for a person who is deciding right now."""
        return await self._join(call, run, None, patience)

    async def resume(self, call: ExactCall, run: Runner, *, approval_id: str, leg: int) -> Said:
        """Return what becomes of the next leg of a call that its tool has paused."""
        return await self._join(call, run, _Begin(approval_id, leg), 0)

    def heard(self, outcome: Outcome) -> None:
        """Take note that `outcome` was sent in full to somebody who waited along."""
        if outcome.execution is not None:
            self._later(outcome.execution.was_heard())

    async def aclose(self, *, patience: float = 3) -> None:
        """Let what runs come to its end for a moment, tell what can be told, and stop."""
        loop = asyncio.get_running_loop()
        running = {flight.task for flight in self._flights.values() if flight.task.get_loop() is loop}
        if running:
            await asyncio.wait(running, timeout=patience)
        landing = {task for task in self._background if task.get_loop() is loop}
        if landing:
            await asyncio.wait(landing, timeout=min(1.0, patience))
        for task in running | landing:
            task.cancel()
        await asyncio.gather(*running, *landing, return_exceptions=True)

    async def _join(self, call: ExactCall, run: Runner, begin: _Begin | None, patience: float) -> Said:
        key: _Key = (id(asyncio.get_running_loop()), call.key, 0 if begin is None else begin.leg)
        flight = self._flights.get(key)
        if flight is not None and flight.is_over_for(call):
            # However long the server takes to come back after its last byte.
            await asyncio.wait({flight.task}, timeout=_LANDING_S)
            flight = self._flights.get(key)
        if flight is None or flight.is_over_for(call):
            return await self._lead(_Flight(key, call, run), begin, patience)
        flight.joined += 1
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                return await asyncio.shield(flight.known)
        except TimeoutError:
            return said.refused(call.tool, "approval_in_progress")
        finally:
            flight.joined -= 1

    async def _lead(self, flight: _Flight, begin: _Begin | None, patience: float) -> Said:
        async def fly() -> Said:
            try:
                await self._landed(flight.key)
                found = await self._way(flight, begin, patience)
                flight.know(found, self.clock())
                return found
            except BaseException as error:
                if not flight.known.done():
                    flight.known.set_exception(error)
                raise
            finally:
                if self._flights.get(flight.key) is flight:
                    del self._flights[flight.key]

        # A task of its own: what has begun runs to its end, whoever hangs up.
        flight.task = asyncio.create_task(fly())
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._flights[flight.key] = flight
        return await asyncio.shield(flight.task)

    async def _way(self, flight: _Flight, begin: _Begin | None, patience: float) -> Said:
        call = flight.call
        try:
            if begin is not None:
                return await self._begun(flight, begin) or said.refused(call.tool, "approval_required")
            for _ in range(_ROUNDS):
                full: Refused | None = await flight.run.full()
                try:
                    record = await self._ask(call, only_known=full is not None)
                except ConflictError:
                    return full or said.refused(call.tool, "approval_required")
                match record.state:
                    case State.PENDING:
                        if not await self._decided(record, patience):
                            return Waiting(record)
                        patience = 0
                    case State.APPROVED:
                        if not flight.run.is_wanted() and not flight.joined:
                            return said.abandoned(call.tool)
                        found = await self._begun(flight, _Begin(record.id, 0))
                        if found is not None:
                            return found
                    case State.EXECUTING:
                        return await self._elsewhere(call, record.id)
                    case State.DONE if record.outcome is not None:
                        return Outcome(result=record.outcome, is_replay=True)
                    case State.DONE:
                        pass  # somebody else was just told of it: the next question is a new one
                    case over:
                        return said.refused(call.tool, said.OF_STATE[over], record)
            return said.refused(call.tool, "approval_in_progress")
        except _UNASKED as error:
            return _unasked(call, error)

    async def _ask(self, call: ExactCall, *, only_known: bool = False) -> Record:
        turns = self._turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_MOST_ASKING))
        try:
            async with asyncio.timeout(_LONGEST_TURN_S):
                await turns.acquire()
        except TimeoutError:
            raise IssuerUnavailableError from None
        try:
            age_ms = min(max(0, round((self.clock() - call.reached_at) * 1000)), _OLDEST_MS)
            return await self._approvals.ask(
                call.asked(instance_id=self._process, age_ms=age_ms, only_known=only_known)
            )
        finally:
            turns.release()

    async def _begun(self, flight: _Flight, begin: _Begin) -> Said | None:
        """Run it if it may begin here and now, or wait for whoever was faster; None: the yes is not there any more."""
        hindrance: Refused | NotStanding | None = flight.run.hindrance()
        if hindrance is not None:
            return hindrance
        limited: Refused | None = None if begin.leg else await flight.run.begin(begin.approval_id)
        if limited is not None:
            return limited
        try:
            return await self._consumed(flight, begin)
        finally:
            # Counted once, and for what has begun: a yes that another process was faster to spend costs nothing here.
            await asyncio.shield(self._later(flight.run.withdraw()))

    async def _consumed(self, flight: _Flight, begin: _Begin) -> Said | None:
        """Spend the yes and run it, or wait for whoever was faster; None: the yes is not there any more."""
        call = flight.call
        # A name for this run alone: nobody who asks by another one can take its place.
        instance_id = f"{self._process}.{uuid4().hex[:16]}"
        ticket = Ticket(approval_id=begin.approval_id, instance_id=instance_id, leg=begin.leg)
        question = {**call.begun(instance_id=instance_id), "leg": ticket.leg}
        try:
            try:
                await self._approvals.consume(ticket.approval_id, question)
            except IssuerUnavailableError:
                # Its answer may be lost: asked again by the same run it is the same beginning, and not one that nobody makes.
                await self._approvals.consume(ticket.approval_id, question)
        except ConflictError as error:
            if error.error == "approval_in_progress" or error.state in (State.EXECUTING, State.DONE):
                await flight.run.withdraw()
                return await self._elsewhere(call, ticket.approval_id)
            return None if error.error == "approval_required" else said.refused(call.tool, error.error)
        execution = Execution(self._approvals, ticket, call)
        hindrance: Refused | NotStanding | None = flight.run.hindrance()
        if hindrance is not None:
            # Stopped while the yes was being spent: it has not begun, and nobody must believe that it has.
            await execution.not_begun(None if begin.leg else said.unbegun(call.tool, hindrance))
            self._later(execution.land())
            return hindrance
        try:
            await execution.go(flight.run, lambda ran: flight.know(_told(call, execution, ran), self.clock()))
        finally:
            landing = self._later(execution.land())
            if not execution.ran.result().is_pause:
                self._landing[flight.key] = landing
                landing.add_done_callback(lambda task: self._forget(flight.key, task))
        return Answered()

    def _forget(self, key: _Key, landing: asyncio.Task[None]) -> None:
        if self._landing.get(key) is landing:
            del self._landing[key]

    async def _elsewhere(self, call: ExactCall, approval_id: str) -> Said:
        """Wait for the outcome of an identical call that runs in another process."""
        until = self.clock() + LONGEST_WAIT_S
        while (left := until - self.clock()) > 0:
            record = await self._look(approval_id, left)
            if record is None:
                break
            if record.state is not State.EXECUTING:
                return await self._ended(call, record)
        return said.refused(call.tool, "approval_in_progress")

    async def _ended(self, call: ExactCall, record: Record) -> Said:
        if record.outcome is None and record.state is State.DONE:
            # This call was here before it was done, and says so: then it is told.
            try:
                record = await self._ask(call, only_known=True)
            except ConflictError:
                return said.refused(call.tool, "approval_required")
        if record.outcome is not None:
            return Outcome(result=record.outcome)
        if record.state in (State.PENDING, State.APPROVED):
            return Waiting(record) if record.url else said.refused(call.tool, "approval_required")
        return said.refused(call.tool, said.OF_STATE.get(record.state, "approval_required"), record)

    async def _decided(self, record: Record, patience: float) -> bool:
        """Wait for a person who is deciding right now; tell whether they have."""
        until = self.clock() + patience
        while (left := until - self.clock()) > 0:
            found = await self._look(record.id, left)
            if found is None:
                return False
            if found.state is not State.PENDING:
                return True
        return False

    async def _look(self, approval_id: str, left: float) -> Record | None:
        """Return what has become of it, at most `left` seconds from now; None: too many wait already."""
        if self._waiting >= _MOST_WAITING:
            return None
        self._waiting += 1
        try:
            return await self._approvals.state(approval_id, wait=max(1, min(25, round(left))))
        finally:
            self._waiting -= 1

    async def _landed(self, key: _Key) -> None:
        """Wait until the issuer knows that an identical call was answered: the next one is a new one."""
        landing = self._landing.get(key)
        if landing is not None:
            await asyncio.wait({landing}, timeout=_LANDING_S)

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


_UNASKED: Final = (NotStandingError, SlowDownError, RefusedError, IssuerUnavailableError, UnicodeEncodeError)


def _unasked(call: ExactCall, error: Exception) -> Said:
    """Return the refusal of a call about which the issuer could not be asked, or would not answer."""
    match error:
        case NotStandingError():
            return NotStanding()
        case SlowDownError():
            return said.too_many(call.tool, error.retry_after_s)
        case IssuerUnavailableError():
            return said.unreachable(call.tool, error.retry_after_s)
        case _:
            return said.not_taken(call.tool)


def _told(call: ExactCall, execution: Execution, ran: Ran) -> Said:
    """Return what somebody hears who waited along."""
    if ran.result is None:
        return said.refused(call.tool, "approval_ambiguous")
    return Outcome(result=ran.result, execution=execution)
