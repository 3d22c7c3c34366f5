"""What an operator changes at the server holds at the MCP server after its next question, and for whom it was meant alone."""

import pytest

from tests.support.guarding import Guarding
from tests.support.world import R1, WRITE


@pytest.fixture
async def guarding(server):
    made = Guarding(server)
    yield made
    await made.guard.aclose()


@pytest.mark.requirement("opt-in:guard:operators-act-within-seconds")
async def test_a_tool_that_an_operator_takes_away_is_gone_with_the_next_question_and_comes_back(server, guarding):
    """Decision 18: the token still holds its scope; nobody deployed anything, and nobody logged in again."""
    tokens = await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])
    before = await guarding.call("update_order", tokens.access_token)

    await server.operator.demand("t1", R1, "update_order", mode="deny")
    await guarding.next_question()
    gone = await guarding.call("update_order", tokens.access_token)
    read = await guarding.call("search_orders", tokens.access_token)
    await server.operator.demand("t1", R1, "update_order")
    await guarding.next_question()
    back = await guarding.call("update_order", tokens.access_token)

    assert [200, 200, 200, 200] == [seen.status for seen in (before, gone, read, back)]
    assert "tool_unknown" == gone.error["error"]
    assert 3 == len(guarding.behind.seen)


@pytest.mark.requirement("opt-in:guard:operators-act-within-seconds")
async def test_a_list_of_applications_holds_at_both_doors(server, guarding):
    """Decision 11: on the list it is offered and runs; off the list neither page nor guard knows it."""
    on, off = server.client("B"), server.client("P")
    await server.operator.demand("t1", R1, "update_order", clients=[on.app.client_id])

    listed = await on.sign_in("u1", scope=WRITE, tools=["update_order"])
    unlisted = await off.sign_in("u1", scope=WRITE, tools=["update_order"])
    answers = [await guarding.call("update_order", tokens.access_token) for tokens in (listed, unlisted)]

    assert ("tool:update_order" in listed.scope, "tool:update_order" in unlisted.scope) == (True, False)
    assert 200 == answers[0].status
    assert "tool_unknown" == answers[1].error["error"]
    assert 1 == len(guarding.behind.seen)


@pytest.mark.requirement("opt-in:guard:operators-act-within-seconds")
@pytest.mark.one_database
async def test_a_condition_of_an_operator_is_a_condition_of_the_guard(server, guarding):
    """Decision 18: the same words as the author's."""
    tokens = await server.client("P").sign_in("u1", scope="orders:read")
    await server.operator.demand(
        "t1", R1, "search_orders", when=[{"deny": "true", "because": "Not during the stock-taking."}]
    )

    refused = await guarding.call("search_orders", tokens.access_token)

    assert ("policy_denied", True) == (refused.error["error"], "stock-taking" in refused.error["message"])
    assert [] == guarding.behind.seen


@pytest.mark.requirement("opt-in:guard:a-tenant-that-is-not-named-has-no-tools")
async def test_a_tenant_that_blocks_the_server_has_no_tools_there(server, guarding):
    """Decision 22: its people hold good tokens for a few minutes more; the server they blocked does nothing for them."""
    tokens = await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])
    before = await guarding.call("search_orders", tokens.access_token)

    await server.operator.block("t1", server.client("RS1").app.client_id)
    await guarding.next_question()
    after = await guarding.call("search_orders", tokens.access_token)

    assert 200 == before.status
    assert "tool_unknown" == after.error["error"]
    assert 1 == len(guarding.behind.seen)
