"""
An operator types what they have, an e-mail address, part of a name, an id, and finds what it is.

People, applications, MCP servers, tools and authorizations of the bound tenant, and never a trace of another one: an application
that belongs to nobody is found where somebody here has used it. Names of people are ciphertext, so part of one is looked for among
the newest members only; an address and an id find anybody. Bounded in what it reads and in what it returns.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authserver.domain.clients import registry
from authserver.domain.clients.client import Client
from authserver.domain.resources import listing
from authserver.domain.resources import resource as resources
from authserver.domain.tokens import search
from authserver.domain.users import user
from authserver.runtime.unit_of_work import UnitOfWork

MOST_WORDS: Final = 200
"""Characters of a question."""
_LOOKED_THROUGH: Final = 1_000
"""How many people, and how many applications, are looked through for part of a name."""
_LATELY: Final = 5_000
_MOST_SHARED: Final = 200


class What(StrEnum):
    """What can be found."""

    USER = "user"
    CLIENT = "client"
    RESOURCE = "resource"
    TOOL = "tool"
    AUTHORIZATION = "authorization"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One thing that was found."""

    what: What
    id: str
    """By which it is shown: a `sub`, a client_id, the opaque id of an MCP server, the name of a tool, an authorization's id."""
    title: str
    """How people call it; may be a stranger's words."""
    detail: str
    """What tells it from others of that name."""
    resource: str = ""
    """The identifier of the MCP server, for one and for a tool."""
    resource_id: str = ""
    is_active: bool = True


async def find(
    work: UnitOfWork, words: str, *, among: Collection[What] = tuple(What), most: int = 10
) -> tuple[Hit, ...]:
    """Return what of the bound tenant answers to `words`, at most `most` of each kind, exact answers first."""
    assert work.tenant is not None
    words = words.strip()[:MOST_WORDS]
    if not words.isprintable() or not words:
        return ()
    finders = {
        What.USER: _users,
        What.CLIENT: _clients,
        What.RESOURCE: _resources,
        What.TOOL: _tools,
        What.AUTHORIZATION: _authorizations,
    }
    found: list[Hit] = []
    for what, finder in finders.items():
        if what in among:
            found += (await finder(work, words))[:most]
    return tuple(found)


async def _users(work: UnitOfWork, words: str) -> list[Hit]:
    exact = await _exactly(work, words)
    if exact is not None and (listed := await user.listed(work, exact)) is not None:
        found = [listed]
    else:
        wanted = words.casefold()
        newest = await user.newest_members(work, most=_LOOKED_THROUGH)
        found = [one for one in newest if wanted in one.email.casefold() or wanted in one.name.casefold()]
    return [Hit(what=What.USER, id=one.sub, title=one.name, detail=one.email, is_active=one.is_active) for one in found]


async def _exactly(work: UnitOfWork, words: str) -> str | None:
    """Return the `sub` of whose address or id that is."""
    member = await user.member_by_sub(work, words)
    if member is None and (person := await user.person_by_email(work, words)) is not None:
        member = await user.member_by_person(work, person.id)
    return member.sub if member is not None else None


async def _clients(work: UnitOfWork, words: str) -> list[Hit]:
    wanted = words.casefold()
    found: dict[str, Client] = {}
    exact = await registry.find(work, words)
    if exact is not None and (
        exact.tenant == work.tenant or (exact.is_shared and await search.is_known_client(work, exact.id))
    ):
        found[exact.id] = exact
    for client in await registry.newest(work, most=_LOOKED_THROUGH):
        if wanted in client.name.casefold() or wanted in client.id.casefold():
            found.setdefault(client.id, client)
    own = set(found)
    lately = [one for one in await search.clients_lately(work, most=_LATELY) if one not in own][:_MOST_SHARED]
    for client_id in lately:
        used = await registry.find(work, client_id)
        if used is not None and (wanted in used.name.casefold() or wanted in used.id.casefold()):
            found.setdefault(used.id, used)
    return [
        Hit(what=What.CLIENT, id=client.id, title=client.name, detail=client.id, is_active=client.is_active)
        for client in found.values()
    ]


async def _linked(work: UnitOfWork) -> list[resources.Resource]:
    assert work.tenant is not None
    found = [await resources.by_uri(work, uri) for uri in await resources.of_tenant(work, work.tenant)]
    return [one for one in found if one is not None]


async def _resources(work: UnitOfWork, words: str) -> list[Hit]:
    wanted = words.casefold()
    return [
        Hit(
            what=What.RESOURCE,
            id=listing.id_of(one.uri),
            title=one.name,
            detail=one.uri,
            resource=one.uri,
            resource_id=listing.id_of(one.uri),
            is_active=one.is_active,
        )
        for one in await _linked(work)
        if wanted in one.uri.casefold() or wanted in one.name.casefold() or words == listing.id_of(one.uri)
    ]


async def _tools(work: UnitOfWork, words: str) -> list[Hit]:
    wanted = words.casefold()
    found = [
        Hit(
            what=What.TOOL,
            id=tool.name,
            title=tool.title or tool.name,
            detail=f"{tool.sensitivity}, {one.name}",
            resource=one.uri,
            resource_id=listing.id_of(one.uri),
            is_active=one.is_active,
        )
        for one in await _linked(work)
        for tool in one.tools
        if wanted in tool.name.casefold() or wanted in tool.title.casefold()
    ]
    return sorted(found, key=lambda hit: hit.id != words)


async def _authorizations(work: UnitOfWork, words: str) -> list[Hit]:
    found = await search.find(work, words)
    if found is None:
        return []
    owner = found.authorization
    return [
        Hit(
            what=What.AUTHORIZATION,
            id=owner.id,
            title=f"{owner.client_id} for {owner.sub}",
            detail=found.ended_by or found.state.value,
            resource=owner.resource,
            resource_id=listing.id_of(owner.resource),
            is_active=found.state is search.State.LIVE,
        )
    ]
