"""Plan: the same on PostgreSQL, where the database builds the wall and the session tells it who is calling."""

import contextlib
import logging

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import joinedload

from resource_lib import TenantWallError, tenant_session
from resource_lib.identity.principal import calling_as
from tests.support.two_tenants import A, B, Base, Country, Order, fill, somebody

WALL = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY wall ON {table} USING (tenant_id = current_setting('app.tenant', true))
        WITH CHECK (tenant_id = current_setting('app.tenant', true))
"""


def async_url(url):
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
async def database(postgres):
    """A database of an author's own: two walled tables, one shared, and a role that owns nothing."""
    urls = postgres.empty_database()
    role = sa.make_url(urls.app).username
    owner = create_async_engine(async_url(urls.owner), poolclass=sa.NullPool)
    async with owner.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.run_sync(lambda sync: fill(sa.orm.Session(sync, join_transaction_mode="create_savepoint")))
        for table in ("customers", "orders"):
            for statement in WALL.format(table=table).split(";"):
                await connection.execute(sa.text(statement))
        await connection.execute(sa.text(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"'))
        await connection.execute(sa.text(f'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "{role}"'))
    await owner.dispose()
    yield urls
    postgres.drop(urls.name)


@pytest.fixture
async def engine(database):
    made = create_async_engine(async_url(database.app), pool_size=1, max_overflow=0)
    yield made
    await made.dispose()


@contextlib.asynccontextmanager
async def caller(engine, tenant=A, **options):
    with calling_as(somebody(tenant)):
        async with tenant_session(engine, **options) as session:
            yield session


async def orders(session):
    return [order.id for order in await session.scalars(sa.select(Order).order_by(Order.id))]


@pytest.mark.requirement("data:wall:row-level-security-is-told-who-calls")
async def test_every_way_of_reading_sees_the_callers_rows_and_no_other(engine):
    """C07, C23: raw SQL without any filter too; the database keeps the wall."""
    for tenant, own in ((A, [1, 3]), (B, [2]), (A, [1, 3])):
        async with caller(engine, tenant) as session:
            assert own == await orders(session)
            assert own == list(await session.scalars(sa.text("SELECT id FROM orders ORDER BY id")))
            assert own == list(await session.scalars(sa.select(Order.__table__.c.id).order_by(sa.text("id"))))
            assert own == [n for n in (1, 2, 3) if await session.get(Order, n)]
            assert len(own) == await session.scalar(sa.select(sa.func.count()).select_from(Order))
            query = sa.select(Order).options(joinedload(Order.customer)).where(Order.id == 3)
            assert all(order.customer is None for order in await session.scalars(query))
            assert ["DE"] == list(await session.scalars(sa.select(Country.code)))


async def test_outside_a_call_there_are_no_rows_and_no_writes(engine):
    """Fail closed: no tenant, no rows."""
    async with tenant_session(engine) as session:
        assert [] == await orders(session)
        assert [] == list(await session.execute(sa.text("SELECT * FROM orders")))
        with pytest.raises(TenantWallError, match="Nobody is calling"):
            await session.execute(sa.text("INSERT INTO orders (id, tenant_id, note) VALUES (9, '', 'x')"))
        session.add(Order(note="x"))
        with pytest.raises(TenantWallError, match="Nobody is calling"):
            await session.flush()


async def test_changes_without_a_where_change_the_callers_rows_alone(engine):
    """C07."""
    async with caller(engine) as session:
        assert 2 == (await session.execute(sa.text("UPDATE orders SET note = 'mine'"))).rowcount
        assert 2 == (await session.execute(sa.update(Order).values(note="mine"))).rowcount
        assert 2 == (await session.execute(sa.text("DELETE FROM orders"))).rowcount
        await session.commit()
    async with caller(engine, B) as session:
        assert [(2, "b")] == [(order.id, order.note) for order in await session.scalars(sa.select(Order))]


async def test_new_objects_get_the_callers_tenant_and_live_an_ordinary_life(engine):
    """Write, read again, change, delete, over several transactions of one session."""
    async with caller(engine) as session:
        order = Order(id=10, note="new")
        session.add(order)
        await session.commit()
        await session.refresh(order)
        assert (A, "new") == (order.tenant_id, order.note)
        order.note = "changed"
        await session.commit()
        assert [1, 3, 10] == await orders(session)
        await session.delete(order)
        await session.commit()
        assert [1, 3] == await orders(session)


CROSSINGS = {
    "raw insert": lambda s: s.execute(sa.text(f"INSERT INTO orders (id, tenant_id, note) VALUES (9, '{B}', 'x')")),
    "raw move": lambda s: s.execute(sa.text(f"UPDATE orders SET tenant_id = '{B}'")),
    "raw value": lambda s: s.execute(sa.text("SELECT * FROM orders WHERE tenant_id = :t"), {"t": B}),
    "orm insert": lambda s: s.execute(sa.insert(Order).values(id=9, tenant_id=B, note="x")),
    "core insert": lambda s: s.execute(sa.insert(Order.__table__).values(id=9, tenant_id=B, note="x")),
    "object": lambda s: s.run_sync(lambda sync: (sync.add(Order(id=9, tenant_id=B, note="x")), sync.flush())),
    "foreign object": lambda s: s.run_sync(
        lambda sync: (sync.merge(Order(id=1, tenant_id=B, note="x"), load=True), sync.flush())
    ),
}


@pytest.mark.parametrize("attempt", CROSSINGS.values(), ids=CROSSINGS)
async def test_writing_into_another_tenant_is_refused_and_a_critical_event(engine, attempt, caplog):
    """C23: by the session or, at the latest, by the database."""
    async with caller(engine) as session:
        with pytest.raises(TenantWallError):
            await attempt(session)
        await session.rollback()
        assert [1, 3] == await orders(session)

    (event,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert ("security.tenant_wall", A) == (event.event, event.tenant)
    async with caller(engine, B) as session:
        assert [2] == await orders(session)


@pytest.mark.requirement("data:wall:no-sql-leaves-it")
@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT set_config('app.tenant', '{B}', true)",
        f"select  SET_CONFIG('app.' || 'tenant', '{B}', false)",
        f"SET LOCAL app.tenant = '{B}'",
        f"SET app.tenant TO '{B}'",
        "RESET ALL",
        "RESET ROLE",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "DISCARD ALL",
        "COMMIT",
        "END",
        "ABORT",
        "DO $$ BEGIN PERFORM 1; END $$",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "COPY orders TO STDOUT",
        "/* x */ SET LOCAL app.tenant = 'x'",
        "-- x\nSET LOCAL app.tenant = 'x'",
        "/* x */ -- y\n SET ROLE postgres",
        "CALL nothing()",
        "(SELECT set_config('row_security', 'off', true))",
        f"SELECT U&\"set\\005fconfig\"('app.' || 'tenant', '{B}', true)",
        f"SELECT * FROM ts_stat('SELECT to_tsvector(set' || '_config(''app.'' || ''tenant'', ''{B}'', true))')",
        f"SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, set' || '_config(''app.'' || ''tenant'', ''{B}'', true)::tsquery')",
        f"SELECT query_to_xml('SELECT set' || '_config(''app.'' || ''tenant'', ''{B}'', true)', true, true, '')",
        "TRUNCATE orders",
        "LOCK TABLE orders",
        "EXECUTE x",
        "SELECT 1; RESET ALL",
        "/* /* x */ */ SET ROLE postgres",
        "/**/" * 40 + "SET ROLE postgres",
    ],
)
async def test_no_statement_changes_who_is_calling(engine, sql):
    """A tool that builds SQL from its arguments must not let them choose the tenant."""
    async with caller(engine) as session:
        with pytest.raises(TenantWallError, match="Cure: "):
            await session.execute(sa.text(sql.replace(":", "\\:")))
        await session.rollback()
        assert [1, 3] == await orders(session)


async def test_one_pooled_connection_serves_two_tenants_in_turn_and_through_errors(engine):
    """C07: the setting ends with its transaction; an error in the middle and a savepoint change nothing."""
    for _ in range(2):
        async with caller(engine, A) as session:
            with pytest.raises(sa.exc.IntegrityError):
                async with session.begin_nested():
                    await session.execute(sa.text(f"INSERT INTO orders (id, tenant_id, note) VALUES (1, '{A}', 'x')"))
            assert [1, 3] == await orders(session)
            with pytest.raises(sa.exc.DBAPIError):
                await session.execute(sa.text("SELECT 1 / 0"))
            await session.rollback()
            assert [1, 3] == await orders(session)
        async with engine.connect() as plain:
            assert [] == list(await plain.execute(sa.text("SELECT * FROM orders")))
        async with caller(engine, B) as session:
            assert [2] == await orders(session)


async def test_an_autocommit_connection_sees_nothing_rather_than_everything(database):
    """`set_config(…, true)` without a transaction lasts for one statement."""
    made = create_async_engine(async_url(database.app), isolation_level="AUTOCOMMIT")
    async with caller(made) as session:
        assert [] == list(await session.scalars(sa.text("SELECT id FROM orders")))
    await made.dispose()


@pytest.mark.requirement("data:wall:painted-on-walls-are-refused")
async def test_a_role_that_row_security_does_not_bind_is_refused(postgres, database):
    """A superuser sees everything, whatever the policies say."""
    admin = sa.make_url(postgres.admin_url).set(drivername="postgresql+asyncpg", database=database.name)
    made = create_async_engine(admin)
    async with caller(made) as session:
        with pytest.raises(TenantWallError, match="bypasses row-level security"):
            await orders(session)
    await made.dispose()


async def test_a_table_without_a_policy_is_refused_by_name(database):
    """One forgotten ALTER TABLE is not found by luck."""
    owner = create_async_engine(async_url(database.owner))
    async with owner.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE customers NO FORCE ROW LEVEL SECURITY"))
    async with caller(owner) as session:
        with pytest.raises(TenantWallError, match=r"^customers: no row-level security"):
            await orders(session)
    async with caller(owner, shared=["customers"]) as session:
        assert [1, 3] == await orders(session)
    await owner.dispose()


async def test_the_session_is_an_ordinary_async_session(engine):
    """So that authors need no new words."""
    async with caller(engine) as session:
        assert isinstance(session, AsyncSession)


HOLES = {
    "a view": "CREATE VIEW hole AS SELECT * FROM orders",
    "a view without the column": "CREATE VIEW hole AS SELECT note FROM orders",
    "a view of a view": "CREATE VIEW inner_hole AS SELECT * FROM orders; CREATE VIEW hole AS SELECT * FROM inner_hole",
    "a materialized view": "CREATE MATERIALIZED VIEW hole AS SELECT id, note FROM orders",
    "a table that may only be written": "CREATE TABLE hole (id int, tenant_id text)",
    "a table with one open column": "CREATE TABLE hole (id int, tenant_id text)",
}
GRANTS = {"a table that may only be written": "INSERT", "a table with one open column": "SELECT (id)"}


@pytest.mark.requirement("data:wall:no-view-is-a-window")
@pytest.mark.parametrize("hole", HOLES)
async def test_what_shows_every_tenants_rows_is_refused_by_name(database, postgres, hole):
    """TN-05: a view reads as its owner, whom row security need not bind; a few rights are enough for a hole."""
    role = sa.make_url(database.app).username
    owner = create_async_engine(
        sa.make_url(postgres.admin_url).set(drivername="postgresql+asyncpg", database=database.name)
    )
    async with owner.begin() as connection:
        for statement in HOLES[hole].split(";"):
            await connection.execute(sa.text(statement))
        await connection.execute(sa.text(f'GRANT {GRANTS.get(hole, "SELECT")} ON hole TO "{role}"'))
    await owner.dispose()
    made = create_async_engine(async_url(database.app), poolclass=sa.NullPool)

    async with caller(made) as session:
        with pytest.raises(TenantWallError, match=r"^hole: .*Cure: "):
            await orders(session)
    async with caller(made, shared=["hole"]) as session:
        assert [1, 3] == await orders(session)
    await made.dispose()


async def test_a_view_that_reads_as_its_caller_is_no_hole(database):
    """PostgreSQL 15: `security_invoker`."""
    role = sa.make_url(database.app).username
    owner = create_async_engine(async_url(database.owner), poolclass=sa.NullPool)
    async with owner.begin() as connection:
        await connection.execute(sa.text("CREATE VIEW mine WITH (security_invoker = true) AS SELECT * FROM orders"))
        await connection.execute(sa.text(f'GRANT SELECT ON mine TO "{role}"'))
    await owner.dispose()
    made = create_async_engine(async_url(database.app), poolclass=sa.NullPool)

    async with caller(made) as session:
        assert [1, 3] == sorted(await session.scalars(sa.text("SELECT id FROM mine")))
    await made.dispose()
