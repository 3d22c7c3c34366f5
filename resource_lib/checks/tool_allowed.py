"""
The tool is one that this policy knows, by its exact name.

Unknown, killed and forbidden tools are told apart by nobody: each answers as a tool that does not exist.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse what the policy does not know, and what nobody opened."""
    if facts.demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="outside the policy")
    if facts.demand.closed:
        return Deny(
            error="policy_denied",
            message=f"{call.subject} is not open to callers of this server.",
            reason="no scope stands for it: name it in methods=",
        )
    return ALLOW
