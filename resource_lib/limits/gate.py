"""
Where a request meets its limits: all that apply are asked together, and all of them count it or none does.

A call that waits for a person is looked at before anybody is asked, and counted once, right before it begins. What was refused for another
reason is a request all the same: of its login, person, application and tenant, and of nobody else's. Each refusal is a signal: it is
told to whoever watches. C37 to C43, RL-01, RL-02.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from resource_lib.decision import Deny, Exceeded
from resource_lib.identity.principal import Principal
from resource_lib.limits.degraded import Sheltered, closed
from resource_lib.limits.keys import key_of, seat_key_of
from resource_lib.limits.limits import Limited, Limits
from resource_lib.limits.met import LimitsMet
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.signals import Signals
from resource_lib.limits.store import RENEW_SEAT_S, Asked, Full, LimitStore, Seat, Slot, StoreUnavailableError
from resource_lib.policy import Demand
from resource_lib.wire.limit import Per

_MOST_KEPT: Final = 4096
_PATIENCE: Final = (0.02, 0.05, 0.1, 0.2)
"""Pauses in which a seat may become free: a caller may have read the answer before the call that gave it is over."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Limits that are asked together, and what is said when one of them has no room."""

    asked: tuple[Asked, ...]
    exceeded: tuple[Exceeded, ...]
    slots: tuple[Slot, ...] = ()
    full: tuple[Exceeded, ...] = ()


class Entry:
    """What was counted for something that may begin; inside the block it holds its seats."""

    __slots__ = ("asked", "seats")

    def __init__(self, asked: Sequence[Asked] = (), seats: "Sequence[_Kept]" = ()) -> None:
        self.asked = asked
        self.seats = seats

    def __enter__(self) -> None:
        """Enter."""

    def __exit__(self, *_: object) -> None:
        """Give the seats back, however it ended."""
        for seat in self.seats:
            seat.end()


class _Kept:
    """A seat that is renewed for as long as somebody holds it."""

    __slots__ = ("_renewing", "_seat", "_store")

    def __init__(self, store: LimitStore, seat: Seat) -> None:
        self._store = store
        self._seat: Seat | None = seat
        self._renewing = asyncio.get_running_loop().call_later(RENEW_SEAT_S, self._renew)

    def _renew(self) -> None:
        if self._seat is not None:
            _later(_quietly(self._store.renew(self._seat)))
            self._renewing = asyncio.get_running_loop().call_later(RENEW_SEAT_S, self._renew)

    def end(self) -> None:
        """Give it back, in a task of its own: whoever is cancelled meanwhile leaves no seat behind."""
        seat, self._seat = self._seat, None
        self._renewing.cancel()
        if seat is not None:
            _later(_quietly(self._store.end(seat)))


_ENTERED: Final = Entry()
"""For whatever has no seat to give back: nothing is left to do about it."""

_background: set[asyncio.Task[None]] = set()


def _later(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_background.discard)


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    """Do it, or leave it: a seat that could not be renewed has some life left, and one that could not be given back lapses."""
    with contextlib.suppress(StoreUnavailableError):
        await work


class Gate:
    """Asks the limits of one guard."""

    def __init__(self, limits: Limits, *, resource: str, clock: Callable[[], float] = time.time) -> None:
        """`clock` says seconds since the epoch, for words alone."""
        self.limits = limits
        self.shared = (
            None if limits.store is None else Sheltered(limits.store, expected_instances=limits.expected_instances)
        )
        """The store that several processes share, and what counts in its place; None: this process counts for itself."""
        self.store: LimitStore = self.shared or ProcessStore()
        self.signals = Signals(limits.on_limited)
        self.met = LimitsMet(clock=clock)
        """How often limits were met, for operators."""
        self._resource = resource
        self._of_requests = limits.of_requests
        self._of_all_running = limits.of_all_running
        self._calls: dict[tuple[int, str], tuple[Principal, Demand, _Plan, _Plan]] = {}

    @property
    def said(self) -> str:
        """Where it is counted, in a few words."""
        return "each process counts for itself" if self.shared is None else str(self.shared.state)

    async def enter(self, principal: Principal, calls: Sequence[Demand], *, requests: int) -> Entry | Deny:
        """Count `requests` messages of one body, of which `calls` are what its calls of tools demand; or say why not."""
        if requests == 1 and calls:
            plan = self._both(principal, calls[0])
            seats = [plan] if plan.slots else []
        else:
            plan = self._together(principal, calls, requests)
            seats = [own for demand in calls if (own := self._own(principal, demand)).slots]
        if not seats:
            return await self._counted(plan, calls) or _ENTERED
        return await self._seated(plan, seats, calls)

    async def refused(self, principal: Principal, *, requests: int) -> Deny | None:
        """Count messages that are refused anyway, whatever for; return what is said instead when there is no room even for that.

        They count for whoever asked, and for nothing that others have a part in: neither for a tool nor for the whole server, or
        a stranger could use up with calls that nobody lets through what others may call.
        """
        plan = self._requests(principal, requests, of_server=False)
        return await self._counted(plan, (), peek=False)

    async def look(self, principal: Principal, demand: Demand) -> Deny | None:
        """Look whether a call that waits for a person would have room now, without counting it; None: it would."""
        return await self._counted(self._own(principal, demand), [demand], peek=True)

    async def begin(self, principal: Principal, demand: Demand) -> Entry | Deny:
        """Count a call that has waited, right before it begins: its request was counted when it came."""
        plan = self._own(principal, demand)
        if not plan.slots:
            return await self._counted(plan, [demand]) or Entry(plan.asked)
        return await self._seated(plan, [plan], [demand])

    async def withdraw(self, entry: Entry) -> None:
        """Take back what was counted for a call that did not begin after all."""
        with entry:
            if entry.asked:
                await _quietly(self.store.give_back(entry.asked))

    def tell(self, deny: Deny, principal: Principal, definition_hash: str = "") -> None:
        """Tell whoever watches that a caller hears of a limit; `definition_hash` is of the tool that they called."""
        exceeded = deny.exceeded
        if exceeded is not None:
            limited = Limited(
                scope=exceeded.scope,
                tool=exceeded.tool,
                most=exceeded.most,
                window_s=exceeded.window_s,
                per=exceeded.per,
                retry_after_s=deny.retry_after_s or 0,
                tenant=principal.tenant,
                subject=principal.subject,
                client_id=principal.client_id,
                authorization_id=principal.authorization_id,
                definition_hash=definition_hash if exceeded.tool is not None else "",
            )
            self.met.note(limited)
            self.signals.tell(limited)

    async def aclose(self) -> None:
        """Say what was not said yet, let the last seats be given back, and let go of the store."""
        self.signals.tell_what_is_over()
        loop = asyncio.get_running_loop()
        if going := [task for task in _background if task.get_loop() is loop]:
            await asyncio.wait(going)
        await self.store.aclose()

    # -----------------------------------------------------------------------------------------------------------------
    # What is asked
    # -----------------------------------------------------------------------------------------------------------------

    def _requests(
        self, principal: Principal, cost: int, *, cost_to_all: int | None = None, of_server: bool = True
    ) -> _Plan:
        """Return what `cost` requests of any kind meet."""
        asked, exceeded = [], []
        for name, one in self._of_requests:
            if name == "server" and not of_server:
                continue
            key = key_of(one, principal, resource=self._resource)
            counts = cost if name != "server" or cost_to_all is None else cost_to_all
            asked.append(Asked(key=key, most=one.most, seconds=one.seconds, cost=counts))
            exceeded.append(Exceeded(scope=name, most=one.most, window_s=one.seconds))
        return _Plan(tuple(asked), tuple(exceeded))

    def _own(self, principal: Principal, demand: Demand) -> _Plan:
        """Return what one call of a tool meets besides."""
        return self._known(principal, demand)[0]

    def _both(self, principal: Principal, demand: Demand) -> _Plan:
        """Return all that one call of a tool meets."""
        return self._known(principal, demand)[1]

    def _known(self, principal: Principal, demand: Demand) -> tuple[_Plan, _Plan]:
        # By identity: both are frozen, and what is kept here cannot be freed and its number given to another.
        key = (id(principal), demand.subject)
        kept = self._calls.get(key)
        if kept is not None and kept[0] is principal and kept[1] is demand:
            return kept[2], kept[3]
        asked, exceeded = [], []
        for one in self.limits.of_tool(demand):
            named = key_of(one, principal, resource=self._resource, tool=demand.subject)
            cost = demand.cost_to_all if one.per == "server" else demand.cost
            asked.append(Asked(key=named, most=one.most, seconds=one.seconds, cost=cost))
            exceeded.append(
                Exceeded(scope="tool", most=one.most, window_s=one.seconds, tool=demand.subject, per=one.per)
            )
        slots, full = self._seats(principal, demand)
        own = _Plan(tuple(asked), tuple(exceeded), slots, full)
        requests = self._requests(principal, demand.cost, cost_to_all=demand.cost_to_all)
        both = _Plan((*requests.asked, *own.asked), (*requests.exceeded, *own.exceeded), slots, full)
        if len(self._calls) >= _MOST_KEPT:
            self._calls.pop(next(iter(self._calls), key), None)
        self._calls[key] = (principal, demand, own, both)
        return own, both

    def _seats(self, principal: Principal, demand: Demand) -> tuple[tuple[Slot, ...], tuple[Exceeded, ...]]:
        """Return where a call sits while it runs, and what is said where it is full."""
        tool, resource = demand.subject, self._resource
        of_tool, of_all = self.limits.of_running(demand), self._of_all_running
        slots = [Slot(key=seat_key_of(one, principal, resource=resource, tool=tool), most=one.most) for one in of_tool]
        slots += [Slot(key=seat_key_of(one, principal, resource=resource), most=one.most) for one in of_all]
        full = [Exceeded(scope="running", most=one.most, tool=tool, per=one.per) for one in of_tool]
        full += [Exceeded(scope="running", most=one.most, per=one.per) for one in of_all]
        return tuple(slots), tuple(full)

    def _together(self, principal: Principal, calls: Sequence[Demand], requests: int) -> _Plan:
        """Return what several messages of one body meet: each counts, and each key is asked about once."""
        others = requests - len(calls)
        found = self._requests(
            principal,
            others + sum(demand.cost for demand in calls),
            cost_to_all=others + sum(demand.cost_to_all for demand in calls),
        )
        asked = {one.key: (one, said) for one, said in zip(found.asked, found.exceeded, strict=True)}
        for demand in calls:
            own = self._own(principal, demand)
            for one, said in zip(own.asked, own.exceeded, strict=True):
                known = asked.get(one.key)
                asked[one.key] = (one, said) if known is None else (replace(one, cost=one.cost + known[0].cost), said)
        return _Plan(tuple(one for one, _ in asked.values()), tuple(said for _, said in asked.values()))

    # -----------------------------------------------------------------------------------------------------------------
    # What is answered
    # -----------------------------------------------------------------------------------------------------------------

    async def _counted(self, plan: _Plan, calls: Sequence[Demand], *, peek: bool = False) -> Deny | None:
        """Count a plan, or only look at it; return why it has no room, or None."""
        if not plan.asked:
            return None
        try:
            if self.shared is None:
                taken = await self.store.take(plan.asked, peek=peek)
            else:
                taken = await self.shared.take(plan.asked, peek=peek, closes=_closes(calls))
        except StoreUnavailableError:
            return closed(_subject(calls))
        if taken.refused is None:
            return None
        return _refused(plan.exceeded[taken.refused], calls, taken.retry_after_s)

    async def _seated(self, plan: _Plan, needing: Sequence[_Plan], calls: Sequence[Demand]) -> Entry | Deny:
        """Take a seat for each call that needs one, then count; whoever finds no room leaves nothing behind."""
        seats: list[_Kept] = []
        entry = Entry(plan.asked, seats)
        refused: Deny | None = closed(_subject(calls))
        try:
            for one in needing:
                seat = await self._seat(one.slots, closes=_closes(calls))
                if isinstance(seat, Full):
                    refused = _refused(one.full[seat.place], calls, 1)
                    return refused
                seats.append(_Kept(self.store, seat))
            refused = await self._counted(plan, calls)
            return refused or entry
        except StoreUnavailableError:
            return closed(_subject(calls))
        finally:
            if refused is not None:
                entry.__exit__()

    async def _seat(self, slots: Sequence[Slot], *, closes: bool) -> Seat | Full:
        """Return one seat under all caps, or which of them is full."""
        for pause in _PATIENCE:
            found = await self._sit(slots, closes=closes)
            if isinstance(found, Seat):
                return found
            await asyncio.sleep(pause)
        return await self._sit(slots, closes=closes)

    async def _sit(self, slots: Sequence[Slot], *, closes: bool) -> Seat | Full:
        if self.shared is None:
            return await self.store.begin(slots)
        return await self.shared.begin(slots, closes=closes)


def _refused(exceeded: Exceeded, calls: Sequence[Demand], retry_after_s: float) -> Deny:
    seconds = max(1, math.ceil(retry_after_s)) if math.isfinite(retry_after_s) else None
    tool = exceeded.tool or (calls[0].subject if len(calls) == 1 else None)
    return Deny(
        error="rate_limited",
        message=_message(exceeded, tool, seconds),
        reason=f"limit of {exceeded.scope}",
        retry_after_s=seconds,
        exceeded=exceeded,
    )


def _message(exceeded: Exceeded, tool: str | None, seconds: int | None) -> str:
    what = "Nothing has run" if tool is None else f"{tool} has not run"
    if exceeded.window_s is None:
        of = "calls of it" if exceeded.tool is not None else "calls"
        return (
            f"{what}: {exceeded.most} {of} are running {_FOR_WHOM[exceeded.per or 'user']}, and no more may run at once. "
            "Call it again when one of them has ended."
        )
    allowed = f"{_WHOSE[exceeded.scope]} at most {exceeded.most} in {exceeded.window_s} s"
    if seconds is None:
        return f"{what}: {allowed}, and this counts for more than that. Ask for less at once; waiting changes nothing."
    return f"{what}: {allowed}, and that is used up. Try again in {seconds} s; until then it is refused."


_WHOSE: Final[Mapping[str, str]] = {
    "tool": "it is allowed",
    "credential": "this login may ask",
    "user": "this person may ask",
    "client": "this application may ask",
    "tenant": "this tenant may ask",
    "server": "all callers together may ask",
}


_FOR_WHOM: Final[Mapping[Per, str]] = {
    "credential": "for this login",
    "user": "for this person",
    "client": "for this application",
    "tenant": "for this tenant",
    "server": "for all callers together",
}


def _closes(calls: Sequence[Demand]) -> bool:
    """Tell whether nothing of it begins while the shared store is away: one of the calls may change something."""
    return any(demand.tool_class != "read" for demand in calls)


def _subject(calls: Sequence[Demand]) -> str:
    return calls[0].subject if len(calls) == 1 else "It"
