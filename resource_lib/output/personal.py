"""
Nobody's personal data leaves without the right to it, and no secret at all.

First by the output schema: what `x-pii` or `x-secret` stands at is masked, in its type and form; what was masked there is masked
wherever else in the answer it stands, in words, in `_meta`, in a resource. Then the detectors read every text that no schema describes.
A text that can only be what its schema says (`enum`, `const`, a narrow `pattern`, a checked `format`) is not read, and numbers are not, beside
those that are annotated. C34.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from resource_lib.output.conforming import is_held_to_schema
from resource_lib.output.declared import shape_for
from resource_lib.output.detectors import masked, names_a_secret, redacted, redacted_value
from resource_lib.output.documents import with_documents
from resource_lib.output.forms import without_values
from resource_lib.output.free_texts import ECHOED
from resource_lib.output.kinds import Kind
from resource_lib.output.known_words import KnownWords
from resource_lib.output.leaving import Leaving, WithheldError
from resource_lib.output.mirrors import STRUCTURE, json_of
from resource_lib.output.own_words import put_back, set_aside
from resource_lib.output.settings import Output
from resource_lib.output.shape import FREE, Shape, gravest
from resource_lib.output.texts import free_name, texts_of, with_every_text
from resource_lib.output.unasked import says_something

_PLACES: Final = frozenset(
    {"city", "town", "country", "countrycode", "country_code", "addresscountry", "addresslocality"}
)
"""Members of an address that may be shown."""
_NEVER_PERSONAL: Final = frozenset({"type", "progressToken", "requestId", "taskId"})
"""Members of the protocol's own, whatever a tool calls by these names."""
_MOST_INSIDE: Final = 4
"""How deep documents inside documents are read."""


def personal(result: Mapping[str, Any], leaving: Leaving) -> Mapping[str, Any]:
    """Return what leaves of a result, an error, or what a server says meanwhile, without personal data and secrets."""
    if type(result) is not dict:
        return result
    if leaving.others is not None and leaving.others.is_uncertain and says_something(result):
        raise WithheldError(
            "nobody knows what may stand in it",
            message=f"What {leaving.tool or leaving.method} says is withheld: it cannot be looked through now. Try again later.",
        )
    shape = shape_for(leaving) if leaving.tool else FREE
    look = _Look(shape, leaving, trusts_types=leaving.is_tool_result and is_held_to_schema(result, leaving))
    aside = set_aside(result, leaving.own_words, is_error=leaving.part == "error")
    found = look.result(aside)
    leaving.taught = look.known or None
    return put_back(found, aside, result)


def hidden(value: Any, shape: Shape) -> Any:
    """Return a JSON value as nobody may see it who has no right to what is personal in it: for whatever is kept of arguments."""
    look = _Look(shape, Leaving(settings=Output()), trusts_types=False)
    return look.value(value)


class _Look:
    """One pass over one result."""

    def __init__(self, shape: Shape, leaving: Leaving, *, trusts_types: bool) -> None:
        self._shape = shape
        self._leaving = leaving
        self._trusts_types = trusts_types
        self._sees = leaving.sees_personal
        others = leaving.others
        self._kinds = shape.kinds_by_name if others is None else {**shape.kinds_by_name, **others.names}
        self._others = () if others is None else others.words
        if self._sees:
            self._kinds = {name: kind for name, kind in self._kinds.items() if kind == "secret"}
        self.known = KnownWords()

    def value(self, value: Any) -> Any:
        """Return a value of which the shape is that of the whole."""
        if self._shape.kinds_below:
            value = self._annotated(value, self._shape, None)
        return self._whole("", value)

    def result(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        structure = result.get(STRUCTURE) if self._leaving.is_tool_result else None
        shown = structure
        has_kinds = "secret" in self._shape.kinds_below if self._sees else bool(self._shape.kinds_below)
        has_names = has_kinds or bool(self._kinds)
        if structure is not None and has_kinds:
            shown = self._annotated(structure, self._shape, None)
        if has_names:
            # What is said in other words, by the same names.
            rest = {name: member for name, member in result.items() if name != STRUCTURE or structure is None}
            named = without_values(rest, self._leaving, self._kinds, self._by_name, self._hide)
            if named is not rest:
                result = {**result, **named}
        if structure is not None:
            shown = self._read(shown, self._shape)
        changed: dict[str, Any] | None = None
        for name, member in result.items():
            other = shown if name == STRUCTURE and structure is not None else self._free(name, member)
            if other is not member:
                changed = dict(result) if changed is None else changed
                changed[name] = other
        return result if changed is None else changed

    # By the schema

    def _annotated(self, value: Any, shape: Shape, inherited: Kind | None) -> Any:
        """Return a part of the structure with what is annotated masked; `inherited`: what the whole around it is."""
        own = self._hidden(shape.kind)
        kind = own or inherited
        if type(value) is dict:
            changed: dict[str, Any] | None = None
            members = shape.members
            named = self._hidden(shape.kind_of_names)
            if named is not None:
                value = self._without_names(value, shape, named)
            for name, member in value.items():
                of_it = members.get(name) or shape.member(name) or FREE
                if kind is None and not of_it.kinds_below:
                    continue
                inner = None if kind == "address" and name.lower() in _PLACES else kind
                other = self._annotated(member, of_it, inner)
                if other is not member:
                    changed = dict(value) if changed is None else changed
                    changed[name] = other
            return value if changed is None else changed
        if type(value) is list:
            if kind is None and not shape.kinds_below:
                return value
            others = [self._annotated(entry, shape.entry(at), kind) for at, entry in enumerate(value)]
            return value if all(new is old for new, old in zip(others, value, strict=True)) else others
        if kind is None and shape.held is not None and type(value) is str:
            return self._annotated_inside(value, shape.held)
        if kind is None or (own is None and shape.is_chosen and self._trusts_types):
            return value
        return self._mask(value, kind, shape)

    def _hidden(self, kind: Kind | None) -> Kind | None:
        """Return the kind where the caller may not see it."""
        return kind if kind == "secret" or not self._sees else None

    def _annotated_inside(self, text: str, shape: Shape) -> str:
        """Return a text that is a document of its own with what is annotated in it masked; as a whole where nobody can read it."""
        said = json_of(text)
        if said is not None:
            other = self._annotated(said, shape, None)
            return text if other is said else _dumped(other, like=text)
        kind = gravest(kind for kind in shape.kinds_below if self._hidden(kind) is not None)
        return text if kind is None else str(self._mask(text, kind, FREE))

    def _without_names(self, value: dict[str, Any], shape: Shape, kind: Kind) -> dict[str, Any]:
        """Return an object without the names of its members that its schema does not say itself."""
        found: dict[str, Any] = {}
        for name, member in value.items():
            other = name if name in shape.members else str(self._mask(name, kind, FREE))
            found[free_name(other, found)] = member
        return found if found.keys() != value.keys() else value

    def _mask(self, value: Any, kind: Kind, shape: Shape) -> Any:
        other: Any
        if type(value) is str:
            other = _fitted(masked(kind, value), shape) if value else value
            if other == value:
                return value
            self.known.learn(value, other, kind)
            self._learn_inside(value, kind)
        elif type(value) in (int, float):
            if not value:
                return value
            other = None if shape.takes_null else 0
            self.known.learn(json.dumps(value), "***", kind)
        elif value is True and kind == "secret":
            other = False
        else:
            return value
        self._leaving.note(kind)
        return other

    def _learn_inside(self, text: str, kind: Kind, most: int = _MOST_INSIDE) -> None:
        """Learn what stands in a document that is hidden as a whole, and in documents inside it."""
        said = json_of(text)
        for inner in () if said is None else texts_of(said):
            self.known.learn(inner, masked(kind, inner), kind)
            if most > 1:
                self._learn_inside(inner, kind, most - 1)

    def _hide(self, value: Any, kind: Kind) -> Any:
        return self._annotated(value, FREE, kind)

    def _by_name(self, value: Any) -> Any:
        """Return a part that no schema describes with what stands under the names of annotated members masked."""
        kind = type(value)
        if kind is str:
            said = json_of(value)
            if type(said) is not dict and type(said) is not list:
                return with_documents(value, self._by_name)
            other = self._by_name(said)
            return value if other is said else _dumped(other, like=value)
        if kind is dict:
            changed: dict[str, Any] | None = None
            for name, member in value.items():
                if name in _NEVER_PERSONAL and type(member) is not dict and type(member) is not list:
                    continue
                pii = self._kinds.get(name)
                other = self._by_name(member) if pii is None else self._annotated(member, FREE, pii)
                if other is not member:
                    changed = dict(value) if changed is None else changed
                    changed[name] = other
            return value if changed is None else changed
        if kind is list:
            others = [self._by_name(entry) for entry in value]
            return value if all(new is old for new, old in zip(others, value, strict=True)) else others
        return value

    # By what the schema has taught

    def _without_known(self, text: str) -> str:
        """Return a text without what was masked in the structure."""
        said = json_of(text)
        if said is not None:
            other = with_every_text(said, self._without_known)
            if other is not said:
                return _dumped(other, like=text)
        found, count = self.known.without(text) if self.known else (text, 0)
        for words in self._others:
            found, more = words.without(found)
            count += more
        if count:
            self._leaving.note("repeated", count)
        return found

    # By the detectors

    def _read(self, value: Any, shape: Shape) -> Any:
        """Return a part of the structure with every text read that its schema does not describe."""
        kind = type(value)
        trusts = self._trusts_types
        if kind is dict:
            changed: dict[str, Any] | None = None
            members = shape.members
            for name, member in value.items():
                of_it = members.get(name)
                of = type(member)
                if of_it is None:
                    other_name, other = self._stranger(name, member, shape)
                elif of is str:
                    if trusts and of_it.is_fixed:
                        continue
                    other_name, other = name, self._member(name, member, of_it)
                elif of is dict or of is list:
                    other_name, other = name, self._member(name, member, of_it)
                else:
                    continue
                if other is not member or other_name is not name:
                    changed = dict(value) if changed is None else changed
                    if other_name is not name:
                        del changed[name]
                    changed[other_name] = other
            return value if changed is None else changed
        if kind is list:
            changed_list: list[Any] | None = None
            for at, entry in enumerate(value):
                of_it = shape.entry(at)
                if type(entry) is dict and of_it.has_parts:
                    other = self._read(entry, of_it)
                else:
                    other = self._member("", entry, of_it)
                if other is not entry:
                    changed_list = list(value) if changed_list is None else changed_list
                    changed_list[at] = other
            return value if changed_list is None else changed_list
        return self._member("", value, shape)

    def _stranger(self, name: str, member: Any, shape: Shape) -> tuple[str, Any]:
        """Return a member whose name no schema says: the name may be somebody's words as well."""
        other_name = self._text(name)
        return other_name, self._member(name, member, shape.member(name) or FREE)

    def _member(self, name: str, member: Any, shape: Shape) -> Any:
        kind = type(member)
        if kind is str:
            if shape.kind is not None and not self._sees:
                return member  # masked already, and a mask is nothing to find
            if self._trusts_types and shape.is_typed and shape.has_form(member):
                return member
            return self._named(name, member) if name and names_a_secret(name) else self._text(member)
        if kind is dict or kind is list:
            if not shape.has_parts:
                return self._whole(name, member)
            return self._read(member, shape)
        if kind is int and shape is FREE:
            return self._whole(name, member)
        return member

    def _named(self, name: str, member: str) -> str:
        return str(self._whole(name, member))

    def _whole(self, name: str, member: Any) -> Any:
        """Return a part of which nothing is said, read as a whole."""
        if self.known or self._others:
            member = with_every_text(member, self._without_known, name)
        if not self._leaving.settings.detect:
            return member
        holder = {name: member}
        found, counts = redacted_value(holder, personal=not self._sees)
        for kind, count in counts.items():
            self._leaving.note(kind, count)
        return member if found is holder else next(iter(found.values()))

    def _free(self, name: str, member: Any) -> Any:
        if name in ECHOED and type(member) is not dict and type(member) is not list:
            return member
        return self._whole(name, member)

    def _text(self, text: str) -> str:
        if self.known or self._others:
            text = self._without_known(text)
        if not self._leaving.settings.detect:
            return text
        found, counts = redacted(text, personal=not self._sees)
        for kind, count in counts.items():
            self._leaving.note(kind, count)
        return found


def _fitted(mask: str, shape: Shape) -> str:
    """Return a mask of a length that the schema takes."""
    if shape.longest is not None:
        mask = mask[: shape.longest]
    return mask.ljust(shape.shortest, "*")


def _dumped(value: Any, *, like: str) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2 if "\n" in like else None)
