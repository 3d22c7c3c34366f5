"""
The whole life of one call at an MCP server: who asks, is it allowed, and only then the server itself.

`ResourceGuard(...).wrap(app)` stands around any ASGI app. It answers what the app must not see (no token, no permission,
an unknown tool) and leaves everything else to the app, byte for byte. It decides on the parsed body, for the sessions
of 2025-11-25 and the single requests of 2026-07-28 alike.

MCP "Authorization", "Transports"; RFC 6750, RFC 8707, RFC 9728. A token counts until it expires: no feed of revocations is
followed. With a credential of its own it asks its issuer for people's approvals; without one it is *token-only*.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from resource_lib.approval.flow import ApprovalFlow
from resource_lib.approval.said import who
from resource_lib.backchannel.approvals import Approvals
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import find as find_credential
from resource_lib.backchannel.overlay import Overlay
from resource_lib.backchannel.tool_report import ToolReport
from resource_lib.challenge import Challenges
from resource_lib.context import CallMemory, ProcessMemory, Scenes
from resource_lib.decision import Decision, Deny
from resource_lib.exchange.api_keys import ApiKeys
from resource_lib.exchange.caller import Callers, TokenVerifier
from resource_lib.exchange.errors import ExchangeUnavailableError
from resource_lib.exchange.token_endpoint import TokenEndpoint
from resource_lib.exchange.upstream import Upstream, carrying
from resource_lib.held import Held, HeldCalls
from resource_lib.identity.access_token import KeySource, Validator
from resource_lib.identity.jwks_cache import JWKSCache, KeysUnavailableError
from resource_lib.identity.principal import Principal, calling_as
from resource_lib.judge import Judge
from resource_lib.metadata import ResourceMetadata
from resource_lib.policy import (
    Demand,
    MethodPolicy,
    Overlays,
    Policies,
    Preset,
    ToolPolicy,
    layers_of,
    method_demands,
    policy_warnings,
    read_policy_file,
)
from resource_lib.report import Report
from resource_lib.settings import (
    MEBIBYTE,
    Challenge,
    ChallengeStyle,
    GuardSettings,
    SettingsError,
    in_result,
    scope_hierarchy,
    scope_names,
)
from resource_lib.transport import answers, deliveries
from resource_lib.transport.answers import Answer, UnacceptableBodyError
from resource_lib.transport.asgi import App, Receive, Scope, Send
from resource_lib.transport.asgi import Message as ASGIMessage
from resource_lib.transport.body import Message, read_body
from resource_lib.transport.browsers import Browsers
from resource_lib.transport.definitions import Definitions, Learning, listed_for
from resource_lib.transport.listing import Learns, ListingFilter, ToolSchemas
from resource_lib.transport.outgoing import Outgoing
from resource_lib.transport.public import PublicAnswers
from resource_lib.transport.refusals import Refusals
from resource_lib.transport.request import BODILESS, DisconnectedError, Request, replayed, without_body
from resource_lib.transport.request_state import StateSeal
from resource_lib.transport.sessions import Owner, Sessions
from resource_lib.wire.approvals import ApprovalRule

PRINCIPAL: Final = "principal"
"""Where the wrapped server finds the caller: `scope["principal"]`, and `request.scope` in a framework."""

log = logging.getLogger("resource_lib.guard")


class ResourceGuard:
    """Enforces the tokens of one issuer at one MCP server, tool by tool. Raises SettingsError when it cannot."""

    def __init__(
        self,
        *,
        issuer: str,
        resource: str,
        tools: Mapping[str, ToolPolicy] | None = None,
        policy_file: str | Path | None = None,
        preset: Preset | None = None,
        methods: Mapping[str, ToolPolicy | Collection[str]] | None = None,
        implies: Mapping[str, Collection[str]] | None = None,
        initial_scopes: Collection[str] | None = None,
        challenge: Challenge = "granted+operation",
        challenge_style: ChallengeStyle | Collection[str] = "http",
        resource_name: str | None = None,
        tenants: Collection[str] | None = None,
        tenant_domains: Mapping[str, Collection[str]] | None = None,
        memory: CallMemory | None = None,
        allowed_origins: Collection[str] | None = None,
        allowed_hosts: Collection[str] = (),
        public_paths: Collection[str] = (),
        close_streams_at_expiry: bool = True,
        forward_authorization: bool = False,
        max_body_bytes: int = 4 * MEBIBYTE,
        max_sessions: int = 100_000,
        max_token_seconds: int = 3600,
        keys: KeySource | None = None,
        verifier: TokenVerifier | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        client_secret_file: str | Path | None = None,
        channel: Channel | None = None,
        api_keys: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the policy and the settings, and refuse at once whatever could not be kept.

        `tools` maps names to `read(…)`, `write(…)` or `destructive(…)`; a tool that is not in it does not exist for
        callers. `policy_file`, YAML or TOML, tightens them, or names them where `tools` is left out; `preset="strict"` asks a
        person about every write and every read of secrets; `tenant_domains` are what conditions know as `tenant.domains`;
        `memory` is where earlier calls are remembered, this process when left out (docs/policy.md). `methods` says what other methods need, see `policy/method_policy.py`. `implies` names scopes that
        contain others. `initial_scopes` is what a first login is asked for; the read tools' scopes when left out.
        `challenge_style` is how a missing scope is said: by an HTTP 403, or in the tool's result as ChatGPT expects it
        (`"result"`, or a list of the client_ids for which it is).
        `keys` are the issuer's; found through its metadata at first use when left out. `verifier` replaces the whole
        validation of tokens.

        `client_id` with `client_secret` or `client_secret_file` is this server's own credential, with which `exchange_for`
        trades its callers' tokens; when left out, RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE.
        `channel` replaces where and how the issuer is asked. `api_keys` accepts the issuer's API keys beside tokens:
        each is traded for a token there, which is then judged as any other; it needs the credential.
        """
        self.settings = GuardSettings(
            issuer=issuer,
            resource=resource,
            resource_name=resource_name,
            challenge=challenge,
            implies=scope_hierarchy(implies),
            tenants=None if tenants is None else frozenset(tenants),
            allowed_origins=None if allowed_origins is None else frozenset(allowed_origins),
            allowed_hosts=frozenset(host.lower() for host in allowed_hosts),
            public_paths=frozenset(public_paths),
            max_body_bytes=max_body_bytes,
            max_sessions=max_sessions,
            max_token_seconds=max_token_seconds,
            close_streams_at_expiry=close_streams_at_expiry,
            forward_authorization=forward_authorization,
        )
        file = None if policy_file is None else read_policy_file(policy_file)
        self.policies = Policies(layers_of(tools, file), preset=preset)
        self.tools: Mapping[str, Demand] = self.policies.base
        read_scopes = _all_scopes(demand for demand in self.tools.values() if demand.tool_class == "read")
        self.initial_scopes = read_scopes if initial_scopes is None else scope_names("initial_scopes", initial_scopes)
        self.metadata = ResourceMetadata(
            resource=resource, issuer=issuer, scopes=self.initial_scopes, resource_name=resource_name
        )
        self._challenges = Challenges(
            metadata_url=self.metadata.url, initial_scopes=self.initial_scopes, style=challenge
        )
        self._browsers = Browsers(self.settings)
        domains = {**(file.domains if file is not None else {}), **(tenant_domains or {})}
        self._scenes = Scenes(memory or ProcessMemory(), domains)
        self._judge = Judge(
            policies=self.policies,
            methods=MethodPolicy(method_demands(methods), read_scopes),
            scenes=self._scenes,
            implies=self.settings.implies,
        )
        self._public = PublicAnswers(self.settings, self.metadata, self._browsers)
        self._sessions = Sessions(self.settings.max_sessions)
        named = {
            name: demand.approval.argument_names for name, demand in self.tools.items() if demand.approval is not None
        }
        self._schemas = ToolSchemas(self.tools, named)
        self._definitions = Definitions(self._schemas)
        self._refusals = Refusals(self._challenges, self.tools, self._schemas, in_result(challenge_style))
        verifier = verifier or Validator(
            issuer=issuer,
            resource=resource,
            keys=keys or JWKSCache(issuer=issuer),
            tenants=self.settings.tenants,
            max_life=self.settings.max_token_seconds,
            clock=clock,
        )
        self._clock = clock
        if channel is None:
            credential = find_credential(
                client_id=client_id, client_secret=client_secret, client_secret_file=client_secret_file
            )
            channel = None if credential is None else Channel(issuer=issuer, credential=credential)
        self.channel = channel
        """To the issuer, in this server's own name; None: it has no credential."""
        self.overlay = self._judge.overlay = None if channel is None else self._overlay(channel)
        """What operators demand; None: this guard has nobody to ask, and knows of no operators."""
        self._held = None if channel is None else self._held_calls(channel)
        asking = sorted(name for name, demand in self.tools.items() if demand.may_ask)
        if asking and channel is None:
            raise SettingsError(
                f"tools[{asking[0]!r}]",
                "each call waits for a person's yes, and this guard has no credential to ask for one",
                "set RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE, or write approval=False",
            )
        endpoint = None if channel is None else TokenEndpoint(channel)
        self._upstream = Upstream(endpoint)
        keyring: ApiKeys | None = None
        if api_keys:
            if endpoint is None:
                raise SettingsError(
                    "api_keys",
                    "this guard has no credential to exchange them with",
                    "set RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE",
                )
            keyring = ApiKeys(endpoint, resource=resource)
        self._takes_api_keys = api_keys
        self._callers = Callers(verifier, keyring)

    def _overlay(self, channel: Channel) -> Overlay:
        report = ToolReport(channel, self.tools.values())
        self._definitions.note = report.learn
        return Overlay(channel, self.take_overlays, also=report.tell)

    def _held_calls(self, channel: Channel) -> HeldCalls:
        return HeldCalls(
            flow=ApprovalFlow(Approvals(channel)),
            definitions=self._definitions,
            seal=StateSeal(channel.credential, resource=self.settings.resource),
            sessions=self._sessions,
            refusals=self._refusals,
            unauthenticated=answers.unauthenticated(self._challenges.refused),
        )

    def wrap(self, app: App) -> "GuardedApp":
        """Return `app` behind this guard."""
        log.info("%s", self.doctor())
        return GuardedApp(self, app)

    def doctor(self) -> Report:
        """Return what this guard does and does not do, with what an operator should know."""
        settings = self.settings
        warnings = []
        if settings.forward_authorization:
            warnings.append("forward_authorization: the wrapped server sees callers' tokens and must not pass them on")
        if not settings.close_streams_at_expiry:
            warnings.append("close_streams_at_expiry: an open stream outlives the token that opened it")
        warnings += policy_warnings(self.tools.values())
        if self.overlay is not None and self.overlay.is_old:
            warnings.append("overlay: what operators demand has not been confirmed for a while; is the issuer there?")
        return Report(
            mode="token-only" if self.channel is None else "full",
            lease=None,
            issuer=settings.issuer,
            resource=settings.resource,
            metadata_url=self.metadata.url,
            tools={
                word: tuple(sorted(name for name, demand in self.tools.items() if demand.tool_class == word))
                for word in ("read", "write", "destructive")
            },
            initial_scopes=tuple(sorted(self.initial_scopes)),
            has_credential=self.channel is not None,
            api_keys=self._takes_api_keys,
            approvals={
                name: who(demand.approval) if demand.approval is not None else f"{who(ApprovalRule())}, for some calls"
                for name, demand in sorted(self.tools.items())
                if demand.may_ask
            },
            overlay_age_s=None if self.overlay is None else self.overlay.age,
            warnings=tuple(warnings),
        )

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to `app`: its lifespan is its own, HTTP is guarded, and there is no other door."""
        if scope["type"] == "http":
            await self._serve_http(app, scope, receive, send)
        elif scope["type"] == "lifespan":
            if self.overlay is not None:
                self.overlay.follow()
            await app(scope, receive, self._closing(send))
        elif scope["type"] == "websocket":
            # MCP has no WebSocket transport: an unguarded side door stays shut.
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def aclose(self) -> None:
        """Let what was approved and runs come to its end for a moment, and close what is open to the issuer."""
        if self.overlay is not None:
            await self.overlay.aclose()
        if self._held is not None:
            await self._held.flow.aclose()
        if self.channel is not None:
            await self.channel.aclose()

    def _closing(self, send: Send) -> Send:
        """Return a `send` that closes what this guard has opened before the server is told that all is closed."""

        async def closing(message: ASGIMessage) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.aclose()
            await send(message)

        return closing

    async def _serve_http(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        public = self._public.to(request)
        if public is not None:
            return await self._answer(public, request, send)
        if request.path in self.settings.public_paths:
            # Nobody is asked here, so nobody's token, session or cookie of ours goes on.
            headers = request.forwarded(authorization=False, session=False, encoding=True)
            return await app({**scope, "headers": headers}, receive, send)

        # Who is asking?
        now = self._clock()
        try:
            identified = await self._callers.identify(request.token, now)
        except (KeysUnavailableError, ExchangeUnavailableError) as error:
            return await self._answer(answers.keys_unavailable(error.retry_after_s), request, send)
        if identified is None:
            challenge = self._challenges.refused if request.credential else self._challenges.missing
            return await self._answer(answers.unauthenticated(challenge), request, send)
        principal, token = identified
        owner: Owner = (principal.tenant, principal.subject, principal.client_id)
        owns_session = request.session is not None and self._sessions.belongs_to(request.session, owner)
        if request.session is not None and not owns_session and not request.is_modern:
            return await self._answer(answers.NO_SUCH_SESSION, request, send)

        # What is asked for, and is all of it allowed?
        if self.overlay is not None and not self.overlay.knows(principal.tenant):
            await self.overlay.hear_of(principal.tenant)
        methods: list[str] = []
        waiting: Held | None = None
        takes_urls = False
        if request.method in BODILESS:
            receive = without_body(receive)
        else:
            try:
                raw = await request.body(receive, most=self.settings.max_body_bytes)
                body = read_body(raw)
            except DisconnectedError:
                return None
            except UnacceptableBodyError as error:
                return await self._answer(error.answer, request, send)
            alone = len(body.messages) == 1
            decided = [(message, self.decide(message, principal, now, alone=alone)) for message in body.messages]
            if body.is_batch or self._held is None:
                decided = [(message, _unasked(decision, in_batch=body.is_batch)) for message, decision in decided]
            refusal = self._refusals.to(body, decided, principal, modern=request.is_modern)
            if refusal is not None:
                return await self._answer(refusal, request, send)
            methods = [message.method for message in body.messages]
            takes_urls = "initialize" in methods and deliveries.opens_with_urls(body.messages[0])
            if decided and decided[0][1] is not None and decided[0][1].approval is not None:
                waiting = self._waiting(decided[0], request, raw, (principal, token, now))
            else:
                receive = replayed(raw, receive)
                for message in body.messages:
                    if message.tool is not None:
                        self._scenes.note(message.tool, message.params, principal)

        # Then, and only then, the server itself; a call that waits for a yes goes its own way there.
        lists_tools = request.method == "GET" or "tools/list" in methods
        life_s = max(1.0, principal.expires_at - now) if self.settings.close_streams_at_expiry else None
        outgoing = Outgoing(
            send,
            cors=self._browsers.cors(request.origin),
            life_s=life_s if waiting is None else None,
            started=None if request.is_modern else self._sessions.watch(request, owner, takes_urls=takes_urls),
        )
        headers = request.forwarded(
            authorization=self.settings.forward_authorization,
            session=owns_session or not request.is_modern,
            encoding=not lists_tools and waiting is None,
        )
        scope = {**scope, "headers": headers, PRINCIPAL: principal}
        with calling_as(principal), carrying(token, self._upstream):
            if waiting is not None and self._held is not None:
                return await self._held.serve(waiting, app, scope, receive, outgoing.take, life_s=life_s)
            outward = self._filtered(outgoing.take, methods, principal) if lists_tools else outgoing.take
            return await outgoing.run(app, scope, receive, outward)

    def _filtered(self, send: Send, methods: list[str], principal: Principal) -> Send:
        """Return a `send` through which a list of tools names only those of the policy."""
        schemas: Learns = self._schemas
        if methods == ["tools/list"] and self._held is not None:
            schemas = Learning(self._schemas, self._definitions, listed_for(principal))
        return ListingFilter(
            send,
            offered=self._judge.offered(principal),
            schemas=schemas,
            only_streams=not methods,
            varies=self._judge.varies,
        ).send

    def _waiting(
        self,
        decided: tuple[Message, Decision | None],
        request: Request,
        raw: bytes,
        caller: tuple[Principal, str, float],
    ) -> Held:
        """Return a call that waits for a yes, with all that is known of it."""
        message, decision = decided
        assert self._held is not None
        assert message.tool is not None
        assert decision is not None
        assert decision.approval is not None
        principal, token, now = caller
        tool = message.tool
        demand = self.policies.of(principal.tenant)[tool]

        def stands() -> bool:
            again = self.decide(message, principal, self._clock())
            found = self.policies.of(principal.tenant)[tool]
            return (
                again is not None
                and again.refusal is None
                and again.approval == decision.approval
                and found.policy_version == demand.policy_version
            )

        return Held(
            request=request,
            message=message,
            raw=raw,
            principal=principal,
            token=token,
            demand=demand,
            rule=decision.approval,
            now=now,
            reached_at=self._held.flow.clock(),
            stands=stands,
            note=lambda: self._scenes.note(tool, message.params, principal),
        )

    async def _answer(self, answer: Answer, request: Request, send: Send) -> None:
        await send(answer.start(self._browsers.cors(request.origin)))
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

    def decide(self, message: Message, principal: Principal, now: float, *, alone: bool = True) -> Decision | None:
        """Return the decision about one message, see `Judge.decide`."""
        return self._judge.decide(message, principal, now, alone=alone)

    def take_overlays(self, overlays: Overlays, version: str) -> None:
        """Put in force what each tenant's operators demand beyond this policy, instead of what they demanded before."""
        self._judge.take_overlays(overlays, version)


def _unasked(decision: Decision | None, *, in_batch: bool) -> Decision | None:
    """Return the decision; a call that waits for a yes runs in no batch, and not where nobody can be asked."""
    if decision is None or decision.approval is None:
        return decision
    cure = "Call it alone, outside a batch." if in_batch else "Nobody can be asked at this server."
    message = f"{decision.subject} has not run: it waits for a person's yes. {cure}"
    return replace(decision, refusal=Deny(error="approval_required", message=message, reason="nobody is asked"))


class GuardedApp:
    """An ASGI app behind a guard. `app` is the server it protects."""

    def __init__(self, guard: ResourceGuard, app: App) -> None:
        self.guard = guard
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.guard.serve(self.app, scope, receive, send)


def _all_scopes(demands: Iterable[Demand]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    return found.union(*(demand.scopes for demand in demands))
