"""
Words that are known to be personal, found again wherever they stand and however they are written there.

In either case, in any Unicode form, as an HTML entity, in JSON's escapes, percent-encoded or in base64, with other signs between their words.
A text is looked through as it is, then once more without all that it is written in; where something stands only there, the
text leaves in its plain writing. A thousand words cost no more than one: they are kept as a tree of their own words, and what counts
inside other words too by its first letters. Where too many begin alike for that, what begins like them goes whole.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from resource_lib.output import base64_text
from resource_lib.output.detectors.disguises import PERCENT, percent_decoded, undone
from resource_lib.output.kinds import Kind

SHORTEST: Final = 4
"""Characters of a word that is looked for inside other texts; a shorter one is known only where it stands alone."""
_SHORTEST_INSIDE: Final = 6
"""Of one that is looked for inside other words as well, unless it is a name or an address, which are made of ordinary ones."""
_MOST_WORDS: Final = 32
"""Of one value that are told apart; what follows them goes with them to the end of the line."""
_MOST_ALIKE: Final = 8
"""Lengths of values that begin alike."""
_MOST_SIGNS: Final = 16
_WORD: Final = re.compile(r"[^\W_]+")
_END: Final = re.compile(r"\s|\Z")
_END_OF_LINE: Final = re.compile(r"\n|\Z")

_Places = list[int] | None


class _Node:
    """What may follow some words, and by what they are masked where they are all."""

    __slots__ = ("ends", "is_cut", "mask", "next", "starts")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.mask: str | None = None
        self.starts = self.ends = ""
        """Signs before and after the words, which go with them where they stand there too."""
        self.is_cut = False


class KnownWords:
    """What answers have taught."""

    __slots__ = ("_alone", "_inside", "_tree", "taught")

    def __init__(self) -> None:
        self.taught: dict[str, tuple[str, Kind]] = {}
        """Each value, with its mask and what it is."""
        self._alone: dict[str, str] = {}
        self._tree = _Node()
        self._inside: dict[str, dict[int, dict[str, str]] | str] = {}
        """By first letters, then by length: the values and their masks; or one mask, where too many begin alike."""

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._alone)

    def learn(self, value: str, mask: str, kind: Kind) -> None:
        """Take note that `value` is masked by `mask`."""
        if value in self.taught:
            return
        self.taught[value] = mask, kind
        for form in dict.fromkeys((value.casefold(), undone(value).casefold())):
            self._alone.setdefault(form, mask)
            if len(form) >= SHORTEST:
                self._grow(form, mask)
                if len(form) >= _SHORTEST_INSIDE and kind not in ("name", "address"):
                    self._begin(form, mask)
        if kind == "name":
            for part in value.split():
                self.learn(part, mask, kind)

    def without(self, text: str) -> tuple[str, int]:
        """Return `text` without any of them, and how many stood there."""
        found, count = self._without(text)
        plainly = undone(found)
        if plainly != found:
            other, more = self._without(plainly)
            if more:
                found, count = other, count + more
        if "%" in found:
            found, more = self._without_runs(PERCENT, found)
            count += more
        if len(found) >= 16:
            found, more = self._without_runs(base64_text.RUN, found)
            count += more
        return found, count

    def _grow(self, form: str, mask: str) -> None:
        words = list(_WORD.finditer(form))
        if not words:
            return
        node = self._tree
        for word in words[:_MOST_WORDS]:
            node = node.next.setdefault(word[0], _Node())
        if node.mask is None:
            node.mask = mask
            node.starts = form[: words[0].start()][-_MOST_SIGNS:]
            node.ends = form[words[-1].end() :][:_MOST_SIGNS]
        if len(words) > _MOST_WORDS:
            node.is_cut = True

    def _begin(self, form: str, mask: str) -> None:
        begin = form[:_SHORTEST_INSIDE]
        alike = self._inside.setdefault(begin, {})
        if isinstance(alike, str):
            return
        alike.setdefault(len(form), {}).setdefault(form, mask)
        if len(alike) > _MOST_ALIKE:
            self._inside[begin] = mask

    def _without(self, text: str) -> tuple[str, int]:
        """Return `text` without what stands in it as it is written."""
        small, places = _folded(text)
        alone = self._alone.get(small)
        if alone is not None:
            return alone, 1
        found = self._without_inside(text, small, places)
        if found is not None:
            text = found[0]
            small, places = _folded(text)
        other = self._without_words(text, small, places)
        return other if found is None else (other[0], other[1] + found[1])

    def _without_words(self, text: str, small: str, places: _Places) -> tuple[str, int]:
        first = self._tree.next
        words = [(word[0], word.start(), word.end()) for word in _WORD.finditer(small)]
        parts: list[str] = []
        count = end = 0
        for at, (word, begin, _) in enumerate(words):
            if begin < end or word not in first:
                continue
            node, last = self._tree, None
            for ahead in range(at, min(at + _MOST_WORDS, len(words))):
                after = node.next.get(words[ahead][0])
                if after is None:
                    break
                node = after
                if node.mask is not None:
                    last = node, words[ahead][2]
            if last is None:
                continue
            known, stop = last
            before = begin - len(known.starts)
            start = before if before >= end and small.startswith(known.starts, before) else begin
            if known.ends and small.startswith(known.ends, stop):
                stop += len(known.ends)
            if known.is_cut:
                stop = _ends(_END_OF_LINE, small, stop)
            parts += text[_at(places, end) : _at(places, start)], str(known.mask)
            end = stop
            count += 1
        return ("".join([*parts, text[_at(places, end) :]]) if parts else text), count

    def _without_inside(self, text: str, small: str, places: _Places) -> tuple[str, int] | None:
        """Return `text` without those that count inside other words too, the longest first wherever two begin; None: there is none."""
        inside = self._inside
        if not inside or len(small) < _SHORTEST_INSIDE:
            return None
        if len(inside) <= _FEW and not any(begin in small for begin in inside):
            return None
        parts: list[str] = []
        count = end = at = 0
        while at <= len(small) - _SHORTEST_INSIDE:
            alike = inside.get(small[at : at + _SHORTEST_INSIDE])
            if alike is not None:
                stop, mask = _longest(alike, small, at)
                if stop > at:
                    parts += text[_at(places, end) : _at(places, at)], mask
                    end = at = stop
                    count += 1
                    continue
            at += 1
        return ("".join([*parts, text[_at(places, end) :]]), count) if parts else None

    def _without_runs(self, runs: re.Pattern[str], text: str) -> tuple[str, int]:
        """Return `text` without them in its percent-encoded parts, which stay so, or in its base64, which goes whole."""
        is_percent = runs is PERCENT
        count = 0

        def masked_run(run: re.Match[str]) -> str:
            nonlocal count
            read = percent_decoded(run[0]) if is_percent else base64_text.decoded(run[0])
            if read is None or read == run[0]:
                return run[0]
            shown, more = self._without(undone(read))
            count += more
            if not more:
                return run[0]
            return quote(shown, safe="*@[]+", errors="replace") if is_percent else "***"

        return runs.sub(masked_run, text), count


_FEW: Final = 20
"""So many beginnings are looked for one by one, which is cheaper where none of them stands in a text."""


def _longest(alike: Mapping[int, Mapping[str, str]] | str, small: str, at: int) -> tuple[int, str]:
    """Return where the longest value ends that begins at a place, and its mask; the place itself: none does."""
    if isinstance(alike, str):
        return _ends(_END, small, at), alike
    for length in sorted(alike, reverse=True):
        mask = alike[length].get(small[at : at + length])
        if mask is not None:
            return at + length, mask
    return at, ""


def _ends(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.search(text, at)
    return len(text) if found is None else found.start()


def _folded(text: str) -> tuple[str, _Places]:
    """Return a text in one case, and where each of its letters stood; None: each where it stands."""
    small = text.casefold()
    if len(small) == len(text):
        return small, None
    places: list[int] = []
    for at, letter in enumerate(text):
        places += [at] * len(letter.casefold())
    return small, [*places, len(text)]


def _at(places: _Places, at: int) -> int:
    return at if places is None else places[at]
