"""
A SQLAlchemy session bound to one tenant when it is opened, so that forgetting the filter is not possible.

PostgreSQL: `set_config('app.tenant', …, true)` opens each transaction, for row-level security to compare; it ends with
the transaction, so a pooled connection carries nothing to the next caller. A wall that is not there (a role that row
security does not bind, a table without a policy) is refused before the first statement.

SQLite and others: every ORM statement is filtered, and every statement that reaches the driver is read once more
(`statement.py`): raw SQL that does not compare the tenant is refused.

There an object counts as the tenant's own only if it was loaded or made behind the wall: its reloads and changes are by key.

Both: an object of another tenant is never written, and a session is of no use to a call of another tenant.
"""

import re
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Connection, Engine, Executable, TextClause, event, inspect, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import (
    Mapper,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
    registry,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from resource_lib.data.statement import ForeignTenantError, UnscopedStatementError, require_scope
from resource_lib.data.tenant_wall import TenantWallError, crossing
from resource_lib.identity.principal import NoPrincipalError, current_principal

if TYPE_CHECKING:
    from sqlalchemy.sql.visitors import ExternallyTraversible

NOBODY: Final = ""
"""The tenant of a session that is opened outside a guarded call. No row has it."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?")
_NAMES_THE_WALL = re.compile(
    # A function that runs SQL given as text, or a name spelt with escapes, would hide the words that are looked for.
    r"\bset_config\b|\bu&\"|\b(?:ts_stat|ts_rewrite|query_to_xml\w*|dblink\w*|crosstab\w*|connectby)\b",
    re.IGNORECASE,
)
_LEAVES_THE_WALL = re.compile(
    r"(?:set|reset|discard|do|call|copy|alter|create|drop|grant|revoke|begin|start|commit|abort|end|prepare|security"
    r"|execute|truncate|lock|refresh|reindex|cluster|vacuum|load|listen|reassign|import|comment)\b",
    re.IGNORECASE,
)
_BEFORE_A_VERB = re.compile(r"(?:[\s(]|--[^\n]*(?:\n|\Z))*+")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_WRITES = re.compile(r"\b(?:insert|update|delete|merge|replace|truncate)\b", re.IGNORECASE)
_BY_KEY: Final = "resource_lib_by_key"
_NOBODY_WRITES: Final = "Nobody is calling, so nothing can be written. Cure: write inside a guarded call."
_SAVEPOINT = re.compile(r"^\s*(?:savepoint|release|rollback)\b", re.IGNORECASE)

_TENANT_ID = re.compile(r"ten_[a-z2-7]{16}")

_UNBOUND_ROLE: Final = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_OPEN_TABLES: Final = """
    WITH RECURSIVE tenanted(oid) AS (
        SELECT c.oid FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = :column AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p', 'f')
        UNION
        SELECT r.ev_class FROM tenanted t
        JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass
            AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid
    )
    SELECT c.relname FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN tenanted t ON t.oid = c.oid
    WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(c.oid, 'DELETE'))
      AND CASE
          WHEN c.relkind = 'v' THEN NOT EXISTS (
              SELECT FROM pg_options_to_table(c.reloptions)
              WHERE option_name = 'security_invoker' AND option_value IN ('true', 'on', 'yes', '1')
          )
          ELSE NOT (c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE')))
      END
"""
"""Tables without row security that binds this role, and views that read them as their owner. `TRUNCATE` is refused as SQL."""

_secured: "weakref.WeakKeyDictionary[Engine, set[str]]" = weakref.WeakKeyDictionary()
"""Engines whose row-level security has been found in order, with the columns it was asked about."""

_walls: "weakref.WeakKeyDictionary[Connection, TenantSession]" = weakref.WeakKeyDictionary()
"""The session that each open connection speaks for."""

_origins: "weakref.WeakKeyDictionary[Any, tuple[str, Any]]" = weakref.WeakKeyDictionary()
"""The tenant behind whose wall each object (by its state) was loaded or made, and the key it had then."""


def open_session(
    engine: Engine | AsyncEngine, *, column: str, setting: str, shared: frozenset[str], options: dict[str, Any]
) -> Session | AsyncSession:
    """Return a session of the caller's tenant; see `tenant_session`."""
    for name, value in (("column", column), ("setting", setting)):
        if not _IDENTIFIER.fullmatch(value):
            raise TenantWallError(f"{name}={value!r} is no plain name. Cure: give a name of letters, digits and _.")
    for option in ("bind", "binds", "class_", "sync_session_class", "info", "twophase"):
        if option in options:
            raise TenantWallError(f"{option}= belongs to the tenant wall. Cure: leave it out.")
    wall = _Wall(tenant=_current_tenant(), column=column, setting=setting, shared=shared)
    options = {"expire_on_commit": False, **options, "info": {"tenant_wall": wall}}
    if isinstance(engine, AsyncEngine):
        return AsyncSession(engine, sync_session_class=TenantSession, **options)
    return TenantSession(engine, **options)


def _current_tenant() -> str:
    try:
        return current_principal().tenant
    except NoPrincipalError:
        return NOBODY


class TenantSession(Session):
    """A session whose every statement is held to one tenant. Made by `tenant_session`."""

    _flushes = 0

    def flush(self, objects: Any = None) -> None:
        """Write what has changed; the unit of work's own UPDATE and DELETE are by key, of objects loaded here."""
        self._flushes += 1
        try:
            super().flush(objects)
        finally:
            self._flushes -= 1

    @property
    def writes_objects(self) -> bool:
        """Whether objects are being written; an author's hooks send statements of their own meanwhile."""
        return self._flushes > 0

    @property
    def wall(self) -> "_Wall":
        """The wall this session stands behind."""
        wall = self.info["tenant_wall"]
        assert isinstance(wall, _Wall)
        return wall


class _Wall:
    """What one session may reach."""

    __slots__ = ("column", "own", "setting", "shared", "tenant")

    def __init__(self, *, tenant: str, column: str, setting: str, shared: frozenset[str]) -> None:
        self.tenant = tenant
        self.column = column
        self.setting = setting
        self.shared = shared
        self.own = False
        """Whether the statement being sent is the wall's own."""

    @contextmanager
    def speaking(self) -> Iterator[None]:
        self.own = True
        try:
            yield
        finally:
            self.own = False

    def require_same_caller(self) -> None:
        """Refuse a session that a call of another tenant has got hold of."""
        caller = _current_tenant()
        if caller not in (NOBODY, self.tenant):
            raise crossing("a session of one tenant was used in a call of another", tenant=caller)

    def judge(self, sql: str, parameters: Any, *, by_key: bool) -> None:
        """Refuse SQL that could reach another tenant's rows, on a database that would not."""
        try:
            require_scope(sql, parameters, tenant=self.tenant, column=self.column, shared=self.shared, by_key=by_key)
        except UnscopedStatementError as error:
            raise TenantWallError(str(error)) from None
        except ForeignTenantError:
            raise crossing("a statement names another tenant", tenant=self.tenant) from None


@event.listens_for(TenantSession, "after_begin")
def _enter(session: TenantSession, _transaction: SessionTransaction, connection: Connection) -> None:
    wall = session.wall
    wall.require_same_caller()
    if connection not in _walls:
        _walls[connection] = session
        event.listen(connection, "before_cursor_execute", _sending)
    if connection.dialect.name != "postgresql":
        return
    with wall.speaking():
        _require_row_security(connection, wall)
        values = {"setting": wall.setting, "tenant": wall.tenant}
        connection.execute(text("SELECT set_config(:setting, :tenant, true)"), values)


def _require_row_security(connection: Connection, wall: _Wall) -> None:
    """Refuse a role that row-level security does not bind, and tables that have none: that wall is only painted on."""
    columns = _secured.setdefault(connection.engine, set())
    if wall.column in columns:
        return
    if not columns:
        event.listen(connection.engine, "handle_error", _failed)
    if connection.execute(text(_UNBOUND_ROLE)).scalar_one():
        raise TenantWallError(
            "The database role is a superuser or bypasses row-level security, so nothing would keep tenants apart. "
            "Cure: connect as an ordinary role that does not own the tables."
        )
    open_tables = connection.execute(text(_OPEN_TABLES), {"column": wall.column}).scalars().all()
    exposed = sorted(set(open_tables) - wall.shared)
    if exposed:
        raise TenantWallError(
            f"{', '.join(exposed)}: no row-level security binds this role. Cure: ALTER TABLE … ENABLE ROW LEVEL SECURITY, "
            f"FORCE ROW LEVEL SECURITY, and a policy USING ({wall.column} = current_setting('{wall.setting}', true)); for a "
            "view, ALTER VIEW … SET (security_invoker = true)."
        )
    columns.add(wall.column)


def _sending(
    connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    _many: Any,
) -> None:
    """Look at every statement on its way to the driver, raw ones too."""
    session = _walls.get(connection)
    if session is None or session.wall.own:
        return
    wall = session.wall
    wall.require_same_caller()
    if wall.tenant == NOBODY and _WRITES.search(statement):
        raise TenantWallError(_NOBODY_WRITES)
    if connection.dialect.name == "postgresql":
        if _could_leave(statement, wall.setting) and not _SAVEPOINT.match(statement):
            raise TenantWallError(
                "A tenant's session sends no SQL that could change role, settings or transaction. "
                "Cure: do that in a session of your own."
            )
    else:
        options = context.execution_options if context is not None else {}
        # The unit of work compiles its statements into the mapper's own cache; what a hook sends meanwhile has none.
        by_key = options.get(_BY_KEY, False) or (session.writes_objects and "compiled_cache" in options)
        wall.judge(statement, parameters, by_key=by_key)
    if _TENANT_ID.fullmatch(wall.tenant) and any(_names_another(value, wall.tenant) for value in _values(parameters)):
        raise crossing("a statement names another tenant", tenant=wall.tenant)


def _could_leave(sql: str, setting: str) -> bool:
    """Tell whether SQL could change role, settings or transaction, or reach rows that no policy looks at."""
    if _NAMES_THE_WALL.search(sql) or re.search(rf"\b{re.escape(setting)}\b", sql, re.IGNORECASE):
        return True
    starts = [0, *(mark.end() for mark in re.finditer(";", sql))]
    return any(_LEAVES_THE_WALL.match(sql, _verb_at(sql, start)) for start in starts)


def _verb_at(sql: str, at: int) -> int:
    """Return where the first word after spaces, brackets and comments begins; PostgreSQL's comments nest."""
    while True:
        found = _BEFORE_A_VERB.match(sql, at)
        at = found.end() if found else at
        if not sql.startswith("/*", at):
            return at
        depth = 0
        for mark in _COMMENT_MARK.finditer(sql, at):
            depth += 1 if mark[0] == "/*" else -1
            at = mark.end()
            if depth == 0:
                break
        else:
            return len(sql)


def _values(parameters: Any) -> Iterator[Any]:
    if isinstance(parameters, dict):
        yield from parameters.values()
    elif isinstance(parameters, list | tuple):
        for value in parameters:
            if isinstance(value, list | tuple | dict):
                yield from _values(value)
            else:
                yield value


def _names_another(value: Any, tenant: str) -> bool:
    return isinstance(value, str) and value != tenant and _TENANT_ID.fullmatch(value) is not None


def _failed(context: ExceptionContext) -> BaseException | None:
    """Name what PostgreSQL refused: a new row for another tenant."""
    session = _walls.get(context.connection) if context.connection is not None else None
    code = getattr(context.original_exception, "sqlstate", None) or getattr(context.original_exception, "pgcode", None)
    if session is not None and code == "42501":
        return crossing("the database refused a row of another tenant", tenant=session.wall.tenant)
    return None


@event.listens_for(TenantSession, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    """Add the tenant to every ORM statement, and bind `:tenant` in raw SQL."""
    session = state.session
    assert isinstance(session, TenantSession)
    wall = session.wall
    wall.require_same_caller()
    statement = state.statement
    if isinstance(statement, TextClause):
        if "tenant" in statement._bindparams:  # noqa: SLF001 - the only way to see what a text binds
            state.statement = statement.bindparams(tenant=wall.tenant)
        return
    if state.is_column_load:
        # Reloads an object of this session by its key; SQLAlchemy adds no criteria to that, only to what is joined.
        state.update_execution_options(**{_BY_KEY: True})
    registries = {mapper.registry for mapper in state.all_mappers} or _registries_within(statement)
    options = [
        with_loader_criteria(mapper.class_, _criterion(key)(wall.tenant), include_aliases=True)
        for known in registries
        for mapper in known.mappers
        if mapper.inherits is None and (key := _tenant_attribute(mapper, wall)) is not None
    ]
    if options:
        state.statement = state.statement.options(*options)


@cache
def _criterion(attribute: str) -> Callable[[str], Any]:
    """Return what makes the criterion "this class's `attribute` is `tenant`".

    It must be a lambda that spells the attribute and closes over the tenant: a plain expression is not carried over to
    aliases of the class, and SQLAlchemy reads the tenant anew from the closure at each use.
    """
    if not attribute.isidentifier():
        raise TenantWallError(f"{attribute!r} is no attribute name. Cure: map the tenant column to a plain name.")
    source = f"lambda tenant: lambda mapped: mapped.{attribute} == tenant"
    return cast("Callable[[str], Any]", eval(source, {"__builtins__": {}}))  # noqa: S307 - an identifier, see above


def _registries_within(statement: Executable) -> set[registry]:
    """Return the registries of classes that a statement names somewhere inside, as `count()` and unions do."""
    found = set()
    for element in visitors.iterate(cast("ExternallyTraversible", statement)):
        entity = getattr(element, "_annotations", {}).get("parententity")
        if entity is not None:
            found.add(entity.mapper.registry)
    return found


def _tenant_attribute(mapper: Mapper[Any], wall: _Wall) -> str | None:
    """Return the name under which a mapped class holds its tenant, None for a class without tenants."""
    column = mapper.local_table.c.get(wall.column) if wall.column in mapper.local_table.c else None
    if column is None or getattr(mapper.local_table, "name", None) in wall.shared:
        return None
    return mapper.get_property_by_column(column).key


@event.listens_for(TenantSession, "loaded_as_persistent")
@event.listens_for(TenantSession, "pending_to_persistent")
def _prove(session: TenantSession, subject: object) -> None:
    """Take note that the database gave this object to this tenant."""
    state = inspect(subject)
    _origins[state] = session.wall.tenant, state.key


@event.listens_for(TenantSession, "detached_to_persistent")
def _require_origin(session: TenantSession, subject: object) -> None:
    """Refuse an object that was made from a key alone: whatever row has that key would be reloaded and changed by it."""
    wall, state = session.wall, inspect(subject)
    is_walled = session.get_bind().dialect.name == "postgresql"
    if is_walled or _tenant_attribute(state.mapper.base_mapper, wall) is None:
        return
    if _origins.get(state) != (wall.tenant, state.key):
        session.expunge(subject)
        raise crossing(
            f"an object of {type(subject).__name__} was not loaded behind this tenant's wall; load it by get() or merge()",
            tenant=wall.tenant,
        )


@event.listens_for(TenantSession, "before_flush")
def _stamp(session: TenantSession, _context: UOWTransaction, _instances: Any) -> None:
    """Give new objects their tenant, and refuse to write an object of another."""
    wall = session.wall
    for subject in (*session.new, *session.dirty, *session.deleted):
        state = inspect(subject)
        key = _tenant_attribute(state.mapper.base_mapper, wall)
        if key is None:
            continue
        if wall.tenant == NOBODY:
            raise TenantWallError(_NOBODY_WRITES)
        if subject in session.new and getattr(subject, key) is None:
            setattr(subject, key, wall.tenant)
        history = state.attrs[key].history
        for value in (*history.added, *history.unchanged, *history.deleted):
            if value != wall.tenant:
                raise crossing(f"an object of {type(subject).__name__} belongs to another tenant", tenant=wall.tenant)
