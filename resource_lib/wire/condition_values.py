"""
What the parts of a condition do with values that may be anything at all: each says UNKNOWN for what it cannot decide.

Three-valued logic after Kleene: unknown never becomes a yes or a no. Every cost is bounded by MOST_TEXT and MOST_ITEMS.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_TEXT: Final = 10_000
"""Characters of a text that a condition looks into; a longer one is undecided."""
MOST_ITEMS: Final = 200
"""Members of a list that a condition looks into; a longer one is undecided."""
_MOST_WHOLE: Final = 10**30
"""Beyond it arithmetic is undecided, so that no argument makes it slow."""


Called = Callable[[str, float, tuple[tuple[str, Any], ...]], bool | None]
"""Whether this authorization ran that tool in the last so many seconds, with these values at these paths of its arguments.
None: nobody knows. Must not raise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """All that a condition may look at. None: unknown, and what depends on it is undecided."""

    args: Any = None
    """The call's arguments as they were parsed; anything but an object is unknown."""
    tool: str | None = None
    tool_class: str | None = None
    """What it does, as it counts here: read, write or destructive."""
    client: str | None = None
    """The `client_id` that carries the token."""
    subject: str | None = None
    """For whom it is called: the token's `sub`."""
    roles: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    tenant: str | None = None
    tenant_domains: frozenset[str] | None = None
    """In lower case."""
    purpose: str | None = None
    """What the person said at consent it is for."""
    is_service: bool | None = None
    """Whether no person stands behind the call."""
    now: float | None = None
    """Seconds since the epoch."""
    called: Called | None = None
    first_use: Callable[[], bool | None] | None = None
    """Whether this authorization runs this tool for the first time."""


class Unknown:
    """What a part of a condition is worth when nobody can say."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
ABSENT: Final = object()

Ask = Callable[[Scene], Any]


def likeness(value: Any) -> tuple[str, Any] | None:
    """Return what two equal single values share, whatever wrote them: 1 and 1.0, never 1 and "1" or true; None: no such value."""
    kind = type(value)
    if kind is str:
        return ("text", value) if len(value) <= MOST_TEXT else None
    if kind is bool:
        return "truth", value
    if kind is int or (kind is float and math.isfinite(value)):
        return "number", value
    if value is None:
        return "null", None
    return None


def constant(value: Any) -> Ask:
    return lambda _scene: value


def named_value(name: str) -> Ask:
    def ask(scene: Scene) -> Any:
        value = getattr(scene, name)
        return UNKNOWN if value is None else value

    return ask


def first_use(scene: Scene) -> Any:
    said = None if scene.first_use is None else scene.first_use()
    return said if type(said) is bool else UNKNOWN


def argument(path: tuple[str | int, ...]) -> Ask:
    if len(path) == 1 and isinstance(path[0], str):
        only = path[0]

        def one(scene: Scene) -> Any:
            found = scene.args
            return found.get(only, UNKNOWN) if type(found) is dict else UNKNOWN

        return one

    def ask(scene: Scene) -> Any:
        found = _at(scene.args, path)
        return UNKNOWN if found is ABSENT else found

    return ask


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return what stands at `path`: `ABSENT` where nothing does, `UNKNOWN` where the path leads through something else."""
    for step in path:
        if value is None:
            return ABSENT
        if isinstance(step, str):
            if type(value) is not dict:
                return UNKNOWN
            value = value.get(step, ABSENT)
        else:
            if type(value) is not list:
                return UNKNOWN
            value = value[step] if step < len(value) else ABSENT
        if value is ABSENT:
            return ABSENT
    return value


def is_there(path: tuple[str | int, ...]) -> Ask:
    def ask(scene: Scene) -> Any:
        if type(scene.args) is not dict:
            return UNKNOWN
        found = _at(scene.args, path)
        return found if found is UNKNOWN else found is not ABSENT and found is not None

    return ask


def truth(ask: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        value = ask(scene)
        return value if value is True or value is False else UNKNOWN

    return asked


def negated(ask: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        value = ask(scene)
        return value if value is UNKNOWN else not value

    return asked


def all_of(parts: tuple[Ask, ...]) -> Ask:
    def asked(scene: Scene) -> Any:
        said: Any = True
        for part in parts:
            value = part(scene)
            if value is False:
                return False
            if value is UNKNOWN:
                said = UNKNOWN
        return said

    return asked


def any_of(parts: tuple[Ask, ...]) -> Ask:
    def asked(scene: Scene) -> Any:
        said: Any = False
        for part in parts:
            value = part(scene)
            if value is True:
                return True
            if value is UNKNOWN:
                said = UNKNOWN
        return said

    return asked


def _alike(one: Any, other: Any) -> Any:
    """Tell whether two single values are equal: like with like, numbers by value; null differs from everything else."""
    first, second = likeness(one), likeness(other)
    if first is None or second is None:
        # Something is there, be it a list, an object or a text too long to look into: null it is not.
        return False if (one is None or other is None) and UNKNOWN not in (one, other) else UNKNOWN
    if first[0] == second[0]:
        return first[1] == second[1]
    return False if "null" in (first[0], second[0]) else UNKNOWN


def equal(left: Ask, right: Ask) -> Ask:
    return lambda scene: _alike(left(scene), right(scene))


_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def ordered(word: str, left: Ask, right: Ask) -> Ask:
    order = _ORDERS[word]

    def asked(scene: Scene) -> Any:
        one, other = left(scene), right(scene)
        if type(one) is int and type(other) is int:
            return order(one, other)
        if _is_number(one) and _is_number(other):
            return order(one, other)
        if _is_text(one) and _is_text(other):
            return order(one, other)
        return UNKNOWN

    return asked


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _is_text(value: Any) -> bool:
    return type(value) is str and len(value) <= MOST_TEXT


def computed(sign: str, left: Ask, right: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        one, other = left(scene), right(scene)
        if not (_is_number(one) and _is_number(other)) or abs(one) > _MOST_WHOLE or abs(other) > _MOST_WHOLE:
            return UNKNOWN
        found = one + other if sign == "+" else one - other if sign == "-" else one * other
        return found if _is_number(found) else UNKNOWN

    return asked


def _items(value: Any) -> Sequence[Any] | frozenset[str] | None:
    if type(value) in (list, tuple, frozenset) and len(value) <= MOST_ITEMS:
        found: Sequence[Any] | frozenset[str] = value
        return found
    return None


def member_of(one: Ask, many: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        value, among = one(scene), _items(many(scene))
        if among is None or likeness(value) is None:
            return UNKNOWN
        if type(among) is frozenset:  # of texts: what a principal or a tenant has
            return value in among if type(value) is str else UNKNOWN
        said: Any = False
        for item in among:
            alike = _alike(value, item)
            if alike is True:
                return True
            if alike is UNKNOWN:
                said = UNKNOWN
        return said

    return asked


def within(these: Ask, those: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        some, among = _items(these(scene)), _items(those(scene))
        if some is None or among is None:
            return UNKNOWN
        wanted = [likeness(item) for item in some]
        there = {likeness(item) for item in among}
        if None in wanted or None in there:
            return UNKNOWN
        if all(item in there for item in wanted):
            return True
        unlike = {item[0] for item in wanted if item is not None} - {item[0] for item in there if item is not None}
        return UNKNOWN if unlike and there else False

    return asked


def length(ask: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        value = ask(scene)
        return len(value) if type(value) in (list, tuple, str, dict, frozenset) else UNKNOWN

    return asked


def lowered(value: Any) -> Any:
    return value.lower() if _is_text(value) else UNKNOWN


def of_two_texts(test: Callable[[str, str], bool], left: Ask, right: Ask) -> Ask:
    def asked(scene: Scene) -> Any:
        whole, piece = left(scene), right(scene)
        return test(whole, piece) if _is_text(whole) and _is_text(piece) else UNKNOWN

    return asked


_MAILBOX = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@((?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+)"
)


def domain_of(value: Any) -> Any:
    """Return the domain of a bare mail address in lower case, or those of a list of them; what two mailers could read in two
    ways (a display name, quotes, comments, a second address, a letter outside ASCII) is undecided.
    """
    if type(value) is str:
        match = _MAILBOX.fullmatch(value) if len(value) <= 320 else None
        return UNKNOWN if match is None else match[1].lower()
    among = _items(value)
    if among is None or type(among) is frozenset:
        return UNKNOWN
    found = tuple(domain_of(item) if type(item) is str else UNKNOWN for item in among)
    return UNKNOWN if UNKNOWN in found else found
