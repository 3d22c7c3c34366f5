"""
Whether a person thinks before they say yes, and whether a login is in one place.
"""

from typing import Any, Final

from authserver.domain.signals.detectors.found import Found, Look
from authserver.domain.signals.kinds import Gravity, Kind
from authserver.domain.signals.usual import trim

_SHOWN: Final = "person:approval:shown"
_DECIDED: Final = {"person:approval:approved": True, "person:approval:denied": False}
_REUSED: Final = {"client:refresh_token:replayed": "refresh token", "client:code:replayed": "code"}
_LAST: Final = 50
_MOST_SHOWN: Final = 50
_TURNS_S: Final = 600
_MOST_AUTHORIZATIONS: Final = 8
_DAY_S: Final = 86_400


def rubber_stamp(look: Look) -> None:
    """Measure from the page to the decision, and say when nearly all yeses are faster than reading."""
    fact = look.fact
    if fact.kind == _SHOWN:
        shown: dict[str, int] = look.agent.setdefault("ps", {})
        shown.setdefault(fact.approval, fact.at)
        trim(shown, _MOST_SHOWN)
        return
    said_yes = _DECIDED.get(fact.kind)
    if said_yes is None:
        return
    numbers = look.numbers["rubber_stamp"]
    at = look.agent.get("ps", {}).pop(fact.approval, None)
    # Without a look at the page there is nothing that could have been read: by a program, or faster than the record.
    took = 0 if at is None else fact.at - at
    kept: list[list[int]] = [*look.agent.get("pd", []), [took, int(said_yes)]][-_LAST:]
    look.agent["pd"] = kept
    last = kept[-int(numbers["least"]) :]
    quick = sum(1 for seconds, yes in last if yes and seconds < numbers["seconds"])
    if len(last) >= numbers["least"] and quick >= len(last) * numbers["percent"] / 100:
        said = {"quick": quick, "decisions": len(last), "seconds": numbers["seconds"]}
        look.say(Found(Kind.RUBBER_STAMP, fact.who, Gravity.WARNING, fact, said))


def parallel(look: Look) -> None:
    """Say each second use of what is used once, and one authorization that two sessions use in turns."""
    fact = look.fact
    what = _REUSED.get(fact.kind)
    if what is not None:
        look.say(Found(Kind.PARALLEL, f"{fact.agent} reuse", Gravity.CRITICAL, fact, {"reused": what}))
        return
    if not (fact.is_first and fact.session and fact.authorization):
        return
    known: dict[str, dict[str, Any]] = look.agent.setdefault("pa", {})
    name = f"{fact.authorization} {fact.resource}"
    turns = known.pop(name, None) or {"now": "", "seen": {}, "at": []}
    known[name] = turns
    trim(known, _MOST_AUTHORIZATIONS)
    seen: dict[str, int] = turns["seen"]
    # Back to a session that is known: one that is new may have taken the place of the last.
    is_turn = turns["now"] != fact.session and fact.session in seen
    seen.pop(fact.session, None)
    seen[fact.session] = fact.at
    trim(seen, 4)
    turns["now"] = fact.session
    if not is_turn:
        return
    times: list[int] = [at for at in [*turns["at"], fact.at] if at > fact.at - _TURNS_S][-50:]
    turns["at"] = times
    numbers = look.numbers["parallel"]
    usual: list[int] = look.agent.setdefault("pu", [0, 0])
    today = fact.at // _DAY_S
    if len(times) < numbers["turns"]:
        return
    # Whoever always worked in two windows does so today: on which days it was so is known, and a day teaches once it is over.
    if usual[1] and usual[1] != today:
        usual[0] += 1
        usual[1] = 0
    is_known = look.agent["n"] >= numbers["learn_calls"] and look.agent["days"] >= numbers["learn_days"]
    if is_known and not usual[0]:
        said = {"turns": len(times), "sessions": len(seen), "minutes": _TURNS_S // 60}
        look.say(Found(Kind.PARALLEL, f"{fact.agent} turns", Gravity.CRITICAL, fact, said))
    elif not is_known:
        usual[1] = today
