"""
One event of the record, as far as detectors look at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

CALL: Final = "call:"
_MOST: Final = 2**40
"""A TiB, or twelve days: whatever a server claims beyond is as unusual, and sums of it stay numbers that can be kept."""
_TRANSIENT: Final = frozenset(
    {
        "rate_limited",
        "insufficient_scope",
        "insufficient_user_authentication",
        "approval_required",
        "approval_in_progress",
        "control_plane_stale",
        "server_inactive",
        "audit_unavailable",
    }
)
"""Refusals that say nothing about whoever is refused: a limit has a signal of its own, the others are cured by a login or by waiting."""


@dataclass(slots=True)
class Fact:
    """Ids, codes and numbers of one event. `at`: seconds since the epoch; `who`: a keyed reference, or empty."""

    id: str
    at: int
    kind: str
    reason: str = ""
    is_refused: bool = False
    who: str = ""
    client: str = ""
    authorization: str = ""
    resource: str = ""
    tool: str = ""
    tool_class: str = ""
    phase: str = ""
    """Of a call: intent, outcome, refused, held, observed."""
    is_first: bool = True
    """Whether it is the first event of its call: each call counts once."""
    status: str = ""
    why: str = ""
    """The reason that the guard gave."""
    approval: str = ""
    session: str = ""
    result_bytes: int = 0
    latency_us: int = 0
    is_hostile: bool = False
    """Its answer reads like orders."""
    is_outside: bool = False
    """Its answer is text from outside."""
    is_secret: bool = False
    """Something secret was found in its answer."""

    @property
    def is_call(self) -> bool:
        """Whether it is about a call of a tool."""
        return self.phase != "" and self.tool != ""

    @property
    def runs(self) -> bool:
        """Whether it is the first word of a call that was let through."""
        return self.is_first and self.phase in {"intent", "outcome"} and self.tool != ""

    @property
    def writes(self) -> bool:
        """Whether the tool changes something."""
        return self.tool_class in {"write", "destructive"}

    @property
    def is_denied(self) -> bool:
        """Whether somebody was refused what they may not do."""
        return self.is_refused and self.reason not in _TRANSIENT

    @property
    def agent(self) -> str:
        """The person or machine, and the application that acts for them."""
        return f"{self.who} {self.client}"


def fact_of(event: Any) -> Fact:
    """Return what an event of the record says (a `following.Sealed`, or whatever has its members). Never raises for a strange one."""
    about: Mapping[str, Any] = event.about
    fact = Fact(
        id=event.id,
        at=event.at_us // 1_000_000,
        kind=event.kind,
        reason=event.reason,
        is_refused=event.outcome == "refused",
        who=event.sub_ref,
        client=event.client_id,
        authorization=event.authorization_id,
        resource=event.resource,
        tool=_text(about, "tool"),
        approval=_text(about, "approval_id"),
    )
    if not event.kind.startswith(CALL):
        return fact
    fact.phase = event.kind.rpartition(":")[2]
    fact.tool_class = _text(about, "tool_class")
    fact.is_first = _text(about, "call") in {"", event.id}
    fact.status, fact.why = _text(about, "status"), _text(about, "reason")
    fact.session = _text(about, "session")
    fact.result_bytes, fact.latency_us = _number(about, "result_bytes"), _number(about, "latency_us")
    signs = about.get("signs")
    if type(signs) is dict:
        for sign in signs:
            step, _, kind = sign.partition(":")
            fact.is_hostile = fact.is_hostile or (step == "screened" and kind != "unscreened")
            fact.is_outside = fact.is_outside or sign == "labelled:outside"
            fact.is_secret = fact.is_secret or kind == "secret"
    return fact


def _text(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return value if type(value) is str else ""


def _number(about: Mapping[str, Any], name: str) -> int:
    value = about.get(name)
    return min(value, _MOST) if type(value) is int and value >= 0 else 0
