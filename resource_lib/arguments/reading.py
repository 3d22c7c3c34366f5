"""
A tool's schema, read as strictly as it is enforced: one document, of a dialect we know, that refers to nothing outside itself.

What is written in 2019-09, draft 7 or draft 6 is read into the words of 2020-12. What could not be held to is refused in words for
the author: a reference to elsewhere (never fetched), references that depend on who asks, a document inside the document, and what is so
large or so entangled that judging one call by it would take long.

JSON Schema 2020-12 core §7.1, §8, §10; SEP-1613 (2020-12 where no dialect is named).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from resource_lib.json_schema import (
    LISTS,
    MAPS,
    SINGLES,
    UnresolvedReferenceError,
    anchors_of,
    dialect_of,
    is_document_inside,
    parts_of,
    target_of,
)

MOST_DEPTH: Final = 64
MOST_NODES: Final = 10_000
MOST_REFERENCES: Final = 100
"""How deep parts may lie when references are followed."""
MOST_PATHS: Final = 20_000
"""How many rules may look at one value, counted through every reference."""

_REFUSED: Final = frozenset({"$dynamicRef", "$recursiveRef", "$vocabulary"})
_OF_THE_DOCUMENT: Final = frozenset(
    {"$schema", "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$defs", "definitions", "$comment"}
)
"""What names and keeps parts: written anew, or without effect."""
_ANCHOR: Final = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
_ANNOTATIONS: Final = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"})


class UnusableSchemaError(ValueError):
    """No call can be held to this schema. `str()` says why, to its author."""


class Document:
    """One schema with everything it refers to."""

    def __init__(self, schema: Any) -> None:
        """Take it. Raises UnusableSchemaError."""
        if not isinstance(schema, dict):
            raise UnusableSchemaError("inputSchema is no object")
        self.root: dict[str, Any] = schema
        self.names_its_dialect = schema.get("$schema") is not None
        known = dialect_of(schema)
        if known is None:
            raise UnusableSchemaError("$schema names a dialect that is not known here: write 2020-12, or leave it out")
        self._dialect = known
        self._anchors: dict[str, Any] = {}
        self._nodes: dict[int, dict[str, Any]] = {}
        self._named: dict[int, str] = {}
        self._every: list[dict[str, Any]] = []
        self._look_through()
        self._count()

    def node(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return one schema object in the words of 2020-12, without what names and keeps parts."""
        found = self._nodes.get(id(schema))
        if found is None:
            found = self._nodes[id(schema)] = self._read(schema)
        return found

    def target(self, reference: Any) -> Any:
        """Return the schema that a `$ref` means. Raises UnusableSchemaError for what is not in this document."""
        if not isinstance(reference, str):
            raise UnusableSchemaError("a $ref is no text")
        try:
            found = target_of(self.root, reference, self._anchors)
        except UnresolvedReferenceError as error:
            why = (
                "leads elsewhere, and nothing is fetched: put it into $defs"
                if error.leads_elsewhere
                else "leads nowhere"
            )
            raise UnusableSchemaError(f"$ref {reference[:100]!r} {why}") from None
        if not isinstance(found, dict | bool):
            raise UnusableSchemaError(f"$ref {reference[:100]!r} leads to no schema")
        if isinstance(found, dict):
            self._named.setdefault(id(found), reference.rpartition("#")[2].rsplit("/", 1)[-1])
        return found

    def in_place(self, node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Return what describes the same value as `node` itself, with its keyword; of `$ref` what it means."""
        if "$ref" in node:
            yield "$ref", self.target(node["$ref"])
        for keyword in ("if", "then", "else"):
            if keyword in node:
                yield keyword, node[keyword]
        for keyword in ("allOf", "anyOf", "oneOf"):
            for part in node.get(keyword, ()):
                yield keyword, part
        for part in node.get("dependentSchemas", {}).values():
            yield "dependentSchemas", part

    def name_of(self, target: Any) -> str:
        """Return a name for what a reference meant."""
        return re.sub(r"[^A-Za-z0-9_.-]", "_", unquote(self._named.get(id(target), "")))[:100] or "root"

    def anchor_of(self, target: Any) -> str | None:
        """Return the anchor that its author gave to what a reference meant; None: there is none that 2020-12 knows."""
        said = target.get("$anchor") if isinstance(target, dict) else None
        return said if isinstance(said, str) and _ANCHOR.fullmatch(said) else None

    def _read(self, schema: dict[str, Any]) -> dict[str, Any]:
        if not _REFUSED.isdisjoint(schema):
            raise UnusableSchemaError("$dynamicRef, $recursiveRef and $vocabulary cannot be held to: use $ref")
        if self._dialect < 2019 and "$ref" in schema:
            # Draft 7 §8.3: what stands beside a reference does not count.
            return {name: value for name, value in schema.items() if name == "$ref" or name in _ANNOTATIONS}
        found = {name: value for name, value in schema.items() if name not in _OF_THE_DOCUMENT}
        if self._dialect < 2020:
            _from_before(found)
        for keyword, value in found.items():
            _refuse_shapeless(keyword, value)
        return found

    def _look_through(self) -> None:
        """Take note of anchors, and refuse what is too large or a document inside the document."""
        for keeper in ("$defs", "definitions"):
            kept = self.root.get(keeper)
            for name, part in kept.items() if isinstance(kept, dict) else ():
                self._named.setdefault(id(part), name)  # where it stands in what callers are shown
        waiting: list[tuple[Any, int]] = [(self.root, 0)]
        seen = 0
        while waiting:
            schema, depth = waiting.pop()
            seen += 1
            if depth > MOST_DEPTH or seen > MOST_NODES:
                raise UnusableSchemaError("it is too large, or too deep, to hold a call to it")
            if not isinstance(schema, dict):
                continue
            self._every.append(schema)
            if schema is not self.root and "$id" in schema and (self._dialect >= 2019 or is_document_inside(schema)):
                raise UnusableSchemaError("a part of it has an $id of its own: use $anchor, or put it into $defs")
            for name in anchors_of(schema):
                self._anchor(name, schema)
            waiting += [(part, depth + 1) for part in parts_of(schema)]

    def _anchor(self, name: str, schema: dict[str, Any]) -> None:
        if self._anchors.setdefault(name, schema) is not schema:
            raise UnusableSchemaError(f"the anchor {name[:100]!r} stands twice")
        self._named.setdefault(id(schema), name)

    def _count(self) -> None:
        """Refuse what goes round in a circle, and what looks elsewhere so often that one value would be judged thousands of times."""
        known: dict[int, tuple[int, int]] = {}
        under_way: set[int] = set()

        def paths(schema: Any, depth: int) -> tuple[int, int]:
            """Return how many rules look at a value through `schema`, and how deep it is."""
            if not isinstance(schema, dict):
                return 1, 1
            if id(schema) in under_way:
                return 1, 1
            found, height = known.get(id(schema)) or (0, 0)
            if not found:
                under_way.add(id(schema))
                found = 1
                for keyword, value in self.node(schema).items():
                    parts = [self.target(value)] if keyword == "$ref" else _parts(keyword, value)
                    for part in parts:
                        more, below = paths(part, depth + 1)
                        found, height = found + more, max(height, below)
                under_way.discard(id(schema))
                height += 1
                known[id(schema)] = found, height
            if found > MOST_PATHS:
                raise UnusableSchemaError("its parts refer to each other too often to hold a call to it")
            if depth + height > MOST_REFERENCES:
                raise UnusableSchemaError("its parts lie too deep, when references are followed")
            return found, height

        paths(self.root, 0)
        done: set[int] = set()
        for schema in self._every:
            self._refuse_circles(schema, done, set())

    def _refuse_circles(self, schema: Any, done: set[int], under_way: set[int]) -> None:
        """Raise UnusableSchemaError where judging a value would lead back to the same question about the same value."""
        if not isinstance(schema, dict) or id(schema) in done:
            return
        if id(schema) in under_way:
            raise UnusableSchemaError(
                "a part of it refers to itself without going deeper, so that nobody could ever decide"
            )
        under_way.add(id(schema))
        node = self.node(schema)
        for _, part in self.in_place(node):
            self._refuse_circles(part, done, under_way)
        self._refuse_circles(node.get("not"), done, under_way)
        under_way.discard(id(schema))
        done.add(id(schema))


def has_own_members(node: Mapping[str, Any]) -> bool:
    """Tell whether a node itself says which members there are."""
    return "properties" in node or "patternProperties" in node


def _from_before(node: dict[str, Any]) -> None:
    """Put the words of 2019-09 and before into those of 2020-12."""
    items = node.get("items")
    if isinstance(items, list):
        node["prefixItems"] = node.pop("items")
        if "additionalItems" in node:
            node["items"] = node.pop("additionalItems")
    node.pop("additionalItems", None)
    dependencies = node.pop("dependencies", None)
    if isinstance(dependencies, dict):
        for name, needed in dependencies.items():
            keyword = "dependentRequired" if isinstance(needed, list) else "dependentSchemas"
            node[keyword] = {**node.get(keyword, {}), name: needed}


def _parts(keyword: str, value: Any) -> list[Any]:
    if keyword in SINGLES:
        return [value]
    if keyword in LISTS:
        return list(value)
    if keyword in MAPS:
        return list(value.values())
    return []


def _refuse_shapeless(keyword: str, value: Any) -> None:
    """Raise UnusableSchemaError where a keyword that holds schemas holds something else."""
    parts: list[Any]
    if keyword in SINGLES:
        parts = [value]
    elif keyword in LISTS:
        parts = value if isinstance(value, list) else [None]
    elif keyword in MAPS:
        parts = list(value.values()) if isinstance(value, dict) else [None]
    elif keyword == "required":
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise UnusableSchemaError("required is no list of names")
        return
    else:
        return
    if not all(isinstance(part, dict | bool) for part in parts):
        raise UnusableSchemaError(f"{keyword} holds something that is no schema")
