"""
What every request to one guard is served with: made once, when the guard is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from resource_lib.arguments import Advertised
from resource_lib.audit.recorder import Recorder
from resource_lib.backchannel.overlay import Overlay
from resource_lib.challenge import Challenges
from resource_lib.context import Scenes
from resource_lib.exchange.caller import Callers
from resource_lib.exchange.upstream import Upstream
from resource_lib.handed import Handed
from resource_lib.held import HeldCalls
from resource_lib.judge import Judge
from resource_lib.limits.downstream import Budget
from resource_lib.limits.gate import Gate
from resource_lib.policy import Policies
from resource_lib.revocation.revocations import Revocations
from resource_lib.settings import GuardSettings
from resource_lib.transport.browsers import Browsers
from resource_lib.transport.definitions import Definitions
from resource_lib.transport.listing import ToolSchemas
from resource_lib.transport.public import PublicAnswers
from resource_lib.transport.refusals import Refusals
from resource_lib.transport.rooms import Rooms
from resource_lib.transport.sessions import Sessions


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """In the order in which a request meets them."""

    settings: GuardSettings
    public: PublicAnswers
    browsers: Browsers
    callers: Callers
    challenges: Challenges
    sessions: Sessions
    revocations: Revocations
    overlay: Overlay | None
    policies: Policies
    definitions: Definitions
    schemas: ToolSchemas
    advertised: Advertised | None
    judge: Judge
    refusals: Refusals
    gate: Gate | None
    record: Recorder | None
    budgets: Mapping[str, Budget]
    held: HeldCalls | None
    handed: Handed
    rooms: Rooms | None
    scenes: Scenes
    upstream: Upstream
    clock: Callable[[], float]
    """Seconds since the epoch."""
