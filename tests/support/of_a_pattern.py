"""Texts that a regular expression may find, made from its own parse: for showing that a quicker look before it misses none of them."""

import random
import re
from re import _constants as code
from re import _parser
from typing import Any

_OF_CATEGORY = {code.CATEGORY_WORD: "a", code.CATEGORY_DIGIT: "7", code.CATEGORY_SPACE: " "}
_REPEATED = (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT)


def some(pattern: re.Pattern[str], *, count: int, seed: int = 1) -> list[str]:
    """Return up to `count` different texts in which `pattern` is found; each branch of it is taken in some."""
    chance, tree = random.Random(seed), _parser.parse(pattern.pattern, pattern.flags)
    return sorted({text for _ in range(count) if pattern.search(text := _made(tree, chance))})


def _made(tree: Any, chance: random.Random) -> str:
    return "".join(_part(kind, of, chance) for kind, of in tree)


def _part(kind: Any, of: Any, chance: random.Random) -> str:
    if kind is code.LITERAL:
        return chr(of)
    if kind in (code.NOT_LITERAL, code.ANY):
        return "x"
    if kind is code.IN:
        return _one_of(of, chance)
    if kind is code.BRANCH:
        return _made(chance.choice(of[1]), chance)
    if kind is code.SUBPATTERN:
        return _made(of[3], chance)
    if kind is code.ATOMIC_GROUP:
        return _made(of, chance)
    if kind in _REPEATED:
        least, most, inner = of
        return "".join(
            _made(inner, chance) for _ in range(chance.choice([least, min(most, least + 1), min(most, least + 2)]))
        )
    return ""  # an anchor, or what must stand beside it: the search that follows says whether it does


def _one_of(choices: Any, chance: random.Random) -> str:
    named = [chr(of) for kind, of in choices if kind is code.LITERAL]
    named += [chr(chance.randint(*of)) for kind, of in choices if kind is code.RANGE]
    named += [_OF_CATEGORY.get(of, "-") for kind, of in choices if kind is code.CATEGORY]
    if choices[0][0] is code.NEGATE:
        return next(one for one in " ax-," if one not in named)
    return chance.choice(named)
