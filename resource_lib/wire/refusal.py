"""
The one word of a refusal, wherever it travels: in a JSON-RPC error, or in a tool's result (design, decision 11).
"""

import json
import re
from typing import Any, Final

_PATHS: Final = (
    ("error", "data", "error"),
    ("result", "_meta", "authserver/error", "error"),
    ("result", "structuredContent", "error"),
)
_WORD: Final = re.compile(r"[a-z_]{1,64}")


def refusal_in(body: bytes) -> str:
    """Return what a guard's answer says, such as `tool_unknown`; empty: it is no refusal that a guard gives. Raises nothing."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for path in _PATHS:
        found = said
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found if _WORD.fullmatch(found) else ""
    return ""
