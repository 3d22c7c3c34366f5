"""An MCP server of the world behind a guard that asks the real server for everything: keys, demands, approvals."""

import json
import re
from typing import Any

import httpx2

from resource_lib import ResourceGuard, read, write
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.identity.jwks_cache import JWKSCache
from tests.support.bare import BARE
from tests.support.guarded import MODERN, Answer, Recorder, call
from tests.support.world import R1

POLICY = {
    "search_orders": read("orders:read"),
    "update_order": write("orders:write"),
    "purge_orders": write("orders:admin"),
    "audit_orders": read("orders:read", roles=["auditor"]),
}


class _Running(httpx2.AsyncBaseTransport):
    """To the process that runs now, whichever was there when the guard began."""

    def __init__(self, server: Any) -> None:
        self._server = server

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        return await self._server.transport().handle_async_request(request)


class Guarding:
    """R1 of the world, guarded; or the server of another credential, with another policy, or another app behind it."""

    def __init__(
        self,
        server: Any,
        *,
        letter: str = "RS1",
        resource: str = R1,
        tools: Any = None,
        behind: Any = None,
        **more: Any,
    ) -> None:
        rs = server.world.clients[letter]
        self.behind = Recorder() if behind is None else behind
        self.keys = JWKSCache(issuer=server.issuer, transport=_Running(server))
        self.guard = ResourceGuard(
            **BARE | more,
            issuer=server.issuer,
            resource=resource,
            tools=POLICY if tools is None else tools,
            keys=self.keys,
            channel=Channel(
                issuer=server.issuer,
                credential=Credential(client_id=rs.client_id, secret=rs.secret),
                transport=_Running(server),
            ),
            clock=lambda: server.clock() / 1_000_000,
        )
        self.app = self.guard.wrap(self.behind)

    async def call(self, tool: str, access_token: str) -> Answer:
        """Call a tool."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        headers = [("authorization", f"Bearer {access_token}"), MODERN]
        return await call(self.app, "POST", "/mcp", headers=headers, body=json.dumps(message).encode())

    async def listed(self, access_token: str) -> list[dict[str, Any]]:
        """Return the tools as a caller is shown them."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        headers = [("authorization", f"Bearer {access_token}"), MODERN]
        answer = await call(self.app, "POST", "/mcp", headers=headers, body=json.dumps(message).encode())
        tools: list[dict[str, Any]] = answer.json["result"]["tools"]
        return tools

    async def tell(self) -> None:
        """Let the guard tell its issuer what its tools are, as it does within a minute, and ask once more."""
        assert self.guard.overlay is not None
        report = self.guard.tool_report
        assert report is not None
        report.tell_now()
        await self.guard.overlay._do_also()
        await self.next_question()

    async def next_question(self) -> None:
        """Let the guard ask its issuer once more, as it does every two seconds."""
        assert self.guard.overlay is not None
        await self.guard.overlay._asked()

    async def heard(self) -> None:
        """Let the guard ask once more what has ended and what is stopped."""
        assert self.guard.revocations.follower is not None
        await self.guard.revocations.follower._asked()


def asked_for(answer: Answer) -> str:
    """Return the scope that a 403 tells the client to ask for (RFC 6750 §3.1)."""
    found = re.search(r'scope="([^"]+)"', answer.header("www-authenticate") or "")
    assert found, answer.headers
    return found[1]
