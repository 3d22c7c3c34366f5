"""
The attacker is fast: many uses of one one-time thing at the same moment.

Issue, "it must show" 3: never two live branches, on both databases, in one process and with two.
"""

import asyncio

import pytest


@pytest.mark.requirement("attack:race:one-code-wins-once")
async def test_of_fifty_parallel_redemptions_one_wins_and_nothing_else_is_issued(server):
    """TK-03, GHSA-7w99-5wm4-3g79: authlib's documented exchange let 14 of 20 win."""
    app = server.client("P")
    code = await app.authorize()

    answers = await asyncio.gather(*(app.redeem(code) for _ in range(50)))
    won = [answer for answer in answers if answer.ok]

    assert 1 == len(won)
    assert {"invalid_grant"} == {answer.error for answer in answers if not answer.ok}
    # The losers are replays by the right client with the right verifier, so what the winner got ends (TK-01).
    assert "invalid_grant" == (await app.refresh(won[0])).error
    assert 1 == (await server.operator.kinds()).count("client:authorization:started")


@pytest.mark.requirement("attack:race:parallel-refreshes-make-one-branch")
async def test_a_hundred_parallel_refreshes_inside_the_window_make_one_branch(server):
    """TK-33, CVE-2026-1035: every success carries the same successor."""
    app = server.client("P")
    first = await app.sign_in()

    answers = await asyncio.gather(*(app.refresh(first) for _ in range(100)))
    successors = {answer.refresh_token for answer in answers if answer.ok}

    assert 1 == len(successors)
    assert 100 == len([answer for answer in answers if answer.ok])
    server.clock.advance(3600)
    assert (await app.refresh(successors.pop())).ok


@pytest.mark.settings(refresh_replay_seconds=0)
@pytest.mark.requirement("attack:race:parallel-refreshes-make-one-branch")
async def test_a_hundred_parallel_refreshes_without_a_window_make_at_most_one_token(server):
    """TK-33, GHSA-392p-2q2v-4372: one wins, the rest are replays, so nothing lives on."""
    app = server.client("P")
    first = await app.sign_in()

    answers = await asyncio.gather(*(app.refresh(first) for _ in range(100)))
    won = [answer for answer in answers if answer.ok]

    assert 1 == len(won)
    assert {"invalid_grant"} == {answer.error for answer in answers if not answer.ok}
    assert "invalid_grant" == (await app.refresh(won[0])).error


@pytest.mark.requirement("attack:race:end-beats-refresh")
async def test_an_end_beside_refreshes_leaves_no_live_descendant(server):
    """RV-07 kin: whichever comes first, after both nothing of the family is alive."""
    app = server.client("P")
    for _ in range(5):
        tokens = await app.sign_in()
        authorization_id = tokens.claims["authorization_id"]

        answers = await asyncio.gather(
            *(app.refresh(tokens) for _ in range(8)), server.operator.end_authorization("t1", authorization_id)
        )
        successors = {answer.refresh_token for answer in answers if answer is not None and answer.ok}

        assert "invalid_grant" == (await app.refresh(tokens)).error
        for successor in successors:
            assert "invalid_grant" == (await app.refresh(successor)).error


@pytest.mark.requirement("attack:race:one-standing-authorization")
async def test_fifty_parallel_first_tokens_of_a_machine_share_one_authorization(server):
    """Design §2: one standing authorization per resource, from the first moment on."""
    app = server.client("M")

    answers = await asyncio.gather(*(app.client_credentials() for _ in range(50)))

    assert 1 == len({answer.claims["authorization_id"] for answer in answers})


@pytest.mark.requirement("attack:race:login-budget-is-not-outrun")
async def test_parallel_wrong_passwords_do_not_outrun_the_budget(server):
    """AZ-52: forty at once are looked at no more often than ten one after the other."""
    browser = server.browser()
    page = await browser.open("/login")
    form = page.form("password")

    answers = await asyncio.gather(
        *(browser.submit_once(form, email=server.world.people["u1"].email, password="wrong") for _ in range(40))
    )
    statuses = [answer.status for answer in answers]

    assert 10 == statuses.count(401)
    assert 30 == statuses.count(429)


@pytest.mark.requirement("attack:race:wrong-verifiers-are-counted")
async def test_parallel_wrong_verifiers_are_all_counted(server):
    """Attack catalogue D5: a burst of guesses cannot slip through between reading and writing."""
    app = server.client("P")
    code = await app.authorize()

    await asyncio.gather(*(app.redeem(code, code_verifier=f"{number:043}") for number in range(20)))

    assert "invalid_grant" == (await app.redeem(code)).error
