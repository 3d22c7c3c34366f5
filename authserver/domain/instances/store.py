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
