"""
Follows the issuer's list of what is dead: a stream tells at once, and a short question every second or two proves how fresh that is.

Decision 14. Only the answer to a question of our own, with its nonce and the whole truth in it, renews the lease, as of the moment
before it was asked. What a stream says is taken in at once, in whatever order it comes, and acknowledged; it proves no age, and it can
only add. Whoever was told something is told only what follows: an answer that does not begin where the last one ended is begun anew.

A list that goes backwards, or another one, is not believed: what is known stays, nothing is fresh any more, and operators hear of it
until this process is started again. Everything waits a random while, so that fifty servers never knock at once.
"""

import asyncio
import logging
import os
import random
import secrets
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from resource_lib.backchannel.channel import Channel, IssuerUnavailableError, Reply
from resource_lib.event_stream import Events, data_of
from resource_lib.identity.access_token import KeySource
from resource_lib.identity.jwks_cache import KeysUnavailableError
from resource_lib.revocation import batch as batches
from resource_lib.revocation.batch import ForgedError, number_of
from resource_lib.revocation.lease import RETRY_S, Lease
from resource_lib.revocation.state import State
from resource_lib.wire.control import Batch, Event, InvalidBatchError

PATH: Final = "/rs/feed"
ACK_PATH: Final = "/rs/feed/ack"
EVERY_S: Final = 2.0
"""How seldom a short question is asked at most."""
STREAM_WAIT_S: Final = 25
STREAM_IDLE_S: Final = 4.0
"""A stream has a heartbeat each second: one that is silent for longer is dead."""
FIRST_WAIT_S: Final = 2.0
"""How long a first caller waits for the first answer."""
_SOON_S: Final = 0.5
_MOST_AT_ONCE: Final = 3
_MOST_PAGES: Final = 10_000
_LONGEST_PAUSE_S: Final = 10.0
_FIRST_PAUSE_S: Final = 1.5
_SAY_AGAIN_S: Final = 60.0

_HEARD: Final = 204
_NOT_UNDERSTOOD: Final = 400

log = logging.getLogger("resource_lib.revocation")

Applied = Callable[[list[Event]], None]


class AnotherListError(Exception):
    """The list goes backwards, or is not the one that was followed."""


class Follower:
    """
    Follows one issuer's list for one resource, and puts what it hears into `state`.

    `applied` is called with each piece of news (with none, when this server is heard for fewer tenants), in the event loop that heard it, before it is
    acknowledged. `about` is told with the acknowledgement, and so is what `limited` returns, unless it is empty. `sleep` and `uniform`
    are for tests.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        keys: KeySource,
        resource: str,
        state: State,
        lease: Lease,
        applied: Applied = lambda _: None,
        about: Mapping[str, Any] | None = None,
        limited: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._channel = channel
        self._keys = keys
        self._resource = resource
        self._state = state
        self._lease = lease
        self._applied = applied
        self._about = dict(about or {})
        self._limited = limited
        self._tells_limited = True
        self._sleep = sleep
        self._uniform = uniform
        self._lock = threading.Lock()
        self._instance = os.getpid(), secrets.token_hex(8)
        self._cursor: str | None = None
        self._number = -1
        self._feed = ""
        self._acknowledged: str | None = None
        self._must_begin_anew = False
        self._begun_at = float("-inf")
        """When that was asked to which the latest beginning was the answer."""
        self._fault: IssuerUnavailableError | None = None
        self._tried_at = float("-inf")
        self._said_at = float("-inf")
        self.refusal = ""
        """Why the list is not believed any more, until this process is started again; empty: it is."""
        self.is_streaming = False
        """Whether a stream is open."""
        self._tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, list[asyncio.Task[None]]] = WeakKeyDictionary()
        self._questions: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[None]]] = WeakKeyDictionary()
        self._soon: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Event] = WeakKeyDictionary()
        self._acking: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()

    @property
    def instance(self) -> str:
        """Names this process at the issuer, until it ends. A fork of it is another one: neither speaks for the other."""
        process, name = self._instance
        if process != os.getpid():
            name = secrets.token_hex(8)
            self._instance = os.getpid(), name
        return name

    @property
    def cursor(self) -> str | None:
        """Up to where everything is known; None: nothing was heard."""
        return self._cursor

    def follow(self) -> None:
        """Follow from now on, in this event loop; once is enough."""
        loop = asyncio.get_running_loop()
        known = self._tasks.get(loop)
        if known is not None and not any(task.done() for task in known):
            return
        for task in known or ():
            task.cancel()
        self._soon[loop] = asyncio.Event()
        self._tasks[loop] = [
            loop.create_task(self._keep_asking(), name="feed questions"),
            loop.create_task(self._keep_listening(), name="feed stream"),
        ]

    async def hear(self, tenant: str) -> None:
        """Wait a moment for an answer, if none was heard yet, none that names `tenant`, or nobody follows in this event loop."""
        is_new = self._tasks.get(asyncio.get_running_loop()) is None
        self.follow()
        if self.refusal or not (is_new or not self._state.knows(tenant)):
            return
        waiting = self._questions_here()
        if not waiting:
            if self._lease.clock() - self._tried_at < _SOON_S:
                return
            self._ask()
        await asyncio.wait(set(waiting), timeout=FIRST_WAIT_S, return_when=asyncio.FIRST_COMPLETED)

    async def aclose(self) -> None:
        """Follow no longer in this event loop. What is known stays."""
        loop = asyncio.get_running_loop()
        acking = self._acking.pop(loop, None)
        tasks = [*self._tasks.pop(loop, ()), *self._questions.pop(loop, ()), *([acking] if acking else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- the short question

    async def _keep_asking(self) -> None:
        soon = self._soon[asyncio.get_running_loop()]
        every = min(EVERY_S, self._lease.max_staleness / 2)
        while True:
            if self.refusal:
                self._say_what_is_wrong()
                await self._sleep(_SAY_AGAIN_S)
                continue
            # Not after the last one's answer: one that hangs delays no other.
            if len(self._questions_here()) < (_MOST_AT_ONCE if self._cursor is not None else 1):
                self._ask()
            pause = self._uniform(every * 0.5, every * 0.95)
            if self._fault is not None:
                pause = max(pause, min(self._fault.retry_after_s, _LONGEST_PAUSE_S) * self._uniform(0.5, 1.0))
            sleeping = asyncio.ensure_future(self._sleep(pause))
            waking = asyncio.ensure_future(soon.wait())
            try:
                await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                waking.cancel()
            soon.clear()

    def _questions_here(self) -> set[asyncio.Task[None]]:
        return self._questions.setdefault(asyncio.get_running_loop(), set())

    def _ask(self) -> None:
        waiting = self._questions_here()
        task = asyncio.get_running_loop().create_task(self._asked(), name="feed question")
        waiting.add(task)
        task.add_done_callback(waiting.discard)

    async def _asked(self) -> None:
        try:
            async with asyncio.timeout(max(self._lease.max_staleness, 1.0)):
                await self._ask_until_whole()
        except AnotherListError as error:
            self._refuse(str(error))
        except IssuerUnavailableError as error:
            self._note(error, "the list of what is dead cannot be asked for now")
        except TimeoutError:
            self._note(IssuerUnavailableError(), "the list of what is dead was not answered in time")
        except KeysUnavailableError as error:
            self._note(IssuerUnavailableError(error.retry_after_s), "the keys of the list cannot be had now")
        except (ForgedError, InvalidBatchError) as error:
            log.error("an answer about what is dead does not count: %s", error, extra={"event": "feed.not_believed"})
            self._note(IssuerUnavailableError(), "the list of what is dead is not understood")
        except Exception:
            # Whatever it was, the next question is asked: a follower that died would never be fresh again.
            log.exception("what is dead could not be taken in", extra={"event": "feed.failed"})
            self._note(IssuerUnavailableError(), "the list of what is dead could not be taken in")
        else:
            if self._fault is not None:
                log.info("the list of what is dead is followed again", extra={"event": "feed.available"})
            self._fault, self._lease.retry_after_s = None, RETRY_S
        finally:
            self._tried_at = self._lease.clock()

    async def _ask_until_whole(self) -> None:
        """Ask, and ask for what follows, until the answer is the whole truth."""
        known = self._number
        after = None if self._must_begin_anew else self._cursor
        for _ in range(_MOST_PAGES):
            asked_at, nonce = self._lease.clock(), secrets.token_urlsafe(16)
            said = {"wait": "0", "instance": self.instance, "nonce": nonce}
            if after is not None:
                said["after"] = after
            reply = await self._channel.ask("GET", f"{PATH}?{urlencode(said)}", headers={"accept": "application/jwt"})
            found = await self._read(_body_of(reply))
            if found.nonce != nonce:
                raise ForgedError("an answer to another question")
            self._refuse_another(found)
            if found.kills is None and found.prev != after:
                self._must_begin_anew = True
                self._ask_soon()
                raise IssuerUnavailableError
            reached = number_of(found.cursor)
            if found.kills is None and after is not None and reached < number_of(after):
                raise AnotherListError("it goes backwards")
            self._take(found, asked_at=asked_at)
            self._must_begin_anew = False
            after = found.cursor
            if found.more:
                continue
            if reached < known:
                raise AnotherListError("it goes backwards")
            self._reached(found.cursor)
            self._lease.renew(asked_at - found.age_ms / 1000)
            return

    # -- the stream

    async def _keep_listening(self) -> None:
        failures = 0
        while True:
            if self.refusal:
                await self._sleep(_SAY_AGAIN_S)
                continue
            if self._cursor is None:
                await self._sleep(self._uniform(0.05, 0.15))
                continue
            try:
                heard = await self._listen()
                failures = 0 if heard else failures + 1
            except AnotherListError as error:
                self._refuse(str(error))
            except IssuerUnavailableError as error:
                failures += 1
                if error.retry_after_s > 1:
                    await self._sleep(min(error.retry_after_s, _LONGEST_PAUSE_S))
            except (ForgedError, InvalidBatchError, KeysUnavailableError) as error:
                failures += 1
                log.warning(
                    "a stream about what is dead does not count: %s", error, extra={"event": "feed.not_believed"}
                )
            except Exception:
                failures += 1
                log.exception("a stream about what is dead failed", extra={"event": "feed.failed"})
            # All servers lose their stream in the same moment; none of them comes back in it.
            longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures, 6))
            await self._sleep(self._uniform(0.05, longest))

    async def _listen(self) -> bool:
        """Listen to one stream until it ends; return whether it has said anything."""
        said = {"wait": str(STREAM_WAIT_S), "instance": self.instance, "after": self._cursor or ""}
        headers = {"last-event-id": self._cursor or ""}
        has_said = False
        try:
            async with self._channel.stream(
                f"{PATH}?{urlencode(said)}", headers=headers, idle=STREAM_IDLE_S
            ) as incoming:
                events = Events()
                async for chunk in incoming:
                    for event in events.feed(chunk):
                        data = data_of(event)
                        if data:
                            await self._streamed(data)
                            self.is_streaming = has_said = True
                    if len(events) > batches.MOST_BYTES:
                        raise ForgedError("too large")
        finally:
            self.is_streaming = False
        return has_said

    async def _streamed(self, raw: bytes) -> None:
        found = await self._read(raw)
        self._refuse_another(found)
        self._take(found)
        known = self._cursor
        if known is None or found.prev is None or not _follows(found.prev, known):
            # Something between was missed: the short question asks for it.
            self._ask_soon()
        else:
            self._reached(found.cursor)

    # -- what was heard

    async def _read(self, raw: bytes) -> Batch:
        return await batches.read(
            raw,
            keys=self._keys,
            issuer=self._channel.issuer,
            resource=self._resource,
            client_id=self._channel.credential.client_id,
            is_killed=self._state.is_killed_key,
        )

    def _refuse_another(self, found: Batch) -> None:
        if self.refusal:
            raise AnotherListError(self.refusal)
        if self._feed and found.feed != self._feed:
            raise AnotherListError("it is another list than the one that was followed")

    def _take(self, found: Batch, *, asked_at: float | None = None) -> None:
        """
        Take in what was said. Whatever of it is older than what is known changes nothing, so nobody gains by saying it again.

        `asked_at`: when that was asked to which it is the answer. Only the answer to the latest question may take something back: whom
        this server is heard for, and what is stopped no more. None: nobody asked, so it may have been on its way for long.
        """
        self._feed = found.feed
        news: list[Event] = []
        is_latest = asked_at is not None and asked_at >= self._begun_at
        has_lost = False
        if found.kills is not None:
            if is_latest:
                news += self._state.begin_anew(found.kills, up_to=number_of(found.cursor), at_s=found.at / 1000)
            elif number_of(found.cursor) > self._number:
                news += self._state.take(found.kills, at_s=found.at / 1000)
        news += self._state.take(found.events, at_s=found.at / 1000)
        if found.tenants is not None and asked_at is not None and is_latest:
            self._begun_at = asked_at
            known, self._state.tenants = self._state.tenants, found.tenants
            has_lost = known is not None and not known <= found.tenants
        if news or has_lost:
            self._applied(news)

    def _reached(self, cursor: str) -> None:
        """Take note that everything up to `cursor` is known, and tell the issuer so."""
        with self._lock:
            number = number_of(cursor)
            if number < self._number or cursor == self._cursor:
                return
            self._cursor, self._number = cursor, number
        loop = asyncio.get_running_loop()
        acking = self._acking.get(loop)
        if acking is None or acking.done():
            self._acking[loop] = loop.create_task(self._acknowledge(), name="feed acknowledgement")

    async def _acknowledge(self) -> None:
        """Tell the issuer up to where everything is applied; if it cannot hear that, the next question says it too."""
        while (cursor := self._cursor) is not None and cursor != self._acknowledged:
            try:
                await self._say(cursor)
            except IssuerUnavailableError:
                return
            self._acknowledged = cursor

    async def tell(self) -> bool:
        """Tell the issuer what this process says of itself, and of the limits that were met; False: it did not hear."""
        if (cursor := self._cursor) is None or not self._tells_limited:
            return False
        try:
            return await self._say(cursor)
        except IssuerUnavailableError:
            return False

    async def _say(self, cursor: str) -> bool:
        said: dict[str, Any] = {
            "instance": self.instance,
            "cursor": cursor,
            "max_staleness_ms": round(self._lease.max_staleness * 1000),
            "about": self._about,
        }
        limited = list(self._limited()) if self._tells_limited else []
        if not limited:
            return (await self._channel.ask("POST", ACK_PATH, body=said)).status == _HEARD
        reply = await self._channel.ask("POST", ACK_PATH, body=said | {"limited": limited})
        if reply.status == _NOT_UNDERSTOOD:
            # An issuer of an earlier version: how far this process has come is what it must hear.
            self._tells_limited = False
            log.warning("the issuer does not take which limits were met", extra={"event": "limits.report_refused"})
            return await self._say(cursor)
        return reply.status == _HEARD

    def _ask_soon(self) -> None:
        soon = self._soon.get(asyncio.get_running_loop())
        if soon is not None:
            soon.set()

    # -- what is wrong

    def _note(self, error: IssuerUnavailableError, what: str) -> None:
        if self._fault is None:
            log.warning("%s; it is asked again by itself", what, extra={"event": "feed.unavailable"})
        self._fault = error
        self._lease.retry_after_s = max(RETRY_S, error.retry_after_s)

    def _refuse(self, why: str) -> None:
        if not self.refusal:
            self.refusal = why
            self._lease.fresh_at = min(self._lease.fresh_at, self._lease.clock() - self._lease.read_staleness - 1)
        self._said_at = float("-inf")
        self._say_what_is_wrong()

    def _say_what_is_wrong(self) -> None:
        now = self._lease.clock()
        if self.refusal and now - self._said_at >= _SAY_AGAIN_S:
            self._said_at = now
            log.critical(
                "the issuer's list of what is dead is not believed: %s. What is known stays in force and nothing is fresh: find out "
                "whether its database was put back, then start this server again",
                self.refusal,
                extra={"event": "feed.refused"},
            )


def _follows(prev: str, known: str) -> bool:
    """Tell whether what follows `prev` leaves no hole behind `known`, in the same list."""
    return prev.rpartition(".")[0] == known.rpartition(".")[0] and number_of(prev) <= number_of(known)


def _body_of(reply: Reply) -> bytes:
    """Return the answer's body. Raises AnotherListError, IssuerUnavailableError."""
    if reply.status == 409 and reply.object().get("error") == "feed_backwards":
        raise AnotherListError("the issuer does not know of what it said before")
    if reply.status != 200:
        raise IssuerUnavailableError(reply.retry_after_s)
    return reply.body
