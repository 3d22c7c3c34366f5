"""
Takes note of calls while they go their way: references alone, made into events later and elsewhere.

What stands here is on the way of every call, so it neither hashes nor encodes, reads no body and waits for nobody, except for the intent of
a write: that is on the disk, or at the issuer, before the tool runs.
"""

import time
from asyncio import Future
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from resource_lib.decision import Ask, Decision, Deny, Observed
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.output import Leaving
from resource_lib.output.shape import UnreadableSchemaError, shape_of
from resource_lib.policy import Demand
from resource_lib.wire.record import Phase, Status

MOST_ANSWER_BYTES: Final = 1024 * 1024
"""Of one answer that is kept until it was looked at; of a longer one its size alone is known."""
NOT_RECORDED: Final = frozenset(
    {
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
        "initialize",
        "ping",
        "server/discover",
    }
    | {"logging/setLevel", "subscriptions/listen"}
)
"""Methods that show no more than what there is; they are recorded when they are refused."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Caller:
    """Who asks, and by which request: what all calls of one body share."""

    __slots__ = ("headers", "principal", "raw", "session", "token")

    def __init__(
        self, principal: Principal, token: str, session: bytes | None, headers: Sequence[tuple[bytes, bytes]]
    ) -> None:
        self.principal = principal
        self.token = token
        self.session = session
        self.headers = headers
        self.raw = b""


class Tap:
    """Stands at the wire and keeps what leaves, as far as there is room for it."""

    __slots__ = ("chunks", "headers", "is_complete", "send", "size", "status")

    def __init__(self, send: Send) -> None:
        self.send = send
        self.chunks: list[bytes] = []
        self.size = 0
        self.status = 0
        self.headers: Sequence[tuple[bytes, bytes]] = ()
        self.is_complete = False

    def __call__(self, message: Message) -> Awaitable[None]:
        """Pass on one ASGI message."""
        kind = message["type"]
        if kind == "http.response.body":
            body = message.get("body", b"")
            if body:
                self.size += len(body)
                if self.size <= MOST_ANSWER_BYTES:
                    self.chunks.append(body if type(body) is bytes else bytes(body))
            if not message.get("more_body", False):
                self.is_complete = True
        elif kind == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", ())
        return self.send(message)


class Call:
    """One message of a caller, and what is known of it so far."""

    # What most calls never have stands here, once for all of them: one is made for each call.
    id = ""
    """That of its first event, once there is one."""
    has_intent = False
    is_over = False
    approval_id = ""
    sees_personal = False
    withheld: str | None = None
    """The word in the place of its answer, where that did not leave."""
    signs: list[tuple[str, int]] | None = None
    weight = 0
    """Bytes of `clear`."""
    clear: list[Any] | None = None
    """What it returned, as it stood before it was masked, where its schema names people."""

    def __init__(  # noqa: PLR0917 - made for each call, and by name it would cost twice as much
        self,
        caller: Caller,
        method: str,
        tool: str | None,
        arguments: Any,
        request_id: str | float | None,
        decision: Decision | None,
        demand: Demand | None,
        definition: Definition | None,
    ) -> None:
        self.caller = caller
        self.method = method
        self.tool = tool
        self.arguments = arguments
        self.request_id = request_id
        self.decision = decision
        self.demand = demand
        self.definition = definition
        self.began = time.perf_counter_ns()

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.demand is not None and self.demand.tool_class != "read"

    def sign(self, kind: str, count: int = 1) -> None:
        """Take note of something that was changed or seen."""
        if self.signs is None:
            self.signs = []
        self.signs.append((kind, count))


class Ending:
    """How it ended: by what left through a tap, or by a result that is known."""

    __slots__ = ("error", "result", "status", "tap")

    def __init__(
        self,
        *,
        tap: Tap | None = None,
        result: Mapping[str, Any] | None = None,
        status: Status | None = None,
        error: str | None = None,
    ) -> None:
        self.tap = tap
        self.result = result
        self.status = status
        """None: it says so itself."""
        self.error = error


class Noted:
    """One event that is to be made."""

    __slots__ = ("at", "call", "deny", "ending", "latency", "phase", "size", "waiter")

    def __init__(
        self,
        call: Call,
        phase: Phase,
        *,
        deny: tuple[str, str] | None = None,
        ending: Ending | None = None,
        waiter: "Future[bool] | None" = None,
    ) -> None:
        self.call = call
        self.phase = phase
        self.deny = deny
        """The word that the caller was told, and why."""
        self.ending = ending
        self.waiter = waiter
        """Who waits until it is kept."""
        self.at = time.time_ns()
        self.latency = 0 if ending is None else time.perf_counter_ns() - call.began
        tap = None if ending is None else ending.tap
        self.size = 2000 + call.weight + len(call.caller.raw) + (0 if tap is None else min(tap.size, MOST_ANSWER_BYTES))
        """About how many bytes it holds on to."""

    @property
    def is_kept(self) -> bool:
        """Whether it must never be given up."""
        return self.call.has_intent

    def shed(self) -> None:
        """Let go of what is large."""
        self.call.clear = None
        if self.ending is not None and self.ending.tap is not None:
            self.ending.tap.chunks = []
        if self.ending is not None and self.ending.result is not None:
            self.ending.result = None


class Recording:
    """What is noted of the messages of one body. `put` takes what is to be recorded, `keep` returns once it is kept."""

    __slots__ = ("_keep", "_put", "_tap", "calls", "writes")

    def __init__(
        self, calls: Sequence[Call], put: Callable[[Noted], None], keep: "Callable[[list[Noted]], Awaitable[bool]]"
    ) -> None:
        self.calls = calls
        self.writes = any(call.writes for call in calls) if len(calls) > 1 else calls[0].writes
        """Whether one of them changes something."""
        self._put = put
        self._keep = keep
        self._tap: Tap | None = None

    def refused(self, denials: Sequence[Deny | None]) -> None:
        """Take note that the body is refused, each message for its own reason; None: only for the others'."""
        for call, deny in zip(self.calls, denials, strict=True):
            if not call.is_over and (deny is not None or call.tool is not None):
                call.is_over = True
                told = ("policy_denied", "part of a refused batch") if deny is None else (deny.error, deny.reason)
                self._put(Noted(call, "refused", deny=told))

    def refused_all(self, error: str, reason: str) -> None:
        """Take note that all of it is refused for one reason."""
        for call in self.calls:
            if not call.is_over:
                call.is_over = True
                self._put(Noted(call, "refused", deny=(error, reason)))

    def held(self, error: str, approval_id: str) -> None:
        """Take note that it waits for a person."""
        for call in self.calls:
            call.is_over = True
            call.approval_id = approval_id
            self._put(Noted(call, "held", deny=(error, "waits for a person's yes")))

    def approved(self, approval_id: str) -> None:
        """Take note by whose yes it runs, or does not."""
        for call in self.calls:
            call.approval_id = approval_id or call.approval_id

    def observed(self, reason: str, result: Mapping[str, Any] | None = None) -> None:
        """Take note of something beside a call: nothing has run for it."""
        for call in self.calls:
            if call.is_over:
                continue
            call.is_over = True
            self._put(Noted(call, "observed", deny=("", reason), ending=Ending(result=result)))

    async def intend(self) -> bool:
        """Record what is about to change something, and return once that is kept; False: it cannot be, and nothing may run."""
        wanted = [call for call in self.calls if call.writes and not call.has_intent]
        if not wanted:
            return True
        noted = [Noted(call, "intent") for call in wanted]
        for call in wanted:
            # Also where nobody will know whether it is kept: what follows belongs to it.
            call.has_intent = True
        return await self._keep(noted)

    def tap(self, send: Send) -> Send:
        """Return a `send` that keeps what leaves."""
        self._tap = Tap(send)
        return self._tap

    def heard(self, leaving: Leaving) -> None:
        """Take note of what was changed or seen in what is about to leave."""
        call = self._call_of(leaving)
        if call is None:
            return
        for note in leaving.notes:
            call.sign(f"{note.step}:{note.kind}", note.count)
        if leaving.sees_personal:
            call.sees_personal = True

    def saw(self, leaving: Leaving, value: Mapping[str, Any]) -> None:
        """Take note of a result before anything in it is masked, where its schema names people: they are named in the record."""
        try:
            if not leaving.is_tool_result or not shape_of(leaving.definition).names_people:
                return
        except UnreadableSchemaError:
            return
        call = self._call_of(leaving)
        if call is None:
            return
        call.weight += leaving.size or 0
        call.clear = [*(call.clear or ()), value]

    def _call_of(self, leaving: Leaving) -> Call | None:
        if len(self.calls) == 1:
            return self.calls[0]
        return next((call for call in self.calls if (call.tool or "") == leaving.tool), None)

    def withheld(self, request_id: Any, error: str) -> None:
        """Take note that an answer does not leave; `error`: what its caller is told."""
        call = self.of(request_id)
        if call is not None:
            call.withheld = error

    def signs(self, tool: str, kinds: Sequence[str]) -> None:
        """Take note that the arguments of a tool read like orders."""
        for call in self.calls:
            if call.tool == tool:
                for kind in kinds:
                    call.sign(f"arguments:{kind}")

    def of(self, request_id: Any) -> Call | None:
        """Return the call by its request's id."""
        return next((call for call in self.calls if call.request_id == request_id), None)

    def ended(self, status: Status | None = None, error: str | None = None) -> None:
        """Take note that the server has returned; `status`: what is known of how, besides what left; `error`: the word of a refusal."""
        tap = self._tap
        for call in self.calls:
            if not call.is_over:
                call.is_over = True
                if call.tool is not None or call.method not in NOT_RECORDED:
                    self._put(Noted(call, "outcome", ending=Ending(tap=tap, status=status, error=error)))

    def ran(self, result: Mapping[str, Any] | None, *, status: Status | None = None) -> None:
        """Take note of what came of a call that a person had approved, whoever still listens."""
        for call in self.calls:
            if not call.is_over:
                call.is_over = True
                ended = Ending(result=result, status=status or ("unknown" if result is None else None))
                self._put(Noted(call, "outcome", ending=ended))


def is_observed(decision: Decision | None) -> bool:
    """Tell whether a rule that is only observed objects."""
    if decision is None:
        return False
    return any(type(outcome) is Observed and type(outcome.would) in (Deny, Ask) for _, outcome in decision.outcomes)
