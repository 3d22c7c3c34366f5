"""
Who was given text from outside lately, and which of their calls were held for it: bounded, of this process, and of others by a store.

A person is their tenant and subject: a second login, a refreshed token, another session and another application of the same person are
the same person here, because an agent that was talked into something has all of them. Times are counted by a clock that nobody sets.

A call that was held stays held for as long as somebody may be deciding about it: waiting for the time to pass does not get it through, and
neither does a person's no run out before the question does. What a restart forgets is forgotten, unless a store remembers it; what
had to be forgotten for lack of room counts as given, for everybody, until it would have been over. C24, C25.
"""

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Any, Final

from resource_lib.identity.principal import Principal
from resource_lib.limits.store import Asked, LimitStore, StoreUnavailableError
from resource_lib.output.taint import Taint
from resource_lib.wire.approvals import Follows

MOST_PEOPLE: Final = 50_000
MOST_HELD: Final = 64
"""Calls of one person that are known to have been held; the oldest gives way."""
_MOST_WAITING_S: Final = 900
"""How long past its time a held call stays held: as long as a person is asked by default."""
_UNKNOWN_S: Final = 2.0
"""How long a store that did not answer is taken not to."""

log = logging.getLogger("resource_lib.guard")

_Person = tuple[str, str]


class _Given:
    """What one person was given."""

    __slots__ = ("follows", "held", "until")

    def __init__(self, follows: Follows, until: float) -> None:
        self.follows = follows
        self.until = until
        self.held: OrderedDict[bytes, float] = OrderedDict()


class Taints:
    """Remembers it. `clock` counts monotonic seconds, `wall` those since the epoch, for words alone. Safe between threads."""

    def __init__(
        self,
        settings: Taint,
        *,
        issuer: str = "",
        store: LimitStore | None = None,
        most: int = MOST_PEOPLE,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`store`: where other processes, and other servers of the same issuer, learn of it; None: they do not."""
        self.settings = settings
        self.store = store
        self._issuer = issuer
        self._most = most
        self._clock = clock
        self._wall = wall
        self._people: OrderedDict[_Person, _Given] = OrderedDict()
        self._crowded_until = 0.0
        """Until when somebody who is not here may have been forgotten too early."""
        self._lock = Lock()

    def given(self, principal: Principal, tool: str, *, has_signs: bool = False) -> None:
        """Take note, before it leaves, that a result of `tool` carries such text."""
        follows = Follows(tool=tool, at=int(self._wall()), has_signs=has_signs)
        self._note(_person(principal), follows, self._clock() + self.settings.seconds)

    async def tell(self, principal: Principal) -> None:
        """Let other processes know, if there is a way. A store that is away stops no read; `hear` then knows nothing, and asks."""
        if self.store is None:
            return
        key, seconds = self._key(principal), self.settings.seconds
        try:
            # A bucket that holds as many drops as there are seconds, and loses one each second: filled up, it is empty when it is over.
            left = await self.store.take([Asked(key=key, most=seconds, seconds=seconds)], peek=True)
            if left.remaining[0] > 0:
                await self.store.take([Asked(key=key, most=seconds, seconds=seconds, cost=left.remaining[0])])
        except StoreUnavailableError:
            log.warning("the store of limits is away: other processes do not know", extra={"event": "taint.untold"})

    async def hear(self, principal: Principal) -> None:
        """Learn what other processes gave to this person; when the store is away it counts as given."""
        if self.store is None:
            return
        key, seconds = self._key(principal), self.settings.seconds
        person = _person(principal)
        with self._lock:
            known = self._people.get(person)
            if known is not None and known.until > self._clock():
                return
        try:
            found = await self.store.take([Asked(key=key, most=seconds, seconds=seconds, cost=seconds)], peek=True)
            left = 0.0 if found.refused is None else found.retry_after_s
        except StoreUnavailableError:
            left = _UNKNOWN_S
        if left > 0:
            at = int(self._wall() - max(0.0, seconds - left)) if left != _UNKNOWN_S else 0
            self._note(person, Follows(tool="", at=at), self._clock() + left)

    def of(self, principal: Principal, tool: str, arguments: Any) -> Follows | None:
        """Return what a call that writes follows; None: nothing that anybody here knows of."""
        if tool in self.settings.spares:
            return None
        found = self._people.get(_person(principal))
        if found is None:
            return Follows(tool="", at=0) if self._crowded_until and self._clock() < self._crowded_until else None
        with self._lock:
            now = self._clock()
            if now < found.until or found.held.get(_mark(tool, arguments), 0.0) > now:
                return found.follows
            return None

    def hold(self, principal: Principal, tool: str, arguments: Any) -> None:
        """Take note that exactly this call was held: it stays so until nobody can be deciding about it any more."""
        person = _person(principal)
        with self._lock:
            found = self._people.get(person)
            if found is None:
                return
            mark = _mark(tool, arguments)
            found.held[mark] = self._clock() + self.settings.seconds + _MOST_WAITING_S
            found.held.move_to_end(mark)
            if len(found.held) > MOST_HELD:
                found.held.popitem(last=False)
            self._people.move_to_end(person)

    def _note(self, person: _Person, follows: Follows, until: float) -> None:
        with self._lock:
            found = self._people.get(person)
            if found is None:
                found = self._people[person] = _Given(follows, until)
                if len(self._people) > self._most:
                    self._forget_some()
            elif until >= found.until:
                found.follows, found.until = follows, until
            self._people.move_to_end(person)

    def _forget_some(self) -> None:
        """Make room: whoever owes nothing first, else whoever was quiet for longest, at everybody's cost."""
        now = self._clock()
        while self._people:
            person, oldest = next(iter(self._people.items()))
            until = max(oldest.until, *oldest.held.values()) if oldest.held else oldest.until
            if until > now:
                if len(self._people) <= self._most:
                    return
                self._crowded_until = max(self._crowded_until, until)
            del self._people[person]

    def _key(self, principal: Principal) -> str:
        named = "\n".join(
            f"{len(name)}:{name}"
            for name in (self._issuer, principal.tenant, principal.subject, str(self.settings.seconds))
        )
        return "taint:" + blake2b(named.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _person(principal: Principal) -> _Person:
    return principal.tenant, principal.subject


def _mark(tool: str, arguments: Any) -> bytes:
    """Return what two equal calls share, and nothing that their values could be read from."""
    try:
        said = json.dumps([tool, arguments], sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        said = json.dumps([tool])
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
