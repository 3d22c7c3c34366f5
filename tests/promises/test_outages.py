"""The server or its database is away: reads go on and are recorded later, writes follow the stated policy, and everybody is answered."""

import time
from collections import Counter

import httpx2
import pytest

from authserver.domain.audit.header import about
from resource_lib import Record, read, write
from tests.support.guarding import Guarding
from tests.support.recorded import settled
from tests.support.world import WRITE

TOOLS = {"search_orders": read("orders:read"), "update_order": write("orders:write")}
TEN_MINUTES_S = 600


class Reachable:
    """The server, as its guard reaches it: `how` it is away, or None."""

    def __init__(self, server):
        self._server = server
        self.how = None
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self._server, name)

    def transport(self):
        return self if self.how else self._server.transport()

    async def handle_async_request(self, request):
        self.asked += 1
        if self.how == "server":
            raise httpx2.ConnectError("refused")
        body = httpx2.ByteStream(b'{"error":"temporarily_unavailable","error_description":"Try again in a moment."}')
        return httpx2.Response(503, headers={"retry-after": "1"}, stream=body)


def guarded(at, spool, **settings):
    """Return a guard of which nothing happens by itself: a test lets it hear and tell, by the server's clock."""
    it = Guarding(at, tools=TOOLS, record=Record(spool=spool), **settings)
    it.behind.chunks = [b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"done"}]}}']
    for one, name in (
        (it.guard.revocations.lease, "clock"),
        (it.guard._record.sending, "_clock"),
        (it.keys, "_clock"),
    ):
        setattr(one, name, lambda: at.clock() / 1_000_000)
    it.guard._record.sending.follow = lambda: None
    return it


async def used(it, tool, token):
    """Call a tool; returns None or the error."""
    answer = await it.call(tool, token)
    if answer.status == 200 and not answer.json["result"].get("isError"):
        return None
    assert answer.error["retry_after_s"] > 0
    return answer.error["error"]


@pytest.mark.settings(access_token_seconds=3600)
@pytest.mark.parametrize("how", ["server", "database"])
@pytest.mark.requirement("outages:ten-minutes")
async def test_ten_minutes_without_the_server_or_its_database_lose_nothing_and_follow_the_stated_policy(
    server, tmp_path, how
):
    """R-06, R-07 kin; decision 14: reads for as long as `read_staleness` says, writes for `max_staleness`, and each word of it recorded."""
    at = Reachable(server)
    it = guarded(at, tmp_path, read_staleness=900)
    token = (await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])).access_token
    await it.heard()
    assert (None, None) == (await used(it, "search_orders", token), await used(it, "update_order", token))
    at.how, said, slowest, next_at = how, {"search_orders": Counter(), "update_order": Counter()}, 0.0, 0.0

    for age in range(2, TEN_MINUTES_S, 2):
        server.clock.advance(2)
        await it.heard()
        for tool, errors in said.items():
            begun = time.monotonic()
            errors[await used(it, tool, token)] += 1
            slowest = max(slowest, time.monotonic() - begun)
            assert tool == "search_orders" or (age <= 5) == (errors["control_plane_stale"] == 0)
        if age >= next_at:
            await settled(it)
            next_at = age + await it.guard._record.sending.tell()
    waiting, asked = it.guard.doctor().record["waiting"], at.asked
    at.how = None
    await it.heard()
    assert None is await used(it, "update_order", token)
    await settled(it)
    while await it.guard._record.sending.tell():
        pass

    count = TEN_MINUTES_S // 2 - 1
    assert ({None: count}, {None: 2, "control_plane_stale": count - 2}) == tuple(map(dict, said.values()))
    assert waiting > 2 * count and (0, 0) == tuple(it.guard.doctor().record[name] for name in ("waiting", "lost"))
    assert asked < 2 * count, "it is not asked more and more"
    assert slowest < 10
    rows = [row for row in await server.operator.events("t1") if row["kind"].startswith("call:")]
    phases = Counter((row["kind"].rpartition(":")[2], about(row)["tool"], row["reason"]) for row in rows)
    assert {
        ("outcome", "search_orders", ""): count + 1,
        ("intent", "update_order", ""): 4,
        ("outcome", "update_order", ""): 4,
        ("refused", "update_order", "control_plane_stale"): count - 2,
    } == dict(phases)
    assert count + 1 + 4 == len(it.behind.seen), "what was refused was not executed"
    await it.guard.aclose()


@pytest.mark.settings(access_token_seconds=3600)
@pytest.mark.one_database
@pytest.mark.requirement("outages:ten-minutes")
async def test_reads_end_when_what_is_known_is_older_than_read_staleness_and_begin_again_at_once(server, tmp_path):
    """Decision 14: half a minute, where nobody says otherwise; the refusal says when to come again, and is recorded."""
    at = Reachable(server)
    it = guarded(at, tmp_path)
    token = (await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])).access_token
    await it.heard()
    errors = [await used(it, "search_orders", token)]
    at.how = "server"

    for _ in range(4):
        errors.append(await used(it, "search_orders", token))
        server.clock.advance(14)
    at.how = None
    await it.heard()
    errors.append(await used(it, "search_orders", token))

    assert [None, None, None, None, "control_plane_stale", None] == errors
    await settled(it)
    while await it.guard._record.sending.tell():
        pass
    rows = [row["reason"] for row in await server.operator.events("t1") if row["kind"].startswith("call:")]
    assert sorted(["", "", "", "", "control_plane_stale", ""]) == sorted(rows)
    await it.guard.aclose()
