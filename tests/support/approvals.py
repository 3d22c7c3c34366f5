"""An MCP server that asks for approvals over HTTP, and a person who decides without a browser, through the domain's functions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding
from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.deciding import Decider
from authserver.domain.login import session
from authserver.domain.users import user
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.tool_call import InexpressibleError, args_hash
from tests.support.oauth_client import OAuthClient, TokenAnswer

REFUND = "refund_order"
WITH_REFUND = "orders:read orders:write tool:refund_order"
"""The scopes with which the refund can be called."""

ARGUMENTS: dict[str, Any] = {"order_id": "o-1001", "amount_cents": 1250}
DEFINITION = "d" * 64
POLICY = "e" * 64
RULE = ApprovalRule(sentence="Refund {amount_cents} cents of order {order_id}")

_runs = itertools.count(1)


def new_run() -> str:
    """Return the name of one run of one call."""
    return f"run-{next(_runs)}"


@dataclass(kw_only=True)
class ToolServer:
    """The server of one resource, with its credential. `None` leaves a member out of a request."""

    app: OAuthClient
    rule: ApprovalRule = field(default_factory=lambda: RULE)
    tool: str = REFUND
    tool_class: str = "destructive"

    async def ask(self, token: TokenAnswer | str, arguments: Any = None, **changed: Any) -> httpx2.Response:
        """Ask about one call."""
        arguments = ARGUMENTS if arguments is None else arguments
        wanted = {
            "access_token": _text(token),
            "tool": self.tool,
            "tool_class": self.tool_class,
            "arguments": arguments,
            "args_hash": _hash(changed.get("arguments", arguments)),
            "definition_hash": DEFINITION,
            "policy_version": POLICY,
            "display": {"title": "Refund an order", "description": "Pays money back.", "version": "1.2"},
            "rule": self.rule.to_json(),
            "instance_id": "asking",
            "age_ms": 0,
            **changed,
        }
        return await self.post("/rs/approvals", wanted)

    async def asked(self, token: TokenAnswer | str, arguments: Any = None, **changed: Any) -> str:
        """Ask for a yes that nobody gave yet, and return its id."""
        answer = await self.ask(token, arguments, **changed)
        assert (answer.status_code, answer.json()["state"]) == (201, "pending"), answer.text
        return answer.json()["approval_id"]

    async def consume(
        self, approval_id: str, token: TokenAnswer | str, arguments: Any = None, **changed: Any
    ) -> httpx2.Response:
        """Ask to run it now: `POST /rs/approvals/{id}/consume`."""
        wanted = {
            "access_token": _text(token),
            "args_hash": args_hash(ARGUMENTS if arguments is None else arguments),
            "definition_hash": DEFINITION,
            "policy_version": POLICY,
            "instance_id": new_run(),
            **changed,
        }
        return await self.post(f"/rs/approvals/{approval_id}/consume", wanted)

    async def outcome(self, approval_id: str, instance_id: str, outcome: Any = None, **changed: Any) -> httpx2.Response:
        """Say what came of it: `POST /rs/approvals/{id}/outcome`."""
        result = {"content": [{"type": "text", "text": "Refunded."}]} if outcome is None else outcome
        wanted = {"instance_id": instance_id, "state": "done", "is_error": False, "outcome": result, **changed}
        return await self.post(f"/rs/approvals/{approval_id}/outcome", wanted)

    async def delivered(self, approval_id: str, instance_id: str) -> httpx2.Response:
        """Say that the answer was sent in full."""
        return await self.post(f"/rs/approvals/{approval_id}/outcome", {"instance_id": instance_id, "delivered": True})

    async def run(
        self, approval_id: str, token: TokenAnswer | str, *, arguments: Any = None, delivered: bool = True
    ) -> str:
        """Run an approved call to its end; returns the run."""
        run = new_run()
        spent = await self.consume(approval_id, token, arguments, instance_id=run)
        assert spent.status_code == 200, spent.text
        kept = await self.outcome(approval_id, run, delivered=delivered)
        assert kept.status_code == 200, kept.text
        return run

    async def look(self, approval_id: str, *, wait: int | None = None) -> httpx2.Response:
        """Ask what has become of it."""
        query = "" if wait is None else f"?wait={wait}"
        url = f"{self.app.base}/rs/approvals/{approval_id}{query}"
        return await self.app.server.http.get(url, headers=self._headers())

    async def state(self, approval_id: str) -> str:
        """Return what has become of it."""
        answer = await self.look(approval_id)
        assert answer.status_code == 200, answer.text
        return answer.json()["state"]

    async def post(self, path: str, members: dict[str, Any]) -> httpx2.Response:
        """Send JSON in this server's name."""
        said = {name: value for name, value in members.items() if value is not None}
        return await self.app.server.http.post(self.app.base + path, json=said, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        if self.app.app.key is not None:
            return {"authorization": f"Bearer {self.app.assertion()}"}
        return self.app.credential()[0]


async def refunding(server: Any, who: str = "u1", letter: str = "N", **changed: Any) -> TokenAnswer:
    """Return the token of an application that may refund in somebody's name."""
    return await server.client(letter).sign_in(who, scope=WITH_REFUND, tools=[REFUND], **changed)


def tool_server(server: Any, letter: str = "RS1", **rule: Any) -> ToolServer:
    """Return the server of a resource of the world; `rule` changes whose yes it asks for."""
    return ToolServer(app=server.client(letter), rule=replace(RULE, **rule))


@dataclass(frozen=True, kw_only=True)
class Approver:
    """Somebody who decides, signed in a moment ago unless `auth_time` says otherwise."""

    server: Any
    who: str
    tenant: str = "t1"
    acr: str = ""
    auth_time: int | None = None

    async def decider(self) -> Decider:
        """Return who they are, as a page would say it."""
        work = self.server.operator.work(self.tenant)
        member = await user.member_by_person(work, self.server.world.people[self.who].person_id)
        sub = self.server.world.people[self.who].subs[self.tenant] if member is None else member.sub
        return Decider(
            sub=sub,
            roles=() if member is None else member.roles,
            acr=self.acr,
            amr=("pwd",),
            auth_time=self.server.now if self.auth_time is None else self.auth_time,
            ctl=await session.proven_at(work) if self.auth_time is None else 0,
        )

    async def decide(
        self, approval_id: str, *, yes: bool = True, display_hash: str | None = None, stop: bool = False
    ) -> Approval:
        """Decide. Raises RefusedDecisionError; nothing is written then."""
        for _ in range(5):
            work = self.server.operator.work(self.tenant)
            found = await approvals.find(work, approval_id)
            assert found is not None
            shown = found.display_hash if display_hash is None else display_hash
            decider = await self.decider()
            if stop:
                decided = await deciding.deny_and_stop(work, found, decider, shown)
            else:
                decided = await deciding.decide(work, found, decider, yes, shown)
            if await work.commit():
                return decided
        raise AssertionError("somebody else decides all the time")

    async def look(self, approval_id: str) -> None:
        """Open it."""
        work = self.server.operator.work(self.tenant)
        found = await approvals.find(work, approval_id)
        assert found is not None
        await deciding.look(work, found, await self.decider())
        assert await work.commit()

    async def clear(self, approval_id: str, *, ran: bool) -> Approval:
        """Say what became of a call about which nobody knew."""
        work = self.server.operator.work(self.tenant)
        found = await approvals.find(work, approval_id)
        assert found is not None
        cleared = await deciding.clear(work, found, await self.decider(), ran)
        assert await work.commit()
        return cleared

    async def inbox(self) -> list[str]:
        """Return what waits for them."""
        waiting = await deciding.waiting_for(self.server.operator.work(self.tenant), await self.decider())
        return [one.id for one in waiting]


def _text(token: TokenAnswer | str) -> str:
    return token if isinstance(token, str) else token.access_token


def _hash(arguments: Any) -> str:
    try:
        return args_hash(arguments)
    except InexpressibleError:
        return "0" * 64
