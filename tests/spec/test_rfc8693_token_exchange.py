"""RFC 8693: an MCP server trades its caller's token for one of its own upstream, narrower and with its name on it."""

from itertools import pairwise

import pytest

from tests.support.exchange import ACCESS_TOKEN, GRANT, SCOPES, allowed_deputy, deputy
from tests.support.world import R1, R2, R5, WRITE


@pytest.mark.requirement("rfc8693:exchange:names-who-acts-for-whom")
async def test_the_exchanged_token_is_for_the_target_and_names_the_actor(server):
    """RFC 8693 §2.2.1, §4.1, §4.3: the person stays the subject, the server acts, the authorization is the same."""
    server_of_r1, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")
    server.clock.advance(100)

    answer = await server_of_r1.exchange(caller, scope="orders:read")

    assert answer.ok, answer.body
    assert ACCESS_TOKEN == answer.body["issued_token_type"]
    assert "Bearer" == answer.body["token_type"]
    assert "orders:read" == answer.body["scope"]
    assert "refresh_token" not in answer.body
    said, subject = answer.claims, caller.claims
    assert R2 == said["aud"]
    assert {"sub": server_of_r1.actor} == said["act"]
    assert server_of_r1.app.app.client_id == said["client_id"]
    for same in ("iss", "sub", "tenant_id", "authorization_id", "ctl", "roles", "acr", "auth_time", "amr"):
        assert subject[same] == said[same], same
    assert subject["jti"] != said["jti"]


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:ends-no-later")
async def test_the_exchanged_token_ends_no_later_than_the_one_it_came_from(server):
    """RFC 8693 §5: a trade gains no time, however often it is made."""
    server_of_r1, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")
    server.clock.advance(400)

    answer = await server_of_r1.exchange(caller)

    assert caller.claims["exp"] == answer.claims["exp"]
    assert 200 == answer.body["expires_in"]


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:never-wider")
@pytest.mark.parametrize(
    ("who", "held", "asked", "given"),
    [
        ("u1", "orders:read", "orders:read", "orders:read"),
        ("u1", "orders:read", None, "orders:read"),
        ("u1", WRITE, "orders:write orders:read", "orders:read orders:write"),
        ("u1", WRITE, None, "orders:read"),
        ("u1", "orders:read", "orders:write", None),
        ("u1", "orders:read", "orders:read orders:write", None),
        ("u1", "orders:read", "orders:admin", None),
        ("u2", "orders:read", "orders:admin", "orders:admin"),
        ("u2", "orders:read", "tool:refund_order", None),
        ("u1", "orders:read", "offline_access", None),
        ("u1", "orders:read", "openid", None),
        ("u1", "orders:read", "nonsense", None),
        ("u1", "orders:read", 'a"b', None),
    ],
)
async def test_it_holds_what_was_allowed_for_this_caller_and_nothing_else(server, who, held, asked, given):
    """RFC 8693 §2.1: within what the operator mapped, what the caller carries, and what the person's roles permit."""
    server_of_r1 = await allowed_deputy(server)
    tools = ["update_order"] if "tool:" in held else None
    caller = await server.client("P").sign_in(who, scope=held, tools=tools)

    answer = await server_of_r1.exchange(caller, scope=asked)

    if given is None:
        assert "invalid_scope" == answer.error
    else:
        assert set(given.split()) == answer.scope == set(answer.claims["scope"].split())


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:one-registered-target")
@pytest.mark.parametrize(
    "changed",
    [
        {"resource": None},
        {"resource": [R2, R5]},
        {"resource": [R2, R2]},
        {"resource": R1},
        {"resource": R5},
        {"resource": "https://nobody.example/mcp"},
        {"resource": R2 + "/"},
        {"resource": "not a url"},
        {"resource": None, "audience": "orders"},
        {"audience": R2},
    ],
    ids=str,
)
async def test_the_target_is_one_resource_that_was_allowed(server, changed):
    """RFC 8693 §2.2.2, RFC 8707 §2: itself, an unknown one, one nobody allowed, two, and logical names are invalid_target."""
    server_of_r1, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")

    answer = await server_of_r1.exchange(caller, **changed)

    assert "invalid_target" == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:form")
@pytest.mark.parametrize(
    "changed",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:id-jag"},
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
        {"actor_token_type": ACCESS_TOKEN},
        {"subject_token": ["a", "b"]},
    ],
    ids=str,
)
async def test_what_is_not_supported_is_said_clearly(server, changed):
    """RFC 8693 §2.1, §2.2.2: invalid_request, with the parameter's name."""
    server_of_r1, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")

    answer = await server_of_r1.exchange(caller, **changed)

    assert "invalid_request" == answer.error
    assert any(answer.body["error_description"].startswith(name) for name in (*changed, "actor_token"))


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:form")
async def test_asking_for_an_access_token_by_name_is_the_same(server):
    """RFC 8693 §2.1: requested_token_type is optional."""
    server_of_r1, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")

    assert (await server_of_r1.exchange(caller, requested_token_type=ACCESS_TOKEN)).ok


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:form")
async def test_the_grant_is_advertised(server):
    """RFC 8414 §2."""
    metadata = (await server.http.get("/.well-known/oauth-authorization-server")).json()

    assert GRANT in metadata["grant_types_supported"]


@pytest.mark.requirement("rfc8693:exchange:chains-are-named-and-bounded")
async def test_a_chain_names_everybody_who_acts_and_ends_after_three(server):
    """RFC 8693 §4.1: the newest actor is outermost; the person and the authorization stay; nothing goes back to where it was."""
    operator, uris = server.operator, [R1, R2, R5, "https://mcp3.example/mcp", "https://mcp4.example/mcp"]
    for uri in uris[3:]:
        await operator.add_resource_like(R2, uri, "t1")
    chain = [await deputy(server, uri) for uri in uris[:4]]
    for here, there in pairwise(uris):
        await operator.allow_exchange(here, there, SCOPES)
        await operator.allow_exchange(there, here, SCOPES)
    caller = await server.client("P").sign_in("u1")

    first = await chain[0].exchange(caller, resource=R2)
    back = await chain[1].exchange(first, resource=R1)
    second = await chain[1].exchange(first, resource=R5)
    third = await chain[2].exchange(second, resource=uris[3])
    fourth = await chain[3].exchange(third, resource=uris[4])

    a, b, c = (one.actor for one in chain[:3])
    assert {"sub": c, "act": {"sub": b, "act": {"sub": a}}} == third.claims["act"]
    assert caller.claims["sub"] == third.claims["sub"]
    assert caller.claims["authorization_id"] == third.claims["authorization_id"]
    assert "invalid_target" == back.error
    assert "invalid_request" == fourth.error


@pytest.mark.requirement("rfc8693:exchange:is-recorded")
async def test_who_acted_for_whom_and_where_is_recorded(server):
    """Decision 15: in the commit that made the token."""
    server_of_r1, caller = await allowed_deputy(server), await server.client("P").sign_in("u1")
    before = await server.operator.events("t1")

    answer = await server_of_r1.exchange(caller)
    refused = await server_of_r1.exchange(caller, scope="orders:admin")

    happened = {row["kind"]: row for row in await server.operator.events("t1", besides=before)}
    assert {"client:token:exchanged", "client:token:refused"} == set(happened)
    row = happened["client:token:exchanged"]
    assert server_of_r1.app.app.client_id == row["client_id"]
    assert caller.claims["authorization_id"] == row["authorization_id"]
    assert R2 == row["resource"]
    assert R1 in row["header"]
    assert answer.claims["jti"] in row["header"]
    assert row["sub_ref"]
    assert not refused.ok


@pytest.mark.one_database
@pytest.mark.requirement("rfc8693:exchange:a-machines-token-too")
async def test_a_machines_token_is_exchanged_without_what_only_a_person_may_have(server):
    """Design §4: it has no role, so what needs one is withheld."""
    server_of_r1, machine = await allowed_deputy(server), await server.client("M").client_credentials()

    answer = await server_of_r1.exchange(machine, scope="orders:read")
    administers = await server_of_r1.exchange(machine, scope="orders:admin")

    assert machine.claims["sub"] == answer.claims["sub"]
    assert not {"roles", "acr"} & set(answer.claims)
    assert "invalid_scope" == administers.error
