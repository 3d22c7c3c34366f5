"""Who gets into the admin API: by which application, with which token, for how long; and by what no door opens."""

import json

import pytest

from authserver.domain.api_keys import api_key as api_keys
from authserver.domain.clients import registry
from authserver.domain.clients.client import DEVICE_CODE, Origin
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.resources import administration
from authserver.domain.resources import resource as resources
from authserver.domain.revocation.kill_switch import By, Target
from authserver.domain.stopping import stopping
from authserver.domain.tenants import tenant as tenants
from authserver.runtime.schema import statement
from resource_lib.wire.control import Kind
from tests.support.administered import EVERYTHING, administered
from tests.support.oracle import unverified_claims
from tests.support.world import Application

READS = "users:read clients:read"
MADE_BY = statement(
    "UPDATE clients SET origin = :origin WHERE tenant_id = :tenant AND client_id = :client_id RETURNING client_id"
)


async def status(admin, token):
    """How the API answers a token."""
    return (await admin.call("GET", "/me", token=token)).status_code


async def registered(admin, letter, **changed):
    """An application of nobody's, made as the test says."""
    work = admin.server.machines.work(tenant="*")
    wanted = {
        "name": "Somebody's app",
        "auth_method": "none",
        "grant_types": ("authorization_code", "refresh_token"),
        "redirect_uris": ("https://some.example/cb",),
    }
    made = registry.add(work, **(wanted | changed)).client
    assert await work.commit()
    admin.server.world.clients[letter] = Application(
        name=made.name,
        tenant=None,
        auth_method="none",
        client_id=made.id,
        redirect_uris=made.redirect_uris,
        grant_types=made.grant_types,
        resource=admin.base,
    )
    return admin.server.client(letter)


async def resigned(admin, token, **more):
    """The same token with other claims, signed by our own key."""
    ring = await key_ring(admin.server.machines.work(), "")
    return ring.signing(admin.server.now).access_token(unverified_claims(token) | more)


@pytest.mark.requirement("admin:access:by-browser-and-device")
async def test_an_administrator_signs_in_with_a_browser_and_sees_in_words_what_they_allow(server):
    admin = await administered(server)
    app = server.client("ops")

    page = await app.consent_page("a1", scope="users:read kills:write")
    token = await admin.sign_in("a1", scope="users:read kills:write")

    assert "Administration" in page.text
    assert administration.WORDS["kills:write"][0] in page.text.replace("&#39;", "'")
    assert ["kills:write", "users:read"] == (await admin.call("GET", "/me", token=token)).json()["scopes"]
    assert server.issuer + "/admin/api/v1" == unverified_claims(token)["aud"]


@pytest.mark.requirement("admin:access:by-browser-and-device")
async def test_an_operators_device_gets_what_their_role_may_grant(server):
    admin = await administered(server)
    device = await registered(
        admin, "cli", grant_types=(DEVICE_CODE, "refresh_token"), redirect_uris=(), resources=(admin.base,)
    )

    started = await device.start_device(scope=EVERYTHING)
    await device.connect("o1", started)
    tokens = await device.poll(started)

    assert tokens.ok, tokens.body
    assert "kills:write" in tokens.scope
    assert not {"users:write", "clients:write", "keys:write"} & tokens.scope
    assert 200 == await status(admin, tokens.access_token)


@pytest.mark.requirement("admin:access:reads-unless-asked")
async def test_whoever_asks_for_nothing_is_offered_reading_alone(server):
    """Decision 19: a new authorization reads."""
    admin = await administered(server)
    token = await admin.sign_in("a1", scope=None)

    scopes = (await admin.call("GET", "/me", token=token)).json()["scopes"]

    assert scopes
    assert {"read"} == {scope.partition(":")[2] for scope in scopes}


@pytest.mark.requirement("admin:access:reads-unless-asked")
async def test_an_ordinary_member_can_grant_nothing(server):
    await administered(server)

    answer = await server.client("ops").authorize("m1", scope=EVERYTHING)

    assert not answer.has_code
    assert "may not grant any of the scopes" in answer.page.text


@pytest.mark.requirement("admin:access:the-rows-decide")
async def test_a_role_taken_away_is_gone_at_the_next_request(server):
    admin = await administered(server)
    token = await admin.token("a1")
    before = await admin.call("GET", "/users", token=token)

    await server.operator.set_member("a1", "t1", roles=("auditor",))
    reads, writes = [
        await admin.call(method, "/users", token=token, body=body) for method, body in (("GET", None), ("POST", {}))
    ]
    await server.operator.set_member("a1", "t1", roles=("member",))
    nothing = await admin.call("GET", "/users", token=token)

    assert [200, 200, 403, 403] == [one.status_code for one in (before, reads, writes, nothing)]


@pytest.mark.requirement("admin:access:the-rows-decide")
@pytest.mark.parametrize("kind", [Kind.USER, Kind.CLIENT, Kind.TENANT, Kind.EVERYTHING])
async def test_whoever_is_killed_administers_no_more(server, kind):
    """RV: dead everywhere, here too."""
    admin = await administered(server)
    token = await admin.token("a1")
    assert 200 == await status(admin, token)
    where = "*" if kind is Kind.EVERYTHING else admin.tenant("t1")
    target = Target(
        kind=kind,
        tenant=where,
        sub=server.world.people["a1"].subs["t1"] if kind is Kind.USER else "",
        client_id=server.world.clients["ops"].client_id if kind is Kind.CLIENT else "",
    )

    work = server.machines.work()
    await stopping.kill(work, target, reason="test", by=By(tenant="*", label="test"))
    assert await work.commit()

    assert 401 == await status(admin, token)


@pytest.mark.requirement("admin:access:no-strangers-application")
@pytest.mark.parametrize("origin", [Origin.REGISTRATION, Origin.DOCUMENT])
@pytest.mark.one_database
async def test_a_strangers_application_gets_no_token_and_one_it_had_counts_for_nothing(server, origin):
    """Consent phishing: whoever registers itself, or publishes a document, administers nothing."""
    admin = await administered(server)
    app = await registered(admin, "evil")
    token = (await app.sign_in("a1", scope=READS)).access_token
    assert 200 == await status(admin, token)

    work = server.machines.work(tenant="*")
    work.claim(MADE_BY, client_id=app.app.client_id, origin=origin.value)
    assert await work.commit()
    server.machines.memory.forget()
    answer = await app.authorize("a1", scope=READS)

    assert not answer.has_code
    assert 401 == await status(admin, token)


@pytest.mark.requirement("admin:access:bound-tokens-wait-for-their-proof")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "more", [{"cnf": {"jkt": "x"}}, {"cnf": {"x5t#S256": "x"}}, {"cnf": {}}, {"act": {"sub": "client:x"}}], ids=str
)
async def test_a_token_that_is_bound_or_acted_with_is_refused(server, more):
    """RFC 9449 §7, RFC 8705 §3, RFC 8693 §4.1: signed by us and good otherwise."""
    admin = await administered(server)
    good = await admin.token("a1")

    assert 200 == await status(admin, await resigned(admin, good))
    assert 401 == await status(admin, await resigned(admin, good, **more))


@pytest.mark.requirement("admin:access:wrong-tokens-are-refused")
@pytest.mark.one_database
async def test_a_token_is_refused_once_it_is_over_or_for_somebody_else(server):
    admin = await administered(server)
    good = await admin.token("a1")
    other = [
        await resigned(admin, good, aud="https://mcp1.example/mcp"),
        await resigned(admin, good, aud=admin.base + "/"),
        await resigned(admin, good, aud=server.issuer),
        await resigned(admin, good, tenant_id=admin.tenant("t2")),
        await resigned(admin, good, tenant_id=admin.tenant("platform")),
        await resigned(admin, good, sub="usr_aaaaaaaaaaaaaaaa"),
        await resigned(admin, good, iss="https://evil.example"),
    ]

    assert {401} == {await status(admin, token) for token in other}
    assert 200 == await status(admin, good)
    server.clock.advance(server.settings.access_token_seconds)
    assert 401 == await status(admin, good)


@pytest.mark.requirement("admin:access:wrong-tokens-are-refused")
@pytest.mark.one_database
async def test_a_token_that_claims_more_scope_than_its_owner_allowed_has_no_more(server):
    """What counts is the consent's row, the role and the token together."""
    admin = await administered(server)
    narrow = await admin.sign_in("a1", scope="users:read")

    widened = await resigned(admin, narrow, scope=EVERYTHING, roles=["admin"])

    assert ["users:read"] == (await admin.call("GET", "/me", token=widened)).json()["scopes"]


@pytest.mark.requirement("admin:access:no-cookie-no-form")
@pytest.mark.one_database
async def test_a_browser_that_is_signed_in_is_nobody_here(server):
    """AD-08: a cookie opens nothing, so no other site can use one."""
    admin = await administered(server)
    await admin.token("a1")
    browser = server.client("ops").browser_of("a1")
    page = await browser.open(f"{admin.base}/users")

    assert 401 == page.status
    assert "set-cookie" not in page.response.headers


@pytest.mark.requirement("admin:access:no-cookie-no-form")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp",
     "application/json; charset=utf-7", "application/problem+json", "application/json, text/plain"],
)  # fmt: skip
async def test_only_what_says_that_it_is_json_is_read(server, content_type):
    """AD-08: none of what a form can send, even with a token."""
    admin = await administered(server)
    token = await admin.token("p1")
    headers = {"authorization": f"Bearer {token}"} | ({"content-type": content_type} if content_type else {})

    answer = await server.http.post(
        admin.base + "/tenants", content=json.dumps({"slug": "x", "name": "X"}).encode(), headers=headers
    )

    assert 415 == answer.status_code
    assert await tenants.by_slug(server.machines.work(), "x") is None


@pytest.mark.requirement("admin:access:one-reading-of-a-body")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b"null", b"{}{}", b'{"slug": "x", "slug": "y", "name": "X"}', b'{"slug": NaN, "name": "X"}',
     b'{"slug": "x", "name": "\xff"}', b'{"slug": "x", "name": "\\ud800"}', b"\xef\xbb\xbf{}", b'{"a":' * 50 + b"1" + b"}" * 50],
    ids=str,
)  # fmt: skip
async def test_a_body_that_two_readers_could_take_differently_is_refused(server, body):
    admin = await administered(server)
    token = await admin.token("p1")

    answer = await server.http.post(
        admin.base + "/tenants",
        content=body,
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )

    assert 400 == answer.status_code
    assert "\ufffd" not in answer.text


@pytest.mark.requirement("admin:access:one-reading-of-a-body")
@pytest.mark.one_database
async def test_a_body_that_is_too_large_and_a_second_credential_are_refused(server):
    admin = await administered(server)
    token = await admin.token("p1")
    sent = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]

    large = await server.raw(
        "/admin/api/v1/tenants", method="POST", headers=sent, body=b'{"a": "' + b"x" * 70_000 + b'"}'
    )
    twice = await server.raw("/admin/api/v1/me", headers=[*sent, sent[0]])

    assert (413, "application/problem+json") == (large.status_code, large.headers["content-type"])
    assert 401 == twice.status_code


@pytest.mark.requirement("admin:access:one-reading-of-a-body")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "headers",
    [{"x-http-method-override": "DELETE"}, {"x-http-method": "DELETE"}, {"x-method-override": "DELETE"}],
    ids=str,
)
async def test_a_method_is_what_it_is(server, headers):
    """AD-10: verb tampering, in a header, in the query, in the body."""
    admin = await administered(server)
    path = f"/users/{server.world.people['m1'].subs['t1']}"

    by_header = await admin.call("GET", path, "a1", headers=headers | {"if-match": "*"})
    by_query = await admin.call("GET", f"{path}?_method=DELETE", "a1", headers={"if-match": "*"})
    by_post = await admin.call("POST", path, "a1", body={"_method": "DELETE"}, headers=headers | {"if-match": "*"})

    assert [200, 422, 405] == [one.status_code for one in (by_header, by_query, by_post)]
    assert 200 == (await admin.call("GET", path, "a1")).status_code


@pytest.mark.requirement("admin:resource:nobody-changes-it")
async def test_no_command_removes_unlinks_imitates_or_defaults_to_the_admin_api(server):
    admin = await administered(server)
    found = await resources.by_uri(server.machines.work(), admin.base)
    assert found is not None
    tenant = admin.tenant("t1")
    acts = (
        lambda work: resources.add(work, uri=admin.base, name="Ours", scopes={}),
        lambda work: resources.change(work, found, name="Mine"),
        lambda work: resources.change(work, found, is_active=False),
        lambda work: resources.remove(work, admin.base),
        lambda work: resources.link(work, admin.base, tenant),
        lambda work: resources.unlink(work, admin.base, tenant),
    )

    for act in acts:
        with pytest.raises(resources.InvalidResourceError, match="AUTHSERVER_ADMIN_API"):
            act(server.machines.work())
    defaulted = await admin.change("PATCH", f"/tenants/{tenant}", "a1", body={"default_resource": admin.base})

    assert 422 == defaulted.status_code
    assert admin.base not in await resources.every_uri(server.machines.work())
    assert admin.base not in await resources.of_tenant(server.machines.work(), tenant)


@pytest.mark.requirement("admin:resource:every-tenant-has-it")
async def test_a_tenant_that_is_made_later_administers_itself_at_once(server):
    admin = await administered(server)
    made = await admin.call("POST", "/tenants", "p1", body={"slug": "later", "name": "Later"})
    server.world.tenants["later"] = made.json()["id"]
    person = {"email": server.world.people["m1"].email, "roles": ["admin"]}

    joined = await admin.call("POST", "/users?tenant=later", "p1", body=person)
    token = await admin.sign_in("m1", scope="users:read", tenant="later")

    assert 201 == joined.status_code
    assert "later" == (await admin.call("GET", "/me", token=token)).json()["tenant"]


@pytest.mark.requirement("admin:resource:every-tenant-has-it")
async def test_a_tenant_with_an_issuer_of_its_own_administers_itself_there(server):
    """Decision 22: t3's people are served under its own name alone, the audience is one."""
    admin = await administered(server)
    await server.operator.set_member("u7", "t3", roles=("admin",))
    app = server.client("ops", issuer_path="/t/t3")
    token = (await app.sign_in("u7", scope="users:read")).access_token
    header = {"authorization": f"Bearer {token}"}

    there = await server.http.get(f"{server.issuer}/t/t3/admin/api/v1/me", headers=header)
    elsewhere = await server.http.get(f"{admin.base}/me", headers=header)

    assert (200, "t3") == (there.status_code, there.json()["tenant"])
    assert 401 == elsewhere.status_code


@pytest.mark.requirement("admin:resource:can-be-switched-off")
async def test_switched_off_there_is_no_admin_api_and_no_token_for_it(server_with):
    server = await server_with(admin_api=False)
    admin = await administered(server)

    answer = await server.client("ops").ask("a1", scope=READS)
    paths = [await admin.call("GET", path) for path in ("/me", "/openapi.json", "")]

    assert "invalid_target" in (answer.location or answer.text)
    assert [404, 404, 404] == [one.status_code for one in paths]


@pytest.mark.requirement("admin:access:wrong-tokens-are-refused")
async def test_an_api_key_opens_no_administration(server):
    """A key that lives for months is no login."""
    admin = await administered(server)

    with pytest.raises(api_keys.InvalidApiKeyError, match="admin"):
        await server.operator.add_api_key(who="a1", resource=admin.base, scope="users:read")


@pytest.mark.requirement("admin:access:limited")
@pytest.mark.one_database
@pytest.mark.settings(admin_requests_per_minute=60)
async def test_a_flood_of_one_authorization_is_told_when_to_come_back(server):
    admin = await administered(server)
    flood, other = await admin.token("a1"), await admin.token("o1")

    answers = [await admin.call("GET", "/me", token=flood) for _ in range(40)]

    assert (429, "application/problem+json") == (answers[-1].status_code, answers[-1].headers["content-type"])
    assert 0 < int(answers[-1].headers["retry-after"])
    assert 200 == await status(admin, other)
