"""
The whole life of one call at an MCP server: who asks, is it allowed, and only then the server itself.

`ResourceGuard(...).wrap(app)` stands around any ASGI app. It answers what the app must not see (no token, no permission,
an unknown tool) and leaves everything else to the app, byte for byte. It decides on the parsed body, for the sessions
of 2025-11-25 and the single requests of 2026-07-28 alike.

MCP "Authorization", "Transports"; RFC 6750, RFC 8707, RFC 9728. With a credential of its own it follows what its issuer has revoked and
stopped, refuses writes when it has not heard for `max_staleness`, and asks for people's approvals; without one it is *token-only*: a
token counts until it expires.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx2

from resource_lib import doctor, rehearsal
from resource_lib.approval.flow import ApprovalFlow
from resource_lib.arguments import ArgumentMode, Bounds, advertised_by
from resource_lib.audit import Record
from resource_lib.audit.recorder import Recorder
from resource_lib.backchannel.approvals import Approvals
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import find as find_credential
from resource_lib.backchannel.overlay import Overlay
from resource_lib.backchannel.tool_report import ToolReport
from resource_lib.call import granted_scopes
from resource_lib.challenge import Challenges
from resource_lib.context import CallMemory, ProcessMemory, Scenes, Taints
from resource_lib.decision import Decision, Deny
from resource_lib.definition import Definition
from resource_lib.exchange.api_keys import ApiKeys
from resource_lib.exchange.caller import Callers, TokenVerifier
from resource_lib.exchange.token_endpoint import TokenEndpoint
from resource_lib.exchange.upstream import Upstream
from resource_lib.handed import Handed
from resource_lib.held import HeldCalls
from resource_lib.identity.access_token import KeySource, Validator
from resource_lib.identity.jwks_cache import JWKSCache
from resource_lib.identity.principal import Principal
from resource_lib.judge import Judge
from resource_lib.limits.downstream import Budget, budget
from resource_lib.limits.downstream import client as counted_client
from resource_lib.limits.gate import Gate
from resource_lib.limits.limits import Limits
from resource_lib.limits.process_store import ProcessStore
from resource_lib.limits.telling import LimitReport
from resource_lib.lint import LintMode, Watching, waivers_of
from resource_lib.metadata import ResourceMetadata
from resource_lib.output import Output, PersonalData
from resource_lib.parts import Parts
from resource_lib.policy import (
    Demand,
    MethodPolicy,
    Overlays,
    Policies,
    Preset,
    ToolPolicy,
    layers_of,
    method_demands,
    read_policy_file,
)
from resource_lib.probing import Tried
from resource_lib.report import Report
from resource_lib.revocation.revocations import Revocations
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
from resource_lib.stopping import Stopping
from resource_lib.transport import answers
from resource_lib.transport.asgi import App, Receive, Scope, Send
from resource_lib.transport.asgi import Message as ASGIMessage
from resource_lib.transport.body import Message
from resource_lib.transport.browsers import Browsers
from resource_lib.transport.definitions import Definitions
from resource_lib.transport.listing import ToolSchemas
from resource_lib.transport.public import PublicAnswers
from resource_lib.transport.refusals import Refusals
from resource_lib.transport.request_state import StateSeal
from resource_lib.transport.rooms import Rooms
from resource_lib.transport.sessions import Sessions
from resource_lib.visit import Visit
from resource_lib.wire.limit import Limit
from resource_lib.wire.limits_met import LimitMet

_OUTPUT: Final = Output()

_RECORD: Final = Record()

_DEFAULT_LIMITS: Final = Limits()

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
        record: Record | None = _RECORD,
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
        `record` is how calls are recorded (docs/record.md); None: they are not. Where nothing is said they are as soon as there is a
        credential: a guard without one keeps a record of its own where `record=Record(…)` says so.
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
        browsers = Browsers(self.settings)
        domains = {**(file.domains if file is not None else {}), **(tenant_domains or {})}
        scenes = Scenes(memory or ProcessMemory(), domains)
        named_methods = method_demands(methods)
        self._outside_methods = frozenset(name for name, demand in named_methods.items() if "outside" in demand.returns)
        self._judge = Judge(
            policies=self.policies,
            methods=MethodPolicy(named_methods, read_scopes),
            scenes=scenes,
            implies=self.settings.implies,
        )
        self.advertised = self._judge.advertised = advertised_by(arguments, argument_bounds)
        """What callers are shown of tools' arguments, and held to; None: nothing is looked at."""
        self._sessions = Sessions(self.settings.max_sessions)
        named = {
            name: demand.approval.argument_names for name, demand in self.tools.items() if demand.approval is not None
        }
        self._schemas = ToolSchemas(self.tools, named)
        self._definitions = Definitions(self._schemas)
        self._gate = None if limits is None else Gate(limits, resource=resource, clock=clock)
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
        self._has_own_verifier = verifier is not None
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
        stopping = Stopping(
            judge=self._judge,
            definitions=self._definitions,
            sessions=self._sessions,
            verifier=verifier,
            keys=keys,
            overlay=self.overlay,
        )
        self.revocations = stopping.revocations = Revocations(
            channel=channel,
            keys=keys,
            resource=resource,
            max_life=max_token_seconds,
            max_staleness=max_staleness,
            read_staleness=read_staleness,
            stop_file=find_stop_file(stop_file),
            changed=stopping.heard,
            limited=lambda: () if self._gate is None else self._gate.met.told,
        )
        """What was revoked or stopped, and how fresh that is known."""
        self._judge.standings = self.revocations.standings if self.revocations.is_anything else None
        scenes.used = None if self.tool_report is None else self.tool_report.uses.note
        self._held = None if channel is None else self._held_calls(channel)
        asking = sorted(name for name, demand in self.tools.items() if demand.may_ask)
        if asking and channel is None:
            raise SettingsError(
                f"tools[{asking[0]!r}]",
                "each call waits for a person's yes, and this guard has no credential to ask for one",
                "set RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE, or write approval=False",
            )
        self._handed = Handed()
        rooms = None if output is None else self._made_rooms(output)
        self._judge.taints = self._handed.taints = self._taints_of(output, limits)
        if channel is None and output is not None:
            _refuse_unreleasable(output, self.tools)
        endpoint = None if channel is None else TokenEndpoint(channel)
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
        self._tried: tuple[Tried, ...] = ()
        self._record = self._recorder(record)
        self._parts = Parts(
            settings=self.settings,
            public=PublicAnswers(self.settings, self.metadata, browsers),
            browsers=browsers,
            callers=Callers(verifier, keyring),
            challenges=self._challenges,
            sessions=self._sessions,
            revocations=self.revocations,
            overlay=self.overlay,
            policies=self.policies,
            definitions=self._definitions,
            schemas=self._schemas,
            advertised=self.advertised,
            judge=self._judge,
            refusals=self._refusals,
            gate=self._gate,
            record=self._record,
            budgets=self._budgets,
            held=self._held,
            handed=self._handed,
            rooms=rooms,
            scenes=scenes,
            upstream=Upstream(endpoint),
            clock=clock,
        )

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
        rooms = Rooms(
            output,
            self._refusals,
            self._handed.heard,
            limited=self._tell_limited,
            telling=self._handed.telling,
            releases=self._held is not None,
            outside=self._outside_methods,
            may_see=lambda principal: output.pii_scope in granted(principal),
        )
        self._definitions.seen = _both(self.lint.saw, rooms.unasked.saw)
        return rooms

    def _recorder(self, record: Record | None) -> Recorder | None:
        """Return what records calls; None: nobody does."""
        if record is None or (record is _RECORD and self.channel is None):
            return None
        return Recorder(
            record,
            resource=self.settings.resource,
            channel=self.channel,
            redacts=self._output is None,
            clock=self._clock,
        )

    def recent(self, authorization_id: str | None = None, *, most: int = 50) -> list[dict[str, Any]]:
        """Return the latest events of calls in this process, of one login or of all, the newest first, redacted; none where nothing is recorded."""
        return [] if self._record is None else self._record.recent(authorization_id, most)

    def _tell_limited(self, deny: Deny, principal: Principal, definition_hash: str) -> None:
        if self._gate is not None:
            self._gate.tell(deny, principal, definition_hash)

    def _overlay(self, channel: Channel) -> Overlay:
        report = self.tool_report = ToolReport(channel, self.tools.values(), wall=self._clock)
        self._definitions.note = report.learn
        limits = None if self._gate is None else LimitReport(self._gate.met, self._tell_issuer_of_limits)

        async def also() -> None:
            await report.tell()
            if limits is not None:
                await limits.tell()

        return Overlay(channel, self.take_overlays, names=frozenset(self.tools), also=also)

    async def _tell_issuer_of_limits(self) -> bool:
        follower = self.revocations.follower
        return follower is not None and await follower.tell()

    @property
    def limits_met(self) -> tuple[LimitMet, ...]:
        """How often limits were met since this process began, by tenant, tool and limit: for metrics. Of nobody, and of no call."""
        return () if self._gate is None else self._gate.met.all

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
        """Return what this guard does and does not do, with what an operator should know.

        Each time it is asked in process to do what it must refuse without a token (`refusals`), and what `probe` found last is said too.
        """
        tried = {one.what: one for one in (*self._tried, *rehearsal.without_a_token(self._parts, _serve))}
        told = doctor.Told(
            metadata_url=self.metadata.url,
            initial_scopes=self.initial_scopes,
            has_credential=self.channel is not None,
            api_keys=self._takes_api_keys,
            arguments=self._arguments,
            output=self._output,
            lint=self.lint,
            has_own_verifier=self._has_own_verifier,
            tried=tuple(tried.values()),
        )
        return doctor.report(self._parts, told)

    async def probe(self, *, token: str | None = None) -> tuple[Tried, ...]:
        """Make every forbidden request in this process, and return what became of each; `doctor()` says it from then on.

        The wrapped server has no part in it: whatever were let through would reach something that only notes it. `token`: one that counts
        here, such as a reader's; without one those calls are made as somebody who exists in the rehearsal alone.
        """
        self._tried = await rehearsal.rehearsed(self._parts, _serve, token=token)
        return self._tried

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to `app`: its lifespan is its own, HTTP is guarded, and there is no other door."""
        if scope["type"] == "http":
            await _serve(self._parts, app, scope, receive, send)
        elif scope["type"] == "lifespan":
            if self.overlay is not None:
                self.overlay.follow()
            self.revocations.follow()
            if self._record is not None:
                self._record.follow()
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
        await self._handed.aclose()
        if self._gate is not None:
            await self._gate.aclose()
        if self._record is not None:
            await self._record.aclose()
        if self.channel is not None:
            await self.channel.aclose()

    def _closing(self, send: Send) -> Send:
        """Return a `send` that closes what this guard has opened before the server is told that all is closed."""

        async def closing(message: ASGIMessage) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.aclose()
            await send(message)

        return closing

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


class GuardedApp:
    """An ASGI app behind a guard. `app` is the server it protects."""

    def __init__(self, guard: ResourceGuard, app: App) -> None:
        self.guard = guard
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.guard.serve(self.app, scope, receive, send)


async def _serve(parts: Parts, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    await Visit(parts, app, scope, receive, send).serve()


def _both(first: Callable[[Definition], None], second: Callable[[Definition], None]) -> Callable[[Definition], None]:
    def told(definition: Definition) -> None:
        first(definition)
        second(definition)

    return told


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
