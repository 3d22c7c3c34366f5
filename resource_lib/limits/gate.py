"""
Where a request that is allowed meets its limits: all that apply are asked together, and all of them count it or none does.

A call that waits for a person is looked at before anybody is asked, and counted once, right before it begins. What is refused here was
refused by nothing else, and has cost nothing. Each refusal is a signal: it is told to whoever watches. C37 to C43, RL-01, RL-02.
"""

import asyncio
import contextlib
import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from resource_lib.decision import Deny, Exceeded
from resource_lib.identity.principal import Principal
from resource_lib.limits.degraded import Sheltered, closed
from resource_lib.limits.keys import key_of, seat_key_of
from resource_lib.limits.limits import Limited, Limits
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.signals import Signals
from resource_lib.limits.store import RENEW_SEAT_S, Asked, LimitStore, Seat, Slot, StoreUnavailableError
from resource_lib.policy import Demand

_MOST_KEPT: Final = 4096
_PATIENCE: Final = (0.02, 0.05, 0.1, 0.2)
"""Pauses in which a seat may become free: a caller may have read the answer before the call that gave it is over."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Limits that are asked together, and what is said when one of them has no room."""

    asked: tuple[Asked, ...]
    exceeded: tuple[Exceeded, ...]


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

    def __init__(self, limits: Limits, *, resource: str) -> None:
        self.limits = limits
        self.shared = (
            None if limits.store is None else Sheltered(limits.store, expected_instances=limits.expected_instances)
        )
        """The store that several processes share, and what counts in its place; None: this process counts for itself."""
        self.store: LimitStore = self.shared or ProcessStore()
        self.signals = Signals(limits.on_limited)
        self._resource = resource
        self._of_requests = limits.of_requests
        self._calls: dict[tuple[int, str], tuple[Principal, Demand, _Plan, _Plan]] = {}

    @property
    def said(self) -> str:
        """Where it is counted, in a few words."""
        return "each process counts for itself" if self.shared is None else str(self.shared.state)

    async def enter(self, principal: Principal, calls: Sequence[Demand], *, requests: int) -> Entry | Deny:
        """Count `requests` messages of one body, of which `calls` are what its calls of tools demand; or say why not."""
        plan = (
            self._both(principal, calls[0]) if requests == 1 and calls else self._together(principal, calls, requests)
        )
        if all(self.limits.at_once(demand) is None for demand in calls):
            return await self._counted(plan, calls) or _ENTERED
        return await self._seated(plan, principal, calls)

    async def look(self, principal: Principal, demand: Demand) -> Deny | None:
        """Look whether a call that waits for a person would have room now, without counting it; None: it would."""
        return await self._counted(self._own(principal, demand), [demand], peek=True)

    async def begin(self, principal: Principal, demand: Demand) -> Entry | Deny:
        """Count a call that has waited, right before it begins: its request was counted when it came."""
        plan = self._own(principal, demand)
        if self.limits.at_once(demand) is None:
            return await self._counted(plan, [demand]) or Entry(plan.asked)
        return await self._seated(plan, principal, [demand])

    async def withdraw(self, entry: Entry) -> None:
        """Take back what was counted for a call that did not begin after all."""
        with entry:
            if entry.asked:
                await _quietly(self.store.give_back(entry.asked))

    def tell(self, deny: Deny, principal: Principal) -> None:
        """Tell whoever watches that a caller hears of a limit."""
        exceeded = deny.exceeded
        if exceeded is not None:
            self.signals.tell(
                Limited(
                    scope=exceeded.scope,
                    tool=exceeded.tool,
                    most=exceeded.most,
                    window_s=exceeded.window_s,
                    retry_after_s=deny.retry_after_s or 0,
                    tenant=principal.tenant,
                    subject=principal.subject,
                    client_id=principal.client_id,
                    authorization_id=principal.authorization_id,
                )
            )

    async def aclose(self) -> None:
        """Say what was not said yet, and let go of the store."""
        self.signals.tell_what_is_over()
        await self.store.aclose()

    # -----------------------------------------------------------------------------------------------------------------
    # What is asked
    # -----------------------------------------------------------------------------------------------------------------

    def _requests(self, principal: Principal, cost: int) -> _Plan:
        """Return what `cost` requests of any kind meet."""
        asked, exceeded = [], []
        for name, one in self._of_requests:
            key = key_of(one, principal, resource=self._resource)
            asked.append(Asked(key=key, most=one.most, seconds=one.seconds, cost=cost))
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
            asked.append(Asked(key=named, most=one.most, seconds=one.seconds, cost=demand.cost))
            exceeded.append(Exceeded(scope="tool", most=one.most, window_s=one.seconds, tool=demand.subject))
        own = _Plan(tuple(asked), tuple(exceeded))
        requests = self._requests(principal, demand.cost)
        both = _Plan((*requests.asked, *own.asked), (*requests.exceeded, *own.exceeded))
        if len(self._calls) >= _MOST_KEPT:
            self._calls.pop(next(iter(self._calls), key), None)
        self._calls[key] = (principal, demand, own, both)
        return own, both

    def _together(self, principal: Principal, calls: Sequence[Demand], requests: int) -> _Plan:
        """Return what several messages of one body meet: each counts, and each key is asked about once."""
        found = self._requests(principal, requests - len(calls) + sum(demand.cost for demand in calls))
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

    async def _seated(self, plan: _Plan, principal: Principal, calls: Sequence[Demand]) -> Entry | Deny:
        """Take a seat for each call that needs one, then count; whoever finds no room leaves nothing behind."""
        seats: list[_Kept] = []
        entry = Entry(plan.asked, seats)
        refused: Deny | None = closed(_subject(calls))
        try:
            for demand in calls:
                most = self.limits.at_once(demand)
                if most is None:
                    continue
                seat = await self._seat(principal, demand, most, closes=_closes(calls))
                if seat is None:
                    full = Exceeded(scope="running", most=most, tool=demand.subject)
                    refused = _refused(full, calls, 1)
                    return refused
                seats.append(_Kept(self.store, seat))
            refused = await self._counted(plan, calls)
            return refused or entry
        except StoreUnavailableError:
            return closed(_subject(calls))
        finally:
            if refused is not None:
                entry.__exit__()

    async def _seat(self, principal: Principal, demand: Demand, most: int, *, closes: bool) -> Seat | None:
        slot = Slot(key=seat_key_of(principal, resource=self._resource, tool=demand.subject), most=most)
        for pause in (*_PATIENCE, None):
            if self.shared is None:
                seat = await self.store.begin([slot])
            else:
                seat = await self.shared.begin([slot], closes=closes)
            if seat is not None or pause is None:
                return seat
            await asyncio.sleep(pause)
        return None


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
        return f"{what}: {exceeded.most} calls of it are running, and no more may run at once. Call it again when one of them has ended."
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


def _closes(calls: Sequence[Demand]) -> bool:
    """Tell whether nothing of it begins while the shared store is away: one of the calls may change something."""
    return any(demand.tool_class != "read" for demand in calls)


def _subject(calls: Sequence[Demand]) -> str:
    return calls[0].subject if len(calls) == 1 else "It"
