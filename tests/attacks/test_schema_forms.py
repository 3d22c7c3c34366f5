"""Whoever writes an output schema in a form that the library does not follow to the letter loses no masking by it: every applicator of two dialects."""

import json
import sys

import pytest

from resource_lib.definition import Definition
from resource_lib.lint import lint
from resource_lib.output import Leaving, Output, WithheldError, cleaned

NAME = "Quincy Xylophone"
MAIL = "quincy@canary.example"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"
DIALECTS = {"2020": DRAFT_2020, "2019": DRAFT_2019, "7": DRAFT_7, "none": None}


def member(name, schema):
    return {"type": "object", "properties": {name: schema}}


# Each takes the schema of a place and a value for it, and returns a schema with that place in it and a value for that.
FORMS = {
    "properties": lambda s, v: (member("a", s), {"a": v}),
    "patternProperties": lambda s, v: ({"type": "object", "patternProperties": {"^a": s}}, {"ab": v}),
    "additionalProperties": lambda s, v: ({"type": "object", "additionalProperties": s}, {"z": v}),
    "additionalProperties beside": lambda s, v: (
        {"allOf": [{"properties": {"a": {}}}, {"additionalProperties": s}]},
        {"a": v},
    ),
    "unevaluatedProperties": lambda s, v: (member("q", {}) | {"unevaluatedProperties": s}, {"z": v}),
    "unevaluatedProperties of a branch": lambda s, v: (
        {"anyOf": [{"properties": {"a": {}}, "required": ["b"]}, {}], "unevaluatedProperties": s},
        {"a": v},
    ),
    "items": lambda s, v: ({"type": "array", "items": s}, [v, v]),
    "items as a list": lambda s, v: ({"type": "array", "items": [{}, s]}, [1, v]),
    "additionalItems": lambda s, v: ({"type": "array", "items": [{}], "additionalItems": s}, [1, v]),
    "additionalItems alone": lambda s, v: ({"type": "array", "additionalItems": s}, [v]),
    "prefixItems": lambda s, v: ({"type": "array", "prefixItems": [{}, s]}, [1, v]),
    "items after prefixItems": lambda s, v: ({"type": "array", "prefixItems": [{}], "items": s}, [1, v]),
    "items beside prefixItems": lambda s, v: ({"allOf": [{"prefixItems": [{}]}, {"items": s}]}, [v]),
    "unevaluatedItems": lambda s, v: ({"type": "array", "prefixItems": [{}], "unevaluatedItems": s}, [1, v]),
    "unevaluatedItems of a branch": lambda s, v: (
        {"anyOf": [{"prefixItems": [{}], "minItems": 2}, {}], "unevaluatedItems": s},
        [v],
    ),
    "contains": lambda s, v: ({"type": "array", "contains": s}, [v]),
    "allOf": lambda s, v: ({"allOf": [{}, s]}, v),
    "anyOf": lambda s, v: ({"anyOf": [s, {"type": "null"}]}, v),
    "anyOf of another": lambda s, v: ({"anyOf": [{}, s]}, v),
    "oneOf": lambda s, v: ({"oneOf": [{"type": "null"}, s]}, v),
    "not": lambda s, v: ({"not": {"allOf": [s, False]}}, v),
    "if": lambda s, v: ({"if": s}, v),
    "then": lambda s, v: ({"if": {"type": "null"}, "then": s}, v),
    "else": lambda s, v: ({"if": {"type": "null"}, "else": s}, v),
    "dependentSchemas": lambda s, v: ({"dependentSchemas": {"on": member("a", s)}}, {"on": 1, "a": v}),
    "dependencies": lambda s, v: ({"dependencies": {"on": member("a", s)}}, {"on": 1, "a": v}),
    "contentSchema": lambda s, v: (
        {"type": "string", "contentMediaType": "application/json", "contentSchema": s},
        json.dumps(v),
    ),
    "contentSchema of what nobody reads": lambda s, v: ({"type": "string", "contentSchema": s}, f"- {json.dumps(v)}"),
    "a word of others": lambda s, v: ({"x-form": {"widget": s}}, v),
    "a word in a form of others": lambda s, v: ({"additionalProperties": {}, "dependentRequired": {}, "parts": [s]}, v),
}
REFERENCES = {
    "$defs": lambda s, v: (member("a", {"$ref": "#/$defs/of%20it"}) | {"$defs": {"of it": s}}, {"a": v}),
    "definitions": lambda s, v: (member("a", {"$ref": "#/definitions/a~1b"}) | {"definitions": {"a/b": s}}, {"a": v}),
    "$anchor": lambda s, v: (member("a", {"$ref": "#here"}) | {"$defs": {"x": {"$anchor": "here", **s}}}, {"a": v}),
    "an anchor of draft 7": lambda s, v: (
        member("a", {"$ref": "#h"}) | {"definitions": {"x": {"$id": "#h", **s}}},
        {"a": v},
    ),
    "$dynamicRef": lambda s, v: (
        member("a", {"$dynamicRef": "#here"}) | {"$defs": {"x": {"$dynamicAnchor": "here", **s}}},
        {"a": v},
    ),
    "$recursiveRef": lambda s, v: (
        {"properties": {"deep": {"$recursiveRef": "#"}, "a": s}},
        {"deep": {"a": v}},
    ),
    "$ref beside": lambda s, v: (member("a", {"$ref": "#/$defs/x", **s}) | {"$defs": {"x": {}}}, {"a": v}),
    "$ref to itself": lambda s, v: ({"properties": {"a": s, "next": {"$ref": "#"}}}, {"next": {"next": {"a": v}}}),
    "$ref by its own address": lambda s, v: (
        {"$id": "https://x.example/s", **member("a", {"$ref": "https://x.example/s#/$defs/x"}), "$defs": {"x": s}},
        {"a": v},
    ),
    "a document inside": lambda s, v: (
        {
            "$defs": {"x": {}},
            **member("a", {"$id": "https://x.example/in", "$ref": "#/$defs/x", "$defs": {"x": s}}),
        },
        {"a": v},
    ),
    "propertyNames": lambda s, v: (
        {"type": "object", "propertyNames": s, "additionalProperties": {"type": "integer"}},
        {v if isinstance(v, str) else json.dumps(v): 1},
    ),
}
ANNOTATIONS = [
    *({"x-pii": kind} for kind in ("name", "id", "address", "secret", "email", "card", "iban", "ssn", "phone", "ip")),
    *({"x-pii": word} for word in ("nick", "Name", "", True, 1, 0, [], ["name"], {})),
    *({"x-secret": word} for word in (True, 1, "true", "yes", {}, [], 0, "")),
]
"""Every kind, and every word that is none: whoever wrote it meant to hide something."""


@pytest.fixture(params=["jsonschema_rs", "jsonschema"])
def engine(request, monkeypatch):
    """Each library that holds a result to its schema."""
    if request.param == "jsonschema":
        monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    return request.param


def left(schema, structure, *, canary=NAME, dialect=None, **more):
    """What leaves of a result that says the same in its structure and in words; None: nothing."""
    document = {**schema, "$schema": dialect} if dialect else schema
    if "- " in json.dumps(structure):
        canary = "nobody"  # a text that is masked as a whole teaches no words of it
    tool = {"name": "t", "inputSchema": {"type": "object"}, "outputSchema": document}
    leaving = Leaving(settings=Output(taint=None), tool="t", definition=Definition(hash="h", tool=tool))
    result = {
        "structuredContent": structure,
        "content": [{"type": "text", "text": json.dumps(structure)}, {"type": "text", "text": f"about {canary}."}],
        **more,
    }
    try:
        return json.dumps(cleaned(result, leaving))
    except WithheldError:
        return None


def placed(form, schema, value):
    """A root that is an object, as the protocol wants it."""
    found, structure = form(schema, value)
    if not isinstance(structure, dict):
        found, structure = FORMS["properties"](found, structure)
    return found, structure


@pytest.mark.requirement("output:schema-forms:annotations-hold-in-every-form")
@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=json.dumps)
def test_an_annotation_of_any_kind_holds_under_every_keyword(annotation):
    """C34: `x-pii` and `x-secret` mask where they stand, whichever word leads there, in every dialect."""
    leaks = [
        (form, name)
        for form, made in (FORMS | REFERENCES).items()
        for name, dialect in (("2020", None), ("7", DRAFT_7))
        if NAME in (left(*placed(made, {"type": "string", **annotation}, NAME), dialect=dialect) or "")
    ]

    assert [] == leaks


@pytest.mark.requirement("output:schema-forms:annotations-hold-in-every-form")
@pytest.mark.parametrize("form", FORMS | REFERENCES)
def test_an_annotation_holds_under_every_keyword_by_either_library(form, engine):
    """Whichever library holds a result to its schema: one knows a word that the other one does not."""
    leaks = [
        (name, annotation)
        for name, dialect in DIALECTS.items()
        for annotation in ({"x-pii": "name"}, {"x-secret": "yes"})
        for schema, structure in [placed((FORMS | REFERENCES)[form], {"type": "string", **annotation}, NAME)]
        if NAME in (left(schema, structure, dialect=dialect) or "")
    ]

    assert [] == leaks


@pytest.mark.requirement("output:schema-forms:annotations-hold-in-every-form")
@pytest.mark.parametrize("outer", FORMS)
def test_an_annotation_holds_under_every_pair_of_keywords(outer):
    """The same two levels deep, of results and of errors, which no schema holds."""
    annotated = {"type": "string", "x-pii": "name"}
    leaks = []
    for inner, made in FORMS.items():
        for name, dialect in (("2020", DRAFT_2020), ("7", DRAFT_7)):
            for more in ({}, {"isError": True}):
                found = left(*placed(FORMS[outer], *made(annotated, NAME)), dialect=dialect, **more)
                if NAME in (found or ""):
                    leaks.append((inner, name, more))

    assert [] == leaks


@pytest.mark.requirement("output:schema-forms:masked-rather-than-withheld")
@pytest.mark.parametrize(
    ("forms", "dialect"),
    [
        ([one for one in FORMS if one not in ("items as a list", "additionalItems", "contains")], DRAFT_2020),
        (["items as a list", "additionalItems", "items", "dependencies", "then", "additionalProperties"], DRAFT_7),
        (["$defs", "$anchor", "$dynamicRef", "$ref beside", "$ref to itself", "propertyNames"], DRAFT_2020),
        (["an anchor of draft 7", "definitions"], DRAFT_7),
    ],
)
def test_what_is_annotated_is_masked_and_the_rest_leaves(forms, dialect, engine):
    """Withholding is the last word, not the first: an answer of a form that can be followed leaves, masked."""
    found = {one: left(*placed((FORMS | REFERENCES)[one], {"x-pii": "name"}, NAME), dialect=dialect) for one in forms}

    assert dict.fromkeys(forms, True) == {one: text is not None and '"***' in text for one, text in found.items()}


@pytest.mark.requirement("output:schema-forms:trusted-where-it-surely-holds")
@pytest.mark.parametrize("outer", ["properties", "items after prefixItems", "additionalProperties", "allOf"])
def test_a_text_is_trusted_only_where_its_schema_surely_holds(outer):
    """A list of choices in a branch that is not taken, or under a word that the dialect does not know, spares no address."""
    around = {
        "anyOf": lambda s: {"anyOf": [s, {}]},
        "then": lambda s: {"if": False, "then": s},
        "else": lambda s: {"if": True, "else": s},
        "dependentSchemas": lambda s: {"dependentSchemas": {"not-there": s}},
        "dependencies": lambda s: {"dependencies": {"not-there": s}},
        "not": lambda s: {"not": s},
        "contains": lambda s: {"contains": s},
        "as it is": lambda s: s,
        "a branch inside": lambda s: {"allOf": [{"anyOf": [s, {}]}]},
        "a part of a branch": lambda s: {"anyOf": [{"allOf": [s]}, {}]},
    }
    leaks = []
    for inner, made in FORMS.items():
        for name, wrapped in around.items():
            for dialect in (DRAFT_2020, DRAFT_7, "https://example.com/unknown"):
                schema, value = made({"enum": ["open", "closed"]}, MAIL)
                schema, structure = placed(FORMS[outer], wrapped(schema), value)
                if MAIL in (left(schema, structure, canary=MAIL, dialect=dialect) or ""):
                    leaks.append((inner, name, dialect))

    assert [] == leaks


@pytest.mark.requirement("output:schema-forms:trusted-where-it-surely-holds")
def test_a_document_inside_the_document_lets_nothing_leave():
    """There a reference means another part than it would outside: what it is held to is not what was read."""
    inner = {"$id": "https://x.example/in", "$ref": "#/$defs/x", "$defs": {"x": {"enum": ["closed"]}}}
    schema = {**member("a", inner), "$defs": {"x": {"enum": [MAIL]}}}

    assert left(schema, {"a": MAIL}, canary="x") is None
    assert left(
        {**schema, "$id": "https://x.example/out", **member("a", {"$ref": "#/$defs/x"})}, {"a": MAIL}, canary="x"
    )


@pytest.mark.requirement("output:schema-forms:of-all-that-is-inside")
@pytest.mark.parametrize("inside", [{"type": "integer"}, {"pattern": "^[0-9]{6}$"}, {}, {"format": "date"}])
def test_an_annotation_of_a_whole_speaks_of_everything_inside(inside, engine):
    """A PIN of six digits inside an object that is a secret is one, whatever else its schema says of it."""
    value = 482913 if inside.get("type") == "integer" else "482913"
    schema = member("card", {"x-secret": True, **member("pin", inside)})

    assert "482913" not in (left(schema, {"card": {"pin": value}}, canary="x") or "")


@pytest.mark.requirement("output:schema-forms:many-names")
def test_names_that_meet_in_too_many_ways_stop_one_answer_and_not_the_next():
    """Twelve patterns meet in thousands of ways: whoever chooses the names must not end the tool for everybody."""
    letters = "abcdefghijkl"
    schema = {"type": "object", "patternProperties": {one: {"minLength": 0} for one in letters}}
    tool = {"name": "t", "inputSchema": {}, "outputSchema": schema}
    definition = Definition(hash="h", tool=tool)

    def answered(names):
        leaving = Leaving(settings=Output(), tool="t", definition=definition)
        return cleaned({"content": [], "structuredContent": dict.fromkeys(names, "x")}, leaving)

    flood = ["".join(one for at, one in enumerate(letters) if number >> at & 1) for number in range(1, 4096)]
    with pytest.raises(ValueError, match=r"^$"):
        answered(flood)

    assert {"abc": "x"} == answered(["abc"])["structuredContent"]


@pytest.mark.requirement("lint:annotations-that-mean-nothing-are-named")
@pytest.mark.parametrize(
    "annotation", [one for one in ANNOTATIONS if one.get("x-secret") is not True][10:], ids=json.dumps
)
@pytest.mark.parametrize("form", ["properties", "contains", "then", "propertyNames", "a word of others", "not"])
def test_the_linter_names_an_annotation_that_is_no_word_of_ours(annotation, form):
    """It is masked all the same, as a secret: its author may have meant something milder."""
    schema, _ = (FORMS | REFERENCES)[form]({"type": "string", **annotation}, "")
    tool = {"name": "t", "description": "Read one.", "inputSchema": {"type": "object"}, "outputSchema": schema}

    said = [str(one) for one in lint([tool]).findings if one.rule.id == "annotation-words"]

    assert 1 == len(said)
    assert next(iter(annotation)) in said[0]
