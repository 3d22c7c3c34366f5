"""
One look at one MCP server: is it there, does its metadata name us, and does a guard stand in front of its tools?

C56, RFC 9728 §3. It is asked as a stranger would ask it, with nothing of ours: for its metadata, and for a tool that no server has,
without a token. Only what an operator registered is asked (`runtime/outbound.py`, `look`). One process looks at a server at a
time, and what was found is recorded when it is news.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import orjson

from authserver.domain.audit import event
from authserver.domain.health import store
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.resources import resource as resources
from authserver.runtime.machines import Machines
from authserver.runtime.outbound import Fetched, OutboundBusyError, OutboundError
from authserver.runtime.unit_of_work import Row, UnitOfWork

AGAIN_S: Final = 5
"""Whoever asks sooner gets what was found then."""

_WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_MOST_BYTES: Final = 64 * 1024
_AT_ONCE: Final = 4
_NO_TOOL: Final = "authserver-health-check"
_CALL: Final = orjson.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": _NO_TOOL, "arguments": {}}}
)


class Finding(StrEnum):
    """What may be wrong with a server; `words` says it to an operator."""

    UNREACHABLE = "unreachable"
    TLS = "tls"
    TOO_SLOW = "too_slow"
    MAY_NOT_BE_ASKED = "may_not_be_asked"
    REDIRECTS = "redirects"
    SERVER_ERROR = "server_error"
    NO_METADATA = "no_metadata"
    OTHER_RESOURCE = "metadata_of_another_resource"
    OTHER_ISSUER = "metadata_of_another_issuer"
    UNGUARDED = "answers_without_a_token"
    NO_CHALLENGE = "no_challenge"

    @property
    def words(self) -> str:
        """What it means, and what cures it."""
        return _WORDS[self]


_WORDS: Final = {
    Finding.UNREACHABLE: "Nobody answers there: is it running, and can this machine reach it?",
    Finding.TLS: "Its TLS certificate is not valid for its name, or its authority is not known (AUTHSERVER_OUTBOUND_CA_FILE).",
    Finding.TOO_SLOW: "It did not answer within a few seconds.",
    Finding.MAY_NOT_BE_ASKED: "Its name leads to an address where no server may stand, or plain http leaves this machine.",
    Finding.REDIRECTS: "It answers with a redirect, which is not followed: register the address it leads to.",
    Finding.SERVER_ERROR: "It answers with an error of its own (HTTP 5xx).",
    Finding.NO_METADATA: "It publishes no protected resource metadata (RFC 9728): clients cannot find this issuer.",
    Finding.OTHER_RESOURCE: "Its metadata is of another resource than the one registered here.",
    Finding.OTHER_ISSUER: "Its metadata does not name this issuer: it takes tokens of somebody else.",
    Finding.UNGUARDED: "It answered a tool call that carried no token: no guard stands in front of it.",
    Finding.NO_CHALLENGE: "Its 401 does not say where its metadata is (RFC 9728 §5.1): clients cannot log in.",
}
_OF_NO_ANSWER: Final = {
    "tls": Finding.TLS,
    "timeout": Finding.TOO_SLOW,
    "address_not_a_servers": Finding.MAY_NOT_BE_ASKED,
    "plain_http": Finding.MAY_NOT_BE_ASKED,
    "url_host": Finding.MAY_NOT_BE_ASKED,
    "url_form": Finding.MAY_NOT_BE_ASKED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What the last look found. Times are seconds since the epoch. `is_reachable` is None until a look is over."""

    at: int
    is_reachable: bool | None
    is_guarded: bool | None
    """Whether a call without a token is refused; None: it could not be seen."""
    findings: tuple[Finding, ...] = ()
    duration_ms: int = 0
    last_reached_at: int | None = None


@dataclass(kw_only=True, slots=True)
class _Look:
    is_reachable: bool = False
    is_guarded: bool | None = None
    findings: list[Finding] = field(default_factory=list)

    def find(self, finding: Finding) -> None:
        if finding not in self.findings:
            self.findings.append(finding)


async def last(work: UnitOfWork, uri: str) -> Checked | None:
    """Return what the last look at a server found, or None: nobody has looked yet."""
    row = await work.one(store.CHECKED, resource=uri)
    return _checked(row) if row else None


async def check(work: UnitOfWork, uri: str) -> Checked | None:
    """Look at a registered server now, and return what was found; None: no such server.

    It takes a few seconds at most and commits by itself. Whoever asks within `AGAIN_S` of another look, or while another
    process looks, gets what is known.
    """
    if await resources.by_uri(work, uri) is None:
        return None
    await _look_if_due(work.machines, uri, before=work.now - AGAIN_S)
    return await last(work, uri)


async def check_due(machines: Machines, *, every_s: float) -> None:
    """Look at each active server that nobody has looked at for `every_s` seconds; a slow one holds up few others."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def look(uri: str) -> None:
        async with at_once:
            work = machines.work()
            found = await resources.by_uri(work, uri)
            if found is not None and found.is_active:
                await _look_if_due(machines, uri, before=work.now - int(every_s))

    async with asyncio.TaskGroup() as looking:
        for uri in await resources.every_uri(machines.work()):
            looking.create_task(look(uri))


async def _look_if_due(machines: Machines, uri: str, *, before: int) -> None:
    claiming = machines.work()
    known = await claiming.one(store.CHECKED, resource=uri)
    if known is not None and known["checked_at"] > before:
        return
    claiming.claim(store.CLAIM_CHECK, resource=uri, now=claiming.now, before=before)
    if not await claiming.commit():
        return
    issuers = {issuer.identifier for issuer in (await all_issuers(claiming)).by_path.values()}
    began = time.monotonic()
    look = await _look(machines, uri, issuers)
    if look is None:
        return
    duration_ms = int((time.monotonic() - began) * 1000)
    work = machines.work()
    findings = orjson.dumps(look.findings).decode()
    said = _said(look.is_reachable, look.is_guarded)
    work.write(
        store.KEEP_CHECK,
        resource=uri,
        now=claiming.now,
        reachable=said,
        reached=look.is_reachable,
        findings=findings,
        duration_ms=duration_ms,
    )
    if known is None or (known["reachable"], known["findings"]) != (said, findings):
        event.record(
            work,
            event.Kind.SERVER_CHECKED,
            resource=uri,
            reachable=look.is_reachable,
            guarded=look.is_guarded,
            findings=look.findings,
        )
    await work.commit()


async def _look(machines: Machines, uri: str, issuers: set[str]) -> _Look | None:
    """Ask its two questions; None: we were too busy to ask, which says nothing about the server."""
    look = _Look()
    try:
        await _see_metadata(machines, uri, issuers, look)
        await _see_guard(machines, uri, look)
    except OutboundBusyError:
        return None
    return look


async def _see_metadata(machines: Machines, uri: str, issuers: set[str], look: _Look) -> None:
    parts = urlsplit(uri)
    origin = f"{parts.scheme}://{parts.netloc}"
    answer = None
    # The place that RFC 9728 §3.1 names, and the root, where many servers have it.
    for place in dict.fromkeys((_WELL_KNOWN + parts.path.rstrip("/"), _WELL_KNOWN)):
        answer = await _asked(machines.outbound.look("GET", origin + place, most_bytes=_MOST_BYTES), look)
        if answer is None:
            return
        if answer.status == 200:
            break
    if answer is None or answer.status != 200:
        look.find(Finding.NO_METADATA)
        return
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        look.find(Finding.NO_METADATA)
        return
    if said.get("resource") != uri:
        look.find(Finding.OTHER_RESOURCE)
    named = said.get("authorization_servers")
    if not isinstance(named, list) or not any(isinstance(name, str) and name in issuers for name in named):
        look.find(Finding.OTHER_ISSUER)


async def _see_guard(machines: Machines, uri: str, look: _Look) -> None:
    answer = await _asked(machines.outbound.look("POST", uri, body=_CALL, most_bytes=_MOST_BYTES), look)
    if answer is None:
        return
    if answer.status == 401:
        look.is_guarded = True
        if "resource_metadata" not in answer.headers["www-authenticate"]:
            look.find(Finding.NO_CHALLENGE)
    elif answer.status in {200, 202, 204, 400, 404, 406, 415, 422}:
        # Whatever it says, what stands behind a guard has looked at the call.
        look.is_guarded = False
        look.find(Finding.UNGUARDED)


async def _asked(asking: Awaitable[Fetched], look: _Look) -> Fetched | None:
    try:
        answer = await asking
    except OutboundBusyError:
        raise
    except OutboundError as error:
        look.find(_OF_NO_ANSWER.get(error.reason, Finding.UNREACHABLE))
        return None
    look.is_reachable = True
    if 300 <= answer.status < 400:
        look.find(Finding.REDIRECTS)
        return None
    if answer.status >= 500:
        look.find(Finding.SERVER_ERROR)
        return None
    return answer


def _said(is_reachable: bool, is_guarded: bool | None) -> str:
    if not is_reachable:
        return "no"
    return {True: "guarded", False: "unguarded", None: "yes"}[is_guarded]


def _checked(row: Row) -> Checked:
    said = row["reachable"]
    return Checked(
        at=row["checked_at"],
        is_reachable=None if not said else said != "no",
        is_guarded={"guarded": True, "unguarded": False}.get(said),
        findings=tuple(Finding(finding) for finding in orjson.loads(row["findings"])),
        duration_ms=row["duration_ms"],
        last_reached_at=row["last_reached_at"],
    )
