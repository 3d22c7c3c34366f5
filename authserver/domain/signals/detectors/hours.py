"""
At which hours of the week an agent works: 168 of them, by the tenant's clocks, each counted once however much is done in it.
"""

from typing import Any, Final

from authserver.domain.signals.detectors.found import Found, Look
from authserver.domain.signals.kinds import Gravity, Kind

_HOURS: Final = 168
_BESIDE: Final = ((1, 0.4), (2, 0.2), (3, 0.1))
"""How much an hour says about those beside it: a little, up to three hours away."""
_FADES_AT: Final = 1000
"""Hours after which all counts are halved: what was usual half a year ago is not for ever."""


def off_hours(look: Look) -> None:
    """Count the hour once, and say when there are calls in one that hardly ever had any."""
    fact, hour = look.fact, look.hour
    if not fact.runs:
        return
    known = look.agent.setdefault("h", {"bins": [0] * _HOURS, "n": 0, "hour": hour, "calls": 0, "odd": False})
    if hour < known["hour"]:
        return
    if hour > known["hour"]:
        _learn(known)
        known["hour"], known["calls"], known["odd"] = hour, 0, False
    known["calls"] += 1
    numbers = look.numbers["off_hours"]
    if known["calls"] < numbers["least"] or known["n"] < numbers["learn_hours"]:
        return
    share = share_of(known["bins"], known["n"], hour % _HOURS)
    if share * 100 < numbers["percent"]:
        known["odd"] = True
        said = {
            "weekday": (hour // 24 + 3) % 7,
            "hour": hour % 24,
            "calls": known["calls"],
            "percent": round(share * 100, 2),
            "known_hours": known["n"],
        }
        look.say(Found(Kind.OFF_HOURS, fact.agent, Gravity.NOTE, fact, said))


def share_of(bins: list[int], n: int, at: int) -> float:
    """Return which part of an agent's hours lies at this hour of the week, smoothed with the hours beside it and on other days."""
    near = sum(part * (bins[at - away] + bins[(at + away) % _HOURS]) for away, part in _BESIDE)
    others = sum(bins[(at + 24 * days) % _HOURS] for days in range(1, 7))
    return (bins[at] + near + 0.15 * others) / n


def _learn(known: dict[str, Any]) -> None:
    """Take the hour that is over, once; one that was unusual teaches nothing."""
    if known["odd"]:
        return
    bins: list[int] = known["bins"]
    bins[known["hour"] % _HOURS] += 1
    known["n"] += 1
    if known["n"] >= _FADES_AT:
        bins[:] = [one // 2 for one in bins]
        known["n"] = sum(bins)
