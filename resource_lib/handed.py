"""
What was handed to a caller, or withheld from them: noted before it leaves, because what may follow depends on it.

Text from outside taints what its reader does next (C25); an answer that reads like orders waits for a person who releases it (C33).
"""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any

from resource_lib.context import Taints
from resource_lib.definition import named
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
        self._telling: dict[tuple[str, str], asyncio.Task[None]] = {}
        """What is told to other processes now, by whom it is about: their tenant and subject."""

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
            person = principal.tenant, principal.subject
            before = self._telling.get(person)
            telling = self._telling[person] = asyncio.create_task(_after(before, taints.tell(principal)))
            telling.add_done_callback(lambda _: self._forget(person, telling))

    def telling(self, principal: Principal) -> Awaitable[object] | None:
        """Return what must be over before what was given may leave; None: nothing is told of this person now."""
        found = self._telling.get((principal.tenant, principal.subject))
        # By itself: whoever hangs up meanwhile ends the waiting, and not the telling.
        return None if found is None else asyncio.wait([found])

    async def aclose(self) -> None:
        """Let what is told now be told."""
        if self._telling:
            await asyncio.wait(self._telling.values())
        if self.taints is not None:
            await self.taints.aclose()

    def _forget(self, person: tuple[str, str], telling: asyncio.Task[None]) -> None:
        if self._telling.get(person) is telling:
            del self._telling[person]

    def release(self, withheld: Withheld, principal: Principal) -> Release:
        """Return how an answer leaves that waited for a person."""

        async def leaves() -> None:
            self.give(principal, withheld.tool, has_signs=True)
            if (telling := self.telling(principal)) is not None:
                await telling

        return Release(it=withheld, leaves=leaves, left=lambda: self.quarantine.drop(principal, withheld))


async def _after(before: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]) -> None:
    """Do it once what was begun before is over: a wait for the last of them is a wait for all."""
    if before is not None:
        await asyncio.wait([before])
    await work


def _note(leaving: Leaving, principal: Principal) -> None:
    """Write to the log what was taken out of an answer: kinds and counts, nothing of what it said."""
    if not leaving.notes:
        return
    log.info(
        "looked through what %s says",
        leaving.tool or leaving.method,
        extra={
            "event": "output.changed",
            **named(leaving.tool, leaving.definition),
            "notes": [f"{note.step}:{note.kind}:{note.count}" for note in leaving.notes],
            "tenant": principal.tenant,
            "authorization_id": principal.authorization_id,
        },
    )
