"""
More calls than usual: of one tool and of all together, in an hour and in a day.

"10 times a day, now 500" (C55). An hour without calls teaches nothing, so that nights do not make mornings unusual. Where an agent is
too new to have a usual, what everybody together does with the tool counts.
"""

from typing import Final

from authserver.domain.signals.detectors.found import Found, Look
from authserver.domain.signals.kinds import Gravity, Kind
from authserver.domain.signals.usual import Window, count, deviation, trim, window

MOST_TOOLS: Final = 64
EVERY: Final = "*"
EVERYBODY: Final = "everybody"


def volume(look: Look) -> None:
    """Count a call that was let through."""
    fact = look.fact
    if not fact.runs:
        return
    windows: dict[str, list[Window]] = look.agent.setdefault("v", {})
    together: list[Window] = look.tool.setdefault("v", [window(), window()])
    tool, every = _pair(windows, fact.tool), _pair(windows, EVERY)
    trim(windows, MOST_TOOLS)
    learnt = look.numbers["volume"]["learn_hours"]
    said = _counted(look, tool, fact.tool, fact.agent)
    said = _counted(look, every, EVERY, fact.agent, is_quiet=said) or said
    is_known = tool[0][4] >= learnt or every[0][4] >= learnt
    _counted(look, together, fact.tool, EVERYBODY, is_quiet=said or is_known)


def _pair(windows: dict[str, list[Window]], name: str) -> list[Window]:
    found = windows.pop(name, None) or [window(), window()]
    windows[name] = found
    return found


def _counted(look: Look, pair: list[Window], name: str, who: str, *, is_quiet: bool = False) -> bool:
    """Count in both windows, and return whether either is unusual; the shorter one is said."""
    said = look.numbers["volume"]
    z, times = said["z"], said["times"]
    is_many = False
    for span, found, at in (("hour", pair[0], look.hour), ("day", pair[1], look.hour // 24)):
        if not count(
            found, at, by=1, learnt_after=said[f"learn_{span}s"], least=said[f"{span}_least"], z=z, times=times
        ):
            continue
        if not is_many and not is_quiet:
            numbers = {
                "span": span,
                "calls": found[1],
                "usual": round(found[5], 1),
                "deviation": round(deviation(found[4:7]), 1),
                "above": round(found[2], 1),
                "every_tool": name == EVERY,
                "everybody": who == EVERYBODY,
            }
            about = f"{who} {look.fact.resource} {name}" if who == EVERYBODY else f"{who} {name}"
            look.say(Found(Kind.VOLUME, about, Gravity.WARNING, look.fact, numbers, is_of_tool=who == EVERYBODY))
        is_many = True
    return is_many
