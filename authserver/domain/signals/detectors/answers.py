"""
What comes back: how much, how fast, and how often nothing.
"""

from math import exp, log
from typing import Any, Final

from authserver.domain.signals.detectors.found import Found, Look
from authserver.domain.signals.kinds import Gravity, Kind
from authserver.domain.signals.usual import Usual, Window, count, deviation, learn, trim, window

_MOST_TOOLS: Final = 64
_WINDOW_S: Final = 600
_DAY_S: Final = 86_400
_MOST: Final = 2**53 - 1
_FLOOR: Final = 0.25
"""The least variance of a logarithm: sizes always differ a little."""
_MOST_A_DAY: Final = 1.05
"""By how much a day may move what a tool usually takes: a slow drift is not taught."""
_FAILED: Final = frozenset({"tool_error", "failed", "unknown"})


def size(look: Look) -> None:
    """Compare an answer, and all of a day, with what this agent usually gets."""
    fact = look.fact
    if fact.phase != "outcome" or not fact.tool or not fact.result_bytes:
        return
    numbers = look.numbers["size"]
    sizes: dict[str, Usual] = look.agent.setdefault("z", {})
    usual = sizes.pop(fact.tool, None) or [0, 0.0, 0.0]
    sizes[fact.tool] = usual
    trim(sizes, _MOST_TOOLS)
    value = log(fact.result_bytes)
    is_large = False
    if usual[0] >= numbers["learn_answers"] and fact.result_bytes > numbers["least_kb"] * 1024:
        above = max(usual[1] + numbers["z"] * deviation(usual, _FLOOR), usual[1] + log(numbers["times"]))
        is_large = value > above
        if is_large:
            said = {
                "span": "answer",
                "bytes": fact.result_bytes,
                "usual": round(exp(usual[1])),
                "above": round(exp(min(above, 60))),
            }
            look.say(Found(Kind.SIZE, f"{fact.agent} {fact.tool}", Gravity.WARNING, fact, said))
    if not is_large:
        learn(usual, value, capped_from=int(numbers["learn_answers"]), floor=_FLOOR)
    day: Window = look.agent.setdefault("zd", window())
    if (
        count(
            day,
            look.hour // 24,
            by=fact.result_bytes // 1024 + 1,
            learnt_after=numbers["learn_days"],
            least=numbers["day_least_kb"],
            z=numbers["z"],
            times=numbers["times"],
        )
        and not is_large
    ):
        said = {
            "span": "day",
            "bytes": min(day[1] * 1024, _MOST),
            "usual": round(day[5] * 1024),
            "above": round(day[2] * 1024),
        }
        look.say(Found(Kind.SIZE, f"{fact.agent} *", Gravity.WARNING, fact, said))


def health(look: Look) -> None:
    """Compare the last calls of a tool, fifteen of them and ten minutes at least, with its days: how long they take, how many fail."""
    fact = look.fact
    if fact.phase != "outcome" or not fact.tool or not fact.status or fact.status == "cancelled":
        return
    known = look.tool.setdefault("t", {"at": fact.at, "n": 0, "log": 0.0, "bad": 0, "of": []})
    if fact.at >= known["at"] + _WINDOW_S and known["n"] >= look.numbers["latency"]["least"]:
        _close(look, known)
        known.update({"at": fact.at, "n": 0, "log": 0.0, "bad": 0, "of": []})
    known["n"] += 1
    known["log"] += log(max(fact.latency_us, 1))
    known["bad"] += fact.status in _FAILED
    known["of"] = [*known["of"], fact.id][-10:]


def _close(look: Look, known: dict[str, Any]) -> None:
    """Look at the calls that are over, and take them into their day."""
    day = known["at"] // _DAY_S
    days = look.tool.setdefault("td", {"day": day, "n": 0, "log": 0.0, "bad": 0, "days": 0, "usual": 0.0, "share": 0.0})
    if day > days["day"]:
        _close_day(days)
        days.update({"day": day, "n": 0, "log": 0.0, "bad": 0})
    is_slow, is_failing = _is_slow(look, known, days), _is_failing(look, known, days)
    if not is_slow and not is_failing:
        days["n"] += known["n"]
        days["log"] += known["log"]
        days["bad"] += known["bad"]


def _close_day(days: dict[str, Any]) -> None:
    if not days["n"]:
        return
    days["days"] += 1
    part = max(0.1, 1 / days["days"])
    usual, share = days["log"] / days["n"], days["bad"] / days["n"]
    step = part * (usual - days["usual"])
    if days["days"] > 3:
        step = min(step, log(_MOST_A_DAY))
    days["usual"] += step
    days["share"] += part * (share - days["share"])


def _is_slow(look: Look, known: dict[str, Any], days: dict[str, Any]) -> bool:
    numbers = look.numbers["latency"]
    if days["days"] < numbers["learn_days"]:
        return False
    took, usual = exp(known["log"] / known["n"]), exp(days["usual"])
    if took <= usual * numbers["times"]:
        return False
    said = {
        "took_ms": round(took / 1000, 1),
        "usual_ms": round(usual / 1000, 1),
        "times": round(took / usual, 1),
        "calls": known["n"],
        "minutes": max(1, (look.fact.at - known["at"]) // 60),
    }
    _say(look, Kind.LATENCY, known, said)
    return True


def _is_failing(look: Look, known: dict[str, Any], days: dict[str, Any]) -> bool:
    numbers = look.numbers["errors"]
    if days["days"] < numbers["learn_days"] or known["bad"] < numbers["failed"]:
        return False
    share, usual = known["bad"] / known["n"], days["share"]
    if share <= max(usual * numbers["times"], usual + numbers["above"] / 100):
        return False
    said = {
        "percent": round(share * 100),
        "usual": round(usual * 100, 1),
        "failed": known["bad"],
        "calls": known["n"],
        "minutes": max(1, (look.fact.at - known["at"]) // 60),
    }
    _say(look, Kind.ERRORS, known, said)
    return True


def _say(look: Look, kind: Kind, known: dict[str, Any], said: dict[str, Any]) -> None:
    about = f"{look.fact.resource} {look.fact.tool}"
    look.say(Found(kind, about, Gravity.NOTE, look.fact, said, events=tuple(known["of"]), is_of_tool=True))
