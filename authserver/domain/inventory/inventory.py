"""
What each tool of an MCP server may be today: the definitions that were there from the beginning, and those somebody has let in.

C53, C54. A platform operator decides for all tenants, a tenant's administrator for that tenant alone. Who rejects is heard before who
approves, so that a tenant opens nothing that the platform has closed. With AUTHSERVER_TOOL_REVIEW=observe all is kept and shown, and
nothing waits.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from authserver.domain.audit import event
from authserver.domain.inventory import store
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import Row, UnitOfWork
from resource_lib.wire.tool_policy import MOST_NAMES

Decision = Literal["approved", "rejected"]
APPROVED: Final = "approved"
REJECTED: Final = "rejected"

LetIn = Mapping[str, frozenset[str] | None]
"""By tool: the hashes of what it may be; None: any, because nobody has said yet what it is. A tool that is not named may be anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviews:
    """What one place decided, by hash. A definition says its tool's name, so its hash is of one tool."""

    approved: Mapping[str, frozenset[str]]
    """By tool."""
    rejected: frozenset[str]


NO_REVIEWS: Final = Reviews(approved={}, rejected=frozenset())


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """What is known of one server's tools by what its credentials of one place said: names, and hashes from the beginning."""

    baseline: Mapping[str, frozenset[str]]
    """By tool, of those whose definition somebody has listed: what counts unseen."""
    undefined: frozenset[str]
    """Tools that were there from the beginning, and that nobody has listed yet."""

    def let_in(self, *reviews: Reviews) -> dict[str, frozenset[str] | None]:
        """Return what counts under these decisions."""
        rejected = frozenset().union(*(one.rejected for one in reviews))
        found: dict[str, frozenset[str] | None] = {}
        for tool in (*self.undefined, *self.baseline):
            approved = frozenset[str]().union(*(one.approved.get(tool, ()) for one in reviews))
            known = sorted((self.baseline.get(tool, frozenset()) | approved) - rejected)
            found[tool] = frozenset(known[:MOST_NAMES]) if tool in self.baseline or approved else None
        return found

    def with_(self, other: "Inventory") -> "Inventory":
        """Return both together: what either of them knows from its beginning counts."""
        tools = {*self.baseline, *other.baseline}
        none: frozenset[str] = frozenset()
        baseline = {tool: self.baseline.get(tool, none) | other.baseline.get(tool, none) for tool in tools}
        return Inventory(baseline=baseline, undefined=(self.undefined | other.undefined) - tools)


EMPTY: Final = Inventory(baseline={}, undefined=frozenset())


def is_required(work: UnitOfWork) -> bool:
    """Whether what nobody has looked at does not count."""
    return work.machines.settings.tool_review == "required"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What the credentials of one place (`*`: shared ones) name, as rows of `store.NAMES`."""

    tenant: str
    names: Sequence[Row]
    reported_at: int
    uses_since: int | None
    """Since when its guard says which tools are used; None: it does not."""

    @property
    def present(self) -> list[Row]:
        """Return those that its server still has."""
        return [row for row in self.names if row["last_named_at"] >= self.reported_at]


async def naming_places(work: UnitOfWork, uri: str, tenant: str | None) -> list[Place]:
    """Return who has said something of a server, for an operator of `tenant` (None: the platform's): their own, and the shared ones."""
    own = await _speaking(work, uri) if tenant is None else (tenant,)
    found = []
    for place in (*own, SHARED):
        inside = work.beside(place)
        begun = await inside.one(store.INVENTORY, resource=uri)
        if begun is not None:
            names = await inside.all(store.NAMES, resource=uri)
            said = {name: begun[name] for name in ("reported_at", "uses_since")}
            found.append(Place(tenant=place, names=names, **said))
    return found


async def _speaking(work: UnitOfWork, uri: str) -> tuple[str, ...]:
    """Return the tenants whose own credentials have said something of a server."""
    across = event.platform_work(work.machines, "look for what every credential of a server has said")
    rows = await across.all(store.SPEAKERS, resource=uri)
    return tuple(row["tenant_id"] for row in rows if row["tenant_id"] != SHARED)


async def of_place(work: UnitOfWork, place: str, uri: str) -> Inventory:
    """Return what the credentials of a place (`*`: shared ones) have said of the server at `uri`; never from memory."""
    inside = work.beside(place)
    names = await inside.all(store.NAMES, resource=uri)
    if not names:
        return EMPTY
    baseline: dict[str, set[str]] = {}
    for row in names:
        if row["defined_at"] is not None or not row["is_baseline"]:
            baseline[row["tool"]] = set()
    for row in await inside.all(store.HASHES, resource=uri):
        if row["is_baseline"] and row["tool"] in baseline:
            baseline[row["tool"]].add(row["hash"])
    return Inventory(
        baseline={tool: frozenset(hashes) for tool, hashes in baseline.items()},
        undefined=frozenset(row["tool"] for row in names) - set(baseline),
    )


async def reviews_of(work: UnitOfWork, place: str, uri: str) -> Reviews:
    """Return what was decided at a place (`*`: by the platform, for all)."""
    return _reviews(await work.beside(place).all(store.REVIEWS, resource=uri))


async def sunsets(work: UnitOfWork, tenant: str, uri: str) -> dict[str, date]:
    """Return which tools of a server have a last day by its own word, as a tenant hears it; the earlier one where two differ."""
    found: dict[str, date] = {}
    for place in dict.fromkeys((SHARED, tenant)):
        for row in await work.beside(place).all(store.SUNSETS, resource=uri):
            day = date.fromisoformat(row["sunset"])
            found[row["tool"]] = min(day, found.get(row["tool"], day))
    return found


async def in_tenant(work: UnitOfWork, tenant: str, uri: str) -> LetIn:
    """Return what counts in one tenant; nothing is named where nothing has to be looked at."""
    if not is_required(work):
        return {}
    shared = await of_place(work, SHARED, uri)
    own = await of_place(work, tenant, uri) if tenant != SHARED else EMPTY
    if shared == own == EMPTY:
        return {}
    return shared.with_(own).let_in(await reviews_of(work, SHARED, uri), await reviews_of(work, tenant, uri))


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What one credential's server is told: what counts everywhere, and where a tenant's own decisions make it something else."""

    everywhere: LetIn | None
    """None: it has said nothing yet, or nothing has to be looked at."""
    elsewhere: Mapping[str, LetIn]


async def told(work: UnitOfWork, uri: str, tenants: Collection[str], *, speaker: str) -> Told:
    """Return what a server is told whose credential belongs to `speaker`, for the tenants it is heard for."""
    known = await of_place(work, SHARED, uri)
    if speaker != SHARED:
        known = known.with_(await of_place(work, speaker, uri))
    if known == EMPTY or not is_required(work):
        return Told(everywhere=None, elsewhere={})
    across = event.platform_work(work.machines, "look for what the tenants of a server have let in")
    decided: dict[str, list[Row]] = {}
    for row in await across.all(store.EVERY_TENANTS_REVIEWS, resource=uri):
        decided.setdefault(row["tenant_id"], []).append(row)
    everywhere = _reviews(decided.pop(SHARED, ()))
    common = known.let_in(everywhere)
    elsewhere = {}
    for tenant in sorted(set(tenants) & set(decided)):
        here = known.let_in(everywhere, _reviews(decided[tenant]))
        elsewhere[tenant] = {tool: hashes for tool, hashes in here.items() if hashes != common[tool]}
    return Told(everywhere=common, elsewhere=elsewhere)


def _reviews(rows: Iterable[Row]) -> Reviews:
    approved: dict[str, set[str]] = {}
    rejected = set()
    for row in rows:
        if row["decision"] == APPROVED:
            approved.setdefault(row["tool"], set()).add(row["hash"])
        else:
            rejected.add(row["hash"])
    return Reviews(
        approved={tool: frozenset(hashes) for tool, hashes in approved.items()}, rejected=frozenset(rejected)
    )
