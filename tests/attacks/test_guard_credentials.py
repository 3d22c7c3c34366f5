"""Plan: get past the guard without a good token, or learn from its refusals which part was wrong."""

import time

import pytest

from tests.support.guarded import LEGACY, MODERN, READER, Guarded

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
CHALLENGE = (
    'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", '
    'scope="notes:read people:read"'
)


@pytest.mark.requirement("guard:401:one-answer-for-every-bad-token")
@pytest.mark.parametrize("headers", [[], [MODERN], [LEGACY]])
async def test_every_bad_token_gets_the_very_same_bytes(headers):
    """RS-20, decision 10: status, headers and body tell no failure from another."""
    it = Guarded(tenants=["ten_aaaaaaaaaaaaaaaa"])
    good = it.issuer.token(scopes=READER)
    bad = {
        "malformed": "x",
        "empty signature": good.rsplit(".", 1)[0] + ".",
        "expired": it.issuer.token(scopes=READER, override={"iat": 1_000, "exp": 1_600}),
        "foreign audience": it.issuer.token(scopes=READER, resource="https://other.example.com/mcp"),
        "foreign issuer": it.issuer.token(scopes=READER, override={"iss": "https://evil.example"}),
        "unknown key": it.issuer.forge(header={"alg": "ES256", "kid": "nobody", "typ": "at+jwt"}),
        "another type": it.issuer.forge(header=it.issuer.header() | {"typ": "JWT"}),
        "unlinked tenant": it.issuer.token(scopes=READER, tenant="ten_bbbbbbbbbbbbbbbb"),
        "bad signature": good[:-8] + "AAAAAAAA",
        "not yet": it.issuer.token(scopes=READER, override={"iat": 9_999_999_000, "exp": 9_999_999_600}),
        "no tenant": it.issuer.token(scopes=READER, without=["tenant_id"]),
        "too large": "a" * 8185,
        "2 MB": "a" * 2_000_000,
    }

    answers = {
        why: await it.send(headers=[("authorization", f"Bearer {token}"), *headers], body=PING)
        for why, token in bad.items()
    }

    first = answers["malformed"]
    assert (401, CHALLENGE + ', error="invalid_token"') == (first.status, first.header("www-authenticate"))
    assert {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -31401, "message": "Authentication required."},
    } == first.json
    assert {} == {
        why: a for why, a in answers.items() if (a.status, a.headers, a.body) != (401, first.headers, first.body)
    }
    assert 0 == it.reached


@pytest.mark.requirement("guard:401:no-credential-no-error-code")
async def test_without_a_credential_only_the_error_code_is_missing():
    """RFC 6750 §3.1, MCP R4: the same answer, and the scopes to ask for first."""
    it = Guarded()

    none, bad = await it.send(body=PING), await it.send(headers=[("authorization", "Bearer x")], body=PING)

    assert (401, CHALLENGE) == (none.status, none.header("www-authenticate"))
    assert (bad.status, bad.body) == (none.status, none.body)
    assert [h for h in bad.headers if h[0] != b"www-authenticate"] == [
        h for h in none.headers if h[0] != b"www-authenticate"
    ]


@pytest.mark.requirement("guard:token:only-one-authorization-header")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_read_without_regard_to_case(scheme):
    """RS-19, RFC 9110 §11.1."""
    it = Guarded()

    assert 200 == (await it.send(headers=[("authorization", f"{scheme} {it.issuer.token()}")], body=PING)).status


@pytest.mark.parametrize(
    "value",
    ["Bearer  {}", "Bearer\t{}", "Bearer{}", "Token {}", "Basic {}", "DPoP {}", "Bearer {},{}", "Bearer {} {}", " Bearer {}",
     "Bearer", "Bearer ", "", "{}", 'Bearer "{}"', "Bearer {}\u00e9", "Bearer {} ", "Bearer token={}"],
)  # fmt: skip
async def test_anything_else_in_the_header_is_no_token(value):
    """RS-19."""
    it = Guarded()

    answer = await it.send(headers=[("authorization", value.replace("{}", it.issuer.token()))], body=PING)

    assert 401 == answer.status
    assert 'error="invalid_token"' in answer.header("www-authenticate")
    assert 0 == it.reached


@pytest.mark.parametrize("order", [1, -1])
async def test_of_two_authorization_headers_neither_counts(order):
    """RFC 6750 §2.1: two parsers would take two different ones."""
    it = Guarded()
    pair = [it.bearer(), ("Authorization", "Bearer x")][::order]

    assert 401 == (await it.send(headers=pair, body=PING)).status


async def test_a_token_anywhere_else_is_no_credential():
    """OAuth 2.1 §5.1.1, MCP "Access Token Usage": never in the query, a cookie or the body."""
    it = Guarded()
    token = it.issuer.token()

    answers = [
        await it.send(query=f"access_token={token}".encode(), body=PING),
        await it.send(headers=[("cookie", f"access_token={token}; authorization=Bearer {token}")], body=PING),
        await it.send(
            headers=[("content-type", "application/x-www-form-urlencoded")], body=f"access_token={token}".encode()
        ),
        await it.send(headers=[("x-forwarded-authorization", f"Bearer {token}")], body=PING),
        await it.send(headers=[("proxy-authorization", f"Bearer {token}")], body=PING),
    ]

    assert [(401, CHALLENGE)] * 5 == [(answer.status, answer.header("www-authenticate")) for answer in answers]


@pytest.mark.requirement("guard:token:every-request-and-every-method")
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/mcp", "/", "/mcp/", "/health", "/other", "//mcp", "/.well-known"])
async def test_no_method_and_no_path_is_open(method, path):
    """MCP R7: before anything else, on each request; a 401 before a 405."""
    it = Guarded()

    assert 401 == (await it.send(method, path, body=PING)).status
    assert 0 == it.reached


async def test_there_is_no_side_door_by_websocket():
    """MCP has no WebSocket transport."""
    it = Guarded()
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await it.app({"type": "websocket", "path": "/mcp", "headers": [(b"authorization", b"Bearer x")]}, receive, send)

    assert [{"type": "websocket.close", "code": 1008}] == sent
    assert 0 == it.reached


@pytest.mark.requirement("guard:token:never-reaches-the-server")
async def test_the_servers_tools_never_see_the_callers_token():
    """RS-28, MCP "Token Passthrough": what a tool does not have, it cannot send upstream."""
    it = Guarded()
    auth = it.bearer(*READER)

    await it.send(headers=[auth, ("x-other", "kept")], body=PING)

    scope = it.server.seen[0]["scope"]
    assert [(b"x-other", b"kept")] == scope["headers"]
    assert auth[1][7:] not in repr(scope)
    assert "ten_aaaaaaaaaaaaaaaa" == scope["principal"].tenant


async def test_a_server_that_asks_for_the_token_gets_it():
    """`forward_authorization=True`, for a server with a verifier of its own; doctor() warns of it."""
    it = Guarded(forward_authorization=True)
    auth = it.bearer()

    await it.send(headers=[auth], body=PING)

    assert [(b"authorization", auth[1].encode())] == it.server.seen[0]["scope"]["headers"]


async def test_the_authorization_servers_cookie_is_stripped():
    """Contract: a browser sends a host's cookies to every port of it; the server must not see a login's session."""
    it = Guarded()
    cookie = ("cookie", "theme=dark; __Host-session=abc; session_9000=def; mysession=1")

    await it.send(headers=[it.bearer(), cookie], body=PING)
    await it.send(headers=[it.bearer(), ("cookie", "session_443=x")], body=PING)

    assert [[(b"cookie", b"theme=dark; mysession=1")], []] == [seen["scope"]["headers"] for seen in it.server.seen]


async def test_when_the_issuers_keys_cannot_be_had_the_call_is_refused_without_blame():
    """Fail closed: no token is good, and none is called bad."""
    it = Guarded()
    it.issuer.is_down = True

    answer = await it.send(headers=[it.bearer()], body=PING)

    assert (503, 0) == (answer.status, it.reached)
    assert int(answer.header("retry-after")) > 0
    assert answer.header("www-authenticate") is None


async def test_a_public_path_is_exact():
    """Ours: what is opened is one path, not what begins like it."""
    it = Guarded(public_paths=["/health"])

    assert 200 == (await it.send("GET", "/health")).status
    for path in ("/health/", "/health/x", "/Health", "/health/../mcp", "//health", "/mcp"):
        assert 401 == (await it.send("GET", path)).status
    assert 1 == it.reached


@pytest.mark.requirement("guard:settings:the-longest-life-is-the-authors")
async def test_a_token_that_lives_longer_than_the_author_takes_is_refused():
    """D9 of the catalogue: a token is never the long-lived part; a longer life is said on both sides."""
    strict, patient = Guarded(), Guarded(max_token_seconds=7200)

    answers = [
        await it.send(headers=[it.bearer(*READER, override=_two_hours())], body=PING) for it in (strict, patient)
    ]

    assert [401, 200] == [answer.status for answer in answers]


def _two_hours():
    now = int(time.time())
    return {"iat": now, "exp": now + 7200}


@pytest.mark.requirement("guard:token:never-reaches-a-public-path")
async def test_a_public_path_sees_neither_token_nor_session_nor_our_cookie():
    """MCP "Token Passthrough": what needs no token gets none, however eagerly a client sends it."""
    it = Guarded(public_paths=["/health"])
    sent = [it.bearer(*READER), ("cookie", "__Host-session=se_x; theirs=1"), ("mcp-session-id", "s1"), ("x-kept", "1")]

    answer = await it.send("GET", "/health", headers=sent)

    assert 200 == answer.status
    assert [(b"cookie", b"theirs=1"), (b"x-kept", b"1")] == list(it.server.seen[0]["scope"]["headers"])
    assert "principal" not in it.server.seen[0]["scope"]
