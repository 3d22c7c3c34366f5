"""
What a tool says of itself, to the model that reads it and to the clients that list it.

MCP "Tool names"; the attacks of the groups EX and RS: a description is read as if the person had written it.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from resource_lib.lint import words
from resource_lib.lint.finding import Found, LintedTool
from resource_lib.output import hostile

CLIENTS_TAKE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every big client passes on to its model; MCP itself allows dots, slashes and 128 characters."""
CLIENTS_TAKE_ARGUMENT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NOT_AT_THE_ROOT: Final = ("anyOf", "oneOf", "allOf", "not", "enum", "if")
_MOST_TEXTS: Final = 5000
_HIDDEN: Final = frozenset({"Cf", "Co", "Cn", "Cs", "Cc", "Zl", "Zp"})


def hostile_description(tool: LintedTool) -> Found:
    """Find texts that order the model about, or hide something from the person who reads them."""
    for at, text in _texts(tool.definition):
        if (
            any(unicodedata.category(sign) in _HIDDEN and sign not in "\n\t\r" for sign in text)
            or hostile.stripped(text)[1]
        ):
            yield at, "it hides characters that a person does not see, or escapes and delimiters"
        elif words.ORDERS.search(text) or hostile.is_hostile(hostile.signs(text)):
            yield at, "it gives orders to the model"


def no_description(tool: LintedTool) -> Found:
    """Find tools that say next to nothing."""
    if len(tool.description.strip()) < words.SHORTEST_DESCRIPTION:
        yield "", "it does not say what it does"


def when_to_call(tool: LintedTool) -> Found:
    """Find descriptions that do not say when."""
    if not no_words(tool) and not words.TO_CALL.search(tool.description):
        yield "", "it does not say when to call it"


def when_not_to_call(tool: LintedTool) -> Found:
    """Find descriptions that do not say when not."""
    if not no_words(tool) and not words.NOT_TO_CALL.search(tool.description):
        yield "", "it does not say when not to call it, or what to call instead"


def no_words(tool: LintedTool) -> bool:
    """Tell whether there is nothing to look at."""
    return len(tool.description.strip()) < words.SHORTEST_DESCRIPTION


def client_names(tool: LintedTool) -> Found:
    """Find names and schemas that clients refuse."""
    if not CLIENTS_TAKE.fullmatch(tool.name):
        yield "", "some clients refuse its name: they take 1 to 64 of A-Z a-z 0-9 _ -"
    for place in tool.arguments:
        if not place.is_item and not CLIENTS_TAKE_ARGUMENT.fullmatch(place.name):
            yield place.at, "some clients refuse its name: they take 1 to 64 of A-Z a-z 0-9 _ - ."
    schema = tool.definition.get("inputSchema")
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        yield "", 'its inputSchema is not "type": "object"'
    elif strange := [word for word in _NOT_AT_THE_ROOT if word in schema]:
        yield "", f"some clients refuse {', '.join(strange)} at the root of its inputSchema"


def _texts(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return each text that a model reads, with its place; names, choices and defaults too."""
    waiting: list[tuple[str, Any]] = [("", definition)]
    seen = 0
    while waiting and seen < _MOST_TEXTS:
        at, value = waiting.pop(0)
        seen += 1
        if isinstance(value, str):
            yield at, value
        elif isinstance(value, Mapping):
            for name, inside in value.items():
                yield at, str(name)
                step = str(name).replace("~", "~0").replace("/", "~1")
                if name not in ("pattern", "_meta", "icons", "$schema"):
                    waiting.append((f"{at}/{step}", inside))
        elif isinstance(value, list):
            waiting += [(f"{at}/{number}", inside) for number, inside in enumerate(value)]
