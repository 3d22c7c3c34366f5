"""
Whoever reads the record is in it: that they looked, what for, how much they found, and what that names people they opened.

C45, decision 15. It stands in the log that was read, so those whose record it is know who of the platform looked at it. A page that is
looked at is one event, and so is a page of such events: reading about reading comes to an end. Whom somebody looked for is kept as a
keyed reference, and what they typed where it can be erased.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import orjson

from authserver.domain.audit import event
from authserver.domain.audit.event import Kind, reference, subject_reference
from authserver.domain.audit.search import Wanted
from authserver.runtime.unit_of_work import UnitOfWork

MOST_NAMED: Final = 50
"""Of so many opened events the ids stand in the event that tells of it, the others are counted."""

_PEOPLE: Final = ("sub", "subject")


def searched(
    work: UnitOfWork, wanted: Wanted, *, rows: int, via: str, sub: str = "", client_id: str = "", is_first: bool = True
) -> None:
    """Record with the unit's commit that a page of the bound tenant's record was looked at. `sub`: who looked, `via`: at what."""
    asked = {name: value for name, value in _asked(wanted).items() if value}
    said = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    event.record(
        work,
        Kind.RECORD_SEARCHED,
        sub=sub,
        client_id=client_id,
        via=via,
        rows=rows,
        is_first=is_first,
        filters=sorted(asked),
        # The same question is the same code, and nobody reads from it what was asked.
        question=work.machines.keys.index("audit question", said.decode()).hex()[:32],
        looked_for=[ref for ref in (reference(work, wanted.sub), subject_reference(work, wanted.subject)) if ref],
        payload={name: value for name, value in asked.items() if name not in _PEOPLE} or None,
    )


def opened(work: UnitOfWork, ids: Sequence[str], *, via: str, sub: str = "", client_id: str = "") -> None:
    """Record with the unit's commit that somebody was shown what these events of the bound tenant say of people.

    Commit before it is shown.
    """
    event.record(
        work,
        Kind.RECORD_OPENED,
        sub=sub,
        client_id=client_id,
        via=via,
        events=list(ids[:MOST_NAMED]),
        rows=len(ids),
    )


def _asked(wanted: Wanted) -> dict[str, str | int]:
    default = Wanted()
    return {
        field.name: value if isinstance(value, int) else str(value)
        for field in fields(wanted)
        if (value := getattr(wanted, field.name)) not in (None, getattr(default, field.name))
    }
