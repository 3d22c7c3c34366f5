"""
A person's yes to exactly this call, where the policy demands one.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Ask, Deny, Outcome


def check(call: Call, facts: Facts) -> Outcome:
    """Say whose yes it takes. Whether it has been given is asked later, of the authorization server."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    if demand.approval is None:
        return ALLOW
    return Ask(rule=demand.approval, reason="the policy demands a yes")
