"""
The tool is today what somebody has looked at, and what the caller asks for: its definition is one of those that operators let in.

C53, C54. A definition that nobody has reviewed answers as a tool that does not exist, and so does one that cannot be known now: whoever
replaces a tool behind a name that people trust gains nothing by it, and learns nothing.

A call may ask for a version in its `_meta`. FastMCP keeps several under one name, lists one, and runs whichever a call selects; all that is
decided here (arguments, approvals, what is killed or reviewed) is about the one that is listed, so another one does not exist. And a client
may name the hash of what it was tested with: as anything else its call does not run. A version whose last day is over (`sunset`) does not
exist any more; the one beside it goes on.
"""

from typing import Any

from resource_lib.call import PINNED, Call, Facts, Pin
from resource_lib.decision import ALLOW, Allow, Deny
from resource_lib.definition import Definition
from resource_lib.wire.tool_call import InexpressibleError, definition_hash
from resource_lib.wire.tool_policy import is_over


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse a tool whose definition is not among those that its demand names, or not the one that the call names."""
    if facts.demand is None:
        return _unknown(call, "outside the policy")
    if is_over(facts.demand.sunset, facts.now):
        return _unknown(call, "its last day is over")
    allowed, definition = facts.demand.definitions, facts.definition
    if allowed is not None and (definition is None or definition.hash not in allowed):
        return _unknown(call, "its definition is not " + ("known" if definition is None else "reviewed"))
    return ALLOW if facts.pin is None else _as_asked(call, facts, facts.pin)


def _as_asked(call: Call, facts: Facts, pin: Pin) -> Allow | Deny:
    definition = facts.definition
    if pin.selected is not None and (definition is None or pin.selected != _listed_version(definition)):
        return _unknown(call, "it asks for another version than the one that is listed")
    if pin.tested is not None and (definition is None or pin.tested not in _hashes(definition, facts)):
        return Deny(
            error="policy_denied",
            message=f"{call.subject} has not run: it is not what this application was tested with ({PINNED}). "
            "List the tools again, look at what has changed, and name the hash of that.",
            reason="the client pinned another definition",
        )
    return ALLOW


def _listed_version(definition: Definition) -> Any:
    meta = definition.tool.get("_meta")
    vendor = meta.get("fastmcp") if isinstance(meta, dict) else None
    return vendor.get("version") if isinstance(vendor, dict) else None


def _hashes(definition: Definition, facts: Facts) -> tuple[str, ...]:
    """Return the hash of what the server lists, and of what this caller is shown of it: a client can only know the latter."""
    if facts.advertised is None or not definition.is_listed:
        return (definition.hash,)
    schema = facts.advertised(definition, facts.principal)
    if schema is None or schema == definition.input_schema:
        return (definition.hash,)
    try:
        return definition.hash, definition_hash({**definition.tool, "inputSchema": schema})
    except InexpressibleError:
        return (definition.hash,)


def _unknown(call: Call, reason: str) -> Deny:
    return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason=reason)
