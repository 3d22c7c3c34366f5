"""What MCP servers tell of calls is taken once, as their own word, and nothing of it that names people stands in what is proved."""

import asyncio
import json

import httpx2
import pytest

from authserver.domain.audit import event, search, store
from authserver.domain.audit.event import Kind, open_payload, subject_reference
from authserver.domain.audit.header import about, facts_of
from authserver.runtime.vault import VaultError
from resource_lib.wire.record import MOST_EVENTS, new_id
from tests.support.world import R1

SUB = "usr_canary_person"
CUSTOMER = "Grace.Canary@Customer.example"


def told(server, tenant="t1", **members):
    """Return an outcome as a guard tells it."""
    at = server.clock()
    event_id = members.pop("id", None) or new_id(at)
    return {
        "id": event_id, "call": event_id, "phase": "outcome", "at": at, "instance": "i1",
        "tenant": server.world.tenants[tenant], "sub": SUB, "client_id": "cli_agent", "authorization_id": "auz_1",
        "token": "ab" * 32, "method": "tools/call", "tool": "search_orders", "tool_class": "read", "decision": "allowed",
        "rules": [["scopes", "allow"]], "arguments": {"customer": CUSTOMER}, "arguments_bytes": 40,
        "arguments_commit": "cd" * 32, "arguments_salt": "ef" * 32, "status": "ok", "result": '{"orders":1}',
        "result_bytes": 12, "latency_us": 1500, "cost": 2, "subjects": [["email", CUSTOMER]],
        "traceparent": f"00-{'1a' * 16}-{'2b' * 8}-01", "act": ["usr_canary_actor"],
    } | members  # fmt: skip


async def tell(server, *events, letter="RS1", status=200):
    app = server.world.clients[letter]
    answer = await server.http.post(
        "/rs/audit", json={"events": list(events)}, auth=httpx2.BasicAuth(app.client_id, app.secret)
    )
    assert status == answer.status_code, answer.text
    return answer.json()


async def calls(server, tenant="t1"):
    return [row for row in await server.operator.events(tenant) if row["kind"].startswith("call:")]


@pytest.mark.requirement("record:calls:one-row-for-each")
async def test_what_a_server_tells_of_a_call_is_one_row_and_its_people_are_in_the_payload_alone(server):
    """C45, C47, K6: the header says which tool, what was decided by which rules, what came of it; whom it names is encrypted."""
    event_told = told(server)

    answer = await tell(server, event_told)
    [row] = await calls(server)

    said, work = about(row), server.operator.work("t1")
    assert {"accepted": 1, "duplicate": 0, "rejected": []} == answer
    assert (Kind.CALL_OUTCOME, "done", "cli_agent", R1) == (
        row["kind"],
        row["outcome"],
        row["client_id"],
        row["resource"],
    )
    assert ("search_orders", "allowed", [["scopes", "allow"]], 2) == tuple(
        said[name] for name in ("tool", "decision", "rules", "cost")
    )
    assert server.world.clients["RS1"].client_id == said["told_by"]
    assert {"customer": CUSTOMER} == open_payload(work, row)["arguments"]
    assert SUB not in str({**row, "payload": b""})
    assert "canary" not in str({**row, "payload": b""}).lower()
    assert [event.reference(work, "usr_canary_actor")] == said["acts"]
    for named in (
        subject_reference(work, CUSTOMER.upper()),
        *(event.reference(work, one) for one in (SUB, "usr_canary_actor")),
    ):
        assert [event_told["id"]] == [one["event_id"] for one in await work.all(store.OF_SUBJECT, subject_ref=named)]


@pytest.mark.requirement("record:calls:exactly-once")
async def test_a_batch_that_comes_again_leaves_one_row_for_each_event(server):
    """R-01: whoever got no answer sends it again, also with other events around it, and also at the same moment."""
    events = [told(server) for _ in range(20)]

    together = await asyncio.gather(*(tell(server, *events[:15]) for _ in range(4)))
    later = await tell(server, events[14], *events[15:], events[15])

    assert (15, 45) == tuple(sum(one[name] for one in together) for name in ("accepted", "duplicate"))
    assert {"accepted": 5, "duplicate": 2, "rejected": []} == later
    assert sorted(one["id"] for one in events) == sorted(row["event_id"] for row in await calls(server))
    waits = await server.operator.work("t1").all(store.UNSEALED, most=100)
    assert {one["id"] for one in events} <= {one for row in waits for one in json.loads(row["event_ids"])}


@pytest.mark.requirement("record:search:the-same-answer-by-every-index")
async def test_every_question_has_the_same_answer_by_whichever_index_it_is_found(server):
    """C48: rows of one moment, of few and of many; page by page, however few of them one page may look through."""
    people, tools, at = ("usr_a", "usr_b"), ("search_orders", "add_order", "wipe"), server.clock()
    events = [
        told(
            server, id=new_id(at + number // 3), at=at + number // 3, sub=people[number % 7 == 0], tool=tools[number % 3],
            client_id=f"cli_{number % 5 == 0}", traceparent=f"00-{number % 4:032x}-{'2b' * 8}-01",
            **({"approval_id": f"apr_{number % 2}"} if number % 6 == 0 else {}),
        )
        for number in range(1, 61)
    ]  # fmt: skip
    for begin in (0, 30):
        first = events[begin]["id"]
        await tell(server, *(one | {"call": first} for one in events[begin : begin + 30]))
    stored = {row["event_id"]: row for row in await calls(server)}
    work = server.operator.work("t1")

    for asked, of in (
        ({"sub": "usr_b"}, lambda row: row["sub_ref"] == event.reference(work, "usr_b")),
        ({"client_id": "cli_True"}, lambda row: row["client_id"] == "cli_True"),
        ({"tool": "wipe", "sub": "usr_a"}, lambda row: about(row)["tool"] == "wipe" and row["sub_ref"] == event.reference(work, "usr_a")),
        ({"tool": "wipe", "kind": "call:tool:refused"}, lambda row: False),
        ({"call": events[30]["id"]}, lambda row: about(row)["call"] == events[30]["id"]),
        ({"trace_id": f"{3:032x}"}, lambda row: about(row).get("traceparent", "").startswith(f"00-{3:032x}")),
        ({"trace_id": f"{3:032x}", "tool": "wipe"}, lambda row: about(row).get("traceparent", "").startswith(f"00-{3:032x}") and about(row)["tool"] == "wipe"),
        ({"approval_id": "apr_0"}, lambda row: about(row).get("approval_id") == "apr_0"),
    ):  # fmt: skip
        wanted = search.Wanted(since_us=at, **asked)
        expected = sorted(
            ((row["at_us"], key) for key, row in stored.items() if row["at_us"] >= at and of(row)), reverse=True
        )
        for sizes in ({}, {"window": 4, "examined": 8}):
            seen, after = [], None
            while True:
                page = await search.search(work, wanted, after=after, most=3, **sizes)
                seen += [(one.at_us, one.id) for one in page.events]
                if (after := page.after) is None:
                    break
            assert expected == seen, asked


@pytest.mark.requirement("record:calls:only-its-own-tenants")
async def test_a_server_tells_of_no_tenant_that_it_is_not_heard_for_and_never_over_anothers_event(server):
    """TN-05: what cannot be taken is named beside what is taken; another server's event stays what it was."""
    mine, theirs, broken = told(server), told(server, "t3"), told(server) | {"tool_class": "harmless"}
    await tell(server, mine)

    answer = await tell(server, theirs, broken, told(server))
    stolen = await tell(server, told(server, id=mine["id"], tool="update_order"), letter="RS5")

    assert (1, 0) == (answer["accepted"], answer["duplicate"])
    assert [
        (theirs["id"], "tenant: is none that this server is heard for"),
        (broken["id"], "tool_class: is one of destructive, read, write"),
    ] == [(one["id"], one["why"]) for one in answer["rejected"]]
    assert [mine["id"]] == [one["id"] for one in stolen["rejected"]]
    assert [] == await calls(server, "t3")
    assert {"search_orders"} == {about(row)["tool"] for row in await calls(server)}


@pytest.mark.requirement("record:calls:only-its-own-tenants")
@pytest.mark.one_database
async def test_only_a_servers_own_credential_tells_and_a_batch_has_its_bounds(server):
    """Errors name the member and the cure, and nothing of a refused batch is written."""
    nobody = await server.http.post("/rs/audit", json={"events": [told(server)]})
    empty = await tell(server, status=400)
    many = await tell(server, *([told(server)] * (MOST_EVENTS + 1)), status=400)
    app = server.world.clients["RS1"]
    other = await server.http.post("/rs/audit", json=[], auth=httpx2.BasicAuth(app.client_id, app.secret))

    assert 401 == nobody.status_code
    assert "events: is a list of 1 to 500" in empty["error_description"]
    assert "events: is a list of 1 to 500" in many["error_description"]
    assert (400, "The body has one member: events.") == (other.status_code, other.json()["error_description"])
    assert [] == await calls(server)


@pytest.mark.requirement("record:calls:decisions-of-every-kind")
async def test_refused_held_intended_and_observed_calls_stand_in_the_record_like_those_that_ran(server):
    """C46: with what was decided, and why, in the order of time."""
    end = ("status", "result", "result_bytes", "latency_us")
    bare = {name: value for name, value in told(server).items() if name not in end}
    for phase, decision, error in (
        ("refused", "refused", "policy_denied"),
        ("held", "held", "approval_required"),
        ("intent", "allowed", None),
        ("observed", "observed", None),
    ):
        sent = bare | {"id": new_id(server.clock()), "phase": phase, "decision": decision}
        await tell(server, sent | ({"error": error} if error else {}))

    rows = await calls(server)

    kinds = {Kind.CALL_REFUSED, Kind.CALL_HELD, Kind.CALL_INTENT, Kind.CALL_OBSERVED}
    assert kinds == {row["kind"] for row in rows}
    assert {"policy_denied"} == {row["reason"] for row in rows if row["outcome"] == "refused"}
    assert {facts_of(row["header"])["at"] for row in rows} == {server.clock()}


@pytest.mark.requirement("record:search:by-tool-call-approval-and-trace")
async def test_a_call_is_found_by_its_tool_its_trace_its_approval_and_by_all_that_belongs_to_it(server):
    """C48: each question finds what it asks for, in that tenant alone."""
    end = ("status", "result", "result_bytes", "latency_us")
    begun = {name: value for name, value in told(server).items() if name not in end} | {"phase": "intent"}
    ended = told(server) | {"call": begun["id"], "approval_id": "apr_1", "traceparent": f"00-{'9c' * 16}-{'2b' * 8}-01"}
    other = told(server, tool="update_order")
    await tell(server, begun, ended, other)

    async def found(**wanted):
        page = await search.search(server.operator.work("t1"), search.Wanted(**wanted))
        return {one.id for one in page.events}

    assert {begun["id"], ended["id"]} == await found(call=begun["id"])
    assert {other["id"]} == await found(tool="update_order")
    assert {ended["id"]} == await found(approval_id="apr_1") == await found(trace_id="9c" * 16)
    assert {begun["id"], ended["id"], other["id"]} == await found(kind="call:", since_us=server.clock() - 3_600_000_000)
    assert set() == await found(tool="search")


@pytest.mark.requirement("record:payload:erased-says-so")
async def test_a_payload_whose_key_is_gone_says_so_and_the_header_stays(server):
    """Decision 15: destroying a key takes away what names people, and nothing else."""
    await tell(server, told(server))
    [row] = await calls(server)
    gone = dict(row) | {"payload": None, "payload_key": None, "key_id": None, "keys": None, "wrapped": None}

    with pytest.raises(VaultError, match="erased"):
        open_payload(server.operator.work("t1"), gone)
    with pytest.raises(VaultError, match="tenant's key"):
        open_payload(server.operator.work("t1"), dict(row) | {"wrapped": None})
    assert "commit" in facts_of(row["header"])
