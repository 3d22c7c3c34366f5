"""
A write that follows text from outside waits for a person's yes, whatever that text said.

Not the text is judged: only that it was handed to this caller lately. A read never waits, and no list of tools changes. C24, C25.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Ask, Deny, Outcome
from resource_lib.wire.approvals import DEFAULT_RULE


def check(call: Call, facts: Facts) -> Outcome:
    """Ask where a write follows such text."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    if facts.follows is None or demand.tool_class == "read":
        return ALLOW
    return Ask(rule=demand.approval or DEFAULT_RULE, reason=facts.follows.words, follows=facts.follows)
