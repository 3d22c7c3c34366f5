"""The attacker sends a parameter twice and hopes that two of our parts read different ones."""

import pytest

pytestmark = pytest.mark.one_database

BEFORE_THE_REDIRECT_IS_KNOWN = ["client_id", "redirect_uri"]
AFTERWARDS = [
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "response_type",
    "prompt",
    "max_age",
    "unknown",
]


@pytest.mark.requirement("attack:pollution:doubled-at-authorize")
@pytest.mark.parametrize("second", ["same", "other"])
@pytest.mark.parametrize("path", ["/authorize", "/login", "/consent"])
@pytest.mark.parametrize("name", BEFORE_THE_REDIRECT_IS_KNOWN)
async def test_a_doubled_client_or_address_gets_an_error_page(server, name, path, second):
    """AZ-16, OAuth 2.1 §3.1, CVE-2026-9689: never a redirect, not even when both are equal."""
    app = server.client("P")
    first = dict(app.request())[name]
    url = app.url(**{name: [first, first if second == "same" else "https://evil.example/"]}).replace("/authorize", path)

    page = await server.browser().request("GET", url)

    assert server.is_error_page(page)


@pytest.mark.requirement("attack:pollution:doubled-at-authorize")
@pytest.mark.parametrize("name", AFTERWARDS)
async def test_any_other_doubled_parameter_is_invalid_request(server, name):
    """AZ-16: told to the client at its own address; a doubled state is not echoed."""
    first = dict(server.client("P").request()).get(name, "login" if name == "prompt" else "1")

    answer = await server.client("P").authorize(**{name: [first, "other"]})

    assert "invalid_request" == answer.error
    assert (None if name == "state" else "state-of-this-suite") == answer.one("state")


@pytest.mark.requirement("attack:pollution:doubled-at-authorize")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state"])
async def test_an_empty_twin_counts_as_a_second_one(server, name):
    """AZ-16, OAuth 2.1 §3.1: `scope=&scope=orders:write` is two parameters to somebody."""
    first = dict(server.client("P").request())[name]

    page = await server.client("P").ask("u1", **{name: ["", first]})

    assert "code=" not in (page.location or "")
    assert page.status == 400 or "error=invalid_request" in page.location


@pytest.mark.requirement("attack:pollution:doubled-at-token")
@pytest.mark.parametrize(
    "name", ["grant_type", "code", "code_verifier", "redirect_uri", "client_id", "client_secret", "scope", "unknown"]
)
async def test_any_doubled_parameter_at_the_token_endpoint_is_refused(server, name):
    """AZ-16, OAuth 2.1 §3.2: and the code is not used up."""
    app = server.client("S")
    code = await app.authorize()
    wanted = {
        "grant_type": "authorization_code",
        "code": code.code,
        "code_verifier": app.verifier,
        "redirect_uri": app.app.redirect_uris[0],
        "client_id": app.app.client_id,
        "client_secret": app.app.secret,
    }
    doubled = await app.token(authenticate=False, **{**wanted, name: [wanted.get(name, "orders:read"), "other"]})

    assert "invalid_request" == doubled.error
    assert (await app.redeem(code)).ok


@pytest.mark.requirement("attack:pollution:query-is-not-form")
async def test_parameters_in_the_url_of_the_token_endpoint_are_not_read(server):
    """OAuth 2.1 §3.2, §2.4.1: credentials and codes stand in the body, never in a URL."""
    app = server.client("S")
    code = await app.authorize()
    query = f"client_secret={app.app.secret}&code={code.code}"

    answer = await server.http.post(
        f"/token?{query}",
        data={"grant_type": "authorization_code", "client_id": app.app.client_id, "code_verifier": app.verifier},
    )

    assert answer.status_code in {400, 401}
    assert (await app.redeem(code)).ok


@pytest.mark.requirement("attack:pollution:form-cannot-change-the-request")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "resource", "state", "code_challenge"])
async def test_a_consent_form_cannot_change_the_request_it_answers(server, name):
    """AZ-16, AZ-11: request parameters in the form's body are ignored; the checked query rules."""
    app = server.client("P")
    form = (await app.consent_page("u1")).form("decision")
    evil = {
        "client_id": server.client("N").app.client_id,
        "redirect_uri": "https://evil.example/",
        "scope": "orders:write",
    }

    page = await app.browser_of("u1").submit(form, decision="allow", **{name: evil.get(name, "https://evil.example/")})
    tokens = await app.redeem(page.location.partition("code=")[2].partition("&")[0])

    assert page.location.startswith("https://p.example/cb?code=")
    assert {"orders:read"} == tokens.scope


@pytest.mark.requirement("attack:pollution:two-authorization-headers")
async def test_two_authorization_headers_are_refused(server):
    """OAuth 2.1 §2.4: two proxies could each believe another one."""
    from tests.support.oauth_client import basic

    app = server.client("M")
    value = basic(app.app.client_id, app.app.secret)["authorization"].encode()
    headers = [
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"authorization", value),
        (b"authorization", value),
    ]

    answer = await server.raw("/token", method="POST", headers=headers, body=b"grant_type=client_credentials")

    assert answer.status_code in {400, 401}
    assert b"access_token" not in answer.content
