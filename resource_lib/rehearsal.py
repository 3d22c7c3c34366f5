"""
A guard asked to do what it must refuse, in its own process: with everything that a request meets, but a server that only notes what reaches it.

C66. The wrapped server is not part of it, so nothing can happen there, whatever the guard lets through; the limits count nothing, and the
issuer is told nothing of the tools that stand in for the server's. Without a token anybody may ask, so each report does; as somebody who
holds nothing, and with a token of the asker's, `ResourceGuard.probe` does. Over the network, where proxies and mounts count too, there is
`python -m resource_lib probe`.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from resource_lib.exchange.caller import Callers
from resource_lib.identity.principal import Principal
from resource_lib.parts import Parts
from resource_lib.policy import Demand
from resource_lib.probing import NO_ARGUMENT, NO_TOOL, Tried, called, strangers
from resource_lib.transport.asgi import App, Message, Receive, Scope, Send
from resource_lib.transport.definitions import Definitions
from resource_lib.transport.listing import ToolSchemas
from resource_lib.transport.request import only_body
from resource_lib.wire.refusal import refusal_in

Serve = Callable[[Parts, App, Scope, Receive, Send], Awaitable[None]]
"""Serves one request to an app, as the guard does."""

_NOBODY: Final = "resource-lib-probe"
_LIFE_S: Final = 60
_ABOVE_EVERY_STOP: Final = 2**53 - 1
_MODERN: Final = b"2026-07-28"


def without_a_token(parts: Parts, serve: Serve) -> tuple[Tried, ...]:
    """Make each request that anybody could make, and say what became of it. Waits for nothing and needs no event loop."""
    rehearsal = _Rehearsal(parts, serve)
    found = []
    for what, verb, body, sent in strangers(parts.settings.resource):
        if sent is None:
            met = _at_once(rehearsal.ask(verb, body, None))
            found.append(_expecting_401(what, met))
    return tuple(found)


async def rehearsed(parts: Parts, serve: Serve, *, token: str | None = None) -> tuple[Tried, ...]:
    """Make every forbidden request, and say what became of each.

    `token` is one that counts here, for what no token may do; without one the calls that a token is needed for are made as somebody who
    exists in this rehearsal alone.
    """
    rehearsal = _Rehearsal(parts, serve)
    found = [
        _expecting_401(what, await rehearsal.ask(verb, body, sent))
        for what, verb, body, sent in strangers(parts.settings.resource)
    ]
    if token is not None:
        met = await rehearsal.ask("POST", called(NO_TOOL, {}), token)
        found.append(_expecting("an unknown tool, with the token that was given", "tool_unknown", met))
    return (*found, *await _as_nobody(parts, serve))


async def _as_nobody(parts: Parts, serve: Serve) -> list[Tried]:
    tenant = _tenant(parts)
    if tenant is None:
        why = "what operators demand was never told: calls are refused as control_plane_stale until it is"
        return [Tried(what="calls of somebody who holds nothing", state="not asked", detail=why)]
    demands = parts.policies.of(tenant)
    reading = next((demand for _, demand in sorted(demands.items()) if _is_plain(demand)), None)
    bare = _somebody(parts, tenant, frozenset())
    holder = _somebody(parts, tenant, frozenset() if reading is None else reading.scopes)
    known = {"bare": bare, "holder": holder}
    schemas = ToolSchemas(parts.policies.base)
    rehearsal = _Rehearsal(
        replace(parts, callers=Callers(_Known(known), None), schemas=schemas, definitions=Definitions(schemas)), serve
    )
    met = await rehearsal.ask("POST", called(NO_TOOL, {}), "bare")
    found = [_expecting("an unknown tool", "tool_unknown", met)]
    for word in ("read", "write", "destructive"):
        name = next((name for name, one in sorted(demands.items()) if one.tool_class == word and _is_scoped(one)), None)
        if name is not None:
            met = await rehearsal.ask("POST", called(name, {}), "bare")
            found.append(_expecting(f"{name} ({word}) without its scope", "insufficient_scope", met))
    if reading is not None and parts.advertised is not None:
        met = await rehearsal.ask("POST", called(reading.subject, {NO_ARGUMENT: True}), "holder")
        found.append(_expecting(f"{reading.subject} with an argument that it does not take", "invalid_arguments", met))
    return found


def _tenant(parts: Parts) -> str | None:
    """Return a tenant in which something can be asked; None: there is none yet."""
    if parts.overlay is not None:
        return min(parts.overlay.tenants, default=None)
    return min(parts.settings.tenants or {_NOBODY})


def _is_scoped(demand: Demand) -> bool:
    return (
        bool(demand.scopes) and not demand.denied and not demand.closed and demand.clients is None and not demand.roles
    )


def _is_plain(demand: Demand) -> bool:
    """Whether it reads, and nothing but its scope and its arguments decides."""
    return (
        demand.tool_class == "read"
        and _is_scoped(demand)
        and not (
            demand.also_roles or demand.acr or demand.max_age or demand.may_ask or demand.looks or demand.definitions
        )
    )


def _somebody(parts: Parts, tenant: str, scopes: frozenset[str]) -> Principal:
    now = int(parts.clock())
    return Principal(
        tenant=tenant,
        subject=f"client:{_NOBODY}",
        client_id=_NOBODY,
        scopes=scopes,
        authorization_id=_NOBODY,
        token_id=_NOBODY,
        issued_at=now,
        expires_at=now + _LIFE_S,
        control_number=_ABOVE_EVERY_STOP,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """Verifies the tokens of a rehearsal, which are names and nothing else."""

    known: Mapping[str, Principal]

    async def verify(self, token: str, now: float) -> Principal:  # noqa: ARG002 - as every verifier
        return self.known[token]


@dataclass(slots=True)
class _Met:
    """What one request met: an answer of the guard, or the stand-in for the server."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    has_reached: bool = False
    fault: str = ""


class _Rehearsal:
    """Asks one guard. Nothing is counted or recorded, nobody is asked for a yes, and no server is reached."""

    def __init__(self, parts: Parts, serve: Serve) -> None:
        self._parts = replace(parts, gate=None, held=None, record=None)
        self._serve = serve

    async def ask(self, verb: str, body: Any, token: str | None) -> _Met:
        """Make one request. Raises nothing: an accident is no refusal."""
        met = _Met()
        raw = b"" if body is None else json.dumps(body).encode("ascii")
        parts = urlsplit(self._parts.settings.resource)
        headers = [
            (b"host", parts.netloc.encode("ascii")),
            (b"accept", b"application/json, text/event-stream"),
            (b"mcp-protocol-version", _MODERN),
        ]
        if raw:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode("ascii"))]
        if isinstance(body, dict):
            headers.append((b"mcp-method", body["method"].encode("ascii")))
            if "name" in body["params"]:
                name = base64.b64encode(body["params"]["name"].encode("utf-8")).decode("ascii")
                headers.append((b"mcp-name", f"=?base64?{name}?=".encode("ascii")))
        if token is not None:
            headers.append((b"authorization", b"Bearer " + token.encode("ascii")))
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": verb,
            "scheme": parts.scheme,
            "path": parts.path or "/",
            "raw_path": (parts.path or "/").encode("ascii"),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": None,
            "server": None,
        }
        receive, _ended = only_body(raw)

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                met.status = message["status"]
            else:
                met.body += message.get("body", b"")

        async def stand_in(scope: Scope, receive: Receive, send: Send) -> None:
            if (listing := await _asks_for_tools(scope, receive)) is not None:
                await _answer(send, {"tools": [_tool(name) for name in self._parts.policies.base]}, listing)
                return
            met.has_reached = True
            await _answer(send, {}, 1)

        try:
            await self._serve(self._parts, stand_in, scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not the refusal that is expected
            met.fault = type(error).__name__
        return met


async def _asks_for_tools(scope: Scope, receive: Receive) -> Any:
    """Return the id of a question of the guard's own about the tools; None: it is something else."""
    if scope["method"] != "POST":
        return None
    message = await receive()
    try:
        said = json.loads(message.get("body", b""))
    except ValueError:
        return None
    if isinstance(said, dict) and said.get("method") == "tools/list" and said.get("id") == "resource-guard":
        return said["id"]
    return None


async def _answer(send: Send, result: Any, number: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode("ascii")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def _tool(name: str) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False}}


def _at_once(asking: Coroutine[Any, Any, _Met]) -> _Met:
    """Run what has nothing to wait for; whoever does wait is told to stop, and has refused nothing."""
    try:
        asking.send(None)
    except StopIteration as ended:
        met: _Met = ended.value
        return met
    asking.close()
    return _Met(fault="it waits for something before it refuses")


def _expecting_401(what: str, met: _Met) -> Tried:
    if met.has_reached:
        return Tried(what=what, state="not refused", detail="it would have reached the server")
    if met.status == 401:
        return Tried(what=what, state="refused", detail="HTTP 401")
    if said := refusal_in(bytes(met.body)):
        return Tried(what=what, state="not refused", detail=f"the caller was believed, and refused as {said}")
    return Tried(what=what, state="not asked", detail=_otherwise(met))


def _expecting(what: str, error: str, met: _Met) -> Tried:
    said = refusal_in(bytes(met.body))
    if met.has_reached:
        return Tried(what=what, state="not refused", detail="it would have reached the server")
    if said == error:
        return Tried(what=what, state="refused", detail=f"{said}, HTTP {met.status}")
    return Tried(what=what, state="not asked", detail=f"refused before that, as {said}" if said else _otherwise(met))


def _otherwise(met: _Met) -> str:
    return met.fault or (f"HTTP {met.status} says nothing about it" if met.status else "no answer")
