"""
Brings the database to this version, once, however many start at the same moment.

Decision 5. The role that owns the tables is used here alone. After the migrations every tenanted table is guarded anew:
row-level security with FORCE, a policy for the serving role (its own tenant), and one for the role of work that crosses
tenants. What is append-only may not be changed by the serving role at all.
"""

import asyncio
import base64
import hashlib
import hmac
import importlib
import importlib.util
import pkgutil
import re
import secrets
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa

import authserver
from authserver.runtime import memory
from authserver.runtime.database_url import is_sqlite, postgres_url, sqlite_path
from authserver.runtime.schema import metadata, tenanted_tables
from authserver.runtime.sealed_column import SEALED_COLUMNS
from authserver.runtime.tenancy import platform_role
from authserver.runtime.unit_of_work import DatabaseUnavailableError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = [
    "MigrationError",
    "every_table",
    "migrate",
    "pending",
    "platform_role",
    "postgres_engine",
    "revisions",
    "sync_url",
]

_APPEND_ONLY = frozenset({"audit_events", "control_events"})
_PRUNED = "audit_events"
"""The one of them of which rows go: those that their log has said will go, at the hands of the platform role alone."""
_IS_PRUNABLE = (
    "(EXISTS ( SELECT 1 FROM (audit_leaves l JOIN audit_logs g ON ((g.tenant_id = l.tenant_id)))"
    " WHERE ((l.tenant_id = audit_events.tenant_id) AND (l.event_id = audit_events.event_id) AND (l.leaf_index < g.prunable))))"
)
"""As PostgreSQL itself writes it, but for white space: so it can be seen whether it is there."""
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,50}")
_SQLITE_WAIT = 60.0  # seconds
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('authserver.migrate', 0))"


class MigrationError(DatabaseUnavailableError):
    """The database cannot be brought to this version. The message names the setting and the cure."""


def every_table() -> sa.MetaData:
    """Return the schema, with the tables of every capability declared."""
    assert memory.VERSION
    domain = importlib.import_module("authserver.domain")
    for package in pkgutil.iter_modules(domain.__path__, "authserver.domain."):
        if importlib.util.find_spec(f"{package.name}.store") is not None:
            importlib.import_module(f"{package.name}.store")
    return metadata


def sync_url(url: str) -> str:
    """Return the URL with the driver that migrations use."""
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    return f"sqlite{separator}{rest}" if kind == "sqlite" else f"postgresql+asyncpg{separator}{rest}"


def scripts() -> Path:
    """Return the folder of the migrations: at the top of a checkout, inside the package of an installed wheel."""
    package = Path(authserver.__file__).parent
    for folder in (package.parent / "migrations", package / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise MigrationError("this installation has no migrations: install the distribution again")


def revisions() -> list[str]:
    """Return every revision, oldest first: the number with which the name of its script begins."""
    return sorted(path.name.partition("_")[0] for path in (scripts() / "versions").glob("[0-9]*_*.py"))


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - slow, and a server that is current never needs it

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    return config


async def migrate(owner_url: str, app_url: str) -> list[str]:
    """Bring the database to this version and guard it; returns the revisions that were applied.

    Raises MigrationError when a role may not do what is needed, DatabaseUnavailableError when nothing answers.
    """
    if sync_url(app_url).startswith("sqlite"):
        return await asyncio.to_thread(_migrate_sqlite, sync_url(app_url))
    return await _migrate_postgres(owner_url, app_url)


async def pending(url: str) -> list[str]:
    """Return the revisions that the database lacks, oldest first. Raises MigrationError when it is newer than this version.

    A starting server asks this: it uses the bare drivers, because Alembic alone would double the time of a start.
    """
    return _lacking(_sqlite_revision(sqlite_path(url)) if is_sqlite(url) else await _postgres_revision(url))


def _lacking(current: str | None) -> list[str]:
    every = revisions()
    if current is None:
        return every
    if current not in every:
        raise MigrationError(f"the database is at {current}, which this version does not know: run the newer version")
    return every[every.index(current) + 1 :]


def _sqlite_revision(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10)
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise DatabaseUnavailableError(f"SQLite: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DatabaseUnavailableError(f"{path} is not an SQLite database") from error
    return row[0] if row else None


async def _postgres_revision(url: str) -> str | None:
    import asyncpg  # noqa: PLC0415 - not needed on SQLite

    from authserver.runtime.postgresql import statement_cache  # noqa: PLC0415 - not needed on SQLite

    try:
        address, _ = statement_cache(postgres_url(url))
        connection = await asyncpg.connect(address, timeout=10, statement_cache_size=0)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailableError(f"the database does not answer ({type(error).__name__})") from error
    try:
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    except asyncpg.InsufficientPrivilegeError:
        raise MigrationError("AUTHSERVER_DATABASE_URL: this role has no rights yet: run `authserver migrate`") from None
    finally:
        await connection.close()
    return revision


def _upgrade(connection: sa.Connection) -> list[str]:
    from alembic import command  # noqa: PLC0415 - slow, and a server that is current never needs it
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above

    late = _lacking(MigrationContext.configure(connection).get_current_revision())
    if late:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return late


def _into_wal(raw: Any) -> None:
    """Turn a file that may be new into WAL mode. SQLite's own wait does not cover this change: two starters would refuse."""
    deadline = time.monotonic() + _SQLITE_WAIT
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _sqlite_engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": _SQLITE_WAIT})

    @sa.event.listens_for(engine, "connect")
    def leave_transactions_to_us(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        _into_wal(raw)
        raw.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def take_the_lock(connection: sa.Connection) -> None:
        # N starters: the first holds the write lock until its migrations are committed, the others find them done.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _migrate_sqlite(url: str) -> list[str]:
    path = Path(sa.make_url(url).database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    engine = _sqlite_engine(url)
    try:
        with engine.begin() as connection:
            return _upgrade(connection)
    except sa.exc.DBAPIError as error:
        raise DatabaseUnavailableError(f"the database file cannot be migrated: {error.orig}") from None
    finally:
        engine.dispose()


def postgres_engine(url: str) -> "AsyncEngine":
    """Return an engine for one short task, which reads the URL exactly as the server does (`sslmode` and all)."""
    import asyncpg  # noqa: PLC0415 - not needed on SQLite
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - not needed on SQLite

    from authserver.runtime.postgresql import statement_cache  # noqa: PLC0415 - not needed on SQLite

    address, _ = statement_cache(postgres_url(url))

    async def connect(*_: Any, **__: Any) -> Any:
        return await asyncpg.connect(address, timeout=10, statement_cache_size=0)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=sa.NullPool)


async def _migrate_postgres(owner_url: str, app_url: str) -> list[str]:
    owner, app = urlsplit(owner_url), urlsplit(app_url)
    role = unquote(app.username or "")
    if not _ROLE.fullmatch(role):
        raise MigrationError("AUTHSERVER_DATABASE_URL: the role is a-z, 0-9 and _, at most 50 characters")
    if unquote(owner.username or "") == role:
        raise MigrationError(
            "AUTHSERVER_DATABASE_OWNER_URL: must be set, and name another role than AUTHSERVER_DATABASE_URL, "
            "because a role that owns tables could lift their row-level security"
        )
    import asyncpg  # noqa: PLC0415 - not needed on SQLite

    every_table()
    engine = postgres_engine(owner_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text(_LOCK))
            await _make_roles(connection, role, unquote(app.password or ""))
            late = await connection.run_sync(_upgrade)
            await _guard(connection, role)
            return late
    except sa.exc.ProgrammingError as error:
        raise MigrationError(f"AUTHSERVER_DATABASE_OWNER_URL: the role may not do this: {error.orig}") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, sa.exc.DBAPIError) as error:
        reason = error.orig if isinstance(error, sa.exc.DBAPIError) else type(error).__name__
        raise DatabaseUnavailableError(
            f"AUTHSERVER_DATABASE_OWNER_URL: the database does not answer ({reason})"
        ) from error
    finally:
        await engine.dispose()


async def _make_roles(connection: Any, role: str, password: str) -> None:
    platform = platform_role(role)
    found = await connection.execute(
        sa.text(
            "SELECT rolname, rolsuper OR rolbypassrls, rolinherit FROM pg_roles WHERE rolname IN (:role, :platform)"
        ),
        {"role": role, "platform": platform},
    )
    known = {name: (unbound, inherits) for name, unbound, inherits in found}
    for name, (unbound, _) in known.items():
        if unbound:
            raise MigrationError(
                f"AUTHSERVER_DATABASE_URL: {name} is a superuser or bypasses row-level security; use a plain role"
            )
    version = (await connection.execute(sa.text("SELECT current_setting('server_version_num')::int"))).scalar_one()
    if version < 160000 and role in known and known[role][1]:
        raise MigrationError(f"AUTHSERVER_DATABASE_URL: run ALTER ROLE {role} NOINHERIT first (PostgreSQL before 16)")
    wanted = []
    if role not in known:
        if not password:
            raise MigrationError(
                f"AUTHSERVER_DATABASE_URL: the role {role} does not exist, and no password is given to make it"
            )
        wanted.append(f"CREATE ROLE \"{role}\" LOGIN NOINHERIT PASSWORD '{_scram(password)}'")
    if platform not in known:
        wanted.append(f'CREATE ROLE "{platform}" NOLOGIN')
    is_member = await connection.execute(
        sa.text(
            "SELECT 1 FROM pg_auth_members m JOIN pg_roles p ON p.oid = m.roleid JOIN pg_roles r ON r.oid = m.member"
            " WHERE p.rolname = :platform AND r.rolname = :role"
        ),
        {"role": role, "platform": platform},
    )
    if is_member.first() is None:
        # The serving role must take the platform role deliberately, never have its rights by membership.
        options = " WITH INHERIT FALSE, SET TRUE" if version >= 160000 else ""
        wanted.append(f'GRANT "{platform}" TO "{role}"{options}')
    try:
        for text in wanted:
            await connection.exec_driver_sql(text)
    except sa.exc.DBAPIError as error:
        shown = "; ".join(re.sub(r"PASSWORD '.*'", "PASSWORD '…'", text) for text in wanted)
        raise MigrationError(
            f"AUTHSERVER_DATABASE_OWNER_URL: the role may not make roles ({error.orig}). Let an administrator run: {shown}"
        ) from None


def _scram(password: str) -> str:
    """Return the SCRAM-SHA-256 verifier (RFC 5803), so that the password stands in no statement and no server log."""
    if not (password.isascii() and password.isprintable()):
        raise MigrationError("AUTHSERVER_DATABASE_URL: the password of a role to be made must be printable ASCII")
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${rounds}:{encoded[0]}${encoded[1]}:{encoded[2]}"


async def _guard(connection: Any, role: str) -> None:
    platform = platform_role(role)
    schema = (await connection.execute(sa.text("SELECT current_schema()"))).scalar_one()
    await connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{schema}" TO "{role}", "{platform}"')
    await connection.exec_driver_sql(f'GRANT SELECT ON alembic_version TO "{role}"')
    for name in sorted(metadata.tables):
        rights = "SELECT, INSERT" if name in _APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        await connection.exec_driver_sql(f'REVOKE ALL ON "{name}" FROM "{role}", "{platform}", PUBLIC')
        await connection.exec_driver_sql(f'GRANT {rights} ON "{name}" TO "{role}", "{platform}"')
        if name == _PRUNED:
            await connection.exec_driver_sql(f'GRANT DELETE ON "{name}" TO "{platform}"')
    await _keep_out_of_statistics(connection)
    present = await _present_policies(connection)
    mine = "(tenant_id = current_setting('app.tenant'::text, true))"
    everywhere: dict[str, tuple[str, str, str, str, str | None]] = {
        "own_tenant": (role, "ALL", "PERMISSIVE", mine, mine),
        "platform": (platform, "ALL", "PERMISSIVE", "true", "true"),
    }
    for name in tenanted_tables():
        wanted = everywhere
        if name == _PRUNED:
            wanted = everywhere | {"pruned": (platform, "DELETE", "RESTRICTIVE", _IS_PRUNABLE, None)}
        is_guarded, policies = present[name]
        if is_guarded and policies == wanted:
            # What is right is left alone: to change a policy is to wait for everybody who uses the table.
            continue
        texts = [
            f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{name}" FORCE ROW LEVEL SECURITY',
            *(f'DROP POLICY "{policy}" ON "{name}"' for policy in policies),
        ]
        for policy, (target, command, kind, using, check) in wanted.items():
            checked = f" WITH CHECK ({check})" if check else ""
            texts.append(
                f'CREATE POLICY "{policy}" ON "{name}" AS {kind} FOR {command} TO "{target}" USING ({using}){checked}'
            )
        for text in texts:
            await connection.exec_driver_sql(text)


async def _keep_out_of_statistics(connection: Any) -> None:
    """Let no sample of a sealed column, or of a keyed hash, be copied into the planner's statistics: erasing does not reach them."""
    present = await connection.execute(
        sa.text(
            "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind = 'r'"
            " AND c.relnamespace = CAST(current_schema() AS regnamespace) AND a.attnum > 0"
            " AND COALESCE(a.attstattarget, -1) <> 0"
        )
    )
    counted = {(table, column) for table, column in present}
    secret = {(one.table, one.column) for one in SEALED_COLUMNS} | {("persons", "password_hash")}
    for table in metadata.sorted_tables:
        for column in table.columns:
            name = (table.name, column.name)
            if (isinstance(column.type, sa.LargeBinary) or name in secret) and name in counted:
                await connection.exec_driver_sql(
                    f'ALTER TABLE "{table.name}" ALTER COLUMN "{column.name}" SET STATISTICS 0'
                )


async def _present_policies(connection: Any) -> dict[str, tuple[bool, dict[str, tuple[str | None, ...]]]]:
    """Return for each table whether row-level security is enabled and forced, and its policies."""
    tables = await connection.execute(
        sa.text(
            "SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = CAST(current_schema() AS regnamespace)"
        )
    )
    found: dict[str, tuple[bool, dict[str, tuple[str | None, ...]]]] = {name: (guarded, {}) for name, guarded in tables}
    policies = await connection.execute(
        sa.text(
            "SELECT tablename, policyname, array_to_string(roles, ','), cmd, permissive, qual, with_check"
            " FROM pg_policies WHERE schemaname = current_schema()"
        )
    )
    for table, name, *definition in policies:
        found[table][1][name] = tuple(part and " ".join(part.split()) for part in definition)
    return found
