"""
The words and signs of a condition, and the error that says where a text is none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_PARTS: Final = 150
"""Of words, values and signs in one condition."""


class ConditionError(ValueError):
    """A text that is no condition. `str()` names the column (from 1), the fault and the cure."""

    def __init__(self, column: int, fault: str, cure: str) -> None:
        super().__init__(f"column {column}: {fault}. Cure: {cure}.")
        self.column = column
        self.fault = fault
        self.cure = cure


_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<text>"(?:[^"\\\x00-\x1f]|\\.)*"|'(?:[^'\\\x00-\x1f]|\\.)*')
    | (?P<sign>==|!=|<=|>=|[<>()\[\],.+*=-])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CURES: Final[Mapping[str, str]] = {
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "/": "there is no division: multiply the other side",
    "%": "there is no remainder",
    '"': "end the text with the quote that began it",
    "'": "end the text with the quote that began it",
    "{": "there are no objects: name their members, as in args.order.id",
}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    column: int


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConditionError(
                at + 1,
                f"{text[at]!r} is no sign of this language",
                _CURES.get(text[at], "write names, numbers, texts in quotes, and the signs == != < <= > >= + - *"),
            )
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match[0], at + 1))
        at = match.end()
    if len(found) > MOST_PARTS:
        raise ConditionError(
            found[MOST_PARTS].column, f"more than {MOST_PARTS} words and signs", "split it into several conditions"
        )
    found.append(Token("end", "", len(text) + 1))
    return found


def unquoted(token: Token) -> str:
    inside = token.text[1:-1]
    if "\\" not in inside:
        return inside
    for found in _ESCAPE.finditer(inside):
        if found[1] not in "\\\"'":
            raise ConditionError(
                token.column + 1 + found.start(),
                f"\\{found[1]} means nothing here",
                "only \\\\, \\\" and \\' are known",
            )
    return _ESCAPE.sub(r"\1", inside)
