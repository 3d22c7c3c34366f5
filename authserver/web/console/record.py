"""
GET and POST /console/record: what happened, a row for each call, by whatever somebody looks for.

What somebody types can name people, so it is sent in a form and stands in the address as one sealed word that says nothing to anybody
else. That they looked is recorded before they see it, a page at a time.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from authserver.domain.audit import reading, search
from authserver.domain.audit.search import Decision, Event, Wanted
from authserver.domain.clients import registry
from authserver.domain.finding import finding
from authserver.domain.resources import resource as resources
from authserver.domain.users import user
from authserver.oauth.parameters import Parameters
from authserver.runtime.schema import SHARED
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal
from authserver.web.console import record_words as words
from authserver.web.console import targets
from authserver.web.console.door import NothingHereError, Operator, asked, csrf, frame, shown
from authserver.web.console.event_words import called
from authserver.web.http import Request, Response, redirect
from authserver.web.pages.answers import page

MOST: Final = 40
_MOST_SERVERS: Final = 100

_TEXTS: Final = {
    "person": 254,
    "subject": 300,
    "client": 200,
    "tool": 128,
    "approval": 100,
    "authorization": 100,
    "trace": 32,
}
"""What is typed, and how long it may be."""
_CHOICES: Final = ("what", "decision", "within", "server", "from", "to")
_LINKED: Final = ("sub", "client", "tool", "approval", "authorization", "trace", "request")
"""What a link of ours may name besides: ids and codes, never a person's words."""
WHATS: Final = {
    "call:": "Calls of tools",
    "": "Everything",
    "person:": "What people did here",
    "client:": "What applications did here",
    "operator:": "What operators did",
    "operator:record:": "Who looked at the record",
}
_WITHIN: Final = {
    "1h": ("the last hour", 3600),
    "1d": ("the last 24 hours", 86_400),
    "7d": ("the last 7 days", 604_800),
}
WITHINS: Final = {
    **{key: words_ for key, (words_, _) in _WITHIN.items()},
    "30d": "the last 30 days",
    "": "all times",
}
_DEFAULT_WITHIN: Final = "1d"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What somebody looks for, as the form has it; `problem`: why nothing can be looked for."""

    fields: dict[str, str]
    wanted: Wanted
    problem: str = ""


async def show_record(request: Request) -> Response:
    """Show what answers to the address."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        there = within(work, operator)
        told = await _asked(there, operator, _fields(there, query))
        after = _opened(there, "after", query.one("after") or "")
        place = (int(after["at_us"]), str(after["id"])) if after else None
        found = search.Page(events=(), after=None)
        if not told.problem:
            found = await search.search(there, told.wanted, after=place, most=MOST)
            reading.searched(
                there,
                told.wanted,
                rows=len(found.events),
                via="console",
                sub=operator.place.sub,
                is_first=place is None,
            )
            # Before it is shown: what cannot be recorded is not read.
            await there.commit()
        more = None if found.after is None else _sealed(there, "after", {"at_us": found.after[0], "id": found.after[1]})
        return page(
            "console_record.html",
            at=frame(operator, section="record"),
            csrf=csrf(request, operator),
            asked=told.fields,
            problem=told.problem,
            whats=WHATS,
            withins=WITHINS,
            servers=await _servers(there, operator),
            rows=await rows_of(there, operator, found.events, sub=told.wanted.sub),
            is_first=place is None,
            newer_url=_link(operator, query) if place is not None else "",
            older_url=_link(operator, query, after=more) if more else "",
            looked=_looked(told),
            pruned=await search.pruned(there),
            is_platforms_own=operator.tenant is None,
            may_open=operator.may_open,
        )

    return await shown(request, show)


async def look_for(request: Request) -> Response:
    """Take what was typed out of the form and lead to the address that holds it sealed."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        del query
        there = within(work, operator)
        typed = {name: text for name, most in _TEXTS.items() if (text := _clean(form.one(name) or "", most))}
        chosen = {name: value for name in _CHOICES if (value := _clean(form.one(name) or "", 300))}
        link = operator.link(
            "record", **{**_as_chosen(chosen), "asked": _sealed(there, "asked", typed) if typed else ""}
        )
        return redirect(link)

    return await asked(request, act)


def within(work: UnitOfWork, operator: Operator) -> UnitOfWork:
    """Return a unit bound to where somebody looks: their tenant, or what belongs to nobody's for whoever acts everywhere."""
    return work.beside(operator.tenant.id if operator.tenant is not None else SHARED)


async def rows_of(there: UnitOfWork, operator: Operator, events: Sequence[Event], *, sub: str) -> list[dict[str, Any]]:
    """Return events as rows, newest first, all that belongs to one call in one row. `sub`: who was looked for."""
    names = words.Names(there)
    if sub:
        await names.know(sub)
    whole = await search.of_calls(there, sorted({one.call_id for one in events if one.call_id}))
    rows, seen = [], set()
    for one in events:
        if one.call_id and one.call_id in seen:
            continue
        seen.add(one.call_id)
        rows.append(
            await _call_row(names, operator, whole.get(one.call_id) or [one]) if one.call_id else await _row(names, one)
        )
    return rows


async def _call_row(names: words.Names, operator: Operator, events: list[Event]) -> dict[str, Any]:
    first = events[0]
    said: dict[str, Any] = {}
    for one in events:
        said |= one.header
    who, sub = await names.person(first)
    return {
        "is_call": True,
        "url": operator.link(f"record/{first.call_id}"),
        "name": said.get("tool") or said.get("method", ""),
        "tags": [*words.decided(said, events), *words.grave(said)],
        "who": who,
        "who_url": operator.link("record", sub=sub, what="call:") if sub else "",
        "ref": first.sub_ref,
        "client": await names.client(first.client_id) if first.client_id else "",
        "server": await names.server(first.resource) if first.resource else "",
        "at": words.moment(first.at_us),
        "at_iso": words.iso(first.at_us),
        "took": words.length(said["latency_us"]) if "latency_us" in said else "",
        "reason": said.get("error", ""),
        "is_erased": any(one.has_lost_payload for one in events) and not any(one.has_payload for one in events),
    }


async def _row(names: words.Names, one: Event) -> dict[str, Any]:
    who, _ = await names.person(one)
    return {
        "is_call": False,
        "url": "",
        "name": called(one.kind),
        "kind": one.kind,
        "tags": [targets.tag("bad", "Refused")] if one.outcome == "refused" else [],
        "who": who,
        "who_url": "",
        "ref": one.sub_ref,
        "client": await names.client(one.client_id) if one.client_id else "",
        "server": await names.server(one.resource) if one.resource else "",
        "at": words.moment(one.at_us),
        "at_iso": words.iso(one.at_us),
        "took": "",
        "reason": one.reason,
        "is_erased": one.has_lost_payload,
    }


# -- what is asked


def _fields(there: UnitOfWork, query: Parameters) -> dict[str, str]:
    """Return the form as an address holds it."""
    fields = dict.fromkeys((*_TEXTS, *_CHOICES, *_LINKED), "")
    fields |= {name: value for name in (*_CHOICES, *_LINKED) if (value := _clean(query.one(name) or "", 300))}
    # Calls stand in tenants' logs alone.
    fields["what"] = fields["what"] or ("" if query.one("any") or there.tenant == SHARED else "call:")
    fields["within"] = fields["within"] or (
        "" if query.one("ever") or fields["from"] or fields["to"] else _DEFAULT_WITHIN
    )
    typed = _opened(there, "asked", query.one("asked") or "") or {}
    return fields | {name: str(text) for name, text in typed.items() if name in _TEXTS}


def _as_chosen(chosen: dict[str, str]) -> dict[str, str]:
    # A link leaves out what is empty, and these two have a meaning when they are.
    chosen |= {} if chosen.get("what") else {"any": "1"}
    return chosen | ({} if chosen.get("within") or chosen.get("from") or chosen.get("to") else {"ever": "1"})


async def _asked(there: UnitOfWork, operator: Operator, fields: dict[str, str]) -> _Asked:
    name = operator.tenant.name if operator.tenant is not None else "the platform"
    wanted = Wanted(
        kind=fields["what"],
        subject=fields["subject"],
        tool=fields["tool"],
        resource=fields["server"],
        approval_id=fields["approval"],
        authorization_id=fields["authorization"],
        trace_id=fields["trace"].lower(),
        request_id=fields["request"],
        decision=Decision(fields["decision"]) if fields["decision"] in set(Decision) else None,
        sub=fields["sub"],
    )
    try:
        since, until = _moment(fields["from"]), _moment(fields["to"])
    except ValueError:
        return _Asked(fields=fields, wanted=wanted, problem="A time is written as 2026-11-21T09:00.")
    if span := {**{key: seconds for key, (_, seconds) in _WITHIN.items()}, "30d": 2_592_000}.get(fields["within"]):
        since = max(since or 0, there.now - span)
    wanted = replace(
        wanted,
        since_us=(since or 0) * 1_000_000,
        until_us=search.END_OF_TIME if until is None else until * 1_000_000,
    )
    if person := fields["person"]:
        listed = await user.listed_by_email(there, person) if "@" in person else await user.listed(there, person)
        if listed is None:
            why = f"Nobody in {name} has this address. If they are named in calls, type it under “Named in the call”."
            return _Asked(fields=fields, wanted=wanted, problem=why)
        wanted = replace(wanted, sub=listed.sub)
    if client := fields["client"]:
        ids = await _clients(there, client)
        if len(ids) != 1:
            why = (
                "Several applications are called that. Type its id."
                if ids
                else f"No application in {name} is called that."
            )
            return _Asked(fields=fields, wanted=wanted, problem=why)
        wanted = replace(wanted, client_id=ids[0])
    return _Asked(fields=fields, wanted=wanted)


async def _clients(there: UnitOfWork, words_: str) -> list[str]:
    known = await registry.find(there, words_)
    if known is not None:
        return [known.id]
    hits = await finding.find(there, words_, among={finding.What.CLIENT}) if there.tenant != SHARED else ()
    found = [hit.id for hit in hits if hit.title.casefold() == words_.casefold()]
    # One that was removed is in the record still, under the id that it had.
    return found or ([words_] if words_.startswith(("cli_", "https://")) else [])


def _moment(said: str) -> int | None:
    if not said:
        return None
    at = datetime.fromisoformat(said)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _looked(told: _Asked) -> str:
    """Return in words where was looked, for whoever finds nothing."""
    fields = told.fields
    what = WHATS.get(fields["what"], fields["what"]).lower() or "everything"
    when = WITHINS.get(fields["within"], "all times")
    if fields["from"] or fields["to"]:
        when = " ".join(f"{word} {fields[word]}" for word in ("from", "to") if fields[word])
    labels = {
        "person": "a person",
        "sub": "a person",
        "subject": "somebody who is named in it",
        "client": "an application",
    }
    labels |= {"tool": "a tool", "server": "a server", "decision": "a decision", "approval": "an approval"}
    labels |= {"authorization": "a sign-in", "trace": "a trace", "request": "a request"}
    narrowed = [label for name, label in labels.items() if fields[name]]
    return f"{what}, {when}" + (f", narrowed down to {', '.join(dict.fromkeys(narrowed))}" if narrowed else "")


async def _servers(there: UnitOfWork, operator: Operator) -> list[dict[str, str]]:
    if operator.tenant is None:
        return []
    found = [
        await resources.by_uri(there, uri)
        for uri in (await resources.of_tenant(there, operator.tenant.id))[:_MOST_SERVERS]
    ]
    listed = [{"uri": one.uri, "name": one.name} for one in found if one is not None]
    return sorted(listed, key=lambda one: one["name"].casefold())


# -- what stands sealed in an address


def _sealed(there: UnitOfWork, what: str, said: dict[str, Any]) -> str:
    token = seal(_key(there), orjson.dumps(said), context=f"console record\0{there.tenant}\0{what}")
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def _opened(there: UnitOfWork, what: str, word: str) -> dict[str, Any] | None:
    """Return what a sealed word says; None: there is none. Raises NothingHereError for one that we did not make here."""
    if not word:
        return None
    try:
        token = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
        return dict(orjson.loads(unseal(_key(there), token, context=f"console record\0{there.tenant}\0{what}")))
    except (VaultError, binascii.Error, ValueError):
        raise NothingHereError from None


def _key(there: UnitOfWork) -> bytes:
    return there.machines.keys.index("console record", "key")


def _link(operator: Operator, query: Parameters, **more: str) -> str:
    kept = {name: value for name in (*_CHOICES, *_LINKED, "any", "ever", "asked") if (value := query.one(name) or "")}
    return operator.link("record", **{**kept, **more})


def _clean(text: str, most: int) -> str:
    # What draws nothing is in nobody's name, and would turn the words around it.
    return "".join(one for one in text[:most] if one.isprintable()).strip()
