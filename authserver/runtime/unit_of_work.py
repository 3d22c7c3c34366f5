"""
One tenant, one transaction, one reading of the clock, one request id.

A unit of work reads first, outside any write transaction, gathers its writes, and commits them once at the end, so that
units of the same millisecond can share one durable commit. Whatever decided is repeated in the `WHERE` of a *claim*:
a claim that changes no row is a lost race, nothing of the unit is written, and the caller runs the flow again, where it
now meets the winner's rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from authserver.runtime.memory import HOLD_VERSION, RAISE_VERSION
from authserver.runtime.schema import Statement

if TYPE_CHECKING:
    from authserver.runtime.machines import Machines

Row = Mapping[str, Any]
Values = dict[str, Any]
Step = tuple[Statement, Values]
"""A statement and its values by name; of one for many rows the `tenant`, and the `rows`, each beginning with it."""


@dataclass(slots=True)
class Unit:
    """What one unit of work wants written: all of it, or nothing."""

    tenant: str | None
    claims: list[Step] = field(default_factory=list)
    """Each must change or return at least one row, else nothing of the unit is written."""
    writes: list[Step] = field(default_factory=list)
    last: list[Step] = field(default_factory=list)
    """Numbered announcements: written after everything else of the shared transaction, so the lock is held briefly."""
    announces_first: bool = False
    """Its first claim is on what announcements change: whoever writes it takes their lock before anything else."""
    platform: bool = False
    """Crosses tenants: runs under the second database role."""

    @property
    def weight(self) -> int:
        """How many rows it inserts in bulk: what shares its commit waits for all of them."""
        return sum(len(values["rows"]) for statement, values in self.writes if statement.is_for_many)


class Database(Protocol):
    """The machine that keeps rows: SQLite or PostgreSQL."""

    async def read(
        self, tenant: str | None, statement: Statement, values: Values, *, platform: bool = False
    ) -> Sequence[Row]:
        """Return the rows as they are committed now, seen as `tenant` (None: only tables that belong to no tenant)."""
        ...

    async def commit(self, unit: Unit) -> bool:
        """Write the unit durably. False: a claim was lost and nothing was written. Other failures raise."""
        ...

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` soon after somebody has committed what takes a number, for ever: a hint, which may be lost."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of every connection."""
        ...


class DatabaseUnavailableError(Exception):
    """The database cannot be reached, or is too busy to answer in time. Nothing of the unit was written."""


class RowRefusedError(Exception):
    """The database refused a row: a key that exists, a reference that does not, a value or a tenant that may not be."""


class TenantBoundError(Exception):
    """A unit of work was asked to change its tenant."""


class Finisher(Protocol):
    """Something that gathers in a unit of work, and writes what it has gathered right before the commit."""

    async def finish(self, work: "UnitOfWork") -> None:
        """Add its writes to those that are there; it may read."""
        ...


F = TypeVar("F", bound=Finisher)


class UnitOfWork:
    """What a flow reads and wants written, for one tenant. Give it to every function of `oauth/` and `domain/` first."""

    __slots__ = (
        "_finishers",
        "_unit",
        "acts",
        "address",
        "applied",
        "at_us",
        "changes_directory",
        "machines",
        "now",
        "request_id",
        "tenant",
    )

    def __init__(
        self,
        machines: "Machines",
        *,
        at_us: int,
        request_id: str,
        tenant: str | None = None,
        address: str = "",
        platform: bool = False,
    ) -> None:
        self.machines = machines
        self.address = address
        # Who acts, in codes: it stands in the header of every event that this unit records.
        self.acts: Mapping[str, str] = {}
        self.applied = machines.memory.control_seq
        """The newest control number that this process had applied when the unit began. What the flow looked up since, from
        memory too, is at least as new: whatever begins is stamped with it, so that no kill in between is missed.
        """
        self.changes_directory = False
        self.at_us = at_us
        self.now = at_us // 1_000_000
        self.request_id = request_id
        self.tenant = tenant
        self._unit = Unit(tenant, platform=platform)
        self._finishers: dict[type[Finisher], Finisher] = {}

    def bind(self, tenant: str) -> None:
        """Bind to `tenant`, once. Raises TenantBoundError when it is bound to another."""
        if self.tenant is not None and self.tenant != tenant:
            raise TenantBoundError(f"this unit of work belongs to {self.tenant}")
        self.tenant = self._unit.tenant = tenant

    def beside(self, tenant: str) -> "UnitOfWork":
        """Return a unit of the same request and moment for reading inside `tenant`, before anything says it is its."""
        inside = UnitOfWork(
            self.machines, at_us=self.at_us, request_id=self.request_id, tenant=tenant, address=self.address
        )
        inside.applied = self.applied
        return inside

    def cross_tenants(self) -> None:
        """Run under the second database role; only `domain.audit.event.reach_every_tenant` calls this."""
        self._unit.platform = True

    @property
    def crosses_tenants(self) -> bool:
        """Whether it may reach the rows of every tenant."""
        return self._unit.platform

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        """Return every row of a reading."""
        return await self.machines.database.read(
            self.tenant, statement, self._bound(statement, values), platform=self._unit.platform
        )

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Return the first row of a reading, or None."""
        rows = await self.all(statement, **values)
        return rows[0] if rows else None

    def claim(self, statement: Statement, **values: Any) -> None:
        """Ask for a single-use write: if it changes no row at commit, the whole unit is lost."""
        self._unit.claims.append((statement, self._bound(statement, values)))

    def write(self, statement: Statement, **values: Any) -> None:
        """Ask for a write that may change any number of rows."""
        self._unit.writes.append((statement, self._bound(statement, values)))

    def write_many(self, statement: Statement, rows: Sequence[tuple[Any, ...]]) -> None:
        """Ask for many rows of `schema.insertion`, each its columns in order, without the tenant."""
        if rows:
            bound = self._bound(statement, {})
            bound["rows"] = [(self.tenant, *row) for row in rows]
            self._unit.writes.append((statement, bound))

    def write_last(self, statement: Statement, **values: Any) -> None:
        """Ask for a write that takes a number; see `Unit.last`."""
        self._unit.last.append((statement, self._bound(statement, values)))

    def finisher(self, kind: type[F]) -> F:
        """Return the one of its kind that finishes this unit, made when it is first asked for."""
        found = self._finishers.get(kind)
        if found is None:
            found = self._finishers[kind] = kind()
        return found  # type: ignore[return-value]

    def hold_directory(self, seen: int) -> None:
        """Ask that the directory is still at the version that was seen; a lost commit: somebody changed it meanwhile."""
        self._unit.claims.insert(0, (HOLD_VERSION, {"seen": seen}))
        self._unit.announces_first = True

    @property
    def has_writes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._unit.claims or self._unit.writes or self._unit.last or self._finishers)

    async def commit(self) -> bool:
        """Write everything durably and begin anew. False: a claim was lost; nothing was written; run the flow again."""
        if not self.has_writes:
            return True
        finishers, self._finishers = self._finishers, {}
        for one in finishers.values():
            await one.finish(self)
        if self.changes_directory:
            self.write_last(RAISE_VERSION)
        unit, self._unit = self._unit, Unit(self.tenant, platform=self._unit.platform)
        try:
            won = await self.machines.database.commit(unit)
        except DatabaseUnavailableError as error:
            self.machines.writes.failed(error)
            raise
        if won and self.changes_directory:
            self.machines.memory.forget()
        if won and unit.last:
            self.machines.hints.tell()
            self.machines.tail.nudge()
        return won

    def _bound(self, statement: Statement, values: Values) -> Values:
        if statement.crosses_tenants and not self._unit.platform:
            raise TenantBoundError("this statement crosses tenants: open the unit with platform_work")
        if "tenant" in statement.parameters:
            if self.tenant is None:
                raise TenantBoundError("this statement needs a tenant and the unit of work is not bound to one")
            if "tenant" in values:
                raise TenantBoundError("only the unit of work says which tenant it is for")
            values["tenant"] = self.tenant
        return values
