"""
The attacker copied a refresh token and uses it beside its owner.

OAuth 2.1 §4.3.1, decision 9: inside the replay window a retry gets the same successor back; after it, a replay ends the whole
family, because we cannot know which side is the thief.
"""

import pytest

from authserver.domain.issuers.issuer import all_issuers
from authserver.oauth import token_request
from authserver.oauth.parameters import Parameters

WINDOW = 60


@pytest.mark.requirement("attack:replay:window-gives-the-same-successor")
@pytest.mark.parametrize("seconds", [0, 1, WINDOW - 1])
async def test_a_retry_inside_the_window_gets_the_same_successor_and_makes_no_second_branch(server, seconds):
    """TK-34, decision 9: the answer was lost on the way; nobody is punished."""
    app = server.client("P")
    first = await app.sign_in()
    second = await app.refresh(first)

    server.clock.advance(seconds)
    retries = [await app.refresh(first) for _ in range(3)]

    assert {second.refresh_token} == {retry.refresh_token for retry in retries}
    assert (await app.refresh(second)).ok


@pytest.mark.requirement("attack:replay:after-the-window-ends-the-family")
@pytest.mark.parametrize("seconds", [WINDOW, 3600, 23 * 3600])
async def test_a_replay_after_the_window_ends_every_token_of_the_family(server, seconds):
    """OAuth 2.1 §4.3.1: a replay means theft, and we cannot know which side is the thief."""
    app = server.client("P")
    stolen = await app.sign_in()
    fresh = await app.refresh(stolen)
    server.clock.advance(seconds)

    refusal = await app.refresh(stolen)

    assert "invalid_grant" == refusal.error
    assert "invalid_grant" == (await app.refresh(fresh)).error
    assert "client:refresh_token:replayed" in await server.operator.kinds()
    assert fresh.claims["authorization_id"] in await ended_by_the_feed(server)


@pytest.mark.requirement("attack:replay:after-the-window-ends-the-family")
async def test_a_replay_of_an_ancestor_ends_the_family_however_far_it_has_gone(server):
    """OAuth 2.1 §4.3.1: the first of ten links is as dead as the last."""
    app = server.client("P")
    ancestor = latest = await app.sign_in()
    for _ in range(9):
        server.clock.advance(61)
        latest = await app.refresh(latest)

    refusal = await app.refresh(ancestor)

    assert "invalid_grant" == refusal.error
    assert "invalid_grant" == (await app.refresh(latest)).error


@pytest.mark.requirement("attack:replay:other-logins-live-on")
async def test_the_end_of_one_family_leaves_the_persons_other_logins_alone(server):
    """Design §2: a second laptop has an authorization of its own."""
    app, laptop = server.client("P"), server.client("P")
    stolen, other = await app.sign_in(), await laptop.sign_in()
    await app.refresh(stolen)
    server.clock.advance(WINDOW)

    await app.refresh(stolen)

    assert (await laptop.refresh(other)).ok


@pytest.mark.requirement("attack:replay:window-zero-allows-none")
@pytest.mark.settings(refresh_replay_seconds=0)
async def test_without_a_window_the_second_use_ends_the_family_at_once(server):
    """Decision 9: 0 is allowed."""
    app = server.client("P")
    first = await app.sign_in()
    second = await app.refresh(first)

    again = await app.refresh(first)

    assert "invalid_grant" == again.error
    assert "invalid_grant" == (await app.refresh(second)).error


@pytest.mark.one_database
@pytest.mark.requirement("attack:replay:window-is-per-client")
async def test_the_window_is_the_clients_own_where_it_has_one(server):
    """Decision 9: per client; `refresh_replay_seconds` of its registration beats the setting."""
    strict = server.client("Z")
    tokens = await strict.sign_in()
    await strict.refresh(tokens)

    assert "invalid_grant" == (await strict.refresh(tokens)).error


@pytest.mark.requirement("attack:replay:revoked-is-dead-inside-the-window")
async def test_a_token_that_was_ended_on_purpose_is_dead_inside_the_window_too(server):
    """TK-35, DOT #1816: neither the used token nor its successor."""
    app = server.client("P")
    first = await app.sign_in()
    second = await app.refresh(first)

    await server.operator.end_authorization("t1", second.claims["authorization_id"])

    assert "invalid_grant" == (await app.refresh(first)).error
    assert "invalid_grant" == (await app.refresh(second)).error


@pytest.mark.requirement("attack:replay:dead-stays-dead-after-a-restart")
async def test_what_is_dead_stays_dead_after_a_restart_and_with_the_clock_set_back(server):
    """Issue: a replayed refresh token is still dead after a restart; CK-02: ends are stored, not timed."""
    app = server.client("P")
    stolen = await app.sign_in()
    fresh = await app.refresh(stolen)
    server.clock.advance(WINDOW)
    await app.refresh(stolen)

    await server.restart()
    server.clock.advance(-WINDOW)
    app = server.client("P")

    assert "invalid_grant" == (await app.refresh(stolen)).error
    assert "invalid_grant" == (await app.refresh(fresh)).error


@pytest.mark.requirement("attack:replay:code-ends-what-it-began")
async def test_a_replayed_code_ends_the_tokens_it_began(server):
    """TK-01, OAuth 2.1 §4.1.3, §7.5.2: whoever holds the code and the verifier twice is not one person."""
    app = server.client("P")
    code = await app.authorize()
    tokens = await app.redeem(code)

    replay = await app.redeem(code)

    assert "invalid_grant" == replay.error
    assert "invalid_grant" == (await app.refresh(tokens)).error
    assert tokens.claims["authorization_id"] in await ended_by_the_feed(server)
    assert "client:code:replayed" in await server.operator.kinds()


@pytest.mark.requirement("attack:replay:code-by-a-stranger-ends-nothing")
@pytest.mark.parametrize(
    "stranger", ["wrong verifier", "another client", "no authentication", "wrong redirect", "wrong resource"]
)
async def test_a_stranger_who_replays_a_code_ends_nothing(server, stranger):
    """Attack catalogue D4: otherwise anybody who saw a code in a log could log people out."""
    app = server.client("B")
    code = await app.authorize()
    tokens = await app.redeem(code)

    match stranger:
        case "wrong verifier":
            replay = await app.redeem(code, code_verifier="w" * 43)
        case "another client":
            replay = await server.client("P").redeem(code, redirect_uri=None)
        case "no authentication":
            replay = await app.token(
                authenticate=False, grant_type="authorization_code", client_id=app.app.client_id, code=code.code,
                code_verifier=app.verifier,
            )  # fmt: skip
        case "wrong redirect":
            replay = await app.redeem(code, redirect_uri="https://b.example/other")
        case "wrong resource":
            replay = await app.redeem(code, resource="https://evil.example/")

    assert not replay.ok
    assert (await app.refresh(tokens)).ok


async def ended_by_the_feed(server) -> str:
    """Return what the numbered list tells resource servers, as text."""
    from authserver.domain.revocation import feed

    return " ".join(row["subject"] for row in await feed.since(server.operator.work(), after=0))


@pytest.mark.requirement("attack:replay:an-end-wins-over-a-retry")
async def test_an_end_that_comes_while_a_retry_is_answered_wins(server):
    """Decisions 4 and 9: the retry has read that all is well; what ended before it commits gives no access token more."""
    app = server.client("P")
    tokens = await app.sign_in("u1")
    assert (await app.refresh(tokens)).ok
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, "client_id": app.app.client_id}
    work = server.machines.work(address="127.0.0.1")
    issuer = (await all_issuers(work)).by_path[""]

    answer = await token_request.handle(work, issuer, Parameters(list(form.items())), None)
    await server.operator.end_authorization("t1", tokens.claims["authorization_id"])

    assert answer.access_token.token
    assert not await work.commit()
