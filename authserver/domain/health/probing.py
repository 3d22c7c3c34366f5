"""
Does a registered MCP server refuse what it must? It is asked with calls that are forbidden, and every refusal is expected.

C54, C56. First as a stranger, without a token; only a server that refuses that is shown tokens, and these are for that server alone,
for a minute, of nobody. What is called is a tool that no server has, or a reading one with arguments that no tool takes: where a server
refuses nothing, nothing is changed by it. What could not be asked is never said to be refused.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson

from authserver.domain.audit import event
from authserver.domain.issuers.issuer import Issuer, all_issuers
from authserver.domain.keys.signing_key import KeyRing, key_ring
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource, Tool
from authserver.domain.revocation import tail
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import access_token
from authserver.domain.tokens.access_token import PROBE, NoSigningKeyError
from authserver.runtime.machines import Machines
from authserver.runtime.outbound import Fetched, OutboundError
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.refusal import refusal_in

State = Literal["refused", "not refused", "not asked"]

_NO_TOOL: Final = "authserver-probe-of-no-tool"
_NO_ARGUMENT: Final = "authserver_probe"
_MOST_BYTES: Final = 64 * 1024
_OLD_S: Final = 7200


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One forbidden call, and what became of it."""

    what: str
    state: State
    detail: str
    is_fault: bool
    """Whether an operator has to look: it was not refused, or it should have been possible to ask."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """What one server refused."""

    uri: str
    tried: tuple[Tried, ...]

    @property
    def is_good(self) -> bool:
        """Whether it refused something, and nothing has to be looked at."""
        return any(one.state == "refused" for one in self.tried) and not any(one.is_fault for one in self.tried)


async def probe(machines: Machines, uri: str) -> Probed | None:
    """Ask one registered server; None: there is none. Each token that is made for it is recorded before it is sent."""
    found = await resources.by_uri(machines.work(), uri)
    if found is None:
        return None
    probing = _Probing(machines, found)
    await probing.run()
    return Probed(uri=uri, tried=tuple(probing.tried))


async def probe_all(machines: Machines) -> list[Probed]:
    """Ask each active server, one after the other."""
    found = [one.uri for one in await resources.all_resources(machines.work()) if one.is_active]
    return [probed for uri in sorted(found) if (probed := await probe(machines, uri)) is not None]


@dataclass(slots=True)
class _Probing:
    machines: Machines
    resource: Resource
    tried: list[Tried] = field(default_factory=list)

    async def run(self) -> None:
        if not await self._refuses_strangers():
            return
        work, issuer, ring = await self._speaks_for()
        if work is None or issuer is None or ring is None:
            self._not_asked("with a token", "no active organisation that is linked to it has an issuer with a key here")
            return
        uri = self.resource.uri
        reads = next((tool for tool in self.resource.tools if tool.sensitivity == "read" and tool.scopes), None)
        every = tuple(sorted({scope for tool in self.resource.tools for scope in tool.scopes}))
        try:
            tokens = {
                "other": access_token.mint_for_probe(
                    work, ring, issuer=issuer.identifier, resource=f"{uri}/{PROBE}", scope=every
                ),
                "old": access_token.mint_for_probe(work, ring, issuer=issuer.identifier, resource=uri, age_s=_OLD_S),
                "bare": access_token.mint_for_probe(work, ring, issuer=issuer.identifier, resource=uri),
                "reading": access_token.mint_for_probe(
                    work, ring, issuer=issuer.identifier, resource=uri, scope=reads.scopes if reads else ()
                ),
            }
        except NoSigningKeyError:
            self._not_asked("with a token", "its issuer has no key: `authserver serve` makes the first")
            return
        for token in tokens.values():
            event.record(
                work,
                event.Kind.TOKEN_ISSUED,
                client_id=PROBE,
                resource=uri,
                jti=token.id,
                scope=list(token.scope),
                expires_in=token.expires_in,
            )
        if not await work.commit():
            self._not_asked("with a token", "it could not be recorded: try again")
            return
        await self._refuses_wrong_tokens(tokens["other"].token, tokens["old"].token, tokens["bare"].token)
        await self._refuses_wrong_calls(reads, tokens["bare"].token, tokens["reading"].token)

    async def _refuses_strangers(self) -> bool:
        await self._expect_401("no token", lambda: self._call(_NO_TOOL, token=""))
        if self.tried[-1].state != "refused":
            lets_in = self.tried[-1].state == "not refused"
            why = "a server that lets strangers in is shown no token" if lets_in else "it has not refused a stranger"
            self._not_asked("with a token", why)
            return False
        await self._expect_401("a token of nobody", lambda: self._call(_NO_TOOL, token="probe.of.nobody"))  # noqa: S106
        return self.tried[-1].state == "refused"

    async def _refuses_wrong_tokens(self, other: str, old: str, bare: str) -> None:
        head, payload, signature = bare.split(".")
        forged = ".".join((head, payload, signature[:-8] + ("A" * 8 if signature[-8:] != "A" * 8 else "B" * 8)))
        await self._expect_401("a token for another server", lambda: self._call(_NO_TOOL, token=other))
        await self._expect_401("a token that has ended", lambda: self._call(_NO_TOOL, token=old))
        await self._expect_401("a token with another signature", lambda: self._call(_NO_TOOL, token=forged))

    async def _refuses_wrong_calls(self, reads: Tool | None, bare: str, reading: str) -> None:
        await self._expect("an unknown tool", {"tool_unknown"}, lambda: self._call(_NO_TOOL, token=bare))
        if reads is None:
            for what in ("a tool without its scope", "arguments that no tool takes"):
                self._not_asked(
                    what, "it has no registered tool that only reads, and no other is called", is_fault=False
                )
            return
        name = reads.name
        await self._expect("a tool without its scope", {"insufficient_scope"}, lambda: self._call(name, token=bare))
        await self._expect(
            "arguments that no tool takes", {"invalid_arguments"}, lambda: self._call(name, token=reading)
        )

    async def _expect_401(self, what: str, ask: Callable[[], Awaitable[Fetched]]) -> None:
        answer = await self._asked(what, ask)
        if answer is None:
            return
        if answer.status == 401:
            self._note(what, "refused", "HTTP 401")
        elif answer.status in {200, 202, 204, 400, 404, 406, 415, 422}:
            self._note(
                what, "not refused", f"HTTP {answer.status}: what stands behind the guard has looked at the call"
            )
        else:
            self._not_asked(what, f"HTTP {answer.status} says nothing about it")

    async def _expect(self, what: str, errors: set[str], ask: Callable[[], Awaitable[Fetched]]) -> None:
        answer = await self._asked(what, ask)
        if answer is None:
            return
        said = refusal_in(answer.body)
        if said in errors:
            self._note(what, "refused", f"{said}, HTTP {answer.status}")
        elif answer.status == 401:
            self._not_asked(
                what, "it takes no token of this issuer: is it guarded for this issuer and this organisation?"
            )
        elif said:
            self._not_asked(what, f"it was refused before that, as {said}", is_fault=False)
        elif answer.status >= 500:
            self._not_asked(what, f"HTTP {answer.status} says nothing about it")
        else:
            self._note(what, "not refused", f"HTTP {answer.status}, and no refusal that a guard gives")

    async def _asked(self, what: str, ask: Callable[[], Awaitable[Fetched]]) -> Fetched | None:
        try:
            return await ask()
        except OutboundError as error:
            self._not_asked(what, f"{error.description} ({error.reason})")
            return None

    def _call(self, tool: str, *, token: str) -> Awaitable[Fetched]:
        arguments = {} if tool == _NO_TOOL else {_NO_ARGUMENT: True}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        return self.machines.outbound.look(
            "POST", self.resource.uri, body=orjson.dumps(body), most_bytes=_MOST_BYTES, token=token
        )

    async def _speaks_for(self) -> tuple[UnitOfWork | None, Issuer | None, KeyRing | None]:
        """Return a unit of the first organisation that the server serves, with its issuer and its keys."""
        await tail.look(self.machines.work())
        known = await all_issuers(self.machines.work())
        for tenant_id in sorted(self.resource.tenants):
            work = self.machines.work(tenant=tenant_id)
            tenant = await tenants.by_id(work, tenant_id)
            if tenant is None or not tenant.is_active:
                continue
            issuer = next((one for one in known.by_path.values() if known.serves(one, tenant_id)), None)
            if issuer is not None:
                return work, issuer, await key_ring(work, issuer.path)
        return None, None, None

    def _note(self, what: str, state: State, detail: str) -> None:
        self.tried.append(Tried(what=what, state=state, detail=detail, is_fault=state == "not refused"))

    def _not_asked(self, what: str, detail: str, *, is_fault: bool = True) -> None:
        self.tried.append(Tried(what=what, state="not asked", detail=detail, is_fault=is_fault))
