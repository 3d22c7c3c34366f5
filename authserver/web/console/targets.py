"""
A target in an address, and in the words a person reads: what it is, how it is called, whether it is stopped.

The words are those that its tenant may read: an application that belongs to nobody has a name here only where somebody here
has used it, or an administrator offers it to everybody.
"""

from dataclasses import dataclass

from authserver.domain.clients import registry
from authserver.domain.clients.client import Client, Origin
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.revocation import kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.stopping.stopping import Kill, Target
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tokens import search
from authserver.domain.users import user
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console.door import NothingHereError, Operator
from authserver.web.pages import words
from resource_lib.wire.control import EVERY_TENANT, Kind

KINDS = {
    Kind.EVERYTHING: "Everything",
    Kind.TENANT: "Organisation",
    Kind.USER: "Person",
    Kind.CLIENT: "Application",
    Kind.CLIENT_HOST: "Publisher",
    Kind.RESOURCE: "MCP server",
    Kind.TOOL: "Tool",
    Kind.TOOL_VERSION: "Tool, one version",
}
_REMOVED = "One that was removed"
_UNKNOWN_KIND = "There is no such kind of thing."


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A target and its words. `slug`: of the tenant in whose address it stands; empty: everywhere."""

    target: Target
    kind: str
    name: str
    slug: str
    tags: tuple[dict[str, str], ...] = ()
    lines: tuple[dict[str, object], ...] = ()
    is_of_machine: bool = False

    def head(self, stop: Kill | None) -> dict[str, object]:
        """Return the head of a page about it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "stopped": stop.stopped if stop is not None else "",
            "tags": self.tags,
            "lines": self.lines,
        }

    def link(self, operator: Operator, page: str, **more: str) -> str:
        """Return the address of a page about it."""
        one = self.target
        return operator.link(
            page,
            slug=self.slug,
            kind=one.kind.value,
            sub=one.sub,
            client=one.client_id,
            host=one.host,
            server=one.resource,
            tool=one.tool,
            definition=one.definition_hash,
            **more,
        )


async def asked(work: UnitOfWork, operator: Operator, query: Parameters) -> Named:
    """Return what an address names. Raises NothingHereError, UnknownTargetError, NotAllowedError."""
    try:
        kind = Kind(query.one("kind") or "")
    except ValueError:
        raise NothingHereError from None
    if kind not in KINDS or (kind is Kind.EVERYTHING and operator.tenant is not None):
        raise NothingHereError
    target = await stopping.resolve(
        work,
        kind,
        by=operator.by,
        tenant=operator.tenant.id if operator.tenant is not None else "",
        sub=query.one("sub") or "",
        client_id=query.one("client") or "",
        host=query.one("host") or "",
        resource=query.one("server") or "",
        tool=query.one("tool") or "",
        definition_hash=query.one("definition") or "",
    )
    return await named(work, target)


async def named(work: UnitOfWork, target: Target) -> Named:
    """Return the words of a target. Raises NothingHereError where its tenant may not know of it."""
    tenant = await tenants.by_id(work, target.tenant) if target.tenant != EVERY_TENANT else None
    kind, slug = KINDS[target.kind], tenant.slug if tenant is not None else ""
    match target.kind:
        case Kind.EVERYTHING:
            return Named(target=target, kind=kind, name="Everything on this server", slug="")
        case Kind.TENANT:
            name = tenant.name if tenant is not None else _REMOVED
            return Named(target=target, kind=kind, name=name, slug=slug)
        case Kind.USER:
            return await _person(work, target, kind, slug)
        case Kind.CLIENT:
            return await _application(work, target, kind, slug)
        case Kind.CLIENT_HOST:
            lines = (line("Every application that is described at this address, now and later"),)
            return Named(target=target, kind=kind, name=target.host, slug=slug, lines=lines)
        case _:
            return await _at_server(work, target, kind, slug)


def line(text: str, *, is_address: bool = False) -> dict[str, object]:
    """Return one line below a name."""
    return {"text": text, "is_address": is_address}


def tag(look: str, said: str) -> dict[str, str]:
    """Return a tag."""
    return {"look": look, "words": said}


async def knows(work: UnitOfWork, tenant: str, client: Client) -> bool:
    """Whether a tenant may read an application's name: its own, one offered to everybody, or one that was used there."""
    if tenant in {EVERY_TENANT, client.tenant}:
        return True
    if not client.is_shared:
        return False
    return client.origin is Origin.OPERATOR or await search.is_known_client(work.beside(tenant), client.id)


async def stop_of(work: UnitOfWork, operator: Operator, target: Target) -> Kill | None:
    """Return the stop of exactly this target, or None."""
    del work
    return operator.stops.by_key.get(target.key)


async def put_down(work: UnitOfWork, operator: Operator, stop: Kill) -> dict[str, str]:
    """Return since when, by whom and why, for whoever reads it.

    Of the platform's people a tenant learns no name, and none of their words: these may be about another tenant.
    """
    reason, who = kill_switch.said_of(work, stop)
    at = stop.changed_at_us // 1_000_000
    if stop.stopped_by == EVERY_TENANT and not operator.place.is_platform:
        who, reason = "the people who run this server", ""
    return {"since": words.ago(at, work.now), "since_iso": words.iso(at), "by": who, "reason": reason}


async def client_words(work: UnitOfWork, tenant: str, client_id: str) -> tuple[str, Client | None]:
    """Return how an application is called in a tenant, and what it is."""
    client = await registry.find(work, client_id)
    if client is not None and await knows(work, tenant, client):
        return client.name, client
    return client_id, None


async def server_name(work: UnitOfWork, uri: str) -> str:
    """Return how a server is called."""
    resource = await resources.by_uri(work, uri)
    return resource.name if resource is not None else "A server that was removed"


async def _person(work: UnitOfWork, target: Target, kind: str, slug: str) -> Named:
    found = await user.listed(work.beside(target.tenant), target.sub)
    if found is None:
        return Named(target=target, kind=kind, name=_REMOVED, slug=slug)
    tags = [tag("quiet", role) for role in found.roles[:6]]
    if not found.is_active:
        tags.insert(0, tag("warn", "Disabled"))
    return Named(target=target, kind=kind, name=found.name, slug=slug, tags=tuple(tags), lines=(line(found.email),))


async def _application(work: UnitOfWork, target: Target, kind: str, slug: str) -> Named:
    client = await registry.find(work, target.client_id)
    is_address = target.client_id.startswith("http")
    if client is None or not await knows(work, target.tenant, client):
        if not is_address:
            raise NothingHereError
        # An address can be stopped before anybody came with it; that somebody else has is not said.
        return Named(target=target, kind=kind, name=target.client_id, slug=slug)
    tags = [client_tag(client)]
    if not client.is_active:
        tags.append(tag("warn", "Disabled"))
    return Named(
        target=target,
        kind=kind,
        name=client.name,
        slug=slug,
        tags=tuple(tags),
        lines=(line(client.id, is_address=True),),
        is_of_machine=client.is_machine,
    )


def client_tag(client: Client) -> dict[str, str]:
    """Return how an application became known."""
    if client.is_verified:
        return tag("good", "Added by an administrator")
    return tag("quiet", f"Published by {client.document_host}" if client.document_host else "Registered itself")


async def _at_server(work: UnitOfWork, target: Target, kind: str, slug: str) -> Named:
    resource = await resources.by_uri(work, target.resource)
    if resource is None:
        return Named(target=target, kind=kind, name=target.tool or _REMOVED, slug=slug)
    if target.kind is Kind.RESOURCE:
        lines: tuple[dict[str, object], ...] = (line(resource.uri, is_address=True),)
        return Named(target=target, kind=kind, name=resource.name, slug=slug, lines=lines)
    title, tags = tool_words(resource, target.tool)
    lines = (line(target.tool, is_address=True), line(f"at {resource.name}"))
    if target.definition_hash:
        lines = (*lines, line(target.definition_hash, is_address=True))
    return Named(target=target, kind=kind, name=title, slug=slug, tags=tags, lines=lines)


def tool_words(resource: Resource, name: str) -> tuple[str, tuple[dict[str, str], ...]]:
    """Return how a tool is called, and how grave it is."""
    tool = next((one for one in resource.tools if one.name == name), None)
    if tool is None:
        return name, ()
    said = {"destructive": tag("bad", "Cannot be undone"), "write": tag("quiet", "Changes things")}
    grave = said.get(tool.sensitivity)
    return tool.title or tool.name, (grave,) if grave else ()
