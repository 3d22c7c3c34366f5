"""`/search`: one question across the people, applications, servers, tools and authorizations of a tenant."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from authserver.domain.finding import finding
from authserver.domain.finding.finding import What
from authserver.web.admin.ask import Ask
from authserver.web.admin.routing import Shown, route

_NEEDS = {
    What.USER: "users:read",
    What.CLIENT: "clients:read",
    What.RESOURCE: "resources:read",
    What.TOOL: "tools:read",
    What.AUTHORIZATION: "authorizations:read",
}


class HitShown(Shown):
    """One thing that was found."""

    kind: Literal["user", "client", "resource", "tool", "authorization"]
    id: str
    title: str = Field(description="How people call it; may be a stranger's words.")
    detail: str
    resource: str
    resource_id: str
    active: bool


class Hits(Shown):
    """What was found, at most ten of each kind; exact answers come alone."""

    items: list[HitShown]


@route("GET", "/search", gives=Hits, says="Find something by a piece of it")
async def search(
    ask: Ask,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            description="An address, an id, or part of a name.",
            examples=["alice@example.com"],
        ),
    ],
) -> Hits:
    """Among what your token lets you read."""
    among = {what for what, scope in _NEEDS.items() if ask.operator.may(scope)}
    return Hits(
        items=[
            HitShown(
                kind=hit.what.value,
                id=hit.id,
                title=hit.title,
                detail=hit.detail,
                resource=hit.resource,
                resource_id=hit.resource_id,
                active=hit.is_active,
            )
            for hit in await finding.find(ask.work, q, among=among)
        ]
    )
