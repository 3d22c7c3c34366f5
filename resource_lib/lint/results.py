"""
What an answer says of itself: anything at all, nothing of our inside, no whole rows, and what of it is personal.

Controls C34 to C36.
"""

from resource_lib.lint import words
from resource_lib.lint.finding import Found, LintedTool
from resource_lib.lint.places import Place, type_of


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
