"""A closed schema: what it takes, its author takes; what its author does not name, it does not take; and all read it alike."""

import contextlib

import jsonschema
import jsonschema_rs
import pytest
import referencing
from hypothesis import HealthCheck, assume, given, settings

from resource_lib.arguments import engine_python, engine_rs
from resource_lib.arguments.closing import closed, exact
from resource_lib.arguments.reading import UnusableSchemaError
from tests.unit.resource_lib.arguments.generated import OBJECTS, schemas

PATIENT = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def oracle(schema):
    """An implementation that is not the one in force."""
    return jsonschema.Draft202012Validator(schema, registry=referencing.Registry())


def author(schema):
    """Their own words, in the engine in force: some of them go round in circles, which the oracle would follow."""
    return jsonschema_rs.Draft202012Validator(schema)


def closed_or_refused(schema):
    with contextlib.suppress(UnusableSchemaError):
        return closed(schema)
    assume(False)
    return None


@PATIENT
@given(schemas(), OBJECTS)
@pytest.mark.requirement("arguments:closed:never-takes-more")
def test_what_the_closed_schema_takes_its_author_takes(schema, value):
    """Whatever the forms, conditions and references: closing only ever takes away."""
    made = closed_or_refused(schema)

    if oracle(made).is_valid(value):
        assert oracle(schema).is_valid(value)


@PATIENT
@given(schemas(), OBJECTS)
@pytest.mark.requirement("arguments:closed:listed-is-enforced")
def test_whoever_reads_the_list_finds_what_the_guard_finds(schema, value):
    """Another library over the listed schema says what the guard's engines say: nothing is stricter, nothing laxer."""
    made = closed_or_refused(schema)

    expected = oracle(made).is_valid(value)
    assert expected == engine_rs.compiled(made).fits(value)
    assert expected == engine_python.compiled(made).fits(value)


@PATIENT
@given(schemas(), OBJECTS)
@pytest.mark.requirement("arguments:closed:listed-is-enforced")
def test_what_is_refused_is_explained_and_what_fits_is_not(schema, value):
    """Both engines find words for exactly what they refuse."""
    made = closed_or_refused(schema)

    for engine in (engine_rs, engine_python):
        compiled = engine.compiled(made)
        assert compiled.fits(value) == (not list(compiled.wrong(value)))


def without_more(schema):
    """The same without whatever says that further members are welcome, or rules forms out: both can let anything through."""
    if isinstance(schema, dict):
        more = ("additionalProperties", "not", "if", "then", "else")
        return {name: without_more(value) for name, value in schema.items() if name not in more}
    return [without_more(each) for each in schema] if isinstance(schema, list) else schema


@PATIENT
@given(schemas().map(without_more), OBJECTS)
@pytest.mark.requirement("arguments:closed:nothing-extra")
def test_a_member_that_no_part_of_the_schema_names_is_taken_by_none(schema, value):
    """C27, RS-32: `zz` stands in no schema, and each of these says at its root what it holds."""
    made = closed_or_refused(schema)

    assert "zz" not in value or not oracle(made).is_valid(value)


@PATIENT
@given(schemas(), OBJECTS)
@pytest.mark.requirement("arguments:closed:never-takes-more")
def test_what_is_read_word_for_word_means_what_it_meant(schema, value):
    """`arguments="advertised"`: rewritten references and dialects change no answer."""
    with contextlib.suppress(UnusableSchemaError):
        assert jsonschema_rs.Draft202012Validator(schema).is_valid(value) == oracle(exact(schema)).is_valid(value)


PERSON = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.requirement("arguments:closed:nothing-extra")
@pytest.mark.parametrize(
    ("schema", "fits", "too_much"),
    [
        ({"properties": {}}, {}, {"x": 1}),
        ({"properties": {"p": PERSON}}, {"p": {"name": "n"}}, {"p": {"name": "n", "x": 1}}),
        ({"properties": {"p": {"items": PERSON}}}, {"p": [{"name": "n"}]}, {"p": [{"x": 1}]}),
        ({"properties": {"p": {"prefixItems": [PERSON]}}}, {"p": [{}, {"y": 1}]}, {"p": [{"x": 1}]}),
        ({"properties": {"p": {"additionalProperties": PERSON}}}, {"p": {"k": {}}}, {"p": {"k": {"x": 1}}}),
        ({"patternProperties": {"^p": PERSON}}, {"p1": {}}, {"p1": {"x": 1}}),
        ({"patternProperties": {"^p": PERSON}}, {"p1": {}}, {"x": {}}),
        ({"$ref": "#/$defs/P", "$defs": {"P": PERSON}}, {"name": "n"}, {"x": 1}),
        ({"properties": {"p": {"$ref": "#/$defs/P"}}, "$defs": {"P": PERSON}}, {"p": {}}, {"p": {"x": 1}}),
        ({"allOf": [PERSON, {"properties": {"b": {}}}]}, {"name": "n", "b": 1}, {"x": 1}),
        ({"allOf": [PERSON, {"properties": {"p": PERSON}}]}, {"p": {"name": "n"}}, {"p": {"x": 1}}),
        ({"anyOf": [PERSON, {"type": "null"}]}, {"name": "n"}, {"x": 1}),
        ({"properties": {"p": {"anyOf": [PERSON, {"type": "null"}]}}}, {"p": None}, {"p": {"x": 1}}),
        ({"properties": {"p": {"oneOf": [PERSON, {"type": "null"}]}}}, {"p": {"name": "n"}}, {"p": {"x": 1}}),
        (
            {"oneOf": [{"properties": {"a": PERSON}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
            {"a": {"name": "n"}},
            {"a": {"x": 1}},
        ),
        (
            {"properties": {"k": {"enum": ["x", "y"]}}, "if": {"properties": {"k": {"const": "x"}}}, "then": {"properties": {"p": PERSON}}},
            {"k": "x", "p": {"name": "n"}},
            {"k": "x", "p": {"x": 1}},
        ),
        ({"properties": {"a": {}}, "dependentSchemas": {"a": {"properties": {"p": PERSON}}}}, {"a": 1, "p": {}}, {"a": 1, "p": {"x": 1}}),
        ({"properties": {"a": {}}, "dependentSchemas": {"a": {"properties": {"p": PERSON}}}}, {}, {"p": {}}),
        ({"properties": {"child": {"$ref": "#"}}}, {"child": {"child": {}}}, {"child": {"child": {"x": 1}}}),
        ({"$defs": {"P": {**PERSON, "$anchor": "p"}}, "properties": {"p": {"$ref": "#p"}}}, {"p": {}}, {"p": {"x": 1}}),
        ({"properties": {"p": {"contains": PERSON}}}, {"p": [{"name": "n"}]}, {"p": [{"x": 1}]}),
    ],
)  # fmt: skip
def test_every_level_that_says_what_it_holds_holds_nothing_else(schema, fits, too_much):
    """C27: through every keyword by which one level leads to another."""
    made = closed(schema)

    assert [True, True] == [oracle(schema).is_valid(value) for value in (fits, too_much)]
    assert [True, False] == [oracle(made).is_valid(value) for value in (fits, too_much)]


INNER = {"properties": {"a": {"properties": {"x": {}}}}, "required": ["a"]}
ANY_A = {"properties": {"a": {}}, "required": ["a"]}


@pytest.mark.requirement("arguments:closed:never-takes-more")
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"properties": {"a": {}}, "not": INNER}, {"a": {"zz": 1}}),
        ({"oneOf": [INNER, ANY_A]}, {"a": {"zz": 1}}),
        ({"properties": {"a": {}}, "oneOf": [INNER, ANY_A]}, {"a": {"zz": 1}}),
        ({"properties": {"a": {}}, "if": INNER, "then": {"required": ["b"]}}, {"a": {"zz": 1}}),
        ({"properties": {"a": {"contains": INNER["properties"]["a"], "maxContains": 1}}}, {"a": [{"x": 1}, {"zz": 1}]}),
        ({"properties": {"a": {"contains": INNER["properties"]["a"], "minContains": 0, "maxContains": 0}}}, {"a": [{"zz": 1}]}),
        ({"properties": {"a": {}}, "not": {"$ref": "#/$defs/I"}, "$defs": {"I": INNER}}, {"a": {"zz": 1}}),
        ({"properties": {"a": {}}, "not": {"$ref": "#/$defs/I"}, "anyOf": [{"$ref": "#/$defs/I"}, {}], "$defs": {"I": INNER}}, {"a": {"zz": 1}}),
    ],
)  # fmt: skip
def test_where_less_inside_would_be_more_outside_the_authors_words_are_kept(schema, value):
    """A form that is ruled out, counted or chosen by: closed in itself, it would let through what its author refuses."""
    assert not oracle(schema).is_valid(value)
    assert not oracle(closed(schema)).is_valid(value)


@pytest.mark.requirement("arguments:closed:author-says-more")
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object"}, {"x": 1}),
        ({"properties": {"a": {}}, "additionalProperties": True}, {"x": 1}),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, {"x": 1}),
        ({"properties": {"m": {"type": "object"}}}, {"m": {"any": {"thing": 1}}}),
        ({"allOf": [{"properties": {"a": {}}, "additionalProperties": True}, {"properties": {"b": {}}}]}, {"x": 1}),
        ({"properties": {"a": {}}, "unevaluatedProperties": {"type": "integer"}}, {"x": 1}),
    ],
)
def test_what_its_author_says_of_further_members_stands(schema, value):
    """A map is a map; `additionalProperties` in words of the author is not overruled."""
    assert oracle(closed(schema)).is_valid(value)


@pytest.mark.requirement("arguments:closed:dialects")
@pytest.mark.parametrize(
    ("dialect", "schema", "fits", "wrong"),
    [
        ("draft-07", {"definitions": {"p": PERSON}, "properties": {"p": {"$ref": "#/definitions/p"}}}, {"p": {}}, {"p": {"x": 1}}),
        ("draft-07", {"properties": {"p": {"items": [{"type": "string"}], "additionalItems": False}}}, {"p": ["a"]}, {"p": ["a", 1]}),
        ("draft-07", {"properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
        ("draft-07", {"definitions": {"p": {}}, "properties": {"p": {"$ref": "#/definitions/p", "maxLength": 1}}}, {"p": "long"}, {"q": 1}),
        ("draft-06", {"properties": {"p": {"exclusiveMinimum": 3}}}, {"p": 4}, {"p": 3}),
        ("2019-09", {"$defs": {"p": PERSON}, "properties": {"p": {"$ref": "#/$defs/p", "minProperties": 1}}}, {"p": {"name": "n"}}, {"p": {}}),
    ],
)  # fmt: skip
def test_older_dialects_are_read_as_they_were_meant(dialect, schema, fits, wrong):
    """SEP-1613: `$schema` says which; servers in TypeScript say draft 7."""
    place = (
        "https://json-schema.org/draft/2019-09/schema"
        if dialect == "2019-09"
        else f"http://json-schema.org/{dialect}/schema#"
    )

    made = closed({"$schema": place, **schema})

    assert "https://json-schema.org/draft/2020-12/schema" == made["$schema"]
    assert [True, False] == [oracle(made).is_valid(value) for value in (fits, wrong)]


@pytest.mark.requirement("arguments:unusable:fails-closed")
@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        True,
        "object",
        {"$ref": "https://evil.example/schema"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "//evil.example"},
        {"$ref": "other.json"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#none"},
        {"$ref": 7},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#"}}}},
        {"$dynamicRef": "#x"},
        {"$schema": "https://evil.example/meta"},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
        {"properties": {"a": {"$id": "https://evil.example/", "$ref": "x"}}},
        {"properties": []},
        {"properties": {"a": 7}},
        {"allOf": {}},
        {"required": "a"},
        {"type": "strin"},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"pattern": "(?=a)b"}}},
        {"properties": {"a": {"pattern": r"(a)\1"}}},
        {"properties": {"a": {"pattern": "(?:a{1,1000}){1,1000}"}}},
        {"properties": {"a": {"maxLength": "1"}}},
    ],
)  # fmt: skip
def test_what_cannot_be_held_to_is_refused_in_words_for_its_author(schema):
    """Fail closed: never half of a schema, and never without a reason."""
    with pytest.raises(UnusableSchemaError) as refused:
        engine_rs.compiled(closed(schema))

    assert len(str(refused.value)) > 10


@pytest.mark.requirement("arguments:unusable:fails-closed")
def test_two_views_of_one_member_that_could_never_both_be_closed_are_refused():
    """Closed in each part, the member could never be right; open in one, it would take anything."""
    views = [{"properties": {"p": {"properties": {name: {}}}}} for name in ("a", "b")]

    with pytest.raises(UnusableSchemaError, match="'p'"):
        closed({"allOf": views})

    assert oracle(closed({"allOf": [views[0], views[0]]})).is_valid({"p": {"a": 1}})
    assert oracle(closed({"anyOf": views})).is_valid({"p": {"b": 1}})


def _doubling(levels):
    return {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, levels)} | {"a0": {}}


def _deep(levels):
    schema = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.requirement("arguments:unusable:fails-closed")
@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a39", "$defs": _doubling(40)},
        {"properties": {"p": {"$ref": "#/$defs/a39"}}, "$defs": _doubling(40)},
        _deep(900),
        {"properties": {str(n): {} for n in range(20_000)}},
        {"$ref": "#/$defs/b0", "$defs": {f"b{n}": {"$ref": f"#/$defs/b{n + 1}"} for n in range(400)} | {"b400": {}}},
    ],
    ids=["doubling", "doubling below", "deep", "wide", "a long way"],
)
def test_a_schema_that_would_take_long_to_judge_one_call_is_refused_at_once(schema):
    """EX-04: a server behind a proxy may write anything into its schemas; two to the fortieth steps are not begun."""
    with pytest.raises(UnusableSchemaError, match="too"):
        closed(schema)


@pytest.mark.requirement("arguments:listed:names-stay")
@pytest.mark.parametrize("make", [closed, exact])
def test_what_is_kept_under_a_name_is_listed_under_it_with_its_anchor(make):
    """SEP-2106: by whichever way it is referred to; where it is written twice, its anchor stands in one of them alone."""
    address = {"$anchor": "addressDef", "type": "object", "properties": {"city": {"type": "string"}}}
    schema = {
        "type": "object",
        "$defs": {"address": address, "odd name": {"$anchor": "no name", "type": "string"}},
        "properties": {
            "home": {"$ref": "#addressDef"},
            "work": {"$ref": "#/$defs/address"},
            "word": {"$ref": "#/$defs/odd name"},
        },
        "not": {"required": ["never"], "properties": {"never": {"$ref": "#addressDef"}}},
    }

    made = make(schema)

    assert "addressDef" == made["$defs"]["address"]["$anchor"]
    assert ["#/$defs/address", "#/$defs/address", "#/$defs/odd_name"] == [
        made["properties"][name]["$ref"] for name in ("home", "work", "word")
    ]
    assert 1 == str(made).count("$anchor")
    for value in ({"home": {"city": "x"}}, {"home": {"city": 1}}, {"home": {"town": "x"}}, {"word": 1}):
        expected = oracle(made).is_valid(value)
        assert expected == engine_rs.compiled(made).fits(value) == engine_python.compiled(made).fits(value)
