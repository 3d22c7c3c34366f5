"""
Who has what: every authorization of a tenant, live or ended, newest first, page by page.

A page costs the same however many there are: at most `EXAMINED` rows are looked through for it, and one that is not full may be
followed by another. What a kill has ended by its number is ended here in the same moment. Never from memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authserver.domain.tokens import store
from authserver.domain.tokens.authorization import Authorization, Profile, from_row
from authserver.runtime.schema import Statement
from authserver.runtime.unit_of_work import Row, UnitOfWork

WINDOW: Final = 5_000
"""How many rows one reading looks through."""
EXAMINED: Final = 50_000
"""How many rows one page may cost."""

_END_OF_TIME = 2**62


class State(StrEnum):
    """Whether tokens may still come from one."""

    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is looked for; what is left empty is not asked about."""

    sub: str = ""
    client_id: str = ""
    resource: str = ""
    state: State | None = None
    unused_since: int = 0
    """Only what nobody has used since this moment; 0: whenever it was used."""

    @property
    def is_everything(self) -> bool:
        """Whether every authorization answers."""
        return self == Wanted()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One authorization as an operator sees it. Times are seconds since the epoch."""

    authorization: Authorization
    started_at: int
    last_used_at: int | None
    """When it was last refreshed, or began; of what is not refreshed the day on which a token of it was last made or seen; None: not known."""
    ends_at: int
    """When it ends if nobody uses it, or ended."""
    state: State
    ended_by: str
    """Why it has ended; `ended_by_number` where a kill, or the end of a person, a client, a tenant, counted it out, `expired` where its time is over; empty: it lives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some of what was found, and after which place the rest begins; None: there is no more."""

    found: tuple[Found, ...]
    after: tuple[int, str] | None


async def search(
    work: UnitOfWork,
    wanted: Wanted,
    *,
    after: tuple[int, str] | None = None,
    most: int = 50,
    window: int = WINDOW,
    examined: int = EXAMINED,
) -> Page:
    """Return a page of the bound tenant's authorizations. `after` is where the page before ended."""
    reading, reading_end = _statements(wanted)
    place = after if after is not None else (_END_OF_TIME, "")
    window = most + 1 if wanted.is_everything else window
    asked = {"sub": wanted.sub, "client_id": wanted.client_id}
    rows: list[Row] = []
    for _ in range(max(examined // window, 1)):
        where = {"before": place[0], "before_id": place[1]}
        # One more than wanted: then it is known whether anything follows.
        rows += await work.all(
            reading,
            **where,
            **asked,
            resource=wanted.resource,
            state=wanted.state.value if wanted.state else "",
            unused_since=wanted.unused_since,
            now=work.now,
            alone_since=work.now - work.machines.settings.access_token_seconds,
            window=window,
            most=most + 1 - len(rows),
        )
        if len(rows) > most:
            return _page(work, rows[:most], (rows[most - 1]["created_at"], rows[most - 1]["authorization_id"]))
        named = {name: asked[name] for name in reading_end.parameters if name in asked}
        end = await work.one(reading_end, **where, **named, window=window - 1)
        if end is None:
            return _page(work, rows, None)
        place = (end["created_at"], end["authorization_id"])
    return _page(work, rows, place)


def unused_since(work: UnitOfWork, days: int | None = None) -> int:
    """Return the moment since which nobody may have used what counts as unused: so many days ago, or as the deployment is set."""
    return work.now - (days or work.machines.settings.unused_after_days) * 86_400


async def find(work: UnitOfWork, authorization_id: str) -> Found | None:
    """Return one authorization of the bound tenant as an operator sees it, or None."""
    row = await work.one(store.SHOW, authorization_id=authorization_id)
    return _found(work, row) if row else None


async def clients_lately(work: UnitOfWork, *, most: int = WINDOW) -> tuple[str, ...]:
    """Return the applications of the newest authorizations of the bound tenant, whoever's they are."""
    return tuple(row["client_id"] for row in await work.all(store.CLIENTS_LATELY, window=most))


async def is_known_client(work: UnitOfWork, client_id: str) -> bool:
    """Whether somebody in the bound tenant has, or lately had, an authorization of an application."""
    return await work.one(store.CLIENT_IS_KNOWN, client_id=client_id) is not None


def _statements(wanted: Wanted) -> tuple[Statement, Statement]:
    # A person has few of them; an application may have very many, and a tenant all.
    if wanted.sub:
        return store.SEARCH_OF_SUB, store.SEARCH_END_OF_SUB
    if wanted.client_id:
        return store.SEARCH_OF_CLIENT, store.SEARCH_END_OF_CLIENT
    return store.SEARCH, store.SEARCH_END


def _page(work: UnitOfWork, rows: Sequence[Row], after: tuple[int, str] | None) -> Page:
    return Page(found=tuple(_found(work, row) for row in rows), after=after)


def _found(work: UnitOfWork, row: Row) -> Found:
    owner = from_row(row)
    ended_by = _ended_by(work, owner)
    refreshes = owner.profile is Profile.INTERACTIVE
    # Without a refresh token it lives as long as the one access token it began with.
    alone = row["created_at"] + work.machines.settings.access_token_seconds
    ends_at = min(max(row["idle_end"] or 0, alone), owner.expires_at) if refreshes else owner.expires_at
    if ended_by == "" and ends_at <= work.now:
        ended_by = "expired"
    return Found(
        authorization=owner,
        started_at=row["created_at"],
        last_used_at=max(row["refreshed_at"] or row["created_at"], row["used_on"] or 0)
        if refreshes
        else row["used_on"],
        ends_at=row["ended_at"] if row["ended_at"] is not None else ends_at,
        state=State.ENDED if ended_by else State.LIVE,
        ended_by=ended_by,
    )


def _ended_by(work: UnitOfWork, owner: Authorization) -> str:
    if owner.is_ended:
        return owner.end_reason or "ended"
    return "expired" if work.now >= owner.expires_at else ""
