"""
The record of one guard: what is noted on a call's way, made elsewhere, kept on this machine, and told to the issuer.

Everything behind it begins with the first event, so that a guard that is made and not used opens nothing, and each process of a server that
forks has a folder of its own.
"""

import asyncio
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from weakref import WeakSet

from resource_lib.audit.making import Made, Maker
from resource_lib.audit.memory import MemorySpool
from resource_lib.audit.mill import Mill
from resource_lib.audit.recording import Call, Caller, Noted, Recording
from resource_lib.audit.ring import Ring
from resource_lib.audit.sending import Sending
from resource_lib.audit.settings import Record
from resource_lib.audit.spool import Disk, Spool, is_open_to_others
from resource_lib.audit.telemetry import Telemetry, telemetry
from resource_lib.backchannel.channel import Channel
from resource_lib.decision import Decision, Deny
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.policy import Demand
from resource_lib.settings import MEBIBYTE, SettingsError
from resource_lib.wire import claims

RETRY_S: Final = 5
"""When whoever was refused for want of a record may come again."""
PATIENCE_S: Final = 5.0
"""How long a write waits until its intent is kept."""
DRAIN_S: Final = 3.0
_MEMORY_BYTES: Final = 32 * MEBIBYTE
_MINUTE_S: Final = 60.0
_MOST_TOKENS: Final = 30
"""Refused tokens of one client that are recorded in a minute; more are counted."""
_MOST_CLIENTS: Final = 1000
_MOST_ID: Final = 2048

log = logging.getLogger("resource_lib.audit")

_all: WeakSet["Recorder"] = WeakSet()


class Recorder:
    """
    Records the calls of one guard. `channel`: to the issuer; None: what is recorded stays here. `redacts`: answers leave as they are, so
    what is kept of them is redacted here. Raises SettingsError where nothing could be kept.
    """

    def __init__(
        self,
        settings: Record,
        *,
        resource: str,
        channel: Channel | None,
        redacts: bool,
        clock: Callable[[], float] = time.time,
        disk: Disk | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._disk = disk
        self._lock = threading.Lock()
        self._spool: Spool | MemorySpool | None = None
        self.folder: Path | None = _usable(settings, resource, issuer=None if channel is None else channel.issuer)
        """Where events wait on this machine's disk; None: the issuer alone keeps them."""
        self.ring = Ring(settings.recent)
        self._telemetry: Telemetry | None = telemetry() if settings.telemetry else None
        self._has_issuer = channel is not None
        self._mill = Mill(
            Maker(instance=uuid4().hex, is_header=settings.content == "header", redacts=redacts),
            self.spool,
            made=self._was_made,
            kept=self._hint,
        )
        self.sending = None if channel is None else Sending(channel, self.spool, told=self._mill.was_told)
        self._unknown: dict[str, int] = {}
        self._unknown_since = 0.0
        self._tokens: OrderedDict[str, tuple[float, int]] = OrderedDict()
        _all.add(self)

    def spool(self) -> Spool | MemorySpool:
        """Return where events wait. Raises OSError."""
        found = self._spool
        if found is None:
            with self._lock:
                if self._spool is None:
                    self._spool = self._opened()
                found = self._spool
        return found

    def _opened(self) -> Spool | MemorySpool:
        if self.folder is None:
            return MemorySpool(most_bytes=min(self.settings.most_bytes, _MEMORY_BYTES), lost=self._mill.gave_up)
        keep_s = None if self._has_issuer else self.settings.keep_days * 86_400.0
        spool = Spool(
            self.folder, most_bytes=self.settings.most_bytes, keep_s=keep_s, disk=self._disk, lost=self._mill.gave_up
        )
        spool.expire()
        return spool

    # -- on a call's own way

    def recording(
        self,
        caller: Caller,
        decided: Iterable[tuple[Any, Decision | None]],
        *,
        demands: Mapping[str, Demand],
        definitions: Mapping[str | None, Definition],
    ) -> Recording | None:
        """Return what is noted of the messages of one body; None: nothing of it is recorded."""
        calls = []
        for message, decision in decided:
            if decision is not None:
                tool = message.tool
                arguments = message.arguments if tool is not None else _asked(message.params)
                demand = None if tool is None else demands.get(tool)
                known = definitions.get(tool)
                calls.append(Call(caller, message.method, tool, arguments, message.id, decision, demand, known))
        return Recording(calls, self._put, self._keep) if calls else None

    def _put(self, noted: Noted) -> None:
        self._mill.put(noted)
        if self.sending is not None:
            self.sending.follow()

    async def _keep(self, noted: list[Noted]) -> bool:
        """Return whether all of these are kept, within `PATIENCE_S`."""
        loop = asyncio.get_running_loop()
        waiters: list[asyncio.Future[bool]] = []
        for one in noted:
            one.waiter = loop.create_future()
            waiters.append(one.waiter)
        self._mill.put_first(noted)
        if self.sending is not None:
            self.sending.follow()
        late = loop.call_later(PATIENCE_S, _give_up, waiters)
        try:
            for waiter in waiters:
                if not await waiter:
                    return False
            return True
        finally:
            late.cancel()

    @property
    def takes_reads(self) -> bool:
        """Whether reads may go on though nothing of them might be kept, or something can be."""
        if self.settings.reads == "open":
            return True
        spool = self._spool
        return (
            self._mill.fault is None
            and not self._mill.is_full
            and (spool is None or spool.bytes < self.settings.most_bytes * 9 // 10)
        )

    def refused_caller(self, caller: Caller, error: str, reason: str, *, method: str = "token") -> None:
        """Record that a caller is refused whatever they ask, at most so often for each client."""
        if not self._may_tell(caller.principal.client_id):
            return
        call = Call(caller, method, None, None, None, None, None, None)
        self._put(Noted(call, "refused", deny=(error, reason)))

    def refused_token(self, token: str, said: Mapping[str, Any] | None, reason: str) -> None:
        """Record a token that is refused although its signature is good; count any other. `said`: its proven claims."""
        texts = [None] * 4 if said is None else [
            said.get(name) for name in (claims.TENANT_ID, claims.SUB, claims.CLIENT_ID, claims.AUTHORIZATION_ID)
        ]  # fmt: skip
        if not all(isinstance(text, str) and 0 < len(text) <= _MOST_ID for text in texts):
            self.refused_unknown(reason)
            return
        tenant, subject, client_id, authorization_id = map(str, texts)
        principal = Principal(
            tenant=tenant,
            subject=subject,
            client_id=client_id,
            authorization_id=authorization_id,
            scopes=frozenset(),
            token_id="",
            issued_at=0,
            expires_at=0,
        )
        self.refused_caller(Caller(principal, token, None, ()), "invalid_token", reason)

    def _may_tell(self, client_id: str) -> bool:
        now = time.monotonic()
        since, count = self._tokens.get(client_id, (now, 0))
        if now - since > _MINUTE_S:
            since, count = now, 0
        self._tokens[client_id] = (since, count + 1)
        self._tokens.move_to_end(client_id)
        if len(self._tokens) > _MOST_CLIENTS:
            self._tokens.popitem(last=False)
        if count < _MOST_TOKENS:
            return True
        self.refused_unknown("too_many")
        return False

    def refused_unknown(self, reason: str) -> None:
        """Count a refusal of which nobody knows whose it is: whoever floods us writes nothing."""
        now = time.monotonic()
        if self._unknown and now - self._unknown_since > _MINUTE_S:
            self._say_unknown()
        if not self._unknown:
            self._unknown_since = now
        name = reason if reason in self._unknown or len(self._unknown) < 50 else "other"
        self._unknown[name] = self._unknown.get(name, 0) + 1
        if self._telemetry is not None:
            self._telemetry.refused(name)

    def _say_unknown(self) -> None:
        found, self._unknown = self._unknown, {}
        log.info(
            "%d requests without a usable credential were refused within a minute",
            sum(found.values()),
            extra={"event": "tokens.refused", "reasons": found},
        )

    # -- in the thread that makes events

    def _was_made(self, made: Made) -> None:
        self.ring.note(made.event)
        if self._telemetry is not None:
            self._telemetry.note(made.event)
        if made.preview:
            log.warning(
                "%s ended with an error: %s",
                made.event.get("tool", made.event["method"]),
                made.preview,
                extra={"event": "call.failed", "call": made.event["call"], "tenant": made.event["tenant"]},
            )

    def _hint(self) -> None:
        if self.sending is not None:
            self.sending.hint()

    # -- for people

    def recent(self, authorization_id: str | None, most: int) -> list[dict[str, Any]]:
        """Return the latest events of a login, or of all, the newest first."""
        return self.ring.recent(authorization_id, most)

    def doctor(self) -> dict[str, Any]:
        """Return where events wait, and how that is."""
        spool = self._spool
        sending = self.sending
        found: dict[str, Any] = {
            "where": "the issuer" if self.folder is None else str(self.folder),
            "waiting": self._mill.waiting + (0 if spool is None else spool.waiting),
            "bytes": 0 if spool is None else spool.bytes,
            "most_bytes": self.settings.most_bytes,
            "lost": self._mill.lost,
            "fault": self._mill.fault,
        }
        if sending is not None:
            found |= {"sent": sending.sent, "rejected": sending.rejected, "is_told": sending.away_since is None}
        return found

    @property
    def warnings(self) -> Sequence[str]:
        """What an operator should know."""
        said, found = self.doctor(), []
        if said["fault"] is not None:
            found.append(f"record: nothing can be kept ({said['fault']}), and writes are refused")
        if said["lost"]:
            found.append(f"record: {said['lost']} reads were given up and are not recorded")
        if said.get("rejected"):
            found.append(f"record: the issuer does not take {said['rejected']} events; its log and this one say why")
        if said["bytes"] * 2 > said["most_bytes"]:
            found.append(f"record: {said['waiting']} events wait, in more than half of the room there is")
        if self.sending is not None and self.sending.is_old:
            found.append("record: the issuer could not be told of calls for a while; is it there?")
        return found

    def follow(self) -> None:
        """Tell the issuer from now on what waits, also what an earlier process left. For the running event loop."""
        if self.sending is not None:
            self.sending.follow()

    async def aclose(self, patience: float = DRAIN_S) -> None:
        """Keep all that was noted, tell what can be told in `patience` seconds, and close. What waits is told by the next process."""
        if self._unknown:
            self._say_unknown()
        await asyncio.to_thread(self._mill.close, patience)
        if self.sending is not None and (self._spool is not None or self.folder is not None):
            await self.sending.aclose(patience)
        spool = self._spool
        if spool is not None and not isinstance(spool, MemorySpool):
            with self._lock:
                self._spool = None
            await asyncio.to_thread(spool.close)

    def forsake(self) -> None:
        """Begin anew in a process that was forked off."""
        self._lock = threading.Lock()
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.forsake()
        self._mill.forsake()
        if self.sending is not None:
            self.sending.forsake()


def _give_up(waiters: Sequence["asyncio.Future[bool]"]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(False)


def _usable(settings: Record, resource: str, *, issuer: str | None) -> Path | None:
    """Return the folder, if events can wait there; None: they cannot, and the issuer keeps them. Raises SettingsError."""
    if settings.durable == "issuer":
        if issuer is not None:
            return None
        raise SettingsError("record.durable", "there is no issuer to keep events", "leave it out, or give a credential")
    folder = settings.folder(resource=resource if issuer is None else f"{issuer}\n{resource}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_usable = os.access(folder, os.W_OK | os.X_OK)
        is_shared = is_open_to_others(folder)
    except OSError:
        is_usable = is_shared = False
    if is_shared:
        raise SettingsError(
            "record.spool",
            f"somebody else may write into {folder}, and could tell of calls in this server's name",
            "name a folder of this process's own user",
        )
    if is_usable:
        return folder
    if issuer is None:
        raise SettingsError("record.spool", f"{folder} cannot be written", "name a folder that this process may write")
    log.warning(
        "events cannot wait in %s, so each write waits until the issuer has its intent. Cure: set RESOURCE_GUARD_SPOOL to a folder on a "
        "disk that stays",
        folder,
        extra={"event": "record.no_spool"},
    )
    return None


def _asked(params: Any) -> Any:
    """Return what a method other than a call of a tool was asked with."""
    if not isinstance(params, dict):
        return params
    return {name: member for name, member in params.items() if name != "_meta"}


def unavailable(subject: str) -> Deny:
    """Return the refusal of what cannot be recorded now."""
    return Deny(
        error="audit_unavailable",
        message=f"{subject} has not run: what it does must be recorded, and cannot be now. Try again in {RETRY_S} s.",
        reason="it cannot be recorded",
        retry_after_s=RETRY_S,
    )


def _forked() -> None:
    for recorder in list(_all):
        recorder.forsake()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
