"""
A person is one account; a membership is who they are inside one tenant.

Decision 22: `sub` belongs to the membership, so it differs per tenant and nobody can follow a person across tenants.
Names and e-mail addresses are stored as ciphertext under a key of the person, found through a keyed hash (decision 15).
"""

import re
import secrets
from dataclasses import dataclass
from unicodedata import category

import orjson

from authserver.domain.audit import event
from authserver.domain.revocation import ends, kill_switch
from authserver.domain.revocation.kill_switch import Target
from authserver.domain.users import store
from authserver.runtime.identifiers import new_id
from authserver.runtime.unit_of_work import Row, UnitOfWork
from authserver.runtime.vault import seal, unseal
from resource_lib.wire.control import Kind

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_ROLE = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


class InvalidUserError(ValueError):
    """A user cannot be like that. The message names the field and the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person who may log in."""

    id: str
    email: str
    name: str
    is_active: bool
    password_hash: str | None
    password_changed_at: int
    password_of: str
    """The tenant whose administrator gave the password; empty: it is good in each."""

    def opens(self, tenant: str) -> bool:
        """Whether their password is good in a tenant.

        One that a tenant's administrator gave is known to a stranger everywhere else: whoever made an account for somebody's
        address would otherwise be them in every organisation that takes them in later.
        """
        return self.password_of in {"", tenant}


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A person inside one tenant; `sub` is the subject of their tokens there."""

    sub: str
    person_id: str
    roles: tuple[str, ...]
    is_active: bool
    password_changed_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedUser:
    """A member with what an operator needs to recognise them."""

    sub: str
    email: str
    name: str
    roles: tuple[str, ...]
    is_active: bool
    created_at: int
    is_disabled_everywhere: bool
    """Whether an operator disabled the person themselves; then no tenant can enable them."""


def normal_email(email: str) -> str:
    """Return the form in which two spellings of one address are equal. Raises InvalidUserError."""
    email = email.strip()
    if not _EMAIL.fullmatch(email):
        raise InvalidUserError("email: an address such as alice@example.com")
    return email.casefold()


def clean_roles(roles: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles without repeats, in order. Raises InvalidUserError."""
    for role in roles:
        if not _ROLE.fullmatch(role):
            raise InvalidUserError(f"roles: {role!r} is not a role name (a-z, 0-9, _ . -, at most 40)")
    return tuple(dict.fromkeys(roles))


def email_index(work: UnitOfWork, email: str) -> bytes | None:
    """Return the blind index of an address as typed, or None for something that is no address."""
    try:
        return work.machines.keys.index("email", normal_email(email))
    except InvalidUserError:
        return None


async def person_by_email(work: UnitOfWork, email: str) -> Person | None:
    """Return the person with this address, or None."""
    index = email_index(work, email)
    if index is None:
        return None
    row = await work.one(store.PERSON_BY_EMAIL, email_index=index)
    return _person(work, row) if row else None


async def person_by_id(work: UnitOfWork, person_id: str) -> Person | None:
    """Return the person, or None; never from memory, because they may have just been disabled."""
    row = await work.one(store.PERSON_BY_ID, person_id=person_id)
    return _person(work, row) if row else None


def add_person(work: UnitOfWork, *, email: str, name: str, password_hash: str | None, password_of: str = "") -> str:
    """Create a person and return their id. A lost commit means that the address is taken. Raises InvalidUserError.

    `password_of`: the tenant whose administrator gives the password; empty: whoever runs the deployment does.
    """
    address = normal_email(email)
    if not 1 <= len(name) <= 200 or any(category(char) == "Cc" for char in name):
        raise InvalidUserError("name: 1 to 200 characters, no control characters")
    person_id, key = new_id("per"), secrets.token_bytes(32)
    keys = work.machines.keys
    work.claim(
        store.ADD_PERSON,
        person_id=person_id,
        email_index=keys.index("email", address),
        email_sealed=seal(key, email.strip().encode(), context=f"persons/email/{person_id}"),
        name_sealed=seal(key, name.encode(), context=f"persons/name/{person_id}"),
        data_key=seal(keys.personal_data, key, context=f"persons/data_key/{person_id}"),
        password_hash=password_hash,
        password_of=password_of,
        now=work.now,
    )
    return person_id


def add_member(work: UnitOfWork, *, person_id: str, roles: tuple[str, ...] = ()) -> str:
    """Make a person a member of the bound tenant; returns their `sub`. A lost commit means that they are one already."""
    assert work.tenant is not None
    sub = new_id("usr")
    work.claim(
        store.ADD_MEMBER, sub=sub, person_id=person_id, roles=orjson.dumps(clean_roles(roles)).decode(), now=work.now
    )
    work.write(store.JOIN, person_id=person_id, member_of=work.tenant)
    event.record(work, event.Kind.USER_CHANGED, action="added", sub=sub)
    return sub


async def with_tenants(work: UnitOfWork, person_id: str) -> tuple[Person, list[str]] | None:
    """Return the person and the ids of the tenants in which they have a membership, active or not; never from memory.

    Those that their password does not open are not among them: for whoever is signed in they are not there.
    """
    found = await with_every_tenant(work, person_id)
    return (found[0], [tenant for tenant in found[1] if found[0].opens(tenant)]) if found is not None else None


async def with_every_tenant(work: UnitOfWork, person_id: str) -> tuple[Person, list[str]] | None:
    """Return the same with those that their password does not open: for who runs the deployment, never for themselves."""
    rows = await work.all(store.WITH_TENANTS, person_id=person_id)
    if not rows:
        return None
    return _person(work, rows[0]), [row["member_of"] for row in rows if row["member_of"] is not None]


async def member_by_sub(work: UnitOfWork, sub: str) -> Member | None:
    """Return the member of the bound tenant, or None; never from memory."""
    row = await work.one(store.MEMBER_BY_SUB, sub=sub)
    return member_from_row(row) if row else None


async def member_by_person(work: UnitOfWork, person_id: str) -> Member | None:
    """Return the person's membership in the bound tenant, or None; never from memory."""
    row = await work.one(store.MEMBER_BY_PERSON, person_id=person_id)
    return member_from_row(row) if row else None


async def with_role(work: UnitOfWork, role: str, *, most: int) -> list[Member]:
    """Return who holds a role in the bound tenant, oldest first, `most` at most; never from memory."""
    rows = await work.all(store.MEMBERS_LIKE_ROLE, role=role)
    return [member for member in map(member_from_row, rows) if role in member.roles][:most]


async def members(work: UnitOfWork) -> list[ListedUser]:
    """Return every member of the bound tenant, oldest first."""
    return [_listed(work, row) for row in await work.all(store.MEMBERS)]


async def some(work: UnitOfWork, *, after: tuple[int, str], most: int) -> list[ListedUser]:
    """Return members of the bound tenant, oldest first, `most` at most, from behind (created_at, sub)."""
    at, sub = after
    return [_listed(work, row) for row in await work.all(store.SOME_MEMBERS, at=at, sub=sub, most=most)]


async def newest_members(work: UnitOfWork, *, most: int) -> list[ListedUser]:
    """Return the members who joined the bound tenant last, newest first."""
    return [_listed(work, row) for row in await work.all(store.NEWEST_MEMBERS, most=most)]


async def listed(work: UnitOfWork, sub: str) -> ListedUser | None:
    """Return one member of the bound tenant with what an operator needs to recognise them, or None."""
    row = await work.one(store.LISTED_MEMBER, sub=sub)
    return _listed(work, row) if row else None


async def listed_by_email(work: UnitOfWork, email: str) -> ListedUser | None:
    """Return the member of the bound tenant with this address, or None."""
    index = email_index(work, email)
    row = await work.one(store.LISTED_BY_EMAIL, email_index=index) if index is not None else None
    return _listed(work, row) if row else None


def _listed(work: UnitOfWork, row: Row) -> ListedUser:
    key = _data_key(work, row)
    return ListedUser(
        sub=row["sub"],
        email=_opened(key, row, "email"),
        name=_opened(key, row, "name"),
        roles=tuple(orjson.loads(row["roles"])),
        is_active=row["status"] == "active" and row["person_status"] == "active",
        created_at=row["created_at"],
        is_disabled_everywhere=row["person_status"] != "active",
    )


def change_member(
    work: UnitOfWork, member: Member, *, roles: tuple[str, ...] | None = None, is_active: bool | None = None
) -> None:
    """Change what is given; disabling ends for good what they had allowed in this tenant, and signs them out.

    A lost commit: they were removed, or their roles changed, since `member` was read.
    """
    work.claim(
        store.SET_MEMBER,
        sub=member.sub,
        seen_roles=orjson.dumps(member.roles).decode(),
        roles=None if roles is None else orjson.dumps(clean_roles(roles)).decode(),
        status=None if is_active is None else "active" if is_active else "disabled",
    )
    if is_active is False:
        _end(work, member, reason="member_disabled")
    event.record(work, event.Kind.USER_CHANGED, action="changed", sub=member.sub)


def remove_member(work: UnitOfWork, member: Member) -> None:
    """End a membership and what hangs on it; the person stays."""
    assert work.tenant is not None
    work.claim(store.REMOVE_MEMBER, sub=member.sub)
    _end(work, member, reason="member_removed")
    work.write(store.LEAVE, person_id=member.person_id, member_of=work.tenant)
    event.record(work, event.Kind.USER_CHANGED, action="removed", sub=member.sub)


async def set_password(work: UnitOfWork, person_id: str, password_hash: str, *, opens_everywhere: bool = True) -> None:
    """Change a password; it ends what came from the one before, in every tenant and every browser.

    `opens_everywhere`: whoever sets it answers for whose account it is; else it opens what the one before did.
    """
    work.claim(
        store.SET_PASSWORD,
        person_id=person_id,
        password_hash=password_hash,
        opens_everywhere=opens_everywhere,
        now=work.now,
    )
    await _end_everywhere(work, person_id, reason="password_changed")


async def set_active(work: UnitOfWork, person_id: str, *, is_active: bool) -> None:
    """Disable a person in every tenant at once, which ends everything of theirs for good and signs them out; or undo it.

    A membership that was disabled by itself stays so. A lost commit: there is no such person.
    """
    work.claim(store.SET_PERSON, person_id=person_id, status="active" if is_active else "disabled")
    if not is_active:
        await _end_everywhere(work, person_id, reason="person_disabled")
    event.record(
        work,
        event.Kind.USER_CHANGED,
        action="enabled_everywhere" if is_active else "disabled_everywhere",
        sub=person_id,
    )


async def _end_everywhere(work: UnitOfWork, person_id: str, *, reason: str) -> None:
    ends.end(work, ends.Cause.PERSON, reason=reason, person_id=person_id)
    for row in await work.all(store.SUBS_OF_PERSON, person_id=person_id):
        # One for each: nobody who follows the list may learn that two members are one person.
        kill_switch.end_by_number(work, Target(kind=Kind.USER, tenant=row["tenant_id"], sub=row["sub"]))


def _end(work: UnitOfWork, member: Member, *, reason: str) -> None:
    assert work.tenant is not None
    ends.end(work, ends.Cause.MEMBER, reason=reason, sub=member.sub, person_id=member.person_id, left=work.tenant)


def end(work: UnitOfWork, member: Member, *, reason: str) -> None:
    """End what a member has allowed in the bound tenant, and sign them out; they stay a member and may begin anew."""
    _end(work, member, reason=reason)


def require_still_proven(work: UnitOfWork, person: Person) -> None:
    """Claim that the password that was verified is still theirs. A lost commit: it was changed, or they were disabled."""
    work.claim(store.STILL_PROVEN, person_id=person.id, password_hash=person.password_hash)


def member_from_row(row: Row) -> Member:
    """Return the member in a row that has `store.MEMBER_COLUMNS`."""
    return Member(
        sub=row["sub"],
        person_id=row["person_id"],
        roles=tuple(orjson.loads(row["roles"])),
        is_active=row["status"] == "active" and row["person_status"] == "active",
        password_changed_at=row["password_changed_at"],
    )


def _person(work: UnitOfWork, row: Row) -> Person:
    key = _data_key(work, row)
    return Person(
        id=row["person_id"],
        email=_opened(key, row, "email"),
        name=_opened(key, row, "name"),
        is_active=row["status"] == "active",
        password_hash=row["password_hash"],
        password_changed_at=row["password_changed_at"],
        password_of=row["password_of"],
    )


def _data_key(work: UnitOfWork, row: Row) -> bytes | None:
    if row["data_key"] is None:
        return None
    return unseal(work.machines.keys.personal_data, row["data_key"], context=f"persons/data_key/{row['person_id']}")


def _opened(key: bytes | None, row: Row, field: str) -> str:
    sealed = row[f"{field}_sealed"]
    if key is None or sealed is None:
        return ""
    return unseal(key, sealed, context=f"persons/{field}/{row['person_id']}").decode()
