"""
A call that waits for a person's yes: what exactly it is, how its caller learns that somebody must decide, and how it runs once.

The approval is bound to the arguments as they were read, and the server behind the guard gets that very reading. Nothing of the
client's (an elicitation's answer, a `requestState`) permits anything; it only says how far this caller has come.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resource_lib.approval import said
from resource_lib.approval.exact_call import ExactCall
from resource_lib.approval.flow import ApprovalFlow
from resource_lib.approval.run import LONGEST_PAUSE_S, Ran, Runner, Settle, Ticket
from resource_lib.approval.said import Answered, NotStanding, Outcome, Refused, Said, Waiting
from resource_lib.audit.recorder import unavailable
from resource_lib.audit.recording import Recording
from resource_lib.backchannel.approvals import Record
from resource_lib.decision import Deny
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.limits.gate import Entry, Gate
from resource_lib.output.quarantine import Withheld
from resource_lib.policy import Demand
from resource_lib.revocation.running import Run, Running
from resource_lib.transport import answers, deliveries
from resource_lib.transport.answers import Answer
from resource_lib.transport.asgi import App, Receive, Scope, Send
from resource_lib.transport.body import Message
from resource_lib.transport.definitions import Definitions, listed_for
from resource_lib.transport.final_answer import FinalAnswer, Wire
from resource_lib.transport.outward import Outward, Reader, Room
from resource_lib.transport.own_cancellation import OwnCancellation
from resource_lib.transport.own_definition import listing_for
from resource_lib.transport.own_listing import UnreadableListingError
from resource_lib.transport.refusals import Refusals
from resource_lib.transport.request import Request, only_body
from resource_lib.transport.request_state import LIFE_S, CarriedState, StateSeal
from resource_lib.transport.sessions import Sessions
from resource_lib.wire.approvals import MOST_ARGUMENT_BYTES, ApprovalRule, Follows, State
from resource_lib.wire.tool_call import InexpressibleError, args_hash

PATIENCE_S: Final = 8.0
"""How long a retry waits for the person whose browser was just opened, before their client is asked to try again."""
MOST_TRIES: Final = 4
"""How often a client is asked to try again, before its model is told."""
_URL_ERA: Final = b"2025-11-25"
_OF_THE_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
_MOST_WHOLE_ID: Final = 2**53


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """An answer that was withheld, and waits for a yes to be handed over: the tool has run, and does not run again."""

    it: Withheld
    leaves: Callable[[], Awaitable[None]]
    """Told right before it leaves."""
    left: Callable[[], None]
    """Told when it has arrived."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One such call, as it came."""

    request: Request
    message: Message
    raw: bytes = field(repr=False)
    principal: Principal
    token: str = field(repr=False)
    demand: Demand
    rule: ApprovalRule
    follows: Follows | None
    """What the person reads that it follows."""
    now: float
    """Seconds since the epoch."""
    reached_at: float
    """The same moment on the flow's clock."""
    hindrance: Callable[[], Refused | NotStanding | None]
    """Why it may not begin now, though it might have when it came: it may have waited since. None: nothing has changed."""
    run: Run
    """By which it is found while it runs, and stopped."""
    note: Callable[[], None]
    """Remembers that it ran, for conditions about earlier calls."""
    gate: Gate | None = None
    """Where it is counted, right before it begins; None: nothing limits it."""
    definition_hash: str = ""
    """What the tool was when the call came; empty: nobody had to look by then."""
    room: Room | None = None
    """By which its answer is looked through, whoever tells it; None: it leaves as it is."""
    record: Recording | None = None
    """What is noted of it; None: nothing is."""
    release: "Release | None" = None
    """The answer that is asked about; None: the call itself is."""

    @property
    def tool(self) -> str:
        """The tool it names."""
        return self.message.tool or ""

    @property
    def params(self) -> Mapping[str, Any]:
        """Its parameters, an object as the reading of the body has seen to."""
        params: Mapping[str, Any] = self.message.params
        return params


class _UnusableError(Exception):
    """What was sent cannot be asked about."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.error)
        self.refused = refused


class HeldCalls:
    """Serves them."""

    def __init__(
        self,
        *,
        flow: ApprovalFlow,
        definitions: Definitions,
        seal: StateSeal,
        sessions: Sessions,
        refusals: Refusals,
        unauthenticated: Answer,
        running: Running,
    ) -> None:
        self.flow = flow
        self.definitions = definitions
        self._seal = seal
        self._sessions = sessions
        self._refusals = refusals
        self._unauthenticated = unauthenticated
        self._running = running

    async def serve(
        self, held: Held, app: App, scope: Scope, receive: Receive, send: Send, *, life_s: float | None = None
    ) -> None:
        """Serve one: it waits, is refused, runs once, or hears what came of it. `scope` is what the server may see.

        `life_s`: for how many seconds its caller may be sent a stream; what was approved runs on.
        """
        wire = Wire(receive, send, life_s=life_s)
        watching = asyncio.create_task(wire.watch())
        try:
            found = await self._found(held, app, scope, wire)
            if isinstance(found, Answered):
                _note_arrival(held, wire)
                return
            _note(held, found)
            answer = self._answer(held, found) if not isinstance(found, Answer) else found
            if isinstance(found, Outcome) and held.release is not None:
                await held.release.leaves()
            if held.room is not None and (telling := held.room.telling()) is not None:
                await telling
            await wire.send(answer.start([]))
            await wire.send({"type": "http.response.body", "body": answer.body})
            if isinstance(found, Outcome) and wire.is_complete:
                self.flow.heard(found)
                _note_arrival(held, wire)
        except asyncio.CancelledError:
            wire.is_gone = True
            raise
        finally:
            watching.cancel()
            wire.close()

    async def _found(self, held: Held, app: App, scope: Scope, wire: Wire) -> Said | Answer:
        try:
            arguments, hashed = _arguments(held)
            definition = await self._definition(held, app, scope)
        except _UnusableError as error:
            return error.refused
        call = _exact(held, arguments, hashed, definition)
        state = self._seal.open(held.params.get("requestState"), now=held.now)
        if state is not None and not state.is_of(
            held.principal, tool=call.tool, args_hash=hashed, definition_hash=call.definition_hash
        ):
            return said.refused(call.tool, "approval_mismatch")
        run: Runner = (
            _Handing(held=held, wire=wire, release=held.release)
            if held.release is not None
            else _HeldRun(
                held=held,
                app=app,
                scope=scope,
                wire=wire,
                state=state,
                next_leg=self._next_leg(call),
                running=self._running,
                stopped=self._answer(held, said.stopped(call.tool)),
                unrecorded=self._answer(held, _unrecorded(held)),
            )
        )
        if state is not None and state.leg:
            # It has begun, and was counted then.
            return await self.flow.resume(call, run, approval_id=state.approval_id, leg=state.leg)
        did = deliveries.answer_of(held.params)
        if did in ("decline", "cancel"):
            return said.declined(call.tool, None if state is None else _record_of(state))
        is_retry = state is not None and did == "accept"
        found = await self.flow.go(call, run, patience=PATIENCE_S if is_retry else 0)
        if isinstance(found, Waiting) and held.record is not None:
            held.record.held("approval_required" if held.release is None else "quarantined", found.record.id)
        return (
            self._delivery(held, call, found.record, state if is_retry else None)
            if isinstance(found, Waiting)
            else found
        )

    async def _definition(self, held: Held, app: App, scope: Scope) -> Definition:
        try:
            listing = listing_for(held.request, held.message, app, scope)
            return await self.definitions.of(listed_for(held.principal), held.tool, listing.tools)
        except UnreadableListingError:
            message = (
                f"{held.tool} has not run: it needs a person's yes, and the server cannot say what exactly it would do, because its "
                "own list of tools could not be read. Try again later."
            )
            raise _UnusableError(Refused(error="server_inactive", message=message, retry_after_s=5)) from None

    def _delivery(self, held: Held, call: ExactCall, record: Record, state: CarriedState | None) -> Said | Answer:
        """Return how this caller is told that somebody has to decide."""
        request, tries = held.request, 0 if state is None else state.tries + 1
        invitation = (said.invitation if held.release is None else said.invitation_to_read)(call.tool, call.rule)
        if request.is_modern and deliveries.takes_urls_now(held.params) and tries < MOST_TRIES:
            carried = _carried(call, record, ends_at=round(held.now) + LIFE_S, tries=tries)
            reply = deliveries.input_required(
                held.message.id,
                state=self._seal.seal(carried),
                url="" if tries else record.url,
                invitation=invitation,
            )
            return answers.replied(reply)
        if request.version == _URL_ERA and request.session is not None and self._sessions.takes_urls(request.session):
            reply = deliveries.url_required(
                held.message.id,
                approval_id=record.id,
                url=record.url,
                invitation=invitation,
                error=_described(held, _waiting(held, record)),
            )
            return answers.replied(reply)
        return _waiting(held, record)

    def _answer(self, held: Held, found: Said) -> Answer:
        modern = held.request.is_modern
        match found:
            case NotStanding():
                return self._unauthenticated
            case Outcome():
                reply = deliveries.outcome(held.message.id, found.result, is_replay=found.is_replay, modern=modern)
                if held.room is not None:
                    reply = Reader(held.room).told_again(reply)
                return answers.replied(reply)
            case Waiting():
                found = _waiting(held, found.record)
        assert isinstance(found, Refused)
        if found.limited is not None:
            if held.gate is not None:
                held.gate.tell(found.limited, held.principal, held.definition_hash)
            return self._refusals.limited(found.limited, [held.message], method=held.request.method, modern=modern)
        if held.release is not None and found.error != "quarantined":
            found = said.still_withheld(held.tool, found)
        reply = answers.refused_reply(
            held.message.id,
            _described(held, found),
            is_tool=True,
            modern=modern,
            structured=self._refusals.structured(held.tool, modern=modern),
        )
        return answers.replied(reply, retry_after_s=found.retry_after_s if found.error == "rate_limited" else None)

    def _next_leg(self, call: ExactCall) -> "_NextLeg":
        def sealed(ticket: Ticket, inner: Any, now: float) -> str:
            record = Record(id=ticket.approval_id, state=State.EXECUTING, expires_at=0)
            ends_at = round(now + LONGEST_PAUSE_S)
            own = inner if isinstance(inner, str) else None
            return self._seal.seal(_carried(call, record, ends_at=ends_at, leg=ticket.leg + 1, inner=own))

        return sealed


_NextLeg = Callable[[Ticket, Any, float], str]


@dataclass(kw_only=True, slots=True)
class _HeldRun:
    """Lets the server have one call, or the next leg of it."""

    held: Held
    app: App
    scope: Scope
    wire: Wire
    state: CarriedState | None
    next_leg: _NextLeg
    running: Running
    stopped: Answer
    """What the caller is told when it is stopped before anything was sent."""
    unrecorded: Answer
    """What the caller is told when it cannot be recorded."""
    entry: Entry | None = None
    """What was counted for it, until it has begun or was taken back."""

    def is_wanted(self) -> bool:
        """Tell whether the caller is still there."""
        return not self.wire.is_gone

    def hindrance(self) -> Refused | NotStanding | None:
        """Return what is said instead, when it may not begin any more; None: everything is as it was when the call came."""
        return self.held.hindrance()

    async def full(self) -> Refused | None:
        """Return what is said instead of asking anybody, because a limit has no room for one more call; None: there is room."""
        held = self.held
        found = None if held.gate is None else await held.gate.look(held.principal, held.demand)
        return None if found is None else said.limited(found)

    async def begin(self, approval_id: str) -> Refused | None:
        """Count it against its limits; return what is said instead, when one of them has no room."""
        held = self.held
        if held.gate is not None:
            found = await held.gate.begin(held.principal, held.demand)
            if isinstance(found, Deny):
                return said.limited(found)
            self.entry = found
        if held.record is not None:
            held.record.approved(approval_id)
        # Before the yes is spent: what cannot be recorded does not run, and its yes is there when it can.
        return None if await self._intended() else _unrecorded(held)

    async def _intended(self) -> bool:
        return self.held.record is None or await self.held.record.intend()

    async def withdraw(self) -> None:
        """Take back what was counted, if it has not begun after all."""
        entry, self.entry = self.entry, None
        if entry is not None and self.held.gate is not None:
            await self.held.gate.withdraw(entry)

    async def __call__(self, ticket: Ticket, settle: Settle) -> bool:
        """Let it run to its end, whoever hangs up; return whether its answer left in full."""
        entry, self.entry = self.entry, None
        with entry or Entry():
            return await self._run(ticket, settle)

    async def _run(self, ticket: Ticket, settle: Settle) -> bool:
        held = self.held
        if held.record is not None:
            held.record.approved(ticket.approval_id)
        if not await self._intended():
            # A later leg, for which nothing was recorded yet: it is not run, and the call ends here.
            refused = _unrecorded(held)
            await settle(Ran(result=said.unbegun(held.tool, refused), is_error=True))
            await self.wire.stop(self.unrecorded)
            return False

        async def settled(result: Mapping[str, Any] | None, is_error: bool) -> Mapping[str, Any] | None:
            if held.record is not None:
                held.record.ran(result)
            if result is None or not held.request.is_modern or result.get("resultType") != "input_required":
                await settle(Ran(result=result, is_error=is_error))
                return None
            # The tool goes on under the same yes: its own state travels inside ours, and each leg begins once.
            paused = {**result, "requestState": self.next_leg(ticket, result.get("requestState"), held.now)}
            await settle(Ran(result=paused, is_error=False, is_pause=True))
            return paused

        final = FinalAnswer(self.wire.send, request_id=held.message.id, settle=settled)
        body = _forwarded(held, self.state if ticket.leg else None)
        headers = [header for header in self.scope["headers"] if header[0].lower() not in _OF_THE_BODY]
        headers.append((b"content-length", str(len(body)).encode("ascii")))
        receive, ended = only_body(body)
        if not ticket.leg:
            held.note()
        try:
            # What is kept at the issuer, and told again from there, is what leaves here.
            send = final.send if held.room is None else Outward(final.send, held.room).send
            work = self.app({**self.scope, "headers": headers}, receive, send)
            if await held.run.go(work, self.running) is not None:
                OwnCancellation(self.app, self.scope, held.request, [held.message]).tell()
                if held.record is not None:
                    held.record.ran(None, status="cancelled")
                # Nobody knows how far it came, and the issuer is told nothing else: to it the call stays ambiguous.
                await settle(Ran(result=None, is_error=True))
                await self.wire.stop(self.stopped)
                return False
            await final.end()
        finally:
            ended.set()
            if held.record is not None:
                held.record.ran(None)
        return self.wire.is_complete


@dataclass(frozen=True, kw_only=True, slots=True)
class _Handing:
    """Hands over an answer that was withheld."""

    held: Held
    wire: Wire
    release: Release

    def is_wanted(self) -> bool:
        """Tell whether the caller is still there."""
        return not self.wire.is_gone

    def hindrance(self) -> Refused | NotStanding | None:
        """Return what is said instead, when it may not be handed over any more; None: everything is as it was."""
        return self.held.hindrance()

    async def full(self) -> None:
        """Tell that no limit is in the way: the call was counted when it ran."""

    async def begin(self, approval_id: str) -> None:
        """Count nothing more."""

    async def withdraw(self) -> None:
        """Take nothing back."""

    async def __call__(self, ticket: Ticket, settle: Settle) -> bool:
        """Hand it over; return whether it left in full."""
        held, result = self.held, self.release.it.result
        await self.release.leaves()
        if held.record is not None:
            held.record.approved(ticket.approval_id)
            held.record.observed("its answer was withheld, and is handed over after a yes", result)
        await settle(Ran(result=result, is_error=False))
        reply = deliveries.outcome(held.message.id, result, is_replay=False, modern=held.request.is_modern)
        answer = answers.replied(reply)
        await self.wire.send(answer.start([]))
        await self.wire.send({"type": "http.response.body", "body": answer.body})
        return self.wire.is_complete


def _note(held: Held, found: Said | Answer) -> None:
    """Take note of what became of a call that has not run here."""
    record = held.record
    if record is None:
        return
    match found:
        case Refused():
            record.approved("" if found.record is None else found.record.id)
            record.refused_all(found.error, _REASONS.get(found.error, "approvals"))
        case NotStanding():
            record.refused_all("invalid_token", "the caller's token does not count any more")
        case Outcome():
            record.observed("it ran before, and its outcome is told again", found.result)


_REASONS: Final[Mapping[str, str]] = {
    "approval_denied": "a person said no",
    "approval_expired": "nobody decided in time",
    "approval_ambiguous": "nobody knows how an identical call ended",
    "approval_in_progress": "an identical call runs",
    "audit_unavailable": "it cannot be recorded",
    "rate_limited": "a limit has no room",
    "cancelled": "its caller had gone before it began",
}


def _unrecorded(held: Held) -> Refused:
    deny = unavailable(answers.shown(held.tool))
    return Refused(error=deny.error, message=deny.message, retry_after_s=deny.retry_after_s)


def _note_arrival(held: Held, wire: Wire) -> None:
    if held.release is not None and wire.is_complete:
        held.release.left()


def _forwarded(held: Held, state: CarriedState | None) -> bytes:
    """Return the body that the server gets: our own reading of the call, so that exactly what was approved runs.

    Without what a client carries for us. In a later leg the tool gets back its own state, and what it asked for.
    """
    envelope = json.loads(held.raw)
    params = {name: value for name, value in envelope["params"].items() if name != "requestState"}
    if state is None:
        params.pop("inputResponses", None)
    elif state.inner is not None:
        params["requestState"] = state.inner
    return json.dumps({**envelope, "params": params}, separators=(",", ":")).encode("ascii")


def _arguments(held: Held) -> tuple[dict[str, Any], str]:
    """Return the arguments and their hash. Raises _UnusableError with words for a model."""
    tool = held.tool
    if not _comes_back(held.message.id):
        raise _unusable(
            f"{tool} waits for a person's yes, and has an answer: send it as a request with an id, a text or a whole number below 2^53."
        )
    arguments = held.params.get("arguments", {}) if held.release is None else held.release.it.shown
    if type(arguments) is not dict:
        raise _unusable(f"{tool}: arguments must be an object.")
    try:
        hashed = args_hash(arguments)
    except InexpressibleError:
        raise _unusable(
            f"{tool} waits for a person's yes to exactly these arguments, and they hold something that programs read differently: "
            "an integer beyond 2^53, a number that is not finite, or half a surrogate pair. Send it as a string, or smaller."
        ) from None
    size = len(json.dumps(arguments, separators=(",", ":"), ensure_ascii=False).encode("utf-8"))
    if size > MOST_ARGUMENT_BYTES:
        raise _unusable(
            f"{tool} waits for a person's yes, and nobody can judge {size} bytes of arguments: send at most "
            f"{MOST_ARGUMENT_BYTES}, or several smaller calls."
        )
    return arguments, hashed


def _comes_back(request_id: answers.RequestId) -> bool:
    """Tell whether every server repeats an id as it was sent: else nobody could say which answer is this call's."""
    if isinstance(request_id, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in request_id)
    return isinstance(request_id, int) and abs(request_id) < _MOST_WHOLE_ID


def _unusable(message: str) -> _UnusableError:
    return _UnusableError(Refused(error="invalid_arguments", message=message))


def _definition_hash(held: Held, definition: Definition) -> str:
    """Return what a yes is bound to besides the arguments: one to an answer is none to a call that sends the same."""
    if held.release is None:
        return definition.hash
    return hashlib.sha256(f"mcp-release/1\n{definition.hash}".encode("ascii")).hexdigest()


def _exact(held: Held, arguments: dict[str, Any], hashed: str, definition: Definition) -> ExactCall:
    return ExactCall(
        principal=held.principal,
        token=held.token,
        tool=held.tool,
        tool_class=held.demand.tool_class,
        arguments=arguments,
        args_hash=hashed,
        definition_hash=_definition_hash(held, definition),
        policy_version=held.demand.policy_version,
        rule=held.rule,
        title=definition.title,
        description=definition.description,
        version=definition.version,
        follows=held.follows,
        releases=held.release is not None,
        reached_at=held.reached_at,
    )


def _carried(
    call: ExactCall, record: Record, *, ends_at: int, tries: int = 0, leg: int = 0, inner: str | None = None
) -> CarriedState:
    principal = call.principal
    return CarriedState(
        tenant=principal.tenant,
        subject=principal.subject,
        client_id=principal.client_id,
        authorization_id=principal.authorization_id,
        tool=call.tool,
        args_hash=call.args_hash,
        definition_hash=call.definition_hash,
        approval_id=record.id,
        url=record.url,
        expires_at=record.expires_at,
        ends_at=ends_at,
        tries=tries,
        leg=leg,
        inner=inner,
    )


def _record_of(state: CarriedState) -> Record:
    return Record(id=state.approval_id, state=State.PENDING, expires_at=state.expires_at, url=state.url)


def _waiting(held: Held, record: Record) -> Refused:
    if held.release is not None:
        message = said.withheld(held.tool, held.rule, record)
        return Refused(error="quarantined", message=message, retry_after_s=record.retry_after_s, record=record)
    return Refused(
        error="approval_required",
        message=said.waits(held.tool, held.rule, record, held.follows),
        retry_after_s=record.retry_after_s,
        record=record,
    )


def _described(held: Held, refused: Refused) -> dict[str, Any]:
    """Return the one object that describes a refusal, whatever carries it."""
    found: dict[str, Any] = {"error": refused.error, "message": refused.message, "tool": answers.shown(held.tool)}
    if refused.record is not None:
        found["approval_id"] = refused.record.id
        if refused.record.url:
            found["approval_url"] = refused.record.url
        found["expires_at"] = refused.record.expires_at
        if refused.record.differs:
            found["differs"] = list(refused.record.differs)
    if refused.retry_after_s is not None:
        found["retry_after_s"] = refused.retry_after_s
    if refused.error == "rate_limited":
        found["limit"] = "approvals"
    return found
