"""
What a database keeps of rows that were deleted, and how it is rid of it: pages that were freed, dead rows, the write-ahead log.

A deleted row's bytes stay in its page until something else is written there, on both databases, and in the write-ahead log until that is
overwritten. The tables that hold keys are small, so they are written anew, whole, in moments; the log is then filled with other things.
Nothing of this is possible for the role that serves on PostgreSQL, so it says what it could not do, and who may.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from authserver.runtime.database_url import is_sqlite, postgres_url, sqlite_path
from authserver.runtime.unit_of_work import DatabaseUnavailableError

_PATIENCE_S: Final = 10.0
_MOST_SEGMENTS: Final = 512
"""Of the write-ahead log that one cleaning overwrites: 8 GiB."""


@dataclass(kw_only=True, slots=True)
class Cleaned:
    """What became of the traces of deleted rows."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What could not be done, and what helps. Empty: the files of this database are clean."""
    elsewhere: list[str] = field(default_factory=list)
    """Who has copies of the write-ahead log, which no cleaning here reaches."""


async def clean(url: str, tables: Sequence[str], *, whole: bool = False) -> Cleaned:
    """Write these tables anew, and empty the write-ahead log; `whole`: every table, however long it takes.

    `url`: of a role that owns the tables. Raises DatabaseUnavailableError.
    """
    if is_sqlite(url):
        return await asyncio.to_thread(_clean_sqlite, sqlite_path(url), tables, whole=whole)
    return await _clean_postgres(url, tables, whole=whole)


# --- SQLite ------------------------------------------------------------------------------------------------------------


def _clean_sqlite(path: Path, tables: Sequence[str], *, whole: bool) -> Cleaned:
    cleaned = Cleaned()
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_S, isolation_level=None
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            # Every page that is given up is overwritten; and nothing of it waits in a file of its own meanwhile.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            if whole:
                connection.execute("VACUUM")
                cleaned.done.append("wrote the whole file anew")
            else:
                _write_anew(connection, tables)
                cleaned.done.append(f"wrote {len(tables)} tables anew")
            if _is_emptied(connection):
                cleaned.done.append("emptied the write-ahead log")
            else:
                cleaned.left.append("the write-ahead log is being read by another process: try again in a moment")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise DatabaseUnavailableError(f"SQLite: {error}") from error
    return cleaned


def _write_anew(connection: sqlite3.Connection, tables: Sequence[str]) -> None:
    # secure_delete clears what a row held; what a page held before its rows were moved to another, only this does.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in tables:
            connection.execute(f'CREATE TEMP TABLE kept AS SELECT * FROM main."{table}"')
            connection.execute(f'DELETE FROM main."{table}"')
            connection.execute(f'INSERT INTO main."{table}" SELECT * FROM kept')
            connection.execute("DROP TABLE kept")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise


def _is_emptied(connection: sqlite3.Connection) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with contextlib.suppress(sqlite3.OperationalError):
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


# --- PostgreSQL --------------------------------------------------------------------------------------------------------


async def _clean_postgres(url: str, tables: Sequence[str], *, whole: bool) -> Cleaned:
    import asyncpg  # noqa: PLC0415 - not needed on SQLite

    from authserver.runtime.postgresql import statement_cache  # noqa: PLC0415 - not needed on SQLite

    cleaned = Cleaned()
    try:
        address, _ = statement_cache(postgres_url(url))
        connection = await asyncpg.connect(address, timeout=10, statement_cache_size=0)
        try:
            if whole:
                rows = await connection.fetch(
                    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
                )
                tables = [row["tablename"] for row in rows]
            if await _write_tables_anew(connection, tables, cleaned):
                await _overwrite_log(connection, cleaned)
            await _name_copies(connection, cleaned)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailableError(f"PostgreSQL: {type(error).__name__}: {error}") from error
    return cleaned


async def _write_tables_anew(connection: Any, tables: Sequence[str], cleaned: Cleaned) -> bool:
    import asyncpg  # noqa: PLC0415 - as above

    role = await connection.fetchval("SELECT current_user")
    owned = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace)"
        " AND relname = ANY($1::text[]) AND NOT pg_has_role(relowner, 'USAGE')",
        list(tables),
    )
    if owned:
        cleaned.left.append(
            f"dead rows stay: the role {role} does not own the tables. Set AUTHSERVER_DATABASE_OWNER_URL for this command"
        )
        return False
    blocked = await _seen_by_others(connection)
    if blocked:
        cleaned.left.append(f"dead rows stay: {blocked} still sees them. Try again once that has ended")
        return False
    await connection.execute("SET lock_timeout = '500ms'")
    for table in tables:
        for tries_left in reversed(range(20)):
            try:
                # Waits for nobody for long: whoever comes behind us would wait as well.
                await connection.execute(f'VACUUM (FULL) "{table}"')
                break
            except asyncpg.LockNotAvailableError:
                if not tries_left:
                    cleaned.left.append(f"dead rows stay: {table} is in use all the time. Try again in a quieter hour")
                    return False
                await asyncio.sleep(0.25)
    cleaned.done.append(f"wrote {len(tables)} tables anew")
    return True


async def _seen_by_others(connection: Any) -> str:
    """Return who keeps dead rows alive for longer than we wait; a row that anybody may still see is carried over."""
    horizon = await connection.fetchval("SELECT CAST(CAST(pg_current_xact_id() AS xid) AS text)")
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        row = await connection.fetchrow(
            """
            SELECT who FROM (
                SELECT 'a transaction of ' || COALESCE(usename, 'somebody') || ' (process ' || pid || ')' AS who, backend_xmin AS seen
                FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND COALESCE(datname, current_database()) = current_database()
                UNION ALL SELECT 'the prepared transaction ' || gid, transaction FROM pg_prepared_xacts
                UNION ALL SELECT 'the replication slot ' || slot_name, xmin FROM pg_replication_slots
            ) others WHERE seen IS NOT NULL AND age(seen) > age(CAST(CAST($1 AS text) AS xid)) LIMIT 1
            """,
            horizon,
        )
        if row is None:
            return ""
        if time.monotonic() > deadline:
            return str(row["who"])
        await asyncio.sleep(0.05)


async def _overwrite_log(connection: Any, cleaned: Cleaned) -> None:
    """Go on to new files of the write-ahead log until none is left that holds anything from before.

    What is not needed any more is not emptied but kept to be used again, with all that it holds.
    """
    import asyncpg  # noqa: PLC0415 - as above

    role = await connection.fetchval("SELECT current_user")
    try:
        # The file that is being written holds what came before; the ones from here on do not.
        await connection.execute("SELECT pg_logical_emit_message(false, 'authserver', 'cleaning')")
        await connection.execute("SELECT pg_switch_wal()")
        began = await connection.fetchval("SELECT date_trunc('second', clock_timestamp()) + interval '1 second'")
        await asyncio.sleep(1.1)  # a file system may tell the time of a file to the second
        await connection.execute("CHECKPOINT")
        count = older = 0
        for count in range(_MOST_SEGMENTS):
            older = await connection.fetchval("SELECT count(*) FROM pg_ls_waldir() WHERE modification < $1", began)
            if not older:
                break
            await connection.execute("SELECT pg_logical_emit_message(false, 'authserver', 'cleaned')")
            await connection.execute("SELECT pg_switch_wal()")
            if count % 8 == 7:
                await connection.execute("CHECKPOINT")
        await connection.execute("CHECKPOINT")
    except asyncpg.InsufficientPrivilegeError:
        cleaned.left.append(
            f"the write-ahead log still holds what was deleted: let an administrator run GRANT pg_checkpoint, pg_monitor TO"
            f' "{role}"; GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "{role}"; then `authserver audit clean`'
        )
        return
    if older:
        cleaned.left.append(
            f"{older} files of the write-ahead log are from before and are kept by a replication slot, an archiver or wal_keep_size"
        )
    else:
        cleaned.done.append(f"overwrote {count} files of the write-ahead log")


async def _name_copies(connection: Any, cleaned: Cleaned) -> None:
    rows = await connection.fetch(
        """
        SELECT 'the archive of the write-ahead log (archive_mode)' AS who WHERE current_setting('archive_mode') <> 'off'
        UNION ALL SELECT 'a replica: ' || COALESCE(NULLIF(application_name, ''), 'without a name') FROM pg_stat_replication
        UNION ALL SELECT 'the replication slot ' || slot_name FROM pg_replication_slots
        """
    )
    cleaned.elsewhere += [row["who"] for row in rows]
