"""
GET /security: what this server lets applications do, for how long, and how soon it ends when somebody says stop.

RFC 9116 §2.5.7: the `Policy` of security.txt. Made from the same settings and registrations that are enforced. Anybody reads
which servers their operators have published; whoever is signed in reads those of their own organisations too, as that
organisation has them. That a server or a tenant exists which is neither is never said.
"""

from dataclasses import replace
from typing import Any, Final

from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.resources import resource as resources
from authserver.domain.resources.resource import Resource, Tool
from authserver.domain.tenants import tenant as tenants
from authserver.domain.tool_policies import tool_policy
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.authorize import answer
from authserver.web.http import Request, Response
from authserver.web.pages import words
from authserver.web.pages.account import Visitor, signed_in
from authserver.web.pages.answers import page

_STALE_S: Final = 5
_READS_STALE_S: Final = 30
"""What a guard does by default when it hears nothing; an MCP server's owner may say otherwise in its code."""


async def show_security(request: Request) -> Response:
    """Show the published surface, and to whoever is signed in their own organisations' too."""

    async def flow(work: UnitOfWork) -> Response:
        visitor = await signed_in(work, request)
        settings = work.machines.settings
        return page(
            "security.html",
            issuer=request.issuer.identifier,
            contact=settings.security_contact,
            contact_words=settings.security_contact.removeprefix("mailto:").removeprefix("tel:"),
            account_url=request.issuer.path + "/account",
            login_url=None if visitor else request.issuer.path + "/login?to=account",
            person_email=visitor.person.email if visitor else None,
            servers=[_server(shown, organisation) for shown, organisation in await _visible(work, request, visitor)],
            access_token=words.span(settings.access_token_seconds),
            code=words.span(settings.authorization_code_seconds),
            idle=words.days(settings.interactive_idle_seconds),
            absolute=words.days(settings.interactive_absolute_seconds),
            machine=words.days(settings.system_absolute_seconds),
            stale_s=_STALE_S,
            reads_stale_s=_READS_STALE_S,
        )

    return await answer(request, flow)


async def _visible(work: UnitOfWork, request: Request, visitor: Visitor | None) -> list[tuple[Resource, str]]:
    """Return each server that may be shown, with the name of the organisation that shows it; empty: it is published."""
    found: list[tuple[Resource, str]] = []
    issuers = await all_issuers(work)
    for tenant_id in visitor.member_of if visitor else ():
        tenant = await tenants.by_id(work, tenant_id)
        if tenant is None or not tenant.is_active or not issuers.serves(request.issuer, tenant_id):
            continue
        for uri in await resources.of_tenant(work, tenant_id):
            resource = await resources.by_uri(work, uri)
            if resource is not None and resource.is_active:
                found.append((await _as_in(work, tenant_id, resource), tenant.name))
    shown = {resource.uri for resource, _ in found}
    for uri in await resources.every_uri(work):
        resource = await resources.by_uri(work, uri)
        if resource is None or not resource.is_active or not resource.is_published or uri in shown:
            continue
        if request.issuer.is_shared or request.issuer.tenant in resource.tenants:
            found.append((resource, ""))
    return found


async def _as_in(work: UnitOfWork, tenant_id: str, resource: Resource) -> Resource:
    """Return a server with the tools that the tenant leaves to at least some application, as grave as the tenant says."""
    overlay = await tool_policy.of_tenant(work, tenant_id, resource.uri)
    left = tuple(
        overlay.tightened(tool, resource.scopes)
        for tool in resource.tools
        if overlay.is_below_ceiling(tool) and all(rules.mode != "deny" for rules in overlay.layers(tool.name))
    )
    return replace(resource, tools=left)


def _server(resource: Resource, organisation: str) -> dict[str, Any]:
    return {
        "name": resource.name,
        "uri": resource.uri,
        "organisation": organisation,
        "scopes": [{"name": name, "description": words.scope_in_words(resource, name)} for name in resource.scopes],
        "tools": [_tool(tool) for tool in resource.tools],
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title or tool.name,
        "class": tool.sensitivity,
        "scopes": [*tool.scopes, *([tool.own_scope] if tool.own_scope else [])],
        # Decision 13: a destructive tool waits for a person unless its author says that it does not.
        "waits": tool.approval if tool.approval is not None else tool.sensitivity == "destructive",
    }
