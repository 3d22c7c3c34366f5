"""
Is this call allowed: one ordered tuple.

Every check is pure and is always asked; the first refusal, in this order, is the answer. Each check can only take away:
adding one never allows a call that was refused without it. A check that knows no demand refuses, so that no order of
the tuple lets an unknown tool through.
"""

from collections.abc import Callable
from typing import Final

from resource_lib.call import Call, Facts
from resource_lib.checks import acr, approval, roles, scopes, tool_allowed
from resource_lib.decision import Ask, Decision, Deny, Outcome
from resource_lib.wire.approvals import ApprovalRule

Check = Callable[[Call, Facts], Outcome]
"""One question about a call: `ALLOW`, why not, or whose yes it takes. Does no I/O and raises for no call."""

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("tool_allowed", tool_allowed.check),  # nobody learns what an unknown tool would need
    ("scopes", scopes.check),  # the 403 that teaches a client what to ask for
    ("roles", roles.check),
    ("acr", acr.check),  # log in again only for a call that would then run
    ("approval", approval.check),  # nobody is asked about a call that would be refused
)


def decide(call: Call, facts: Facts, checks: tuple[tuple[str, Check], ...] = CHECKS) -> Decision:
    """Ask every check and return all their answers; the first refusal counts. No checks at all: refused."""
    outcomes: list[tuple[str, Outcome]] = []
    refusal: Deny | None = None
    rule: ApprovalRule | None = None
    for name, check in checks:
        outcome = check(call, facts)
        outcomes.append((name, outcome))
        if refusal is None and isinstance(outcome, Deny):
            refusal = outcome
        elif isinstance(outcome, Ask):
            rule = outcome.rule
    if not outcomes:
        refusal = Deny(error="policy_denied", message=f"{call.subject} is refused.", reason="there is no check")
    asked = rule if refusal is None else None
    return Decision(subject=call.subject, outcomes=tuple(outcomes), refusal=refusal, approval=asked)
