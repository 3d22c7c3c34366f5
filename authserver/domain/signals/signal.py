"""
One signal: opened once for one kind and one key, counted while it is open, dismissed by a person who says why.

A signal names people by the keyed reference of the record alone, and its numbers stand with it, so that it can be worked out again from
the events that it names. It is opened in the commit in which its events were read: exactly once, however many processes read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import structlog

from authserver.domain.audit import event
from authserver.domain.notices import notice
from authserver.domain.revocation.kill_switch import By
from authserver.domain.signals import store
from authserver.domain.signals.detectors.found import Found
from authserver.domain.signals.kinds import GRAVITIES, SPECS, Gravity, Kind
from authserver.domain.signals.settings import STEP_UP, STOP, WEBHOOK, Settings
from authserver.domain.tool_policies import step_up
from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import Row, UnitOfWork

log = structlog.get_logger("authserver.signals")

MOST_OPEN: Final = 2000
"""How many signals of a tenant stand open; more are only counted in the log."""
MOST_OPEN_OF_A_SERVER: Final = 500
"""How many of them about one MCP server: one that makes agents up hides no more than what is told of itself."""
MOST_EVENTS: Final = 20
"""How many of the events behind a signal it names: the first ten, and the last."""
KEPT_DAYS: Final = 90
"""How long a dismissed one is kept."""
FRESH_S: Final = 15 * 60
"""What happened longer ago than that stops nobody: a record that comes late tells of what is over."""
_UNUSED_DAYS: Final = 60
_DAY_US: Final = 86_400_000_000
_END_OF_TIME: Final = 2**62


class DismissedError(ValueError):
    """It was dismissed already, or cannot be like that. The message names the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """One signal. Times are microseconds since the epoch; `sub_ref` is the record's reference to a person."""

    id: str
    kind: Kind
    about: str
    gravity: Gravity
    opened_us: int
    last_us: int
    many: int
    sub_ref: str
    client_id: str
    authorization_id: str
    resource: str
    tool: str
    numbers: Mapping[str, Any]
    event_ids: tuple[str, ...]
    todo: tuple[str, ...]
    done: tuple[str, ...]
    dismissed_us: int | None
    dismissed_by: str
    row: Row = field(repr=False)

    @property
    def is_open(self) -> bool:
        """Whether nobody has dismissed it."""
        return self.dismissed_us is None

    @property
    def is_of_agent(self) -> bool:
        """Whether it is about an application that acts for somebody, which can be asked for more or stopped."""
        return bool(self.client_id) and SPECS[self.kind].of == "agent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some of them, the latest first, and after which place the rest begins; None: there is no more."""

    signals: tuple[Signal, ...]
    after: tuple[int, str] | None


async def page(
    work: UnitOfWork,
    *,
    state: str = "",
    kind: str = "",
    client_id: str = "",
    after: tuple[int, str] | None = None,
    most: int = 50,
) -> Page:
    """Return signals of the bound tenant. `state`: `open`, `dismissed`, or empty for both."""
    place = after or (_END_OF_TIME, "")
    rows = await work.all(
        store.PAGE,
        state=state,
        kind=kind,
        client_id=client_id,
        before_us=place[0],
        before_id=place[1],
        most=most + 1,
    )
    found = tuple(_signal(row) for row in rows[:most])
    return Page(signals=found, after=(found[-1].last_us, found[-1].id) if len(rows) > most else None)


async def find(work: UnitOfWork, signal_id: str) -> Signal | None:
    """Return one of the bound tenant, or None."""
    row = await work.one(store.FIND, signal_id=signal_id)
    return _signal(row) if row else None


async def count_open(work: UnitOfWork) -> int:
    """Return how many stand open in the bound tenant."""
    row = await work.one(store.COUNT_OPEN)
    return row["many"] if row else 0


def why(work: UnitOfWork, signal: Signal) -> str:
    """Return why somebody dismissed it; empty: nobody has. Raises VaultError where the key is gone."""
    said = signal.row["why"]
    return store.WHY.open(work.machines.key_encryption, said, **_where(signal.row)).decode() if said else ""


async def say(work: UnitOfWork, signal_id: str) -> None:
    """Write a line of the log about a new one of the bound tenant, if it stands: where a commit was lost, another process tells of it."""
    found = await find(work, signal_id)
    if found is not None:
        log.warning(
            "signal_raised",
            tenant=work.tenant,
            signal_id=found.id,
            kind=found.kind.value,
            gravity=found.gravity.value,
            client_id=found.client_id,
            resource=found.resource,
            tool=found.tool,
        )


async def raise_all(work: UnitOfWork, found: Iterable[Found], settings: Settings) -> list[str]:
    """Open or count what was found, with the unit's commit; returns the ids of those that are new. What is switched off is passed over."""
    merged: dict[tuple[Kind, str], list[Found]] = {}
    for one in found:
        if settings.kinds[one.kind].is_on:
            merged.setdefault((one.kind, one.about), []).append(one)
    if not merged:
        return []
    abouts = orjson.dumps(sorted({about for _, about in merged})).decode()
    known = {(Kind(row["kind"]), row["about"]): row for row in await work.all(store.OPEN_AMONG, abouts=abouts)}
    rows = await work.all(store.COUNT_OPEN_OF_SERVERS) if merged.keys() - known.keys() else ()
    standing = Counter({row["resource"]: row["many"] for row in rows})
    new = []
    for key, times in merged.items():
        if key in known:
            _again(work, known[key], times)
        elif standing.total() < MOST_OPEN and standing[times[-1].fact.resource] < MOST_OPEN_OF_A_SERVER:
            new.append(await _open(work, times, settings))
            standing[times[-1].fact.resource] += 1
        else:
            log.warning("too_many_signals", tenant=work.tenant, kind=key[0].value, most=MOST_OPEN)
    return new


def _again(work: UnitOfWork, row: Row, times: Sequence[Found]) -> None:
    latest = times[-1]
    gravity = max([Gravity(row["gravity"]), *(one.gravity for one in times)], key=GRAVITIES.index)
    # A claim: who was dismissed meanwhile is opened anew, when the same events are read again.
    work.claim(
        store.AGAIN,
        signal_id=row["signal_id"],
        many=len(times),
        last_us=max(row["last_us"], latest.fact.at * 1_000_000),
        gravity=gravity.value,
        numbers=orjson.dumps(latest.numbers).decode(),
        event_ids=orjson.dumps(_kept([*orjson.loads(row["event_ids"]), *_events(times)])).decode(),
        authorization_id="" if latest.is_of_tool else latest.fact.authorization,
    )


async def _open(work: UnitOfWork, times: Sequence[Found], settings: Settings) -> str:
    first, latest = times[0], times[-1]
    fact, is_of_tool = latest.fact, latest.is_of_tool
    signal_id, wanted = new_id("sgn"), settings.kinds[first.kind]
    gravity = max((one.gravity for one in times), key=GRAVITIES.index)
    who, client = ("", "") if is_of_tool else (fact.who, fact.client)
    is_fresh = fact.at >= work.now - FRESH_S
    todo = [one for one in (STEP_UP, STOP) if one in wanted.actions and client and is_fresh]
    ids = _kept(_events(times))
    work.write(
        store.OPEN,
        signal_id=signal_id,
        kind=first.kind.value,
        about=first.about,
        gravity=gravity.value,
        opened_us=first.fact.at * 1_000_000,
        last_us=fact.at * 1_000_000,
        many=len(times),
        sub_ref=who,
        client_id=client,
        authorization_id="" if is_of_tool else fact.authorization,
        resource=fact.resource,
        tool=fact.tool,
        numbers=orjson.dumps(latest.numbers).decode(),
        event_ids=orjson.dumps(ids).decode(),
        todo=" ".join(todo),
    )
    event.append(
        work,
        event.Kind.SIGNAL_RAISED,
        event.Outcome.DONE,
        event_id=event.new_event_id(work.at_us),
        at_us=work.at_us,
        reason="",
        client_id=client,
        sub_ref=who,
        authorization_id="" if is_of_tool else fact.authorization,
        resource=fact.resource,
        about={
            "signal": first.kind.value,
            "signal_id": signal_id,
            "gravity": gravity.value,
            "tool": fact.tool,
            "numbers": {
                name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in latest.numbers.items()
            },
            "events": ids,
        },
        payload=None,
        named=(),
    )
    if WEBHOOK in wanted.actions:
        data = {
            "tenant_id": work.tenant,
            "signal_id": signal_id,
            "kind": first.kind.value,
            "gravity": gravity.value,
            "client_id": client,
            "resource": fact.resource,
            "tool": fact.tool,
            "numbers": latest.numbers,
            "event_ids": ids,
            "opened_at": notice.timestamp(first.fact.at),
        }
        await notice.tell_webhooks(work, notice.Event.SIGNAL_RAISED, about=signal_id, data=data)
    return signal_id


def _events(times: Sequence[Found]) -> list[str]:
    return [name for one in times for name in (one.events or (one.fact.id,))]


def _kept(ids: Sequence[str]) -> list[str]:
    each = list(dict.fromkeys(ids))
    half = MOST_EVENTS // 2
    return each if len(each) <= MOST_EVENTS else [*each[:half], *each[-half:]]


def dismiss(work: UnitOfWork, signal: Signal, *, reason: str, by: By, is_usual: bool = False) -> None:
    """Close a signal, with the unit's commit; a lost one: somebody else did. `is_usual`: what is usual is learned anew from here on.

    Raises DismissedError.
    """
    said = reason.strip()
    if not 1 <= len(said) <= 500 or not said.isprintable():
        raise DismissedError("reason: why, in 1 to 500 characters; it stays with the signal")
    if not signal.is_open:
        raise DismissedError("signal: it was dismissed already")
    assert work.tenant is not None
    sealed = store.WHY.seal(work.machines.key_encryption, said.encode(), tenant_id=work.tenant, signal_id=signal.id)
    label = by.sub or by.client_id or by.label
    work.claim(store.DISMISS, signal_id=signal.id, now_us=work.at_us, by=label, why=sealed)
    if is_usual:
        work.write(store.FORGET_BASELINES, abouts=orjson.dumps(list(baselines_of(signal))).decode())
    event.record(
        work,
        event.Kind.SIGNAL_DISMISSED,
        sub=by.sub,
        client_id=by.client_id,
        signal=signal.kind.value,
        signal_id=signal.id,
        is_usual=is_usual,
        payload={"reason": said, "by": by.label},
    )


def baselines_of(signal: Signal) -> tuple[str, ...]:
    """Return the names of the baselines that a signal was compared with."""
    of = SPECS[signal.kind].of
    if of == "approver":
        return (f"agent {signal.sub_ref}",)
    if of == "tool" or not signal.client_id:
        return (f"tool {signal.resource} {signal.tool}",)
    return (f"agent {signal.sub_ref} {signal.client_id}",)


def did(work: UnitOfWork, signal: Signal, what: str) -> None:
    """Keep with a signal what was done about it, with the unit's commit."""
    work.write(store.DID, signal_id=signal.id, what=what)


async def ask_more(work: UnitOfWork, signal: Signal, *, sub: str, minutes: int, by: By) -> None:
    """Let each write of the signal's agent wait for a person's yes, with the unit's commit. Raises step_up.RefusedError."""
    await step_up.begin(work, client_id=signal.client_id, sub=sub, minutes=minutes, signal_id=signal.id, by=by)
    did(work, signal, STEP_UP)


def forget_all(work: UnitOfWork) -> None:
    """Forget all of the bound tenant, with the unit's commit: it goes."""
    for statement in (store.FORGET_SIGNALS, store.FORGET_EVERY_BASELINE, store.FORGET_SETTINGS):
        work.write(statement)


def expire(work: UnitOfWork) -> None:
    """Forget what was dismissed long ago, and what is usual for whoever was not seen for long."""
    work.write(store.EXPIRE, before_us=work.at_us - KEPT_DAYS * _DAY_US)
    work.write(store.EXPIRE_BASELINES, before_us=work.at_us - _UNUSED_DAYS * _DAY_US)


def _where(row: Row) -> dict[str, str]:
    return {"tenant_id": row["tenant_id"], "signal_id": row["signal_id"]}


def _signal(row: Row) -> Signal:
    return Signal(
        id=row["signal_id"],
        kind=Kind(row["kind"]),
        about=row["about"],
        gravity=Gravity(row["gravity"]),
        opened_us=row["opened_us"],
        last_us=row["last_us"],
        many=row["many"],
        sub_ref=row["sub_ref"],
        client_id=row["client_id"],
        authorization_id=row["authorization_id"],
        resource=row["resource"],
        tool=row["tool"],
        numbers=orjson.loads(row["numbers"]),
        event_ids=tuple(orjson.loads(row["event_ids"])),
        todo=tuple(row["todo"].split()),
        done=tuple(row["done"].split()),
        dismissed_us=row["dismissed_us"],
        dismissed_by=row["dismissed_by"],
        row=row,
    )
