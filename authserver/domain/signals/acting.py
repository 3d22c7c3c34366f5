"""
What is done about a signal by itself, where a tenant's operators said so: ask for more, or stop.

The signal is in the record before anything is done, and what is done is a commit of its own that claims it first: once, whichever
process does it. What fails is said with the signal, and tried no further: a person looks.
"""

from typing import Final

import structlog

from authserver.domain.audit import event
from authserver.domain.signals import settings, store
from authserver.domain.signals.settings import STEP_UP, STOP
from authserver.domain.signals.signal import Signal, ask_more, did, find
from authserver.domain.signals.words import sentence
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import By, Target
from authserver.domain.tokens import authorization
from authserver.runtime.machines import Machines
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import Kind

log = structlog.get_logger("authserver.signals")

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
    found = await authorization.find(work, signal.authorization_id) if signal.authorization_id else None
    return found.sub if found is not None else ""
