"""
Allowed, refused with a reason, or allowed once a person says yes: the answer to one call, and how each check voted.

A refusal carries two texts: `message` goes to the caller and speaks about the call; `reason` stays with us.
No I/O, no clock.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from resource_lib.wire.approvals import ApprovalRule, Follows
from resource_lib.wire.limit import LimitScope, Per

ErrorWord = Literal[
    "invalid_token",
    "insufficient_scope",
    "insufficient_user_authentication",
    "approval_required",
    "approval_denied",
    "approval_expired",
    "approval_mismatch",
    "approval_in_progress",
    "approval_ambiguous",
    "approval_ended",
    "rate_limited",
    "tool_unknown",
    "invalid_arguments",
    "policy_denied",
    "quarantined",
    "output_withheld",
    "cancelled",
    "server_inactive",
    "control_plane_stale",
    "audit_unavailable",
]
"""What a tool caller can be told. Callers must tolerate words that are added later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allow:
    """A check has no objection."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exceeded:
    """The limit that a call has met."""

    scope: LimitScope
    """`tool`; `running`, where it is how many at once; or whose requests: `credential`, `user`, `client`, `tenant`, `server`."""
    most: int
    window_s: int | None = None
    """In how many seconds; None: at once."""
    tool: str | None = None
    """The tool that is limited; None: requests are."""
    per: Per | None = None
    """Who counts together, where that is not what `scope` says."""
    downstream: str | None = None
    """The API that may not be asked more often, where that is why."""


class WrongField(NamedTuple):
    """One argument that is not as its tool advertises."""

    path: str
    """JSON Pointer (RFC 6901) to it; empty: the arguments as a whole."""
    fault: str
    """The rule and what is allowed; never what was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deny:
    """A check refuses the call."""

    error: ErrorWord
    message: str
    """For the caller: about the call, silent about our inside."""
    reason: str
    """For us: why, in words that hold no personal data."""
    needed: frozenset[str] = frozenset()
    """Every scope the operation needs, when scopes would cure it."""
    missing: frozenset[str] = frozenset()
    """Those of `needed` that the caller lacks."""
    acr_values: tuple[str, ...] = ()
    """The login strengths that would cure it, RFC 9470 §3."""
    max_age: int | None = None
    """How old, in seconds, a login may be at most, RFC 9470 §3."""
    retry_after_s: int | None = None
    """When the same call may be decided otherwise, in seconds; None: waiting cures nothing."""
    exceeded: Exceeded | None = None
    """Of rate_limited: what was exceeded."""
    fields: tuple[WrongField, ...] = ()
    """Which arguments are wrong, of `invalid_arguments`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A check has no objection once people say yes to exactly this call, as the rule demands."""

    rule: ApprovalRule
    reason: str
    follows: Follows | None = None
    """What the person is told that it follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """A rule that is only observed, and what it would have done. It changes nothing."""

    would: Allow | Deny | Ask


ALLOW: Final = Allow()

Outcome = Allow | Deny | Ask | Observed


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What every check said about one call; the first refusal, in order, is the answer."""

    subject: str
    """The tool's name, or the method for anything that is not a tool call."""
    outcomes: tuple[tuple[str, Outcome], ...]
    """Check by check, in the order in which they count; each condition stands for itself, by its own text."""
    refusal: Deny | None
    """The answer, or None when the call may run, or wait for a yes."""
    approval: ApprovalRule | None = None
    """Whose yes it waits for; None: nobody's, or it is refused anyway."""
    follows: Follows | None = None
    """What the person whose yes it is reads that it follows."""

    @property
    def allowed(self) -> bool:
        """Whether the call may run now."""
        return self.refusal is None and self.approval is None
