"""The rows of `instances/`: running MCP servers, by a random id of each start; nobody is named in them."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "feed_instances",
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    # The newest number that it has said it applied, and when it said so.
    sa.Column("applied", sa.BigInteger, nullable=False),
    sa.Column("applied_at_us", sa.BigInteger, nullable=False),
    sa.Column("first_seen_us", sa.BigInteger, nullable=False),
    sa.Column("seen_at_us", sa.BigInteger, nullable=False),
    sa.Column("max_staleness_ms", sa.BigInteger, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("client_id", "instance"),
    sa.Index("ix_feed_instances_resource", "resource"),
    sa.Index("ix_feed_instances_seen_at_us", "seen_at_us"),
    tenanted=False,
)

LIVE = statement(
    """
    SELECT client_id, instance, resource, applied, applied_at_us, first_seen_us, seen_at_us, max_staleness_ms, about
    FROM feed_instances WHERE seen_at_us >= :since_us ORDER BY resource, first_seen_us, instance
    """
)

# What it has applied never falls; what it does not say of itself stays as it was.
SEEN = statement(
    """
    INSERT INTO feed_instances (client_id, instance, resource, applied, applied_at_us, first_seen_us, seen_at_us,
        max_staleness_ms, about)
    VALUES (:client_id, :instance, :resource, :applied, :at_us, :at_us, :at_us, :staleness, :about)
    ON CONFLICT (client_id, instance) DO UPDATE SET
        resource = excluded.resource,
        applied_at_us = CASE WHEN excluded.applied > feed_instances.applied
            THEN excluded.applied_at_us ELSE feed_instances.applied_at_us END,
        applied = CASE WHEN excluded.applied > feed_instances.applied
            THEN excluded.applied ELSE feed_instances.applied END,
        seen_at_us = CASE WHEN excluded.seen_at_us > feed_instances.seen_at_us
            THEN excluded.seen_at_us ELSE feed_instances.seen_at_us END,
        max_staleness_ms = CASE WHEN :declares THEN excluded.max_staleness_ms ELSE feed_instances.max_staleness_ms END,
        about = CASE WHEN :describes THEN excluded.about ELSE feed_instances.about END
    """
)
OTHERS = statement(
    """
    SELECT COUNT(*) AS count, MIN(seen_at_us) AS oldest_us FROM feed_instances
    WHERE client_id = :client_id AND instance <> :instance
    """
)
MAKE_ROOM = statement("DELETE FROM feed_instances WHERE client_id = :client_id AND seen_at_us <= :oldest_us")
EXPIRE = statement("DELETE FROM feed_instances WHERE seen_at_us < :before_us")
LAST_SEEN = statement(
    "SELECT client_id, resource, MAX(seen_at_us) AS seen_at_us FROM feed_instances GROUP BY client_id, resource"
)
