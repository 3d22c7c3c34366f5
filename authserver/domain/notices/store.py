"""The rows of `notices/`: where a tenant wants to be told, and what has still to be told."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table
from authserver.runtime.sealed_column import sealed_column

table(
    "webhooks",
    sa.Column("webhook_id", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("failing_since", sa.BigInteger, nullable=True),
    sa.Column("disabled_at", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "webhook_id"),
    tenanted=True,
)

SECRET = sealed_column("webhooks", "secret", row=("tenant_id", "webhook_id"))

# What has still to be told: `body` names ids alone, `about` what it is about. `tries` numbers the claims, so that whoever lost
# its claim to another cannot say how the other's try ended.
table(
    "notices",
    sa.Column("notice_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("next_try_at", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("claimed_until", sa.BigInteger, nullable=True),
    sa.Column("done_at", sa.BigInteger, nullable=True),
    sa.Column("failure", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "notice_id"),
    sa.Index(
        "ix_notices_next_try_at",
        "next_try_at",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    ),
    sa.Index(
        "ix_notices_tenant_id_channel_target",
        "tenant_id",
        "channel",
        "target",
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    ),
    # Who is being told right now: a handful.
    sa.Index(
        "ix_notices_claimed",
        "tenant_id",
        "channel",
        "target",
        sqlite_where=sa.text("claimed_until IS NOT NULL"),
        postgresql_where=sa.text("claimed_until IS NOT NULL"),
    ),
    sa.Index("ix_notices_tenant_id_about", "tenant_id", "about"),
    tenanted=True,
)

_WEBHOOK = "SELECT tenant_id, webhook_id, host, events, secret, created_at, failing_since, disabled_at FROM webhooks"

ADD_WEBHOOK = statement(
    """
    INSERT INTO webhooks (tenant_id, webhook_id, host, events, secret, created_at)
    VALUES (:tenant, :webhook_id, :host, :events, :secret, :now)
    """
)
WEBHOOK = statement(_WEBHOOK + " WHERE tenant_id = :tenant AND webhook_id = :webhook_id")
WEBHOOKS = statement(_WEBHOOK + " WHERE tenant_id = :tenant ORDER BY created_at, webhook_id")
LISTENING = statement(
    "SELECT webhook_id, events FROM webhooks WHERE tenant_id = :tenant AND disabled_at IS NULL ORDER BY webhook_id"
)
SET_SECRET = statement(
    """
    UPDATE webhooks SET secret = :secret WHERE tenant_id = :tenant AND webhook_id = :webhook_id AND secret = :until_now
    RETURNING webhook_id
    """
)
DISABLE_WEBHOOK = statement(
    """
    UPDATE webhooks SET disabled_at = :now WHERE tenant_id = :tenant AND webhook_id = :webhook_id AND disabled_at IS NULL
    RETURNING webhook_id
    """
)
ENABLE_WEBHOOK = statement(
    """
    UPDATE webhooks SET disabled_at = NULL, failing_since = NULL
    WHERE tenant_id = :tenant AND webhook_id = :webhook_id AND disabled_at IS NOT NULL RETURNING webhook_id
    """
)
REMOVE_WEBHOOK = statement(
    "DELETE FROM webhooks WHERE tenant_id = :tenant AND webhook_id = :webhook_id RETURNING webhook_id"
)
WEBHOOK_FAILED = statement(
    """
    UPDATE webhooks SET failing_since = :now
    WHERE tenant_id = :tenant AND webhook_id = :webhook_id AND failing_since IS NULL
    """
)
WEBHOOK_WORKED = statement(
    """
    UPDATE webhooks SET failing_since = NULL
    WHERE tenant_id = :tenant AND webhook_id = :webhook_id AND failing_since IS NOT NULL
    """
)
ADD = statement(
    """
    INSERT INTO notices (tenant_id, notice_id, channel, target, event, about, body, created_at, next_try_at, tries, failure)
    VALUES (:tenant, :notice_id, :channel, :target, :event, :about, :body, :created_at, :next_try_at, 0, '')
    """
)
# At most a few of each receiver, so that a long line for one delays nobody else; and none of a receiver who is being told.
DUE = platform_statement(
    """
    SELECT n.tenant_id, n.notice_id, n.channel, n.target, n.event, n.about, n.body, n.created_at, n.tries FROM (
        SELECT w.tenant_id, w.notice_id, w.next_try_at,
            ROW_NUMBER() OVER (PARTITION BY w.tenant_id, w.channel, w.target ORDER BY w.next_try_at, w.notice_id) AS place
        FROM notices w
        WHERE w.done_at IS NULL AND w.next_try_at <= :now AND (w.claimed_until IS NULL OR w.claimed_until <= :now)
            AND NOT EXISTS (
                SELECT 1 FROM notices b WHERE b.tenant_id = w.tenant_id AND b.channel = w.channel AND b.target = w.target
                    AND b.claimed_until > :now
            )
    ) due JOIN notices n ON n.tenant_id = due.tenant_id AND n.notice_id = due.notice_id
    WHERE due.place <= :most_each ORDER BY due.next_try_at, due.notice_id LIMIT :most
    """
)
CLAIM = statement(
    """
    UPDATE notices SET claimed_until = :until, tries = tries + 1
    WHERE tenant_id = :tenant AND notice_id = :notice_id AND done_at IS NULL AND tries = :tries
        AND (claimed_until IS NULL OR claimed_until <= :now)
    RETURNING notice_id
    """
)
DONE = statement(
    """
    UPDATE notices SET done_at = :now, claimed_until = NULL, failure = :failure
    WHERE tenant_id = :tenant AND notice_id = :notice_id AND tries = :tries AND done_at IS NULL RETURNING notice_id
    """
)
AGAIN = statement(
    """
    UPDATE notices SET next_try_at = :next_try_at, claimed_until = NULL, failure = :failure
    WHERE tenant_id = :tenant AND notice_id = :notice_id AND tries = :tries AND done_at IS NULL RETURNING notice_id
    """
)
HOLD = statement(
    """
    UPDATE notices SET next_try_at = :until
    WHERE tenant_id = :tenant AND channel = :channel AND target = :target AND done_at IS NULL AND next_try_at < :until
        AND (claimed_until IS NULL OR claimed_until <= :now)
    """
)
WITHDRAW = statement(
    """
    UPDATE notices SET done_at = :now, claimed_until = NULL, failure = 'withdrawn'
    WHERE tenant_id = :tenant AND about = :about AND channel <> 'webhook' AND done_at IS NULL
    """
)
DROP_OF_TARGET = statement(
    """
    UPDATE notices SET done_at = :now, claimed_until = NULL, failure = :failure
    WHERE tenant_id = :tenant AND channel = :channel AND target = :target AND done_at IS NULL
    """
)
OF_TARGET = statement(
    """
    SELECT notice_id, event, about, created_at, next_try_at, tries, done_at, failure FROM notices
    WHERE tenant_id = :tenant AND channel = :channel AND target = :target ORDER BY created_at DESC, notice_id LIMIT :most
    """
)
# Who listens to the record itself: a kind has a colon in it, a notice has none.
FORWARDED = platform_statement(
    """
    SELECT tenant_id, webhook_id, events FROM webhooks WHERE disabled_at IS NULL AND events LIKE '%:%'
    ORDER BY tenant_id, webhook_id LIMIT :most
    """
)
IS_TOLD = statement(
    """
    SELECT notice_id FROM notices
    WHERE tenant_id = :tenant AND channel = :channel AND target = :target AND event = :event AND done_at IS NULL LIMIT 1
    """
)
GIVEN_UP = statement(
    """
    SELECT channel, COUNT(*) AS many, MAX(failure) AS failure FROM notices
    WHERE tenant_id = :tenant AND done_at > :after AND failure NOT IN ('', 'withdrawn', 'too_late', 'nobody', 'disabled',
        'removed', 'tenant_suspended')
    GROUP BY channel ORDER BY channel
    """
)
FORGET_WEBHOOKS = statement("DELETE FROM webhooks WHERE tenant_id = :tenant")
FORGET_NOTICES = statement("DELETE FROM notices WHERE tenant_id = :tenant")
EXPIRE = platform_statement("DELETE FROM notices WHERE done_at <= :before")
