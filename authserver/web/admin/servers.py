"""
The noun `servers`: how each MCP server is, and switching one off and on without losing its registration (C52, C56).

Who may see a server, its credentials and its processes is decided in `domain/health/servers.py`.
"""

from typing import Literal

from pydantic import Field

from authserver.domain.health import servers
from authserver.domain.health.check import Checked
from authserver.domain.health.servers import Server
from authserver.domain.resources import listing
from authserver.domain.revocation.kill_switch import Target
from authserver.domain.stopping import stopping
from authserver.web.admin.acting import by, scope_of
from authserver.web.admin.ask import Ask
from authserver.web.admin.kills import KillShown, StopSaid, stopped_now
from authserver.web.admin.problems import ProblemError, not_found
from authserver.web.admin.resources import found_by
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, route
from resource_lib.wire.control import Kind


class FindingShown(Shown):
    """One thing that is wrong with a server, as a stranger sees it."""

    code: str = Field(examples=["unguarded"])
    words: str


class CheckShown(Shown):
    """What the last look at a server found."""

    at: int = Field(description="Seconds since the epoch.")
    reachable: bool | None = Field(description="null: the look is not over.")
    guarded: bool | None = Field(description="Whether a call without a token is refused; null: it could not be seen.")
    findings: list[FindingShown]
    duration_ms: int
    last_reached_at: int | None


class CredentialShown(Shown):
    """With what a server speaks to us."""

    client_id: str
    name: str
    state: str = Field(description="valid, silent, ending, ended, stopped or disabled.", examples=["valid"])
    last_seen_at: int | None
    ends_at: int | None


class RunningShown(Shown):
    """One process of a server that follows the list of what is stopped."""

    instance: str
    client_id: str
    feed_age_ms: int = Field(description="How long ago it was last heard of; that is written every ten seconds.")
    behind_ms: int = Field(description="How long the oldest event that concerns you has not been applied; 0: all are.")
    max_staleness_ms: int
    lapsed: bool = Field(description="Whether it surely refuses writes by itself by now.")


class LimitedShown(Shown):
    """How often one limit was met, in all running copies since each began. Nobody is named."""

    tenant: str = Field(examples=["ten_abcdefghijklmnop"])
    tool: str = Field(description="Empty: it is not a tool's.", examples=["search_orders"])
    limit: str = Field(
        description="tool, running, downstream; or whose requests: credential, user, client, tenant, server.",
        examples=["tool"],
    )
    times: int
    in_minute: int = Field(description="In the minute of the last one.")
    at: int = Field(description="When last, in seconds since the epoch.")


class ReportShown(Shown):
    """What a server says of its tools through one credential, against what was accepted."""

    client_id: str
    tools_hash: str = Field(description="Names this very list; accept it by this.")
    tools: list[str]
    definitions: dict[str, str] = Field(
        description="The `definition_hash` of each tool that somebody has listed: what a `tool_version` is stopped by."
    )
    changed: bool
    added_tools: list[str]
    removed_tools: list[str]
    changed_tools: list[str]
    reported_at: int


class ServerShown(Shown):
    """One MCP server as its operators see it."""

    id: str = Field(examples=["res_abcdefghijklmnopqrstuvwxyz"])
    uri: str = Field(examples=["https://mcp.example.com/mcp"])
    name: str = Field(examples=["Orders"])
    state: Literal["active", "paused", "stopped", "disabled"]
    retry_after_s: int = Field(description="What its callers are told while it is paused or stopped.")
    stopped_tools: list[str]
    check: CheckShown | None = Field(description="null: nobody has looked yet.")
    credentials: list[CredentialShown]
    instances: list[RunningShown]
    limited: list[LimitedShown] = Field(description="Limits that callers met, the latest first.")
    reports: list[ReportShown]
    tools_changed: bool = Field(description="Whether it says something of its tools that nobody has accepted.")
    waiting_tools: list[str] = Field(description="Tools that are new or have changed and that nobody has looked at.")
    missing_here: list[str] = Field(description="Tools that it has and that are not registered.")
    unknown_there: list[str] = Field(description="Tools that are registered and that it does not have.")
    other_class: list[str] = Field(description="Tools that it takes for something else than they are registered as.")


class ServerPage(Shown):
    """Some servers, by identifier."""

    items: list[ServerShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class PauseWanted(StopSaid):
    """Why it is switched off for a while."""

    retry_after_s: int = Field(default=60, ge=1, le=86_400, description="When its callers are told to come back.")


class Accepted(Strict):
    """Which list of tools is as it should be."""

    client_id: str = Field(min_length=1, max_length=500)
    tools_hash: str = Field(min_length=1, max_length=200)


@route("GET", "/servers", gives=ServerPage, says="See how every MCP server is")
async def list_servers(ask: Ask, limit: Limit = 50, cursor: Cursor = None) -> ServerPage:
    """Is it there and guarded, does its credential count, how far has it followed, what has changed."""
    after, tenant = ask.after(cursor), scope_of(ask)
    found = await listing.page(ask.work, tenant=tenant, after=str(after[0]) if after else "", most=limit + 1)
    seen = await servers.some(ask.work, [page.uri for page in found[:limit]], tenant)
    return ServerPage(items=[_shown(one) for one in seen], next=ask.next_cursor(found, limit, lambda one: [one.uri]))


@route("GET", "/servers/{resource_id}", gives=ServerShown, says="See how an MCP server is")
async def show(ask: Ask, resource_id: Id) -> ServerShown:
    """By the id of its resource."""
    return _shown(await _seen(ask, resource_id))


@route("POST", "/servers/{resource_id}/check", gives=CheckShown, says="Look at an MCP server now")
async def check(ask: Ask, resource_id: Id) -> CheckShown:
    """As a stranger would: does it answer, does it refuse a call without a token, does it name this issuer."""
    found = await found_by(ask, resource_id)
    checked = await servers.look(ask.work, found.uri, scope_of(ask))
    if checked is None:
        raise not_found()
    return _checked(checked)


@route("POST", "/servers/{resource_id}/pause", gives=KillShown, says="Switch an MCP server off for a while")
async def pause(ask: Ask, resource_id: Id, body: PauseWanted) -> KillShown:
    """Nothing ends and nothing is forgotten: callers are told to come back after `retry_after_s`, until it is resumed."""
    target = await _target(ask, resource_id)
    await stopping.pause(ask.work, target, reason=body.reason, by=await by(ask), retry_after_s=body.retry_after_s)
    return stopped_now(ask, target, "pause", body)


@route("POST", "/servers/{resource_id}/resume", gives=KillShown, says="Switch an MCP server on again")
async def resume(ask: Ask, resource_id: Id, body: StopSaid) -> KillShown:
    """Its calls go on. What the platform's operators stopped only they resume."""
    target = await _target(ask, resource_id)
    await stopping.revive(ask.work, target, reason=body.reason, by=await by(ask))
    ask.otherwise("It is not stopped; somebody else has just resumed it.")
    return stopped_now(ask, target, "", body)


@route("POST", "/servers/{resource_id}/accept", gives=ServerShown, says="Accept the tools that an MCP server has now")
async def accept(ask: Ask, resource_id: Id, body: Accepted) -> ServerShown:
    """It counts for the operators of your tenant alone; what was reported meanwhile is not accepted unseen (409)."""
    seen = await _seen(ask, resource_id)
    try:
        await servers.accept_tools(ask.work, seen.uri, body.client_id, tools_hash=body.tools_hash, tenant=scope_of(ask))
    except servers.NotSeenError:
        raise ProblemError(409, "tools_hash: it says something else by now; look at it again.") from None
    return _shown(seen)


async def _seen(ask: Ask, resource_id: str) -> Server:
    found = await servers.find(ask.work, (await found_by(ask, resource_id)).uri, scope_of(ask))
    if found is None:
        raise not_found()
    return found


async def _target(ask: Ask, resource_id: str) -> Target:
    found = await found_by(ask, resource_id)
    return await stopping.resolve(
        ask.work, Kind.RESOURCE, by=await by(ask), tenant=scope_of(ask) or "", resource=found.uri
    )


def _checked(one: Checked) -> CheckShown:
    return CheckShown(
        at=one.at,
        reachable=one.is_reachable,
        guarded=one.is_guarded,
        findings=[FindingShown(code=finding.value, words=finding.words) for finding in one.findings],
        duration_ms=one.duration_ms,
        last_reached_at=one.last_reached_at,
    )


def _shown(one: Server) -> ServerShown:
    return ServerShown(
        id=listing.id_of(one.uri),
        uri=one.uri,
        name=one.name,
        state=one.state,
        retry_after_s=one.retry_after_s,
        stopped_tools=list(one.stopped_tools),
        check=_checked(one.check) if one.check else None,
        credentials=[
            CredentialShown(
                client_id=each.client_id,
                name=each.name,
                state=each.state,
                last_seen_at=each.last_seen_at,
                ends_at=each.ends_at,
            )
            for each in one.credentials
        ],
        instances=[
            RunningShown(
                instance=each.instance,
                client_id=each.client_id,
                feed_age_ms=each.feed_age_ms,
                behind_ms=each.behind_ms,
                max_staleness_ms=each.max_staleness_ms,
                lapsed=each.has_lapsed,
            )
            for each in one.instances
        ],
        limited=[LimitedShown(**each.to_json()) for each in one.limited],
        reports=[
            ReportShown(
                client_id=each.client_id,
                tools_hash=each.tools_hash,
                tools=sorted(tool.name for tool in each.tools),
                definitions={tool.name: tool.definition_hash for tool in each.tools if tool.definition_hash},
                changed=each.has_changed,
                added_tools=list(each.added),
                removed_tools=list(each.removed),
                changed_tools=list(each.changed),
                reported_at=each.reported_at,
            )
            for each in one.reports
        ],
        tools_changed=one.tools_have_changed,
        waiting_tools=list(one.waiting_tools),
        missing_here=list(one.missing_here),
        unknown_there=list(one.unknown_there),
        other_class=list(one.other_class),
    )
