"""
For a while each write of an application waits for a person's yes, also of calls that were allowed beforehand.

An operator says so, or a signal on an operator's word. It is told to the MCP servers as a rule for every tool, beside what the tenant
demands anyway, and is in force there within seconds; it ends by itself, and an operator may end it before. It can only make things stricter:
where it does not fit beside a tenant's own rules, a person is asked about every call.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from authserver.domain.audit import event
from authserver.domain.revocation.kill_switch import By
from authserver.domain.tool_policies import store
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.condition import ConditionError, parse
from resource_lib.wire.tool_policy import MOST_CONDITIONS, Rules, When

log = structlog.get_logger("authserver.tool_policies")

MOST: Final = 20
"""How many are in force in a tenant at once."""
MOST_MINUTES: Final = 7 * 24 * 60
BECAUSE: Final = (
    "Its calls were unusual, so for now a person says yes to each write. Whoever runs this organisation can end it."
)
_RULE: Final = ApprovalRule(most_calls=1)
_MOST_AT_ONCE: Final = 100


class RefusedError(ValueError):
    """It cannot begin or end like that. The message names the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepUp:
    """Of whom each write waits. `sub` empty: of whomever the application acts for. Times are seconds since the epoch."""

    client_id: str
    sub: str
    began_at: int
    until: int
    signal_id: str = ""


async def begin(work: UnitOfWork, *, client_id: str, sub: str, minutes: int, by: By, signal_id: str = "") -> StepUp:
    """Begin one, or let it last longer, with the unit's commit. Raises RefusedError."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise RefusedError(f"minutes: 1 to {MOST_MINUTES}")
    if not client_id:
        raise RefusedError("client_id: whose writes")
    known = {(one.client_id, one.sub): one for one in await in_force(work)}
    before = known.get((client_id, sub))
    if before is None and len(known) >= MOST:
        raise RefusedError(f"client_id: {MOST} step-ups are in force here already; end some, or stop the application")
    until = max(work.now + minutes * 60, before.until if before else 0)
    work.write(store.STEP_UP, client_id=client_id, sub=sub, now=work.now, until=until, signal_id=signal_id)
    _record(work, event.Kind.STEP_UP_BEGUN, client_id, sub, by=by, until=until, signal_id=signal_id)
    return StepUp(client_id=client_id, sub=sub, began_at=work.now, until=until, signal_id=signal_id)


def end(work: UnitOfWork, found: StepUp, *, by: By) -> None:
    """End one before its time, with the unit's commit; a lost one: it has ended."""
    work.claim(store.END_STEP_UP, client_id=found.client_id, sub=found.sub)
    _record(
        work, event.Kind.STEP_UP_ENDED, found.client_id, found.sub, by=by, until=found.until, signal_id=found.signal_id
    )


async def in_force(work: UnitOfWork) -> list[StepUp]:
    """Return those of the bound tenant that have not ended; never from memory."""
    return [_of(row) for row in await work.all(store.STEP_UPS, now=work.now)]


async def end_over(machines: Machines) -> int:
    """End those whose time is over, so that MCP servers are told otherwise; returns how many. One that another process ends is passed over."""
    across = event.platform_work(machines, "end step-ups whose time is over")
    many = 0
    for row in await across.all(store.OVER, now=across.now, most=_MOST_AT_ONCE):
        work = machines.work(tenant=row["tenant_id"])
        work.claim(store.END_OVER, client_id=row["client_id"], sub=row["sub"], now=work.now)
        _record(work, event.Kind.STEP_UP_ENDED, row["client_id"], row["sub"], by=None, until=row["until"], signal_id="")
        many += await work.commit()
    return many


async def rules_of_each(across: UnitOfWork) -> dict[str, list[StepUp]]:
    """Return what is in force in every tenant. The unit crosses tenants."""
    found: dict[str, list[StepUp]] = {}
    for row in await across.all(store.EVERY_STEP_UP, now=across.now):
        found.setdefault(row["tenant_id"], []).append(_of(row))
    return found


def tightened(rules: Rules, found: Sequence[StepUp]) -> Rules:
    """Return the rules for every tool with what is in force besides. Where there is no room for it, a person is asked about each call."""
    whens = _whens(found)
    if whens is None or len(rules.when) + len(whens) > MOST_CONDITIONS:
        return rules if rules.mode == "deny" else replace(rules, mode="step_up")
    return replace(rules, when=(*rules.when, *whens))


def _whens(found: Iterable[StepUp]) -> list[When] | None:
    whens = []
    for one in found:
        whose = f" and subject == {_quoted(one.sub)}" if one.sub else ""
        text = f'client == {_quoted(one.client_id)}{whose} and tool_class != "read"'
        try:
            whens.append(When(effect="step_up", condition=parse(text), because=BECAUSE, approval=_RULE))
        except ConditionError:
            log.error("step_up_does_not_fit", characters=len(text))
            return None
    return whens


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _of(row: Row) -> StepUp:
    return StepUp(
        client_id=row["client_id"],
        sub=row["sub"],
        began_at=row["began_at"],
        until=row["until"],
        signal_id=row["signal_id"],
    )


def _record(
    work: UnitOfWork, kind: event.Kind, client_id: str, sub: str, *, by: By | None, until: int, signal_id: str
) -> None:
    # What the servers of this tenant are told has changed, in every process.
    work.changes_directory = True
    event.record(
        work,
        kind,
        sub=sub,
        client_id=client_id,
        until=until,
        signal_id=signal_id,
        by=event.reference(work, by.sub) if by is not None else "",
        by_client=by.client_id if by is not None else "",
        payload={"by": by.label} if by is not None and by.label else None,
    )
