"""OAuth 2.1 §3.2.4: every refusal of the token endpoint has one shape, says what to change, and nothing of our inside."""

import pytest

pytestmark = pytest.mark.one_database

FORM = "application/x-www-form-urlencoded"


@pytest.mark.requirement("oauth21:errors:one-shape")
@pytest.mark.parametrize(
    ("wanted", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "u", "password": "p"}, 400, "unsupported_grant_type"),
        ({"grant_type": "AUTHORIZATION_CODE"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": ["refresh_token", "refresh_token"], "refresh_token": "x"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "unknown": ["a", "b"]}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "\0"}, 400, "invalid_request"),
    ],
)
async def test_a_refusal_is_json_with_error_and_description_and_is_not_cached(server, wanted, status, error):
    """OAuth 2.1 §3.2.4, RFC 6749 §5.2: 400 but for the client's own authentication."""
    answer = await server.client("P").token(**wanted)

    assert status == answer.status
    assert error == answer.error
    assert {"error", "error_description"} == set(answer.body)
    assert "application/json" == answer.response.headers["content-type"].split(";")[0]
    assert "no-store" in answer.response.headers["cache-control"]


@pytest.mark.requirement("oauth21:errors:form-encoding-alone")
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        f"application/json, {FORM}",
        f"{FORM}; charset=utf-16",
        f"{FORM}x",
        "",
        None,
    ],
)
async def test_another_content_type_is_refused_and_never_guessed_at(server, content_type):
    """OAuth 2.1 §3.2.2 (TK-29): a JSON body is not read as JSON."""
    app = server.client("M")
    sent = {"content-type": content_type} if content_type is not None else {}
    from tests.support.oauth_client import basic

    sent |= basic(app.app.client_id, app.app.secret)
    bodies = [b"grant_type=client_credentials", b'{"grant_type": "client_credentials"}']

    answers = [await server.http.post("/token", content=body, headers=sent) for body in bodies]

    for answer in answers:
        assert answer.status_code in {400, 415}
        assert "access_token" not in answer.text


@pytest.mark.requirement("oauth21:errors:form-encoding-alone")
@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), f"{FORM}; charset=UTF-8", f'{FORM};charset="utf-8"'])
async def test_the_form_encoding_is_known_by_any_spelling(server, content_type):
    """RFC 9110 §8.3.1 (TK-29)."""
    answer = await server.client("M").client_credentials(headers={"content-type": content_type})

    assert answer.ok


@pytest.mark.requirement("oauth21:errors:only-post")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_the_token_endpoint_takes_post_alone(server, method):
    """OAuth 2.1 §3.2."""
    answer = await server.http.request(method, "/token?grant_type=client_credentials")

    assert 405 == answer.status_code
    assert "POST" in answer.headers["allow"]


@pytest.mark.requirement("oauth21:errors:grant-must-be-registered")
async def test_a_client_uses_only_the_grants_it_is_registered_for(server):
    """RFC 6749 §5.2 (TK-28): a code by a machine, a refresh by a machine."""
    code = await server.client("P").authorize()
    app = server.client("M")

    by_code = await app.redeem(code)
    by_refresh = await app.refresh("rt_x")

    assert ["unauthorized_client"] * 2 == [by_code.error, by_refresh.error]
    assert (await server.client("P").redeem(code)).ok


@pytest.mark.requirement("oauth21:errors:silent-about-our-inside")
async def test_why_a_code_or_a_refresh_token_is_refused_is_not_told(server):
    """OAuth 2.1 §3.2.4: unknown, used, expired, another's: one text each; the cause is in our record."""
    app = server.client("P")
    used = await app.authorize()
    await app.redeem(used)
    expired = await app.authorize()
    other = await server.client("N").authorize()
    server.clock.advance(61)

    texts = {(await app.redeem(code)).response.content for code in (used, expired, other, "ac_nothing")}

    assert 1 == len(texts)
