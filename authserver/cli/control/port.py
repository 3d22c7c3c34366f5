"""What an operator's command needs of a deployment, wherever that is."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol


class RefusedError(Exception):
    """It was not done, or there is no such thing. The message is one sentence that names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What an operator typed. `kind` is a word of `resource_lib.wire.control.Kind`; `tenant` a slug, empty: everywhere."""

    kind: str
    tenant: str = ""
    email: str = ""
    client_id: str = ""
    host: str = ""
    resource: str = ""
    tool: str = ""
    definition_hash: str = ""

    @property
    def words(self) -> str:
        """It as people say it."""
        where = f" in {self.tenant}" if self.tenant else ""
        match self.kind:
            case "everything":
                return "everything"
            case "tenant":
                return f"tenant {self.tenant}"
            case "user":
                return f"{self.email}{where}"
            case "client":
                return f"client {self.client_id}{where}"
            case "client_host":
                return f"every client of {self.host}{where}"
            case "resource":
                return f"{self.resource}{where}"
            case _:
                version = f", version {self.definition_hash}," if self.definition_hash else ""
                return f"{self.tool}{version} of {self.resource}{where}"

    @property
    def command(self) -> str:
        """It as the command line takes it."""
        match self.kind:
            case "everything":
                return "everything"
            case "tenant":
                return f"tenant {self.tenant}"
            case "user":
                named = f"user {self.email}"
            case "client":
                named = f"client {self.client_id}"
            case "client_host":
                named = f"host {self.host}"
            case "resource":
                named = f"resource {self.resource}"
            case _:
                named = f"tool {self.tool} --resource {self.resource}"
        if self.definition_hash:
            named += f" --version {self.definition_hash}"
        return named + (f" --tenant {self.tenant}" if self.tenant else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Radius:
    """What hangs on a target now."""

    users: int
    clients: int
    live_authorizations: int
    servers: tuple[str, ...]
    instances: int
    ends: bool
    """Whether the authorizations end; those of a tool or a server are held up."""

    def row(self) -> dict[str, Any]:
        """Return it for printing."""
        return asdict(self) | {"servers": list(self.servers)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Something that is in force, and until whom it has to travel: the MCP servers that are told of its number."""

    number: int
    servers: tuple[str, ...]
    tenant: str = "*"
    """Where it acts, by the deployment's own id; `*`: everywhere."""
    key: str = ""
    """What the remote server calls it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One running MCP server and an order: `applied`, `waiting` or `lapsed`."""

    resource: str
    instance: str
    state: str
    after_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """One target that is stopped, or was."""

    named: Named
    state: str
    """`killed`, `paused`, or `revived`."""
    at: int
    reason: str
    by: str
    """Who stopped it, in the record's words."""
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatHappened:
    """What is looked for in the record; what is left empty is not asked about. Times are seconds since the epoch."""

    kind: str = ""
    outcome: str = ""
    decision: str = ""
    email: str = ""
    """An e-mail address, or a `sub`."""
    subject: str = ""
    """Whoever is called so in a call."""
    client_id: str = ""
    """An id, or a name that one application alone has."""
    authorization_id: str = ""
    resource: str = ""
    request_id: str = ""
    tool: str = ""
    call: str = ""
    approval_id: str = ""
    trace_id: str = ""
    since: int | None = None
    until: int | None = None
    opened: bool = False
    """Whether what is sealed is opened: who did it, and why, in their words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhoHasWhat:
    """Which authorizations are looked for; what is left empty is not asked about."""

    email: str = ""
    client_id: str = ""
    resource: str = ""
    state: str = ""
    is_unused: bool = False
    """Only live ones that nobody uses."""
    days: int | None = None
    """For how many days nobody used them; None: as the deployment is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What is asked of the counts; what is left empty is not asked about. Times are seconds since the epoch."""

    by: str
    """`tool`, `server`, `client`, `tenant`, `hour` or `day`."""
    resource: str = ""
    tool: str = ""
    client_id: str = ""
    since: int | None = None
    until: int | None = None


class Control(Protocol):
    """One deployment. Every method raises RefusedError."""

    look_every_s: float
    """How often it is decent to ask who has obeyed."""

    async def radius(self, named: Named) -> Radius:
        """Return what a stop would end or hold up."""
        ...

    async def stop(self, named: Named, *, act: str, reason: str) -> Order:
        """`kill`, `pause` or `revive` a target; it is in force when this returns."""
        ...

    async def revoke(self, kind: str, named: Named, of: str, *, reason: str) -> Order:
        """End one `token` or `authorization` (named by `of`), or what a `client` or a `user` holds now."""
        ...

    async def heard(self, order: Order) -> list[Heard]:
        """Return who has obeyed."""
        ...

    async def stops(self, tenant: str, *, past: bool) -> list[Stopped]:
        """Return what is stopped, newest first; `past`: what was, too."""
        ...

    async def events(self, tenant: str, wanted: WhatHappened, *, most: int) -> list[dict[str, Any]]:
        """Return what happened, newest first: `at`, `kind`, `outcome`, `reason`, `tenant`, and what it was about."""
        ...

    def every_event(self, tenant: str, wanted: WhatHappened) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all that happened in one tenant, newest first, page by page."""
        ...

    async def approvals(self, tenant: str, state: str, *, most: int) -> list[dict[str, Any]]:
        """Return the calls that wait for a yes, or have had one, newest first."""
        ...

    async def approval(self, approval_id: str) -> dict[str, Any]:
        """Return one call, with what it is about where that may be seen, under `arguments`."""
        ...

    async def deny(self, approval_id: str, *, reason: str) -> dict[str, Any]:
        """Say no to a call."""
        ...

    async def servers(self, tenant: str) -> list[dict[str, Any]]:
        """Return how each MCP server is."""
        ...

    async def look(self, uri: str) -> dict[str, Any]:
        """Look at an MCP server now, as a stranger would."""
        ...

    async def tools(self, uri: str, tenant: str) -> list[dict[str, Any]]:
        """Return every definition of an MCP server's tools that may be seen, and whether it counts, as the admin API says it."""
        ...

    async def review(self, uri: str, tool: str, definition_hash: str, *, decision: str, tenant: str) -> None:
        """Let a definition in (`approved`), or keep it out (`rejected`): in a tenant alone, or everywhere."""
        ...

    async def unused_tools(self, uri: str, tenant: str, days: int | None) -> dict[str, Any]:
        """Return which tools nobody used: `tools` (`resource`, `tool`, `class`, `since`, `last_used`), `days`, and `untold`, the servers
        whose guards do not say it. `uri` empty: of every MCP server; `days` None: as the deployment is set.
        """
        ...

    async def analytics(self, tenant: str, asked: Counted, *, most: int) -> dict[str, Any]:
        """Return what many calls amount to: `since`, `until`, `total`, `items` (the most called first), and `count`, how many there are."""
        ...

    async def authorizations(self, tenant: str, wanted: WhoHasWhat, *, most: int) -> list[dict[str, Any]]:
        """Return who has what, newest first: `authorization_id`, `tenant`, `who`, `client_id`, `application`, `resource`, …"""
        ...
