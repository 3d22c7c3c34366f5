"""
What is counted where nobody says more: the defaults of one guard, and how a caller is told.

    ResourceGuard(…, limits=Limits(credential="120/min", tenant="5000/min", concurrent=4, running=["8", "200 per server"]))

A tool's own `limit=` takes the place of its class's; whatever a policy file or a tenant's operators say comes on top, and only ever
tightens. A cost larger than a limit could never be paid, so it stops the start. C37 to C42, decision 12.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from resource_lib.limits.store import LimitStore
from resource_lib.policy import Demand, ToolClass
from resource_lib.settings import SettingsError
from resource_lib.wire.limit import (
    CAP_CURE,
    CURE,
    Cap,
    InvalidLimitError,
    Limit,
    LimitScope,
    Per,
    fewest,
    parse_cap,
    parse_limit,
)
from resource_lib.wire.tool_policy import EVERY_TOOL

Words = str | Limit | list[str] | tuple[str | Limit, ...] | None
"""One limit, several of which each holds, or none."""
Caps = int | str | Cap | list[int | str] | tuple[int | str | Cap, ...] | None
"""One cap, several of which each holds, or none."""

Signal = Literal["auto", "tool_result", "http_429"]

REQUESTS: Final[tuple[Per, ...]] = ("server", "tenant", "user", "client", "credential")
"""Whose requests of any kind are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limited:
    """One refusal, for whoever watches: ids and numbers, nothing that a caller wrote."""

    scope: LimitScope
    tool: str | None
    """None: it was no call of a tool, or of several."""
    most: int
    window_s: int | None
    """None: it is not how often that is limited, but how many at once."""
    per: Per | None
    """Of a tool, or of running calls: who counts together."""
    retry_after_s: int
    tenant: str
    subject: str
    client_id: str
    authorization_id: str
    definition_hash: str = ""
    """What the tool was when it was called; empty: nobody had to look, or no tool is limited."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits of one guard. Raises SettingsError for what nobody could keep."""

    credential: Words = "60/min"
    """Requests of one login, and, while `user` says nothing, of all logins of one person together: a second one gains nothing."""
    user: Words = None
    """Requests of one person (or machine) of a tenant, whatever they use; None: as many as one login."""
    client: Words = None
    """Requests of one application in one tenant."""
    tenant: Words = None
    server: Words = None
    read: Words = "60/min"
    """Calls of each tool that reads, and whose author says no limit for one person or login."""
    write: Words = "30/min"
    destructive: Words = "3/hour"
    concurrent: Caps = None
    """How many calls of each tool may run at once: `4` of one person, where its author does not say it; `"50 per server"` of all."""
    running: Caps = None
    """How many calls may run at once, of whatever tools: `["8", "16 per client", "200 per server"]`."""
    signal: Signal = "auto"
    """How a refusal is said: what limits a tool in the tool's result, what limits requests by HTTP 429; or always in one of both ways."""
    headers: bool = True
    """Whether a refusal carries `RateLimit` and `RateLimit-Policy`, which are a draft; `Retry-After` it always carries."""
    store: LimitStore | None = None
    """Where it is counted; None: in this process, for itself."""
    expected_instances: int = 1
    """Among how many processes each limit is shared while a shared store is away."""
    on_limited: Callable[[Limited], None] | None = None
    """Hears of each refusal, at once: for metrics, and for whoever watches for what is unusual. It must not wait."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning, at the start."""
        for name in (*REQUESTS, *get_args(ToolClass)):
            object.__setattr__(self, name, _limits(name, getattr(self, name)))
        if self.signal not in get_args(Signal):
            raise SettingsError("limits.signal", f"{self.signal!r} is unknown", "write auto, tool_result or http_429")
        if type(self.expected_instances) is not int or self.expected_instances < 1:
            raise SettingsError(
                "limits.expected_instances", "is less than 1", "say how many processes serve this resource"
            )
        for name in ("concurrent", "running"):
            object.__setattr__(self, name, _caps(name, getattr(self, name)))

    @property
    def of_requests(self) -> tuple[tuple[Per, Limit], ...]:
        """What every request meets, by the name under which it is said."""
        given: dict[Per, tuple[Limit, ...]] = {name: getattr(self, name) for name in REQUESTS}
        if not given["user"]:
            # What one login may is what all of them may together: else whoever logs in twice would have twice as much.
            given["credential"] = tuple(replace(one, per="user") for one in given["credential"])
        return tuple((name, one) for name, limits in given.items() for one in limits)

    def of_tool(self, demand: Demand) -> tuple[Limit, ...]:
        """Return what each call of a tool meets besides."""
        by_class: tuple[Limit, ...] = () if _is_authors_own(demand) else getattr(self, demand.tool_class)
        return _strictest((*by_class, *demand.limit))

    def of_running(self, demand: Demand) -> tuple[Cap, ...]:
        """Return how many calls of a tool may run at once."""
        caps: Any = self.concurrent
        author = demand.layers[0] if demand.layers else None
        if author is not None and any(one.per in ("user", "credential") for one in author.concurrent):
            caps = [one for one in caps if one.per not in ("user", "credential")]
        return fewest((*caps, *demand.concurrent))

    @property
    def of_all_running(self) -> tuple[Cap, ...]:
        """How many calls may run at once, of whatever tools."""
        caps: Any = self.running
        return fewest(caps)

    def refuse_unpayable(self, demands: Mapping[str, Demand]) -> None:
        """Raise SettingsError for a tool of which no call could ever be paid for."""
        for name, demand in sorted(demands.items()):
            for one in (*(limit for _, limit in self.of_requests), *self.of_tool(demand)):
                if demand.cost > one.most:
                    raise SettingsError(
                        f"tools[{name!r}].cost",
                        f"one call costs {demand.cost}, and {one} never allows more than {one.most}",
                        "lower the cost, or give the tool, or limits=Limits(…), a larger limit",
                    )

    def said(self, demands: Mapping[str, Demand]) -> dict[str, tuple[str, ...]]:
        """Return the limits of each tool in words, and by `*` those of requests."""
        requests = {EVERY_TOOL: tuple(f"{one.most}/{one.seconds}s per {one.per}" for _, one in self.of_requests)}
        return requests | {name: tuple(map(str, self.of_tool(demand))) for name, demand in sorted(demands.items())}

    def warnings(self, demands: Mapping[str, Demand]) -> list[str]:
        """Return what an operator should know, in one line each."""
        said = []
        for name, demand in sorted(demands.items()):
            own = self.of_tool(demand)
            if not own:
                said.append(f"{name}: calls of it are not limited")
            elif all(one.per == "credential" for one in own):
                said.append(f"{name}: limited per credential alone, so that a second login has as much again")
        return said


def _is_authors_own(demand: Demand) -> bool:
    """Tell whether the author says how often one person may call a tool, of the class that it is of now."""
    author = demand.layers[0] if demand.layers else None
    if author is None or (author.tool_class or "destructive") != demand.tool_class:
        return False
    return any(one.per in ("user", "credential") for one in author.limit)


def _limits(name: str, given: Any) -> tuple[Limit, ...]:
    listed = () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)
    found = []
    for one in listed:
        try:
            limit = one if isinstance(one, Limit) else parse_limit(one)
        except InvalidLimitError as error:
            raise SettingsError(f"limits.{name}", f"{str(one)[:60]!r} {error}", CURE) from None
        if name in REQUESTS:
            if isinstance(one, str) and " per " in one and limit.per != name:
                raise SettingsError(f"limits.{name}", f"{one!r} counts per {limit.per}", f"leave per {limit.per} out")
            limit = replace(limit, per=name)
        found.append(limit)
    return _strictest(tuple(found))


def _caps(name: str, given: Any) -> tuple[Cap, ...]:
    listed = () if given is None else tuple(given) if isinstance(given, list | tuple) else (given,)
    found = []
    for one in listed:
        try:
            found.append(one if isinstance(one, Cap) else parse_cap(one))
        except InvalidLimitError as error:
            raise SettingsError(f"limits.{name}", f"{str(one)[:60]!r} {error}", CAP_CURE) from None
    return fewest(found)


def _strictest(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Return one for each of those who count together and each time: of several the smallest."""
    kept: dict[tuple[Per, int], Limit] = {}
    for one in limits:
        known = kept.get((one.per, one.seconds))
        if known is None or one.most < known.most:
            kept[one.per, one.seconds] = one
    return tuple(kept.values())
