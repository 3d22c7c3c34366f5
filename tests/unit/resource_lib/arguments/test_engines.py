"""Either engine refuses the same, says the same, takes no longer over hostile texts, and fetches nothing."""

import socket
import sys
import threading
import time

import pytest

from resource_lib.arguments import Advertised, Bounds, engine, engine_python, engine_rs
from resource_lib.arguments.reading import UnusableSchemaError
from resource_lib.arguments.words import wrong_fields
from resource_lib.definition import definition_of

ENGINES = [engine_rs, engine_python]
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 10, "multipleOf": 2},
        "m": {"exclusiveMinimum": 1, "exclusiveMaximum": 3},
        "s": {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-z]+$"},
        "e": {"enum": ["a", 1, None]},
        "c": {"const": "c"},
        "f": {"format": "date-time"},
        "l": {"items": {"type": "integer"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "p": PERSON,
        "d": {"dependentRequired": {"a": ["b"]}, "minProperties": 1, "maxProperties": 2},
        "u": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "k": {
            "oneOf": [
                {"type": "object", "properties": {"kind": {"const": "x"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
                {"type": "object", "properties": {"kind": {"const": "y"}, "y": {"type": "integer"}}, "required": ["kind", "y"]},
            ]
        },
        "o": {"oneOf": [{"type": "integer"}, {"minimum": 3}]},
        "i": {"contains": {"type": "string"}},
        "t": {"prefixItems": [{"type": "string"}], "items": False},
        "r": {"not": {"type": "string"}},
        "w": {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
        "never": False,
    },
    "required": ["n"],
    "additionalProperties": False,
}  # fmt: skip


def said(which, schema, value):
    return set(wrong_fields(which.compiled(schema).wrong(value)))


@pytest.mark.requirement("arguments:engines:agree")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"n": 2}, set()),
        ({"n": 2.0}, set()),
        ({"n": None}, set()),
        ({}, {("/n", "is required")}),
        ({"n": "2"}, {("/n", "must be of type integer or null")}),
        ({"n": 3}, {("/n", "must be a multiple of 2")}),
        ({"n": 12}, {("/n", "must be at most 10")}),
        ({"n": 0}, {("/n", "must be at least 1")}),
        ({"n": 2, "m": 1}, {("/m", "must be more than 1")}),
        ({"n": 2, "m": 3}, {("/m", "must be less than 3")}),
        ({"n": 2, "s": "a"}, {("/s", "must be at least 2 characters long")}),
        ({"n": 2, "s": "aaaa"}, {("/s", "must be at most 3 characters long")}),
        ({"n": 2, "s": "AA"}, {("/s", "must match the pattern '^[a-z]+$'")}),
        ({"n": 2, "s": "aa\n"}, {("/s", "must match the pattern '^[a-z]+$'")}),
        ({"n": 2, "e": True}, {("/e", "must be one of: 'a', 1, null")}),
        ({"n": 2, "c": "d"}, {("/c", "must be 'c'")}),
        ({"n": 2, "f": "2026-13-01T00:00:00Z"}, {("/f", "must have the format 'date-time'")}),
        ({"n": 2, "f": "2026-12-01T00:00:00Z"}, set()),
        ({"n": 2, "l": []}, {("/l", "must hold at least 1 items")}),
        ({"n": 2, "l": [1, 2, 3]}, {("/l", "must hold at most 2 items")}),
        ({"n": 2, "l": [1, 1.0]}, {("/l", "must hold no item twice")}),
        ({"n": 2, "l": [1, "1"]}, {("/l/1", "must be of type integer")}),
        ({"n": 2, "p": {"name": "n", "x": 1}}, {("/p/x", "is not taken here; there are: 'name'")}),
        ({"n": 2, "p": {}}, {("/p/name", "is required")}),
        ({"n": 2, "d": {"a": 1}}, {("/d/b", "is required")}),
        ({"n": 2, "d": {}}, {("/d", "must have at least 1 members")}),
        ({"n": 2, "u": "x"}, {("/u", "must be of type integer or null")}),
        ({"n": 2, "k": {"kind": "y", "y": "1"}}, {("/k/y", "must be of type integer")}),
        ({"n": 2, "k": {"kind": "x"}}, {("/k/x", "is required")}),
        ({"n": 2, "o": 4}, {("/o", "must be of exactly one of the forms that the schema names")}),
        ({"n": 2, "i": [1]}, {("/i", "must hold an item of the form that the schema demands")}),
        ({"n": 2, "t": ["a", "b"]}, {("/t/1", "is not allowed")}),
        ({"n": 2, "r": "x"}, {("/r", "must not be of a form that the schema rules out")}),
        ({"n": 2, "w": {"b": 1}}, {("/w/b", "is not taken here; there are: 'a'")}),
        ({"n": 2, "never": 1}, {("/never", "is not allowed")}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("which", ENGINES)
def test_both_engines_say_the_same_of_every_rule(which, value, expected):
    """SEP-1303: a model gets the same words whichever library is installed."""
    assert expected == said(which, SCHEMA, value)


FORMATS = {
    "date": (["2026-02-28"], ["2026-02-30", "26-2-1", "2026-02-28T00:00:00Z"]),
    "date-time": (["2026-02-28T10:00:00Z", "2026-02-28T10:00:00.5+02:00"], ["2026-02-28", "2026-02-28T25:00:00Z"]),
    "time": (["10:00:00Z"], ["25:00:00Z", "10:00"]),
    "email": (["a.b@example.com"], ["a", "@b", "a@", "a b@example.com"]),
    "hostname": (["a-b.example"], ["-a", "a..b", "a_b", ""]),
    "ipv4": (["1.2.3.4"], ["1.2.3", "1.2.3.256", "01.2.3.4"]),
    "ipv6": (["::1"], ["1::2::3", "::1%eth0"]),
    "uri": (["https://a.example/b?c#d"], ["a b", "/relative", "https://a b"]),
    "uuid": (["12345678-1234-1234-1234-123456789abc"], ["12345678123412341234123456789abc", "x"]),
    "json-pointer": (["", "/a/b~0"], ["a", "/a~2"]),
    "duration": (["P1D", "PT1H", "P1Y2M3DT4H5M6S"], ["P", "1D", "PT"]),
}


@pytest.mark.requirement("arguments:engines:agree")
@pytest.mark.parametrize("which", ENGINES)
@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_asserted(name, which):
    """C27: what the schema calls an e-mail address has to be one, in both engines alike."""
    compiled = which.compiled({"type": "object", "properties": {"v": {"format": name}}})
    good, bad = FORMATS[name]

    assert [True] * len(good) == [compiled.fits({"v": value}) for value in good]
    assert [False] * len(bad) == [compiled.fits({"v": value}) for value in bad]
    assert compiled.fits({"v": 7})


@pytest.mark.requirement("arguments:engines:agree")
@pytest.mark.parametrize("name", ["iri", "idn-email", "uri-template", "regex"])
def test_a_format_that_nothing_can_assert_is_refused(name):
    """Fail closed: an assertion that is quietly left out is none."""
    with pytest.raises(UnusableSchemaError, match=name):
        engine_python.compiled({"properties": {"v": {"format": name}}})


HOSTILE = [
    ("^(a+)+$", "a" * 40_000 + "!"),
    ("^(a|a)*$", "a" * 40_000 + "!"),
    ("^(a|aa)+$", "a" * 40_000 + "!"),
    ("(.*)*x", "a" * 40_000),
    ("^(.*),(.*),(.*),(.*)$", "," * 3 + "a" * 40_000 + "\n"),
    ("a*a*a*a*a*b", "a" * 40_000),
    ("^(?:a?){40}a{40}$", "a" * 39),
    ("a?" * 30 + "a" * 30, "a" * 29),
    (r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$", "a" * 40_000),
    ("x*y", "x" * 40_000),
    (r"^(a*)*\1b$", "a" * 5000),
    ("^(?=(a+)+$)b", "a" * 5000 + "!"),
    ("^[a-z]+-[0-9]+$", "a" * 20_000 + "-" + "1" * 20_000 + "!"),
]  # fmt: skip


@pytest.mark.requirement("arguments:patterns:linear")
@pytest.mark.parametrize("which", ENGINES)
@pytest.mark.parametrize(("pattern", "text"), HOSTILE, ids=range(len(HOSTILE)))
def test_no_pattern_runs_away_over_any_text(which, pattern, text):
    """EX-04: each of these takes Python's own engine minutes or centuries; here it is fast, or the schema is refused."""
    began = time.thread_time()
    try:
        compiled = which.compiled({"properties": {"v": {"pattern": pattern}}, "patternProperties": {pattern: {}}})
    except UnusableSchemaError:
        return
    fits = compiled.fits({"v": text}), compiled.fits({text: 1})

    assert not fits[0]
    assert time.thread_time() - began < 2.0


@pytest.mark.requirement("arguments:patterns:linear")
def test_the_engine_in_force_grows_with_the_text_alone():
    """Ten times the text takes at most twelve times as long, with room for a busy machine: the least of several tries."""
    compiled = engine_rs.compiled({"properties": {"v": {"pattern": "^(a+)+$"}}})

    def least(size):
        value = {"v": "a" * size + "!"}
        times = []
        for _ in range(15):
            began = time.thread_time()
            compiled.fits(value)
            times.append(time.thread_time() - began)
        return min(times)

    assert least(400_000) < 12 * least(40_000)


@pytest.mark.requirement("arguments:patterns:linear")
@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{2}-[0-9]{4,10}$", "^(?:open|closed)$", r"^\d+$", "[a-z]+", "^[^@]+@[^@]+$", "(", "[", "a)"]
)
def test_plain_patterns_are_taken_and_broken_ones_refused(pattern):
    """What authors write, in the engine that has to be careful."""
    try:
        engine_python.compiled({"properties": {"v": {"pattern": pattern}}})
    except UnusableSchemaError:
        assert pattern in ("(", "[", "a)")
    else:
        assert pattern not in ("(", "[", "a)")


@pytest.fixture
def listener():
    """A port that counts whoever connects."""
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(0.2)
    seen = []
    stop = threading.Event()

    def listen():
        while not stop.is_set():
            try:
                seen.append(door.accept()[1])
            except TimeoutError:
                continue

    thread = threading.Thread(target=listen)
    thread.start()
    yield f"127.0.0.1:{door.getsockname()[1]}", seen
    stop.set()
    thread.join()
    door.close()


@pytest.mark.requirement("arguments:unusable:nothing-is-fetched")
@pytest.mark.parametrize("which", ENGINES)
@pytest.mark.parametrize("is_strict", [True, False])
def test_nothing_is_fetched_whatever_a_schema_refers_to(listener, which, is_strict, monkeypatch, tmp_path):
    """RS-32, FastMCP #3502: a listener hears nothing, and a file is not read."""
    place, seen = listener
    file = tmp_path / "schema.json"
    file.write_text("true")
    monkeypatch.setattr(engine, "_engine", lambda: which)
    advertised = Advertised(is_strict=is_strict, bounds=Bounds())
    outside = f"http://{place}/schema.json"
    shapes = [
        {"$ref": outside},
        {"$ref": f"{outside}#/$defs/a"},
        {"properties": {"a": {"$ref": f"//{place}/x"}}},
        {"$id": f"http://{place}/", "properties": {"a": {"$ref": "x.json"}}},
        {"$schema": outside},
        {"$dynamicRef": outside},
        {"$recursiveRef": outside},
        {"properties": {"a": {"$id": outside, "$ref": "#/b"}}},
        {"$ref": file.as_uri()},
        {"$defs": {"a": {"$ref": outside}}, "properties": {"b": {"$ref": "#/$defs/a"}}},
    ]

    forms = [
        advertised.form(definition_of({"name": f"t{number}", "inputSchema": {"type": "object", **shape}}), None)
        for number, shape in enumerate(shapes)
    ]
    for schema in shapes:
        with pytest.raises((UnusableSchemaError, Exception)):
            which.compiled(schema).fits({"a": {}, "b": {}})
            raise UnusableSchemaError

    assert [None] * len(shapes) == forms
    assert [] == seen


@pytest.mark.requirement("arguments:engines:agree")
def test_without_the_fast_engine_the_other_is_used(monkeypatch):
    """Where jsonschema-rs has no wheel, `jsonschema` is installed instead; nothing is left out for it."""
    before = engine._engine()
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    monkeypatch.delitem(sys.modules, "resource_lib.arguments.engine_rs")

    assert (engine_rs, engine_python) == (before, engine._engine())


@pytest.mark.requirement("arguments:engines:agree")
def test_ten_thousand_items_are_told_apart_in_a_moment():
    """EX-04: `uniqueItems` compares no item with each other one, in either engine."""
    items = [{"a": [number, str(number)]} for number in range(10_000)]
    for which in ENGINES:
        compiled = which.compiled({"uniqueItems": True})
        began = time.thread_time()
        assert (True, False) == (compiled.fits(items), compiled.fits([*items, items[0]]))
        assert time.thread_time() - began < 2.0
