"""Plan: get one call approved and run another one under its hash, or make one call look like two.

Each text goes the whole way: the guard's reader of the body, its hash, the bytes in which it asks the issuer, the issuer's
reader, and the issuer's own hash. An oracle of this file, which shares no code with them, says which calls are the same.
"""

import json
import math
import re
from dataclasses import dataclass
from hashlib import sha256

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from authserver.oauth import approval_request
from authserver.oauth.errors import InvalidRequest
from resource_lib.transport.answers import UnacceptableBodyError
from resource_lib.transport.body import read_body
from resource_lib.wire.tool_call import InexpressibleError, args_hash

HASH = "0" * 64
REFUSED = None


def hash_of(arguments: bytes) -> str | None:
    """Return the one hash that guard and issuer agree on; None: one of them refuses, and so nobody is asked and nothing runs."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pay","arguments":' + arguments + b"}}"
    try:
        (message,) = read_body(body).messages
        found = args_hash(message.params["arguments"])
    except (UnacceptableBodyError, InexpressibleError):
        return REFUSED
    asked = {
        "access_token": "t", "tool": "pay", "tool_class": "write", "arguments": message.params["arguments"],
        "args_hash": found, "definition_hash": HASH, "policy_version": HASH, "rule": {}, "instance_id": "i", "age_ms": 0,
    }  # fmt: skip
    try:
        # As the channel sends it; `call` refuses a hash that is not of these arguments.
        call = approval_request.call(
            approval_request.members_of(json.dumps(asked, separators=(",", ":")).encode("ascii"))
        )
    except InvalidRequest as refused:
        assert refused.reason in {"unreadable_json", "invalid_arguments"}, "the two sides do not mean the same call"
        return REFUSED
    assert found == call.args_hash
    return found


@dataclass(frozen=True)
class Set:
    """Texts that are one call, texts that are each another one, and texts that nobody may be asked about."""

    name: str
    one: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()
    refused: tuple[bytes, ...] = ()


def deep(depth: int, inner: bytes = b"1") -> bytes:
    return b'{"a":' + b"[" * depth + inner + b"]" * depth + b"}"


SETS = [
    Set(
        "duplicate keys",
        one=(b'{"to":"a","n":1}',),
        others=(b'{"to":"b","n":1}',),
        refused=(
            b'{"to":"a","to":"b","n":1}', b'{"to":"a","to":"a","n":1}', b'{"t\\u006f":"a","to":"b"}',
            b'{"x":{"to":1,"to":2}}', b'{"x":[{"to":1,"to":2}]}',
        ),
    ),
    Set(
        "1.0 and 1",
        one=(b'{"n":1}', b'{"n":1.0}', b'{"n":1e0}', b'{"n":10e-1}', b'{"n":1.000000000000000000000000001}'),
        others=(b'{"n":"1"}', b'{"n":true}', b'{"n":1.0000000000000002}', b'{"n":[1]}', b'{"n":10}', b'{"n":-1}'),
        refused=(b'{"n":01}', b'{"n":+1}', b'{"n":1.}', b'{"n":.1}', b'{"n":0x1}'),
    ),
    Set(
        "minus zero",
        one=(b'{"n":0}', b'{"n":-0}', b'{"n":-0.0}', b'{"n":0e9}', b'{"n":1e-999}'),
        others=(b'{"n":5e-324}', b'{"n":-5e-324}', b'{"n":false}', b'{"n":null}', b'{"n":""}'),
    ),
    Set(
        "beyond 2^53",
        one=(b'{"n":9007199254740991}', b'{"n":9007199254740991.0}'),
        others=(b'{"n":9007199254740990}', b'{"n":"9007199254740993"}', b'{"n":-9007199254740991}', b'{"n":1e300}'),
        refused=(
            b'{"n":9007199254740992}', b'{"n":9007199254740993}', b'{"n":-9007199254740993}', b'{"n":1e999}',
            b'{"n":-1e999}', b'{"n":NaN}', b'{"n":Infinity}', b'{"n":' + b"9" * 5000 + b"}", b'{"n":' + b"9" * 400 + b"}",
        ),
    ),
    Set(
        "lone surrogates",
        one=(b'{"s":"\\ud83d\\ude00"}', '{"s":"\U0001f600"}'.encode(), b'{"s":"\\uD83D\\uDE00"}'),
        others=(b'{"s":"\\ufffd"}', b'{"s":"?"}', b'{"s":"\\\\ud83d"}'),
        refused=(
            b'{"s":"\\ud83d"}', b'{"s":"\\ude00"}', b'{"s":"\\ude00\\ud83d"}', b'{"\\ud83d":1}', b'{"s":"\xed\xa0\xbd"}',
            b'{"s":"\xff"}', b'{"s":"\xc0\xaf"}',
        ),
    ),
    Set(
        "key order and spelling",
        one=(
            b'{"a":1,"b":{"c":2,"d":3}}', b'{"b":{"d":3,"c":2},"a":1}', b' {\t"a" : 1 ,\n"b":{ "c":2,"d":3} } ',
            b'{"\\u0061":1,"b":{"c":2,"d":3}}',
        ),
        others=(b'{"a":1,"b":{"c":3,"d":2}}', b'{"A":1,"b":{"c":2,"d":3}}', b'{"a":1,"b":[2,3]}', b'{"a":1,"c":2,"d":3}'),
    ),
    Set(
        "keys beyond the basic plane",
        one=('{"\U0001f600":1,"\uff01":2}'.encode(), '{"\uff01":2,"\U0001f600":1}'.encode()),
        others=('{"\U0001f600":2,"\uff01":1}'.encode(),),
    ),
    Set(
        "composed and decomposed",
        one=('{"s":"\u00e9"}'.encode(), b'{"s":"\\u00e9"}', b'{"s":"\\u00E9"}'),
        others=('{"s":"e\u0301"}'.encode(), b'{"s":"e"}', '{"s":"\u00e9 "}'.encode(), '{"s":"\u00e9\u200b"}'.encode(),
                '{"\u00e9":"s"}'.encode(), '{"e\u0301":"s"}'.encode()),
    ),
    Set(
        "escapes and slashes",
        one=(b'{"s":"/\\"\\n"}', b'{"s":"\\/\\u0022\\u000a"}'),
        others=(b'{"s":"/\\"\\\\n"}', b'{"s":"/\\"n"}', b'{"s":"/\\"\\r\\n"}', b'{"s":"/\\u2215\\n"}'),
        refused=(b'{"s":"/\\"\n"}', b'{"s":"\\x41"}', b'{"s":"\\u0000"}'),
    ),
    Set(
        "deep nesting",
        one=(deep(20), b" " + deep(20) + b" "),
        others=(deep(19), deep(21), deep(20, b"2"), deep(20, b"[]")),
        refused=(deep(70), deep(5000), deep(200_000)),
    ),
    Set(
        "a megabyte",
        one=(b'{"s":"' + b"a" * 30_000 + b'"}', b'{ "s":"' + b"a" * 30_000 + b'"}'),
        others=(b'{"s":"' + b"a" * 29_999 + b'b"}', b'{"s":"b' + b"a" * 29_999 + b'"}', b'{"s":"' + b"a" * 29_999 + b'"}'),
        refused=(b'{"s":"' + b"a" * 1_048_576 + b'"}', b'{"s":[' + b"0," * 500_000 + b"0]}"),
    ),
    Set(
        "names of prototypes",
        one=(b'{"__proto__":{"admin":true}}', b'{"__pro\\u0074o__":{"admin":true}}'),
        others=(b"{}", b'{"constructor":{"admin":true}}', b'{"__proto__":null}', b'{"__proto__":{}}', b'{"admin":true}'),
    ),
    Set(
        "null and absent",
        one=(b'{"n":1,"note":null}', b'{"note":null,"n":1}'),
        others=(b'{"n":1}', b'{"n":1,"note":""}', b'{"n":1,"note":false}', b'{"n":1,"note":0}', b'{"n":1,"note":"null"}',
                b'{"n":1,"note":[]}', b'{"n":1,"note":{}}', b'{"n":1,"note":[null]}'),
    ),
]  # fmt: skip


@pytest.mark.requirement("attack:call-hash:one-call-one-hash")
@pytest.mark.parametrize("given_", SETS, ids=lambda given_: given_.name)
def test_one_call_has_one_hash_however_it_is_written(given_):
    """AP-03; RFC 8785."""
    hashes = {hash_of(text) for text in given_.one}

    assert 1 == len(hashes)
    assert REFUSED not in hashes


@pytest.mark.requirement("attack:call-hash:two-calls-two-hashes")
@pytest.mark.parametrize("given_", SETS, ids=lambda given_: given_.name)
def test_another_call_never_has_that_hash(given_):
    """AP-03: a value, an extra member, another type, a letter that looks alike."""
    texts = (given_.one[0], *given_.others)

    hashes = {hash_of(text) for text in texts}

    assert len(texts) == len(hashes)
    assert REFUSED not in hashes


@pytest.mark.requirement("attack:call-hash:what-has-two-readings-is-refused")
@pytest.mark.parametrize("text", [text for given_ in SETS for text in given_.refused], ids=lambda text: repr(text[:40]))
def test_what_two_readers_could_take_for_two_calls_has_no_hash(text):
    """AP-03: refused by the guard, before anybody is asked."""
    assert hash_of(text) is REFUSED


def test_there_are_ten_sets_of_hostile_arguments_at_least():
    assert 10 <= len(SETS)


# ---------------------------------------------------------------------------------------------------------------------
# The oracle: RFC 8785 written a second time, from ECMAScript's rules.
# ---------------------------------------------------------------------------------------------------------------------

ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def canonical(value) -> str:
    """Return the canonical text of a value. Raises ValueError where there is none."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        value.encode("utf-8")
        return '"' + "".join(ESCAPES.get(ord(c), f"\\u{ord(c):04x}" if ord(c) < 32 else c) for c in value) + '"'
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise ValueError
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    members = sorted(value, key=lambda name: list(name.encode("utf-16-be")))
    return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in members) + "}"


def number(value: float) -> str:
    """ECMA-262 §6.1.6.1.20, Number::toString, from Python's shortest digits."""
    if not math.isfinite(value):
        raise ValueError
    if value == 0:
        return "0"
    if value < 0:
        return "-" + number(-value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0") or digits
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + power


TEXTS = st.text(max_size=6) | st.sampled_from(
    ["", "é", "e\u0301", "\U0001f600", "\uff01", "__proto__", "a/b", '"\\', "\x7f", "1"]
)
NUMBERS = (
    st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [0.0, -0.0, 1.0, 1e21, 1e20, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, 9007199254740994.0, 333333333.3333333]
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)
ARGUMENTS = st.dictionaries(TEXTS, VALUES, max_size=4)


@pytest.mark.requirement("attack:call-hash:agrees-with-an-oracle")
@given(arguments=ARGUMENTS, ascii_=st.booleans(), indent=st.none() | st.integers(0, 2))
@example(arguments={"n": 1e21}, ascii_=True, indent=None)
@example(arguments={"n": 123456789012345680000.0}, ascii_=True, indent=None)
@settings(max_examples=600, deadline=None)
def test_the_hash_is_that_of_the_canonical_form_that_an_oracle_writes(arguments, ascii_, indent):
    """RFC 8785 §3.2, whatever the white space, the escapes and the order in which it came."""
    shuffled = dict(reversed(list(arguments.items())))
    text = json.dumps(shuffled, ensure_ascii=ascii_, indent=indent).encode()
    assume("\\u0000" not in json.dumps(arguments))  # the issuer's reader refuses NUL

    assert sha256(b"mcp-call/1\n" + canonical(arguments).encode()).hexdigest() == hash_of(text)


@pytest.mark.requirement("attack:call-hash:agrees-with-an-oracle")
@given(one=ARGUMENTS, other=ARGUMENTS | st.none(), seed=st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_two_hashes_are_equal_where_the_oracle_says_that_it_is_one_call_and_nowhere_else(one, other, seed):
    """The other one is drawn, or the first with one thing changed."""
    if other is None:
        other = json.loads(json.dumps(one))
        if other:
            name = seed.choice(sorted(other))
            value = other.pop(name)
            other[seed.choice([name, name + " ", name.upper(), name])] = seed.choice([value, [value], str(value), None])

    try:
        same = canonical(one) == canonical(other)
    except ValueError:
        return

    assert same == (args_hash(one) == args_hash(other))


@pytest.mark.requirement("attack:call-hash:agrees-with-an-oracle")
@given(text=st.from_regex(re.compile(rb'\{"n":-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\}'), fullmatch=True))
@settings(max_examples=400, deadline=None)
def test_any_number_that_can_be_written_is_one_number_or_none(text):
    """What a reader with doubles takes it for, or refused; never the neighbour of a whole number that is too large."""
    try:
        value = json.loads(text)["n"]
    except ValueError:
        assert hash_of(text) is REFUSED
        return
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) >= 2**53):
        assert hash_of(text) is REFUSED
        return

    assert sha256(b'mcp-call/1\n{"n":' + canonical(value).encode() + b"}").hexdigest() == hash_of(text)
