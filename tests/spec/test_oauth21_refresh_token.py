"""OAuth 2.1 §4.3: a refresh token rotates, stays inside what was granted, and ends when it should."""

import pytest

from tests.support.world import R1, R2, WRITE


@pytest.mark.requirement("oauth21:refresh:rotates")
@pytest.mark.parametrize("letter", ["P", "B"])
async def test_a_refresh_gives_a_new_refresh_token_and_the_same_authority(server, letter):
    """OAuth 2.1 §4.3.1, MCP A33: public clients must rotate; ours all do."""
    app = server.client(letter)
    first = await app.sign_in()
    server.clock.advance(500)

    second = await app.refresh(first)

    assert second.ok
    assert first.refresh_token != second.refresh_token
    assert first.claims["jti"] != second.claims["jti"]
    for same in ("sub", "aud", "client_id", "scope", "tenant_id", "authorization_id", "auth_time", "amr"):
        assert first.claims[same] == second.claims[same]
    assert 500 == second.claims["iat"] - first.claims["iat"]


@pytest.mark.requirement("oauth21:refresh:chain-lives-on")
async def test_a_chain_of_refreshes_goes_on(server):
    """Ours: every link works once and hands over to the next."""
    app = server.client("P")
    tokens = await app.sign_in()

    for _ in range(5):
        server.clock.advance(3600)
        tokens = await app.refresh(tokens)

    assert tokens.ok


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:refresh:never-widens")
async def test_a_refresh_may_narrow_the_access_token_and_never_widens_it(server):
    """OAuth 2.1 §4.3.1 (TK-38): the narrowing lasts for one access token; the refresh token keeps its scope."""
    app = server.client("P")
    tokens = await app.sign_in(scope=WRITE, tools=["update_order"])

    narrow = await app.refresh(tokens, scope="orders:read")
    wider = await app.refresh(narrow, scope=f"{WRITE} tool:refund_order")
    empty = await app.refresh(narrow, scope="")
    unknown = await app.refresh(empty, scope="orders:read nonsense")

    assert {"orders:read"} == narrow.scope
    assert "invalid_scope" == wider.error
    assert set(WRITE.split()) == empty.scope
    assert "invalid_scope" == unknown.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:refresh:failed-attempts-burn-nothing")
async def test_a_refused_refresh_leaves_the_token_usable(server):
    """Decision 9: check everything, then write."""
    app = server.client("P")
    tokens = await app.sign_in()

    refusals = [
        await app.refresh(tokens, scope="orders:write"),
        await app.refresh(tokens, resource=R2),
        await app.refresh(tokens, resource=[R1, R2]),
        await app.token(grant_type="refresh_token", refresh_token=[tokens.refresh_token] * 2),
    ]
    server.clock.advance(3600)
    good = await app.refresh(tokens)

    assert ["invalid_scope", "invalid_target", "invalid_target", "invalid_request"] == [one.error for one in refusals]
    assert good.ok


@pytest.mark.requirement("oauth21:refresh:ends-when-idle")
@pytest.mark.parametrize(("seconds", "is_good"), [(24 * 3600 - 1, True), (24 * 3600, False)])
async def test_an_authorization_that_nobody_uses_for_a_day_ends(server, seconds, is_good):
    """OAuth 2.1 §4.3.3 (TK-41), design §4."""
    app = server.client("P")
    tokens = await app.sign_in()

    server.clock.advance(seconds)
    answer = await app.refresh(tokens)

    assert is_good == answer.ok
    assert (None if is_good else "invalid_grant") == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:refresh:absolute-end-is-not-extended")
async def test_rotation_never_extends_the_absolute_end(server):
    """TK-41: thirty days after the login it is over, however busy."""
    app = server.client("P")
    tokens = await app.sign_in()
    for _ in range(30):
        server.clock.advance(24 * 3600 - 60)
        tokens = await app.refresh(tokens)
        assert tokens.ok

    last = tokens.body["expires_in"]
    server.clock.advance(30 * 60)
    refusal = await app.refresh(tokens)

    assert last <= 30 * 60
    assert "invalid_grant" == refusal.error


async def _disable_the_user(operator, app, tokens):
    await operator.set_member("u1", "t1", is_active=False)


async def _remove_the_user(operator, app, tokens):
    await operator.remove_member("u1", "t1")


async def _suspend_the_tenant(operator, app, tokens):
    await operator.set_tenant("t1", is_active=False)


async def _withdraw_the_consent(operator, app, tokens):
    await operator.withdraw_consent("u1", "t1", app.app, R1)


async def _disable_the_client(operator, app, tokens):
    await operator.set_client(app.app, is_active=False)


async def _remove_the_client(operator, app, tokens):
    await operator.remove_client(app.app)


async def _unlink_the_resource(operator, app, tokens):
    await operator.unlink(R1, "t1")


async def _disable_the_resource(operator, app, tokens):
    await operator.set_resource(R1, is_active=False)


async def _end_the_authorization(operator, app, tokens):
    await operator.end_authorization("t1", tokens.claims["authorization_id"])


async def _change_the_password(operator, app, tokens):
    # In the very second of the login: what ends is in the rows, no clock is compared.
    await operator.change_password("u1", "another long password")


async def _take_the_resource_from_the_client(operator, app, tokens):
    await operator.set_client(app.app, resources=(R2,))


ENDINGS = [
    (_disable_the_user, "invalid_grant"),
    (_remove_the_user, "invalid_grant"),
    (_suspend_the_tenant, "invalid_client"),
    (_withdraw_the_consent, "invalid_grant"),
    (_disable_the_client, "invalid_client"),
    (_remove_the_client, "invalid_client"),
    (_unlink_the_resource, "invalid_grant"),
    (_disable_the_resource, "invalid_grant"),
    (_end_the_authorization, "invalid_grant"),
    (_change_the_password, "invalid_grant"),
    (_take_the_resource_from_the_client, "invalid_target"),
]


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:refresh:ends-with-what-it-stands-on")
@pytest.mark.parametrize(("ending", "error"), ENDINGS, ids=[ending.__name__.strip("_") for ending, _ in ENDINGS])
async def test_a_refresh_fails_at_once_when_what_it_stands_on_ends(server, ending, error):
    """TK-40, CVE-2025-64521, CVE-2024-46999: neither a fresh token nor a retry inside the replay window works."""
    app = server.client("P")
    used = await app.sign_in()
    fresh = await app.refresh(used)

    await ending(server.operator, app, fresh)

    assert error == (await app.refresh(fresh)).error
    assert error == (await app.refresh(used)).error


@pytest.mark.one_database
@pytest.mark.requirement("ours:refresh:follows-the-persons-roles")
async def test_a_person_who_loses_a_role_loses_its_scopes_at_the_next_refresh(server):
    """`clients.md` rule 14: narrowing acts on what is stored, at once; the roles in the token follow too."""
    app = server.client("P")
    tokens = await app.sign_in("u2", scope="orders:read orders:admin tool:purge_orders", tools=["purge_orders"])

    await server.operator.set_member("u2", "t1", roles=("member",))
    after = await app.refresh(tokens)

    assert {"orders:read", "orders:admin", "tool:purge_orders"} == tokens.scope
    assert {"orders:read"} == after.scope
    assert ["member"] == after.claims["roles"]


@pytest.mark.one_database
@pytest.mark.requirement("ours:refresh:follows-the-resource")
async def test_a_scope_that_the_resource_lost_is_not_granted_again(server):
    """Ours: a tool that is gone cannot be called by an old permission that comes back under its name."""
    app = server.client("P")
    tokens = await app.sign_in(scope=WRITE, tools=["update_order"])
    found = [tool for tool in server.tools if tool.name != "update_order"]

    await server.operator.set_resource(R1, tools=found)
    after = await app.refresh(tokens)

    assert {"orders:read", "orders:write"} == after.scope


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:refresh:only-for-clients-with-the-grant")
async def test_a_client_without_the_grant_gets_no_refresh_token(server):
    """OAuth 2.1 §4.3, RFC 6749 §5.2 `unauthorized_client`."""
    app = server.client("P")
    tokens = await app.sign_in()
    await server.operator.set_client(app.app, grant_types=("authorization_code",))

    again = await app.sign_in()
    refused = await app.refresh(tokens)

    assert "refresh_token" not in again.body
    assert "unauthorized_client" == refused.error
