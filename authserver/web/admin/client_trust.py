"""Which applications of strangers a tenant lets in: its policy, and its verdicts on applications and on hosts that describe them."""

from typing import Annotated, Literal

from pydantic import Field

from authserver.domain.clients import trust
from authserver.domain.clients.trust import Entry
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.ids import id_of, name_of
from authserver.web.admin.problems import not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route


class PolicyShown(Thing):
    """What happens to an application of which nothing was said."""

    policy: str = Field(description="any: let in; approve: waits for a verdict; listed: refused.")
    allowed: int
    blocked: int


class PolicyChange(Strict):
    """The new policy."""

    policy: Literal["any", "approve", "listed"]


class VerdictShown(Thing):
    """What was said of an application or a host, or that somebody asked for it."""

    id: str = Field(description="As it stands in paths.")
    subject: str = Field(description="A client_id, or `host:` and the host that publishes documents.")
    verdict: str
    note: str
    at: int


class VerdictPage(Shown):
    """Some verdicts, newest first."""

    items: list[VerdictShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class NewVerdict(Strict):
    """What is said of an application or a host from now on."""

    subject: Annotated[
        str,
        Field(min_length=1, max_length=500, examples=["claude.ai", "https://vscode.dev/oauth/client-metadata.json"]),
    ]
    verdict: Literal["allowed", "blocked"] = Field(description="`blocked` ends what it holds here, for good.")
    note: str = Field(default="", max_length=200, description="Why, for whoever reads the list.")


@route("GET", "/client-trust", gives=PolicyShown, says="Show who is let in")
async def show_policy(ask: Ask) -> PolicyShown:
    """The policy, and on how many something was said."""
    return await _policy(ask)


@route("PATCH", "/client-trust", gives=PolicyShown, says="Change who is let in")
async def change_policy(ask: Ask, body: PolicyChange) -> PolicyShown:
    """It decides on applications of which nothing was said, at their next token."""
    now = await _policy(ask)
    ask.unchanged(now)
    trust.set_policy(ask.work, trust.Policy(body.policy))
    return now.model_copy(update={"policy": body.policy})


@route("GET", "/client-trust/verdicts", gives=VerdictPage, says="List verdicts")
async def list_verdicts(
    ask: Ask,
    limit: Limit = 50,
    cursor: Cursor = None,
    verdict: Literal["allowed", "blocked", "pending"] | None = None,
) -> VerdictPage:
    """`pending` are those that members asked for and that wait."""
    after = ask.after(cursor)
    before = (int(after[0]), str(after[1])) if after else None
    rows = await trust.some(ask.work, before=before, most=limit + 1, verdict=verdict or "")
    return VerdictPage(
        items=[_shown(one) for one in rows[:limit]],
        next=ask.next_cursor(rows, limit, lambda one: [one.at, one.subject]),
    )


@route("POST", "/client-trust/verdicts", gives=VerdictShown, status=201, says="Let an application in, or block it")
async def decide(ask: Ask, body: NewVerdict) -> Said:
    """The latest verdict counts; one on an application goes before one on its host."""
    subject = trust.subject(body.subject)
    if body.verdict == "allowed":
        trust.let_in(ask.work, subject, note=body.note)
    else:
        trust.block(ask.work, subject, note=body.note)
    entry = Entry(subject=subject, verdict=trust.Verdict(body.verdict), note=body.note, at=ask.work.now)
    shown = _shown(entry)
    return Said(body=shown, status=201, location=f"{ask.base}/client-trust/verdicts/{shown.id}")


@route("GET", "/client-trust/verdicts/{subject}", gives=VerdictShown, says="Show a verdict")
async def show(ask: Ask, subject: Id) -> VerdictShown:
    """By its id."""
    return _shown(await _found(ask, subject))


@route("DELETE", "/client-trust/verdicts/{subject}", gives=None, says="Take a verdict back")
async def forget(ask: Ask, subject: Id) -> None:
    """The policy decides again; what a block ended stays ended."""
    found = await _found(ask, subject)
    ask.unchanged(_shown(found))
    trust.forget(ask.work, found.subject)


async def _policy(ask: Ask) -> PolicyShown:
    said = await trust.of_tenant(ask.work, ask.tenant)
    return PolicyShown(policy=said.policy.value, allowed=said.count("allowed"), blocked=said.count("blocked"))


async def _found(ask: Ask, sent: str) -> Entry:
    found = await trust.entry(ask.work, name_of(sent))
    if found is None:
        raise not_found()
    return found


def _shown(entry: Entry) -> VerdictShown:
    return VerdictShown(
        id=id_of(entry.subject), subject=entry.subject, verdict=entry.verdict.value, note=entry.note, at=entry.at
    )
