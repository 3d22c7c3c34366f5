"""
What an answer says of itself: anything at all, nothing of our inside, no whole rows, and what of it is personal.

Controls C34 to C36.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args

from resource_lib.json_schema import DATA, KEPT, MAPS
from resource_lib.lint import words
from resource_lib.lint.finding import Found, LintedTool
from resource_lib.lint.places import MOST_STEPS, Place, type_of
from resource_lib.output.kinds import Kind


def no_output_schema(tool: LintedTool) -> Found:
    """Find tools of which nobody knows what they return."""
    if not isinstance(tool.definition.get("outputSchema"), dict):
        yield "", "it declares no outputSchema, so nothing of an answer can be checked, dropped or redacted"


def internals(tool: LintedTool) -> Found:
    """Find members that are book-keeping."""
    for place in tool.results:
        if not place.is_item and (place.plain_name in words.INTERNALS or place.name.startswith(words.INTERNAL_STARTS)):
            yield place.at, f"{place.name!r} is book-keeping: does the model need it?"


def whole_rows(tool: LintedTool) -> Found:
    """Find answers that are as wide as a table, or as open as a dump."""
    for place in tool.results:
        for form in place.forms:
            if type_of(form) != "object":
                continue
            members = form.get("properties")
            many = len(members) if isinstance(members, dict) else 0
            if many > words.MOST_MEMBERS:
                yield place.at, f"{_named(place)} has {many} members: whole rows"
                break
            is_open = not many and not isinstance(form.get("additionalProperties"), dict)
            if is_open and form.get("additionalProperties") is not False:
                yield place.at, f"{_named(place)} may hold anything: whole rows pass through it"
                break


def personal(tool: LintedTool) -> Found:
    """Find members that look personal and do not say so."""
    is_of_a_person = {
        place.at.rpartition("/")[0] for place in tool.results if _kind(place) is not None and not place.is_item
    }
    for place in tool.results:
        if place.is_item or any("x-pii" in form for form in place.forms) or _holds_more(place):
            continue
        kind = _kind(place)
        if kind is None and place.plain_name in words.PERSONS_NAMES and place.at.rpartition("/")[0] in is_of_a_person:
            kind = "name"
        if kind is not None:
            yield place.at, f'{place.name!r} looks personal; say "x-pii": "{kind}"'


def annotation_words(tool: LintedTool) -> Found:
    """Find annotations that say nothing we know: what stands there is masked as a secret, which nobody may see."""
    for at, word, said in _annotations(tool.definition.get("outputSchema")):
        known = said is True if word == "x-secret" else said in get_args(Kind)
        if not known and said is not False and said is not None:
            may = "true" if word == "x-secret" else ", ".join(get_args(Kind))
            yield "", f"{at or '/'} of its outputSchema says {json.dumps({word: said})[:100]}, which is none of: {may}"


def _annotations(schema: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield each annotation, with its place in the schema: under any word, known or not."""
    waiting: list[tuple[str, Any, bool]] = [("", schema, False)]
    for _ in range(MOST_STEPS):
        if not waiting:
            return
        at, value, is_map = waiting.pop()
        if isinstance(value, dict):
            for word in () if is_map else ("x-secret", "x-pii"):
                if word in value:
                    yield at, word, value[word]
            waiting += [
                (f"{at}/{name}"[:200], part, not is_map and (name in MAPS or name in KEPT))
                for name, part in value.items()
                if is_map or name not in DATA
            ]
        elif isinstance(value, list):
            waiting += [(f"{at}/{number}"[:200], part, False) for number, part in enumerate(value)]


def _kind(place: Place) -> str | None:
    if any(form.get("format") in ("email", "idn-email") for form in place.forms):
        return "email"
    if not any(type_of(form) in ("string", "object", "array", "") for form in place.forms):
        return None
    return next((kind for kind, names in words.PERSONAL.items() if place.plain_name in names), None)


def _holds_more(place: Place) -> bool:
    """Tell whether its own members are looked at instead."""
    return bool(place.forms) and all(type_of(form) == "object" and form.get("properties") for form in place.forms)


def _named(place: Place) -> str:
    return f"an item of {place.name!r}" if place.is_item else repr(place.name)
