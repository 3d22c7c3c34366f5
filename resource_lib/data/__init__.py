"""
Whose rows: a database session that can see only the caller's tenant.

SQLAlchemy is imported when a session is first asked for; the library does not need it otherwise.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, overload

from resource_lib.data.tenant_wall import TenantWallError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
    from sqlalchemy.orm import Session

__all__ = ["TenantWallError", "tenant_session"]


@overload
def tenant_session(
    engine: "Engine", *, column: str = ..., setting: str = ..., shared: Collection[str] = ..., **options: Any
) -> "Session": ...
@overload
def tenant_session(
    engine: "AsyncEngine", *, column: str = ..., setting: str = ..., shared: Collection[str] = ..., **options: Any
) -> "AsyncSession": ...
def tenant_session(
    engine: "Engine | AsyncEngine",
    *,
    column: str = "tenant_id",
    setting: str = "app.tenant",
    shared: Collection[str] = (),
    **options: Any,
) -> "Session | AsyncSession":
    """Return a SQLAlchemy session that sees and changes only rows of the caller's tenant.

    Use it as any session: `with tenant_session(engine) as session:`, or `async with` for an async engine. The tenant is
    that of `current_principal()` at this moment; outside a guarded call there is none, and so no rows.

    `column` names the tenant column of your tables; mapped classes that have it are filtered, and new objects get it.
    `shared` names tables without tenants. `setting` is the PostgreSQL variable that your row-level security compares.
    `options` go to the session. Raises TenantWallError when the wall cannot be kept.
    """
    from resource_lib.data.sessions import open_session  # noqa: PLC0415 - SQLAlchemy is no dependency of the library

    return open_session(engine, column=column, setting=setting, shared=frozenset(shared), options=options)
