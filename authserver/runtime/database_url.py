"""
The forms of a database's URL.

`sqlite:///relative/file`, `sqlite:////absolute/file`; `postgresql://role:password@host/name`. The forms that name a
driver (`sqlite+aiosqlite:`, `postgresql+asyncpg:`) and `postgres://` mean the same.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit


class DatabaseURLError(ValueError):
    """The URL names no database that we know. The message says which forms are understood, never the password."""


def is_sqlite(url: str) -> bool:
    """Whether `url` names an SQLite file. Raises DatabaseURLError for anything that is neither database."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        return True
    if scheme in {"postgresql", "postgres"}:
        return False
    raise DatabaseURLError("use sqlite:///FILE or postgresql://ROLE:PASSWORD@HOST/NAME")


def sqlite_path(url: str) -> Path:
    """Return the file that an SQLite URL names."""
    _, separator, rest = url.partition("://")
    path = unquote(rest.partition("?")[0])
    if not separator or not path.startswith("/") or path in {"/", "/:memory:"}:
        raise DatabaseURLError("use sqlite:///FILE: rows are kept in a file, so that they outlive the process")
    return Path(path[1:])


def postgres_url(url: str) -> str:
    """Return a PostgreSQL URL as asyncpg reads it."""
    if is_sqlite(url) or not (urlsplit(url).hostname or "host=" in url):
        raise DatabaseURLError("use postgresql://ROLE:PASSWORD@HOST/NAME")
    return "postgresql" + url[url.index(":") :]
