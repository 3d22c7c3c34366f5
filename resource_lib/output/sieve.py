"""
Which of many patterns can find anything in a text at all: one look for all of them, before any of them is asked.

What a pattern needs is said in words of which one must stand in the text, and in simple forms. A compiled engine that takes no longer
than the text is long looks for all of them at once, where it is installed; elsewhere each is looked for by itself. Both say the same:
a text that holds what is needed never goes past a sieve.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Final

Need = tuple[str, ...] | re.Pattern[str]
"""Words, of which one must stand in the text as it is written; or a form that must be found in it, without anything that looks around."""

Asked = Callable[[str], bool]

_MEANS_SOMETHING: Final = re.compile(r"[\\.+*?()|\[\]{}^$#&~/-]")
_SURROGATES: Final = "\ud800-\udfff"
_MOST_BYTES: Final = 10 * 1024 * 1024
_MOST_AT_ONCE: Final = 48
"""Words that the engine finds in one look without a table that it has to fetch from memory."""


class Sieve:
    """Made once for a table; each row has needs, all of which must be met. A row without any always passes."""

    def __init__(self, rows: Sequence[Sequence[Need]]) -> None:
        self.rows = tuple(tuple(needs) for needs in rows)
        self._all = tuple(range(len(self.rows)))
        self._by_need: dict[Need, Asked] = {}

    def passing(self, text: str) -> Sequence[int]:
        """Return the places of the rows all of whose needs `text` meets; of a text that the engine cannot read, every row's."""
        if self._any is None:
            return [place for place, needs in enumerate(self.rows) if all(_is_met(need, text) for need in needs)]
        try:
            return self._passing(text)
        except ValueError:  # half of a surrogate pair
            return self._all

    def _passing(self, text: str) -> Sequence[int]:
        gate = self._gate
        if gate is not None and not gate(text):
            return ()
        found: list[int] = []
        met: dict[Need, bool] = {}
        by_need = self._by_need
        for may_pass, places in self._groups:
            if may_pass is not None and not may_pass(text):
                continue
            for place in places:
                for need in self.rows[place]:
                    is_met = met.get(need)
                    if is_met is None:
                        is_met = met[need] = (by_need.get(need) or self._asked_of(need))(text)
                    if not is_met:
                        break
                else:
                    found.append(place)
        return found

    def lets_any_through(self, text: str) -> bool:
        """Tell whether any row passes."""
        if self._any is None:
            return any(all(_is_met(need, text) for need in needs) for needs in self.rows)
        try:
            return self._any(text)
        except ValueError:
            return True

    @cached_property
    def _any(self) -> Asked | None:
        """What tells whether any row passes; None: there is no such engine."""
        if not self.rows:
            return _asked(False)
        schema: Any = {"anyOf": [_schema(needs) for needs in self.rows]}
        words = self._first_words
        return _asked({"allOf": [{"pattern": _pattern(words)}, schema]} if words else schema)

    @cached_property
    def _first_words(self) -> tuple[str, ...]:
        """The words of which every text has one that meets the first need of any row; empty: no words say that."""
        first = [needs[0] if needs else None for needs in self.rows]
        every = tuple(dict.fromkeys(word for need in first if isinstance(need, tuple) for word in need))
        # A single letter would be in each text.
        is_told = all(isinstance(need, tuple) for need in first) and not any(map(_is_letter, every))
        return every if is_told else ()

    @cached_property
    def _gate(self) -> Asked | None:
        """What most texts do not pass, as they have none of the words of any row; None: the rows are not told by words."""
        words = self._first_words
        return _asked({"pattern": _pattern(words)}) if words else None

    @cached_property
    def _groups(self) -> tuple[tuple[Asked | None, tuple[int, ...]], ...]:
        """The rows in order, some at a time, behind one look for the words of which they all need one; None: for these nothing tells."""
        found: list[tuple[Asked | None, tuple[int, ...]]] = []
        words: dict[str, None] = {}
        places: list[int] = []

        def closed() -> None:
            if places:
                found.append((_asked({"pattern": _pattern(tuple(words))}) if len(places) > 1 else None, tuple(places)))
                words.clear()
                places.clear()

        for place, needs in enumerate(self.rows):
            first = needs[0] if needs else None
            if not isinstance(first, tuple) or any(map(_is_letter, first)):
                closed()
                found.append((None, (place,)))
                continue
            if len(words) + len(first) > _MOST_AT_ONCE:
                closed()
            words.update(dict.fromkeys(first))
            places.append(place)
        closed()
        return tuple(found)

    def _asked_of(self, need: Need) -> Asked:
        """Return what tells it of one need. Made when a text first gets so far; rows that need the same share it."""
        found = self._by_need.get(need)
        if found is None:
            found = _asked({"pattern": _pattern(need)}) or partial(_is_met, need)
            self._by_need[need] = found
        return found


def _asked(schema: Any) -> Asked | None:
    try:
        import jsonschema_rs  # noqa: PLC0415 - not there for every Python
    except ImportError:
        return None
    options = jsonschema_rs.RegexOptions(size_limit=_MOST_BYTES, dfa_size_limit=_MOST_BYTES)
    found: Asked = jsonschema_rs.validator_for(schema, pattern_options=options).is_valid
    return found


def _is_letter(word: str) -> bool:
    return len(word) < 2 and word.isascii()


def _schema(needs: Sequence[Need]) -> Any:
    return {"allOf": [{"pattern": _pattern(need)} for need in needs]} if needs else {}


def _is_met(need: Need, text: str) -> bool:
    if isinstance(need, re.Pattern):
        return need.search(text) is not None
    return any(word in text for word in need)


def _pattern(need: Need) -> str:
    if isinstance(need, re.Pattern):
        return need.pattern.replace(_SURROGATES, "")  # a text with one is not read at all
    return "|".join(_MEANS_SOMETHING.sub(r"\\\g<0>", word) for word in need)
