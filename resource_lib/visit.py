"""
One request to a guarded server, from its arrival to its answer: who asks, what for, is all of it allowed, is there room for it, and only
then the server itself.

Each stage returns the answer that ends the request there, or None; nothing is remembered of it but what was let through. MCP "Authorization",
"Transports".
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final

from resource_lib.approval.said import NotStanding, Refused, refused
from resource_lib.audit.recorder import unavailable
from resource_lib.audit.recording import Caller, Recording
from resource_lib.call import pin_of
from resource_lib.checks.not_revoked import KILLED
from resource_lib.decision import Decision, Deny
from resource_lib.definition import Definition
from resource_lib.exchange.errors import ExchangeUnavailableError
from resource_lib.exchange.upstream import carrying
from resource_lib.held import Held
from resource_lib.identity.jwks_cache import KeysUnavailableError
from resource_lib.identity.principal import Principal, calling_as
from resource_lib.limits.downstream import DownstreamLimitedError, noting
from resource_lib.limits.gate import Entry
from resource_lib.output import INCLUDE_PII, without_it
from resource_lib.output.asked import note_arguments
from resource_lib.output.quarantine import RELEASE, Withheld
from resource_lib.parts import Parts
from resource_lib.policy.method_policy import DOCUMENTS
from resource_lib.revocation.running import Run
from resource_lib.transport import answers, deliveries
from resource_lib.transport.answers import Answer, UnacceptableBodyError
from resource_lib.transport.asgi import App, Receive, Scope, Send
from resource_lib.transport.body import Body, Message, read_body
from resource_lib.transport.definitions import Learning, listed_for
from resource_lib.transport.listing import LIST_LIFE_MS, ListingFilter
from resource_lib.transport.outgoing import Outgoing
from resource_lib.transport.outward import Outward, Room
from resource_lib.transport.own_cancellation import OwnCancellation
from resource_lib.transport.own_definition import listing_for
from resource_lib.transport.own_listing import UnreadableListingError
from resource_lib.transport.refusals import Decided
from resource_lib.transport.request import BODILESS, DisconnectedError, Request, replayed, without_body
from resource_lib.transport.routing_headers import mismatch
from resource_lib.transport.sessions import Owner

PRINCIPAL: Final = "principal"
"""Where the wrapped server finds the caller: `scope["principal"]`, and `request.scope` in a framework."""

_AT_ONCE_S: Final = 0.05
"""A request that found room within this time is what it was when it was decided."""
_OF_FORM: Final = frozenset({"tool_unknown", "invalid_arguments", "server_inactive"})
_NO_ENTRY: Final = Entry()
_NOTHING_SENT: Final = Body(())


class Visit:
    """Serves one. What a stage has found out is there for those after it."""

    __slots__ = (
        "_app",
        "_asked_at",
        "_body",
        "_entry",
        "_own",
        "_owner",
        "_owns_session",
        "_parts",
        "_principal",
        "_raw",
        "_receive",
        "_record",
        "_request",
        "_scope",
        "_seeing",
        "_send",
        "_taken",
        "_today",
        "_token",
        "_waiting",
        "now",
    )

    def __init__(self, parts: Parts, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        self._parts = parts
        self._app = app
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request = Request(scope)
        self.now = parts.revocations.now(parts.clock())
        self._principal: Principal
        self._token: str
        self._owner: Owner
        self._owns_session = False
        self._body: Body | None = None
        self._raw = b""
        self._today: Mapping[str | None, Definition] = {}
        self._own: frozenset[str] = frozenset()
        self._seeing: frozenset[int] = frozenset()
        self._waiting: Held | None = None
        self._entry = _NO_ENTRY
        self._asked_at = 0.0
        self._taken: frozenset[tuple[bytes, str]] = frozenset()
        self._record: Recording | None = None
        """What is noted of it; None: nothing is."""

    async def serve(self) -> None:
        """Serve it to its end."""
        parts, request = self._parts, self._request
        if (answer := parts.public.to(request)) is not None:
            return await self._answer(answer)
        if request.path in parts.settings.public_paths:
            # Nobody is asked here, so nobody's token, session or cookie of ours goes on.
            headers = request.forwarded(authorization=False, session=False, encoding=True)
            return await self._app({**self._scope, "headers": headers}, self._receive, self._send)
        try:
            answer = await self._who()
            if answer is None:
                refused = self._whose_session() or await self._what()
                answer = await self._room() if refused is None else await self._refused(refused)
        except DisconnectedError:
            return None
        if answer is not None:
            return await self._answer(answer)
        # From here on it may hold a seat, which it gives back whatever goes wrong.
        with self._entry:
            if (answer := self._begun()) is not None:
                return await self._answer(answer)
            try:
                return await self._run()
            finally:
                if parts.rooms is not None:
                    parts.rooms.end(self._taken)

    async def _answer(self, answer: Answer) -> None:
        await self._send(answer.start(self._parts.browsers.cors(self._request.origin)))
        body = b"" if self._request.method == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

    # -- who is asking?

    async def _who(self) -> Answer | None:
        parts, request = self._parts, self._request
        try:
            identified = await parts.callers.identify(
                request.token, self.now, refused=None if parts.record is None else parts.record.refused_token
            )
        except (KeysUnavailableError, ExchangeUnavailableError) as error:
            return answers.keys_unavailable(error.retry_after_s)
        if identified is None:
            return answers.unauthenticated(parts.challenges.refused if request.credential else parts.challenges.missing)
        self._principal, self._token = principal, _ = identified
        self._owner = (principal.tenant, principal.subject, principal.client_id)
        session = request.session
        self._owns_session = session is not None and parts.sessions.belongs_to(session, self._owner)
        if parts.judge.standings is not None and await self._is_dead():
            if session is not None and self._owns_session:
                parts.sessions.closed(session)
            if parts.record is not None:
                parts.record.refused_caller(self._caller(), "invalid_token", "revoked")
            return answers.unauthenticated(parts.challenges.refused)
        return None

    def _whose_session(self) -> Answer | None:
        request = self._request
        if request.session is not None and not self._owns_session and not request.is_modern:
            return answers.NO_SUCH_SESSION
        return None

    def _caller(self) -> Caller:
        return Caller(self._principal, self._token, self._request.session, self._scope["headers"])

    async def _is_dead(self) -> bool:
        """Tell whether what a caller carries has ended, once that was heard at all."""
        revocations, principal = self._parts.revocations, self._principal
        if revocations.needs_to_hear(principal.tenant):
            await revocations.hear(principal.tenant)
        return revocations.standings.is_dead(principal)

    # -- what is asked for, and is all of it allowed?

    async def _what(self) -> Answer | None:
        parts, request, principal = self._parts, self._request, self._principal
        if parts.overlay is not None and not parts.overlay.knows(principal.tenant):
            await parts.overlay.hear_of(principal.tenant)
        if request.method in BODILESS:
            self._receive = without_body(self._receive)
            return self._stopped()
        try:
            self._raw = await request.body(self._receive, most=parts.settings.max_body_bytes)
            self._body = body = read_body(self._raw)
        except UnacceptableBodyError as error:
            return error.answer
        if not body.messages and (stopped := self._stopped()) is not None:
            return stopped
        self._today = await self._definitions(body)
        if parts.judge.taints is not None and self._writes(body):
            await parts.judge.taints.hear(principal)
        decided = self._decided(body, self.now)
        if parts.rooms is not None:
            decided = [(message, _described(decision, message, self._today)) for message, decision in decided]
        if body.is_batch or parts.held is None:
            decided = [(message, _unasked(decision, in_batch=body.is_batch)) for message, decision in decided]
        if parts.record is not None:
            caller = self._caller()
            caller.raw = self._raw
            demands = parts.policies.of(principal.tenant)
            self._record = parts.record.recording(caller, decided, demands=demands, definitions=self._today)
        if (
            refusal := parts.refusals.to(body, decided, principal, modern=request.is_modern, today=self._today)
        ) is not None:
            self._note_refusal(decided)
            return self._other_headers(decided) or refusal
        self._allowed(body, decided)
        return self._not_as_routed()

    def _not_as_routed(self) -> Answer | None:
        """Return the answer to a call that waits for a yes and that its headers call otherwise: nobody is asked what the server then refuses."""
        waiting = self._waiting
        if waiting is None or not self._request.is_modern:
            return None
        header = mismatch(self._request.headers, waiting.message)
        if header is None:
            return None
        self._waiting = None
        if self._record is not None:
            self._record.refused_all("policy_denied", f"its {header} header does not say what its body says")
        return answers.other_headers(waiting.message.id, header)

    def _other_headers(self, decided: Decided) -> Answer | None:
        """Return the answer to what is refused for its form, and whose headers say something else than its body; None: they agree.

        Whether the caller may at all is said first, as HTTP says it.
        """
        if not self._request.is_modern or len(decided) != 1:
            return None
        message, decision = decided[0]
        refusal = None if decision is None else decision.refusal
        if refusal is None or refusal.error not in _OF_FORM:
            return None
        header = mismatch(self._request.headers, message)
        return None if header is None else answers.other_headers(message.id, header)

    def _note_refusal(self, decided: Decided) -> None:
        if self._record is not None:
            self._record.refused([decision.refusal for _, decision in decided if decision is not None])

    def _allowed(self, body: Body, decided: Decided) -> None:
        """Make ready what the server gets, or what waits for a person."""
        self._own, self._seeing = self._own_members(body)
        if self._own:
            self._raw = without_it(self._raw, self._own)
        withheld = self._withheld(body)
        asks = bool(decided) and decided[0][1] is not None and decided[0][1].approval is not None
        if withheld is not None or asks:
            self._waiting = self._held(decided[0], withheld)
        else:
            self._receive = replayed(self._raw, self._receive)

    def _stopped(self) -> Answer | None:
        """Return the answer to a request that names no method of the protocol, while everything is stopped."""
        method = self._request.method
        stopped = self._parts.judge.stopped(self._principal, method)
        if stopped is not None and self._parts.record is not None:
            self._parts.record.refused_caller(self._caller(), stopped.error, stopped.reason, method=method)
        return None if stopped is None else self._parts.refusals.stopped(stopped, method=method)

    def _decided(self, body: Body, now: float) -> Decided:
        """Decide each message of a body, by what the called tools are today."""
        judge, alone = self._parts.judge, len(body.messages) == 1
        return [
            (
                message,
                judge.decide(message, self._principal, now, alone=alone, definition=self._today.get(message.tool)),
            )
            for message in body.messages
        ]

    def _own_members(self, body: Body) -> tuple[frozenset[str], frozenset[int]]:
        """Return of which called tools a member of ours is in the arguments, and which messages thereby ask for personal data."""
        advertised = self._parts.advertised
        if advertised is None:
            return frozenset(), frozenset()
        own, seeing = set(), set()
        for at, message in enumerate(body.messages):
            arguments = message.arguments
            if message.tool is None or type(arguments) is not dict or INCLUDE_PII not in arguments:
                continue
            definition = self._today.get(message.tool)
            form = None if definition is None else advertised.form(definition, self._principal)
            if form is not None and INCLUDE_PII in form.own:
                own.add(message.tool)
                if arguments[INCLUDE_PII] is True:
                    seeing.add(at)
        return frozenset(own), frozenset(seeing)

    def _writes(self, body: Body) -> bool:
        demands = self._parts.policies.of(self._principal.tenant)
        return any(
            message.tool in demands and demands[message.tool].tool_class != "read"
            for message in body.messages
            if message.tool is not None
        )

    async def _definitions(self, body: Body) -> Mapping[str | None, Definition]:
        """Return what the called tools are today, where that must be known; what the server cannot tell is left out."""
        parts, request, principal = self._parts, self._request, self._principal
        found: dict[str | None, Definition] = {}
        lacks = parts.rooms is not None and parts.rooms.lacks_tools(parts.policies.base)
        for message in body.messages:
            tool = message.tool
            if lacks and message.method in DOCUMENTS:
                # What the tools call personal is hidden in documents as well, from the first one on.
                tool = next(iter(parts.policies.base))
            if tool is None or tool not in parts.policies.base or tool in found:
                continue
            looks = parts.rooms is not None or parts.judge.looks_at_definition(principal, tool)
            if not looks and pin_of(message.params) is None:
                continue
            if (known := parts.definitions.known(listed_for(principal), tool)) is not None:
                found[tool] = known
                continue
            headers = request.forwarded(authorization=False, session=not request.is_modern, encoding=False)
            shown = {**self._scope, "headers": headers, PRINCIPAL: principal}
            with calling_as(principal), contextlib.suppress(UnreadableListingError):
                listing = listing_for(request, message, self._app, shown, heard=self._says_of_itself)
                found[tool] = await parts.definitions.of(listed_for(principal), tool, listing.tools)
        return found

    def _says_of_itself(self, result: Mapping[str, Any]) -> None:
        if self._parts.rooms is not None:
            self._parts.rooms.own_words.learn(result)

    # -- what waits for a person

    def _withheld(self, body: Body) -> Withheld | None:
        """Return the answer that waits for a yes to what is called here; None: nothing waits."""
        parts = self._parts
        if parts.rooms is None or parts.held is None or len(body.messages) != 1 or body.is_batch:
            return None
        message = body.messages[0]
        if message.tool is None:
            return None
        return parts.handed.quarantine.find(self._principal, message.tool, message.arguments)

    def _held(self, decided: tuple[Message, Decision | None], withheld: Withheld | None) -> Held:
        """Return a call that waits for a yes, or whose answer does, with all that is known of it."""
        parts, principal = self._parts, self._principal
        message, decision = decided
        assert parts.held is not None
        assert message.tool is not None
        assert decision is not None
        tool, definition = message.tool, self._today.get(message.tool)
        demand = parts.policies.of(principal.tenant)[tool]
        rule = decision.approval if withheld is None else RELEASE
        assert rule is not None

        def hindrance() -> Refused | NotStanding | None:
            # What it was when it came, where nobody has looked since: that is what is asked about.
            known = parts.definitions.known(listed_for(principal), tool) or definition
            again = parts.judge.decide(message, principal, parts.revocations.now(parts.clock()), definition=known)
            if again is not None and again.refusal is not None:
                return _not_now(again.refusal) or refused(tool, "approval_mismatch")
            found = parts.policies.of(principal.tenant)[tool]
            if again is None or again.approval != decision.approval or found.policy_version != demand.policy_version:
                return refused(tool, "approval_mismatch")
            return None

        return Held(
            request=self._request,
            message=message,
            raw=self._raw,
            principal=principal,
            token=self._token,
            demand=demand,
            rule=rule,
            follows=decision.follows,
            now=self.now,
            reached_at=parts.held.flow.clock(),
            hindrance=hindrance,
            run=Run(principal, (tool,)),
            record=self._record,
            note=lambda: parts.scenes.note(tool, message.params, principal),
            gate=parts.gate,
            definition_hash=self._hash_of(tool),
            release=None if withheld is None else parts.handed.release(withheld, principal),
        )

    # -- is there room for it? A call that waits for a person is counted when it begins

    async def _room(self) -> Answer | None:
        gate, self._asked_at = self._parts.gate, time.monotonic()
        if gate is None:
            return None
        body, principal = self._body or _NOTHING_SENT, self._principal
        demands = self._parts.policies.of(principal.tenant)
        calls = [demands[message.tool] for message in body.messages if message.tool is not None]
        if self._waiting is not None:
            entered = await gate.enter(principal, (), requests=1)
        else:
            entered = await gate.enter(principal, calls, requests=max(1, len(body.messages)))
        if not isinstance(entered, Deny):
            self._entry = entered
            return None
        return self._limited(entered)

    async def _refused(self, answer: Answer) -> Answer:
        """Return the answer to what is refused anyway, or, to whoever has asked too often, that they have."""
        gate = self._parts.gate
        if gate is None:
            return answer
        body = self._body or _NOTHING_SENT
        deny = await gate.refused(self._principal, requests=max(1, len(body.messages)))
        return answer if deny is None else self._limited(deny)

    def _limited(self, deny: Deny) -> Answer:
        body, request = self._body or _NOTHING_SENT, self._request
        assert self._parts.gate is not None
        tool = None if deny.exceeded is None else deny.exceeded.tool
        self._parts.gate.tell(deny, self._principal, self._hash_of(tool))
        if self._record is not None:
            self._record.refused_all(deny.error, deny.reason)
        return self._parts.refusals.limited(
            deny, body.messages, method=request.method, modern=request.is_modern, is_batch=body.is_batch
        )

    def _hash_of(self, tool: str | None) -> str:
        """Return what a called tool is today, by its hash; empty: nobody had to look."""
        definition = self._today.get(tool)
        return "" if definition is None else definition.hash

    def _begun(self) -> Answer | None:
        """Take the ids of what is asked, and note what its arguments look like. An answer: one of the ids is in use."""
        parts, session, body = self._parts, self._request.session, self._body
        if parts.rooms is None or body is None:
            return None
        if session is not None and self._owns_session:
            taken = parts.rooms.begin(session, body)
            if taken is None:
                return answers.ID_IN_USE
            self._taken = taken
        for message in body.messages:
            if message.tool is not None:
                kinds = note_arguments(message.tool, message.arguments, self._principal, self._today.get(message.tool))
                if kinds and self._record is not None:
                    self._record.signs(message.tool, kinds)
        return None

    # -- then, and only then, the server itself; a call that waits for a yes goes its own way there

    async def _run(self) -> None:
        parts, principal, waiting = self._parts, self._principal, self._waiting
        messages = () if self._body is None else self._body.messages
        methods = [message.method for message in messages]
        lists_tools = self._request.method == "GET" or "tools/list" in methods
        if self._record is not None:
            self._send = self._record.tap(self._send)
        life_s = max(1.0, principal.expires_at - self.now) if parts.settings.close_streams_at_expiry else None
        outgoing = self._outgoing(messages, life_s=life_s if waiting is None else None)
        over: list[DownstreamLimitedError] = []
        await self._look_at_tools()
        room = self._answers_room(over)
        scope = self._forwarded(keeps_encoding=not lists_tools and waiting is None and parts.rooms is None)
        noted = noting(over) if parts.budgets else _NO_ENTRY
        with calling_as(principal), carrying(self._token, parts.upstream), noted:
            if waiting is not None and parts.held is not None:
                waiting = replace(waiting, room=room)
                return await parts.held.serve(waiting, self._app, scope, self._receive, outgoing.take, life_s=life_s)
            if (refusal := self._stopped_meanwhile()) is not None:
                return await self._answer(refusal)
            if (
                self._record is not None
                and (self._record.writes or not self._takes_reads)
                and (refusal := await self._unrecorded(self._record)) is not None
            ):
                return await self._answer(refusal)
            for message in messages:
                if message.tool is not None:
                    parts.scenes.note(message.tool, message.params, principal)
            outward: Send = outgoing.take
            if lists_tools:
                outward = self._filtered(outward, methods)
            if room is not None:
                outward = Outward(outward, room).send
            take_back: Callable[[], None] | None = None
            if self._request.session is not None and not self._request.is_modern:
                cancellation = OwnCancellation(self._app, scope, self._request, messages)
                take_back = cancellation.tell if cancellation.is_needed else None
            work = self._app(scope, self._receive, outward)
            running = outgoing.run(work, parts.revocations.running, self._cut_short, take_back)
            return await (running if self._record is None else self._recorded(self._record, running, outgoing))

    @property
    def _takes_reads(self) -> bool:
        return self._parts.record is None or self._parts.record.takes_reads

    async def _recorded(self, record: Recording, running: Coroutine[Any, Any, None], outgoing: Outgoing) -> None:
        """Let it run, and take note of how it ended, however that is."""
        try:
            await running
        except Exception:
            record.ended("failed")
            raise
        finally:
            record.ended(*(("cancelled", "cancelled") if outgoing.why is not None else ()))

    async def _unrecorded(self, record: Recording) -> Answer | None:
        """Record what is about to change something, before it does; the refusal of what cannot be recorded, and None: it may begin."""
        parts, body = self._parts, self._body
        assert parts.record is not None
        try:
            is_kept = await record.intend() if record.writes else parts.record.takes_reads
        except asyncio.CancelledError:
            record.refused_all("cancelled", "its caller had gone before it began")
            raise
        if is_kept or body is None:
            return None
        if parts.gate is not None:
            await parts.gate.withdraw(self._entry)
        decided: Decided = []
        for message in body.messages:
            subject = answers.shown(message.tool or message.method)
            deny = unavailable(subject)
            decided.append((message, Decision(subject=subject, outcomes=(), refusal=deny)))
        record.refused_all("audit_unavailable", "it cannot be recorded")
        return parts.refusals.to(body, decided, self._principal, modern=self._request.is_modern)

    async def _look_at_tools(self) -> None:
        """Learn what the tools call personal before a stream is opened on which any of them may speak."""
        parts, request, principal = self._parts, self._request, self._principal
        if request.method != "GET" or parts.rooms is None or not self._owns_session:
            return
        if not parts.rooms.lacks_tools(parts.policies.of(principal.tenant)):
            return
        headers = request.forwarded(authorization=False, session=False, encoding=False)
        shown = {**self._scope, "method": "POST", "headers": headers, PRINCIPAL: principal}
        with calling_as(principal), contextlib.suppress(UnreadableListingError):
            for tool in await listing_for(request, None, self._app, shown).tools():
                if isinstance(tool.get("name"), str):
                    parts.definitions.learn(listed_for(principal), tool)

    def _outgoing(self, messages: tuple[Message, ...], *, life_s: float | None) -> Outgoing:
        parts, request = self._parts, self._request
        opens = bool(messages) and any(message.method == "initialize" for message in messages)
        takes_urls = opens and deliveries.opens_with_urls(messages[0])
        return Outgoing(
            self._send,
            self._principal,
            tuple(message.tool for message in messages if message.tool is not None),
            cors=parts.browsers.cors(request.origin),
            life_s=life_s,
            started=None if request.is_modern else parts.sessions.watch(request, self._owner, takes_urls=takes_urls),
        )

    def _forwarded(self, *, keeps_encoding: bool) -> Scope:
        """Return what the server sees of the request."""
        parts, request = self._parts, self._request
        headers = request.forwarded(
            authorization=parts.settings.forward_authorization,
            session=self._owns_session or not request.is_modern,
            encoding=keeps_encoding,
        )
        if self._own:
            headers = [header for header in headers if header[0].lower() != b"content-length"]
            headers.append((b"content-length", str(len(self._raw)).encode("ascii")))
        scope = {**self._scope, "headers": headers, PRINCIPAL: self._principal}
        if parts.rooms is not None:
            # A server that hands a file to the wire by its path would say it past us.
            scope["extensions"] = {}
        return scope

    def _answers_room(self, over: list[DownstreamLimitedError]) -> Room | None:
        """Return what the answer may be about; None: it leaves as it is. `over`: what was refused to the tool meanwhile."""
        parts = self._parts
        if parts.rooms is None:
            return None
        return parts.rooms.of(
            self._body,
            self._request,
            self._principal,
            demands=parts.policies.of(self._principal.tenant),
            definitions=self._today,
            session=self._request.session if self._owns_session else None,
            seeing=self._seeing,
            refused=over if parts.budgets else None,
            record=self._record,
        )

    def _stopped_meanwhile(self) -> Answer | None:
        """Return the refusal of what was stopped while it waited for a seat, or for a store; None: it may begin."""
        if self._body is None or time.monotonic() - self._asked_at <= _AT_ONCE_S:
            return None
        parts = self._parts
        late = self._decided(self._body, parts.revocations.now(parts.clock()))
        refusal = parts.refusals.to(
            self._body, late, self._principal, modern=self._request.is_modern, today=self._today
        )
        if refusal is not None:
            self._note_refusal(late)
        return refusal

    def _filtered(self, send: Send, methods: list[str]) -> Send:
        """Return a `send` through which a list of tools is the caller's own."""
        parts, principal = self._parts, self._principal

        def shown(tool: dict[str, object]) -> dict[str, object] | None:
            return parts.judge.shown(principal, tool, parts.definitions.shared(tool), self.now)

        learns = parts.schemas
        return ListingFilter(
            send,
            offered=parts.judge.offered(principal),
            schemas=Learning(learns, parts.definitions, listed_for(principal)) if methods == ["tools/list"] else learns,
            only_streams=not methods,
            shown=shown,
            life_ms=LIST_LIFE_MS if self._request.is_modern else None,
        ).send

    def _cut_short(self, why: Deny) -> Answer:
        """Return the answer to a call that was stopped in the middle, before anything of an answer was sent."""
        body, refusals = self._body, self._parts.refusals
        if body is None or all(message.tool is None for message in body.messages):
            return refusals.stopped(why, method=self._request.method)
        return refusals.cancelled(body, modern=self._request.is_modern)


def _not_now(deny: Deny) -> Refused | NotStanding | None:
    """Return how a call is refused that was stopped while it waited; None: it was not, something else has changed."""
    if deny.error == "invalid_token":
        return NotStanding()
    if deny.error not in ("control_plane_stale", "server_inactive") and deny.reason != KILLED:
        return None
    return Refused(error=deny.error, message=deny.message, retry_after_s=deny.retry_after_s)


def _described(decision: Decision | None, message: Message, today: Mapping[str | None, Definition]) -> Decision | None:
    """Return the decision; a call does not run of which nobody can say what may come out of it."""
    if decision is None or decision.refusal is not None or message.tool is None or message.tool in today:
        return decision
    text = (
        f"{decision.subject} has not run: the server's own list of tools could not be read, so nobody knows what it may return. "
        "Try again later."
    )
    deny = Deny(error="server_inactive", message=text, reason="the list of tools could not be read", retry_after_s=5)
    return replace(decision, refusal=deny)


def _unasked(decision: Decision | None, *, in_batch: bool) -> Decision | None:
    """Return the decision; a call that waits for a yes runs in no batch, and not where nobody can be asked."""
    if decision is None or decision.approval is None:
        return decision
    cure = "Call it alone, outside a batch." if in_batch else "Nobody can be asked at this server."
    why = "" if decision.follows is None else f", because it {decision.follows.words}"
    message = f"{decision.subject} has not run: it waits for a person's yes{why}. {cure}"
    return replace(decision, refusal=Deny(error="approval_required", message=message, reason="nobody is asked"))
