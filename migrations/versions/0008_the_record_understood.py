"""
the record understood

Why: questions to millions of events, segments that are pruned, what many calls amount to, and what is unusual among them.
"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
