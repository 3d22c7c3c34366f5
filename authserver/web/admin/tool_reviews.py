"""
Looking at what the tools of an MCP server have become, and letting it in or keeping it out (C53, C54).

Whoever acts for the whole deployment decides for all tenants, unless they name one; everybody else for their own alone.
"""

from typing import Any, Literal

from pydantic import Field

from authserver.domain.inventory import review
from authserver.web.admin.acting import label, scope_of
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import ProblemError, not_found
from authserver.web.admin.resources import found_by
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, route

_STATES = "waits, counts, rejected, removed (its server names it no more) or undescribed (nobody has listed it yet)."


class DifferenceShown(Shown):
    """One field that is another than in what is compared with; what cannot be seen is written as its code."""

    field: str = Field(examples=["inputSchema.properties.bcc.type"])
    before: str | None = Field(description="null: it was not there.")
    after: str | None = Field(description="null: it is not there any more.")


class ReviewShown(Shown):
    """One definition of one tool."""

    tool: str = Field(examples=["refund_order"])
    definition_hash: str = Field(description="Decide by this; empty: nobody has listed the tool yet.")
    state: str = Field(description=_STATES, examples=["waits"])
    how: str = Field(description="new, changed, renamed, removed or known.", examples=["changed"])
    was: str = Field(description="Of a renamed tool its name before; else empty.")
    tool_class: str = Field(examples=["destructive"])
    scopes: list[str]
    definition: dict[str, Any] | None = Field(description="As it was listed; null: not known, or too long to be told.")
    differences: list[DifferenceShown]
    against: str = Field(description="The definition_hash of what it is compared with; empty: nothing.")
    since: int = Field(description="Seconds since the epoch.")
    reviewed_at: int | None
    sunset: str = Field(
        description="The last day on which the tool may be called, by its author's word; empty: nothing says so.",
        examples=["2027-03-31"],
    )


class ReviewPage(Shown):
    """Some definitions, by tool and hash."""

    items: list[ReviewShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class ReviewWanted(Strict):
    """What was looked at, and what is to become of it."""

    tool: str = Field(min_length=1, max_length=128)
    definition_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    decision: Literal["approved", "rejected"]


@route("GET", "/resources/{resource_id}/tool-reviews", gives=ReviewPage, says="See what the tools of an MCP server are")
async def list_reviews(ask: Ask, resource_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ReviewPage:
    """Every definition that was seen, what is different, and whether it counts; of a shared server what was listed in your tenant."""
    resource, after = await found_by(ask, resource_id), ask.after(cursor)
    seen = sorted(await review.look(ask.work, resource.uri, scope_of(ask)), key=lambda one: (one.tool, one.hash))
    left = [one for one in seen if after is None or (one.tool, one.hash) > (str(after[0]), str(after[1]))]
    found = left[: limit + 1]
    return ReviewPage(
        items=[_shown(one) for one in found[:limit]],
        next=ask.next_cursor(found, limit, lambda one: [one.tool, one.hash]),
    )


@route(
    "POST",
    "/resources/{resource_id}/tool-reviews",
    gives=ReviewShown,
    says="Let a definition of a tool in, or keep it out",
)
async def decide(ask: Ask, resource_id: Id, body: ReviewWanted) -> ReviewShown:
    """It acts at once, at every server; what one keeps out for all tenants nobody lets in for theirs."""
    resource, tenant = await found_by(ask, resource_id), scope_of(ask)
    seen = await review.look(ask.work, resource.uri, tenant)
    looked_at = next((one for one in seen if (one.tool, one.hash) == (body.tool, body.definition_hash)), None)
    if looked_at is None:
        raise not_found()
    ask.otherwise("Somebody else has just decided about it; look at it again.")
    try:
        await review.decide(
            ask.work, resource.uri, body.tool, body.definition_hash, body.decision, tenant=tenant, by=await label(ask)
        )
    except review.NotThereError:
        raise ProblemError(409, "definition_hash: it is not there any more; look again.") from None
    counts: Literal["counts", "rejected"] = "counts" if body.decision == review.APPROVED else "rejected"
    return _shown(looked_at, state=looked_at.state if looked_at.state == "removed" else counts, at=ask.work.now)


def _shown(one: review.Seen, *, state: str | None = None, at: int | None = None) -> ReviewShown:
    return ReviewShown(
        tool=one.tool,
        definition_hash=one.hash,
        state=state or one.state,
        how=one.how,
        was=one.was,
        tool_class=one.tool_class,
        scopes=list(one.scopes),
        definition=None if one.definition is None else dict(one.definition),
        differences=[
            DifferenceShown(field=each.field, before=each.before, after=each.after) for each in one.differences
        ],
        against=one.against,
        since=one.since,
        reviewed_at=at or one.reviewed_at,
        sunset=one.sunset,
    )
