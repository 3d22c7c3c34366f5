"""
The words of one event of a call, which a guard tells and the server keeps: who asked for what, what was decided by which rules, what
came of it.

Of what a person said or got, `sub`, `act`, `arguments`, `result`, `subjects` and the salts belong into what can be erased; everything else is
an id, a code or a number, a hash or a commitment. Frozen: a guard of one version tells a server of another, so a member is added,
never renamed; one that is not known here is refused, because nobody could say whether it may be kept in the clear.
The standard library only, and what reads JSON faster where it is installed.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from resource_lib.wire.strict_json import orjson

PATH: Final = "/rs/audit"
MOST_EVENTS: Final = 500
"""Of one batch."""
MOST_BATCH_BYTES: Final = 8 * 1024 * 1024
MOST_EVENT_BYTES: Final = 256 * 1024
"""Of one event as JSON."""
MOST_ARGUMENT_BYTES: Final = 64 * 1024
"""Of redacted arguments as JSON; longer ones are left out, and their commitment stays."""
MOST_RESULT_CHARACTERS: Final = 10_000
MOST_SUBJECTS: Final = 50
MOST_RULES: Final = 64
MOST_RULE_CHARACTERS: Final = 8192
"""Of all rules of one event together: they stand in its header, which is kept for ever, and in the clear."""
MOST_SIGNS: Final = 64
MOST_ACTORS: Final = 8

Phase = Literal["intent", "outcome", "refused", "held", "observed"]
"""`intent`: it is about to run; `outcome`: it has run; `refused`, `held`: it has not; `observed`: something was seen beside a call."""
Recorded = Literal["allowed", "refused", "held", "observed"]
"""What was decided. `observed`: it may run, and a rule that is only observed objects."""
Status = Literal["ok", "tool_error", "withheld", "cancelled", "failed", "unknown"]
"""How it ended. `withheld`: it has run, and its answer did not leave; `failed`: there was no answer; `unknown`: nobody saw the end."""
Verdict = Literal["allow", "deny", "ask", "would_allow", "would_deny", "would_ask"]

_PHASES: Final = frozenset(get_args(Phase))
_DECISIONS: Final = frozenset(get_args(Recorded))
_STATUSES: Final = frozenset(get_args(Status))
_VERDICTS: Final = frozenset(get_args(Verdict))
_CLASSES: Final = frozenset({"read", "write", "destructive"})
_LATEST: Final = 2**53 - 1


class InvalidEventError(ValueError):
    """What is told is no event of a call. The message names the member and the cure, and repeats nothing of what was sent."""

    def __init__(self, member: str, cure: str) -> None:
        super().__init__(f"{member}: {cure}")
        self.member = member
        self.cure = cure


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEvent:
    """One event. Times are microseconds since the epoch, or of a duration; hashes and commitments are hex SHA-256."""

    id: str
    """26 hex digits: 14 of the time, 12 of chance. The same id again is the same event."""
    call: str
    """The id of the first event of this call."""
    phase: Phase
    at: int
    instance: str
    """The process that tells it."""
    tenant: str
    sub: str
    client_id: str
    authorization_id: str | None = None
    token: str
    """The hash of the token as it was sent."""
    act: tuple[str, ...] = ()
    """Who acts for whom, outermost first (RFC 8693 §4.1)."""
    session: str | None = None
    """The hash of the session's id."""
    request: str | None = None
    """The id that the caller gave the request, if it is no text of their own."""
    traceparent: str | None = None
    """W3C Trace Context."""
    method: str
    tool: str | None = None
    """A tool of the policy; what else was called is not repeated."""
    tool_class: Literal["read", "write", "destructive"] | None = None
    definition_hash: str | None = None
    policy_version: str | None = None
    decision: Recorded
    error: str | None = None
    """The word that the caller was told."""
    reason: str | None = None
    """Why, in words of ours or of the policy's author."""
    rules: tuple[tuple[str, ...], ...] = ()
    """Each rule that was evaluated: its name, its `Verdict`, and why."""
    approval_id: str | None = None
    arguments: Any = None
    """Redacted; None: they were not recorded, or there were none."""
    arguments_bytes: int = 0
    """Of the arguments as JSON, before anything was taken out."""
    arguments_commit: str | None = None
    arguments_salt: str | None = None
    status: Status | None = None
    result: str | None = None
    """JSON as it left, cut at `MOST_RESULT_CHARACTERS`."""
    result_bytes: int | None = None
    result_commit: str | None = None
    result_salt: str | None = None
    latency_us: int | None = None
    cost: int | None = None
    """What the tool declares that one call costs."""
    signs: Mapping[str, int] | None = None
    """Of what was changed or seen in the answer, how often which kind."""
    subjects: tuple[tuple[str, str], ...] = ()
    """The people it names: the word of the schema, and the identifier in its normal form."""

    def as_object(self) -> dict[str, Any]:
        """Return it as a JSON object; `parse` reads it again."""
        said: dict[str, Any] = {}
        for name in _NAMES:
            value = getattr(self, name)
            if value is None or value == ():
                continue
            said[name] = (
                [list(one) if isinstance(one, tuple) else one for one in value] if type(value) is tuple else value
            )
        return said

    @property
    def names_people(self) -> bool:
        """Whether it holds anything but header: what is kept where it can be erased."""
        return self.arguments is not None or self.result is not None or bool(self.subjects)


_NAMES: Final = tuple(field.name for field in fields(CallEvent))
MEMBERS: Final = frozenset(_NAMES)

IN_PAYLOAD: Final = frozenset(
    {"sub", "act", "arguments", "arguments_salt", "result", "result_salt", "subjects", "request"}
)
"""What never stands in a header: it is kept under a key that can be destroyed."""

# -- ids


def new_id(at_us: int) -> str:
    """Return the id of an event of this time."""
    return f"{at_us:014x}{os.urandom(6).hex()}"


def time_of(event_id: str) -> int:
    """Return the time that an id says, in microseconds."""
    return int(event_id[:14], 16)


# -- reading

_ID: Final = re.compile(r"[0-9a-f]{26}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KIND: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/ -]{0,63}")
_NAME: Final = re.compile(r"[\x21-\x7e]{1,128}")
_LONG_NAME: Final = re.compile(r"[\x21-\x7e]{1,2048}")
_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_METHOD: Final = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$./:-]{0,255}")
_REQUEST: Final = re.compile(r"[\x21-\x7e]{1,64}")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SAID: Final = re.compile("[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,200}")
_RULE: Final = re.compile("[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,300}")
_MANY_DIGITS: Final = re.compile(r"[0-9]{16}")
_MANY_DIGITS_WRITTEN: Final = re.compile(rb"[0-9]{16}")
_MOST_DEPTH: Final = 64


def _text(pattern: re.Pattern[str], cure: str) -> Callable[[str, Any], Any]:
    matches = pattern.fullmatch

    def read(name: str, value: Any) -> Any:
        if type(value) is not str or matches(value) is None:
            raise InvalidEventError(name, cure)
        return value

    return read


def _one_of(words: frozenset[str]) -> Callable[[str, Any], Any]:
    cure = f"is one of {', '.join(sorted(words))}"

    def read(name: str, value: Any) -> Any:
        if type(value) is not str or value not in words:
            raise InvalidEventError(name, cure)
        return value

    return read


def _number(name: str, value: Any) -> Any:
    if type(value) is not int or not 0 <= value <= _LATEST:
        raise InvalidEventError(name, "is a whole number from 0 to 2^53 - 1")
    return value


def _rules(name: str, value: Any) -> Any:
    if type(value) is not list or len(value) > MOST_RULES or not all(type(one) is list for one in value):
        raise InvalidEventError(name, f"is a list of at most {MOST_RULES} rules, each a list")
    rules = tuple(map(tuple, value))
    try:
        return _checked(name, rules)
    except TypeError:  # not even texts
        raise _wrong_rule(name) from None


def characters_of(rules: Iterable[Iterable[str]]) -> int:
    """Return how long rules are together."""
    return sum(len(each) for one in rules for each in one)


@lru_cache(maxsize=1024)
def _checked(name: str, rules: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Return rules that are some. Nearly every call of a tool is decided by the same rules in the same way, so they are kept."""
    for one in rules:
        if (
            not 2 <= len(one) <= 3
            or not all(type(each) is str for each in one)
            or _RULE.fullmatch(one[0]) is None
            or one[1] not in _VERDICTS
            or (len(one) == 3 and _SAID.fullmatch(one[2]) is None)
        ):
            raise _wrong_rule(name)
    # What is refused is not kept either: a thousand of the longest would be memory that nobody gives back.
    if characters_of(rules) > MOST_RULE_CHARACTERS:
        raise InvalidEventError(
            name, f"are at most {MOST_RULE_CHARACTERS} characters together; leave the last ones out"
        )
    return rules


def _wrong_rule(name: str) -> InvalidEventError:
    verdicts = ", ".join(sorted(_VERDICTS))
    return InvalidEventError(
        name, f"each is a list of a rule's name, one of {verdicts}, and perhaps why, in 200 characters on one line"
    )


def _actors(name: str, value: Any) -> Any:
    if type(value) is not list or not 0 < len(value) <= MOST_ACTORS:
        raise InvalidEventError(name, f"is a list of 1 to {MOST_ACTORS} actors")
    for one in value:
        if type(one) is not str or _LONG_NAME.fullmatch(one) is None:
            raise InvalidEventError(name, "each is the sub or client_id of an actor, in visible ASCII")
    return tuple(value)


def _arguments(name: str, value: Any) -> Any:
    if orjson is not None and _is_plainly_short(value):
        return value
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode("utf-8"))
    except (ValueError, TypeError, RecursionError):
        raise InvalidEventError(name, "is a JSON value without half surrogate pairs, of finite numbers") from None
    if size > MOST_ARGUMENT_BYTES:
        raise InvalidEventError(name, f"is at most {MOST_ARGUMENT_BYTES} bytes of JSON; leave longer ones out")
    if (text.count("[") + text.count("{") > _MOST_DEPTH or _MANY_DIGITS.search(text)) and not _is_plain(value):
        raise InvalidEventError(
            name, f"is at most {_MOST_DEPTH} deep, and holds whole numbers below 2^53; send larger ones as texts"
        )
    return value


def _is_plainly_short(value: Any) -> bool:
    """Say of most arguments what is said of each below, in a fifth of the time."""
    try:
        text = orjson.dumps(value)
    except TypeError:
        return False
    return (
        len(text) <= MOST_ARGUMENT_BYTES
        and b"null" not in text  # as which it writes numbers that are none
        and text.count(b"[") + text.count(b"{") <= _MOST_DEPTH
        and _MANY_DIGITS_WRITTEN.search(text) is None
    )


def _is_plain(value: Any) -> bool:
    level = [value]
    for _ in range(_MOST_DEPTH):
        inner: list[Any] = []
        for one in level:
            if type(one) is dict:
                inner += one.values()
            elif type(one) is list:
                inner += one
            elif type(one) is int and abs(one) > _LATEST:
                return False
        if not inner:
            return True
        level = inner
    return False


def _result(name: str, value: Any) -> Any:
    if type(value) is not str or len(value) > MOST_RESULT_CHARACTERS or not _is_utf8(value):
        raise InvalidEventError(
            name, f"is a text of at most {MOST_RESULT_CHARACTERS} characters, without half surrogate pairs"
        )
    return value


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _signs(name: str, value: Any) -> Any:
    if type(value) is not dict or len(value) > MOST_SIGNS:
        raise InvalidEventError(name, f"is an object of at most {MOST_SIGNS} kinds")
    for kind, count in value.items():
        if _KIND.fullmatch(kind) is None or type(count) is not int or not 0 < count <= _LATEST:
            raise InvalidEventError(name, "each is a kind's name and how often it was seen, a whole number from 1")
    return value


def _subjects(name: str, value: Any) -> Any:
    if type(value) is not list or len(value) > MOST_SUBJECTS:
        raise InvalidEventError(name, f"is a list of at most {MOST_SUBJECTS} people")
    for one in value:
        if (
            type(one) is not list
            or len(one) != 2
            or type(one[0]) is not str
            or type(one[1]) is not str
            or _KIND.fullmatch(one[0]) is None
            or not 0 < len(one[1]) <= 256
            or "\0" in one[1]
            or not _is_utf8(one[1])
        ):
            raise InvalidEventError(name, "each is a list of a kind and an identifier of 1 to 256 characters")
    return tuple(map(tuple, value))


_HEX: Final = _text(_HASH, "is 64 hex digits, in lower case")
_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "id": _text(_ID, "is 26 hex digits, in lower case"),
    "call": _text(_ID, "is 26 hex digits, in lower case"),
    "phase": _one_of(_PHASES),
    "at": _number,
    "instance": _text(_NAME, "is 1 to 128 visible ASCII characters"),
    "tenant": _text(_NAME, "is 1 to 128 visible ASCII characters"),
    "sub": _text(_LONG_NAME, "is 1 to 2048 visible ASCII characters"),
    "client_id": _text(_LONG_NAME, "is 1 to 2048 visible ASCII characters"),
    "authorization_id": _text(_NAME, "is 1 to 128 visible ASCII characters"),
    "token": _HEX,
    "act": _actors,
    "session": _HEX,
    "request": _text(_REQUEST, "is 1 to 64 visible ASCII characters"),
    "traceparent": _text(_TRACE, "is a W3C traceparent"),
    "method": _text(_METHOD, "is a method's name"),
    "tool": _text(_TOOL, "is a tool's name: A-Z a-z 0-9 _ . / -, at most 128"),
    "tool_class": _one_of(_CLASSES),
    "definition_hash": _HEX,
    "policy_version": _HEX,
    "decision": _one_of(_DECISIONS),
    "error": _text(_WORD, "is one word of a refusal, such as policy_denied"),
    "reason": _text(_SAID, "is 1 to 200 characters on one line"),
    "rules": _rules,
    "approval_id": _text(_NAME, "is 1 to 128 visible ASCII characters"),
    "arguments": _arguments,
    "arguments_bytes": _number,
    "arguments_commit": _HEX,
    "arguments_salt": _HEX,
    "status": _one_of(_STATUSES),
    "result": _result,
    "result_bytes": _number,
    "result_commit": _HEX,
    "result_salt": _HEX,
    "latency_us": _number,
    "cost": _number,
    "signs": _signs,
    "subjects": _subjects,
}
_NEEDED: Final = (
    "id", "call", "phase", "at", "instance", "tenant", "sub", "client_id", "token", "method", "decision", "arguments_bytes",
)  # fmt: skip
_NEEDED_ONES: Final = frozenset(_NEEDED)
_DIGITS: Final = {
    "id": 26, "call": 26, "token": 64, "session": 64, "definition_hash": 64, "policy_version": 64, "arguments_commit": 64,
    "arguments_salt": 64, "result_commit": 64, "result_salt": 64,
}  # fmt: skip
"""How many hex digits a member is."""
_HEXES: Final = re.compile(r"[0-9a-f]*")
_MOST_SHAPES: Final = 8
"""In how many ways members may be put together before events are read one by one: then there is nothing to be gained."""
_TUPLES: Final = ("act", "rules", "subjects")
_DECIDED: Final = {
    "intent": frozenset({"allowed", "observed"}),
    "outcome": frozenset({"allowed", "observed"}),
    "refused": frozenset({"refused"}),
    "held": frozenset({"held"}),
    "observed": frozenset({"observed"}),
}
_OF_AN_END: Final = ("status", "result", "result_bytes", "result_commit", "latency_us")


def parse(said: Any) -> CallEvent:
    """Return the event that a JSON object says. Raises InvalidEventError; see `checked`."""
    found = checked(said).copy()
    for name in _TUPLES:
        if name in found:
            found[name] = tuple(tuple(one) if type(one) is list else one for one in found[name])
    return CallEvent(**found)


def checked(said: Any) -> dict[str, Any]:
    """Return the JSON object that says an event, once it is one. Raises InvalidEventError, which names the member and the cure.

    Values are those of a strict reader of JSON: members that stand twice, NaN and the like have been refused before.
    """
    if type(said) is not dict:
        raise InvalidEventError("event", "is an object")
    if not said.keys() >= _NEEDED_ONES:
        raise InvalidEventError(next(name for name in _NEEDED if name not in said), "is missing")
    for name, value in said.items():
        reader = _READERS.get(name)
        if reader is None:
            raise InvalidEventError(
                "event", "has a member that is none of an event's; leave it out, or update the server"
            )
        reader(name, value)
    _refuse_contradictions(said)
    return said


def are_checked(said: Sequence[Any]) -> bool:
    """Whether `checked` refuses none of these, asked member by member of all together. False: `checked` says of each what is wrong.

    Many events of one server say nearly the same: what is said often is read once, and what is as long as a hash in one piece.
    """
    alike: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for one in said:
        if type(one) is not dict:
            return False
        alike[tuple(one)].append(one)
    if len(alike) > _MOST_SHAPES:
        return False
    try:
        return all(_are_events(names, some) for names, some in alike.items())
    except InvalidEventError:
        return False


def _are_events(names: tuple[str, ...], said: list[dict[str, Any]]) -> bool:
    """Whether all are events; each has these members. Raises InvalidEventError where one is none."""
    if not _NEEDED_ONES.issubset(names):
        return False
    columns = dict(zip(names, zip(*map(dict.values, said), strict=True), strict=True))
    for name, column in columns.items():
        reader = _READERS.get(name)
        if reader is None:
            return False
        # Before a value is a member of a set: there 1, 1.0 and true are one.
        kinds = set(map(type, column))
        if name in _DIGITS:
            if kinds != {str} or set(map(len, column)) != {_DIGITS[name]} or _HEXES.fullmatch("".join(column)) is None:
                return False
        elif reader is _number:
            if kinds != {int} or min(column) < 0 or max(column) > _LATEST:
                return False
        elif kinds == {str}:
            for value in set(column):
                reader(name, value)
        else:
            before = None
            for value in column:
                # What is nothing but lists of texts is equal to nothing else.
                if before is None or value != before:
                    reader(name, value)
                before = value if name in _TUPLES else None
    for phase, decision in set(zip(columns["phase"], columns["decision"], strict=True)):
        _refuse_contradictions({**said[0], "phase": phase, "decision": decision, "id": max(columns["id"])})
    return True


def _refuse_contradictions(said: dict[str, Any]) -> None:
    phase = said["phase"]
    if said["decision"] not in _DECIDED[phase]:
        raise InvalidEventError("decision", f"is not {said['decision']} in an event of phase {phase}")
    if phase in ("refused", "held") and "error" not in said:
        raise InvalidEventError("error", f"says what the caller was told, in an event of phase {phase}")
    if phase == "outcome" and "status" not in said:
        raise InvalidEventError("status", "says how it ended, in an outcome")
    if phase in ("intent", "refused", "held"):
        for name in _OF_AN_END:
            if name in said:
                raise InvalidEventError(name, f"is of an outcome, not of an event of phase {phase}")
    for name in ("arguments", "result"):
        if (f"{name}_commit" in said) != (f"{name}_salt" in said):
            raise InvalidEventError(f"{name}_salt", f"stands with {name}_commit, or neither does")
    if time_of(said["id"]) > _LATEST:
        raise InvalidEventError("id", "begins with a time, in microseconds since the epoch")
