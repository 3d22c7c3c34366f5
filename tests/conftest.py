"""What every test can ask for. Servers and people stand in `support/`; this file makes them known to pytest."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest

from tests.support.order import longest_first
from tests.support.summary import InteropTable, RequirementCount

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 * 2**30


def keep_databases_in_memory():
    """A run makes thousands of databases, and on a disk that is most of its time. `TMPDIR` says otherwise."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


keep_databases_in_memory()

# A guard with a credential records calls, and no test may leave its own in the home of whoever runs it.
os.environ.setdefault("RESOURCE_GUARD_SPOOL", str(Path(tempfile.gettempdir()) / f"guard-spool-{os.getpid()}"))


def let_children_keep_byte_code():
    """A run starts some two hundred processes; where none may keep its byte code, each compiles the whole tree again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


let_children_keep_byte_code()


def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Run in the background of a shell: each process that a test starts would be as deaf to Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes is nothing a test asserts; on a busy machine the default of 200 ms is missed by chance.
    hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("patient")
    config.pluginmanager.register(RequirementCount(), "requirement-count")
    config.pluginmanager.register(InteropTable(), "interop-table")
    config.addinivalue_line("markers", "one_database: no row decides the outcome, so SQLite alone is enough")
    config.addinivalue_line("markers", "settings(**changed): settings of this test's server")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """One process of several: the longest files first (`--no-loadscope-reorder` keeps that order)."""
    if hasattr(config, "workerinput"):
        longest_first(items)


def pytest_generate_tests(metafunc):
    """Every test that asks for a database runs on each, unless it says that one is enough; TEST_ALL=1 asks for both always."""
    if "database_kind" not in metafunc.fixturenames:
        return
    from tests.support.server import DATABASES

    alone = metafunc.definition.get_closest_marker("one_database") and not os.environ.get("TEST_ALL")
    metafunc.parametrize("database_kind", ["sqlite"] if alone else DATABASES, scope="function")


@pytest.fixture(scope="session")
def postgres():
    """Yield the run's PostgreSQL; it starts at first use and ends with the run."""
    from tests.support.postgres import postgres_server

    with postgres_server() as running:
        yield running


@pytest.fixture(scope="session")
def templates(tmp_path_factory, request):
    """Return the world, made once per kind of database."""
    from tests.support.server import Templates

    return Templates(tmp_path_factory.mktemp("worlds"), lambda: request.getfixturevalue("postgres"))


@pytest.fixture
def place_and_world(database_kind, templates):
    """Yield a fresh copy of the world's database."""
    place, world = templates.copy(database_kind)
    yield place, world
    place.discard()


@pytest.fixture
async def server_with(place_and_world, templates):
    """Return a function that starts a server with changed settings on this test's database."""
    from tests.support.clock import HandClock
    from tests.support.server import Server, settings_for

    place, world = place_and_world
    clock = HandClock()
    async with contextlib.AsyncExitStack() as running:

        async def start(*, outbound=None, **changed):
            settings = settings_for(templates.kek, place.url, **changed)
            server = Server(settings=settings, clock=clock, world=world, place=place, outbound=outbound)
            await server.start()
            running.push_async_callback(server.stop)
            return server

        yield start


@pytest.fixture
async def server(server_with, request):
    """Return the server in process; `@pytest.mark.settings(name=value)` changes a setting."""
    marked = request.node.get_closest_marker("settings")
    return await server_with(**(marked.kwargs if marked else {}))


@pytest.fixture
async def server_at_https(server_with):
    """Return a server that is known by an https name, as behind a proxy."""
    return await server_with(issuer="https://auth.example.com")


@pytest.fixture
async def publisher(tmp_path):
    """Yield somebody who publishes client metadata documents on an internet of our own."""
    from tests.support.internet import Internet
    from tests.support.publisher import Publisher

    async with Internet().running() as internet:
        made = Publisher(internet, tmp_path)
        await made.open()
        yield made


@pytest.fixture
async def reading_server(server_with, publisher):
    """Return a server that reads documents there."""
    return await server_with(outbound=publisher.outbound())
