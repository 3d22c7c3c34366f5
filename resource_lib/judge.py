"""
Is this allowed: the policy's answer about one message of one caller, and about which tools there are for them.

Put together here: what is demanded in the caller's tenant, what their scopes contain, what came before, and what operators
were heard to demand. Decided in `checks/`. Before operators' demands were ever told, nothing that depends on them is decided.
Nothing here waits, asks or runs.
"""

from collections.abc import Container, Mapping

from resource_lib.backchannel.overlay import Overlay
from resource_lib.call import Call, Facts, granted_scopes
from resource_lib.checks import decide
from resource_lib.context import Scenes
from resource_lib.decision import Decision, Deny
from resource_lib.decisions import Decisions, note_observed
from resource_lib.identity.principal import Principal
from resource_lib.policy import MethodPolicy, Overlays, Policies
from resource_lib.transport import answers
from resource_lib.transport.body import Message
from resource_lib.wire.condition import Scene


class Judge:
    """Decides messages. `implies` names scopes that contain others."""

    overlay: Overlay | None = None
    """What operators demand, followed by the guard; None: it has nobody to ask, and knows of no operators."""

    def __init__(
        self, *, policies: Policies, methods: MethodPolicy, scenes: Scenes, implies: Mapping[str, frozenset[str]]
    ) -> None:
        self._policies = policies
        self._methods = methods
        self._scenes = scenes
        self._implies = implies
        self._decisions = Decisions()
        self._scenes.memory.knows(policies.remembered)

    def decide(self, message: Message, principal: Principal, now: float, *, alone: bool = True) -> Decision | None:
        """Return the decision about one message; None when a valid token is all it needs.

        One that is not `alone` in its body knows nothing of earlier calls: what runs beside it is not decided yet.
        """
        granted = granted_scopes(principal.scopes, self._implies)
        tool = message.tool
        is_heard = self.overlay is None or self.overlay.knows(principal.tenant)
        if not is_heard and (undecided := self._undecided(message)) is not None:
            return undecided
        if tool is None:
            demand = self._methods.demand(message.method, message.params)
            if demand is None:
                return None
            call = Call(subject=message.method, is_tool=False)
            return decide(call, Facts(demand=demand, principal=principal, granted=granted, now=now))
        call = Call(subject=answers.shown(tool), is_tool=True)
        demand = self._policies.of(principal.tenant).get(tool) if is_heard else None
        if demand is None:
            return decide(call, Facts(demand=None, principal=principal, granted=granted, now=now))
        if not demand.looks and demand.observed is None:
            return self._decisions.of(call, demand, principal, granted, now)

        def scene() -> Scene:
            return self._scenes.of(tool, message.params, principal, granted, now, alone=alone)

        decision = decide(call, Facts(demand=demand, principal=principal, granted=granted, now=now, scene=scene))
        note_observed(decision, principal)
        return decision

    def offered(self, principal: Principal) -> Container[str]:
        """Return the names of the tools that exist for this caller."""
        if self.overlay is not None and not self.overlay.knows(principal.tenant):
            return ()
        return self._policies.offered(principal.tenant, principal.client_id)

    @property
    def varies(self) -> bool:
        """Whether two callers can see different lists of tools, so that nobody may keep one for another."""
        return self.overlay is not None or any(demand.clients is not None for demand in self._policies.base.values())

    def take_overlays(self, overlays: Overlays, version: str) -> None:
        """Put in force what each tenant's operators demand, instead of what they demanded before."""
        self._policies.take(overlays, version)
        self._scenes.memory.knows(self._policies.remembered)

    def _undecided(self, message: Message) -> Decision | None:
        """Return the refusal of what depends on operators' demands while those were never told; None: they were."""
        assert self.overlay is not None
        if self.overlay.age is not None or (message.tool is None and message.method != "tools/list"):
            return None
        subject = answers.shown(message.tool or message.method)
        stale = Deny(
            error="control_plane_stale",
            message=f"{subject} has not run: this server does not know yet what is allowed here. Try again shortly.",
            reason="operators' demands were never told",
            retry_after_s=self.overlay.retry_after_s,
        )
        return Decision(subject=subject, outcomes=(("tool_allowed", stale),), refusal=stale)
