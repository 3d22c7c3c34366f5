"""
How often something may be done, and how many at once, in an author's words: `10/hour`, `1000/day per tenant`; `4`, `50 per server`.

Frozen: code, a policy file and a tenant's overlay share the form. The standard library only. C37, C39, C41.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Per = Literal["user", "credential", "client", "tenant", "server"]
"""Who counts together: one person (or machine) of a tenant, one login, one application in a tenant, a tenant, all callers."""
PERS: Final[tuple[Per, ...]] = get_args(Per)

LimitScope = Literal["tool", "running", "server", "tenant", "user", "client", "credential", "downstream"]
"""What is limited: one tool, how many calls run at once, everything that those who count together ask, or an API below it."""
LIMIT_SCOPES: Final[tuple[LimitScope, ...]] = get_args(LimitScope)

MOST: Final = 1_000_000
MOST_AT_ONCE: Final = 10_000
LONGEST_S: Final = 30 * 24 * 3600

_UNITS: Final = {
    "s": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
}  # fmt: skip
_FORM: Final = re.compile(r"([1-9][0-9]{0,6})/(?:([1-9][0-9]{0,6}) ?)?([a-z]+)(?: per ([a-z]+))?", re.ASCII)
_CAP: Final = re.compile(r"([1-9][0-9]{0,4})(?: per ([a-z]+))?", re.ASCII)
CURE: Final = (
    "write a count, a slash and a time, as in 10/hour, 30/60s or 100/minute per tenant; "
    f"per is followed by {', '.join(PERS[:-1])} or {PERS[-1]}"
)

CAP_CURE: Final = (
    f"write a whole number, 1 to {MOST_AT_ONCE}, or one and whose, as in 50 per server; "
    f"per is followed by {', '.join(PERS[:-1])} or {PERS[-1]}"
)


class InvalidLimitError(ValueError):
    """No limit is said like that; `str()` is the fault, `CURE` (of a cap: `CAP_CURE`) the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most `most` in `seconds`, for each of those who count together."""

    most: int
    seconds: int
    per: Per = "user"

    def __str__(self) -> str:
        """Say it as `parse_limit` reads it."""
        return f"{self.most}/{self.seconds}s per {self.per}"


def parse_limit(text: Any) -> Limit:
    """Return the limit that a text says. Raises InvalidLimitError, and nothing else."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[3] not in _UNITS:
        raise InvalidLimitError("is no limit")
    most, seconds = int(found[1]), int(found[2] or 1) * _UNITS[found[3]]
    if most > MOST or seconds > LONGEST_S:
        raise InvalidLimitError(f"is larger than {MOST} or longer than {LONGEST_S // 86400} days")
    per = found[4] or "user"
    if per not in PERS:
        raise InvalidLimitError(f"counts per {per}, which is nobody")
    return Limit(most=most, seconds=seconds, per=per)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cap:
    """At most `most` at once, for each of those who count together."""

    most: int
    per: Per = "user"

    def __str__(self) -> str:
        """Say it as `parse_cap` reads it."""
        return f"{self.most} per {self.per}"

    @property
    def said(self) -> int | str:
        """Say it as shortly as JSON can: a number is one person's."""
        return self.most if self.per == "user" else str(self)


def parse_cap(given: Any) -> Cap:
    """Return the cap that a number or a text says. Raises InvalidLimitError, and nothing else."""
    text = str(given) if type(given) is int else given
    found = _CAP.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[1]) > MOST_AT_ONCE:
        raise InvalidLimitError(f"is no whole number of 1 to {MOST_AT_ONCE}")
    per = found[2] or "user"
    if per not in PERS:
        raise InvalidLimitError(f"counts per {per}, which is nobody")
    return Cap(most=int(found[1]), per=per)


def fewest(caps: Iterable[Cap]) -> tuple[Cap, ...]:
    """Return one for each of those who count together: of several the smallest."""
    kept: dict[Per, Cap] = {}
    for one in caps:
        known = kept.get(one.per)
        if known is None or one.most < known.most:
            kept[one.per] = one
    return tuple(kept.values())


def caps_to_json(caps: Sequence[Cap]) -> int | list[int | str] | None:
    """Return caps as rules say them: None for none, a number for that of one person alone, else a list."""
    if not caps:
        return None
    said = [one.said for one in caps]
    return said[0] if len(said) == 1 and isinstance(said[0], int) else said
