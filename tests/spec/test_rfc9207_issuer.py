"""RFC 9207: every authorization response says who gave it, so that a client cannot be mixed up."""

import pytest

pytestmark = pytest.mark.one_database


@pytest.mark.requirement("rfc9207:iss:in-every-response")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, None),
        ({"decision": "deny"}, "access_denied"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"resource": "https://evil.example/"}, "invalid_target"),
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
    ],
)
async def test_success_and_every_error_carry_iss_and_state_once(server, changed, error):
    """RFC 9207 §2, MCP A27, A29 (AZ-22): byte-equal to the metadata's issuer."""
    issuer = (await server.http.get("/.well-known/oauth-authorization-server")).json()["issuer"]

    answer = await server.client("P").authorize(**changed)

    assert error == answer.error
    assert [issuer] == answer.parameters["iss"]
    assert ["state-of-this-suite"] == answer.parameters["state"]
    assert 1 == len(answer.parameters.get("code", [])) + len(answer.parameters.get("error", []))
    assert answer.page.location.startswith("https://p.example/cb?")


@pytest.mark.requirement("rfc9207:iss:is-the-tenants-own")
async def test_a_tenants_own_issuer_answers_under_its_own_name(server):
    """RFC 9207, OAuth 2.1 §7.15 (AZ-24)."""
    answer = await server.client("W").authorize("u7")

    assert f"{server.issuer}/t/t3" == answer.one("iss")
    assert f"{server.issuer}/t/t3" == (await server.client("W").redeem(answer)).claims["iss"]


@pytest.mark.requirement("rfc9207:iss:serves-only-its-own")
@pytest.mark.parametrize(("letter", "path"), [("P", "/t/t3"), ("X", "/t/t3"), ("W", "")])
async def test_an_issuer_does_not_answer_for_a_client_of_another(server, letter, path):
    """AZ-24, decision 22: an error page at /authorize; `invalid_client` at /token."""
    app = server.client(letter, issuer_path=path)

    page = await app.ask("u1")
    token = await app.refresh("rt_x")

    assert server.is_error_page(page)
    assert "invalid_client" == token.error


@pytest.mark.requirement("rfc9207:iss:serves-only-its-own")
async def test_a_code_or_refresh_token_of_one_issuer_is_nothing_at_another(server):
    """Decision 22: a shared client's code of the deployment's issuer cannot be redeemed at a tenant's."""
    app, elsewhere = server.client("G"), server.client("G", issuer_path="/t/t3")
    tokens, code = await app.sign_in(), await app.authorize()

    refusals = [await elsewhere.redeem(code), await elsewhere.refresh(tokens)]

    assert ["invalid_grant"] * 2 == [refusal.error for refusal in refusals]
    assert (await app.redeem(code)).ok
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("rfc9207:state:comes-back-as-it-was")
@pytest.mark.parametrize("state", ["a b&c=d#e+f%20", "ü€😀", "<script>\"'", "x" * 4096, "code=evil&iss=evil"])
async def test_the_state_comes_back_as_it_was_sent(server, state):
    """OAuth 2.1 §4.1.2: whatever stands in it, it adds no parameter."""
    answer = await server.client("P").authorize(state=state)

    assert state == answer.one("state")
    assert {"code", "state", "iss"} == set(answer.parameters)
