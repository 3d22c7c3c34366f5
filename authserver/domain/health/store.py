"""The rows of `health/`: what each MCP server says of its tools, who has seen it, and what its last check found."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table

table(
    "server_reports",
    sa.Column("resource", sa.Text, nullable=False),
    # Whose word it is: a tenant's own server for a shared resource says nothing to other tenants.
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("instance", sa.Text, nullable=False),
    sa.Column("tools", sa.Text, nullable=False),
    sa.Column("tools_hash", sa.Text, nullable=False),
    # What it was when we first heard of it; whoever has accepted nothing compares with that.
    sa.Column("first_tools", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("resource", "client_id"),
    tenanted=False,
)

table(
    "accepted_tool_lists",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("tools", sa.Text, nullable=False),
    sa.Column("accepted_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "resource", "client_id"),
    tenanted=True,
)

table(
    "server_checks",
    sa.Column("resource", sa.Text, nullable=False),
    # When the newest one began: whoever raises it is the one who looks.
    sa.Column("checked_at", sa.BigInteger, nullable=False),
    # Empty: nobody has finished looking yet.
    sa.Column("reachable", sa.Text, nullable=False),
    sa.Column("last_reached_at", sa.BigInteger, nullable=True),
    sa.Column("findings", sa.Text, nullable=False),
    sa.Column("duration_ms", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("resource"),
    tenanted=False,
)

REPORT = statement(
    """
    SELECT resource, client_id, instance, tools, tools_hash, first_tools, changed_at, reported_at FROM server_reports
    WHERE resource = :resource AND client_id = :client_id
    """
)
KEEP_REPORT = statement(
    """
    INSERT INTO server_reports (resource, client_id, instance, tools, tools_hash, first_tools, changed_at, reported_at)
    VALUES (:resource, :client_id, :instance, :tools, :tools_hash, :tools, :now, :now)
    ON CONFLICT (resource, client_id) DO UPDATE SET instance = excluded.instance, tools = excluded.tools,
        tools_hash = excluded.tools_hash, reported_at = excluded.reported_at
    """
)
# Of several processes that find the same change, one records it.
CHANGED = statement(
    """
    UPDATE server_reports SET changed_at = :now, tools_hash = :tools_hash
    WHERE resource = :resource AND client_id = :client_id AND tools_hash = :known_hash RETURNING client_id
    """
)
ACCEPTED = statement(
    """
    SELECT tools, accepted_at FROM accepted_tool_lists
    WHERE tenant_id = :tenant AND resource = :resource AND client_id = :client_id
    """
)
ACCEPT = statement(
    """
    INSERT INTO accepted_tool_lists (tenant_id, resource, client_id, tools, accepted_at)
    VALUES (:tenant, :resource, :client_id, :tools, :now)
    ON CONFLICT (tenant_id, resource, client_id) DO UPDATE SET tools = excluded.tools, accepted_at = excluded.accepted_at
    """
)

CHECKED = statement(
    """
    SELECT resource, checked_at, reachable, last_reached_at, findings, duration_ms FROM server_checks
    WHERE resource = :resource
    """
)
# One process at a time looks at a server, and none that was just looked at.
CLAIM_CHECK = statement(
    """
    INSERT INTO server_checks (resource, checked_at, reachable, last_reached_at, findings, duration_ms)
    VALUES (:resource, :now, '', NULL, '[]', 0)
    ON CONFLICT (resource) DO UPDATE SET checked_at = excluded.checked_at WHERE server_checks.checked_at <= :before
    RETURNING resource
    """
)
# Whoever was overtaken by a later look keeps quiet.
KEEP_CHECK = statement(
    """
    UPDATE server_checks SET reachable = :reachable, findings = :findings, duration_ms = :duration_ms,
        last_reached_at = CASE WHEN :reached THEN :now ELSE last_reached_at END
    WHERE resource = :resource AND checked_at = :now
    """
)

# A server that is registered anew has said nothing yet, and nobody has accepted anything of it.
FORGET = tuple(
    platform_statement(f"DELETE FROM {name} WHERE resource NOT IN (SELECT uri FROM resources)")
    for name in ("server_reports", "accepted_tool_lists", "server_checks")
)
