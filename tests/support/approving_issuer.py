"""An issuer in memory that keeps approvals by the contract, and refuses whatever the contract does not allow."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx2

from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.testing import TestIssuer
from resource_lib.testing.issuer import TENANT
from resource_lib.wire.approvals import follows_from_json, rule_from_json
from resource_lib.wire.tool_call import args_hash
from tests.support.feeding import Feed

CLIENT_ID, SECRET = "cli_resource", "of-the-resource-server"
LEASE_S = 30
ASKED = {
    *("access_token", "tool", "tool_class", "arguments", "args_hash", "definition_hash", "policy_version", "display"),
    *("rule", "instance_id", "age_ms"),
}


@dataclass
class Row:
    """One approval."""

    id: str
    key: tuple[str, ...]
    asked: dict[str, Any]
    state: str = "pending"
    expires_at: float = 0
    instance: str | None = None
    leg: int = 0
    lease_until: float = 0
    outcome: dict[str, Any] | None = None
    is_error: bool | None = None
    done_at: float = 0
    delivered: bool = False
    is_replayed: bool = False
    is_told: bool = False
    consumed: list[str] = field(default_factory=list)


class ApprovingIssuer(TestIssuer):
    """`TestIssuer`, and the four endpoints of approvals. A test decides by `approve` and `deny`."""

    __test__ = False

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.rows: list[Row] = []
        self.tenants = (TENANT, "ten_bbbbbbbbbbbbbbbb")
        """Whose resource server asks, with no demands of their own."""
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answer_instead: dict[str, tuple[int, dict[str, Any]]] = {}
        """What an endpoint (`ask`, `consume`, `outcome`, `state`) answers in place of the truth."""
        self.ended_tokens: set[str] = set()
        self.later = 0.0
        """Seconds that the issuer's clock is ahead."""
        self._changed = asyncio.Event()
        self.feed = Feed().of(self, client_id=CLIENT_ID)

    def channel(self, **settings: Any) -> Channel:
        """Return a resource server's channel to this issuer."""
        credential = Credential(client_id=CLIENT_ID, secret=SECRET)
        return Channel(
            issuer=self.issuer, credential=credential, transport=httpx2.ASGITransport(app=self.app), **settings
        )

    @property
    def only(self) -> Row:
        """The one approval there is."""
        assert 1 == len(self.rows), self.rows
        return self.rows[0]

    def approve(self, row: Row | None = None) -> None:
        """Somebody says yes."""
        row = row or self.only
        assert "pending" == self._state(row)
        self._become(row, "approved")

    def deny(self, row: Row | None = None) -> None:
        """Somebody says no."""
        self._become(row or self.only, "denied")

    def count(self, what: str) -> int:
        """Return how often an endpoint was asked."""
        return sum(1 for name, _, _ in self.asked if name == what)

    # -- the contract ----------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return time.time() + self.later

    def _become(self, row: Row, state: str) -> None:
        row.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    def _state(self, row: Row) -> str:
        if row.state in ("pending", "approved") and row.expires_at <= self._now():
            return "expired"
        if row.state == "executing" and row.lease_until <= self._now():
            return "ambiguous"
        return row.state

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a resource server's questions, or what an issuer answers anyway."""
        if scope["type"] != "http" or not scope["path"].startswith("/rs/"):
            return await super().app(scope, receive, send)
        raw = b""
        while True:
            message = await receive()
            raw += message.get("body", b"")
            if not message.get("more_body", False):
                break
        if scope["path"].startswith("/rs/feed") and not self.is_down:
            asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
            accepted = {name.decode(): value.decode() for name, value in scope["headers"]}
            status, body = self.feed.answer(scope["method"], scope["path"], asked, accepted, raw)
        else:
            status, said = (503, {}) if self.is_down else await self._rs(scope, raw)
            body = json.dumps(said).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        return await send({"type": "http.response.body", "body": body})

    async def _rs(self, scope: Any, raw: bytes) -> tuple[int, dict[str, Any]]:
        wanted = "Basic " + base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if dict(scope["headers"]).get(b"authorization", b"").decode() != wanted:
            return 401, {"error": "invalid_client"}
        if scope["path"] == "/rs/policy":
            return 200, {"version": "1", "tenants": {tenant: {} for tenant in self.tenants}}
        said = json.loads(raw) if raw else {}
        if scope["path"] == "/rs/audit":
            return 200, {"accepted": len(said["events"]), "duplicate": 0, "rejected": []}
        assert 64 * 1024 >= len(raw)
        parts = scope["path"].split("/")[3:]
        name = "ask" if not parts else ("state" if len(parts) == 1 else parts[1])
        self.asked.append((name, parts[0] if parts else "", said))
        if name in self.answer_instead:
            return self.answer_instead[name]
        if name == "ask":
            return self._ask(said)
        row = next((row for row in self.rows if row.id == parts[0]), None)
        if row is None:
            return 404, {"error": "invalid_request", "error_description": "no such approval"}
        if name == "state":
            wait = int(parse_qs(scope["query_string"].decode()).get("wait", ["0"])[0])
            assert 25 >= wait
            return await self._wait(row, wait)
        return self._consume(row, said) if name == "consume" else self._outcome(row, said)

    def _caller(self, said: dict[str, Any]) -> tuple[str, ...] | None:
        token = said["access_token"]
        if token in self.ended_tokens:
            return None
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims["tenant_id"], claims["sub"], claims["client_id"], claims["authorization_id"]

    def _ask(self, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        display = set(said["display"]) - {"follows", "releases"}
        if set(said) - {"only_known"} != ASKED or display != {"title", "description", "version"}:
            return 400, {"error": "invalid_request", "error_description": f"members: {sorted(said)}"}
        rule = rule_from_json(said["rule"])
        if args_hash(said["arguments"]) != said["args_hash"] or len(said["definition_hash"]) != 64:
            return 400, {"error": "invalid_request", "error_description": "args_hash"}
        caller = self._caller(said)
        if caller is None:
            return 403, {"error": "access_denied"}
        key = (*caller, said["tool"], said["definition_hash"], said["args_hash"], said["policy_version"])
        follows_from_json(said["display"].get("follows", {}))
        now = self._now()
        reached = now - said["age_ms"] / 1000
        for row in reversed(self.rows):
            if row.key != key:
                continue
            state = self._state(row)
            if state in ("pending", "approved", "executing", "ambiguous", "denied"):
                if state == "denied" and row.expires_at <= now:
                    break
                return 200, self._told(row, state)
            if state == "expired" and not row.is_told:
                row.is_told = True
                return 200, self._told(row, state)
            if state == "done" and not row.delivered and not row.is_replayed:
                row.is_replayed = True
                return 200, {**self._told(row, state), "outcome": row.outcome}
            if state == "done" and reached < row.done_at:
                return 200, {**self._told(row, state), "outcome": row.outcome}
            break
        if said.get("only_known"):
            return 409, {"error": "approval_required", "state": "unknown"}
        row = Row(id=f"ap_{uuid4().hex}", key=key, asked=said, expires_at=now + rule.expires_in)
        other = [old for old in self.rows if old.key[:5] == key[:5] and self._state(old) == "approved"]
        self.rows.append(row)
        return 201, {**self._told(row, "pending"), "is_new": True, **({"differs": ["arguments"]} if other else {})}

    def _told(self, row: Row, state: str) -> dict[str, Any]:
        return {
            "approval_id": row.id,
            "approval_url": f"{self.issuer}/approvals/{row.id}",
            "state": state,
            "expires_at": int(row.expires_at),
            "retry_after_s": 5,
            "is_new": False,
        }

    async def _wait(self, row: Row, wait: int) -> tuple[int, dict[str, Any]]:
        before = self._state(row)
        try:
            async with asyncio.timeout(wait):
                while self._state(row) == before and before in ("pending", "approved", "executing"):
                    await self._changed.wait()
        except TimeoutError:
            pass
        said = {"approval_id": row.id, "state": self._state(row), "expires_at": int(row.expires_at)}
        return 200, {**said, "outcome": row.outcome} if row.outcome is not None else said

    def _consume(self, row: Row, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        names = {"access_token", "args_hash", "definition_hash", "policy_version", "instance_id", "leg"}
        if set(said) - {"leg"} != names - {"leg"}:
            return 400, {"error": "invalid_request", "error_description": f"members: {sorted(said)}"}
        caller = self._caller(said)
        if caller is None:
            return 403, {"error": "access_denied"}
        state, leg, instance = self._state(row), said.get("leg", 0), said["instance_id"]
        key = (*caller, row.key[4], said["definition_hash"], said["args_hash"], said["policy_version"])
        if key != row.key:
            return 409, {"error": "approval_mismatch", "state": state}
        next_leg = state == "executing" and leg == row.leg + 1
        if (state == "approved" and leg == 0) or next_leg:
            row.instance, row.leg = instance, leg
            row.consumed.append(instance)
            row.lease_until = self._now() + LEASE_S
            self._become(row, "executing")
        elif state == "executing" and instance == row.instance and leg == row.leg:
            row.lease_until = self._now() + LEASE_S
        else:
            words = {"executing": "approval_in_progress", "pending": "approval_required", "done": "approval_ended"}
            return 409, {"error": words.get(state, f"approval_{state}"), "state": state}
        return 200, {"state": "executing", "lease_s": LEASE_S, "leg": leg}

    def _outcome(self, row: Row, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if said["instance_id"] != row.instance:
            return 409, {"error": "approval_in_progress", "state": self._state(row)}
        if said.get("state") == "done":
            assert {"instance_id", "state", "is_error", "outcome", "delivered"} >= set(said)
            assert isinstance(said["outcome"], dict)
            row.outcome, row.is_error, row.done_at = said["outcome"], said["is_error"], self._now()
            self._become(row, "done")
        row.delivered = row.delivered or said.get("delivered") is True
        return 200, {"state": "done"}
