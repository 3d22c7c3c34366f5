"""
One call in the words a person reads: what it does, every value of it, what differs from last time, who asks.

AP-10, RFC 9396 §11. The sentence and the values are those that were stored when the call was asked for, and the yes counts for
their hash; nothing here adds to them, leaves one out or puts it better.
"""

import re
from collections.abc import Sequence

import orjson

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import deciding, showing
from authserver.domain.approvals.approval import Approval
from authserver.domain.approvals.deciding import Decider
from authserver.domain.approvals.showing import Line, Part, Shown
from authserver.domain.clients import registry
from authserver.domain.login.session import Session
from authserver.domain.resources import resource as resources
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.pages import values, words

_STEP = re.compile(r'\.?([A-Za-z0-9_$@-]+)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]', re.DOTALL)
_MEANS = {
    "true": "means yes",
    "false": "means no",
    "null": "means nothing",
    "[]": "an empty list",
    "{}": "an empty group",
}
_LIKE_OTHERS = re.compile(r"-?[0-9.]+(?:[eE][-+]?[0-9]+)?|true|false|null|\[\]|\{\}")


def steps(path: str) -> tuple[str | int, ...]:
    """Return the names and places that a path is made of: `items[0].sku` is `items`, the first, `sku`."""
    found: list[str | int] = []
    for step in _STEP.finditer(path):
        name, place, quoted = step.groups()
        found.append(name if name is not None else int(place) if place is not None else orjson.loads(quoted))
    return tuple(found)


def line(it: Line) -> dict[str, object]:
    """Return one argument as a page lists it."""
    if it.is_hidden:
        return {"steps": steps(it.path), "text": None, "kind": "", "hidden": values.length(it.length), "hints": []}
    return {
        "steps": steps(it.path),
        "text": it.text,
        "kind": _kind(it),
        "hidden": "",
        "hints": values.hints(it.text) + [hint for name in steps(it.path) for hint in values.hints(name)],
    }


def sentence(parts: tuple[Part, ...]) -> list[dict[str, object]]:
    """Return the author's sentence as a page shows it, the call's values set apart."""
    return [
        {
            "text": part.text,
            "is_value": part.kind == "value",
            "note": {"hidden": "hidden", "not_given": "not given"}.get(part.kind, ""),
        }
        for part in parts
    ]


def compared(now: Approval, shown: Shown, last: Approval | None, before: Shown | None) -> dict[str, object]:
    """Return what differs from the last call that ran: nothing, everything (there was none), or old and new by argument."""
    if last is None or before is None:
        return {"compared": "first", "differs": [], "same": 0, "unknown": 0, "has_new_tool": False}
    has_new_tool = last.definition_hash != now.definition_hash
    was, is_now = ({it.path: it for it in side.arguments} for side in (before, shown))
    differs, same, unknown = [], 0, 0
    for path in dict.fromkeys((*is_now, *was)):
        old, new = was.get(path), is_now.get(path)
        if old == new and old is not None:
            unknown, same = (unknown + 1, same) if old.is_hidden else (unknown, same + 1)
            continue
        differs.append(
            {
                "steps": steps(path),
                "old": line(old) if old is not None else None,
                "new": line(new) if new is not None else None,
                "looks_alike": old is not None
                and new is not None
                and not old.is_hidden
                and values.skeleton(old.text) == values.skeleton(new.text),
            }
        )
    is_same = last.args_hash == now.args_hash
    return {
        "compared": "same" if is_same else "differs",
        "differs": differs,
        "same": same,
        "unknown": 0 if is_same else unknown,
        "has_new_tool": has_new_tool,
    }


async def decider(work: UnitOfWork, session: Session) -> Decider | None:
    """Return who is signed in as a member of the bound tenant; None where they are no active one."""
    member = await user.member_by_person(work, session.person_id)
    if member is None or not member.is_active:
        return None
    return Decider(
        sub=member.sub,
        roles=member.roles,
        acr=session.acr,
        amr=session.amr,
        auth_time=session.auth_time,
        ctl=session.ctl,
    )


async def count_waiting(work: UnitOfWork, session: Session, member_of: Sequence[str]) -> int:
    """Return how many calls wait for whoever is signed in, in all their organisations."""
    count = 0
    for tenant in member_of:
        there = work.beside(tenant)
        reader = await decider(there, session)
        count += len(await deciding.waiting_for(there, reader)) if reader is not None else 0
    return count


async def who(work: UnitOfWork, it: Approval, shown: Shown, *, reader: str) -> dict[str, object]:
    """Return who asks for what, through which server, in whose name; `reader` is the `sub` of whoever reads it."""
    client = await registry.find(work, it.client_id)
    resource = await resources.by_uri(work, it.resource)
    tenant = await tenants.by_id(work, it.tenant)
    person = await person_of(work, it.sub)
    return {
        "state": it.state.value,
        "tool": it.tool,
        "tool_class": it.tool_class,
        "tool_title": shown.title or it.tool,
        "tool_version": shown.version,
        "tool_description": shown.description,
        "sentence": sentence(shown.sentence),
        "lines": [line(argument) for argument in shown.arguments],
        "follows": _follows(work, shown),
        "releases": shown.releases,
        "client_name": client.name if client is not None else "An application that was removed",
        "client_verified": client is not None and client.is_verified,
        "client_host": client.document_host if client is not None else "",
        "actors": [await _server_name(work, uri) for uri in it.actor.split()],
        "resource_name": resource.name if resource is not None else "A server that was removed",
        "resource_uri": it.resource,
        "tenant_name": tenant.name if tenant is not None else "",
        "is_yours": it.sub == reader,
        "person_name": person.name if person is not None else "",
        "person_email": person.email if person is not None else "",
        "purpose": resource.purposes.get(shown.purpose, shown.purpose) if resource is not None else shown.purpose,
        "asked_iso": words.iso(it.requested_at),
        "asked_ago": words.ago(it.requested_at, work.now),
        "ends": words.moment(it.expires_at),
        "ends_iso": words.iso(it.expires_at),
    }


async def last_time(work: UnitOfWork, it: Approval, shown: Shown) -> dict[str, object]:
    """Return the comparison with the last call that ran for the same person, application and tool."""
    last = await approvals.last_like(work, it)
    before = _readable(work, last)
    at = (last.done_at_us or 0) // 1_000_000 if last is not None else 0
    said = compared(it, shown, last, before)
    return said | {"last_iso": words.iso(at), "last_ago": words.ago(at, work.now)}


async def person_of(work: UnitOfWork, sub: str) -> user.Person | None:
    """Return the person behind a `sub` of the bound tenant; None for an application, or somebody who is gone."""
    member = await user.member_by_sub(work, sub)
    return await user.person_by_id(work, member.person_id) if member is not None else None


def _follows(work: UnitOfWork, shown: Shown) -> dict[str, object] | None:
    it = shown.follows
    if it is None:
        return None
    known = 0 < it.at <= work.now
    return {
        "tool": it.tool,
        "has_signs": it.has_signs,
        "iso": words.iso(it.at) if known else "",
        "ago": words.ago(it.at, work.now) if known else "",
    }


def _readable(work: UnitOfWork, it: Approval | None) -> Shown | None:
    try:
        return showing.shown(work, it) if it is not None else None
    except showing.NotReadableError:
        return None


async def _server_name(work: UnitOfWork, uri: str) -> str:
    resource = await resources.by_uri(work, uri)
    return resource.name if resource is not None else uri


def _kind(it: Line) -> str:
    if it.kind == "text":
        # A text that reads like another kind of value says that it is none.
        return "as text" if _LIKE_OTHERS.fullmatch(it.text) else ""
    return "number" if it.kind == "number" else _MEANS.get(it.text, "")
