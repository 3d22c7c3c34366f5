"""
The noun `signals`: what is unusual in the record, with the numbers that say why; whose writes wait for a person meanwhile.

A tenant's own alone. What a signal stops, `kills` stops; whoever may do that decides here too.
"""

from typing import Annotated, Any, Literal, get_args

from fastapi import Query
from pydantic import Field

from authserver.domain.signals import acting, settings, signal, telling
from authserver.domain.signals.kinds import SPECS, Kind
from authserver.domain.signals.settings import ACTIONS, InvalidSettingError, Wanted
from authserver.domain.signals.signal import DismissedError, Signal
from authserver.domain.tool_policies import step_up
from authserver.domain.tool_policies.step_up import RefusedError, StepUp
from authserver.web.admin.acting import REASON_WORDS, by
from authserver.web.admin.ask import Ask
from authserver.web.admin.problems import ProblemError, invalid, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route

_KINDS = Literal[
    "volume", "denials", "first_use", "chain", "off_hours", "cross_tenant", "injection", "size", "latency", "errors", "limits",
    "rubber_stamp", "parallel",
]  # fmt: skip
_ACTIONS = Literal["webhook", "step_up", "stop"]
assert set(get_args(_KINDS)) == set(Kind)
assert set(get_args(_ACTIONS)) == set(ACTIONS)


class SignalShown(Shown):
    """Something unusual, counted while it is open. Times are microseconds since the epoch."""

    id: str = Field(examples=["sgn_abcdefghijklmnop"])
    kind: _KINDS
    gravity: Literal["note", "warning", "critical"]
    state: Literal["open", "dismissed"]
    sentence: str = Field(
        description="What happened, with the numbers that explain it; it may name a person.",
        examples=["send_email: 500 calls in this hour by Claude for this person; usual 10 ± 4, told above 50."],
    )
    numbers: dict[str, Any]
    times: int = Field(description="How often it happened since it was opened.")
    opened_at_us: int
    last_at_us: int
    client_id: str = Field(description="Empty: it is about a tool.")
    sub: str | None = Field(
        description="Whom the application acted for; null: nobody knows any more, or it is no one person."
    )
    sub_ref: str = Field(description="By which reference the record names them.")
    authorization_id: str
    resource: str
    tool: str
    event_ids: list[str] = Field(description="The events behind it: the first ten and the last.")
    done: list[str] = Field(description="What was done about it.", examples=[["step_up"]])


class SignalPage(Shown):
    """Some of them, the latest first."""

    items: list[SignalShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class SignalSeen(SignalShown):
    """One of them."""

    title: str = Field(examples=["Many more calls than usual"])
    dismissed_at_us: int | None
    dismissed_by: str
    why: str = Field(description="Why it was dismissed; empty: it was not.")


class Dismissal(Strict):
    """Why it needs no more looking at."""

    reason: str = Field(min_length=1, max_length=500, description=REASON_WORDS, examples=["A migration"])
    is_usual: bool = Field(
        default=False, description="It is usual from now on: what is usual is learned anew, and quiet meanwhile."
    )


class StepUpWanted(Strict):
    """For how long writes wait."""

    minutes: int = Field(default=settings.DEFAULT_MINUTES, ge=1, le=settings.MOST_MINUTES)
    everybody: bool = Field(default=False, description="Whomever the application acts for, not this person alone.")


class StepUpShown(Shown):
    """Of whom each write waits for a person's yes. Times are seconds since the epoch."""

    client_id: str
    sub: str = Field(description="Empty: whomever it acts for.")
    began_at: int
    until: int
    signal_id: str


class StepUps(Shown):
    """All that are in force."""

    items: list[StepUpShown]


class StepUpNamed(Strict):
    """Whose."""

    client_id: str = Field(min_length=1, max_length=2048, examples=["cli_abcdefghijklmnop"])
    sub: str = Field(default="", max_length=200)


class SettingShown(Thing):
    """What is wanted of one kind of signal."""

    kind: _KINDS
    title: str
    says: str
    is_on: bool
    actions: list[_ACTIONS] = Field(description="Besides the record, in which each signal stands.")
    step_up_minutes: int
    numbers: dict[str, float] = Field(description="Those in force.")
    zone: str = Field(description="By whose clocks hours are told.")


class Settings(Shown):
    """What is wanted of each kind."""

    items: list[SettingShown]


class SettingChange(Strict):
    """What is left out stays."""

    is_on: bool | None = None
    actions: Annotated[list[_ACTIONS], Field(max_length=3)] | None = None
    step_up_minutes: int | None = None
    numbers: Annotated[dict[str, float], Field(max_length=20)] | None = Field(default=None, examples=[{"z": 5}])


@route("GET", "/signals", gives=SignalPage, says="List what is unusual")
async def list_signals(
    ask: Ask,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[Literal["open", "dismissed"] | None, Query()] = None,
    kind: Annotated[_KINDS | None, Query()] = None,
    client_id: Annotated[str | None, Query(min_length=1, max_length=2048)] = None,
) -> SignalPage:
    """One for each kind and agent or tool, however often it happens."""
    after = ask.after(cursor)
    found = await signal.page(
        ask.work,
        state=state or "",
        kind=kind or "",
        client_id=client_id or "",
        after=(int(after[0]), str(after[1])) if after else None,
        most=limit,
    )
    return SignalPage(items=[await _row(ask, one) for one in found.signals], next=ask.cursor_after(found.after))


@route("GET", "/signals/{signal_id}", gives=SignalSeen, says="Show a signal")
async def show(ask: Ask, signal_id: Id) -> SignalSeen:
    """With why it was dismissed, where it was."""
    return await _seen(ask, await _found(ask, signal_id))


@route("POST", "/signals/{signal_id}/dismiss", gives=SignalSeen, says="Dismiss a signal")
async def dismiss(ask: Ask, signal_id: Id, body: Dismissal) -> SignalSeen:
    """The next time opens another."""
    found = await _found(ask, signal_id)
    try:
        signal.dismiss(ask.work, found, reason=body.reason, by=await by(ask, within=ask.tenant), is_usual=body.is_usual)
    except DismissedError as error:
        if not found.is_open:
            raise ProblemError(409, "It was dismissed already.") from None
        raise invalid("reason", str(error).partition(": ")[2]) from None
    shown = await _seen(ask, found)
    return shown.model_copy(
        update={"state": "dismissed", "dismissed_at_us": ask.work.at_us, "why": body.reason.strip()}
    )


@route("POST", "/signals/{signal_id}/step-up", gives=StepUpShown, says="Let the writes of a signal's application wait")
async def ask_more(ask: Ask, signal_id: Id, body: StepUpWanted) -> StepUpShown:
    """Each write waits for a person's yes, at every MCP server within seconds; it ends by itself."""
    found = await _found(ask, signal_id)
    if not found.is_of_agent:
        raise ProblemError(409, "It is about no application whose writes could wait.")
    sub = "" if body.everybody else await acting.sub_of(ask.work, found)
    try:
        await signal.ask_more(ask.work, found, sub=sub, minutes=body.minutes, by=await by(ask, within=ask.tenant))
    except RefusedError as error:
        raise ProblemError(409, str(error).partition(": ")[2]) from None
    until = ask.work.now + body.minutes * 60
    return StepUpShown(client_id=found.client_id, sub=sub, began_at=ask.work.now, until=until, signal_id=found.id)


@route("GET", "/step-ups", gives=StepUps, says="List whose writes wait")
async def list_step_ups(ask: Ask) -> StepUps:
    """At most twenty are in force at once."""
    return StepUps(items=[_step_up(one) for one in await step_up.in_force(ask.work)])


@route("POST", "/step-ups/end", gives=StepUps, says="End a step-up before its time")
async def end_step_up(ask: Ask, body: StepUpNamed) -> StepUps:
    """Answers with those that are left."""
    found = await step_up.in_force(ask.work)
    ending = [one for one in found if (one.client_id, one.sub) == (body.client_id, body.sub)]
    if not ending:
        raise not_found()
    step_up.end(ask.work, ending[0], by=await by(ask, within=ask.tenant))
    return StepUps(items=[_step_up(one) for one in found if one not in ending])


@route("GET", "/signal-settings", gives=Settings, says="See what is looked for")
async def list_settings(ask: Ask) -> Settings:
    """Each kind with its numbers, and what is done about it."""
    known = await settings.of_tenant(ask.work)
    return Settings(items=[_setting(one, known.zone) for one in known.kinds.values()])


@route("GET", "/signal-settings/{kind}", gives=SettingShown, says="See how one kind is looked for")
async def show_setting(ask: Ask, kind: Id) -> SettingShown:
    """With its numbers, and what is done about it."""
    known = await settings.of_tenant(ask.work)
    return _setting(known.kinds[_kind(kind)], known.zone)


@route("PATCH", "/signal-settings/{kind}", gives=SettingShown, says="Change how one kind is looked for")
async def change_setting(ask: Ask, kind: Id, body: SettingChange) -> SettingShown:
    """To let signals stop applications, or ask for more, by themselves, say so here."""
    known = await settings.of_tenant(ask.work)
    before = known.kinds[_kind(kind)]
    ask.unchanged(_setting(before, known.zone))
    try:
        wanted = settings.changed(
            before,
            is_on=body.is_on,
            actions=body.actions,
            step_up_minutes=body.step_up_minutes,
            numbers=body.numbers,
        )
    except InvalidSettingError as error:
        member, _, cure = str(error).partition(": ")
        raise invalid(member, cure) from None
    settings.configure(ask.work, wanted)
    return _setting(wanted, known.zone)


def _kind(said: str) -> Kind:
    if said not in set(Kind):
        raise not_found()
    return Kind(said)


async def _found(ask: Ask, signal_id: str) -> Signal:
    found = await signal.find(ask.work, signal_id)
    if found is None:
        raise not_found()
    return found


async def _row(ask: Ask, it: Signal) -> SignalShown:
    told = await telling.told(ask.work, it)
    return SignalShown(
        id=it.id,
        kind=it.kind.value,
        gravity=it.gravity.value,
        state="open" if it.is_open else "dismissed",
        sentence=told.sentence,
        numbers=dict(it.numbers),
        times=it.many,
        opened_at_us=it.opened_us,
        last_at_us=it.last_us,
        client_id=it.client_id,
        sub=told.sub or None,
        sub_ref=it.sub_ref,
        authorization_id=it.authorization_id,
        resource=it.resource,
        tool=it.tool,
        event_ids=list(it.event_ids),
        done=list(it.done),
    )


async def _seen(ask: Ask, it: Signal) -> SignalSeen:
    return SignalSeen(
        **(await _row(ask, it)).model_dump(),
        title=SPECS[it.kind].title,
        dismissed_at_us=it.dismissed_us,
        dismissed_by=it.dismissed_by,
        why=signal.why(ask.work, it),
    )


def _step_up(one: StepUp) -> StepUpShown:
    return StepUpShown(
        client_id=one.client_id, sub=one.sub, began_at=one.began_at, until=one.until, signal_id=one.signal_id
    )


def _setting(wanted: Wanted, zone: str) -> SettingShown:
    spec = SPECS[wanted.kind]
    return SettingShown(
        kind=wanted.kind.value,
        title=spec.title,
        says=spec.says,
        is_on=wanted.is_on,
        actions=list(wanted.actions),  # type: ignore[arg-type]
        step_up_minutes=wanted.step_up_minutes,
        numbers=wanted.in_force,
        zone=zone,
    )
