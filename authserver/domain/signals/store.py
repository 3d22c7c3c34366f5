"""The rows of `signals/`: what is usual for whom, what was not, and what a tenant wants done about it. People by keyed reference alone."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table
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

BASELINES = statement(
    "SELECT about, state FROM signal_baselines WHERE tenant_id = :tenant AND about IN EACH_OF(:abouts)"
)
KEEP_BASELINE = statement(
    """
    INSERT INTO signal_baselines (tenant_id, about, state, touched_us) VALUES (:tenant, :about, :state, :now_us)
    ON CONFLICT (tenant_id, about) DO UPDATE SET state = excluded.state, touched_us = excluded.touched_us
        WHERE signal_baselines.tenant_id = :tenant
    """
)
COUNT_BASELINES = statement("SELECT COUNT(*) AS many FROM signal_baselines WHERE tenant_id = :tenant")
# Of those that know something, and of those that have just begun, each the least recently used: whoever makes agents up by the
# thousand pushes out others that were made up. How much is known shows in how long it is.
TRIM_BASELINES = statement(
    """
    DELETE FROM signal_baselines WHERE tenant_id = :tenant AND about IN (
        SELECT about FROM (
            SELECT about, is_new, ROW_NUMBER() OVER (PARTITION BY is_new ORDER BY touched_us DESC, about) AS place FROM (
                SELECT about, touched_us, CASE WHEN LENGTH(state) < CASE SUBSTR(about, 1, 4)
                    WHEN 'agen' THEN 1500 WHEN 'app ' THEN 250 ELSE 400 END THEN 1 ELSE 0 END AS is_new
                FROM signal_baselines WHERE tenant_id = :tenant
            ) told_apart
        ) ranked WHERE place > CASE WHEN is_new = 1 THEN CAST(:most_new AS BIGINT) ELSE CAST(:most_known AS BIGINT) END
    )
    """
)
FORGET_BASELINES = statement("DELETE FROM signal_baselines WHERE tenant_id = :tenant AND about IN EACH_OF(:abouts)")
EXPIRE_BASELINES = platform_statement("DELETE FROM signal_baselines WHERE touched_us < :before_us")

_SIGNAL = """
    SELECT tenant_id, signal_id, kind, about, gravity, opened_us, last_us, many, sub_ref, client_id, authorization_id, resource, tool,
        numbers, event_ids, todo, done, dismissed_us, dismissed_by, why FROM signals
"""
OPEN_AMONG = statement(
    _SIGNAL + " WHERE tenant_id = :tenant AND dismissed_us IS NULL AND about IN EACH_OF(:abouts) ORDER BY signal_id"
)
COUNT_OPEN = statement("SELECT COUNT(*) AS many FROM signals WHERE tenant_id = :tenant AND dismissed_us IS NULL")
COUNT_OPEN_OF_SERVERS = statement(
    "SELECT resource, COUNT(*) AS many FROM signals WHERE tenant_id = :tenant AND dismissed_us IS NULL GROUP BY resource"
)
OPEN = statement(
    """
    INSERT INTO signals (tenant_id, signal_id, kind, about, gravity, opened_us, last_us, many, sub_ref, client_id, authorization_id,
        resource, tool, numbers, event_ids, todo, done, dismissed_us, dismissed_by, why)
    VALUES (:tenant, :signal_id, :kind, :about, :gravity, :opened_us, :last_us, :many, :sub_ref, :client_id, :authorization_id,
        :resource, :tool, :numbers, :event_ids, :todo, '', NULL, '', '')
    """
)
AGAIN = statement(
    """
    UPDATE signals SET many = many + :many, last_us = :last_us, gravity = :gravity, numbers = :numbers, event_ids = :event_ids,
        authorization_id = :authorization_id
    WHERE tenant_id = :tenant AND signal_id = :signal_id AND dismissed_us IS NULL RETURNING signal_id
    """
)
FIND = statement(_SIGNAL + " WHERE tenant_id = :tenant AND signal_id = :signal_id")
PAGE = statement(
    _SIGNAL
    + """
    WHERE tenant_id = :tenant AND (last_us, signal_id) < (:before_us, :before_id)
        AND CAST(:state AS TEXT) IN ('', CASE WHEN dismissed_us IS NULL THEN 'open' ELSE 'dismissed' END)
        AND CAST(:kind AS TEXT) IN ('', kind) AND CAST(:client_id AS TEXT) IN ('', client_id)
    ORDER BY last_us DESC, signal_id DESC LIMIT :most
    """
)
DISMISS = statement(
    """
    UPDATE signals SET dismissed_us = :now_us, dismissed_by = :by, why = :why, todo = ''
    WHERE tenant_id = :tenant AND signal_id = :signal_id AND dismissed_us IS NULL RETURNING signal_id
    """
)
TODO = platform_statement(_SIGNAL + " WHERE todo <> '' ORDER BY opened_us LIMIT :most")
DO = statement(
    """
    UPDATE signals SET todo = '' WHERE tenant_id = :tenant AND signal_id = :signal_id AND todo = :todo RETURNING signal_id
    """
)
DID = statement(
    """
    UPDATE signals SET done = TRIM(done || ' ' || :what) WHERE tenant_id = :tenant AND signal_id = :signal_id
    """
)
EXPIRE = platform_statement("DELETE FROM signals WHERE dismissed_us < :before_us")
FORGET_SIGNALS = statement("DELETE FROM signals WHERE tenant_id = :tenant")
FORGET_EVERY_BASELINE = statement("DELETE FROM signal_baselines WHERE tenant_id = :tenant")
FORGET_SETTINGS = statement("DELETE FROM signal_settings WHERE tenant_id = :tenant")

SETTINGS = statement("SELECT kind, settings, changed_at FROM signal_settings WHERE tenant_id = :tenant ORDER BY kind")
SET = statement(
    """
    INSERT INTO signal_settings (tenant_id, kind, settings, changed_at) VALUES (:tenant, :kind, :settings, :now)
    ON CONFLICT (tenant_id, kind) DO UPDATE SET settings = excluded.settings, changed_at = excluded.changed_at
        WHERE signal_settings.tenant_id = :tenant
    """
)
