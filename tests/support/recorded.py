"""A guarded server whose calls are recorded, and an issuer that takes events as the real one does: each once, by its id."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2

from resource_lib import Record, destructive, read, write
from resource_lib.wire import record
from tests.support.approved import Approved
from tests.support.approving_issuer import ApprovingIssuer
from tests.support.guarded import RESOURCE, Guarded
from tests.support.overlaid import Overlaid

TOOLS = {
    "see": read("notes:read"),
    "add": write("notes:write", cost=3),
    "wipe": destructive("notes:write", approval=False),
    "quiet": read("notes:read", record="header"),
}
SCOPES = ("notes:read", "notes:write", "tool:add", "tool:wipe")


class Books:
    """What an issuer keeps: each event once. `tenants`: those it hears this server for; None: all."""

    def __init__(self) -> None:
        self.kept: dict[str, record.CallEvent] = {}
        self.batches: list[int] = []
        self.duplicates = 0
        self.is_away = False
        self.status: int | None = None
        self.tenants: frozenset[str] | None = None
        self.refuses: set[str] = set()
        """Tools whose events make a whole batch unacceptable."""

    def answer(self, content: bytes) -> tuple[int, dict[str, Any]]:
        if self.is_away:
            return 503, {}
        if self.status is not None:
            return self.status, {}
        said = json.loads(content)["events"]
        assert 0 < len(said) <= record.MOST_EVENTS and len(content) <= record.MOST_BATCH_BYTES
        self.batches.append(len(said))
        if any(one.get("tool") in self.refuses for one in said):
            return 400, {"error": "invalid_request"}
        accepted, duplicate, rejected = 0, 0, []
        for one in said:
            event = record.parse(one)
            if self.tenants is not None and event.tenant not in self.tenants:
                rejected.append({"id": event.id, "why": "tenant"})
            elif event.id in self.kept:
                duplicate += 1
                assert self.kept[event.id] == event, "one id names two events"
            else:
                accepted += 1
                self.kept[event.id] = event
        self.duplicates += duplicate
        return 200, {"accepted": accepted, "duplicate": duplicate, "rejected": rejected}

    def of(self, **members: Any) -> list[record.CallEvent]:
        """Return the events that are so, in the order of their ids."""
        found = [self.kept[one] for one in sorted(self.kept)]
        return [one for one in found if all(getattr(one, name) == value for name, value in members.items())]


class Recorded(Overlaid):
    """A guarded server, its spool in `place`, and the books of its issuer."""

    def __init__(self, place: Any, *, books: Books | None = None, **settings: Any) -> None:
        self.books = books or Books()
        words = settings.pop("record", {})
        super().__init__(**({"tools": TOOLS, "record": Record(spool=place, **words)} | settings))
        self.server.chunks = [said({"content": [{"type": "text", "text": "done"}]})]

    def _answer(self, request: Any) -> Any:
        if request.url.path == record.PATH:
            status, body = self.books.answer(request.content)
            return httpx2.Response(status, stream=httpx2.ByteStream(json.dumps(body).encode()))
        return super()._answer(request)

    async def use(
        self, name: str, arguments: Any = None, *, headers: Any = (), request_id: Any = 1, **claims: Any
    ) -> Any:
        auth = self.bearer(*claims.pop("scopes", SCOPES), **claims)
        params = {"name": name} if arguments is None else {"name": name, "arguments": arguments}
        return await self.rpc("tools/call", params, auth=auth, headers=headers, request_id=request_id)

    async def told(self) -> list[record.CallEvent]:  # type: ignore[override]
        """Let everything that was noted be told, and return all that the issuer has."""
        await settled(self)
        await self.guard._record.sending.tell()
        return self.books.of()


class Alone(Guarded):
    """The same without a credential: what is recorded stays here."""

    def __init__(self, place: Any, **settings: Any) -> None:
        words = settings.pop("record", {})
        super().__init__(**({"tools": TOOLS, "record": Record(spool=place, **words)} | settings))
        self.server.chunks = [said({"content": [{"type": "text", "text": "done"}]})]

    use = Recorded.use


async def settled(it: Guarded, *, timeout: float = 5.0) -> None:
    """Wait until nothing that was noted waits to be made."""
    mill = it.guard._record._mill
    async with asyncio.timeout(timeout):
        while mill.waiting or mill.is_busy:
            await asyncio.sleep(0.002)


def said(result: Any, request_id: Any = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "result": result}).encode()


class AskingIssuer(ApprovingIssuer):
    """The issuer that people say yes at, with books."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.books = Books()

    async def _rs(self, scope: Any, raw: bytes) -> tuple[int, dict[str, Any]]:
        return self.books.answer(raw) if scope["path"] == record.PATH else await super()._rs(scope, raw)


class Asking(Approved):
    """A guard whose calls wait for a yes, and are recorded."""

    def __init__(self, place: Any, **settings: Any) -> None:
        words = settings.pop("record", {})
        super().__init__(AskingIssuer(resource=RESOURCE), **({"record": Record(spool=place, **words)} | settings))

    async def told(self) -> list[record.CallEvent]:
        """Let everything that was noted be told, and return all that the issuer has."""
        await settled(self)
        await self.guard._record.sending.tell()
        return self.issuer.books.of()
