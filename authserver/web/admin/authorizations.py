"""The noun `authorizations`: who has what, person by person, application by application, server by server; and its end."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from authserver.domain.clients import registry
from authserver.domain.resources import listing
from authserver.domain.stopping import stopping
from authserver.domain.tokens import search
from authserver.domain.tokens.search import Found, State, Wanted
from authserver.web.admin.acting import REASON_WORDS, by
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import invalid, not_found
from authserver.web.admin.routing import Cursor, Days, Id, Limit, Shown, Thing, route


class AuthorizationShown(Thing):
    """One login's session of a person, an application and an MCP server; or a machine's standing one. Times are seconds."""

    id: str = Field(examples=["auz_abcdefghijklmnop"])
    sub: str = Field(
        description="Whose it is; `client:` and a client_id: a machine's own.", examples=["usr_abcdefghijklmnop"]
    )
    client_id: str = Field(examples=["cli_abcdefghijklmnop"])
    client_name: str = Field(description="A stranger's words, where it registered itself.")
    resource: str = Field(examples=["https://mcp.example.com/mcp"])
    resource_id: str
    scopes: list[str] = Field(examples=[["orders:read"]])
    further_scopes: list[str] = Field(description="What its owner let it do besides, until `further_until`.")
    further_until: int | None
    profile: Literal["interactive", "system", "api_key"]
    purpose: str
    started_at: int
    last_used_at: int | None = Field(
        description="Of what is not refreshed (a machine's, an API key's) the day, by its first second; null: not known."
    )
    ends_at: int = Field(description="When it ends unused, or ended.")
    state: Literal["live", "ended"]
    ended_by: str = Field(description="Why it has ended; empty: it lives.", examples=[""])


class AuthorizationPage(Shown):
    """Some authorizations, newest first. A page that is not full may be followed by another."""

    items: list[AuthorizationShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


_Filter = Annotated[str | None, Query(min_length=1, max_length=500)]


@route("GET", "/authorizations", gives=AuthorizationPage, says="Search authorizations: who has what")
async def list_authorizations(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    sub: _Filter = None,
    client_id: _Filter = None,
    resource: Annotated[
        str | None, Query(min_length=1, max_length=500, description="The identifier of an MCP server.")
    ] = None,
    state: Annotated[Literal["live", "ended"] | None, Query()] = None,
    unused: Annotated[bool, Query(description="Only live ones that nobody used for `days`.")] = False,
    days: Days = None,
) -> AuthorizationPage:
    """By person, application, server and state. What a kill has ended is ended here from its commit on."""
    after = ask.after(cursor)
    if days is not None and not unused:
        raise invalid("days", "says for how long nobody used them; say unused=true with it")
    wanted = Wanted(
        sub=sub or "",
        client_id=client_id or "",
        resource=resource or "",
        state=State.LIVE if unused else State(state) if state else None,
        unused_since=search.unused_since(ask.work, days) if unused else 0,
    )
    place = (int(after[0]), str(after[1])) if after else None
    page = await search.search(ask.work, wanted, after=place, most=limit)
    return AuthorizationPage(items=[await _shown(ask, one) for one in page.found], next=ask.cursor_after(page.after))


@route("GET", "/authorizations/{authorization_id}", gives=AuthorizationShown, says="Show an authorization")
async def show(ask: Ask, authorization_id: Id) -> AuthorizationShown:
    """By its id, as in a token's claim `authorization_id`."""
    return await _shown(ask, await _found(ask, authorization_id))


@route("DELETE", "/authorizations/{authorization_id}", gives=None, says="End an authorization")
async def end(
    ask: Ask,
    authorization_id: Id,
    reason: Annotated[str, Query(min_length=1, max_length=500, description=REASON_WORDS)] = "ended by an operator",
) -> None:
    """For good, with all its tokens. All of a person's or an application's end by `POST /revocations`."""
    found = await _found(ask, authorization_id)
    ask.unchanged(await _shown(ask, found))
    await stopping.revoke_authorization(ask.work, authorization_id, by=await by(ask, within=ask.tenant), reason=reason)


async def _found(ask: Ask, authorization_id: str) -> Found:
    found = await search.find(ask.work, authorization_id)
    if found is None:
        raise not_found()
    return found


async def _shown(ask: Ask, found: Found) -> AuthorizationShown:
    owner = found.authorization
    client = await registry.find(ask.work, owner.client_id)
    further = owner.widened_at(ask.work.now)
    return AuthorizationShown(
        id=owner.id,
        sub=owner.sub,
        client_id=owner.client_id,
        client_name=client.name if client else "",
        resource=owner.resource,
        resource_id=listing.id_of(owner.resource),
        scopes=list(owner.scope),
        further_scopes=list(further),
        further_until=owner.widened_until if further else None,
        profile=owner.profile.value,
        purpose=owner.purpose,
        started_at=found.started_at,
        last_used_at=found.last_used_at,
        ends_at=found.ends_at,
        state=found.state.value,
        ended_by=found.ended_by,
    )
