"""
a person's yes to one exact call

Why: approvals and who decided about them, a yes to several calls that is counted and ends, what a tenant's operators demand of
a tool beyond its author, where a tenant wants to be told; and on an authorization what it was asked for in detail (RFC 9396)
and for which purpose.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _details()
    _approvals()
    _call_grants()
    _tool_policies()
    _notices()


def downgrade() -> None:
    for table in ("notices", "webhooks", "tool_policies", "call_grants", "approval_decisions", "approvals"):
        op.drop_table(table)
    op.drop_column("resources", "purposes")
    op.drop_column("device_approvals", "purpose")
    for table in ("authorizations", "authorization_codes"):
        for column in ("details", "purpose"):
            op.drop_column(table, column)


def _details() -> None:
    for table, nothing in (("authorizations", "'[]'"), ("authorization_codes", "''")):
        op.add_column(table, sa.Column("details", sa.Text(), nullable=False, server_default=sa.text(nothing)))
        op.add_column(table, sa.Column("purpose", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("device_approvals", sa.Column("purpose", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("resources", sa.Column("purposes", sa.Text(), nullable=False, server_default=sa.text("'[]'")))


def _call_grants() -> None:
    op.create_table(
        "call_grants",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("definition_hash", sa.Text(), nullable=False),
        sa.Column("args_hash", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=True),
        sa.Column("max_calls", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "grant_id", name=op.f("pk_call_grants")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "authorization_id"],
            ["authorizations.tenant_id", "authorizations.authorization_id"],
            name=op.f("fk_call_grants_tenant_id_authorizations"),
            ondelete="CASCADE",
        ),
        info={"tenanted": True},
    )
    op.create_index("ix_call_grants_expires_at", "call_grants", ["expires_at"])
    op.create_index("ix_call_grants_tenant_id_authorization_id", "call_grants", ["tenant_id", "authorization_id"])
    op.create_index("ix_call_grants_tenant_id_sub", "call_grants", ["tenant_id", "sub"])


def _tool_policies() -> None:
    op.create_table(
        "tool_policies",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "resource", "tool", name=op.f("pk_tool_policies")),
        info={"tenanted": True},
    )


def _notices() -> None:
    op.create_table(
        "webhooks",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "webhook_id", name=op.f("pk_webhooks")),
        info={"tenanted": True},
    )
    op.create_table(
        "notices",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "notice_id", name=op.f("pk_notices")),
        info={"tenanted": True},
    )
    waits = sa.text("done_at IS NULL")
    op.create_index("ix_notices_next_try_at", "notices", ["next_try_at"], sqlite_where=waits, postgresql_where=waits)
    op.create_index(
        "ix_notices_tenant_id_channel_target",
        "notices",
        ["tenant_id", "channel", "target"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    told_now = sa.text("claimed_until IS NOT NULL")
    op.create_index(
        "ix_notices_claimed",
        "notices",
        ["tenant_id", "channel", "target"],
        sqlite_where=told_now,
        postgresql_where=told_now,
    )
    op.create_index("ix_notices_tenant_id_about", "notices", ["tenant_id", "about"])


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("call_key", sa.LargeBinary(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("tool_class", sa.Text(), nullable=False),
        sa.Column("definition_hash", sa.Text(), nullable=False),
        sa.Column("args_hash", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("payload_key", sa.LargeBinary(), nullable=True),
        sa.Column("display_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("instance_id", sa.Text(), nullable=True),
        sa.Column("leg", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.Column("done_at_us", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("replayed_at", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("cleared_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "approval_id", name=op.f("pk_approvals")),
        info={"tenanted": True},
    )
    op.create_index("ix_approvals_expires_at", "approvals", ["expires_at"])
    op.create_index("ix_approvals_tenant_id_authorization_id", "approvals", ["tenant_id", "authorization_id"])
    op.create_index("ix_approvals_tenant_id_state_requested_at", "approvals", ["tenant_id", "state", "requested_at"])
    op.create_index("ix_approvals_tenant_id_sub", "approvals", ["tenant_id", "sub"])
    op.create_index(
        "ix_approvals_lease_until",
        "approvals",
        ["lease_until"],
        sqlite_where=sa.text("state = 'executing'"),
        postgresql_where=sa.text("state = 'executing'"),
    )
    op.create_index(
        "ix_approvals_done_at_us",
        "approvals",
        ["done_at_us"],
        sqlite_where=sa.text("outcome IS NOT NULL"),
        postgresql_where=sa.text("outcome IS NOT NULL"),
    )
    blocks_another = sa.text("state IN ('pending', 'approved', 'executing', 'ambiguous')")
    op.create_index(
        "uq_approvals_tenant_id_call_key",
        "approvals",
        ["tenant_id", "call_key"],
        unique=True,
        sqlite_where=blocks_another,
        postgresql_where=blocks_another,
    )
    op.create_table(
        "approval_decisions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("shown_at_us", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at_us", sa.BigInteger(), nullable=True),
        sa.Column("display_hash", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "approval_id", "sub", name=op.f("pk_approval_decisions")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "approval_id"],
            ["approvals.tenant_id", "approvals.approval_id"],
            name=op.f("fk_approval_decisions_tenant_id_approvals"),
            ondelete="CASCADE",
        ),
        info={"tenanted": True},
    )
    op.create_index("ix_approval_decisions_tenant_id_sub", "approval_decisions", ["tenant_id", "sub"])
