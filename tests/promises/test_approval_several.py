"""A yes to one call may be for several more like it: so many, until then, the same values or under the author's condition."""

import pytest

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, several
from authserver.domain.approvals.deciding import RefusedDecisionError
from authserver.domain.approvals.several import NotOfferedError
from tests.support.approvals import ARGUMENTS, REFUND, WITH_REFUND, Approver, tool_server
from tests.support.world import WRITE

SMALL = "args.amount_cents <= 2000"


async def opened(server, approval_id, who="u1", **how):
    work = server.operator.work("t1")
    return work, await approvals.find(work, approval_id), await Approver(server=server, who=who, **how).decider()


async def offers(server, approval_id, who="u1"):
    work, it, decider = await opened(server, approval_id, who)
    return await several.offered(work, it, decider)


async def allow(server, approval_id, key, who="u1"):
    """Say yes and give what `key` names, as the page does, in one commit."""
    work, it, decider = await opened(server, approval_id, who)
    await deciding.decide(work, it, decider, True, it.display_hash)
    given = await several.give(work, it, decider, key)
    assert await work.commit()
    return given


async def asked(server, **rule):
    tokens = await server.client("P").sign_in("u1", scope=WRITE, tools=["update_order"])
    asks = tool_server(server, **rule)
    asks.tool, asks.tool_class = "update_order", "write"
    return tokens, asks, await asks.asked(tokens)


async def allowed_now(asks, tokens, count, arguments=None):
    """Run one call after the other while nobody has to be asked; return how many ran."""
    for ran in range(count):
        answer = (await asks.ask(tokens, arguments)).json()
        if answer["state"] != "approved":
            return ran
        spent = await asks.consume(answer["approval_id"], tokens, arguments, instance_id=f"several-{ran}")
        assert 200 == spent.status_code
        await asks.outcome(answer["approval_id"], f"several-{ran}", delivered=True)
    return count


@pytest.mark.requirement("approvals:several:bounded-and-exact")
async def test_the_same_call_may_run_so_often_and_then_asks_again(server):
    """The call that was asked about and five more; the next token says so, and any other values are asked about."""
    tokens, asks, approval_id = await asked(server)
    choice = next(each for each in await offers(server, approval_id) if (5, "") == (each.calls, each.condition))

    given = await allow(server, approval_id, choice.key)
    await asks.run(approval_id, tokens)
    refreshed = await server.client("P").refresh(tokens)

    assert [given.id] == [each["grant_id"] for each in refreshed.body["authorization_details"]]
    assert 0 == await allowed_now(asks, tokens, 1, {**ARGUMENTS, "amount_cents": 1})
    assert 5 == await allowed_now(asks, tokens, 9)


@pytest.mark.requirement("approvals:several:bounded-and-exact")
async def test_a_condition_of_the_author_covers_other_values_until_its_end(server):
    """What the author's policy offers, and nothing that a form makes up."""
    tokens, asks, approval_id = await asked(server, more=(SMALL,))
    choice = next(each for each in await offers(server, approval_id) if SMALL == each.condition)
    await allow(server, approval_id, choice.key)

    assert 0 == await allowed_now(asks, tokens, 1, {**ARGUMENTS, "amount_cents": 2001})
    assert 0 == await allowed_now(asks, tokens, 1, {**ARGUMENTS, "amount_cents": "100"})
    assert 2 == await allowed_now(asks, tokens, 2, {**ARGUMENTS, "amount_cents": 1999})
    server.clock.advance(choice.seconds)
    fresh = await server.client("P").refresh(tokens)
    assert 0 == await allowed_now(asks, fresh, 1, {**ARGUMENTS, "amount_cents": 1999})


@pytest.mark.requirement("approvals:several:bounded-and-exact")
@pytest.mark.one_database
async def test_what_cannot_be_undone_is_never_simply_done_again(server):
    """A refund of the same values five times over is nobody's wish; what its author says is like it may be offered."""
    tokens = await server.client("P").sign_in("u1", scope=WITH_REFUND, tools=[REFUND])

    plain = await tool_server(server).asked(tokens)
    like_it = await tool_server(server, more=(SMALL,)).asked(tokens)

    assert () == await offers(server, plain)
    assert {SMALL} == {choice.condition for choice in await offers(server, like_it)}


@pytest.mark.requirement("approvals:several:only-whose-yes-is-enough")
@pytest.mark.one_database
async def test_it_is_offered_to_nobody_whose_yes_is_not_enough(server):
    """AP-05: not the requester's under four eyes, not one of two; the approver's own is an approver's."""
    for rule, who, offered in (
        ({}, "u1", True),
        ({"four_eyes": True}, "u1", False),
        ({"four_eyes": True}, "v1", True),
        ({"by": "role", "approvers": 2}, "v1", False),
        ({"most_calls": 1}, "u1", False),
    ):
        _, _, approval_id = await asked(server, **rule)
        assert offered is bool(await offers(server, approval_id, who)), rule


@pytest.mark.requirement("approvals:several:only-whose-yes-is-enough")
async def test_an_approvers_yes_to_several_covers_four_eyes_calls(server):
    """And the person it runs for sees it, and can end it, in their account."""
    tokens, asks, approval_id = await asked(server, four_eyes=True)
    choice = (await offers(server, approval_id, "v1"))[0]

    given = await allow(server, approval_id, choice.key, "v1")
    await asks.run(approval_id, tokens)

    assert server.world.people["v1"].subs["t1"] == given.given_by
    assert 1 == await allowed_now(asks, tokens, 1)
    app = server.client("P")
    await app.consent_page("u1")
    page = await app.browser_of("u1").open("/account")
    assert "Somebody who approves for your organisation allowed it." in page.text


@pytest.mark.requirement("approvals:several:bounded-and-exact")
@pytest.mark.one_database
async def test_a_key_that_was_not_offered_gives_nothing_and_neither_does_a_lost_yes(server):
    """AP-09: the choice is ours; without the yes in the same commit there is no grant."""
    tokens, asks, approval_id = await asked(server)
    choice = (await offers(server, approval_id))[0]
    work, it, decider = await opened(server, approval_id)
    with pytest.raises(NotOfferedError):
        await several.give(work, it, decider, "0" * 32)

    first, second = await opened(server, approval_id), await opened(server, approval_id)
    for work, it, decider in (first, second):
        await deciding.decide(work, it, decider, True, it.display_hash)
        await several.give(work, it, decider, choice.key)
    assert await first[0].commit()
    assert not await second[0].commit()

    work, it, decider = await opened(server, approval_id)
    with pytest.raises(RefusedDecisionError):
        await deciding.decide(work, it, decider, True, it.display_hash)
    assert () == await offers(server, approval_id)
    await asks.run(approval_id, tokens)
    assert choice.calls == await allowed_now(asks, tokens, choice.calls + 3)


@pytest.mark.requirement("approvals:several:bounded-and-exact")
async def test_the_page_comes_with_only_this_call_and_gives_what_is_chosen(server):
    """A yes without a choice is for one call; a choice that stood on no page is refused, and nothing was allowed."""
    tokens, asks, approval_id = await asked(server, more=(SMALL,))
    app = server.client("P")
    await app.consent_page("u1")
    browser = app.browser_of("u1")
    url = f"/approvals/{approval_id}"
    page = await browser.open(url)
    form = page.form("decision")
    assert "none" == form.value("more")
    assert SMALL in page.text

    made_up = await browser.submit(form, decision="allow", more="f" * 32)
    assert 409 == made_up.status
    assert "pending" == await asks.state(approval_id)

    chosen = next(each for each in await offers(server, approval_id) if (5, "") == (each.calls, each.condition))
    await browser.submit((await browser.open(url)).form("decision"), decision="allow", more=chosen.key)
    await asks.run(approval_id, tokens)
    assert 5 == await allowed_now(asks, tokens, 9)

    another = await asks.asked(tokens, {**ARGUMENTS, "amount_cents": 1})
    await browser.submit((await browser.open(f"/approvals/{another}")).form("decision"), decision="allow")
    assert "approved" == await asks.state(another)
    assert "authorization_details" not in (await app.refresh(tokens)).body


@pytest.mark.requirement("approvals:several:only-whose-yes-is-enough")
@pytest.mark.one_database
async def test_a_no_gives_nothing_whatever_is_chosen_beside_it(server):
    """A choice counts beside a yes alone."""
    tokens, asks, approval_id = await asked(server)
    app = server.client("P")
    await app.consent_page("u1")
    browser, choice = app.browser_of("u1"), (await offers(server, approval_id))[0]

    page = await browser.open(f"/approvals/{approval_id}")
    await browser.submit(page.form("decision"), decision="deny", more=choice.key)

    assert "denied" == await asks.state(approval_id)
    assert "authorization_details" not in (await app.refresh(tokens)).body
