"""
The caller holds every scope the operation needs, or learns all of them at once.

MCP "Runtime Insufficient Scope Errors"; RFC 6750 §3.1.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse with all scopes of the operation when one of them is missing."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    missing = demand.scopes - facts.granted
    if not missing or (demand.any_scope and missing != demand.scopes):
        return ALLOW
    return Deny(
        error="insufficient_scope",
        message=f"{call.subject} needs the permission: {', '.join(sorted(missing))}. Ask the person to allow it.",
        reason="scopes missing",
        needed=demand.scopes,
        missing=missing,
    )
