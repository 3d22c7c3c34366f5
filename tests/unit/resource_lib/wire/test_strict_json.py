"""A message read in the short way is what it is in the long way, or is not read in the short way."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_lib.transport.answers import UnacceptableBodyError
from resource_lib.transport.body import read_body
from resource_lib.wire import strict_json

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from([-0.0, 1e16, 1e-7, 2**63, 2**64, 10**30, "\ud83d\ude00", "\u2028", "\x00", "\x7f", '"', "\\", "/"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abé\n"), inner, max_size=3),
    max_leaves=8,
)
FORMS: list[dict[str, Any]] = [
    {},
    {"separators": (",", ":")},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"indent": 2},
]
AMBIGUOUS = {
    "a member twice": b'{"a":1,"a":2}',
    "a member twice, one of them escaped": b'{"a":1,"\\u0061":2}',
    "a member twice, deep inside": b'{"a":[{"b":{"c":1,"c":1}}]}',
    "no number": b'{"a":NaN}',
    "endless": b'{"a":Infinity}',
    "a number that is too large": b'{"a":1e999}',
    "two values": b"{}{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "other bytes": b'{"a":"\xff"}',
    "an overlong form": b'{"a":"\xc0\xaf"}',
    "too deep": b"[" * 65 + b"]" * 65,
    "much too deep": b"[" * 100_000 + b"]" * 100_000,
    "a leading zero": b'{"a":01}',
    "a comma too much": b'{"a":1,}',
}


def read(raw: bytes) -> str | None:
    """Return what is read, its types and signs included; None: it is refused."""
    try:
        return repr(strict_json.loads_message(raw, most_depth=64))
    except ValueError:
        return None


def asked(raw: bytes) -> str:
    """Return what a body asks for, or how it is refused."""
    try:
        return repr(read_body(raw))
    except UnacceptableBodyError as error:
        return repr(error.answer)


def the_long_way(ask: Any, raw: bytes) -> Any:
    with patch.object(strict_json, "orjson", None):
        return ask(raw)


@pytest.mark.requirement("wire:strict-json:short-way")
@given(VALUES, st.sampled_from(FORMS), st.data())
def test_what_is_read_in_the_short_way_is_what_the_long_way_reads(value, form, data):
    """RFC 8259 §4, RFC 8725 §2.4: whole, with a piece cut out, twice, and with other bytes in it."""
    raw = json.dumps(value, **form).encode("utf-8", "replace")
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, len(raw)))
    put = data.draw(
        st.sampled_from([b"", b" ", b'"', b"{", b"}", b",", b"0", b"-", b"\\u0061", b"\xff", b'"a":1,', raw[begin:end]])
    )
    for said in (raw, raw[:begin] + put + raw[begin:], raw[:begin] + put + raw[end:]):
        assert the_long_way(read, said) == read(said)
        message = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":' + said + b"}}"
        assert the_long_way(asked, message) == asked(message)


@pytest.mark.requirement("wire:strict-json:short-way")
@pytest.mark.parametrize("raw", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_two_readers_could_read_differently_is_refused_in_both_ways(raw):
    assert read(raw) is None
    assert the_long_way(read, raw) is None


@pytest.mark.requirement("wire:strict-json:short-way")
def test_the_short_way_is_taken_by_what_programs_write():
    """Ours: else nothing above would show anything."""
    message = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "é\n"}], "n": [1, 1.5, -1]}}

    raw = strict_json.written(message)

    assert raw is not None
    assert message == strict_json.written_plainly(raw.encode())
    assert strict_json.UNTOLD is strict_json.written_plainly(json.dumps(message).encode())
    assert json.dumps(message, indent=2, ensure_ascii=False) == strict_json.written(message, indented=True)
