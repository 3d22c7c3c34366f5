"""
The tool is today what somebody has looked at: its definition is one of those that operators let in.

C53, C54. A definition that nobody has reviewed answers as a tool that does not exist, and so does one that cannot be known now: whoever
replaces a tool behind a name that people trust gains nothing by it, and learns nothing.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse a tool whose definition is not among those that its demand names; names none: any will do."""
    if facts.demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="outside the policy")
    allowed = facts.demand.definitions
    if allowed is None:
        return ALLOW
    if facts.definition is not None and facts.definition.hash in allowed:
        return ALLOW
    reason = "its definition is not known" if facts.definition is None else "its definition is not reviewed"
    return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason=reason)
