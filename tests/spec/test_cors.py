"""CORS exactly where browser clients need it, and never where a person's cookies count."""

import pytest

pytestmark = pytest.mark.one_database

OPEN = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/t3",
    "/t/t3/.well-known/openid-configuration",
    "/jwks.json",
    "/token",
    "/t/t3/token",
]
CLOSED = ["/authorize", "/login", "/consent", "/logout", "/t/t3/authorize", "/t/t3/login", "/livez", "/readyz"]


@pytest.mark.requirement("cors:open:where-browser-clients-ask")
@pytest.mark.parametrize("path", OPEN)
async def test_a_browser_client_of_any_origin_may_read_the_protocol_endpoints(server, path):
    """`clients.md` rule 11, MCP Inspector: preflight and answer; never with credentials."""
    origin = {"origin": "https://inspector.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    preflight = await server.http.options(path, headers=origin | asked)
    answer = await server.http.request("POST" if path.endswith("/token") else "GET", path, headers=origin)

    assert preflight.status_code in {200, 204}
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "mcp-protocol-version"))
    for response in (preflight, answer):
        assert "*" == response.headers["access-control-allow-origin"]
        assert "access-control-allow-credentials" not in response.headers
    assert "www-authenticate" in answer.headers["access-control-expose-headers"].lower()


@pytest.mark.requirement("cors:closed:where-a-person-navigates")
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", CLOSED)
async def test_no_other_origin_reads_a_page(server, path, method):
    """OAuth 2.1 §3.1, §7.13: never on /authorize."""
    headers = {"origin": "https://evil.example", "access-control-request-method": "GET"}

    answer = await server.http.request(method, path, headers=headers)

    assert not [name for name in answer.headers if name.startswith("access-control-")]
