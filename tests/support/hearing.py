"""One follower of a small honest issuer, its clock set by hand, and a wire that a test may bend."""

from __future__ import annotations

import asyncio

import httpx2

from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.revocation.follower import Follower
from resource_lib.revocation.lease import Lease
from resource_lib.revocation.state import State
from resource_lib.testing import TestIssuer
from tests.support.feeding import Feed

CLIENT_ID = "cli_rs"


class Following:
    """One follower of a small honest issuer; `instead` is what the wire says in place of the truth."""

    def __init__(self, issuer=None, feed=None, **settings):
        self.issuer = issuer or TestIssuer()
        self.feed = feed or Feed().of(self.issuer, client_id=CLIENT_ID)
        self.instead = None
        self.took_s = 0.0
        self.requests = []
        self.now = 1000.0
        self.state = State(resource=self.issuer.resource, max_life=600)
        self.lease = Lease(max_staleness=5, read_staleness=30, clock=lambda: self.now)
        self.news = []
        self.keys = self.issuer.keys(unknown_refill=0.01)
        credential = Credential(client_id=CLIENT_ID, secret="cs_canary")
        channel = Channel(
            issuer=self.issuer.issuer, credential=credential, transport=httpx2.MockTransport(self._answer)
        )
        self.follower = Follower(
            channel,
            keys=self.keys,
            resource=self.issuer.resource,
            state=self.state,
            lease=self.lease,
            applied=self.news.extend,
            **settings,
        )

    async def _answer(self, request):
        self.requests.append(request)
        self.now += self.took_s if request.method == "GET" else 0
        if self.instead is not None and request.method == "GET":
            found = self.instead(dict(request.url.params))
            if isinstance(found, httpx2.Response):
                return found
            return httpx2.Response(200, stream=httpx2.ByteStream(found.encode() if isinstance(found, str) else found))
        path, asked = request.url.path, dict(request.url.params)
        body = await request.aread()
        status, said = self.feed.answer(request.method, path, asked, dict(request.headers), body)
        return httpx2.Response(status, stream=httpx2.ByteStream(said))

    async def ask(self):
        """Ask once; return the age of what is known then."""
        await self.follower._asked()
        await asyncio.sleep(0)
        return self.lease.age

    async def stream(self, payload, **header):
        """Hear one message of a stream."""
        await self.follower._streamed(self.feed.signed(payload, **header).encode())
