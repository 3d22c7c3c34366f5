"""OAuth 2.1 §2.4: a client proves who it is in the one way it is registered for."""

import base64

import pytest

from tests.support.oauth_client import basic

pytestmark = pytest.mark.one_database

WAYS = ("none", "client_secret_basic", "client_secret_post")


def present(app, way):
    """Return header and body by which `app` would authenticate in that way."""
    secret = app.secret or "guess"
    if way == "client_secret_basic":
        return basic(app.client_id, secret), {}
    body = {"client_id": app.client_id}
    return {}, body | ({"client_secret": secret} if way == "client_secret_post" else {})


@pytest.mark.requirement("oauth21:client-authentication:registered-method-alone")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("letter", ["P", "B", "S"])
async def test_only_the_registered_method_counts_for_a_code_and_for_a_refresh(server, letter, way):
    """OAuth 2.1 §2.1, §2.4 (TK-17, TK-18), GHSA-pw9m-5jxm-xr6h: no client becomes public by silence or confidential by noise."""
    app = server.client(letter)
    is_right = way == app.app.auth_method
    tokens, code = await app.sign_in(), await app.authorize()
    header, body = present(app.app, way)

    refreshed = await app.token(
        headers=header, authenticate=False, grant_type="refresh_token", refresh_token=tokens.refresh_token, **body
    )
    redeemed = await app.token(
        headers=header,
        authenticate=False,
        grant_type="authorization_code",
        code=code.code,
        code_verifier=app.verifier,
        **body,
    )

    for answer in (refreshed, redeemed):
        assert (200 if is_right else 401) == answer.status
        assert (None if is_right else "invalid_client") == answer.error


@pytest.mark.requirement("oauth21:client-authentication:registered-method-alone")
@pytest.mark.parametrize("way", ["none", "client_secret_post"])
async def test_a_machine_client_must_use_its_method(server, way):
    """TK-18: client_credentials without or with another authentication."""
    app = server.client("M")
    header, body = present(app.app, way)

    answer = await app.token(headers=header, authenticate=False, grant_type="client_credentials", **body)

    assert 401 == answer.status
    assert "invalid_client" == answer.error


@pytest.mark.requirement("oauth21:client-authentication:never-two-at-once")
async def test_two_credentials_at_once_are_refused_even_when_both_are_right(server):
    """OAuth 2.1 §2.4 (TK-10)."""
    app = server.client("B")
    tokens = await app.sign_in()

    both = await app.refresh(tokens, client_secret=app.app.secret)
    assertion = await app.refresh(
        tokens, client_assertion="a.b.c", client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    )

    assert "invalid_request" == both.error
    assert assertion.error in {"invalid_request", "invalid_client"}
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("oauth21:client-authentication:never-two-at-once")
async def test_a_client_id_that_contradicts_the_header_is_refused(server):
    """OAuth 2.1 §2.4 (TK-05): the header of B, the name of P."""
    app = server.client("B")
    code = await app.authorize()

    mixed = await app.redeem(code, client_id=server.client("P").app.client_id)
    same = await app.redeem(code, client_id=app.app.client_id)

    assert "invalid_request" == mixed.error
    assert same.ok


@pytest.mark.requirement("oauth21:client-authentication:unreadable-is-401")
@pytest.mark.parametrize(
    "value",
    [
        "Basic !!!",
        "Basic",
        "Basic ",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode(b"id:").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"%ff:x").decode(),
        "Basic " + "A" * 100_000,
        "Bearer abc",
        "Negotiate abc",
    ],
    ids=lambda value: value[:24],
)
async def test_an_unreadable_credential_is_401_and_no_accident(server, value):
    """RFC 6749 §5.2 (TK-13): answered with the scheme that was tried."""
    app = server.client("B")

    answer = await app.token(headers={"authorization": value}, authenticate=False, grant_type="client_credentials")

    assert 401 == answer.status
    assert "invalid_client" == answer.error
    assert answer.response.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.requirement("oauth21:client-authentication:basic-is-read-as-specified")
@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic"])
async def test_the_scheme_is_case_insensitive(server, scheme):
    """RFC 9110 §11.1 (TK-13)."""
    app = server.client("M")
    value = basic(app.app.client_id, app.app.secret)["authorization"].replace("Basic", scheme)

    answer = await app.token(headers={"authorization": value}, authenticate=False, grant_type="client_credentials")

    assert answer.ok


@pytest.mark.requirement("oauth21:client-authentication:unknown-client-is-401")
async def test_an_unknown_client_a_wrong_secret_and_a_removed_client_look_alike(server):
    """RFC 6749 §5.2, `clients.md`: 401 `invalid_client` lets a client register anew; the bytes say no more."""
    app = server.client("B")
    wrong = await server.client("B", secret="cs_wrong").client_credentials()
    unknown = await server.client("B", client_id="cli_nobody").client_credentials()
    await server.operator.remove_client(app.app)
    removed = await app.client_credentials()

    for answer in (wrong, unknown, removed):
        assert 401 == answer.status
        assert wrong.response.content == answer.response.content


@pytest.mark.requirement("oauth21:client-authentication:guessing-is-limited")
async def test_guessing_a_secret_is_limited_and_the_rightful_client_goes_on_elsewhere(server):
    """OAuth 2.1 §2.4.1 (TK-15): the guesser's address waits; the client at its own address does not, and nobody for ever."""
    guesser = server.client("M", secret="cs_guess", address="203.0.113.9")
    rightful = server.client("M", address="198.51.100.7")

    guesses = [await guesser.client_credentials() for _ in range(40)]
    meanwhile = await rightful.client_credentials()
    server.clock.advance(3600)
    later = await server.client("M", address="203.0.113.9").client_credentials()

    assert {401, 429} == {answer.status for answer in guesses}
    assert 429 == guesses[-1].status
    assert int(guesses[-1].response.headers["retry-after"]) >= 1
    assert meanwhile.ok
    assert later.ok


@pytest.mark.requirement("oauth21:client-authentication:unreadable-is-401")
async def test_a_request_that_names_no_client_is_401(server):
    """OAuth 2.1 §3.2.4."""
    answer = await server.client("P").token(
        authenticate=False, grant_type="authorization_code", code="x", code_verifier="y"
    )

    assert 401 == answer.status
    assert "invalid_client" == answer.error
