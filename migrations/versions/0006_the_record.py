"""
the record

Why: what an event says becomes one text that is hashed as it stands; what names people stands apart, under keys that can be erased; and
each tenant has a log that is sealed.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BATCH = 1000


def upgrade() -> None:
    op.create_table(
        "audit_payloads",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("payload_key", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name=op.f("pk_audit_payloads")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_keys")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_subjects",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("subject_ref", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject_ref", "event_id", name=op.f("pk_audit_subjects")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_erasures",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name=op.f("pk_audit_erasures")),
        info={"tenanted": True},
    )
    op.create_index("ix_audit_erasures_tenant_id_receipt", "audit_erasures", ["tenant_id", "receipt"])
    op.create_table(
        "audit_erased_subjects",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("subject_ref", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("erased_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject_ref", name=op.f("pk_audit_erased_subjects")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_unsealed",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id", name=op.f("pk_audit_unsealed")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_logs",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("partial", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at_us", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_logs")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_leaves",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "leaf_index", name=op.f("pk_audit_leaves")),
        info={"tenanted": True},
    )
    op.create_index("ix_audit_leaves_tenant_id_event_id", "audit_leaves", ["tenant_id", "event_id"], unique=True)
    op.create_table(
        "audit_tiles",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("tile_index", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "level", "tile_index", name=op.f("pk_audit_tiles")),
        info={"tenanted": True},
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "size", name=op.f("pk_audit_checkpoints")),
        info={"tenanted": True},
    )
    with op.batch_alter_table("audit_events") as batch:
        for name in ("tool", "call_id", "approval_id", "trace_id"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))
    if op.get_bind().dialect.name == "postgresql":
        # Its owner is bound by the tenants' wall too; it is raised again when the migrations are done.
        op.execute("ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY")
    _carry_over()
    with op.batch_alter_table("audit_events") as batch:
        for name in ("commitment", "payload", "payload_key"):
            batch.drop_column(name)
        # Servers name their events themselves: one tenant's ids are nothing to another's.
        batch.drop_constraint("pk_audit_events", type_="primary")
        batch.create_primary_key("pk_audit_events", ["tenant_id", "event_id"])


def _carry_over() -> None:
    connection, last = op.get_bind(), ""
    text = "SELECT * FROM audit_events WHERE event_id > :last ORDER BY event_id LIMIT :most"
    while rows := connection.execute(sa.text(text), {"last": last, "most": _BATCH}).mappings().all():
        last = rows[-1]["event_id"]
        connection.execute(
            sa.text("UPDATE audit_events SET header = :header WHERE event_id = :event_id"),
            [{"event_id": row["event_id"], "header": _header(row)} for row in rows],
        )
        ids = [{"tenant_id": row["tenant_id"], "event_id": row["event_id"]} for row in rows]
        connection.execute(
            sa.text("INSERT INTO audit_unsealed (tenant_id, event_id) VALUES (:tenant_id, :event_id)"), ids
        )
        if kept := [row for row in rows if row["payload"] is not None]:
            _keep(connection, kept)


def _keep(connection: sa.Connection, rows: list[sa.RowMapping]) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO audit_payloads (tenant_id, event_id, key_id, payload_key, payload)"
            " VALUES (:tenant_id, :event_id, '', :payload_key, :payload)"
        ),
        [{name: row[name] for name in ("tenant_id", "event_id", "payload_key", "payload")} for row in rows],
    )
    named = [
        {"tenant_id": row["tenant_id"], "subject_ref": ref, "event_id": row["event_id"]}
        for row in rows
        for ref in {row["sub_ref"], json.loads(row["header"]).get("by", "")} - {""}
    ]
    if named:
        text = (
            "INSERT INTO audit_subjects (tenant_id, subject_ref, event_id) VALUES (:tenant_id, :subject_ref, :event_id)"
        )
        connection.execute(sa.text(text), named)


def _header(row: sa.RowMapping) -> str:
    facts = {
        "v": 1,
        "id": row["event_id"],
        "at": row["at_us"],
        "tenant": row["tenant_id"],
        "kind": row["kind"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "request": row["request_id"],
        "client": row["client_id"],
        "sub": row["sub_ref"],
        "authorization": row["authorization_id"],
        "resource": row["resource"],
        "about": {name: said for name, said in json.loads(row["header"]).items() if said is not None},
        "commit": bytes(row["commitment"]).hex() if row["commitment"] else "",
    }
    kept = {name: said for name, said in facts.items() if said not in ("", {})}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def downgrade() -> None:
    with op.batch_alter_table("audit_events") as batch:
        batch.drop_constraint("pk_audit_events", type_="primary")
        batch.create_primary_key("pk_audit_events", ["event_id"])
        for name in ("commitment", "payload", "payload_key"):
            batch.add_column(sa.Column(name, sa.LargeBinary(), nullable=True))
        for name in ("tool", "call_id", "approval_id", "trace_id"):
            batch.drop_column(name)
    for table in (
        "audit_checkpoints",
        "audit_tiles",
        "audit_leaves",
        "audit_logs",
        "audit_unsealed",
        "audit_erased_subjects",
        "audit_erasures",
        "audit_subjects",
        "audit_keys",
        "audit_payloads",
    ):
        op.drop_table(table)
