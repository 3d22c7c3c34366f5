"""The rows of `signals/`: what is usual for whom, what was not, and what a tenant wants done about it. People by keyed reference alone."""

import sqlalchemy as sa

from authserver.runtime.schema import table
from authserver.runtime.sealed_column import sealed_column

# What is usual: counts and averages, by whom and what they are about; `MOST_BASELINES` of a tenant, the least recently used goes.
table(
    "signal_baselines",
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Column("touched_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "about"),
    sa.Index("ix_signal_baselines_tenant_id_touched_us", "tenant_id", "touched_us"),
    tenanted=True,
)

# One open row for one kind and one key, however often it happens. `todo`: what has still to be done about it, `done`: what was.
table(
    "signals",
    sa.Column("signal_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("gravity", sa.Text, nullable=False),
    sa.Column("opened_us", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=False),
    sa.Column("many", sa.BigInteger, nullable=False),
    sa.Column("sub_ref", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("numbers", sa.Text, nullable=False),
    sa.Column("event_ids", sa.Text, nullable=False),
    sa.Column("todo", sa.Text, nullable=False),
    sa.Column("done", sa.Text, nullable=False),
    sa.Column("dismissed_us", sa.BigInteger, nullable=True),
    sa.Column("dismissed_by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "signal_id"),
    sa.Index(
        "ix_signals_open",
        "tenant_id",
        "kind",
        "about",
        unique=True,
        sqlite_where=sa.text("dismissed_us IS NULL"),
        postgresql_where=sa.text("dismissed_us IS NULL"),
    ),
    sa.Index("ix_signals_tenant_id_last_us", "tenant_id", "last_us"),
    # What has still to be done: hardly ever anything.
    sa.Index(
        "ix_signals_todo",
        "opened_us",
        sqlite_where=sa.text("todo <> ''"),
        postgresql_where=sa.text("todo <> ''"),
    ),
    tenanted=True,
)

WHY = sealed_column("signals", "why", row=("tenant_id", "signal_id"))

# What a tenant wants done about one kind of signal; `*`: what is said once for all of them.
table(
    "signal_settings",
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "kind"),
    tenanted=True,
)
