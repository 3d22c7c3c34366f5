"""The rows of `notices/`: where a tenant wants to be told, and what has still to be told."""

import sqlalchemy as sa

from authserver.runtime.schema import table
from authserver.runtime.sealed_column import sealed_column

table(
    "webhooks",
    sa.Column("webhook_id", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("failing_since", sa.BigInteger, nullable=True),
    sa.Column("disabled_at", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "webhook_id"),
    tenanted=True,
)

SECRET = sealed_column("webhooks", "secret", row=("tenant_id", "webhook_id"))

# What has still to be told: `body` names ids alone.
table(
    "notices",
    sa.Column("notice_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("next_try_at", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("claimed_until", sa.BigInteger, nullable=True),
    sa.Column("done_at", sa.BigInteger, nullable=True),
    sa.Column("failure", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "notice_id"),
    sa.Index("ix_notices_next_try_at", "next_try_at"),
    tenanted=True,
)
