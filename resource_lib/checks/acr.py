"""
The login behind the token is strong and fresh enough, RFC 9470.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse a login that is too weak or too old, naming what would do. A token that says neither is refused."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    principal = facts.principal
    too_weak = bool(demand.acr) and principal.acr not in demand.acr
    too_old = demand.max_age is not None and (
        principal.auth_time is None or facts.now - principal.auth_time > demand.max_age
    )
    if not too_weak and not too_old:
        return ALLOW
    return Deny(
        error="insufficient_user_authentication",
        message=f"{call.subject} needs the person to log in again, in a stronger or fresher way.",
        reason="login too weak" if too_weak else "login too old",
        acr_values=demand.acr,
        max_age=demand.max_age,
    )
