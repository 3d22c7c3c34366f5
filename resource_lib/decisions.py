"""
Decides calls, and remembers the decisions that follow from the policy and the caller alone.

Most tools demand scopes and roles and no more: for the same demand and the same verified token every check says the same each
time, so what was decided once is given again. Whatever looks at the clock or earlier calls is decided anew, and the checks that look
at what is called and said (`LOOKS_AT_THE_CALL`) are asked each time: only while none of them objects does what is kept here count.
Whether something was revoked or stopped is asked each time, before what is kept here counts at all.
A changed demand is another object, and so is a token that was verified anew: neither meets what was remembered of another.
"""

import logging
from typing import Final

from resource_lib.call import Call, Facts
from resource_lib.checks import LOOKS_AT_THE_CALL, decide
from resource_lib.decision import ALLOW, Ask, Decision, Observed
from resource_lib.definition import Definition, named
from resource_lib.identity.principal import Principal
from resource_lib.policy import Demand

log = logging.getLogger("resource_lib.guard")

MOST: Final = 4096
"""Decisions that are kept; the oldest gives way."""

_Kept = tuple[Principal, Demand, Decision]


class Decisions:
    """Asks every check about calls of tools, once for what cannot change; `most` decisions are kept."""

    __slots__ = ("_kept", "_most")

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._kept: dict[tuple[int, str], _Kept] = {}

    def of(self, call: Call, facts: Facts) -> Decision:
        """Return the decision about a call whose demand looks at nothing that came before. `granted` follows from the principal's scopes."""
        demand, principal = facts.demand, facts.principal
        if demand is None or demand.max_age is not None or demand.observed is not None or demand.looks:
            return decide(call, facts)
        for _, check in LOOKS_AT_THE_CALL:
            if check(call, facts) is not ALLOW:
                return decide(call, facts)
        # By identity: both are frozen, and what is kept here cannot be freed and its number given to another.
        key = (id(principal), call.subject)
        kept = self._kept.get(key)
        if kept is not None and kept[0] is principal and kept[1] is demand:
            return kept[2]
        decision = decide(call, facts)
        if len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept), key), None)
        self._kept[key] = (principal, demand, decision)
        return decision


def note_observed(decision: Decision, principal: Principal, definition: Definition | None) -> None:
    """Write to the log what rules that are only observed would have done: the policy's words, nothing a caller wrote."""
    for name, outcome in decision.outcomes:
        if not isinstance(outcome, Observed) or outcome.would is ALLOW:
            continue
        log.info(
            "observed %s: %s",
            name,
            "would have asked a person" if isinstance(outcome.would, Ask) else "would have been refused",
            extra={
                "event": "call.observed",
                "rule": name,
                **named(decision.subject, definition),
                "tenant": principal.tenant,
                "authorization_id": principal.authorization_id,
            },
        )
