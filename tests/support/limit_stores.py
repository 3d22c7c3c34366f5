"""
The shared stores of limits, each on a real server, and a hand on their clock: what is kept is moved instead of the time.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from resource_lib.limits.sql import SqlStore
from resource_lib.limits.valkey import ValkeyStore

PATIENCE_S = 30
"""How long a question may take: a thousand at once on a machine that has other things to do take longer than a guard would wait."""

KINDS = ["valkey", "postgresql", "sqlite"]


class OnValkey:
    """Limits in a Valkey."""

    def __init__(self, url: str) -> None:
        import redis.asyncio as redis

        self.url = url
        self.store = ValkeyStore(url, timeout=PATIENCE_S)
        self.client = redis.Redis.from_url(url, protocol=2, decode_responses=True)

    async def passes(self, seconds: float) -> None:
        """Let time pass (or go back, when negative) for whatever is kept."""
        moved = int(seconds * 1_000_000)
        for key in await self.client.keys("*"):
            if await self.client.type(key) == "string":
                life = await self.client.pttl(key)
                owed = int(await self.client.get(key)) - moved
                await self.client.set(key, owed, px=max(1, life - int(seconds * 1000)))
            else:
                for one, until in await self.client.zrange(key, 0, -1, withscores=True):
                    await self.client.zadd(key, {one: until - moved})
                await self.client.pexpire(key, await self.client.pttl(key) - int(seconds * 1000))

    async def kept(self) -> int:
        """Return how many keys there are."""
        return int(await self.client.dbsize())

    async def seated(self) -> int:
        """Return how many seats are taken."""
        keys = [key for key in await self.client.keys("*") if await self.client.type(key) == "zset"]
        return sum([await self.client.zcard(key) for key in keys])

    async def tidy(self) -> None:
        """Valkey forgets by itself."""

    async def flush(self) -> None:
        """Forget everything."""
        await self.client.flushall()

    async def close(self) -> None:
        """Forget everything and let go."""
        await self.store.aclose()
        await self.flush()
        await self.client.aclose()


class OnSql:
    """Limits in a database."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.store = SqlStore(engine, timeout=PATIENCE_S)

    async def run(self, *statements: str) -> Any:
        """Run statements; returns the one value of the last."""
        from sqlalchemy import text

        def work(connection):
            found = [connection.execute(text(one)) for one in statements][-1]
            value = found.scalar() if found.returns_rows else None
            connection.commit()
            return value

        return await self.store._within(work)

    async def passes(self, seconds: float) -> None:
        """Let time pass (or go back, when negative) for whatever is kept."""
        moved = int(seconds * 1_000_000)
        await self.run(
            f"UPDATE resource_limits SET owed_until = owed_until - {moved} WHERE owed_until > 0",
            f"UPDATE resource_limit_seats SET until = until - {moved}",
        )

    async def kept(self) -> int:
        """Return how many limits and seats there are."""
        return await self.run("SELECT count(*) FROM resource_limits WHERE owed_until > 0") + await self.seated()

    async def seated(self) -> int:
        """Return how many seats are taken."""
        return int(await self.run("SELECT count(*) FROM resource_limit_seats"))

    async def tidy(self) -> None:
        """Do what is done each minute."""
        await self.store._forget()

    async def flush(self) -> None:
        """Forget everything."""
        await self.run("DELETE FROM resource_limits", "DELETE FROM resource_limit_seats")

    async def close(self) -> None:
        """Let go."""
        await self.store.aclose()
        disposed = self.engine.dispose()
        if disposed is not None:
            await disposed


def engine_at(url: str, **options: Any) -> Any:
    """Return an engine: an async one for PostgreSQL, a plain one for SQLite."""
    if url.startswith("sqlite"):
        from sqlalchemy import create_engine

        return create_engine(url, **options)
    from sqlalchemy.ext.asyncio import create_async_engine

    return create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), **options)


@contextlib.asynccontextmanager
async def kept_in(kind: str, *, valkey: str, postgres: Any, folder: Path) -> AsyncIterator[Any]:
    """Yield an empty store of a kind."""
    if kind == "valkey":
        at: Any = OnValkey(valkey)
    else:
        url = f"sqlite:///{folder / 'limits.db'}" if kind == "sqlite" else postgres.empty_database().owner
        at = OnSql(engine_at(url))
        await at.store.prepare()
    try:
        yield at
    finally:
        await at.close()
