"""
Every table is declared where its capability lives, and every SQL statement is checked when it is imported.

A tenanted table carries `tenant_id`; a statement that touches one must compare it with `:tenant`, which only the unit of
work can supply. Forgetting the filter is therefore an import error on both databases, before row-level security
(PostgreSQL) refuses the row a second time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

SHARED: Final = "*"
"""The tenant id of what belongs to no tenant: a client that registered itself, a resource of the platform."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *parts: sa.Column[Any] | sa.Constraint | sa.Index, tenanted: bool) -> sa.Table:
    """Declare a table; `tenanted` adds `tenant_id`, which row-level security and the statement check then guard.

    Column types are the portable ones: `sa.Text`, `sa.BigInteger` (times are seconds since the epoch unless the name
    ends in `_us`), `sa.LargeBinary`, `sa.Boolean`. Lists and maps are JSON in `sa.Text`.
    """
    columns: tuple[Any, ...] = (sa.Column("tenant_id", sa.Text, nullable=False), *parts) if tenanted else parts
    return sa.Table(name, metadata, *columns, info={"tenanted": tenanted})


def tenanted_tables() -> list[str]:
    """Return the names of all tables that row-level security must guard, in order."""
    return sorted(name for name, table in metadata.tables.items() if table.info["tenanted"])


class UnscopedStatementError(Exception):
    """A statement touches a tenant's rows without naming the tenant."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One prepared SQL text in the dialect of each database, its parameters in order.

    `sqlite` uses `:name`, `postgres` uses `$n` in the order of `parameters`.
    """

    sqlite: str
    postgres: str
    parameters: tuple[str, ...]
    tenanted: bool
    crosses_tenants: bool
    is_for_many: bool = False
    """Whether it inserts any number of rows: for `UnitOfWork.write_many` alone."""


_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_EACH_OF = re.compile(r"\bEACH_OF\((:[a-z_]+)\)")
_ELEMENTS_OF = re.compile(r"\bELEMENTS_OF\(([a-z_.]+)\)")
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+([a-z_]+)", re.IGNORECASE)
_SCOPED = re.compile(r"\btenant_id\s*(?:=\s*:tenant\b|IN\s*\(\s*:tenant\s*,\s*'\*'\s*\))", re.IGNORECASE)


def statement(text: str) -> Statement:
    """Prepare one tenant's statement. Raises UnscopedStatementError when it could reach another tenant's rows."""
    touched = _tenanted(_TABLE.findall(text))
    if text.lstrip().upper().startswith("INSERT"):
        is_ours = re.search(r"\(\s*tenant_id\b", text) and re.search(r"(VALUES\s*\(|SELECT\s+):tenant\b", text)
        # The new row is the tenant's, and whatever is read besides is compared.
        scoped = 1 + len(_SCOPED.findall(text)) if is_ours else 0
    else:
        scoped = len(_SCOPED.findall(text))
    if scoped < len(touched):
        raise UnscopedStatementError(f"{touched} must each be compared with :tenant in: {' '.join(text.split())}")
    return _prepare(text, tenanted=bool(touched), crosses_tenants=False)


def platform_statement(text: str) -> Statement:
    """Prepare a statement that crosses tenants; it runs only in a unit of work opened by `platform_work`."""
    return _prepare(text, tenanted=bool(_tenanted(_TABLE.findall(text))), crosses_tenants=True)


def insertion(name: str, *columns: str) -> Statement:
    """Prepare the insertion of many rows at once into a tenanted table that is declared already; each row holds these columns, in order."""
    found = metadata.tables[name]
    assert found.info["tenanted"]
    every = ("tenant_id", *columns)
    arrays = ", ".join(f"${place}::{_ARRAYS[type(found.c[one].type)]}[]" for place, one in enumerate(every, start=1))
    into = f"INSERT INTO {name} ({', '.join(every)})"
    return Statement(
        sqlite=f"{into} VALUES ({', '.join('?' * len(every))})",
        postgres=f"{into} SELECT * FROM unnest({arrays})",
        parameters=("tenant", *columns),
        tenanted=True,
        crosses_tenants=False,
        is_for_many=True,
    )


_ARRAYS: Final[dict[type, str]] = {sa.Text: "text", sa.BigInteger: "bigint", sa.LargeBinary: "bytea"}


def _tenanted(names: Iterable[str]) -> list[str]:
    known = metadata.tables
    return [name.lower() for name in names if name.lower() in known and known[name.lower()].info["tenanted"]]


def _prepare(text: str, *, tenanted: bool, crosses_tenants: bool) -> Statement:
    text = " ".join(text.split())
    # A list as one parameter, or one column: a JSON array of texts.
    sqlite = _EACH_OF.sub(r"(SELECT value FROM json_each(\1))", text)
    sqlite = _ELEMENTS_OF.sub(r"json_each(\1)", sqlite)
    text = _EACH_OF.sub(r"(SELECT value FROM json_array_elements_text(CAST(\1 AS json)))", text)
    text = _ELEMENTS_OF.sub(r"json_array_elements_text(CAST(\1 AS json))", text)
    order: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in order:
            order.append(name)
        return f"${order.index(name) + 1}"

    postgres = _PARAMETER.sub(number, text)
    # The one function that both have under a name of its own, and the statements' only one of the kind.
    return Statement(
        sqlite=sqlite.replace("STRPOS(", "INSTR("),
        postgres=postgres,
        parameters=tuple(order),
        tenanted=tenanted,
        crosses_tenants=crosses_tenants,
    )
