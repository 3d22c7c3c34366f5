"""The rows of `issuers/`: read before a tenant is known, so nobody is named in them."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "issuers",
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("path"),
    tenanted=False,
)

ADD = statement(
    "INSERT INTO issuers (path, owner, created_at) VALUES (:path, :owner, :now) ON CONFLICT DO NOTHING RETURNING path"
)
REMOVE = statement("DELETE FROM issuers WHERE path = :path RETURNING path")
ALL = statement("SELECT path, owner, created_at FROM issuers ORDER BY path")
