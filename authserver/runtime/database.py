"""The machine that keeps rows, by its URL: SQLite in one file, or PostgreSQL for more than one machine (decision 5)."""

from authserver.runtime.database_url import is_sqlite, sqlite_path
from authserver.runtime.unit_of_work import Database


async def open_database(url: str) -> Database:
    """
    Open the database for one process; call it in the event loop that will use it.

    Raises DatabaseUnavailableError when it does not answer, DatabaseURLError when the URL is of no known form.
    """
    if is_sqlite(url):
        from authserver.runtime.sqlite import SQLiteDatabase  # noqa: PLC0415 - one of the two is never loaded

        return SQLiteDatabase(sqlite_path(url))
    from authserver.runtime.postgresql import PostgresDatabase  # noqa: PLC0415 - one of the two is never loaded

    return await PostgresDatabase(url).open()
