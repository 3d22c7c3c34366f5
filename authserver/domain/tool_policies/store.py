"""The rows of `tool_policies/`: a tenant's overlay, tool by tool; nobody is named in it."""

import sqlalchemy as sa

from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import platform_statement, statement, table

# `tool` is a name, or `*` for every tool of the resource.
table(
    "tool_policies",
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "resource", "tool"),
    tenanted=True,
)

# Of whom each write waits for a person, and until when. `sub` empty: whoever the application acts for.
table(
    "step_ups",
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("signal_id", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "client_id", "sub"),
    tenanted=True,
)

rows_of_member("step_ups", "sub")

# Only over what the operator looked at: of two who change a tool at once, one looks again.
SET = statement(
    """
    INSERT INTO tool_policies (tenant_id, resource, tool, rules, changed_at)
    VALUES (:tenant, :resource, :tool, :rules, :now)
    ON CONFLICT (tenant_id, resource, tool) DO UPDATE SET rules = excluded.rules, changed_at = excluded.changed_at
        WHERE tool_policies.tenant_id = :tenant AND tool_policies.rules = :before
    RETURNING tool
    """
)
CLEAR = statement(
    """
    DELETE FROM tool_policies
    WHERE tenant_id = :tenant AND resource = :resource AND tool = :tool AND rules = :before RETURNING tool
    """
)
EVERY_TENANTS = platform_statement(
    "SELECT tenant_id, tool, rules, changed_at FROM tool_policies WHERE resource = :resource ORDER BY tenant_id, tool"
)
OF_RESOURCE = statement(
    """
    SELECT tool, rules, changed_at FROM tool_policies WHERE tenant_id = :tenant AND resource = :resource ORDER BY tool
    """
)

STEP_UPS = statement(
    """
    SELECT client_id, sub, began_at, until, signal_id FROM step_ups WHERE tenant_id = :tenant AND until > :now
    ORDER BY began_at, client_id, sub
    """
)
STEP_UP = statement(
    """
    INSERT INTO step_ups (tenant_id, client_id, sub, began_at, until, signal_id)
    VALUES (:tenant, :client_id, :sub, :now, :until, :signal_id)
    ON CONFLICT (tenant_id, client_id, sub) DO UPDATE SET until = excluded.until, signal_id = excluded.signal_id
        WHERE step_ups.tenant_id = :tenant
    """
)
END_STEP_UP = statement(
    """
    DELETE FROM step_ups WHERE tenant_id = :tenant AND client_id = :client_id AND sub = :sub RETURNING client_id
    """
)
EVERY_STEP_UP = platform_statement(
    "SELECT tenant_id, client_id, sub, began_at, until, signal_id FROM step_ups WHERE until > :now ORDER BY tenant_id, began_at, client_id, sub"
)
OVER = platform_statement(
    "SELECT tenant_id, client_id, sub, until FROM step_ups WHERE until <= :now ORDER BY tenant_id LIMIT :most"
)
END_OVER = statement(
    """
    DELETE FROM step_ups WHERE tenant_id = :tenant AND client_id = :client_id AND sub = :sub AND until <= :now RETURNING client_id
    """
)
