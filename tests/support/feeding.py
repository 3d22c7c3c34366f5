"""A small honest issuer's list of what is dead: numbered, signed, and told from wherever a follower has come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from resource_lib.testing import TestIssuer
from resource_lib.testing.issuer import TENANT
from resource_lib.wire.control import FEED_TYP


class Feed:
    """The list. What is told is what a test has announced; nothing is ever taken back."""

    def __init__(self, name: str = "feed0") -> None:
        self.name = self.heard_as = name
        self.head = 0
        self.events: list[dict[str, Any]] = []
        self.acknowledged: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.age_ms = 1
        self.page = 1000
        self.tenants = [TENANT, "ten_b", "ten_bbbbbbbbbbbbbbbb", "ten_other0000000000", "ten_unlinked000000"]
        self.issuer: TestIssuer
        self.client_id = ""

    def of(self, issuer: TestIssuer, *, client_id: str) -> Feed:
        """Let `issuer` sign it, for its own resource server."""
        self.issuer, self.client_id = issuer, client_id
        return self

    def announce(self, kind: str, act: str = "end", *, tenant: str = TENANT, **subject: Any) -> int:
        """Append one event; return its number."""
        self.head += 1
        self.events.append({"n": self.head, "kind": kind, "act": act, "tenant": tenant, **subject})
        return self.head

    def cursor(self, number: int) -> str:
        return f"{self.heard_as}.{number}"

    def batch(self, after: int | None, **changed: Any) -> dict[str, Any]:
        """Return what follows a number; None: everything, from the beginning."""
        begun = 0 if after is None else after
        told = [event for event in self.events if event["n"] > begun][: self.page]
        reached = told[-1]["n"] if told else max(self.head, begun)
        said: dict[str, Any] = {
            "iss": self.issuer.issuer,
            "aud": self.issuer.resource,
            "sub": self.client_id,
            "prev": None if after is None else self.cursor(after),
            "cursor": self.cursor(reached),
            "at": int(self.issuer._clock() * 1000),
            "boot": "boot_1",
            "feed": self.name,
            "age_ms": self.age_ms,
            "more": reached < self.head,
            "events": told,
        }
        if after is None:
            state = [event for event in self.events if event["kind"] not in ("token", "authorization", "key", "policy")]
            said |= {"reset": {"kills": state}, "tenants": self.tenants}
        return said | changed

    def signed(self, payload: Mapping[str, Any], **header: Any) -> str:
        return self.issuer.forge(header=self.issuer.header() | {"typ": FEED_TYP} | header, payload=payload)

    def answer(
        self, method: str, path: str, asked: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Return status and body of an answer. There is no stream: a follower hears of everything by asking."""
        if path == "/rs/feed/ack":
            assert method == "POST"
            self.acknowledged.append(json.loads(body) if body else {})
            return 204, b""
        if "event-stream" in headers.get("accept", ""):
            return 404, b""
        self.asked.append(dict(asked))
        name, _, number = asked.get("after", "").rpartition(".")
        after = int(number) if name == self.heard_as else None
        if after is not None and after > self.head:
            return 409, b'{"error":"feed_backwards"}'
        return 200, self.signed(self.batch(after, nonce=asked.get("nonce"))).encode()
