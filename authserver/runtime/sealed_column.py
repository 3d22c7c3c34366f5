"""
A secret that must be read back stands in the database as an envelope that opens in its own place alone.

Decision 16. Signing keys, the deployment's own secrets, and whatever else cannot be a hash (a key that signs webhooks, a seed of
one-time passwords, a secret for somebody else's server) go through this one seam: a JWE under the key-encryption key, whose
protected header names table, column and row. Every column declared here is wrapped anew by `key rewrap` and watched by `check`.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from authserver.runtime.schema import Statement, platform_statement
from authserver.runtime.vault import KeyEncryption


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedColumn:
    """One text column of envelopes. `row`: the columns that name a row, the tenant's included where there is one."""

    table: str
    column: str
    row: tuple[str, ...]
    purpose: str
    """How the header names a row: a template over `row`. It never changes once something was sealed."""
    every: Statement = field(repr=False)
    replace: Statement = field(repr=False)

    def seal(self, key_encryption: KeyEncryption, secret: bytes, **row: str) -> str:
        """Return the envelope of `secret` for this row of this column."""
        return key_encryption.wrap(secret, purpose=self._purpose(row))

    def open(self, key_encryption: KeyEncryption, envelope: str, **row: str) -> bytes:
        """Return the secret. Raises VaultError for an envelope of another row, column or table, or another key."""
        return key_encryption.unwrap(envelope, purpose=self._purpose(row))

    def _purpose(self, row: dict[str, str]) -> str:
        if set(row) != set(self.row):
            raise ValueError(f"a row of {self.table} is named by {', '.join(self.row)}")
        return self.purpose.format(**{name: quote(value, safe="") for name, value in row.items()})


SEALED_COLUMNS: list[SealedColumn] = []
"""Every declared column; a capability declares its own beside its table."""


def sealed_column(table: str, column: str, *, row: tuple[str, ...], purpose: str = "") -> SealedColumn:
    """Declare a column of envelopes. `purpose` is for those that are older than this seam."""
    made = undeclared_column(table, column, row=row, purpose=purpose)
    SEALED_COLUMNS.append(made)
    return made


def undeclared_column(table: str, column: str, *, row: tuple[str, ...], purpose: str = "") -> SealedColumn:
    """Return a column that nobody else looks after."""
    names = ", ".join(row)
    where = " AND ".join(f"{name} = :{name}" for name in row)
    return SealedColumn(
        table=table,
        column=column,
        row=row,
        purpose=purpose or "|".join((table, column, *(f"{{{name}}}" for name in row))),
        every=platform_statement(
            f"SELECT {names}, {column} AS envelope FROM {table} WHERE {column} IS NOT NULL AND {column} <> ''"
        ),
        # What somebody sealed anew meanwhile stays.
        replace=platform_statement(f"UPDATE {table} SET {column} = :renewed WHERE {where} AND {column} = :envelope"),
    )
