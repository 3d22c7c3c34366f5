"""The real server and the real guard over real sockets: a stop is heard by the stream, obeyed, acknowledged, and outlives restarts."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.stopping import stopping
from resource_lib import ResourceGuard, read, write
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.wire.control import Kind
from tests.support.bare import BARE
from tests.support.followed import Holding
from tests.support.guarded import MODERN, call
from tests.support.workers import Workers
from tests.support.world import R1

pytestmark = pytest.mark.slow
TOOLS = {"search_orders": read("orders:read"), "update_order": write("orders:write")}
EVERYWHERE = By(tenant="*", label="test")


@pytest.fixture(scope="module")
def processes(templates, tmp_path_factory):
    deployment = Workers(templates, "sqlite", tmp_path_factory.mktemp("followed"), workers=1)
    deployment.start()
    yield deployment
    deployment.stop()
    deployment.place.discard()


@pytest.fixture
async def deployment(processes):
    yield processes
    await processes.close()


class Server:
    """R1 behind a guard that follows the deployment."""

    def __init__(self, deployment, **settings):
        rs = deployment.world.clients["RS1"]
        credential = Credential(client_id=rs.client_id, secret=rs.secret)
        self.behind = Holding()
        channel = Channel(issuer=deployment.issuer, credential=credential)
        self.guard = ResourceGuard(
            **BARE, issuer=deployment.issuer, resource=R1, tools=TOOLS, channel=channel, **settings
        )
        self.app = self.guard.wrap(self.behind)

    async def call(self, tool, token):
        message = (
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%b","arguments":{}}}' % tool.encode()
        )
        return await call(
            self.app, "POST", "/mcp", headers=[("authorization", f"Bearer {token}"), MODERN], body=message
        )


@asynccontextmanager
async def serving(deployment, **settings):
    made = Server(deployment, **settings)
    yield made
    await made.guard.aclose()


async def until(condition):
    async with asyncio.timeout(120):
        while not condition():
            await asyncio.sleep(0.02)


def word(answer):
    if answer.status == 401:
        return "401"
    result = answer.json.get("result", {})
    return result["_meta"]["authserver/error"]["error"] if result.get("isError") else "ran"


async def kill(deployment, target):
    """Kill as the command line does, from another process; return who has applied it once everybody has."""
    async with deployment.machines() as machines:
        work = machines.work()
        await stopping.kill(work, target, reason="it misbehaves", by=EVERYWHERE)
        await work.commit()
        number = await stopping.number_of(machines.work(), target)
        async with asyncio.timeout(120):
            while True:
                heard = await stopping.heard(machines.work(), target, number)
                if heard and all(one.state == "applied" for one in heard):
                    return heard
                await asyncio.sleep(0.05)


@pytest.mark.requirement("follow:server:a-real-stop-is-obeyed")
async def test_a_running_call_is_cancelled_the_next_is_refused_and_the_instance_says_that_it_obeyed(deployment):
    """Decision 14, end to end; it stays dead when the server is started again, and so does the next stop arrive."""
    async with serving(deployment) as server:
        u1 = await deployment.client("P").sign_in("u1")
        before = await server.call("search_orders", u1.access_token)
        await until(lambda: server.guard.revocations.follower.is_streaming)
        server.behind.gate = asyncio.Event()
        running = asyncio.create_task(server.call("search_orders", u1.access_token))
        await until(lambda: len(server.behind.began) == 2)
        target = Target(kind=Kind.USER, tenant=u1.claims["tenant_id"], sub=u1.claims["sub"])

        heard = await kill(deployment, target)
        cancelled = await asyncio.wait_for(running, 60)
        server.behind.gate = None
        after = await server.call("search_orders", u1.access_token)

        assert ["ran", "cancelled", "401"] == [word(one) for one in (before, cancelled, after)]
        assert server.guard.revocations.follower.instance in {one.instance for one in heard}

        await asyncio.to_thread(deployment.restart)
        u2 = await deployment.client("P").sign_in("u2")
        await until(lambda: server.guard.revocations.lease.is_fresh)
        still = await server.call("search_orders", u1.access_token)
        other = await server.call("search_orders", u2.access_token)
        await kill(deployment, Target(kind=Kind.TOOL, resource=R1, tool="search_orders"))
        unknown = await server.call("search_orders", u2.access_token)

        assert ["401", "ran", "tool_unknown"] == [word(one) for one in (still, other, unknown)]
    async with serving(deployment) as newcomer:
        late = [await newcomer.call("search_orders", one.access_token) for one in (u1, u2)]
        assert ["401", "tool_unknown"] == [word(one) for one in late]


@pytest.mark.requirement("follow:server:away-and-back")
async def test_while_the_server_is_away_writes_are_refused_reads_go_on_and_both_come_back(deployment):
    """Decision 14: fail closed for writes, and by itself open again."""
    async with serving(deployment, max_staleness=1, read_staleness=60) as server:
        u2 = await deployment.client("P").sign_in("u2", scope="orders:read orders:write tool:update_order")
        fresh = await server.call("update_order", u2.access_token)
        await asyncio.to_thread(deployment.kill)
        await until(lambda: not server.guard.revocations.lease.is_fresh)
        away = [await server.call(tool, u2.access_token) for tool in ("update_order", "search_orders")]
        await asyncio.to_thread(deployment.start)
        await until(lambda: server.guard.revocations.lease.is_fresh)
        back = await server.call("update_order", u2.access_token)

        assert word(fresh) == word(back) != "control_plane_stale"
        assert "control_plane_stale" == word(away[0])
        assert "control_plane_stale" != word(away[1])
