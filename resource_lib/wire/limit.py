"""
How often something may be done, in an author's words: `10/hour`, `30/60s`, `1000/day per tenant`.

Frozen: code, a policy file and a tenant's overlay share the form. The standard library only. C37, C41.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Per = Literal["user", "credential", "client", "tenant", "server"]
"""Who counts together: one person (or machine) of a tenant, one login, one application in a tenant, a tenant, all callers."""
PERS: Final[tuple[Per, ...]] = get_args(Per)

MOST: Final = 1_000_000
LONGEST_S: Final = 30 * 24 * 3600

_UNITS: Final = {
    "s": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400,
}  # fmt: skip
_FORM: Final = re.compile(r"([1-9][0-9]{0,6})/(?:([1-9][0-9]{0,6}) ?)?([a-z]+)(?: per ([a-z]+))?", re.ASCII)
CURE: Final = (
    "write a count, a slash and a time, as in 10/hour, 30/60s or 100/minute per tenant; "
    f"per is followed by {', '.join(PERS[:-1])} or {PERS[-1]}"
)


class InvalidLimitError(ValueError):
    """No limit is said like that; `str()` is the fault, `CURE` the cure."""


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
