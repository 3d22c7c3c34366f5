"""
Arguments that read like orders to a model: a signal for operators, and nothing more.

A person may well ask for a search for "ignore all previous instructions". So no call is refused or held for it, and nothing of the
arguments is written down: the kinds of signs and how long the text is. C31.
"""

import logging
from typing import Any

from resource_lib.identity.principal import Principal
from resource_lib.output.screened import signs_in

log = logging.getLogger("resource_lib.guard")


def note_arguments(tool: str, arguments: Any, principal: Principal) -> tuple[str, ...]:
    """Return the kinds of signs in the arguments of a call that is let through, having logged them."""
    kinds = signs_in(arguments)
    if kinds:
        log.info(
            "arguments of %s read like orders: %s",
            tool,
            ", ".join(kinds),
            extra={
                "event": "call.arguments_suspicious",
                "tool": tool,
                "signs": kinds,
                "tenant": principal.tenant,
                "authorization_id": principal.authorization_id,
            },
        )
    return kinds
