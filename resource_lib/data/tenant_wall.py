"""
The wall between tenants: what is raised and what is logged when somebody runs into it.

`security.tenant_wall` is the name of the event, C23. It holds ids of tenants and names of tables, never a row.
"""

import logging
from typing import Final

EVENT: Final = "security.tenant_wall"

log = logging.getLogger("resource_lib.data")


class TenantWallError(Exception):
    """A database session would have crossed the tenant wall; nothing was read or written. `str()` says the cure."""


def crossing(what: str, *, tenant: str | None) -> TenantWallError:
    """Log a crossing that was stopped, as a critical event, and return the error to raise. `what` holds no values."""
    log.critical("%s: %s", EVENT, what, extra={"event": EVENT, "what": what, "tenant": tenant})
    return TenantWallError(f"{what}. The row belongs to another tenant; nothing was done.")
