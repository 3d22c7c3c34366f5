"""A guard whose issuer is a real authorization server: in process, or over a port."""

from __future__ import annotations

from typing import Any

import httpx2

from resource_lib import ResourceGuard, destructive, read
from resource_lib.backchannel.channel import Channel
from resource_lib.backchannel.credential import Credential
from resource_lib.identity.jwks_cache import JWKSCache
from resource_lib.wire.approvals import ApprovalRule
from tests.support.approvals import REFUND
from tests.support.approved import Approved, Shop
from tests.support.bare import BARE
from tests.support.world import R1

POLICY = {
    REFUND: destructive("orders:write", approval=ApprovalRule(sentence="Refund {amount} cents of {order}")),
    "search_orders": read("orders:read"),
}


class AtServer(Approved):
    """A guard of R1 around a shop; `at` is a server of the tests."""

    def __init__(
        self,
        at: Any,
        token: str,
        *,
        shop: Shop | None = None,
        in_process: bool = True,
        settings: Any = None,
        **rule: Any,
    ) -> None:
        self.shop = shop or Shop(REFUND)
        secret = at.client("RS1").app
        transport = httpx2.ASGITransport(app=at.app) if in_process else None
        credential = Credential(client_id=secret.client_id, secret=secret.secret)
        policy = POLICY | ({REFUND: destructive("orders:write", approval=ApprovalRule(**rule))} if rule else {})
        clock = {"clock": lambda: at.now} if in_process else {}
        self.guard = ResourceGuard(
            **(BARE | (settings or {})),
            issuer=at.issuer,
            resource=R1,
            tools=policy,
            keys=JWKSCache(issuer=at.issuer, transport=transport),
            channel=Channel(issuer=at.issuer, credential=credential, transport=transport),
            **clock,
        )
        self.app = self.guard.wrap(self.shop)
        self.token = token
