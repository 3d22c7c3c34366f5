"""
Words that are known to be personal, found again wherever they stand: as they are, in JSON's escapes, in the parts of an address.

Looked up by the word that they begin with, or by their first letters, and by their length: a thousand of them cost no more than one.
Letters count alike in either case.
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
_FEW: Final = 20
"""So many are looked for one by one, which is cheaper where none of them stands in a text."""
_NONE: Final[dict[tuple[int, int], dict[str, str]]] = {}


class KnownWords:
    """What one answer has taught."""

    __slots__ = ("_alone", "_beginnings", "_by_word", "_inside", "_lengths")

    def __init__(self) -> None:
        self._alone: dict[str, str] = {}
        self._by_word: dict[str, dict[tuple[int, int], dict[str, str]]] = {}
        """By first word, then by where it stands in a form and how long that is: the forms, and their masks."""
        self._inside: dict[str, str] = {}
        self._beginnings: set[str] = set()
        self._lengths: dict[int, None] = {}
        """Of those that are looked for inside other words."""

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
                at_once = self._by_word.setdefault(first[0], {})
                at_once.setdefault((first.start(), len(form)), {}).setdefault(form, mask)
        if len(value) >= _SHORTEST_INSIDE and kind not in ("name", "address"):
            for form in _forms(value):
                self._inside.setdefault(form, mask)
                self._beginnings.add(form[:_SHORTEST_INSIDE])
                self._lengths[len(form)] = None
        if kind == "name":
            for part in value.split():
                self.learn(part, mask, kind)

    def without(self, text: str) -> tuple[str, int]:
        """Return `text` without any of them, and how many stood there."""
        alone = self._alone.get(text)
        if alone is not None:
            return alone, 1
        text, count = self._without_inside(text)
        small = _small(text)
        parts: list[str] = []
        end = 0
        for word in _WORD.finditer(small):
            if word.start() < end:
                continue
            for (before, length), forms in self._by_word.get(word[0], _NONE).items():
                begin = word.start() - before
                after = begin + length
                mask = forms.get(small[begin:after]) if begin >= end else None
                if mask is not None and _ends_there(small, after):
                    parts += text[end:begin], mask
                    end = after
                    count += 1
                    break
        return ("".join([*parts, text[end:]]) if parts else text), count

    def _without_inside(self, text: str) -> tuple[str, int]:
        """Return `text` without those that count inside other words too, the longest first wherever two begin."""
        if not self._inside or len(text) < _SHORTEST_INSIDE:
            return text, 0
        if len(self._inside) <= _FEW and not any(form in text for form in self._inside):
            return text, 0
        beginnings, lengths = self._beginnings, sorted(self._lengths, reverse=True)
        parts: list[str] = []
        count = end = at = 0
        while at <= len(text) - _SHORTEST_INSIDE:
            if text[at : at + _SHORTEST_INSIDE] in beginnings:
                found = next((length for length in lengths if text[at : at + length] in self._inside), 0)
                if found:
                    parts += text[end:at], self._inside[text[at : at + found]]
                    end = at = at + found
                    count += 1
                    continue
            at += 1
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
