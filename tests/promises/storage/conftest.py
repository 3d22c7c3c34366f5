"""A migrated database of either kind, empty, for one test."""

import contextlib
import shutil

import pytest

from authserver.runtime.database import open_database
from authserver.runtime.migration import every_table, migrate


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    from tests.support.postgres import blocking

    path = tmp_path_factory.mktemp("storage") / "template.db"
    blocking(migrate(f"sqlite:///{path}", f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """The URL of the role that serves."""
    every_table()
    if request.param == "sqlite":
        path = tmp_path / "rows.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    made = server.database()
    yield made.app
    server.drop(made.name)


@pytest.fixture
def postgres_urls(postgres):
    """A migrated PostgreSQL database: the URLs of its owner and of the role that serves."""
    made = postgres.database()
    yield made
    postgres.drop(made.name)


@pytest.fixture
async def open_one(url):
    """Return a function that opens the database once more, as another process would."""
    async with contextlib.AsyncExitStack() as opened:

        async def open_it():
            database = await open_database(url)
            opened.push_async_callback(database.close)
            return database

        yield open_it


@pytest.fixture
async def database(open_one):
    return await open_one()
