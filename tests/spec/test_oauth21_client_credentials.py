"""OAuth 2.1 §4.2: a machine client speaks for itself, in its own tenant, within its registration."""

import pytest

from authserver.jobs import expire
from tests.support.world import R1, R2, R9


@pytest.mark.requirement("oauth21:client-credentials:speaks-for-itself")
async def test_a_machine_client_gets_a_token_for_itself_and_no_refresh_token(server):
    """OAuth 2.1 §4.2 (CC-01), design §4: its subject is the client, and it has no role."""
    answer = await server.client("M").client_credentials()

    assert answer.ok
    assert "refresh_token" not in answer.body
    assert f"client:{answer.claims['client_id']}" == answer.claims["sub"]
    assert R1 == answer.claims["aud"]
    assert server.world.tenants["t1"] == answer.claims["tenant_id"]
    assert not {"roles", "acr", "amr", "auth_time"} & set(answer.claims)


@pytest.mark.requirement("oauth21:client-credentials:stays-inside-its-registration")
@pytest.mark.parametrize("scope", ["orders:read", "orders:write orders:read", "orders:write"])
async def test_a_machine_client_may_ask_for_less_than_it_has(server, scope):
    """OAuth 2.1 §1.4.1."""
    answer = await server.client("M").client_credentials(scope=scope)

    assert set(scope.split()) == answer.scope


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:client-credentials:stays-inside-its-registration")
@pytest.mark.parametrize(
    "scope",
    ["orders:admin", "orders:read tool:refund_order", "offline_access", "openid", "nonsense", "orders:READ", 'a"b'],
)
async def test_a_machine_client_gets_nothing_beyond_its_registration(server, scope):
    """OAuth 2.1 §1.4.1 (CC-03)."""
    answer = await server.client("M").client_credentials(scope=scope)

    assert "invalid_scope" == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:client-credentials:tenant-is-the-clients-own")
async def test_no_argument_selects_a_tenant(server):
    """CC-05: neither a parameter, a header nor a path makes a machine of t1 one of t2."""
    app, other = server.client("M"), server.world.tenants["t2"]

    answers = [
        await app.client_credentials(tenant="t2", tenant_id=other),
        await app.client_credentials(headers={"x-tenant": "t2", "x-tenant-id": other}),
    ]
    elsewhere = await server.http.post("/t/t2/token", data={"grant_type": "client_credentials"})
    third = await server.client("M", issuer_path="/t/t3").client_credentials()

    for answer in answers:
        assert server.world.tenants["t1"] == answer.claims["tenant_id"]
    assert 404 == elsewhere.status_code
    assert "invalid_client" == third.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:client-credentials:reaches-only-its-resources")
@pytest.mark.parametrize("resource", [R2, R9, "https://nobody.example/mcp"])
async def test_a_machine_client_reaches_only_the_resources_it_was_given(server, resource):
    """RFC 8707 §2.2: another of its tenant, another tenant's, nobody's."""
    answer = await server.client("M").client_credentials(resource=resource)

    assert "invalid_target" == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:client-credentials:is-for-confidential-clients")
@pytest.mark.parametrize("letter", ["P", "N", "G", "B", "S"])
async def test_an_interactive_client_gets_no_token_of_its_own(server, letter):
    """OAuth 2.1 §4.2, RFC 6749 §5.2 (TK-28)."""
    answer = await server.client(letter).client_credentials(resource=None)

    assert "unauthorized_client" == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:client-credentials:is-for-confidential-clients")
async def test_a_machine_client_cannot_send_a_person_to_authorize(server):
    """RFC 6749 §5.2 (TK-28): it has no redirect URI; whatever it sends is an error page or a refusal, never a code."""
    page = await server.client("M").ask("u1", redirect_uri="https://m.example/cb")

    assert server.is_error_page(page)


@pytest.mark.requirement("ours:machine:one-standing-authorization")
async def test_a_machine_client_has_one_standing_authorization_per_resource(server):
    """Design §2: every token of it hangs on the same one, until its secret is rotated."""
    app = server.client("M")
    first, second = await app.client_credentials(), await app.client_credentials()

    secret = await server.operator.rotate_secret(app.app)
    old = await app.client_credentials()
    third = await server.client("M", secret=secret).client_credentials()

    assert first.claims["authorization_id"] == second.claims["authorization_id"]
    assert "invalid_client" == old.error
    assert third.claims["authorization_id"] != first.claims["authorization_id"]


@pytest.mark.requirement("ours:machine:standing-authorization-ends")
async def test_an_ended_standing_authorization_gives_no_token_until_the_secret_is_rotated(server):
    """Design §2, §4: an end stays an end; an operator begins anew."""
    app = server.client("M")
    first = await app.client_credentials()

    await server.operator.end_authorization("t1", first.claims["authorization_id"])
    ended = await app.client_credentials()
    secret = await server.operator.rotate_secret(app.app)
    renewed = await server.client("M", secret=secret).client_credentials()

    assert "invalid_grant" == ended.error
    assert renewed.ok


@pytest.mark.one_database
@pytest.mark.requirement("ours:machine:standing-authorization-ends")
async def test_a_standing_authorization_ends_after_thirty_days(server):
    """Design §4, profile `system`: somebody has to say yes again."""
    app = server.client("M")
    assert (await app.client_credentials()).ok

    server.clock.advance(30 * 24 * 3600)

    assert "invalid_grant" == (await app.client_credentials()).error


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("ours:limits:token-endpoint-slows-one-client")
async def test_a_client_that_floods_is_told_to_come_back_and_nobody_else_is(server):
    """CC-07: 429 with Retry-After for the one, service for the others."""
    app = server.client("M")

    answers = [await app.client_credentials() for _ in range(200)]
    limited = [answer for answer in answers if answer.status == 429]
    other = await server.client("Y").client_credentials(resource=R9)

    assert limited
    assert all(int(answer.response.headers["retry-after"]) >= 1 for answer in limited)
    assert {200, 429} == {answer.status for answer in answers}
    assert other.ok
    server.clock.advance(60)
    assert (await app.client_credentials()).ok


@pytest.mark.requirement("oauth21:client-credentials:an-end-outlives-housekeeping")
@pytest.mark.parametrize("how", ["ended by an operator", "lapsed"])
async def test_a_machines_authorization_that_ended_is_not_begun_anew_by_forgetting_it(server, how):
    """Design §4: it ends after 30 days unless an operator renews it; nothing that died comes back."""
    app = server.client("M")
    first = await app.client_credentials()
    if how == "ended by an operator":
        await server.operator.end_authorization("t1", first.claims["authorization_id"])
    server.clock.advance(40 * 24 * 3600)
    await expire(server.machines)
    await server.restart()

    assert "invalid_grant" == (await app.client_credentials()).error
