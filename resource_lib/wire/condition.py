"""
Conditions on a call: one line of a small language, which always comes to an end and can do nothing but say yes or no.

    args.amount_cents > 10000 and not (domain(args.recipient) in tenant.domains)

It reads the call's arguments, who calls and what was called before; it has no loops, no regular expressions, no names but
those declared here, and no way to write. docs/policy.md says it for people; server and guard both read it here, so that
one text never means two things. `parse` refuses what could never be true, naming column and cure; what it accepts is compiled
once. What cannot be decided (a missing argument, another type, an unknown context) is `Truth.UNDECIDED`, and
whoever asks takes the stricter side. Three-valued logic: `false and X` is false, `true or X` is true, whatever X is.

Deliberately absent: division, regular expressions, user-defined names, anything whose cost grows faster than its input.
The standard library only.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NoReturn

from resource_lib.wire.condition_grammar import MOST_SECONDS, Parser
from resource_lib.wire.condition_values import Ask, Called, Scene, likeness
from resource_lib.wire.condition_words import ConditionError

__all__ = [
    "MOST_CHARACTERS",
    "MOST_SECONDS",
    "Called",
    "Condition",
    "ConditionError",
    "Scene",
    "Truth",
    "likeness",
    "parse",
]

MOST_CHARACTERS: Final = 1000


class Truth(Enum):
    """What a condition says about one call. It is no Python truth value, so that undecided is never taken for a yes."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"

    def __bool__(self) -> NoReturn:
        """Refuse: compare with `is Truth.YES`."""
        raise TypeError("a Truth has three values: compare it with Truth.YES, Truth.NO or Truth.UNDECIDED")


@dataclass(frozen=True, slots=True)
class Condition:
    """One parsed condition. Two of the same text are equal."""

    text: str
    remembers: frozenset[tuple[str, tuple[str, ...]]] = field(compare=False)
    """What must be known of earlier calls: a tool, and the paths of its arguments whose values count."""
    looks_back: bool = field(compare=False)
    """Whether it asks about earlier calls at all."""
    _ask: "Ask" = field(compare=False, repr=False)

    def evaluate(self, scene: Scene) -> Truth:
        """Return whether it holds for this call. Terminates within a bound that its text alone sets; raises for no scene."""
        try:
            said = self._ask(scene)
        except Exception:  # noqa: BLE001 - whatever a stranger's arguments do to us, nobody has decided anything
            return Truth.UNDECIDED
        if said is True:
            return Truth.YES
        return Truth.NO if said is False else Truth.UNDECIDED

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Condition:
    """Return the condition that `text` says. Raises ConditionError, and nothing else, for any text that says none."""
    if not isinstance(text, str) or not text.strip():
        raise ConditionError(1, "there is no condition", "write one, such as args.amount_cents > 10000")
    if len(text) > MOST_CHARACTERS:
        raise ConditionError(
            MOST_CHARACTERS + 1, f"longer than {MOST_CHARACTERS} characters", "split it into several conditions"
        )
    parser = Parser(text)
    ask = parser.condition()
    return Condition(text=text, remembers=frozenset(parser.remembers), looks_back=parser.looks_back, _ask=ask)
