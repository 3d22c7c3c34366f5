"""
GET and POST /console/server: how one MCP server is, who runs it, which tools it has, and the ways to pause or stop it.

C52, C54, C56. Tools that are new or have changed stand there field by field, to be let in or kept out. "Check now" looks at it as a stranger would (`domain/health/check.py`); "as it should be" accepts what it says of its
tools, for the tenant somebody acts in.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from authserver.domain.health import servers
from authserver.domain.health.report import Reported
from authserver.domain.health.servers import Credential, NotSeenError, Running, Server
from authserver.domain.inventory import inventory, review
from authserver.domain.inventory.uses import Unused
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource
from authserver.domain.stopping.stopping import Target
from authserver.domain.tool_policies import tool_policy
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import rows, targets
from authserver.web.console.door import NothingHereError, Operator, acted, csrf, frame, shown
from authserver.web.console.revive import may_not
from authserver.web.console.targets import Named
from authserver.web.http import Request, Response
from authserver.web.pages import words
from authserver.web.pages.answers import page
from resource_lib.wire.control import Kind
from resource_lib.wire.limit import LimitScope
from resource_lib.wire.limits_met import LimitMet
from resource_lib.wire.tool_policy import is_over

_MOST_TOOLS = 200
_MOST_COPIES = 100
_MOST_LIMITED = 20
_LIMIT: Final[dict[LimitScope, str]] = {
    "tool": "how often this tool may be called",
    "running": "how many calls may run at once",
    "downstream": "how often an API below it may be asked",
    "credential": "how often one sign-in may ask",
    "user": "how often one person may ask",
    "client": "how often one application may ask",
    "tenant": "how often one organisation may ask",
    "server": "how often everybody together may ask",
}
_MOST_NAMES = 12
_MOST_WAITING = 20
_MOST_UNUSED = 20

_LOOKED = {"look": "good", "words": "Looked just now."}
_ACCEPTED = {"look": "good", "words": "The tools are as they should be. You are told when they change again."}
_CHANGED = {"look": "bad", "words": "Nothing was accepted: its tools have changed again. Look at them, then decide."}
_LET_IN = {"look": "good", "words": "It counts from now on."}
_KEPT_OUT = {"look": "good", "words": "It stays out: nobody can see or call it like that."}
_GONE = {"look": "bad", "words": "Nothing was decided: somebody else has just done so. Look at it again."}
_HOW = {"new": "New", "changed": "Changed", "renamed": "Renamed"}
_CREDENTIAL = {
    "valid": ("Counts", "good", ""),
    "silent": ("Counts", "", "It has not asked for the list for a minute."),
    "ending": ("Ends soon", "warn", "Give it a new secret before it ends."),
    "ended": ("Has ended", "bad", "It hears of nothing, and its server stops by itself."),
    "stopped": ("Stopped", "bad", "It hears of nothing, and its server stops by itself."),
    "disabled": ("Disabled", "bad", "It hears of nothing, and its server stops by itself."),
}


async def show_server(request: Request) -> Response:
    """Show one MCP server."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        return await _page(work, request, operator, *await _asked(work, operator, query))

    return await shown(request, show)


async def look_or_accept(request: Request) -> Response:
    """Look at the server now, or take what it says of its tools as it should be."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        named, resource = await _asked(work, operator, query)
        notice = _LOOKED
        if form.one("decision") == "accept":
            notice = _ACCEPTED
            try:
                await servers.accept_tools(
                    work,
                    resource.uri,
                    form.one("credential") or "",
                    tools_hash=form.one("shown") or "",
                    tenant=_tenant(operator),
                )
            except NotSeenError:
                notice = _CHANGED
            else:
                # What was accepted stands there once it is committed; the page is read after that.
                await work.commit()
        elif form.one("decision") in {"let-in", "keep-out"}:
            notice = await _decided(work, operator, resource, form)
        else:
            await servers.look(work, resource.uri, _tenant(operator))
        return await _page(work, request, operator, named, resource, notice=notice)

    return await acted(request, act)


async def _decided(work: UnitOfWork, operator: Operator, resource: Resource, form: Parameters) -> dict[str, str]:
    """Let what was shown in, or keep it out, where somebody acts."""
    is_let_in = form.one("decision") == "let-in"
    tool, definition = form.one("tool") or "", form.one("definition") or ""
    decision: review.Decision = "approved" if is_let_in else "rejected"
    tenant = _tenant(operator)
    try:
        await review.decide(work, resource.uri, tool, definition, decision, tenant=tenant, by=operator.by.label)
    except review.NotThereError:
        return _GONE
    if not await work.commit():
        return _GONE
    return _LET_IN if is_let_in else _KEPT_OUT


def _tenant(operator: Operator) -> str | None:
    return operator.tenant.id if operator.tenant is not None else None


async def _asked(work: UnitOfWork, operator: Operator, query: Parameters) -> tuple[Named, Resource]:
    named = await targets.asked(work, operator, query)
    resource = await resources.by_uri(work, named.target.resource)
    if named.target.kind is not Kind.RESOURCE or resource is None:
        raise NothingHereError
    return named, resource


async def _page(
    work: UnitOfWork,
    request: Request,
    operator: Operator,
    named: Named,
    resource: Resource,
    *,
    notice: dict[str, str] | None = None,
) -> Response:
    found = await servers.find(work, resource.uri, _tenant(operator))
    if found is None:
        raise NothingHereError
    seen = [one for one in await review.look(work, resource.uri, _tenant(operator)) if one.state == "waits"]
    stop = operator.stops.by_key.get(named.target.key)
    revive_url = "" if stop is None or may_not(operator, stop) else named.link(operator, "revive")
    days = work.machines.settings.unused_after_days
    looked = await tool_policy.unused(work, resource.uri, _tenant(operator), days=days)
    sunsets = await inventory.sunsets(work, operator.where, resource.uri)
    return page(
        "console_server.html",
        at=frame(operator, section="servers"),
        it=rows.server(operator, found),
        notice=notice,
        stop=None
        if stop is None
        else await targets.put_down(work, operator, stop) | {"heard_url": named.link(operator, "heard")},
        ways={
            "stop_url": named.link(operator, "stop") if stop is None or stop.stopped == "pause" else "",
            "pause_url": named.link(operator, "stop", act="pause") if stop is None else "",
            "revive_url": revive_url,
        }
        if operator.may_act
        else None,
        csrf=csrf(request, operator),
        health=[*_reach(work, found), *(_credential(work, one) for one in found.credentials)],
        review={
            "waiting": [_waiting(work, one) for one in seen[:_MOST_WAITING]],
            "more": max(0, len(seen) - _MOST_WAITING),
            "is_required": inventory.is_required(work),
        },
        changes=[_change(work, one) for one in found.reports if one.has_changed],
        instances=[_copy(one) for one in found.instances[:_MOST_COPIES]],
        limited=[_limit(work, one) for one in _by_tool(found.limited)[:_MOST_LIMITED]],
        unused={
            "days": days,
            "is_told": looked.is_told,
            "rows": [await _unused(work, operator, resource, one) for one in looked.unused[:_MOST_UNUSED]],
            "more": max(0, len(looked.unused) - _MOST_UNUSED),
        },
        tools=[
            await _tool(work, operator, resource, tool.name) | _ends(sunsets.get(tool.name), work.now)
            for tool in resource.tools[:_MOST_TOOLS]
        ],
    )


def _reach(work: UnitOfWork, it: Server) -> Iterator[dict[str, str]]:
    check = it.check
    if check is None or check.is_reachable is None:
        yield _fact("Reachable", "Nobody has looked yet")
        return
    looked = f"looked {words.ago(check.at, work.now)}"
    if check.is_reachable:
        yield _fact("Reachable", "Yes", hint=f"{looked}, it took {check.duration_ms} ms")
    else:
        last = words.ago(check.last_reached_at, work.now) if check.last_reached_at else "never"
        yield _fact("Reachable", "No", look="bad", tag="Not reachable", hint=f"{looked}; reached before that: {last}")
    if check.is_guarded is not None:
        guarded = "Yes: it refuses a call without a token" if check.is_guarded else "No"
        yield _fact("Guarded", guarded, look="" if check.is_guarded else "bad", tag="" if check.is_guarded else "Open")
    for finding in check.findings:
        yield _fact("Found", finding.words)


def _credential(work: UnitOfWork, one: Credential) -> dict[str, str]:
    text, look, hint = _CREDENTIAL[one.state]
    seen = f"last used {words.ago(one.last_seen_at, work.now)}" if one.last_seen_at else "not used lately"
    return _fact("Credential", one.name, look=look or "quiet", tag=text, hint=f"{seen}. {hint}".strip())


def _fact(label: str, text: str, *, look: str = "", tag: str = "", hint: str = "") -> dict[str, str]:
    return {"label": label, "text": text, "look": look, "tag": tag, "hint": hint}


def _change(work: UnitOfWork, one: Reported) -> dict[str, object]:
    return {
        "credential": one.client_id,
        "shown": one.tools_hash,
        "when": words.ago(one.changed_at, work.now),
        "kinds": [
            {"words": said, "names": names[:_MOST_NAMES], "more": max(0, len(names) - _MOST_NAMES)}
            for said, names in (("New", one.added), ("Gone", one.removed), ("Another by now", one.changed))
            if names
        ],
    }


def _waiting(work: UnitOfWork, one: review.Seen) -> dict[str, object]:
    return {
        "tool": one.tool,
        "definition": one.hash,
        "how": _HOW.get(one.how, one.how) + (f", was {one.was}" if one.was else ""),
        "when": words.ago(one.since, work.now),
        "class": one.tool_class,
        "is_known": one.definition is not None,
        "differences": [{"field": each.field, "before": each.before, "after": each.after} for each in one.differences],
    }


def _by_tool(limited: Iterable[LimitMet]) -> list[LimitMet]:
    """Return them without tenants, the latest first."""
    found: dict[tuple[str, str], LimitMet] = {}
    for one in limited:
        known = found.setdefault((one.tool, one.limit), replace(one, times=0))
        found[one.tool, one.limit] = replace(known, times=known.times + one.times)
    return list(found.values())


def _limit(work: UnitOfWork, one: LimitMet) -> dict[str, str]:
    count = "once" if one.times == 1 else f"{one.times} times"
    return {
        "tool": one.tool,
        "words": f"{_LIMIT[one.limit]}; {count}, last {words.ago(one.at, work.now)}",
    }


def _copy(one: Running) -> dict[str, str]:
    heard = f"heard of {rows.span_ms(one.feed_age_ms)} ago"
    if one.has_lapsed:
        return _row(one, f"{heard}, longer than it trusts what it knows", "bad", "Has stopped by itself")
    if one.behind_ms:
        return _row(one, f"{heard}; {rows.span_ms(one.behind_ms)} behind", "warn", "Behind")
    return _row(one, f"{heard}; has applied everything", "good", "Up to date")


def _row(one: Running, said: str, look: str, tag: str) -> dict[str, str]:
    return {"instance": one.instance, "words": said, "look": look, "tag": tag}


async def _unused(work: UnitOfWork, operator: Operator, resource: Resource, one: Unused) -> dict[str, object]:
    """Return a tool that nobody uses, with what may be done about it."""
    last = "never" if one.last_used_on is None else words.day(one.last_used_on)
    since = "" if one.last_used_on is not None else f", since {words.day(one.since)}"
    return await _tool(work, operator, resource, one.tool) | {"class": one.tool_class, "last_used": f"{last}{since}"}


def _ends(sunset: date | None, now: int) -> dict[str, object]:
    """Return what its server says of a tool's last day, in words; empty: nothing."""
    if sunset is None:
        return {"ends": "", "is_over": False}
    said = words.day(int(datetime(sunset.year, sunset.month, sunset.day, tzinfo=UTC).timestamp()))
    return {"ends": said, "is_over": is_over(sunset, now)}


async def _tool(work: UnitOfWork, operator: Operator, resource: Resource, name: str) -> dict[str, object]:
    target = Target(kind=Kind.TOOL, tenant=operator.where, resource=resource.uri, tool=name)
    named = await targets.named(work, target)
    stop = operator.stops.on(tenant=operator.where, resource=resource.uri, tool=name)
    stop = stop if stop is not None and stop.target.kind is Kind.TOOL else None
    is_theirs = stop is not None and stop.target == target and not may_not(operator, stop)
    tag = named.tags[0] if named.tags else targets.tag("", "")
    return {
        "name": name,
        "title": named.name,
        "look": tag["look"],
        "tag": tag["words"],
        "stopped": stop.stopped if stop is not None else "",
        "stop_url": "" if stop is not None else named.link(operator, "stop"),
        "revive_url": named.link(operator, "revive") if is_theirs else "",
    }
