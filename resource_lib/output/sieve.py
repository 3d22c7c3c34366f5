"""
Which of many patterns can find anything in a text at all: one look for all of them, before any of them is asked.

What a pattern needs is said in words of which one must stand in the text, and in simple forms. A compiled engine that takes no longer
than the text is long looks for all of them at once, where it is installed; elsewhere each is looked for by itself. Both say the same:
a text that holds what is needed never goes past a sieve.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

Need = tuple[str, ...] | re.Pattern[str]
"""Words, of which one must stand in the text as it is written; or a form that must be found in it, without anything that looks around."""

Asked = Callable[[str], bool]

_MEANS_SOMETHING: Final = re.compile(r"[\\.+*?()|\[\]{}^$#&~/-]")
_SURROGATES: Final = "\ud800-\udfff"
_MOST_BYTES: Final = 10 * 1024 * 1024


class Sieve:
    """Made once for a table; each row has needs, all of which must be met. A row without any always passes."""

    def __init__(self, rows: Sequence[Sequence[Need]]) -> None:
        self.rows = tuple(tuple(needs) for needs in rows)
        self._all = tuple(range(len(self.rows)))

    def passing(self, text: str) -> Sequence[int]:
        """Return the places of the rows all of whose needs `text` meets; of a text that the engine cannot read, every row's."""
        if self._any is None:
            return [place for place, needs in enumerate(self.rows) if all(_is_met(need, text) for need in needs)]
        try:
            if not self._any(text):
                return ()
            return [place for place, one in enumerate(self._each) if one(text)]
        except ValueError:  # half of a surrogate pair
            return self._all

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
        schema = {"anyOf": [_schema(needs) for needs in self.rows]}
        first = [needs[0] if needs else None for needs in self.rows]
        every = dict.fromkeys(word for need in first if isinstance(need, tuple) for word in need)
        if all(isinstance(need, tuple) for need in first) and not any(
            len(word) < 2 and word.isascii() for word in every
        ):
            # Most texts have none of the words of any row, which one look says. A single letter would be in each of them.
            schema = {"allOf": [{"pattern": _pattern(tuple(every))}, schema]}
        return _asked(schema)

    @cached_property
    def _each(self) -> tuple[Asked, ...]:
        """What tells it of each row. Made when a text first gets so far."""
        return tuple(one for needs in self.rows if (one := _asked(_schema(needs))) is not None)


def _asked(schema: Any) -> Asked | None:
    try:
        import jsonschema_rs  # noqa: PLC0415 - not there for every Python
    except ImportError:
        return None
    options = jsonschema_rs.RegexOptions(size_limit=_MOST_BYTES, dfa_size_limit=_MOST_BYTES)
    found: Asked = jsonschema_rs.validator_for(schema, pattern_options=options).is_valid
    return found


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
