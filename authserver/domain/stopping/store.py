"""What `stopping/` counts: the authorizations that a stop would end, and whose they are."""

import authserver.domain.tokens.store  # noqa: F401  (declares the tables that are counted)
from authserver.domain.revocation.ends import AT_HOST
from authserver.domain.revocation.store import floor_of
from authserver.runtime.schema import Statement, platform_statement, statement

# What is older than every number that ends one person or one client is looked up; what is newer than all cannot have ended.
_LIVE = """
    SELECT COUNT(*) AS live, COUNT(DISTINCT CASE WHEN a.sub NOT LIKE 'client:%' THEN a.sub END) AS users,
        COUNT(DISTINCT a.client_id) AS clients
    FROM authorizations a
    WHERE a.tenant_id = :tenant AND a.ended_at IS NULL AND a.expires_at > :now AND a.ctl >= :floor
"""


def _counting(of: str) -> Statement:
    return statement(f"{_LIVE} {of} AND (a.ctl >= :newest_floor OR a.ctl >= {floor_of('a')})")


IN_TENANT = _counting("")
OF_USER = _counting("AND a.sub = :sub")
OF_CLIENT = _counting("AND a.client_id = :client_id")
OF_HOST = _counting(f"AND {AT_HOST}")
AT_RESOURCE = _counting("AND a.resource = :resource")

# The floors that a tenant's rows can meet: of all its things together, and of any one of them.
FLOORS = statement(
    """
    SELECT MAX(CASE WHEN kind IN ('everything', 'tenant') THEN floor ELSE 0 END) AS of_all, MAX(floor) AS newest
    FROM kills WHERE scope_tenant IN ('*', :within)
    """
)
OWNER_OF = platform_statement(
    """
    SELECT a.tenant_id FROM authorizations a
    WHERE a.tenant_id IN (SELECT id FROM tenants) AND a.authorization_id = :authorization_id
    """
)
