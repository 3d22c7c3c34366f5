"""What the console's pages list: sign-ins, running copies, servers; and how a page says that it looks again."""

from collections.abc import Sequence
from urllib.parse import urlencode

from authserver.domain.health.servers import Running, Server
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import INERT, Resource
from authserver.domain.tenants.tenant import Tenant
from authserver.domain.tokens import search
from authserver.domain.tokens.search import Found, Wanted
from authserver.domain.users import user
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import targets
from authserver.web.console.door import Operator
from authserver.web.pages import turning, words
from authserver.web.pages.turning import Turning

_MOST_SCOPES = 4
_SOON_S = 60


def looks_again(query: Parameters, turns: Turning, *, every_s: int) -> dict[str, object]:
    """Return whether a page looks again, and the ways to say otherwise."""
    kept = turning.kept_of(query)
    return {
        "is_on": turns.is_on,
        "is_paused": turns.is_paused,
        "every": every_s,
        "still": "?" + urlencode([*kept, ("still", "1")]),
        "go_on": "?" + urlencode(kept),
    }


async def live_sign_ins(
    work: UnitOfWork, operator: Operator, tenant: Tenant, wanted: Wanted, *, most: int
) -> tuple[list[dict[str, object]], bool]:
    """Return a tenant's live authorizations, newest first, in words, and whether there are more."""
    there = work.beside(tenant.id)
    found = await search.search(there, wanted, most=most)
    return [await sign_in(there, operator, tenant, one) for one in found.found], found.after is not None


async def sign_in(there: UnitOfWork, operator: Operator, tenant: Tenant, found: Found) -> dict[str, object]:
    """Return one authorization in words; `there` is bound to its tenant."""
    owner = found.authorization
    resource = await resources.by_uri(there, owner.resource)
    client_name, _ = await targets.client_words(there, tenant.id, owner.client_id)
    person = None if owner.is_of_machine else await user.listed(there, owner.sub)
    who = "Itself" if owner.is_of_machine else person.name if person is not None else "Somebody who is gone"
    may = _may(resource, (*owner.scope, *owner.widened_at(there.now)))
    return {
        "who": who,
        "who_url": "" if person is None else operator.link("holder", slug=tenant.slug, kind="user", sub=owner.sub),
        "client": client_name,
        "client_id": owner.client_id,
        "sub": owner.sub,
        "server": resource.name if resource is not None else "A server that was removed",
        "since": words.ago(found.started_at, there.now),
        "since_iso": words.iso(found.started_at),
        "ends": words.moment(found.ends_at),
        "may": may[:_MOST_SCOPES],
        "may_more": max(0, len(may) - _MOST_SCOPES),
        "end_url": operator.link("end", slug=tenant.slug, authorization=owner.id),
    }


def last_use(found: Found) -> str:
    """Return the day on which a sign-in was last used, in words."""
    return words.day(found.last_used_at) if found.last_used_at is not None else "not known"


def _may(resource: Resource | None, scope: Sequence[str]) -> list[str]:
    said = []
    for name in dict.fromkeys(scope):
        tool = resource.tool_of(name) if resource is not None else None
        if tool is not None:
            said.append(tool.title or tool.name)
        elif name not in INERT:
            said.append(words.scope_in_words(resource, name))
    return said


def server(operator: Operator, it: Server) -> dict[str, object]:
    """Return one MCP server as a row."""
    return {
        "name": it.name,
        "uri": it.uri,
        "url": operator.link("server", kind="resource", server=it.uri),
        "calls_url": operator.link("analytics", server=it.uri),
        "stopped": {"paused": "pause", "stopped": "kill"}.get(it.state, ""),
        "tags": server_tags(it),
        "running": in_short(it.instances),
    }


def server_tags(it: Server) -> list[dict[str, str]]:
    """Return what there is to say of a server in a word each, what is wrong with it first."""
    tags = [targets.tag("warn", "Disabled")] if it.state == "disabled" else []
    if it.check is None or it.check.is_reachable is None:
        tags.append(targets.tag("quiet", "Not looked at yet"))
    elif not it.check.is_reachable:
        tags.append(targets.tag("bad", "Not reachable"))
    elif it.check.is_guarded is False:
        tags.append(targets.tag("bad", "Not guarded"))
    elif it.check.findings:
        tags.append(targets.tag("warn", "Reachable, with a fault"))
    else:
        tags.append(targets.tag("good", "Reachable"))
    if it.credentials and all(one.state in {"ended", "stopped", "disabled"} for one in it.credentials):
        tags.append(targets.tag("bad", "Credential does not count"))
    elif any(one.state == "ending" for one in it.credentials):
        tags.append(targets.tag("warn", "Credential ends soon"))
    if it.tools_have_changed:
        tags.append(targets.tag("warn", "Tools changed"))
    if it.waiting_tools:
        count = len(it.waiting_tools)
        tags.append(
            targets.tag("warn", "1 tool waits for a review" if count == 1 else f"{count} tools wait for a review")
        )
    if it.stopped_tools:
        count = len(it.stopped_tools)
        tags.append(targets.tag("bad", "1 tool stopped" if count == 1 else f"{count} tools stopped"))
    return tags


def in_short(running: Sequence[Running]) -> str:
    """Return how many copies run, and how far the one is behind that is furthest."""
    if not running:
        return "No running copy follows what is stopped"
    count = "1 running copy" if len(running) == 1 else f"{len(running)} running copies"
    lapsed = sum(one.has_lapsed for one in running)
    behind = max(one.behind_ms for one in running)
    if lapsed:
        silent = span_ms(max(one.feed_age_ms for one in running))
        who = "it" if len(running) == 1 else "one" if lapsed == 1 else str(lapsed)
        return f"{count}; nothing heard of {who} for {silent}"
    if behind:
        return f"{count}; up to {span_ms(behind)} behind"
    return f"{count}; heard of within {span_ms(max(one.feed_age_ms for one in running))}"


def span_ms(milliseconds: int) -> str:
    """Return a short length of time, to the second."""
    return span_s(milliseconds // 1000)


def span_s(seconds: int) -> str:
    """Return a short length of time, to the second."""
    if seconds < 1:
        return "a second"
    return ("1 second" if seconds == 1 else f"{seconds} seconds") if seconds < _SOON_S else words.span(seconds)
