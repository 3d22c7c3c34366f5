"""
How often callers met a limit, as a guard tells its issuer: which limit, of which tool, in which tenant, how often; of nobody, and of no call.

    {"tenant": "ten_…", "tool": "search_orders", "limit": "tool", "times": 31, "in_minute": 12, "at": 1800000000}

Frozen: both sides spell it alike. The standard library only. C43, RL-06.
"""

import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from resource_lib.wire.limit import LIMIT_SCOPES, LimitScope

MOST_TOLD: Final = 50
"""How many lines are told at once."""
MOST_TIMES: Final = 2**53 - 1
_TENANT: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_MEMBERS: Final = frozenset({"tenant", "tool", "limit", "times", "in_minute", "at"})


class InvalidMetError(ValueError):
    """Nothing like that was told; `str()` is the fault."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitMet:
    """One limit of one tool in one tenant, and how often it refused since the process began."""

    tenant: str
    tool: str
    """Empty: not a tool's, or of several."""
    limit: LimitScope
    times: int
    in_minute: int
    """How often in the minute of the last."""
    at: int
    """When last, in seconds since the epoch."""

    def to_json(self) -> dict[str, Any]:
        """Return it as `parse_met` reads it."""
        return asdict(self)


def is_told(tenant: str, tool: str) -> bool:
    """Tell whether these names can be told: those of an issuer and of a policy can."""
    return _TENANT.fullmatch(tenant) is not None and (not tool or _TOOL.fullmatch(tool) is not None)


def parse_met(value: Any) -> tuple[LimitMet, ...]:
    """Return what was told. Raises InvalidMetError, and nothing else."""
    if not isinstance(value, list) or len(value) > MOST_TOLD:
        raise InvalidMetError(f"is a list of at most {MOST_TOLD}")
    return tuple(map(_met, value))


def _met(said: Any) -> LimitMet:
    if not isinstance(said, dict) or said.keys() != _MEMBERS:
        raise InvalidMetError(f"each has {', '.join(sorted(_MEMBERS))}")
    if not all(isinstance(said[name], str) for name in ("tenant", "tool", "limit")):
        raise InvalidMetError("tenant, tool and limit are texts")
    if not is_told(said["tenant"], said["tool"]):
        raise InvalidMetError("tenant is an id, and tool a name of 1 to 128 of A-Z a-z 0-9 _ . / -, or empty")
    if said["limit"] not in LIMIT_SCOPES:
        raise InvalidMetError(f"limit is one of {', '.join(LIMIT_SCOPES)}")
    if not all(type(said[name]) is int and 0 <= said[name] <= MOST_TIMES for name in ("times", "in_minute", "at")):
        raise InvalidMetError("times, in_minute and at are whole numbers")
    return LimitMet(**said)
