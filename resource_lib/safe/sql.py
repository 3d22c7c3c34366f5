"""
Statements whose values are bound and whose names are chosen from a list.

    ORDERS = Sql("SELECT id FROM orders WHERE item = :item ORDER BY {column} LIMIT :limit", column=Identifiers("placed_on", "item"))

    ORDERS(item=item, column=column, limit=20).sqlite3()      -> text, {"item": …, "limit": 20}
    ORDERS(…).asyncpg()                                       -> "… item = $1 …", [item, 20]
    session.execute(*ORDERS(…).sqlalchemy())

C29, C26; CWE-89. A text with a literal in it is refused when it is made: a constant can be a parameter too, and whoever formats a value
into a statement makes a literal. Write statements at the top of a module, where no value is at hand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from resource_lib.safe.errors import UnsafeError

Value = str | int | float | bool | bytes | date | datetime | time | timedelta | Decimal | UUID | None
_VALUES: Final = (str, int, float, bytes, date, time, timedelta, Decimal, UUID)

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?")
_TOKEN: Final = re.compile(
    r"(?P<literal>'|\$[A-Za-z_]*\$|`|\\)|(?P<comment>--|/\*|\#)|(?P<more>;)|(?P<format>%[sdrfa(]|\{\}|\{[0-9!:]|\?|\$[0-9])"
    r"|(?P<quoted>\"(?:[A-Za-z_][A-Za-z0-9_ ]{0,62})\")|(?P<quote>\")|(?P<cast>::)|:(?P<value>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[a-z_][a-z0-9_]*)\}|(?P<brace>[{}:])"
)
_REFUSED: Final = {
    "literal": "holds a literal: make it a parameter",
    "comment": "holds a comment: write it above the statement",
    "more": "holds several statements: make one of each",
    "format": "holds a placeholder of another kind: write :name for values, {name} for names",
    "quote": "holds a strange quoted name",
    "brace": "holds a strange { } or :",
}
ESCAPE: Final = "!"


class Identifiers:
    """The names that a caller may choose from, such as the columns to sort by. Each is plain, or `table.column`."""

    def __init__(self, *names: str) -> None:
        for name in names:
            if not _IDENTIFIER.fullmatch(name):
                raise ValueError(f"{name!r} is no plain name")
        if not names:
            raise ValueError("name at least one")
        self._names = {name: name for name in names}

    def __iter__(self) -> Any:
        """Return the names, for `enum` in a schema."""
        return iter(self._names)

    def pick(self, name: object) -> str:
        """Return our own text of the name, exactly as it was listed. Raises UnsafeError."""
        found = self._names.get(name) if isinstance(name, str) else None
        if found is None:
            raise UnsafeError(f"Choose one of {', '.join(self._names)}.")
        return found

    def quoted(self, name: object) -> str:
        """Return it between double quotes, as SQL quotes names. Raises UnsafeError."""
        return ".".join(f'"{part}"' for part in self.pick(name).split("."))


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement and its values, apart."""

    text: str
    values: Mapping[str, Value]

    def sqlite3(self) -> tuple[str, dict[str, Value]]:
        """Return what `sqlite3` executes: `connection.execute(*bound.sqlite3())`."""
        return self.text, dict(self.values)

    def asyncpg(self) -> tuple[str, list[Value]]:
        """Return text with `$1`, and its values in order: `text, values = …; await connection.fetch(text, *values)`."""
        order: dict[str, int] = {}

        def numbered(found: re.Match[str]) -> str:
            name = found["value"]
            return f"${order.setdefault(name, len(order) + 1)}" if name else found[0]

        text = _TOKEN.sub(numbered, self.text)
        return text, [self.values[name] for name in order]

    def sqlalchemy(self) -> tuple[Any, dict[str, Value]]:
        """Return what a SQLAlchemy session or connection executes: `session.execute(*bound.sqlalchemy())`."""
        from sqlalchemy import text  # noqa: PLC0415 - no dependency of the library

        return text(self.text), dict(self.values)


class Sql:
    """One statement. `names` are the lists for its `{name}` places. Raises ValueError for a text that holds a literal."""

    def __init__(self, text: str, **names: Identifiers) -> None:
        self._text = text
        self._names = names
        values, wanted = set(), set()
        for found in _TOKEN.finditer(text):
            kind = found.lastgroup or ""
            if kind in _REFUSED and not _is_escape(text, found.start()):
                raise ValueError(f"the statement {_REFUSED[kind]}")
            if kind == "value":
                values.add(found["value"])
            elif kind == "name":
                wanted.add(found["name"])
        if wanted != names.keys() or not all(isinstance(listed, Identifiers) for listed in names.values()):
            raise ValueError("each {name} of the statement, and nothing else, needs its Identifiers")
        if values & wanted:
            raise ValueError("a value and a name are called the same")
        self._values = frozenset(values)

    def __call__(self, **given: Any) -> Bound:
        """Return the statement with its values bound. Raises UnsafeError for a name that is on no list or a value of a strange
        type, TypeError for one that is missing or too many.
        """
        if given.keys() != self._values | self._names.keys():
            missing, strange = (
                (self._values | self._names.keys()) - given.keys(),
                given.keys() - self._values - self._names.keys(),
            )
            raise TypeError(f"missing: {sorted(missing)}, unknown: {sorted(strange)}")
        for name in self._values:
            if given[name] is not None and not isinstance(given[name], _VALUES):
                raise UnsafeError(f"{name} is one plain value.")
            if isinstance(given[name], str) and "\0" in given[name]:
                raise UnsafeError(f"{name} holds no NUL.")
        chosen = {name: listed.quoted(given[name]) for name, listed in self._names.items()}
        text = _TOKEN.sub(lambda found: chosen[found["name"]] if found["name"] else found[0], self._text)
        return Bound(text, {name: given[name] for name in sorted(self._values)})


def contains(value: str) -> str:
    """Return a pattern for `LIKE :pattern ESCAPE '!'` that finds `value` anywhere, wildcards in it being characters."""
    return f"%{_escaped(value)}%"


def begins(value: str) -> str:
    """Return one that finds what begins with `value`."""
    return f"{_escaped(value)}%"


def _escaped(value: str) -> str:
    if not isinstance(value, str):
        raise UnsafeError("What is looked for is a text.")
    return re.sub(r"([%_!])", r"!\1", value)


def _is_escape(text: str, at: int) -> bool:
    """Tell whether a quote belongs to the one literal that is allowed: ESCAPE '!'."""
    return any(
        re.search(r"\bESCAPE\s+\Z", text[:start], re.IGNORECASE) and text[start : start + 3] == f"'{ESCAPE}'"
        for start in (at, at - 2)
        if start >= 0
    )
