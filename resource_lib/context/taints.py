"""
Who was given text from outside lately, and which of their calls were held for it: bounded, of this process, and of others by a store.

A person is their tenant and subject: a second login, a refreshed token, another session and another application of the same person are
the same person here, because an agent that was talked into something has all of them. Times are counted by a clock that nobody sets.

A call that was held stays held for as long as somebody may be deciding about it: waiting for the time to pass does not get it through, and
neither does a person's no run out before the question does. What a restart forgets is forgotten, unless a store remembers it; what
had to be forgotten for lack of room counts as given, for everybody, until it would have been over.

A result does not leave before the store has heard of it, or has failed to answer in its time. Then writes go on waiting here, and it is
told until it is heard; whoever asks a store that is away, or was a moment ago, takes it as given. C24, C25.
"""

import asyncio
import json
import logging
import math
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
TELL_AGAIN_S: Final = 0.5
"""After what time a store that did not answer is told again."""
NOT_YET_TOLD_S: Final = 5.0
"""How long after a store was away whoever asks it takes it as given: the others tell it meanwhile what they could not."""
_MOST_TRIES: Final = 8
"""How often somebody else may tell of the same person between our look and our word."""

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
        self._untold: OrderedDict[_Person, tuple[str, float]] = OrderedDict()
        """Of whom the store does not know yet: the key, and until when it counts."""
        self._telling: asyncio.Task[None] | None = None
        self._unheard_at = -math.inf
        """When the store last did not answer a question of ours."""
        self._lock = Lock()

    def given(self, principal: Principal, tool: str, *, has_signs: bool = False) -> None:
        """Take note, before it leaves, that a result of `tool` carries such text."""
        follows = Follows(tool=tool, at=int(self._wall()), has_signs=has_signs)
        self._note(_person(principal), follows, self._clock() + self.settings.seconds)

    @property
    def untold(self) -> int:
        """Of how many people other processes do not know yet, because the store is away."""
        return len(self._untold)

    async def tell(self, principal: Principal) -> None:
        """Let other processes know, if there is a way. A store that is away stops no read: it is told when it is back."""
        if self.store is None:
            return
        person, key, until = _person(principal), self._key(principal), self._clock() + self.settings.seconds
        with self._lock:
            is_away = bool(self._untold)
            self._untold[person] = key, until
            self._untold.move_to_end(person)
            if len(self._untold) > self._most:
                self._untold.popitem(last=False)
        if is_away and self._telling is not None and not self._telling.done():
            return  # whoever waits for the store already tells of this one too
        if not await self._told(person):
            log.error(
                "the store of limits is away: other processes do not know yet who was given text from outside",
                extra={"event": "taint.untold"},
            )
            if self._telling is None or self._telling.done():
                self._telling = asyncio.create_task(self._tell_again())

    async def aclose(self) -> None:
        """Tell nobody any more."""
        telling, self._telling = self._telling, None
        if telling is not None and not telling.done():
            telling.cancel()
            await asyncio.wait([telling])
        if self._untold:
            log.error(
                "closed before other processes knew of %d people who were given text from outside",
                len(self._untold),
                extra={"event": "taint.never_told", "people": len(self._untold)},
            )

    async def _tell_again(self) -> None:
        """Tell what could not be told, for as long as it matters."""
        while self._untold:
            await asyncio.sleep(TELL_AGAIN_S)
            for person in tuple(self._untold):
                if not await self._told(person):
                    break
        log.warning("other processes know again who was given text from outside", extra={"event": "taint.told"})

    async def _told(self, person: _Person) -> bool:
        """Tell of one person; False: the store did not answer."""
        owed = self._untold.get(person)
        if owed is None:
            return True
        key, until = owed
        try:
            if (left := until - self._clock()) > 0:
                await self._fill(key, left)
        except StoreUnavailableError:
            return False
        with self._lock:
            if self._untold.get(person) == owed:
                del self._untold[person]
        return True

    async def _fill(self, key: str, left: float) -> None:
        """Let the store know it for `left` seconds more. Raises StoreUnavailableError."""
        assert self.store is not None
        seconds = self.settings.seconds
        # A bucket that holds as many drops as there are seconds, and loses one each second: filled up, it is empty when it is over.
        over = seconds - math.ceil(left)
        for _ in range(_MOST_TRIES):
            found = await self.store.take([Asked(key=key, most=seconds, seconds=seconds)], peek=True)
            missing = found.remaining[0] - over
            if missing <= 0:
                return
            taken = await self.store.take([Asked(key=key, most=seconds, seconds=seconds, cost=missing)])
            if taken.refused is None:
                return  # else somebody else has filled some of it since we looked
        raise StoreUnavailableError("others tell of the same person all the time")

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
        except StoreUnavailableError:
            self._unheard_at = self._clock()
            self._note(person, Follows(tool="", at=0), self._unheard_at + _UNKNOWN_S)
            return
        now = self._clock()
        if found.refused is not None:
            at = int(self._wall() - max(0.0, seconds - found.retry_after_s))
            self._note(person, Follows(tool="", at=at), now + found.retry_after_s)
        elif now < self._unheard_at + NOT_YET_TOLD_S:
            self._note(person, Follows(tool="", at=0), self._unheard_at + NOT_YET_TOLD_S)

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
