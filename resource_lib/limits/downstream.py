"""
A client for one API that this server calls, which counts what it sends: the second layer of limits.

    crm = guard.downstream("crm", "100/min")
    answer = await crm.get("https://crm.example.com/orders")

What is counted is what goes out: each hop of a redirect, each repetition for a login, each retry of a transport that stands `around`. It is
counted where the guard's limits are, so for all processes together, under `downstream:NAME`. While a shared store is away this process has
its share (`degraded.py`): the API is protected, and whether a call may begin at all was decided before.

Over the limit a request is not sent: `DownstreamLimitedError` is raised. When it escapes the tool, the caller hears `rate_limited` with
`retry_after_s`: it is an error that the official SDK and FastMCP show to the model as it stands, and the guard then puts the typed
answer in its place (`said_by`). C40.
"""

import asyncio
import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import httpx2

from resource_lib.decision import Deny, Exceeded
from resource_lib.identity.principal import Principal, current_principal
from resource_lib.limits.keys import key_of
from resource_lib.limits.store import Asked, LimitStore, StoreUnavailableError
from resource_lib.settings import SettingsError
from resource_lib.wire.limit import CURE, InvalidLimitError, Limit, parse_limit

LONGEST_WAIT_S: Final = 60.0
MOST_WAITING: Final = 100
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LATER_S: Final = 2.0
_MOST_NOTED: Final = 16

_FRAMEWORKS: Final = (("mcp.server.mcpserver.exceptions", "ToolError"), ("fastmcp.exceptions", "ToolError"))
"""The errors whose text a framework shows to the model; all others it hides."""


class DownstreamLimitedError(Exception):
    """An API has been asked as often as it may be; nothing was sent. Try after `retry_after_s` seconds, None: never.

    `str()` is a sentence for the model and the typed object, as every refusal ends with it.
    """

    def __init__(self, downstream: str, limit: Limit, retry_after_s: int | None) -> None:
        self.downstream = downstream
        self.limit = limit
        self.retry_after_s = retry_after_s
        when = "Waiting changes nothing." if retry_after_s is None else f"Try again in {retry_after_s} s."
        asked = f"{downstream}, which may be asked at most {limit.most} times in {limit.seconds} s"
        # It had begun, unlike whatever else is limited, and a model must not take it for undone.
        self.sentence = f"It stopped where it needed {asked}; what it did before that is done. {when}"
        super().__init__(f"{self.sentence} {json.dumps(self.described, separators=(',', ':'))}")

    @property
    def described(self) -> dict[str, Any]:
        """The one object by which every refusal is described; the guard adds the tool."""
        found: dict[str, Any] = {
            "error": "rate_limited",
            "message": self.sentence,
            "scope": "downstream",
            "downstream": self.downstream,
            "limit": self.limit.most,
            "remaining": 0,
            "window_s": self.limit.seconds,
        }
        if self.retry_after_s is not None:
            found["retry_after_s"] = self.retry_after_s
        return found

    def refusal(self, tool: str) -> Deny:
        """Return the same as the refusal of a call of `tool`."""
        return Deny(
            error="rate_limited",
            message=self.sentence,
            reason="limit of downstream",
            retry_after_s=self.retry_after_s,
            exceeded=Exceeded(
                scope="downstream",
                most=self.limit.most,
                window_s=self.limit.seconds,
                tool=tool,
                downstream=self.downstream,
            ),
        )


@lru_cache(maxsize=8)
def _shown_by(bases: tuple[type[Exception], ...]) -> type[DownstreamLimitedError]:
    made: type[DownstreamLimitedError] = type("DownstreamLimitedError", (DownstreamLimitedError, *bases), {})
    return made


def _limited(name: str, limit: Limit, retry_after_s: int | None) -> DownstreamLimitedError:
    """Return the error, as one that the frameworks loaded here let through to the model."""
    found = (getattr(sys.modules.get(module), word, None) for module, word in _FRAMEWORKS)
    bases = tuple(one for one in found if isinstance(one, type) and issubclass(one, Exception))
    error = _shown_by(bases)(name, limit, retry_after_s)
    noted = _noted.get(None)
    if noted is not None and len(noted) < _MOST_NOTED:
        noted.append(error)
    return error


_noted: ContextVar[list[DownstreamLimitedError]] = ContextVar("resource_lib_downstream")


class noting:  # noqa: N801 - read as a verb
    """Collect in `found` what is raised while one call runs. For the guard."""

    __slots__ = ("_found", "_mark")

    def __init__(self, found: list[DownstreamLimitedError]) -> None:
        self._found = found

    def __enter__(self) -> None:
        """Enter."""
        self._mark = _noted.set(self._found)

    def __exit__(self, *_: object) -> None:
        """Leave."""
        _noted.reset(self._mark)


def said_by(result: Mapping[str, Any], noted: Sequence[DownstreamLimitedError]) -> DownstreamLimitedError | None:
    """Return the refusal that a tool's result passes on: an error in whose text one of `noted` stands whole; None: none does.

    A tool that caught it and has something else to say keeps its own words.
    """
    if not noted or result.get("isError") is not True:
        return None
    content = result.get("content")
    for block in content if isinstance(content, list) else ():
        text = block.get("text") if isinstance(block, dict) else None
        if isinstance(text, str):
            for error in noted:
                if str(error) in text:
                    return error
    return None


class Budget:
    """How often one API may be asked, and where that is counted. `wait_s`: how long a request waits at most for its turn."""

    def __init__(self, name: str, limit: Limit, *, resource: str, store: LimitStore, wait_s: float) -> None:
        self.name = name
        self.limit = limit
        self._resource = resource
        self.store = store
        self._wait_s = wait_s
        self._waiting = 0

    async def take(self) -> None:
        """Count one request. Raises DownstreamLimitedError when it is not to be sent."""
        asked = [Asked(key=self._key(), most=self.limit.most, seconds=self.limit.seconds)]
        patience = self._wait_s
        while True:
            try:
                taken = await self.store.take(asked)
            except StoreUnavailableError:
                raise _limited(self.name, self.limit, math.ceil(_LATER_S)) from None
            if taken.refused is None:
                return
            after = taken.retry_after_s
            if after > patience or self._waiting >= MOST_WAITING:
                raise _limited(self.name, self.limit, max(1, math.ceil(after)))
            patience -= after
            self._waiting += 1
            try:
                await asyncio.sleep(after)
            finally:
                self._waiting -= 1

    def _key(self) -> str:
        whose = _EVERYBODY if self.limit.per == "server" else current_principal()
        return key_of(self.limit, whose, resource=self._resource, tool=f"downstream:{self.name}")


class Counted(httpx2.AsyncBaseTransport):
    """Sends a request by `inner` once it is counted."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises DownstreamLimitedError instead of sending it."""
        await self._budget.take()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._inner.aclose()


def client(
    budget: Budget,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    around: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] | None = None,
    options: Mapping[str, Any],
) -> httpx2.AsyncClient:
    """Return a client all of whose requests are counted. Raises SettingsError for options by which some would not be."""
    options = dict(options)
    for name in ("mounts", "app"):
        if name in options:
            raise SettingsError(name, "would send requests past the count", "make one client for each API")
    if transport is None:
        # As the client itself would make it, and without the environment's proxies, which it would go through uncounted.
        words = {
            name: options.pop(name)
            for name in ("verify", "cert", "http1", "http2", "limits", "proxy")
            if name in options
        }
        transport = httpx2.AsyncHTTPTransport(trust_env=False, **words)
    elif options.get("proxy") is not None:
        raise SettingsError("proxy", "would send requests past the count", "give it to the transport")
    counted: httpx2.AsyncBaseTransport = Counted(transport, budget)
    return httpx2.AsyncClient(
        transport=counted if around is None else around(counted), **{**options, "trust_env": False}
    )


def budget(name: str, limit: str | Limit, *, resource: str, store: LimitStore, wait_s: float) -> Budget:
    """Return how often `name` may be asked. A limit that does not say whose it is counts for this whole server.

    Raises SettingsError.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError("downstream", f"{str(name)[:60]!r} is no plain name", "use letters, digits and . _ -")
    try:
        found = limit if isinstance(limit, Limit) else parse_limit(limit)
    except InvalidLimitError as error:
        raise SettingsError(f"downstream[{name!r}]", f"{str(limit)[:60]!r} {error}", CURE) from None
    if isinstance(limit, str) and " per " not in limit:
        found = replace(found, per="server")
    if not 0 <= wait_s <= LONGEST_WAIT_S:
        raise SettingsError(
            f"downstream[{name!r}].wait_s", f"{wait_s} is out of range", f"0 to {LONGEST_WAIT_S:.0f} seconds"
        )
    return Budget(name, found, resource=resource, store=store, wait_s=wait_s)


_EVERYBODY: Final = Principal(
    tenant="", subject="", client_id="", scopes=frozenset(), authorization_id="", token_id="", issued_at=0, expires_at=0
)
"""Nobody in particular: a limit of the whole server asks for no caller."""
