"""Calls as a guarded server tells the record of them."""

from __future__ import annotations

from typing import Any

import httpx2

from resource_lib.wire.record import new_id
from tests.support.server import Server


def told(server: Server, who: str = "u1", tenant: str = "t1", **members: Any) -> dict[str, Any]:
    """Return an outcome as a guard tells it, of a call by somebody of the world."""
    at = members.pop("at", None) or server.clock()
    event_id = members.pop("id", None) or new_id(at)
    return {
        "id": event_id, "call": event_id, "phase": "outcome", "at": at, "instance": "i1",
        "tenant": server.world.tenants[tenant], "sub": server.world.people[who].subs[tenant],
        "client_id": server.world.clients["P"].client_id, "authorization_id": "auz_1", "token": "ab" * 32,
        "method": "tools/call", "tool": "search_orders", "tool_class": "read", "decision": "allowed",
        "definition_hash": "d" * 64, "policy_version": "e" * 64, "rules": [["scopes", "allow"]],
        "arguments": {"customer": "customer-8812"}, "arguments_bytes": 28, "arguments_commit": "cd" * 32,
        "arguments_salt": "ef" * 32, "status": "ok", "result": '{"orders":1}', "result_bytes": 12, "latency_us": 1500,
        "cost": 2, "subjects": [["customer", "customer-8812"]],
    } | members  # fmt: skip


def written(server: Server, who: str = "u1", **members: Any) -> list[dict[str, Any]]:
    """Return the two events of a write: it was wanted, it has run."""
    members = {"tool": "update_order", "tool_class": "write", **members}
    intent = told(server, who, **members) | {"phase": "intent"}
    for name in ("status", "result", "result_bytes", "latency_us", "cost"):
        intent.pop(name)
    at = intent["at"] + 2_000_000
    return [intent, told(server, who, **{**members, "at": at}) | {"call": intent["call"]}]


def unrun(server: Server, decision: str, who: str = "u1", **members: Any) -> dict[str, Any]:
    """Return what is told of a call that was refused, or waits for somebody."""
    error = "approval_denied" if decision == "refused" else "approval_required"
    made = told(server, who, phase=decision, decision=decision, **{"error": error, **members})
    for name in ("status", "result", "result_bytes", "latency_us", "cost"):
        made.pop(name)
    return made


async def tell(server: Server, *events: dict[str, Any], letter: str = "RS1") -> None:
    """Tell the record of them, in their server's name."""
    app = server.world.clients[letter]
    answer = await server.http.post(
        "/rs/audit", json={"events": list(events)}, auth=httpx2.BasicAuth(app.client_id, app.secret)
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == len(events), answer.text
