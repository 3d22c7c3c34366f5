"""
Nothing that this call stands on has been stopped, and what is known of that is fresh enough to say so.

Decision 14. First among the checks, asked at each decision and never remembered. A killed tool answers as one that does not exist; a
tool that is not offered to this caller says nothing about freshness either, or it could be told from one that does not exist.
"""

from typing import Final

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Deny
from resource_lib.policy import Demand, is_offered
from resource_lib.revocation.standing import GOOD, Standing

KILLED: Final = "killed"
"""The reason of a refusal that says only that there is no such tool."""

STAYS_CONNECTED: Final[frozenset[str]] = frozenset({"initialize", "notifications/initialized", "ping"})
"""What shows nothing of a server and keeps a client there to be told when to come back."""
WHILE_PAUSED: Final[frozenset[str]] = STAYS_CONNECTED | {"tools/list"}
"""What a server that is switched off for a while still answers."""


def check(call: Call, facts: Facts) -> Allow | Deny:
    """Refuse what is dead, what is stopped, what is killed, and what would be decided on knowledge that is too old for it."""
    if facts.standing is not GOOD and (refusal := stopped(call, facts.standing)) is not None:
        return refusal
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="outside the policy")
    if facts.standing.is_old and needs_the_latest(demand, facts.principal.client_id):
        return _stale(call, facts.standing.retry_after_s)
    return ALLOW


def stopped(call: Call, standing: Standing) -> Deny | None:
    """Return why nothing of the kind is served, whatever it demands; None: that depends on what it demands."""
    if standing.is_dead:
        return Deny(error="invalid_token", message="Authentication required.", reason="revoked")
    stop = standing.stop
    if stop is not None and (call.is_tool or not stop.is_pause or call.subject not in WHILE_PAUSED):
        return Deny(
            error="server_inactive",
            message=(
                f"{call.subject} has not run: this server is switched off by its operators. Pause, and try again in "
                f"{stop.retry_after_s} s; another way around is not wanted."
            ),
            reason="paused" if stop.is_pause else "stopped",
            retry_after_s=stop.retry_after_s,
        )
    if standing.is_too_old and (call.is_tool or call.subject not in STAYS_CONNECTED):
        return _stale(call, standing.retry_after_s)
    if standing.is_killed:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason=KILLED)
    return None


def needs_the_latest(demand: Demand, client_id: str) -> bool:
    """Tell whether a call follows the lease of writes: it changes something, or returns personal data or secrets."""
    return (demand.tool_class != "read" or bool(demand.returns)) and is_offered(demand, client_id)


def _stale(call: Call, retry_after_s: int) -> Deny:
    return Deny(
        error="control_plane_stale",
        message=(
            f"{call.subject} has not run: this server cannot tell at the moment whether it may still be called. Try again in "
            f"{retry_after_s} s."
        ),
        reason="what is known of revocations is too old",
        retry_after_s=retry_after_s,
    )
