"""
what is used

Why: which tools and which authorizations nobody uses any more, and until when a version of a tool may be called. Days, and nobody named.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tool_uses",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("used_in", sa.Text(), nullable=False),
        sa.Column("used_on", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resource", "tool", "used_in", name=op.f("pk_tool_uses")),
        info={"tenanted": False},
    )
    op.add_column("tool_inventories", sa.Column("uses_since", sa.BigInteger(), nullable=True))
    op.add_column("tool_names", sa.Column("sunset", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("authorizations", sa.Column("used_on", sa.BigInteger(), nullable=True))
    op.add_column("consents", sa.Column("used_on", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("consents", "used_on")
    op.drop_column("authorizations", "used_on")
    op.drop_column("tool_names", "sunset")
    op.drop_column("tool_inventories", "uses_since")
    op.drop_table("tool_uses")
