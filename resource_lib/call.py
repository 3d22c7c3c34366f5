"""
One call, and what is known about whoever makes it: all that a check may look at.

No I/O, no clock: `now` is a fact like the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from resource_lib.arguments import Advertised
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.policy import Demand
from resource_lib.revocation.standing import GOOD, Standing
from resource_lib.wire.approvals import Follows
from resource_lib.wire.condition import Scene


@dataclass(kw_only=True, slots=True)  # not frozen, which costs more than half of the decision: no check changes it
class Call:
    """What is asked for."""

    subject: str
    """The tool's name for `tools/call`, the method for anything else. As sent: it may be any text."""
    is_tool: bool


PINNED: Final = "authserver/definition_hash"
"""In the `_meta` of a call: the hash of what its client was tested with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """Which version of a tool a call asks for, as sent: each may be any JSON value."""

    selected: Any
    """What FastMCP takes from `_meta.fastmcp.version` as the version that it runs; None: the one it lists."""
    tested: Any
    """The hash of what the client was tested with; None: it does not say."""


@dataclass(kw_only=True, slots=True)  # as Call
class Facts:
    """What is known when a call is decided."""

    demand: Demand | None
    """What the policy demands; None: the policy does not know this call."""
    principal: Principal
    granted: frozenset[str]
    """The token's scopes and everything they imply."""
    now: float
    scene: Callable[[], Scene] | None = None
    """What conditions may look at, made when the first one asks; None: nothing is known, and so nothing decided."""
    definition: Definition | None = None
    """What the tool says of itself today; None: nobody asked for it, because nothing that is in force looks at it."""
    pin: Pin | None = None
    """Which version of the tool the call asks for; None: whichever is listed."""
    arguments: Any = None
    """What the call says, as it was sent: any JSON value, and None where there is none."""
    follows: Follows | None = None
    """What text from outside whoever calls was given lately; None: none that is known of."""
    advertised: Advertised | None = None
    """What callers are shown of arguments, and held to; None: arguments are the server's own business."""
    standing: Standing = GOOD
    """What was stopped that this call stands on, and how fresh that is known; good where nobody is followed."""


def pin_of(params: Any) -> Pin | None:
    """Return which version of a tool a call asks for in its `params._meta`; None: whichever is listed."""
    meta = params.get("_meta") if isinstance(params, dict) else None
    if not isinstance(meta, dict) or not meta:
        return None
    vendor = meta.get("fastmcp")
    selected = vendor.get("version") if isinstance(vendor, dict) else None
    tested = meta.get(PINNED)
    return None if selected is None and tested is None else Pin(selected=selected, tested=tested)


def granted_scopes(scopes: frozenset[str], implies: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return `scopes` with everything they imply. MCP "Step-Up Authorization Flow": a broader scope contains a narrower."""
    if not implies:
        return scopes
    found = scopes
    for scope in scopes:
        narrower = implies.get(scope)
        if narrower is not None:
            found = found | narrower
    return found
