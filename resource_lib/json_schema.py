"""
What every reader of a JSON Schema here has to know: which keywords hold schemas, in which dialect, and what a reference means.

One document, and nothing outside it: nothing is ever fetched. JSON Schema 2020-12 core §7, §8, §10; RFC 6901.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

SINGLES: Final = frozenset(
    {"additionalProperties", "unevaluatedProperties", "unevaluatedItems", "items", "contains", "propertyNames", "not"}
    | {"if", "then", "else", "contentSchema"}
)
LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
"""The words of 2020-12 that hold one schema, a list of them, and one by each name."""
KEPT: Final = frozenset({"$defs", "definitions"})
"""Where schemas stand that only references give a meaning to."""
DATA: Final = frozenset({"enum", "const", "default", "examples", "example"})
"""Words that hold values: what looks like a schema there is none."""

_DIALECTS: Final = {
    "https://json-schema.org/draft/2020-12/schema": 2020,
    "https://json-schema.org/draft/2019-09/schema": 2019,
    "http://json-schema.org/draft-07/schema": 7,
    "https://json-schema.org/draft-07/schema": 7,
    "http://json-schema.org/draft-06/schema": 6,
}
_LONGEST_INDEX: Final = 6


class UnresolvedReferenceError(ValueError):
    """A reference that means nothing in its document. `leads_elsewhere`: to another one."""

    def __init__(self, *, leads_elsewhere: bool) -> None:
        super().__init__("it leads elsewhere" if leads_elsewhere else "it leads nowhere")
        self.leads_elsewhere = leads_elsewhere


def dialect_of(document: Any) -> int | None:
    """Return the dialect of a schema: 2020 (SEP-1613 where none is named), 2019, 7 or 6; None: one that is not known here."""
    said = document.get("$schema") if isinstance(document, Mapping) else None
    if said is None:
        return 2020
    return _DIALECTS.get(said.rstrip("#")) if isinstance(said, str) else None


def target_of(document: Any, reference: Any, anchors: Mapping[str, Any] | None = None) -> Any:
    """Return what a `$ref` means: a pointer, or a name of `anchors`, in this very document. Raises UnresolvedReferenceError."""
    if not isinstance(reference, str):
        raise UnresolvedReferenceError(leads_elsewhere=False)
    address, _, fragment = reference.partition("#")
    if address and address != _id_of(document):
        raise UnresolvedReferenceError(leads_elsewhere=True)
    fragment = unquote(fragment)
    if fragment and not fragment.startswith("/"):
        if anchors is None or fragment not in anchors:
            raise UnresolvedReferenceError(leads_elsewhere=False)
        return anchors[fragment]
    found = document
    for step in fragment.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and len(name) < _LONGEST_INDEX and int(name) < len(found):
            found = found[int(name)]
        else:
            raise UnresolvedReferenceError(leads_elsewhere=False)
    return found


def parts_of(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Return everything that could be a schema right below `schema`, in any dialect."""
    for keyword, value in schema.items():
        if isinstance(value, dict):
            if keyword in MAPS or keyword in KEPT or keyword == "dependencies":
                yield from value.values()
            elif keyword in SINGLES or keyword == "additionalItems":
                yield value
        elif isinstance(value, list) and (keyword in LISTS or keyword == "items"):
            yield from value


def anchors_of(schema: Mapping[str, Any]) -> Iterator[str]:
    """Return the names that a schema gives itself, which references may use; draft 6 and 7 wrote them as an `$id`."""
    for word in ("$anchor", "$dynamicAnchor"):
        if isinstance(schema.get(word), str):
            yield schema[word]
    own = schema.get("$id")
    if isinstance(own, str) and own.startswith("#") and len(own) > 1:
        yield own[1:]


def is_document_inside(schema: Mapping[str, Any]) -> bool:
    """Tell whether a part of a schema is a document of its own, in which references mean something else."""
    own = schema.get("$id")
    return own is not None and not (isinstance(own, str) and own.startswith("#"))


def _id_of(document: Any) -> str:
    own = document.get("$id") if isinstance(document, Mapping) else None
    return own.rstrip("#") if isinstance(own, str) else ""
