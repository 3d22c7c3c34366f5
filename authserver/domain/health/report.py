"""
What an MCP server says of its own tools, and that it says something else than before.

C54, C56. The guard in front of it says so after each start and when a definition changes. It is the word of one credential, shown to
those for whom that credential counts, and it decides nothing: what may be granted is what was registered. A change is recorded,
and shown until an operator has accepted the list as it is.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from authserver.domain.audit import event
from authserver.domain.clients.client import Client
from authserver.domain.health import store
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork

MOST_TOOLS: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedTool:
    """One tool as its server has it. `definition_hash` is empty until somebody has listed it, and where it is never the same."""

    name: str
    tool_class: str
    scopes: tuple[str, ...]
    definition_hash: str = ""
    since_us: int = 0
    """When it was named first, or last became another: this tells two of one name apart, whatever is known of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """What one credential last said, and how that differs from what was accepted (or from its first word)."""

    client_id: str
    instance: str
    tools: tuple[ReportedTool, ...]
    reported_at: int
    changed_at: int
    accepted_at: int | None
    tools_hash: str
    """Names this very list; `accept` takes it."""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def has_changed(self) -> bool:
        """Whether nobody has accepted it as it is."""
        return bool(self.added or self.removed or self.changed)


async def take(work: UnitOfWork, client: Client, *, instance: str, tools: Sequence[ReportedTool]) -> None:
    """Keep what a server says of its tools; that it has changed is recorded where the credential belongs.

    A definition that nobody has listed since the server's start is the one that was listed before, so that a start hides no
    change. A lost commit: another process of the same server has just said something else.
    """
    known = await work.one(store.REPORT, resource=client.speaks_for, client_id=client.id)
    before = _tools(known["tools"]) if known is not None else ()
    old = {tool.name: tool for tool in before}
    tools = [_following(old.get(tool.name), tool, work.at_us) for tool in tools]
    said = _text(tools)
    said_hash = hashlib.sha256(said.encode()).hexdigest()
    added, removed, changed = _differences(before, tools)
    if known is not None and (added or removed or changed):
        work.claim(
            store.CHANGED,
            resource=client.speaks_for,
            client_id=client.id,
            known_hash=known["tools_hash"],
            tools_hash=said_hash,
            now=work.now,
        )
        if work.tenant is None:
            work.bind(client.tenant)
        event.record(
            work,
            event.Kind.SERVER_TOOLS_CHANGED,
            client_id=client.id,
            resource=client.speaks_for,
            added=len(added),
            removed=len(removed),
            changed=len(changed),
            payload={"added": added, "removed": removed, "changed": changed},
        )
    work.write(
        store.KEEP_REPORT,
        resource=client.speaks_for,
        client_id=client.id,
        instance=instance,
        tools=said,
        tools_hash=said_hash,
        now=work.now,
    )


async def reported(work: UnitOfWork, uri: str, client_id: str) -> Reported | None:
    """Return what a credential last said of the tools at `uri`, as the bound tenant has accepted it; None: nothing."""
    row = await work.one(store.REPORT, resource=uri, client_id=client_id)
    if row is None:
        return None
    accepted = await work.beside(work.tenant or SHARED).one(store.ACCEPTED, resource=uri, client_id=client_id)
    tools = _tools(row["tools"])
    added, removed, changed = _differences(_tools(accepted["tools"] if accepted else row["first_tools"]), tools)
    return Reported(
        client_id=client_id,
        instance=row["instance"],
        tools=tools,
        reported_at=row["reported_at"],
        changed_at=row["changed_at"],
        accepted_at=accepted["accepted_at"] if accepted else None,
        tools_hash=row["tools_hash"],
        added=added,
        removed=removed,
        changed=changed,
    )


async def accept(work: UnitOfWork, uri: str, client_id: str, *, tools_hash: str) -> bool:
    """Take the list of that hash for the right one, in the bound tenant (none: for the platform). False: it is another by now."""
    row = await work.one(store.REPORT, resource=uri, client_id=client_id)
    if row is None or row["tools_hash"] != tools_hash:
        return False
    if work.tenant is None:
        work.bind(SHARED)
    work.write(store.ACCEPT, resource=uri, client_id=client_id, tools=row["tools"], now=work.now)
    event.record(
        work, event.Kind.RESOURCE_CHANGED, action="tools_accepted", client_id=client_id, resource=uri, list=tools_hash
    )
    return True


def _differences(
    before: Sequence[ReportedTool], now: Sequence[ReportedTool]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the names that are new, gone, and of which something is different."""
    old, new = {tool.name: tool for tool in before}, {tool.name: tool for tool in now}
    return (
        tuple(sorted(set(new) - set(old))),
        tuple(sorted(set(old) - set(new))),
        tuple(sorted(name for name in set(old) & set(new) if old[name].since_us != new[name].since_us)),
    )


def _following(old: ReportedTool | None, new: ReportedTool, at_us: int) -> ReportedTool:
    if old is None:
        return replace(new, since_us=at_us)
    known = replace(new, definition_hash=new.definition_hash or old.definition_hash)
    is_same = (old.tool_class, old.scopes) == (new.tool_class, tuple(sorted(new.scopes)))
    # A definition that nobody had listed yet is no other one.
    is_same = is_same and old.definition_hash in {"", known.definition_hash}
    return replace(known, since_us=old.since_us if is_same else max(at_us, old.since_us + 1))


def _text(tools: Sequence[ReportedTool]) -> str:
    return orjson.dumps(
        [
            {
                "name": tool.name,
                "class": tool.tool_class,
                "scopes": sorted(tool.scopes),
                "definition_hash": tool.definition_hash,
                "since_us": tool.since_us,
            }
            for tool in sorted(tools, key=lambda tool: tool.name)
        ]
    ).decode()


def _tools(text: str) -> tuple[ReportedTool, ...]:
    said: list[Mapping[str, Any]] = orjson.loads(text)
    return tuple(
        ReportedTool(
            name=tool["name"],
            tool_class=tool["class"],
            scopes=tuple(tool["scopes"]),
            definition_hash=tool["definition_hash"],
            since_us=tool["since_us"],
        )
        for tool in said
    )
