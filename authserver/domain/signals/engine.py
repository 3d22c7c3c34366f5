"""
Every detector over every event, in order: pure, so that what was found can be found again (`replaying.py`).

The baselines are dictionaries that the caller keeps, by name; a name says whose they are: `agent WHO CLIENT`, `app CLIENT`,
`tool RESOURCE NAME`. One event touches three of them at most. A detector that fails says nothing of this event, and the others go on.
"""

from collections.abc import Callable, MutableMapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from authserver.domain.signals.detectors.answers import health, size
from authserver.domain.signals.detectors.found import Detector, Found, Look, State
from authserver.domain.signals.detectors.hours import off_hours
from authserver.domain.signals.detectors.people import parallel, rubber_stamp
from authserver.domain.signals.detectors.refusals import cross_tenant, denials, limits
from authserver.domain.signals.detectors.tools import chain, first_use, injection
from authserver.domain.signals.detectors.volume import volume
from authserver.domain.signals.facts import Fact
from authserver.domain.signals.kinds import DEFAULTS, Numbers

log = structlog.get_logger("authserver.signals")

OF_CALLS: Final[tuple[Detector, ...]] = (volume, first_use, injection, chain, off_hours, size, health, parallel)
OF_ALL: Final[tuple[Detector, ...]] = (denials, limits, cross_tenant)
OF_PEOPLE: Final[tuple[Detector, ...]] = (rubber_stamp, parallel)

_PASSED_OVER: Final = ("signal:", "platform:", "key:", "notice:")
"""What no agent does, or what comes from here: a signal is no reason for another."""
_NOWHERE: Final = ""


def names(fact: Fact) -> tuple[str, str, str]:
    """Return which baselines an event touches: of the agent, the application and the tool."""
    tool = f"tool {fact.resource} {fact.tool}" if fact.tool else _NOWHERE
    # Whoever approves does so for whatever application asks.
    agent = fact.who if fact.kind.startswith("person:approval:") else fact.agent
    return f"agent {agent}", f"app {fact.client}" if fact.client else _NOWHERE, tool


def concerns(fact: Fact) -> bool:
    """Whether any detector looks at such an event."""
    return bool(fact.who or fact.client) and not fact.kind.startswith(_PASSED_OVER)


def look_at(
    fact: Fact,
    baselines: MutableMapping[str, State],
    say: Callable[[Found], None],
    *,
    numbers: Numbers = DEFAULTS,
    zone: str = "UTC",
) -> None:
    """Let every detector look at one event; whatever is unusual is said, and what is usual has learned it. Never raises."""
    agent_name, app_name, tool_name = names(fact)
    agent = baselines.setdefault(agent_name, {})
    app = baselines.setdefault(app_name, {}) if app_name else {}
    tool = baselines.setdefault(tool_name, {}) if tool_name else {}
    hour = fact.at // 3600
    look = Look(fact, agent, app, tool, numbers, hour + offset_of(zone, hour), say)
    if fact.phase:
        _count(agent, fact)
        _count(app, fact)
        for detector in OF_CALLS:
            _ask(detector, look)
    else:
        for detector in OF_PEOPLE:
            _ask(detector, look)
    if fact.is_first:
        for detector in OF_ALL:
            _ask(detector, look)


def _ask(detector: Detector, look: Look) -> None:
    try:
        detector(look)
    except Exception as error:  # noqa: BLE001 - of one detector and one event: the record goes on, and so do the others
        log.warning("detector_failed", detector=detector.__name__, kind=look.fact.kind, error=type(error).__name__)


def _count(agent: dict[str, Any], fact: Fact) -> None:
    day = fact.at // 86_400
    if "n" not in agent:
        agent.update({"n": 0, "days": 0, "day": -1})
    agent["n"] += fact.is_first
    if day > agent["day"]:
        agent["day"] = day
        agent["days"] += 1


@lru_cache(maxsize=4096)
def offset_of(zone: str, hour: int) -> int:
    """Return by how many hours the clocks of a zone differ from UTC at this hour (whole hours: half ones are rounded down)."""
    if zone == "UTC":
        return 0
    away = datetime.fromtimestamp(hour * 3600, ZoneInfo(zone)).utcoffset()
    return int(away.total_seconds() // 3600) if away is not None else 0
