"""
The attacker runs, or has broken into, an MCP server: with its own credential it asks people for easier yeses than it should.

Decisions 11, 13 and 18; AP-03, AP-10, AP-12. It can run its tools without asking anybody; what it must not get is a yes that says
more than somebody entitled said, nor a server that is busy with it.
"""

import asyncio
from dataclasses import replace

import pytest

from authserver.domain.approvals import approval as approvals
from resource_lib.wire.approvals import ApprovalRule
from tests.support.approvals import ARGUMENTS, REFUND, WITH_REFUND, Approver, new_run, refunding, tool_server
from tests.support.world import R1

FOUR_EYES = ApprovalRule(by="role", role="approver", four_eyes=True, max_age=300)


async def row(server, approval_id):
    """Return what was asked for."""
    return await approvals.find(server.operator.work("t1"), approval_id)


@pytest.mark.requirement("attack:approvals:the-tenants-rule-counts")
async def test_a_server_that_sends_an_easier_rule_than_the_tenants_gets_the_tenants(server):
    """Decision 18: the person it runs for says yes to nothing that operators want somebody else's yes for."""
    rs, token = tool_server(server), await refunding(server)
    await server.operator.demand("t1", R1, REFUND, approval=FOUR_EYES)
    await server.operator.demand("t1", R1, "*", approval=ApprovalRule(use_within=60))

    asked = await rs.asked(token)
    again = await rs.ask(token)

    found = await row(server, asked)
    assert (True, "approver", 300, 60) == (found.rule.four_eyes, found.role, found.rule.max_age, found.rule.use_within)
    assert (200, asked) == (again.status_code, again.json()["approval_id"])
    with pytest.raises(Exception, match="requester_excluded"):
        await Approver(server=server, who="u1").decide(asked)
    await Approver(server=server, who="v1").decide(asked)
    assert 200 == (await rs.consume(asked, token)).status_code


@pytest.mark.requirement("attack:approvals:the-tenants-rule-counts")
async def test_a_condition_of_the_tenant_that_asks_for_more_is_asked_of_the_arguments(server):
    """C24: above the limit it takes the approver, below it the person; whatever the server says."""
    rs, token = tool_server(server), await refunding(server)
    large = {"step_up": "args.amount_cents > 5000", "because": "Large.", "approval": FOUR_EYES.to_json()}
    await server.operator.demand("t1", R1, REFUND, when=[large])

    small, big = await rs.asked(token), await rs.asked(token, {**ARGUMENTS, "amount_cents": 5001})

    assert ["", "approver"] == [(await row(server, one)).role for one in (small, big)]


@pytest.mark.requirement("attack:approvals:the-tenants-rule-counts")
async def test_a_yes_of_before_the_tenant_demanded_more_does_not_count(server):
    """Decision 13: asked again when it is spent, though the server has heard of no new policy; then asked anew."""
    rs, token = tool_server(server), await refunding(server)
    asked, other = await rs.asked(token), await rs.asked(token, {"order_id": "o-2"})
    await Approver(server=server, who="u1").decide(asked)
    await Approver(server=server, who="u1").decide(other)
    await server.operator.demand("t1", R1, REFUND, approval=True)
    unchanged = await rs.consume(other, token, {"order_id": "o-2"})
    await server.operator.demand("t1", R1, REFUND, approval=FOUR_EYES)

    spent = await rs.consume(asked, token)
    await server.operator.demand("t1", R1, REFUND)
    back = await rs.consume(asked, token)
    anew = await rs.ask(token)

    assert 200 == unchanged.status_code
    assert [(409, "approval_ended"), (409, "approval_expired")] == [
        (one.status_code, one.json()["error"]) for one in (spent, back)
    ]
    assert (201, "pending") == (anew.status_code, anew.json()["state"])


@pytest.mark.requirement("attack:approvals:the-tenants-rule-counts")
async def test_a_rule_that_nobody_could_satisfy_besides_the_tenants_asks_nobody(server):
    """Decision 18: two rules that want different roles."""
    rs, token = tool_server(server, by="role", role="accounting"), await refunding(server)
    await server.operator.demand("t1", R1, REFUND, approval=FOUR_EYES)

    answer = await rs.ask(token)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert [] == await Approver(server=server, who="v1").inbox()


@pytest.mark.requirement("attack:approvals:as-grave-as-the-directory-knows")
async def test_a_destructive_tool_is_never_shown_as_one_that_reads(server):
    """AP-10: the class on the page is the graver of what the server says and what we know."""
    rs, token = tool_server(server), await refunding(server)
    await server.operator.demand("t1", R1, "search_orders", **{"class": "write"})

    asked = await rs.asked(token, tool_class="read")
    raised = await rs.ask(token, tool="search_orders", tool_class="read")

    assert "destructive" == (await row(server, asked)).tool_class
    assert 403 == raised.status_code


@pytest.mark.requirement("attack:approvals:as-grave-as-the-directory-knows")
async def test_nobody_is_asked_about_a_tool_that_the_tenant_took_from_the_application(server):
    """Decision 11: as if there were no such tool, of whatever class the server says that it is; what was allowed ends too."""
    rs, token = tool_server(server), await refunding(server)
    asked = await rs.asked(token, tool="search_orders", tool_class="read")
    await Approver(server=server, who="u1").decide(asked)

    await server.operator.demand("t1", R1, "search_orders", clients=["another"])
    answers = [
        await rs.ask(token, {"order_id": "o-2"}, tool="search_orders", tool_class="read"),
        await rs.consume(asked, token),
    ]

    assert [403, 403] == [answer.status_code for answer in answers]
    assert "client:approval:consumed" not in await server.operator.kinds()


@pytest.mark.requirement("attack:approvals:what-is-shown-is-bounded")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"K" * 16_000: [0] * 8_000}, ""),
        ({"a": {"K" * 8_000: {"K" * 8_000: [{}] * 5_000}}}, ""),
        ({"a": "x" * 32_000}, "{a}" * 166),
    ],
    ids=["a long name over a long list", "nested", "one value a hundred times"],
)
async def test_a_small_call_is_never_hundreds_of_megabytes_to_read(server, arguments, sentence):
    """AP-10, CWE-409: 32 KiB that would be said in 128 MB are refused, with the cure, and nothing is kept."""
    rs, token = tool_server(server, sentence=sentence), await refunding(server)

    answer = await rs.ask(token, arguments)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert "under shorter names" in answer.json()["error_description"]
    assert [] == await Approver(server=server, who="u1").inbox()


@pytest.mark.requirement("attack:approvals:a-run-is-of-one-call")
async def test_a_run_under_way_holds_its_lease_for_its_own_call_alone(server):
    """AP-03: the same run named with other arguments, another definition or policy is told no, and goes on."""
    rs, token, run = tool_server(server), await refunding(server), new_run()
    asked = await rs.asked(token)
    await Approver(server=server, who="u1").decide(asked)
    await rs.consume(asked, token, instance_id=run)

    changed = [
        await rs.consume(asked, token, instance_id=run, **{name: "f" * 64})
        for name in ("args_hash", "definition_hash", "policy_version")
    ]
    renewed = await rs.consume(asked, token, instance_id=run)

    assert {(409, "approval_mismatch")} == {(one.status_code, one.json()["error"]) for one in changed}
    assert (200, True) == (renewed.status_code, renewed.json()["is_renewed"])


@pytest.mark.requirement("attack:approvals:at-its-tenants-issuer-alone")
async def test_an_approval_is_told_at_the_issuer_of_its_tenant_alone(server):
    """Decisions 6 and 22: the very server that it is for asks at another issuer, and is told what an unknown id is told."""
    token = await server.client("W").sign_in("u7", tenant="t3", scope=WITH_REFUND, tools=[REFUND])
    shared, own, run = tool_server(server, "RS7"), tool_server(server, "RS7"), new_run()
    own.app = replace(own.app, app=replace(own.app.app, issuer_path="/t/t3"))
    asked = await own.asked(token)
    await Approver(server=server, who="u7", tenant="t3").decide(asked)
    unknown = await shared.look(asked[:-4] + "AAAA")

    at_first = [await shared.look(asked), await shared.consume(asked, token)]
    spent = await own.consume(asked, token, instance_id=run)
    running = [await shared.consume(asked, token, instance_id=run), await shared.outcome(asked, run)]
    told = await own.outcome(asked, run)

    assert {(404, unknown.content)} == {(one.status_code, one.content) for one in (*at_first, *running)}
    assert [200, 200] == [spent.status_code, told.status_code]


@pytest.mark.requirement("attack:approvals:who-waits-is-still-heard")
async def test_a_server_that_is_shut_out_while_it_waits_is_told_nothing(server):
    """CVE-2025-53942's kin: it proved itself before; its credential has ended, or the tenant has shut it out."""
    token = await refunding(server)
    ends = (
        lambda app: server.operator.set_client(app, is_active=False),
        lambda app: server.operator.block("t1", app.client_id),
    )
    for number, end in enumerate(ends):
        app = await server.operator.credential_of(R1)
        rs = tool_server(server)
        rs.app = replace(rs.app, app=app)
        asked = await rs.asked(token, {"order_id": f"o-{number}"})
        async with asyncio.TaskGroup() as both:
            waiting = both.create_task(rs.look(asked, wait=20))
            while not server.machines.approval_waits.taken:
                await asyncio.sleep(0)
            await end(app)
            await Approver(server=server, who="u1").decide(asked)

        assert 404 == waiting.result().status_code
