"""
The attacker starts a device of their own and wants somebody else's yes; or guesses what somebody types; or fetches first.

RFC 8628 §5; AP-11, AZ-48, RL-03. Nobody can be kept from typing a code that an attacker sent them: what is bound is who decides, what is shown
is who asks, from where, and that it must be their own device.
"""

import asyncio
import re

import pytest

from tests.support.server import DATABASES
from tests.support.workers import Workers
from tests.support.world import R1, WRITE


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_a_person_has_ten_guesses_whatever_they_do_in_between(server):
    """RFC 8628 §5.1: another login, another address and a new process change nothing; then time helps."""
    app = server.client("D")
    right = (await app.start_device()).body["user_code"]

    said = [(await app.type_code("u1", "BCDF-GHJ" + letter)).status for letter in "BCDFGHJKLM"]
    said.append((await app.type_code("u1", right)).status)
    elsewhere = server.client("D", address="198.51.100.9")
    said.append((await elsewhere.type_code("u1", right)).status)
    await server.restart()
    limited = await server.client("D").type_code("u1", right)
    another = await server.client("D").type_code("u2", right)
    server.clock.advance(900)
    fresh = (await server.client("D").start_device()).body["user_code"]

    assert [400] * 10 + [429] * 2 == said
    assert 429 == limited.status
    assert 1 <= int(limited.response.headers["retry-after"]) <= 900
    assert another.form("decision")
    assert (await server.client("D").type_code("u1", fresh)).form("decision")


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_right_codes_cost_nothing(server):
    """Ours: whoever connects twenty devices is no guesser; looking at one again neither."""
    app = server.client("F")
    codes = [(await app.start_device()).body["user_code"] for _ in range(20)]

    pages = [await app.type_code("u1", code) for code in [*codes, *codes]]

    assert all(page.form("decision") for page in pages)


@pytest.mark.one_database
@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_everybody_together_is_slowed_and_nobody_is_closed_out(server, monkeypatch):
    """Decision 12: above the ceiling each person still has one guess a minute."""
    from authserver.domain.codes import device_code

    monkeypatch.setattr(device_code, "_EVERYBODY", 5)
    app = server.client("D")
    right = [(await app.start_device()).body["user_code"] for _ in range(2)]
    for letter in "BCDFG":
        await app.type_code("u2", "BCDF-GHJ" + letter)

    slowed = [(await app.type_code("u2", "BCDF-GHJ" + letter)).status for letter in "HJ"]
    newcomer = await app.type_code("u1", right[0])
    server.clock.advance(60)
    later = await app.type_code("u1", right[1])

    assert [400, 429] == slowed
    assert newcomer.form("decision")
    assert later.form("decision")


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_one_address_with_many_logins_is_limited_too(server, monkeypatch):
    """RL-03: by /64, so that an attacker with several accounts and a whole network gains nothing."""
    from authserver.domain.codes import device_code

    monkeypatch.setattr(device_code, "_PER_ADDRESS", 1)
    for number, letter in enumerate("BCDFGHJKLM"):
        await server.client("D", address=f"2001:db8::{number + 1}").type_code("u1", "BCDF-GHJ" + letter)

    same = await server.client("D", address="2001:db8::ffff:1").type_code("u2", "BCDF-GHJK")
    other = await server.client("D", address="2001:db8:0:1::1").type_code("u2", "BCDF-GHJK")

    assert (429, 400) == (same.status, other.status)


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_one_person_cannot_use_up_the_guesses_of_everybody_at_their_address(server):
    """Decision 12: whoever has no guess left and goes on costs nobody behind the same address theirs."""
    app = server.client("D")
    right = (await app.start_device()).body["user_code"]

    said = [(await app.type_code("u1", "BCDF-GHJK")).status for _ in range(110)]
    colleague = await server.client("D").type_code("u2", right)

    assert {400, 429} == set(said)
    assert colleague.form("decision")


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_a_guess_that_was_not_looked_at_costs_its_person_nothing(server, monkeypatch):
    """Decision 12: others used up what their address may spend; elsewhere this person still has every guess."""
    from authserver.domain.codes import device_code

    monkeypatch.setattr(device_code, "_PER_ADDRESS", 1)
    app = server.client("D")
    for letter in "BCDFGHJKLM":
        await app.type_code("u1", "BCDF-GHJ" + letter)

    said = [(await app.type_code("u2", "BCDF-GHJK")).status for _ in range(12)]
    elsewhere = server.client("D", address="198.51.100.9")
    right = (await elsewhere.start_device()).body["user_code"]

    assert {429} == set(said)
    assert (await elsewhere.type_code("u2", right)).form("decision")


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_nobody_guesses_without_a_login_or_with_a_link(server):
    """RFC 8628 §5.1: a link with a code is no guess and answers nothing; a post without a session goes to the login."""
    app = server.client("D")
    code = (await app.start_device()).body["user_code"]
    stranger = server.browser()

    posts = [await stranger.post(f"{server.issuer}/device", [("user_code", typed)]) for typed in (code, "BCDF-GHJK")]
    await app.device_form("u1")
    links = [await app.device_form("u1", f"{server.issuer}/device?user_code={typed}") for typed in (code, "BCDF-GHJK")]

    assert [303, 303] == [page.status for page in posts]
    assert all("/login?to=device" in page.location for page in posts)
    assert links[0].text.replace(code, "") == links[1].text.replace("BCDF-GHJK", "")


@pytest.mark.one_database
@pytest.mark.requirement("attack:device:codes-cannot-be-predicted")
@pytest.mark.settings(device_requests_per_minute=10_000)
async def test_user_codes_are_random_and_cannot_be_mistaken(server):
    """RFC 8628 §6.1, AZ-48: twenty consonants, each as likely at each place, none twice."""
    app = server.client("F")

    codes = [(await app.start_device()).body["user_code"] for _ in range(400)]

    assert 400 == len(set(codes))
    assert all(re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", code) for code in codes)
    places = [[code.replace("-", "")[place] for code in codes] for place in range(8)]
    assert all(len(set(letters)) == 20 for letters in places)


@pytest.mark.requirement("attack:device:codes-cannot-be-predicted")
async def test_a_user_code_is_never_given_twice_at_once(server, monkeypatch):
    """AZ-48: where chance gives one that is in use, another is made."""
    from authserver.domain.codes import device_code

    app = server.client("F")
    first = (await app.start_device()).body["user_code"]
    letters = iter(first.replace("-", "") + "ZZZZZZZZ")
    monkeypatch.setattr(device_code.secrets, "choice", lambda _: next(letters))

    second = (await app.start_device()).body["user_code"]

    assert "ZZZZ-ZZZZ" == second


@pytest.mark.requirement("attack:device:bound-to-the-session-that-typed-it")
@pytest.mark.parametrize("who", ["u1", "u2"])
async def test_a_second_browser_that_types_the_code_is_refused_in_words(server, who):
    """RFC 8628 §5.4, AP-11: another person, or the same one in another browser; the first decides undisturbed."""
    app, second = server.client("D"), server.client("D")
    started = await app.start_device()
    page = await app.type_code("u1", started.body["user_code"])

    refused = await second.type_code(who, started.body["user_code"])
    done = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert 409 == refused.status
    assert "typed in another browser" in refused.text
    assert [] == refused.forms
    assert "You can close this page" in done.text
    assert server.world.people["u1"].subs["t1"] == (await app.poll(started)).claims["sub"]


@pytest.mark.requirement("attack:device:form-is-of-this-code-and-session")
async def test_a_decision_counts_only_from_the_page_of_this_code_and_session(server):
    """RFC 9700 §4.7: another session's form, another code's form, no form, a forged origin."""
    app, thief = server.client("D"), server.client("D")
    mine, other = await app.start_device(), await app.start_device()
    page = await app.type_code("u1", mine.body["user_code"])
    foreign = await thief.type_code("u2", other.body["user_code"])
    form, theirs = page.form("decision"), foreign.form("decision")
    me = app.browser_of("u1")

    tries = [
        await thief.browser_of("u2").submit(form, decision="allow"),
        await thief.browser_of("u2").submit(theirs, decision="allow", request=mine.body["user_code"]),
        await me.submit(form, decision="allow", csrf=theirs.value("csrf")),
        await me.submit(form, decision="allow", csrf=None),
        await me.submit(form, decision="allow", request=other.body["user_code"]),
        await me.post(form.action, form.filled(decision="allow"), headers={"origin": "https://evil.example"}),
        await me.post(form.action, form.filled(decision="allow"), headers={"sec-fetch-site": "cross-site"}),
    ]

    assert [403] * 7 == [one.status for one in tries]
    assert ["authorization_pending"] * 2 == [(await app.poll(one)).error for one in (mine, other)]


@pytest.mark.requirement("attack:device:form-is-of-this-code-and-session")
async def test_typing_the_code_takes_a_form_of_ours_too(server):
    """Login CSRF kin: another site cannot bind an attacker's code to the visitor's session."""
    app = server.client("D")
    code = (await app.start_device()).body["user_code"]
    await app.device_form("u1")

    forged = await app.browser_of("u1").post(f"{server.issuer}/device", [("user_code", code)])
    rightful = await server.client("D").type_code("u2", code)

    assert 403 == forged.status
    assert rightful.form("decision")


@pytest.mark.requirement("attack:device:form-is-of-this-code-and-session")
async def test_a_page_that_no_longer_says_the_truth_is_shown_again(server):
    """Decision 7 kin: what is allowed is what was read."""
    app = server.client("D")
    started = await app.start_device()
    page = await app.type_code("u1", started.body["user_code"])

    await server.operator.set_client(app.app, name="Something Else")
    again = await app.browser_of("u1").submit(page.form("decision"), decision="allow")
    done = await app.browser_of("u1").submit(again.form("decision"), decision="allow")

    assert "Nothing was allowed" in again.text
    assert "Something Else" in again.text
    assert "You can close this page" in done.text


@pytest.mark.requirement("attack:device:phishing-page-warns")
async def test_the_page_warns_of_codes_that_somebody_else_sent(server):
    """RFC 8628 §5.4: and says when, and whether it was asked in the person's own network."""
    near, far = server.client("D"), server.client("D", address="203.0.113.5")
    here, there = await near.start_device(), await far.start_device()

    pages = [await near.type_code("u1", one.body["user_code"]) for one in (here, there)]
    form = await near.device_form("u1")

    assert all("on your own device, just now" in page.text for page in pages)
    assert ["The network you are in", "Another network than yours"] == [
        words
        for page in pages
        for words in ("The network you are in", "Another network than yours")
        if words in page.text
    ]
    assert "203.0.113.5" in pages[1].text
    assert "Did somebody else send you this code" in form.text
    assert [("decision", "deny"), ("decision", "allow")] == pages[0].form("decision").buttons


@pytest.mark.requirement("attack:device:not-for-another-client")
@pytest.mark.parametrize("letter", ["F", "E", "P"])
async def test_a_device_code_counts_only_with_its_client(server, letter):
    """RFC 8628 §5.2: neither waiting nor allowed; and the try disturbs nothing."""
    app, thief = server.client("D"), server.client(letter)
    started = await app.start_device()
    before = await thief.poll(started)
    await app.connect("u1", started)

    after = await thief.poll(started)

    wanted = "unauthorized_client" if letter == "P" else "invalid_grant"
    assert [wanted, wanted] == [before.error, after.error]
    assert (await app.poll(started)).ok


@pytest.mark.requirement("attack:device:not-for-another-client")
async def test_a_device_code_is_no_other_kind_of_secret(server):
    """RS-12 kin: not a code, not a refresh token, not a user code; and none of those is a device code."""
    app, native = server.client("F"), server.client("P")
    started = await app.start_device()
    await app.connect("u1", started)
    code = (await native.authorize("u1")).code
    secret = started.body["device_code"]

    answers = [
        await app.refresh(secret),
        await app.poll(started, device_code=started.body["user_code"]),
        await app.poll(started, device_code=code),
        await app.poll(started, device_code=secret.swapcase()),
        await app.poll(started, device_code="x" * 5000),
        await native.redeem(secret),
    ]

    assert ["invalid_grant"] * 6 == [answer.error for answer in answers]
    assert (await app.poll(started)).ok


@pytest.mark.requirement("attack:device:not-for-another-client")
async def test_a_device_code_counts_only_at_its_issuer(server):
    """AZ-24: a shared client asks at one issuer; the other knows neither its device code nor its user code."""
    app, elsewhere = server.client("E"), server.client("E", issuer_path="/t/t3")
    started = await app.start_device()

    poll = await elsewhere.poll(started)
    typed = await elsewhere.type_code("u7", started.body["user_code"])

    assert "invalid_grant" == poll.error
    assert 400 == typed.status
    assert "authorization_pending" == (await app.poll(started)).error


@pytest.mark.requirement("attack:device:not-across-tenants")
async def test_a_code_of_another_tenants_client_is_no_code(server):
    """TN-15: the same page, byte for byte, as for a code that does not exist; and the code stays free for its people."""
    app = server.client("D")
    started = await app.start_device()
    made_up = "BCDF-GHJK"

    foreign = await app.type_code("u9", started.body["user_code"])
    unknown = await app.type_code("u9", made_up)
    rightful = await app.type_code("u1", started.body["user_code"])

    assert foreign.text.replace(started.body["user_code"], made_up) == unknown.text
    assert (400, 400) == (foreign.status, unknown.status)
    assert rightful.form("decision")


@pytest.mark.requirement("attack:device:not-across-tenants")
@pytest.mark.parametrize("tenant", ["t2", "t3", "*", "nobody"])
async def test_a_tenant_that_is_not_the_persons_cannot_be_chosen(server, tenant):
    """Decision 22: whatever the form says."""
    app = server.client("E")
    started = await app.start_device()

    page = await app.connect("u1", started, tenant=tenant)

    assert 403 == page.status
    assert "authorization_pending" == (await app.poll(started)).error


@pytest.mark.requirement("attack:device:fetched-once")
async def test_fifty_polls_at_once_get_one_set_of_tokens(server):
    """RFC 8628 §3.5: one claim; the winner's tokens live on, because a device may ask again without being a thief."""
    app = server.client("D")
    started = await app.start_device()
    await app.connect("u1", started)

    answers = await server.together(*(app.poll(started) for _ in range(50)))
    won = [answer for answer in answers if answer.ok]

    assert 1 == len(won)
    assert {"invalid_grant"} == {answer.error for answer in answers if not answer.ok}
    assert (await app.refresh(won[0])).ok


@pytest.mark.requirement("attack:device:fetched-once")
async def test_of_polls_at_the_same_moment_one_is_in_time(server):
    """RFC 8628 §3.5: the others are slowed, and each adds its five seconds; none is an accident."""
    app = server.client("D")
    started = await app.start_device()

    said = sorted(answer.error for answer in await server.together(*(app.poll(started) for _ in range(10))))
    server.clock.advance(5 + 9 * 5 - 1)
    too_soon = await app.poll(started)
    server.clock.advance(55)

    assert ["authorization_pending"] + ["slow_down"] * 9 == said
    assert "slow_down" == too_soon.error
    assert "authorization_pending" == (await app.poll(started)).error


@pytest.mark.requirement("attack:device:decided-once")
@pytest.mark.parametrize(("first", "second"), [("allow", "deny"), ("deny", "allow"), ("allow", "allow")])
async def test_what_was_decided_stays_decided(server, first, second):
    """Ours: the form sent again shows the first answer; at the same moment one of two wins."""
    app = server.client("D")
    started = await app.start_device()
    page = await app.type_code("u1", started.body["user_code"])
    browser = app.browser_of("u1")

    one = await browser.submit(page.form("decision"), decision=first)
    two = await browser.submit(page.form("decision"), decision=second)
    polled = await app.poll(started)

    assert one.text == two.text
    assert polled.ok if first == "allow" else polled.error == "access_denied"


@pytest.mark.requirement("attack:device:decided-once")
async def test_ten_decisions_at_once_are_one(server):
    """Ours: one consent, one approval, whoever was first."""
    app = server.client("D")
    started = await app.start_device()
    page = await app.type_code("u1", started.body["user_code"])
    known = await server.operator.events("t1")

    answers = await server.together(
        *(app.browser_of("u1").submit(page.form("decision"), decision=word) for word in ["allow", "deny"] * 5)
    )
    kinds = await server.operator.kinds("t1", besides=known)

    assert {200} == {answer.status for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    assert 1 == kinds.count("person:device_code:allowed") + kinds.count("person:consent:denied")


@pytest.mark.requirement("attack:device:checked-again")
@pytest.mark.parametrize("change", ["client", "grant", "tenant", "resource", "person", "password", "consent", "secret"])
async def test_what_ended_between_the_yes_and_the_poll_yields_no_token(server, change):
    """Ours: everything a yes stood on is read again when the device fetches."""
    app = server.client("F")
    started = await app.start_device()
    await app.connect("u1", started)

    if change == "client":
        await server.operator.set_client(app.app, is_active=False)
    elif change == "grant":
        await server.operator.set_client(app.app, grant_types=("client_credentials",))
    elif change == "tenant":
        await server.operator.set_tenant("t1", is_active=False)
    elif change == "resource":
        await server.operator.unlink(R1, "t1")
    elif change == "person":
        await server.operator.set_member("u1", "t1", is_active=False)
    elif change == "password":
        server.clock.advance(1)
        await server.operator.change_password("u1", "another horse battery staple")
    elif change == "consent":
        await server.operator.withdraw_consent("u1", "t1", app.app, R1)
    else:
        started = await app.start_device()
    answer = await app.poll(started)

    assert 400 <= answer.status < 402
    assert "access_token" not in answer.body


@pytest.mark.requirement("attack:device:checked-again")
@pytest.mark.parametrize("change", ["person", "person everywhere", "client", "tenant", "consent"])
async def test_what_ended_is_not_revived_by_enabling_it_again(server, change):
    """TK-40 kin: a yes that waited while its person, client or tenant was disabled is dead for good."""
    app = server.client("F")
    started = await app.start_device()
    await app.connect("u1", started)

    if change == "consent":
        await server.operator.withdraw_consent("u1", "t1", app.app, R1)
        await app.connect("u1", await app.start_device())
    for is_active in (False, True) if change != "consent" else ():
        if change == "person":
            await server.operator.set_member("u1", "t1", is_active=is_active)
        elif change == "person everywhere":
            await server.operator.set_person("u1", is_active=is_active)
        elif change == "client":
            await server.operator.set_client(app.app, is_active=is_active)
        else:
            await server.operator.set_tenant("t1", is_active=is_active)

    assert "invalid_grant" == (await app.poll(started)).error


@pytest.mark.requirement("attack:device:checked-again")
@pytest.mark.parametrize("change", ["client", "grant", "resource", "person", "tenant"])
async def test_what_ended_before_the_decision_cannot_be_allowed(server, change):
    """Ours: the request is checked when the code is typed and when it is decided, as things are then."""
    app = server.client("D")
    started, other = await app.start_device(), await app.start_device()
    page = await app.type_code("u1", started.body["user_code"])

    if change == "client":
        await server.operator.set_client(app.app, is_active=False)
    elif change == "grant":
        await server.operator.set_client(
            app.app, grant_types=("authorization_code",), redirect_uris=("https://d.example/",)
        )
    elif change == "resource":
        await server.operator.unlink(R1, "t1")
    elif change == "person":
        await server.operator.set_member("u1", "t1", is_active=False)
    else:
        await server.operator.set_tenant("t1", is_active=False)
    decided = await app.browser_of("u1").submit(page.form("decision"), decision="allow")
    typed = await server.client("D").type_code("u1", other.body["user_code"]) if change != "person" else decided

    assert "You can close this page" not in decided.text
    assert 400 <= decided.status < 500 or "type the code" in decided.text.lower() or decided.is_login
    assert not any("decision" in dict(form.buttons) for form in typed.forms)


@pytest.mark.requirement("attack:device:checked-again")
async def test_a_role_taken_away_takes_its_scope_along(server):
    """Decision 11: a yes is a ceiling, never a floor."""
    app = server.client("D")
    started = await app.start_device(scope="orders:read orders:admin")
    await app.connect("u2", started)

    await server.operator.set_member("u2", "t1", roles=("member",))

    assert {"orders:read"} == (await app.poll(started)).scope


@pytest.mark.requirement("attack:device:checked-again")
async def test_a_tool_cannot_be_ticked_that_was_not_offered(server):
    """Decision 11: what the form names beyond the page is nothing."""
    app = server.client("D")
    started = await app.start_device(scope=WRITE)

    await app.connect("u1", started, tool=["update_order", "refund_order", "purge_orders", "*"])

    assert {"orders:read", "orders:write", "tool:update_order"} == (await app.poll(started)).scope


@pytest.mark.one_database
@pytest.mark.requirement("attack:device:unreadable-at-rest")
async def test_the_database_holds_no_code_and_no_address(server):
    """Decision 8: a dump shows nothing that can be typed, polled with, or traced to somebody."""
    app = server.client("D", address="198.51.100.77")
    started, waiting = await app.start_device(), await app.start_device()
    await app.connect("u1", started)
    tokens = await app.poll(started)

    at_rest = server.bytes_at_rest()

    secrets = [code[name] for code in (started.body, waiting.body) for name in ("device_code", "user_code")]
    secrets += [secret.replace("-", "") for secret in secrets] + ["198.51.100.77", tokens.refresh_token]
    assert [] == [secret for secret in secrets if secret.encode() in at_rest]
    assert app.app.client_id.encode() in at_rest


@pytest.mark.requirement("attack:device:floods-are-slowed")
@pytest.mark.settings(device_requests_per_minute=20)
async def test_an_address_that_starts_devices_without_end_is_limited(server):
    """EX-09: by prefix, so that others and clients with a secret go on."""
    flood = server.client("D", address="198.51.100.7")

    answers = [await flood.start_device() for _ in range(12)]

    assert [200] * 10 + [429] * 2 == [answer.status for answer in answers]
    assert 1 <= int(answers[-1].response.headers["retry-after"]) <= 60
    assert 200 == (await server.client("D", address="198.51.100.8").start_device()).status
    assert 200 == (await server.client("F", address="198.51.100.7").start_device()).status


@pytest.mark.requirement("attack:device:floods-are-slowed")
async def test_a_device_that_waits_fills_no_record(server):
    """C51 kin: polling is not an event; a refusal of somebody unproven has a bounded share."""
    app = server.client("D")
    started = await app.start_device()
    known = {tenant: await server.operator.events(tenant) for tenant in ("t1", None)}

    for _ in range(30):
        server.clock.advance(1)
        await app.poll(started)

    assert [[], []] == [await server.operator.kinds(tenant, besides=events) for tenant, events in known.items()]


@pytest.mark.slow
@pytest.mark.requirement("attack:device:fetched-once")
@pytest.mark.parametrize("kind", DATABASES)
async def test_two_processes_bind_once_decide_once_and_give_one_set_of_tokens(templates, tmp_path, kind):
    """RFC 8628 §3.5, §5.4: the database alone decides who was first, at every step."""
    deployment = Workers(templates, kind, tmp_path, device_requests_per_minute=10_000)
    await asyncio.to_thread(deployment.start)
    try:
        people = [deployment.client("D") for _ in range(8)]
        forms = [await app.device_form("u1") for app in people]
        app = people[0]
        for _ in range(3):
            started = await app.start_device()
            code = started.body["user_code"]

            typed = await asyncio.gather(
                *(
                    person.browser_of("u1").submit(form.form("user_code"), user_code=code)
                    for person, form in zip(people, forms, strict=True)
                )
            )
            bound = [number for number, page in enumerate(typed) if page.status == 200]
            assert 1 == len(bound)
            assert {409} == {page.status for number, page in enumerate(typed) if number not in bound}
            winner, page = people[bound[0]].browser_of("u1"), typed[bound[0]]
            await asyncio.gather(*(winner.submit(page.form("decision"), decision="allow") for _ in range(10)))
            answers = await asyncio.gather(*(app.poll(started) for _ in range(40)))

            assert 1 == len([answer for answer in answers if answer.ok])
            assert {"invalid_grant"} == {answer.error for answer in answers if not answer.ok}
    finally:
        await deployment.close()
        await asyncio.to_thread(deployment.stop)
        deployment.place.discard()


@pytest.mark.requirement("attack:device:guessing-is-limited")
async def test_starting_guessing_and_typing_what_is_anothers_is_recorded(server):
    """AU-01: whoever looks afterwards sees that a device asked, that somebody guessed, and who came second."""
    app, second = server.client("F"), server.client("F")
    known = {tenant: await server.operator.events(tenant) for tenant in ("t1", None)}
    started = await app.start_device()

    await app.type_code("u1", "BCDF-GHJK")
    await app.type_code("u1", started.body["user_code"])
    await second.type_code("u2", started.body["user_code"])
    ours = await server.operator.events("t1", besides=known["t1"])
    platform = await server.operator.events(None, besides=known[None])

    kinds = {(row["kind"], row["reason"]) for row in ours}
    assert {("client:device_code:started", ""), ("person:device_code:refused", "other_session")} <= kinds
    assert "unknown_user_code" in {row["reason"] for row in platform if row["kind"] == "person:device_code:refused"}
