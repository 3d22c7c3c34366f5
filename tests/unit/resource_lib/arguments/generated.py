"""Schemas and values for the tests of arguments, made by hypothesis: few names and few values, so that they meet each other."""

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "kind"])
LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "minLength": 1, "maxLength": 2},
        {"type": "string", "pattern": "^x+$"},
        {"type": "integer", "minimum": 1},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["x", 1]},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "array"},
        {},
        True,
    ]
)
REFERENCES = st.sampled_from([{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}, {"$ref": "#"}])


def _objects(parts):
    members = {"properties": st.dictionaries(NAMES, parts, max_size=3)}
    said = {"required": st.lists(NAMES, max_size=1), "type": st.just("object")}
    seldom = {"additionalProperties": st.sampled_from([True, False, {"type": "string"}])}
    plain = st.fixed_dictionaries(members, optional=said)
    return st.one_of(plain, plain, st.fixed_dictionaries(members, optional=said | seldom))


def _tagged(parts):
    """Forms that no value can be of two of."""

    def tag(pair):
        return [
            {
                **form,
                "type": "object",
                "required": ["kind"],
                "properties": {**form["properties"], "kind": {"const": word}},
            }
            for form, word in zip(pair, ("x", "y"), strict=True)
        ]

    return st.tuples(_objects(parts), _objects(parts)).map(tag).map(lambda forms: {"oneOf": forms})


def _combined(parts):
    several = st.lists(parts, min_size=1, max_size=2)
    one = [st.fixed_dictionaries({keyword: several}) for keyword in ("allOf", "anyOf", "oneOf")]
    one += [st.fixed_dictionaries({keyword: parts}) for keyword in ("not", "items")]
    condition = st.fixed_dictionaries({"if": parts}, optional={"then": parts, "else": parts})
    beside = st.fixed_dictionaries({"dependentSchemas": st.dictionaries(NAMES, parts, max_size=1)})
    both = st.tuples(_objects(parts), st.one_of(*one, condition, beside)).map(lambda pair: {**pair[0], **pair[1]})
    return st.one_of(*one, condition, both, _tagged(parts))


_PARTS = st.recursive(
    st.one_of(LEAVES, REFERENCES), lambda parts: st.one_of(_objects(parts), _combined(parts)), max_leaves=6
)


@st.composite
def schemas(draw):
    """A whole input schema."""
    root = draw(_objects(_PARTS)) | draw(st.one_of(st.just({}), _combined(_PARTS)))
    return {**root, "$defs": {"A": draw(_objects(_PARTS)), "B": draw(_PARTS)}}


VALUES = st.recursive(
    st.sampled_from(["", "x", "xx", "y", "long", 0, 1, 2.5, 1.0, True, None]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "c", "kind", "zz"]), inner, max_size=3), st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c", "kind", "zz"]), VALUES, max_size=3)
