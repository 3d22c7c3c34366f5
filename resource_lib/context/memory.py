"""
What each authorization called before, for conditions that ask: bounded, of this process alone.

Kept are the tool, when it was let through, and digests of the few argument values that some condition compares; never a value itself.
What was forgotten (a restart, the least recently used authorization, the oldest of many calls) is not taken for what
never was: the answer is then None, and the condition undecided. Several worker processes each know what passed through them;
a shared store takes this one's place through `CallMemory`. C24, C25.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from hashlib import blake2b
from threading import Lock
from typing import Any, Protocol

from resource_lib.wire.condition import likeness

Same = tuple[tuple[str, Any], ...]
"""Paths of an earlier call's arguments, and the values they must have had."""


class CallMemory(Protocol):
    """Remembers what was let through. No method may block or raise: a call is being decided."""

    def knows(self, tools: Mapping[str, frozenset[tuple[str, ...]]]) -> None:
        """Take what is asked about from now on: tools, and the paths of their arguments that count."""
        ...

    def remember(self, authorization: str, tool: str, arguments: Any) -> None:
        """Note that a call was let through."""
        ...

    def called(self, authorization: str, tool: str, within: float, same: Same, age: float | None) -> bool | None:
        """Tell whether `authorization`, begun at most `age` seconds ago, called `tool` in the last `within` seconds."""
        ...

    def first_use(self, authorization: str, tool: str, age: float | None) -> bool | None:
        """Tell whether `authorization` never called `tool`."""
        ...


class _Past:
    """The calls of one authorization."""

    __slots__ = ("calls", "since", "used")

    def __init__(self, since: float) -> None:
        self.since = since
        """From when on all of them are known."""
        self.calls: deque[tuple[float, str, tuple[tuple[str, bytes], ...]]] = deque()
        self.used: dict[str, None] = {}


class ProcessMemory:
    """The memory of one process. Safe between threads."""

    def __init__(
        self,
        *,
        most_authorizations: int = 10_000,
        most_calls: int = 64,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_authorizations = most_authorizations
        self._most_calls = most_calls
        self._clock = clock
        self._since = clock()
        self._tools: Mapping[str, frozenset[tuple[str, ...]]] = {}
        self._asked_since: dict[tuple[str, str], float] = {}
        """From when on calls of a tool are remembered ("" for its path), and with them the value at a path."""
        self._past: OrderedDict[str, _Past] = OrderedDict()
        self._lock = Lock()

    def knows(self, tools: Mapping[str, frozenset[tuple[str, ...]]]) -> None:
        """See CallMemory. What nobody asked about so far was not remembered: of that, and of nothing else, all before now is unknown.

        One tenant's operators begin to ask as they like; what another's conditions know stays known.
        """
        with self._lock:
            now, before = self._clock(), self._asked_since
            asked = {(tool, path) for tool, several in tools.items() for paths in several for path in ("", *paths)}
            self._asked_since = {one: before.get(one, now) for one in asked}
            self._tools = dict(tools)

    def remember(self, authorization: str, tool: str, arguments: Any) -> None:
        """See CallMemory."""
        asked = self._tools.get(tool)
        if asked is None:
            return
        paths = {path for several in asked for path in several}
        marks = tuple((path, mark) for path in sorted(paths) if (mark := _mark_at(arguments, path)) is not None)
        with self._lock:
            now = self._clock()
            past = self._past.get(authorization)
            if past is None:
                past = self._past[authorization] = _Past(self._since)
                if len(self._past) > self._most_authorizations:
                    self._forget_one()
            self._past.move_to_end(authorization)
            past.used[tool] = None
            past.calls.append((now, tool, marks))
            if len(past.calls) > self._most_calls:
                past.since = max(past.since, past.calls.popleft()[0])

    def _forget_one(self) -> None:
        """Forget the authorization that was quiet for longest. Whoever is not here was quiet since its last call."""
        _, gone = self._past.popitem(last=False)
        self._since = max(self._since, gone.calls[-1][0] if gone.calls else gone.since)

    def called(self, authorization: str, tool: str, within: float, same: Same, age: float | None) -> bool | None:
        """See CallMemory."""
        wanted = [(path, _mark(value)) for path, value in same]
        if any(mark is None for _, mark in wanted):
            return None
        with self._lock:
            now = self._clock()
            past = self._past.get(authorization)
            since = max(self._since if past is None else past.since, self._known_since(tool, same, now))
            for at, name, marks in reversed(past.calls if past is not None else ()):
                if now - at > within:
                    break
                if name == tool and all(entry in marks for entry in wanted):
                    return True
        return False if now - within > since or _is_younger(age, now - since) else None

    def first_use(self, authorization: str, tool: str, age: float | None) -> bool | None:
        """See CallMemory."""
        with self._lock:
            past = self._past.get(authorization)
            if past is not None and tool in past.used:
                return False
            now = self._clock()
            since = max(self._since if past is None else past.since, self._known_since(tool, (), now))
            return True if _is_younger(age, now - since) else None

    def _known_since(self, tool: str, same: Same, now: float) -> float:
        """Return from when on calls of `tool` were remembered with their values at these paths."""
        return max(self._asked_since.get((tool, path), now) for path in ("", *(path for path, _ in same)))


_MARGIN = 5.0
"""Seconds by which the issuer's clock may be ahead of ours."""


_MOST_WHOLE = 10**30


def _is_younger(age: float | None, known: float) -> bool:
    """Tell whether the authorization began after everything is known."""
    return age is not None and age + _MARGIN < known


def _mark_at(arguments: Any, path: str) -> bytes | None:
    value = arguments
    for step in path.split("."):
        value = value.get(step) if type(value) is dict else None
    return None if value is None else _mark(value)


def _mark(value: Any) -> bytes | None:
    """Return what two equal values share, and nothing a value could be read from at a glance."""
    alike = likeness(value)
    if alike is None:
        return None
    kind, plain = alike
    if kind == "number" and abs(plain) > _MOST_WHOLE:
        return None
    if type(plain) is float and plain.is_integer():
        plain = int(plain)
    return blake2b(f"{kind}:{plain!r}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
