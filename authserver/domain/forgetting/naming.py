"""Whether a text names somebody: by any of their identifiers, however it is written, and not as a part of another one."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from unicodedata import normalize

from resource_lib.wire.subjects import normal_form


def named_by(identifiers: Iterable[str]) -> Callable[[str], bool]:
    """Return what says of a text, JSON or a few lines of it, whether it names whoever is called so."""
    wanted = {form for one in identifiers if (form := normal_form(one))}
    words = [re.compile(rf"(?<![\w.+-]){re.escape(form)}(?![\w-])") for form in wanted]

    def is_named_in(text: str) -> bool:
        return any(_names(one, wanted, words) for line in text.split("\n") for one in _texts(_read(line)))

    return is_named_in


def _names(text: str, wanted: set[str], words: list[re.Pattern[str]]) -> bool:
    plain = normalize("NFKC", text).casefold()
    return normal_form(text) in wanted or any(word.search(plain) for word in words)


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line


def _texts(value: Any) -> Iterable[str]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            stack += [*one, *one.values()]
        elif isinstance(one, list):
            stack += one
        elif isinstance(one, str):
            yield one
            # What a tool answers is often JSON in a text.
            if one[:1] in "[{" and isinstance(inner := _read(one), dict | list):
                stack.append(inner)
        elif isinstance(one, int):
            yield str(one)
