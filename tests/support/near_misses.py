"""
Texts made of a pattern's own structure that nearly match it, again and again: what makes a careless pattern slow.

For each place in the pattern: everything before it, repeated; everything before it, and then one letter of what repeats there without end;
and the same with the last letter wrong.
"""

import re
from collections.abc import Iterator
from re import _constants as sre
from re import _parser

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_CATEGORIES = {
    sre.CATEGORY_WORD: "a", sre.CATEGORY_NOT_WORD: "-", sre.CATEGORY_DIGIT: "1", sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_SPACE: " ", sre.CATEGORY_NOT_SPACE: "a",
}  # fmt: skip
_ANYTHING = "a1 -.:@/=_\"'%&#(<é漢"


def near_misses(pattern: re.Pattern[str], size: int) -> Iterator[str]:
    """Yield texts of about `size` characters, each once."""
    seen: set[str] = set()
    for seed, fill in _seeds(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)):
        for text in _texts(seed, fill, size):
            if text and text not in seen:
                seen.add(text)
                yield text


def _texts(seed: str, fill: str, size: int) -> Iterator[str]:
    if fill:
        yield (seed + fill * size)[:size]
        yield (seed + fill * size)[: size - 1] + "\x01"
        yield ((seed + fill * 40) * size)[:size]
    if seed:
        yield (seed * (size // len(seed) + 1))[:size]
        yield ((seed[:-1] or seed) * size)[:size]
        yield ((seed + " ") * (size // len(seed) + 1))[:size]


def _seeds(tree: _parser.SubPattern, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield what stands before each place, and one turn of what repeats there."""
    for kind, value in tree:
        if kind in _REPEATS:
            inner = _sample(value[2])
            yield before, inner
            yield from _seeds(value[2], before)
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield from _seeds(branch, before)
        elif kind is sre.SUBPATTERN:
            yield from _seeds(value[3], before)
        elif kind is sre.ATOMIC_GROUP:
            yield from _seeds(value, before)
        before += _sample([(kind, value)])
        yield before, ""


def _sample(tree) -> str:
    """Return one text that this much of a pattern takes, nearly."""
    made = ""
    for kind, value in tree:
        if kind is sre.LITERAL:
            made += chr(value)
        elif kind is sre.NOT_LITERAL:
            made += next(letter for letter in _ANYTHING if ord(letter) != value)
        elif kind is sre.ANY:
            made += "a"
        elif kind is sre.IN:
            made += _one_of(value)
        elif kind is sre.BRANCH:
            made += _sample(value[1][0])
        elif kind is sre.SUBPATTERN:
            made += _sample(value[3])
        elif kind is sre.ATOMIC_GROUP:
            made += _sample(value)
        elif kind in _REPEATS:
            made += _sample(value[2]) * min(max(value[0], 1), 300)
    return made


def _one_of(members) -> str:
    negated = members[0][0] is sre.NEGATE
    taken = {chr(value) for kind, value in members if kind is sre.LITERAL}
    ranges = [value for kind, value in members if kind is sre.RANGE]
    categories = [value for kind, value in members if kind is sre.CATEGORY]
    if not negated:
        if taken:
            return min(taken)
        return chr(ranges[0][0]) if ranges else _CATEGORIES[categories[0]]
    for letter in _ANYTHING:
        in_range = any(low <= ord(letter) <= high for low, high in ranges)
        is_space = letter == " " and sre.CATEGORY_SPACE in categories
        is_word = (letter.isalnum() or letter == "_") and sre.CATEGORY_WORD in categories
        if letter not in taken and not in_range and not is_space and not is_word:
            return letter
    return "a"
