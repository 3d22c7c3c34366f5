"""
Somebody who is told: a web server of a tenant's own, and the check of a signature as its author would write it.

`verify` is written from the text of Standard Webhooks 1.0 alone and shares nothing with the server.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from authserver.domain.notices import webhook
from authserver.domain.notices.notice import Event, WaitingCall, tell
from tests.support.internet import Answer, Internet, Listener

HOST = "hooks.customer.example"
URL = f"https://{HOST}/in?token=of-theirs"
TOLERANCE_S = 300


class ForgedError(Exception):
    """Not ours, not now, or not for the first time."""


def verify(secret: str, headers: dict[str, str], body: bytes, *, now: int, seen: set[str]) -> dict[str, Any]:
    """Return what was told. Raises ForgedError."""
    message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not at.isdigit() or abs(now - int(at)) > TOLERANCE_S:
        raise ForgedError("no id, or not now")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest())
    for candidate in headers.get("webhook-signature", "").split(" "):
        version, _, signature = candidate.partition(",")
        if version == "v1" and hmac.compare_digest(signature.encode(), expected):
            break
    else:
        raise ForgedError("no signature of ours")
    if message_id in seen:
        raise ForgedError("told before")
    seen.add(message_id)
    return dict(json.loads(body))


class Receiver:
    """A tenant's web server behind `HOST`; `answer` is what it says next, and from then on."""

    def __init__(self, internet: Internet) -> None:
        self.internet = internet
        self.answer = Answer(status=204)
        self.listener: Listener
        self.clock: Any = lambda: 0
        """Of the server, by which budgets are counted."""

    async def open(self, *, name: str = HOST, address: str = "") -> None:
        self.listener = await self.internet.serve(lambda path, headers: self.answer, name=name, address=address)

    @property
    def posted(self):
        return self.listener.posted

    def outbound(self, folder: Path):
        return self.internet.outbound(folder, clock=self._now)

    def _now(self) -> int:
        return int(self.clock())


def call(server, number: int = 1, **changed: Any) -> WaitingCall:
    """Return a call that waits for a yes in tenant t1 of the world."""
    app = server.world.clients["B"]
    made = {
        "url": server.issuer, "now": server.now, "resource": app.resource, "client_id": app.client_id,
        "sub": server.world.people["u1"].subs["t1"], **changed,
    }  # fmt: skip
    return waiting_call(number, **made)


def waiting_call(number: int = 1, *, now: int, url: str = "http://127.0.0.1:9000", **changed: Any) -> WaitingCall:
    """Return a call that began to wait now."""
    made = {
        "approval_id": f"ap_{number}", "approval_url": f"{url}/approvals/ap_{number}", "state": "pending",
        "tool": "refund_order", "tool_class": "destructive", "resource": "https://mcp.example.com/mcp",
        "client_id": "cli_somebody", "sub": "usr_somebody", "requested_at": now, "expires_at": now + 900, **changed,
    }  # fmt: skip
    return WaitingCall(**made)


async def told(server, event: Event = Event.APPROVAL_REQUESTED, *calls: WaitingCall, tenant: str = "t1") -> None:
    """Tell of calls in one commit, as whoever makes them wait does."""
    work = server.operator.work(tenant)
    for each in calls or (call(server),):
        await tell(work, event, each)
    assert await work.commit()


async def hooked(server, url: str = URL, *, tenant: str = "t1", **wanted: Any) -> webhook.NewSecret:
    """Add a webhook as an operator does."""
    work = server.operator.work(tenant)
    made = await webhook.add(work, url=url, **wanted)
    assert await work.commit()
    return made
