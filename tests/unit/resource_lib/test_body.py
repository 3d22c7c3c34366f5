"""A body has one meaning for every parser, or it is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.transport.answers import UnacceptableBodyError
from resource_lib.transport.body import MOST_IN_A_BATCH, Body, read_body

CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"see","arguments":{"q":1}}}'


def refusal(raw):
    with pytest.raises(UnacceptableBodyError) as found:
        read_body(raw)
    return found.value.answer


def test_a_tool_call_is_read_with_its_id_and_tool():
    """The plain case."""
    (message,) = read_body(CALL).messages

    assert ("tools/call", "see", 7) == (message.method, message.tool, message.id)


@pytest.mark.requirement("guard:body:one-meaning-for-every-parser")
@pytest.mark.parametrize(
    "raw",
    [
        b'{"method":"tools/list","method":"tools/call","params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","name":"wipe"},"id":1}',
        b'{"method":"tools/call","params":{"name":"see"},"params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","arguments":{"a":1,"a":2}},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","n\\u0061me":"wipe"},"id":1}',
        b'{"method":"tools/list","Method":"tools/call","params":{"name":"wipe"},"id":1}',
        b'{"METHOD":"tools/call","params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call","params":{"name":"see"},"Params":{"name":"wipe"},"id":1}',
        '{"method":"tools/call","param\u017f":{"name":"wipe"},"params":{"name":"see"},"id":1}'.encode(),
        b'{"method":"tools/call","params":{"name":"see","NAME":"wipe"},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","Arguments":{}},"id":1}',
        '{"method":"tools/call","params":{"name":"see","\uff4eame":"wipe"},"id":1}'.encode(),
        b'{"method":"tools/call","params":{"name":"see","name ":"wipe"},"id":1}',
        b'{"method":"Tools/Call","params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call ","params":{"name":"wipe"},"id":1}',
        b'{"method":" tools/call","params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call\\u0000","params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call\\ud800","params":{"name":"wipe"},"id":1}',
        b'{"method":["tools/call"],"params":{"name":"wipe"},"id":1}',
        b'{"method":{"tools/call":1},"params":{"name":"wipe"},"id":1}',
        b'{"method":"tools/call","params":["wipe"],"id":1}',
        b'{"method":"tools/call","id":1}',
        b'{"method":"tools/call","params":{},"id":1}',
        b'{"method":"tools/call","params":{"name":5},"id":1}',
        b'{"method":"tools/call","params":{"name":null},"id":1}',
        b'{"method":"tools/call","params":{"name":["see"]},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","arguments":{"x":NaN}},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","arguments":{"x":-Infinity}},"id":1}',
        b'{"method":"tools/call","params":{"name":"see","arguments":{"x":' + b"9" * 5000 + b'}},"id":1}',
        b'{"method":"tools/call","params":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b"\xef\xbb\xbf" + CALL,
        CALL.decode().encode("utf-16"),
        CALL.decode().encode("utf-16-le"),
        CALL.decode().encode("utf-32-be"),
        CALL.replace(b"see", b"s\xff\xfee"),
        CALL.replace(b"see", b"s\xc0\xaee"),
        CALL + CALL,
        CALL + b"\n" + CALL,
        CALL + b" x",
        CALL[:-1],
        b"/* */" + CALL,
        b"{'method':'tools/call','params':{'name':'wipe'},'id':1}",
        b'{method:"tools/call",params:{name:"wipe"}}',
        b'{"method":"tools/call","params":{"name":"wipe",},"id":1}',
        b'{"\\u006dethod":"tools/call",}',
        b'{"\\x6dethod":"tools/call"}',
        b"[[" + CALL + b"]]",
        b"[" + b",".join([CALL] * (MOST_IN_A_BATCH + 1)) + b"]",
    ],
)
def test_a_body_that_two_parsers_could_read_in_two_ways_is_refused(raw):
    """RS-31 and the Go SDK's case-insensitive members: the guard decides on what the server acts on, or not at all."""
    assert refusal(raw).status == 400


@pytest.mark.parametrize(
    "raw",
    [b"", b"   ", b"hello", b"{", b"[1,", b'"tools/call"', b"null", b"[]", b"[1,2]", b"{}", b'{"id":1,"result":{}}',
     b'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"},"method":null}'],
)  # fmt: skip
def test_what_asks_for_nothing_is_the_servers_to_answer(raw):
    """MCP: a client's own answers, and bodies in which no parser can find a method, get the server's own reply."""
    assert Body(()) == read_body(raw) or Body((), is_batch=True) == read_body(raw)


def test_an_escape_is_read_as_what_it_means():
    """RFC 8259 §7: `\\u0074ools/call` is `tools/call`."""
    (message,) = read_body(rb'{"method":"\u0074ools\/call","params":{"n\u0061me":"w\u0069pe"},"id":"x"}').messages

    assert "wipe" == message.tool


def test_each_call_of_a_batch_is_read():
    """MCP 2025-03-26 batches: one tool call hides behind nothing."""
    body = read_body(b"[" + CALL + b',{"method":"ping","id":1},{"id":4,"result":{}},5,' + CALL + b"]")

    assert ["see", None, "see"] == [message.tool for message in body.messages]
    assert body.is_batch


@pytest.mark.parametrize("given_id", [b"true", b"1e400", b"[]", b"{}", b"null"])
def test_an_id_that_is_no_id_is_not_repeated_back(given_id):
    """JSON-RPC 2.0 §4: an id is a string or a number."""
    (message,) = read_body(CALL.replace(b'"id":7', b'"id":' + given_id)).messages

    assert message.id is None


@pytest.mark.requirement("guard:body:no-input-raises")
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_in_another_way(raw):
    """Ours: a body is read or refused."""
    try:
        read_body(raw)
    except UnacceptableBodyError as error:
        assert 400 == error.answer.status


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "Method", "PARAMS", "name", "result"]) | st.text(max_size=4),
    JSON | st.sampled_from(["tools/call", "tools/list", "TOOLS/CALL"])
    | st.dictionaries(st.sampled_from(["name", "Name", "arguments", "_meta"]), JSON, max_size=3),
    max_size=5,
)  # fmt: skip


@given(MEMBERS | st.lists(MEMBERS | JSON, max_size=4))
def test_every_tool_call_that_another_parser_finds_has_been_found(value):
    """RS-31: whatever pydantic's parser sees as `tools/call` is decided about by name, or refused."""
    import pydantic_core

    raw = json.dumps(value).encode()
    try:
        read = read_body(raw)
    except UnacceptableBodyError:
        return
    seen = pydantic_core.from_json(raw)
    calls = [
        message["params"]["name"]
        for message in (seen if isinstance(seen, list) else [seen])
        if isinstance(message, dict) and message.get("method") == "tools/call"
    ]
    assert calls == [message.tool for message in read.messages if message.tool is not None]
