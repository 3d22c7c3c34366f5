"""The rows of `call_grants/`: how often each was used stands in the row, so that counting is one statement."""

import sqlalchemy as sa

from authserver.runtime.schema import table

table(
    "call_grants",
    sa.Column("grant_id", sa.Text, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("definition_hash", sa.Text, nullable=False),
    sa.Column("args_hash", sa.Text, nullable=False),
    sa.Column("condition", sa.Text, nullable=False),
    sa.Column("max_calls", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("given_by", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "grant_id"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "authorization_id"],
        ["authorizations.tenant_id", "authorizations.authorization_id"],
        ondelete="CASCADE",
    ),
    sa.Index("ix_call_grants_tenant_id_authorization_id", "tenant_id", "authorization_id"),
    sa.Index("ix_call_grants_tenant_id_sub", "tenant_id", "sub"),
    sa.Index("ix_call_grants_expires_at", "expires_at"),
    tenanted=True,
)
