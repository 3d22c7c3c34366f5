"""
A statement sent to a database without row-level security reaches one tenant's rows, or it is not sent.

Read from the final SQL, whoever wrote it: each table that is not declared shared must be compared with the tenant in
the `WHERE` of its own `SELECT`, `UPDATE` or `DELETE` (or in the `ON` that joins it), joined by `AND` alone, and the
value that is bound there must be this tenant's. An `INSERT` must name the tenant column and bind this tenant to it.
What cannot be understood is refused. This is a reading, not a database's own wall: PostgreSQL has that one.

It is read in SQLite's own tokens (https://sqlite.org/lang.html, tokenize.c): what one reader takes for a space, the end
of a comment or a name, the other must too. Where SQLite is lenient (names in apostrophes, `x IN table`) we refuse. No I/O.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_TOKEN = re.compile(
    r"""
      (?P<gap>[ \t\n\f\r]+|--[^\n]*|/\*.*?\*/)
    | (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    | (?P<param>\?(?!\d)|:[A-Za-z0-9_$\x80-\U0010ffff]++(?![(:]))
    | (?P<number>\d[\w.]*)
    | (?P<mark>[^'"`\[\]?:@$\#])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_CAPITALS: Final = {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
"""SQLite folds ASCII alone: to `str.upper` another letter may be an S."""

_VERBS: Final = frozenset({"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "VALUES"})
_TRANSACTION: Final = frozenset({"SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "BEGIN"})
_ENDS_COMPARISON: Final = frozenset(
    {"AND", "GROUP", "ORDER", "LIMIT", "RETURNING", "HAVING", "UNION", "INTERSECT", "EXCEPT", "WINDOW"}
    | {"WHERE", "JOIN", "LEFT", "INNER", "CROSS", ")", "", ";"}
)
_ENDS_FROM: Final = frozenset(
    {"WHERE", "GROUP", "ORDER", "LIMIT", "RETURNING", "HAVING", "UNION", "INTERSECT", "EXCEPT", "WINDOW", "SET"}
)
_NO_ALIAS: Final = _ENDS_FROM | frozenset(
    {"AS", "ON", "USING", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "OUTER", "VALUES", "SELECT"}
    | {"DEFAULT", "INDEXED", "NOT", "SET"}
)


class UnscopedStatementError(Exception):
    """A statement could reach rows of another tenant; `str()` says what is missing and the cure."""


class ForeignTenantError(Exception):
    """A statement names another tenant."""


@dataclass(slots=True)
class _Token:
    kind: str
    text: str
    """Keywords in capitals, identifiers without their quotes."""
    index: int | str | None = None
    """Of a parameter: its position, or its name."""


@dataclass(slots=True)
class _Table:
    name: str
    alias: str
    joined: bool


@dataclass(slots=True)
class _Select:
    """One SELECT, UPDATE or DELETE: what stands between one pair of brackets, up to a UNION."""

    tables: list[_Table] = field(default_factory=list)
    sources: int = 0
    """Tables and subqueries read from so far."""
    compared: list[tuple[str, str, _Token]] = field(default_factory=list)
    """Clause, qualifier and parameter of each comparison with the tenant column."""
    clause: str = ""
    in_from: bool = False
    expects_table: bool = False
    alternatives: set[str] = field(default_factory=set)
    """The clauses in which an OR stands beside the comparisons."""
    between: int = 0
    """How many BETWEEN wait for their AND."""
    limits: set[int] = field(default_factory=set)
    """Where the AND of a BETWEEN stands; it joins nothing."""
    changes: bool = False
    """Whether its first table is one that is changed: WITH cannot define that."""
    is_empty: bool = False
    """Whether its WHERE can never be true."""


def require_scope(
    sql: str,
    parameters: Any,
    *,
    tenant: str,
    column: str = "tenant_id",
    shared: Collection[str] = (),
    by_key: bool = False,
) -> None:
    """Return when `sql` reaches only rows of `tenant`, and raise otherwise.

    `parameters` are those of one execution, or a list of them. `shared` names tables without tenants. `by_key` lets the
    first table go without comparison, for a row that is reached by the key of an object loaded under the tenant. Raises UnscopedStatementError,
    and ForeignTenantError when it is another tenant's rows that are asked for.
    """
    tokens = _tokens(sql)
    verb = tokens[0].text
    if tokens[0].kind != "word" or verb not in _VERBS | _TRANSACTION:
        raise UnscopedStatementError(_cure(f"{verb or 'nothing'} is no statement for a tenant's session", column))
    if verb in _TRANSACTION:
        return
    runs: list[Any] = list(parameters) if isinstance(parameters, list) else [parameters]
    reading = _Reading(tokens, column=column, shared=frozenset(name.lower() for name in shared))
    try:
        required = reading.required(by_key=by_key)
    except (IndexError, StopIteration, RecursionError):
        raise UnscopedStatementError(_cure("the statement cannot be followed", column)) from None
    for token in required:
        for run in runs:
            if _value(run, token) != tenant:
                raise ForeignTenantError


def _cure(fault: str, column: str) -> str:
    return (
        f"{fault}. Cure: use a mapped class that has {column}, write `{column} = :tenant` for each table (the session "
        f"binds it), or name tables without tenants in tenant_session(engine, shared=[…])."
    )


def _value(parameters: Any, token: _Token) -> Any:
    try:
        if isinstance(token.index, int) and isinstance(parameters, Sequence):
            return parameters[token.index]
        if isinstance(token.index, str) and isinstance(parameters, Mapping):
            return parameters[token.index]
    except (IndexError, KeyError):
        pass
    raise UnscopedStatementError("the value bound to the tenant column cannot be found. Cure: bind it as :tenant.")


def _tokens(sql: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    end = 0
    for match in _TOKEN.finditer(sql):
        kind, text = str(match.lastgroup), match.group()
        if match.start() != end:
            break
        end = match.end()
        if kind == "gap":
            continue
        token = _Token(kind, text)
        if kind == "word":
            token.text = text.translate(_CAPITALS)
        elif kind == "quoted":
            mark = text[-1]
            token.text = text[1:-1].replace(mark * 2, mark).translate(_CAPITALS)
        elif kind == "param":
            if text == "?":
                token.index = position
                position += 1
            elif text[0] == ":":
                token.index = text[1:]
        found.append(token)
    if end != len(sql) or "/*" in "".join(token.text for token in found if token.kind == "mark"):
        raise UnscopedStatementError(
            "the text ends in the middle, or holds what SQLite alone can read. Cure: plain SQL."
        )
    if len({type(token.index) for token in found if token.kind == "param"}) > 1:
        raise UnscopedStatementError("`?` and `:name` stand together. Cure: one of the two.")
    while found and found[-1].text == ";":
        found.pop()
    if not found or any(token.text == ";" for token in found):
        raise UnscopedStatementError("one statement at a time. Cure: send them one by one.")
    found.append(_Token("end", ""))
    return found


class _Reading:
    """One pass over the tokens of a statement."""

    def __init__(self, tokens: list[_Token], *, column: str, shared: frozenset[str]) -> None:
        self._tokens = tokens
        self._column_name = column
        self._column = column.translate(_CAPITALS)
        self._shared = {name.translate(_CAPITALS) for name in shared}
        self._common = self._common_tables()
        self._done: list[_Select] = []
        self._at = 0

    def _common_tables(self) -> set[str]:
        """Return the names that `WITH` defines: their own SELECT is looked at where it stands."""
        names: set[str] = set()
        at = 0
        while self._tokens[at].kind == "word" and self._tokens[at].text in ("WITH", "RECURSIVE"):
            at += 1
        while at and self._tokens[at].kind in ("word", "quoted"):
            names.add(self._tokens[at].text)
            at += 1
            if self._tokens[at].text == "(":
                at = self._closing(at) + 1
            while self._tokens[at].text in ("AS", "NOT", "MATERIALIZED"):
                at += 1
            at = self._closing(at) + 1 if self._tokens[at].text == "(" else len(self._tokens) - 1
            if self._tokens[at].text != ",":
                break
            at += 1
        return names

    def _refuse(self, fault: str) -> UnscopedStatementError:
        return UnscopedStatementError(_cure(fault, self._column_name))

    def required(self, *, by_key: bool) -> list[_Token]:
        """Return the parameters that must hold the tenant. Raises UnscopedStatementError when one is missing."""
        words = {token.text for token in self._tokens if token.kind == "word"}
        for token, following in zip(self._tokens, self._tokens[1:], strict=False):
            if token.kind == "word" and token.text == "IN" and following.text != "(":
                raise self._refuse("`x IN table` reads a table that nothing can be compared in")
        if "REPLACE" in words and words & {"INSERT", "REPLACE"} and self._tokens[0].text in ("REPLACE", "INSERT"):
            raise self._refuse("REPLACE deletes rows it does not name")
        if "INSERT" in words:
            return self._insert(words)
        self._walk(0, len(self._tokens) - 1)
        return self._compared(by_key=by_key, words=words)

    def _compared(self, *, by_key: bool, words: set[str]) -> list[_Token]:
        outer_joins = bool(words & {"RIGHT", "FULL"})
        required: list[_Token] = []
        for select in self._done:
            required += [parameter for clause, _, parameter in select.compared if clause == "SET"]
            if select.is_empty and "WHERE" not in select.alternatives:
                continue
            owned = [table for table in select.tables if not self._is_free(table)]
            for table in owned:
                found = [
                    parameter
                    for clause, qualifier, parameter in select.compared
                    if self._counts(select, table, clause, qualifier, alone=select.sources == 1)
                    and not (clause != "WHERE" and outer_joins)
                ]
                if not found and not (by_key and select is self._done[0] and table is select.tables[0]):
                    raise self._refuse(f"{table.alias.lower()} is not compared with the tenant")
                required += found
        return required

    def _is_free(self, table: _Table) -> bool:
        return table.name in self._shared or table.name in self._common

    @staticmethod
    def _counts(select: _Select, table: _Table, clause: str, qualifier: str, *, alone: bool) -> bool:
        if clause in select.alternatives or clause == "SET":
            return False
        if clause == "WHERE":
            return qualifier == table.alias or (not qualifier and alone)
        # An ON filters only the table that it joins.
        return table.joined and clause == f"ON {table.alias}" and qualifier == table.alias

    def _insert(self, words: set[str]) -> list[_Token]:
        tokens = self._tokens
        start = next(number for number, token in enumerate(tokens) if token.text == "INTO" and token.kind == "word")
        at = start + 1
        while tokens[at + 1].text == ".":
            at += 2
        name = tokens[at].text
        opening = at + 1
        required: list[_Token] = []
        values = next((n for n, token in enumerate(tokens) if token.text == "VALUES" and token.kind == "word"), None)
        if name not in self._shared:
            if tokens[opening].text != "(" or values is None:
                raise self._refuse(f"INSERT INTO {name.lower()} must name its columns and give VALUES")
            parts = self._parts(opening)
            columns = [part[0].text for part in parts if len(part) == 1 and part[0].kind in ("word", "quoted")]
            if len(columns) != len(parts) or columns.count(self._column) != 1:
                raise self._refuse(f"INSERT INTO {name.lower()} does not say whose row it is")
            required = self._inserted(values + 1, columns.index(self._column))
        elif values is None:
            raise self._refuse("INSERT … SELECT cannot be followed")
        if "CONFLICT" in words and "UPDATE" in words:
            raise self._refuse("ON CONFLICT DO UPDATE can change a row of another tenant")
        if words & {"SELECT", "WITH"}:
            raise self._refuse("INSERT with a SELECT cannot be followed")
        return required

    def _inserted(self, at: int, place: int) -> list[_Token]:
        required = []
        while self._tokens[at].text == "(":
            parts = self._parts(at)
            if place >= len(parts) or len(parts[place]) != 1 or parts[place][0].kind != "param":
                raise self._refuse("the tenant of a new row must be a bound value")
            required.append(parts[place][0])
            at = self._closing(at) + 1
            if self._tokens[at].text == ",":
                at += 1
        return required

    def _closing(self, opening: int) -> int:
        depth = 0
        for number in range(opening, len(self._tokens)):
            token = self._tokens[number]
            if token.kind == "mark" and token.text == "(":
                depth += 1
            elif token.kind == "mark" and token.text == ")":
                depth -= 1
                if depth == 0:
                    return number
        raise self._refuse("a bracket is not closed")

    def _parts(self, opening: int) -> list[list[_Token]]:
        parts: list[list[_Token]] = [[]]
        depth = 0
        for token in self._tokens[opening : self._closing(opening) + 1]:
            if token.kind == "mark" and token.text in "()":
                depth += 1 if token.text == "(" else -1
                if depth > 1 or (depth == 1 and token.text == ")"):
                    parts[-1].append(token)
            elif token.text == "," and depth == 1:
                parts.append([])
            else:
                parts[-1].append(token)
        return parts

    def _walk(self, start: int, end: int, select: _Select | None = None) -> None:
        """Read the tokens between `start` and `end`, which stand between one pair of brackets."""
        here = select or _Select()
        self._done.append(here)
        at = start
        while at < end:
            token = self._tokens[at]
            if token.kind == "mark" and token.text == "(":
                closing = self._closing(at)
                inner = self._tokens[at + 1]
                if here.clause == "SET" and self._tokens[at - 1].text in ("SET", ","):
                    raise self._refuse("several columns set at once cannot be followed")
                if here.expects_table and not (inner.kind == "word" and inner.text in _VERBS):
                    # Brackets around a join: its tables are read as tables of this SELECT.
                    self._join(here, at + 1, closing)
                else:
                    here.sources += here.expects_table
                    # A comparison in inner brackets never counts: NOT or OR may stand before them.
                    self._walk(at + 1, closing)
                here.expects_table = False
                at = closing + 1
                continue
            if token.kind == "word" and token.text in ("UNION", "INTERSECT", "EXCEPT"):
                here = _Select()
                self._done.append(here)
                at += 1
                continue
            at = self._step(here, at)

    def _join(self, here: _Select, start: int, end: int) -> None:
        at = start
        here.in_from = here.expects_table = True
        while at < end:
            token = self._tokens[at]
            if token.kind == "mark" and token.text == "(":
                closing = self._closing(at)
                inner = self._tokens[at + 1]
                if here.expects_table and not (inner.kind == "word" and inner.text in _VERBS):
                    self._join(here, at + 1, closing)
                else:
                    here.sources += here.expects_table
                    self._walk(at + 1, closing)
                here.expects_table = False
                at = closing + 1
                continue
            at = self._step(here, at)

    def _step(self, here: _Select, at: int) -> int:
        """Read one token, or one table with its alias; return where to go on."""
        token = self._tokens[at]
        is_word = token.kind == "word"
        if here.expects_table:
            if token.kind not in ("word", "quoted") or (is_word and token.text in ("SET", "OR")):
                raise self._refuse(f"{token.text.lower()} stands where a table is named")
            return self._table(here, at)
        if token.kind == "text" and here.clause == "SET" and self._tokens[at - 1].text in ("SET", ","):
            raise self._refuse("a column's name stands in apostrophes")
        if not is_word:
            if token.text == "," and here.in_from:
                here.expects_table = True
            elif token.kind == "quoted" and token.text == self._column:
                self._comparison(here, at)
            return at + 1
        if token.text == "FROM":
            here.clause, here.in_from, here.expects_table = "FROM", True, True
        elif token.text == "JOIN":
            here.expects_table = True
        elif token.text == "DELETE":
            here.changes = True
        elif token.text == "UPDATE":
            here.clause, here.expects_table, here.changes = "UPDATE", True, True
        elif token.text == "ON" and here.in_from and here.tables:
            here.clause, here.between = f"ON {here.tables[-1].alias}", 0
        elif token.text in _ENDS_FROM:
            here.clause, here.in_from, here.between = token.text, False, 0
            # How SQLAlchemy writes a criterion that is never true; it then leaves the tenant out.
            never = [part.text for part in self._tokens[at + 1 : at + 4]] == ["0", "=", "1"]
            here.is_empty |= token.text == "WHERE" and never and self._tokens[at + 4].text in _ENDS_COMPARISON
        elif token.text == "BETWEEN":
            here.between += 1
        elif token.text in ("OR", "CASE"):
            here.alternatives.add(here.clause)
        elif token.text == "AND" and here.between:
            here.between -= 1
            here.limits.add(at)
        elif token.text == self._column:
            self._comparison(here, at)
        return at + 1

    def _table(self, here: _Select, at: int) -> int:
        here.expects_table = False
        joined = here.clause != "FROM" or here.sources > 0
        here.sources += 1
        qualified = here.changes and not here.tables
        while self._tokens[at + 1].text == "." and self._tokens[at + 1].kind == "mark":
            at += 2
            qualified = True
        name = self._tokens[at].text
        following = self._tokens[at + 1]
        if following.text == "(" and following.kind == "mark":
            raise self._refuse(f"{name.lower()}(…) is no table")
        alias = name
        if following.kind == "word" and following.text == "AS":
            alias = self._tokens[at + 2].text
            if self._tokens[at + 2].kind not in ("word", "quoted"):
                raise self._refuse("a name stands in apostrophes")
            at += 2
        elif following.kind == "text":
            raise self._refuse("a name stands in apostrophes")
        elif following.kind == "quoted" or (following.kind == "word" and following.text not in _NO_ALIAS):
            alias = following.text
            at += 1
        # `main.x` is the table x even where WITH defines another x.
        here.tables.append(_Table("." + name if qualified and name in self._common else name, alias, joined))
        return at + 1

    def _comparison(self, here: _Select, at: int) -> None:
        tokens = self._tokens
        qualifier, before = "", at - 1
        if before > 0 and tokens[before].text == ".":
            qualifier, before = tokens[before - 1].text, before - 2
            if before > 0 and tokens[before].text == ".":
                before -= 2
        if here.clause == "SET":
            if tokens[before].text in ("SET", ",") and tokens[at + 1].text == "=":
                if tokens[at + 2].kind != "param":
                    raise self._refuse("a row would change its tenant")
                here.compared.append(("SET", qualifier, tokens[at + 2]))
            return
        if here.clause != "WHERE" and not here.clause.startswith("ON "):
            return
        opens = tokens[before].text in ("WHERE", "ON", "AND") and before not in here.limits
        if opens and tokens[at + 1].text == "=" and tokens[at + 2].kind == "param":
            following = tokens[at + 3]
            if following.text in _ENDS_COMPARISON and following.kind in ("word", "mark", "end"):
                here.compared.append((here.clause, qualifier, tokens[at + 2]))
