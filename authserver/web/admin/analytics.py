"""
How many calls there were, how they ended, how long they took and what they cost (C57): together, and by tool, server, client or time.

Counted from the record within some seconds of what happens. Whoever acts for the whole deployment is told of every tenant, unless they
name one; everybody else of theirs.
"""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from authserver.domain.analytics import questions
from authserver.domain.analytics.figures import Part, figures_of, parts_of
from authserver.domain.analytics.questions import Question, TooLongAgoError
from authserver.domain.analytics.rollup import DAY, HOUR
from authserver.web.admin.acting import scope_of
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import ProblemError
from authserver.web.admin.routing import Cursor, Limit, Shown, route

_WEEK_S = 7 * DAY
_LAST_SECOND = 2**40
_GRAINS = {"hour": HOUR, "day": DAY}


class FiguresShown(Shown):
    """The figures of many calls. Percentiles are at most 5 % off."""

    calls: int = Field(description="Those that ran, were refused, or waited for a person.")
    ran: int
    ok: int
    success_percent: float | None = Field(description="Of those that ran; null: none did.")
    tool_errors: int = Field(description="The tool itself said that it failed.")
    withheld: int = Field(description="It ran, and its answer did not leave.")
    failed: int = Field(description="No answer, cancelled, or nobody saw the end.")
    refused: int
    limited: int = Field(description="Of the refused: for coming too often.")
    held: int = Field(description="They waited for a person's yes; the call that came back with it counts anew.")
    observed: int = Field(description="A rule that is only observed objected.")
    p50_us: int | None
    p95_us: int | None
    p99_us: int | None
    average_us: int | None
    result_bytes: int
    cost: int = Field(description="In the units in which tools declare it.")
    people: int = Field(description="About how many different people: 5 % off for many, nearly exact for few.")
    asked: int = Field(description="Approvals that were asked for.")
    approved: int
    denied: int
    expired: int
    median_decision_s: int | None = Field(description="How long half of the decisions took at most, in seconds.")
    refusals: dict[str, int] = Field(description="By the word that the caller was told.")


class PartShown(FiguresShown):
    """The figures of one of them."""

    tenant: str | None = Field(default=None, description="The id of a tenant.")
    resource: str | None = Field(default=None, examples=["https://mcp.example.com/mcp"])
    tool: str | None = Field(
        default=None, description="`*`: tools beyond those that are told apart; a method in brackets: no tool."
    )
    client_id: str | None = Field(default=None, description="`*`: clients beyond those that are told apart.")
    at: int | None = Field(default=None, description="When its hour or day begins.")


class AnalyticsShown(Shown):
    """What many calls amount to. Times are seconds since the epoch, and whole hours or days around what was asked for."""

    since: int
    until: int
    step_s: int = Field(description="How long the hours or days of `by` are.")
    total: FiguresShown
    count: int = Field(description="How many there are in all.")
    items: list[PartShown] = Field(description="The most called first; hours and days in their order.")
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


_Moment = Annotated[int | None, Query(ge=0, le=_LAST_SECOND)]
_Name = Annotated[str | None, Query(min_length=1, max_length=2048)]


@route("GET", "/analytics", gives=AnalyticsShown, says="See what many calls amount to")
async def show(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    by: Annotated[
        Literal["tool", "server", "client", "tenant", "hour", "day"],
        Query(description="`tenant` is for those who run the deployment."),
    ] = "tool",
    since: Annotated[
        int | None, Query(ge=0, le=_LAST_SECOND, description="Seconds since the epoch; left out: a week ago.")
    ] = None,
    until: _Moment = None,
    resource: _Name = None,
    tool: _Name = None,
    client_id: _Name = None,
) -> AnalyticsShown:
    """Kept by the hour for 15 days, by the day for 400. Erasing a person takes nothing away: no count names anybody."""
    everywhere = scope_of(ask) is None
    if by == "tenant" and not everywhere:
        raise ProblemError(
            422, "by: `tenant` needs ?tenant=*, for those who run the deployment.", errors=[("by", "names one tenant")]
        )
    place = ask.after(cursor)
    end = ask.work.now + 1 if until is None else until
    asked = Question(
        since=max(0, end - _WEEK_S) if since is None else since,
        until=end,
        resource=resource or "",
        tool=tool or "",
        client_id=client_id or "",
        grain=_GRAINS.get(by, 0),
    )
    try:
        found = await questions.ask(ask.work, asked, everywhere=everywhere)
    except TooLongAgoError as error:
        raise ProblemError(
            422, f"since: {error}", errors=[("since", "is too long ago, or not before `until`")]
        ) from None
    parts = parts_of(found, by)
    begin = int(place[0]) if place else 0
    page = parts[begin : begin + limit]
    return AnalyticsShown(
        since=found.window.since,
        until=found.window.until,
        step_s=found.window.step,
        total=FiguresShown(**figures_of(found.total).as_object()),
        count=len(parts),
        items=[PartShown(**_part(one)) for one in page],
        next=ask.cursor_after([begin + limit] if begin + limit < len(parts) else None),
    )


def _part(one: Part) -> dict[str, Any]:
    return one.figures.as_object() | {
        "tenant": one.tenant or None,
        "resource": one.resource or None,
        "tool": one.tool or None,
        "client_id": one.client_id or None,
        "at": one.at,
    }
