"""
The noun `audit`, all of it: a tenant's log as it goes over the wire, for whoever keeps or verifies it elsewhere.

Two at a time in a process and some in an hour, for each tenant; read no faster than it is taken; asked again every few seconds whether
whoever reads still may. With what names people only after a fresh login. That it was read is in the record before the first line.
"""

import time
import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack
from typing import Annotated, Final, Literal

from fastapi import Query

from authserver.domain.audit import event, exporting, sealing, search, streaming
from authserver.domain.audit.search import Decision, Wanted
from authserver.domain.rate_limits import limit
from authserver.oauth import admin_access
from authserver.oauth.errors import InsufficientScope, SlowDown
from authserver.web.admin.ask import Ask
from authserver.web.admin.audit import may_open
from authserver.web.admin.problems import ProblemError
from authserver.web.admin.routing import route
from authserver.web.http import Header, Stream

_AN_HOUR: Final = 60
_ASKED_AGAIN_S: Final = 5.0
_NDJSON: Final = b"application/x-ndjson"


@route("GET", "/audit/export", gives=None, streams="application/x-ndjson", says="Read a tenant's whole log")
async def export(
    ask: Ask,
    *,
    form: Annotated[
        Literal["export", "events"],
        Query(
            description="`export`: mcp-audit-export/1, which `python -m resource_lib.verify` verifies. `events`: a line for each "
            "event that answers to the filters."
        ),
    ] = "export",
    first: Annotated[
        int, Query(ge=0, le=2**53, alias="from", description="The row to begin with: where the last reading ended.")
    ] = 0,
    payloads: Annotated[
        bool, Query(description="With what names people, in the clear. Only with `form=export`, and a fresh login.")
    ] = False,
    kind: Annotated[
        str | None, Query(min_length=1, max_length=60, description="As in `GET /audit`, of `form=events`.")
    ] = None,
    decision: Annotated[Literal["allowed", "refused", "held", "observed"] | None, Query()] = None,
    client_id: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    sub: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    resource: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    tool: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    since: Annotated[int | None, Query(ge=0, le=2**40, description="Seconds since the epoch.")] = None,
    until: Annotated[int | None, Query(ge=0, le=2**40)] = None,
) -> None:
    """Line by line, as fast as you read; packed where you accept `gzip`. Cut off, it has no last line: go on `from` the next row."""
    wanted = Wanted(
        kind=kind or "",
        decision=Decision(decision) if decision else None,
        client_id=client_id or "",
        sub=sub or "",
        resource=resource or "",
        tool=tool or "",
        since_us=(since or 0) * 1_000_000,
        until_us=search.END_OF_TIME if until is None else until * 1_000_000,
    )
    if form == "export" and wanted != Wanted():
        raise ProblemError(422, "form: an export that can be verified has every row; filters are for `events`.")
    if payloads and form != "export":
        raise ProblemError(422, "payloads: only with `form=export`.")
    if payloads:
        if not may_open(ask.operator):
            raise ProblemError(403, "payloads: what names people is for administrators and auditors.")
        await ask.dangerous("audit:export")
    log = await sealing.log_of(ask.work)
    if log is None or first > log.size:
        raise ProblemError(422, "from: no such row is sealed yet.", errors=[("from", "is not sealed yet")])
    if not ask.request.machines.exports.has_room(str(ask.work.tenant)):
        raise SlowDown("Too many exports are being read. Try again later.", reason="exports_full", retry_after_s=30)
    key = f"audit export\0{ask.work.tenant}"
    if limited := await limit.take(ask.work, key=key, limit=_AN_HOUR, window_s=3600):
        raise SlowDown("Too many exports in an hour.", reason="exports_spent", retry_after_s=limited.retry_after_s)
    is_packed = b"gzip" in ask.request.headers.get(b"accept-encoding", b"").lower()
    lines = _lines(ask, wanted if form == "events" else None, first, payloads)
    ask.stream = lambda: _stream(lines, ask.request.machines.exports.take(str(ask.work.tenant)), is_packed)


async def _lines(ask: Ask, wanted: Wanted | None, first: int, with_payloads: bool) -> AsyncIterator[bytes]:
    request, asks = ask.request, ask.operator
    work = request.machines.work(request_id=request.request_id, tenant=ask.work.tenant)
    event.acting(work, sub=asks.sub, client_id=asks.client_id)
    until = time.monotonic() + _ASKED_AGAIN_S

    async def permitted() -> None:
        nonlocal until
        if time.monotonic() < until:
            return
        until = time.monotonic() + _ASKED_AGAIN_S
        again = request.machines.work(request_id=request.request_id, address=request.address)
        now = await admin_access.operator(again, request.issuer, request.headers.get(b"authorization"))
        await admin_access.demand_scope(again, now, "audit:read")
        if with_payloads and not may_open(now):
            raise InsufficientScope("What names people is for administrators and auditors.", reason="role")

    if wanted is None:
        pages = streaming.export(work, first=first, with_payloads=with_payloads, permitted=permitted)
    else:
        pages = streaming.events(work, wanted, first=first, permitted=permitted)
    try:
        async for page in pages:
            yield page
    except exporting.NothingSealedError:
        return


def _stream(lines: AsyncIterator[bytes], seat: AbstractContextManager[bool], is_packed: bool) -> Stream:
    taken = ExitStack()
    taken.enter_context(seat)
    headers: list[Header] = [(b"vary", b"accept-encoding"), (b"x-accel-buffering", b"no")]
    if is_packed:
        headers.append((b"content-encoding", b"gzip"))
    return Stream(
        chunks=_packed(lines) if is_packed else lines, content_type=_NDJSON, headers=tuple(headers), closed=taken.close
    )


async def _packed(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(6, wbits=31)
    async for page in lines:
        if packed := packer.compress(page):
            yield packed
    yield packer.flush()
