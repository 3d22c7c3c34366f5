"""Questions to the record over the admin API: by whoever is named, by what was decided; and whoever asks is in it too."""

import pytest

from authserver.domain.audit.event import Kind, reference, subject_reference
from tests.support.administered import administered
from tests.support.calls_told import tell, told, unrun, written


async def ask(admin, who="a1", *, most=200, tenant="", **body):
    """Return all that answers to a question, over as many pages as there are."""
    found, cursor = [], {}
    while True:
        admin.server.clock.advance(1)
        answer = await admin.call("POST", f"/audit/search{tenant}", who, body={"limit": most, **body, **cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if not answer.json()["next"]:
            return found
        cursor = {"cursor": answer.json()["next"]}


def tools(found):
    return [one["header"]["tool"] for one in found]


@pytest.mark.requirement("questions:who:by-address-or-by-whatever-they-are-called")
async def test_somebody_is_found_by_address_and_by_whatever_they_are_called_in_calls(server):
    """C48: which tools did this user invoke in the last hour; and in which calls was this customer named."""
    admin = await administered(server)
    someone = server.world.people["u1"]
    await tell(server, told(server, at=server.clock() - 7200 * 1_000_000, tool="get_order"))
    await tell(
        server, told(server), *written(server, subjects=[["email", "Grace@Customer.example"]], arguments={"id": 7})
    )
    await tell(server, told(server, "v1", tool="refund_order", tool_class="write", subjects=[]))
    hour_ago = server.clock.now - 3600

    mine = await ask(admin, email=someone.email.upper(), kind="call:", since=hour_ago)
    customer = await ask(admin, subject="CUSTOMER-8812")
    grace = await ask(admin, subject="grace@customer.example", most=1)
    by_sub = await ask(admin, subject=someone.subs["t1"], kind="call:")

    assert {"search_orders": 1, "update_order": 2} == {name: tools(mine).count(name) for name in set(tools(mine))}
    assert ["search_orders", "get_order"] == tools(customer)
    assert ["update_order", "update_order"] == tools(grace)
    assert sorted([*tools(mine), "get_order"]) == sorted(tools(by_sub))
    assert [] == await ask(admin, email="nobody@t1.example")
    assert [] == await ask(admin, "a2", subject="customer-8812"), "another tenant's record names them, not this one"


@pytest.mark.requirement("questions:decision:each-is-found")
async def test_calls_are_found_by_what_was_decided_also_where_a_rule_only_observes(server):
    """C46: allowed, refused, held and observed; a call that ran although an observed rule objects is observed, not allowed."""
    admin = await administered(server)
    await tell(
        server,
        told(server, tool="search_orders"),
        unrun(server, "refused", tool="delete_order"),
        unrun(server, "held", tool="refund_order"),
        told(server, tool="get_order", decision="observed", rules=[["amount", "would_deny", 'says "decision":"held"']]),
    )

    found = {
        decision: tools(await ask(admin, decision=decision)) for decision in ("allowed", "refused", "held", "observed")
    }
    by_get = (await admin.call("GET", "/audit?decision=held", "a1")).json()["items"]

    assert {
        "allowed": ["search_orders"],
        "refused": ["delete_order"],
        "held": ["refund_order"],
        "observed": ["get_order"],
    } == found
    assert ["refund_order"] == tools(by_get)


@pytest.mark.requirement("questions:readers:are-in-the-record")
async def test_whoever_looks_is_in_the_record_that_they_looked_at_and_nobody_they_looked_for_is_named_there(server):
    """C45: once for each page; a reading about reading is one more, and no more than that; also by those who run the platform."""
    admin = await administered(server)
    await tell(server, *(told(server) for _ in range(3)))
    await ask(admin, "d1", subject="customer-8812", decision="allowed", most=2)
    await ask(admin, "p1", tenant="?tenant=t1", email=server.world.people["u1"].email)

    readings = (await admin.call("GET", f"/audit?kind={Kind.RECORD_SEARCHED.value}", "a1")).json()["items"]
    again = (await admin.call("GET", f"/audit?kind={Kind.RECORD_SEARCHED.value}", "a1")).json()["items"]

    work, people = server.operator.work("t1"), server.world.people
    platform, second, first = readings
    assert reference(work, people["p1"].subs["platform"]) == platform["sub_ref"]
    assert [reference(work, people["d1"].subs["t1"])] * 2 == [first["sub_ref"], second["sub_ref"]]
    assert ((2, True), (1, False)) == tuple(
        (one["header"]["rows"], one["header"]["is_first"]) for one in (first, second)
    )
    assert ["decision", "subject"] == first["header"]["filters"] == second["header"]["filters"]
    assert first["header"]["question"] == second["header"]["question"]
    assert [subject_reference(work, "customer-8812")] == first["header"]["looked_for"]
    assert "customer-8812" not in str(readings)
    assert 4 == len(again), "the look at the readings, once"
