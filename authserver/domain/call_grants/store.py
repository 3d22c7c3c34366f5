"""The rows of `call_grants/`: how often each was used stands in the row, so that counting is one statement."""

import sqlalchemy as sa

from authserver.domain.revocation.store import floor_of, floor_of_person
from authserver.domain.users.store import MEMBER_ROWS
from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import platform_statement, statement, table
from authserver.runtime.sealed_column import sealed_column

table(
    "call_grants",
    sa.Column("grant_id", sa.Text, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("definition_hash", sa.Text, nullable=False),
    sa.Column("args_hash", sa.Text, nullable=False),
    sa.Column("condition", sa.Text, nullable=True),
    sa.Column("max_calls", sa.BigInteger, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("given_by", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("ctl", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "grant_id"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "authorization_id"],
        ["authorizations.tenant_id", "authorizations.authorization_id"],
        ondelete="CASCADE",
    ),
    sa.Index("ix_call_grants_tenant_id_authorization_id", "tenant_id", "authorization_id"),
    sa.Index("ix_call_grants_tenant_id_sub", "tenant_id", "sub"),
    sa.Index("ix_call_grants_expires_at", "expires_at"),
    tenanted=True,
)

rows_of_member("call_grants", "sub", "given_by")

# An author's words about arguments, or a stranger's: they may name a person.
CONDITION = sealed_column("call_grants", "condition", row=("tenant_id", "grant_id"))

GIVE = statement(
    """
    INSERT INTO call_grants (tenant_id, grant_id, authorization_id, sub, client_id, resource, tool, definition_hash,
        args_hash, condition, max_calls, used, given_by, acr, auth_time, created_at, expires_at, ctl)
    VALUES (:tenant, :grant_id, :authorization_id, :sub, :client_id, :resource, :tool, :definition_hash,
        :args_hash, :condition, :max_calls, 0, :given_by, :acr, :auth_time, :now, :expires_at, :ctl)
    """
)
_COLUMNS = f"""
    SELECT g.ctl, {floor_of_person("g.given_by")} AS givers_floor, g.tenant_id, g.grant_id, g.authorization_id, g.sub, g.client_id, g.resource, g.tool, g.definition_hash, g.args_hash,
        g.condition, g.max_calls, g.used, g.given_by, g.acr, g.auth_time, g.created_at, g.expires_at, g.ended_at
    FROM call_grants g JOIN authorizations a ON a.tenant_id = :tenant AND a.authorization_id = g.authorization_id
    WHERE g.tenant_id = :tenant
"""
_LIVE = f"""
    AND g.ended_at IS NULL AND g.expires_at > :now AND g.used < g.max_calls AND a.ended_at IS NULL AND a.expires_at > :now
    AND a.ctl >= {floor_of("a")}
"""
FIND = statement(_COLUMNS + " AND g.grant_id = :grant_id")
# Those that say most come first: the exact call, then the one that ends soonest.
OF_AUTHORIZATION = statement(
    _COLUMNS
    + _LIVE
    + " AND g.authorization_id = :authorization_id ORDER BY g.args_hash DESC, g.expires_at, g.created_at, g.grant_id"
)
OF_PERSON = statement(_COLUMNS + _LIVE + " AND g.sub = :sub ORDER BY g.expires_at, g.created_at, g.grant_id")

# Every condition that decided stands here again. What the directory said of the tool is replaced by the tool's own definition
# with the first use: from then on it is the only one. Whoever gave it for somebody else could still give it. The name of a role
# holds no quotation mark, so it stands between two only where the list holds the whole of it.
SPEND = statement(
    f"""
    UPDATE call_grants SET used = used + 1, definition_hash = :definition_hash
    WHERE tenant_id = :tenant AND grant_id = :grant_id AND used < max_calls AND expires_at > :now AND ended_at IS NULL
        AND authorization_id = :authorization_id AND sub = :sub AND client_id = :client_id AND resource = :resource
        AND tool = :tool AND definition_hash IN (:definition_hash, :as_shown) AND args_hash IN ('', :args_hash)
        AND (SELECT a.ended_at IS NULL AND a.expires_at > :now AND a.ctl >= {floor_of("a")} FROM authorizations a
            WHERE a.tenant_id = :tenant AND a.authorization_id = call_grants.authorization_id)
        AND (given_by = sub OR EXISTS (SELECT 1 FROM {MEMBER_ROWS} WHERE m.tenant_id = :tenant
            AND m.sub = call_grants.given_by AND m.status = 'active' AND p.status = 'active'
            AND call_grants.ctl >= {floor_of_person("m.sub")}
            AND call_grants.auth_time >= p.password_changed_at AND REPLACE(m.roles, :role, '') <> m.roles))
    RETURNING grant_id
    """
)
END = statement(
    """
    UPDATE call_grants SET ended_at = :now
    WHERE tenant_id = :tenant AND grant_id = :grant_id AND sub = :sub AND ended_at IS NULL
    RETURNING grant_id
    """
)
END_OF_TOOL = statement(
    """
    UPDATE call_grants SET ended_at = :now
    WHERE tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND tool = :tool
        AND ended_at IS NULL
    """
)
CONDITIONS = statement(
    "SELECT tenant_id, grant_id, condition FROM call_grants WHERE tenant_id = :tenant AND condition IS NOT NULL"
)
REMOVE = statement("DELETE FROM call_grants WHERE tenant_id = :tenant AND grant_id = :grant_id")
EXPIRE = platform_statement("DELETE FROM call_grants WHERE expires_at <= :before")
