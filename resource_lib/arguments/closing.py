"""
The closed form of a schema: nothing extra at any level that says what it holds, and never more than its author accepts.

A level is closed once, from its outside: by `additionalProperties: false` where it says all of itself, by `unevaluatedProperties:
false` where it is put together from parts (JSON Schema 2020-12 core §11.3). What its author says of further members stands. Where a
narrower part would let more through (`not`, `if`, `oneOf` of forms that overlap), the author's own words are kept, and the closed ones
added beside them. What is shared by reference is written once for each way in which it is used.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

from resource_lib.arguments.reading import Document, UnusableSchemaError, has_own_members
from resource_lib.json_schema import LISTS, MAPS, SINGLES

_SAYS_THE_REST: Final = frozenset({"additionalProperties", "unevaluatedProperties"})


class _Use(StrEnum):
    SEALED = "closed"
    """It alone describes a value: what it does not name is refused."""
    OPEN = "part"
    """One of several that describe the same value together: only what lies deeper is closed."""
    EXACT = "exact"
    """Word for word, because less here would be more elsewhere."""


_DEEPER: Final = frozenset(
    {"additionalProperties", "unevaluatedProperties", "unevaluatedItems", "items", "properties", "patternProperties"}
    | {"prefixItems"}
)
"""Keywords that describe other values than the one at hand."""
_BESIDE: Final = frozenset({"allOf", "anyOf", "then", "else", "dependentSchemas"})
"""Keywords that describe the value at hand, and let less through when they say less."""


def closed(schema: Any) -> dict[str, Any]:
    """Return the closed form of the schema of a tool's arguments. Raises UnusableSchemaError."""
    return _Closing(Document(schema)).whole(_Use.SEALED)


def exact(schema: Any) -> dict[str, Any]:
    """Return a schema in the words of 2020-12, with nothing added. Raises UnusableSchemaError."""
    return _Closing(Document(schema)).whole(_Use.EXACT)


class _Closing:
    """Rewrites one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names: dict[tuple[int, _Use], str] = {}
        self._written: dict[str, Any] = {}
        self._anchors: set[str] = set()

    def whole(self, use: _Use) -> dict[str, Any]:
        """Return the root, with whatever it refers to."""
        root = self._document.root
        self._names[id(root), use] = "#"
        found = self._of(root, use)
        assert isinstance(found, dict)
        if self._document.names_its_dialect:
            found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
        return {**found, "$defs": self._written} if self._written else found

    def _of(self, schema: Any, use: _Use) -> Any:
        if isinstance(schema, bool):
            return schema
        node = self._document.node(schema)
        if use is _Use.SEALED:
            return self._sealed(node)
        return self._rewritten(node, use)

    def _sealed(self, node: Mapping[str, Any]) -> dict[str, Any]:
        if not _SAYS_THE_REST.isdisjoint(node):
            return self._rewritten(node, _Use.OPEN)
        has_own = has_own_members(node)
        parts = [keyword for keyword, part in self._document.in_place(node) if self._declares(part)]
        if not has_own and not parts:
            return self._rewritten(node, _Use.OPEN)
        if not parts:
            return {**self._rewritten(node, _Use.OPEN), "additionalProperties": False}
        if not has_own and self._is_all_said_by(node, parts):
            return self._rewritten(node, _Use.OPEN, sealed=parts[0])
        self._refuse_two_views(node)
        return {**self._rewritten(node, _Use.OPEN), "unevaluatedProperties": False}

    def _is_all_said_by(self, node: Mapping[str, Any], parts: list[str]) -> bool:
        """Tell whether one keyword alone says which members there are, so that each of its parts can be closed in itself."""
        if len(set(parts)) > 1:
            return False
        keyword = parts[0]
        if keyword == "oneOf":
            return self._exclude_each_other(node["oneOf"])
        return keyword in ("$ref", "anyOf") or (keyword == "allOf" and len(parts) == 1)

    def _rewritten(self, node: Mapping[str, Any], use: _Use, *, sealed: str = "") -> dict[str, Any]:
        """Return a node in the wanted use; the parts of the keyword `sealed` are closed in themselves."""
        found: dict[str, Any] = {}
        also: list[Any] = []
        for keyword, value in node.items():
            beside = _Use.SEALED if keyword == sealed else use
            if keyword == "$ref":
                found[keyword] = self._reference(self._document.target(value), beside)
            elif keyword == "oneOf" and use is not _Use.EXACT and not self._exclude_each_other(value):
                found[keyword] = [self._of(part, _Use.EXACT) for part in value]
                narrow = [self._of(part, use) for part in value]
                if narrow != found[keyword]:
                    also.append({"anyOf": narrow})
            else:
                found[keyword] = self._value(keyword, value, self._use_below(keyword, node, use, beside))
        if also:
            found["allOf"] = [*found.get("allOf", ()), *also]
        return found

    def _use_below(self, keyword: str, node: Mapping[str, Any], use: _Use, beside: _Use) -> _Use:
        if use is _Use.EXACT:
            return use
        if keyword in _DEEPER:
            return _Use.SEALED
        if keyword == "contains":
            # Fewer matches are less only where nothing counts them from above.
            return _Use.EXACT if "maxContains" in node or node.get("minContains") == 0 else _Use.SEALED
        if keyword in _BESIDE or keyword == "oneOf":
            return beside
        return _Use.EXACT

    def _value(self, keyword: str, value: Any, use: _Use) -> Any:
        if keyword in SINGLES:
            return self._of(value, use)
        if keyword in LISTS:
            return [self._of(part, use) for part in value]
        if keyword in MAPS:
            return {name: self._of(part, use) for name, part in value.items()}
        return value

    def _reference(self, target: Any, use: _Use) -> str:
        key = id(target), use
        name = self._names.get(key)
        if name == "#":
            return name
        if name is None:
            taken = {*self._names.values()}
            base = self._document.name_of(target)
            choices: Iterator[str] = (base if n == 0 else f"{base}_{use}{n if n > 1 else ''}" for n in range(10_000))
            name = self._names[key] = next(choice for choice in choices if choice not in taken)
            self._written[name] = None  # keeps its place
            written = self._of(target, use)
            # What refers to it says where it stands; the name is for whoever reads the list, and one document has it once.
            anchor = self._document.anchor_of(target)
            if anchor is not None and anchor not in self._anchors and isinstance(written, dict):
                self._anchors.add(anchor)
                written = {"$anchor": anchor, **written}
            self._written[name] = written
        return f"#/$defs/{name}"

    def _declares(self, schema: Any, seen: frozenset[int] = frozenset()) -> bool:
        """Tell whether a part says which members there are."""
        if isinstance(schema, bool) or id(schema) in seen:
            return False
        node = self._document.node(schema)
        if has_own_members(node) or not _SAYS_THE_REST.isdisjoint(node):
            return True
        seen |= {id(schema)}
        return any(self._declares(part, seen) for _, part in self._document.in_place(node))

    def _exclude_each_other(self, parts: list[Any]) -> bool:
        """Tell whether no value can be of two of these forms: by its type, or by a member that must be there."""
        nodes = [self._plain(part) for part in parts]
        types = [_types(node) for node in nodes]
        if all(types) and _are_apart(types):
            return True
        shared = frozenset.intersection(*(frozenset(node.get("required", ())) for node in nodes))
        return any(_are_apart([self._constants(node, name) for node in nodes]) for name in sorted(shared))

    def _constants(self, node: Mapping[str, Any], name: str) -> frozenset[str]:
        """Return the only texts that a member may be; empty where it may be something else, or the value no object."""
        if _types(node) != {"object"}:
            return frozenset()
        member = self._plain(node.get("properties", {}).get(name))
        allowed = [member["const"]] if "const" in member else member.get("enum")
        if not isinstance(allowed, list) or not all(isinstance(text, str) for text in allowed):
            return frozenset()
        return frozenset(allowed)

    def _plain(self, schema: Any) -> Mapping[str, Any]:
        """Return what a schema says at its own level, through a reference."""
        for _ in range(10):
            if not isinstance(schema, dict):
                return {}
            node = self._document.node(schema)
            if "$ref" not in node:
                return node
            schema = self._document.target(node["$ref"])
        return {}

    def _refuse_two_views(self, node: Mapping[str, Any]) -> None:
        """Raise UnusableSchemaError where two parts describe one member differently: closed in each, it could never be right."""
        self._views(node, frozenset())

    def _views(self, schema: Any, seen: frozenset[int]) -> dict[str, Any]:
        """Return the members of the value at hand that are put together of members themselves, and who describes them."""
        if isinstance(schema, bool) or id(schema) in seen:
            return {}
        seen |= {id(schema)}
        node = self._document.node(schema)
        found = {name: part for name, part in node.get("properties", {}).items() if self._declares(part)}
        for keyword, part in self._document.in_place(node):
            for name, view in self._views(part, seen).items():
                if keyword not in ("anyOf", "oneOf") and name in found and found[name] != view:
                    raise UnusableSchemaError(
                        f"two parts describe the member {name!r} differently, so that neither can be closed: describe it once"
                    )
                found.setdefault(name, view)
        return found


def _types(node: Mapping[str, Any]) -> frozenset[str]:
    said = node.get("type")
    names = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    # Every integer is a number.
    return frozenset("number" if name == "integer" else name for name in names)


def _are_apart(sets: list[frozenset[str]]) -> bool:
    return all(sets) and sum(map(len, sets)) == len(frozenset().union(*sets))
