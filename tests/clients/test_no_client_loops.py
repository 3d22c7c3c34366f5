"""
No client of the catalogue goes round in circles: each call ends in success or in a clear refusal within two rounds.

A round is a walk through our pages for more. The client does what its documentation says: it asks for what the challenge names, or
shows the refusal; one that asked and was given nothing new stops, as the SDKs do.
"""

import pytest

from tests.clients.catalogue import CLIENTS, REGISTERING
from tests.clients.replay import Replay
from tests.promises.test_account_page import more
from tests.support.guarding import Guarding, asked_for
from tests.support.world import R1

pytestmark = pytest.mark.one_database

MOST_ROUNDS = 2


@pytest.fixture
async def guarding(server):
    made = Guarding(server)
    yield made
    await made.guard.aclose()


async def uses(client, guarding, tool, *, ticks=(), meanwhile=None):
    """Log in for reading, call a tool, and step up as this client does; returns the last answer, the tokens and the rounds."""
    tokens = await client.log_in(scope="orders:read")
    answer, rounds = await guarding.call(tool, tokens.access_token), 0
    while 403 == answer.status and client.known.finishes_step_up and rounds < 10:
        if meanwhile is not None:
            await meanwhile()
        code = await client.authorize(scope=asked_for(answer), tools=list(ticks))
        rounds += 1
        if not code.has_code:
            break
        given = await client.redeem(code)
        is_stuck = given.scope == tokens.scope
        tokens, answer = given, await guarding.call(tool, given.access_token)
        if is_stuck:
            break
    return answer, tokens, rounds


@pytest.mark.requirement("opt-in:matrix:no-client-loops")
@pytest.mark.parametrize("name", REGISTERING)
async def test_a_tool_that_is_offered_ends_in_success(server, guarding, name):
    """K13: one 403, one page with the tool's box, and the call runs; a client that shows the 403 is let by its person."""
    client = await Replay.registered(server, name)

    answer, tokens, rounds = await uses(client, guarding, "update_order", ticks=["update_order"])

    assert rounds == (1 if CLIENTS[name].finishes_step_up else 0)
    if not CLIENTS[name].finishes_step_up:
        assert (403, ["orders:write", "tool:update_order"]) == (answer.status, answer.error["required_scopes"])
        await more(client.app, tokens.claims["authorization_id"], tool=["update_order"])
        answer = await guarding.call("update_order", (await client.refresh(tokens)).access_token)
    assert 200 == answer.status
    assert 1 == len(guarding.behind.seen)


@pytest.mark.requirement("opt-in:matrix:no-client-loops")
@pytest.mark.parametrize("name", REGISTERING)
async def test_a_tool_outside_the_list_is_unknown_and_nobody_is_sent_anywhere(server, guarding, name):
    """K14: no 403 at all, so there is no step-up to begin."""
    await server.operator.demand("t1", R1, "update_order", clients=["cli_another"])
    client = await Replay.registered(server, name)

    answer, _, rounds = await uses(client, guarding, "update_order", ticks=["update_order"])

    assert (200, "tool_unknown", 0) == (answer.status, answer.error["error"], rounds)
    assert [] == guarding.behind.seen


@pytest.mark.requirement("opt-in:matrix:no-client-loops")
@pytest.mark.parametrize("name", REGISTERING)
async def test_a_tool_taken_off_the_list_on_the_way_ends_the_way(server, guarding, name):
    """Decision 11: between the 403 and the page an operator decided otherwise; the page has no box, the guard no tool."""
    client = await Replay.registered(server, name)

    async def taken_away():
        await server.operator.demand("t1", R1, "update_order", mode="deny")
        await guarding.next_question()

    answer, tokens, rounds = await uses(client, guarding, "update_order", ticks=["update_order"], meanwhile=taken_away)

    assert rounds <= MOST_ROUNDS
    assert "tool:update_order" not in tokens.scope
    assert answer.error["error"] == ("tool_unknown" if CLIENTS[name].finishes_step_up else "insufficient_scope")
    assert [] == guarding.behind.seen


@pytest.mark.requirement("opt-in:matrix:no-client-loops")
@pytest.mark.parametrize("name", REGISTERING)
async def test_a_missing_role_is_told_as_what_it_is(server, guarding, name):
    """Decision 11: no scope cures it, so it is never a 403."""
    client = await Replay.registered(server, name)

    answer, _, rounds = await uses(client, guarding, "audit_orders")

    assert (200, "policy_denied", 0) == (answer.status, answer.error["error"], rounds)
    assert [] == guarding.behind.seen


@pytest.mark.requirement("opt-in:matrix:no-client-loops")
@pytest.mark.parametrize("name", REGISTERING)
@pytest.mark.parametrize("tool", ["update_order", "purge_orders"], ids=["not ticked", "not theirs to give"])
async def test_a_person_who_does_not_or_may_not_allow_it_is_asked_once(server, guarding, name, tool):
    """OAuth 2.1 §1.4.1: the answer says what was given; the client has nothing new to try with."""
    client = await Replay.registered(server, name)

    answer, tokens, rounds = await uses(client, guarding, tool, ticks=[])

    assert rounds <= MOST_ROUNDS
    assert f"tool:{tool}" not in tokens.scope
    assert (403, True) == (answer.status, f"tool:{tool}" in answer.error["missing_scopes"])
    assert [] == guarding.behind.seen
