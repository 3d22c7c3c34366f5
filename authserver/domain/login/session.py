"""
A browser that is signed in, and how fresh the proof is.

The cookie holds a random secret; the row its hash. A login always makes a new session and ends the one the browser came
with, so a planted cookie is worth nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.login import store
from authserver.domain.revocation import feed
from authserver.runtime.identifiers import new_secret, secret_hash
from authserver.runtime.unit_of_work import UnitOfWork

_SEEN_EVERY_S = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A signed-in browser. `auth_time` is when the person last proved who they are."""

    hash: bytes
    person_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    ctl: int
    """The control number before which the person had not yet proved who they are."""

    @property
    def reference(self) -> str:
        """What a form is bound to."""
        return self.hash.hex()


@dataclass(frozen=True, kw_only=True, slots=True)
class Doors:
    """The tenants of a person, by what a session opens."""

    open: tuple[str, ...]
    again: tuple[str, ...]
    """Something was stopped there and began again since the login: they must prove once more who they are."""
    stopped: tuple[str, ...]
    """Everything, the tenant, or they themselves there are stopped."""


async def proven_at(work: UnitOfWork) -> int:
    """Return the number for a session that begins with the proof that is looked at next; never from memory."""
    _, number = await feed.head(work)
    return number


def start(work: UnitOfWork, *, person_id: str, acr: str, amr: tuple[str, ...], ctl: int | None) -> tuple[str, Session]:
    """Return the cookie's secret and the new session. `ctl` None: it begins after whatever this very unit ends."""
    secret = new_secret("se")
    session = Session(hash=secret_hash(secret), person_id=person_id, acr=acr, amr=amr, auth_time=work.now, ctl=ctl or 0)
    write = work.write if ctl is not None else work.write_last
    write(
        store.START,
        ctl=-1 if ctl is None else ctl,
        session_hash=session.hash,
        person_id=person_id,
        acr=acr,
        amr=" ".join(amr),
        now=work.now,
        expires_at=work.now + work.machines.settings.session_absolute_seconds,
    )
    return secret, session


async def find(work: UnitOfWork, secret: str | None) -> Session | None:
    """Return the live session of a cookie, or None; never from memory."""
    if not secret or len(secret) > 100:
        return None
    row = await work.one(store.FIND, session_hash=secret_hash(secret))
    if row is None or row["ended_at"] is not None or work.now >= row["expires_at"]:
        return None
    if row["ctl"] < row["floor"]:
        return None
    if work.now - row["seen_at"] >= work.machines.settings.session_idle_seconds:
        return None
    if work.now - row["seen_at"] >= _SEEN_EVERY_S:
        work.write(store.SEEN, session_hash=row["session_hash"], now=work.now)
    return Session(
        hash=bytes(row["session_hash"]),
        person_id=row["person_id"],
        acr=row["acr"],
        amr=tuple(row["amr"].split()),
        auth_time=row["auth_time"],
        ctl=row["ctl"],
    )


async def doors(work: UnitOfWork, session: Session, member_of: Sequence[str]) -> Doors:
    """Return what a session opens of the tenants its person is a member of; never from memory."""
    found: dict[str, list[str]] = {"open": [], "again": [], "stopped": []}
    for tenant in member_of:
        row = await work.beside(tenant).one(store.DOOR, person_id=session.person_id)
        floor, is_stopped = (row["floor"], row["stopped"]) if row else (0, 0)
        found["stopped" if is_stopped else "again" if session.ctl < floor else "open"].append(tenant)
    return Doors(open=tuple(found["open"]), again=tuple(found["again"]), stopped=tuple(found["stopped"]))


def end(work: UnitOfWork, session: Session) -> None:
    """Sign the browser out."""
    work.write(store.END, session_hash=session.hash, now=work.now)
    event.record(work, event.Kind.LOGOUT, sub=session.person_id)


def end_all_of(work: UnitOfWork, person_id: str) -> None:
    """Sign every browser of a person out."""
    work.write(store.END_OF_PERSON, person_id=person_id, now=work.now)


def expire(work: UnitOfWork) -> None:
    """Forget sessions that are over."""
    work.write(store.EXPIRE, before=work.now - 24 * 3600)
