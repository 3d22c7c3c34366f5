"""
GET /console/analytics: how many calls there were, how they ended, how long they took, what they cost; over time, by tool, server, client.

C57. Charts are drawn by the server, and each number in them stands in a table too. What narrows it stands in the address, so that it can be
sent to somebody; of another organisation there is nothing to see, whatever the address names.
"""

from functools import partial
from typing import Any, Final

from authserver.domain.analytics import questions
from authserver.domain.analytics.figures import Part, parts_of
from authserver.domain.analytics.numbers import OTHER
from authserver.domain.analytics.questions import Found, Question
from authserver.domain.clients import registry
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import targets
from authserver.web.console.counted import SPANS, Way, drawn, line
from authserver.web.console.door import Operator, frame, shown
from authserver.web.http import Request, Response
from authserver.web.pages import words
from authserver.web.pages.answers import page

_MOST_OTHERS: Final = 20
_KINDS: Final = {"server": "Server", "tool": "Tool", "client": "Application"}


async def show_analytics(request: Request) -> Response:
    """Show what was counted."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        said = {name: (query.one(name) or "")[:2048] for name in _KINDS}
        said["span"] = query.one("span") or ""
        if said["span"] not in SPANS:
            said["span"] = "day"
        span = SPANS[said["span"]]
        until = work.now + 1 + -(work.now + 1) % span.step
        asked = Question(
            since=until - span.steps * span.step,
            until=until,
            resource=said["server"],
            tool=said["tool"],
            client_id=said["client"],
        )
        inside = work if operator.tenant is None else work.beside(operator.tenant.id)
        found = await questions.ask(inside, asked, everywhere=operator.tenant is None)
        servers = await _names(work, operator)
        context = drawn(found, span, servers, partial(_to, operator, said), query.one("page") or "1")
        context |= await _around(work, operator, found, said, servers)
        return page("console_analytics.html", at=frame(operator, section="analytics"), **context)

    return await shown(request, show)


def _to(operator: Operator, said: dict[str, str], **changed: str) -> str:
    return operator.link("analytics", **(said | changed))


async def _around(
    work: UnitOfWork, operator: Operator, found: Found, said: dict[str, str], servers: dict[str, str]
) -> dict[str, Any]:
    """Return what narrows the page, what it may be narrowed by, and who else there is."""
    shown_as = {"server": servers.get(said["server"], said["server"]), "tool": said["tool"], "client": said["client"]}
    until, to = min(found.window.until, work.now), partial(_to, operator, said)
    return {
        "window": f"{words.moment(found.window.since)} to {words.moment(until)}",
        "spans": [
            {"words": one.words, "url": to(span=name), "is_chosen": name == said["span"]} for name, one in SPANS.items()
        ],
        "said": said,
        "narrowed": [
            {"kind": kind, "words": shown_as[name], "url": to(**{name: ""})}
            for name, kind in _KINDS.items()
            if said[name]
        ],
        "servers_offered": [
            {"uri": uri, "name": name} for uri, name in sorted(servers.items(), key=lambda one: one[1].casefold())
        ],
        "servers": [
            line(one, to(server=one.resource), servers.get(one.resource, "A server that was removed"), one.resource)
            for one in parts_of(found, "server")[:_MOST_OTHERS]
        ],
        "clients": [await _client(work, operator, one, to) for one in parts_of(found, "client")[:_MOST_OTHERS]],
        "tenants": await _tenants(work, operator, found, said) if operator.tenant is None else [],
        "export": f"authserver analytics {f'--tenant {operator.tenant.slug} ' if operator.tenant else ''}--csv",
    }


async def _client(work: UnitOfWork, operator: Operator, one: Part, to: Way) -> dict[str, Any]:
    client_id = one.client_id
    if client_id == OTHER:
        name = "Other applications"
    elif operator.tenant is not None:
        # An MCP server may name any client: of one that this organisation does not know it reads the id alone.
        name, _ = await targets.client_words(work, operator.tenant.id, client_id)
    else:
        known = await registry.find(work, client_id)
        name = known.name if known is not None else client_id
    return line(one, to(client=client_id), name, "" if client_id in {name, OTHER} else client_id) | {"id": client_id}


async def _names(work: UnitOfWork, operator: Operator) -> dict[str, str]:
    every = await resources.all_resources(work)
    return {one.uri: one.name for one in every if operator.tenant is None or operator.tenant.id in one.tenants}


async def _tenants(work: UnitOfWork, operator: Operator, found: Found, said: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    for one in parts_of(found, "tenant")[:_MOST_OTHERS]:
        tenant = await tenants.by_id(work, one.tenant)
        if tenant is not None:
            rows.append(line(one, operator.link("analytics", slug=tenant.slug, **said), tenant.name, tenant.slug))
    return rows
