"""
Which tools an agent uses, in which order, and what it does after it has read what strangers wrote.
"""

import re
from math import log2
from typing import Any, Final

from authserver.domain.signals.detectors.found import Found, Look
from authserver.domain.signals.kinds import Gravity, Kind
from authserver.domain.signals.usual import Usual, deviation, learn, trim

_DAY_S: Final = 86_400
_FORGOTTEN_DAYS: Final = 30
_MOST_SEEN: Final = 128
_MOST_TOOLS: Final = 64
_MOST_NEXT: Final = 32
_PAUSE_S: Final = 30 * 60
"""After such a pause a chain begins anew."""
_STEPS: Final = 5
_USUAL_DAYS: Final = 2
"""On so many days of the last 30 the same was read, sent and deleted: then it is how this application works."""
_MOST_TRAINED_AN_HOUR: Final = 120
"""How many steps of one agent an hour teaches: whoever repeats a chain does not make it usual."""
_BETWEEN: Final = re.compile(r"[^a-z0-9]+")
DELETES: Final = frozenset(
    {
        "delete",
        "remove",
        "purge",
        "drop",
        "erase",
        "destroy",
        "wipe",
        "truncate",
        "revoke",
        "clear",
        "uninstall",
        "terminate",
    }
)
"""Words in the name of a tool that say that something is gone afterwards."""
SENDS: Final = frozenset(
    {
        "send",
        "mail",
        "email",
        "post",
        "publish",
        "share",
        "upload",
        "forward",
        "notify",
        "invite",
        "export",
        "webhook",
        "tweet",
        "message",
    }
)
"""Words in the name of a tool that say that something leaves."""


def first_use(look: Look) -> None:
    """Remember which tools were used, and say when one that changes something is new."""
    fact = look.fact
    if not fact.runs:
        return
    today = fact.at // _DAY_S
    seen: dict[str, int] = look.agent.setdefault("seen", {})
    last = seen.pop(fact.tool, None)
    seen[fact.tool] = today
    trim(seen, _MOST_SEEN)
    if not fact.writes:
        return
    users: dict[str, dict[str, int]] = look.app.setdefault("users", {})
    by_whom = users.pop(fact.tool, {})
    others = sum(1 for who, day in by_whom.items() if who != fact.who and day >= today - _FORGOTTEN_DAYS)
    by_whom.pop(fact.who, None)
    by_whom[fact.who] = today
    trim(by_whom, 4)
    users[fact.tool] = by_whom
    trim(users, _MOST_TOOLS)
    numbers = look.numbers["first_use"]
    is_new = last is None or last < today - _FORGOTTEN_DAYS
    if not is_new or look.agent["n"] < numbers["learn_calls"] or look.agent["days"] < numbers["learn_days"]:
        return
    destroys = fact.tool_class == "destructive"
    if destroys or others < numbers["others"]:
        look.say(
            Found(
                Kind.FIRST_USE,
                f"{fact.agent} {fact.tool}",
                Gravity.WARNING if destroys else Gravity.NOTE,
                fact,
                {
                    "class": fact.tool_class,
                    "days_ago": None if last is None else today - last,
                    "calls_before": look.agent["n"],
                    "days_known": look.agent["days"],
                    "others": others,
                },
            )
        )


def injection(look: Look) -> None:
    """Remember an answer that read like orders, and say each write that is let through soon after."""
    fact, agent = look.fact, look.agent
    if fact.is_hostile:
        agent["told"] = [fact.at, fact.tool]
    told = agent.get("told")
    if told is None or not fact.runs or not fact.writes or fact.is_hostile:
        return
    after_s = fact.at - told[0]
    if 0 <= after_s <= look.numbers["injection"]["minutes"] * 60:
        by_person = bool(fact.approval)
        look.say(
            Found(
                Kind.INJECTION,
                fact.agent,
                Gravity.WARNING if by_person else Gravity.CRITICAL,
                fact,
                {"after_s": after_s, "read_by": told[1], "approved": by_person},
            )
        )


def chain(look: Look) -> None:
    """Say what was read from outside, sent and deleted in this order, and steps that follow each other as they never do."""
    if look.fact.tool and look.fact.phase == "outcome":
        _mark(look)
    if look.fact.runs:
        _rule(look)
        _surprise(look)


def _mark(look: Look) -> None:
    fact = look.fact
    if fact.is_outside or fact.is_secret or fact.is_hostile:
        look.agent["ch"] = {"read": fact.tool, "at": fact.at, "secret": fact.is_secret}


def _rule(look: Look) -> None:
    fact = look.fact
    known: dict[str, Any] | None = look.agent.get("ch")
    if known is None:
        return
    if fact.at - known["at"] > look.numbers["chain"]["minutes"] * 60:
        del look.agent["ch"]
        return
    if fact.writes and "sent" not in known and not SENDS.isdisjoint(_words(fact.tool)):
        known["sent"] = fact.tool
    elif fact.tool_class == "destructive" and "sent" in known and not DELETES.isdisjoint(_words(fact.tool)):
        if _is_usual(look, f"{known['read']} {known['sent']} {fact.tool}"):
            return
        numbers = {
            "rule": True,
            "steps": [known["read"], known["sent"], fact.tool],
            "minutes": max(1, (fact.at - known["at"]) // 60),
            "secret": known["secret"],
        }
        look.say(Found(Kind.CHAIN, f"{fact.agent} rule", Gravity.CRITICAL, fact, numbers))


def _words(tool: str) -> list[str]:
    return _BETWEEN.split(tool.lower())


def _is_usual(look: Look, chain: str) -> bool:
    """Whether an application did the same on several days before (each counts once), or is too new to say."""
    today = look.fact.at // _DAY_S
    known: dict[str, list[int]] = look.app.setdefault("chains", {})
    learnt = look.app["days"] > look.numbers["chain"]["learn_days"]
    days = [day for day in known.pop(chain, []) if day > today - _FORGOTTEN_DAYS]
    known[chain] = days if today in days else [*days, today][-_USUAL_DAYS - 1 :]
    trim(known, _MOST_TOOLS)
    return not learnt or sum(1 for day in days if day != today) >= _USUAL_DAYS


def _surprise(look: Look) -> None:
    """How unlikely each step is after the one before, in bits: -log2 of its smoothed share among what this application does there."""
    fact, numbers = look.fact, look.numbers["chain"]
    steps = look.agent.setdefault("st", {"last": "", "at": 0, "bits": [], "names": [], "hour": 0, "n": 0})
    before = steps["last"] if fact.at - steps["at"] <= _PAUSE_S else ""
    if not before:
        steps["bits"], steps["names"] = [], []
    model = look.app.setdefault("next", {})
    rows: dict[str, dict[str, int]] = model.setdefault("rows", {})
    row = rows.pop(before, {})
    rows[before] = row
    trim(rows, _MOST_TOOLS)
    total, kinds = sum(row.values()), len(rows) + 1
    share = (row.get(fact.tool, 0) + 0.5) / (total + 0.5 * kinds)
    steps["bits"] = [*steps["bits"], round(-log2(share), 2)][-_STEPS:]
    steps["names"] = [*steps["names"], fact.tool][-_STEPS:]
    steps["last"], steps["at"] = fact.tool, fact.at
    usual: Usual = model.setdefault("usual", [0, 0.0, 0.0])
    is_unusual = False
    average = sum(steps["bits"]) / len(steps["bits"])
    if len(steps["bits"]) == _STEPS and usual[0] >= numbers["learn_steps"]:
        limit = max(numbers["bits"], usual[1] + numbers["z"] * deviation(usual, 0.05))
        if average > limit:
            is_unusual = True
            said = {
                "rule": False,
                "steps": steps["names"],
                "bits": round(average, 1),
                "usual": round(usual[1], 1),
                "above": round(limit, 1),
                "share": round(share, 4),
            }
            look.say(Found(Kind.CHAIN, f"{fact.agent} order", Gravity.WARNING, fact, said))
    if look.hour != steps["hour"]:
        steps["hour"], steps["n"] = look.hour, 0
    steps["n"] += 1
    if is_unusual or steps["n"] > _MOST_TRAINED_AN_HOUR:
        return
    row[fact.tool] = row.pop(fact.tool, 0) + 1
    trim(row, _MOST_NEXT)
    if total > 5000:
        for name in row:
            row[name] = max(1, row[name] // 2)
    if len(steps["bits"]) == _STEPS:
        learn(usual, average, capped_from=int(numbers["learn_steps"]), alpha=0.002, floor=0.05)
