"""The rows of `inventory/`: the tools of each MCP server as its credentials tell of them, and what was decided about each definition.

`tenant_id` is whose word it is (`*`: a shared credential's) in the first three, and whose decision in the last. Nobody is named.
"""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table

table(
    "tool_inventories",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
    # Since when its guard says which tools are used; until then nobody can say which are not.
    sa.Column("uses_since", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "resource"),
    tenanted=True,
)

table(
    "tool_names",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("tool_class", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    # Whether it was there from the beginning.
    sa.Column("is_baseline", sa.Boolean, nullable=False),
    sa.Column("first_named_at", sa.BigInteger, nullable=False),
    sa.Column("last_named_at", sa.BigInteger, nullable=False),
    # When somebody first listed it; until then nobody knows what it is.
    sa.Column("defined_at", sa.BigInteger, nullable=True),
    # The last day on which it may be called, such as 2027-03-31, by its author's word; empty: nothing says so.
    sa.Column("sunset", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.PrimaryKeyConstraint("tenant_id", "resource", "tool"),
    tenanted=True,
)

table(
    "tool_definitions",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    # The definition as JSON; empty: too long to be told.
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("is_baseline", sa.Boolean, nullable=False),
    sa.Column("first_seen_at", sa.BigInteger, nullable=False),
    sa.Column("last_seen_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "resource", "tool", "hash"),
    tenanted=True,
)

# In which tenants a shared server has listed which definition: only there may it be shown. Ids alone, of all tenants.
table(
    "tool_sightings",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("seen_in", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("resource", "hash", "seen_in"),
    tenanted=False,
)

# On which day (its first second) a tool was last used in which tenant: one row for both, nobody named, and nothing finer than a day.
table(
    "tool_uses",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("used_in", sa.Text, nullable=False),
    sa.Column("used_on", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("resource", "tool", "used_in"),
    tenanted=False,
)

table(
    "tool_reviews",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("reviewed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "resource", "tool", "hash"),
    tenanted=True,
)

INVENTORY = statement(
    "SELECT begun_at, reported_at, uses_since FROM tool_inventories WHERE tenant_id = :tenant AND resource = :resource"
)
SPEAKERS = platform_statement("SELECT tenant_id FROM tool_inventories WHERE resource = :resource ORDER BY tenant_id")
# What was there first is what counts unseen: of two that speak first at once, one does.
BEGIN = statement(
    """
    INSERT INTO tool_inventories (tenant_id, resource, begun_at, reported_at) VALUES (:tenant, :resource, :now, :now)
    ON CONFLICT (tenant_id, resource) DO NOTHING RETURNING resource
    """
)
REPORTED = statement(
    """
    UPDATE tool_inventories SET reported_at = CASE WHEN reported_at < :now THEN :now ELSE reported_at END
    WHERE tenant_id = :tenant AND resource = :resource
    """
)
TELLS_OF_USES = statement(
    "UPDATE tool_inventories SET uses_since = :now WHERE tenant_id = :tenant AND resource = :resource AND uses_since IS NULL"
)

NAMES = statement(
    """
    SELECT tool, tool_class, scopes, is_baseline, first_named_at, last_named_at, defined_at, sunset FROM tool_names
    WHERE tenant_id = :tenant AND resource = :resource ORDER BY tool
    """
)
SUNSETS = statement(
    "SELECT tool, sunset FROM tool_names WHERE tenant_id = :tenant AND resource = :resource AND sunset <> '' ORDER BY tool"
)
NAME = statement(
    """
    INSERT INTO tool_names (tenant_id, resource, tool, tool_class, scopes, is_baseline, first_named_at, last_named_at, defined_at,
        sunset)
    VALUES (:tenant, :resource, :tool, :tool_class, :scopes, :is_baseline, :now, :now, NULL, :sunset)
    ON CONFLICT (tenant_id, resource, tool) DO UPDATE SET tool_class = excluded.tool_class, scopes = excluded.scopes,
        sunset = excluded.sunset,
        last_named_at = CASE WHEN tool_names.last_named_at < :now THEN :now ELSE tool_names.last_named_at END
    """
)
# The first definition of a tool that was there from the beginning counts unseen; of several at once, those of one report.
DEFINE = statement(
    """
    UPDATE tool_names SET defined_at = :now
    WHERE tenant_id = :tenant AND resource = :resource AND tool = :tool AND defined_at IS NULL RETURNING tool
    """
)
# The same, where the name comes with its definition in one report.
DEFINED = statement(
    """
    UPDATE tool_names SET defined_at = :now
    WHERE tenant_id = :tenant AND resource = :resource AND tool = :tool AND defined_at IS NULL
    """
)

HASHES = statement(
    """
    SELECT tool, hash, is_baseline, first_seen_at, last_seen_at FROM tool_definitions
    WHERE tenant_id = :tenant AND resource = :resource ORDER BY tool, first_seen_at, hash
    """
)
DEFINITIONS = statement(
    """
    SELECT tool, hash, definition, is_baseline, first_seen_at, last_seen_at FROM tool_definitions
    WHERE tenant_id = :tenant AND resource = :resource ORDER BY tool, first_seen_at, hash
    """
)
KEEP_DEFINITION = statement(
    """
    INSERT INTO tool_definitions (tenant_id, resource, tool, hash, definition, is_baseline, first_seen_at, last_seen_at)
    VALUES (:tenant, :resource, :tool, :hash, :definition, :is_baseline, :now, :now)
    ON CONFLICT (tenant_id, resource, tool, hash) DO UPDATE SET
        definition = CASE WHEN tool_definitions.definition = '' THEN excluded.definition ELSE tool_definitions.definition END,
        last_seen_at = CASE WHEN tool_definitions.last_seen_at < :now THEN :now ELSE tool_definitions.last_seen_at END
    """
)
DROP_DEFINITION = statement(
    """
    DELETE FROM tool_definitions
    WHERE tenant_id = :tenant AND resource = :resource AND tool = :tool AND hash = :hash AND is_baseline = :is_baseline
    """
)

SEE = statement(
    """
    INSERT INTO tool_sightings (resource, hash, seen_in) VALUES (:resource, :hash, :seen_in)
    ON CONFLICT (resource, hash, seen_in) DO NOTHING
    """
)
SEEN_IN = statement("SELECT hash FROM tool_sightings WHERE resource = :resource AND seen_in = :seen_in")

# The later day wins, whoever says it and however often.
USE = statement(
    """
    INSERT INTO tool_uses (resource, tool, used_in, used_on) VALUES (:resource, :tool, :used_in, :used_on)
    ON CONFLICT (resource, tool, used_in) DO UPDATE SET used_on = excluded.used_on WHERE tool_uses.used_on < excluded.used_on
    """
)
USES_IN = statement("SELECT tool, used_on FROM tool_uses WHERE resource = :resource AND used_in = :used_in")
USES_ANYWHERE = statement(
    "SELECT tool, MAX(used_on) AS used_on FROM tool_uses WHERE resource = :resource GROUP BY tool"
)

REVIEWS = statement(
    """
    SELECT tool, hash, decision, reviewed_at FROM tool_reviews
    WHERE tenant_id = :tenant AND resource = :resource ORDER BY reviewed_at, hash
    """
)
EVERY_TENANTS_REVIEWS = platform_statement(
    "SELECT tenant_id, tool, hash, decision, reviewed_at FROM tool_reviews WHERE resource = :resource"
)
# Only over what the operator saw: of two who decide at once, one looks again.
REVIEW = statement(
    """
    INSERT INTO tool_reviews (tenant_id, resource, tool, hash, decision, reviewed_at)
    VALUES (:tenant, :resource, :tool, :hash, :decision, :now)
    ON CONFLICT (tenant_id, resource, tool, hash) DO UPDATE SET decision = excluded.decision, reviewed_at = excluded.reviewed_at
        WHERE tool_reviews.tenant_id = :tenant AND tool_reviews.decision = :before
    RETURNING hash
    """
)

# A server that is registered anew begins anew.
FORGET = (
    *(
        platform_statement(f"DELETE FROM {name} WHERE resource NOT IN (SELECT uri FROM resources)")
        for name in (
            "tool_inventories",
            "tool_names",
            "tool_definitions",
            "tool_sightings",
            "tool_reviews",
            "tool_uses",
        )
    ),
    # Nor does what was used in a tenant outlive it.
    platform_statement("DELETE FROM tool_uses WHERE used_in NOT IN (SELECT id FROM tenants)"),
)
