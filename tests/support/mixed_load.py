"""
Everybody at once, as long as it is wanted: callers of guarded tools, a server that tells, clients that refresh, get and revoke tokens.

Each notes what it was told, and only once it was told: what stands in these notes must never be lost.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from resource_lib.wire.record import PATH, new_id
from tests.support.oauth_client import TokenAnswer
from tests.support.recording_process import UNVERIFIABLE, RecordingFleet, called
from tests.support.workers import Workers
from tests.support.world import R1, WRITE

READ_TOOL, WRITE_TOOL = "search_orders", "update_order"
REFUSED = frozenset({"control_plane_stale", "audit_unavailable", UNVERIFIABLE})
"""What a caller may be told while something is away."""
PATIENCE_S = 30.0


@dataclass(slots=True)
class Call:
    """One call of a tool, as its caller knows it. `answered`: when, on the monotonic clock; None: nobody ever answered."""

    mark: str
    tool: str
    port: int
    asked: float
    answered: float | None = None
    error: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the caller was told that it is done."""
        return self.answered is not None and self.error is None


@dataclass
class Notes:
    """What everybody was told."""

    calls: list[Call] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    """Ids of events that the issuer has taken, with the seed in which it did."""
    issued: dict[str, str] = field(default_factory=dict)
    """Ids of tokens that somebody has got."""
    revoked: dict[str, str] = field(default_factory=dict)
    """Ids of tokens of which somebody was told that they are revoked."""
    surprises: list[str] = field(default_factory=list)
    """Answers that nothing explains."""

    def counted(self) -> Counter[str]:
        """How much of what was there."""
        return Counter({
            "calls": len(self.calls), "answered": sum(one.answered is not None for one in self.calls),
            "refused": sum(one.error is not None for one in self.calls),
            "told": len(self.told), "issued": len(self.issued), "revoked": len(self.revoked),
        })  # fmt: skip


class MixedLoad:
    """It, at a deployment and guards. `seed` names what is noted from now on; pauses come from `chance`."""

    def __init__(self, at: Workers, fleet: RecordingFleet, chance: random.Random) -> None:
        self.notes = Notes()
        self.seed = "0"
        self._at = at
        self._fleet = fleet
        self._chance = chance
        self._count = 0
        self._tokens: TokenAnswer
        self._tasks: list[asyncio.Task[None]] = []
        self._done: Counter[str] = Counter()
        self._stopping = False

    async def begin(self) -> None:
        """Sign in, and go on until `end`."""
        self._tokens = await self._at.client("P").sign_in("u1", scope=WRITE, tools=[WRITE_TOOL])
        limits = httpx2.Limits(max_connections=40, max_keepalive_connections=40)
        self._http = httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S, limits=limits)
        jobs: list[Awaitable[None]] = [self._tells(), self._tells(), self._refreshes(), self._revokes()]
        for port in self._fleet.ports:
            jobs += [self._calls(port, WRITE_TOOL), self._calls(port, WRITE_TOOL), self._calls(port, READ_TOOL)]
        self._tasks = [asyncio.ensure_future(job) for job in jobs]

    async def end(self) -> None:
        """Let everybody finish what they began."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        await self._http.aclose()

    async def goes_on(self) -> None:
        """Return once everything that can be done has been done anew."""
        before = self._done.copy()
        async with asyncio.timeout(120):
            while not all(self._done[what] > before[what] for what in (WRITE_TOOL, READ_TOOL, "told", "issued")):
                for task in self._tasks:
                    if task.done():
                        task.result()
                assert not self.notes.surprises, self.notes.surprises[:5]
                await asyncio.sleep(0.01)

    async def _again(self, once: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping:
            try:
                await once()
            except httpx2.HTTPError:
                await asyncio.sleep(0.05)  # nobody was told anything
            await asyncio.sleep(self._chance.uniform(0, 0.01))

    async def _calls(self, port: int, tool: str) -> None:
        async def once() -> None:
            self._count += 1
            call = Call(mark=f"s{self.seed}n{self._count}", tool=tool, port=port, asked=time.monotonic())
            self.notes.calls.append(call)
            error, _ = await called(self._http, port, tool, call.mark, self._tokens.access_token)
            call.answered, call.error = time.monotonic(), error
            if error is None:
                self._done[tool] += 1
            elif error in REFUSED:
                await asyncio.sleep(0.05)
            else:
                self.notes.surprises.append(f"{tool}: {error}")

        await self._again(once)

    async def _tells(self) -> None:
        app = self._at.world.clients["RS1"]
        auth = httpx2.BasicAuth(app.client_id, app.secret or "")

        async def once() -> None:
            events = [_event(self._at.world.tenants["t1"]) for _ in range(20)]
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    answer = await self._http.post(self._at.issuer + PATH, json={"events": events}, auth=auth)
                    if answer.status_code == 200:
                        break
                    if answer.status_code != 503:
                        self.notes.surprises.append(f"told: {answer.status_code} {answer.text[:200]}")
                if self._stopping:
                    return
                await asyncio.sleep(0.05)
            said = answer.json()
            if said["rejected"] or said["accepted"] + said["duplicate"] != len(events):
                self.notes.surprises.append(f"told: {said}")
            self.notes.told |= dict.fromkeys((one["id"] for one in events), self.seed)
            self._done["told"] += 1

        await self._again(once)

    async def _refreshes(self) -> None:
        async def once() -> None:
            answer = await self._at.client("P").refresh(self._tokens)
            if answer.ok:
                self._tokens = answer
                self._issued(answer)
            elif answer.status != 503:
                self.notes.surprises.append(f"refresh: {answer.status} {answer.body}")
            await asyncio.sleep(0.02)

        await self._again(once)

    async def _revokes(self) -> None:
        async def once() -> None:
            app = self._at.client("M")
            answer = await app.client_credentials(scope="orders:read", resource=R1)
            if not answer.ok:
                if answer.status != 503:
                    self.notes.surprises.append(f"issue: {answer.status} {answer.body}")
                return
            self._issued(answer)
            gone = await app.revoke(answer.access_token)
            if gone.status == 200:
                self.notes.revoked[answer.claims["jti"]] = self.seed
            elif gone.status != 503:
                self.notes.surprises.append(f"revoke: {gone.status} {gone.body}")
            await asyncio.sleep(0.02)

        await self._again(once)

    def _issued(self, answer: TokenAnswer) -> None:
        self.notes.issued[answer.claims["jti"]] = self.seed
        self._done["issued"] += 1


def _event(tenant: str) -> dict[str, Any]:
    """Return an outcome as a guard tells it."""
    at = time.time_ns() // 1000
    event_id = new_id(at)
    return {
        "id": event_id, "call": event_id, "phase": "outcome", "at": at, "instance": "teller", "tenant": tenant, "sub": "usr_somebody",
        "client_id": "cli_agent", "authorization_id": "auz_1", "token": "ab" * 32, "method": "tools/call", "tool": READ_TOOL,
        "tool_class": "read", "decision": "allowed", "rules": [["scopes", "allow"]], "arguments": {"order": 1},
        "arguments_bytes": 11, "arguments_commit": "cd" * 32, "arguments_salt": "ef" * 32, "status": "ok", "latency_us": 15,
    }  # fmt: skip
