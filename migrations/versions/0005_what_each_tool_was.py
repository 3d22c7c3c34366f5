"""
what each tool was

Why: what the tools of each MCP server have said of themselves, in which tenants it was listed, and what of that somebody has let in.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tool_inventories",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "resource", name=op.f("pk_tool_inventories")),
        info={"tenanted": True},
    )
    op.create_table(
        "tool_names",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("tool_class", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("first_named_at", sa.BigInteger(), nullable=False),
        sa.Column("last_named_at", sa.BigInteger(), nullable=False),
        sa.Column("defined_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "resource", "tool", name=op.f("pk_tool_names")),
        info={"tenanted": True},
    )
    op.create_table(
        "tool_definitions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "resource", "tool", "hash", name=op.f("pk_tool_definitions")),
        info={"tenanted": True},
    )
    op.create_table(
        "tool_sightings",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("seen_in", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resource", "hash", "seen_in", name=op.f("pk_tool_sightings")),
        info={"tenanted": False},
    )
    op.create_table(
        "tool_reviews",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "resource", "tool", "hash", name=op.f("pk_tool_reviews")),
        info={"tenanted": True},
    )


def downgrade() -> None:
    for table in ("tool_reviews", "tool_sightings", "tool_definitions", "tool_names", "tool_inventories"):
        op.drop_table(table)
