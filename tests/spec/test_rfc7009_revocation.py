"""RFC 7009: a client ends what it holds, nobody else's, and 200 means that it is dead."""

import pytest

from authserver.runtime.unit_of_work import DatabaseUnavailableError


async def is_active(server, tokens):
    return (await server.client("RS1").introspect(tokens.access_token)).body["active"]


@pytest.mark.requirement("rfc7009:refresh-token:ends-its-authorization")
@pytest.mark.parametrize("letter", ["P", "B", "S"])
async def test_a_revoked_refresh_token_ends_everything_under_its_authorization(server, letter):
    """RV-02, RFC 7009 §2.1: every access token of it too; another login of the same person goes on."""
    app = server.client(letter)
    first = await app.sign_in()
    tokens, other = await app.refresh(first), await app.sign_in()

    answer = await app.revoke(tokens.refresh_token)

    assert (200, b"") == (answer.status, answer.response.content)
    assert "invalid_grant" == (await app.refresh(tokens)).error
    assert [False, False] == [await is_active(server, one) for one in (first, tokens)]
    assert await is_active(server, other)
    assert (await app.refresh(other)).ok


@pytest.mark.requirement("rfc7009:refresh-token:ends-its-authorization")
async def test_a_used_refresh_token_ends_the_family_inside_its_window_too(server):
    """TK-35: deliberately revoked is dead, also where a retry would still have been answered."""
    app = server.client("P")
    used = await app.sign_in()
    fresh = await app.refresh(used)

    await app.revoke(used.refresh_token)

    assert "invalid_grant" == (await app.refresh(used)).error
    assert "invalid_grant" == (await app.refresh(fresh)).error
    assert not await is_active(server, fresh)


@pytest.mark.requirement("rfc7009:access-token:ends-alone")
async def test_a_revoked_access_token_ends_alone(server):
    """RFC 7009 §2.1: its authorization goes on, and so do the other tokens under it."""
    app = server.client("P")
    first = await app.sign_in()
    second = await app.refresh(first)

    answer = await app.revoke(first.access_token)

    assert (200, b"") == (answer.status, answer.response.content)
    assert [False, True] == [await is_active(server, one) for one in (first, second)]
    assert (await app.refresh(second)).ok
    assert 1 == (await server.operator.kinds()).count("client:token:revoked")


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:access-token:ends-alone")
async def test_a_machine_revokes_its_own_token_and_gets_the_next(server):
    """RFC 7009 §2.1: a client's own token is no different."""
    machine = server.client("M")
    tokens = await machine.client_credentials()

    await machine.revoke(tokens.access_token)

    assert not await is_active(server, tokens)
    assert await is_active(server, await machine.client_credentials())


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:request:a-hint-changes-nothing")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "pkce_verifier", "nonsense", ""])
async def test_a_wrong_hint_revokes_all_the_same(server, hint):
    """RV-06, RFC 7009 §2.1."""
    app = server.client("P")
    by_refresh, by_access = await app.sign_in(), await app.sign_in()

    await app.revoke(by_refresh.refresh_token, token_type_hint=hint)
    await app.revoke(by_access.access_token, token_type_hint=hint)

    assert [False, False] == [await is_active(server, one) for one in (by_refresh, by_access)]


@pytest.mark.requirement("rfc7009:owner:nobody-else-ends-it")
@pytest.mark.parametrize("stranger", ["N", "B", "X", "G", "RS1"])
async def test_somebody_elses_token_is_as_unknown_as_any_and_lives_on(server, stranger):
    """RV-03, RFC 7009 §2.1: one answer, byte for byte, and nothing happens but a line in the record."""
    app, other = server.client("P"), server.client(stranger)
    tokens = await app.sign_in()

    answers = [
        await other.revoke(token)
        for token in (tokens.refresh_token, tokens.access_token, "rt_nothing", "a.b.c", tokens.refresh_token[:-1])
    ]

    assert {(200, b"")} == {(answer.status, answer.response.content) for answer in answers}
    assert await is_active(server, tokens)
    assert (await app.refresh(tokens)).ok
    tenant = {"X": "t2", "G": None, "RS1": None}.get(stranger, "t1")
    assert 5 == (await server.operator.kinds(tenant)).count("client:revocation:refused")


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:request:needs-the-clients-credential")
async def test_a_confidential_client_proves_itself_before_anything_is_ended(server):
    """RV-05, RFC 7009 §2.1."""
    app = server.client("B")
    tokens = await app.sign_in()

    answers = [
        await app.revoke(tokens.refresh_token, authenticate=False),
        await app.revoke(tokens.refresh_token, authenticate=False, client_id=app.app.client_id),
        await server.client("B", auth_method="client_secret_post").revoke(tokens.refresh_token),
        await server.client("B", secret="cs_wrong").revoke(tokens.refresh_token),
    ]

    assert {(401, "invalid_client")} == {(answer.status, answer.error) for answer in answers}
    assert await is_active(server, tokens)
    assert (await app.refresh(tokens)).ok


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:request:one-token-by-post")
async def test_a_request_is_one_token_in_one_form(server):
    """RFC 7009 §2.1, OAuth 2.1 §3.2."""
    app = server.client("P")
    tokens = await app.sign_in()

    missing = await app.post("/revoke")
    doubled = await app.revoke([tokens.refresh_token, "rt_other"])
    in_the_url = await server.http.get(f"/revoke?token={tokens.refresh_token}&client_id={app.app.client_id}")
    as_json = await app.revoke(tokens.refresh_token, headers={"content-type": "application/json"})

    assert [(400, "invalid_request")] * 3 == [(one.status, one.error) for one in (missing, doubled, as_json)]
    assert (405, "POST") == (in_the_url.status_code, in_the_url.headers["allow"])
    assert await is_active(server, tokens)


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:request:open-to-browser-clients")
async def test_a_browser_client_may_revoke(server):
    """RFC 7009 §2.1 (CORS), `clients.md` rule 11."""
    app = server.client("P")
    tokens = await app.sign_in()
    origin = {"origin": "https://p.example"}

    preflight = await server.http.options("/revoke", headers=origin)
    answer = await app.revoke(tokens.refresh_token, headers=origin)

    assert 204 == preflight.status_code
    assert "*" == answer.response.headers["access-control-allow-origin"]
    assert "no-store" == answer.response.headers["cache-control"]


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:answer:never-200-for-what-was-not-stored")
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_what_could_not_be_stored_is_a_503_and_can_be_tried_again(server, monkeypatch, kind):
    """RFC 7009 §2.2.1, CVE-2020-15223: a client that reads 200 forgets the token."""
    app = server.client("P")
    tokens = await app.sign_in()

    async def full(unit):
        raise DatabaseUnavailableError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(server.machines.database, "commit", full, raising=False)
        refused = await app.revoke(tokens.body[kind])
    alive = await is_active(server, tokens)
    answer = await app.revoke(tokens.body[kind])

    assert (503, "1") == (refused.status, refused.response.headers["retry-after"])
    assert (True, 200, False) == (alive, answer.status, await is_active(server, tokens))


@pytest.mark.one_database
@pytest.mark.requirement("rfc7009:answer:repeating-changes-nothing")
async def test_revoking_again_is_200_and_announces_nothing_more(server):
    """RFC 7009 §2.2: already invalid is as good as just made invalid; nobody can fill the list that others follow."""
    from authserver.domain.revocation import feed

    app = server.client("P")
    first, second = await app.sign_in(), await app.sign_in()
    await app.revoke(first.access_token)
    await app.revoke(second.refresh_token)
    known = len(await feed.since(server.machines.work(), after=0))

    answers = [await app.revoke(token) for token in (first.access_token, second.refresh_token) for _ in range(3)]

    assert {200} == {answer.status for answer in answers}
    assert known == len(await feed.since(server.machines.work(), after=0))


@pytest.mark.requirement("rfc7009:answer:dead-after-a-restart")
async def test_what_was_revoked_is_dead_after_a_restart(server):
    """CVE-2026-9802: truth is in the database."""
    app = server.client("P")
    family, single = await app.sign_in(), await app.sign_in()
    await app.revoke(family.refresh_token)
    await app.revoke(single.access_token)

    await server.restart()

    assert "invalid_grant" == (await app.refresh(family)).error
    assert [False, False] == [await is_active(server, one) for one in (family, single)]


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("rfc7009:request:is-limited-by-itself")
async def test_a_client_that_revokes_without_end_is_told_when_to_come_back(server):
    """Decision 12: 429 with Retry-After, nothing is ended by it, and nobody else is slowed."""
    app, other = server.client("B"), server.client("N")
    tokens, others = await app.sign_in(), await other.sign_in()

    answers = [await app.revoke("rt_nothing") for _ in range(12)]
    late = await app.revoke(tokens.refresh_token)

    assert (200, 429, 429) == (answers[0].status, answers[-1].status, late.status)
    assert 1 <= int(late.response.headers["retry-after"])
    assert await is_active(server, tokens)
    assert 200 == (await other.revoke(others.refresh_token)).status
    assert not await is_active(server, others)
    server.clock.advance(60)
    assert 200 == (await app.revoke(tokens.refresh_token)).status
    assert not await is_active(server, tokens)


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("rfc7009:request:is-limited-by-itself")
async def test_a_flood_of_token_requests_keeps_nobody_from_revoking(server):
    """Ours: a thief who uses up what the token endpoint gives a client cannot keep its owner from ending the rest."""
    machine = server.client("M")
    tokens = await machine.client_credentials()
    flood = [await machine.client_credentials() for _ in range(12)]

    answer = await machine.revoke(tokens.access_token)

    assert 429 == flood[-1].status
    assert 200 == answer.status
    assert not await is_active(server, tokens)
