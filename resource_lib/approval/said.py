"""
What becomes of a call that waits for a yes: it is waited for, refused, or there is an outcome. In words for a model and its person.

Every sentence says what happened (nothing ran) and what to do next, so that nobody tries again blindly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from resource_lib.approval.run import Execution
from resource_lib.backchannel.approvals import Record
from resource_lib.decision import Deny
from resource_lib.wire.approvals import ApprovalRule, Follows, State


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody has to decide."""

    record: Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """It does not run now."""

    error: str
    message: str
    retry_after_s: int | None = None
    record: Record | None = None
    limited: Deny | None = None
    """Of rate_limited, the limit here that has no room; None: it is the issuer that was asked too often."""


@dataclass(frozen=True, slots=True)
class NotStanding:
    """The caller's token does not count any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """It ran, here or elsewhere, now or before; this is its result."""

    result: Mapping[str, Any] = field(repr=False)
    is_replay: bool = False
    """Whether it is told again because its first answer may never have arrived."""
    execution: Execution | None = field(default=None, repr=False)
    """The run in this process that it came of."""


@dataclass(frozen=True, slots=True)
class Answered:
    """It ran, and its answer has left through the run itself."""


Said = Waiting | Refused | NotStanding | Outcome | Answered


def who(rule: ApprovalRule) -> str:
    """Return whose yes it takes, in words."""
    if not rule.needs_role:
        return "the person you are working for"
    people = "somebody" if rule.approvers == 1 else f"{rule.approvers} different people"
    other = ", other than the person you are working for" if rule.four_eyes else ""
    return f"{people} with the role {rule.role!r}{other}"


def waits(tool: str, rule: ApprovalRule, record: Record, follows: Follows | None = None) -> str:
    """Return what a model is told when nobody has decided yet."""
    changed = ""
    if record.differs:
        changed = f" There is a yes for another call of {tool}, which differs in: {', '.join(record.differs)}."
    because = "" if follows is None else f", because it {follows.words}"
    return (
        f"{tool} has not run: it waits for a yes to exactly this call{because}.{changed} Ask {who(rule)} to open {record.url} and decide; "
        f"then call {tool} again with identical arguments."
    )


def withheld(tool: str, rule: ApprovalRule, record: Record) -> str:
    """Return what a model is told of an answer that waits for somebody to release it."""
    return (
        f"{tool} has run, and its answer is withheld: text in it reads like orders to a model. Ask {who(rule)} to open {record.url}, read it and "
        f"decide; then call {tool} again with identical arguments. It does not run again: the answer is handed over."
    )


def still_withheld(tool: str, found: Refused) -> Refused:
    """Return a refusal in the words of one whose call has run, and whose answer is what is asked about."""
    sentence = _OF_ANSWERS.get(found.error, "it cannot be released now. Call again with identical arguments later.")
    return replace(found, message=f"{tool} has run, and its answer stays withheld: {sentence}")


_OF_ANSWERS: Final[Mapping[str, str]] = {
    "approval_denied": "a person has read it and said no. Do not call again for it; ask them what they want.",
    "approval_expired": "nobody decided in time. Call again with identical arguments to ask anew.",
    "approval_ended": "the yes to it counts no more. Call again with identical arguments to ask anew.",
}


def invitation_to_read(tool: str, rule: ApprovalRule) -> str:
    """Return what a person reads before they open the page of an answer that is withheld."""
    return f"{tool} has an answer that reads like orders to an application. It waits until {who(rule)} has read it and says yes."


def invitation(tool: str, rule: ApprovalRule) -> str:
    """Return what a person reads before they open the page."""
    return f"{tool} waits for a yes from {who(rule)}. The page shows exactly what would be done, and nothing is done before."


def declined(tool: str, record: Record | None) -> Refused:
    """Return the answer when the person did not want to open the page."""
    return Refused(
        error="approval_denied",
        message=(
            f"{tool} has not run: the person did not open the approval page. Do not call it again unless they ask for it; "
            "they can still decide there."
        ),
        record=record,
    )


def refused(tool: str, error: str, record: Record | None = None) -> Refused:
    """Return the refusal that one of the issuer's words means."""
    sentence, retry_after_s = _SENTENCES.get(error, _SENTENCES["approval_required"])
    known = error if error in _SENTENCES else "approval_required"
    return Refused(error=known, message=f"{tool}: {sentence}", retry_after_s=retry_after_s, record=record)


_SENTENCES: Final[Mapping[str, tuple[str, int | None]]] = {
    "approval_required": ("it has not run. Call it again with identical arguments to ask for a yes.", 1),
    "approval_denied": (
        "it has not run. A person looked at exactly this call and said no. Do not call it again; ask them what they want.",
        None,
    ),
    "approval_expired": (
        (
            "it has not run: nobody decided in time, or the yes was not used in time. Call it again with identical arguments to "
            "ask anew."
        ),
        1,
    ),
    "approval_mismatch": (
        (
            "it has not run: the yes is for another call, another person, or another version of this tool, and stays as it is. Call "
            "it again without requestState to ask for this call."
        ),
        None,
    ),
    "approval_in_progress": (
        "an identical call is running. Do not start another; call again with identical arguments later to hear how it ended.",
        5,
    ),
    "approval_ambiguous": (
        (
            "an identical call began, and nobody knows how it ended. It does not run again until a person has found out and said "
            "so on the approval's page."
        ),
        None,
    ),
    "approval_ended": (
        (
            "it has not run: its yes counts no more, because whoever gave it may not give it now, or took it back. Call it again with "
            "identical arguments to ask anew."
        ),
        1,
    ),
}

OF_STATE: Final[Mapping[State, str]] = {
    State.DENIED: "approval_denied",
    State.EXPIRED: "approval_expired",
    State.EXECUTING: "approval_in_progress",
    State.AMBIGUOUS: "approval_ambiguous",
}
"""How a state that ends the matter is said."""


def unreachable(tool: str, retry_after_s: int) -> Refused:
    """Return the refusal when nobody can be asked: without a yes nothing runs."""
    return Refused(
        error="control_plane_stale",
        message=(
            f"{tool} has not run: it needs a person's yes, and the server that keeps approvals cannot be reached. Try again in "
            f"{retry_after_s} s."
        ),
        retry_after_s=retry_after_s,
    )


def too_many(tool: str, retry_after_s: int) -> Refused:
    """Return the refusal when this caller has asked for too many approvals."""
    return Refused(
        error="rate_limited",
        message=(
            f"{tool} has not run: too many calls wait for a yes already, or were asked for lately. Let people decide about "
            f"those first; try again in {retry_after_s} s."
        ),
        retry_after_s=retry_after_s,
    )


def limited(deny: Deny) -> Refused:
    """Return the refusal of a call for which a limit of this server has no room."""
    return Refused(error=deny.error, message=deny.message, retry_after_s=deny.retry_after_s, limited=deny)


def not_taken(tool: str) -> Refused:
    """Return the refusal when the issuer does not take the call: its operators have to look."""
    return Refused(
        error="policy_denied",
        message=f"{tool} has not run: it needs a person's yes, and the server that keeps approvals does not take this call.",
    )


def stopped(tool: str) -> Refused:
    """Return what is said of a call that was stopped in the middle."""
    return Refused(
        error="cancelled",
        message=f"{tool} was stopped while it ran. What it had done by then it has done, and nobody knows how far it came.",
    )


def unbegun(tool: str, hindrance: Refused | NotStanding) -> Mapping[str, Any]:
    """Return the outcome of a call whose yes was spent when it could begin no more: nothing was done."""
    message = (
        hindrance.message if isinstance(hindrance, Refused) else f"{tool} has not run: its caller's token has ended."
    )
    return {"content": [{"type": "text", "text": message}], "isError": True}


def abandoned(tool: str) -> Refused:
    """Return what is said to nobody: whoever called had gone before it began."""
    return Refused(error="cancelled", message=f"{tool} has not run: its caller had gone.")
