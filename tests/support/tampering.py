"""What somebody does to the database with rights that no process of ours has: each statement as its owner."""

import sqlite3
from contextlib import closing
from typing import Any


def tamper(server: Any, templates: Any, *statements: str) -> None:
    """Run statements on the database of a server as whoever owns it, past row-level security and what is append only."""
    if server.place.kind == "sqlite":
        with (
            closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"), timeout=60)) as connection,
            connection,
        ):
            for one in statements:
                connection.execute(one)
        return
    import asyncpg

    from tests.support.postgres import blocking

    name = server.place.url.rpartition("/")[2].partition("?")[0]

    async def run() -> None:
        connection = await asyncpg.connect(templates._postgres().admin_url.rpartition("/")[0] + f"/{name}")
        try:
            await connection.execute(";\n".join(statements))
        finally:
            await connection.close()

    blocking(run())
