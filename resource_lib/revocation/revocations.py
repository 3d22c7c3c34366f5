"""
Everything about what is dead that one guard has: what it follows, how fresh that is, the break-glass, and the calls that run.

Without a channel nobody is followed (token-only): then only the stop file counts.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from weakref import WeakKeyDictionary

from resource_lib.backchannel.channel import Channel
from resource_lib.identity.access_token import KeySource
from resource_lib.revocation.follower import Follower
from resource_lib.revocation.lease import Lease
from resource_lib.revocation.running import Running
from resource_lib.revocation.standing import Standings
from resource_lib.revocation.state import State
from resource_lib.revocation.stop_file import EVERY_S, StopFile
from resource_lib.wire.control import Event

log = logging.getLogger("resource_lib.revocation")


class Revocations:
    """
    What one guard knows. `changed` hears of news from the issuer, and of nothing new when the stop file came or went; `limited` returns
    what the issuer is told of limits that were met.
    """

    def __init__(
        self,
        *,
        channel: Channel | None,
        keys: KeySource,
        resource: str,
        max_life: float,
        max_staleness: float,
        read_staleness: float,
        stop_file: StopFile | None,
        changed: Callable[[list[Event]], None],
        limited: Callable[[], Sequence[Mapping[str, object]]] = tuple,
    ) -> None:
        self.running = Running()
        self.stop_file = stop_file
        self._changed = changed
        self.lease: Lease | None = None
        self.follower: Follower | None = None
        self.state: State | None = None
        if channel is not None:
            self.state = State(resource=resource, max_life=max_life)
            self.lease = Lease(max_staleness=max_staleness, read_staleness=read_staleness)
            self.follower = Follower(
                channel,
                keys=keys,
                resource=resource,
                state=self.state,
                lease=self.lease,
                applied=changed,
                about={"library": _version(), "read_staleness_ms": round(read_staleness * 1000)},
                limited=limited,
            )
        self.standings = Standings(state=self.state, lease=self.lease, stop_file=stop_file)
        self._watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = WeakKeyDictionary()

    @property
    def is_anything(self) -> bool:
        """Whether there is anything that could stop a call."""
        return self.state is not None or self.stop_file is not None

    def needs_to_hear(self, tenant: str) -> bool:
        """Tell whether a caller should wait a moment: nobody listens yet, nothing fresh was heard, or nothing of this tenant."""
        if self.lease is not None and self.state is not None and not (self.lease.is_fresh and self.state.knows(tenant)):
            return True
        return self.stop_file is not None and asyncio.get_running_loop() not in self._watchers

    async def hear(self, tenant: str) -> None:
        """Follow from now on, and wait a moment for the first answer, or the first that names `tenant`."""
        self.follow()
        if self.follower is not None:
            await self.follower.hear(tenant)

    def follow(self) -> None:
        """Follow from now on, in this event loop; once is enough."""
        if self.follower is not None:
            self.follower.follow()
        if self.stop_file is not None:
            loop = asyncio.get_running_loop()
            known = self._watchers.get(loop)
            if known is None or known.done():
                self._watchers[loop] = loop.create_task(self._watch(self.stop_file), name="stop file")

    async def aclose(self) -> None:
        """Follow no longer in this event loop."""
        watcher = self._watchers.pop(asyncio.get_running_loop(), None)
        if watcher is not None:
            watcher.cancel()
            await asyncio.wait([watcher])
        if self.follower is not None:
            await self.follower.aclose()

    def now(self, clock: float) -> float:
        """Return what time it is: never earlier than the issuer was heard to say, however this machine's clock was set back."""
        return clock if self.state is None else max(clock, self.state.issuer_time)

    @property
    def warnings(self) -> list[str]:
        """What an operator should know."""
        said = [] if self.stop_file is None else self.stop_file.warnings
        if self.lease is None or self.follower is None:
            return said
        if self.follower.refusal:
            said.append(f"feed: not believed, {self.follower.refusal}; find out why, then start this server again")
        elif self.lease.age is not None and not self.lease.is_fresh:
            said.append("feed: what is dead was not heard for a while, so writes are refused; is the issuer there?")
        return said

    async def _watch(self, stop_file: StopFile) -> None:
        was = False
        while True:
            # Writing or removing a file tells nobody: somebody has to look.
            try:
                if (found := stop_file.look()) and not was:
                    self._changed([])
                was = found
            except Exception:
                # Whatever it was, it is looked again, and stopped again: a watcher that died would let what runs go on.
                log.exception("the stop file could not be obeyed in full", extra={"event": "stop_file.failed"})
            await asyncio.sleep(EVERY_S)


def _version() -> str:
    try:
        return version("authserver")
    except PackageNotFoundError:
        return "unknown"
