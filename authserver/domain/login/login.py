"""
A person proves who they are: one answer for a wrong password and for an unknown address, in the same time.

OAuth 2.1 §2.4.1 (brute force); ASVS 6.3. A failure is paid for before the password is hashed, per account and per address
prefix, durably, so that many processes and many addresses share one budget; a success pays back.
"""

from dataclasses import dataclass

from authserver.domain.audit import event
from authserver.domain.login import session
from authserver.domain.rate_limits import limit
from authserver.domain.users import user
from authserver.domain.users.user import Person
from authserver.runtime.addresses import address_prefix
from authserver.runtime.passwords import PasswordLineFullError
from authserver.runtime.unit_of_work import UnitOfWork

PASSWORD_ACR = "urn:authserver:acr:password"  # noqa: S105
PASSWORD_AMR = ("pwd",)

_PER_ADDRESS = 10
"""How many accounts' budgets one address prefix may spend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn:
    """The person, their new session, and the secret for its cookie."""

    person: Person
    session: session.Session
    cookie: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Not logged in. `retry_after_s` is set when it would not be looked at sooner."""

    retry_after_s: int | None = None


async def with_password(
    work: UnitOfWork, *, email: str, password: str, current_session: session.Session | None
) -> LoggedIn | Refused:
    """Log a person in. The unit of work is not committed; a refusal is recorded in it too."""
    ctl = await session.proven_at(work)
    person = await _prove(work, email=email, password=password)
    if isinstance(person, Refused):
        return person
    if current_session is not None:
        session.end(work, current_session)
    cookie, begun = session.start(work, person_id=person.id, acr=PASSWORD_ACR, amr=PASSWORD_AMR, ctl=ctl)
    event.record(work, event.Kind.LOGIN_SUCCEEDED, sub=person.id, payload={"address": work.address})
    return LoggedIn(person=person, cookie=cookie, session=begun)


async def for_one_act(work: UnitOfWork, *, email: str, password: str, via: str) -> Person | Refused:
    """Prove who somebody is for what they do in this very unit, at the same price as at the door; no session begins.

    `via` says where, for the record. The unit of work is not committed; a refusal is recorded in it too.
    """
    person = await _prove(work, email=email, password=password)
    if not isinstance(person, Refused):
        event.record(work, event.Kind.LOGIN_SUCCEEDED, sub=person.id, payload={"address": work.address}, via=via)
    return person


async def with_new_password(work: UnitOfWork, *, email: str, password: str, new: str) -> LoggedIn | Refused:
    """Give a person another password: what came from the old one ends, and this browser is signed in again.

    Guessing the present password costs the same budget as guessing it at the door. Raises UnusablePasswordError,
    PasswordLineFullError.
    """
    person = await _prove(work, email=email, password=password)
    if isinstance(person, Refused):
        return person
    # Only now: whoever has stolen a session makes us hash no faster than they may guess.
    # Whoever knows the old one is no surer to be them than before.
    hashed = await work.machines.passwords.hash(new)
    await change_password(work, person.id, hashed, opens_everywhere=False)
    # Everything of theirs ends with the old password; this one session begins after that.
    cookie, begun = session.start(work, person_id=person.id, acr=PASSWORD_ACR, amr=PASSWORD_AMR, ctl=None)
    return LoggedIn(person=person, cookie=cookie, session=begun)


async def _prove(work: UnitOfWork, *, email: str, password: str) -> Person | Refused:
    settings = work.machines.settings
    account = "login/account/" + email.strip().casefold()[:320]
    address = "login/address/" + address_prefix(work.address)
    for key, most in (
        # The address first: whoever has used theirs up cannot fill the table with accounts that do not exist.
        (address, settings.login_failures * _PER_ADDRESS),
        (account, settings.login_failures),
    ):
        limited = await limit.take(work, key=key, limit=most, window_s=settings.login_window_seconds)
        if limited is not None:
            if key == account:
                # Nobody looked: who hammers at one account uses up nobody else's tries behind the same address.
                limit.return_one(work, key=address, window_s=settings.login_window_seconds)
            _refuse(work, email, "throttled")
            return Refused(retry_after_s=limited.retry_after_s)
    person = await user.person_by_email(work, email)
    try:
        proven = await work.machines.passwords.verify(person.password_hash if person else None, password)
    except PasswordLineFullError:
        # Nobody looked at the password: it was no try.
        for key in (address, account):
            limit.return_one(work, key=key, window_s=settings.login_window_seconds)
        return Refused(retry_after_s=5)
    if person is None or not proven or not person.is_active:
        _refuse(work, email, "unknown" if person is None else "disabled" if proven else "wrong_password")
        return Refused()
    user.require_still_proven(work, person)
    limit.give_back(work, key=account)
    # Only its own: a success must not pay for the guesses of whoever shares the address, nor a whole office run dry.
    limit.return_one(work, key=address, window_s=settings.login_window_seconds)
    return person


def _refuse(work: UnitOfWork, email: str, reason: str) -> None:
    event.record_stranger(
        work,
        event.Kind.LOGIN_REFUSED,
        reason=reason,
        payload={"email": email[:320], "address": work.address},
        subjects=[email],
    )


async def change_password(
    work: UnitOfWork, person_id: str, password_hash: str, *, opens_everywhere: bool = True
) -> None:
    """Set a new password; every browser of the person is signed out, and what they had allowed ends.

    `opens_everywhere` is `user.set_password`'s.
    """
    await user.set_password(work, person_id, password_hash, opens_everywhere=opens_everywhere)
    event.record(work, event.Kind.USER_CHANGED, action="password_changed", sub=person_id)
