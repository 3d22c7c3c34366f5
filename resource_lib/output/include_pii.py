"""
`include_pii: true`: personal data in full, for a call that asks for it by a token that may.

The member exists in the advertised and enforced input schema of a tool that returns personal data, for a token with the scope, and for no
other: everybody else's closed schema refuses it by itself. It is the guard's own, so the server never gets it. Secrets are nobody's to
see. C34.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.output.settings import Output
from resource_lib.output.shape import UnreadableSchemaError, shape_of
from resource_lib.policy import Demand

INCLUDE_PII: Final = "include_pii"

_NONE: Final[Mapping[str, Any]] = {}
_MEMBER: Final[Mapping[str, Any]] = {
    INCLUDE_PII: {
        "type": "boolean",
        "default": False,
        "description": "Whether personal data in the answer is shown in full rather than masked. Ask for it only when the task "
        "cannot be done without it.",
    }
}

Demands = Callable[[str], Mapping[str, Demand]]
Granted = Callable[[Principal], Collection[str]]


class PersonalData:
    """Answers whose call of which tool may ask for it. `demands` are those of a tenant, `granted` a caller's scopes."""

    def __init__(self, settings: Output, *, demands: Demands, granted: Granted) -> None:
        self._scope = settings.pii_scope
        self._demands = demands
        self._granted = granted

    def members(self, definition: Definition, principal: Principal) -> Mapping[str, Any]:
        """Return the members, by name and schema, that the guard takes from this caller's arguments of this tool."""
        if self._scope not in self._granted(principal):
            return _NONE
        demand = self._demands(principal.tenant).get(definition.tool.get("name", ""))
        return _MEMBER if _returns_personal(definition, demand) else _NONE


def _returns_personal(definition: Definition, demand: Demand | None) -> bool:
    if demand is not None and "personal" in demand.returns:
        return True
    try:
        return any(kind != "secret" for kind in shape_of(definition).kinds_below)
    except UnreadableSchemaError:
        return False


def without_it(raw: bytes, tools: Collection[str]) -> bytes:
    """Return a body as the server gets it: calls of `tools` without the member. `raw` was read before, and has one reading."""
    value = json.loads(raw)
    for message in value if type(value) is list else [value]:
        params = message.get("params") if type(message) is dict else None
        if type(params) is dict and message.get("method") == "tools/call" and params.get("name") in tools:
            arguments = params.get("arguments")
            if type(arguments) is dict:
                arguments.pop(INCLUDE_PII, None)
    return json.dumps(value, separators=(",", ":")).encode("ascii")
