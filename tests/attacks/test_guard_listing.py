"""Plan: read the names of tools that are not offered from the list of tools."""

import json

import pytest

from tests.support.guarded import LEGACY, MODERN, READER, Guarded

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


def listing(*names, **more):
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
    return json.dumps(
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": "x"} | more}, indent=1
    ).encode()


def with_members(raw, members):
    value = json.loads(raw)
    value["result"] |= members
    return json.dumps(value, indent=1).encode()


async def listed(it, *headers, method="POST", body=None):
    return await it.send(
        method, headers=[it.bearer(*READER), *headers], body=json.dumps(LIST).encode() if body is None else body
    )


@pytest.mark.requirement("guard:listing:bytes-untouched-when-covered")
@pytest.mark.parametrize(
    ("era", "kept"), [(LEGACY, {}), (MODERN, {"cacheScope": "private", "ttlMs": 0})], ids=["sessions", "2026-07-28"]
)
async def test_a_list_that_the_policy_covers_passes_byte_for_byte(era, kept):
    """The guard changes no answer of the server it wraps; ungranted tools stay listed (decision 11)."""
    it = Guarded()
    it.server.chunks = [with_members(listing("see", "wipe"), kept)]
    it.server.headers = [(b"content-type", b"application/json"), (b"x-own", b"1"), (b"mcp-session-id", b"s")]

    answer = await listed(it, era)

    assert (b"".join(it.server.chunks), it.server.headers) == (answer.body, answer.headers)


@pytest.mark.requirement("guard:listing:only-tools-of-the-policy")
async def test_a_tool_outside_the_policy_is_not_listed(caplog):
    """Decision 11: it answers as unknown, so it is not named; the operator hears of it once."""
    it = Guarded()
    whole = listing("see", "secret", "wipe", "See")
    it.server.chunks = [whole[:30], whole[30:60], whole[60:]]
    it.server.headers = [(b"content-type", b"application/json"), (b"content-length", str(len(whole)).encode())]

    answer, _ = await listed(it), await listed(it)

    assert ["see", "wipe"] == [tool["name"] for tool in answer.json["result"]["tools"]]
    assert "x" == answer.json["result"]["nextCursor"]
    assert str(len(answer.body)) == answer.header("content-length")
    assert 1 == caplog.text.count("'secret' is not in the policy")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 5, 64, 10_000])
@pytest.mark.parametrize(("method", "body"), [("POST", None), ("GET", b"")])
async def test_it_is_not_named_in_an_event_stream_either(newline, size, method, body):
    """HTML "Server-sent events": in an answer, and in a stream that is resumed by GET, however it is cut."""
    it = Guarded()
    raw = (
        f"event: message{newline}id: 7{newline}data: {json.dumps(json.loads(listing('see', 'secret')))}{newline}{newline}"
        f": ping{newline}{newline}"
        f'data: {{"jsonrpc":"2.0","method":"notifications/progress","params":{{"tools":[{{"name":"kept"}}]}}}}{newline}{newline}'
    ).encode()
    it.server.headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    it.server.chunks = [raw[at : at + size] for at in range(0, len(raw), size)]

    answer = await listed(it, method=method, body=body)

    assert b"secret" not in answer.body
    assert b'"see"' in answer.body
    assert b"id: 7" in answer.body
    assert answer.body.endswith(raw[raw.index(b": ping") :])


async def test_an_event_stream_that_the_policy_covers_passes_byte_for_byte():
    """Down to its comments and odd spacing."""
    it = Guarded()
    raw = (
        b"retry: 5\nevent:message\ndata:"
        + json.dumps(json.loads(listing("see"))).encode()
        + b"\n\n\n:x\n\ndata: tools\n\ndata: 1"
    )
    it.server.headers = [(b"content-type", b"text/event-stream")]
    it.server.chunks = [raw]

    answer = await listed(it)

    assert raw.replace(b"data: tools\n\n", b"") == answer.body


@pytest.mark.parametrize(
    ("headers", "chunks"),
    [
        ([(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], [b"\x1f\x8b secret"]),
        ([(b"content-type", b"application/json")], [b'{"result":{"tools":[{"name":"secret"}']),
        ([(b"content-type", b"application/json")], [b"\xff\xfesecret"]),
        ([(b"content-type", b"text/html")], [b"secret"]),
        ([], [b"secret"]),
    ],
)
async def test_a_list_that_cannot_be_read_is_withheld(headers, chunks):
    """Fail closed."""
    it = Guarded()
    it.server.headers, it.server.chunks = headers, chunks

    answer = await listed(it)

    assert 502 == answer.status
    assert b"secret" not in answer.body


async def test_the_server_is_not_asked_for_a_compressed_list():
    """So that the list can be read."""
    it = Guarded()
    it.server.chunks = [listing("see")]

    await listed(it, ("accept-encoding", "gzip"))

    assert b"accept-encoding" not in dict(it.server.seen[0]["scope"]["headers"])


@pytest.mark.parametrize("status", [202, 400, 404, 500])
async def test_what_is_no_list_passes_as_it_is(status):
    """A server's own error is its own."""
    it = Guarded()
    it.server.status, it.server.headers, it.server.chunks = (
        status,
        [(b"content-type", b"text/plain")],
        [b"secret of its own"],
    )

    answer = await listed(it)

    assert (status, b"secret of its own") == (answer.status, answer.body)


@pytest.mark.requirement("guard:errors:structured-content-never-breaks-a-client")
async def test_an_error_is_not_held_against_an_output_schema_by_an_old_client():
    """Contract: the TypeScript SDK 1.x validates structuredContent even of errors, so old clients get none unless it is safe."""
    it = Guarded()
    tools = [
        {"name": "audit", "inputSchema": {}, "outputSchema": {"type": "object", "required": ["n"]}},
        {"name": "see", "inputSchema": {}},
    ]
    it.server.chunks = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).encode()]

    async def refused(era):
        return (await it.tool("audit", *READER, headers=[era])).json["result"]

    async def shown_to_an_auditor():
        await it.send(headers=[it.bearer(*READER, roles=["auditor"])], body=json.dumps(LIST).encode())

    before = await refused(LEGACY)
    await shown_to_an_auditor()
    with_schema = await refused(LEGACY)
    del tools[0]["outputSchema"]
    it.server.chunks = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).encode()]
    await shown_to_an_auditor()
    without_schema = await refused(LEGACY)

    assert [False, False, True] == ["structuredContent" in one for one in (before, with_schema, without_schema)]
    assert "structuredContent" in await refused(MODERN)
