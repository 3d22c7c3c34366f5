"""
What an output schema says of each place in a result: which members there are, what is personal, and where free text may stand.

Made once for each definition. Where several schemas speak of one place (`$ref`, `allOf`, `anyOf`, conditions), a member counts as
declared when one of them names it. `additionalProperties` that is written out, `true` or a schema, declares members of any name; left
out, it declares none beside `properties`.

Annotations and trust lean to opposite sides, in every dialect. An annotation (`x-pii`, `x-secret`, `x-subject`) holds at each place that it could speak
of: whichever branch is true, whatever `contains` was meant to find, whichever entries or members nothing else evaluates; under a
word of which nobody can say what it speaks of, all of the place where that word stands. A text is trusted to be what its schema says only where
that schema surely holds, by the dialect of the document. What cannot be followed at all (a reference to elsewhere, a document inside the
document) lets nothing leave.

JSON Schema 2020-12 §10, §11; the annotations are ours.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, get_args

from resource_lib.definition import Definition
from resource_lib.json_schema import (
    DATA,
    KEPT,
    UnresolvedReferenceError,
    anchors_of,
    dialect_of,
    is_document_inside,
    parts_of,
    target_of,
)
from resource_lib.output.kinds import Kind

_SERIOUS: Final[tuple[Kind, ...]] = get_args(Kind)
_KINDS: Final[Mapping[str, Kind]] = {kind: kind for kind in _SERIOUS}
_OF_ONE_PLACE: Final = ("allOf", "anyOf", "oneOf")
_CONDITIONAL: Final = ("if", "then", "else")
_BY_NAME: Final = ("dependentSchemas", "dependencies")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_EXTRAS: Final = ("additionalProperties", "unevaluatedProperties")
_OF_ENTRIES: Final = ("items", "additionalItems", "unevaluatedItems", "contains")
_FOLLOWED_AS: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys((*_OF_ONE_PLACE, "prefixItems"), (list,)),
    **dict.fromkeys((*_CONDITIONAL, *_EXTRAS, *_OF_ENTRIES, "contentSchema"), (dict, bool)),
    **dict.fromkeys(("properties", "patternProperties", *_BY_NAME, *KEPT), (dict,)),
    "items": (dict, bool, list),
}
"""The words whose parts are known to speak of a place, in the forms in which they do."""
_SAYS_NOTHING: Final = DATA | {"propertyNames", "dependentRequired", "required", "type", "x-pii", "x-secret"}
_PERHAPS: Final = object()
"""Between the schemas that surely speak of a place and those that may."""
_MOST_SCHEMAS: Final = 2000
_MOST_DEPTH: Final = 100
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
        "_certain",
        "_each",
        "_extra",
        "_flat",
        "_kinds_below",
        "_most_places",
        "_patterns",
        "_root",
        "_strangers",
        "_subjects_below",
        "formats",
        "has_parts",
        "held",
        "is_chosen",
        "is_closed",
        "is_fixed",
        "is_typed",
        "kind",
        "kind_of_names",
        "kinds_by_name",
        "longest",
        "members",
        "shortest",
        "subject",
        "takes_null",
    )

    def __init__(self, schemas: tuple[Any, ...], root: "_Root") -> None:
        """Take the schemas that speak of it; those after `_PERHAPS` may, and are trusted with nothing."""
        sure = schemas[: schemas.index(_PERHAPS)] if _PERHAPS in schemas else schemas
        flat = self._flat = list(root.flattened(schemas))
        self._root = root
        self.kind: Kind | None = gravest(root.kinds_of(flat))
        """What it is, when it is personal or a secret."""
        self.kind_of_names: Kind | None = gravest(
            kind for one in flat if "propertyNames" in one for kind in root.kinds_in(one["propertyNames"])
        )
        """What the names of its members are, beside those that the schema itself says."""
        self.subject = next((word for one in flat if (word := _subject_of(one))), "") or word_of(self.kind)
        """As what it names a person (`x-subject`, or what is personal of them); empty: it names nobody."""
        self.formats = tuple(_CHECKED_FORMATS[_form_of(one)] for one in flat if _form_of(one) in _CHECKED_FORMATS)
        self.is_typed = any(_is_typed(one, root, 0) for one in sure)
        """Whether its texts can only be what the schema says, so that nobody's words can stand there."""
        self.is_fixed = self.is_typed and not self.formats
        """Whether that is so as soon as the result satisfies the schema."""
        self._certain = list(root.unconditional(sure))
        self.is_chosen = self.is_typed and any("enum" in one or "const" in one for one in self._certain)
        """Whether every value is one that the schema itself lists."""
        self.longest = min((one["maxLength"] for one in flat if type(one.get("maxLength")) is int), default=None)
        self.shortest = max((one["minLength"] for one in flat if type(one.get("minLength")) is int), default=0)
        self.takes_null = any(one.get("type") == "null" or "null" in _listed(one.get("type")) for one in flat)
        self._patterns = [pattern for one in flat for pattern, _ in root.patterns(one)]
        self._extra = any(one.get(word, False) is not False for one in flat for word in _EXTRAS)
        self._extra = self._extra or any(_is_open_beside(one, root) for one in flat)
        says = any(isinstance(one.get(word), dict) for one in flat for word in ("properties", "patternProperties"))
        self.is_closed = (says or any(one.get(word) is False for one in flat for word in _EXTRAS)) and not self._extra
        """Whether it has no members beside those that are declared."""
        self._most_places = max(
            (len(_listed(one.get(word))) for one in flat for word in ("prefixItems", "items")), default=0
        )
        self._strangers: Shape | None = None
        self._each: Shape | None = None
        self._kinds_below: frozenset[Kind] | None = None
        held = tuple(one["contentSchema"] for one in flat if isinstance(one.get("contentSchema"), dict))
        self.held: Shape | None = root.shape((_PERHAPS, *held)) if held else None
        """What stands inside its text, where the text is a document of its own."""
        self.members: dict[str, Shape] = {}
        """Members by name, as far as their names stand in the schema."""
        for name in dict.fromkeys(name for one in flat for name, _ in _members_of(one, "properties")):
            self.members[name] = root.shape(self._of_member(name))
        self.has_parts = bool(self.members or self._patterns or self._extra) or any(
            word in one for one in flat for word in (*_OF_ENTRIES, "prefixItems")
        )
        self._subjects_below: bool | None = None
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
            kinds = {kind for one in self._whole() for kind in (one.kind, one.kind_of_names)}
            self._kinds_below = frozenset(kind for kind in kinds if kind is not None)
        return self._kinds_below

    @property
    def names_people(self) -> bool:
        """Whether somebody is named here or anywhere below."""
        if self._subjects_below is None:
            self._subjects_below = any(one.subject or word_of(one.kind_of_names) for one in self._whole())
        return self._subjects_below

    def _whole(self) -> "list[Shape]":
        """Return this shape and all below it."""
        seen: dict[int, Shape] = {id(self): self}
        waiting = [self]
        while waiting:
            new = {id(one): one for one in waiting.pop().below() if id(one) not in seen}
            seen.update(new)
            waiting += new.values()
        return list(seen.values())

    def below(self) -> list["Shape"]:
        """Return the shapes of every part that the schema says something of."""
        parts: list[Any] = [schema for one in self._flat for _, schema in self._root.patterns(one)]
        for one in self._flat:
            parts += [one[word] for word in _EXTRAS if word in one]
            for word in (*_OF_ENTRIES, "prefixItems"):
                parts += one[word] if isinstance(one.get(word), list) else [one[word]] if word in one else []
        shapes = [self._root.shape((part,)) for part in parts if isinstance(part, dict)]
        return [*self.members.values(), *shapes, *([] if self.held is None else [self.held])]

    def member(self, name: str) -> "Shape | None":
        """Return the shape of a member; None: it is not declared."""
        found = self.members.get(name)
        if found is not None:
            return found
        if self._patterns and any(pattern.search(name) for pattern in self._patterns):
            return self._root.shape(self._of_member(name))
        if self.is_closed:
            return None
        if self._strangers is None:
            self._strangers = self._made(self._of_member(None))
        return self._strangers

    def entry(self, at: int) -> "Shape":
        """Return the shape of an entry of a list."""
        if at < self._most_places:
            return self._made(self._of_entry(at))
        if self._each is None:
            self._each = self._made(self._of_entry(self._most_places))
        return self._each

    def _made(self, schemas: tuple[Any, ...]) -> "Shape":
        return self._root.shape(schemas) if schemas else FREE

    def _of_member(self, name: str | None) -> tuple[Any, ...]:
        """Return the schemas that could speak of a member; None: of one that no other word names."""
        sure: list[Any] = []
        perhaps: list[Any] = []
        for one in self._flat:
            own = self._root.of_member(one, name)
            # Where only a branch says what stands there another branch may hold: anybody's words can.
            (sure if self._surely_holds(one) else perhaps).extend(own)
            rest = one.get("unevaluatedProperties")
            if rest and not any(self._root.names(each, name) for each in self._root.unconditional((one,))):
                perhaps.append(rest)
        return _together(sure, perhaps)

    def _of_entry(self, at: int) -> tuple[Any, ...]:
        """Return the schemas that could speak of an entry of a list."""
        sure: list[Any] = []
        perhaps: list[Any] = []
        for one in self._flat:
            asserted, others = self._root.of_entry(one, at)
            (sure if self._surely_holds(one) else perhaps).extend(asserted)
            perhaps += others
            perhaps += [one["contains"]] if "contains" in one else []
            rest = one.get("unevaluatedItems")
            if rest and not any(self._root.of_entry(each, at)[0] for each in self._root.unconditional((one,))):
                perhaps.append(rest)
        return _together(sure, perhaps)

    def _surely_holds(self, one: dict[str, Any]) -> bool:
        return any(one is each for each in self._certain)


def _together(sure: list[Any], perhaps: list[Any]) -> tuple[Any, ...]:
    """Return each schema once, those that surely hold first; empty: nothing is said."""
    first = {id(one): one for one in sure if one is not False}
    then = {id(one): one for one in perhaps if one is not False and id(one) not in first}
    return (*first.values(), _PERHAPS, *then.values()) if then else tuple(first.values())


_NOT_SEEN: Final = object()
_KNOWS_PREFIX: Final = 2020
_LISTS_ITEMS: Final = (2019, 7, 6)


class _Root:
    """One schema document. Its shapes are made when they are met, so that a schema may contain itself."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self.dialect = dialect_of(document)
        self._shapes: dict[tuple[int, ...], Shape] = {}
        self._kept: list[tuple[Any, ...]] = []
        self._anchors = dict(_anchors(document))

    def shape(self, schemas: tuple[Any, ...]) -> Shape:
        """Return the shape of what these schemas speak of together. Raises UnreadableSchemaError where there are too many."""
        key = tuple(map(id, schemas))
        found = self._shapes.get(key)
        if found is None:
            if len(self._shapes) > _MOST_SCHEMAS:
                # Names from outside may meet in more ways than are remembered: this answer stays, and the next one begins anew.
                self._shapes.clear()
                self._kept.clear()
                raise UnreadableSchemaError
            found = self._shapes[key] = Shape.__new__(Shape)
            self._kept.append(schemas)  # an id names something only while it lives
            found.__init__(schemas, self)  # type: ignore[misc]
        return found

    def ignores_siblings(self, schema: Mapping[str, Any]) -> bool:
        """Tell whether nothing counts in a schema but its reference (draft 7 §8.3), or could not, for all that is known here."""
        return "$ref" in schema and (self.dialect is None or self.dialect < 2019)

    def unconditional(self, schemas: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
        """Yield the schemas that surely speak of the same place as `schemas`, whatever stands there."""
        if self.dialect is None:
            return
        seen: set[int] = set()
        waiting = list(schemas)
        while waiting:
            one = waiting.pop()
            if id(one) in seen or not isinstance(one, dict):
                continue
            seen.add(id(one))
            if "$ref" in one:
                waiting.append(self.target(one["$ref"]))
                if self.ignores_siblings(one):
                    continue
            yield one
            waiting += _listed(one.get("allOf"))

    def flattened(self, schemas: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
        """Yield every schema that could speak of the same place as `schemas`."""
        seen: set[int] = set()
        waiting = list(schemas)
        while waiting:
            one = waiting.pop()
            if id(one) in seen or not isinstance(one, dict):
                continue
            seen.add(id(one))
            yield one
            waiting += [self.target(one[word]) for word in _REFERENCES if word in one]
            for word in _OF_ONE_PLACE:
                waiting += _listed(one.get(word))
            waiting += [one[word] for word in _CONDITIONAL if word in one]
            waiting += [schema for word in _BY_NAME for _, schema in _members_of(one, word)]

    def kinds_of(self, flat: Iterable[dict[str, Any]]) -> Iterator[Kind]:
        """Yield what these schemas, which speak of one place, say that it is."""
        for one in flat:
            kind = kind_of(one)
            if kind is not None:
                yield kind
            for word, value in one.items():
                if type(value) in (dict, list) and word not in _SAYS_NOTHING:
                    forms = _FOLLOWED_AS.get(word)
                    if forms is None or not isinstance(value, forms):
                        # Nobody knows what it speaks of (`not`, words of others): of all that stands here.
                        yield from self.kinds_in(value)

    def kinds_in(self, value: Any) -> Iterator[Kind]:
        """Yield every annotation in a part of the document, and in what it refers to."""
        seen: set[int] = set()
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if id(one) in seen:
                continue
            if isinstance(one, list):
                seen.add(id(one))
                waiting += one
            elif isinstance(one, dict):
                seen.add(id(one))
                kind = annotated_as(one)
                if kind is not None:
                    yield kind
                waiting += [self.target(one[word]) for word in _REFERENCES if isinstance(one.get(word), str)]
                waiting += one.values()

    def patterns(self, schema: dict[str, Any]) -> list[tuple["_Linear", Any]]:
        """Return the patterns of names in a schema, with what stands under such names."""
        return [(_compiled(pattern), part) for pattern, part in _members_of(schema, "patternProperties")]

    def names(self, schema: dict[str, Any], name: str | None) -> bool:
        """Tell whether a schema itself says what stands under a name; None: under one that no other word names."""
        return bool(self.of_member(schema, name)) or "additionalProperties" in schema

    def of_member(self, schema: dict[str, Any], name: str | None) -> list[Any]:
        """Return what one schema, by itself, says of a member (JSON Schema 2020-12 §10.3.2)."""
        found: list[Any] = []
        if name is not None:
            found += [part for each, part in _members_of(schema, "properties") if each == name]
            found += [part for pattern, part in self.patterns(schema) if pattern.search(name)]
        if not found and "additionalProperties" in schema:
            found.append(schema["additionalProperties"])
        return found

    def of_entry(self, schema: dict[str, Any], at: int) -> tuple[list[Any], list[Any]]:
        """Return what one schema, by itself, says of an entry in the dialect of the document, and what it says in another one."""
        by_place, items = _listed(schema.get("prefixItems")), schema.get("items", _NOT_SEEN)
        rest = [schema["additionalItems"]] if "additionalItems" in schema else []
        placed = by_place[at : at + 1]
        if isinstance(items, list):
            # 2019-09 and before: entries by their places, and what follows them.
            found = items[at : at + 1] or rest
            return (found, placed) if self.dialect in _LISTS_ITEMS else ([], [*found, *placed])
        each = [] if items is _NOT_SEEN else [items]
        if self.dialect == _KNOWS_PREFIX:
            return (placed, rest) if placed else (each, rest)
        return ([], [*each, *placed, *rest]) if self.dialect is None else (each, [*placed, *rest])

    def target(self, reference: Any) -> Any:
        """Return what a reference inside the document points to. Raises UnreadableSchemaError."""
        try:
            return target_of(self._document, reference, self._anchors)
        except UnresolvedReferenceError:
            raise UnreadableSchemaError from None


def _anchors(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names that parts give themselves. Raises UnreadableSchemaError for a document inside the document."""
    waiting: list[tuple[Any, int]] = [(document, 0)]
    while waiting:
        schema, depth = waiting.pop()
        if depth > _MOST_DEPTH:
            raise UnreadableSchemaError
        if not isinstance(schema, dict):
            continue
        if schema is not document and is_document_inside(schema):
            raise UnreadableSchemaError
        for name in anchors_of(schema):
            yield name, schema
        waiting += [(part, depth + 1) for part in parts_of(schema)]


def _members_of(schema: dict[str, Any], word: str) -> Iterator[tuple[str, Any]]:
    found = schema.get(word)
    if isinstance(found, dict):
        yield from found.items()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _form_of(schema: Mapping[str, Any]) -> str:
    form = schema.get("format")
    return form if isinstance(form, str) else ""


def gravest(kinds: Iterable[Kind]) -> Kind | None:
    """Return the gravest of some kinds; None: there is none."""
    return min(kinds, key=_SERIOUS.index, default=None)


def kind_of(schema: Mapping[str, Any]) -> Kind | None:
    """Return what a schema itself says that a value is; None: nothing personal."""
    return annotated_as(schema) or _PERSONAL_FORMATS.get(_form_of(schema))


def annotated_as(schema: Mapping[str, Any]) -> Kind | None:
    """Return what `x-secret` and `x-pii` say; None: neither stands there, or it says `false`.

    A word that nobody knows was written by somebody who meant to hide it: whatever else stands there counts as a secret.
    """
    secret, kind = schema.get("x-secret"), schema.get("x-pii")
    if not (secret is None or secret is False):
        return "secret"
    if kind is None or kind is False:
        return None
    return _KINDS.get(kind, "secret") if isinstance(kind, str) else "secret"


_NAMES_NOBODY: Final = frozenset({"secret", "card", "address"})
"""What is personal, and no identifier by which anybody would be looked for."""
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,39}")


def _subject_of(schema: dict[str, Any]) -> str:
    said = schema.get("x-subject")
    if said is True:
        return "subject"
    return said if isinstance(said, str) and _SUBJECT.fullmatch(said) else ""


def word_of(kind: Kind | None) -> str:
    """Return as what somebody is named by what is personal of them; empty: it names nobody."""
    return "" if kind is None or kind in _NAMES_NOBODY else kind


def _is_typed(schema: Any, root: _Root, depth: int) -> bool:
    """Tell whether every text that `schema` takes is one that the schema itself describes."""
    if depth > 20 or not isinstance(schema, dict) or root.dialect is None:
        return False
    if root.ignores_siblings(schema):
        return _is_typed(root.target(schema["$ref"]), root, depth + 1)
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
    return kind_of(schema) is None and _is_typed(schema, _Root(schema), 0)


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
        for kind in root.kinds_of(root.flattened((member,))):
            yield name, kind
    for part in _below(schema):
        yield from _named_kinds(part, root)


def _below(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield whatever stands below a schema, but for values that only look like schemas."""
    for word, value in schema.items():
        if isinstance(value, dict) and _FOLLOWED_AS.get(word) == (dict,):
            yield from value.values()
        elif word not in DATA:
            yield value


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

_UNMADE: Final = object()


def shape_of(definition: Definition | None) -> Shape:
    """Return the shape of what a tool says it returns; FREE where it says nothing. Raises UnreadableSchemaError."""
    return FREE if definition is None else _kept(definition, "output_shape", "outputSchema")


def shape_of_arguments(definition: Definition | None) -> Shape:
    """Return the shape of what a tool is called with; FREE where it says nothing. Raises UnreadableSchemaError."""
    return FREE if definition is None else _kept(definition, "input_shape", "inputSchema")


def _kept(definition: Definition, name: str, member: str) -> Shape:
    found: Any = definition.made.get(name, _UNMADE)
    if found is _UNMADE:
        found = definition.made[name] = _made(definition.tool.get(member))
    if found is None:
        raise UnreadableSchemaError
    shape: Shape = found
    return shape


def _made(schema: Any) -> Shape | None:
    """Return the shape of a schema; None: nobody can follow it."""
    if schema is None:
        return FREE
    try:
        root = _Root(schema)
        shape = root.shape((schema,))
        shape.kinds_by_name = dict(sorted(_named_kinds(schema, root), key=_gravest_last))
    except (UnreadableSchemaError, RecursionError):
        return None
    return shape
