"""
Refusals: many at once, by limits again and again, and each that was for another organisation.
"""

from typing import Final

from authserver.domain.signals.detectors.found import Found, Look
from authserver.domain.signals.kinds import Gravity, Kind

_LAST: Final = 20
_BURST_S: Final = 60
_HOUR_S: Final = 3600
_OTHER_TENANT: Final = frozenset({"tenant", "other_tenant"})
_PEOPLE: Final = "person:"


def denials(look: Look) -> None:
    """Take note of whether a call was refused, and say when many were within a minute or among the last ones."""
    fact = look.fact
    if not (fact.is_first and (fact.phase or fact.is_denied)):
        return
    known = look.agent.setdefault("d", {"at": [], "bits": 0, "n": 0})
    known["bits"] = (known["bits"] << 1 | fact.is_denied) & ((1 << _LAST) - 1)
    known["n"] = min(known["n"] + 1, _LAST)
    if not fact.is_denied:
        return
    times: list[int] = [*known["at"], fact.at][-_LAST:]
    known["at"] = times
    numbers = look.numbers["denials"]
    burst = sum(1 for at in times if at > fact.at - _BURST_S)
    of_last = known["bits"].bit_count()
    recent = sum(1 for at in times if at > fact.at - _HOUR_S)
    is_burst = burst >= numbers["burst"]
    if is_burst or (known["n"] == _LAST and of_last >= numbers["of_last"] and recent >= numbers["of_last"]):
        look.say(
            Found(
                Kind.DENIALS,
                fact.agent,
                Gravity.WARNING,
                fact,
                {"burst": burst, "of_last": of_last, "last": known["n"], "reason": fact.reason, "is_burst": is_burst},
            )
        )


def limits(look: Look) -> None:
    """Count refusals by limits within an hour."""
    fact = look.fact
    if fact.reason != "rate_limited" or not fact.is_refused:
        return
    hour = fact.at // _HOUR_S
    known = look.agent.setdefault("l", [hour, 0])
    if hour > known[0]:
        known[:] = [hour, 0]
    known[1] += 1
    if known[1] >= look.numbers["limits"]["hour_least"]:
        look.say(
            Found(
                Kind.LIMITS,
                fact.agent,
                Gravity.NOTE,
                fact,
                {"refused": known[1], "least": look.numbers["limits"]["hour_least"]},
            )
        )


def cross_tenant(look: Look) -> None:
    """Say each one."""
    fact = look.fact
    if fact.is_refused and (fact.reason in _OTHER_TENANT or fact.why in _OTHER_TENANT):
        look.say(Found(Kind.CROSS_TENANT, fact.agent, Gravity.CRITICAL, fact))
