"""RFC 8628: a device without a browser asks, a person decides in a browser of their own."""

import re

import pytest

from authserver.domain.stopping.stopping import Target
from resource_lib.wire.control import Kind
from tests.support.killing import pause, revive
from tests.support.oauth_client import DEVICE_CODE
from tests.support.world import R1, R5, R9, WRITE


@pytest.mark.requirement("rfc8628:start:answer-has-everything")
@pytest.mark.parametrize("letter", ["D", "E", "F"])
async def test_a_device_gets_its_codes(server, letter):
    """RFC 8628 §3.2: all six members, a code of 256 bits, no cache."""
    answer = await server.client(letter).start_device()
    said = answer.body

    assert 200 == answer.status
    assert {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    } == set(said)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", said["user_code"])
    assert len(said["device_code"].rpartition("dc_")[2]) >= 43
    assert server.issuer + "/device" == said["verification_uri"]
    assert f"{server.issuer}/device?user_code={said['user_code']}" == said["verification_uri_complete"]
    assert (600, 5) == (said["expires_in"], said["interval"])
    assert "no-store" == answer.response.headers["cache-control"]


@pytest.mark.one_database
@pytest.mark.settings(device_code_seconds=900)
@pytest.mark.requirement("rfc8628:start:answer-has-everything")
async def test_the_life_that_is_told_is_the_setting(server):
    """RFC 8628 §3.2."""
    assert 900 == (await server.client("D").start_device()).body["expires_in"]


@pytest.mark.requirement("rfc8628:metadata")
async def test_metadata_names_endpoint_and_grant(server):
    """RFC 8628 §4."""
    ours = (await server.http.get("/.well-known/oauth-authorization-server")).json()
    theirs = (await server.http.get("/.well-known/oauth-authorization-server/t/t3")).json()

    assert server.issuer + "/device_authorization" == ours["device_authorization_endpoint"]
    assert server.issuer + "/t/t3/device_authorization" == theirs["device_authorization_endpoint"]
    assert DEVICE_CODE in ours["grant_types_supported"]


@pytest.mark.requirement("rfc8628:start:not-while-the-server-is-switched-off")
@pytest.mark.parametrize("letter", ["D", "E"])
async def test_a_device_does_not_begin_at_a_server_that_is_switched_off(server, letter):
    """Decision 14: it is told to come back, before a person has typed anything; afterwards it may."""
    target = Target(kind=Kind.RESOURCE, resource=R1)
    await pause(server, target)
    refused = await server.client(letter).start_device(resource=R1)
    await revive(server, target)
    begun = await server.client(letter).start_device(resource=R1)

    assert (503, "temporarily_unavailable") == (refused.status, refused.error)
    assert 1 <= int(refused.response.headers["retry-after"])
    assert begun.ok


@pytest.mark.requirement("rfc8628:start:only-registered-clients")
async def test_a_client_proves_who_it_is_and_must_have_the_grant(server):
    """RFC 8628 §3.1: the methods of the token endpoint; §5.6: a confidential client cannot be imitated without its secret."""
    confidential = server.client("F")

    refused = [
        await confidential.start_device(authenticate=False),
        await server.client("F", secret="wrong").start_device(),
        await server.client("D", client_id="cli_unknown").start_device(),
        await server.client("P").start_device(),
        await server.client("B").start_device(),
    ]
    started = await confidential.start_device()
    await confidential.connect("u1", started)

    assert [(401, "invalid_client")] * 3 + [(400, "unauthorized_client")] * 2 == [
        (one.status, one.error) for one in refused
    ]
    assert (
        401
        == (
            await confidential.poll(started, client_id=confidential.app.client_id, headers={"authorization": ""})
        ).status
    )
    assert (await confidential.poll(started)).ok


@pytest.mark.requirement("rfc8628:start:target-and-scope-are-checked")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"resource": R9}, "invalid_target"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
        ({"resource": [R1, R5]}, "invalid_target"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"scope": ["orders:read", "orders:write"]}, "invalid_request"),
    ],
)
async def test_what_a_device_may_not_have_is_refused_at_once(server, changed, error):
    """Decision 7: the audience is settled before anybody is asked."""
    answer = await server.client("D").start_device(**changed)

    assert (400, error) == (answer.status, answer.error)


@pytest.mark.requirement("rfc8628:start:target-and-scope-are-checked")
async def test_a_missing_resource_is_the_default_and_another_one_is_refused_at_the_poll(server):
    """RFC 8707 §2.2: the poll cannot change what the person saw."""
    app = server.client("D")
    started = await app.start_device(resource=None, scope=None)
    await app.connect("u1", started)

    other = await app.poll(started, resource=R5)
    tokens = await app.poll(started)

    assert "invalid_target" == other.error
    assert R1 == tokens.claims["aud"]


@pytest.mark.requirement("rfc8628:poll:pending-then-tokens")
@pytest.mark.parametrize("letter", ["D", "F", "E"])
async def test_a_device_waits_and_then_gets_its_tokens(server, letter):
    """RFC 8628 §3.5: and the refresh token works as any other."""
    app = server.client(letter)
    started = await app.start_device()

    waiting = await app.poll(started)
    done = await app.connect("u1", started)
    tokens = await app.poll(started)
    again = await app.refresh(tokens)

    assert (400, "authorization_pending") == (waiting.status, waiting.error)
    assert "You can close this page" in done.text
    assert {"orders:read"} == tokens.scope
    assert server.world.people["u1"].subs["t1"] == tokens.claims["sub"]
    assert server.world.tenants["t1"] == tokens.claims["tenant_id"]
    assert (app.app.client_id, app.app.resource) == (tokens.claims["client_id"], tokens.claims["aud"])
    assert again.ok
    assert again.claims["authorization_id"] == tokens.claims["authorization_id"]


@pytest.mark.requirement("rfc8628:poll:slow-down-adds-up")
async def test_a_device_that_asks_too_soon_waits_longer_each_time(server):
    """RFC 8628 §3.5: five seconds for this and all later polls; kept in the database."""
    app = server.client("D")
    started = await app.start_device()

    async def after(seconds):
        server.clock.advance(seconds)
        return (await app.poll(started)).error

    said = [await after(0), await after(4), await after(9), await after(15), await after(14), await after(20)]
    await server.restart()
    said += [await after(19), await after(25)]

    pending, slow = "authorization_pending", "slow_down"
    assert [pending, slow, slow, pending, slow, pending, slow, pending] == said


@pytest.mark.requirement("rfc8628:poll:expires")
async def test_a_code_that_is_over_is_over_for_everybody(server):
    """RFC 8628 §3.5: expired_token for the device, an unknown code for the person, allowed or not."""
    app = server.client("D")
    undecided, allowed, typed = [await app.start_device() for _ in range(3)]
    await app.connect("u1", allowed)
    page = await app.type_code("u1", typed.body["user_code"])
    server.clock.advance(600)

    late = await app.browser_of("u1").submit(page.form("decision"), decision="allow")
    unknown = await app.type_code("u1", undecided.body["user_code"])

    assert ["expired_token"] * 3 == [(await app.poll(one)).error for one in (undecided, allowed, typed)]
    assert [400, 400] == [late.status, unknown.status]
    assert "not known here" in late.text


@pytest.mark.requirement("rfc8628:poll:denied")
async def test_a_no_is_told_to_the_device_and_kills_the_code(server):
    """RFC 8628 §3.5: access_denied; typing it again changes nothing."""
    app = server.client("D")
    started = await app.start_device()

    done = await app.connect("u1", started, decision="deny")
    again = await app.type_code("u1", started.body["user_code"])

    assert "Nothing was connected" in done.text
    assert "Nothing was connected" in again.text
    assert ["access_denied"] * 2 == [(await app.poll(started)).error for _ in range(2)]


@pytest.mark.requirement("rfc8628:page:login-then-code-then-decision")
async def test_the_page_shows_who_asks_for_what_and_from_where(server):
    """RFC 8628 §3.3: application, resource, scopes in words, person, when and from which network."""
    app = server.client("D")
    started = await server.client("D", address="198.51.100.7").start_device()
    server.clock.advance(130)

    page = await app.type_code("u1", started.body["user_code"])

    for shown in ("Television", "Added by an administrator", "Orders at mcp1.example", "See orders",
                  "U1 Findable-Name", "First Customer", started.body["user_code"], "198.51.100.7", "2 minutes ago"):  # fmt: skip
        assert shown in page.text, shown
    assert "Sends you back to" not in page.text


@pytest.mark.requirement("rfc8628:page:login-then-code-then-decision")
@pytest.mark.parametrize("way", ["as shown", "lower", "no dash", "spaced", "dotted", "pasted"])
async def test_a_code_counts_however_it_is_typed(server, way):
    """RFC 8628 §6.1: case, dashes, spaces and dots are the typist's."""
    app = server.client("D")
    code = (await app.start_device()).body["user_code"]
    typed = {
        "as shown": code, "lower": code.lower(), "no dash": code.replace("-", ""), "spaced": " ".join(code.lower()),
        "dotted": code.replace("-", "\u2011"), "pasted": f" {code}\t",
    }[way]  # fmt: skip

    page = await app.type_code("u1", typed)

    assert page.form("decision").buttons == [("decision", "deny"), ("decision", "allow")]


@pytest.mark.requirement("rfc8628:page:login-then-code-then-decision")
@pytest.mark.parametrize(
    "typed", ["", "BCDF", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", "1234-5678", "<b>BCDFGHJK", "\u0412CDF-GHJK"]
)
async def test_what_is_no_code_is_asked_for_again(server, typed):
    """RFC 8628 §3.3: the person is told, in the form, and nothing typed becomes part of the page."""
    page = await server.client("D").type_code("u1", typed)

    assert 400 == page.status
    assert "Check every letter" in page.text
    assert page.form("user_code")
    assert "<b>" not in page.response.text


@pytest.mark.requirement("rfc8628:page:link-with-code-asks-to-compare")
async def test_a_link_with_the_code_shows_it_and_waits_to_be_compared(server):
    """RFC 8628 §3.3.1: through the login too; opening it binds, counts and decides nothing."""
    app = server.client("D")
    started = await app.start_device()
    link = started.body["verification_uri_complete"]
    for _ in range(30):
        await app.device_form("u2", link)

    form = await app.device_form("u1", link)
    asked = await app.browser_of("u1").submit(form.form("user_code"))

    assert started.body["user_code"] == form.form("user_code").value("user_code")
    assert "the code that your device shows" in form.text
    assert asked.form("decision")


@pytest.mark.one_database
@pytest.mark.requirement("rfc8628:page:link-with-code-asks-to-compare")
@pytest.mark.parametrize(
    "sent", ["evil", "BCDF-GHJK%0d%0aSet-Cookie:x", "//evil.example", "BCDF-GHJK&to=account", '"><b>x']
)
async def test_a_link_with_anything_else_in_it_leads_nowhere_else(server, sent):
    """AZ-35 kin: what stands in the link is a code or nothing."""
    browser = server.browser()
    someone = server.world.people["u1"]

    login = await browser.open(f"{server.issuer}/device?user_code={sent}")
    page = await browser.log_in(login, someone.email, someone.password)

    assert login.is_login
    assert page.url.startswith(server.issuer + "/device")
    assert (page.form("user_code").value("user_code") or "") in {"", "BCDF-GHJK"}
    assert "<b>" not in page.response.text


@pytest.mark.requirement("rfc8628:page:tenant-and-tools-as-at-consent")
async def test_reads_only_at_first_and_the_rest_by_tool(server):
    """Decision 11: a write is opted into by its tool; what was left out is not granted."""
    app = server.client("D")
    first, second = await app.start_device(scope=WRITE), await app.start_device(scope=WRITE)

    page = await app.type_code("u1", first.body["user_code"])
    await app.browser_of("u1").submit(page.form("decision"), decision="allow")
    await app.connect("u1", second, tool=["update_order"])

    assert ["update_order"] == page.form("decision").offered("tool")
    assert page.form("decision").value("tool") is None
    assert "tool:update_order" not in (await app.poll(first)).scope
    assert "tool:update_order" in (await app.poll(second)).scope


@pytest.mark.requirement("rfc8628:page:tenant-and-tools-as-at-consent")
async def test_a_person_of_two_tenants_chooses_one(server):
    """Decision 22: nobody chooses for them; the token is for that tenant alone."""
    app = server.client("E")
    started = await app.start_device()

    undecided = await app.connect("u5", started)
    page = await app.type_code("u5", started.body["user_code"])
    chosen = await app.browser_of("u5").submit(page.form("decision"), decision="allow", tenant="t2")
    tokens = await app.poll(started)

    assert 400 == undecided.status
    assert 200 == chosen.status
    assert server.world.tenants["t2"] == tokens.claims["tenant_id"]
    assert server.world.people["u5"].subs["t2"] == tokens.claims["sub"]


@pytest.mark.requirement("rfc8628:page:tenant-and-tools-as-at-consent")
async def test_the_consent_is_recorded_as_at_the_consent_page(server):
    """Contract: with what the page showed; and withdrawing it ends what came from it."""
    app = server.client("D")
    known = await server.operator.events("t1")
    started = await app.start_device()
    await app.connect("u1", started)
    tokens = await app.poll(started)
    kinds = await server.operator.kinds("t1", besides=known)

    await server.operator.withdraw_consent("u1", "t1", app.app, R1)

    assert {"person:consent:allowed", "person:device_code:allowed", "person:device_code:entered", "client:authorization:started",
            "client:token:issued"} <= set(kinds)  # fmt: skip
    assert "invalid_grant" == (await app.refresh(tokens)).error


@pytest.mark.requirement("rfc8628:page:tenant-and-tools-as-at-consent")
async def test_a_device_may_learn_who_signed_in(server):
    """OpenID Connect Core §3.1.3.3: with openid there is an ID token; a name only where its box was ticked."""
    app = server.client("D")
    started = await app.start_device(scope="openid profile orders:read")
    await app.connect("u1", started)

    tokens = await app.poll(started)

    assert "id_token" in tokens.body
    assert {"openid", "orders:read"} == tokens.scope


@pytest.mark.requirement("rfc8628:forgotten-when-over")
async def test_what_is_over_leaves_the_database(server):
    """EX-09: a day after its end, so that a device is told expired_token until then."""
    from authserver import jobs
    from authserver.runtime.schema import statement

    app = server.client("D")
    left = statement("SELECT count(*) AS n FROM device_codes")
    approvals = statement("SELECT count(*) AS n FROM device_approvals WHERE tenant_id = :tenant")
    started = await app.start_device()
    await app.connect("u1", started)

    counts = []
    for seconds in (600 + 24 * 3600 - 1, 1):
        server.clock.advance(seconds)
        await jobs.expire(server.machines)
        counts.append(
            (
                (await server.machines.work().all(left))[0]["n"],
                (await server.operator.work("t1").all(approvals))[0]["n"],
            )
        )

    assert [(1, 1), (0, 0)] == counts
    assert "invalid_grant" == (await app.poll(started)).error


@pytest.mark.requirement("rfc8628:max-age:a-newer-login-than-the-request")
async def test_a_device_that_wants_a_fresh_login_is_not_allowed_by_an_old_one(server):
    """RFC 9470 §4: `max_age` counts from the moment the device asked; an open session is led to the login page, a no is not."""
    app = server.client("D")
    person = server.world.people["u1"]
    browser = server.browser()
    await browser.log_in(await browser.open("/login"), person.email, person.password)
    server.clock.advance(30)
    loose, strict = await app.start_device(max_age="60"), await app.start_device(max_age="10")

    async def typed(started):
        return await browser.submit(
            (await browser.open("/device")).form("user_code"), user_code=started.body["user_code"]
        )

    near, old = await typed(loose), await typed(strict)
    renewed = await browser.log_in(old, person.email, person.password)
    asked = await browser.submit(renewed.form("user_code"))
    done = await browser.submit(asked.form("decision"), decision="allow")

    assert near.form("decision")
    assert old.is_login
    assert "You can close this page" in done.text
    assert 400 == (await app.start_device(max_age="soon")).status
