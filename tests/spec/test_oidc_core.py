"""OpenID Connect Core 1.0, as far as clients of MCP use it: who signed in, told to the client alone."""

import pytest

from authserver.domain.resources.resource import InvalidResourceError, ScopeInfo
from tests.support.oauth_client import AuthorizationAnswer
from tests.support.openid import id_token_of
from tests.support.oracle import header, unverified_claims
from tests.support.world import R1, READ

OPENID = f"openid {READ}"
ALL = f"openid profile email offline_access {READ}"


async def userinfo(server, token: str | None, *, method: str = "GET", path: str = "", **headers: str):
    """Ask who stands behind an access token."""
    sent = {"authorization": f"Bearer {token}"} if token is not None else {}
    return await server.http.request(method, f"{path}/userinfo", headers={**sent, **headers})


@pytest.mark.requirement("oidc:id-token:says-who-signed-in")
@pytest.mark.parametrize("letter", ["P", "B", "W"])
async def test_a_code_gives_an_id_token_that_somebody_elses_library_accepts(server, letter):
    """OpenID Connect Core §2, §3.1.3.3, §3.1.3.6, §3.1.3.7: by authlib, with nonce and at_hash."""
    app, who = server.client(letter), "u7" if letter == "W" else "u1"
    began = server.clock.now

    tokens = await app.sign_in(who, scope=OPENID, nonce="n-0S6_WzA2Mj")
    said = await id_token_of(server, tokens, app, nonce="n-0S6_WzA2Mj")

    assert tokens.claims["sub"] == said["sub"]
    assert app.app.client_id == said["aud"]
    assert (began, began, began + 600) == (said["iat"], said["auth_time"], said["exp"])
    assert ("urn:authserver:acr:password", ["pwd"]) == (said["acr"], said["amr"])
    assert {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash"} == set(said)
    assert "openid" in tokens.scope


@pytest.mark.requirement("oidc:id-token:says-who-signed-in")
@pytest.mark.one_database
async def test_without_openid_there_is_no_id_token(server):
    """OpenID Connect Core §3.1.2.1: without openid it is no OpenID request."""
    app = server.client("P")

    tokens = await app.sign_in(scope=READ, nonce="x")
    refreshed = await app.refresh(tokens)

    assert "id_token" not in tokens.body
    assert "id_token" not in refreshed.body
    assert 403 == (await userinfo(server, tokens.access_token)).status_code


@pytest.mark.requirement("oidc:id-token:at-a-refresh")
async def test_a_refresh_gives_another_id_token_of_the_same_login(server):
    """OpenID Connect Core §12.2: same iss, sub, aud and auth_time, newer iat, no nonce."""
    app = server.client("P")
    tokens = await app.sign_in(scope=OPENID, nonce="first")
    server.clock.advance(500)

    second = await app.refresh(tokens)
    before, after = unverified_claims(tokens.body["id_token"]), await id_token_of(server, second, app)

    for same in ("iss", "sub", "aud", "auth_time", "acr", "amr"):
        assert before[same] == after[same]
    assert 500 == after["iat"] - before["iat"]
    assert "nonce" not in after
    assert before["at_hash"] != after["at_hash"]


@pytest.mark.requirement("oidc:id-token:at-a-refresh")
@pytest.mark.one_database
async def test_a_refresh_that_leaves_openid_out_gives_none(server):
    """OAuth 2.1 §4.3.1: the narrowing is for this one answer."""
    app = server.client("P")
    tokens = await app.sign_in(scope=OPENID)

    narrow = await app.refresh(tokens, scope=READ)
    again = await app.refresh(narrow)

    assert "id_token" not in narrow.body
    assert "id_token" in again.body


@pytest.mark.requirement("oidc:claims:only-what-the-person-ticked")
@pytest.mark.parametrize(
    ("ticked", "told"), [([], set()), (["email"], {"email"}), (["profile", "email"], {"name", "email"})]
)
async def test_a_name_or_an_address_is_told_only_where_the_person_ticked_it(server, ticked, told):
    """OpenID Connect Core §5.4: Codex asks for all of it; the page asks the person, and no box comes ticked."""
    app = server.client("P")
    page = await app.consent_page("u1", scope=ALL)
    form = page.form("decision")
    assert ["profile", "email"] == form.offered("allowed")
    assert form.value("allowed") is None

    browser = app.browser_of("u1")
    back = await browser.submit(form, decision="allow", allowed=ticked)
    tokens = await app.redeem(AuthorizationAnswer(page=back))
    said = await id_token_of(server, tokens, app)
    asked = await userinfo(server, tokens.access_token)

    someone = app.person("u1")
    known = {"name": someone.name, "email": someone.email}
    assert "Know your name" in page.text
    assert "Know your email address" in page.text
    assert {claim: known[claim] for claim in told} == {claim: said[claim] for claim in known if claim in said}
    assert {"sub": said["sub"], **{claim: known[claim] for claim in told}} == asked.json()
    assert set(ALL.split()) - {"profile", "email"} | set(ticked) == tokens.scope
    for secret in known.values():
        assert secret not in str(tokens.claims)


@pytest.mark.requirement("oidc:claims:follow-the-consent")
async def test_what_is_taken_away_on_the_account_page_is_told_no_longer(server):
    """Ours: at the userinfo endpoint at once, also to a token from before; in ID tokens from the next refresh."""
    app = server.client("P")
    tokens = await app.sign_in(scope=ALL, allowed=["profile", "email"])
    browser = app.browser_of("u1")
    page = await browser.open("/account")
    change = next(href for href in page.links if href.startswith("/account/change?"))
    form = (await browser.open(change)).form("decision")

    await browser.submit(form, decision="save", allowed=["orders:read", "profile"], tool=[])
    asked = (await userinfo(server, tokens.access_token)).json()
    refreshed = await app.refresh(tokens)
    said = await id_token_of(server, refreshed, app)

    assert "Know your name" in page.text
    assert {"sub", "name"} == set(asked)
    assert "email" not in said
    assert "name" in said
    assert "email" not in refreshed.scope


@pytest.mark.requirement("oidc:claims:sub-is-per-tenant")
@pytest.mark.one_database
async def test_one_person_is_two_subjects_in_two_tenants(server):
    """Decision 22, OpenID Connect Core §8: nobody is followed from one organisation to another."""
    app = server.client("G")
    one = await app.sign_in("u5", tenant="t1", scope=OPENID)
    two = await app.sign_in("u5", tenant="t2", scope=OPENID)

    subjects = [(await id_token_of(server, tokens, app))["sub"] for tokens in (one, two)]
    asked = [(await userinfo(server, tokens.access_token)).json()["sub"] for tokens in (one, two)]

    assert subjects == asked
    assert 2 == len(set(subjects))


@pytest.mark.requirement("oidc:userinfo:post-too")
@pytest.mark.one_database
async def test_userinfo_answers_get_and_post_to_a_bearer_token_in_the_header_alone(server):
    """OpenID Connect Core §5.3.1, RFC 6750 §2.1, RFC 9700 §4.3.2: no token in a query or a body."""
    app = server.client("P")
    token = (await app.sign_in(scope=OPENID)).access_token

    answers = [await userinfo(server, token, method=method) for method in ("GET", "POST")]
    query = await server.http.get(f"/userinfo?access_token={token}")
    body = await server.http.post("/userinfo", data={"access_token": token})

    assert [200, 200] == [answer.status_code for answer in answers]
    assert answers[0].content == answers[1].content
    assert "application/json" == answers[0].headers["content-type"]
    assert "no-store" == answers[0].headers["cache-control"]
    assert "*" == answers[0].headers["access-control-allow-origin"]
    assert [401, 401] == [query.status_code, body.status_code]


@pytest.mark.requirement("oidc:userinfo:one-401")
@pytest.mark.one_database
async def test_userinfo_refuses_with_one_401(server):
    """RFC 6750 §3, decision 10: the same bytes for everything; an error is named to whoever sent a credential."""
    app = server.client("P")
    tokens = await app.sign_in(scope=OPENID)

    nothing = await userinfo(server, None)
    wrong = [
        await userinfo(server, "nonsense"),
        await userinfo(server, tokens.refresh_token),
        await userinfo(server, tokens.body["id_token"]),
        await userinfo(server, tokens.access_token[:-4] + "AAAA"),
        await userinfo(server, tokens.access_token, path="/t/t3"),
    ]
    server.clock.advance(601)
    wrong.append(await userinfo(server, tokens.access_token))

    assert "Bearer" == nothing.headers["www-authenticate"]
    for answer in wrong:
        assert 401 == answer.status_code
        assert nothing.content == answer.content
        assert 'Bearer error="invalid_token"' == answer.headers["www-authenticate"]
    narrow = await userinfo(server, (await app.sign_in(scope=READ)).access_token)
    assert 'Bearer error="insufficient_scope", scope="openid"' == narrow.headers["www-authenticate"]


@pytest.mark.requirement("oidc:userinfo:ends-at-once")
@pytest.mark.parametrize("how", ["disabled", "disconnected", "password", "tenant", "client", "resource"])
async def test_userinfo_says_nothing_once_anything_it_stands_on_has_ended(server, how):
    """Decision 14: read with the rows of now, whatever the token says of its own end."""
    app = server.client("P")
    token = (await app.sign_in(scope=ALL, allowed=["email"])).access_token
    assert 200 == (await userinfo(server, token)).status_code
    operator = server.operator
    server.clock.advance(1)

    match how:
        case "disabled":
            await operator.set_member("u1", "t1", is_active=False)
        case "disconnected":
            await operator.withdraw_consent("u1", "t1", app.app, app.app.resource)
        case "password":
            await operator.change_password("u1", "quite another password")
        case "tenant":
            await operator.set_tenant("t1", is_active=False)
        case "client":
            await operator.set_client(app.app, is_active=False)
        case "resource":
            await operator.unlink(app.app.resource, "t1")

    assert 401 == (await userinfo(server, token)).status_code


@pytest.mark.requirement("oidc:scopes:permit-nothing-at-a-resource")
@pytest.mark.one_database
async def test_the_scopes_of_openid_are_inert_and_beyond_any_registration(server):
    """clients.md rule 7: asked for beyond what is registered, alone they mean reading, and a machine has none of them."""
    app = server.client("P")
    await server.operator.set_client(app.app, scope=("orders:read",))

    codex = await app.sign_in(scope="openid profile email offline_access")
    machine = await server.client("M").client_credentials(scope="openid orders:read")

    assert {"openid", "offline_access", "orders:read"} == codex.scope
    assert "invalid_scope" == machine.error


@pytest.mark.requirement("oidc:scopes:permit-nothing-at-a-resource")
@pytest.mark.one_database
@pytest.mark.parametrize("name", ["openid", "profile", "email", "offline_access"])
async def test_no_author_gives_a_scope_of_ours_a_meaning(server, name):
    """Ours: a tool that demanded `email` would be opened by a tick that says "know your email address"."""
    with pytest.raises(InvalidResourceError, match=name):
        await server.operator.set_resource(R1, scopes={name: ScopeInfo(description="Mine")}, tools=())


@pytest.mark.requirement("oidc:request:nonce-comes-back")
@pytest.mark.one_database
@pytest.mark.parametrize("nonce", ["a", 'quote"<>&ü ☃', "x" * 512])
async def test_a_nonce_comes_back_unmodified(server, nonce):
    """OpenID Connect Core §3.1.2.1, §2."""
    app = server.client("P")

    tokens = await app.sign_in(scope=OPENID, nonce=nonce)

    assert nonce == unverified_claims(tokens.body["id_token"])["nonce"]


@pytest.mark.requirement("oidc:request:nonce-comes-back")
@pytest.mark.one_database
async def test_a_nonce_without_end_is_refused(server):
    """Ours: it is kept with the code."""
    answer = await server.client("P").authorize(scope=OPENID, nonce="x" * 513)

    assert "invalid_request" == answer.error


@pytest.mark.requirement("oidc:request:login-hint-fills-the-field")
@pytest.mark.one_database
async def test_a_login_hint_stands_in_the_field_and_stays_text(server):
    """OpenID Connect Core §3.1.2.1."""
    app = server.client("P")

    good = await app.ask("u1", login_hint="ada@acme.example")
    hostile = await app.ask("u2", login_hint='"><script>alert(1)</script>' + "x" * 999)

    assert "ada@acme.example" == good.form("password").value("email")
    assert "<script" not in hostile.response.text
    assert 254 == len(hostile.form("password").value("email") or "")


@pytest.mark.requirement("oidc:id-token:is-no-access-token")
@pytest.mark.one_database
async def test_the_two_kinds_of_token_cannot_be_mistaken_for_each_other(server):
    """RFC 9068 §2.1, §5; RFC 8725 §3.11: another type, another audience."""
    tokens = await server.client("P").sign_in(scope=OPENID)

    assert "at+jwt" == header(tokens.access_token)["typ"]
    assert "JWT" == header(tokens.body["id_token"])["typ"]
    assert header(tokens.access_token)["kid"] == header(tokens.body["id_token"])["kid"]
    assert tokens.claims["aud"] != unverified_claims(tokens.body["id_token"])["aud"]
    assert not {"scope", "client_id", "tenant_id", "authorization_id", "jti"} & set(
        unverified_claims(tokens.body["id_token"])
    )


@pytest.mark.requirement("oidc:id-token:by-the-key-that-signs")
@pytest.mark.one_database
@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
async def test_an_id_token_is_signed_as_the_deployment_signs(server_with, algorithm):
    """OpenID Connect Core §3.1.3.6: at_hash follows the algorithm; a deployment for strict clients signs with RS256."""
    server = await server_with(signing_algorithm=algorithm)
    assert await server.operator.rotate_keys()
    app = server.client("P")

    tokens = await app.sign_in(scope=OPENID)

    assert algorithm == header(tokens.body["id_token"])["alg"]
    if algorithm == "RS256":
        assert app.app.client_id == (await id_token_of(server, tokens, app))["aud"]
    else:
        assert 43 == len(unverified_claims(tokens.body["id_token"])["at_hash"])


@pytest.mark.requirement("oidc:userinfo:one-401")
@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
async def test_userinfo_that_is_asked_too_often_says_when_to_come_back(server):
    """Decision 12: one login's questions are bounded, and use up nothing of another's."""
    app, other = server.client("P"), server.client("P")
    token = (await app.sign_in("u1", scope=OPENID)).access_token
    theirs = (await other.sign_in("u2", scope=OPENID)).access_token

    answers = [await userinfo(server, token) for _ in range(12)]

    assert {200, 429} == {answer.status_code for answer in answers}
    assert "retry-after" in answers[-1].headers
    assert 200 == (await userinfo(server, theirs)).status_code


@pytest.mark.requirement("oidc:id-token:says-who-signed-in")
async def test_a_device_learns_who_signed_in_too(server):
    """OpenID Connect Core §2, RFC 8628 §3.5: the same token, without a nonce, and a name only where it was ticked."""
    device = server.client("D")
    started = await device.start_device(scope=f"openid profile email {READ}", resource=device.app.resource)
    asked = await device.type_code("u1", started.body["user_code"])
    await device.browser_of("u1").submit(asked.form("decision"), decision="allow", allowed=["email"])

    tokens = await device.poll(started)
    said = await id_token_of(server, tokens, device)

    assert ["profile", "email"] == asked.form("decision").offered("allowed")
    assert tokens.claims["sub"] == said["sub"]
    assert device.person("u1").email == said["email"]
    assert not {"name", "nonce"} & set(said)
