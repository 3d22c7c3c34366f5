"""The rows of `approvals/`: one call each, who decided about it, and its outcome, sealed."""

import sqlalchemy as sa

from authserver.runtime.schema import table

# What a person is shown, and what came back, are sealed under a key of the row's own: erasing the key erases both.
table(
    "approvals",
    sa.Column("approval_id", sa.Text, nullable=False),
    sa.Column("call_key", sa.LargeBinary, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("tool_class", sa.Text, nullable=False),
    sa.Column("definition_hash", sa.Text, nullable=False),
    sa.Column("args_hash", sa.Text, nullable=False),
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("grant_id", sa.Text, nullable=True),
    sa.Column("payload", sa.LargeBinary, nullable=True),
    sa.Column("payload_key", sa.LargeBinary, nullable=True),
    sa.Column("display_hash", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("requested_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger, nullable=True),
    sa.Column("instance_id", sa.Text, nullable=True),
    sa.Column("leg", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=True),
    sa.Column("lease_until", sa.BigInteger, nullable=True),
    sa.Column("outcome", sa.LargeBinary, nullable=True),
    sa.Column("done_at_us", sa.BigInteger, nullable=True),
    sa.Column("delivered_at", sa.BigInteger, nullable=True),
    sa.Column("replayed_at", sa.BigInteger, nullable=True),
    sa.Column("told_at", sa.BigInteger, nullable=True),
    sa.Column("cleared_by", sa.Text, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "approval_id"),
    # One that waits, or may run, or runs, for one call: whoever asks again finds it.
    sa.Index(
        "uq_approvals_tenant_id_call_key",
        "tenant_id",
        "call_key",
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'approved', 'executing')"),
        postgresql_where=sa.text("state IN ('pending', 'approved', 'executing')"),
    ),
    sa.Index("ix_approvals_tenant_id_state_requested_at", "tenant_id", "state", "requested_at"),
    sa.Index("ix_approvals_tenant_id_authorization_id", "tenant_id", "authorization_id"),
    sa.Index("ix_approvals_tenant_id_sub", "tenant_id", "sub"),
    sa.Index("ix_approvals_expires_at", "expires_at"),
    tenanted=True,
)

# Who looked at it, and what they said: one row per person, so that nobody counts twice.
table(
    "approval_decisions",
    sa.Column("approval_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("shown_at_us", sa.BigInteger, nullable=False),
    sa.Column("decision", sa.Text, nullable=True),
    sa.Column("decided_at_us", sa.BigInteger, nullable=True),
    sa.Column("display_hash", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "approval_id", "sub"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "approval_id"], ["approvals.tenant_id", "approvals.approval_id"], ondelete="CASCADE"
    ),
    sa.Index("ix_approval_decisions_tenant_id_sub", "tenant_id", "sub"),
    tenanted=True,
)
