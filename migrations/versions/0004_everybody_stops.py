"""
everybody stops

Why: what is stopped, and the number below which it has ended; who follows the numbered list and how far each has come; what each
MCP server says of its tools and whether it can be reached; the control number at which a code was promised and a browser signed
in; which requests of the admin API were answered already; of which MCP servers anybody may read what they do; and of which tenant
the administrator is who gave somebody their password.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STAMPED = ("authorization_codes", "device_approvals", "browser_sessions", "approval_decisions", "call_grants")


def upgrade() -> None:
    op.add_column("control_events", sa.Column("act", sa.Text(), nullable=False, server_default=sa.text("'end'")))
    op.add_column("control_events", sa.Column("resource", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_index("ix_control_events_at_us", "control_events", ["at_us"])
    op.add_column("control_head", sa.Column("feed_id", sa.Text(), nullable=False, server_default=sa.text("''")))
    # The slug is reserved from here on: whoever has it runs the deployment, and no customer may by the accident of a name.
    op.execute("UPDATE tenants SET slug = 'platform-' || SUBSTR(id, 5) WHERE slug = 'platform'")
    for table in _STAMPED:
        op.add_column(table, sa.Column("ctl", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("persons", sa.Column("password_of", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("device_codes", sa.Column("max_age", sa.BigInteger(), nullable=True))
    op.add_column("resources", sa.Column("published", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    of_servers = sa.text("speaks_for <> ''")
    op.create_index(
        "ix_clients_tenant_id_speaks_for",
        "clients",
        ["tenant_id", "speaks_for"],
        sqlite_where=of_servers,
        postgresql_where=of_servers,
    )
    # Who has what, and what waited for a yes, is asked newest first.
    op.create_index("ix_approvals_tenant_id_requested_at", "approvals", ["tenant_id", "requested_at"])
    op.create_index("ix_authorizations_tenant_id_created_at", "authorizations", ["tenant_id", "created_at"])
    for column in ("sub", "client_id"):
        op.create_index(
            f"ix_authorizations_tenant_id_{column}_created_at", "authorizations", ["tenant_id", column, "created_at"]
        )
        op.drop_index(f"ix_authorizations_tenant_id_{column}", "authorizations")
    op.create_table(
        "kills",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("scope_tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=False, server_default=sa.text("'*'")),
        sa.Column("retry_after_s", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_kills")),
        info={"tenanted": False},
    )
    op.create_index("ix_kills_scope_tenant_floor", "kills", ["scope_tenant", "floor"])
    op.create_table(
        "feed_instances",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("applied_at_us", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_us", sa.BigInteger(), nullable=False),
        sa.Column("max_staleness_ms", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "instance", name=op.f("pk_feed_instances")),
        info={"tenanted": False},
    )
    op.create_index("ix_feed_instances_resource", "feed_instances", ["resource"])
    op.create_index("ix_feed_instances_seen_at_us", "feed_instances", ["seen_at_us"])
    op.create_table(
        "server_reports",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("tools", sa.Text(), nullable=False),
        sa.Column("tools_hash", sa.Text(), nullable=False),
        sa.Column("first_tools", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resource", "client_id", name=op.f("pk_server_reports")),
        info={"tenanted": False},
    )
    op.create_table(
        "accepted_tool_lists",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("tools", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "resource", "client_id", name=op.f("pk_accepted_tool_lists")),
        info={"tenanted": True},
    )
    op.create_table(
        "server_checks",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("reachable", sa.Text(), nullable=False),
        sa.Column("last_reached_at", sa.BigInteger(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_server_checks")),
        info={"tenanted": False},
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_hash", name=op.f("pk_idempotency_keys")),
        info={"tenanted": True},
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_control_events_at_us", "control_events")
    for column in ("sub", "client_id"):
        op.create_index(f"ix_authorizations_tenant_id_{column}", "authorizations", ["tenant_id", column])
        op.drop_index(f"ix_authorizations_tenant_id_{column}_created_at", "authorizations")
    op.drop_index("ix_authorizations_tenant_id_created_at", "authorizations")
    op.drop_index("ix_approvals_tenant_id_requested_at", "approvals")
    op.drop_index("ix_clients_tenant_id_speaks_for", "clients")
    for table in (
        "idempotency_keys",
        "server_checks",
        "accepted_tool_lists",
        "server_reports",
        "feed_instances",
        "kills",
    ):
        op.drop_table(table)
    for table in _STAMPED:
        op.drop_column(table, "ctl")
    op.drop_column("resources", "published")
    op.drop_column("device_codes", "max_age")
    op.drop_column("persons", "password_of")
    op.drop_column("control_head", "feed_id")
    op.drop_column("control_events", "resource")
    op.drop_column("control_events", "act")
