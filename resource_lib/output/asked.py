"""
Arguments that read like orders to a model: a signal for operators, and nothing more.

A person may well ask for a search for "ignore all previous instructions". So no call is refused or held for it, and nothing of the
arguments is written down: the kinds of signs and how long the text is. C31.
"""

import logging
from itertools import chain
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
    for one in (
        chain.from_iterable(value.items()) if type(value) is dict else value if type(value) is list else (value,)
    ):
        if type(one) is str:
            if len(one) > _LONGEST_WORD or " " in one or "<" in one or not (one.isascii() and one.isprintable()):
                found.append(one)
        elif type(one) is dict or type(one) is list:
            _add_sentences(one, found)
