"""
What the policy says about the arguments of this call, its caller, its hour, and what was called before.

A condition that cannot be decided counts as its stricter side: a refusal, or a question to a person. Each condition is an outcome of
its own, by its own text. One that is only observed changes nothing for a tool that reads; before a write it is in force
all the same. C24, C25.
"""

from resource_lib.call import Call, Facts
from resource_lib.decision import ALLOW, Allow, Ask, Deny, Observed, Outcome
from resource_lib.policy import Demand
from resource_lib.wire.approvals import DEFAULT_RULE
from resource_lib.wire.condition import Scene, Truth
from resource_lib.wire.tool_policy import When

NOTHING_KNOWN = Scene()


def check(call: Call, facts: Facts) -> Outcome | tuple[tuple[str, Outcome], ...]:
    """Ask every condition."""
    demand = facts.demand
    if demand is None:
        return Deny(error="tool_unknown", message=f"Unknown tool: {call.subject}", reason="no demand to compare with")
    if not demand.conditions:
        return ALLOW
    scene = NOTHING_KNOWN if facts.scene is None else facts.scene()
    return tuple(_asked(one, call, demand, scene) for one in demand.conditions)


def _asked(one: When, call: Call, demand: Demand, scene: Scene) -> tuple[str, Outcome]:
    outcome = _outcome(one, call, demand, one.condition.evaluate(scene))
    name = f"{one.effect} {one.condition.text}"
    return name, Observed(would=outcome) if one.observe and demand.tool_class == "read" else outcome


def _outcome(one: When, call: Call, demand: Demand, truth: Truth) -> Allow | Deny | Ask:
    if truth is (Truth.YES if one.effect == "require" else Truth.NO):
        return ALLOW
    reason = f"{one.condition.text}: {'cannot be decided' if truth is Truth.UNDECIDED else truth.value}"
    if one.effect == "step_up":
        return Ask(rule=one.approval or demand.approval or DEFAULT_RULE, reason=reason)
    return Deny(error="policy_denied", message=f"{call.subject} is refused: {one.because}", reason=reason)
