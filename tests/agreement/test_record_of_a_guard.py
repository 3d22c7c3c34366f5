"""What a real guard records stands at the real server, once, as it was recorded."""

import json

import pytest

from authserver.domain.audit.event import open_payload
from authserver.domain.audit.header import about
from resource_lib import Record
from tests.support.guarding import Guarding
from tests.support.recorded import settled
from tests.support.world import WRITE


async def calls(server, tenant="t1"):
    return [row for row in await server.operator.events(tenant) if row["kind"].startswith("call:")]


@pytest.mark.requirement("record:agreement")
async def test_the_calls_of_a_guard_stand_in_its_issuers_record_each_once(server, tmp_path):
    """C45, C46: the guard's own words, over its own credential, through a restart that tells some of them twice."""
    tokens = await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])
    dead = Guarding(server, record=Record(spool=tmp_path))
    dead.guard._record.sending.follow = lambda: None
    dead.behind.chunks = [b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"done"}]}}']
    for tool in ("update_order", "search_orders", "purge_orders", "no_such_tool"):
        await dead.call(tool, tokens.access_token)
    await settled(dead)
    recorder = dead.guard._record
    batch = recorder.spool().batch(500, 10**6)
    assert 0.0 == await recorder.sending._tell(batch.events), "told, and killed before that was noted"
    recorder.forsake()

    guard = Guarding(server, record=Record(spool=tmp_path))
    await guard.call("search_orders", tokens.access_token)
    await settled(guard)
    await guard.guard._record.sending.tell()
    said = guard.guard.doctor().record
    await guard.guard.aclose()

    rows = await calls(server)
    told = [(row["kind"], about(row).get("tool", ""), row["reason"]) for row in rows]
    assert sorted([
        ("call:tool:intent", "update_order", ""), ("call:tool:outcome", "update_order", ""), ("call:tool:outcome", "search_orders", ""),
        ("call:tool:refused", "purge_orders", "insufficient_scope"), ("call:tool:refused", "", "tool_unknown"), ("call:tool:outcome", "search_orders", ""),
    ]) == sorted(told)  # fmt: skip
    assert (0, 0, 0) == (said["rejected"], said["lost"], said["waiting"])
    [intent] = [row for row in rows if row["kind"] == "call:tool:intent"]
    [outcome] = [row for row in rows if (row["kind"], about(row).get("tool")) == ("call:tool:outcome", "update_order")]
    assert intent["event_id"] == about(intent)["call"] == about(outcome)["call"]
    work = server.operator.work("t1")
    payload = open_payload(work, outcome)
    assert "done" in json.loads(payload["result"])["content"][0]["text"]
    assert {"ok", "allowed"} == {about(outcome)["status"], about(outcome)["decision"]}
    assert {} == open_payload(work, intent)["arguments"]
