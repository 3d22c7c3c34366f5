"""Plan: with tenant A's token, read or write one row of tenant B, on SQLite, where the database itself builds no wall."""

import asyncio
import contextlib
import logging
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session, aliased, joinedload, make_transient_to_detached, selectinload, subqueryload

from resource_lib import TenantWallError, tenant_session
from resource_lib.data.statement import ForeignTenantError, UnscopedStatementError, require_scope
from resource_lib.identity.principal import calling_as
from tests.support.two_tenants import A, B, Base, Country, Customer, Order, fill, somebody


@pytest.fixture
def engine(tmp_path):
    made = sa.create_engine(f"sqlite:///{tmp_path}/orders.db", pool_size=1, max_overflow=0)
    Base.metadata.create_all(made)
    with Session(made) as session:
        fill(session)
    yield made
    made.dispose()


@contextlib.contextmanager
def caller(engine, tenant=A, **options):
    with calling_as(somebody(tenant)), tenant_session(engine, shared=["countries"], **options) as session:
        yield session


def rows(engine, tenant):
    """What B really has, read without the wall."""
    with Session(engine) as session:
        return session.execute(
            sa.select(Order.id, Order.note, Order.customer_id).where(Order.tenant_id == tenant).order_by(Order.id)
        ).all()


OTHER = aliased(Order)
READS = {
    "all": lambda s: [order.id for order in s.scalars(sa.select(Order).order_by(Order.id))],
    "by id": lambda s: [n for n in (1, 2, 3) if s.get(Order, n)],
    "query": lambda s: [order.id for order in s.query(Order).order_by(Order.id)],
    "columns": lambda s: list(s.scalars(sa.select(Order.id).order_by(Order.id))),
    "alias": lambda s: sorted(s.scalars(sa.select(aliased(Order).id))),
    "self join": lambda s: sorted(
        {row for pair in s.execute(sa.select(Order.id, OTHER.id).join(OTHER, sa.true())) for row in pair}
    ),
    "subquery": lambda s: sorted(s.scalars(sa.select(Order.id).where(Order.id.in_(sa.select(aliased(Order).id))))),
    "union": lambda s: sorted(s.scalars(sa.union_all(sa.select(Order.id), sa.select(Order.id).where(sa.false())))),
    "cte": lambda s: sorted(s.scalars(sa.select((sa.select(Order.id).cte("mine")).c.id))),
    "or": lambda s: sorted(s.scalars(sa.select(Order.id).where(sa.or_(Order.tenant_id == A, sa.true())))),
    "raw": lambda s: sorted(s.scalars(sa.text("SELECT id FROM orders WHERE tenant_id = :tenant"))),
}


@pytest.mark.requirement("data:wall:reads-see-one-tenant")
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_way_of_reading_sees_the_callers_rows_and_no_other(engine, read):
    """C07, C23: through the ORM and through raw SQL that compares the tenant."""
    with caller(engine, A) as session:
        assert [1, 3] == read(session)
    with caller(engine, B) as session:
        assert [2] == read(session)


@pytest.mark.parametrize("loading", [joinedload, selectinload, subqueryload, None])
def test_a_relationship_that_points_across_the_wall_finds_nothing(engine, loading):
    """Order 3 of A names B's customer: data may be corrupt, the wall is not."""
    with caller(engine) as session:
        query = sa.select(Order).order_by(Order.id).options(*([loading(Order.customer)] if loading else []))
        found = [(order.id, order.customer and order.customer.name) for order in session.scalars(query).unique()]

    assert [(1, "Ann"), (3, None)] == found


def test_totals_are_of_the_caller(engine):
    """A count is a read."""
    with caller(engine) as session:
        assert 2 == session.scalar(sa.select(sa.func.count()).select_from(Order))
        assert 2 == session.query(Order).count()


@pytest.mark.requirement("data:wall:nobody-sees-nothing")
def test_outside_a_call_there_are_no_rows_and_no_writes(engine):
    """Fail closed: no tenant, no rows."""
    with tenant_session(engine) as session:
        assert [] == session.scalars(sa.select(Order)).all()
        assert [] == session.execute(sa.text("SELECT * FROM orders WHERE tenant_id = :tenant")).all()
        session.add(Order(note="x"))
        with pytest.raises(TenantWallError, match="Nobody is calling"):
            session.flush()


def test_bulk_changes_change_the_callers_rows_alone(engine):
    """UPDATE and DELETE without a WHERE of their own."""
    before = rows(engine, B)

    with caller(engine) as session:
        assert 2 == session.execute(sa.update(Order).values(note="mine")).rowcount
        assert 2 == session.execute(sa.delete(Order)).rowcount
        session.commit()

    assert ([], before) == (rows(engine, A), rows(engine, B))


def test_new_objects_get_the_callers_tenant_and_live_an_ordinary_life(engine):
    """Write, read again, change, delete: what a tool does all day."""
    with caller(engine, expire_on_commit=True) as session:
        order = Order(note="new")
        session.add(order)
        session.commit()
        assert (A, "new") == (order.tenant_id, order.note)
        order.note = "changed"
        session.commit()
        session.refresh(order)
        assert "changed" == order.note
        session.delete(order)
        session.commit()
        assert ["DE"] == list(session.scalars(sa.select(Country.code)))


ATTEMPTS = {
    "raw read": lambda s: s.execute(sa.text("SELECT * FROM orders")),
    "raw read by id": lambda s: s.execute(sa.text("SELECT * FROM orders WHERE id = 2")),
    "raw or": lambda s: s.execute(sa.text("SELECT * FROM orders WHERE tenant_id = :tenant OR 1 = 1")),
    "raw comment": lambda s: s.execute(sa.text("SELECT * FROM orders -- WHERE tenant_id = :tenant\n")),
    "raw literal": lambda s: s.execute(sa.text(f"SELECT * FROM orders WHERE tenant_id = '{B}'")),
    "raw union": lambda s: s.execute(
        sa.text("SELECT id FROM orders WHERE tenant_id = :tenant UNION SELECT id FROM customers")
    ),
    "raw join": lambda s: s.execute(sa.text("SELECT * FROM orders o, customers c WHERE o.tenant_id = :tenant")),
    "raw update": lambda s: s.execute(sa.text("UPDATE orders SET note = 'x' WHERE id = 2")),
    "raw move": lambda s: s.execute(sa.text("UPDATE orders SET tenant_id = :tenant WHERE id = 2")),
    "raw delete": lambda s: s.execute(sa.text("DELETE FROM orders")),
    "raw insert": lambda s: s.execute(sa.text(f"INSERT INTO orders (id, tenant_id, note) VALUES (9, '{B}', 'x')")),
    "raw upsert": lambda s: s.execute(
        sa.text(
            "INSERT INTO orders (id, tenant_id, note) VALUES (2, :tenant, 'x') ON CONFLICT (id) DO UPDATE SET note = 'x'"
        )
    ),
    "raw replace": lambda s: s.execute(sa.text("REPLACE INTO orders (id, tenant_id, note) VALUES (2, :tenant, 'x')")),
    "raw pragma": lambda s: s.execute(sa.text("PRAGMA table_info(orders)")),
    "raw attach": lambda s: s.execute(sa.text("ATTACH 'other.db' AS other")),
    "raw drop": lambda s: s.execute(sa.text("DROP TABLE orders")),
    "core read": lambda s: s.execute(sa.select(Order.__table__)),
    "core delete": lambda s: s.execute(sa.delete(Order.__table__)),
    "driver": lambda s: s.connection().exec_driver_sql("SELECT * FROM orders"),
    "connection": lambda s: s.connection().execute(sa.select(Order.__table__)),
    "in a savepoint": lambda s: s.begin_nested() and s.execute(sa.text("SELECT * FROM orders")),
    "from statement": lambda s: s.scalars(sa.select(Order).from_statement(sa.text("SELECT * FROM orders"))).all(),
    "bulk update": lambda s: s.bulk_update_mappings(Order, [{"id": 2, "note": "x"}]),
    "mapped and not": lambda s: s.execute(sa.select(Order.id).where(Order.id.in_(sa.select(Customer.__table__.c.id)))),
}
FOREIGN = {
    "raw value": lambda s: s.execute(sa.text("SELECT * FROM orders WHERE tenant_id = :t"), {"t": B}),
    "raw tenant": lambda s: s.execute(sa.text("SELECT * FROM orders WHERE tenant_id = :t AND id > :n"), {"t": B, "n": 0}),
    "orm value": lambda s: s.execute(sa.select(Order).where(Order.tenant_id == B)),
    "orm insert": lambda s: s.execute(sa.insert(Order).values(id=9, tenant_id=B, note="x")),
    "many inserts": lambda s: s.execute(sa.insert(Order), [{"id": 8, "tenant_id": A, "note": ""}, {"id": 9, "tenant_id": B, "note": ""}]),
    "object": lambda s: (s.add(Order(id=9, tenant_id=B, note="x")), s.flush()),
    "moved object": lambda s: (setattr(s.get(Order, 1), "tenant_id", B), s.flush()),
    "bulk insert": lambda s: s.bulk_insert_mappings(Order, [{"id": 9, "tenant_id": B, "note": "x"}]),
}  # fmt: skip


@pytest.mark.requirement("data:wall:raw-sql-is-held-to-the-tenant")
@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_statement_that_could_reach_another_tenant_is_not_sent(engine, attempt):
    """Decision 5: what cannot be filtered on SQLite is refused, with the cure."""
    before = rows(engine, A), rows(engine, B)

    with caller(engine) as session:
        with pytest.raises(TenantWallError, match="Cure: "):
            attempt(session)
        session.rollback()
        session.commit()

    assert before == (rows(engine, A), rows(engine, B))


@pytest.mark.requirement("data:wall:crossing-is-a-critical-event")
@pytest.mark.parametrize("attempt", FOREIGN.values(), ids=FOREIGN)
def test_naming_another_tenant_is_refused_and_a_critical_event(engine, attempt, caplog):
    """C23: `security.tenant_wall`, without a value of any row."""
    before = rows(engine, A), rows(engine, B)

    with caller(engine) as session:
        with pytest.raises(TenantWallError):
            attempt(session)
        session.rollback()

    (event,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert ("security.tenant_wall", A) == (event.event, event.tenant)
    assert B not in event.getMessage()
    assert before == (rows(engine, A), rows(engine, B))


SMUGGLED = {
    "a list that looks like WITH's": "WITH c AS (SELECT 1 AS x) SELECT o.note FROM c, orders AS o",
    "a name of an inner WITH": "WITH c AS (WITH orders AS (SELECT 1 AS x) SELECT x FROM orders) SELECT note FROM orders, c",
    "a WITH over the table that is changed": "WITH orders AS (SELECT 1) UPDATE orders SET note = 'x'",
    "a WITH over the table that is emptied": "WITH orders AS (SELECT 1) DELETE FROM orders",
    "a WITH named like a verb": 'WITH "VALUES" AS (SELECT 1) SELECT note FROM (("VALUES", orders))',
    "a table in apostrophes": "SELECT note FROM 'orders'",
    "a second table in apostrophes": "SELECT p.note FROM orders o, 'orders' p WHERE o.tenant_id = :tenant",
    "a changed table in apostrophes": "UPDATE 'orders' SET note = 'x'",
    "an emptied table in apostrophes": "DELETE FROM 'orders'",
    "an alias in apostrophes": "SELECT c.note FROM orders 'c', (SELECT :tenant AS tenant_id) AS orders WHERE orders.tenant_id = :tenant",
    "a table behind IN": f"SELECT (2, '{B}', 'b', 2) IN orders",
    "a change with another conflict rule": "UPDATE OR IGNORE orders SET note = 'x'",
    "a replacing change": "UPDATE OR REPLACE orders SET id = 2 WHERE id = 1 AND orders.tenant_id = :tenant",
    "a tenant among several columns": f"UPDATE orders SET (tenant_id, note) = ('{B}', 'x') WHERE tenant_id = :tenant",
    "a tenant's column in apostrophes": f"UPDATE orders SET 'tenant_id' = '{B}' WHERE tenant_id = :tenant",
    "a comment without end": "SELECT note FROM orders /* WHERE tenant_id = :tenant",
    "an empty name": 'SELECT "", note FROM orders --"',
    "a bracket inside a parameter": "SELECT note, :xy(') FROM orders --')",
    "a number in a parameter": "SELECT ?2, note FROM orders WHERE tenant_id = ?",
    "a BETWEEN inside a BETWEEN": "SELECT note FROM orders WHERE NOT 1 BETWEEN 1 BETWEEN 1 AND 1 AND tenant_id = :tenant",
    "a bracket behind a BETWEEN": "SELECT note FROM orders WHERE 1 NOT BETWEEN 1 AND (0 AND tenant_id = :tenant)",
    "a letter that is one only in capitals": "SELECT orders.note FROM orders, (SELECT :tenant AS tenant_id) AS order\u017f WHERE order\u017f.tenant_id = :tenant",
    "a space that is a letter to SQLite": 'SELECT orders.note FROM orders, (SELECT :tenant AS tenant_id) AS "x\xa0AND\xa0orders" WHERE x\xa0AND\xa0orders.tenant_id = :tenant',
}  # fmt: skip


@pytest.mark.requirement("data:wall:is-read-as-the-database-reads-it")
@pytest.mark.parametrize("sql", SMUGGLED.values(), ids=SMUGGLED)
def test_no_sql_is_read_otherwise_than_the_database_reads_it(engine, sql):
    """C23, TN-05: each of these reached every tenant's rows, because SQLite reads it in another way than one expects."""
    before = rows(engine, A), rows(engine, B)
    values = ("x", A, "somebody") if "?" in sql else {"tenant": A, "xy(')": 1}
    with engine.connect() as plain:
        plain.exec_driver_sql("EXPLAIN " + sql, values).close()  # it is SQL that the database takes

    with caller(engine) as session:
        with pytest.raises(TenantWallError, match="Cure: "):
            session.connection().exec_driver_sql(sql, values)
        session.commit()

    assert before == (rows(engine, A), rows(engine, B))


def test_an_object_of_another_session_is_not_written_through_this_one(engine):
    """An object loaded without the wall, carried in."""
    with Session(engine, expire_on_commit=False) as plain:
        foreign = plain.get(Order, 2)
    foreign.note = "stolen"

    with caller(engine) as session:
        with pytest.raises(TenantWallError):
            session.add(foreign)
        session.flush()

    assert [(2, "b", 2)] == rows(engine, B)


FORGED = {
    "read": lambda s, order: s.refresh(order),
    "read an attribute": lambda s, order: order.note,
    "change": lambda s, order: (setattr(order, "note", "x"), s.flush()),
    "delete": lambda s, order: (s.delete(order), s.flush()),
}


@pytest.mark.requirement("data:wall:a-key-is-not-a-row")
@pytest.mark.parametrize("attempt", FORGED.values(), ids=FORGED)
def test_an_object_made_from_a_key_alone_reaches_no_row(engine, attempt):
    """C23: `make_transient_to_detached` with an id from the caller's arguments; only what was loaded here is one's own."""
    before = rows(engine, A), rows(engine, B)
    forged = Order(id=2, tenant_id=A)
    make_transient_to_detached(forged)

    with caller(engine) as session:
        with pytest.raises(TenantWallError):
            session.add(forged)
            attempt(session, forged)
        assert forged not in session
        session.rollback()
        session.commit()

    assert before == (rows(engine, A), rows(engine, B))


HOOKS = {
    "of the session": (Session, "before_flush", lambda session, *_: session.execute(sa.text("UPDATE orders SET note = 'x'"))),
    "of a class": (Order, "after_insert", lambda _, link, __: link.execute(sa.text("DELETE FROM orders WHERE id = 2"))),
    "of a class by core": (Order, "after_insert", lambda _, link, __: link.execute(sa.delete(Order.__table__))),
}  # fmt: skip


@pytest.mark.requirement("data:wall:a-key-is-not-a-row")
@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_what_an_authors_hook_sends_while_objects_are_written_is_held_to_the_tenant(engine, hook):
    """C23: only the unit of work's own statements go by key; a hook that runs beside them is anybody's SQL."""
    before = rows(engine, A), rows(engine, B)

    sa.event.listen(*hook)
    try:
        with caller(engine) as session:
            session.add(Order(id=9, note="new"))
            with pytest.raises(TenantWallError, match="Cure: "):
                session.flush()
            session.rollback()
    finally:
        sa.event.remove(*hook)

    assert before == (rows(engine, A), rows(engine, B))


def test_an_object_may_travel_between_sessions_of_its_tenant(engine):
    """Loaded or made behind the wall in one session, changed in the next, as detached objects are."""
    with caller(engine) as session:
        loaded, made = session.get(Order, 1), Order(id=7, note="new")
        session.add(made)
        session.commit()
    with caller(engine) as session:
        session.add_all([loaded, made])
        loaded.note = "changed"
        session.commit()
    with caller(engine, B) as session, pytest.raises(TenantWallError):
        session.add(loaded)

    assert [(1, "changed"), (3, "a"), (7, "new")] == [(number, note) for number, note, _ in rows(engine, A)]


@pytest.mark.requirement("data:wall:pooled-connections-carry-nothing")
def test_one_pooled_connection_serves_two_tenants_in_turn_and_through_errors(engine):
    """C07: after a commit, a rollback and an error in the middle, the next caller gets the connection clean."""
    for round_ in range(3):
        with caller(engine, A) as session:
            assert [1, 3] == READS["all"](session)
            if round_ == 1:
                with pytest.raises(sa.exc.IntegrityError):
                    session.execute(sa.text("INSERT INTO orders (id, tenant_id, note) VALUES (1, :tenant, 'x')"))
            if round_ == 2:
                with contextlib.suppress(TenantWallError):
                    session.execute(sa.text("SELECT * FROM orders"))
        with caller(engine, B) as session:
            assert [2] == READS["all"](session)
            assert [2] == READS["raw"](session)


def test_a_session_is_of_no_use_in_a_call_of_another_tenant(engine, caplog):
    """A session kept in a global: the second caller does not become the first."""
    with calling_as(somebody(A)):
        kept = tenant_session(engine)
        assert [1, 3] == READS["all"](kept)

    with calling_as(somebody(B)), pytest.raises(TenantWallError):
        READS["all"](kept)
    kept.close()

    assert "security.tenant_wall" in caplog.text


async def test_a_task_that_a_tool_starts_stays_with_the_tools_tenant(engine):
    """Background work outlives the call and keeps its caller; another call in between changes nothing."""
    go = asyncio.Event()

    async def background():
        await go.wait()
        return await asyncio.to_thread(in_a_thread)

    def in_a_thread():
        with tenant_session(engine) as session:
            return READS["all"](session)

    with calling_as(somebody(A)):
        task = asyncio.create_task(background())
    with calling_as(somebody(B)):
        go.set()
        await asyncio.sleep(0)
        assert [2] == in_a_thread()

    assert [1, 3] == await task


def test_a_thread_without_the_callers_context_sees_nothing(engine):
    """A bare thread inherits no caller: no rows, not everybody's."""
    seen = []

    def work():
        with tenant_session(engine) as session:
            seen.extend(session.scalars(sa.select(Order)).all())

    with calling_as(somebody(A)):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert [] == seen


def test_a_tool_inside_a_tool_has_the_same_wall(engine):
    """Two sessions of one call."""
    with caller(engine) as outer:
        assert [1, 3] == READS["all"](outer)
        outer.commit()
        with tenant_session(engine) as inner:
            assert [1, 3] == READS["all"](inner)


@pytest.mark.parametrize("options", [{"bind": None}, {"info": {}}, {"column": "x; --"}, {"setting": "a'b"}])
def test_what_would_move_the_wall_is_no_option(engine, options):
    """Ours."""
    with pytest.raises(TenantWallError, match="Cure: "):
        tenant_session(engine, **options)


WORDS = (
    "SELECT * FROM orders customers WHERE tenant_id = ? AND OR NOT ( ) , JOIN ON o AS UNION id BETWEEN 1 main . UPDATE SET "
    "DELETE INSERT INTO VALUES WITH EXISTS CASE LEFT 'x' -- \" [ ;"
)
SQL = st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)


@given(st.sampled_from(["", "SELECT * FROM orders "]).flatmap(lambda head: SQL.map(lambda tail: head + tail)))
def test_no_sql_makes_the_reading_fail_and_none_is_accepted_without_the_tenant(sql):
    """Fail closed: whatever the text, without the tenant's value nothing that names a table passes."""
    try:
        require_scope(sql, ("another",) * 20, tenant=A)
    except (UnscopedStatementError, ForeignTenantError):
        return
    assert not any(
        table in sql for table in ("FROM orders", "FROM customers", "JOIN orders", "UPDATE orders", "INTO orders")
    )
