"""
Is this allowed: the policy's answer about one message of one caller, and about which tools there are for them.

Put together here: what was revoked or stopped, what is demanded in the caller's tenant, what their scopes contain, what came before, and what operators
were heard to demand. Decided in `checks/`. Before operators' demands were ever told, nothing that depends on them is decided.
Nothing here waits, asks or runs.
"""

from collections.abc import Container, Mapping
from typing import Any

from resource_lib.arguments import Advertised
from resource_lib.backchannel.overlay import Overlay
from resource_lib.call import Call, Facts, granted_scopes, pin_of
from resource_lib.checks import decide, not_revoked, roles
from resource_lib.context import Scenes, Taints
from resource_lib.decision import Decision, Deny
from resource_lib.decisions import Decisions, note_observed
from resource_lib.definition import Definition
from resource_lib.identity.principal import Principal
from resource_lib.output.ending import dated
from resource_lib.policy import Demand, MethodPolicy, Overlays, Policies
from resource_lib.revocation.standing import GOOD, Standing, Standings
from resource_lib.transport import answers
from resource_lib.transport.body import Message
from resource_lib.wire.approvals import Follows
from resource_lib.wire.condition import Scene
from resource_lib.wire.tool_policy import is_over


class Judge:
    """Decides messages. `implies` names scopes that contain others."""

    overlay: Overlay | None = None
    """What operators demand, followed by the guard; None: it has nobody to ask, and knows of no operators."""
    taints: Taints | None = None
    """Who was given text from outside lately; None: nothing follows from that."""
    standings: Standings | None = None
    """What was revoked or stopped; None: nobody is followed, and there is no glass to break."""
    advertised: Advertised | None = None
    """What callers are shown of arguments, and held to; None: that is the server's own business."""

    def __init__(
        self, *, policies: Policies, methods: MethodPolicy, scenes: Scenes, implies: Mapping[str, frozenset[str]]
    ) -> None:
        self._policies = policies
        self._methods = methods
        self._scenes = scenes
        self._implies = implies
        self._decisions = Decisions()
        self._scenes.memory.knows(policies.remembered)

    def decide(
        self,
        message: Message,
        principal: Principal,
        now: float,
        *,
        alone: bool = True,
        definition: Definition | None = None,
    ) -> Decision | None:
        """Return the decision about one message; None when a valid token is all it needs.

        One that is not `alone` in its body knows nothing of earlier calls: what runs beside it is not decided yet. What the tool
        is today (`definition`) is needed where `looks_at_definition` says so.
        """
        granted = granted_scopes(principal.scopes, self._implies)
        tool = message.tool
        hashed = None if definition is None else definition.hash
        standing = GOOD if self.standings is None else self.standings.of(principal, tool, hashed)
        is_heard = self.overlay is None or self.overlay.knows(principal.tenant)
        if (
            standing is not GOOD
            and (tool is None or not is_heard)
            and (stopped := _stopped(message, standing)) is not None
        ):
            return stopped
        if not is_heard and (undecided := self._undecided(message)) is not None:
            return undecided
        if tool is None:
            demand = self._methods.demand(message.method, message.params)
            if demand is None:
                return None
            call = Call(subject=message.method, is_tool=False)
            return decide(call, Facts(demand=demand, principal=principal, granted=granted, now=now, standing=standing))
        call = Call(subject=answers.shown(tool), is_tool=True)
        demand = self._policies.of(principal.tenant).get(tool) if is_heard else None
        if demand is None:
            return decide(call, Facts(demand=None, principal=principal, granted=granted, now=now, standing=standing))
        follows = self._follows(demand, tool, message.arguments, principal)
        if standing is GOOD and follows is None and not demand.looks and demand.observed is None:
            known = Facts(
                demand=demand,
                principal=principal,
                granted=granted,
                now=now,
                definition=definition,
                arguments=message.arguments,
                pin=pin_of(message.params),
                advertised=self.advertised,
            )
            return self._decisions.of(call, known)

        def scene() -> Scene:
            return self._scenes.of(
                tool, message.params, principal, granted, now, alone=alone, tool_class=demand.tool_class
            )

        facts = Facts(
            demand=demand,
            principal=principal,
            granted=granted,
            now=now,
            scene=scene,
            definition=definition,
            arguments=message.arguments,
            pin=pin_of(message.params),
            follows=follows,
            advertised=self.advertised,
            standing=standing,
        )
        decision = decide(call, facts)
        if self.taints is not None and decision.follows is not None and decision.approval is not None:
            self.taints.hold(principal, tool, message.arguments)
        note_observed(decision, principal, definition)
        return decision

    def _follows(self, demand: Demand, tool: str, arguments: Any, principal: Principal) -> Follows | None:
        if self.taints is None or demand.tool_class == "read":
            return None
        return self.taints.of(principal, tool, arguments)

    def looks_at_definition(self, principal: Principal, tool: str) -> bool:
        """Tell whether it must be known what a tool is today before a call of it is decided."""
        if self.advertised is not None:
            return True
        demand = self._policies.of(principal.tenant).get(tool)
        if demand is not None and demand.definitions is not None:
            return True
        if self.standings is not None and self.standings.has_killed_versions:
            return bool(self.standings.killed_versions(principal.tenant, tool))
        return False

    def offered(self, principal: Principal) -> Container[str]:
        """
        Return the names of the tools that this caller may ever reach.

        One that only lacks a scope is among them, because a step-up cures it; one for which they lack the role is not.
        """
        if self.overlay is not None and not self.overlay.knows(principal.tenant):
            return ()
        offered = self._policies.offered(principal.tenant, principal.client_id)
        tools = self._policies.of(principal.tenant)
        hides = self.standings is not None and self.standings.hides_tools
        return {
            name
            for name, demand in tools.items()
            if name in offered
            and not demand.closed
            and roles.has_role(demand, principal.roles)
            and not (hides and self.standings is not None and not self.standings.is_listed(principal.tenant, name))
        }

    def stopped(self, principal: Principal, method: str) -> Deny | None:
        """Return why a request that names no method of the protocol is not served; None: nothing stops it."""
        if self.standings is None:
            return None
        standing = self.standings.of(principal)
        if standing is GOOD:
            return None
        found = _stopped(Message(method=method, params={}, id=None, tool=None), standing)
        return None if found is None else found.refusal

    def shown(
        self, principal: Principal, tool: dict[str, Any], definition: Definition | None, now: float
    ) -> dict[str, Any] | None:
        """
        Return a listed tool as this caller is shown it, or None when it is left out for what it is today.

        `definition` is what it is, and None where that has no hash: nobody could call it. What is shown of its arguments is what calls are
        held to.
        """
        if self._is_killed(principal, tool["name"], definition) or not self._is_let_in(
            principal, tool["name"], definition
        ):
            return None
        demand = self._policies.of(principal.tenant).get(tool["name"])
        sunset = None if demand is None else demand.sunset
        if is_over(sunset, now):
            return None
        if self.advertised is None:
            return dated(tool, sunset)
        if definition is None or not definition.is_listed:
            return None
        schema = self.advertised(definition, principal)
        if schema is None:
            return None
        return dated(tool if schema == tool["inputSchema"] else {**tool, "inputSchema": schema}, sunset)

    def _is_let_in(self, principal: Principal, tool: str, definition: Definition | None) -> bool:
        demand = self._policies.of(principal.tenant).get(tool)
        allowed = None if demand is None else demand.definitions
        return allowed is None or (definition is not None and definition.hash in allowed)

    def _is_killed(self, principal: Principal, tool: str, definition: Definition | None) -> bool:
        if self.standings is None:
            return False
        killed = self.standings.killed_versions(principal.tenant, tool)
        return bool(killed) and (definition is None or definition.hash in killed)

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


def _stopped(message: Message, standing: Standing) -> Decision | None:
    """Return the refusal of a message that is stopped whatever it demands; None: it is not."""
    subject = answers.shown(message.tool or message.method)
    call = Call(subject=subject, is_tool=message.tool is not None)
    found = not_revoked.stopped(call, standing)
    if found is None:
        return None
    return Decision(subject=subject, outcomes=(("not_revoked", found),), refusal=found)
