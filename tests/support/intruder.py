"""Somebody who writes into the database itself: past the server, its roles and its walls."""

import re
import sqlite3
from contextlib import closing

from tests.support.postgres import blocking

RECORD = ("audit_events", "audit_payloads", "audit_leaves", "audit_tiles", "audit_checkpoints", "audit_logs")

_ROWS = 60


class Intruder:
    """Runs SQL (`?` for values) as the owner of everything."""

    def __init__(self, server, templates) -> None:
        self._place, self._templates = server.place, templates

    def run(self, *steps: tuple) -> list[tuple]:
        """Run statements in one transaction; return the rows of the last."""
        if self._place.kind == "sqlite":
            with closing(sqlite3.connect(self._place.url.removeprefix("sqlite:///"), timeout=10)) as connection:
                rows: list[tuple] = []
                for text, *values in steps:
                    rows = connection.execute(text, values).fetchall()
                connection.commit()
                return rows
        return blocking(self._run_postgresql(steps))

    async def _run_postgresql(self, steps):
        import asyncpg

        name = self._place.url.rpartition("/")[2].partition("?")[0]
        connection = await asyncpg.connect(self._templates._postgres().admin_url.rpartition("/")[0] + f"/{name}")
        try:
            rows = []
            async with connection.transaction():
                for text, *values in steps:
                    numbers = iter(range(1, 2000))
                    rows = await connection.fetch(re.sub(r"\?", lambda _, n=numbers: f"${next(n)}", text), *values)
            return [tuple(row) for row in rows]
        finally:
            await connection.close()

    def snapshot(self) -> dict[str, list[tuple]]:
        """Return every row of the record."""
        return {table: self.run((f"SELECT * FROM {table}",)) for table in RECORD}

    def restore(self, kept: dict[str, list[tuple]]) -> None:
        """Put the record back as it was."""
        steps: list[tuple] = []
        for table, rows in kept.items():
            steps.append((f"DELETE FROM {table}",))
            # Many rows in a statement: each is a journey to the database.
            for at in range(0, len(rows), _ROWS):
                some = rows[at : at + _ROWS]
                values = ", ".join(f"({', '.join('?' * len(row))})" for row in some)
                steps.append((f"INSERT INTO {table} VALUES {values}", *(value for row in some for value in row)))
        self.run(*steps)
