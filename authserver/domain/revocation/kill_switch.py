"""
What is stopped: a class of things, by one row and one number, however many it holds.

Decision 14. A kill of a user, a client, a tenant or everything ends whatever carries a smaller number: the rows say so to every
reading and to every claim (`store.floor_of`), in every process, and after every restart. A kill of a tool, of one version of it
or of a resource ends nothing: its calls are held up until it is revived. Decision 22: whoever acts for a tenant acts in that
tenant alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from authserver.domain.audit import event
from authserver.domain.revocation import feed, store
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.control import COUNTED, EVERY_TENANT, Act, Kind

RETRY_AFTER_S = 60
"""What callers of something stopped are told, where nobody said otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What can be stopped. `tenant`: where; `*`: everywhere, which only the platform's operators may say."""

    kind: Kind
    tenant: str = EVERY_TENANT
    sub: str = ""
    client_id: str = ""
    host: str = ""
    resource: str = ""
    tool: str = ""
    definition_hash: str = ""

    @property
    def key(self) -> str:
        """Its one name among all targets."""
        match self.kind:
            case Kind.EVERYTHING:
                return "everything"
            case Kind.TENANT:
                return f"tenant/{self.tenant}"
            case Kind.USER:
                return f"user/{self.tenant}/{self.sub}"
            case Kind.CLIENT:
                return f"client/{self.tenant}/{self.client_id}"
            case Kind.CLIENT_HOST:
                return f"client_host/{self.tenant}/{self.host}"
            case Kind.RESOURCE:
                return f"resource/{self.tenant}/{self.resource}"
            case Kind.TOOL:
                return f"tool/{self.tenant}/{self.resource}#{self.tool}"
            case Kind.TOOL_VERSION:
                return f"tool_version/{self.tenant}/{self.resource}#{self.tool}#{self.definition_hash}"
            case _:
                raise ValueError(f"a {self.kind.value} is revoked, not killed")

    @property
    def subject(self) -> dict[str, str]:
        """The members by which an event names it."""
        names = ("sub", "client_id", "host", "resource", "tool", "definition_hash")
        return {name: value for name in names if (value := getattr(self, name))}


@dataclass(frozen=True, kw_only=True, slots=True)
class By:
    """Who acts: an operator of `tenant`, a person or a client of theirs; `*`: of the platform.

    `label` is how they are recognised in the record; it may name somebody and is sealed there.
    """

    tenant: str
    sub: str = ""
    client_id: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """One target that was ever stopped."""

    target: Target
    number: int
    """The number of its latest event."""
    floor: int
    """Whatever carries a smaller number has ended; 0: nothing has."""
    stopped: str
    """`kill` or `pause`; empty: it was revived, or only ended."""
    stopped_by: str
    """Whose operators did: a tenant's, or `*`; what the platform stopped no tenant's operator revives."""
    retry_after_s: int
    changed_at_us: int
    sealed_reason: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stops:
    """Everything that is stopped now, as one process remembers it; the rows decide what has ended."""

    by_key: dict[str, Kill]

    def on(
        self, *, tenant: str, sub: str = "", client_id: str = "", host: str = "", resource: str = "", tool: str = ""
    ) -> Kill | None:
        """Return the gravest stop that these meet, or None; what is left empty is not asked about."""
        if not self.by_key:
            return None
        places = (EVERY_TENANT, tenant)
        candidates = [Target(kind=Kind.EVERYTHING), Target(kind=Kind.TENANT, tenant=tenant)]
        if sub:
            candidates.append(Target(kind=Kind.USER, tenant=tenant, sub=sub))
        if client_id:
            candidates += [Target(kind=Kind.CLIENT, tenant=place, client_id=client_id) for place in places]
        if host:
            candidates += [Target(kind=Kind.CLIENT_HOST, tenant=place, host=host) for place in places]
        found = next((kill for each in candidates if (kill := self.by_key.get(each.key)) is not None), None)
        if found is None and resource:
            found = self.held(tenant, resource)
        return found if found is not None or not (resource and tool) else self.tool(tenant, resource, tool)

    def held(self, tenant: str, resource: str) -> Kill | None:
        """Return the stop of an MCP server that a tenant's calls meet, or None."""
        for place in (EVERY_TENANT, tenant):
            found = self.by_key.get(Target(kind=Kind.RESOURCE, tenant=place, resource=resource).key)
            if found is not None:
                return found
        return None

    def tool(self, tenant: str, resource: str, tool: str, definition_hash: str = "") -> Kill | None:
        """Return the stop of a tool, or of this version of it, that a tenant's calls meet, or None."""
        for place in (EVERY_TENANT, tenant):
            one = Target(kind=Kind.TOOL, tenant=place, resource=resource, tool=tool)
            version = replace(one, kind=Kind.TOOL_VERSION, definition_hash=definition_hash)
            found = self.by_key.get(one.key) or self.by_key.get(version.key)
            if found is not None:
                return found
        return None

    def tools(self, tenant: str, resource: str) -> frozenset[str]:
        """Return the names of the stopped tools of an MCP server, as a tenant's calls meet them."""
        places = {EVERY_TENANT, tenant}
        return frozenset(
            each.target.tool
            for each in self.by_key.values()
            if each.target.kind is Kind.TOOL and each.target.resource == resource and each.target.tenant in places
        )


def kill(work: UnitOfWork, target: Target, *, reason: str, by: By, retry_after_s: int = RETRY_AFTER_S) -> None:
    """Stop it, with the caller's other writes: one row, one number. A repetition takes a new number and ends what began since.

    `reason` is an operator's words; they are sealed, and in the record's payload.
    """
    _stop(work, target, Act.KILL, reason=reason, by=by, retry_after_s=retry_after_s)


def pause(work: UnitOfWork, target: Target, *, reason: str, by: By, retry_after_s: int = RETRY_AFTER_S) -> None:
    """Switch a resource inactive: its callers are told to come back, and nothing ends."""
    assert target.kind is Kind.RESOURCE
    _stop(work, target, Act.PAUSE, reason=reason, by=by, retry_after_s=retry_after_s)


def _stop(work: UnitOfWork, target: Target, act: Act, *, reason: str, by: By, retry_after_s: int) -> None:
    said: dict[str, str | int] = {**target.subject, "retry_after_s": retry_after_s}
    feed.announce(work, target.kind, said, act, tenant=target.tenant, resource=target.resource)
    work.write_last(
        store.KILL,
        target=target.key,
        scope_tenant=target.tenant,
        kind=target.kind.value,
        subject=orjson.dumps(target.subject).decode(),
        resource=target.resource,
        counted=act is Act.KILL and target.kind in COUNTED,
        stopped=act.value,
        stopped_by=by.tenant,
        retry_after_s=retry_after_s,
        reason=store.REASON.seal(work.machines.key_encryption, orjson.dumps([reason, by.label]), target=target.key),
        at_us=work.at_us,
    )
    work.changes_directory = True
    _record(work, event.Kind.STOPPED, target, reason=reason, by=by, act=act.value)


def revive(work: UnitOfWork, target: Target, *, reason: str, by: By) -> None:
    """Let new things begin; what has ended stays so. A lost commit: it is not stopped, or not by theirs."""
    work.claim(store.REVIVE, target=target.key, at_us=work.at_us, revived_by=by.tenant)
    feed.announce(work, target.kind, target.subject, Act.REVIVE, tenant=target.tenant, resource=target.resource)
    work.write_last(store.REVIVED, target=target.key)
    work.changes_directory = True
    _record(work, event.Kind.REVIVED, target, reason=reason, by=by)


def _record(work: UnitOfWork, kind: event.Kind, target: Target, *, reason: str, by: By, **header: Any) -> None:
    event.record(
        work,
        kind,
        sub=by.sub,
        client_id=by.client_id,
        resource=target.resource,
        payload={"target": target.key, "reason": reason, "by": by.label},
        kind_of=target.kind.value,
        target_tenant=target.tenant,
        **header,
    )


def end_by_number(work: UnitOfWork, target: Target) -> None:
    """End whatever of a user, a client, a tenant, a resource carries a smaller number, without stopping what is new; announce it."""
    assert target.kind in COUNTED or target.kind is Kind.RESOURCE
    feed.announce(work, target.kind, target.subject, tenant=target.tenant, resource=target.resource)
    work.write_last(
        store.RAISE_FLOOR,
        target=target.key,
        scope_tenant=target.tenant,
        kind=target.kind.value,
        subject=orjson.dumps(target.subject).decode(),
        resource=target.resource,
        at_us=work.at_us,
    )


async def stops(work: UnitOfWork) -> Stops:
    """Return what is stopped now, from memory, a moment old at most.

    Whoever is let pass by a memory that lags begins with a number below the kill's, so what they began has ended.
    """

    async def load() -> Stops:
        return Stops({row["target"]: _kill(row) for row in await work.all(store.STOPPED)})

    return await work.machines.memory.get("stops", "", load)


async def floor_of_client(work: UnitOfWork, tenant: str, client_id: str, host: str = "") -> int:
    """Return the number below which whatever a client does in a tenant has ended; 0: nothing has. Never from memory."""
    row = await work.one(
        store.FLOOR,
        here=Target(kind=Kind.CLIENT, tenant=tenant, client_id=client_id).key,
        everywhere=Target(kind=Kind.CLIENT, client_id=client_id).key,
        host_here=Target(kind=Kind.CLIENT_HOST, tenant=tenant, host=host).key,
        host_everywhere=Target(kind=Kind.CLIENT_HOST, host=host).key,
    )
    return int(row["floor"]) if row else 0


async def find(work: UnitOfWork, target: Target) -> Kill | None:
    """Return what was ever done to a target, never from memory; None: nothing."""
    row = await work.one(store.ONE, target=target.key)
    return _kill(row) if row else None


async def count_named(work: UnitOfWork, tenant: str) -> int:
    """Return how many applications, publishers, tools and versions are stopped in a tenant, never from memory."""
    row = await work.one(store.COUNT_NAMED, scope_tenant=tenant)
    return int(row["count"]) if row else 0


async def every(work: UnitOfWork, *, only_stopped: bool = False) -> list[Kill]:
    """Return all of them, never from memory; the stopped ones newest first."""
    return [_kill(row) for row in await work.all(store.STOPPED if only_stopped else store.EVERY)]


async def page(
    work: UnitOfWork, tenant: str, *, only_stopped: bool = False, after: tuple[int, str] | None = None, most: int = 50
) -> list[Kill]:
    """Return what was stopped or ended by number in a tenant (`*`: everywhere at once), the latest first, never from memory.

    `after` is `changed_at_us` and `target.key` of the last one of the page before.
    """
    before_us, before = after if after is not None else (2**62, "")
    only = "stopped" if only_stopped else ""
    rows = await work.all(store.PAGE, scope_tenant=tenant, only=only, before_us=before_us, before=before, most=most)
    return [_kill(row) for row in rows]


def reason_of(work: UnitOfWork, kill: Kill) -> str:
    """Return why, in the words of whoever stopped it."""
    return said_of(work, kill)[0]


def said_of(work: UnitOfWork, kill: Kill) -> tuple[str, str]:
    """Return why it was stopped and who did, in their own words; empty where nobody stopped it."""
    if kill.sealed_reason is None:
        return "", ""
    reason, label = orjson.loads(
        store.REASON.open(work.machines.key_encryption, kill.sealed_reason, target=kill.target.key)
    )
    return reason, label


def in_tenant(kills: Iterable[Kill], tenant: str) -> list[Kill]:
    """Return those that somebody of a tenant may know of: its own."""
    return [kill for kill in kills if kill.target.tenant == tenant]


def _kill(row: Row) -> Kill:
    subject = orjson.loads(row["subject"])
    return Kill(
        target=Target(kind=Kind(row["kind"]), tenant=row["scope_tenant"], **subject),
        number=row["seq"],
        floor=row["floor"],
        stopped=row["stopped"],
        stopped_by=row["stopped_by"],
        retry_after_s=row["retry_after_s"],
        changed_at_us=row["changed_at_us"],
        sealed_reason=row["reason"],
    )
