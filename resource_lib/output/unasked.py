"""
What a server says by itself, or of a call that goes on: anything that any of its tools knows could stand there, and no tool is behind it.

So it is looked through as the strictest of the caller's tools: names that any output schema annotates, words that were masked in
this person's answers of late, the gravest screening, and from outside as soon as one of the tools is. Words are kept in memory alone, by
person, for a quarter of an hour at most; where there is no room for more of them, what is said unasked by texts stays here until they are
forgotten anyway. C34.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

from resource_lib.definition import Definition
from resource_lib.output.kinds import Kind
from resource_lib.output.known_words import KnownWords
from resource_lib.output.shape import UnreadableSchemaError, gravest, shape_of
from resource_lib.policy import Demand
from resource_lib.wire.tool_policy import SCREENINGS, Screening

LIFE_S: Final = 900.0
MOST_WORDS: Final = 10_000
"""Masked words of one person that are kept."""
MOST_ALL: Final = 200_000
_MOST_NAMES: Final = 20_000

Person = tuple[str, str]
"""Tenant and subject."""
_NOTHING: Final[Mapping[str, Demand]] = {}


@dataclass(frozen=True, slots=True)
class Others:
    """What may stand in what has no tool of its own."""

    names: Mapping[str, Kind]
    """Members that some tool's output schema annotates."""
    words: tuple[KnownWords, ...]
    """What was masked for this person before."""
    screening: Screening
    is_outside: bool
    """Whether one of their tools returns what strangers wrote."""
    is_uncertain: bool
    """Whether something may have been forgotten: then no text can be vouched for."""

    def in_words(self) -> "Others":
        """Return the names and words alone, for what has a request behind it."""
        return replace(self, screening=SCREENINGS[0], is_outside=False, is_uncertain=False)


class _Taught:
    """Of one person: the words of the present half of the time, and those of the half before."""

    __slots__ = ("before", "known", "last", "now", "since")

    def __init__(self, since: float) -> None:
        self.now: dict[str, tuple[str, Kind]] = {}
        self.before: dict[str, tuple[str, Kind]] = {}
        self.since = self.last = since
        self.known: tuple[KnownWords, ...] | None = None

    def __len__(self) -> int:
        return len(self.now) + len(self.before)

    def turn(self, now: float) -> None:
        """Forget what is over."""
        halves = int((now - self.since) // (LIFE_S / 2))
        if halves > 0:
            self.before, self.now = (self.now if halves == 1 else {}), {}
            self.since += halves * LIFE_S / 2
            self.known = None


class Unasked:
    """Knows it, for one guard. `clock` counts monotonic seconds."""

    def __init__(
        self,
        screening: Screening,
        *,
        most_words: int = MOST_WORDS,
        most_all: int = MOST_ALL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._screening = screening
        self._most_words = most_words
        self._most_all = most_all
        self._clock = clock
        self._names: dict[str, Kind] = {}
        self._seen: set[str] = set()
        self._open: set[str] = set()
        """Tools that say of themselves that they read an open world."""
        self._has_lost_names = False
        self._people: OrderedDict[Person, _Taught] = OrderedDict()
        self._count = 0
        self._crowded: dict[Person, float] = {}
        self._crowded_until = 0.0
        """Until when somebody who is not here may have been forgotten too early."""
        self._lock = Lock()

    @property
    def knows_tools(self) -> bool:
        """Whether any list of tools was seen."""
        return bool(self._seen)

    def saw(self, definition: Definition) -> None:
        """Take note of a tool that was listed."""
        if definition.hash in self._seen:
            return
        if len(self._seen) >= _MOST_NAMES or len(self._names) >= _MOST_NAMES:
            self._has_lost_names = True
            return
        self._seen.add(definition.hash)
        annotations = definition.tool.get("annotations")
        if isinstance(annotations, dict) and annotations.get("openWorldHint") is True:
            self._open.add(str(definition.tool.get("name", "")))
        try:
            named = shape_of(definition).kinds_by_name
        except UnreadableSchemaError:
            return  # nothing leaves of such a tool
        for name, kind in named.items():
            known = self._names.get(name)
            self._names[name] = kind if known is None else gravest((known, kind)) or kind

    def learn(self, person: Person, words: KnownWords) -> None:
        """Take note of what was masked in an answer to somebody."""
        with self._lock:
            now = self._clock()
            taught = self._people.get(person)
            if taught is None:
                taught = self._people[person] = _Taught(now)
            self._people.move_to_end(person)
            before, taught.last = len(taught), now
            taught.turn(now)
            for value, mask_and_kind in words.taught.items():
                if value not in taught.now:
                    if len(taught.now) >= self._most_words // 2:
                        self._crowded.pop(person, None)
                        self._crowded[person] = now + LIFE_S
                        break
                    taught.now[value] = mask_and_kind
                    taught.known = None
            self._count += len(taught) - before
            self._forget_what_is_over(now)
            while self._count > self._most_all:
                _, gone = self._people.popitem(last=False)
                self._count -= len(gone)
                # Until it would have been over anyway, nobody who is not here is known.
                self._crowded_until = now + LIFE_S

    def of(self, person: Person, demands: Mapping[str, Demand] = _NOTHING, *, is_uncertain: bool = False) -> Others:
        """Return what may stand in what is said unasked to somebody. `demands`: those of their tenant."""
        with self._lock:
            now = self._clock()
            taught = self._people.get(person)
            if taught is not None:
                before = len(taught)
                taught.turn(now)
                self._count += len(taught) - before
            is_crowded = self._crowded.get(person, 0.0) > now or (taught is None and self._crowded_until > now)
            known = () if taught is None else self._known(taught)
        return Others(
            names=self._names,
            words=known,
            screening=max((self._screening, *_screenings(demands)), key=SCREENINGS.index),
            is_outside=any(
                "outside" in demand.returns or (demand.tool_class == "read" and name in self._open)
                for name, demand in demands.items()
            ),
            is_uncertain=is_uncertain or is_crowded or self._has_lost_names,
        )

    @staticmethod
    def _known(taught: _Taught) -> tuple[KnownWords, ...]:
        if taught.known is None:
            found = KnownWords()
            for value, (mask, kind) in {**taught.before, **taught.now}.items():
                found.learn(value, mask, kind)
            taught.known = (found,) if found else ()
        return taught.known

    def _forget_what_is_over(self, now: float) -> None:
        while self._people and (oldest := next(iter(self._people.items())))[1].last + LIFE_S < now:
            del self._people[oldest[0]]
            self._count -= len(oldest[1])
        while self._crowded and (first := next(iter(self._crowded.items())))[1] <= now:
            del self._crowded[first[0]]


def _screenings(demands: Mapping[str, Demand]) -> Iterator[Screening]:
    for demand in demands.values():
        if demand.screening is not None:
            yield demand.screening


def says_something(value: Any, name: str = "") -> bool:
    """Tell whether a text stands in what is said that is more than a handle, a time, or a word of the protocol's."""
    if type(value) is str:
        return not (value in _WORDS or name in _HANDLES or _TIME.fullmatch(value))
    if type(value) is dict:
        return any(says_something(member, one) for one, member in value.items())
    if type(value) is list:
        return any(says_something(entry, name) for entry in value)
    return False


_HANDLES: Final = frozenset({"progressToken", "requestId", "taskId"})
_WORDS: Final = frozenset(
    {"", "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}
    | {"working", "input_required", "completed", "failed", "cancelled", "submitted"}
)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}(?:Z|[+-][0-9:]{4,6})?")
