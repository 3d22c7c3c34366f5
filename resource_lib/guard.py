"""
The whole life of one call at an MCP server: who asks, is it allowed, and only then the server itself.

`ResourceGuard(...).wrap(app)` stands around any ASGI app. It answers what the app must not see (no token, no permission,
an unknown tool) and leaves everything else to the app, byte for byte. It decides on the parsed body, for the sessions
of 2025-11-25 and the single requests of 2026-07-28 alike.

MCP "Authorization", "Transports"; RFC 6750, RFC 8707, RFC 9728. With a credential of its own it follows what its issuer has revoked and
stopped, refuses writes when it has not heard for `max_staleness`, and asks for people's approvals; without one it is *token-only*: a
token counts until it expires.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx2

from resource_lib.approval.flow import ApprovalFlow
from resource_lib.approval.said import NotStanding, Refused, refused, who
from resource_lib.arguments import ArgumentMode, Bounds, advertised_by
from resource_lib.backchannel.approvals import Approvals
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import find as find_credential
from resource_lib.backchannel.overlay import Overlay
from resource_lib.backchannel.tool_report import ToolReport
from resource_lib.call import granted_scopes, pin_of
from resource_lib.challenge import Challenges
from resource_lib.checks.not_revoked import KILLED
from resource_lib.context import CallMemory, ProcessMemory, Scenes, Taints
from resource_lib.controls.kept import Facts, kept
from resource_lib.decision import Decision, Deny
from resource_lib.definition import Definition
from resource_lib.exchange.api_keys import ApiKeys
from resource_lib.exchange.caller import Callers, TokenVerifier
from resource_lib.exchange.errors import ExchangeUnavailableError
from resource_lib.exchange.token_endpoint import TokenEndpoint
from resource_lib.exchange.upstream import Upstream, carrying
from resource_lib.held import Held, HeldCalls, Release
from resource_lib.identity.access_token import KeySource, Validator
from resource_lib.identity.jwks_cache import JWKSCache, KeysUnavailableError
from resource_lib.identity.principal import Principal, calling_as
from resource_lib.judge import Judge
from resource_lib.limits.downstream import Budget, DownstreamLimitedError, budget, noting
from resource_lib.limits.downstream import client as counted_client
from resource_lib.limits.gate import Entry, Gate
from resource_lib.limits.limits import Limits
from resource_lib.limits.process_store import ProcessStore
from resource_lib.lint import LintMode, Watching, waivers_of
from resource_lib.metadata import ResourceMetadata
from resource_lib.output import INCLUDE_PII, Leaving, Output, PersonalData, without_it
from resource_lib.output.asked import note_arguments
from resource_lib.output.quarantine import RELEASE, Quarantine, Withheld
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
from resource_lib.revocation.revocations import Revocations
from resource_lib.revocation.running import Run
from resource_lib.revocation.state import who_ended
from resource_lib.revocation.stop_file import find as find_stop_file
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
from resource_lib.transport.body import Body, Message, read_body
from resource_lib.transport.browsers import Browsers
from resource_lib.transport.definitions import Definitions, Learning, listed_for
from resource_lib.transport.listing import LIST_LIFE_MS, Learns, ListingFilter, ToolSchemas
from resource_lib.transport.outgoing import Outgoing
from resource_lib.transport.outward import Outward
from resource_lib.transport.own_cancellation import OwnCancellation
from resource_lib.transport.own_definition import listing_for
from resource_lib.transport.own_listing import UnreadableListingError
from resource_lib.transport.public import PublicAnswers
from resource_lib.transport.refusals import Refusals
from resource_lib.transport.request import BODILESS, DisconnectedError, Request, replayed, without_body
from resource_lib.transport.request_state import StateSeal
from resource_lib.transport.rooms import Rooms
from resource_lib.transport.sessions import Owner, Sessions
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.control import Event, Kind
from resource_lib.wire.limit import Limit

_OUTPUT: Final = Output()

PRINCIPAL: Final = "principal"
"""Where the wrapped server finds the caller: `scope["principal"]`, and `request.scope` in a framework."""

_DEFAULT_LIMITS: Final = Limits()
_NO_ENTRY: Final = Entry()
_AT_ONCE_S: Final = 0.05
"""A request that found room within this time is what it was when it was decided."""

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
        arguments: ArgumentMode = "strict",
        argument_bounds: Bounds | None = None,
        allowed_origins: Collection[str] | None = None,
        allowed_hosts: Collection[str] = (),
        public_paths: Collection[str] = (),
        close_streams_at_expiry: bool = True,
        forward_authorization: bool = False,
        max_body_bytes: int = 4 * MEBIBYTE,
        max_sessions: int = 100_000,
        max_token_seconds: int = 3600,
        max_staleness: float = 5.0,
        read_staleness: float = 30.0,
        stop_file: str | Path | None = None,
        keys: KeySource | None = None,
        verifier: TokenVerifier | None = None,
        limits: Limits | None = _DEFAULT_LIMITS,
        client_id: str | None = None,
        client_secret: str | None = None,
        client_secret_file: str | Path | None = None,
        channel: Channel | None = None,
        api_keys: bool = False,
        output: Output | None = _OUTPUT,
        lint: LintMode = "warn",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the policy and the settings, and refuse at once whatever could not be kept.

        `tools` maps names to `read(…)`, `write(…)` or `destructive(…)`; a tool that is not in it does not exist for
        callers. `policy_file`, YAML or TOML, tightens them, or names them where `tools` is left out. `preset="full"` is what is
        on where nothing is said; `"minimum"` leaves answers as they are unless `output` says how they are looked through;
        `"strict"` asks a person about every write and every read of secrets besides (docs/controls.md). `tenant_domains` are what conditions know as `tenant.domains`;
        `memory` is where earlier calls are remembered, this process when left out (docs/policy.md). `methods` says what other methods need, see `policy/method_policy.py`. `implies` names scopes that
        contain others. `initial_scopes` is what a first login is asked for; the read tools' scopes when left out.
        `challenge_style` is how a missing scope is said: by an HTTP 403, or in the tool's result as ChatGPT expects it
        (`"result"`, or a list of the client_ids for which it is).
        `keys` are the issuer's; found through its metadata at first use when left out. `verifier` replaces the whole
        validation of tokens.

        `arguments` says what a call's arguments are held to: the tool's own schema and nothing extra (`"strict"`, which is also what
        callers are shown), the schema as it stands (`"advertised"`), or nothing (`"off"`). `argument_bounds` is how much they may
        be at all (docs/arguments.md).

        `client_id` with `client_secret` or `client_secret_file` is this server's own credential, with which `exchange_for`
        trades its callers' tokens; when left out, RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE.
        `channel` replaces where and how the issuer is asked. `api_keys` accepts the issuer's API keys beside tokens:
        each is traded for a token there, which is then judged as any other; it needs the credential.

        `limits` is what is counted where a tool says nothing itself, and where; None: nothing is, and a tool's own `limit` does not
        hold either (docs/limits.md).

        `max_staleness` (seconds) is how old the knowledge of what was revoked may be for whatever writes, or returns personal data or
        secrets; `read_staleness` for all else. While `stop_file` is there (or RESOURCE_GUARD_STOP_FILE), nothing is served
        but `public_paths`, of which health checks live.

        `output` is how answers are looked through before they leave (docs/output.md); None: they leave as they are.
        `lint` says what follows from tools that their author should mend (docs/authors.md): `"warn"`, in `doctor()` and one line of
        the log; `"error"`, they stop the start; `"off"`. It changes no decision.
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
            max_staleness=max_staleness,
            read_staleness=read_staleness,
            close_streams_at_expiry=close_streams_at_expiry,
            forward_authorization=forward_authorization,
        )
        if preset == "minimum" and output is _OUTPUT:
            output = None
        self._output = output
        self._arguments: ArgumentMode = arguments
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
        named_methods = method_demands(methods)
        self._outside_methods = frozenset(name for name, demand in named_methods.items() if "outside" in demand.returns)
        self._judge = Judge(
            policies=self.policies,
            methods=MethodPolicy(named_methods, read_scopes),
            scenes=self._scenes,
            implies=self.settings.implies,
        )
        self.advertised = self._judge.advertised = advertised_by(arguments, argument_bounds)
        """What callers are shown of tools' arguments, and held to; None: nothing is looked at."""
        self._public = PublicAnswers(self.settings, self.metadata, self._browsers)
        self._sessions = Sessions(self.settings.max_sessions)
        named = {
            name: demand.approval.argument_names for name, demand in self.tools.items() if demand.approval is not None
        }
        self._schemas = ToolSchemas(self.tools, named)
        self._definitions = Definitions(self._schemas)
        self._gate = None if limits is None else Gate(limits, resource=resource)
        self._budgets: dict[str, Budget] = {}
        """How often which API may be asked."""
        if limits is not None:
            limits.refuse_unpayable(self.tools)
        self._refusals = Refusals(
            self._challenges,
            self.tools,
            self._schemas,
            in_result(challenge_style),
            limited="auto" if limits is None else limits.signal,
            rate_headers=limits is not None and limits.headers,
        )
        self.waived: Mapping[str, Mapping[str, str]] = {
            name: dict(policy.waived) for name, policy in (tools or {}).items() if policy.waived
        }
        """What the linter lets be, by tool and rule, each with its reason."""
        classes = {name: demand.tool_class for name, demand in self.tools.items()}
        self.lint = Watching(lint, classes, waivers_of(self.waived, "tools"))
        """What the author of the tools should mend."""
        self._definitions.seen = self.lint.saw
        keys = keys or JWKSCache(issuer=issuer)
        self._keys = keys
        verifier = verifier or Validator(
            issuer=issuer,
            resource=resource,
            keys=keys,
            tenants=self.settings.tenants,
            max_life=self.settings.max_token_seconds,
            clock=clock,
        )
        self._verifier = verifier
        self._clock = clock
        if channel is None:
            credential = find_credential(
                client_id=client_id, client_secret=client_secret, client_secret_file=client_secret_file
            )
            channel = None if credential is None else Channel(issuer=issuer, credential=credential)
        self.channel = channel
        """To the issuer, in this server's own name; None: it has no credential."""
        self.tool_report: ToolReport | None = None
        """What the issuer is told of this server's tools; None: nobody is told."""
        self.overlay = self._judge.overlay = None if channel is None else self._overlay(channel)
        """What operators demand; None: this guard has nobody to ask, and knows of no operators."""
        self.revocations = Revocations(
            channel=channel,
            keys=keys,
            resource=resource,
            max_life=max_token_seconds,
            max_staleness=max_staleness,
            read_staleness=read_staleness,
            stop_file=find_stop_file(stop_file),
            changed=self._stop_what_ended,
        )
        """What was revoked or stopped, and how fresh that is known."""
        self._judge.standings = self.revocations.standings if self.revocations.is_anything else None
        self._held = None if channel is None else self._held_calls(channel)
        asking = sorted(name for name, demand in self.tools.items() if demand.may_ask)
        if asking and channel is None:
            raise SettingsError(
                f"tools[{asking[0]!r}]",
                "each call waits for a person's yes, and this guard has no credential to ask for one",
                "set RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE, or write approval=False",
            )
        self._quarantine = Quarantine()
        self._rooms = None if output is None else self._made_rooms(output)
        self._judge.taints = self._taints_of(output, limits)
        if channel is None and output is not None:
            _refuse_unreleasable(output, self.tools)
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
        self._telling: set[asyncio.Task[None]] = set()
        self._takes_api_keys = api_keys
        self._callers = Callers(verifier, keyring)

    def _taints_of(self, output: Output | None, limits: Limits | None) -> Taints | None:
        """Return who is told that a call follows text from outside; None: nothing follows from it here."""
        settings = None if output is None else output.taint
        if settings is None or (self.channel is None and settings.alone == "label"):
            return None
        store = None if limits is None else limits.store
        return Taints(settings, issuer=self.settings.issuer, store=store, wall=self._clock)

    def _made_rooms(self, output: Output) -> Rooms:
        def granted(principal: Principal) -> frozenset[str]:
            return granted_scopes(principal.scopes, self.settings.implies)

        if self.advertised is not None:
            self.advertised.own = PersonalData(output, demands=self.policies.of, granted=granted).members
        return Rooms(
            output,
            self._refusals,
            self._heard_output,
            limited=self._tell_limited,
            releases=self._held is not None,
            outside=self._outside_methods,
            may_see=lambda principal: output.pii_scope in granted(principal),
        )

    def _overlay(self, channel: Channel) -> Overlay:
        report = self.tool_report = ToolReport(channel, self.tools.values())
        self._definitions.note = report.learn
        return Overlay(channel, self.take_overlays, names=frozenset(self.tools), also=report.tell)

    def _held_calls(self, channel: Channel) -> HeldCalls:
        return HeldCalls(
            flow=ApprovalFlow(Approvals(channel)),
            definitions=self._definitions,
            seal=StateSeal(channel.credential, resource=self.settings.resource),
            sessions=self._sessions,
            refusals=self._refusals,
            unauthenticated=answers.unauthenticated(self._challenges.refused),
            running=self.revocations.running,
        )

    def wrap(self, app: App, *, listed: Collection[Mapping[str, Any]] | None = None) -> "GuardedApp":
        """Return `app` behind this guard. `listed` are the tools that it has, for the linter; None: it sees them when they are listed.

        Raises SettingsError with `lint="error"` for tools that their author should mend.
        """
        self.lint.register(listed)
        log.info("%s", self.doctor())
        return GuardedApp(self, app)

    def downstream(
        self,
        name: str,
        limit: str | Limit,
        *,
        wait_s: float = 0,
        transport: httpx2.AsyncBaseTransport | None = None,
        around: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] | None = None,
        **options: Any,
    ) -> httpx2.AsyncClient:
        """Return a client for one API, each request of which is counted: redirects, repetitions and retries too (docs/limits.md).

        `limit` as in "100/min", or "20/min per tenant"; a limit that does not say whose it is holds for this whole server. What is over
        it waits up to `wait_s` seconds for its turn, and is then not sent: DownstreamLimitedError, which the caller of a tool that lets
        it through hears as `rate_limited`. `transport` is what sends; a transport that retries stands `around` the count. `options` are
        those of httpx2.AsyncClient. Ask it once and keep it; close it as any client. Raises SettingsError.
        """
        store = ProcessStore() if self._gate is None else self._gate.store
        known = self._budgets.get(name)
        made = budget(
            name, limit, resource=self.settings.resource, store=known.store if known else store, wait_s=wait_s
        )
        if known is not None and known.limit != made.limit:
            raise SettingsError(
                f"downstream[{name!r}]", f"is {known.limit} elsewhere", "say one limit for one API, or another name"
            )
        client = counted_client(made, transport=transport, around=around, options=options)
        self._budgets[name] = made
        return client

    def doctor(self) -> Report:
        """Return what this guard does and does not do, with what an operator should know."""
        settings = self.settings
        warnings = []
        if settings.forward_authorization:
            warnings.append("forward_authorization: the wrapped server sees callers' tokens and must not pass them on")
        if not settings.close_streams_at_expiry:
            warnings.append("close_streams_at_expiry: an open stream outlives the token that opened it")
        warnings += policy_warnings(self.tools.values())
        if self._gate is None:
            warnings.append("limits: nothing is limited (limits=None), and a tool's own limit does not hold")
        else:
            warnings += self._gate.limits.warnings(self.tools)
            if self._gate.shared is not None and self._gate.shared.state.away_s is not None:
                warnings.append(f"limits: {self._gate.shared.state}")
        if self.overlay is not None and self.overlay.is_old:
            warnings.append("overlay: what operators demand has not been confirmed for a while; is the issuer there?")
        warnings += self.revocations.warnings
        warnings += self.lint.warnings
        warnings += self._taint_warnings()
        lease, stop_file = self.revocations.lease, self.revocations.stop_file
        return Report(
            mode="token-only" if self.channel is None else "full",
            lease=None if lease is None else f"{lease.max_staleness:g} s, {lease.read_staleness:g} s for plain reads",
            feed_age_s=None if lease is None else lease.age,
            stop_file=None if stop_file is None else str(stop_file.path),
            is_stopped=stop_file is not None and stop_file.is_there,
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
            limits=None if self._gate is None else self._gate.limits.said(self.tools),
            downstream={name: str(one.limit) for name, one in sorted(self._budgets.items())},
            limit_store=None if self._gate is None else self._gate.said,
            controls={one.control.id: (one.state, one.why) for one in kept(self._facts())},
        )

    def _facts(self) -> Facts:
        return Facts(
            tools=tuple(self.tools.values()),
            has_issuer=self.channel is not None,
            passes_tokens_on=self.settings.forward_authorization,
            api_keys=self._takes_api_keys,
            arguments=self._arguments,
            has_limits=self._gate is not None,
            has_output=self._output is not None,
            has_taint=self._judge.taints is not None,
            has_lint=False,
        )

    def _taint_warnings(self) -> list[str]:
        """Return what an operator should know of text from outside."""
        if self._rooms is None:
            return []
        settings, taints = self._rooms.settings.taint, self._judge.taints
        outside = sorted(name for name, demand in self.tools.items() if "outside" in demand.returns)
        writing = sorted(name for name, demand in self.tools.items() if demand.tool_class != "read")
        if settings is None:
            return ["taint: writes may follow text from outside unasked (taint=None)"] if writing else []
        if not outside or not writing or self.channel is not None:
            return []
        after = f"after {', '.join(outside[:5])}"
        if taints is None:
            return [f"taint: nobody can be asked (token-only), so writes {after} are not held (alone='label')"]
        return [
            f"taint: nobody can be asked (token-only), so writes {after} are refused for {settings.seconds} s; give the guard a credential"
        ]

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to `app`: its lifespan is its own, HTTP is guarded, and there is no other door."""
        if scope["type"] == "http":
            await self._serve_http(app, scope, receive, send)
        elif scope["type"] == "lifespan":
            if self.overlay is not None:
                self.overlay.follow()
            self.revocations.follow()
            await app(scope, receive, self._closing(send))
        elif scope["type"] == "websocket":
            # MCP has no WebSocket transport: an unguarded side door stays shut.
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def aclose(self) -> None:
        """Let what was approved and runs come to its end for a moment, and close what is open to the issuer."""
        if self.overlay is not None:
            await self.overlay.aclose()
        await self.revocations.aclose()
        if self._held is not None:
            await self._held.flow.aclose()
        if self._gate is not None:
            await self._gate.aclose()
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
        now = self.revocations.now(self._clock())
        try:
            identified = await self._callers.identify(request.token, now)
        except (KeysUnavailableError, ExchangeUnavailableError) as error:
            return await self._answer(answers.keys_unavailable(error.retry_after_s), request, send)
        if identified is None:
            challenge = self._challenges.refused if request.credential else self._challenges.missing
            return await self._answer(answers.unauthenticated(challenge), request, send)
        principal, token = identified
        owner: Owner = (principal.tenant, principal.subject, principal.client_id)
        if self._judge.standings is not None and await self._is_dead(principal):
            if request.session is not None and self._sessions.belongs_to(request.session, owner):
                self._sessions.closed(request.session)
            return await self._answer(answers.unauthenticated(self._challenges.refused), request, send)
        owns_session = request.session is not None and self._sessions.belongs_to(request.session, owner)
        if request.session is not None and not owns_session and not request.is_modern:
            return await self._answer(answers.NO_SUCH_SESSION, request, send)

        # What is asked for, and is all of it allowed?
        if self.overlay is not None and not self.overlay.knows(principal.tenant):
            await self.overlay.hear_of(principal.tenant)
        methods: list[str] = []
        waiting: Held | None = None
        body: Body | None = None
        takes_urls = False
        tools: tuple[str, ...] = ()
        today: Mapping[str | None, Definition] = {}
        raw = b""
        own: frozenset[str] = frozenset()
        seeing: frozenset[int] = frozenset()
        if request.method in BODILESS:
            if (stopped := self._judge.stopped(principal, request.method)) is not None:
                return await self._answer(self._refusals.stopped(stopped, method=request.method), request, send)
            receive = without_body(receive)
        else:
            try:
                raw = await request.body(receive, most=self.settings.max_body_bytes)
                body = read_body(raw)
            except DisconnectedError:
                return None
            except UnacceptableBodyError as error:
                return await self._answer(error.answer, request, send)
            if not body.messages and (stopped := self._judge.stopped(principal, request.method)) is not None:
                return await self._answer(self._refusals.stopped(stopped, method=request.method), request, send)
            today = await self._today(body, request, principal, app, scope)
            if self._judge.taints is not None and self._writes(body, principal):
                await self._judge.taints.hear(principal)
            decided = self._decided(body, principal, now, today)
            if self._rooms is not None:
                decided = [(message, _described(decision, message, today)) for message, decision in decided]
            if body.is_batch or self._held is None:
                decided = [(message, _unasked(decision, in_batch=body.is_batch)) for message, decision in decided]
            refusal = self._refusals.to(body, decided, principal, modern=request.is_modern)
            if refusal is not None:
                return await self._answer(refusal, request, send)
            own, seeing = self._own_members(body, principal, today)
            if own:
                raw = without_it(raw, own)
            methods = [message.method for message in body.messages]
            tools = tuple(message.tool for message in body.messages if message.tool is not None)
            takes_urls = "initialize" in methods and deliveries.opens_with_urls(body.messages[0])
            if self._rooms is not None:
                for message in body.messages:
                    if message.tool is not None:
                        note_arguments(message.tool, message.arguments, principal)
            withheld = self._withheld(body, principal)
            if withheld is not None or (decided and decided[0][1] is not None and decided[0][1].approval is not None):
                definition = today.get(body.messages[0].tool)
                caller = principal, token, now
                waiting = self._waiting(decided[0], request, raw, caller, definition, withheld=withheld)
            else:
                receive = replayed(raw, receive)

        # Then, and only then, the server itself; a call that waits for a yes goes its own way there.
        lists_tools = request.method == "GET" or "tools/list" in methods
        life_s = max(1.0, principal.expires_at - now) if self.settings.close_streams_at_expiry else None
        outgoing = Outgoing(
            send,
            principal,
            tools,
            cors=self._browsers.cors(request.origin),
            life_s=life_s if waiting is None else None,
            started=None if request.is_modern else self._sessions.watch(request, owner, takes_urls=takes_urls),
        )
        headers = request.forwarded(
            authorization=self.settings.forward_authorization,
            session=owns_session or not request.is_modern,
            encoding=not lists_tools and waiting is None and self._rooms is None,
        )
        if own:
            headers = [header for header in headers if header[0].lower() != b"content-length"]
            headers.append((b"content-length", str(len(raw)).encode("ascii")))
        scope = {**scope, "headers": headers, PRINCIPAL: principal}
        room = None
        over: list[DownstreamLimitedError] = []
        if self._rooms is not None:
            # A server that hands a file to the wire by its path would say it past us.
            scope["extensions"] = {}
            demands = self.policies.of(principal.tenant)
            room = self._rooms.of(
                body,
                request,
                principal,
                demands=demands,
                definitions=today,
                seeing=seeing,
                refused=over if self._budgets else None,
            )

        # Is there room for it? A call that waits for a person is counted when it begins.
        entry, asked_at = _NO_ENTRY, time.monotonic()
        if self._gate is not None:
            entered = await self._enter(self._gate, principal, body, waiting)
            if isinstance(entered, Deny):
                return await self._answer(self._limited(entered, body, request, principal), request, send)
            entry = entered
        noted = noting(over) if self._budgets else _NO_ENTRY
        with calling_as(principal), carrying(token, self._upstream), entry, noted:
            if waiting is None and body is not None and time.monotonic() - asked_at > _AT_ONCE_S:
                # It waited for a seat, or for a store: what has been stopped meanwhile does not begin.
                at = self.revocations.now(self._clock())
                late = self._decided(body, principal, at, today)
                if (refusal := self._refusals.to(body, late, principal, modern=request.is_modern)) is not None:
                    return await self._answer(refusal, request, send)
            for message in body.messages if waiting is None and body is not None else ():
                if message.tool is not None:
                    self._scenes.note(message.tool, message.params, principal)
            if waiting is not None and self._held is not None:
                waiting = replace(waiting, room=room)
                return await self._held.serve(waiting, app, scope, receive, outgoing.take, life_s=life_s)
            outward: Send = outgoing.take
            if lists_tools:
                outward = self._filtered(outward, methods, principal, request)
            if room is not None:
                outward = Outward(outward, room).send
            work = app(scope, receive, outward)
            cancellation = OwnCancellation(app, scope, request, body.messages if body is not None else ())
            return await outgoing.run(
                work,
                self.revocations.running,
                lambda why: self._cut_short(why, body, request),
                cancellation.tell if cancellation.is_needed else None,
            )

    def _decided(
        self, body: Body, principal: Principal, now: float, today: Mapping[str | None, Definition]
    ) -> list[tuple[Message, Decision | None]]:
        """Decide each message of a body, by what the called tools are today."""
        alone = len(body.messages) == 1
        return [
            (message, self.decide(message, principal, now, alone=alone, definition=today.get(message.tool)))
            for message in body.messages
        ]

    def _own_members(
        self, body: Body, principal: Principal, today: Mapping[str | None, Definition]
    ) -> tuple[frozenset[str], frozenset[int]]:
        """Return of which called tools a member of ours is in the arguments, and which messages thereby ask for personal data."""
        if self.advertised is None:
            return frozenset(), frozenset()
        own, seeing = set(), set()
        for at, message in enumerate(body.messages):
            arguments = message.arguments
            if message.tool is None or type(arguments) is not dict or INCLUDE_PII not in arguments:
                continue
            definition = today.get(message.tool)
            form = None if definition is None else self.advertised.form(definition, principal)
            if form is not None and INCLUDE_PII in form.own:
                own.add(message.tool)
                if arguments[INCLUDE_PII] is True:
                    seeing.add(at)
        return frozenset(own), frozenset(seeing)

    async def _enter(self, gate: Gate, principal: Principal, body: Body | None, waiting: Held | None) -> Entry | Deny:
        """Count a request that is allowed, or say why there is no room for it."""
        if waiting is not None:
            return await gate.enter(principal, (), requests=1)
        if body is None:
            return await gate.enter(principal, (), requests=1)
        demands = self.policies.of(principal.tenant)
        calls = [demands[message.tool] for message in body.messages if message.tool is not None]
        return await gate.enter(principal, calls, requests=max(1, len(body.messages)))

    def _limited(self, deny: Deny, body: Body | None, request: Request, principal: Principal) -> Answer:
        if self._gate is not None:
            self._gate.tell(deny, principal)
        messages = () if body is None else body.messages
        return self._refusals.limited(
            deny,
            messages,
            method=request.method,
            modern=request.is_modern,
            is_batch=body is not None and body.is_batch,
        )

    def _filtered(self, send: Send, methods: list[str], principal: Principal, request: Request) -> Send:
        """Return a `send` through which a list of tools is the caller's own."""
        schemas: Learns = self._schemas
        if methods == ["tools/list"]:
            schemas = Learning(self._schemas, self._definitions, listed_for(principal))

        def shown(tool: dict[str, Any]) -> dict[str, Any] | None:
            return self._judge.shown(principal, tool, self._definitions.shared(tool))

        return ListingFilter(
            send,
            offered=self._judge.offered(principal),
            schemas=schemas,
            only_streams=not methods,
            shown=shown,
            life_ms=LIST_LIFE_MS if request.is_modern else None,
        ).send

    def _waiting(
        self,
        decided: tuple[Message, Decision | None],
        request: Request,
        raw: bytes,
        caller: tuple[Principal, str, float],
        definition: Definition | None,
        *,
        withheld: Withheld | None = None,
    ) -> Held:
        """Return a call that waits for a yes, or whose answer does, with all that is known of it."""
        message, decision = decided
        assert self._held is not None
        assert message.tool is not None
        assert decision is not None
        principal, token, now = caller
        tool = message.tool
        demand = self.policies.of(principal.tenant)[tool]
        rule = decision.approval if withheld is None else RELEASE
        assert rule is not None

        def hindrance() -> Refused | NotStanding | None:
            # What it was when it came, where nobody has looked since: that is what is asked about.
            known = self._definitions.known(listed_for(principal), tool) or definition
            again = self.decide(message, principal, self.revocations.now(self._clock()), definition=known)
            if again is not None and again.refusal is not None:
                return _not_now(again.refusal) or refused(tool, "approval_mismatch")
            found = self.policies.of(principal.tenant)[tool]
            if again is None or again.approval != decision.approval or found.policy_version != demand.policy_version:
                return refused(tool, "approval_mismatch")
            return None

        return Held(
            request=request,
            message=message,
            raw=raw,
            principal=principal,
            token=token,
            demand=demand,
            rule=rule,
            follows=decision.follows,
            now=now,
            reached_at=self._held.flow.clock(),
            hindrance=hindrance,
            run=Run(principal, (tool,)),
            note=lambda: self._scenes.note(tool, message.params, principal),
            gate=self._gate,
            release=None if withheld is None else self._release(withheld, principal),
        )

    def _withheld(self, body: Body, principal: Principal) -> Withheld | None:
        """Return the answer that waits for a yes to what is called here; None: nothing waits."""
        if self._rooms is None or self._held is None or len(body.messages) != 1 or body.is_batch:
            return None
        message = body.messages[0]
        return None if message.tool is None else self._quarantine.find(principal, message.tool, message.arguments)

    def _release(self, withheld: Withheld, principal: Principal) -> Release:
        def leaves() -> None:
            self._give(principal, withheld.tool, has_signs=True)

        return Release(it=withheld, leaves=leaves, left=lambda: self._quarantine.drop(principal, withheld))

    def _give(self, principal: Principal, tool: str, *, has_signs: bool) -> None:
        """Take note that text from outside is about to be handed to somebody, here and where other processes look."""
        taints = self._judge.taints
        if taints is None:
            return
        taints.given(principal, tool, has_signs=has_signs)
        if taints.store is not None:
            telling = asyncio.create_task(taints.tell(principal))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def _writes(self, body: Body, principal: Principal) -> bool:
        demands = self.policies.of(principal.tenant)
        return any(
            message.tool in demands and demands[message.tool].tool_class != "read"
            for message in body.messages
            if message.tool is not None
        )

    async def _is_dead(self, principal: Principal) -> bool:
        """Tell whether what a caller carries has ended, once that was heard at all."""
        if self.revocations.needs_to_hear(principal.tenant):
            await self.revocations.hear(principal.tenant)
        return self.revocations.standings.is_dead(principal)

    async def _today(
        self, body: Body, request: Request, principal: Principal, app: App, scope: Scope
    ) -> Mapping[str | None, Definition]:
        """Return what the called tools are today, where that must be known; what the server cannot tell is left out."""
        found: dict[str | None, Definition] = {}
        for message in body.messages:
            tool = message.tool
            if tool is None or tool not in self.tools or tool in found:
                continue
            looks = self._rooms is not None or self._judge.looks_at_definition(principal, tool)
            if not looks and pin_of(message.params) is None:
                continue
            if (known := self._definitions.known(listed_for(principal), tool)) is not None:
                found[tool] = known
                continue
            headers = request.forwarded(authorization=False, session=not request.is_modern, encoding=False)
            shown = {**scope, "headers": headers, PRINCIPAL: principal}
            with calling_as(principal), contextlib.suppress(UnreadableListingError):
                listing = listing_for(request, message, app, shown)
                found[tool] = await self._definitions.of(listed_for(principal), tool, listing.tools)
        return found

    def _tell_limited(self, deny: Deny, principal: Principal) -> None:
        if self._gate is not None:
            self._gate.tell(deny, principal)

    def _heard_output(self, leaving: Leaving, principal: Principal) -> None:
        """Take note of a part of an answer before it leaves."""
        if leaving.withheld is not None:
            self._quarantine.keep(principal, leaving.withheld)
        elif leaving.is_outside or leaving.signs:
            self._give(principal, leaving.tool, has_signs=bool(leaving.signs))
        self._note_output(leaving, principal)

    def _note_output(self, leaving: Leaving, principal: Principal) -> None:
        """Write to the log what was taken out of an answer: kinds and counts, nothing of what it said."""
        if not leaving.notes:
            return
        log.info(
            "looked through what %s says",
            leaving.tool or leaving.method,
            extra={
                "event": "output.changed",
                "notes": [f"{note.step}:{note.kind}:{note.count}" for note in leaving.notes],
                "tenant": principal.tenant,
                "authorization_id": principal.authorization_id,
            },
        )

    def _cut_short(self, why: Deny, body: Body | None, request: Request) -> Answer:
        """Return the answer to a call that was stopped in the middle, before anything of an answer was sent."""
        called = [message for message in (body.messages if body is not None else ()) if message.tool is not None]
        if not called:
            return self._refusals.stopped(why, method=request.method)
        assert body is not None
        return self._refusals.cancelled(body, modern=request.is_modern)

    def _stop_what_ended(self, news: list[Event]) -> None:
        """Let everything that runs, is open or is remembered end with what has just been stopped."""
        for event in news:
            if event.kind is Kind.POLICY and self.overlay is not None:
                self.overlay.ask_anew()
            elif event.kind is Kind.KEY:
                # Nothing it signed counts any more, and what took its place is asked for before the first token needs it.
                kid = event.subject["kid"]
                if isinstance(self._verifier, Validator):
                    self._verifier.forget(lambda principal, kid=kid: principal.key_id == kid)  # type: ignore[misc]
                if isinstance(self._keys, JWKSCache):
                    self._keys.renew()
        if (has_ended := who_ended(news)) is not None:
            self._sessions.close_those(lambda owner: has_ended(*owner))
        stopped = self.revocations.running.look_through(self._why_stopped)
        if stopped:
            log.warning("stopped %d calls and streams in the middle", stopped, extra={"event": "calls.stopped"})

    def _why_stopped(self, run: Run) -> Deny | None:
        """Return why a call or a stream must not go on; None: it may. Whatever is only paused, or not fresh, goes on."""
        for tool in run.tools or (None,):
            known = None if tool is None else self._definitions.known(listed_for(run.principal), tool)
            hashed = None if known is None else known.hash
            standing = self.revocations.standings.of(run.principal, tool, hashed)
            if standing.is_dead:
                return Deny(error="invalid_token", message="Authentication required.", reason="revoked")
            if standing.stop is not None and not standing.stop.is_pause:
                return self._judge.stopped(run.principal, tool or "") or None
            if standing.is_killed:
                return Deny(error="tool_unknown", message=f"Unknown tool: {tool}", reason="killed")
        return None

    async def _answer(self, answer: Answer, request: Request, send: Send) -> None:
        await send(answer.start(self._browsers.cors(request.origin)))
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else answer.body})

    def decide(
        self,
        message: Message,
        principal: Principal,
        now: float,
        *,
        alone: bool = True,
        definition: Definition | None = None,
    ) -> Decision | None:
        """Return the decision about one message, see `Judge.decide`."""
        return self._judge.decide(message, principal, now, alone=alone, definition=definition)

    def take_overlays(self, overlays: Overlays, version: str) -> None:
        """Put in force what each tenant's operators demand beyond this policy, instead of what they demanded before."""
        self._judge.take_overlays(overlays, version)


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


class GuardedApp:
    """An ASGI app behind a guard. `app` is the server it protects."""

    def __init__(self, guard: ResourceGuard, app: App) -> None:
        self.guard = guard
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.guard.serve(self.app, scope, receive, send)


def _refuse_unreleasable(output: Output, tools: Mapping[str, Demand]) -> None:
    """Refuse a quarantine from which nobody could release anything. Raises SettingsError."""
    found = [name for name, demand in sorted(tools.items()) if demand.screening == "quarantine"]
    if output.screening != "quarantine" and not found:
        return
    raise SettingsError(
        "output.screening" if output.screening == "quarantine" else f"tools[{found[0]!r}]",
        "withheld answers wait for a person's yes, and this guard has no credential to ask for one",
        "set RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE, or write block or annotate",
    )


def _all_scopes(demands: Iterable[Demand]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    return found.union(*(demand.scopes for demand in demands))
