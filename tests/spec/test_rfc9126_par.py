"""RFC 9126: a client leaves its request here before it sends anybody to a browser."""

import re

import pytest

from tests.support.publisher import app as described
from tests.support.registering import register, registered
from tests.support.world import R1, R2, R9


@pytest.mark.requirement("rfc9126:par:answer-is-a-reference")
async def test_a_pushed_request_is_answered_with_a_fresh_reference(server):
    """RFC 9126 §2.2: 201, `request_uri` that nobody can guess, `expires_in`, and no cache keeps it."""
    app = server.client("B")

    first, second = await app.push(), await app.push()

    assert 201 == first.status
    assert {"request_uri", "expires_in"} == set(first.body)
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:\S{43,}", first.body["request_uri"])
    assert first.body["request_uri"] != second.body["request_uri"]
    assert 60 <= first.body["expires_in"] <= 90
    assert "no-store" == first.response.headers["cache-control"]
    assert "application/json" == first.response.headers["content-type"]


@pytest.mark.one_database
@pytest.mark.requirement("rfc9126:par:answer-is-a-reference")
@pytest.mark.settings(pushed_request_seconds=60)
async def test_the_life_that_is_told_is_the_life_it_has(server):
    """RFC 9126 §2.2: usable until that second, and not from it on."""
    app = server.client("P")
    in_time, too_late = await app.push(), await app.push()

    server.clock.advance(59)
    opened = await app.ask("u1", **app.by_reference(in_time.body["request_uri"]))
    server.clock.advance(1)
    refused = await app.ask("u1", **app.by_reference(too_late.body["request_uri"]))

    assert 60 == in_time.body["expires_in"]
    assert opened.is_login
    assert server.is_error_page(refused)


@pytest.mark.requirement("rfc9126:par:whole-flow")
@pytest.mark.parametrize("letter", ["P", "B", "S", "G", "W"])
async def test_a_person_logs_in_with_the_reference_alone(server, letter):
    """RFC 9126 §4: the query is client_id and request_uri; the answer has the pushed state, the token the pushed resource."""
    app, who = server.client(letter), "u7" if letter == "W" else "u5"
    reference = await app.pushed(state="pushed-state")

    answer = await app.authorize(who, tenant="t1" if letter == "G" else None, **reference)
    tokens = await app.redeem(answer)

    assert "pushed-state" == answer.one("state")
    assert answer.page.location.startswith(app.app.redirect_uris[0])
    assert app.app.resource == tokens.claims["aud"]
    assert {"orders:read"} == tokens.scope


@pytest.mark.requirement("rfc9126:par:client-authenticates-as-registered")
async def test_whoever_pushes_proves_which_client_it_is(server):
    """RFC 9126 §2: the methods of the token endpoint, and no other."""
    confidential, public = server.client("B"), server.client("P")
    stranger = server.client("B", secret="wrong")
    unknown = server.client("P", client_id="cli_unknown")

    refused = [
        await confidential.push(authenticate=False),
        await stranger.push(),
        await unknown.push(),
        await public.push(authenticate=False, client_id=None),
        await server.client("P", auth_method="client_secret_post", secret="made-up").push(),
    ]

    assert [(401, "invalid_client")] * 5 == [(answer.status, answer.error) for answer in refused]
    assert 201 == (await public.push()).status
    assert 400 == (await confidential.push(client_id=public.app.client_id)).status


@pytest.mark.requirement("rfc9126:par:checked-before-it-is-kept")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"redirect_uri": "https://b.example/cb/../evil"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
        ({"resource": R9}, "invalid_target"),
        ({"resource": [R1, R2]}, "invalid_target"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"state": "s" * 5000}, "invalid_request"),
        ({"state": ["one", "two"]}, "invalid_request"),
        ({"redirect_uri": ["https://b.example/cb", "https://b.example/cb"]}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"extra": "x" * 20_000}, "invalid_request"),
    ],
)
async def test_a_request_that_could_not_end_well_is_refused_at_the_push(server, changed, error):
    """RFC 9126 §2.1, §2.3: the client learns it, as JSON, before a person is sent anywhere."""
    answer = await server.client("B").push(**changed)

    assert (400, error) == (answer.status, answer.error)
    assert "location" not in answer.response.headers
    assert "no-store" == answer.response.headers["cache-control"]


@pytest.mark.requirement("rfc9126:par:checked-before-it-is-kept")
async def test_a_client_without_codes_pushes_nothing(server):
    """OAuth 2.1 §4.1: a machine has nobody to send."""
    answer = await server.client("M").push(redirect_uri="https://m.example/cb")

    assert (400, "unauthorized_client") == (answer.status, answer.error)


@pytest.mark.requirement("rfc9126:par:no-reference-inside")
async def test_a_pushed_request_names_no_other(server):
    """RFC 9126 §2.1: request_uri is refused, whether it is ours, somebody's URL, or empty of sense."""
    app = server.client("B")
    ours = (await app.push()).body["request_uri"]

    answers = [await app.push(request_uri=sent) for sent in (ours, "https://evil.example/jar", "x")]

    assert [(400, "invalid_request")] * 3 == [(answer.status, answer.error) for answer in answers]


@pytest.mark.requirement("rfc9126:par:only-post")
async def test_the_endpoint_takes_bounded_forms_by_post(server):
    """RFC 9126 §2.3: 405 and 413 where they belong."""
    app = server.client("P")
    form = {"content-type": "application/x-www-form-urlencoded"}

    asked = await server.http.get(f"/par?client_id={app.app.client_id}")
    json = await server.http.post("/par", json={"client_id": app.app.client_id})
    huge = await server.http.post("/par", content=b"client_id=" + b"a" * 70_000, headers=form)

    assert (405, "POST") == (asked.status_code, asked.headers["allow"])
    assert (400, "invalid_request") == (json.status_code, json.json()["error"])
    assert 413 == huge.status_code


@pytest.mark.requirement("rfc9126:par:metadata")
async def test_metadata_names_the_endpoint_of_each_issuer(server):
    """RFC 9126 §5."""
    ours = (await server.http.get("/.well-known/oauth-authorization-server")).json()
    theirs = (await server.http.get("/.well-known/oauth-authorization-server/t/t3")).json()

    assert server.issuer + "/par" == ours["pushed_authorization_request_endpoint"]
    assert server.issuer + "/t/t3/par" == theirs["pushed_authorization_request_endpoint"]
    assert ours["require_pushed_authorization_requests"] is False


@pytest.mark.requirement("rfc9126:par:required-by-deployment-or-client")
async def test_a_deployment_can_demand_it_of_everybody(server_with):
    """RFC 9126 §5: metadata says so, and a plain request is told to its client."""
    server = await server_with(require_pushed_authorization_requests=True)
    app = server.client("P")

    metadata = (await server.http.get("/.well-known/oauth-authorization-server")).json()
    plain = await app.authorize()
    pushed = await app.authorize(**(await app.pushed()))

    assert metadata["require_pushed_authorization_requests"] is True
    assert "invalid_request" == plain.error
    assert pushed.has_code


@pytest.mark.requirement("rfc9126:par:required-by-deployment-or-client")
async def test_a_client_can_be_registered_to_push_always(server):
    """RFC 9126 §6: its plain requests are refused, everybody else's are not."""
    app = server.client("B")
    await server.operator.set_client(app.app, is_pushed_only=True)

    plain = await app.authorize()
    pushed = await app.authorize(**(await app.pushed()))

    assert "invalid_request" == plain.error
    assert pushed.has_code
    assert (await server.client("P").authorize()).has_code


@pytest.mark.requirement("rfc9126:par:a-client-may-demand-it-of-itself")
async def test_a_client_that_registers_itself_may_want_to_push_always(server):
    """RFC 9126 §6: it is told so, and is no more the one that said nothing of it."""
    said = "require_pushed_authorization_requests"
    strict, plain = await registered(server, **{said: True}), await registered(server, **{said: False})

    refused = await strict.authorize()
    pushed = await strict.authorize(**(await strict.pushed()))
    answer = await register(server, **{said: True})

    assert "invalid_request" == refused.error
    assert pushed.has_code
    assert (await plain.authorize()).has_code
    assert (True, strict.app.client_id) == (answer.json()[said], answer.json()["client_id"])
    assert strict.app.client_id != plain.app.client_id


@pytest.mark.one_database
@pytest.mark.requirement("rfc9126:par:a-client-may-demand-it-of-itself")
@pytest.mark.parametrize("value", ["true", 1, [True]])
async def test_a_demand_that_cannot_be_read_is_not_taken_for_none(server, value):
    """Ours: a guess would lift, unsaid, what the client wanted to be strict."""
    answer = await register(server, require_pushed_authorization_requests=value)

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])
    assert "require_pushed_authorization_requests" in answer.json()["error_description"]


@pytest.mark.requirement("rfc9126:par:a-client-may-demand-it-of-itself")
async def test_a_document_may_say_that_its_client_pushes_always(reading_server, publisher):
    """RFC 9126 §6: for as long as the document says so; what an operator demands no document lifts."""
    publisher.publish(require_pushed_authorization_requests=True)
    client = described(reading_server)

    strict = await client.authorize(), await client.authorize(**(await client.pushed()))
    publisher.publish()
    reading_server.clock.advance(3601)
    lifted = await client.authorize()
    await reading_server.operator.set_client(client.app, is_pushed_only=True)
    publisher.publish(client_name="Another name")
    reading_server.clock.advance(3601)
    operators = await client.authorize()

    assert ("invalid_request", True) == (strict[0].error, strict[1].has_code)
    assert lifted.has_code
    assert "invalid_request" == operators.error


@pytest.mark.requirement("rfc9126:par:parameters-beside-are-ignored")
async def test_what_stands_beside_the_reference_changes_nothing(server):
    """RFC 9126 §4: redirect URI, scope, state, challenge, resource of the query are nobody's."""
    app = server.client("P")
    reference = (await app.pushed(state="pushed", scope="orders:read"))["request_uri"]
    beside = app.by_reference(
        reference,
        redirect_uri="https://p.example/cb2",
        scope="orders:read orders:write",
        state="injected",
        resource=R2,
        code_challenge="A" * 43,
        response_type="token",
    )

    answer = await app.authorize(**beside)
    tokens = await app.redeem(answer)

    assert "pushed" == answer.one("state")
    assert answer.page.location.startswith("https://p.example/cb?")
    assert ({"orders:read"}, R1) == (tokens.scope, tokens.claims["aud"])


@pytest.mark.requirement("rfc9126:par:looking-spends-nothing")
async def test_a_request_is_opened_by_a_helper_a_login_and_a_reload(server):
    """FastMCP opens the URL before the browser does; the person signs in, reloads, goes back, and then decides."""
    app = server.client("P")
    reference = await app.pushed()

    helper = await server.http.get(app.url(**reference))
    page = await app.consent_page("u1", **reference)
    again = await app.ask("u1", **reference)
    reloaded = await app.browser_of("u1").open(page.url)
    answer = await app.browser_of("u1").submit(reloaded.form("decision"), decision="allow")

    assert 303 == helper.status_code
    assert page.is_consent
    assert again.is_consent
    assert "code=" in answer.location


@pytest.mark.requirement("rfc9126:par:people-have-time")
async def test_a_person_has_a_quarter_of_an_hour_once_it_was_opened(server):
    """Ours: 90 seconds are for the redirect; typing a password and reading a page takes longer. Opening again adds none."""
    app = server.client("P")
    opened, late = await app.pushed(), await app.pushed()
    await app.ask("u1", **opened)
    server.clock.advance(91)
    too_late = await app.ask("u2", **late)
    page = await app.consent_page("u1", **opened)
    server.clock.advance(899 - 91)
    still = await app.consent_page("u1", **opened)
    server.clock.advance(2)

    answer = await app.browser_of("u1").submit(still.form("decision"), decision="allow")

    assert page.is_consent
    assert still.is_consent
    assert server.is_error_page(too_late)
    assert server.is_error_page(answer)


@pytest.mark.requirement("rfc9126:par:prompt-login-asks-once")
async def test_a_pushed_prompt_for_login_asks_once(server):
    """OpenID Connect Core §3.1.2.1: a signed-in person types the password again, and is not asked for ever."""
    app = server.client("P")
    await app.sign_in("u1")
    reference = await app.pushed(prompt="login")

    asked = await app.ask("u1", **reference)
    page = await app.browser_of("u1").log_in(asked, app.person("u1").email, app.person("u1").password)
    answer = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert asked.is_login
    assert page.is_consent
    assert "code=" in answer.location


@pytest.mark.requirement("rfc9126:par:forgotten-when-over")
async def test_what_is_over_leaves_the_database(server):
    """EX-09: housekeeping forgets requests nobody can use any more, and only those."""
    from authserver import jobs
    from authserver.runtime.schema import statement

    count = statement("SELECT count(*) AS n FROM pushed_requests")
    app = server.client("P")
    for _ in range(3):
        await app.pushed()
    server.clock.advance(60)
    fresh = await app.pushed()
    server.clock.advance(31)

    await jobs.expire(server.machines)
    (left,) = await server.machines.work().all(count)

    assert 1 == left["n"]
    assert (await app.authorize(**fresh)).has_code
