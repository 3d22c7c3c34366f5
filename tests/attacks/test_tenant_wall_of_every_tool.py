"""Plan: take tenant A's token and B's numbers to every tool of the example server, in every way; and the generator's own teeth."""

import asyncio
import json
from contextlib import suppress

import pytest
import sqlalchemy as sa
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from examples.orders.rows import Base
from examples.orders.server import POLICY, orders_server
from examples.orders.shelf import stock
from resource_lib import NoPrincipalError, ResourceGuard, current_principal, read, write
from resource_lib.testing import TenantWall, TestIssuer, WallBreachedError, Way
from tests.support.bare import BARE
from tests.support.unasked import unasked

ACME, GLOBEX = "ten_aaaaaaaaaaaaaaaa", "ten_bbbbbbbbbbbbbbbb"
RESOURCE = "http://127.0.0.1:8000/mcp"


def examples(mark):
    return {
        "search_orders": {"query": f"{mark}-1002"},
        "get_customer": {"customer_id": f"{mark}C-1"},
        "read_ticket": {"ticket_id": f"{mark}T-1"},
        "update_order": {"order_id": f"{mark}-1002", "note": "handle with care"},
        "refund_order": {"order_id": f"{mark}-1001", "amount_cents": 100},
        "delete_order": {"order_id": f"{mark}-1005"},
    }


def marked(mark):
    """Strings that the set-up below writes into one shop's rows."""
    return [f"item of {mark}", f"name of {mark}", f"words of {mark}"]


UNASKED = unasked(POLICY)
WALL = TenantWall(
    tools=UNASKED,
    examples={ACME: examples("A"), GLOBEX: examples("G")},
    markers={ACME: marked("A"), GLOBEX: marked("G")},
    silent=["refund_order", "delete_order"],
)


class Shop:
    """The example server on a database that has words in its rows to tell the shops apart."""

    def __init__(self, owner, engine=None, role=None):
        self.owner = owner
        self.engines = [owner] if engine is None else [owner, engine]
        self.role = role
        self.issuer = TestIssuer(resource=RESOURCE)
        guard = ResourceGuard(
            **BARE,
            issuer=self.issuer.issuer,
            resource=RESOURCE,
            tools=UNASKED,
            implies={"orders:write": ["orders:read"]},
            keys=self.issuer.key_set,
        )
        self.app = guard.wrap(orders_server(engine or owner).streamable_http_app(host="127.0.0.1"))

    async def as_owner(self, work, tenant):
        if isinstance(self.owner, AsyncEngine):
            async with self.owner.begin() as connection:
                await connection.execute(sa.text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": tenant})
                return await connection.run_sync(work)
        with self.owner.begin() as connection:
            return work(connection)

    async def fill(self):
        """Put every row back where it was."""
        for tenant in (ACME, GLOBEX):
            for table in reversed(Base.metadata.sorted_tables):
                with suppress(sa.exc.DBAPIError):  # the first time there is no table yet
                    await self.as_owner(lambda connection, table=table: connection.execute(sa.delete(table)), tenant)
        await stock(self.owner, {"acme": ACME, "globex": GLOBEX}, app_role=self.role)
        for tenant, mark in ((ACME, "A"), (GLOBEX, "G")):

            def tell_apart(connection, tenant=tenant, mark=mark):
                for table, column, word in (
                    ("orders", "item", "item"),
                    ("customers", "name", "name"),
                    ("tickets", "body", "words"),
                ):
                    update = sa.text(f"UPDATE {table} SET {column} = :text WHERE tenant_id = :tenant")
                    connection.execute(update, {"text": f"{word} of {mark}", "tenant": tenant})

            await self.as_owner(tell_apart, tenant)

    async def rows_of(self, tenant):
        def everything(connection):
            return [
                tuple(row)
                for table in Base.metadata.sorted_tables
                for row in connection.execute(
                    sa.select(table).where(table.c.tenant_id == tenant).order_by(*table.primary_key)
                )
            ]

        return await self.as_owner(everything, tenant)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request, tmp_path_factory):
    """Yield a function that opens the shop on a database of this kind; it is filled once."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('shop')}/orders.db"

        def opened():
            return Shop(sa.create_engine(url, pool_size=2, max_overflow=0))
    else:
        postgres = request.getfixturevalue("postgres")
        urls = postgres.empty_database()
        request.addfinalizer(lambda: postgres.drop(urls.name))
        owner, app = (url.replace("postgresql://", "postgresql+asyncpg://", 1) for url in (urls.owner, urls.app))

        def opened():
            engine = create_async_engine(app, pool_size=2, max_overflow=0)
            return Shop(create_async_engine(owner, poolclass=NullPool), engine, sa.make_url(urls.app).username)

    asyncio.run(opened().fill())
    return opened


@pytest.fixture
async def shop(place):
    made = place()
    before = await made.rows_of(ACME), await made.rows_of(GLOBEX)
    yield made
    if before != (await made.rows_of(ACME), await made.rows_of(GLOBEX)):
        await made.fill()
    for engine in made.engines:
        await engine.dispose() if isinstance(engine, AsyncEngine) else engine.dispose()


@pytest.mark.requirement("testing:wall:every-tool-of-the-example-holds")
@pytest.mark.parametrize("attempt", WALL.attempts(), ids=str)
async def test_no_tool_reaches_over_the_tenant_wall(attempt, shop):
    """C07, C23, TN-06, TN-08: another tenant's numbers, pooled connections, no tenant at all; on both databases."""
    await WALL.withstands(attempt, app=shop.app, issuer=shop.issuer, rows=shop.rows_of)


# -- the generator finds what it is for ----------------------------------------------------------------------------------

teeth = pytest.mark.requirement("testing:wall:finds-a-hole")

NOTES = {"show": read("notes:read"), "change": write("notes:write")}
HOLES = TenantWall(
    tools=NOTES,
    examples={
        ACME: {"show": {"note": "a1"}, "change": {"note": "a1", "text": "changed"}},
        GLOBEX: {"show": {"note": "g1"}, "change": {"note": "g1", "text": "changed"}},
    },
    markers={ACME: ["anvil"], GLOBEX: ["gadget"]},
    silent=["change"],
)


class Notes:
    """A server with one hole, to be found."""

    def __init__(self, hole=None):
        self.hole = hole
        self.notes = {ACME: {"a1": "anvil"}, GLOBEX: {"g1": "gadget"}}
        self.last = None
        self.issuer = TestIssuer(resource=RESOURCE)
        guard = ResourceGuard(
            **BARE, issuer=self.issuer.issuer, resource=RESOURCE, tools=NOTES, keys=self.issuer.key_set
        )
        mcp = MCPServer("notes", log_level="CRITICAL")
        mcp.tool()(self.show)
        mcp.tool()(self.change)
        self.app = guard.wrap(mcp.streamable_http_app(host="127.0.0.1"))

    def drawer(self, note, tenant_id):
        """Return the notes that a call may reach; `hole` is what is wrong with it."""
        try:
            tenant = current_principal().tenant
        except NoPrincipalError:
            if self.hole != "nobody sees all":
                raise ToolError("nobody is calling") from None
            tenant = next(owner for owner, notes in self.notes.items() if note in notes)
        if self.hole == "believes the arguments" and tenant_id:
            tenant = tenant_id
        if self.hole == "keeps the last tenant" and self.last and self.last != tenant:
            tenant, self.last = self.last, tenant
        else:
            self.last = tenant
        if self.hole in ("finds everything", "finds everything to show"):
            tenant = next(owner for owner, notes in self.notes.items() if note in notes)
        return self.notes[tenant]

    async def show(self, note: str, tenant_id: str = "") -> str:
        found = self.drawer(note, tenant_id).get(note, "")
        return json.dumps({"text": found[::-1] if self.hole == "shows nothing" else found})

    async def change(self, note: str, text: str, tenant_id: str = "") -> str:
        drawer = self.notes[ACME] if self.hole == "changes nothing" else self.drawer(note, tenant_id)
        if self.hole == "finds everything to show":
            drawer = self.notes[current_principal().tenant]
        if note not in drawer:
            raise ToolError("no such note")
        if self.hole != "changes nothing":
            drawer[note] = text
        return "done"

    def rows(self, tenant):
        return dict(self.notes[tenant])


async def breaches(hole):
    found = set()
    for attempt in HOLES.attempts():
        notes = Notes(hole)
        try:
            await HOLES.withstands(attempt, app=notes.app, issuer=notes.issuer, rows=notes.rows)
        except WallBreachedError:
            found.add((attempt.tool, attempt.way))
    return found


@teeth
async def test_a_server_with_a_wall_withstands_everything():
    """The control of the tests below."""
    assert set() == await breaches(None)


@teeth
@pytest.mark.parametrize(
    ("hole", "found"),
    [
        ("finds everything", {(tool, way) for tool in NOTES for way in (Way.FOREIGN, Way.NAMED, Way.POOLED)}),
        ("finds everything to show", {("show", way) for way in (Way.FOREIGN, Way.NAMED, Way.POOLED)}),
        ("believes the arguments", {(tool, Way.NAMED) for tool in NOTES}),
        ("keeps the last tenant", {(tool, Way.POOLED) for tool in NOTES}),
        ("nobody sees all", {(tool, Way.UNGUARDED) for tool in NOTES}),
        ("shows nothing", {("show", Way.CONTROL)}),
        ("changes nothing", {("change", Way.CONTROL)}),
    ],
)
async def test_each_hole_is_found_by_the_way_made_for_it(hole, found):
    """Ours: a generated test that cannot fail is worth nothing."""
    assert found <= await breaches(hole)


@teeth
def test_a_tool_without_an_example_stops_the_suite():
    """Ours: whoever adds a tool is told to add its example."""
    with pytest.raises(ValueError, match="change"):
        TenantWall(
            tools=NOTES, examples={ACME: {"show": {}}, GLOBEX: {"show": {}}}, markers={ACME: ["a"], GLOBEX: ["g"]}
        )


@teeth
def test_markers_that_a_question_holds_are_no_markers():
    """Ours: a server may repeat the question; only what it adds is a leak."""
    with pytest.raises(ValueError, match="markers"):
        TenantWall(
            tools={"show": read("notes:read")},
            examples={ACME: {"show": {"note": "anvil"}}, GLOBEX: {"show": {"note": "gadget"}}},
            markers={ACME: ["anvil"], GLOBEX: ["gadget"]},
        )
