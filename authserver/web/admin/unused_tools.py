"""
Which tools nobody uses, and so need not be there (C54): of one MCP server, or of all.

Whoever acts for the whole deployment is told what nobody used in any tenant, unless they name one; everybody else what was not used in theirs.
"""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from authserver.domain.inventory.uses import Unused
from authserver.domain.resources import listing
from authserver.domain.resources import resource as resources
from authserver.domain.tool_policies import tool_policy
from authserver.web.admin.acting import scope_of
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import not_found
from authserver.web.admin.routing import Cursor, Days, Limit, Shown, route


class UnusedShown(Shown):
    """One tool that nobody uses. Times are seconds since the epoch."""

    resource: str = Field(examples=["https://mcp.example.com/mcp"])
    resource_id: str
    tool: str = Field(examples=["export_orders"])
    tool_class: str = Field(examples=["read"])
    since: int = Field(description="When it was named first, or could first be seen in use.")
    last_used_on: int | None = Field(description="The day of its last use, by its first second; null: not since then.")


class UnusedPage(Shown):
    """Some of them, by server and name."""

    items: list[UnusedShown]
    days: int = Field(description="For how many whole days nobody used them.", examples=[30])
    untold: list[str] = Field(
        description="The servers of which nobody knows: no guard there says which tools are used."
    )
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


@route("GET", "/unused-tools", gives=UnusedPage, says="See which tools nobody uses")
async def list_unused(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    days: Days = None,
    resource: Annotated[
        str | None, Query(min_length=1, max_length=500, description="The identifier of one MCP server.")
    ] = None,
) -> UnusedPage:
    """A tool is used when a call of it was let through, in your tenant. Take it away by its rules, or stop it."""
    after, tenant = ask.after(cursor), scope_of(ask)
    every = [one for one in await resources.all_resources(ask.work) if tenant is None or tenant in one.tenants]
    wanted = [one for one in every if resource in {None, one.uri}]
    if resource is not None and not wanted:
        raise not_found()
    days = days or ask.work.machines.settings.unused_after_days
    looked = [(one.uri, await tool_policy.unused(ask.work, one.uri, tenant, days=days)) for one in wanted]
    listed = sorted((each for _, found in looked for each in found.unused), key=_place)
    left = [one for one in listed if after is None or _place(one) > (str(after[0]), str(after[1]))][: limit + 1]
    return UnusedPage(
        items=[_shown(one) for one in left[:limit]],
        days=days,
        untold=sorted(uri for uri, found in looked if not found.is_told),
        next=ask.next_cursor(left, limit, lambda one: list(_place(one))),
    )


def _place(one: Unused) -> tuple[str, str]:
    return one.resource, one.tool


def _shown(one: Unused) -> UnusedShown:
    return UnusedShown(
        resource=one.resource,
        resource_id=listing.id_of(one.resource),
        tool=one.tool,
        tool_class=one.tool_class,
        since=one.since,
        last_used_on=one.last_used_on,
    )
