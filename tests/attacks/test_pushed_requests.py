"""
The attacker has seen a reference, guesses one, or pushes one and sends it to somebody else.

RFC 9126 §7; AZ-24. A reference is worth something to the client that pushed it, at the issuer that gave it, once.
"""

import asyncio

import pytest

from tests.support.server import DATABASES
from tests.support.workers import Workers
from tests.support.world import R1, R5

PREFIX = "urn:ietf:params:oauth:request_uri:"


@pytest.mark.requirement("attack:pushed:answered-once")
@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_an_answered_request_is_over_for_everybody(server, decision):
    """RFC 9126 §7.3: for the same browser, another browser, and another person; nobody is redirected anywhere."""
    app = server.client("P")
    reference = await app.pushed()
    waiting = await app.consent_page("u2", **reference)
    await app.authorize("u1", decision=decision, **reference)
    server.clock.advance(11)

    again = await app.ask("u1", **reference)
    other = await app.browser_of("u2").submit(waiting.form("decision"), decision="allow")
    newcomer = await app.ask("v1", **reference)

    assert all(server.is_error_page(page) for page in (again, other, newcomer))


@pytest.mark.requirement("attack:pushed:answered-once")
async def test_twenty_people_who_allow_at_once_make_one_code(server):
    """RFC 9126 §7.3: the claim is in the commit that issues the code."""
    app = server.client("P")
    reference = await app.pushed()
    browsers = [server.browser() for _ in range(20)]
    pages = []
    for browser in browsers:
        page = await browser.log_in(
            await browser.open(app.url(**reference)), app.person("u1").email, app.person("u1").password
        )
        pages.append(page)

    answers = await server.together(
        *(
            browser.submit(page.form("decision"), decision="allow")
            for browser, page in zip(browsers, pages, strict=True)
        )
    )
    codes = [answer for answer in answers if answer.location and "code=" in answer.location]

    assert 1 == len(codes)
    assert {400} == {answer.status for answer in answers if answer not in codes}


@pytest.mark.requirement("attack:pushed:second-click-gets-the-same-code")
async def test_a_second_click_gets_the_code_of_the_first(server):
    """Rule 10: the browser forgets the first answer, so the second must carry the same code, and only the same code."""
    app = server.client("P")
    browser, page = app.browser_of("u1"), await app.consent_page("u1", **(await app.pushed()))

    answers = await server.together(*(browser.submit_once(page.form("decision"), decision="allow") for _ in range(5)))
    later = await browser.submit_once(page.form("decision"), decision="allow")
    denied = await browser.submit_once(page.form("decision"), decision="deny")
    forged = await browser.submit_once(page.form("decision"), decision="allow", csrf="x" * 43)
    server.clock.advance(11)
    late = await browser.submit_once(page.form("decision"), decision="allow")

    assert 1 == len({answer.location for answer in [*answers, later]})
    assert (await app.redeem(later.location.partition("code=")[2].partition("&")[0])).ok
    assert [400, 403, 400] == [answer.status for answer in (denied, forged, late)]


@pytest.mark.requirement("attack:pushed:not-for-another-client")
@pytest.mark.parametrize(("pusher", "user"), [("P", "N"), ("N", "P"), ("B", "P"), ("P", "G"), ("G", "P")])
async def test_a_reference_counts_only_with_its_client(server, pusher, user):
    """RFC 9126 §2.2: bound to the client; another client's name beside it is an error page, and spends nothing."""
    owner, thief = server.client(pusher), server.client(user)
    # The same addresses and servers, so that nothing else could refuse it.
    for app in (owner.app, thief.app):
        await server.operator.set_client(app, redirect_uris=("https://same.example/cb",))
    reference = await owner.pushed(redirect_uri="https://same.example/cb", resource=R5)

    stolen = await thief.ask("u5", **reference)
    rightful = await owner.ask("u5", **reference)

    assert server.is_error_page(stolen)
    assert rightful.is_login


@pytest.mark.requirement("attack:pushed:not-for-another-client")
@pytest.mark.parametrize("client_id", [None, "", "cli_unknown"])
async def test_a_reference_without_its_client_is_nothing(server, client_id):
    """RFC 9126 §4: client_id must stand beside it."""
    app = server.client("P")

    page = await app.ask("u1", **(await app.pushed()), client_id=client_id)

    assert server.is_error_page(page)


@pytest.mark.requirement("attack:pushed:not-at-another-issuer")
async def test_a_reference_counts_only_at_the_issuer_that_gave_it(server):
    """AZ-24: a shared client pushes at one issuer and is opened at another; mix-up ends before a login."""
    app = server.client("G")
    reference = await app.pushed()
    elsewhere = server.client("G", issuer_path="/t/t3")

    page = await elsewhere.ask("u7", **reference)
    refused = await server.client("W", issuer_path="").push()

    assert server.is_error_page(page)
    assert (401, "invalid_client") == (refused.status, refused.error)
    assert (await app.ask("u5", **reference)).is_login


@pytest.mark.requirement("attack:pushed:unknown-and-old-are-equal")
async def test_guessed_old_and_foreign_references_are_one_error(server):
    """RFC 9126 §7.1: the same page for each, at every step, and nothing is redirected."""
    app, other = server.client("P"), server.client("N")
    old = await app.pushed()
    server.clock.advance(91)
    fresh = (await app.pushed())["request_uri"]
    wrong = [
        old["request_uri"], (await other.pushed())["request_uri"], PREFIX, PREFIX + "pr_" + "A" * 43, fresh[:-1],
        fresh + "x", fresh.replace("pr_", "PR_"), PREFIX + "x" * 8000, PREFIX + "\N{SNOWMAN}",
    ]  # fmt: skip

    pages = [await app.ask("u1", **app.by_reference(one)) for one in wrong]
    steps = [
        await server.browser().open(f"{step}?client_id={app.app.client_id}&request_uri={wrong[0]}")
        for step in ("/login", "/consent")
    ]

    assert all(server.is_error_page(page) for page in [*pages, *steps])
    assert 1 == len({page.text.partition("number:")[0] for page in pages})


@pytest.mark.requirement("attack:pushed:unknown-and-old-are-equal")
@pytest.mark.parametrize("repeated", ["request_uri", "client_id"])
async def test_a_reference_that_stands_twice_is_refused(server, repeated):
    """OAuth 2.1 §3.1: nobody chooses between two."""
    app = server.client("P")
    reference = await app.pushed()
    twice = {"request_uri": reference["request_uri"], "client_id": app.app.client_id}[repeated]

    page = await app.ask("u1", **(reference | {repeated: [twice, twice]}))

    assert server.is_error_page(page)


@pytest.mark.requirement("attack:pushed:checked-again")
async def test_a_redirect_uri_taken_away_after_the_push_gets_nothing(server):
    """The checks are those of the moment a person decides, not of the push."""
    app = server.client("P")
    page = await app.consent_page("u1", **(await app.pushed()))

    await server.operator.set_client(app.app, redirect_uris=("https://p.example/other",))
    answer = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert server.is_error_page(answer)


@pytest.mark.requirement("attack:pushed:checked-again")
@pytest.mark.parametrize("change", ["client", "tenant", "grant", "resource", "person"])
async def test_whoever_is_disabled_between_push_and_decision_gets_no_code(server, change):
    """Ours: every rule is read again in the request that would issue the code."""
    app = server.client("B")
    reference = await app.pushed()
    page = await app.consent_page("u1", **reference)

    if change == "client":
        await server.operator.set_client(app.app, is_active=False)
    elif change == "tenant":
        await server.operator.set_tenant("t1", is_active=False)
    elif change == "grant":
        await server.operator.set_client(app.app, grant_types=("client_credentials",))
    elif change == "resource":
        await server.operator.unlink(R1, "t1")
    else:
        await server.operator.set_member("u1", "t1", is_active=False)
    answer = await app.browser_of("u1").submit(page.form("decision"), decision="allow")
    opened = await app.ask("u1", **reference)

    assert "code=" not in (answer.location or "")
    assert "code=" not in (opened.location or "")


@pytest.mark.requirement("attack:pushed:checked-again")
async def test_a_client_that_must_push_cannot_be_walked_around(server):
    """RFC 9126 §6: demanded after the page was shown, it holds for the decision too."""
    app = server.client("B")
    page = await app.consent_page("u1")

    await server.operator.set_client(app.app, is_pushed_only=True)
    answer = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert "error=invalid_request" in answer.location


@pytest.mark.requirement("attack:pushed:logged-in-proof-is-of-this-session")
async def test_nobody_skips_a_pushed_prompt_for_login(server):
    """A proof of another session, of another request, or made up: the password is asked for all the same."""
    app = server.client("P")
    await app.sign_in("u1")
    mine, other = await app.pushed(prompt="login"), await app.pushed(prompt="login")
    stranger = server.browser()
    login = await stranger.open(app.url(**mine))
    sent = await stranger.submit_once(
        login.form("password"), email=app.person("u2").email, password=app.person("u2").password
    )
    proof = sent.location.partition("logged_in=")[2]
    assert proof

    tries = [
        await app.ask("u1", **mine, logged_in=proof),
        await app.ask("u1", **other, logged_in=proof),
        await app.ask("u1", **mine, logged_in=[proof, proof]),
        await app.ask("u1", **mine, logged_in="x"),
        await stranger.open(app.url(**other, logged_in=proof)),
    ]

    assert all(page.is_login for page in tries)
    assert (await stranger.open(app.url(**mine, logged_in=proof))).is_consent


@pytest.mark.one_database
@pytest.mark.requirement("attack:pushed:unreadable-at-rest")
async def test_the_database_holds_no_reference_and_no_request(server):
    """Decision 15: what a client asked for can name a person; only whoever has the reference can read it."""
    app = server.client("B")
    reference = await app.pushed(state="findable-state-of-somebody", login_hint="findable@example.com")
    answer = await app.authorize(**reference)

    at_rest = server.bytes_at_rest()

    secrets = (
        reference["request_uri"].removeprefix(PREFIX),
        "findable-state-of-somebody",
        "findable@example.com",
        answer.code,
    )
    assert [] == [secret for secret in secrets if secret.encode() in at_rest]
    assert app.app.client_id.encode() in at_rest


@pytest.mark.requirement("attack:pushed:floods-are-slowed")
@pytest.mark.settings(pushed_requests_per_minute=20)
async def test_an_address_without_a_credential_is_limited_and_nobody_else(server):
    """EX-09, decision 12: by address prefix; a client with a secret has a budget of its own."""
    flood = server.client("P", address="198.51.100.7")

    answers = [await flood.push() for _ in range(12)]

    assert [201] * 10 + [429] * 2 == [answer.status for answer in answers]
    assert 1 <= int(answers[-1].response.headers["retry-after"]) <= 60
    assert 201 == (await server.client("P", address="198.51.100.8").push()).status
    assert 201 == (await server.client("B", address="198.51.100.7").push()).status
    server.clock.advance(60)
    assert 201 == (await flood.push()).status


@pytest.mark.one_database
@pytest.mark.requirement("attack:pushed:floods-are-slowed")
@pytest.mark.settings(pushed_requests_per_minute=1)
async def test_a_flood_from_everywhere_slows_and_never_closes(server):
    """Decision 12: above the ceiling each address still gets one through every half minute."""
    for number in range(40):
        await server.client("P", address=f"198.51.100.{number}").push()
    newcomer = server.client("P", address="203.0.113.9")

    answers = [await newcomer.push()]
    server.clock.advance(61)
    answers.append(await newcomer.push())

    assert [201, 201] == [answer.status for answer in answers]


@pytest.mark.slow
@pytest.mark.requirement("attack:pushed:answered-once")
@pytest.mark.parametrize("kind", DATABASES)
async def test_two_processes_make_one_code_of_one_request(templates, tmp_path, kind):
    """RFC 9126 §7.3: the database alone decides who was first."""
    deployment = Workers(templates, kind, tmp_path)
    await asyncio.to_thread(deployment.start)
    try:
        app = deployment.client("P")
        reference = await app.pushed()
        people = []
        for _ in range(12):
            browser = deployment.browser()
            page = await browser.log_in(
                await browser.open(app.url(**reference)), app.person("u1").email, app.person("u1").password
            )
            people.append((browser, page))

        answers = await asyncio.gather(
            *(browser.submit(page.form("decision"), decision="allow") for browser, page in people)
        )

        assert 1 == len([answer for answer in answers if "code=" in (answer.location or "")])
    finally:
        await deployment.close()
        await asyncio.to_thread(deployment.stop)
        deployment.place.discard()
