"""
A signal in words, for an operator of its tenant: the people and applications that its references mean are looked up when it is read.

Whoever was erased, or whose authorization is long gone, is "this person": a signal keeps nobody's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authserver.domain.clients import registry
from authserver.domain.signals.acting import sub_of
from authserver.domain.signals.kinds import SPECS
from authserver.domain.signals.signal import Signal
from authserver.domain.signals.words import sentence
from authserver.domain.users import user
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork

MACHINE = "client:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What is said of one. `sub`: whom the agent acts for, empty where nobody knows any more; `person`: as operators know them."""

    title: str
    sentence: str
    application: str
    sub: str
    person: str


async def told(work: UnitOfWork, signal: Signal) -> Told:
    """Return a signal of the bound tenant in words."""
    application = await application_of(work, signal.client_id)
    sub = await sub_of(work, signal)
    known = await user.listed(work, sub) if sub and not sub.startswith(MACHINE) else None
    is_machine = sub.startswith(MACHINE)
    person = known.name if known is not None else ""
    said = sentence(
        signal.kind,
        signal.numbers,
        tool=signal.tool,
        application=application,
        person=person or ("" if is_machine or not signal.sub_ref else "this person"),
    )
    return Told(title=SPECS[signal.kind].title, sentence=said, application=application, sub=sub, person=person)


async def application_of(work: UnitOfWork, client_id: str) -> str:
    """Return what an application is called here; one that this tenant does not know is its id."""
    client = await registry.find(work, client_id) if client_id else None
    return client.name if client is not None and client.tenant in {work.tenant, SHARED} else client_id


def explained(numbers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the numbers of a signal by name, as text."""
    return [(name.replace("_", " "), _text(value)) for name, value in numbers.items()]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " → ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
