"""
The tenant wall, tried at every tool: one tenant's token with another's identifiers touches none of the other's rows.

C07, C23; TN-06, TN-08. The attempts are generated from the policy, so a tool that is added without an example fails the
suite instead of escaping it. Each attempt is a real call through the guard, over MCP, on the server's own database.

    wall = TenantWall(
        tools=POLICY,
        examples={ACME: {"get_customer": {"customer_id": "AC-1"}, ...}, GLOBEX: {"get_customer": {"customer_id": "GC-1"}, ...}},
        markers={ACME: ["Nora Lindqvist"], GLOBEX: ["Tomás Rivera"]},
    )

    @pytest.mark.parametrize("attempt", wall.attempts(), ids=str)
    async def test_no_tool_reaches_over_the_tenant_wall(attempt, shop):
        await wall.withstands(attempt, app=shop.app, issuer=shop.issuer, rows=shop.rows_of)
"""

import asyncio
import inspect
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from resource_lib.guard import GuardedApp
from resource_lib.policy import Demand, ToolPolicy, tool_demands
from resource_lib.testing.issuer import TestIssuer
from resource_lib.transport.asgi import App
from resource_lib.wire import claims

Rows = Callable[[str], Any | Awaitable[Any]]
"""From a tenant to everything it has, read without the wall, in a form that `==` compares."""

_PROTOCOL: Final = "2025-11-25"
_START_S: Final = 30.0
_CROWD: Final = 5


class WallBreachedError(AssertionError):
    """A tool reached over the wall, or the attempt could not have shown it if it had."""


class Way(StrEnum):
    """How an attempt is made."""

    CONTROL = "own"
    """Not an attack: the tenant uses its own identifiers and must succeed, else the attacks would prove nothing."""
    FOREIGN = "foreign-identifiers"
    """One tenant's token, another's identifiers."""
    NAMED = "foreign-tenant-named"
    """The same, with arguments that name the other tenant."""
    POOLED = "pooled-connections"
    """The same, amid the other tenant's own calls, so that a connection carries its last user."""
    UNGUARDED = "no-tenant"
    """Nobody's call: the server is reached without its guard, so no tenant is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One call that must not reach over the wall. `str()` names it in a test report."""

    tool: str
    way: Way
    caller: str
    victim: str

    def __str__(self) -> str:
        """Return tool, way and who against whom."""
        return f"{self.tool}-{self.way}-{self.caller}-{self.victim}"


class TenantWall:
    """
    The attempts on one server's tools.

    `tools` is the guard's policy. `examples` gives for each tenant and tool the arguments of a call that succeeds and names that
    tenant's own rows; those of a tool that changes something must change something. `markers` gives for each tenant strings that
    stand in its rows and nowhere else; each tool's own answer must show one that its arguments do not hold, unless the tool is in
    `silent` (it answers the same to everybody). Raises ValueError for a tool or tenant that is left out.
    """

    __test__ = False

    def __init__(
        self,
        *,
        tools: Mapping[str, ToolPolicy],
        examples: Mapping[str, Mapping[str, Mapping[str, Any]]],
        markers: Mapping[str, Collection[str]],
        silent: Collection[str] = (),
    ) -> None:
        if len(examples) < 2:
            raise ValueError("examples: a wall stands between at least two tenants")
        for tenant, calls in examples.items():
            if set(calls) != set(tools):
                raise ValueError(f"examples[{tenant!r}]: give one for each tool; differs in {set(calls) ^ set(tools)}")
            if not markers.get(tenant):
                raise ValueError(f"markers[{tenant!r}]: give a string that stands in its rows alone")
        self._demands: Mapping[str, Demand] = tool_demands(tools)
        self._examples = examples
        self._markers = markers
        self._silent = frozenset(silent)
        for tenant, tool in itertools.product(examples, tools):
            if tool not in self._silent and not self._marks(tenant, tool):
                raise ValueError(f"markers[{tenant!r}]: its arguments for {tool!r} hold them all; give another")

    def attempts(self) -> list[Attempt]:
        """Return every attempt: each tool, each ordered pair of tenants, each way, and the controls."""
        return [
            Attempt(tool=tool, way=way, caller=caller, victim=victim)
            for tool in self._demands
            for caller, victim in itertools.product(self._examples, repeat=2)
            for way in Way
            if (way is Way.CONTROL) == (caller == victim)
        ]

    async def withstands(
        self,
        attempt: Attempt,
        *,
        app: GuardedApp,
        issuer: TestIssuer,
        rows: Rows,
        roles: Collection[str] = (),
        override: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Make the attempt and raise WallBreachedError unless the wall held.

        `app` has not been started; it is started and stopped here, and takes tokens of `issuer`. `rows` reads what a tenant has.
        `roles` and `override` are for tools that demand a role or a kind of login; a token has every scope there is.
        """
        before = await _now(rows, attempt.victim)
        if attempt.way is Way.CONTROL and not before:
            raise WallBreachedError(f"{attempt.victim} has no rows, so nothing could be touched")

        def token(tenant: str) -> str:
            scopes = frozenset[str]().union(*(demand.scopes for demand in self._demands.values()))
            subject = f"usr_of_{tenant}"
            return issuer.token(tenant=tenant, subject=subject, scopes=scopes, roles=roles, override=override)

        target = app.app if attempt.way is Way.UNGUARDED else app
        async with _running(target), _door(target, issuer.resource) as door:
            if attempt.way is Way.POOLED:
                answer = await self._amid_the_victims_calls(attempt, door, token)
            else:
                bearer = None if attempt.way is Way.UNGUARDED else token(attempt.caller)
                answer = await door.call(attempt.tool, self._arguments(attempt), bearer)
        after = await _now(rows, attempt.victim)

        if attempt.way is Way.CONTROL:
            self._require_success(attempt, answer, changed=before != after)
            return
        if before != after:
            raise WallBreachedError(f"{attempt}: rows of {attempt.victim} changed")
        shown = [mark for mark in self._marks(attempt.victim, attempt.tool) if mark in answer.text]
        if shown:
            raise WallBreachedError(f"{attempt}: the answer shows {shown}")

    def _arguments(self, attempt: Attempt) -> dict[str, Any]:
        arguments = dict(self._examples[attempt.victim][attempt.tool])
        if attempt.way is Way.NAMED:
            arguments |= dict.fromkeys((claims.TENANT_ID, "tenant", "tenantId"), attempt.victim)
        return arguments

    def _marks(self, tenant: str, tool: str) -> list[str]:
        """Return the markers that an answer cannot have from its own question."""
        asked = json.dumps(self._examples[tenant][tool], ensure_ascii=False)
        return [mark for mark in self._markers[tenant] if mark not in asked]

    async def _amid_the_victims_calls(self, attempt: Attempt, door: "_Door", token: Callable[[str], str]) -> "_Answer":
        reads = [name for name, demand in self._demands.items() if demand.tool_class == "read"]

        async def own(number: int) -> None:
            if reads:
                tool = reads[number % len(reads)]
                await door.call(tool, dict(self._examples[attempt.victim][tool]), token(attempt.victim))

        await own(0)
        async with asyncio.TaskGroup() as crowd:
            attack = crowd.create_task(door.call(attempt.tool, self._arguments(attempt), token(attempt.caller)))
            for number in range(_CROWD):
                crowd.create_task(own(number))
        first = attack.result()
        again = await door.call(attempt.tool, self._arguments(attempt), token(attempt.caller))
        return _Answer(text=first.text + again.text, succeeded=first.succeeded or again.succeeded)

    def _require_success(self, attempt: Attempt, answer: "_Answer", *, changed: bool) -> None:
        tool = attempt.tool
        if not answer.succeeded:
            raise WallBreachedError(f"{tool} refuses {attempt.victim} its own example: {answer.text[:500]}")
        if self._demands[tool].tool_class != "read" and not changed:
            raise WallBreachedError(
                f"{tool} with the example of {attempt.victim} changes nothing that `rows` would show"
            )
        if tool not in self._silent and not any(mark in answer.text for mark in self._marks(attempt.victim, tool)):
            raise WallBreachedError(f"{tool} shows {attempt.victim} none of its markers, so a leak would not be seen")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    text: str
    """The body, with the escapes of JSON undone."""
    succeeded: bool


class _Door:
    """Calls tools as a client of 2025-11-25 does, each call in a session of its own."""

    def __init__(self, client: httpx2.AsyncClient, path: str) -> None:
        self._client = client
        self._path = path

    async def call(self, tool: str, arguments: Mapping[str, Any], bearer: str | None) -> _Answer:
        headers = {"accept": "application/json, text/event-stream"}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        about = {
            "protocolVersion": _PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "tenant-wall", "version": "1"},
        }
        opened = await self._post(headers, method="initialize", params=about, id=0)
        headers["mcp-protocol-version"] = _PROTOCOL
        session = opened.headers.get("mcp-session-id")
        if session is not None:
            headers["mcp-session-id"] = session
        await self._post(headers, method="notifications/initialized")
        answer = await self._post(
            headers, method="tools/call", params={"name": tool, "arguments": dict(arguments)}, id=1
        )
        if session is not None:
            await self._client.delete(self._path, headers=headers)
        replies = _messages(answer.text)
        text = "\n".join([answer.text, *(_plain(reply) for reply in replies)])
        results = [reply["result"] for reply in replies if isinstance(reply.get("result"), dict)]
        succeeded = answer.status_code == 200 and bool(results) and not any(one.get("isError") for one in results)
        return _Answer(text=text, succeeded=succeeded)

    async def _post(self, headers: Mapping[str, str], **message: Any) -> httpx2.Response:
        return await self._client.post(self._path, headers=headers, json={"jsonrpc": "2.0", **message})


def _messages(body: str) -> list[dict[str, Any]]:
    """Return the JSON-RPC messages of a JSON answer or of an event stream."""
    lines = [line[5:] for line in body.splitlines() if line.startswith("data:")] or [body]
    found = []
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict):
            found.append(message)
    return found


def _plain(value: Any) -> str:
    """Return every string inside a value, and inside the JSON that its strings hold, as it reads."""
    if isinstance(value, dict):
        return "\n".join(f"{name}\n{_plain(member)}" for name, member in value.items())
    if isinstance(value, list):
        return "\n".join(map(_plain, value))
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return f"{value}\n{_plain(json.loads(value))}"
        except ValueError:
            return value
    return str(value)


@asynccontextmanager
async def _door(app: App, resource: str) -> AsyncIterator[_Door]:
    parts = urlsplit(resource)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(
        transport=transport, base_url=f"{parts.scheme}://{parts.netloc}", trust_env=False
    ) as client:
        yield _Door(client, parts.path or "/")


async def _now(rows: Rows, tenant: str) -> Any:
    found = rows(tenant)
    return await found if inspect.isawaitable(found) else found


@asynccontextmanager
async def _running(app: App) -> AsyncIterator[None]:
    """Run an application's lifespan, as a server does; one without a lifespan is run without."""
    inward: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outward: asyncio.Queue[str] = asyncio.Queue()

    async def send(message: Any) -> None:
        await outward.put(message["type"])

    async def live() -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await app(scope, inward.get, send)
        finally:
            await outward.put("lifespan.over")

    life = asyncio.create_task(live())
    try:
        await inward.put({"type": "lifespan.startup"})
        said = await asyncio.wait_for(outward.get(), _START_S)
        if said == "lifespan.startup.failed":
            raise RuntimeError("the server did not start")
        yield
        if said == "lifespan.startup.complete":
            await inward.put({"type": "lifespan.shutdown"})
            await asyncio.wait_for(outward.get(), _START_S)
    finally:
        life.cancel()
        await asyncio.wait([life])
