"""
Every kind of signal: what it looks for, the numbers that decide, and what they may be set to (C31, C55).

The numbers are the defaults. A tenant's operators change them (`settings.py`), within the bounds that stand here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What can be unusual."""

    VOLUME = "volume"
    DENIALS = "denials"
    FIRST_USE = "first_use"
    CHAIN = "chain"
    OFF_HOURS = "off_hours"
    CROSS_TENANT = "cross_tenant"
    INJECTION = "injection"
    SIZE = "size"
    LATENCY = "latency"
    ERRORS = "errors"
    LIMITS = "limits"
    RUBBER_STAMP = "rubber_stamp"
    PARALLEL = "parallel"


class Gravity(StrEnum):
    """How grave it is, by itself."""

    NOTE = "note"
    WARNING = "warning"
    CRITICAL = "critical"


GRAVITIES: Final = tuple(Gravity)
"""From the mildest on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """One number that decides: its default, its bounds, and what it is."""

    default: float
    least: float
    most: float
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What one kind is about. `of`: whose baseline it has: an agent (person and application), a tool, or an approver."""

    title: str
    says: str
    of: str
    gravity: Gravity
    numbers: Mapping[str, Number] = field(default_factory=dict)


def _n(default: float, least: float, most: float, says: str) -> Number:
    return Number(default=default, least=least, most=most, says=says)


_LEARN_CALLS: Final = _n(50, 10, 100_000, "calls of an agent that are only observed at first")

SPECS: Final[Mapping[Kind, Spec]] = {
    Kind.VOLUME: Spec(
        title="Many more calls than usual",
        says="An agent calls a tool, or all tools together, far more often in an hour or a day than it used to.",
        of="agent",
        gravity=Gravity.WARNING,
        numbers={
            "z": _n(4, 2, 20, "how many deviations above the average"),
            "times": _n(3, 1.2, 100, "how many times the average at least"),
            "hour_least": _n(50, 5, 1_000_000, "calls in an hour below which nothing is said"),
            "day_least": _n(150, 10, 10_000_000, "calls in a day below which nothing is said"),
            "learn_hours": _n(24, 5, 1_000, "hours with calls that are only observed at first"),
            "learn_days": _n(7, 3, 90, "days with calls that are only observed at first"),
        },
    ),
    Kind.DENIALS: Spec(
        title="Many refusals at once",
        says="An agent is refused again and again: it tries what it may not do.",
        of="agent",
        gravity=Gravity.WARNING,
        numbers={
            "burst": _n(5, 2, 1_000, "refusals within 60 seconds"),
            "of_last": _n(11, 5, 20, "refusals among its last 20 calls, within an hour"),
        },
    ),
    Kind.FIRST_USE: Spec(
        title="A write tool used for the first time",
        says="An agent uses a tool that changes something and that it has not used for 30 days or ever.",
        of="agent",
        gravity=Gravity.NOTE,
        numbers={
            "learn_calls": _LEARN_CALLS,
            "learn_days": _n(7, 1, 90, "days with calls that are only observed at first"),
            "others": _n(
                3, 1, 3, "as many others who use the tool by the same application make it usual, unless it destroys"
            ),
        },
    ),
    Kind.CHAIN: Spec(
        title="Calls in an unusual order",
        says="Text from outside or a secret was read, something was sent, something was deleted; or calls follow each other as this application's never do.",
        of="agent",
        gravity=Gravity.WARNING,
        numbers={
            "z": _n(7, 3, 50, "how many deviations the surprise lies above the average"),
            "bits": _n(5, 1, 30, "the surprise of five steps on average, in bits, below which nothing is said"),
            "learn_steps": _n(1000, 100, 1_000_000, "steps of an application that are only observed at first"),
            "learn_days": _n(
                7, 1, 90, "days of an application on which what is read, sent and deleted is only observed at first"
            ),
            "minutes": _n(15, 1, 1440, "within how many minutes reading, sending and deleting belong together"),
        },
    ),
    Kind.OFF_HOURS: Spec(
        title="At an unusual hour",
        says="An agent works at an hour of the week at which it hardly ever did.",
        of="agent",
        gravity=Gravity.NOTE,
        numbers={
            "percent": _n(0.1, 0.01, 5, "the share of its hours below which an hour is unusual"),
            "least": _n(8, 1, 10_000, "calls in the hour below which nothing is said"),
            "learn_hours": _n(50, 20, 5_000, "hours with calls that are only observed at first"),
        },
    ),
    Kind.CROSS_TENANT: Spec(
        title="A try to reach another organisation",
        says="A token, an approval or a question was for another organisation than the one it was sent to. Each is told.",
        of="agent",
        gravity=Gravity.CRITICAL,
    ),
    Kind.INJECTION: Spec(
        title="A write after text that reads like orders",
        says="An answer read like orders to a model, and the same agent wrote something soon after.",
        of="agent",
        gravity=Gravity.CRITICAL,
        numbers={"minutes": _n(15, 1, 1440, "for how many minutes a write counts as following it")},
    ),
    Kind.SIZE: Spec(
        title="Far larger answers than usual",
        says="A tool returned far more to an agent, in one answer or in a day, than it used to.",
        of="agent",
        gravity=Gravity.WARNING,
        numbers={
            "z": _n(4, 2, 20, "how many deviations above the average of its logarithm"),
            "times": _n(5, 1.5, 1_000, "how many times the usual size at least"),
            "least_kb": _n(64, 1, 1_000_000, "kilobytes in one answer below which nothing is said"),
            "day_least_kb": _n(1024, 10, 100_000_000, "kilobytes in a day below which nothing is said"),
            "learn_answers": _n(30, 10, 10_000, "answers that are only observed at first"),
            "learn_days": _n(7, 3, 90, "days with calls that are only observed at first"),
        },
    ),
    Kind.LATENCY: Spec(
        title="A tool has become slow",
        says="A tool took twice as long as usual for ten minutes.",
        of="tool",
        gravity=Gravity.NOTE,
        numbers={
            "times": _n(2, 1.2, 100, "how many times the usual time"),
            "least": _n(15, 5, 10_000, "calls that are looked at together, over ten minutes or longer"),
            "learn_days": _n(5, 2, 90, "days with calls that are only observed at first"),
        },
    ),
    Kind.ERRORS: Spec(
        title="A tool fails often",
        says="Far more of a tool's calls failed within ten minutes than usual.",
        of="tool",
        gravity=Gravity.NOTE,
        numbers={
            "times": _n(2, 1.2, 100, "how many times the usual share"),
            "above": _n(25, 1, 100, "percentage points above the usual share"),
            "failed": _n(6, 1, 10_000, "failed calls below which nothing is said"),
            "learn_days": _n(5, 2, 90, "days with calls that are only observed at first"),
        },
    ),
    Kind.LIMITS: Spec(
        title="Runs into limits again and again",
        says="An agent was refused by limits many times in an hour and went on.",
        of="agent",
        gravity=Gravity.NOTE,
        numbers={"hour_least": _n(30, 2, 1_000_000, "refusals by limits in an hour")},
    ),
    Kind.RUBBER_STAMP: Spec(
        title="Approvals without a look",
        says="A person says yes to nearly everything faster than anybody reads.",
        of="approver",
        gravity=Gravity.WARNING,
        numbers={
            "seconds": _n(2, 0.2, 60, "a decision within so many seconds of the page was not thought about"),
            "percent": _n(98, 50, 100, "the share of such yeses"),
            "least": _n(20, 5, 50, "decisions below which nothing is said"),
        },
    ),
    Kind.PARALLEL: Spec(
        title="One login in two places",
        says="One authorization is used in turns by two sessions, or a code or refresh token was used again: somebody may have a copy.",
        of="agent",
        gravity=Gravity.CRITICAL,
        numbers={
            "turns": _n(6, 2, 1_000, "changes between two sessions within 10 minutes"),
            "learn_calls": _LEARN_CALLS,
            "learn_days": _n(5, 1, 90, "days with calls that are only observed at first"),
        },
    ),
}

Numbers = Mapping[str, Mapping[str, float]]
"""By kind, then by name: the numbers that are in force."""

DEFAULTS: Final[Numbers] = {
    kind.value: {name: number.default for name, number in spec.numbers.items()} for kind, spec in SPECS.items()
}
