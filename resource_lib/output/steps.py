"""
The steps in the order in which everything that leaves takes them.

What a tool did not declare goes first, so that nobody looks at it. Hidden characters go before anybody looks for personal data:
an address that is written with an invisible letter in it would not be found, and be a plain address once the letter is gone.
"""

from collections.abc import Mapping
from typing import Any, Final

from resource_lib.output import blobs, mirrors
from resource_lib.output.beginnings import beginnings, ended
from resource_lib.output.conforming import conforms
from resource_lib.output.declared import declared
from resource_lib.output.ending import ending
from resource_lib.output.leaving import Leaving, Note, Step, WithheldError
from resource_lib.output.origin import labelled
from resource_lib.output.personal import personal
from resource_lib.output.plain import plain
from resource_lib.output.screened import held_back, screened
from resource_lib.output.sealed import is_sealed, note_harmless, says_nothing_else
from resource_lib.output.short import short

STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("declared", declared),
    ("plain", plain),
    ("personal", personal),
    ("screened", screened),
)
"""Each with its name, by which notes are counted. They look at a value without the texts that mirror it."""

LAST_STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("short", short),
    (
        "labelled",
        labelled,
    ),  # last of all that looks at texts, and around them: what a label says, nothing inside it can undo
    ("ending", ending),
)
"""These look at the whole, as it would leave."""


def cleaned(value: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what leaves in the place of `value`; the very same object where it may leave as it is. Raises WithheldError."""
    if leaving.is_tool_result and says_nothing_else(value, leaving):
        _note_switch(leaving)
        return _stepped(value, leaving, LAST_STEPS)
    aside = blobs.set_aside(value, leaving)
    has_refused = bool(leaving.notes)
    if leaving.is_tool_result:
        _note_switch(leaving)
        aside = mirrors.set_aside(aside)
    aside = beginnings(aside, leaving)
    structure: Any = None
    is_whole = leaving.is_tool_result and is_sealed(aside, leaving)
    if is_whole:
        structure = aside[mirrors.STRUCTURE]
        aside = {name: member for name, member in aside.items() if name != mirrors.STRUCTURE}
    found = _stepped(aside, leaving, STEPS)
    if is_whole:
        if found is aside and not leaving.notes and not leaving.signs:
            note_harmless(aside, leaving)
        if found is not aside:
            found = {**found, mirrors.STRUCTURE: structure}
    elif leaving.is_tool_result and not conforms(found, leaving):
        raise WithheldError(
            "the result is not of the form that its tool declares",
            message=f"{leaving.tool} has run, and its answer is withheld: it is not of the form that the tool declares. "
            "Do not call it again for that; tell whoever runs this server.",
        )
    if found is aside and not has_refused and not leaving.cut:
        found = value
    else:
        found = blobs.put_back(mirrors.put_back(found, value.get(mirrors.STRUCTURE)), leaving)
        found = ended(found, leaving)
    found = _stepped(found, leaving, LAST_STEPS)
    if leaving.is_quarantined:
        raise held_back(found, leaving)
    return found


def _note_switch(leaving: Leaving) -> None:
    if leaving.sees_personal:
        leaving.notes.append(Note("include_pii", "asked"))


def _stepped(value: Mapping[str, Any], leaving: Leaving, steps: tuple[tuple[str, Step], ...]) -> Mapping[str, Any]:
    for name, step in steps:
        leaving.step = name
        value = step(value, leaving)
    return value
