"""
Words that are known to be personal, found again wherever they stand: as they are, in JSON's escapes, in the parts of an address.

Found by the word that they begin with, so that a thousand of them cost no more than one. Letters count alike in either case.
"""

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from resource_lib.output.kinds import Kind

SHORTEST: Final = 4
"""Characters of a word that is looked for inside other texts; a shorter one is known only where it stands alone."""
_SHORTEST_INSIDE: Final = 6
"""Of one that is looked for inside other words as well, unless it is a name or an address, which are made of ordinary ones."""
_WORD: Final = re.compile(r"\w+")


class KnownWords:
    """What one answer has taught."""

    __slots__ = ("_alone", "_by_word", "_inside")

    def __init__(self) -> None:
        self._alone: dict[str, str] = {}
        self._by_word: dict[str, list[tuple[str, int, str]]] = {}
        self._inside: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._alone)

    def learn(self, value: str, mask: str, kind: Kind) -> None:
        """Take note that `value` is masked by `mask`."""
        if value in self._alone:
            return
        self._alone[value] = mask
        if len(value) < SHORTEST:
            return
        for form in dict.fromkeys(map(_small, _forms(value))):
            first = _WORD.search(form)
            if first is not None:
                self._by_word.setdefault(first[0], []).append((form, first.start(), mask))
        if len(value) >= _SHORTEST_INSIDE and kind not in ("name", "address"):
            self._inside.update(dict.fromkeys(_forms(value), mask))
        if kind == "name":
            for part in value.split():
                self.learn(part, mask, kind)

    def without(self, text: str) -> tuple[str, int]:
        """Return `text` without any of them, and how many stood there."""
        alone = self._alone.get(text)
        if alone is not None:
            return alone, 1
        count = 0
        for form, mask in self._inside.items():
            if form in text:
                count += text.count(form)
                text = text.replace(form, mask)
        small = _small(text)
        parts: list[str] = []
        end = 0
        for word in _WORD.finditer(small):
            if word.start() < end:
                continue
            for form, before, mask in self._by_word.get(word[0], ()):
                begin = word.start() - before
                after = begin + len(form)
                if begin >= end and small.startswith(form, begin) and _ends_there(small, after):
                    parts += text[end:begin], mask
                    end = after
                    count += 1
                    break
        return ("".join([*parts, text[end:]]) if parts else text), count


def _ends_there(text: str, at: int) -> bool:
    return at >= len(text) or _WORD.match(text, at) is None or _WORD.match(text, at - 1) is None


def _small(text: str) -> str:
    """Return a text in small letters, each where it stood."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="", errors="replace")
    yield quote_plus(value, errors="replace")
