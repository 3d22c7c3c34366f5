"""
Rows in PostgreSQL: every transaction is one tenant's or was opened to cross tenants, and writers share durable commits.

Row-level security does the guarding (decision 5): a transaction says which tenant it is for with `SET LOCAL`, which ends
with it, or takes on the platform role. Nothing is ever set for a whole session, so a connection that is reused, also by
PgBouncer in transaction mode, carries nothing over. (Older PgBouncers know no prepared statements: add
`?statement_cache_size=0` to the URL.)

A few connections read and a few write, each driven by one task that takes whatever waits. Reads that follow each other
share a transaction; in READ COMMITTED each still sees what is committed at its own moment. Writers take all waiting units,
send equal statements of different units together, and commit once.
"""

import asyncio
import contextlib
import random
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg
import structlog

from authserver.runtime.database_url import postgres_url
from authserver.runtime.schema import Statement, tenanted_tables
from authserver.runtime.tenancy import check_reading, check_tenant, check_unit, platform_role
from authserver.runtime.unit_of_work import DatabaseUnavailableError, Row, RowRefusedError, Step, Unit, Values

log = structlog.get_logger("authserver.database")

MOST_QUEUED: Final = 10_000
MOST_IN_A_BATCH: Final = 128
HEAVY: Final = 2000
"""Of how many bulk rows a batch is not made any longer."""
_MOST_TRIES: Final = 8

# Deadlock-free by order: whoever announces takes this lock before the first of the numbered rows.
_ANNOUNCING: Final = "SELECT pg_advisory_xact_lock(hashtextextended('authserver.announce', 0))"
_CHANNEL: Final = "authserver_announced"
_LISTENING_S: Final = 20.0
"""How long a connection that listens may be silent before it is asked whether it is still there."""
_LISTEN_AGAIN_S: Final = 0.5
_RETURNING: Final = re.compile(r"\bRETURNING\b", re.IGNORECASE)

_GONE: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,
)
_AWAY: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.InsufficientResourcesError,  # a full disk
    asyncpg.PostgresSystemError,  # one that fails
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is not the primary yet
    asyncpg.QueryCanceledError,
)
_CLASH: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

_Outcome = bool | Exception
_Context = str
"""The SQL that makes a transaction see what it may: one tenant's rows, or with the platform role those of all."""


class _Pending:
    """One read or one unit, and whoever waits for it."""

    __slots__ = ("asked", "context", "future", "work")

    def __init__(self, work: Any, context: _Context | None, future: "asyncio.Future[Any]") -> None:
        self.asked = future.get_loop().time()
        self.work = work
        self.context = context
        self.future = future

    def settle(self, outcome: Any) -> None:
        if self.future.done():
            return  # whoever asked has gone
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class _Lanes:
    """Tasks with one connection each, fed from one line; first come, first served."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        serve: Callable[["_Lane"], Awaitable[None]],
        count: int,
        *,
        patience_s: float,
    ) -> None:
        self.waiting: deque[_Pending] = deque()
        self._patience_s = patience_s
        self.closing = False
        self._resting: list[asyncio.Future[None]] = []
        self._tasks = [asyncio.create_task(self._run(_Lane(connect, self), serve)) for _ in range(count)]
        self._sweeping = asyncio.create_task(self._sweep())

    def ask(self, pending: _Pending) -> None:
        if self.closing:
            raise DatabaseUnavailableError("the database is closing")
        if len(self.waiting) >= MOST_QUEUED:
            raise DatabaseUnavailableError("too many requests are waiting for the database")
        self.waiting.append(pending)
        self._wake()

    async def _sweep(self) -> None:
        """Answer whoever waits for a lane longer than may be: where the database hangs, each lane hangs, and the line grows."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, self._patience_s))
            while self.waiting and self.waiting[0].asked < loop.time() - self._patience_s:
                self.waiting.popleft().settle(_unavailable(TimeoutError("it does not answer in time")))

    def _wake(self) -> None:
        # The one that worked last works next: few busy lanes make large batches.
        while self._resting:
            resting = self._resting.pop()
            if not resting.done():
                resting.set_result(None)
                return

    async def _run(self, lane: "_Lane", serve: Callable[["_Lane"], Awaitable[None]]) -> None:
        try:
            while True:
                if self.waiting:
                    try:
                        await serve(lane)
                    except Exception as error:  # a lane outlives every accident
                        log.error("database_lane_failed", error=type(error).__name__, exc_info=error)
                        lane.drop()
                elif self.closing:
                    return
                else:
                    resting = asyncio.get_running_loop().create_future()
                    self._resting.append(resting)
                    await resting
        finally:
            await lane.close()

    async def close(self) -> None:
        self.closing = True
        while self._resting:
            self._wake()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sweeping.cancel()
        while self.waiting:
            self.waiting.popleft().settle(DatabaseUnavailableError("the database is closed"))


class _Lane:
    """One connection, opened when it is needed and again when it broke; `context` is that of its open transaction."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], lanes: _Lanes) -> None:
        self._connect = connect
        self._connection: Any = None
        self.lanes = lanes
        self.context: _Context | None = None
        self._plans_until = 0.0
        self._plans_for = 1.0

    async def connection(self) -> Any:
        now = asyncio.get_running_loop().time()
        if self._connection is None or self._connection.is_closed():
            self.context = None
            self._connection = await self._connect()
            self._plans_for, self._plans_until = 1.0, now + 0.5
        elif now > self._plans_until:
            # A plan made while the tables were all but empty reads a whole tenant where one key would do, and is kept
            # until the tables' statistics change. Seldom enough to cost nothing, soon enough after a first start.
            await self._connection.execute("DISCARD PLANS")
            self._plans_until = now + self._plans_for
            self._plans_for = min(self._plans_for * 2, 300.0)
        return self._connection

    def drop(self) -> None:
        """Let go of a connection that broke or is in an unknown state."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        self.context = None

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                await self._connection.close(timeout=5)
            self._connection = None


class _LostHalfwayError(Exception):
    """A unit lost a claim after it had won another: what it has written must be undone with the transaction."""


class PostgresDatabase:
    """
    The `Database` of more than one machine. Belongs to the event loop in which `open` is awaited.

    `url` names a role that owns nothing. `readers` and `writers` are connections of this process. Whoever waits for one for `patience_s`
    seconds, or for an answer for `timeout_s`, is told that the database is unavailable.
    """

    def __init__(
        self, url: str, *, readers: int = 3, writers: int = 2, timeout_s: float = 30, patience_s: float = 10
    ) -> None:
        self._url, self._cache_size = statement_cache(postgres_url(url))
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._counts = (readers, writers)
        self._platform: _Context = ""
        self._counted: dict[Statement, str] = {}
        self._reads: _Lanes
        self._writes: _Lanes

    async def open(self) -> Self:
        """Connect, and refuse a role that row-level security would not bind. Raises DatabaseUnavailableError."""
        connection = await self._connect()
        try:
            role, unbound = await connection.fetchrow(
                "SELECT rolname, rolsuper OR rolbypassrls OR EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid"
                " AND relkind = 'r' AND relname = ANY($1)) FROM pg_roles r WHERE rolname = current_user",
                tenanted_tables(),
            )
        finally:
            await connection.close()
        if unbound:
            raise DatabaseUnavailableError(
                f"the role {role} owns the tables or passes over row-level security: serve as another role, which"
                " `authserver migrate` makes when AUTHSERVER_DATABASE_OWNER_URL names the owner"
            )
        self._platform = f'SET LOCAL ROLE "{platform_role(role)}"'
        readers, writers = self._counts
        self._reads = _Lanes(self._connect, self._serve_reads, readers, patience_s=self._patience_s)
        self._writes = _Lanes(self._connect, self._serve_writes, writers, patience_s=self._patience_s)
        return self

    async def close(self) -> None:
        """Finish what was accepted, then close every connection."""
        await asyncio.gather(self._writes.close(), self._reads.close())

    async def _connect(self) -> Any:
        try:
            return await asyncpg.connect(
                self._url,
                timeout=5,
                command_timeout=self._timeout_s,
                statement_cache_size=self._cache_size,
                max_cached_statement_lifetime=0,
                server_settings={"application_name": "authserver"},
            )
        except (*_GONE, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _unavailable(error) from error

    def _context(self, tenant: str | None, *, platform: bool) -> _Context:
        if platform:
            return self._platform
        # Safe inside SQL text: `check_tenant` lets nothing but our own ids pass.
        return f"SET LOCAL app.tenant = '{check_tenant(tenant) or ''}'"

    # --- reading ---------------------------------------------------------------------------------------------------

    async def read(
        self, tenant: str | None, statement: Statement, values: Values, *, platform: bool = False
    ) -> Sequence[Row]:
        """Return the rows as committed now. Raises TenantBoundError, DatabaseUnavailableError."""
        check_reading(tenant, statement, values, platform=platform)
        guarded = statement.tenanted or platform
        pending = _Pending(
            (statement.postgres, [values[name] for name in statement.parameters]),
            self._context(tenant, platform=platform) if guarded else None,
            asyncio.get_running_loop().create_future(),
        )
        self._reads.ask(pending)
        rows: Sequence[Row] = await pending.future
        return rows

    async def _serve_reads(self, lane: _Lane) -> None:
        pending = lane.lanes.waiting.popleft()
        if not pending.future.done():
            pending.settle(await self._try_read(lane, pending))
        if lane.context is None:
            return
        # Whoever was answered may at once ask for more, and then the transaction serves again.
        for _ in range(2):
            await asyncio.sleep(0)
            if lane.lanes.waiting:
                return
        try:
            connection = await lane.connection()
            await connection.execute("COMMIT")
            lane.context = None
        except (*_GONE, asyncpg.PostgresError, asyncpg.InterfaceError):
            lane.drop()

    async def _try_read(self, lane: _Lane, pending: _Pending) -> Any:
        text, arguments = pending.work
        for last_try in (False, True):
            try:
                connection = await lane.connection()
                if pending.context is not None and pending.context != lane.context:
                    close = "" if lane.context is None else "COMMIT; "
                    await connection.execute(f"{close}BEGIN READ ONLY; {pending.context}")
                    lane.context = pending.context
                return await connection.fetch(text, *arguments)
            except _GONE as error:
                lane.drop()
                if last_try or isinstance(error, TimeoutError):
                    return _unavailable(error)
            except DatabaseUnavailableError as error:
                return error
            except Exception as error:  # noqa: BLE001 - the caller is told
                await self._roll_back(lane)
                return _refusal(error)
        raise AssertionError

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` when somebody has announced something: one connection that listens, and comes back when it dies.

        Behind a pooler in transaction mode nobody hears anything, and the tick decides.
        """
        was_told = False
        while True:
            connection = None
            try:
                connection = await self._connect()
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(_CHANNEL, lambda *_: changed())
                was_told = False
                changed()  # what was announced while nobody listened
                while not lost.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LISTENING_S):
                            await lost.wait()
                    await connection.execute("SELECT 1")
            except (*_GONE, DatabaseUnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not was_told:
                    log.warning("nobody_listens", error=type(error).__name__)
                    was_told = True
            finally:
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(_LISTEN_AGAIN_S)

    # --- writing ---------------------------------------------------------------------------------------------------

    async def commit(self, unit: Unit) -> bool:
        """Write all of the unit durably, or, when a claim is lost (False) or it raises, nothing of it."""
        check_unit(unit)
        context = self._context(unit.tenant, platform=unit.platform)
        pending = _Pending(unit, context, asyncio.get_running_loop().create_future())
        self._writes.ask(pending)
        return bool(await pending.future)

    async def _serve_writes(self, lane: _Lane) -> None:
        # Whoever else is about to ask in this turn of the loop joins the same commit.
        await asyncio.sleep(0)
        batch: list[_Pending] = []
        weight = 0
        while lane.lanes.waiting and len(batch) < MOST_IN_A_BATCH and weight < HEAVY:
            pending = lane.lanes.waiting.popleft()
            if not pending.future.done():
                batch.append(pending)
                weight += pending.work.weight
        if not batch:
            return
        # Units are independent: one order for all writers keeps them from waiting for each other in a circle.
        batch.sort(key=_order)
        outcomes: list[_Outcome] = [DatabaseUnavailableError("the writer was stopped")] * len(batch)
        try:
            outcomes = await self._try_write(lane, batch)
        finally:
            for pending, outcome in zip(batch, outcomes, strict=True):
                pending.settle(outcome)

    async def _try_write(self, lane: _Lane, batch: list[_Pending]) -> list[_Outcome]:
        for attempt in range(_MOST_TRIES):
            progress = _Progress()
            try:
                connection = await lane.connection()
                return await self._transaction(connection, batch, progress)
            except _CLASH as error:
                await self._roll_back(lane)
                if attempt == _MOST_TRIES - 1:
                    return [_unavailable(error)] * len(batch)
                await asyncio.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - not a secret
            except _GONE as error:
                lane.drop()
                if progress.is_committing:
                    lost = DatabaseUnavailableError(
                        "the connection was lost during COMMIT: unknown whether it was written"
                    )
                    return [lost] * len(batch)
                if attempt > 0 or isinstance(error, TimeoutError):
                    return [_unavailable(error)] * len(batch)
            except DatabaseUnavailableError as error:
                return [error] * len(batch)
            except Exception as error:  # noqa: BLE001 - one unit is at fault; the others must not pay for it
                await self._roll_back(lane)
                if len(batch) == 1:
                    return [False if isinstance(error, _LostHalfwayError) else _refusal(error)]
                return [(await self._try_write(lane, [pending]))[0] for pending in batch]
        raise AssertionError

    async def _roll_back(self, lane: _Lane) -> None:
        try:
            connection = await lane.connection()
            lane.context = None
            if connection.is_in_transaction():
                await connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - a connection in an unknown state is worth nothing
            lane.drop()

    async def _transaction(self, connection: Any, batch: list[_Pending], progress: "_Progress") -> list[_Outcome]:
        groups: dict[_Context, list[int]] = {}
        for place, pending in enumerate(batch):
            groups.setdefault(pending.context or "", []).append(place)
        alive = [True] * len(batch)
        now = ""
        for context, places in groups.items():
            await connection.execute(_switch(now, context, self._platform))
            if not now and any(pending.work.announces_first for pending in batch):
                await connection.execute(_ANNOUNCING)
            now = context
            await self._claim(connection, batch, places, alive)
            for statement, rows in _gathered([batch[place].work.writes for place in places if alive[place]]):
                if statement.is_for_many:
                    await connection.execute(statement.postgres, *zip(*rows, strict=True))
                elif len(rows) == 1:
                    await connection.execute(statement.postgres, *rows[0])
                else:
                    await connection.executemany(statement.postgres, rows)
        announcing = [place for place in range(len(batch)) if alive[place] and batch[place].work.last]
        if announcing:
            await connection.execute(_ANNOUNCING)
        for place in announcing:
            pending = batch[place]
            for statement, values in pending.work.last:
                if (statement.tenanted or pending.work.platform) and pending.context != now:
                    await connection.execute(_switch(now, pending.context or "", self._platform))
                    now = pending.context or ""
                await connection.execute(statement.postgres, *_arguments((statement, values)))
        progress.is_committing = True
        # Heard by the other processes when this commits, and not at all when it does not.
        await connection.execute(f"NOTIFY {_CHANNEL}; COMMIT" if announcing else "COMMIT")
        return list(alive)

    async def _claim(self, connection: Any, batch: list[_Pending], places: list[int], alive: list[bool]) -> None:
        turn = 0
        while True:
            asked: dict[Statement, list[int]] = {}
            for place in places:
                claims = batch[place].work.claims
                if alive[place] and len(claims) > turn:
                    asked.setdefault(claims[turn][0], []).append(place)
            if not asked:
                return
            for statement, askers in asked.items():
                rows = [_arguments(batch[place].work.claims[turn]) for place in askers]
                counts = await connection.fetchmany(self._count_changes(statement), rows)
                for place, count in zip(askers, counts, strict=True):
                    if count[0] == 0:
                        if turn > 0:
                            raise _LostHalfwayError
                        alive[place] = False
            turn += 1

    def _count_changes(self, statement: Statement) -> str:
        """Return the statement as one that answers one row for each set of arguments: how many rows it changed."""
        counted = self._counted.get(statement)
        if counted is None:
            text = statement.postgres if _RETURNING.search(statement.postgres) else f"{statement.postgres} RETURNING 1"
            counted = self._counted[statement] = f"WITH changed AS ({text}) SELECT count(*) FROM changed"
        return counted


class _Progress:
    """How far a transaction came."""

    is_committing = False


def _switch(now: _Context, then: _Context, platform: _Context) -> str:
    if not now:
        return f"BEGIN; {then}"
    return f"SET LOCAL ROLE NONE; {then}" if now == platform else then


def _order(pending: _Pending) -> str:
    unit: Unit = pending.work
    steps = unit.claims or unit.writes or unit.last
    if not steps:
        return ""
    statement, values = steps[0]
    return str(values["rows"][0][:2] if statement.is_for_many else values)


def _arguments(step: Step) -> list[Any]:
    statement, values = step
    return [values[name] for name in statement.parameters]


def _rows(step: Step) -> list[Any]:
    """Return the rows of values that a step asks for: one, or those of many at once."""
    statement, values = step
    return list(values["rows"]) if statement.is_for_many else [_arguments(step)]


def _gathered(units: list[list[Step]]) -> list[tuple[Statement, list[Any]]]:
    """
    Return the writes of several units with equal statements together, each unit's own order kept.

    A step joins the first equal group at or after the group of the unit's step before it.
    """
    groups: list[tuple[Statement, list[Any]]] = []
    for steps in units:
        at = 0
        for step in steps:
            for place in range(at, len(groups)):
                if groups[place][0] is step[0]:
                    groups[place][1].extend(_rows(step))
                    at = place
                    break
            else:
                groups.append((step[0], _rows(step)))
                at = len(groups) - 1
    return groups


def statement_cache(url: str) -> tuple[str, int]:
    """Return the URL without `statement_cache_size`, and its value: asyncpg takes it beside the URL."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    sizes = [value for name, value in query if name == "statement_cache_size"]
    kept = urlencode([(name, value) for name, value in query if name != "statement_cache_size"])
    return urlunsplit(parts._replace(query=kept)), int(sizes[-1]) if sizes else 1024


def _refusal(error: Exception) -> Exception:
    refused = (
        asyncpg.IntegrityConstraintViolationError,
        asyncpg.InsufficientPrivilegeError,
        asyncpg.exceptions.DataError,
    )
    if isinstance(error, (*refused, ValueError, OverflowError)):  # ValueError: asyncpg could not encode it
        # The server's message is kept; its detail, which quotes the row, is not.
        told = RowRefusedError(f"PostgreSQL: {getattr(error, 'message', None) or 'a value cannot be stored'}")
        told.__cause__ = None
        told.__suppress_context__ = True
        return told
    if isinstance(error, _AWAY):
        return _unavailable(error)
    return error


def _unavailable(error: BaseException) -> DatabaseUnavailableError:
    # The first line: a hint of the database's own may follow.
    said = str(error).partition("\n")[0]
    unavailable = DatabaseUnavailableError(f"PostgreSQL: {type(error).__name__}: {said}")
    unavailable.__cause__ = error
    return unavailable
