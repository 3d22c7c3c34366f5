"""The rows of `tool_policies/`: a tenant's overlay, tool by tool; nobody is named in it."""

import sqlalchemy as sa

from authserver.runtime.schema import table

# `tool` is a name, or `*` for every tool of the resource.
table(
    "tool_policies",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "resource", "tool"),
    tenanted=True,
)
