"""
The attacker holds something that is not theirs: a code, a refresh token, a form, a session.

A binding matrix: each stolen object is tried with every one of its bindings swapped, one at a time. Nothing may come out, and
the rightful owner must still be served afterwards.
"""

import pytest

from tests.support.world import R1, R2, R9

VERIFIER = "w" * 43

SWAPS_OF_A_CODE = {
    "another public client of the tenant": ("N", {}),
    "a confidential client of the tenant": ("B", {}),
    "another confidential client, secret in the body": ("S", {}),
    "a client of another tenant": ("X", {}),
    "a shared client": ("G", {}),
    "a machine": ("M", {}),
    "a client of another issuer": ("W", {}),
    "another verifier": ("P", {"code_verifier": VERIFIER}),
    "no verifier": ("P", {"code_verifier": None}),
    "another registered redirect URI": ("P", {"redirect_uri": "https://p.example/cb2"}),
    "the attacker's redirect URI": ("P", {"redirect_uri": "https://evil.example/cb"}),
    "another resource of the tenant": ("P", {"resource": R2}),
    "another tenant's resource": ("P", {"resource": R9}),
    "as a refresh token": ("P", {"grant_type": "refresh_token", "refresh_token": "CODE"}),
    "as both": ("P", {"grant_type": ["authorization_code", "refresh_token"]}),
}


@pytest.mark.requirement("attack:code:is-bound-to-everything-it-was-made-for")
@pytest.mark.parametrize("swap", SWAPS_OF_A_CODE)
async def test_a_stolen_code_is_worth_nothing_with_any_binding_swapped(server, swap):
    """TK-04, TK-08, AZ-15, CVE-2026-55672, OAuth 2.1 §4.1.3: refused, and the owner still redeems it."""
    owner = server.client("P")
    code = (await owner.authorize()).code
    letter, changed = SWAPS_OF_A_CODE[swap]
    changed = {name: code if value == "CODE" else value for name, value in changed.items()}
    thief = server.client(letter)
    if letter in {"N", "B", "S", "G"}:
        # The person uses the thief's application too: nothing but the code's own binding may stand in the way.
        await thief.sign_in(resource=R1)

    stolen = await thief.redeem(code, **{"redirect_uri": owner.app.redirect_uris[0], **changed})

    assert not stolen.ok
    assert "access_token" not in stolen.body
    assert (await owner.redeem(code)).ok


SWAPS_OF_A_REFRESH_TOKEN = {
    "another public client of the tenant": ("N", {}, "invalid_grant"),
    "a confidential client of the tenant": ("B", {}, "invalid_grant"),
    "another confidential client, secret in the body": ("S", {}, "invalid_grant"),
    "a client of another tenant": ("X", {}, "invalid_grant"),
    "a shared client": ("G", {}, "invalid_grant"),
    "a machine": ("M", {}, "unauthorized_client"),
    "a client of another issuer": ("W", {}, "invalid_grant"),
    "another resource of the tenant": ("P", {"resource": R2}, "invalid_target"),
    "another tenant's resource": ("P", {"resource": R9}, "invalid_target"),
    "more scope": ("P", {"scope": "orders:read orders:write"}, "invalid_scope"),
    "as a code": (
        "P",
        {"grant_type": "authorization_code", "code": "TOKEN", "code_verifier": VERIFIER},
        "invalid_grant",
    ),
}


@pytest.mark.requirement("attack:refresh-token:is-bound-to-everything-it-was-made-for")
@pytest.mark.parametrize("swap", SWAPS_OF_A_REFRESH_TOKEN)
async def test_a_stolen_refresh_token_is_worth_nothing_with_any_binding_swapped(server, swap):
    """TK-37, CVE-2026-55672: refused, it stays good for its owner, and the attempt is in the record."""
    owner = server.client("P")
    tokens = await owner.sign_in()
    letter, changed, error = SWAPS_OF_A_REFRESH_TOKEN[swap]
    changed = {name: tokens.refresh_token if value == "TOKEN" else value for name, value in changed.items()}

    thief = server.client(letter)
    if letter in {"N", "B", "S", "G"}:
        await thief.sign_in(resource=R1)

    stolen = await thief.refresh(tokens, **changed)
    server.clock.advance(3600)
    owners = await owner.refresh(tokens)
    recorded = [await server.operator.events(slug) for slug in ("t1", "t2", "t3", None)]

    assert error == stolen.error
    assert owners.ok
    assert "client:token:refused" in {event["kind"] for events in recorded for event in events}


@pytest.mark.requirement("attack:code:ends-with-what-it-stands-on")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "ending", ["person", "membership", "tenant", "consent", "client", "resource", "password", "role"]
)
async def test_a_code_is_worth_nothing_once_what_it_stands_on_has_ended(server, ending):
    """AZ-51 kin, CVE-2025-53942: between the person's yes and the redemption the world goes on."""
    app, operator = server.client("P"), server.operator
    wanted = "orders:admin"
    code = await app.authorize("u2", scope=wanted)
    match ending:
        case "person":
            await operator.set_member("u2", "t1", is_active=False)
        case "membership":
            await operator.remove_member("u2", "t1")
        case "tenant":
            await operator.set_tenant("t1", is_active=False)
        case "consent":
            await operator.withdraw_consent("u2", "t1", app.app, R1)
        case "client":
            await operator.set_client(app.app, is_active=False)
        case "resource":
            await operator.unlink(R1, "t1")
        case "password":
            server.clock.advance(1)
            await operator.change_password("u2", "another long password")
        case "role":
            await operator.set_member("u2", "t1", roles=("member",))

    answer = await app.redeem(code)

    assert not answer.ok
    assert answer.error in {"invalid_grant", "invalid_client", "invalid_target"}


@pytest.mark.requirement("attack:consent:person-or-tenant-that-ended-gives-no-code")
@pytest.mark.parametrize("ending", ["person", "membership", "tenant", "client", "resource"])
async def test_nobody_allows_anything_who_was_disabled_while_the_page_was_open(server, ending):
    """AZ-51, CVE-2025-53942, CVE-2024-47060: no code."""
    app, operator = server.client("P"), server.operator
    page = await app.consent_page("u1")
    match ending:
        case "person":
            await operator.set_member("u1", "t1", is_active=False)
        case "membership":
            await operator.remove_member("u1", "t1")
        case "tenant":
            await operator.set_tenant("t1", is_active=False)
        case "client":
            await operator.set_client(app.app, is_active=False)
        case "resource":
            await operator.set_resource(R1, is_active=False)

    after = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert "code=" not in (after.location or "")


@pytest.mark.requirement("attack:consent:shows-what-it-allows")
@pytest.mark.one_database
async def test_a_yes_to_an_old_page_does_not_allow_what_was_added_since(server):
    """Design decision 11, AP-10 kin: when what the page said has changed, it is shown again, and no code is given."""
    app = server.client("P")
    page = await app.consent_page("u1", scope="orders:read orders:write tool:update_order")
    worse = [tool if tool.name != "update_order" else type(tool)(
        name="update_order", sensitivity="destructive", scopes=("orders:write",), title="Delete everything"
    ) for tool in server.tools]  # fmt: skip

    await server.operator.set_resource(R1, tools=worse)
    after = await app.browser_of("u1").submit(page.form("decision"), decision="allow", tool=["update_order"])

    assert after.location is None
    assert "Delete everything" in after.text


@pytest.mark.requirement("attack:consent:form-is-bound-to-person-and-request")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "swap",
    ["another person", "nobody", "another client", "another scope", "another redirect URI", "no csrf", "csrf of login"],
)
async def test_a_consent_form_is_worth_nothing_with_any_binding_swapped(server, swap):
    """AZ-30, AZ-28, CVE-2026-45337 kin: the yes of one person, to one request."""
    app = server.client("P")
    login_csrf = (await app.ask("u1")).form("password").value("csrf")
    form = (await app.consent_page("u1")).form("decision")
    browser, url = app.browser_of("u1"), form.action
    pairs = dict(form.filled(decision="allow"))
    match swap:
        case "another person":
            await server.client("P").consent_page("u2")
            other = server.client("P")
            await other.consent_page("u2")
            browser = other.browser_of("u2")
        case "nobody":
            browser = server.browser()
        case "another client":
            url = url.replace(app.app.client_id, server.client("N").app.client_id)
        case "another scope":
            url = url.replace("orders%3Aread", "orders%3Aread+orders%3Awrite")
        case "another redirect URI":
            url = url.replace("%2Fcb&", "%2Fcb2&")
        case "no csrf":
            pairs.pop("csrf")
        case "csrf of login":
            pairs["csrf"] = login_csrf
    before = await server.operator.events()

    page = await browser.post(url, list(pairs.items()))

    assert "code=" not in (page.location or "")
    assert page.status in {303, 400, 403}
    assert page.status != 303 or "/login?" in page.location or "/authorize" in page.location
    kinds = await server.operator.kinds(besides=before)
    assert "client:code:issued" not in kinds
    assert "person:consent:allowed" not in kinds


@pytest.mark.requirement("attack:session:dead-cookies-open-nothing")
@pytest.mark.one_database
@pytest.mark.parametrize("how", ["logout", "new login", "password change", "idle", "too old", "altered", "truncated"])
async def test_a_stolen_session_cookie_is_dead_once_it_should_be(server, how):
    """AZ-39, ASVS 7.2: ended, replaced, expired or altered, it is nobody."""
    app = server.client("P")
    await app.consent_page("u1")
    browser, [name] = (
        app.browser_of("u1"),
        [name for name in app.browser_of("u1").cookies if name.startswith("session")],
    )
    stolen = browser.cookies[name]
    assert (await server.browser().plant(name, stolen).open(app.url())).is_consent
    match how:
        case "logout":
            page = await browser.open("/login")
            await browser.submit(page.form("csrf"))
        case "new login":
            someone = server.world.people["u1"]
            await browser.log_in(
                await browser.open(app.url(prompt="login").replace("/authorize", "/login")),
                someone.email,
                someone.password,
            )
        case "password change":
            await server.operator.change_password("u1", "another long password")
        case "idle":
            server.clock.advance(8 * 3600)
        case "too old":
            for _ in range(25):
                server.clock.advance(3600)
                await browser.open("/login")
        case "altered":
            stolen = stolen[:-1] + ("A" if stolen[-1] != "A" else "B")
        case "truncated":
            stolen = stolen[:-1]

    page = await server.browser().plant(name, stolen).open(app.url())

    assert page.is_login
