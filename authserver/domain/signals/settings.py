"""
What a tenant wants of each signal: whether it is looked for, by which numbers, and what is done about it.

Without a word of theirs: everything is looked for, each signal stands in the record, and webhooks that listen are told. Nothing is
stopped and nobody is asked for more unless an operator said so here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from zoneinfo import ZoneInfo

import orjson

from authserver.domain.audit import event
from authserver.domain.signals import store
from authserver.domain.signals.kinds import DEFAULTS, SPECS, Kind, Numbers
from authserver.runtime.unit_of_work import UnitOfWork

WEBHOOK: Final = "webhook"
STEP_UP: Final = "step_up"
STOP: Final = "stop"
ACTIONS: Final[Mapping[str, str]] = {
    WEBHOOK: "tell the webhooks that listen to signal.raised",
    STEP_UP: "each write of this application for this person waits for a yes, for a while",
    STOP: "stop the application in this organisation until somebody revives it",
}
"""Besides the record, in which each one stands."""
FOR_ALL: Final = "*"
DEFAULT_MINUTES: Final = 60
MOST_MINUTES: Final = 7 * 24 * 60


class InvalidSettingError(ValueError):
    """It cannot be set like that. The message names the member and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is wanted of one kind."""

    kind: Kind
    is_on: bool = True
    actions: tuple[str, ...] = (WEBHOOK,)
    step_up_minutes: int = DEFAULT_MINUTES
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Those that differ from the defaults."""
    changed_at: int | None = None

    @property
    def in_force(self) -> dict[str, float]:
        """All numbers."""
        return {**DEFAULTS[self.kind.value], **self.numbers}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What is wanted of all kinds. `zone`: by whose clocks an hour is unusual."""

    zone: str
    kinds: Mapping[Kind, Wanted]

    @property
    def numbers(self) -> Numbers:
        """The numbers in force, as detectors read them."""
        return {kind.value: wanted.in_force for kind, wanted in self.kinds.items()}


async def of_tenant(work: UnitOfWork) -> Settings:
    """Return what the bound tenant wants; never from memory. What is stored and no longer known is passed over."""
    rows = {row["kind"]: row for row in await work.all(store.SETTINGS)}
    said = {name: orjson.loads(row["settings"]) for name, row in rows.items()}
    kinds = {}
    for kind in Kind:
        wanted = Wanted(kind=kind)
        if kind.value in said:
            known = said[kind.value]
            numbers = {name: value for name, value in known["numbers"].items() if name in SPECS[kind].numbers}
            wanted = Wanted(
                kind=kind,
                is_on=known["on"],
                actions=tuple(one for one in known["actions"] if one in ACTIONS),
                step_up_minutes=known["step_up_minutes"],
                numbers=numbers,
                changed_at=rows[kind.value]["changed_at"],
            )
        kinds[kind] = wanted
    return Settings(zone=said.get(FOR_ALL, {}).get("zone", "UTC"), kinds=kinds)


def changed(
    wanted: Wanted,
    *,
    is_on: bool | None = None,
    actions: Sequence[str] | None = None,
    step_up_minutes: int | None = None,
    numbers: Mapping[str, float] | None = None,
) -> Wanted:
    """Return what is wanted with these words in the place of those before. Raises InvalidSettingError."""
    spec = SPECS[wanted.kind]
    if actions is not None:
        unknown = sorted(set(actions) - set(ACTIONS))
        if unknown:
            raise InvalidSettingError(f"actions: {unknown[0][:40]} is unknown; use {', '.join(ACTIONS)}")
        if spec.of != "agent" and set(actions) - {WEBHOOK}:
            raise InvalidSettingError(
                f"actions: {wanted.kind} names no agent that could be stepped up or stopped; use {WEBHOOK}"
            )
        wanted = replace(wanted, actions=tuple(one for one in ACTIONS if one in actions))
    if step_up_minutes is not None:
        if not 1 <= step_up_minutes <= MOST_MINUTES:
            raise InvalidSettingError(f"step_up_minutes: 1 to {MOST_MINUTES}")
        wanted = replace(wanted, step_up_minutes=step_up_minutes)
    for name, value in (numbers or {}).items():
        number = spec.numbers.get(name)
        if number is None:
            known = ", ".join(spec.numbers) or "none"
            raise InvalidSettingError(f"numbers.{name[:40]}: {wanted.kind} has no such number; it has {known}")
        if not number.least <= value <= number.most:
            raise InvalidSettingError(f"numbers.{name}: {number.least:g} to {number.most:g}: {number.says}")
    if numbers:
        merged = {**wanted.numbers, **numbers}
        wanted = replace(
            wanted, numbers={name: value for name, value in merged.items() if value != spec.numbers[name].default}
        )
    return wanted if is_on is None else replace(wanted, is_on=is_on)


def configure(work: UnitOfWork, wanted: Wanted) -> None:
    """Keep what the bound tenant wants of one kind, with the unit's commit."""
    said = {
        "on": wanted.is_on,
        "actions": list(wanted.actions),
        "step_up_minutes": wanted.step_up_minutes,
        "numbers": dict(wanted.numbers),
    }
    work.write(store.SET, kind=wanted.kind.value, settings=orjson.dumps(said).decode(), now=work.now)
    event.record(
        work,
        event.Kind.SIGNALS_CONFIGURED,
        signal=wanted.kind.value,
        on=wanted.is_on,
        actions=list(wanted.actions),
        step_up_minutes=wanted.step_up_minutes,
        numbers={name: f"{value:g}" for name, value in wanted.numbers.items()},
    )


def set_zone(work: UnitOfWork, zone: str) -> None:
    """Keep by whose clocks hours are told in the bound tenant. Raises InvalidSettingError."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise InvalidSettingError(f"zone: {zone[:40]!r} is no zone; write one such as Europe/Berlin") from None
    work.write(store.SET, kind=FOR_ALL, settings=orjson.dumps({"zone": zone}).decode(), now=work.now)
    event.record(work, event.Kind.SIGNALS_CONFIGURED, signal=FOR_ALL, zone=zone)
