"""
One thing that is about to leave: the result of a call, an error, or what a server says meanwhile.

A step gets it as `step(value, leaving)` and returns what leaves in its place: the very same object where nothing changes, so that an
unchanged answer leaves as the server's own bytes. What it did it says by `leaving.note(kind, count)`, in kinds and counts, never in
content. A step that lets nothing leave raises WithheldError.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from resource_lib.decision import ErrorWord
from resource_lib.definition import Definition
from resource_lib.output.hostile.sign import Sign
from resource_lib.output.known_words import KnownWords
from resource_lib.output.own_words import OwnWords
from resource_lib.output.quarantine import Withheld
from resource_lib.output.settings import Output
from resource_lib.output.unasked import Others
from resource_lib.policy import Demand

Part = Literal["result", "error", "said"]
"""The member of a message that is looked at: `result`, `error`, or the `params` of what the server says or asks meanwhile."""


Verdict = Callable[[tuple[str, ...]], tuple[Sign, ...] | None]
"""Returns what a screen said of these texts, None where it said nothing in time. Raises ScreenAwaitedError where it was not asked yet."""


class ScreenAwaitedError(Exception):
    """Somebody has to ask a screen about these texts; then the same is looked through once more."""

    def __init__(self, texts: tuple[str, ...], tool: str) -> None:
        super().__init__(f"{len(texts)} texts")
        self.texts = texts
        self.tool = tool


class WithheldError(Exception):
    """Nothing of this leaves. `message` goes to the caller, `reason` stays with us; neither holds any of the content."""

    def __init__(self, reason: str, *, message: str, error: ErrorWord = "output_withheld") -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message
        self.error: ErrorWord = error


@dataclass(frozen=True, slots=True)
class Note:
    """What a step did, or saw."""

    step: str
    kind: str
    count: int = 1


@dataclass(kw_only=True, slots=True)
class Leaving:
    """What is known of it."""

    settings: Output
    method: str = "tools/call"
    """What was asked for; of what a server says unasked, the method of its own message."""
    part: Part = "result"
    tool: str = ""
    """The tool that was called, as it was named; empty: none was."""
    demand: Demand | None = None
    """What the policy demands of that tool in the caller's tenant; None: no tool was called."""
    definition: Definition | None = None
    """What the tool says of itself; None: nobody knows."""
    sees_personal: bool = False
    """Whether the caller may see personal data, and asked for it in this call. Secrets are nobody's to see."""
    is_told_again: bool = False
    """Whether it left once before, and was kept since without what its author hides."""
    arguments: Any = field(default=None, repr=False)
    """What the tool was called with, as it was sent."""
    is_labelled_outside: bool = False
    """Whether the policy says of the method that was asked for that strangers' text comes of it."""
    others: Others | None = field(default=None, repr=False)
    """What any tool of the caller's could say here; None: only the one that was called speaks."""
    own_words: OwnWords | None = field(default=None, repr=False)
    """What the server is known to say of itself; None: nobody knows."""
    taught: KnownWords | None = field(default=None, repr=False)
    """What was masked by its schema, once it was looked through; None: nothing was."""
    can_be_released: bool = False
    """Whether a person could be asked to release it, and asking again does no harm."""
    size: int | None = None
    """Of the message that it came in, in bytes; None: nobody knows."""
    verdict: Verdict | None = field(default=None, repr=False)
    """What a screen says of some texts; None: there is none."""
    is_unscreened: bool = False
    """Whether there is one, which said nothing in time."""
    cut: list[tuple[str, int]] = field(default_factory=list)
    """The texts of which only the beginning is looked through: the list that they stand in, and the place."""
    notes: list[Note] = field(default_factory=list)
    step: str = ""
    """The step that looks at it now."""
    is_outside: bool = False
    """Whether strangers may have written in it."""
    signs: tuple[str, ...] = ()
    """The kinds of signs that it reads like orders to a model, if it does."""
    is_annotated: bool = False
    """Whether it says so of itself."""
    is_quarantined: bool = False
    """Whether it waits for a person."""
    withheld: Withheld | None = None
    """What waits, where it does."""

    @property
    def is_tool_result(self) -> bool:
        """Whether this is what came of a tool call."""
        return self.part == "result" and bool(self.tool)

    def note(self, kind: str, count: int = 1) -> None:
        """Take note of what the present step did."""
        self.notes.append(Note(self.step, kind, count))


Step = Callable[[Mapping[str, Any], Leaving], Mapping[str, Any]]
