"""
Keeping what an MCP server says its tools are: what was there first counts, what comes later waits until somebody has looked at it.

C54. Nothing is forgotten because another instance says something else: while a new version is rolled out, old and new are both known,
and only the new one waits. Whose word it is: a tenant's own server for a shared resource begins no inventory of the others'.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.inventory import store
from authserver.domain.inventory.inventory import APPROVED
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork

MOST_DEFINITIONS: Final = 32
"""Of one tool in one report."""
MOST_WAITING: Final = 8
"""Definitions of one tool that nobody has looked at; the one that was not seen for longest gives way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenDefinition:
    """What a tool was listed as, and for the people of which tenants."""

    hash: str
    definition: str
    """As JSON; empty: too long to be told."""
    tenants: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenTool:
    """One tool of a server's policy, with what is new of it."""

    name: str
    tool_class: str
    scopes: tuple[str, ...]
    sunset: date | None = None
    """The last day on which it may be called, by its author's word; None: nothing says so."""
    definitions: tuple[SeenDefinition, ...] = ()


async def take(
    work: UnitOfWork,
    client: Client,
    tools: Sequence[SeenTool],
    *,
    tenants: Collection[str],
    tells_of_uses: bool = False,
) -> None:
    """Keep what a credential says of its server's tools; of `tenants` it may speak. A lost commit: another process spoke first.

    `tells_of_uses`: whether it says when they were last used; from the first such word on, what was not used is known.
    """
    if work.tenant is None:
        work.bind(client.tenant)
    uri = client.speaks_for
    begun = await work.one(store.INVENTORY, resource=uri)
    is_first = begun is None
    if is_first:
        work.claim(store.BEGIN, resource=uri, now=work.now)
        work.changes_directory = True
        if work.tenant != SHARED and await work.beside(SHARED).one(store.INVENTORY, resource=uri) is not None:
            is_first = False
    else:
        work.write(store.REPORTED, resource=uri, now=work.now)
    if tells_of_uses and (begun is None or begun["uses_since"] is None):
        work.write(store.TELLS_OF_USES, resource=uri, now=work.now)
    names = {row["tool"]: row for row in await work.all(store.NAMES, resource=uri)}
    known = list(await work.all(store.HASHES, resource=uri))
    approved = {
        row["hash"]
        for place in {work.tenant or SHARED, SHARED}
        for row in await work.beside(place).all(store.REVIEWS, resource=uri)
        if row["decision"] == APPROVED
    }
    for tool in tools:
        _name(work, uri, tool, names.get(tool.name), is_first=is_first)
        _definitions(work, uri, tool, names.get(tool.name), known, is_first=is_first, approved=approved)
        for one in tool.definitions:
            for tenant in sorted(one.tenants & set(tenants)):
                work.write(store.SEE, resource=uri, hash=one.hash, seen_in=tenant)


def _name(work: UnitOfWork, uri: str, tool: SeenTool, known: Row | None, *, is_first: bool) -> None:
    sunset = "" if tool.sunset is None else tool.sunset.isoformat()
    if known is None or known["sunset"] != sunset:
        work.changes_directory = True
    work.write(
        store.NAME,
        resource=uri,
        tool=tool.name,
        tool_class=tool.tool_class,
        scopes=orjson.dumps(sorted(tool.scopes)).decode(),
        sunset=sunset,
        is_baseline=is_first,
        now=work.now,
    )


def _definitions(
    work: UnitOfWork,
    uri: str,
    tool: SeenTool,
    name: Row | None,
    known: Sequence[Row],
    *,
    is_first: bool,
    approved: Collection[str],
) -> None:
    if not tool.definitions:
        return
    is_baseline = is_first if name is None else bool(name["is_baseline"]) and name["defined_at"] is None
    if name is not None and is_baseline:
        work.claim(store.DEFINE, resource=uri, tool=tool.name, now=work.now)
    else:
        work.write(store.DEFINED, resource=uri, tool=tool.name, now=work.now)
    before = [row for row in known if row["tool"] == tool.name]
    hashes = {row["hash"] for row in before}
    for one in tool.definitions:
        work.write(
            store.KEEP_DEFINITION,
            resource=uri,
            tool=tool.name,
            hash=one.hash,
            definition=one.definition,
            is_baseline=is_baseline,
            now=work.now,
        )
        if one.hash in hashes:
            continue
        work.changes_directory = True
        if not is_baseline and one.hash not in approved:
            event.record(
                work,
                event.Kind.TOOL_DEFINITION_SEEN,
                resource=uri,
                tool=tool.name,
                definition_hash=one.hash,
                payload={"tool": tool.name},
            )
    # What counts, or is being looked at, stays; of the rest so many that nobody fills our disk by changing a word each time.
    waiting = [row for row in before if not row["is_baseline"] and row["hash"] not in approved]
    told = {one.hash for one in tool.definitions}
    room = MOST_WAITING - len(told - hashes - set(approved))
    waiting = sorted((row for row in waiting if row["hash"] not in told), key=lambda row: row["last_seen_at"])
    for row in waiting[: max(0, len(waiting) - max(0, room))]:
        work.write(store.DROP_DEFINITION, resource=uri, tool=tool.name, hash=row["hash"], is_baseline=False)


def expire(work: UnitOfWork) -> None:
    """Forget what was known of servers that are not registered any more."""
    for forgetting in store.FORGET:
        work.write(forgetting)
