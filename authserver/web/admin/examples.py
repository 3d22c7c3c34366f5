"""
A request that works for each route of the admin API that takes a body, as its OpenAPI shows it.

A new route with a body and without an example fails the suite, and so does an example that its own route would refuse.
"""

from typing import Any, Final

_WHY: Final = {"reason": "It answers strangers' mail"}

BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("POST", "/tenants"): {"slug": "acme", "name": "Acme GmbH"},
    ("PATCH", "/tenants/{tenant_id}"): {"name": "Acme SE"},
    ("POST", "/users"): {"email": "alice@acme.example", "name": "Alice", "roles": ["member", "approver"]},
    ("POST", "/users/find"): {"email": "alice@acme.example"},
    ("PATCH", "/users/{sub}"): {"roles": ["member"]},
    ("PUT", "/users/{sub}/password"): {"password": "seven quiet words nobody else would think of"},
    ("POST", "/clients"): {
        "name": "Order desk",
        "redirect_uris": ["https://app.example.com/callback"],
        "scope": ["orders:read"],
        "resources": ["https://mcp.example.com/mcp"],
    },
    ("PATCH", "/clients/{client}"): {"active": False},
    ("POST", "/clients/{client}/rotate"): {"overlap_hours": 24},
    ("PATCH", "/client-trust"): {"policy": "approve"},
    ("POST", "/client-trust/verdicts"): {"subject": "claude.ai", "verdict": "allowed", "note": "Asked for by support"},
    ("POST", "/resources"): {
        "uri": "https://mcp.example.com/mcp",
        "name": "Orders",
        "scopes": [{"name": "orders:read", "description": "See orders"}],
        "tenants": ["acme"],
    },
    ("PATCH", "/resources/{resource_id}"): {"published": True},
    ("PUT", "/resources/{resource_id}/tools/{tool}/rules"): {
        "rules": {"roles": ["support"], "approval": {"by": "role", "role": "finance"}}
    },
    ("POST", "/resources/{resource_id}/tool-reviews"): {
        "tool": "refund_order",
        "definition_hash": "3f" * 32,
        "decision": "approved",
    },
    ("POST", "/issuers"): {"owner": "acme"},
    ("POST", "/keys"): {"at_once": False},
    ("POST", "/revocations"): {"kind": "user", "email": "alice@acme.example", "reason": "Her laptop was stolen"},
    ("POST", "/approvals/{approval_id}/decision"): {"decision": "deny", "reason": "Nobody asked for that"},
    ("POST", "/kills"): {"kind": "client", "client_id": "cli_abcdefghijklmnop", **_WHY},
    ("POST", "/kills/{kill_id}/revive"): {"reason": "Its publisher has mended it"},
    ("POST", "/servers/{resource_id}/pause"): {"reason": "The warehouse is moving", "retry_after_s": 600},
    ("POST", "/servers/{resource_id}/resume"): {"reason": "The warehouse has moved"},
    ("POST", "/servers/{resource_id}/accept"): {"client_id": "cli_abcdefghijklmnop", "tools_hash": "0" * 64},
    ("POST", "/signals/{signal_id}/dismiss"): {"reason": "A migration", "is_usual": False},
    ("POST", "/signals/{signal_id}/step-up"): {"minutes": 60},
    ("POST", "/step-ups/end"): {"client_id": "cli_abcdefghijklmnop", "sub": "usr_abcdefghijklmnop"},
    ("PATCH", "/signal-settings/{kind}"): {"actions": ["webhook", "step_up"], "numbers": {"z": 5}},
    ("POST", "/audit/search"): {"email": "alice@acme.example", "kind": "call:", "since": 1_795_305_600},
}
