"""
A list of tools is the caller's own: what they may ever reach, by name, with the arguments that they are held to.

Tools outside the policy answer as if they did not exist, so they are not listed either. Everything else of the answer
stays as the server wrote it, and a list in which nothing has to change is passed on byte for byte. No list may be kept for
another caller, nor, where the protocol says how long, for longer than a few seconds (SEP-2549). An event stream is handled event by event: a whole event leaves at once, only the unfinished one waits. A JSON answer to `tools/list`
waits until it is whole. A list that cannot be read is withheld.
"""

import json
import logging
import re
from collections.abc import Callable, Collection, Container, Mapping
from typing import Any, Final, Protocol

from resource_lib.event_stream import Events, data_of, with_data
from resource_lib.transport import answers
from resource_lib.transport.asgi import Message, Send, send_whole, without_length

MOST_BYTES: Final = 16 * 1024 * 1024

LIST_LIFE_MS: Final = 5_000
"""How long a client may keep a list at most: as long as a stop may take to reach every guard."""

log = logging.getLogger("resource_lib.guard")


class UnreadableListingError(Exception):
    """The server's list of tools cannot be understood, so it cannot be shown."""


_SHOWN: Final = 200
"""How much of a name goes to the log: the server that says it may be somebody else's."""


class ToolSchemas:
    """Which listed tools declare an output schema: clients of 2025-11-25 hold even an error against it.

    `named`: for each tool the paths of the arguments that its approval hides or says.
    """

    __slots__ = ("_declared", "_hidden", "_known", "_named")

    def __init__(self, known: Container[str] = (), named: Mapping[str, Collection[str]] | None = None) -> None:
        self._known = known
        self._named = {tool: paths for tool, paths in (named or {}).items() if paths}
        self._declared: dict[str, bool] = {}
        self._hidden: set[str] = set()

    def hide(self, tool: object) -> None:
        """Tell the operator, once, that a tool of the server is in no policy and so does not exist for callers."""
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str) and name not in self._known and name not in self._hidden and len(self._hidden) < 1000:
            self._hidden.add(name)
            log.warning("the tool %r is not in the policy, so callers cannot see or call it", name[:_SHOWN])

    def learn(self, tool: dict[str, Any]) -> None:
        """Take note of one listed tool."""
        self._declared[tool["name"]] = tool.get("outputSchema") is not None
        paths = self._named.pop(tool["name"], None)
        if paths is not None:
            _warn_of_strange_names(tool, paths)

    def has_none(self, tool: str) -> bool:
        """Tell whether `tool` is known to declare no output schema."""
        return self._declared.get(tool) is False


def _warn_of_strange_names(tool: dict[str, Any], paths: Collection[str]) -> None:
    """Tell the operator, once, of arguments that the tool does not say it takes: what is misspelt hides nothing."""
    schema = tool.get("inputSchema")
    taken = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(taken, dict) or not taken:
        return
    strange = sorted(path for path in paths if path not in taken and re.split(r"[.\[]", path)[0] not in taken)
    if strange:
        log.warning(
            "the approval of %r names arguments that the tool does not list: %s; a misspelt one in redact hides nothing",
            tool["name"][:_SHOWN],
            ", ".join(strange)[:_SHOWN],
        )


Shows = Callable[[dict[str, Any]], dict[str, Any] | None]
"""Returns a tool as it is shown; None: it is left out for what it is today. What it is given stays as it was."""


def _as_it_is(tool: dict[str, Any]) -> dict[str, Any]:
    return tool


class Learns(Protocol):
    """Whatever takes note of the tools that are listed."""

    def learn(self, tool: dict[str, Any]) -> None:
        """Take note of one listed tool."""
        ...

    def hide(self, tool: object) -> None:
        """Take note of one that is in no policy."""
        ...


def filtered(
    raw: bytes, offered: Container[str], schemas: Learns, *, shown: Shows = _as_it_is, life_ms: int | None = None
) -> bytes:
    """Return a JSON-RPC message, or batch, whose lists of tools hold only `offered` ones, as they are `shown`, by name.

    The very same bytes when nothing had to change. A list that says that it may be shared says so no longer; `life_ms` is how long it may
    be kept, for protocol versions that say so. Raises UnreadableListingError.
    """
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise UnreadableListingError from None
    changed = False
    for message in value if isinstance(value, list) else [value]:
        result = message.get("result") if isinstance(message, dict) else None
        tools = result.get("tools") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(tools, list):
            continue
        whole = {**result, **_kept_for(result, life_ms), "tools": _shown(tools, offered, schemas, shown)}
        if whole != result:
            message["result"] = whole
            changed = True
    return json.dumps(value, separators=(",", ":")).encode("ascii") if changed else raw


def _shown(tools: list[Any], offered: Container[str], schemas: Learns, shown: Shows) -> list[dict[str, Any]]:
    found = []
    for tool in tools:
        if not isinstance(tool, dict) or not _is_offered(tool.get("name"), offered):
            schemas.hide(tool)
            continue
        schemas.learn(tool)  # what is left out for what it is today is learned too: somebody has to look at it
        if (seen := shown(tool)) is not None:
            found.append(seen)
    return sorted(found, key=lambda tool: tool["name"])


def _kept_for(result: dict[str, Any], life_ms: int | None) -> dict[str, Any]:
    """Return what a list has to say about who may keep it, and how long."""
    if life_ms is None:
        return {"cacheScope": "private"} if "cacheScope" in result else {}
    said = result.get("ttlMs")
    is_shorter = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= life_ms
    return {"cacheScope": "private", "ttlMs": said if is_shorter else life_ms}


def _is_offered(name: object, offered: Container[str]) -> bool:
    return isinstance(name, str) and name in offered


class ListingFilter:
    """Stands between the server and the wire for an answer that may list tools."""

    __slots__ = (
        "_events",
        "_failed",
        "_held",
        "_kind",
        "_life_ms",
        "_offered",
        "_room",
        "_schemas",
        "_send",
        "_shown",
        "_start",
    )

    def __init__(
        self,
        send: Send,
        *,
        offered: Container[str],
        schemas: Learns,
        only_streams: bool,
        shown: Shows = _as_it_is,
        life_ms: int | None = None,
    ) -> None:
        self._send = send
        self._shown = shown
        self._life_ms = life_ms
        self._offered = offered
        self._schemas = schemas
        self._kind = "stream" if only_streams else "any"
        self._start: Message | None = None
        self._held = bytearray()
        self._events = Events()
        self._room = MOST_BYTES
        self._failed = False

    async def send(self, message: Message) -> None:
        """Take one ASGI message from the server."""
        if message["type"] == "http.response.start":
            await self._began(message)
        elif message["type"] == "http.response.body" and self._kind == "event-stream":
            await self._event_bytes(message)
        elif message["type"] == "http.response.body" and self._kind == "json":
            await self._json_bytes(message)
        else:
            await self._send(message)

    async def _began(self, message: Message) -> None:
        headers = {name.lower(): value for name, value in message.get("headers", ())}
        content_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if content_type == b"text/event-stream" and b"content-encoding" not in headers:
            self._kind = "event-stream"
            await self._send({**message, "headers": without_length(message)})
        elif self._kind == "any" and message["status"] == 200:
            # Compressed or of another type: held like JSON, which it then is not, so it is withheld.
            self._kind = "json"
            self._start = message
        else:
            self._kind = "other"
            await self._send(message)

    async def _json_bytes(self, message: Message) -> None:
        if self._failed:
            return
        self._held += message.get("body", b"")
        if len(self._held) > self._room:
            await self._give_up()
        elif not message.get("more_body", False):
            await self._json_end()

    async def _json_end(self) -> None:
        raw = bytes(self._held)
        assert self._start is not None
        try:
            body = filtered(raw, self._offered, self._schemas, shown=self._shown, life_ms=self._life_ms)
        except UnreadableListingError:
            await self._give_up()
            return
        await send_whole(self._send, self._start, body, is_changed=body is not raw)

    async def _give_up(self) -> None:
        self._failed = True
        log.error("security.listing_withheld", extra={"event": "security.listing_withheld"})
        await self._send(answers.UNUSABLE_LISTING.start([]))
        await self._send({"type": "http.response.body", "body": answers.UNUSABLE_LISTING.body, "more_body": False})

    async def _event_bytes(self, message: Message) -> None:
        if self._failed:
            return
        more = message.get("more_body", False)
        out = bytearray()
        for event in self._events.feed(message.get("body", b"")):
            out += self._event(event)
        if not more:
            out += self._event(self._events.rest())
        elif len(self._events) > self._room:
            self._failed = True
            log.error("security.listing_withheld", extra={"event": "security.listing_withheld"})
            await self._send({"type": "http.response.body", "body": bytes(out), "more_body": False})
            return
        if out or not more:
            await self._send({"type": "http.response.body", "body": bytes(out), "more_body": more})

    def _event(self, raw: bytes) -> bytes:
        if b"tools" not in raw and b"\\" not in raw:
            return raw
        data = data_of(raw)
        if not data.strip(b"\n"):
            return raw
        try:
            kept = filtered(data, self._offered, self._schemas, shown=self._shown, life_ms=self._life_ms)
        except UnreadableListingError:
            log.exception("security.listing_withheld", extra={"event": "security.listing_withheld"})
            return b""
        return raw if kept is data else with_data(raw, kept)
