"""Plan: take over somebody else's session by its id."""

import pytest

from tests.support.guarded import LEGACY, MODERN, Guarded

OPEN = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
SESSION = ("mcp-session-id", "5e55")


async def opened(it, **claims):
    it.server.headers = [(b"content-type", b"application/json"), (b"mcp-session-id", b"5e55")]
    answer = await it.send(headers=[it.bearer(**claims)], body=OPEN)
    it.server.headers = [(b"content-type", b"application/json")]
    assert "5e55" == answer.header("mcp-session-id")
    it.server.seen.clear()


@pytest.mark.requirement("guard:sessions:belong-to-their-opener")
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize(
    "other",
    [
        {"subject": "usr_bbbbbbbbbbbbbbbb"},
        {"tenant": "ten_bbbbbbbbbbbbbbbb"},
        {"client_id": "cli_bbbbbbbbbbbbbbbb"},
        {"roles": None},
    ],
)
async def test_another_person_tenant_or_client_finds_no_such_session(method, other):
    """MCP "Session Hijacking": a session id is no credential; somebody else's looks like none at all."""
    it = Guarded()
    await opened(it)

    theirs = await it.send(method, headers=[it.bearer(**other), SESSION], body=PING)
    nobodys = await it.send(method, headers=[it.bearer(**other), (SESSION[0], "unknown")], body=PING)

    assert (404, 0) == (theirs.status, it.reached)
    assert (theirs.headers, theirs.body) == (nobodys.headers, nobodys.body)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_the_opener_keeps_the_session_with_a_new_token(method):
    """A token may change in the middle of a session: same person, same client, other scopes."""
    it = Guarded()
    await opened(it)

    assert 200 == (await it.send(method, headers=[it.bearer("notes:read"), SESSION, LEGACY], body=PING)).status
    assert [(b"mcp-session-id", b"5e55"), (b"mcp-protocol-version", b"2025-11-25")] == it.server.seen[0]["scope"][
        "headers"
    ]


async def test_a_token_that_ended_ends_its_use_of_the_session():
    """MCP R7: each request is authenticated; a session carries nothing over."""
    it = Guarded()
    await opened(it)

    assert 401 == (await it.send(headers=[("authorization", "Bearer x"), SESSION], body=PING)).status
    assert 401 == (await it.send(headers=[SESSION], body=PING)).status


async def test_a_closed_session_is_nobodys():
    """After DELETE the id opens nothing, not even for its opener."""
    it = Guarded()
    await opened(it)

    await it.send("DELETE", headers=[it.bearer(), SESSION])

    assert 404 == (await it.send(headers=[it.bearer(), SESSION], body=PING)).status


async def test_two_session_ids_in_one_request_are_none():
    """Two parsers would take two different ones."""
    it = Guarded()
    await opened(it)

    answer = await it.send(headers=[it.bearer(), SESSION, ("Mcp-Session-Id", "other")], body=PING)

    assert (404, 0) == (answer.status, it.reached)


async def test_a_stateless_request_cannot_use_a_foreign_session_by_naming_the_new_protocol():
    """MCP 2026-07-28: a session id is ignored; a server that does not ignore it never sees it."""
    it = Guarded()
    await opened(it)

    await it.send(headers=[it.bearer(subject="usr_bbbbbbbbbbbbbbbb"), SESSION, MODERN], body=PING)

    headers = [dict(seen["scope"]["headers"]) for seen in it.server.seen]
    assert [{b"mcp-protocol-version": b"2026-07-28", b"mcp-method": b"ping"}] == headers


async def test_a_server_that_gives_two_people_one_session_gives_the_second_nothing(caplog):
    """Ours: the first opener stays the owner, and it is a critical event."""
    it = Guarded()
    await opened(it)
    await opened(it, subject="usr_bbbbbbbbbbbbbbbb")

    assert "security.session_shared" in caplog.text
    assert 404 == (await it.send(headers=[it.bearer(subject="usr_bbbbbbbbbbbbbbbb"), SESSION], body=PING)).status
    assert 200 == (await it.send(headers=[it.bearer(), SESSION], body=PING)).status


async def test_a_forgotten_session_is_refused_not_open():
    """The memory of owners is bounded, and what it forgets is closed."""
    it = Guarded(max_sessions=1)
    await opened(it)
    it.server.headers = [(b"mcp-session-id", b"other")]
    await it.send(headers=[it.bearer()], body=OPEN)

    assert 404 == (await it.send(headers=[it.bearer(), SESSION], body=PING)).status
    assert 200 == (await it.send(headers=[it.bearer(), ("mcp-session-id", "other")], body=PING)).status
