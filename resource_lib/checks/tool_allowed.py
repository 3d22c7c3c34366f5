"""
The tool is one that exists for this application in this tenant, by its exact name.

Unknown, killed and forbidden tools are told apart by nobody: each answers as a tool that does not exist.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny
from resource_lib.policy import is_offered


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse what the policy does not know, what it denies to this application, and what nobody opened."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="outside the policy")
    if not is_offered(demand, facts.principal.client_id):
        reason = "denied by the policy" if demand.denied else "not offered to this client"
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason=reason)
    if demand.closed:
        return Deny(
            error="policy_denied",
            message=f"{call.subject} is not open to callers of this server.",
            reason=demand.closed,
        )
    return ALLOW
