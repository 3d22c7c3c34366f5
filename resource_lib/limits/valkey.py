"""
Limits in Valkey or Redis: one script counts, by the server's own clock, for every guard that asks it.

Everything of one namespace lies in one slot of a cluster (`{namespace}:…`), because a script sees one slot only, and limits that are
counted all or none must be seen together. Keys end by themselves when nothing is owed under them. Whoever is cut off from the answer
may have been counted: never more is let through than was counted.

The script's arithmetic is that of `gcra`, in whole microseconds, which a double holds exactly. Valkey from 7.2, Redis from 7.0, with the
extra `redis`. C37, C39, C41.
"""

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from resource_lib.limits.gcra import SECOND, interval, tolerance
from resource_lib.limits.store import SEAT_LIFE_S, Asked, Full, Seat, Slot, StoreUnavailableError, Taken
from resource_lib.limits.together import Together, undone_if_nobody_waits
from resource_lib.settings import SettingsError

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

TIMEOUT_S: Final = 0.2
"""How long one question may take in all, connecting included."""
_LANES: Final = 4
"""How many connections a process uses."""
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9._~:/-]{1,128}")

_SCRIPT: Final = """
-- ARGV: the life of a seat, then question after question. KEYS are read in the order in which the questions name them.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local life = tonumber(ARGV[1])
local at, answers = 2, {}

local function word() at = at + 1; return ARGV[at - 1] end
local function number() return tonumber(word()) end
local function key() return KEYS[number()] end
local function text(value) return string.format('%.0f', value) end

local function keep(name, value)
  if value > now then redis.call('SET', name, text(value), 'PX', text(math.ceil((value - now) / 1000)))
  else redis.call('DEL', name) end
end

-- Until when it is owed. Further ahead than it can be owed: the clock went back, or the limit was lowered. Not to be read: all is owed.
-- Either is put right at once, or it would be found so until the clock has come that far.
local function owed(name, most)
  local found = redis.call('GET', name)
  if not found then return now end
  local value = tonumber(found)
  if value and value <= now + most then return math.max(value, now) end
  keep(name, now + most)
  return now + most
end

local function limit()
  local one = {}
  one.key, one.every = key(), number()
  one.most, one.cost = number(), number()
  return one
end

local function take(peek)
  local asked, refused, longest, answer = {}, 0, 0, {}
  for n = 1, number() do
    local one = limit()
    one.before = owed(one.key, one.most)
    one.after = one.before + one.cost * one.every
    local wait = one.after - now - one.most
    if one.cost * one.every > one.most then wait = 2 ^ 52 end
    if wait > longest then refused, longest = n, wait end
    asked[n] = one
  end
  local takes = refused == 0 and not peek
  answer[1], answer[2] = refused, longest
  for n, one in ipairs(asked) do
    local value = one.before
    if takes then
      value = one.after
      keep(one.key, value)
    end
    answer[n + 2] = math.floor((one.most - (value - now)) / one.every)
  end
  return answer
end

local function give()
  for n = 1, number() do
    local one = limit()
    keep(one.key, owed(one.key, one.most) - one.cost * one.every)
  end
  return {1}
end

-- Who is still there. A clock that went back would keep the dead for longer than a seat lives.
local function holders(name)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', text(now))
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', name, '(' .. text(now + life), '+inf')) do
    redis.call('ZADD', name, text(now + life), one)
  end
  return redis.call('ZCARD', name)
end

local function sit(name, id)
  redis.call('ZADD', name, text(now + life), id)
  redis.call('PEXPIRE', name, text(math.ceil(life / 1000)))
end

local function begin()
  local id, slots, full = word(), {}, 0
  for n = 1, number() do
    slots[n] = key()
    if holders(slots[n]) >= number() and full == 0 then full = n end
  end
  if full == 0 then for _, name in ipairs(slots) do sit(name, id) end end
  return {full}
end

local function renew()
  local id, slots, kept = word(), {}, 1
  for n = 1, number() do
    slots[n] = key()
    holders(slots[n])
    if not redis.call('ZSCORE', slots[n], id) then kept = 0 end
  end
  if kept == 1 then for _, name in ipairs(slots) do sit(name, id) end end
  return {kept}
end

local function finish()
  local id = word()
  for n = 1, number() do redis.call('ZREM', key(), id) end
  return {1}
end

while at <= #ARGV do
  local kind = word()
  local answer
  if kind == 'take' then answer = take(false)
  elseif kind == 'peek' then answer = take(true)
  elseif kind == 'give' then answer = give()
  elseif kind == 'begin' then answer = begin()
  elseif kind == 'renew' then answer = renew()
  else answer = finish() end
  answers[#answers + 1] = answer
end
return answers
"""
_SEATS: Final = "seats:"
_GIVE_BACK: Final = "give"
_SHA: Final = sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class _Question:
    """One question, as the script reads it: a key stands as `_Key`."""

    words: tuple["str | int | _Key", ...]


@dataclass(frozen=True, slots=True)
class _Key:
    name: str


class ValkeyStore:
    """
    See LimitStore. `url` as redis-py reads it (`redis://`, `rediss://`, `unix://`); a password in it is never shown.

    `namespace` is what replicas of one MCP server share, and different servers do not. `timeout` (seconds) bounds each question.
    `cluster`: the URL is that of a node of a cluster. `options` go to redis-py (certificates, names).
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "limits",
        timeout: float = TIMEOUT_S,
        cluster: bool = False,
        **options: Any,
    ) -> None:
        if not _NAMESPACE.fullmatch(namespace):
            raise SettingsError(
                "namespace",
                "is no plain name",
                "use letters, digits and . _ ~ : / -, at most 128, such as your resource",
            )
        self._url = url
        self._cluster = cluster
        self._options = options
        self._prefix = f"{{{namespace}}}:"
        self._timeout = timeout
        self._together = Together(self._carry, timeout=timeout, lanes=_LANES)
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis | RedisCluster] = WeakKeyDictionary()
        try:
            import redis.asyncio as _  # noqa: F401, PLC0415 - an extra; said when the store is made, not when a call comes
        except ImportError:
            raise SettingsError("store", "redis-py is not installed", "install authserver[redis]") from None

    def __repr__(self) -> str:
        """Say which it is, and not how it is reached."""
        return f"ValkeyStore(namespace={self._prefix[1:-2]!r})"

    async def take(self, asked: Sequence[Asked], *, peek: bool = False) -> Taken:
        """See LimitStore."""
        if not asked:
            return Taken(refused=None, retry_after_s=0, remaining=())
        refused, wait, *remaining = await self._together.ask(_counting("peek" if peek else "take", asked))
        left = tuple(max(0, one) for one in remaining)
        if refused == 0:
            return Taken(refused=None, retry_after_s=0, remaining=left)
        never = asked[refused - 1].cost > asked[refused - 1].most
        return Taken(refused=refused - 1, retry_after_s=math.inf if never else wait / SECOND, remaining=left)

    async def give_back(self, asked: Sequence[Asked]) -> None:
        """See LimitStore."""
        if asked:
            await self._together.ask(_counting(_GIVE_BACK, asked))

    async def begin(self, asked: Sequence[Slot]) -> Seat | Full:
        """See LimitStore."""
        seat = Seat(id=token_hex(16), keys=tuple(one.key for one in asked))
        words: list[str | int | _Key] = ["begin", seat.id, len(asked)]
        for one in asked:
            words += [_Key(_SEATS + one.key), one.most]

        async def sit() -> Seat | Full:
            (full,) = await self._together.ask(_Question(tuple(words)))
            return Full(full - 1) if full else seat

        return await undone_if_nobody_waits(sit(), self._leave)

    async def _leave(self, found: Seat | Full) -> None:
        if isinstance(found, Seat):
            await self.end(found)

    async def renew(self, seat: Seat) -> bool:
        """See LimitStore."""
        (kept,) = await self._together.ask(_about("renew", seat))
        return bool(kept)

    async def end(self, seat: Seat) -> None:
        """See LimitStore."""
        await self._together.ask(_about("end", seat))

    async def aclose(self) -> None:
        """See LimitStore. It may be asked again: then it connects anew."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def _carry(self, questions: Sequence[_Question]) -> Sequence[list[int]]:
        import redis.exceptions as failures  # noqa: PLC0415 - an extra

        places: dict[str, int] = {}
        words: list[str | int] = [int(SEAT_LIFE_S * SECOND)]
        for question in questions:
            words += [
                places.setdefault(self._prefix + word.name, len(places) + 1) if isinstance(word, _Key) else word
                for word in question.words
            ]
        told = (len(places), *places, *words)
        try:
            try:
                return await self._run(told)
            except failures.ConnectionError:
                # The connection was lost on the way, and perhaps all of it was counted: counted twice is counted too often, never too
                # seldom. What gives back is not said twice.
                if any(question.words[0] == _GIVE_BACK for question in questions):
                    raise
                return await self._run(told)
        except (failures.RedisError, OSError) as error:
            raise StoreUnavailableError(type(error).__name__) from None

    async def _run(self, told: tuple[str | int, ...]) -> Sequence[list[int]]:
        from redis.exceptions import NoScriptError  # noqa: PLC0415 - an extra

        client = self._client()
        answers: list[list[int]]
        try:
            answers = await client.evalsha(_SHA, *told)
        except NoScriptError:
            # Flushed or started anew: sent along this once, and known again.
            answers = await client.eval(_SCRIPT, *told)
        return answers

    def _client(self) -> "Any":
        loop = asyncio.get_running_loop()
        found = self._clients.get(loop)
        if found is None:
            found = self._clients.setdefault(loop, self._connect())
        return found

    def _connect(self) -> "Redis | RedisCluster":
        from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415 - an extra
        from redis.asyncio.cluster import RedisCluster  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        options: dict[str, Any] = {
            "socket_timeout": self._timeout,
            "socket_connect_timeout": self._timeout,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            **self._options,
        }
        if self._cluster:
            return RedisCluster.from_url(self._url, **options)
        pool = BlockingConnectionPool.from_url(self._url, max_connections=_LANES, timeout=self._timeout, **options)
        return Redis.from_pool(pool)


def _counting(kind: str, asked: Sequence[Asked]) -> _Question:
    words: list[str | int | _Key] = [kind, len(asked)]
    for one in asked:
        words += [_Key(one.key), interval(one.most, one.seconds), tolerance(one.most, one.seconds), one.cost]
    return _Question(tuple(words))


def _about(kind: str, seat: Seat) -> _Question:
    return _Question((kind, seat.id, len(seat.keys), *(_Key(_SEATS + key) for key in seat.keys)))
