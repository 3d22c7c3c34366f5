"""
A yes to this call and to several more like it: what may be offered with a yes, and the grant it then gives.

Decision 13, RFC 9396. Bounded choices, made by us: a condition that the tool's author offers, or exactly the same values again where
that can be undone; so many calls, until then, never "always". Offered only to whoever's yes is enough by itself, and given with it in one commit.
What is offered says nothing that is not in the rule, so that a form can name no more than stood on the page.
"""

import hashlib
from dataclasses import dataclass

from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.deciding import Decider
from authserver.domain.call_grants import grant
from authserver.domain.call_grants.grant import CallGrant
from authserver.domain.tokens import authorization
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.approvals import State

_BOUNDS = ((5, 3600), (20, 8 * 3600))
"""So many calls, within so many seconds."""


class NotOfferedError(Exception):
    """A yes cannot be for several calls like that. Nothing was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Several:
    """One choice. `condition` is empty for exactly the same values."""

    calls: int
    seconds: int
    condition: str

    @property
    def key(self) -> str:
        """How a form names it."""
        return hashlib.sha256(f"{self.calls}\0{self.seconds}\0{self.condition}".encode()).hexdigest()[:32]


async def offered(work: UnitOfWork, approval: Approval, decider: Decider) -> tuple[Several, ...]:
    """Return what this person may allow besides this call; nothing where their yes alone is not enough."""
    rule, settings = approval.rule, work.machines.settings
    if approval.state is not State.PENDING or rule.approvers > 1 or approval.actor:
        return ()
    # A person's own grant never stands for a role's, nor the other way round (`grant.covering`).
    if (approval.sub == decider.sub) is bool(approval.role):
        return ()
    if len(await grant.of_authorization(work, approval.authorization_id)) >= grant.MOST_OF_ONE_AUTHORIZATION:
        return ()
    # What cannot be undone is not done again just so: its author must say what calls like it are.
    same_values = () if approval.tool_class == "destructive" else ("",)
    return tuple(
        Several(calls=calls, seconds=seconds, condition=condition)
        for condition in (*same_values, *rule.more)
        for calls, seconds in _BOUNDS
        if calls <= min(rule.most_calls, settings.call_grant_most_calls) and seconds <= settings.call_grant_most_seconds
    )


async def give(work: UnitOfWork, approval: Approval, decider: Decider, key: str) -> CallGrant:
    """Give what a form names, with the yes of `deciding.decide` in the same unit: it is not given if that one is lost.

    Raises NotOfferedError. A lost commit: the authorization ended.
    """
    chosen = next((each for each in await offered(work, approval, decider) if each.key == key), None)
    owner = await authorization.find(work, approval.authorization_id)
    if chosen is None or owner is None:
        raise NotOfferedError(approval.id)
    authorization.require_live(work, owner)
    given = grant.plan(
        work,
        authorization_id=approval.authorization_id,
        sub=approval.sub,
        client_id=approval.client_id,
        resource=approval.resource,
        tool=approval.tool,
        definition_hash=approval.definition_hash,
        args_hash="" if chosen.condition else approval.args_hash,
        condition=chosen.condition,
        max_calls=chosen.calls,
        expires_at=work.now + chosen.seconds,
        given_by=decider.sub,
        acr=decider.acr,
        auth_time=decider.auth_time,
    )
    grant.give(work, given, proven_at=decider.ctl)
    return given
