"""
The noun `resources`: MCP servers, their scopes in words and their tools.

They may be linked to several tenants, so the platform's operators make and change them; a tenant's people see what is linked to
theirs, and not to whom else.
"""

from typing import Annotated, Literal

from pydantic import Field

from authserver.domain.clients import registry
from authserver.domain.resources import listing
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource, ScopeInfo, Tool
from authserver.domain.tenants import tenant as tenants
from authserver.runtime.schema import SHARED
from authserver.web.admin.acting import scope_of
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.problems import invalid, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route

_Name = Annotated[str, Field(min_length=1, max_length=200, description="The name people see.", examples=["Orders"])]
_Words = Annotated[str, Field(max_length=300)]
_Tenants = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(max_length=5000, description="Ids or slugs of the tenants whose people may use it.", examples=[["acme"]]),
]


class Scope(Strict):
    """One scope in words."""

    name: str = Field(min_length=1, max_length=100, examples=["orders:read"])
    description: _Words = Field(default="", examples=["See orders"])
    roles: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(
        default_factory=list, max_length=50, description="Who may grant it; empty: every member."
    )


class RegisteredTool(Strict):
    """One thing that a server does, as it is registered."""

    name: str = Field(min_length=1, max_length=64, examples=["refund_order"])
    tool_class: Literal["read", "write", "destructive"] = Field(
        default="destructive", description="What it does to the world.", examples=["destructive"]
    )
    scopes: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=list, max_length=50, examples=[["orders:write"]]
    )
    title: _Words = Field(default="", examples=["Refund an order"])
    description: str = Field(default="", max_length=2000)
    approval: bool | None = Field(
        default=None, description="Whether each call waits for a person's yes; null: its server decides."
    )


class Purpose(Strict):
    """One thing that a person may say it is for."""

    name: str = Field(min_length=1, max_length=40, examples=["support"])
    words: str = Field(min_length=1, max_length=100, examples=["Answering customers"])


class ResourceShown(Thing):
    """One MCP server."""

    id: str = Field(examples=["res_abcdefghijklmnopqrstuvwxyz"])
    uri: str = Field(description="What tokens for it carry as `aud`.", examples=["https://mcp.example.com/mcp"])
    name: str = Field(examples=["Orders"])
    active: bool = Field(description="Whether tokens for it are issued.")
    published: bool = Field(description="Whether anybody reads its tools and scopes at /security.")
    scopes: list[Scope]
    tools: list[RegisteredTool]
    purposes: list[Purpose]
    tenants: list[str] | None = Field(
        description="To which tenants it is linked, by id; null: you see your own tenant alone."
    )
    credentials: list[str] | None = Field(description="With which client_ids it speaks to us; null: as with `tenants`.")


class ResourcePage(Shown):
    """Some MCP servers, by identifier."""

    items: list[ResourceShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class NewResource(Strict):
    """An MCP server to be registered."""

    uri: str = Field(
        min_length=1, max_length=500, description="Its identifier.", examples=["https://mcp.example.com/mcp"]
    )
    name: _Name
    scopes: list[Scope] = Field(default_factory=list, max_length=200)
    tools: list[RegisteredTool] = Field(default_factory=list, max_length=500)
    purposes: list[Purpose] = Field(default_factory=list, max_length=12)
    tenants: _Tenants = Field(default_factory=list)


class MadeResource(ResourceShown):
    """An MCP server that was just registered, with the credential by which it speaks to us: shown once."""

    client_id: str
    client_secret: str = Field(description="Shown this once.")


class ResourceChange(Strict):
    """What is to be changed; what is left out stays, and a list that is given replaces the whole list."""

    name: _Name | None = None
    scopes: list[Scope] | None = Field(default=None, max_length=200)
    tools: list[RegisteredTool] | None = Field(default=None, max_length=500)
    purposes: list[Purpose] | None = Field(default=None, max_length=12)
    tenants: _Tenants | None = Field(default=None, description="Whoever is left out loses what they have for it.")
    active: bool | None = Field(default=None, description="Disabling ends every token for it.")
    published: bool | None = None


@route("GET", "/resources", gives=ResourcePage, says="List MCP servers")
async def list_resources(ask: Ask, limit: Limit = 50, cursor: Cursor = None) -> ResourcePage:
    """What is linked to a tenant; all of them for the platform's operators."""
    after = ask.after(cursor)
    found = await listing.page(ask.work, tenant=scope_of(ask), after=str(after[0]) if after else "", most=limit + 1)
    return ResourcePage(
        items=[await _shown(ask, one) for one in found[:limit]],
        next=ask.next_cursor(found, limit, lambda one: [one.uri]),
    )


@route("POST", "/resources", gives=MadeResource, status=201, says="Register an MCP server")
async def add(ask: Ask, body: NewResource) -> Said:
    """It gets the credential with which it will speak to us; the secret is shown this once."""
    linked = await _tenants(ask, body.tenants)
    uri = resources.add(
        ask.work,
        uri=body.uri,
        name=body.name,
        scopes=_scopes(body.scopes),
        tools=_tools(body.tools),
        purposes=_purposes(body.purposes),
    )
    made = registry.add(
        ask.work,
        name=f"Resource server {body.name}"[:200],
        auth_method="client_secret_basic",
        grant_types=(),
        speaks_for=uri,
    )
    for tenant in linked:
        resources.link(ask.work, uri, tenant)
    ask.otherwise("uri: is registered already.")
    shown = ResourceShown(
        id=listing.id_of(uri),
        uri=uri,
        name=body.name,
        active=True,
        published=False,
        scopes=body.scopes,
        tools=body.tools,
        purposes=body.purposes,
        tenants=linked,
        credentials=[made.client.id],
    )
    assert made.secret is not None
    answer = MadeResource(**shown.model_dump(), client_id=made.client.id, client_secret=made.secret)
    return Said(body=answer, status=201, location=f"{ask.base}/resources/{shown.id}")


@route("GET", "/resources/{resource_id}", gives=ResourceShown, says="Show an MCP server")
async def show(ask: Ask, resource_id: Id) -> ResourceShown:
    """By its id."""
    return await _shown(ask, await found_by(ask, resource_id))


@route("PATCH", "/resources/{resource_id}", gives=ResourceShown, says="Change an MCP server")
async def change(ask: Ask, resource_id: Id, body: ResourceChange) -> ResourceShown:
    """What disappears from its lists is granted no more; a tenant that is left out loses what it has for it."""
    found = await found_by(ask, resource_id)
    ask.unchanged(await _shown(ask, found))
    linked = found.tenants if body.tenants is None else frozenset(await _tenants(ask, body.tenants))
    changed = resources.change(
        ask.work,
        found,
        name=body.name,
        scopes=None if body.scopes is None else _scopes(body.scopes),
        tools=None if body.tools is None else _tools(body.tools),
        purposes=None if body.purposes is None else _purposes(body.purposes),
        is_active=body.active if body.active != found.is_active else None,
        is_published=body.published,
    )
    for tenant in sorted(linked - found.tenants):
        resources.link(ask.work, found.uri, tenant)
    for tenant in sorted(found.tenants - linked):
        resources.unlink(ask.work, found.uri, tenant)
    return await _shown(ask, changed, linked)


@route("DELETE", "/resources/{resource_id}", gives=None, says="Remove an MCP server")
async def remove(ask: Ask, resource_id: Id) -> None:
    """With its credential, for good: every token for it ends."""
    found = await found_by(ask, resource_id)
    ask.unchanged(await _shown(ask, found))
    resources.remove(ask.work, found.uri)
    for client in await registry.speakers(ask.work, found.uri):
        registry.remove(ask.work, client)


async def found_by(ask: Ask, resource_id: str) -> Resource:
    """Return the MCP server that whoever asks may see by an id. Raises ProblemError."""
    found = await listing.by_id(ask.work, resource_id, tenant=scope_of(ask))
    if found is None:
        raise not_found()
    return found


async def _tenants(ask: Ask, named: list[str]) -> list[str]:
    found = []
    for one in named:
        tenant = await tenants.by_id(ask.work, one) or await tenants.by_slug(ask.work, one)
        if tenant is None:
            raise invalid("tenants", "names one that there is not; use ids or slugs of tenants.")
        found.append(tenant.id)
    return sorted(set(found))


def _scopes(given: list[Scope]) -> dict[str, ScopeInfo]:
    if len({one.name for one in given}) < len(given):
        raise invalid("scopes", "one stands twice.")
    return {one.name: ScopeInfo(description=one.description, roles=tuple(one.roles)) for one in given}


def _tools(given: list[RegisteredTool]) -> list[Tool]:
    return [
        Tool(
            name=one.name,
            sensitivity=one.tool_class,
            scopes=tuple(one.scopes),
            title=one.title,
            description=one.description,
            approval=one.approval,
        )
        for one in given
    ]


def _purposes(given: list[Purpose]) -> dict[str, str]:
    if len({one.name for one in given}) < len(given):
        raise invalid("purposes", "one stands twice.")
    return {one.name: one.words for one in given}


async def _shown(ask: Ask, resource: Resource, linked: frozenset[str] | None = None) -> ResourceShown:
    sees_all = ask.operator.is_platform
    speaks = await registry.speakers(ask.work.beside(SHARED), resource.uri) if sees_all else None
    return ResourceShown(
        id=listing.id_of(resource.uri),
        uri=resource.uri,
        name=resource.name,
        active=resource.is_active,
        published=resource.is_published,
        scopes=[
            Scope(name=name, description=info.description, roles=list(info.roles))
            for name, info in resource.scopes.items()
        ],
        tools=[
            RegisteredTool(
                name=tool.name,
                tool_class=tool.sensitivity,
                scopes=list(tool.scopes),
                title=tool.title,
                description=tool.description,
                approval=tool.approval,
            )
            for tool in resource.tools
        ],
        purposes=[Purpose(name=name, words=words) for name, words in resource.purposes.items()],
        tenants=sorted(resource.tenants if linked is None else linked) if sees_all else None,
        credentials=[client.id for client in speaks] if speaks is not None else None,
    )
