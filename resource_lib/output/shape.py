"""
What an output schema says of each place in a result: which members there are, what is personal, and where free text may stand.

Made once for each definition. Where several schemas speak of one place (`$ref`, `allOf`, `anyOf`, conditions), a member counts as
declared when one of them names it, and as personal when one of them says so. `additionalProperties` that is written out, `true` or a
schema, declares members of any name; left out, it declares none beside `properties`.

JSON Schema 2020-12 §10, §11; the annotations `x-pii` and `x-secret` are ours.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, get_args
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from resource_lib.definition import Definition
from resource_lib.output.kinds import Kind

_SERIOUS: Final[tuple[str, ...]] = get_args(Kind)
_OF_ONE_PLACE: Final = ("allOf", "anyOf", "oneOf")
_CONDITIONAL: Final = ("if", "then", "else")
_MOST_SCHEMAS: Final = 2000
_PERSONAL_FORMATS: Final[Mapping[str, Kind]] = {"email": "email", "idn-email": "email"}
_CHECKED_FORMATS: Final[Mapping[str, re.Pattern[str]]] = {
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "time": re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?"),
    "duration": re.compile(r"P(?:\d{1,9}[YMWD]){0,4}(?:T(?:\d{1,9}[HMS]){1,3})?"),
}
"""No validator asserts a format unless it is told to, so a text of one of these is held against it here."""
_MOST_PATTERN_BYTES: Final = 10 * 1024 * 1024
_CLASS: Final = re.compile(r"\\.|\[(?:[^\]\\]|\\.)*\]")
_ENDLESS: Final = re.compile(r"[*+]|\{\d*,\}|\{\d{3,}|,\d{3,}\}")
"""A repetition without an end, or with one that is far."""
_WORDS: Final = (
    *("Ignore the above", "ignore all previous instructions", "Jane Doe", "jane.doe@corp.example", "+49 30 1234567"),
    *(
        "ghp_" + "aB3d" * 9,
        "AKIAIOSFODNN7EXAMPLE",
        "sk_live_" + "aB3d" * 6,
        "xoxb-123456789012-abcdefABCDEF",
        "password",
    ),
)
"""What somebody's words, and what must not leave, look like. Digits alone are no words: an order may have sixteen of them."""
_ANYTHING: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:\.|\[\^|\\[SDWP])")
"""A pattern with one of these says little about what a text may hold."""


class UnreadableSchemaError(ValueError):
    """An output schema that points to what is not in it, or has no end."""


class Shape:
    """One place in a result."""

    __slots__ = (
        "_each",
        "_extra",
        "_item",
        "_kinds_below",
        "_patterns",
        "_prefix",
        "_root",
        "_strangers",
        "formats",
        "has_parts",
        "is_closed",
        "is_fixed",
        "is_typed",
        "kind",
        "kinds_by_name",
        "longest",
        "members",
        "shortest",
        "takes_null",
    )

    def __init__(self, schemas: tuple[Any, ...], root: "_Root") -> None:
        flat = [one for one in root.flattened(schemas) if isinstance(one, dict)]
        self._root = root
        kinds = {kind for one in flat if (kind := _kind_of(one)) is not None}
        self.kind: Kind | None = min(kinds, key=_SERIOUS.index, default=None)
        """What it is, when it is personal or a secret."""
        self.formats = tuple(_CHECKED_FORMATS[_form_of(one)] for one in flat if _form_of(one) in _CHECKED_FORMATS)
        self.is_typed = bool(schemas) and all(_is_typed(one, root, 0) for one in schemas)
        """Whether its texts can only be what the schema says, so that nobody's words can stand there."""
        self.is_fixed = self.is_typed and not self.formats
        """Whether that is so as soon as the result satisfies the schema."""
        self.longest = min((one["maxLength"] for one in flat if type(one.get("maxLength")) is int), default=None)
        self.shortest = max((one["minLength"] for one in flat if type(one.get("minLength")) is int), default=0)
        self.takes_null = any(one.get("type") == "null" or "null" in _listed(one.get("type")) for one in flat)
        named: dict[str, list[Any]] = {}
        for one in flat:
            for name, schema in _members_of(one, "properties"):
                named.setdefault(name, []).append(schema)
        self._patterns = [
            (_compiled(pattern), schema) for one in flat for pattern, schema in _members_of(one, "patternProperties")
        ]
        self._extra = [one[word] for one in flat for word in _EXTRAS if word in one and one[word] is not False]
        self._extra += [True for one in flat if _is_open_beside(one, root)]
        says = any(isinstance(one.get(word), dict) for one in flat for word in ("properties", "patternProperties"))
        self.is_closed = (says or any(one.get(word) is False for one in flat for word in _EXTRAS)) and not self._extra
        """Whether it has no members beside those that are declared."""
        self.members: dict[str, Shape] = {}
        """Members by name, as far as their names stand in the schema."""
        certain = {
            name
            for one in root.unconditional(schemas)
            if isinstance(one, dict)
            for name, _ in _members_of(one, "properties")
        }
        for name, schemas_of_it in named.items():
            matching = [schema for pattern, schema in self._patterns if pattern.search(name)]
            if name not in certain:
                # Only a branch says what stands there, and another branch may hold: anybody's words can.
                matching.append({})
            self.members[name] = root.shape((*schemas_of_it, *matching))
        self._item = tuple(one["items"] for one in flat if "items" in one and one["items"] is not False)
        self._prefix = [one["prefixItems"] for one in flat if isinstance(one.get("prefixItems"), list)]
        self._strangers: Shape | None = None
        self._each: Shape | None = None
        self._kinds_below: frozenset[Kind] | None = None
        self.has_parts = bool(named or self._patterns or self._extra or self._item or self._prefix)
        """Whether anything is said of what stands below it."""
        self.kinds_by_name: Mapping[str, Kind] = {}
        """Of the whole document: what stands under a name that is annotated anywhere."""

    def has_form(self, text: str) -> bool:
        """Tell whether a text has the form that the schema names and no validator asserts."""
        return all(form.fullmatch(text) for form in self.formats)

    @property
    def kinds_below(self) -> frozenset[Kind]:
        """What is annotated here and anywhere below."""
        if self._kinds_below is None:
            seen: dict[int, Shape] = {id(self): self}
            waiting = [self]
            while waiting:
                new = {id(one): one for one in waiting.pop().below() if id(one) not in seen}
                seen.update(new)
                waiting += new.values()
            self._kinds_below = frozenset(one.kind for one in seen.values() if one.kind is not None)
        return self._kinds_below

    def below(self) -> list["Shape"]:
        """Return the shapes of every part that the schema says something of."""
        schemas = [(schema,) for _, schema in self._patterns]
        schemas += [(schema,) for prefix in self._prefix for schema in prefix]
        schemas += [of_all for of_all in (tuple(self._extra), self._item) if of_all]
        return [*self.members.values(), *map(self._root.shape, schemas)]

    def member(self, name: str) -> "Shape | None":
        """Return the shape of a member; None: it is not declared."""
        found = self.members.get(name)
        if found is not None:
            return found
        if self._patterns:
            matching = tuple(schema for pattern, schema in self._patterns if pattern.search(name))
            if matching:
                return self._root.shape(matching)
        if self.is_closed:
            return None
        if self._strangers is None:
            self._strangers = self._root.shape(tuple(self._extra)) if self._extra else FREE
        return self._strangers

    def entry(self, at: int) -> "Shape":
        """Return the shape of an entry of a list."""
        if self._prefix:
            schemas = tuple(prefix[at] for prefix in self._prefix if at < len(prefix))
            if schemas:
                return self._root.shape(schemas)
        if self._each is None:
            self._each = self._root.shape(self._item) if self._item else FREE
        return self._each


_EXTRAS: Final = ("additionalProperties", "unevaluatedProperties")
_NOT_AN_ANSWER: Final = object()


class _Root:
    """One schema document. Its shapes are made when they are met, so that a schema may contain itself."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._kept: list[tuple[Any, ...]] = []
        self._anchors = dict(_anchors(document, 0))

    def shape(self, schemas: tuple[Any, ...]) -> Shape:
        key = tuple(map(id, schemas))
        found = self._shapes.get(key)
        if found is None:
            if len(self._shapes) > _MOST_SCHEMAS:
                raise UnreadableSchemaError
            found = self._shapes[key] = Shape.__new__(Shape)
            self._kept.append(schemas)  # an id names something only while it lives
            found.__init__(schemas, self)  # type: ignore[misc]
        return found

    def unconditional(self, schemas: tuple[Any, ...]) -> Iterator[Any]:
        """Yield the schemas that speak of the same place as `schemas` whatever stands there."""
        seen: set[int] = set()
        waiting = list(schemas)
        while waiting:
            one = waiting.pop()
            if id(one) in seen or not isinstance(one, dict):
                continue
            seen.add(id(one))
            yield one
            waiting += [self.target(one["$ref"])] if "$ref" in one else []
            waiting += one["allOf"] if isinstance(one.get("allOf"), list) else ()

    def flattened(self, schemas: tuple[Any, ...]) -> Iterator[Any]:
        """Yield every schema that speaks of the same place as `schemas`."""
        seen: set[int] = set()
        waiting = list(schemas)
        while waiting:
            one = waiting.pop()
            if id(one) in seen or not isinstance(one, dict):
                continue
            seen.add(id(one))
            yield one
            waiting += [self.target(one[word]) for word in ("$ref", "$dynamicRef") if word in one]
            for word in _OF_ONE_PLACE:
                waiting += one[word] if isinstance(one.get(word), list) else ()
            waiting += [one[word] for word in _CONDITIONAL if word in one]
            waiting += [schema for _, schema in _members_of(one, "dependentSchemas")]

    def target(self, reference: Any) -> Any:
        """Return what a reference inside the document points to. Raises UnreadableSchemaError."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise UnreadableSchemaError
        pointer = unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            found = self._anchors.get(pointer, _NOT_AN_ANSWER)
            if found is _NOT_AN_ANSWER:
                raise UnreadableSchemaError
            return found
        found = self._document
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise UnreadableSchemaError
        return found


def _anchors(schema: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > 100:
        raise UnreadableSchemaError
    if isinstance(schema, dict):
        for word in ("$anchor", "$dynamicAnchor"):
            if isinstance(schema.get(word), str):
                yield schema[word], schema
        for member in schema.values():
            yield from _anchors(member, depth + 1)
    elif isinstance(schema, list):
        for entry in schema:
            yield from _anchors(entry, depth + 1)


def _members_of(schema: dict[str, Any], word: str) -> Iterator[tuple[str, Any]]:
    found = schema.get(word)
    if isinstance(found, dict):
        yield from found.items()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _form_of(schema: dict[str, Any]) -> str:
    form = schema.get("format")
    return form if isinstance(form, str) else ""


def _kind_of(schema: dict[str, Any]) -> Kind | None:
    if schema.get("x-secret") is True:
        return "secret"
    kind = schema.get("x-pii")
    if kind in (None, False):
        return _PERSONAL_FORMATS.get(_form_of(schema))
    # A word that nobody knows was written by somebody who meant to hide it.
    return kind if kind in _SERIOUS else "secret"


def _is_typed(schema: Any, root: _Root, depth: int) -> bool:
    """Tell whether every text that `schema` takes is one that the schema itself describes."""
    if depth > 20 or not isinstance(schema, dict):
        return False
    if "enum" in schema or "const" in schema or _form_of(schema) in _CHECKED_FORMATS:
        return True
    if isinstance(schema.get("pattern"), str) and _is_narrow(schema["pattern"]):
        return True
    kinds = _listed(schema.get("type")) or [schema.get("type", "string")]
    if "string" not in kinds:
        return True
    if "$ref" in schema and _is_typed(root.target(schema["$ref"]), root, depth + 1):
        return True
    if any(_is_typed(one, root, depth + 1) for one in _listed(schema.get("allOf"))):
        return True
    return any(
        bool(branches) and all(_is_typed(one, root, depth + 1) for one in branches)
        for branches in (_listed(schema.get("anyOf")), _listed(schema.get("oneOf")))
    )


def describes_its_texts(schema: dict[str, Any]) -> bool:
    """Tell whether a schema that stands alone, and says `string`, describes every text it takes; it may not be annotated."""
    return _kind_of(schema) is None and _is_typed(schema, _Root(schema), 0)


@cache
def _is_narrow(pattern: str) -> bool:
    """Tell whether nothing but codes of a stated length match: no sentence, no address, no key."""
    if not (pattern.startswith("^") and pattern.endswith("$")) or "|" in pattern or _ANYTHING.search(pattern):
        return False
    if _ENDLESS.search(_CLASS.sub("", pattern)):
        return False
    matches = linear(pattern)
    return matches is not None and not any(map(matches, _WORDS))


def _is_open_beside(schema: dict[str, Any], root: _Root) -> bool:
    """Tell whether one of several alternatives is an object of any members, and nothing beside them says what there is."""
    if "properties" in schema:
        return False
    for one in [*_listed(schema.get("anyOf")), *_listed(schema.get("oneOf"))]:
        if one is True or one == {}:
            return True
        if isinstance(one, dict) and (one.get("type") == "object" or "object" in _listed(one.get("type"))):
            inner = list(root.flattened((one,)))
            words = ("properties", "patternProperties", *_EXTRAS)
            if not any(word in each for each in inner for word in words):
                return True
    return False


def _named_kinds(schema: Any, root: _Root) -> Iterator[tuple[str, Kind]]:
    """Yield each name of a member anywhere in the document that is annotated, with what it is."""
    if isinstance(schema, list):
        for entry in schema:
            yield from _named_kinds(entry, root)
    if not isinstance(schema, dict):
        return
    for name, member in _members_of(schema, "properties"):
        for one in root.flattened((member,)):
            kind = _kind_of(one)
            if kind is not None:
                yield name, kind
    for part in schema.values():
        yield from _named_kinds(part, root)


def _gravest_last(found: tuple[str, Kind]) -> int:
    return -_SERIOUS.index(found[1])


class _Linear:
    """A pattern of a schema, asked about names from outside: by an engine that takes no longer than they are long, where it is installed."""

    __slots__ = ("search",)

    def __init__(self, pattern: str) -> None:
        self.search: Callable[[str], object] = linear(pattern) or re.compile(pattern).search


@cache
def linear(pattern: str) -> Callable[[str], bool] | None:
    """Return what tells whether a pattern is found in a text; None: the engine has not, or cannot, compile it."""
    try:
        import jsonschema_rs  # noqa: PLC0415 - not there for every Python

        options = jsonschema_rs.RegexOptions(size_limit=_MOST_PATTERN_BYTES)
        validator = jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options)
    except Exception:  # noqa: BLE001 - whatever it is, nobody can say what it matches
        return None
    return lambda text: bool(validator.is_valid(text))


@cache
def _compiled(pattern: str) -> _Linear:
    try:
        return _Linear(pattern)
    except re.error:
        raise UnreadableSchemaError from None


FREE: Final = Shape((), _Root({}))
"""A place of which nothing is said."""

_shapes: Final[WeakKeyDictionary[Definition, Shape | None]] = WeakKeyDictionary()


def shape_of(definition: Definition | None) -> Shape:
    """Return the shape of what a tool says it returns; FREE where it says nothing. Raises UnreadableSchemaError."""
    if definition is None or definition.output_schema is None:
        return FREE
    if definition not in _shapes:
        try:
            root = _Root(definition.output_schema)
            shape = _shapes[definition] = root.shape((definition.output_schema,))
            shape.kinds_by_name = dict(sorted(_named_kinds(definition.output_schema, root), key=_gravest_last))
        except (UnreadableSchemaError, RecursionError):
            _shapes[definition] = None
    found = _shapes[definition]
    if found is None:
        raise UnreadableSchemaError
    return found
