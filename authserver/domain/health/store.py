"""The rows of `health/`: what each MCP server says of its tools, and what its last check found."""

import sqlalchemy as sa

from authserver.runtime.schema import table

table(
    "server_reports",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("tools", sa.Text, nullable=False),
    sa.Column("tools_hash", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("resource"),
    tenanted=False,
)

table(
    "server_checks",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("checked_at", sa.BigInteger, nullable=False),
    sa.Column("reachable", sa.Text, nullable=False),
    sa.Column("last_reached_at", sa.BigInteger, nullable=True),
    sa.Column("findings", sa.Text, nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("resource"),
    tenanted=False,
)
