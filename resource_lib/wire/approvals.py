"""
The words of an approval, which the guard sends and the server keeps: who must say yes, and what has become of it.

Decision 13. Frozen: a guard of one version asks a server of another. The standard library only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from resource_lib.wire import condition

DETAIL_TYPE: Final = "mcp_tool_call"
"""The `type` of our authorization details (RFC 9396 §2)."""

MOST_ARGUMENT_BYTES: Final = 32 * 1024
"""Of arguments that a person is asked about: more can be shown to nobody, and is refused."""

MOST_OUTCOME_BYTES: Final = 64 * 1024
"""Of an outcome as UTF-8 JSON: a larger one is not kept, and `{"too_large": true}` stands for it."""


_ROLE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_LATEST: Final = 2**40


class State(StrEnum):
    """What has become of an approval: pending → approved | denied | expired; approved → executing → done | ambiguous."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    EXECUTING = "executing"
    DONE = "done"
    AMBIGUOUS = "ambiguous"
    """It began, and nobody knows how it ended: whoever ran it is gone. Only a person clears it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Follows:
    """What a call follows: text from outside, which whoever calls was given lately. The person who is asked reads it."""

    tool: str = ""
    """The tool that fetched it; empty: another process knows."""
    at: int = 0
    """When, in seconds since the epoch; 0: nobody here knows."""
    has_signs: bool = False
    """Whether it reads like orders to a model."""

    @property
    def words(self) -> str:
        """For a log and for a model: names of ours, nothing of the text."""
        orders = " that reads like orders" if self.has_signs else ""
        return f"follows text from outside{orders}{f', fetched by {self.tool}' if self.tool else ''}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object; `follows_from_json` reads it again."""
        return {"tool": self.tool, "at": self.at, "has_signs": self.has_signs}


class InvalidFollowsError(ValueError):
    """What a call is said to follow is said in another form. The message names the member and the cure."""


def follows_from_json(value: Any) -> Follows:
    """Return what a JSON object says. Raises InvalidFollowsError."""
    if not isinstance(value, Mapping):
        raise InvalidFollowsError("follows: is an object with tool, at and has_signs")
    tool, at, has_signs = value.get("tool", ""), value.get("at", 0), value.get("has_signs", False)
    if not isinstance(tool, str) or (tool and not _TOOL.fullmatch(tool)):
        raise InvalidFollowsError("follows.tool: is a tool's name, or empty")
    if type(at) is not int or not 0 <= at <= _LATEST:
        raise InvalidFollowsError("follows.at: is a time in whole seconds")
    if type(has_signs) is not bool:
        raise InvalidFollowsError("follows.has_signs: is true or false")
    return Follows(tool=tool, at=at, has_signs=has_signs)


class InvalidRuleError(ValueError):
    """A rule that nobody could keep. The message names the member and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalRule:
    """Who must say yes to each call of a tool, and how. Times are seconds."""

    by: Literal["person", "role"] = "person"
    """The person the call runs for, or anybody who holds `role`; a call without a person waits for the role."""
    role: str = "approver"
    approvers: int = 1
    """How many distinct people must say yes; one no is enough."""
    four_eyes: bool = False
    """Whether the person the call runs for may not be one of them; then `by` is the role."""
    max_age: int | None = None
    """How old the approver's login may be (RFC 9470 `max_age`); None: whatever their session allows."""
    acr: tuple[str, ...] = ()
    """The login strengths of an approver that are strong enough; empty: any."""
    expires_in: int = 900
    """How long it waits for a person."""
    use_within: int = 300
    """How long after the last yes the call may begin."""
    sentence: str = ""
    """What happens on a yes, in the author's words: `Refund {amount_cents} cents of order {order_id}`."""
    redact: tuple[str, ...] = ()
    """Arguments whose value is not shown, by their path (`card.number`); the page says that and how much it hides, and the outcome
    that is kept lacks them too."""
    most_calls: int = 100
    """How many calls a yes given beforehand may be for (RFC 9396); 1: nothing but one exact call is allowed beforehand."""
    more: tuple[str, ...] = ()
    """Conditions under which a person may allow several calls with other values at once: `args.amount_cents <= 5000`."""

    def __post_init__(self) -> None:
        """Raise InvalidRuleError for what nobody could keep."""
        if self.by not in {"person", "role"}:
            raise InvalidRuleError("by: must be person or role")
        if not _ROLE.fullmatch(self.role):
            raise InvalidRuleError("role: must be a role's name (a-z, then a-z 0-9 _ . -, at most 40)")
        if not 1 <= self.approvers <= 5:
            raise InvalidRuleError("approvers: must be 1 to 5 people")
        if self.max_age is not None and not 1 <= self.max_age <= 30 * 24 * 3600:
            raise InvalidRuleError("max_age: must be 1 to 2592000 seconds (30 days)")
        if not 30 <= self.expires_in <= 30 * 24 * 3600:
            raise InvalidRuleError("expires_in: must be 30 to 2592000 seconds (30 days)")
        if not 10 <= self.use_within <= 24 * 3600:
            raise InvalidRuleError("use_within: must be 10 to 86400 seconds (a day)")
        if len(self.sentence) > 500:
            raise InvalidRuleError("sentence: must have at most 500 characters")
        if not 1 <= self.most_calls <= 100:
            raise InvalidRuleError("most_calls: must be 1 to 100 calls")
        if len(self.more) > 3:
            raise InvalidRuleError("more: must be at most 3 conditions")
        for text in self.more:
            _check_condition(text)
        _check_names(self.sentence, self.redact)

    @property
    def needs_role(self) -> bool:
        """Whether the yes of the person it runs for is not enough."""
        return self.by == "role" or self.four_eyes or self.approvers > 1

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The arguments that `redact` and `sentence` name, by their paths."""
        return (*self.redact, *_PLACEHOLDER.findall(self.sentence))

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object; `rule_from_json` reads it again."""
        said: dict[str, Any] = {
            "by": self.by,
            "role": self.role,
            "approvers": self.approvers,
            "four_eyes": self.four_eyes,
            "expires_in": self.expires_in,
            "use_within": self.use_within,
        }
        if self.max_age is not None:
            said["max_age"] = self.max_age
        if self.most_calls != 100:
            said["most_calls"] = self.most_calls
        for name in ("acr", "redact", "more"):
            if getattr(self, name):
                said[name] = list(getattr(self, name))
        if self.sentence:
            said["sentence"] = self.sentence
        return said


_TYPES: Final[Mapping[str, type]] = {
    "by": str,
    "role": str,
    "approvers": int,
    "four_eyes": bool,
    "max_age": int,
    "expires_in": int,
    "use_within": int,
    "sentence": str,
    "most_calls": int,
}
_TYPE_WORDS: Final[Mapping[type, str]] = {str: "text", int: "a whole number", bool: "true or false"}
_LISTS: Final[Mapping[str, str]] = {
    "acr": "[urn:example:mfa]",
    "redact": "[note]",
    "more": '["args.amount_cents <= 5000"]',
}


_PLACEHOLDER: Final = re.compile(r"\{([^{}]{1,200})\}")
_PLACE: Final = re.compile(r"\[[0-9]*\]")


def _check_names(sentence: str, redact: tuple[str, ...]) -> None:
    """Refuse what a condition's words would say: `args.note` hides nothing here, and would be shown to every approver."""
    for name in redact:
        plain = _PLACE.sub("", name.removeprefix("args."))
        if plain != name:
            raise InvalidRuleError(f"redact: must name arguments as {plain[:80]!r}, not {name[:80]!r}")
    for said in _PLACEHOLDER.findall(sentence):
        right, wrong = said.removeprefix("args.")[:80], said[:80]
        if right == wrong:
            continue
        raise InvalidRuleError(f"sentence: must name arguments as {{{right}}}, not {{{wrong}}}")


def _check_condition(text: str) -> None:
    try:
        parsed = condition.parse(text)
    except condition.ConditionError as error:
        raise InvalidRuleError(f"more: {error}") from None
    if parsed.looks_back or len(text) > 300:
        raise InvalidRuleError(
            "more: at most 300 characters each, and none about earlier calls; most_calls counts them"
        )


def rule_from_json(value: Any) -> ApprovalRule:
    """Return the rule that a JSON object says. Raises InvalidRuleError, naming the member."""
    if not isinstance(value, Mapping):
        raise InvalidRuleError("approval: is an object such as {by: role, approvers: 2}")
    said: dict[str, Any] = {}
    for name, given in value.items():
        if name in _LISTS:
            if not isinstance(given, list | tuple) or not all(isinstance(entry, str) and entry for entry in given):
                raise InvalidRuleError(f"{name}: must be a list of texts, such as {_LISTS[name]}")
            said[name] = tuple(given)
        elif name in _TYPES:
            if type(given) is not _TYPES[name]:
                raise InvalidRuleError(f"{name}: must be {_TYPE_WORDS[_TYPES[name]]}")
            said[name] = given
        else:
            raise InvalidRuleError(f"{name}: is no member of a rule, which has {', '.join((*_TYPES, *_LISTS))}")
    return ApprovalRule(**said)


DEFAULT_RULE: Final = ApprovalRule()
"""Asked where nobody said how: the person the call runs for, or an approver where there is no person."""


def stricter(one: ApprovalRule, other: ApprovalRule) -> ApprovalRule | None:
    """Return the rule that satisfies both, or None where none does: two rules that want the yes of different roles."""
    if one == other:
        return one
    roles = {rule.role for rule in (one, other) if rule.needs_role or rule.role != DEFAULT_RULE.role}
    acr, clash = common_levels([rule.acr for rule in (one, other) if rule.acr])
    if len(roles) > 1 or clash:
        return None
    ages = [rule.max_age for rule in (one, other) if rule.max_age is not None]
    return ApprovalRule(
        by="role" if "role" in (one.by, other.by) else "person",
        role=min(roles, default=DEFAULT_RULE.role),
        approvers=max(one.approvers, other.approvers),
        four_eyes=one.four_eyes or other.four_eyes,
        max_age=min(ages, default=None),
        acr=acr,
        expires_in=min(one.expires_in, other.expires_in),
        use_within=min(one.use_within, other.use_within),
        sentence=one.sentence or other.sentence,
        redact=tuple(dict.fromkeys(one.redact + other.redact)),
        most_calls=min(one.most_calls, other.most_calls),
        more=tuple(text for text in one.more if text in other.more),
    )


def common_levels(levels: list[tuple[str, ...]]) -> tuple[tuple[str, ...], str]:
    """Return the login strengths that are enough for each layer, in the first one's order, and why there are none."""
    if not levels:
        return (), ""
    common = tuple(level for level in levels[0] if all(level in others for others in levels[1:]))
    return (common, "") if common else (levels[0], "no login is strong enough for every layer")
