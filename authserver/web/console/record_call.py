"""
GET and POST /console/record/{call}: one call, from who asked to where it is proved.

What is shown at once comes from headers: ids, codes, numbers. What people said and got is opened by whoever may, by a form, and only
once it is in the record that they did. All of it was written by strangers, so it stands in frames, character by character.
"""

from typing import Any, Final

import orjson

from authserver.domain.approvals import approval as approvals
from authserver.domain.approvals import showing
from authserver.domain.audit import reading, sealing, story
from authserver.domain.audit.event import Kind, Outcome
from authserver.domain.audit.search import Event, Wanted
from authserver.domain.audit.story import Story
from authserver.domain.resources import resource as resources
from authserver.domain.tokens import search as held
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import record_words as words
from authserver.web.console import targets
from authserver.web.console.door import NothingHereError, Operator, asked, csrf, frame, refuse, shown
from authserver.web.console.record import within
from authserver.web.http import Request, Response
from authserver.web.pages import calls, values
from authserver.web.pages.answers import page
from resource_lib.wire.record import MOST_RESULT_CHARACTERS

_STEPS: Final = {
    Kind.APPROVAL_REQUESTED: "The yes of a person was asked for",
    Kind.APPROVAL_SHOWN: "was shown it",
    Kind.APPROVAL_APPROVED: "said yes",
    Kind.APPROVAL_DENIED: "said no",
    Kind.APPROVAL_EXPIRED: "Nobody decided in time",
    Kind.APPROVAL_CONSUMED: "The yes was spent on this call",
    Kind.APPROVAL_DONE: "The server says that it was done",
    Kind.APPROVAL_DELIVERED: "The answer reached the application",
    Kind.APPROVAL_AMBIGUOUS: "Nobody knows how far it came",
    Kind.APPROVAL_CLEARED: "cleared up how it ended",
    Kind.APPROVAL_REFUSED: "Nobody was asked",
}
_BY_PEOPLE: Final = frozenset(
    {Kind.APPROVAL_SHOWN, Kind.APPROVAL_APPROVED, Kind.APPROVAL_DENIED, Kind.APPROVAL_CLEARED}
)
_PHASES: Final = {
    Kind.CALL_INTENT: "Was about to run",
    Kind.CALL_OUTCOME: "Had run",
    Kind.CALL_REFUSED: "Was refused",
    Kind.CALL_HELD: "Had to wait",
    Kind.CALL_OBSERVED: "Something was seen",
}


async def show_call(request: Request) -> Response:
    """Tell of a call what may be told without opening anything."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        del query
        there = within(work, operator)
        told = await _told(there, request)
        reading.searched(there, Wanted(call=told.call_id), rows=len(told.events), via="console", sub=operator.place.sub)
        # Before it is shown: what cannot be recorded is not read.
        await there.commit()
        return await _page(request, there, operator, told, opened=None)

    return await shown(request, show)


async def open_call(request: Request) -> Response:
    """Tell it with what people said and got, once it is recorded who looks."""

    async def act(work: UnitOfWork, operator: Operator, query: Parameters, form: Parameters) -> Response:
        del query, form
        there = within(work, operator)
        told = await _told(there, request)
        if not operator.may_open:
            await refuse(work, operator, "role")
            return await _page(request, there, operator, told, opened=None)
        return await _page(
            request,
            there,
            operator,
            told,
            opened=await story.opened(there, told, via="console", sub=operator.place.sub) or {},
        )

    return await asked(request, act)


async def _told(there: UnitOfWork, request: Request) -> Story:
    told = await story.tell(there, request.path_id)
    if told is None:
        raise NothingHereError
    return told


async def _page(
    request: Request, there: UnitOfWork, operator: Operator, told: Story, *, opened: dict[str, Any] | None
) -> Response:
    said, first, names = told.said, told.first, words.Names(there)
    resource = await resources.by_uri(there, first.resource)
    tool = str(said.get("tool") or said.get("method", ""))
    title, _ = targets.tool_words(resource, tool) if resource is not None else (tool, ())
    return page(
        "console_record_call.html",
        at=frame(operator, section="record"),
        csrf=csrf(request, operator) if operator.may_open and told.openable and opened is None else "",
        may_open=operator.may_open,
        title=title,
        tool=tool,
        tags=[*words.decided(said, told.events), *words.grave(said)],
        is_open=told.is_open,
        is_erased=told.is_erased,
        when=words.moment(first.at_us),
        when_iso=words.iso(first.at_us),
        facts=await _facts(names, there, operator, told),
        rules=[_rule(one) for one in said.get("rules", ())],
        refusal={"error": said.get("error", ""), "reason": said.get("reason", "")},
        approval=await _approval(there, names, told),
        approval_id=str(said.get("approval_id", "")),
        numbers=_numbers(said),
        opened=None if opened is None else _shown(opened, said),
        events=[_event(one, told) for one in told.events],
        proof=_proof(there, operator, told),
        related=[await _related(names, operator, one) for one in told.related],
        trace=_trace(said),
        trace_url=operator.link("record", trace=_trace(said), what="call:", ever="1") if _trace(said) else "",
        back_url=operator.link("record"),
    )


async def _facts(names: words.Names, there: UnitOfWork, operator: Operator, told: Story) -> list[dict[str, str]]:
    said, first = told.said, told.first
    who, sub = await names.person(first)
    found = await held.find(there, first.authorization_id) if first.authorization_id else None
    sign_in = "A sign-in that is gone"
    if found is not None:
        sign_in = "Began " + words.moment(found.started_at * 1_000_000)
    ref = f"Reference {first.sub_ref}: the same for the same person." if first.sub_ref else ""
    facts = [
        _fact("Who", who or "Somebody who is not known here any more", hint=ref, url=_person_url(operator, sub)),
        _fact(
            "Application",
            await names.client(first.client_id),
            code=first.client_id,
            url=operator.link("holder", kind="client", client=first.client_id),
        ),
        _fact("Server", await names.server(first.resource), code=first.resource),
        _fact(
            "Sign-in",
            sign_in,
            code=first.authorization_id,
            url=operator.link("record", authorization=first.authorization_id, ever="1"),
        ),
        _fact("Token", "", code=str(said.get("token", "")), hint="Its SHA-256; the token itself is kept nowhere."),
    ]
    if said.get("acts"):
        facts.append(_fact("Through", f"{len(said['acts'])} who act for them", hint=" ".join(said["acts"])))
    facts += [
        _fact(
            "Tool as it was",
            "",
            code=str(said.get("definition_hash", "")),
            hint="The hash of the definition that was called.",
        ),
        _fact(
            "Rules as they were",
            "",
            code=str(said.get("policy_version", "")),
            hint="The version of the policy that decided.",
        ),
        _fact("Session", "", code=str(said.get("session", ""))),
        _fact("Request", "", code=str(said.get("request", ""))),
    ]
    return [one for one in facts if one["text"] or one["code"]]


def _person_url(operator: Operator, sub: str) -> str:
    return operator.link("record", sub=sub, what="call:") if sub and operator.tenant is not None else ""


def _fact(label: str, text: str, *, code: str = "", hint: str = "", url: str = "") -> dict[str, str]:
    return {"label": label, "text": text, "code": code, "hint": hint, "url": url if text or code else ""}


def _rule(one: list[str]) -> dict[str, str]:
    name, verdict, why = (*one, "", "", "")[:3]
    look, said = words.VERDICTS.get(verdict, ("quiet", verdict))
    return {"name": name, "look": look, "verdict": said, "why": why}


async def _approval(there: UnitOfWork, names: words.Names, told: Story) -> list[dict[str, str]]:
    """Return what happened to the yes that a call needed, with how long whoever decided had looked."""
    approval_id = str(told.said.get("approval_id", ""))
    kept = await approvals.find(there, approval_id) if approval_id else None
    for decider in await approvals.decisions(there, kept) if kept is not None else ():
        await names.know(decider.sub)
    steps: list[dict[str, str]] = []
    shown_at: dict[str, int] = {}
    for one in told.approval:
        if one.kind not in _STEPS:
            continue
        is_theirs = one.kind in _BY_PEOPLE
        who = ((await names.person(one))[0] or f"Somebody ({one.sub_ref[:8]})") if is_theirs else ""
        if one.kind == Kind.APPROVAL_SHOWN:
            shown_at.setdefault(one.sub_ref, one.at_us)
        looked = ""
        if one.kind in {Kind.APPROVAL_APPROVED, Kind.APPROVAL_DENIED} and one.sub_ref in shown_at:
            looked = words.length(max(one.at_us - shown_at[one.sub_ref], 0))
        steps.append(
            {
                "who": who,
                "words": _STEPS[Kind(one.kind)],
                "at": words.moment(one.at_us),
                "at_iso": words.iso(one.at_us),
                "looked": looked,
                "reason": one.reason,
            }
        )
    return steps


def _numbers(said: Any) -> list[dict[str, str]]:
    found = [
        ("Took", words.length(said["latency_us"]) if "latency_us" in said else ""),
        ("Costs", f"{said['cost']:,}" if "cost" in said else ""),
        ("Arguments", words.size(said["arguments_bytes"]) if "arguments_bytes" in said else ""),
        ("Answer", words.size(said["result_bytes"]) if "result_bytes" in said else ""),
    ]
    signs = said.get("signs") or {}
    found += [(name.replace("_", " ").capitalize(), f"{count:,}") for name, count in sorted(signs.items())]
    return [{"words": name, "count": count} for name, count in found if count]


def _shown(opened: dict[str, Any], said: Any) -> dict[str, Any]:
    """Return what was opened, value by value, each of which a page shows character by character."""
    arguments = (
        _lines(opened["arguments"], orjson.dumps(opened["arguments"]).decode()) if "arguments" in opened else None
    )
    result = _lines(_parsed(opened["result"]), str(opened["result"])) if "result" in opened else None
    return {
        "is_gone": not opened,
        "arguments": arguments,
        "arguments_commit": str(said.get("arguments_commit", "")),
        "result": result,
        "result_commit": str(said.get("result_commit", "")),
        "is_cut": result is not None and len(str(opened["result"])) >= MOST_RESULT_CHARACTERS,
        "people": [{"kind": str(one[0]), "name": str(one[1])} for one in opened.get("subjects", ()) if len(one) == 2],
        "sub": str(opened.get("sub", "")),
    }


def _lines(value: Any, text: str) -> list[dict[str, object]]:
    """Return a value that a program sent as its lines; what cannot be read line by line, as the one text that it was."""
    if isinstance(value, dict):
        try:
            return [calls.line(one) for one in showing.arguments_of(value, ())]
        except (ValueError, RecursionError):
            pass  # more than anybody reads, deeper than anything means, or a number that no two readers take alike
    return [{"steps": (), "text": text, "kind": "", "hidden": "", "hints": values.hints(text)}]


def _parsed(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return str(text)  # it was cut, or never was JSON


def _event(one: Event, told: Story) -> dict[str, Any]:
    row = told.proof.rows.get(one.id)
    return {
        "words": _PHASES.get(Kind(one.kind), one.kind),
        "is_refused": one.outcome == Outcome.REFUSED,
        "id": one.id,
        "at": words.moment(one.at_us),
        "at_iso": words.iso(one.at_us),
        "row": None if row is None else f"{row:,}",
        "is_erased": one.has_lost_payload,
    }


def _proof(there: UnitOfWork, operator: Operator, told: Story) -> dict[str, Any]:
    whose = f"--tenant {operator.tenant.slug}" if operator.tenant is not None else "--platform"
    first = min(told.proof.rows.values(), default=0)
    return {
        "origin": told.proof.origin,
        "size": None if told.proof.size is None else f"{told.proof.size:,}",
        "at": words.moment(told.proof.at_us),
        "key": str(sealing.verifier(there.machines)),
        "commands": [
            f"authserver audit export {whose} --from {first} --out record.ndjson.gz",
            "python -m resource_lib.verify record.ndjson.gz --key KEY",
        ],
    }


async def _related(names: words.Names, operator: Operator, one: Event) -> dict[str, Any]:
    return {
        "is_call": True,
        "url": operator.link(f"record/{one.call_id}"),
        "name": one.header.get("tool") or one.header.get("method", ""),
        "tags": words.decided(one.header, [one]),
        "who": (await names.person(one))[0],
        "who_url": "",
        "ref": one.sub_ref,
        "client": await names.client(one.client_id),
        "server": await names.server(one.resource),
        "at": words.moment(one.at_us),
        "at_iso": words.iso(one.at_us),
        "took": "",
        "reason": str(one.header.get("error", "")),
        "is_erased": one.has_lost_payload,
    }


def _trace(said: Any) -> str:
    parts = str(said.get("traceparent", "")).split("-")
    return parts[1] if len(parts) == 4 else ""
