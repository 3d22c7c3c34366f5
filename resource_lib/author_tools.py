"""
Which tools does a server have, asked by its author: for the commands, and for what looks at a server before it serves.

A server object of the official SDK or of FastMCP is asked directly; any other ASGI app, a guarded one too, answers `tools/list` in
this process, to a caller that nobody can be.
"""

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any, Final
from urllib.parse import urlsplit

from resource_lib.identity.principal import Principal, calling_as
from resource_lib.transport.asgi import App, Message, Scope
from resource_lib.transport.own_listing import OwnListing, UnreadableListingError
from resource_lib.wire.strict_json import loads_object

MOST_BYTES: Final = 16 * 1024 * 1024
START_S: Final = 10.0
_NOBODY: Final = Principal(
    tenant="ten_nobody",
    subject="client:nobody",
    client_id="nobody",
    scopes=frozenset(),
    authorization_id="aut_nobody",
    token_id="nobody",  # noqa: S106 - no token, the name of none
    issued_at=0,
    expires_at=0,
)

log = logging.getLogger("resource_lib.author_tools")


class NoToolsError(Exception):
    """The tools of a server cannot be had. `str()` says why, and what cures it."""


def tools_named(app: str) -> tuple[list[dict[str, Any]], Any]:
    """Return the tools of what a command was given, and the object itself, if there is one. Raises NoToolsError.

    `module:attribute` (a server, a guarded app, a function that makes one), the path of a JSON file, or `-` for standard input: a list
    of tools, or the answer to `tools/list`.
    """
    if app == "-":
        return tools_in(sys.stdin.buffer.read(MOST_BYTES + 1)), None
    path = Path(app)
    if path.suffix == ".json" or path.is_file():
        try:
            return tools_in(path.read_bytes()), None
        except OSError as error:
            raise NoToolsError(f"{app}: cannot be read ({error.strerror})") from None
    found = _imported(app)
    return tools_of(found), found


def tools_in(raw: bytes) -> list[dict[str, Any]]:
    """Return the tools in a JSON text. Raises NoToolsError."""
    if len(raw) > MOST_BYTES:
        raise NoToolsError("more than 16 MiB is no list of tools")
    try:
        said: Any = loads_object(b'{"given":' + raw + b"}", most_depth=64)["given"]
    except (ValueError, KeyError):
        raise NoToolsError(
            "is no JSON, or says one member twice: give a list of tools, or the answer to tools/list"
        ) from None
    if isinstance(said, dict) and isinstance(said.get("result"), dict):
        said = said["result"]
    if isinstance(said, dict):
        said = said.get("tools", [said] if "inputSchema" in said else None)
    if not isinstance(said, list) or not all(
        isinstance(tool, dict) and isinstance(tool.get("name"), str) for tool in said
    ):
        raise NoToolsError("is no list of tools: give a list, or the answer to tools/list")
    return said


def tools_of(server: Any) -> list[dict[str, Any]]:
    """Return the tools of a server object or an ASGI app, as JSON. Works while a loop is running too. Raises NoToolsError."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_asked(server))).result()


def as_json(tool: Any) -> dict[str, Any]:
    """Return one tool object of the SDK or FastMCP as it is listed. Raises NoToolsError."""
    if callable(getattr(tool, "to_mcp_tool", None)):  # FastMCP
        tool = tool.to_mcp_tool()
    if callable(getattr(tool, "model_dump_json", None)):
        tool = json.loads(tool.model_dump_json(by_alias=True, exclude_none=True))
    if not isinstance(tool, Mapping) or not isinstance(tool.get("name"), str):
        raise NoToolsError(f"a {type(tool).__name__} is no tool")
    return dict(tool)


async def _asked(server: Any) -> list[dict[str, Any]]:
    if callable(getattr(server, "list_tools", None)):
        async with asyncio.timeout(START_S):
            return [as_json(tool) for tool in await server.list_tools()]
    if callable(getattr(server, "streamable_http_app", None)):  # the low-level server of the SDK
        server = server.streamable_http_app()
    resource = "http://127.0.0.1:8000/mcp"
    guard = getattr(server, "guard", None)
    if guard is not None and callable(getattr(server, "app", None)):
        resource, server = guard.settings.resource, server.app
    if not callable(server):
        raise NoToolsError(f"a {type(server).__name__} is no server: name an MCP server, or a guarded app")
    return await _listed(server, resource)


async def _listed(app: App, resource: str) -> list[dict[str, Any]]:
    parts = urlsplit(resource)
    host = parts.netloc.encode("ascii")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": parts.scheme,
        "path": parts.path or "/",
        "raw_path": (parts.path or "/").encode("ascii"),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", host)],
        "client": ("127.0.0.1", 1),
        "server": (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)),
        "principal": _NOBODY,
        "state": {},
    }
    async with asyncio.timeout(START_S):
        running = _Running(app)
        await running.start()
        try:
            with calling_as(_NOBODY):
                return await OwnListing(app, scope, version="2025-11-25", is_modern=False, meta={}).tools()
        except UnreadableListingError:
            raise NoToolsError(
                "its tools/list cannot be read in this process: give what it answers as a JSON file, or `-`"
            ) from None
        finally:
            await running.stop()


class _Running:
    """An ASGI app between its start and its end."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Let it start; one that knows no lifespan serves without."""
        self._task = asyncio.create_task(self._lives())
        await self._told.put({"type": "lifespan.startup"})
        if (await self._said.get())["type"] == "lifespan.startup.failed":
            raise NoToolsError("the server does not start")

    async def stop(self) -> None:
        """Let it end."""
        assert self._task is not None
        await self._told.put({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=5)
        self._task.cancel()

    async def _lives(self) -> None:
        try:
            await self._app(
                {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, self._told.get, self._said.put
            )
        except Exception as error:  # noqa: BLE001 - whatever it raises, it knows no lifespan
            log.debug("no lifespan: %r", error)
        finally:
            await self._said.put({"type": "lifespan.ended"})


def _imported(name: str) -> Any:
    module, colon, attribute = name.partition(":")
    if not colon or not attribute or not module:
        raise NoToolsError(f"{name}: name a server as module:attribute, a JSON file, or -")
    with _here():
        try:
            found: Any = importlib.import_module(module)
        except ImportError as error:
            raise NoToolsError(f"{name}: cannot be imported ({error})") from None
    for step in attribute.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            raise NoToolsError(f"{module} has no {attribute}") from None
    return _made(found)


def _made(found: Any) -> Any:
    """Return the server that a function without arguments makes; anything else is one already."""
    if isinstance(found, FunctionType):
        try:
            return found()
        except TypeError:
            return found
    return found


@contextmanager
def _here() -> Iterator[None]:
    """Let modules be found in the folder where the command is run, as uvicorn does."""
    before = list(sys.path)
    sys.path.insert(0, "")
    try:
        yield
    finally:
        sys.path[:] = before
