"""
Limits in a SQL database, by SQLAlchemy: for whoever has PostgreSQL already, or SQLite for the processes of one machine.

One transaction for all that is asked in the same moment: it locks the rows, always in the order of their keys, so that no two wait for
each other; reads the database's clock once it holds them; decides with `gcra`; and writes. Two tables of its own, `resource_limits`
and `resource_limit_seats`, made by `await store.prepare()` or by your migrations (docs/limits.md).

SQLAlchemy is the author's own dependency, and is imported when a store is made. C37, C39, C41.
"""

import asyncio
import json
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, Literal

from resource_lib.limits import gcra
from resource_lib.limits.gcra import SECOND
from resource_lib.limits.store import SEAT_LIFE_S, Asked, Full, Seat, Slot, StoreUnavailableError, Taken
from resource_lib.limits.together import Together, undone_if_nobody_waits
from resource_lib.settings import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

TIMEOUT_S: Final = 1.0
"""How long one question may take in all: a transaction with its durable commit."""
_LANES: Final = {"postgresql": 2, "sqlite": 1}
"""How many connections of the pool a process uses. SQLite writes one by one anyway."""
_SWEEP_EVERY_S: Final = 60.0
_MOST_SWEPT: Final = 1000
_PREPARING: Final = 0x6C696D697473
"""The PostgreSQL advisory lock under which tables are made."""
_UNDEFINED_TABLE: Final = "42P01"
_TABLE: Final = re.compile(r"(?:[a-z_][a-z0-9_]{0,50}\.)?[a-z_][a-z0-9_]{0,50}")

CREATE: Final = (
    """CREATE TABLE IF NOT EXISTS {table}s (
    key VARCHAR(512) PRIMARY KEY,
    owed_until BIGINT NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS {table}_seats (
    key VARCHAR(512) NOT NULL,
    id VARCHAR(64) NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (key, id)
)""",
)
"""What `prepare` runs, with `resource_limit` for `{table}`. Times are microseconds since the epoch, by the database's clock."""

_POSTGRESQL: Final = {
    "lock": """
        INSERT INTO {table}s (key, owed_until)
        SELECT one, 0 FROM unnest(CAST(:keys AS text[])) AS one ORDER BY one COLLATE "C"
        ON CONFLICT (key) DO UPDATE SET key = excluded.key
        RETURNING key, owed_until
    """,
    "look": "SELECT key, owed_until FROM {table}s WHERE key = ANY (CAST(:keys AS text[]))",
    "now": "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
    "count": """
        UPDATE {table}s AS kept SET owed_until = said.until
        FROM unnest(CAST(:keys AS text[]), CAST(:untils AS bigint[])) AS said (key, until) WHERE kept.key = said.key
    """,
    "seats": "SELECT key, id, until FROM {table}_seats WHERE key = ANY (CAST(:keys AS text[]))",
    "leave": """
        DELETE FROM {table}_seats AS kept USING unnest(CAST(:keys AS text[]), CAST(:ids AS text[])) AS gone (key, id)
        WHERE kept.key = gone.key AND kept.id = gone.id
    """,
    "sit": """
        INSERT INTO {table}_seats (key, id, until)
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:ids AS text[]), CAST(:untils AS bigint[]))
        ON CONFLICT (key, id) DO UPDATE SET until = excluded.until
    """,
    "sweep": """
        DELETE FROM {table}s WHERE key IN (
            SELECT key FROM {table}s WHERE owed_until < :now LIMIT :most FOR UPDATE SKIP LOCKED
        )
    """,
    "sweep_seats": """
        DELETE FROM {table}_seats WHERE (key, id) IN (
            SELECT key, id FROM {table}_seats WHERE until < :now FOR UPDATE SKIP LOCKED
        )
    """,
}
_SQLITE: Final = {
    "lock": """
        INSERT INTO {table}s (key, owed_until) SELECT value, 0 FROM json_each(:keys) WHERE true
        ON CONFLICT (key) DO UPDATE SET key = excluded.key
        RETURNING key, owed_until
    """,
    "look": "SELECT key, owed_until FROM {table}s WHERE key IN (SELECT value FROM json_each(:keys))",
    "now": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000",
    "count": """
        UPDATE {table}s SET owed_until = said.until FROM (
            SELECT one.value AS key, two.value AS until FROM json_each(:keys) AS one JOIN json_each(:untils) AS two USING (key)
        ) AS said WHERE {table}s.key = said.key
    """,
    "seats": "SELECT key, id, until FROM {table}_seats WHERE key IN (SELECT value FROM json_each(:keys))",
    "leave": """
        DELETE FROM {table}_seats WHERE (key, id) IN (
            SELECT one.value, two.value FROM json_each(:keys) AS one JOIN json_each(:ids) AS two ON one.key = two.key
        )
    """,
    "sit": """
        INSERT INTO {table}_seats (key, id, until)
        SELECT one.value, two.value, three.value FROM json_each(:keys) AS one
        JOIN json_each(:ids) AS two ON two.key = one.key JOIN json_each(:untils) AS three ON three.key = one.key
        WHERE true
        ON CONFLICT (key, id) DO UPDATE SET until = excluded.until
    """,
    "sweep": "DELETE FROM {table}s WHERE key IN (SELECT key FROM {table}s WHERE owed_until < :now LIMIT :most)",
    "sweep_seats": "DELETE FROM {table}_seats WHERE until < :now",
}


@dataclass(frozen=True, slots=True)
class _Question:
    kind: Literal["take", "peek", "give", "begin", "renew", "end"]
    limits: Sequence[Asked] = ()
    seat: Seat | None = None
    most: Sequence[int] = ()
    """How many may sit, under each key of the seat."""


_Answer = Taken | Full | bool


class SqlStore:
    """
    See LimitStore. `engine` is the author's: an `AsyncEngine`, or an `Engine` that is then used in a thread; PostgreSQL or SQLite.

    `table` is what the names of its tables begin with, with the schema if there is one: replicas of one MCP server share it, and
    different servers do not. `timeout` (seconds) bounds each question.
    """

    def __init__(
        self, engine: "Engine | AsyncEngine", *, table: str = "resource_limit", timeout: float = TIMEOUT_S
    ) -> None:
        from sqlalchemy import text  # noqa: PLC0415 - no dependency of the library

        dialect = engine.dialect.name
        if dialect not in _LANES:
            raise SettingsError("engine", f"limits are not kept in {dialect}", "use PostgreSQL, SQLite or Valkey")
        if not _TABLE.fullmatch(table):
            raise SettingsError("table", "is no plain name", "use lower-case letters, digits and _")
        self._on_postgresql = dialect == "postgresql"
        # Rows are read anew once they are locked: at a stricter level an author may have chosen, that would be an error.
        self._engine = engine.execution_options(isolation_level="READ COMMITTED") if self._on_postgresql else engine
        self._create = [text(one.format(table=table)) for one in CREATE]
        statements = _POSTGRESQL if self._on_postgresql else _SQLITE
        self._sql = {name: text(one.format(table=table)) for name, one in statements.items()}
        self._together = Together(self._carry, timeout=timeout, lanes=_LANES[dialect])
        self._sweeping: asyncio.Task[None] | None = None
        self._swept_at = time.monotonic()

    async def prepare(self) -> None:
        """Make the tables where they are not there yet. Raises what the database says when the role may not."""
        await self._within(self._make_tables)

    async def take(self, asked: Sequence[Asked], *, peek: bool = False) -> Taken:
        """See LimitStore."""
        if not asked:
            return Taken(refused=None, retry_after_s=0, remaining=())
        found = await self._together.ask(_Question("peek" if peek else "take", asked))
        assert isinstance(found, Taken)
        return found

    async def give_back(self, asked: Sequence[Asked]) -> None:
        """See LimitStore."""
        if asked:
            await self._together.ask(_Question("give", asked))

    async def begin(self, asked: Sequence[Slot]) -> Seat | Full:
        """See LimitStore."""
        seat = Seat(id=token_hex(16), keys=tuple(one.key for one in asked))
        question = _Question("begin", seat=seat, most=tuple(one.most for one in asked))

        async def sit() -> Seat | Full:
            found = await self._together.ask(question)
            return found if isinstance(found, Full) else seat

        return await undone_if_nobody_waits(sit(), self._leave)

    async def _leave(self, found: Seat | Full) -> None:
        if isinstance(found, Seat):
            await self.end(found)

    async def renew(self, seat: Seat) -> bool:
        """See LimitStore."""
        return bool(await self._together.ask(_Question("renew", seat=seat)))

    async def end(self, seat: Seat) -> None:
        """See LimitStore."""
        await self._together.ask(_Question("end", seat=seat))

    async def aclose(self) -> None:
        """See LimitStore. The engine is the author's, and stays open."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])

    async def _within(self, work: Any, *given: Any) -> Any:
        """Run `work(connection, …)`, which commits what shall stay, without holding up the event loop."""
        from sqlalchemy import Engine  # noqa: PLC0415 - no dependency of the library

        engine = self._engine
        if isinstance(engine, Engine):

            def transact() -> Any:
                with engine.connect() as connection:
                    return work(connection, *given)

            return await asyncio.to_thread(transact)
        async with engine.connect() as connection:
            return await connection.run_sync(work, *given)

    async def _carry(self, questions: Sequence[_Question]) -> Sequence[_Answer]:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - no dependency of the library

        try:
            answers: list[_Answer] = await self._within(self._decide, questions)
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailableError(_named(error)) from None
        if time.monotonic() - self._swept_at > _SWEEP_EVERY_S and (self._sweeping is None or self._sweeping.done()):
            self._swept_at = time.monotonic()
            self._sweeping = asyncio.get_running_loop().create_task(self._forget())
        return answers

    async def _forget(self) -> None:
        """Forget what is owed no longer."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - no dependency of the library

        try:
            await self._within(self._sweep)
        except (SQLAlchemyError, OSError):
            # Next time.
            return

    def _make_tables(self, connection: "Connection") -> None:
        from sqlalchemy import text  # noqa: PLC0415 - no dependency of the library

        if self._on_postgresql:
            # Two that make the same table at once get in each other's way, even so.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _PREPARING})
        for one in self._create:
            connection.execute(one)
        connection.commit()

    def _sweep(self, connection: "Connection") -> None:
        now = self._now(connection)
        connection.execute(self._sql["sweep"], {"now": now, "most": _MOST_SWEPT})
        connection.execute(self._sql["sweep_seats"], {"now": now})
        connection.commit()

    def _decide(self, connection: "Connection", questions: Sequence[_Question]) -> list[_Answer]:
        """Answer all questions, one after the other, in one transaction."""
        named = {one.key for question in questions for one in question.limits}
        # Whoever holds the row of a seat's key is alone with those who sit there.
        sitting = {key for question in questions if question.seat is not None for key in question.seat.keys}
        only_looks = all(question.kind == "peek" for question in questions)
        rows = connection.execute(
            self._sql["look" if only_looks else "lock"],
            self._listed(keys=sorted(named | {_seat_row(key) for key in sitting})),
        )
        owed: dict[str, int] = {row.key: row.owed_until for row in rows}
        now = self._now(connection)
        counted = _Counted({key: owed.get(key, 0) for key in named}, now)
        seats = _Seats(
            connection.execute(self._sql["seats"], self._listed(keys=sorted(sitting))).all() if sitting else (), now
        )
        answers: list[_Answer] = []
        for question in questions:
            if question.seat is None:
                answers.append(counted.answer(question))
            else:
                answers.append(seats.answer(question.kind, question.seat, question.most))
        if counted.changed and not only_looks:
            keys = sorted(counted.changed)
            connection.execute(self._sql["count"], self._listed(keys=keys, untils=[counted.owed[key] for key in keys]))
        for name, changed in (("leave", seats.left), ("sit", seats.taken)):
            if changed:
                keys, ids = [key for key, _ in changed], [one for _, one in changed]
                untils = {"untils": list(changed.values())} if name == "sit" else {}
                connection.execute(self._sql[name], self._listed(keys=keys, ids=ids, **untils))
        if not only_looks and (counted.changed or seats.left or seats.taken):
            connection.commit()
        return answers

    def _now(self, connection: "Connection") -> int:
        return int(connection.execute(self._sql["now"]).scalar_one())

    def _listed(self, **lists: list[Any]) -> dict[str, Any]:
        """Return lists as this database takes them as one parameter."""
        return lists if self._on_postgresql else {name: json.dumps(one) for name, one in lists.items()}


class _Counted:
    """What is owed, while questions are answered one by one."""

    def __init__(self, owed: dict[str, int], now: int) -> None:
        self.owed = owed
        self.changed: set[str] = set()
        self._now = now

    def _owed(self, one: Asked) -> int:
        # Further ahead than it can be owed: the clock went back, or the limit was lowered. Put right at once, or it would be found so
        # until the clock has come that far.
        most = self._now + gcra.tolerance(one.most, one.seconds)
        if self.owed[one.key] > most:
            self.owed[one.key] = most
            self.changed.add(one.key)
        return self.owed[one.key]

    def answer(self, question: _Question) -> Taken | bool:
        if question.kind == "give":
            for one in question.limits:
                self.owed[one.key] = self._owed(one) - one.cost * gcra.interval(one.most, one.seconds)
                self.changed.add(one.key)
            return True
        refused, longest = None, 0.0
        for place, one in enumerate(question.limits):
            until = gcra.owed_until(self._owed(one), self._now, one.most, one.seconds, one.cost)
            over = gcra.wait(until, self._now, one.most, one.seconds)
            waiting = math.inf if one.cost > one.most else over / SECOND
            if over > 0 and waiting > longest:
                refused, longest = place, waiting
        if refused is None and question.kind == "take":
            for one in question.limits:
                self.owed[one.key] = gcra.owed_until(self._owed(one), self._now, one.most, one.seconds, one.cost)
                self.changed.add(one.key)
        left = tuple(gcra.remaining(self._owed(one), self._now, one.most, one.seconds) for one in question.limits)
        return Taken(refused=refused, retry_after_s=longest, remaining=left)


class _Seats:
    """Who sits where, while questions are answered one by one."""

    def __init__(self, rows: Sequence[Any], now: int) -> None:
        self._until = now + int(SEAT_LIFE_S * SECOND)
        self._there: dict[str, set[str]] = {}
        self.left: dict[tuple[str, str], int] = {}
        self.taken: dict[tuple[str, str], int] = {}
        for key, one, until in rows:
            if until <= now:
                self.left[key, one] = 0
                continue
            self._there.setdefault(key, set()).add(one)
            if until > self._until:
                # The clock went back: whoever is dead must not sit longer for it.
                self.taken[key, one] = self._until

    def answer(self, kind: str, seat: Seat, most: Sequence[int]) -> Full | bool:
        there = [self._there.setdefault(key, set()) for key in seat.keys]
        if kind == "end":
            for key, holders in zip(seat.keys, there, strict=True):
                holders.discard(seat.id)
                self.taken.pop((key, seat.id), None)
                self.left[key, seat.id] = 0
            return True
        if kind == "renew":
            if not all(seat.id in holders for holders in there):
                return False
        else:
            for place, (holders, some) in enumerate(zip(there, most, strict=True)):
                if len(holders) >= some:
                    return Full(place)
        for key, holders in zip(seat.keys, there, strict=True):
            holders.add(seat.id)
            self.left.pop((key, seat.id), None)
            self.taken[key, seat.id] = self._until
        return True


def _seat_row(key: str) -> str:
    """Return the key of the row that stands for those who sit under `key`; no limit has it."""
    return f"seats:{key}"


def _named(error: Exception) -> str:
    """Return what an operator must hear of a failure: its kind, and the cure where it is known; nothing of what was asked."""
    own = getattr(error, "orig", None) or error
    state = getattr(own, "sqlstate", None)
    if state == _UNDEFINED_TABLE or "no such table" in str(own):
        return "its tables are not there; run `await store.prepare()`, or the migration of docs/limits.md"
    return type(own).__name__ if state is None else f"{type(own).__name__} {state}"
