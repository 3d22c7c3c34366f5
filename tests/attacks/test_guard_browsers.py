"""Plan: reach a server on somebody's machine from a web page, or read a guarded answer with somebody's cookies."""

import pytest

from tests.support.guarded import Guarded

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
LOCAL = "http://127.0.0.1:8000/mcp"


@pytest.mark.requirement("guard:rebinding:loopback-answers-to-loopback")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example:8000", "127.0.0.1@evil.example",
     "", "0.0.0.0:8000", "192.168.1.1", "[::1].evil.example", "localhost:8000:evil", "localhost:", "localhost#", "[::2]:8000"],
)  # fmt: skip
@pytest.mark.parametrize("headers", [[], [("origin", "http://localhost:8000")]])
async def test_a_loopback_server_does_not_answer_to_a_foreign_name(host, headers):
    """RS-29, CVE-2025-66416: DNS rebinding arrives with the attacker's host name."""
    it = Guarded(resource=LOCAL)

    answer = await it.send(headers=[it.bearer(), ("host", host), *headers], body=PING)

    assert (403, 0) == (answer.status, it.reached)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost.evil.example", "null", "http://127.0.0.1.evil.example:8000", "file://localhost",
     "http://evil.example#localhost", "chrome-extension://localhost", "localhost", "http://", "", "http://localhost:x"],
)  # fmt: skip
async def test_a_loopback_server_is_not_called_by_a_foreign_page(origin):
    """RS-29, MCP R18: present and invalid is 403, and the page cannot read even that."""
    it = Guarded(resource=LOCAL)

    answer = await it.send(headers=[it.bearer(), ("host", "localhost:8000"), ("origin", origin)], body=PING)

    assert (403, 0) == (answer.status, it.reached)
    assert answer.header("access-control-allow-origin") is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000", "127.0.0.2", "box.local:1"]
)
@pytest.mark.parametrize(
    "origin", [None, "http://localhost:6274", "http://127.0.0.1", "http://[::1]:1", "https://app.example"]
)
async def test_a_loopback_server_answers_to_its_own_names_and_to_those_it_was_told(host, origin):
    """The MCP Inspector is a page on localhost."""
    it = Guarded(resource=LOCAL, allowed_hosts=["Box.local:1"], allowed_origins=["https://app.example"])
    headers = [it.bearer(), ("host", host)] + ([("origin", origin)] if origin else [])

    answer = await it.send(headers=headers, body=PING)

    assert (200, origin) == (answer.status, answer.header("access-control-allow-origin"))


async def test_a_public_server_takes_any_page_unless_told_which():
    """A bearer token is never sent by a browser on its own, so an origin proves nothing."""
    anyone, named = Guarded(), Guarded(allowed_origins=["https://app.example"])

    async def call(it, origin):
        answer = await it.send(headers=[it.bearer(), ("host", "x"), ("origin", origin)], body=PING)
        return answer.status, answer.header("access-control-allow-origin")

    assert (200, "*") == await call(anyone, "https://evil.example")
    assert (200, "https://app.example") == await call(named, "https://app.example")
    assert (403, None) == await call(named, "https://evil.example")


@pytest.mark.requirement("guard:cors:no-credentials-ever")
async def test_a_page_may_read_the_challenge_and_never_uses_cookies():
    """MCP users' complaint 13: browsers need WWW-Authenticate exposed; no answer allows credentials."""
    it = Guarded()
    page = ("origin", "https://inspector.example")

    refused = await it.send(headers=[page], body=PING)
    stepped = await it.tool("wipe", headers=[page])
    served = await it.send(headers=[it.bearer(), page], body=PING)
    preflight = await it.send("OPTIONS", headers=[page, ("access-control-request-method", "POST")])

    assert [401, 403, 200, 204] == [answer.status for answer in (refused, stepped, served, preflight)]
    for answer in (refused, stepped, served, preflight):
        assert "*" == answer.header("access-control-allow-origin")
        assert "WWW-Authenticate" in answer.header("access-control-expose-headers")
        assert answer.header("access-control-allow-credentials") is None


@pytest.mark.requirement("guard:cors:preflight-needs-no-token")
async def test_a_preflight_needs_no_token_and_lets_through_what_clients_send():
    """Fetch: a preflight never carries credentials. Tool parameters in headers too (MCP "Custom Headers")."""
    it = Guarded()
    asked = "authorization, mcp-param-order-id, x-evil, mcp-param-\x7f"

    answer = await it.send(
        "OPTIONS",
        headers=[
            ("origin", "https://a.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ],
    )

    allowed = answer.header("access-control-allow-headers").split(", ")
    assert {"authorization", "content-type", "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name"} <= set(
        allowed
    )
    assert "mcp-param-order-id" in allowed
    assert not {"x-evil", "mcp-param-\x7f"} & set(allowed)
    assert 0 == it.reached


async def test_an_answer_to_no_page_gets_no_header_and_the_servers_own_cors_stays():
    """The guard changes no answer of the server it wraps."""
    it = Guarded()
    plain = await it.send(headers=[it.bearer()], body=PING)
    it.server.headers = [(b"access-control-allow-origin", b"https://own.example")]
    own = await it.send(headers=[it.bearer(), ("origin", "https://a.example")], body=PING)

    assert [(b"content-type", b"application/json")] == plain.headers
    assert it.server.headers == own.headers
