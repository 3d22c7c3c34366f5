"""
Is this call allowed: one ordered tuple.

Every check is pure and is always asked; the first refusal, in this order, is the answer. Each check can only take away:
adding one never allows a call that was refused without it. A check that knows no demand refuses, so that no order of
the tuple lets an unknown tool through.

Decision 18. Not here: rate_limit, which is taken once, after them all.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from resource_lib.call import Call, Facts
from resource_lib.checks import (
    acr,
    approval,
    conditions,
    input_schema,
    not_revoked,
    roles,
    scopes,
    sensitivity,
    taint,
    tool_allowed,
    version,
)
from resource_lib.decision import ALLOW, Ask, Decision, Deny, Observed, Outcome
from resource_lib.policy import Demand, stricter
from resource_lib.wire.approvals import ApprovalRule, Follows

Check = Callable[[Call, Facts], Outcome | tuple[tuple[str, Outcome], ...]]
"""One question about a call: `ALLOW`, why not, or whose yes it takes; or several answers, each by its name.
Does no I/O and raises for no call."""

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("not_revoked", not_revoked.check),  # what is dead learns nothing more
    ("tool_allowed", tool_allowed.check),  # nobody learns what an unknown tool would need
    ("version", version.check),  # nor what one would need that is another than was looked at
    ("scopes", scopes.check),  # the 403 that teaches a client what to ask for
    ("roles", roles.check),
    ("acr", acr.check),  # log in again only for a call that would then run
    ("sensitivity", sensitivity.check),
    ("input_schema", input_schema.check),  # how arguments should be is told to whoever might use it
    ("conditions", conditions.check),
    ("taint", taint.check),
    ("approval", approval.check),  # nobody is asked about a call that would be refused
)

LOOKS_AT_THE_CALL: Final[tuple[tuple[str, Check], ...]] = (
    ("version", version.check),
    ("input_schema", input_schema.check),
)
"""Those of `CHECKS` whose answer follows from what is called and said, not from policy and caller alone: asked each time."""

OBSERVABLE: Final[tuple[tuple[str, Check], ...]] = (
    ("roles", roles.check),
    ("acr", acr.check),
    ("conditions", conditions.check),
    ("approval", approval.check),
)
"""What `observe` may take out of force. Never whether there is such a tool, nor scopes, nor the class."""


def decide(call: Call, facts: Facts, checks: tuple[tuple[str, Check], ...] = CHECKS) -> Decision:
    """Ask every check and return all their answers; the first refusal counts. No checks at all: refused."""
    outcomes: list[tuple[str, Outcome]] = []
    refusal: Deny | None = None
    asked: list[ApprovalRule] = []
    follows: Follows | None = None
    for name, check in checks:
        answer = check(call, facts)
        if answer is ALLOW:
            outcomes.append((name, ALLOW))
            continue
        for named, outcome in answer if isinstance(answer, tuple) else ((name, answer),):
            outcomes.append((named, outcome))
            if isinstance(outcome, Deny):
                refusal = refusal or outcome
            elif isinstance(outcome, Ask):
                asked.append(outcome.rule)
                follows = follows or outcome.follows
    if not outcomes:
        refusal = Deny(error="policy_denied", message=f"{call.subject} is refused.", reason="there is no check")
    if facts.demand is not None and facts.demand.observed is not None:
        outcomes += _observed(call, facts, facts.demand.observed)
    rule = _whose_yes(asked) if asked and refusal is None else None
    if asked and refusal is None and rule is None:
        refusal = Deny(
            error="policy_denied",
            message=f"{call.subject} is refused: no one person could say yes to it.",
            reason="two rules want different people to say yes",
        )
    return Decision(subject=call.subject, outcomes=tuple(outcomes), refusal=refusal, approval=rule, follows=follows)


def _whose_yes(asked: list[ApprovalRule]) -> ApprovalRule | None:
    """Return the rule that satisfies each that was asked for; None: there is none."""
    rule: ApprovalRule | None = asked[0]
    for further in asked[1:]:
        rule = None if rule is None else stricter(rule, further)
    return rule


def _observed(call: Call, facts: Facts, demand: Demand) -> list[tuple[str, Outcome]]:
    """Return what the layers that only observe would have said."""
    known = replace(facts, demand=demand)
    said: list[tuple[str, Outcome]] = []
    for name, check in OBSERVABLE:
        answer = check(call, known)
        for named, outcome in answer if isinstance(answer, tuple) else ((name, answer),):
            said.append((f"observed {named}", outcome if isinstance(outcome, Observed) else Observed(would=outcome)))
    return said
