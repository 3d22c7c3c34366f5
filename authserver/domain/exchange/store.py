"""The rows of `exchange/`: a directory of the platform's; nobody is named in it."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "exchanges",
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("actor", "target"),
    sa.ForeignKeyConstraint(["actor"], ["resources.uri"], ondelete="CASCADE"),
    sa.ForeignKeyConstraint(["target"], ["resources.uri"], ondelete="CASCADE"),
    tenanted=False,
)

_COLUMNS = "SELECT actor, target, scopes FROM exchanges"

ALLOW = statement(
    """
    INSERT INTO exchanges (actor, target, scopes, created_at) VALUES (:actor, :target, :scopes, :now)
    ON CONFLICT (actor, target) DO UPDATE SET scopes = excluded.scopes
    """
)
REMOVE = statement("DELETE FROM exchanges WHERE actor = :actor AND target = :target RETURNING actor")
BETWEEN = statement(_COLUMNS + " WHERE actor = :actor AND target = :target")
ALL = statement(_COLUMNS + " ORDER BY actor, target")
OF_ACTOR = statement(_COLUMNS + " WHERE actor = :actor ORDER BY target")
