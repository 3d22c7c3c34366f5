"""Plan: whatever I send is logged by somebody. I want a line of my own in an MCP server's log, its terminal, or all of its disk."""

import json
import logging
import re

import pytest

from resource_lib import Limits, Output
from tests.support.guarded import LEGACY, MODERN, Guarded

NASTY = {
    "line feed": "a\nforged: yes",
    "CRLF": 'a\r\n{"event": "forged"}',
    "escape": "\x1b[2J\x1b]0;mine\x07a",
    "C1 escape": "\x9b31ma",
    "NUL": "a\x00b",
    "line separator": "a\u2028forged\u2029",
    "right to left": "\u202egnp.exe",
    "hidden": "a\u200b\U000e0041b",
    "lone surrogate": "a\ud800b",
    "a megabyte": "x" * (1 << 20),
}
FORGES = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)
MOST = 1000


def texts(value):
    """Every text in what a record carries."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(name)
            yield from texts(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from texts(inner)


OWN = frozenset(logging.makeLogRecord({}).__dict__) - {"msg", "args"}


def said(records):
    """What a formatter would write of each record: its line, and whatever else an author's JSON formatter takes along."""
    for record in records:
        yield record.getMessage()
        yield from texts({name: value for name, value in record.__dict__.items() if name not in OWN | {"args", "msg"}})


def listing(name):
    tool = {
        "name": name,
        "description": name,
        "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}},
        "annotations": {"readOnlyHint": True},
    }
    return json.dumps({"jsonrpc": "2.0", "id": "resource-guard", "result": {"tools": [tool]}}).encode()


@pytest.mark.requirement("logs:guard:one-event-is-one-line")
@pytest.mark.parametrize("nasty", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("era", [LEGACY, MODERN], ids=["sessions", "stateless"])
async def test_no_word_of_a_caller_or_of_the_server_makes_a_line_of_its_own(caplog, nasty, era):
    """LG-01, CWE-117: tool, method, arguments, ids, headers, a token's claims; names, texts and errors of the wrapped server."""
    caplog.set_level(logging.DEBUG, "resource_lib")
    it = Guarded(arguments="strict", limits=Limits(credential="5/min"), output=Output(), lint="warn")
    header = nasty.encode("utf-8", "replace")[:3000]
    it.server.chunks = [listing(nasty)]
    whole = {"jsonrpc": "2.0", "id": nasty, "method": nasty, "params": {nasty: nasty, "name": nasty}}

    for body in (
        whole,
        {**whole, "method": "tools/call", "params": {"name": nasty, "arguments": {nasty: nasty}}},
        {
            **whole,
            "method": "tools/call",
            "params": {"name": "see", "arguments": {nasty: nasty}, "_meta": {nasty: nasty}},
        },
        {**whole, "method": "resources/read", "params": {"uri": nasty}},
        {**whole, "method": "tools/list", "params": {"cursor": nasty}},
    ):
        for auth in (
            it.bearer("notes:read"),
            ("authorization", "Bearer " + header.decode("latin-1")),
            it.bearer(subject=nasty),
        ):
            headers = [auth, era, ("user-agent", header.decode("latin-1")), ("origin", header.decode("latin-1"))]
            await it.send(headers=[*headers, ("mcp-name", header.decode("latin-1"))], body=json.dumps(body).encode())
            await it.send(headers=[auth, era], body=json.dumps(body).encode())
    it.server.chunks = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": {nasty: nasty, "content": nasty}}).encode()]
    for method in (nasty, "resources/read", "tools/list"):
        await it.rpc(method, {"uri": "x"}, auth=it.bearer("notes:read", subject="other"), headers=[era])
    it.guard.doctor()

    found = list(said(caplog.records))
    assert found
    assert [] == [text[:80] for text in found if FORGES.search(text)]
    assert [] == [len(text) for text in found if len(text) > MOST]
