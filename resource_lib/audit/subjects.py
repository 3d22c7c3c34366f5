"""
Who is named in what a tool was called with, and in what it returned: by the members that its schemas mark `x-subject` or `x-pii`.

So that a person who was never a user is found again, and erased, wherever others called about them. What is a secret, a card's number
or an address names nobody here: nobody is looked for by it, and it is not worth keeping.
"""

from typing import Any, Final

from resource_lib.output.mirrors import json_of
from resource_lib.output.shape import FREE, Shape, word_of
from resource_lib.wire.record import MOST_SUBJECTS
from resource_lib.wire.subjects import normal_form

_MOST_LOOKED_AT: Final = 20_000

Subjects = dict[tuple[str, str], None]
"""Each a word and an identifier in its normal form, in the order in which they were met."""


def named_in(value: Any, shape: Shape, found: Subjects) -> None:
    """Add to `found` everybody whom a JSON value names, at most `MOST_SUBJECTS` of them."""
    if not shape.names_people:
        return
    waiting: list[tuple[Any, Shape, str]] = [(value, shape, "")]
    looked_at = 0
    while waiting and len(found) < MOST_SUBJECTS and looked_at < _MOST_LOOKED_AT:
        looked_at += 1
        one, of_it, inherited = waiting.pop()
        word = of_it.subject or inherited
        if type(one) is dict:
            named = word_of(of_it.kind_of_names)
            for name, member in one.items():
                if named and name not in of_it.members:
                    _add(named, name, found)
                below = of_it.member(name) or FREE
                if word or below.names_people:
                    waiting.append((member, below, word))
        elif type(one) is list:
            waiting += [(entry, of_it.entry(at), word) for at, entry in enumerate(one)]
        elif type(one) is str and of_it.held is not None and (inside := json_of(one)) is not None:
            waiting.append((inside, of_it.held, word))
        elif word and (type(one) is str or type(one) is int):
            _add(word, str(one), found)


def _add(word: str, identifier: str, found: Subjects) -> None:
    form = normal_form(identifier)
    if form:
        found[word, form] = None
