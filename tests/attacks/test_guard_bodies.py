"""Plan: send a body that the guard reads as harmless and the server behind it as a tool call."""

import gzip
import json
import time

import pytest

from tests.support.guarded import LEGACY, MODERN, READER, Guarded

WIPE = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"wipe","arguments":{}}}'
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


@pytest.mark.requirement("guard:body:nothing-undecided-reaches-the-server")
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], b'{"method":"tools/list","method":"tools/call","params":{"name":"wipe"},"id":1}'),
        ([], b'{"method":"tools/call","params":{"name":"see","name":"wipe"},"id":1}'),
        ([], WIPE.decode().encode("utf-16")),
        ([], b"\xef\xbb\xbf" + WIPE),
        ([], WIPE[:-1]),
        ([], b"[" + WIPE + b"]"),
        ([], b"[" + LIST + b"," + WIPE + b"]"),
        ([("content-encoding", "gzip")], gzip.compress(WIPE, mtime=0)),
        ([("content-encoding", "gzip")], LIST),
        ([("content-encoding", "identity"), ("content-encoding", "br")], LIST),
        ([("content-type", "application/json; charset=utf-16")], WIPE.decode().encode("utf-16-be")),
        ([("content-type", "application/json; charset=utf-7")], b"+AHs-"),
        ([("content-type", 'application/json; charset="UTF-32"')], LIST),
        ([("content-type", "text/plain")], WIPE),
        ([("content-type", "application/x-www-form-urlencoded")], WIPE),
        ([MODERN, ("mcp-method", "tools/list")], WIPE),
        ([MODERN, ("mcp-method", "tools/call"), ("mcp-name", "see")], WIPE),
        ([MODERN, ("mcp-name", "see"), ("mcp-name", "wipe"), ("mcp-method", "tools/call")], WIPE),
        ([MODERN, ("mcp-name", "=?base64?c2Vl?=")], WIPE),
        ([("mcp-protocol-version", "1999-01-01")], WIPE),
        ([("content-length", "10")], WIPE),
        ([("content-length", "ten")], WIPE),
        ([("x-http-method-override", "GET")], WIPE),
    ],
)
async def test_no_disguise_brings_an_ungranted_call_to_the_server(headers, body):
    """RS-31: the decision is made on the body, and on one reading of it."""
    it = Guarded()

    answer = await it.send(headers=[it.bearer(*READER), *headers], body=body)

    assert answer.status in (200, 400, 403, 413, 415)
    assert 200 != answer.status or answer.json["result"]["isError"]
    assert 0 == it.reached


@pytest.mark.requirement("guard:body:headers-decide-nothing")
async def test_headers_that_claim_less_than_the_body_change_nothing_and_go_to_the_server():
    """MCP SEP-2243: -32020 is the server's own answer; a decision on mirrored headers would be the attacker's."""
    it = Guarded()
    headers = [MODERN, ("mcp-method", "tools/list"), ("mcp-name", "wipe")]

    refused = await it.tool("wipe", *READER, headers=headers)
    passed = await it.tool("see", *READER, headers=headers)

    assert (403, 200, 1) == (refused.status, passed.status, it.reached)
    assert {("mcp-method", "tools/list"), ("mcp-name", "wipe")} <= {
        (name.decode(), value.decode()) for name, value in it.server.seen[0]["scope"]["headers"]
    }


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_call_cut_into_pieces_is_read_whole_and_passed_on_whole(size):
    """ASGI: a body arrives in any number of messages."""
    it = Guarded()
    see = WIPE.replace(b"wipe", b"see")

    def pieces(body):
        return [body[at : at + size] for at in range(0, len(body), size)]

    refused = await it.send(headers=[it.bearer(*READER)], body=pieces(WIPE))
    await it.send(headers=[it.bearer(*READER)], body=pieces(see))

    assert 403 == refused.status
    assert [see] == [seen["body"] for seen in it.server.seen]


@pytest.mark.requirement("guard:body:bounded-before-parsed")
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("content-length", str(5 * 1024 * 1024))], [b"{}"]),
        ([], [b" " * 1024] * 5000),
        ([("content-length", "2")], [b" " * (4 * 1024 * 1024), b"{}"]),
        ([("transfer-encoding", "chunked")], [b" " * (4 * 1024 * 1024 + 1)]),
    ],
)
async def test_a_body_beyond_the_bound_is_refused_unread(headers, body):
    """RS-17: whatever it declares."""
    it = Guarded()

    assert 413 == (await it.send(headers=[it.bearer(*READER), *headers], body=body)).status
    assert 0 == it.reached


async def test_a_caller_that_goes_away_in_the_middle_reaches_nobody():
    """Half a body is no request."""
    it = Guarded()
    incoming = [{"type": "http.request", "body": WIPE[:20], "more_body": True}, {"type": "http.disconnect"}]
    sent = []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message)

    auth = it.bearer(*READER)
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": [(auth[0].encode(), auth[1].encode())]}
    await it.app(scope, receive, send)

    assert ([], 0) == (sent, it.reached)


@pytest.mark.requirement("guard:body:none-for-methods-without-one")
@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
async def test_a_tool_call_in_the_body_of_a_bodiless_method_is_dropped(method):
    """RFC 9110 §9.3: nobody decided about it, so nobody gets it."""
    it = Guarded()

    await it.send(method, headers=[it.bearer(*READER)], body=[WIPE[:9], WIPE[9:]])

    assert [b""] == [seen["body"] for seen in it.server.seen]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "QUERY", "post"])
async def test_a_tool_call_by_another_method_is_decided_like_any(method):
    """A server may not care how a body was sent."""
    it = Guarded()

    assert 403 == (await it.send(method, headers=[it.bearer(*READER)], body=WIPE)).status


async def test_a_notification_shaped_call_needs_the_same_permission():
    """JSON-RPC 2.0 §4.1: without an id a server need not answer, but may act."""
    it = Guarded()
    body = b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"wipe"}}'

    answer = await it.send(headers=[it.bearer(*READER)], body=body)

    assert (403, None, 0) == (answer.status, answer.json["id"], it.reached)


@pytest.mark.requirement("guard:batch:whole-or-not-at-all")
async def test_one_refused_call_of_a_batch_refuses_the_batch():
    """RS-31, MCP 2025-03-26: per-call decisions, one challenge with all scopes, and nothing half done."""
    it = Guarded()

    def batch(*names):
        return json.dumps(
            [
                {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": name}}
                for n, name in enumerate(names)
            ]
        ).encode()

    auth = it.bearer("notes:read")
    step_up = await it.send(headers=[auth], body=batch("see", "wipe", "peek"))
    unknown = await it.send(headers=[auth], body=batch("see", "nobody"))
    allowed = await it.send(headers=[auth], body=batch("see", "see"))

    assert 403 == step_up.status
    assert 'scope="notes:read notes:write people:read tool:wipe"' in step_up.header("www-authenticate")
    assert [(0, "policy_denied"), (1, "tool_unknown")] == [
        (reply["id"], reply["result"]["_meta"]["authserver/error"]["error"]) for reply in unknown.json
    ]
    assert (200, 1) == (allowed.status, it.reached)


async def test_a_thousand_calls_in_one_body_are_too_many():
    """RS-31."""
    it = Guarded()
    body = b"[" + b",".join([WIPE.replace(b"wipe", b"see")] * 1000) + b"]"

    assert 400 == (await it.send(headers=[it.bearer(*READER)], body=body)).status


@pytest.mark.parametrize("headers", [[], [LEGACY], [MODERN]])
@pytest.mark.parametrize("body", [b"", b"{", b"not json", b'"x"', b"[]", b"{}"])
async def test_what_is_no_json_rpc_gets_the_servers_own_answer(headers, body):
    """The guard changes no answer of the server it wraps: no call can hide in these."""
    it = Guarded()

    await it.send(headers=[it.bearer(), *headers], body=body)

    assert [body] == [seen["body"] for seen in it.server.seen]


@pytest.mark.requirement("guard:body:no-text-costs-more-than-its-length")
@pytest.mark.parametrize("place", ["message", "params"])
@pytest.mark.parametrize(
    "members",
    [{"\u0315\u0300" * 20_000: 1}, {"\u3000" * 20_000 + "name": 1}, {f"extra{number}": 1 for number in range(2_000)}],
    ids=["piled marks", "wide spaces", "many"],
)
async def test_a_member_that_no_protocol_has_is_refused_before_it_is_compared(place, members):
    """RS-17, LG-04: putting 80 kB of combining marks in order takes seconds, 4 MiB of them hours, with any token."""
    it = Guarded()
    params = {"name": "see", "arguments": {}} | (members if place == "params" else {})
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = json.dumps(message | (members if place == "message" else {}), ensure_ascii=False).encode()

    began = time.process_time()
    answer = await it.send(headers=[it.bearer(*READER)], body=body)

    assert (400, 0) == (answer.status, it.reached)
    assert time.process_time() - began < 1
