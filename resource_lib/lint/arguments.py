"""
What an argument may carry that it should not: code, paths, addresses, somebody else's rows, and more than anybody needs.

Controls C22, C26, C27, C29, C30.
"""

from collections.abc import Iterator

from resource_lib.lint import bounds, words
from resource_lib.lint.finding import Found, LintedTool
from resource_lib.lint.places import Place, references, type_of
from resource_lib.safe.launchers import is_interpreter


def _texts(tool: LintedTool) -> Iterator[Place]:
    """Return the arguments into which a caller writes freely, lists of such texts once."""
    for place in tool.arguments:
        if place.is_text and not place.is_chosen:
            yield place


def raw_sql(tool: LintedTool) -> Found:
    """Find texts that become a query."""
    near = {"sql", "database", "db", "warehouse", "postgres", "postgresql", "mysql", "sqlite", "bigquery"} & set(
        tool.words
    )
    for place in _texts(tool):
        says = bool(words.SAYS_SQL.search(place.description)) and not words.SAYS_NO_SQL.search(place.description)
        is_denied = bool(words.SAYS_NO_SQL.search(place.description))
        named = words.SQL_WORDS & set(place.words) or place.plain_name in words.SQL_NAMES
        carries = place.plain_name in words.SQL_CARRIERS
        if not is_denied and (
            named or (carries and (says or (near and place.plain_name in {"query", "statement", "q"})))
        ):
            yield place.at, f"{place.name!r} takes a query of the caller's own"


def shell_command(tool: LintedTool) -> Found:
    """Find texts that become a command or a program."""
    for place in _texts(tool):
        named = words.SHELL_WORDS & set(place.words) or place.plain_name in words.SHELL_NAMES
        said = f"{place.description} {' '.join(tool.words)}"
        code = place.plain_name in words.CODE_NAMES and words.SAYS_RUN.search(said)
        if named or code:
            yield place.at, f"{place.name!r} takes a command or a program of the caller's own"
    for place in tool.arguments:
        chosen = {choice for form in place.forms for choice in form.get("enum", ()) if isinstance(choice, str)}
        if any(is_interpreter(choice) for choice in chosen) and words.SAYS_RUN.search(
            f"{tool.description} {place.description} {' '.join(tool.words)}"
        ):
            yield place.at, f"{place.name!r} chooses what runs a program of the caller's own"


def open_path(tool: LintedTool) -> Found:
    """Find paths of files that nothing holds to a folder."""
    for place in _texts(tool):
        is_path = place.plain_name in words.PATH_NAMES or (
            place.words[-1:] in (("path",), ("filepath",)) and not set(place.words[:-1]) & words.NO_FILE_PATH
        )
        if not is_path or words.SAYS_CONTAINED.search(place.description):
            continue
        if not all(bounds.refuses(form, words.OUTSIDE_PATHS) for form in place.forms):
            yield place.at, f"{place.name!r} is a path, and nothing says in which folder it stays"


def open_url(tool: LintedTool) -> Found:
    """Find addresses that nothing holds to known hosts."""
    said = f"{tool.description} {' '.join(tool.words)}"
    for place in _texts(tool):
        is_url = bool(set(place.words[-1:]) & words.URL_ENDS)
        is_host = place.plain_name in words.HOST_NAMES and words.SAYS_NETWORK.search(f"{place.description} {said}")
        if not (is_url or is_host) or words.SAYS_HELD_HOSTS.search(place.description):
            continue
        if not all(bounds.refuses(form, words.OUTSIDE_URLS) for form in place.forms):
            yield place.at, f"{place.name!r} names a host, and nothing says which may be asked"


def tenant_argument(tool: LintedTool) -> Found:
    """Find arguments that say for whom the tool works, which the token says already."""
    for place in tool.arguments:
        is_fixed = bool(place.forms) and all("const" in form for form in place.forms)
        if place.plain_name in words.TENANT_NAMES and not place.is_item and not is_fixed:
            yield place.at, f"{place.name!r} selects whose data it is, or who is calling"


def user_argument(tool: LintedTool) -> Found:
    """Find arguments that may select another person's data."""
    for place in tool.arguments:
        if place.plain_name in words.USER_NAMES and not place.is_item:
            yield place.at, f"{place.name!r} may select another person's data"


def secret_argument(tool: LintedTool) -> Found:
    """Find credentials as arguments: a model would have to know them."""
    for place in _texts(tool):
        if place.plain_name in words.SECRET_NAMES:
            yield place.at, f"{place.name!r} takes a credential through the model"


def unbounded_text(tool: LintedTool) -> Found:
    """Find texts without an end."""
    for place in tool.arguments:
        loose = [form for form in place.forms if type_of(form) == "string" and not bounds.is_bounded_text(form)]
        if loose:
            has_pattern = any("pattern" in form for form in loose)
            why = "its pattern has no anchors, or no end" if has_pattern else "it may be any text of any length"
            yield place.at, f"{_named(place)}: {why}"


def unbounded_list(tool: LintedTool) -> Found:
    """Find lists without an end."""
    for place in tool.arguments:
        if any(type_of(form) == "array" and not bounds.is_bounded_list(form) for form in place.forms):
            yield place.at, f"{_named(place)} may have any number of items"


def unbounded_number(tool: LintedTool) -> Found:
    """Find numbers without an end."""
    for place in tool.arguments:
        if place.plain_name in words.LIMIT_NAMES:
            continue
        for form in place.forms:
            if type_of(form) in ("integer", "number") and not bounds.is_bounded_number(form):
                ends = [
                    word
                    for word, end in (("minimum", bounds.lowest(form)), ("maximum", bounds.highest(form)))
                    if end is None
                ]
                yield place.at, f"{_named(place)} has no {' and no '.join(ends)}"
                break


def limit_argument(tool: LintedTool) -> Found:
    """Find limits that bound little."""
    for place in tool.arguments:
        if place.plain_name not in words.LIMIT_NAMES or place.is_chosen:
            continue
        for form in place.forms:
            if type_of(form) not in ("integer", "number"):
                continue
            missing = []
            low, high, default = bounds.lowest(form), bounds.highest(form), form.get("default")
            if low is None or low < 1:
                missing.append("a minimum of 1")
            if high is None or high > words.MOST_LIMIT:
                missing.append(f"a maximum of {words.MOST_LIMIT} or less")
            if not isinstance(default, int) or isinstance(default, bool) or not 1 <= default <= words.MOST_DEFAULT:
                missing.append(f"a default of 1 to {words.MOST_DEFAULT}")
            if missing:
                yield place.at, f"{_named(place)} lacks {', '.join(missing)}"


def untyped_argument(tool: LintedTool) -> Found:
    """Find arguments of which nobody says what they are."""
    for place in tool.arguments:
        for form in place.forms:
            said = type_of(form)
            if said == "" and not bounds.is_chosen(form):
                yield place.at, f"{_named(place)} may be anything"
                break
            has_members = form.get("properties") or isinstance(form.get("additionalProperties"), dict)
            if said == "object" and not has_members and form.get("additionalProperties") is not False:
                yield place.at, f"{_named(place)} is an object with any members"
                break


def remote_reference(tool: LintedTool) -> Found:
    """Find references out of the schema, which nobody fetches."""
    for word in ("inputSchema", "outputSchema"):
        for reference in references(tool.definition.get(word)):
            if not reference.startswith("#"):
                yield "", f"{word} refers to another document"
                break


def _named(place: Place) -> str:
    return f"an item of {place.name!r}" if place.is_item else repr(place.name)
