"""
The person has a role that may use the tool. No scope cures a missing role, so this is never a 403.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny
from resource_lib.policy import Demand


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse a caller who has none of the roles."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    if has_role(demand, facts.principal.roles):
        return ALLOW
    return Deny(
        error="policy_denied",
        message=f"{call.subject} is for people with another role. Asking again or for more permissions does not help.",
        reason="role missing",
    )


def has_role(demand: Demand, held: frozenset[str]) -> bool:
    """Tell whether whoever holds these roles may ever use what demands so much."""
    return (not demand.roles or bool(demand.roles & held)) and all(roles & held for roles in demand.also_roles)
