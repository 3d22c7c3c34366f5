"""Tool calls that wait for a person's yes, as an operator at the deployment's own machine reads them."""

import json
from typing import Any

from authserver.cli.control.port import RefusedError
from authserver.cli.operator import date, tenant_named


async def homes(machines: Any, slug: str | None) -> list[Any]:
    from authserver.domain.tenants import tenant as tenants

    if slug is not None:
        return [await tenant_named(machines, slug)]
    return await tenants.all_tenants(machines.work())


async def found(machines: Any, approval_id: str) -> tuple[Any, Any]:
    """Return a unit bound to the tenant of this approval, and the approval."""
    from authserver.domain.approvals import approval as approvals

    tenant = approvals.tenant_of_id(approval_id)
    if tenant is not None:
        work = machines.work(tenant=tenant)
        found = await approvals.find(work, approval_id)
        if found is not None:
            return work, found
    raise RefusedError("approval_id: there is none. `authserver approvals list` shows those there are.")


async def who(work: Any, sub: str) -> str:
    """Return the e-mail address of a member, or the id of whoever is none (any more)."""
    from authserver.domain.users import user as users

    member = await users.member_by_sub(work, sub)
    person = await users.person_by_id(work, member.person_id) if member else None
    return person.email if person and person.email else sub


async def _application(work: Any, client_id: str) -> str:
    from authserver.domain.clients import registry

    client = await registry.find(work, client_id)
    return client.name if client else client_id


async def row(work: Any, slug: str, approval: Any) -> dict[str, Any]:
    from resource_lib.wire.approvals import State

    waits = approval.state in {State.PENDING, State.APPROVED}
    return {
        "approval_id": approval.id,
        "tenant": slug,
        "state": approval.state.value,
        "tool": approval.tool,
        "for": await who(work, approval.sub),
        "application": await _application(work, approval.client_id),
        "asked": approval.requested_at,
        "until": approval.expires_at if waits else None,
    }


async def rows(machines: Any, slug: str | None, state: str | None, most: int) -> list[dict[str, Any]]:
    from authserver.domain.approvals import approval as approvals
    from resource_lib.wire.approvals import State

    rows = []
    for home in await homes(machines, slug):
        work = machines.work(tenant=home.id)
        of_here = await approvals.list_(work, state=State(state) if state else None, most=most)
        rows += [(found.requested_at, await row(work, home.slug, found)) for found in of_here]
    return [row for _, row in sorted(rows, key=lambda row: -row[0])][:most]


async def shown(work: Any, approval: Any) -> dict[str, Any]:
    from authserver.domain.approvals import approval as approvals
    from authserver.domain.approvals import showing
    from authserver.domain.tenants import tenant as tenants

    home = await tenants.by_id(work, approval.tenant)
    said = await row(work, home.slug if home else approval.tenant, approval)
    try:
        shown = showing.shown(work, approval)
    except showing.NotReadableError:
        return {**said, "arguments": None, "note": "what people were shown has been erased"}
    rule = approval.rule
    return {
        **said,
        "title": shown.title,
        "class": shown.tool_class,
        "happens": "".join(_part(part) for part in shown.sentence) or None,
        "mcp_server": shown.resource,
        "acting": shown.actor or None,
        "purpose": shown.purpose or None,
        "needs": _needs(rule, approval),
        **({} if shown.follows is None else {"follows": f"it {shown.follows.words}"}),
        **({"releases": "the answer below, which is withheld"} if shown.releases else {}),
        "arguments": [
            {
                "path": line.path,
                # A text stands in quotation marks of its own, so that none can pass for a number or for a hidden one.
                "value": f"(hidden, {line.length} characters)"
                if line.is_hidden
                else _quoted(line.text)
                if line.kind == "text"
                else line.text or _quoted(""),
            }
            for line in shown.arguments
        ],
        "decisions": [
            {
                "who": await who(work, one.sub),
                "said": {True: "yes", False: "no", None: "looked"}[one.is_yes],
                "at": date((one.shown_at_us if one.decided_at_us is None else one.decided_at_us) // 1_000_000),
            }
            for one in await approvals.decisions(work, approval)
        ],
        "url": await approvals.url(work, approval),
        "display_hash": approval.display_hash,
    }


def _part(part: Any) -> str:
    if part.kind == "hidden":
        return "(hidden)"
    if part.kind == "not_given":
        return f"({part.text}: not given)"
    # The author's words and what the call fills in stay apart, as on the page.
    return _quoted(part.text) if part.kind == "value" else str(part.text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _needs(rule: Any, approval: Any) -> str:
    who = ["the person it runs for"] if approval.own_voice else []
    who += [f"whoever holds the role {approval.role}"] if approval.role else []
    words = f"{rule.approvers} yes from " + " or ".join(who or ["nobody there is"])
    return words + (", not from the person it runs for" if rule.four_eyes else "")


async def denied(machines: Any, approval_id: str, reason: str) -> dict[str, Any]:
    """Say no as an operator. Raises RefusedError."""
    from authserver.domain.approvals import deciding

    work, approval = await found(machines, approval_id)
    try:
        decided = await deciding.deny_as_operator(work, approval, why=reason)
    except deciding.RefusedDecisionError:
        raise RefusedError(f"it is {approval.state.value}: there is nothing left to deny.") from None
    if not await work.commit():
        raise RefusedError(
            "it was decided, used, or its time ran out at this very moment. `authserver approvals show` tells which."
        )
    return {"approval_id": approval.id, "state": decided.state.value}
