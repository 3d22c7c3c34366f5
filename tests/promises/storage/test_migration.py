"""The schema is brought to the newest form once, is what the code declares, and an older one is not served."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from authserver.domain.audit import store as audit
from authserver.runtime import migration
from authserver.runtime.database import open_database
from authserver.runtime.database_url import is_sqlite, sqlite_path
from authserver.runtime.migration import MigrationError, migrate, pending, revisions
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from tests.promises.storage.rows import ACME, event, events, unit

ROOT = Path(__file__).resolve().parents[3]

START = """
import asyncio, sys
from authserver.runtime.migration import migrate
print(len(asyncio.run(migrate(sys.argv[1], sys.argv[2]))))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """An empty database: the URLs of the owner and of the role that serves."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/new folder/rows.db"
        yield url, url
        return
    server = request.getfixturevalue("postgres")
    made = server.empty_database()
    yield made.owner, made.app
    server.drop(made.name)


def alembic(*arguments, url):
    return subprocess.run(
        [sys.executable, "-m", "alembic", "-x", f"url={url}", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.requirement("storage:migration:many-starters-migrate-once")
async def test_of_many_starters_one_migrates_and_the_others_wait_for_it(empty):
    """Five processes start at the same moment on an empty database."""
    starters = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            START,
            *empty,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(5)
    ]
    answers = await asyncio.gather(*(starter.communicate() for starter in starters))

    assert [0] * 5 == [starter.returncode for starter in starters], answers
    assert [0, 0, 0, 0, len(revisions())] == sorted(int(out) for out, _ in answers)
    assert [] == await pending(empty[1])


@pytest.mark.requirement("storage:migration:is-what-the-code-declares")
async def test_the_migrated_schema_is_what_the_code_declares(empty):
    """`alembic check` on each database: a changed store needs a migration."""
    owner, app = empty
    await migrate(owner, app)

    checked = await asyncio.to_thread(alembic, "check", url=owner)

    assert 0 == checked.returncode, checked.stdout + checked.stderr
    assert "No new upgrade operations detected." in checked.stdout


async def test_a_migration_can_be_taken_back(empty):
    """Down to nothing and up again, so that a release can be undone before anybody relies on it."""
    owner, app = empty
    await migrate(owner, app)

    down = await asyncio.to_thread(alembic, "downgrade", "base", url=owner)

    assert 0 == down.returncode, down.stderr
    assert revisions() == await pending(app)
    assert revisions() == await migrate(owner, app)


@pytest.mark.requirement("record:migration:what-was-recorded-before-is-kept")
async def test_what_was_recorded_before_there_was_a_log_is_carried_over_and_waits_to_be_sealed(empty):
    """An event of the older form keeps what it said and its payload, and gets the header that is proved from now on."""
    owner, app = empty
    await migrate(owner, app)
    assert 0 == (await asyncio.to_thread(alembic, "downgrade", "0005", url=owner)).returncode
    if not is_sqlite(owner):
        await execute(owner, "ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY")
    await execute(
        owner,
        "INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref,"
        " authorization_id, resource, header, commitment, payload, payload_key) VALUES ('ten_aaaaaaaaaaaaaaaa', 'e1', 7, 'k', 'done',"
        " '', 'r', 'c', 'ref', '', '', '{\"by\":\"op\",\"kid\":null}', CAST('co' AS X), CAST('pa' AS X), CAST('ke' AS X))".replace(
            "AS X", "AS BLOB" if is_sqlite(owner) else "AS BYTEA"
        ),
    )
    if not is_sqlite(owner):
        await execute(owner, "ALTER TABLE audit_events FORCE ROW LEVEL SECURITY")

    await migrate(owner, app)

    database = await open_database(app)
    found = await database.read(ACME, audit.ONE, {"tenant": ACME, "event_id": "e1"})
    named = await database.read(ACME, audit.OF_SUBJECT, {"tenant": ACME, "subject_ref": "op"})
    waits = await database.read(ACME, audit.UNSEALED, {"tenant": ACME, "most": 10})
    await database.close()
    assert [("", b"ke", b"pa")] == [(row["key_id"], row["payload_key"], row["payload"]) for row in found]
    assert (
        '{"about":{"by":"op"},"at":7,"client":"c","commit":"636f","id":"e1","kind":"k","outcome":"done","request":"r","sub":"ref",'
        '"tenant":"ten_aaaaaaaaaaaaaaaa","v":1}'
    ) == found[0]["header"]
    assert ["e1"] == [row["event_id"] for row in named] == [row["event_id"] for row in waits]


def test_revisions_are_one_line_of_numbers():
    """The number in front of a script's name is its revision, so that a start need not load Alembic to compare."""
    script = ScriptDirectory.from_config(migration._config())

    assert revisions() == [revision.revision for revision in reversed(list(script.walk_revisions()))]
    assert [revisions()[-1]] == script.get_heads()


@pytest.mark.requirement("storage:migration:an-older-schema-is-not-served")
async def test_what_is_missing_is_named_and_a_newer_schema_is_refused(empty):
    """A server refuses to start on a schema that is not its own, in either direction."""
    owner, app = empty
    before = await pending(app) if is_sqlite(app) else None
    await migrate(owner, app)
    assert before in (None, revisions())
    assert [] == await pending(app)

    await execute(owner, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(MigrationError, match="newer version"):
        await pending(app)
    with pytest.raises(MigrationError, match="newer version"):
        await migrate(owner, app)


async def test_a_database_that_does_not_answer_is_said_to_be_unavailable(tmp_path):
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to look at" * 100)

    with pytest.raises(DatabaseUnavailableError):
        await pending(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(DatabaseUnavailableError):
        await migrate(f"sqlite:///{tmp_path}/text.db", f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(DatabaseUnavailableError):
        await pending("postgresql://a:b@127.0.0.1:1/c")
    with pytest.raises(DatabaseUnavailableError):
        await migrate("postgresql://o:b@127.0.0.1:1/c", "postgresql://a:b@127.0.0.1:1/c")


@pytest.mark.requirement("storage:migration:the-file-is-ours-alone")
async def test_the_file_can_be_read_by_us_alone(tmp_path):
    """Hashes, wrapped keys and ciphertext are nobody else's business on a shared machine."""
    url = f"sqlite:///{tmp_path}/rows.db"
    await migrate(url, url)

    assert 0o600 == (tmp_path / "rows.db").stat().st_mode & 0o777
    assert "wal" == sqlite3.connect(tmp_path / "rows.db").execute("PRAGMA journal_mode").fetchone()[0]


@pytest.mark.requirement("storage:migration:guards-anew")
async def test_migrating_again_puts_back_a_guard_that_was_taken_away(postgres, postgres_urls):
    """Somebody who lifts the wall by hand has lifted it until the next start at most."""
    await execute(postgres_urls.owner, "ALTER TABLE consents NO FORCE ROW LEVEL SECURITY")
    await execute(postgres_urls.owner, "CREATE POLICY hole ON consents USING (true)")
    await execute(postgres_urls.owner, "DROP POLICY own_tenant ON refresh_tokens")

    assert [] == await migrate(postgres_urls.owner, postgres_urls.app)

    connection = await asyncpg.connect(postgres_urls.owner)
    forced = await connection.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'consents'")
    found = await connection.fetch(
        "SELECT tablename, policyname FROM pg_policies WHERE tablename IN ('consents', 'refresh_tokens') ORDER BY 1, 2"
    )
    await connection.close()
    assert forced
    assert ["own_tenant", "platform"] * 2 == [row["policyname"] for row in found]


@pytest.mark.requirement("storage:migration:makes-the-serving-role")
async def test_the_serving_role_is_made_and_its_password_is_in_no_statement(postgres):
    """The password of the URL becomes a SCRAM verifier on our side; PostgreSQL is never told it."""
    made = postgres.empty_database()
    role = f"made_{os.getpid()}"
    app = postgres.url(role, made.name)
    try:
        await migrate(made.owner, app)
        connection = await asyncpg.connect(postgres.admin_url)
        verifier = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", role)
        await connection.close()
        assert [] == await pending(app)
    finally:
        postgres.drop(made.name)
        postgres.run(f'DROP ROLE IF EXISTS "{role}"', f'DROP ROLE IF EXISTS "{role}_platform"')

    assert verifier.startswith("SCRAM-SHA-256$4096:")
    assert scram_accepts(verifier, password=role)


async def test_options_of_the_url_mean_the_same_to_the_server_and_to_migrations(postgres):
    """`sslmode` for a database that is not on this machine, `statement_cache_size` for an older PgBouncer."""
    made = postgres.empty_database()
    options = "?sslmode=disable&statement_cache_size=0"

    assert revisions() == await migrate(made.owner + options, made.app + options)
    assert [] == await pending(made.app + options)
    database = await open_database(made.app + options)
    assert await database.commit(unit(writes=[event("e")]))
    assert ["e"] == await events(database)
    await database.close()
    with pytest.raises(DatabaseUnavailableError):
        await migrate(postgres.url("nobody", made.name), made.app)
    postgres.drop(made.name)


@pytest.mark.requirement("storage:migration:makes-the-serving-role")
async def test_who_may_not_make_roles_is_told_what_an_administrator_must_run(postgres):
    """The cure is spelt out, without the password."""
    made = postgres.empty_database()
    poor = f"poor_{os.getpid()}"
    postgres.run(f"CREATE ROLE \"{poor}\" LOGIN PASSWORD 'x'", f'ALTER DATABASE "{made.name}" OWNER TO "{poor}"')
    try:
        with pytest.raises(MigrationError, match="CREATE ROLE") as told:
            await migrate(postgres.url(poor, made.name), postgres.url("nobody_yet", made.name))
    finally:
        postgres.drop(made.name)
        postgres.run(f'DROP ROLE "{poor}"')

    assert "PASSWORD '…'" in str(told.value)


@pytest.mark.requirement("storage:wall:the-owner-may-not-serve")
async def test_one_role_for_both_is_refused(postgres_urls):
    """A role that owns the tables could lift their row-level security."""
    with pytest.raises(MigrationError, match="another role"):
        await migrate(postgres_urls.owner, postgres_urls.owner)


@pytest.mark.requirement("storage:migration:the-wheel-can-migrate")
def test_the_wheel_carries_the_migrations(tmp_path):
    """An installed server must be able to migrate: the scripts travel inside the package."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == built.returncode, built.stderr
    (wheel,) = tmp_path.glob("*.whl")

    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"authserver/migrations/env.py", "authserver/migrations/script.py.mako"} <= names
    assert {
        f"authserver/migrations/versions/{path.name}" for path in (ROOT / "migrations/versions").glob("0*.py")
    } <= names


async def execute(url, text):
    if is_sqlite(url):
        connection = sqlite3.connect(sqlite_path(url))
        with connection:
            connection.execute(text)
        connection.close()
    else:
        connection = await asyncpg.connect(url)
        await connection.execute(text)
        await connection.close()


def scram_accepts(verifier, *, password):
    """RFC 5802 §3, computed here with another library than the one under test."""
    import base64

    from cryptography.hazmat.primitives import hashes, hmac
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    head, keys = verifier.removeprefix("SCRAM-SHA-256$").split("$")
    rounds, salt = head.split(":")
    stored, server = keys.split(":")
    salted = PBKDF2HMAC(hashes.SHA256(), 32, base64.b64decode(salt), int(rounds)).derive(password.encode())

    def keyed(message):
        mac = hmac.HMAC(salted, hashes.SHA256())
        mac.update(message)
        return mac.finalize()

    digest = hashes.Hash(hashes.SHA256())
    digest.update(keyed(b"Client Key"))
    return (digest.finalize(), keyed(b"Server Key")) == (base64.b64decode(stored), base64.b64decode(server))
