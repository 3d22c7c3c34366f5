"""
What is done about a signal by itself, where a tenant's operators said so: ask for more, or stop.

The signal is in the record before anything is done, and what is done is a commit of its own that claims it first: once, whichever
process does it. What fails is said with the signal, and tried no further: a person looks. So it is with an agent that only a server's
own word connects with it: it may be innocent.
"""

from typing import Final

import structlog

from authserver.domain.audit import event, search
from authserver.domain.clients import registry
from authserver.domain.exchange import policy
from authserver.domain.signals import settings, store
from authserver.domain.signals.facts import CALL
from authserver.domain.signals.settings import STEP_UP, STOP
from authserver.domain.signals.signal import Signal, ask_more, did, find
from authserver.domain.signals.words import sentence
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Target
from authserver.domain.tokens import authorization
from authserver.domain.tokens.authorization import Authorization
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import Kind

log = structlog.get_logger("authserver.signals")


class UnvouchedError(ValueError):
    """One server's word alone is no reason: it names an agent that never came to it."""


_AT_ONCE: Final = 20
LABEL: Final = "signals"


async def act_due(machines: Machines) -> int:
    """Do what is due, once; returns how much was. Never raises for one of them."""
    across = event.platform_work(machines, "look for what signals ask to be done")
    rows = await across.all(store.TODO, most=_AT_ONCE)
    done = 0
    for row in rows:
        try:
            done += await _act(machines, row["tenant_id"], row["signal_id"])
        except Exception as error:  # noqa: BLE001 - of one signal: the others are no worse for it
            log.warning("signal_not_acted_upon", signal_id=row["signal_id"], error=type(error).__name__)
    return done


async def _act(machines: Machines, tenant: str, signal_id: str) -> int:
    work = machines.work(tenant=tenant)
    signal = await find(work, signal_id)
    if signal is None or not signal.todo:
        return 0
    work.claim(store.DO, signal_id=signal.id, todo=signal.row["todo"])
    by = By(tenant=tenant, label=LABEL)
    try:
        if not await _is_vouched_for(work, signal):
            raise UnvouchedError("no login of this agent at the server that tells of it")
        if STOP in signal.todo:
            await stop(work, signal, by=by)
        elif STEP_UP in signal.todo:
            wanted = (await settings.of_tenant(work)).kinds[signal.kind]
            await ask_more(work, signal, sub=await sub_of(work, signal), minutes=wanted.step_up_minutes, by=by)
    except ValueError as error:
        log.warning("signal_not_acted_upon", signal_id=signal.id, error=str(error))
        work = machines.work(tenant=tenant)
        work.claim(store.DO, signal_id=signal.id, todo=signal.row["todo"])
        did(work, signal, f"{signal.todo[-1]}_refused")
    return int(await work.commit())


async def stop(work: UnitOfWork, signal: Signal, *, by: By) -> None:
    """Stop the signal's application in the bound tenant, with the unit's commit. Raises NotAllowedError, StopRefusedError."""
    assert work.tenant is not None
    target = Target(kind=Kind.CLIENT, tenant=work.tenant, client_id=signal.client_id)
    await stopping.kill(work, target, reason=reason_of(signal), by=by)
    did(work, signal, STOP)


def reason_of(signal: Signal) -> str:
    """Return why, as it stands in the record: the signal, and its sentence without anybody's name."""
    said = sentence(signal.kind, signal.numbers, tool=signal.tool, application="this application", person="")
    return f"Signal {signal.id} ({signal.kind}): {said}"[:500]


async def sub_of(work: UnitOfWork, signal: Signal) -> str:
    """Return for whom the signal's agent acted, by their authorization; empty: nobody knows any more, so it is whoever it acts for."""
    found = await _login_of(work, signal)
    return found.sub if found is not None else ""


async def _login_of(work: UnitOfWork, signal: Signal) -> Authorization | None:
    found = await authorization.find(work, signal.authorization_id) if signal.authorization_id else None
    # An MCP server may name any: the record's reference must lead to the very person.
    return found if found is not None and event.reference(work, found.sub) == signal.sub_ref else None


async def _is_vouched_for(work: UnitOfWork, signal: Signal) -> bool:
    """Whether its agent was let in where somebody tells of it. What this server saw itself needs nobody's word."""
    seen = [await search.find(work, one) for one in signal.event_ids]
    if all(one is not None and not one.kind.startswith(CALL) for one in seen):
        return True
    login = await _login_of(work, signal)
    if login is None:
        return False
    if login.resource == signal.resource:
        return login.client_id == signal.client_id
    # By an exchange: a server in between acts for whoever was let in at it.
    upstream = await policy.upstream_of(work, signal.resource)
    actor = await registry.find(work, signal.client_id)
    return login.resource in upstream and actor is not None and actor.speaks_for in upstream
