"""A guard that hears from an issuer what operators demand; the issuer is a function, or the real server."""

import json

import httpx2

from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.testing.issuer import TENANT
from tests.support.feeding import Feed
from tests.support.guarded import Guarded


class Overlaid(Guarded):
    """A guarded server whose operators demand `demanded`, by tenant and tool; None: its issuer is silent."""

    def __init__(self, demanded=None, **settings):
        self.demanded = {TENANT: {}} if demanded is None else demanded
        self.is_silent = False
        credential = Credential(client_id="cli_rs", secret="cs_canary")
        transport = httpx2.MockTransport(self._answer)
        self.feed = Feed()
        super().__init__(
            channel=Channel(issuer="https://issuer.test", credential=credential, transport=transport), **settings
        )
        self.feed.of(self.issuer, client_id="cli_rs")

    def _answer(self, request):
        if request.url.path.startswith("/rs/feed") and not self.is_silent:
            status, body = self.feed.answer(request.method, request.url.path, dict(request.url.params), request.headers)
            return httpx2.Response(status, stream=httpx2.ByteStream(body))
        if self.is_silent:
            return httpx2.Response(503, headers={"retry-after": "3"}, stream=httpx2.ByteStream(b""))
        body = json.dumps({"version": "v", "tenants": self.demanded}).encode()
        return httpx2.Response(200, headers={"etag": '"v"'}, stream=httpx2.ByteStream(body))

    async def told(self, demanded):
        """Let operators demand something else, and the guard hear of it."""
        self.demanded = demanded
        await self.guard.overlay._asked()

    async def listed(self, *, headers=(), **claims):
        """Return the result of tools/list for a caller, of a server that offers all of its tools to be shared."""
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in (*self.guard.tools, "unlisted")]
        result = {"tools": tools, "ttlMs": 60000, "cacheScope": "public"}
        self.server.chunks = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()]
        return await self.rpc("tools/list", auth=self.bearer("notes:read", **claims), headers=headers)
