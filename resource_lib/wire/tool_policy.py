"""
What is demanded of a tool, as the one JSON form that code, a policy file and a tenant's overlay share.

    {"class": "destructive", "roles": ["support"], "approval": {"by": "role", "role": "finance"},
     "when": [{"deny": "args.amount_cents > 100000", "because": "Refunds above 1000 are made by accounting."}]}

Every member takes something away, or asks for something more; none opens what another layer closed. A member that nobody
knows is refused, so that a word of tomorrow is never ignored today. Frozen: a server of one version tells a guard of
another. docs/policy.md says it for people. The standard library only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from resource_lib.wire.approvals import ApprovalRule, InvalidRuleError, rule_from_json
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX
from resource_lib.wire.condition import Condition, ConditionError, parse
from resource_lib.wire.limit import (
    CAP_CURE,
    CURE,
    Cap,
    InvalidLimitError,
    Limit,
    caps_to_json,
    fewest,
    parse_cap,
    parse_limit,
)

ToolClass = Literal["read", "write", "destructive"]
CLASSES: Final[tuple[ToolClass, ...]] = ("read", "write", "destructive")
"""From the mildest on."""

Mode = Literal["allow", "deny", "step_up", "observe"]
MODES: Final[tuple[Mode, ...]] = ("allow", "deny", "step_up", "observe")

Effect = Literal["deny", "step_up", "require"]
EFFECTS: Final[tuple[Effect, ...]] = ("deny", "step_up", "require")

Screening = Literal["observe", "annotate", "quarantine", "block"]
Recorded = Literal["full", "header"]
RECORDED: Final[tuple[Recorded, ...]] = ("full", "header")
SCREENINGS: Final[tuple[Screening, ...]] = ("observe", "annotate", "quarantine", "block")
"""What becomes of a result that reads like orders to a model, the mildest first: it is noted; it says so of itself; a person must release
it; it never leaves."""

RETURNS: Final = frozenset({"personal", "secret", "outside"})

SUNSET: Final = "authserver/sunset"
"""In the `_meta` of a listed tool, and of what it answers: the last day on which it may be called."""
ENDING: Final = "authserver/warning"
"""In the `_meta` of what such a tool answers: the same as a sentence."""

EVERY_TOOL: Final = "*"
"""Where a tool's name stands: what is demanded of all of them."""

MOST_CONDITIONS: Final = 50
MOST_NAMES: Final = 200
MOST_BECAUSE: Final = 300
MOST_COST: Final = 1_000_000
MOST_LIMITS: Final = 10

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")
_LEVEL = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")
_HASH = re.compile(r"[0-9a-f]{64}")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLIENT = re.compile(r"[\x20-\x7E]{1,2048}")


class InvalidRulesError(ValueError):
    """Rules that nobody could keep. `str()` names where they stand, the member, the fault and the cure."""

    def __init__(self, where: str, member: str, fault: str, cure: str) -> None:
        at = f"{where}.{member}" if where and member else where or member
        super().__init__(f"{at}: {fault}. Cure: {cure}.")
        self.where = where
        self.member = member
        """A path such as `when[0].deny`; empty: the whole."""
        self.fault = fault
        self.cure = cure


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """One condition, and what follows from it."""

    effect: Effect
    """deny: refused when it holds. step_up: a person is asked when it holds. require: refused unless it holds."""
    condition: Condition
    because: str
    """For the caller: why."""
    observe: bool = False
    """Only say what it would have done, for a tool that reads: a write or destructive call is refused all the same."""
    approval: ApprovalRule | None = None
    """Of step_up: whose yes it takes; None: as the tool's own rule says, or the person's."""

    def to_json(self) -> dict[str, Any]:
        """Return it as `parse_rules` reads it."""
        said: dict[str, Any] = {self.effect: self.condition.text, "because": self.because}
        if self.observe:
            said["observe"] = True
        if self.approval is not None:
            said["approval"] = self.approval.to_json()
        return said


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What one layer demands of a tool. What it leaves out it does not care about."""

    tool_class: ToolClass | None = None
    scopes: frozenset[str] = frozenset()
    """All are needed."""
    roles: frozenset[str] = frozenset()
    """Any of them is needed; empty: none is."""
    mode: Mode | None = None
    """deny: as if there were no such tool. step_up: a person is asked each time. observe: this layer's roles, logins,
    conditions and approval are only reported for a read tool."""
    clients: frozenset[str] | None = None
    """The applications that may use it; None: any. For others there is no such tool."""
    most: ToolClass | None = None
    """Of a graver class there is no such tool."""
    acr: tuple[str, ...] = ()
    """The login strengths that are enough, best first; empty: any."""
    max_age: int | None = None
    """How many seconds ago the person may have logged in at most."""
    when: tuple[When, ...] = ()
    approval: ApprovalRule | bool | None = None
    """Whose yes each call takes; False: this layer asks nobody, which takes away no other layer's question."""
    cost: int | None = None
    """What one call counts for against a budget."""
    returns: frozenset[str] = frozenset()
    """`personal`, `secret`: what an answer may hold; `outside`: text that strangers wrote (web, e-mail, tickets)."""
    screening: Screening | None = None
    """What becomes of an answer that reads like orders to a model; None: what the guard does with all of them."""
    record: Recorded | None = None
    """What is kept of its calls: `full`, or `header`, which leaves arguments and results out; None: what the guard keeps of all."""
    limit: tuple[Limit, ...] = ()
    """How often it may be called; all of them hold."""
    concurrent: tuple[Cap, ...] = ()
    """How many calls of it may run at once, of one person or of whomever each says; all of them hold."""
    definitions: frozenset[str] | None = None
    """The hashes of what the tool may be today (`tool_call.definition_hash`); as anything else there is no such tool. None: any."""
    sunset: date | None = None
    """The last day on which it may be called, in UTC; after it there is no such tool. None: nothing says when it ends."""

    def to_json(self) -> dict[str, Any]:
        """Return it as `parse_rules` reads it."""
        said: dict[str, Any] = {}
        if self.tool_class is not None:
            said["class"] = self.tool_class
        for name in ("mode", "most", "max_age", "cost", "screening", "record"):
            if getattr(self, name) is not None:
                said[name] = getattr(self, name)
        for name in ("scopes", "roles", "returns"):
            if getattr(self, name):
                said[name] = sorted(getattr(self, name))
        if self.clients is not None:
            said["clients"] = sorted(self.clients)
        if self.definitions is not None:
            said["definitions"] = sorted(self.definitions)
        if self.sunset is not None:
            said["sunset"] = self.sunset.isoformat()
        if self.limit:
            said["limit"] = [str(one) for one in self.limit]
        if self.concurrent:
            said["concurrent"] = caps_to_json(self.concurrent)
        if self.acr:
            said["acr"] = list(self.acr)
        if self.when:
            said["when"] = [one.to_json() for one in self.when]
        if self.approval is not None:
            said["approval"] = self.approval if isinstance(self.approval, bool) else self.approval.to_json()
        return said


def to_json(rules: Rules) -> dict[str, Any]:
    """Return rules as the JSON object that `parse_rules` reads."""
    return rules.to_json()


MEMBERS: Final = frozenset(
    {"class", "scopes", "roles", "mode", "clients", "most", "acr", "max_age", "when", "approval", "cost", "returns"}
    | {"limit", "concurrent", "definitions", "screening", "sunset", "record"}
)


def parse_rules(value: Any, where: str = "") -> Rules:
    """Return the rules that a JSON object says. Raises InvalidRulesError, and nothing else, naming `where` and the member."""
    if not isinstance(value, Mapping):
        raise InvalidRulesError(where, "", "is no object", "write members such as class, scopes, roles, when")
    for name in value:
        if not isinstance(name, str) or name not in MEMBERS:
            raise InvalidRulesError(
                where, str(name)[:80], "is no member of a tool's rules", f"use {', '.join(sorted(MEMBERS))}"
            )
    said = _Said(value, where)
    return Rules(
        tool_class=said.word("class", CLASSES),
        scopes=said.scopes(),
        roles=frozenset(said.names("roles", "role names", None) or ()),
        mode=said.word("mode", MODES),
        clients=said.clients(),
        most=said.word("most", CLASSES),
        acr=said.names("acr", "login strengths without spaces or quotes", _LEVEL) or (),
        max_age=said.number("max_age", 30 * 24 * 3600, "seconds, 1 to 30 days"),
        when=said.when(),
        approval=said.approval(value.get("approval"), "approval"),
        cost=said.number("cost", MOST_COST, f"a whole number, 1 to {MOST_COST}"),
        returns=said.returns(),
        screening=said.word("screening", SCREENINGS),
        record=said.word("record", RECORDED),
        limit=said.limits(),
        concurrent=said.caps(),
        definitions=said.definitions(),
        sunset=said.day("sunset"),
    )


class _Said:
    """One object of rules while it is read. A member that is null is as one that is absent."""

    def __init__(self, value: Mapping[str, Any], where: str) -> None:
        self._value = value
        self._where = where

    def _wrong(self, member: str, fault: str, cure: str) -> InvalidRulesError:
        return InvalidRulesError(self._where, member, fault, cure)

    def word(self, member: str, words: tuple[Any, ...]) -> Any:
        given = self._value.get(member)
        if given is not None and (not isinstance(given, str) or given not in words):
            raise self._wrong(member, f"{_short(given)} is unknown", f"write {', '.join(words[:-1])} or {words[-1]}")
        return given

    def number(self, member: str, most: int, what: str) -> int | None:
        given = self._value.get(member)
        if given is None:
            return None
        if type(given) is not int or not 1 <= given <= most:
            raise self._wrong(member, f"{_short(given)} is out of range", f"write {what}")
        return given

    def day(self, member: str) -> date | None:
        given = self._value.get(member)
        if given is None or type(given) is date:  # YAML reads a date that stands there without quotes as one
            return given
        found = day_of(given)
        if found is None:
            raise self._wrong(
                member,
                f"{_short(given)} is no date",
                'write the last day on which it may be called, such as "2027-03-31"',
            )
        return found

    def names(self, member: str, what: str, form: re.Pattern[str] | None) -> tuple[str, ...] | None:
        given = self._value.get(member)
        if given is None:
            return None
        if not isinstance(given, list | tuple):
            raise self._wrong(member, f"{_short(given)} is no list", f"write a list of {what}")
        if len(given) > MOST_NAMES:
            raise self._wrong(member, f"holds more than {MOST_NAMES} entries", "name fewer")
        for name in given:
            if not isinstance(name, str) or not (
                form.fullmatch(name) if form else 0 < len(name.strip()) <= len(name) <= 100
            ):
                raise self._wrong(member, f"{_short(name)} cannot stand here", f"write a list of {what}")
        return tuple(given)

    def scopes(self) -> frozenset[str]:
        named = frozenset(self.names("scopes", "scope names", _SCOPE) or ())
        for scope in sorted(named):
            if scope.startswith(TOOL_SCOPE_PREFIX) or scope == "offline_access":
                raise self._wrong(
                    "scopes", f"{scope!r} is no scope of an author", "leave it out; the guard adds tool:<name>"
                )
        return named

    def clients(self) -> frozenset[str] | None:
        named = self.names("clients", "client ids", _CLIENT)
        return None if named is None else frozenset(named)

    def returns(self) -> frozenset[str]:
        named = frozenset(self.names("returns", "personal, secret, outside", None) or ())
        if not named <= RETURNS:
            raise self._wrong(
                "returns", f"{_short(min(named - RETURNS))} is unknown", "write some of personal, secret, outside"
            )
        return named

    def limits(self) -> tuple[Limit, ...]:
        given = self._value.get("limit")
        if given is None:
            return ()
        listed = given if isinstance(given, list | tuple) else [given]
        if len(listed) > MOST_LIMITS:
            raise self._wrong("limit", f"holds more than {MOST_LIMITS} limits", "name fewer")
        found: list[Limit] = []
        for one in listed:
            try:
                found.append(one if isinstance(one, Limit) else parse_limit(one))
            except InvalidLimitError as error:
                raise self._wrong("limit", f"{_short(one)} {error}", CURE) from None
        return tuple(found)

    def caps(self) -> tuple[Cap, ...]:
        given = self._value.get("concurrent")
        if given is None:
            return ()
        listed = given if isinstance(given, list | tuple) else [given]
        if len(listed) > MOST_LIMITS:
            raise self._wrong("concurrent", f"holds more than {MOST_LIMITS}", "name fewer")
        found: list[Cap] = []
        for one in listed:
            try:
                found.append(one if isinstance(one, Cap) else parse_cap(one))
            except InvalidLimitError as error:
                raise self._wrong("concurrent", f"{_short(one)} {error}", CAP_CURE) from None
        return fewest(found)

    def definitions(self) -> frozenset[str] | None:
        named = self.names("definitions", "definition hashes of 64 hexadecimal digits", _HASH)
        return None if named is None else frozenset(named)

    def approval(self, given: Any, member: str) -> ApprovalRule | bool | None:
        if given is None or isinstance(given, bool | ApprovalRule):
            return given
        if not isinstance(given, Mapping):
            raise self._wrong(member, f"{_short(given)} is no rule", "write true, false or {by: role, role: approver}")
        try:
            return rule_from_json(given)
        except InvalidRuleError as error:
            part, _, fault = str(error).partition(": ")
            raise self._wrong(f"{member}.{part[:80]}", fault, "correct it, or leave it out") from None

    def when(self) -> tuple[When, ...]:
        given = self._value.get("when")
        if given is None:
            return ()
        if not isinstance(given, list | tuple):
            raise self._wrong("when", f"{_short(given)} is no list", "write a list of {deny: …, because: …}")
        if len(given) > MOST_CONDITIONS:
            raise self._wrong("when", f"holds more than {MOST_CONDITIONS} conditions", "join them by or")
        return tuple(self._one(entry, f"when[{place}]") for place, entry in enumerate(given))

    def _one(self, entry: Any, member: str) -> When:
        if isinstance(entry, When):
            return entry
        if not isinstance(entry, Mapping):
            raise self._wrong(member, f"{_short(entry)} is no condition", "write {deny: …, because: …}")
        for name in entry:
            if name not in (*EFFECTS, "because", "observe", "approval"):
                raise self._wrong(
                    f"{member}.{str(name)[:80]}",
                    "is no member of a condition",
                    "use deny, step_up or require, because, observe, approval",
                )
        effects = [effect for effect in EFFECTS if entry.get(effect) is not None]
        if len(effects) != 1:
            raise self._wrong(member, "says none or several of deny, step_up, require", "write exactly one of them")
        because = entry.get("because")
        if (
            not isinstance(because, str)
            or not because.strip()
            or len(because) > MOST_BECAUSE
            or not because.isprintable()
        ):
            raise self._wrong(
                f"{member}.because",
                "does not say why",
                f"write one line of 1 to {MOST_BECAUSE} characters for the caller",
            )
        observe = entry.get("observe")
        if observe is not None and not isinstance(observe, bool):
            raise self._wrong(f"{member}.observe", f"{_short(observe)} is unknown", "write true or false")
        text = entry[effects[0]]
        try:
            condition = text if isinstance(text, Condition) else parse(text)
        except ConditionError as error:
            raise self._wrong(f"{member}.{effects[0]}", f"column {error.column}: {error.fault}", error.cure) from None
        rule = self.approval(entry.get("approval"), f"{member}.approval")
        if isinstance(rule, bool) or (rule is not None and effects[0] != "step_up"):
            raise self._wrong(
                f"{member}.approval", "says whose yes a step_up takes", "write {by: role, role: approver}"
            )
        return When(effect=effects[0], condition=condition, because=because, observe=bool(observe), approval=rule)


def day_of(said: Any) -> date | None:
    """Return the day that is written as `2027-03-31` (RFC 3339 full-date), or None: it is written otherwise, or there is no such day."""
    if not isinstance(said, str) or not _DAY.fullmatch(said):
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


def is_over(sunset: date | None, now: float) -> bool:
    """Tell whether the last day of a tool has passed at `now`, in seconds since the epoch."""
    return sunset is not None and now >= (sunset.toordinal() - _EPOCH + 1) * 86_400


def _short(value: Any) -> str:
    """Show a strange value in a few words: it may be anything, and large."""
    if isinstance(value, str):
        return repr(value[:60])
    if value is None or isinstance(value, bool | float):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a huge number"
    return f"a {type(value).__name__}"
