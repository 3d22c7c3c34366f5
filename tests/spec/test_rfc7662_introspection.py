"""RFC 7662: what a resource server is told of a token, and what nobody is told."""

import pytest

from tests.support.exchange import allowed_deputy
from tests.support.world import R5, R9, WRITE

INACTIVE = b'{"active":false}'


@pytest.mark.requirement("rfc7662:active:says-what-the-token-says")
async def test_a_live_token_is_active_with_the_claims_it_was_signed_with(server):
    """IN-02, RFC 7662 §2.2."""
    tokens = await server.client("P").sign_in("u2", scope=WRITE, tools=["update_order"])

    answer = await server.client("RS1").introspect(tokens.access_token)

    expected = {name: value for name, value in tokens.claims.items() if name != "ctl"}
    assert {"active": True, "token_type": "Bearer", **expected} == answer.body
    assert "application/json" == answer.response.headers["content-type"]
    assert "no-store" == answer.response.headers["cache-control"]


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:active:says-what-the-token-says")
async def test_a_machines_token_is_active_without_anything_of_a_person(server):
    """RFC 7662 §2.2: a client's own token."""
    machine = server.client("M")
    tokens = await machine.client_credentials()

    said = (await server.client("RS1").introspect(tokens.access_token)).body

    assert said["active"]
    assert f"client:{machine.app.client_id}" == said["sub"]
    assert set() == {"roles", "acr", "amr", "auth_time"} & set(said)


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:request:needs-a-credential")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_server_authenticates_as_it_is_registered_alone(server, method):
    """RFC 7662 §2.1: the same rules as at the token endpoint."""
    tokens = await server.client("P").sign_in()

    answer = await server.client("RS1", auth_method=method).introspect(tokens.access_token)

    assert (200 if method == "client_secret_basic" else 401) == answer.status


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:request:needs-a-credential")
@pytest.mark.parametrize("who", ["nobody", "a public client", "an unknown client", "a wrong secret"])
async def test_whoever_proves_nothing_is_told_nothing(server, who):
    """IN-01, RFC 7662 §2.1, §4."""
    tokens = await server.client("P").sign_in()
    ask = {
        "nobody": lambda: server.client("RS1").introspect(tokens.access_token, authenticate=False),
        "a public client": lambda: server.client("P").introspect(tokens.access_token),
        "an unknown client": lambda: server.client("RS1", client_id="cli_nobody").introspect(tokens.access_token),
        "a wrong secret": lambda: server.client("RS1", secret="cs_wrong").introspect(tokens.access_token),
    }[who]

    answer = await ask()

    assert (401, "invalid_client") == (answer.status, answer.error)
    assert "active" not in answer.body
    assert "client:introspection:refused" in await server.operator.kinds(None)


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:request:one-token-by-post")
async def test_a_request_is_one_token_in_one_form(server):
    """IN-07, IN-08, RFC 7662 §2.1: no token in a URL, none twice; a hint changes nothing."""
    app, rs = server.client("P"), server.client("RS1")
    token = (await app.sign_in()).access_token

    missing = await rs.post("/introspect", token_type_hint="access_token")
    doubled = await rs.introspect([token, token])
    in_the_url = await server.http.get(f"/introspect?token={token}")
    hinted = [await rs.introspect(token, token_type_hint=hint) for hint in ("refresh_token", "nonsense", "")]

    assert (400, "invalid_request") == (missing.status, missing.error)
    assert (400, "invalid_request") == (doubled.status, doubled.error)
    assert (405, "POST") == (in_the_url.status_code, in_the_url.headers["allow"])
    assert [True, True, True] == [answer.body["active"] for answer in hinted]


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:request:never-from-a-browser")
async def test_no_page_of_another_origin_can_read_an_answer(server):
    """RFC 7662 §4: it is for servers; `clients.md` rule 11 opens other endpoints, not this one."""
    origin = {"origin": "https://app.example.com"}

    preflight = await server.http.options("/introspect", headers=origin)
    answer = await server.client("RS1").introspect("x", headers=origin)

    assert 405 == preflight.status_code
    assert INACTIVE == answer.response.content
    assert not [name for name in answer.response.headers if name.startswith("access-control-")]


@pytest.mark.requirement("rfc7662:inactive:is-one-answer")
async def test_an_expired_or_revoked_token_is_inactive_with_the_same_bytes(server):
    """IN-05, RFC 7662 §2.2."""
    app, rs = server.client("P"), server.client("RS1")
    revoked, expired = await app.sign_in(), await app.sign_in()
    await app.revoke(revoked.access_token)

    first = await rs.introspect(revoked.access_token)
    alive = await rs.introspect(expired.access_token)
    server.clock.advance(600)
    second = await rs.introspect(expired.access_token)

    assert alive.body["active"]
    assert [(200, INACTIVE)] * 2 == [(one.status, one.response.content) for one in (first, second)]


@pytest.mark.requirement("rfc7662:tenants:a-shared-server-sees-those-it-serves")
async def test_a_shared_server_sees_every_tenant_it_is_linked_to(server):
    """Ours: the platform's own server of a resource answers for all its tenants, and for none after it is unlinked."""
    app, rs = server.client("G"), server.client("RS5")
    first = await app.sign_in("u5", tenant="t1", resource=R5)
    second = await app.sign_in("u5", tenant="t2", resource=R5)

    before = [(await rs.introspect(one.access_token)).body["active"] for one in (first, second)]
    await server.operator.unlink(R5, "t1")
    after = [(await rs.introspect(one.access_token)).body["active"] for one in (first, second)]

    assert [True, True] == before
    assert [False, True] == after


@pytest.mark.requirement("rfc7662:tenants:a-tenants-server-sees-its-own")
async def test_a_tenants_own_server_sees_its_tenants_tokens_alone(server):
    """IN-04."""
    app, rs = server.client("G"), server.client("RS5t1")
    mine = await app.sign_in("u5", tenant="t1", resource=R5)
    theirs = await app.sign_in("u5", tenant="t2", resource=R5)

    assert (await rs.introspect(mine.access_token)).body["active"]
    assert INACTIVE == (await rs.introspect(theirs.access_token)).response.content
    assert INACTIVE == (await server.client("RS5t2").introspect(mine.access_token)).response.content


@pytest.mark.requirement("rfc7662:active:what-was-taken-away-is-gone")
async def test_a_scope_or_role_that_was_taken_away_is_gone_from_the_answer(server):
    """Ours, `clients.md` rule 14: narrowing acts on what is stored, at once."""
    app, rs = server.client("B"), server.client("RS1")
    tokens = await app.sign_in("u2", scope=WRITE, tools=["update_order"])

    await app.sign_in("u2", scope=WRITE, tools=[], prompt="consent")
    await server.operator.set_member("u2", "t1", roles=("member",))
    said = (await rs.introspect(tokens.access_token)).body

    assert said["active"]
    assert {"tool:update_order"} == tokens.scope - set(said["scope"].split())
    assert (["member", "admin"], ["member"]) == (tokens.claims["roles"], said["roles"])


@pytest.mark.one_database
@pytest.mark.requirement("rfc8414:metadata:names-introspection-and-revocation")
async def test_the_metadata_names_both_endpoints_and_how_to_authenticate(server):
    """RFC 8414 §2: as it is, for each issuer."""
    for base in ("", "/t/t3"):
        said = (await server.http.get(f"/.well-known/oauth-authorization-server{base}")).json()

        assert f"{server.issuer}{base}/introspect" == said["introspection_endpoint"]
        assert f"{server.issuer}{base}/revoke" == said["revocation_endpoint"]
        assert "none" not in said["introspection_endpoint_auth_methods_supported"]
        assert {"none", "client_secret_basic", "client_secret_post"} <= set(
            said["revocation_endpoint_auth_methods_supported"]
        )


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:inactive:is-one-answer")
async def test_another_issuers_path_knows_nothing_of_the_token(server):
    """Decision 22: each issuer answers for what it signed."""
    tokens = await server.client("W").sign_in("u7")
    rs = server.client("RS7", issuer_path="/t/t3")

    at_its_own = await rs.introspect(tokens.access_token)
    at_the_shared = await server.client("RS7").introspect(tokens.access_token)

    assert at_its_own.body["active"]
    assert INACTIVE == at_the_shared.response.content


@pytest.mark.one_database
@pytest.mark.requirement("rfc7662:inactive:is-one-answer")
async def test_a_client_that_speaks_for_no_resource_learns_nothing_even_of_its_own_tokens(server):
    """IN-03, RFC 7662 §4: introspection is for resource servers."""
    app = server.client("B")
    tokens = await app.sign_in()
    other = await server.client("X").sign_in("u9", resource=R9)

    assert INACTIVE == (await app.introspect(tokens.access_token)).response.content
    assert INACTIVE == (await app.introspect(other.access_token)).response.content


@pytest.mark.requirement("rfc7662:active:an-exchanged-token-names-who-acts")
async def test_an_exchanged_token_is_active_for_its_target_alone_and_dies_with_its_caller(server):
    """RFC 8693 §4.1: `act` names who acts; it hangs on the same authorization, and its own revocation ends it alone."""
    caller, app = await allowed_deputy(server), server.client("P")
    tokens = await app.sign_in("u1")
    first, second = [await caller.exchange(tokens, scope="orders:read") for _ in range(2)]

    at_its_target = (await server.client("RS2").introspect(first.access_token)).body
    at_another = await server.client("RS1").introspect(first.access_token)
    await caller.app.revoke(first.access_token)
    after_its_own = [
        (await server.client("RS2").introspect(one.access_token)).body["active"] for one in (first, second)
    ]
    await app.revoke(tokens.refresh_token)
    after_the_callers = (await server.client("RS2").introspect(second.access_token)).body["active"]

    assert ({"sub": caller.actor}, "orders:read") == (at_its_target["act"], at_its_target["scope"])
    assert INACTIVE == at_another.response.content
    assert [False, True] == after_its_own
    assert after_the_callers is False
