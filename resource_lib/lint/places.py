"""
Where values stand in a JSON Schema: each named place with all the forms that a value there may have.

References inside the schema are followed, `anyOf`, `oneOf` and lists of types are told apart, `allOf` is read as one. Nothing outside
is fetched. A schema that is too deep or too large is read as far as the bounds go.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resource_lib.json_schema import UnresolvedReferenceError, target_of

MOST_DEPTH: Final = 16
MOST_PLACES: Final = 1000
MOST_FORMS: Final = 16
MOST_STEPS: Final = 5000

Form = Mapping[str, Any]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name such as `order_id`, `orderId` or `order-id`, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One place for a value. `at` is its JSON pointer among the values: `/filters/status`, `/ids/*`."""

    at: str
    name: str
    """Of the member; for an item, the name of its list."""
    forms: tuple[Form, ...]
    """What a value may be there, null left out; empty: nothing but null, or nothing that is said."""
    description: str
    around: tuple[str, ...]
    """The names beside it, in the same object."""
    is_item: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its name."""
        return words_of(self.name)

    @property
    def plain_name(self) -> str:
        """Its name with words joined by `_`, so that `orderId` is `order_id`."""
        return "_".join(self.words)

    @property
    def is_chosen(self) -> bool:
        """Whether every value is one of a list that the author wrote."""
        return bool(self.forms) and all("enum" in form or "const" in form for form in self.forms)

    @property
    def is_text(self) -> bool:
        """Whether a value may be a text of the caller's own."""
        return any(
            type_of(form) in ("string", "") and "enum" not in form and "const" not in form for form in self.forms
        )


def arguments_of(schema: Any) -> tuple[Place, ...]:
    """Return the places of an input schema, outermost first."""
    return _read(schema)


def results_of(schema: Any) -> tuple[Place, ...]:
    """Return the places of an output schema."""
    return _read(schema)


def type_of(form: Form) -> str:
    """Return the one type of a form; empty: it says none."""
    said = form.get("type")
    if isinstance(said, str):
        return said
    if "properties" in form or "additionalProperties" in form:
        return "object"
    return "array" if "items" in form or "prefixItems" in form else ""


def references(schema: Any) -> Iterator[str]:
    """Return every `$ref` and `$dynamicRef` in a schema, wherever it stands."""
    waiting, seen = [schema], 0
    while waiting and seen < 20 * MOST_PLACES:
        value, seen = waiting.pop(), seen + 1
        if isinstance(value, Mapping):
            for name in ("$ref", "$dynamicRef"):
                if isinstance(value.get(name), str):
                    yield value[name]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _read(schema: Any) -> tuple[Place, ...]:
    if not isinstance(schema, Mapping):
        return ()
    reading = _Reading(schema)
    reading.members(schema, "", 0)
    return tuple(reading.found.values())


class _Reading:
    """One walk through one schema, of so many steps and no more."""

    def __init__(self, root: Form) -> None:
        self._root = root
        self._left = MOST_STEPS
        self.found: dict[str, Place] = {}

    def members(self, schema: Any, at: str, depth: int) -> None:
        if depth > MOST_DEPTH:
            return
        for form in self.forms(schema):
            properties = form.get("properties")
            if isinstance(properties, Mapping):
                around = tuple(str(name) for name in properties)
                for name, inside in properties.items():
                    self._place(inside, f"{at}/{_escaped(str(name))}", str(name), around, depth)
            for inside in (form.get("additionalProperties"), form.get("items")):
                if isinstance(inside, Mapping) and inside:
                    self._place(inside, f"{at}/*", _last(at), (), depth, is_item=True)
            before = form.get("prefixItems")
            for number, inside in enumerate(before if isinstance(before, list) else ()):
                self._place(inside, f"{at}/{number}", _last(at), (), depth, is_item=True)

    def _place(
        self, schema: Any, at: str, name: str, around: tuple[str, ...], depth: int, *, is_item: bool = False
    ) -> None:
        if at in self.found or len(self.found) >= MOST_PLACES or self._left <= 0:
            return
        forms = tuple(form for form in self.forms(schema) if form.get("type") != "null")
        said = [form.get("description") for form in ({} if not isinstance(schema, Mapping) else schema, *forms)]
        description = " ".join(dict.fromkeys(text for text in said if isinstance(text, str)))
        self.found[at] = Place(at=at, name=name, forms=forms, description=description, around=around, is_item=is_item)
        self.members(schema, at, depth + 1)

    def forms(self, schema: Any, depth: int = 0) -> Sequence[Form]:
        """Return what a value of `schema` may be, one form for each alternative and each type."""
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > MOST_DEPTH or self._left <= 0:
            return [{}]
        whole: dict[str, Any] = dict(schema)
        reference = whole.pop("$ref", None)
        if isinstance(reference, str):
            whole = {**_referred(self._root, reference), **whole}
            if "$ref" in whole:
                return self.forms(whole, depth + 1)
        parts = whole.pop("allOf", None)
        for part in parts if isinstance(parts, list) else ():
            for form in self.forms(part, depth + 1)[:1]:
                whole = {**form, **whole}
        for word in ("anyOf", "oneOf"):
            branches = whole.pop(word, None)
            if isinstance(branches, list) and branches:
                found = [form for branch in branches[:MOST_FORMS] for form in self.forms(branch, depth + 1)]
                return [each for form in found for each in self.forms({**whole, **form}, depth + 1)][:MOST_FORMS]
        types = whole.get("type")
        if isinstance(types, list):
            return [dict(whole, type=one) for one in types[:MOST_FORMS] if isinstance(one, str)]
        return [whole]


def _referred(root: Form, reference: str) -> dict[str, Any]:
    """Return what a local reference names; nothing for any other."""
    try:
        value = target_of(root, reference)
    except UnresolvedReferenceError:
        return {}
    return dict(value) if isinstance(value, Mapping) and value is not root else {}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _last(at: str) -> str:
    """Return the name of the nearest member around an item."""
    named = [step for step in at.split("/") if step and step != "*" and not step.isdigit()]
    return named[-1].replace("~1", "/").replace("~0", "~") if named else ""
