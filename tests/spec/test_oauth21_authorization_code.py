"""OAuth 2.1 §4.1: a person allows an application, a code comes back, and the code becomes tokens, once."""

import pytest

from tests.support.world import READ

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("oauth21:code:becomes-tokens")
@pytest.mark.parametrize("letter", ["P", "N", "B", "S", "G", "W"])
async def test_a_code_becomes_an_access_token_and_a_refresh_token(server, letter):
    """OAuth 2.1 §4.1.3: public and confidential clients, shared ones and those of a tenant's own issuer."""
    app = server.client(letter)
    who = {"W": "u7"}.get(letter, "u1")

    tokens = await app.sign_in(who)

    assert 200 == tokens.status
    assert "Bearer" == tokens.body["token_type"]
    assert 600 == tokens.body["expires_in"]
    assert {READ} == tokens.scope
    assert tokens.refresh_token
    assert "no-store" in tokens.response.headers["cache-control"]


@pytest.mark.requirement("oauth21:code:expires-after-a-minute")
@pytest.mark.parametrize(("seconds", "is_good"), [(59, True), (60, False), (3600, False)])
async def test_a_code_lives_sixty_seconds(server, seconds, is_good):
    """OAuth 2.1 §4.1.2: short-lived."""
    app = server.client("P")
    code = await app.authorize()

    server.clock.advance(seconds)
    answer = await app.redeem(code)

    assert is_good == answer.ok
    assert (None if is_good else "invalid_grant") == answer.error


@pytest.mark.requirement("oauth21:code:redirect-uri-is-enforced-when-sent")
async def test_the_token_request_may_leave_the_redirect_uri_out(server):
    """OAuth 2.1 §10.2 (TK-06): PKCE does its work."""
    app = server.client("P")

    answer = await app.redeem(await app.authorize(), redirect_uri=None)

    assert answer.ok


@pytest.mark.requirement("oauth21:code:redirect-uri-is-enforced-when-sent")
@pytest.mark.parametrize(
    ("redirect_uri", "error"),
    [
        ("https://p.example/cb2", "invalid_grant"),
        ("https://p.example/cb/", "invalid_grant"),
        (["https://p.example/cb", "https://p.example/cb"], "invalid_request"),
    ],
)
async def test_a_redirect_uri_that_is_sent_must_be_the_one_that_was_approved(server, redirect_uri, error):
    """TK-06: another registered one is another one; twice is no answer at all."""
    app = server.client("P")
    code = await app.authorize()

    refusal = await app.redeem(code, redirect_uri=redirect_uri)

    assert error == refusal.error
    assert (await app.redeem(code)).ok


@pytest.mark.requirement("oauth21:code:wrong-verifiers-burn-it-after-five")
async def test_a_wrong_verifier_does_not_use_the_code_up_but_five_do(server):
    """Attack catalogue D5: no stranger can burn a code by one guess, and nobody can guess for ever."""
    app = server.client("P")
    code = await app.authorize()

    for _ in range(4):
        assert "invalid_grant" == (await app.redeem(code, code_verifier="w" * 43)).error
    assert (await app.redeem(code)).ok

    burnt = await app.authorize()
    for _ in range(5):
        assert "invalid_grant" == (await app.redeem(burnt, code_verifier="w" * 43)).error
    assert "invalid_grant" == (await app.redeem(burnt)).error


@pytest.mark.requirement("oauth21:code:is-compared-whole")
async def test_an_altered_code_is_an_unknown_code(server):
    """TK-09, CVE-2026-27840: truncated, extended, padded, of another case, or nothing like a code."""
    app = server.client("P")
    code = (await app.authorize()).code
    altered = [
        code[:-1],
        code + "A",
        code + "=",
        code.swapcase(),
        code.upper(),
        code[1:],
        " " + code,
        "x",
        "ac_",
        "A" * 5000,
    ]

    answers = [await app.redeem(one) for one in altered]

    assert ["invalid_grant"] * len(altered) == [answer.error for answer in answers]
    assert (await app.redeem(code)).ok


@pytest.mark.requirement("oauth21:code:is-unguessable-and-hashed-at-rest")
async def test_codes_are_256_random_bits_of_which_only_the_hash_is_stored(server):
    """OAuth 2.1 §7.7 (AZ-48): nothing of one code helps with the next, and the database holds none."""
    app = server.client("P")
    await app.sign_in()

    codes = [(await app.authorize()).code for _ in range(8)]
    randoms = [code.rsplit("_", 1)[-1] if code.count("_") == 2 else code.split("_", 2)[2] for code in codes]

    assert len(set(codes)) == len(codes)
    assert {43} == {len(random) for random in randoms}
    assert len({random[:6] for random in randoms}) == len(randoms)
    for code in codes:
        assert code.encode() not in server.bytes_at_rest()
        assert code.split("_", 2)[2].encode() not in server.bytes_at_rest()


@pytest.mark.requirement("oauth21:authorize:response-has-code-state-iss")
async def test_a_person_who_says_no_sends_access_denied_and_no_code(server):
    """OAuth 2.1 §4.1.2.1: the client learns it, with its state and our iss."""
    answer = await server.client("P").authorize(decision="deny")

    assert "access_denied" == answer.error
    assert "state-of-this-suite" == answer.one("state")
    assert server.issuer == answer.one("iss")
    assert not answer.has_code


@pytest.mark.requirement("oauth21:authorize:redirect-uri-may-be-omitted-when-single")
async def test_the_only_registered_redirect_uri_need_not_be_sent(server):
    """OAuth 2.1 §2.3.2."""
    answer = await server.client("B").authorize(redirect_uri=None)

    assert answer.page.location.startswith("https://b.example/cb?")
    assert answer.has_code


@pytest.mark.requirement("oauth21:authorize:redirect-uri-may-be-omitted-when-single")
async def test_of_several_registered_redirect_uris_one_must_be_sent(server):
    """OAuth 2.1 §2.3.2 (AZ-07): we do not choose for the client."""
    page = await server.client("P").ask("u1", redirect_uri=None)

    assert server.is_error_page(page)


@pytest.mark.requirement("oauth21:authorize:only-response-type-code")
@pytest.mark.parametrize("response_type", ["token", "id_token token", "code token", "code id_token", "CODE", "none"])
async def test_only_the_code_flow_exists(server, response_type):
    """OAuth 2.1 §10.1 (AZ-10), CVE-2026-7571: no token ever stands in a redirect."""
    answer = await server.client("P").authorize(response_type=response_type)

    assert "unsupported_response_type" == answer.error
    assert "state-of-this-suite" == answer.one("state")
    assert "#" not in answer.page.location


@pytest.mark.requirement("oauth21:authorize:only-response-type-code")
@pytest.mark.parametrize("response_type", [None, ""])
async def test_a_request_without_a_response_type_is_invalid(server, response_type):
    """OAuth 2.1 §4.1.2.1 (AZ-10)."""
    answer = await server.client("P").authorize(response_type=response_type)

    assert "invalid_request" == answer.error


@pytest.mark.requirement("oauth21:authorize:only-response-type-code")
async def test_a_response_type_slipped_into_a_form_changes_nothing(server):
    """AZ-11, CVE-2026-7571: the request is the query that was checked, whatever a form adds."""
    app = server.client("P")
    page = await app.consent_page("u1")
    form = page.form("decision")

    sent = form.filled(
        decision="allow", response_type="token", client_id="someone-else", redirect_uri="https://evil.example/"
    )
    back = await app.browser_of("u1").post(form.action, sent)

    assert back.location.startswith("https://p.example/cb?code=")
    assert "#" not in back.location


@pytest.mark.requirement("oauth21:authorize:empty-is-absent-unknown-is-ignored")
async def test_an_empty_parameter_counts_as_absent(server):
    """OAuth 2.1 §3.1 (AZ-18)."""
    answer = await server.client("P").authorize(state="", scope="", resource="")

    assert answer.has_code
    assert "state" not in answer.parameters


@pytest.mark.requirement("oauth21:authorize:empty-is-absent-unknown-is-ignored")
async def test_fifty_unknown_parameters_change_nothing(server):
    """OAuth 2.1 §3.1 (AZ-19)."""
    unknown = {f"unknown_{number}": "x" for number in range(50)}

    answer = await server.client("P").authorize(**unknown)

    assert answer.has_code


@pytest.mark.requirement("oauth21:scope:grammar-is-strict")
@pytest.mark.parametrize(
    "scope",
    [
        "orders:read  orders:write",
        " orders:read",
        "orders:read ",
        "orders:read\torders:write",
        "orders:read\norders:write",
        'orders:read "x"',
        "orders:read a\\b",
        "orders:read é",
        "orders:read,orders:write orders:read\x7f",
        "orders:read " + "x" * 5000,
    ],
    ids=lambda scope: repr(scope)[:32],
)
async def test_a_malformed_scope_is_refused_even_where_part_of_it_is_known(server, scope):
    """OAuth 2.1 §1.4.1: names of printable ASCII, single spaces; two parsers must never read two different lists."""
    app, machine = server.client("P"), server.client("M")
    tokens = await app.sign_in()

    asked = await app.authorize(scope=scope)
    refreshed = await app.refresh(tokens, scope=scope)
    own = await machine.client_credentials(scope=scope)

    assert ["invalid_scope"] * 3 == [asked.error, refreshed.error, own.error]


@pytest.mark.requirement("oidc:prompt:none-shows-no-page")
async def test_prompt_none_answers_without_showing_a_page(server):
    """OpenID Connect Core §3.1.2.6 (AZ-36): login_required before a login, consent_required after it, never a code."""
    app = server.client("B")
    before = await app.authorize(prompt="none")
    await app.consent_page("u1")

    after = await app.authorize(prompt="none")

    assert "login_required" == before.error
    assert "consent_required" == after.error
    assert not before.has_code
    assert not after.has_code


@pytest.mark.requirement("oidc:prompt:none-shows-no-page")
async def test_prompt_none_gives_a_confidential_client_what_was_allowed_before(server):
    """OpenID Connect Core §3.1.2.1: and never more than that."""
    app = server.client("B")
    await app.sign_in()

    same = await app.authorize(prompt="none")
    wider = await app.authorize(prompt="none", scope="orders:read orders:write")

    assert same.has_code
    assert "consent_required" == wider.error


@pytest.mark.requirement("oidc:prompt:login-asks-again")
async def test_prompt_login_asks_for_the_password_again_and_renews_auth_time(server):
    """OpenID Connect Core §3.1.2.1, RFC 9470 (AZ-37)."""
    app = server.client("P")
    first = (await app.sign_in()).claims["auth_time"]
    server.clock.advance(300)

    page = await app.ask("u1", prompt="login")
    again = (await app.sign_in(prompt="login")).claims["auth_time"]

    assert page.is_login
    assert 300 == again - first


@pytest.mark.requirement("oidc:prompt:login-asks-again")
async def test_a_login_older_than_max_age_is_asked_for_again(server):
    """OpenID Connect Core §3.1.2.1 `max_age`."""
    app = server.client("P")
    await app.sign_in()
    server.clock.advance(300)

    young = await app.ask("u1", max_age="301")
    old = await app.ask("u1", max_age="100")

    assert young.is_consent
    assert old.is_login


@pytest.mark.requirement("ours:consent:defaults-to-reading")
async def test_a_client_that_asks_for_nothing_gets_reading(server):
    """Decision 19, `clients.md`: Copilot sends no scope; what it gets can change nothing."""
    tokens = await server.client("P").sign_in(scope=None)

    assert {READ} == tokens.scope


@pytest.mark.requirement("ours:consent:writes-are-opted-into-by-tool")
async def test_a_first_consent_ticks_no_writing_tool_and_gives_what_the_person_ticks(server):
    """Decision 11: a write is opted into per tool; the client is told what it got."""
    app = server.client("P")
    wanted = "orders:read orders:write tool:update_order tool:refund_order"
    form = (await app.consent_page("u1", scope=wanted)).form("decision")

    tokens = await app.sign_in(scope=wanted, tools=["update_order"])

    assert {"update_order", "refund_order"} == set(form.offered("tool"))
    assert [] == [value for name, value in form.fields if name == "tool"]
    assert {"orders:read", "orders:write", "tool:update_order"} == tokens.scope


@pytest.mark.requirement("ours:consent:writes-are-opted-into-by-tool")
async def test_a_step_up_comes_ticked_for_a_write_and_never_for_what_cannot_be_undone(server):
    """Decision 11: after a yes to reading, no single click lets an agent delete."""
    app = server.client("P")
    await app.sign_in("u1", scope="orders:read")

    form = (await app.consent_page("u1", scope="orders:read orders:write tool:update_order tool:refund_order")).form(
        "decision"
    )

    assert ["update_order"] == [value for name, value in form.fields if name == "tool"]


@pytest.mark.requirement("ours:consent:writes-are-opted-into-by-tool")
async def test_a_tool_that_was_not_asked_for_cannot_be_ticked_in(server):
    """Decision 11: the form cannot widen the request."""
    tokens = await server.client("P").sign_in(scope="orders:read orders:write", tools=["refund_order", "purge_orders"])

    assert {"orders:read", "orders:write"} == tokens.scope


@pytest.mark.requirement("ours:consent:roles-limit-what-a-person-can-allow")
async def test_a_person_cannot_allow_what_their_role_does_not_permit(server):
    """Decision 22: an ordinary member cannot give an application an administrator's scope."""
    wanted = "orders:read orders:admin tool:purge_orders"

    member = await server.client("P").sign_in("u1", scope=wanted, tools=["purge_orders"])
    admin = await server.client("P").sign_in("u2", scope=wanted, tools=["purge_orders"])

    assert {READ} == member.scope
    assert set(wanted.split()) == admin.scope


@pytest.mark.requirement("ours:consent:person-of-several-tenants-chooses")
@pytest.mark.parametrize("slug", ["t1", "t2"])
async def test_a_person_of_several_tenants_chooses_where_a_shared_client_works(server, slug):
    """Decision 22: `sub` belongs to the membership, so it differs per tenant."""
    tokens = await server.client("G").sign_in("u5", tenant=slug)

    assert server.world.tenants[slug] == tokens.claims["tenant_id"]
    assert server.world.people["u5"].subs[slug] == tokens.claims["sub"]


@pytest.mark.requirement("ours:consent:survives-two-tabs")
async def test_the_consent_page_works_in_two_tabs(server):
    """AZ-29, `clients.md` rule 10: a page loaded twice and submitted twice is no dead end."""
    app = server.client("P")
    first = await app.consent_page("u1")
    second = await app.ask("u1")

    browser = app.browser_of("u1")
    one = await browser.submit(first.form("decision"), decision="allow")
    two = await browser.submit(second.form("decision"), decision="allow")

    for page in (one, two):
        assert page.location.startswith("https://p.example/cb?code=")


@pytest.mark.requirement("ours:consent:survives-two-tabs")
async def test_authorize_may_be_opened_once_by_a_program_before_the_browser(server):
    """`clients.md`, seen 5: FastMCP's helper GETs the URL first and takes a 400 for a stale client."""
    app = server.client("P")
    probe = await server.browser().request("GET", app.url())

    tokens = await app.sign_in()

    assert probe.status < 400
    assert tokens.ok


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:scope:unknown-by-policy")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("mcp:tools", {"orders:read"}),
        ("mcp:tools orders:write", {"orders:write"}),
        ("openid profile email offline_access", {"orders:read", "openid", "offline_access"}),
        ("claudeai offline_access", {"orders:read", "offline_access"}),
    ],
)
async def test_scopes_that_nobody_knows_are_left_out(server, asked, granted):
    """clients.md rule 7: mcporter#52, codex#17265 ask for scopes of their own lists; the answer says what was granted."""
    tokens = await server.client("P").sign_in(scope=asked)

    assert granted == tokens.scope


@pytest.mark.one_database
@pytest.mark.settings(unknown_scopes="refuse")
@pytest.mark.requirement("oauth21:scope:unknown-by-policy")
async def test_where_policy_says_so_an_unknown_scope_is_an_error(server):
    """OAuth 2.1 §4.1.2.1: to the letter, for who wants it."""
    answer = await server.client("P").authorize(scope="orders:read mcp:tools")

    assert "invalid_scope" == answer.error


@pytest.mark.one_database
@pytest.mark.requirement("oauth21:scope:registration-still-limits")
async def test_a_scope_that_a_registration_does_not_permit_gives_no_default(server):
    """OAuth 2.1 §4.1.2.1: only what nobody knows is left out silently."""
    app = server.client("P")
    await server.operator.set_client(app.app, scope=("orders:read",))

    assert "invalid_scope" == (await app.authorize(scope="orders:write")).error
    assert {"orders:read"} == (await app.sign_in(scope="orders:write orders:read")).scope
