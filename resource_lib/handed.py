"""
What was handed to a caller, or withheld from them: noted before it leaves, because what may follow depends on it.

Text from outside taints what its reader does next (C25); an answer that reads like orders waits for a person who releases it (C33).
"""

import asyncio
import logging

from resource_lib.context import Taints
from resource_lib.held import Release
from resource_lib.identity.principal import Principal
from resource_lib.output import Leaving
from resource_lib.output.quarantine import Quarantine, Withheld

log = logging.getLogger("resource_lib.guard")


class Handed:
    """Takes note of it. `taints`: who is told that a call follows text from outside; None: nothing follows from it."""

    def __init__(self) -> None:
        self.taints: Taints | None = None
        self.quarantine = Quarantine()
        self.telling: set[asyncio.Task[None]] = set()
        """What is told to other processes now."""

    def heard(self, leaving: Leaving, principal: Principal) -> None:
        """Take note of a part of an answer before it leaves."""
        if leaving.withheld is not None:
            self.quarantine.keep(principal, leaving.withheld)
        elif leaving.is_outside or leaving.signs:
            self.give(principal, leaving.tool, has_signs=bool(leaving.signs))
        _note(leaving, principal)

    def give(self, principal: Principal, tool: str, *, has_signs: bool) -> None:
        """Take note that text from outside is about to be handed to somebody, here and where other processes look."""
        taints = self.taints
        if taints is None:
            return
        taints.given(principal, tool, has_signs=has_signs)
        if taints.store is not None:
            telling = asyncio.create_task(taints.tell(principal))
            self.telling.add(telling)
            telling.add_done_callback(self.telling.discard)

    def release(self, withheld: Withheld, principal: Principal) -> Release:
        """Return how an answer leaves that waited for a person."""

        def leaves() -> None:
            self.give(principal, withheld.tool, has_signs=True)

        return Release(it=withheld, leaves=leaves, left=lambda: self.quarantine.drop(principal, withheld))


def _note(leaving: Leaving, principal: Principal) -> None:
    """Write to the log what was taken out of an answer: kinds and counts, nothing of what it said."""
    if not leaving.notes:
        return
    log.info(
        "looked through what %s says",
        leaving.tool or leaving.method,
        extra={
            "event": "output.changed",
            "notes": [f"{note.step}:{note.kind}:{note.count}" for note in leaving.notes],
            "tenant": principal.tenant,
            "authorization_id": principal.authorization_id,
        },
    )
