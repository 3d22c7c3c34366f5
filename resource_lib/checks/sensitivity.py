"""
The tool is no graver than this policy lets tools be, and a destructive one has somebody who is asked.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny
from resource_lib.wire.tool_policy import CLASSES


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse a class above the ceiling, and what cannot be taken back while nobody said that nobody need be asked."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    if demand.most is not None and CLASSES.index(demand.tool_class) > CLASSES.index(demand.most):
        return Deny(
            error="policy_denied",
            message=f"{call.subject} is refused: only tools that {_DO[demand.most]} may be used here.",
            reason="graver than the ceiling",
        )
    if demand.tool_class == "destructive" and demand.approval is None and not demand.unasked:
        return Deny(
            error="policy_denied",
            message=f"{call.subject} is refused: it cannot be undone, and nobody is asked about it.",
            reason="destructive without approval",
        )
    return ALLOW


_DO = {
    "read": "change nothing",
    "write": "change what can be changed back",
    "destructive": "do whatever their author says",
}
