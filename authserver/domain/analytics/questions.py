"""
What operators ask: how many calls, of which tool, by whom, how did they end, how long did they take; for a span, and over its time.

Read a page at a time, so that whoever waits for something else comes first, however much a hostile server has told.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, Literal

from authserver.domain.analytics import store
from authserver.domain.analytics.numbers import Numbers, client_of
from authserver.domain.analytics.rollup import DAY, HOUR, KEPT_S, MINUTES, from_row
from authserver.domain.audit import event
from authserver.runtime.unit_of_work import Row, UnitOfWork

By = Literal["server", "tool", "client", "tenant", "hour", "day"]
LONGEST_S: Final = KEPT_S[DAY]
_AT_ONCE: Final = 500

_STEPS: Final = ((2 * HOUR, MINUTES, MINUTES), (2 * DAY, HOUR, HOUR), (14 * DAY, HOUR, 6 * HOUR), (LONGEST_S, DAY, DAY))
"""Up to which span, from which rows, told in which steps."""


class TooLongAgoError(Exception):
    """What is asked for is not kept that finely for so long. The message names the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked about; what is left empty is not asked about. Times are seconds since the epoch."""

    since: int
    until: int
    resource: str = ""
    tool: str = ""
    client_id: str = ""
    grain: int = 0
    """How finely: rows of five minutes, hours or days; 0: as fits the span."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What was looked at: whole steps that contain the span."""

    since: int
    until: int
    grain: int
    step: int

    @property
    def begins(self) -> range:
        """When each step begins."""
        return range(self.since, self.until, self.step)


@dataclass(kw_only=True, slots=True)
class Found:
    """What many calls amount to, together and by each thing one may ask for."""

    window: Window
    total: Numbers = field(default_factory=Numbers)
    steps: dict[int, Numbers] = field(default_factory=dict)
    """By when the step begins; those in which nothing happened too."""
    servers: dict[str, Numbers] = field(default_factory=dict)
    tools: dict[tuple[str, str], Numbers] = field(default_factory=dict)
    """By MCP server and tool."""
    clients: dict[str, Numbers] = field(default_factory=dict)
    tenants: dict[str, Numbers] = field(default_factory=dict)


def window_of(asked: Question, *, now: int) -> Window:
    """Return what is looked at for a question. Raises TooLongAgoError."""
    # Nothing has happened later, and a moment far away would be a list without end.
    until = min(asked.until, now + 1)
    span = until - asked.since
    if asked.grain:
        grain = step = asked.grain
    else:
        # Asked of long ago, the finest rows are gone.
        fitting = (one for one in _STEPS if span <= one[0] and asked.since >= now - KEPT_S[one[1]])
        _, grain, step = next(fitting, _STEPS[-1])
    if span <= 0:
        raise TooLongAgoError("it is not before the end, or not before now.")
    if asked.since < now - KEPT_S[grain]:
        kept = f"{KEPT_S[grain] // DAY} days"
        raise TooLongAgoError(f"counts by {_GRAIN_WORDS[grain]} are kept for {kept}: ask for a later beginning.")
    return Window(since=asked.since - asked.since % step, until=until + -until % step, grain=grain, step=step)


_GRAIN_WORDS: Final = {MINUTES: "five minutes", HOUR: "hour", DAY: "day"}


async def ask(work: UnitOfWork, asked: Question, *, everywhere: bool = False) -> Found:
    """Return what the bound tenant's calls amount to. `everywhere`: every tenant's, for who acts for the whole deployment.

    Raises TooLongAgoError.
    """
    found = Found(window=window_of(asked, now=work.now))
    found.steps = {begin: Numbers() for begin in found.window.begins}
    source = event.platform_work(work.machines, "count the calls of every tenant") if everywhere else work
    tenants: defaultdict[str, Numbers] = defaultdict(Numbers)
    servers: defaultdict[str, Numbers] = defaultdict(Numbers)
    clients: defaultdict[str, Numbers] = defaultdict(Numbers)
    tools: defaultdict[tuple[str, str], Numbers] = defaultdict(Numbers)
    place: Row | None = None
    while True:
        rows = await source.all(
            store.OF_ALL if everywhere else store.OF_TENANT,
            grain=found.window.grain,
            since=found.window.since,
            until=found.window.until,
            resource=asked.resource,
            tool=asked.tool,
            client_id=client_of(asked.client_id),
            **_behind(place, everywhere=everywhere),
            most=_AT_ONCE,
        )
        for row in rows:
            numbers = from_row(row)
            found.total.add(numbers)
            found.steps[row["begin"] - row["begin"] % found.window.step].add(numbers)
            servers[row["resource"]].add(numbers)
            tools[row["resource"], row["tool"]].add(numbers)
            clients[row["client_id"]].add(numbers)
            tenants[row["tenant_id"]].add(numbers)
        if len(rows) < _AT_ONCE:
            break
        place = rows[-1]
        await asyncio.sleep(0)
    found.servers, found.tools, found.clients, found.tenants = servers, tools, clients, tenants
    return found


def _behind(place: Row | None, *, everywhere: bool) -> dict[str, int | str]:
    behind: dict[str, int | str] = {
        "after_begin": place["begin"] if place else -1,
        "after_resource": place["resource"] if place else "",
        "after_tool": place["tool"] if place else "",
        "after_client": place["client_id"] if place else "",
    }
    return behind | ({"after_tenant": place["tenant_id"] if place else ""} if everywhere else {})
