"""
What came of a call that ran by a yes: kept for ten minutes, sealed under the key of its row, then erased.

Decision 13. Only the run that was let in may say it, and it may say it late: what happened is true, whatever anybody thought
meanwhile. An outcome that was not delivered can be had once more; one that was, by calls that were under way before it came.
"""

import json
from dataclasses import dataclass
from typing import Any

from authserver.domain.approvals import store
from authserver.domain.approvals.approval import Approval, record
from authserver.domain.approvals.showing import row_key
from authserver.domain.approvals.spending import WHY, RefusedUseError, WhyNot
from authserver.domain.audit import event
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import seal, unseal
from resource_lib.wire.approvals import State

KEPT_S = 600
"""How long an outcome can be had again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of it: the result as it was answered."""

    result: Any
    is_error: bool


def finish(work: UnitOfWork, approval: Approval, *, instance_id: str, outcome: Outcome, is_delivered: bool) -> None:
    """Keep what came of it, from the run that holds or held the lease; late is true too. A lost commit: it was told before.

    Raises RefusedUseError for another run.
    """
    _only_its_run(approval, instance_id)
    if approval.done_at_us is not None:
        if is_delivered:
            deliver(work, approval, instance_id=instance_id)
        return
    # The standard library's: a result may hold integers of any size.
    clear = json.dumps({"result": outcome.result, "is_error": outcome.is_error}, ensure_ascii=False).encode()
    sealed = None
    if approval.payload_key is not None:  # else it was erased
        key = row_key(work, approval.id, approval.payload_key)
        sealed = seal(key, clear, context=f"approvals/outcome/{approval.id}")
    work.claim(
        store.FINISH,
        approval_id=approval.id,
        instance_id=instance_id,
        outcome=sealed,
        is_kept=int(sealed is not None),
        at_us=work.at_us,
        now=work.now,
        is_delivered=int(is_delivered),
    )
    is_late = approval.state is not State.EXECUTING
    record(work, event.Kind.APPROVAL_DONE, approval, is_error=outcome.is_error, is_late=is_late)
    if is_delivered:
        record(work, event.Kind.APPROVAL_DELIVERED, approval, replayed=False)


def deliver(work: UnitOfWork, approval: Approval, *, instance_id: str) -> None:
    """Write that the answer was sent in full: the next identical call asks again. Raises RefusedUseError for another run."""
    _only_its_run(approval, instance_id)
    if approval.stored is not State.DONE:
        raise RefusedUseError(WHY[approval.state], approval.state)
    if approval.delivered_at is None:
        work.claim(store.DELIVER, approval_id=approval.id, instance_id=instance_id, now=work.now)
        record(work, event.Kind.APPROVAL_DELIVERED, approval, replayed=False)


async def outcome_of(work: UnitOfWork, approval: Approval) -> Outcome | None:
    """Return what came of it, for ten minutes; then None, whether it has been erased yet or not."""
    since_us = work.at_us - KEPT_S * 1_000_000
    row = await work.one(store.OUTCOME, approval_id=approval.id, since_us=since_us)
    if row is None or row["outcome"] is None:
        return None
    key = row_key(work, approval.id, row["payload_key"])
    said = json.loads(unseal(key, row["outcome"], context=f"approvals/outcome/{approval.id}"))
    return Outcome(result=said["result"], is_error=said["is_error"])


def expire(work: UnitOfWork) -> None:
    """Write in every tenant what has lapsed, erase outcomes after ten minutes, forget all of it after 90 days."""
    work.write(store.EXPIRE_WAITING, now=work.now)
    work.write(store.EXPIRE_RUNNING, now=work.now)
    work.write(store.ERASE_OUTCOMES, before_us=work.at_us - KEPT_S * 1_000_000)
    work.write(store.FORGET, before=work.now - 90 * 24 * 3600, now=work.now)


def _only_its_run(approval: Approval, instance_id: str) -> None:
    if approval.instance_id != instance_id:
        raise RefusedUseError(WhyNot.MISMATCH, approval.state)
