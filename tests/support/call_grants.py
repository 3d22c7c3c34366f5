"""A grant as the server keeps it, and calls that want to be covered by it."""

from dataclasses import replace
from typing import Any

from authserver.domain.call_grants import grant
from authserver.domain.call_grants.grant import Call, CallGrant
from authserver.domain.resources import resource as resources
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.tool_call import args_hash

DEFINITION = "d" * 64
PERSON = ApprovalRule()


class Given:
    """One grant of the authorization behind a token, and what is tried with it."""

    def __init__(self, machines: Any, said: dict[str, Any], arguments: dict[str, Any] | None = None) -> None:
        self.machines = machines
        self.said = said
        self.tenant = said["tenant_id"]
        self.arguments = {"order_id": "o1", "amount_cents": 500} if arguments is None else arguments
        self.grant: CallGrant

    def work(self) -> Any:
        return self.machines.work(tenant=self.tenant)

    def call(self, **changed: Any) -> Call:
        """Return the call that the grant is for, changed where the attacker changes it."""
        said = self.said
        meant = Call(
            authorization_id=said["authorization_id"],
            sub=said["sub"],
            client_id=said["client_id"],
            resource=said["aud"],
            tool="refund_order",
            definition_hash=DEFINITION,
            args_hash=args_hash(self.arguments),
        )
        return replace(meant, **changed)

    async def give(self, **changed: Any) -> "Given":
        """Give it: refund_order, three times within an hour, any arguments, by the person themselves."""
        work = self.work()
        said = self.said
        wanted = {
            "tool": "refund_order",
            "definition_hash": DEFINITION,
            "max_calls": 3,
            "expires_at": work.now + 3600,
            "given_by": said["sub"],
            "acr": said.get("acr", ""),
            "auth_time": said.get("auth_time", 0),
            **changed,
        }
        self.grant = grant.plan(
            work,
            authorization_id=said["authorization_id"],
            sub=said["sub"],
            client_id=said["client_id"],
            resource=said["aud"],
            **wanted,
        )
        grant.give(work, self.grant)
        assert await work.commit()
        return self

    async def covers(
        self, *, arguments: Any = None, rule: ApprovalRule = PERSON, only: Any = None, **changed: Any
    ) -> bool:
        """Whether the server finds it for a call."""
        work = self.work()
        sent = self.arguments if arguments is None else arguments
        if arguments is not None:
            changed["args_hash"] = args_hash(arguments)
        at = await resources.by_uri(work, self.said["aud"])
        found = await grant.covering(work, self.call(**changed), arguments=sent, rule=rule, resource=at, only=only)
        return found is not None and found.id == self.grant.id

    async def spend(self, *, role: str = "", **changed: Any) -> bool:
        """Whether one use was won; `role`: whose yes the call takes."""
        work = self.work()
        at = await resources.by_uri(work, self.said["aud"])
        grant.spend(work, self.grant.id, self.call(**changed), resource=at, role=role)
        return await work.commit()

    async def used(self) -> int:
        found = await grant.find(self.work(), self.grant.id)
        return found.used
