"""
Arguments that read like orders to a model: a signal for operators, and nothing more.

A person may well ask for a search for "ignore all previous instructions". So no call is refused or held for it, and nothing of the
arguments is written down: the kinds of signs and how long the text is. C31.
"""

import logging
from typing import Any, Final

from resource_lib.definition import Definition, named
from resource_lib.identity.principal import Principal
from resource_lib.output.screened import kinds_in

_LONGEST_WORD: Final = 40

log = logging.getLogger("resource_lib.guard")


def note_arguments(
    tool: str, arguments: Any, principal: Principal, definition: Definition | None = None
) -> tuple[str, ...]:
    """Return the kinds of signs in the arguments of a call that is let through, having logged them."""
    sentences: list[str] = []
    _add_sentences(arguments, sentences)
    kinds = kinds_in(sentences) if sentences else ()
    if kinds:
        log.info(
            "arguments of %s read like orders: %s",
            tool,
            ", ".join(kinds),
            extra={
                "event": "call.arguments_suspicious",
                **named(tool, definition),
                "signs": kinds,
                "tenant": principal.tenant,
                "authorization_id": principal.authorization_id,
            },
        )
    return kinds


def _add_sentences(value: Any, found: list[str]) -> None:
    """Add the texts that are more than one word: an id, a date or a choice gives no orders."""
    kind = type(value)
    if kind is str:
        if len(value) > _LONGEST_WORD or " " in value or "<" in value or not (value.isascii() and value.isprintable()):
            found.append(value)
    elif kind is dict:
        for name, member in value.items():
            _add_sentences(name, found)
            _add_sentences(member, found)
    elif kind is list:
        for entry in value:
            _add_sentences(entry, found)
