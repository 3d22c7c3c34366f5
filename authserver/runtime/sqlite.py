"""
Rows in one SQLite file: readers never wait, and whoever writes in the same millisecond shares one durable commit.

WAL with `synchronous=FULL`: when `commit()` returns, the rows survive a power cut. Reads run in the event loop (they cost
microseconds and never block in WAL). A batch of units is applied in the event loop too, and only what can take long,
waiting for another process's transaction and the durable COMMIT itself, runs in one writer thread: a thread that
executed each statement would fight the loop for the interpreter lock at every one of them.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from authserver.runtime.schema import Statement
from authserver.runtime.tenancy import check_reading, check_unit
from authserver.runtime.unit_of_work import DatabaseUnavailableError, Row, RowRefusedError, Step, Unit, Values

MOST_QUEUED: Final = 10_000
MOST_IN_A_BATCH: Final = 256
HEAVY: Final = 500
"""Of how many bulk rows a batch is not made any longer: everybody waits while they are written."""
PATIENCE_SECONDS: Final = 10.0
"""How long another process may hold the file before we say that the database is unavailable."""

LOOK_EVERY_SECONDS: Final = 0.025
"""How often it is asked whether another process has written: what it costs is in docs/performance.md."""

_Outcome = bool | Exception
_Job = Callable[[], _Outcome]


class _Pending:
    """One unit and whoever waits for it."""

    __slots__ = ("asked", "future", "unit")

    def __init__(self, unit: Unit, future: "asyncio.Future[bool]") -> None:
        self.asked = time.monotonic()
        self.unit = unit
        self.future = future

    def settle(self, outcome: _Outcome) -> None:
        if self.future.done():
            return  # whoever asked has gone
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class SQLiteDatabase:
    """
    The `Database` of a single machine. Several processes may open the same file.

    Belongs to the event loop in which it is first written to. Raises DatabaseUnavailableError when the file is missing:
    `authserver migrate` makes it.
    """

    def __init__(self, path: Path | str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._path = Path(path)
        self._patience = patience_seconds
        self._reader = _connect(self._path, patience_seconds)
        try:
            self._reader.execute("PRAGMA query_only = ON")
            self._writer = _connect(self._path, patience_seconds)
        except BaseException:
            self._reader.close()
            raise
        self._cursor = self._writer.cursor()
        self._queue: deque[_Pending] = deque()
        self._busy = False
        self._closing = False
        self._idle: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs: queue.SimpleQueue[tuple[_Job, Callable[[_Outcome], None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    # --- reading ---------------------------------------------------------------------------------------------------

    async def read(
        self, tenant: str | None, statement: Statement, values: Values, *, platform: bool = False
    ) -> Sequence[Row]:
        """Return the rows as committed now. Raises TenantBoundError, DatabaseUnavailableError."""
        check_reading(tenant, statement, values, platform=platform)
        deadline = 0.0
        while True:
            try:
                cursor = self._reader.execute(statement.sqlite, values)
                rows = cursor.fetchall()
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in rows]
            except sqlite3.OperationalError as error:
                if not _is_locked(error):
                    raise DatabaseUnavailableError(f"SQLite: {error}") from error
                # Only while another process recovers or lets go of the file; the loop must not stand still for it.
                now = time.monotonic()
                deadline = deadline or now + self._patience
                if now > deadline:
                    raise DatabaseUnavailableError("SQLite: the file is held by another process") from error
                await asyncio.sleep(0.002)
            except sqlite3.ProgrammingError as error:
                if self._closing:
                    raise DatabaseUnavailableError("the database is closed") from error
                raise

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` when anybody has written to the file; it is looked at many times a second, at no price to speak of."""
        seen: int | None = None
        while not self._closing:
            with contextlib.suppress(sqlite3.Error):
                version = self._reader.execute("PRAGMA data_version").fetchone()[0]
                if version != seen:
                    seen = version
                    changed()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    # --- writing ---------------------------------------------------------------------------------------------------

    async def commit(self, unit: Unit) -> bool:
        """Write all of the unit durably, or, when a claim is lost (False) or it raises, nothing of it."""
        check_unit(unit)
        if self._closing:
            raise DatabaseUnavailableError("the database is closing")
        if len(self._queue) >= MOST_QUEUED:
            raise DatabaseUnavailableError("too many writes are waiting")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
            self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
            self._thread.start()
        pending = _Pending(unit, loop.create_future())
        self._queue.append(pending)
        if not self._busy:
            self._busy = True
            # Not now: whoever else is about to ask in this turn of the loop joins the same commit.
            loop.call_soon(self._next_batch)
        return await pending.future

    def _next_batch(self) -> None:
        batch: list[_Pending] = []
        weight = 0
        # Where somebody holds the file, each batch waits for it in turn; whoever waited for the one before has waited enough.
        latest = time.monotonic() - self._patience
        while self._queue and len(batch) < MOST_IN_A_BATCH and weight < HEAVY:
            pending = self._queue.popleft()
            if pending.asked < latest:
                pending.settle(DatabaseUnavailableError("SQLite: the file is held by another process"))
            elif not pending.future.done():
                batch.append(pending)
                weight += pending.unit.weight
        if not batch:
            self._busy = False
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            return
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if _is_locked(error):
                self._hand_over(self._wait_for_our_turn, lambda outcome: self._began(batch, outcome))
            else:
                self._fail(batch, _unavailable(error))
            return
        self._began(batch, outcome=True)

    def _began(self, batch: list[_Pending], outcome: _Outcome, *, alone: bool = False) -> None:
        if isinstance(outcome, Exception):
            self._fail(batch, outcome)
            return
        try:
            outcomes = [self._apply_alone(pending.unit) for pending in batch] if alone else self._apply(batch)
        except Exception as error:  # noqa: BLE001 - one unit of the batch is at fault; the others must not pay for it
            try:
                if self._writer.in_transaction:
                    self._writer.rollback()
            except sqlite3.Error as worse:
                self._fail(batch, _unavailable(worse))
                return
            if alone:
                self._fail(batch, _unavailable(error))
            else:
                self._hand_over(self._wait_for_our_turn, lambda outcome: self._began(batch, outcome, alone=True))
            return
        self._hand_over(self._commit_durably, lambda outcome: self._committed(batch, outcomes, outcome))

    def _committed(self, batch: list[_Pending], outcomes: list[_Outcome], outcome: _Outcome) -> None:
        if isinstance(outcome, Exception):
            self._fail(batch, outcome)
            return
        for pending, result in zip(batch, outcomes, strict=True):
            pending.settle(result)
        self._next_batch()

    def _fail(self, batch: list[_Pending], error: Exception) -> None:
        for pending in batch:
            pending.settle(error)
        assert self._loop is not None
        self._loop.call_soon(self._next_batch)

    # --- inside the transaction -------------------------------------------------------------------------------------

    def _apply(self, batch: list[_Pending]) -> list[_Outcome]:
        """Everything of all units, then the numbered announcements of all, so that their lock is held briefly."""
        outcomes: list[_Outcome] = [self._apply_one(pending.unit) for pending in batch]
        for pending, won in zip(batch, outcomes, strict=True):
            if won:
                for step in pending.unit.last:
                    self._run(step)
        return outcomes

    def _apply_one(self, unit: Unit) -> bool:
        claims = unit.claims
        if len(claims) < 2:
            if claims and not self._run(claims[0]):
                return False
        else:
            self._cursor.execute("SAVEPOINT unit")
            for step in claims:
                if not self._run(step):
                    self._undo()
                    return False
            self._cursor.execute("RELEASE unit")
        for step in unit.writes:
            self._run(step)
        return True

    def _apply_alone(self, unit: Unit) -> _Outcome:
        self._cursor.execute("SAVEPOINT unit")
        try:
            for step in unit.claims:
                if not self._run(step):
                    self._undo()
                    return False
            for step in (*unit.writes, *unit.last):
                self._run(step)
            self._cursor.execute("RELEASE unit")
        except Exception as error:
            if not self._writer.in_transaction:
                raise  # SQLite itself gave the whole transaction up: the disk is full or broken
            self._undo()
            return _refusal(error)
        return True

    def _undo(self) -> None:
        self._cursor.execute("ROLLBACK TO unit")
        self._cursor.execute("RELEASE unit")

    def _run(self, step: Step) -> bool:
        statement, values = step
        if statement.is_for_many:
            self._cursor.executemany(statement.sqlite, values["rows"])
            return True
        cursor = self._cursor.execute(statement.sqlite, values)
        # A statement with RETURNING is not finished, and cannot be committed, before its rows are taken.
        return bool(cursor.fetchall()) if cursor.description is not None else cursor.rowcount > 0

    # --- the writer thread -----------------------------------------------------------------------------------------

    def _hand_over(self, job: _Job, then: Callable[[_Outcome], None]) -> None:
        self._jobs.put((job, then))

    def _work(self) -> None:
        assert self._loop is not None
        while (task := self._jobs.get()) is not None:
            job, then = task
            try:
                outcome = job()
            except BaseException as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                outcome = _unavailable(error)
            try:
                self._loop.call_soon_threadsafe(then, outcome)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

    def _wait_for_our_turn(self) -> _Outcome:
        # SQLite's own busy handler sleeps ever longer and starves the unlucky; ours asks again soon.
        deadline = time.monotonic() + self._patience
        pause = 0.0002
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_locked(error):
                    return _unavailable(error)
                if time.monotonic() > deadline:
                    return DatabaseUnavailableError("SQLite: the file is held by another process")
                time.sleep(pause)
                pause = min(pause * 1.5, 0.004)
            else:
                return True

    def _commit_durably(self) -> _Outcome:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                if _is_locked(error) and time.monotonic() < deadline:
                    time.sleep(0.001)
                    continue
                if self._writer.in_transaction:
                    self._writer.rollback()
                return _unavailable(error)
            else:
                return True

    # --- the end -----------------------------------------------------------------------------------------------------

    async def close(self) -> None:
        """Finish what was accepted, then let go of the file. Calling it again does nothing."""
        if self._closing:
            return
        self._closing = True
        if self._busy:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
        self._reader.close()
        self._writer.close()


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=0,  # nothing may block the event loop; whoever can wait does so itself
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
                detect_types=sqlite3.PARSE_DECLTYPES,
            )
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailableError(f"{path} cannot be opened: run `authserver migrate`") from error
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
        except sqlite3.Error as error:
            connection.close()
            if _is_locked(error) and time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            raise _unavailable(error) from error
        if mode != "wal":
            connection.close()
            raise DatabaseUnavailableError(
                f"{path} is on a file system without shared memory: SQLite cannot use WAL there"
            )
        return connection


def _is_locked(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _refusal(error: Exception) -> Exception:
    if isinstance(error, sqlite3.IntegrityError | OverflowError | UnicodeError):
        refused = RowRefusedError(
            f"SQLite: {error}" if isinstance(error, sqlite3.Error) else "a value cannot be stored"
        )
        refused.__cause__ = error
        return refused
    return _unavailable(error) if isinstance(error, sqlite3.OperationalError) else error


def _unavailable(error: BaseException) -> DatabaseUnavailableError:
    unavailable = DatabaseUnavailableError(f"SQLite: {error}")
    unavailable.__cause__ = error
    return unavailable


def _boolean(stored: bytes) -> Any:
    return stored != b"0"


# SQLite has no truth values: a column declared BOOLEAN comes back as what PostgreSQL would return.
sqlite3.register_converter("BOOLEAN", _boolean)
