"""
the record understood

Why: questions to millions of events, segments that are pruned, what many calls amount to, and what is unusual among them. What is
written together waits together to be sealed.
"""

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_FEW = ("call_id", "approval_id", "trace_id")


def upgrade() -> None:
    _wait_together()
    op.create_table(
        "audit_readers",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("passed_over", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "reader", name=op.f("pk_audit_readers")),
        info={"tenanted": True},
    )
    op.create_table(
        "call_counts",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("grain", sa.BigInteger(), nullable=False),
        sa.Column("begin", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("ok", sa.BigInteger(), nullable=False),
        sa.Column("tool_errors", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("limited", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("result_bytes", sa.BigInteger(), nullable=False),
        sa.Column("latency_us", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.BigInteger(), nullable=False),
        sa.Column("denied", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("refusals", sa.Text(), nullable=False),
        sa.Column("latencies", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "grain", "begin", "resource", "tool", "client_id", name=op.f("pk_call_counts")
        ),
        info={"tenanted": True},
    )
    op.create_index("ix_call_counts_grain_begin", "call_counts", ["grain", "begin"])
    op.create_table(
        "audit_key_pages",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("page_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "page_id", name=op.f("pk_audit_key_pages")),
        info={"tenanted": True},
    )
    for table in ("audit_payloads", "audit_keys"):
        name = "slot" if table == "audit_payloads" else "erasures"
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("erased_us", sa.BigInteger(), nullable=False),
        sa.Column("cleaned_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        info={"tenanted": False},
    )
    op.create_table(
        "signal_baselines",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("touched_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "about", name=op.f("pk_signal_baselines")),
        info={"tenanted": True},
    )
    op.create_index("ix_signal_baselines_tenant_id_touched_us", "signal_baselines", ["tenant_id", "touched_us"])
    op.create_table(
        "signals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("gravity", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("many", sa.BigInteger(), nullable=False),
        sa.Column("sub_ref", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("event_ids", sa.Text(), nullable=False),
        sa.Column("todo", sa.Text(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("dismissed_us", sa.BigInteger(), nullable=True),
        sa.Column("dismissed_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "signal_id", name=op.f("pk_signals")),
        info={"tenanted": True},
    )
    op.create_index(
        "ix_signals_open",
        "signals",
        ["tenant_id", "kind", "about"],
        unique=True,
        sqlite_where=sa.text("dismissed_us IS NULL"),
        postgresql_where=sa.text("dismissed_us IS NULL"),
    )
    op.create_index("ix_signals_tenant_id_last_us", "signals", ["tenant_id", "last_us"])
    op.create_index(
        "ix_signals_todo",
        "signals",
        ["opened_us"],
        sqlite_where=sa.text("todo <> ''"),
        postgresql_where=sa.text("todo <> ''"),
    )
    op.create_table(
        "signal_settings",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kind", name=op.f("pk_signal_settings")),
        info={"tenanted": True},
    )
    op.create_table(
        "step_ups",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "client_id", "sub", name=op.f("pk_step_ups")),
        info={"tenanted": True},
    )
    for name in _FEW:
        op.create_index(
            f"ix_audit_events_tenant_id_{name}",
            "audit_events",
            ["tenant_id", name, "at_us", "event_id"],
            sqlite_where=sa.text(f"{name} <> ''"),
            postgresql_where=sa.text(f"{name} <> ''"),
        )
    op.create_index(
        "ix_audit_events_looked_through",
        "audit_events",
        ["tenant_id", "at_us", "event_id", "sub_ref", "client_id", "tool"],
    )
    op.drop_index("ix_audit_events_tenant_id_at_us", table_name="audit_events")
    if op.get_bind().dialect.name == "postgresql":
        # Rows are only added: what marks them as visible to all is what lets an index answer alone, and costs one look at the new pages.
        op.execute(
            "ALTER TABLE audit_events SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000)"
        )

    # Rows below `pruned` are gone; up to `prunable` the log says that they go, since `prunable_at_us`.
    for name in ("pruned", "prunable", "prunable_at_us"):
        op.add_column("audit_logs", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_table(
        "audit_retention",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("keep", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_retention")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_copies",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("busy_until_us", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "place", name=op.f("pk_audit_copies")),
        info={"tenanted": True},
    )


def _wait_together() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # Its owner is bound by the tenants' wall too; it is raised again when the migrations are done.
        op.execute("ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE audit_unsealed NO FORCE ROW LEVEL SECURITY")
    waits = connection.execute(
        sa.text(
            "SELECT u.tenant_id, u.event_id, e.at_us, e.header FROM audit_unsealed u"
            " JOIN audit_events e ON e.tenant_id = u.tenant_id AND e.event_id = u.event_id"
        )
    ).all()
    op.drop_table("audit_unsealed")
    op.create_table(
        "audit_unsealed",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("many", sa.BigInteger(), nullable=False),
        sa.Column("event_ids", sa.Text(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name=op.f("pk_audit_unsealed")),
        info={"tenanted": True},
    )
    rows = [
        {
            "tenant": tenant,
            "event_id": event_id,
            "at_us": at_us,
            "event_ids": json.dumps([event_id]),
            "leaf": sha256(b"\0" + header.encode()).digest(),
        }
        for tenant, event_id, at_us, header in waits
    ]
    if rows:
        text = (
            "INSERT INTO audit_unsealed (tenant_id, event_id, since_us, many, event_ids, leaves)"
            " VALUES (:tenant, :event_id, :at_us, 1, :event_ids, :leaf)"
        )
        connection.execute(sa.text(text), rows)


def _wait_alone() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE audit_unsealed NO FORCE ROW LEVEL SECURITY")
    waits = connection.execute(sa.text("SELECT tenant_id, event_ids FROM audit_unsealed")).all()
    op.drop_table("audit_unsealed")
    op.create_table(
        "audit_unsealed",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name=op.f("pk_audit_unsealed")),
        info={"tenanted": True},
    )
    rows = [{"tenant": tenant, "event_id": one} for tenant, ids in waits for one in json.loads(ids)]
    if rows:
        connection.execute(
            sa.text("INSERT INTO audit_unsealed (tenant_id, event_id) VALUES (:tenant, :event_id)"), rows
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # It looks at what goes here; whoever migrates to a version that knows of it makes it again.
        op.execute("DROP POLICY IF EXISTS pruned ON audit_events")
    op.drop_table("audit_copies")
    op.drop_table("audit_retention")
    for name in ("prunable_at_us", "prunable", "pruned"):
        op.drop_column("audit_logs", name)
    op.drop_table("erasures")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE audit_events RESET (autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold)"
        )
    op.create_index("ix_audit_events_tenant_id_at_us", "audit_events", ["tenant_id", "at_us"])
    op.drop_index("ix_audit_events_looked_through", table_name="audit_events")
    for name in _FEW:
        op.drop_index(f"ix_audit_events_tenant_id_{name}", table_name="audit_events")
    op.drop_table("step_ups")
    op.drop_table("signal_settings")
    op.drop_table("signals")
    op.drop_table("signal_baselines")
    op.drop_table("call_counts")
    op.drop_table("audit_readers")
    # What was wrapped by a page is lost with it, as after an erasure.
    op.drop_table("audit_key_pages")
    for table, name in (("audit_payloads", "slot"), ("audit_keys", "erasures")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(name)
    _wait_alone()
