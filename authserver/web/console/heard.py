"""
GET /console/heard: who has obeyed, copy by copy and after how long; it looks again by itself until all have.

Decision 14, C51. After a stop, a pause or a revival its row says which number that was; after an end, which has no row of its own,
the newest number at the first look counts: it is not smaller. A number never stands on a page or readable in an address, because
it counts what happens in every tenant (TN-15).
"""

import base64
import binascii
from urllib.parse import urlencode

from authserver.domain.revocation import feed, kill_switch
from authserver.domain.stopping import stopping
from authserver.domain.stopping.radius import reached_from, told
from authserver.domain.stopping.stopping import Heard, Kill, State
from authserver.domain.tokens import search
from authserver.oauth.parameters import Parameters
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal
from authserver.web.console import targets
from authserver.web.console.door import NothingHereError, Operator, frame, shown
from authserver.web.console.revive import may_not
from authserver.web.console.rows import looks_again, span_s
from authserver.web.console.targets import Named
from authserver.web.http import Request, Response, redirect
from authserver.web.pages.answers import page
from authserver.web.pages.turning import turning
from resource_lib.wire.control import COUNTED, Act, Kind

EVERY_S = 2
_MOST_ROWS = 200
_ALREADY = {"look": "warn", "words": "It was done already, a moment before. Nothing was done a second time."}
_ORDER = {State.WAITING: 0, State.LAPSED: 1, State.APPLIED: 2}


async def show_heard(request: Request) -> Response:
    """Show who has obeyed."""

    async def show(work: UnitOfWork, operator: Operator, query: Parameters) -> Response:
        if query.one("ended") is not None:
            return await _after_an_end(work, request, operator, query)
        named = await targets.asked(work, operator, query)
        done = await kill_switch.find(work, named.target)
        if done is None:
            raise NothingHereError
        heard = await stopping.heard(work, named.target, done.number)
        return await _page(work, operator, query, named, (done, heard))

    return await shown(request, show)


async def _after_an_end(work: UnitOfWork, request: Request, operator: Operator, query: Parameters) -> Response:
    authorization_id = query.one("authorization") or ""
    context = f"console/ended/{operator.session.reference}"
    number = _opened(work, query.one("n") or "", context) if "n" not in query.repeated else None
    if number is None:
        newest = (await feed.head(work))[1]
        sealed = seal(work.machines.keys.forms, str(newest).encode(), context=context)
        kept = [(name, value) for name, value in query.pairs() if name != "n"]
        counted = ("n", base64.urlsafe_b64encode(sealed).rstrip(b"=").decode())
        return redirect(f"{request.path}?{urlencode([*kept, counted])}")
    if authorization_id:
        named, servers = await _authorization(work, operator, authorization_id)
    else:
        named = await targets.asked(work, operator, query)
        servers = await told(work, named.target)
    heard = await stopping.heard_by(work, servers, number, tenant=operator.where)
    return await _page(work, operator, query, named, (None, heard))


async def _authorization(work: UnitOfWork, operator: Operator, authorization_id: str) -> tuple[Named, tuple[str, ...]]:
    if operator.tenant is None:
        raise NothingHereError
    there = work.beside(operator.tenant.id)
    found = await search.find(there, authorization_id)
    if found is None:
        raise NothingHereError
    owner = found.authorization
    target = stopping.Target(kind=Kind.CLIENT, tenant=operator.tenant.id, client_id=owner.client_id)
    name, _ = await targets.client_words(work, operator.tenant.id, owner.client_id)
    at = await targets.server_name(work, owner.resource)
    named = Named(
        target=target, kind="Sign-in", name=name, slug=operator.tenant.slug, lines=(targets.line(f"at {at}"),)
    )
    return named, await reached_from(work, owner.resource, operator.tenant.id)


def _opened(work: UnitOfWork, text: str, context: str) -> int | None:
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return int(unseal(work.machines.keys.forms, sealed, context=context))
    except (binascii.Error, ValueError, VaultError):
        return None


async def _page(
    work: UnitOfWork, operator: Operator, query: Parameters, named: Named, told_of: tuple[Kill | None, list[Heard]]
) -> Response:
    done, heard = told_of
    waiting = sum(one.state is State.WAITING for one in heard)
    turns = turning(query, may_change=waiting > 0, every_s=EVERY_S, keep=True)
    stop = done if done is not None and done.stopped else None
    names = {one.resource: await targets.server_name(work, one.resource) for one in heard}
    heard = sorted(heard, key=lambda one: (_ORDER[one.state], -(one.after_ms or 0), one.resource, one.instance))
    obeyed = len(heard) - waiting
    return page(
        "console_heard.html",
        *turns.headers,
        at=frame(operator),
        turning=looks_again(query, turns, every_s=EVERY_S) | {"is_over": waiting == 0},
        it=named.head(stop),
        heading=_heading(done),
        notice=_ALREADY if query.one("done") == "already" else None,
        rows=[_row(one, names[one.resource], _what(done)) for one in heard[:_MOST_ROWS]],
        sum={
            "waiting": waiting,
            "obeyed": obeyed,
            "all": len(heard),
            "tenths": 10 * obeyed // len(heard) if heard else 10,
            "words": await _since(work, operator, done),
        },
        then=_then(named, done),
        back_url=operator.link(),
        revive_url=named.link(operator, "revive") if stop is not None and not may_not(operator, stop) else "",
    )


def _heading(done: Kill | None) -> str:
    if done is None:
        return "Ended:"
    return {Act.KILL.value: "Stopped:", Act.PAUSE.value: "Paused:"}.get(done.stopped, "May go on:")


def _what(done: Kill | None) -> str:
    if done is None:
        return "the end"
    return {Act.KILL.value: "the stop", Act.PAUSE.value: "the pause"}.get(done.stopped, "it was let go on")


async def _since(work: UnitOfWork, operator: Operator, done: Kill | None) -> str:
    if done is None:
        return "It acts with the commit: nothing new is given out from that moment on."
    at_us = await feed.at(work, done.number) or done.changed_at_us
    seconds = max(0, (work.at_us - at_us) // 1_000_000)
    ago = "a moment ago" if seconds < 1 else f"{span_s(seconds)} ago"
    if not done.stopped:
        return f"It was let go on {ago}."
    said = await targets.put_down(work, operator, done)
    verb = "Paused" if done.stopped == Act.PAUSE.value else "Stopped"
    return f"{verb} {ago}" + (f", by {said['by']}" if said["by"] else "") + "."


def _row(one: Heard, server: str, what: str) -> dict[str, str]:
    said = {
        State.APPLIED: (_after(one.after_ms or 0, what), "good", "Obeyed"),
        State.WAITING: ("It has not said so yet. If it hears nothing it stops by itself.", "warn", "Waiting"),
        State.LAPSED: ("Its lease has ended: it has stopped by itself.", "quiet", "Stopped by itself"),
    }
    words_, look, tag = said[one.state]
    return {
        "server": server,
        "instance": one.instance,
        "state": one.state.value,
        "words": words_,
        "look": look,
        "tag": tag,
    }


def _after(after_ms: int, what: str) -> str:
    if after_ms >= 60_000:
        return f"It said so {span_s(after_ms // 1000)} after {what}"
    return f"It said so {after_ms / 1000:.1f} s after {what}"


def _then(named: Named, done: Kill | None) -> list[str]:
    if done is None:
        return ["What ended never comes back.", "Who it was may begin anew. To prevent that, stop it."]
    if not done.stopped:
        return ["What had ended stays ended."] if named.target.kind in COUNTED else []
    if done.stopped == Act.PAUSE.value:
        return ["Nothing has ended. Callers are told to come back."]
    if named.target.kind not in COUNTED:
        return ["No sign-in has ended. Calls are refused until somebody lets it go on."]
    return ["What ended never comes back, not even once it is let go on.", "Nothing new begins until then."]
