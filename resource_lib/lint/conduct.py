"""
What a tool does: one thing, of one class, that its name, its annotations and its policy agree about.

Controls C18, C19, C26.
"""

from collections.abc import Iterable
from typing import Any

from resource_lib.lint import words
from resource_lib.lint.finding import Found, LintedTool
from resource_lib.lint.places import type_of, words_of


def generic_tool(tool: LintedTool) -> Found:
    """Find tools that do whatever they are told."""
    named = set(tool.words)
    if named and named <= words.GENERIC and named & words.GENERIC_VERBS:
        yield "", f"{tool.name!r} says what runs it, not what it does"
        return
    names = {place.plain_name: place for place in tool.arguments if not place.is_item}
    for name in sorted(words.SELECTORS & names.keys()):
        loads = [names[load] for load in sorted(words.LOADS & names.keys()) if load in names]
        is_open = any(
            type_of(form) in ("object", "") and not form.get("properties") for load in loads for form in load.forms
        )
        if is_open and names[name].is_text and not names[name].is_chosen:
            yield names[name].at, f"{name!r} and an open object beside it: one tool for everything"


def reads_and_writes(tool: LintedTool) -> Found:
    """Find tools that look and change."""
    named = tool.words
    chosen = [{word for choice in _choices(place.forms) for word in words_of(choice)[:1]} for place in tool.arguments]
    only_writes = any(verbs & words.WRITES and not verbs & words.READS for verbs in chosen)
    if (set(named[:1]) & words.MANAGES and not only_writes) or "crud" in named:
        yield "", f"{tool.name!r} reads and writes"
        return
    if {"or", "and"} & set(named) and set(named) & words.READS and set(named) & words.WRITES:
        yield "", f"{tool.name!r} reads and writes"
    for place, verbs in zip(tool.arguments, chosen, strict=True):
        if verbs & words.READS and verbs & words.WRITES:
            both = ", ".join(sorted(verbs & words.READS)[:2] + sorted(verbs & words.WRITES)[:2])
            yield place.at, f"{place.name!r} chooses between reading and writing ({both})"


def no_annotations(tool: LintedTool) -> Found:
    """Find tools that do not say how grave they are."""
    hints = tool.annotations
    if not isinstance(hints.get("readOnlyHint"), bool):
        yield "", "it has no readOnlyHint, so clients take it for destructive"
    elif hints["readOnlyHint"] is False and not isinstance(hints.get("destructiveHint"), bool):
        yield "", "it has no destructiveHint, so clients take it for destructive"


def annotations_contradict(tool: LintedTool) -> Found:
    """Find tools that tell clients something else than their policy."""
    hints, word = tool.annotations, tool.tool_class
    if word is None:
        return
    reads, destroys = hints.get("readOnlyHint"), hints.get("destructiveHint")
    if reads is True and word != "read":
        yield "", f"its annotations say that it only reads, its policy says {word}"
    elif reads is False and word == "read":
        yield "", "its annotations say that it changes something, its policy says read"
    elif reads is not True and destroys is True and word == "write":
        yield "", "its annotations say that it is destructive, its policy says write"
    elif reads is not True and destroys is False and word == "destructive":
        yield "", "its annotations say that nothing is lost, its policy says destructive"


def verb_contradicts(tool: LintedTool) -> Found:
    """Find tools whose name changes something while they are called reads."""
    is_called_read = tool.tool_class == "read" or (
        tool.tool_class is None and tool.annotations.get("readOnlyHint") is True
    )
    verb = tool.words[:1]
    if is_called_read and set(verb) & words.WRITES:
        yield "", f"{verb[0]!r} changes something, and it is called a read"


def _choices(forms: Iterable[Any]) -> list[str]:
    found: list[str] = []
    for form in forms:
        listed = form.get("enum")
        found += [one for one in (listed if isinstance(listed, list) else [form.get("const")]) if isinstance(one, str)]
    return found[:200]
