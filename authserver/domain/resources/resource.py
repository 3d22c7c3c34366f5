"""
A protected resource: an MCP server, its scopes in words, and its tools.

RFC 8707: the identifier is what clients send as `resource` and what tokens carry as `aud`, byte for byte. A resource
serves the tenants it is linked to (decision 22). A write or destructive tool has a scope of its own, `tool:<name>`, beside
its author's (decision 11).
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from authserver.domain.audit import event
from authserver.domain.resources import administration, store
from authserver.domain.revocation import ends
from authserver.domain.tenants import tenant as tenants
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.settings import LOOPBACK
from resource_lib.wire.claims import TOOL_SCOPE_PREFIX

OFFLINE_ACCESS = "offline_access"
"""May be asked for beside any resource's scopes and permits nothing: some clients need it to expect a refresh token."""

OPENID = "openid"
"""May be asked for too: the client gets an ID token, and the claims its person allows it (OpenID Connect Core §3.1.2.1)."""

PERSONAL = {"profile": "name", "email": "email"}
"""What a client may be told of a person, each by a scope of its own and with the claim it stands for (§5.4)."""

INERT = frozenset({OFFLINE_ACCESS, OPENID, *PERSONAL})
"""Scopes of ours that permit nothing at any resource, and that no author may give a meaning."""

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MOST_PURPOSES = 12
_TOOL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class InvalidResourceError(ValueError):
    """A resource cannot be like that. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeInfo:
    """One scope in words; `roles` names who may grant it, empty: every member."""

    description: str = ""
    roles: tuple[str, ...] = ()
    is_default: bool = True
    """Whether a client that asks for nothing may get it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One thing a resource does."""

    name: str
    sensitivity: Literal["read", "write", "destructive"]
    scopes: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    approval: bool | None = None
    """Whether its author says that each call waits for a person's yes; None: nothing was said. The server's guard decides."""

    @property
    def own_scope(self) -> str | None:
        """The scope by which this one tool is opted into; None for reads."""
        return None if self.sensitivity == "read" else TOOL_SCOPE_PREFIX + self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """An MCP server as this server knows it."""

    uri: str
    name: str
    scopes: dict[str, ScopeInfo]
    tools: tuple[Tool, ...]
    tenants: frozenset[str]
    is_active: bool
    purposes: Mapping[str, str] = field(default_factory=dict)
    """What a person may say it is for, each name in words; where there are any, they must choose one."""
    is_published: bool = False
    """Whether anybody may read at `/security` which tools and scopes it has; otherwise only members of its tenants may."""
    is_narrowed: bool = False
    """Whether it is shown as a tenant lets one application see it: some tools may be missing."""

    @property
    def grantable(self) -> frozenset[str]:
        """Every scope a token for this resource may carry."""
        own = (tool.own_scope for tool in self.tools)
        return frozenset((*self.scopes, *(scope for scope in own if scope), *INERT))

    @property
    def default_scope(self) -> tuple[str, ...]:
        """What a client gets that asks for nothing: the scopes its read tools need, in the resource's order."""
        needed = {scope for tool in self.tools if tool.sensitivity == "read" for scope in tool.scopes}
        return tuple(
            scope for scope, info in self.scopes.items() if scope in needed or (self._has_no_tools and info.is_default)
        )

    @property
    def _has_no_tools(self) -> bool:
        # Where nobody listed tools every scope counts; where a tenant hides the last one, none does.
        return not self.tools and not self.is_narrowed

    def withheld_from(self, roles: Iterable[str]) -> frozenset[str]:
        """Return the scopes that a person with these roles may not grant."""
        held = set(roles)
        withheld = {name for name, info in self.scopes.items() if info.roles and not held & set(info.roles)}
        # A tool that needs a withheld scope could not be used: its own scope is withheld with it.
        own = {tool.own_scope for tool in self.tools if tool.own_scope and set(tool.scopes) & withheld}
        return frozenset(withheld | own)

    def without_tools(self, names: Collection[str]) -> "Resource":
        """Return it without some of its tools, and so without their own scopes."""
        kept = tuple(tool for tool in self.tools if tool.name not in names)
        return self if kept == self.tools else replace(self, tools=kept, is_narrowed=True)

    def tool_of(self, scope: str) -> Tool | None:
        """Return the tool that `scope` opts into, or None."""
        return next((tool for tool in self.tools if tool.own_scope == scope), None)


def canonical_uri(uri: str) -> str:
    """Return the identifier as it is stored. Raises InvalidResourceError for what RFC 8707 §2 or MCP forbids."""
    parts = urlsplit(uri)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
        or len(uri) > 500
        or not uri.isascii()
    ):
        raise InvalidResourceError("uri: an absolute https URL such as https://mcp.example.com/mcp")
    if parts.fragment or "#" in uri or parts.query or "?" in uri:
        raise InvalidResourceError("uri: no fragment and no query (RFC 8707 §2)")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise InvalidResourceError("uri: must be https; plain http is for loopback alone")
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    return origin + ("" if parts.path == "/" else parts.path)


def requested_uri(value: str) -> str:
    """Return the identifier a client means: scheme and host in lower case, a lone root slash dropped (MCP, RFC 3986 §6.2)."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return value
    if parts.scheme not in {"http", "https"} or not parts.netloc or "?" in value or "#" in value:
        return value
    return f"{parts.scheme}://{parts.netloc.lower()}" + ("" if parts.path == "/" else parts.path)


def origin_of(uri: str) -> str:
    """Return scheme and host of an identifier, which is itself where it has no path; empty for anything else."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else ""


def _checked(*, name: str, scopes: dict[str, ScopeInfo], tools: Sequence[Tool], purposes: Mapping[str, str]) -> None:
    if not 1 <= len(name) <= 200:
        raise InvalidResourceError("name: 1 to 200 characters")
    for scope in scopes:
        if not _SCOPE.fullmatch(scope) or scope.startswith(TOOL_SCOPE_PREFIX) or scope in INERT:
            raise InvalidResourceError(
                f"scopes: {scope!r} is not a scope of an author (RFC 6749 §3.3; `tool:`, {', '.join(sorted(INERT))} are ours)"
            )
    seen = set()
    for tool in tools:
        if not _TOOL.fullmatch(tool.name) or tool.name in seen:
            raise InvalidResourceError(f"tools: {tool.name!r} is not a tool name, or stands twice")
        if missing := set(tool.scopes) - set(scopes):
            raise InvalidResourceError(
                f"tools: {tool.name} needs {', '.join(sorted(missing))}, which `scopes` does not describe"
            )
        seen.add(tool.name)
    if len(purposes) > _MOST_PURPOSES:
        raise InvalidResourceError(f"purposes: at most {_MOST_PURPOSES}; a person reads them all")
    for purpose, said in purposes.items():
        if not _PURPOSE.fullmatch(purpose):
            raise InvalidResourceError(f"purposes: {purpose!r} is no name; up to 40 of a-z 0-9 _ -, a letter first")
        if not 1 <= len(said.strip()) <= 100:
            raise InvalidResourceError(f"purposes: {purpose} needs words for people, at most 100 characters")


def is_administration(work: UnitOfWork, uri: str) -> bool:
    """Whether that is our own admin API."""
    return uri == administration.uri_of(work.machines.settings)


def _is_somebodys(work: UnitOfWork, uri: str) -> None:
    if is_administration(work, uri):
        raise InvalidResourceError(
            "uri: this is the server's own admin API; it belongs to every tenant and is not changed. "
            "AUTHSERVER_ADMIN_API=false switches it off."
        )


def _administration(work: UnitOfWork, linked: Iterable[str]) -> Resource:
    return Resource(
        uri=administration.uri_of(work.machines.settings),
        name=administration.NAME,
        scopes={
            name: ScopeInfo(description=words, roles=roles, is_default=name.endswith(":read"))
            for name, (words, roles) in administration.WORDS.items()
        },
        tools=(),
        tenants=frozenset(linked),
        is_active=True,
    )


async def demand_default(work: UnitOfWork, uri: str, *, tenant: str) -> None:
    """Raise InvalidResourceError unless a tenant's tokens may be for it where a request names none."""
    found = await by_uri(work, uri)
    if found is None or tenant not in found.tenants or is_administration(work, uri):
        raise InvalidResourceError("default_resource: is not an MCP server that is linked to this tenant")


async def demand_reachable(
    work: UnitOfWork, uris: Iterable[str], scope: Iterable[str], *, tenant: str | None = None
) -> None:
    """Raise InvalidResourceError unless a client may be registered for these, and for these scopes there.

    `tenant`: whose client it is, by its id; None: nobody's.
    """
    offered: set[str] = set()
    named = tuple(uris)
    for uri in named:
        found = await by_uri(work, uri)
        # To whoever acts in one tenant, what is not linked to it is not there.
        if found is None or (tenant is not None and tenant not in found.tenants):
            raise InvalidResourceError(f"resource: {uri} is unknown, or not linked to this tenant")
        offered |= set(found.grantable)
    if named and (unknown := sorted(set(scope) - offered)):
        raise InvalidResourceError(
            f"scope: {' '.join(unknown)} is not offered there; there are {' '.join(sorted(offered))}"
        )


def add(
    work: UnitOfWork,
    *,
    uri: str,
    name: str,
    scopes: dict[str, ScopeInfo],
    tools: Sequence[Tool] = (),
    purposes: Mapping[str, str] | None = None,
) -> str:
    """Register an MCP server and return its identifier. A lost commit means that it exists. Raises InvalidResourceError."""
    purposes = purposes or {}
    _checked(name=name, scopes=scopes, tools=tools, purposes=purposes)
    uri = canonical_uri(uri)
    _is_somebodys(work, uri)
    work.claim(
        store.ADD,
        uri=uri,
        name=name,
        scopes=_scopes_text(scopes),
        tools=_tools_text(tools),
        purposes=_purposes_text(purposes),
        now=work.now,
    )
    work.changes_directory = True
    event.record(work, event.Kind.RESOURCE_CHANGED, action="added", resource=uri)
    return uri


def change(
    work: UnitOfWork,
    resource: Resource,
    *,
    name: str | None = None,
    scopes: dict[str, ScopeInfo] | None = None,
    tools: Sequence[Tool] | None = None,
    purposes: Mapping[str, str] | None = None,
    is_active: bool | None = None,
    is_published: bool | None = None,
) -> Resource:
    """Change what is given; disabling ends every token for it. Raises InvalidResourceError."""
    _is_somebodys(work, resource.uri)
    changed = replace(
        resource,
        name=resource.name if name is None else name,
        scopes=resource.scopes if scopes is None else scopes,
        tools=resource.tools if tools is None else tuple(tools),
        purposes=resource.purposes if purposes is None else purposes,
        is_active=resource.is_active if is_active is None else is_active,
        is_published=resource.is_published if is_published is None else is_published,
    )
    _checked(name=changed.name, scopes=changed.scopes, tools=changed.tools, purposes=changed.purposes)
    work.claim(
        store.SET,
        uri=changed.uri,
        name=changed.name,
        scopes=_scopes_text(changed.scopes),
        tools=_tools_text(changed.tools),
        purposes=_purposes_text(changed.purposes),
        status="active" if changed.is_active else "disabled",
        published=changed.is_published,
    )
    work.changes_directory = True
    if is_active is False:
        ends.end(work, ends.Cause.RESOURCE, reason="resource_disabled", resource=changed.uri)
    event.record(work, event.Kind.RESOURCE_CHANGED, action="changed", resource=changed.uri)
    return changed


def remove(work: UnitOfWork, uri: str) -> None:
    """Forget an MCP server: no token for it is issued again, and every one there is has ended. Raises InvalidResourceError."""
    _is_somebodys(work, uri)
    work.claim(store.REMOVE, uri=uri)
    work.changes_directory = True
    ends.end(work, ends.Cause.RESOURCE, reason="resource_removed", resource=uri)
    event.record(work, event.Kind.RESOURCE_CHANGED, action="removed", resource=uri)


def link(work: UnitOfWork, uri: str, tenant: str) -> None:
    """Let a tenant's people and clients get tokens for it. Raises InvalidResourceError."""
    _is_somebodys(work, uri)
    work.write(store.LINK, uri=uri, linked_to=tenant)
    work.changes_directory = True
    event.record(work, event.Kind.RESOURCE_CHANGED, action="linked", resource=uri, linked_to=tenant)


def unlink(work: UnitOfWork, uri: str, tenant: str) -> None:
    """Take a tenant's access away: what they have for it ends, and nothing of theirs is issued for it again.

    Raises InvalidResourceError.
    """
    _is_somebodys(work, uri)
    work.write(store.UNLINK, uri=uri, linked_to=tenant)
    work.changes_directory = True
    ends.end(work, ends.Cause.LINK, reason="resource_unlinked", resource=uri, unlinked_from=tenant)
    event.record(work, event.Kind.RESOURCE_CHANGED, action="unlinked", resource=uri, linked_to=tenant)


async def by_uri(work: UnitOfWork, uri: str) -> Resource | None:
    """Return the MCP server, from memory, or None; the admin API too, which no list of MCP servers names."""

    async def load() -> Resource | None:
        if is_administration(work, uri):
            if not work.machines.settings.admin_api:
                return None
            return _administration(work, [tenant.id for tenant in await tenants.all_tenants(work)])
        row = await work.one(store.BY_URI, uri=uri)
        if row is None:
            return None
        links = await work.all(store.LINKS_OF, uri=uri)
        return from_row(row, frozenset(link["linked_to"] for link in links))

    return await work.machines.memory.get("resource", uri, load)


async def active_tenants_of(work: UnitOfWork, uri: str) -> tuple[str, ...]:
    """Return the active tenants that an MCP server is linked to, in order, by one reading however many they are."""
    return tuple(row["linked_to"] for row in await work.all(store.ACTIVE_LINKS_OF, uri=uri))


async def of_tenant(work: UnitOfWork, tenant: str) -> tuple[str, ...]:
    """Return the identifiers of the MCP servers linked to a tenant, from memory."""

    async def load() -> tuple[str, ...]:
        return tuple(row["uri"] for row in await work.all(store.OF_TENANT, linked_to=tenant))

    return await work.machines.memory.get("resources_of", tenant, load)


async def every_uri(work: UnitOfWork) -> tuple[str, ...]:
    """Return the identifiers of every MCP server, from memory."""

    async def load() -> tuple[str, ...]:
        return tuple(row["uri"] for row in await work.all(store.ALL))

    return await work.machines.memory.get("resources", "", load)


async def all_resources(work: UnitOfWork) -> list[Resource]:
    """Return every MCP server."""
    found = []
    for row in await work.all(store.ALL):
        links = await work.all(store.LINKS_OF, uri=row["uri"])
        found.append(from_row(row, frozenset(link["linked_to"] for link in links)))
    return found


def from_row(row: Row, tenants: frozenset[str]) -> Resource:
    """Return the MCP server in a row of `store.BY_URI`, linked to these tenants."""
    scopes = {
        name: ScopeInfo(description=info.get("description", ""), roles=tuple(info.get("roles", ())))
        for name, info in orjson.loads(row["scopes"]).items()
    }
    return Resource(
        uri=row["uri"],
        name=row["name"],
        scopes=scopes,
        tools=tuple(tool_from_json(tool) for tool in orjson.loads(row["tools"])),
        tenants=tenants,
        is_active=row["status"] == "active",
        purposes={purpose["name"]: purpose["words"] for purpose in orjson.loads(row["purposes"])},
        is_published=bool(row["published"]),
    )


def tool_from_json(value: dict[str, Any]) -> Tool:
    """Return the tool that a JSON object describes: `name`, `class`, `scopes`, `title`, `description`, `approval`."""
    unknown = set(value) - {"name", "class", "scopes", "title", "description", "approval"}
    if unknown or not isinstance(value.get("name"), str):
        raise InvalidResourceError(
            f"tools: each has name, class, scopes, title, description, approval; not {', '.join(sorted(unknown)) or 'without a name'}"
        )
    sensitivity = value.get("class", "destructive")
    if sensitivity not in {"read", "write", "destructive"}:
        raise InvalidResourceError(f"tools: {value['name']}: class is read, write or destructive")
    approval = value.get("approval")
    if approval is not None and not isinstance(approval, bool):
        raise InvalidResourceError(f"tools: {value['name']}: approval is true or false")
    return Tool(
        name=value["name"],
        sensitivity=sensitivity,
        scopes=tuple(value.get("scopes", ())),
        title=value.get("title", ""),
        description=value.get("description", ""),
        approval=approval,
    )


def _scopes_text(scopes: dict[str, ScopeInfo]) -> str:
    return orjson.dumps(
        {name: {"description": info.description, "roles": info.roles} for name, info in scopes.items()}
    ).decode()


def _purposes_text(purposes: Mapping[str, str]) -> str:
    return orjson.dumps([{"name": name, "words": words} for name, words in purposes.items()]).decode()


def _tools_text(tools: Sequence[Tool]) -> str:
    return orjson.dumps(
        [
            {
                "name": tool.name,
                "class": tool.sensitivity,
                "scopes": tool.scopes,
                "title": tool.title,
                "description": tool.description,
                **({} if tool.approval is None else {"approval": tool.approval}),
            }
            for tool in tools
        ]
    ).decode()
