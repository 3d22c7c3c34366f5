"""The wall between tenants inside the database, tried with plain SQL as the role that serves (C22, C23, decision 5)."""

import asyncpg
import pytest

from authserver.runtime.database import open_database
from authserver.runtime.migration import _IS_PRUNABLE, every_table
from authserver.runtime.schema import tenanted_tables
from authserver.runtime.tenancy import platform_role
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from tests.promises.storage.rows import ACME, GLOBEX, event, unit
from tests.support.postgres import blocking


@pytest.fixture(scope="module")
def postgres_urls(postgres):
    """A database in which both tenants have one row in the audit; no test here changes a row."""
    every_table()
    made = postgres.database()

    async def fill():
        database = await open_database(made.app)
        for tenant in (ACME, GLOBEX):
            assert await database.commit(unit(tenant, writes=[event(f"of {tenant}", tenant)]))
        await database.close()

    blocking(fill())
    yield made
    postgres.drop(made.name)


@pytest.fixture
async def connection(postgres_urls):
    """The role that serves."""
    opened = await asyncpg.connect(postgres_urls.app)
    yield opened
    await opened.close()


async def rows_of(connection, context, table="audit_events"):
    async with connection.transaction():
        if context:
            await connection.execute(context)
        return [row["tenant_id"] for row in await connection.fetch(f'SELECT tenant_id FROM "{table}" ORDER BY 1')]


def as_tenant(tenant):
    return f"SET LOCAL app.tenant = '{tenant}'"


@pytest.mark.requirement("storage:wall:every-tenanted-table-is-guarded")
async def test_every_tenanted_table_is_guarded_and_no_other_policy_exists(connection, postgres_urls):
    """Compared with what the code declares, so that a new table cannot be forgotten."""
    app = await connection.fetchval("SELECT current_user")
    platform = platform_role(app)
    mine = "(tenant_id = current_setting('app.tenant'::text, true))"

    guarded = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    found = {
        tuple(part and " ".join(part.split()) for part in row)
        for row in await connection.fetch(
            "SELECT tablename::text, array_to_string(roles, ','), cmd, permissive, qual, with_check FROM pg_policies"
        )
    }

    assert tenanted_tables() == [row["relname"] for row in guarded]
    assert len(tenanted_tables()) >= 7
    for table in tenanted_tables():
        # As it is found it is what the next migration compares with: else that would wait for everybody who uses the table.
        pruned = {(table, platform, "DELETE", "RESTRICTIVE", _IS_PRUNABLE, None)} if table == "audit_events" else set()
        assert {policy for policy in found if policy[0] == table} == pruned | {
            (table, app, "ALL", "PERMISSIVE", mine, mine),
            (table, platform, "ALL", "PERMISSIVE", "true", "true"),
        }
    assert {policy[0] for policy in found} == set(tenanted_tables())


@pytest.mark.requirement("storage:wall:every-tenanted-table-is-guarded")
async def test_every_table_with_a_tenant_is_declared_as_tenanted(connection):
    """A table with a `tenant_id` that nobody guards would be a hole in the wall."""
    with_tenant = await connection.fetch(
        "SELECT table_name::text FROM information_schema.columns WHERE column_name = 'tenant_id' AND table_schema = 'public'"
    )

    assert tenanted_tables() == sorted(row["table_name"] for row in with_tenant)


@pytest.mark.requirement("storage:wall:no-tenant-sees-nothing")
async def test_without_a_tenant_there_are_no_rows(connection):
    """Fail closed, also on a connection that served a tenant before."""
    assert [] == await rows_of(connection, None)
    assert [ACME] == await rows_of(connection, as_tenant(ACME))
    assert [] == await rows_of(connection, None)
    assert [] == await rows_of(connection, as_tenant(""))


@pytest.mark.requirement("storage:wall:one-tenant-sees-its-own")
async def test_plain_sql_sees_changes_and_deletes_only_its_own_rows(connection):
    """C22: also SQL that forgot every filter."""
    for table in tenanted_tables():
        assert set(await rows_of(connection, as_tenant(ACME), table)) <= {ACME}
    async with connection.transaction():
        await connection.execute(as_tenant(ACME))
        assert "DELETE 0" == await connection.execute("DELETE FROM memberships")
        assert [] == await connection.fetch("SELECT 1 FROM audit_events WHERE tenant_id = $1", GLOBEX)


@pytest.mark.requirement("storage:wall:no-row-is-written-across")
async def test_a_row_cannot_be_written_into_another_tenant(connection):
    """Neither inserted nor moved there."""
    text = "INSERT INTO consents (tenant_id, sub, client_id, resource, scope, shown, allowed_at) VALUES ($1, 's', 'c', 'r', '', '', 1)"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(as_tenant(ACME))
            await connection.execute(text, GLOBEX)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(as_tenant(ACME))
            await connection.execute(text, ACME)
            await connection.execute("UPDATE consents SET tenant_id = $1", GLOBEX)


@pytest.mark.requirement("storage:wall:crossing-is-deliberate")
async def test_the_platform_role_crosses_only_when_it_is_taken_on(connection):
    """Membership gives nothing by itself: the right to cross is taken on for one transaction."""
    platform = platform_role(await connection.fetchval("SELECT current_user"))

    assert [ACME, GLOBEX] == await rows_of(connection, f'SET LOCAL ROLE "{platform}"')
    assert [ACME] == await rows_of(connection, as_tenant(ACME))
    assert not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'USAGE')", platform)


@pytest.mark.requirement("storage:wall:what-happened-cannot-be-unsaid")
@pytest.mark.parametrize(
    ("change", "crossing"),
    [
        ("UPDATE audit_events SET kind = 'x'", False),
        ("UPDATE audit_events SET kind = 'x'", True),
        ("DELETE FROM audit_events", False),
        ("TRUNCATE audit_events", False),
        ("TRUNCATE audit_events", True),
    ],
)
async def test_the_serving_roles_cannot_change_what_happened(connection, change, crossing):
    """The audit and the control events are append-only for whoever serves."""
    platform = platform_role(await connection.fetchval("SELECT current_user"))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(f'SET LOCAL ROLE "{platform}"' if crossing else as_tenant(ACME))
            await connection.execute(change)


@pytest.mark.requirement("storage:wall:what-happened-cannot-be-unsaid")
async def test_whoever_prunes_takes_what_its_log_has_given_up_and_nothing_else(connection, postgres_urls):
    """The platform role deletes events that stand in their log below what it says will go: the database holds it to that."""
    platform = platform_role(await connection.fetchval("SELECT current_user"))
    event = "INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, header) VALUES ($1, $2, 1, 'k', 'done', '', '', '', '', '', '', '{}')"
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f'SET LOCAL ROLE "{platform}"')
        for tenant, size in ((ACME, 2), (GLOBEX, 0)):
            log = "INSERT INTO audit_logs (tenant_id, origin, size, partial, sealed_at_us, pinned, prunable) VALUES ($1, $1, 3, '', 1, 0, $2)"
            await connection.execute(log, tenant, size)
            for index in range(3):
                await connection.execute(event, tenant, f"e{index}")
                await connection.execute("INSERT INTO audit_leaves VALUES ($1, $2, $3)", tenant, index, f"e{index}")
        await connection.execute(event, ACME, "beside")
        gone = await connection.fetch("DELETE FROM audit_events RETURNING tenant_id, event_id")
    finally:
        await transaction.rollback()

    assert {(ACME, "e0"), (ACME, "e1")} == set(map(tuple, gone))


@pytest.mark.requirement("storage:wall:the-owner-may-not-serve")
async def test_a_role_that_the_wall_does_not_bind_may_not_serve(postgres, postgres_urls):
    """A superuser passes over row-level security and an owner can lift it: the start is refused and the cure named."""
    every_table()
    superuser = f"{postgres.admin_url.rpartition('/')[0]}/{postgres_urls.name}"

    for url in (postgres_urls.owner, superuser):
        with pytest.raises(DatabaseUnavailableError, match="authserver migrate"):
            await open_database(url)
