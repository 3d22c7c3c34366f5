"""
What is dead, in the words that the issuer's feed and its followers both spell alike.

Decision 14. An event has a number; a token carries, as `ctl`, the newest number that its minting process had applied. What an
event ends is counted, never timed: it ends whatever carries a smaller number. A stop holds until it is revived; what it ended
stays ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

FEED_TYP: Final = "feed+jwt"
"""The `typ` of a signed batch (RFC 8725 §3.11): no access token is a batch, and no batch a token."""

EVERY_TENANT: Final = "*"
"""The `tenant` of an event that is about each of them."""


class Kind(StrEnum):
    """What an event is about, and which members of it say which one."""

    TOKEN = "token"  # noqa: S105
    """`jti`, with `exp`, after which nobody needs to remember it."""
    AUTHORIZATION = "authorization"
    """`authorization_id`."""
    USER = "user"
    """`sub`, in `tenant`."""
    CLIENT = "client"
    """`client_id`, in `tenant` or in each."""
    CLIENT_HOST = "client_host"
    """`host`: every client whose id is a URL there, at whatever port."""
    TENANT = "tenant"
    """`tenant` itself."""
    RESOURCE = "resource"
    """`resource`, in `tenant` or in each."""
    TOOL = "tool"
    """`resource`, `tool`, in `tenant` or in each."""
    TOOL_VERSION = "tool_version"
    """`resource`, `tool`, `definition_hash`, in `tenant` or in each."""
    KEY = "key"
    """`kid`: what it has signed counts no more."""
    EVERYTHING = "everything"
    """All of it; `tenant` is `*`."""
    POLICY = "policy"
    """What `tenant` demands of the tools at `resource` has changed; what it is, is asked elsewhere."""


class Act(StrEnum):
    """What an event does."""

    END = "end"
    """Ends what carries a smaller number; what begins afterwards lives."""
    KILL = "kill"
    """Ends as END does (a tool, a tool's version and a resource end nothing), and stops what is new until REVIVE."""
    PAUSE = "pause"
    """Stops a resource until REVIVE and ends nothing: callers are told to come back after `retry_after_s`."""
    REVIVE = "revive"
    """Lets new things begin. What has ended stays so."""
    CHANGED = "changed"
    """Something that is told elsewhere is to be asked for anew."""


COUNTED: Final = frozenset({Kind.USER, Kind.CLIENT, Kind.CLIENT_HOST, Kind.TENANT, Kind.EVERYTHING})
"""Kinds of which an END or a KILL ends everything that carries a smaller number; the END of a resource does so too."""

HELD: Final = frozenset({Kind.RESOURCE, Kind.TOOL, Kind.TOOL_VERSION})
"""Kinds whose calls are held up while they are stopped, and go on when they are revived; no token ends with them."""


HOLDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.TOKEN: ("jti", "exp"),
    Kind.AUTHORIZATION: ("authorization_id",),
    Kind.USER: ("sub",),
    Kind.CLIENT: ("client_id",),
    Kind.CLIENT_HOST: ("host",),
    Kind.TENANT: (),
    Kind.RESOURCE: ("resource",),
    Kind.TOOL: ("resource", "tool"),
    Kind.TOOL_VERSION: ("resource", "tool", "definition_hash"),
    Kind.KEY: ("kid",),
    Kind.EVERYTHING: (),
    Kind.POLICY: ("resource",),
}
"""The members by which an event of each kind says what it is about; each event has them all."""

MOST_EVENTS: Final = 1000
"""How many events one batch tells at most; the state in a reset may hold more."""
MOST_CURSOR: Final = 100
MOST_TEXT: Final = 2048
_MOST_NUMBER: Final = 2**53 - 1


class InvalidBatchError(ValueError):
    """It is no batch of a feed as this version reads it. Whoever follows has learned nothing from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event: its number, what it does, where, and to what, by the members that `HOLDS` names."""

    n: int
    kind: Kind
    act: Act
    tenant: str
    subject: Mapping[str, str | int]
    retry_after_s: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What a server is told at once. `kills` None: the batch follows on `prev`; else it begins anew with this state."""

    iss: str
    aud: str
    sub: str
    prev: str | None
    cursor: str
    at: int
    boot: str
    feed: str
    """Which list it is: whoever follows one has heard nothing of another."""
    age_ms: int
    nonce: str | None
    more: bool
    tenants: frozenset[str] | None
    kills: tuple[Event, ...] | None
    events: tuple[Event, ...]


def parse_batch(payload: Mapping[str, Any]) -> Batch:
    """Return what a signed payload says. Raises InvalidBatchError for anything that is not exactly of this form.

    Members that it does not know are passed over; a kind or an act that it does not know is refused, because what it ends
    could not be ended.
    """
    reset = payload.get("reset")
    kills = None
    if reset is not None:
        if type(reset) is not dict:
            raise InvalidBatchError("reset: is an object")
        kills = tuple(_event(each) for each in _list(reset, "kills"))
    events = _list(payload, "events")
    if len(events) > MOST_EVENTS:
        raise InvalidBatchError(f"events: at most {MOST_EVENTS}")
    tenants = None
    if "tenants" in payload:
        told = _list(payload, "tenants")
        if not all(type(each) is str and 0 < len(each) <= MOST_TEXT for each in told):
            raise InvalidBatchError("tenants: ids")
        tenants = frozenset(told)
    if kills is not None and tenants is None:
        raise InvalidBatchError("tenants: a reset names them")
    prev = None if payload.get("prev") is None else _text(payload, "prev", most=MOST_CURSOR)
    if (prev is None) != (kills is not None):
        raise InvalidBatchError("prev: null in a reset, and only there")
    more = payload.get("more", False)
    if type(more) is not bool:
        raise InvalidBatchError("more: true or false")
    found = tuple(_event(each) for each in events)
    if any(later.n <= earlier.n for earlier, later in pairwise(found)):
        raise InvalidBatchError("events: in the order of their numbers")
    return Batch(
        iss=_text(payload, "iss"),
        aud=_text(payload, "aud"),
        sub=_text(payload, "sub"),
        prev=prev,
        cursor=_text(payload, "cursor", most=MOST_CURSOR),
        at=_number(payload, "at"),
        boot=_text(payload, "boot"),
        feed=_text(payload, "feed"),
        age_ms=_number(payload, "age_ms"),
        nonce=None if payload.get("nonce") is None else _text(payload, "nonce"),
        more=more,
        tenants=tenants,
        kills=kills,
        events=found,
    )


def _event(value: Any) -> Event:
    if type(value) is not dict:
        raise InvalidBatchError("events: objects")
    try:
        kind, act = Kind(str(value.get("kind"))), Act(str(value.get("act")))
    except ValueError:
        raise InvalidBatchError("kind, act: of those that this version knows") from None
    subject: dict[str, str | int] = {}
    for name in HOLDS[kind]:
        subject[name] = _number(value, name) if name == "exp" else _text(value, name)
    return Event(
        n=_number(value, "n"),
        kind=kind,
        act=act,
        tenant=_text(value, "tenant"),
        subject=subject,
        retry_after_s=None if value.get("retry_after_s") is None else _number(value, "retry_after_s"),
    )


def _list(of: Mapping[str, Any], name: str) -> list[Any]:
    value = of.get(name)
    if type(value) is not list:
        raise InvalidBatchError(f"{name}: is a list")
    return value


def _text(of: Mapping[str, Any], name: str, *, most: int = MOST_TEXT) -> str:
    value = of.get(name)
    if type(value) is not str or not 0 < len(value) <= most:
        raise InvalidBatchError(f"{name}: is a text of at most {most} characters")
    return value


def _number(of: Mapping[str, Any], name: str) -> int:
    value = of.get(name)
    if type(value) is not int or not 0 <= value <= _MOST_NUMBER:
        raise InvalidBatchError(f"{name}: is a whole number")
    return value
