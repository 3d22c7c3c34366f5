"""
The last look before a statement runs, the same on both databases: whose rows may it reach?

Statements were checked when they were imported (`schema.py`); here the tenant they are given is compared with the one that
their unit of work is bound to.
"""

import re

from authserver.runtime.schema import SHARED, Statement
from authserver.runtime.unit_of_work import TenantBoundError, Unit, Values

_TENANT = re.compile(r"ten_[a-z2-7]{16}")


def platform_role(app_role: str) -> str:
    """Return the name of the PostgreSQL role under which work of `app_role` crosses tenants."""
    return f"{app_role}_platform"


def check_tenant(tenant: str | None) -> str | None:
    """Return `tenant` as it may stand inside SQL text. Raises TenantBoundError for anything but our own ids."""
    if tenant is not None and tenant != SHARED and not _TENANT.fullmatch(tenant):
        raise TenantBoundError("that is no tenant id")
    return tenant


def check_scope(tenant: str | None, statement: Statement, values: Values, *, platform: bool) -> None:
    """The last look before a statement runs: it sees the tenant it was bound to, or it was opened to cross tenants."""
    if statement.crosses_tenants:
        if not platform:
            raise TenantBoundError("this statement crosses tenants: open the unit with platform_work")
    elif statement.tenanted and (tenant is None or values.get("tenant") != tenant):
        raise TenantBoundError("this statement is bound to another tenant than its unit of work")
    elif statement.is_for_many and any(row[0] != tenant for row in values["rows"]):
        raise TenantBoundError("a row belongs to another tenant than its unit of work")


def check_reading(tenant: str | None, statement: Statement, values: Values, *, platform: bool) -> None:
    """Look at a reading before it runs: it reads, and only what it may see. Raises TenantBoundError, ValueError."""
    if not statement.sqlite.startswith("SELECT "):
        raise ValueError("a reading is a SELECT; what writes belongs into the unit of work")
    check_scope(check_tenant(tenant), statement, values, platform=platform)


def check_unit(unit: Unit) -> None:
    """Look at every step of a unit before any of it is queued. Raises TenantBoundError."""
    check_tenant(unit.tenant)
    for steps in (unit.claims, unit.writes, unit.last):
        for statement, values in steps:
            check_scope(unit.tenant, statement, values, platform=unit.platform)
