"""
The noun `users`: people inside one tenant.

A person is one account, which other tenants may know too (decision 22). So a tenant's administrator gives somebody a first password
when they come, and never another: whoever could reset it would be that person everywhere. For the same reason that first password opens
their tenant alone, until the platform's operators set one. Whether an account was there before is not said.

Giving somebody a role that administers needs a fresh login and a token that holds all that the role opens, whoever it is given to: a
puppet is power too, and a machine is always fresh. The last administrator does not go without saying so.
"""

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from authserver.domain.login import login
from authserver.domain.resources.administration import ADMIN, AUDITOR, OPERATOR, WORDS
from authserver.domain.users import user as users
from authserver.domain.users.user import ListedUser, Member
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.problems import ProblemError, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route

_POWER = {
    role: frozenset(scope for scope, (_, granted_by) in WORDS.items() if role in granted_by)
    for role in (ADMIN, OPERATOR, AUDITOR)
}
"""What each role opens that administers."""

Email = Annotated[str, Field(min_length=3, max_length=255, examples=["alice@acme.example"])]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,39}$", examples=["approver"])]
Roles = Annotated[
    list[Role],
    Field(
        max_length=50,
        description="Words that policies and scopes ask for. `admin`, `operator` and `auditor` open this API.",
        examples=[["member", "approver"]],
    ),
]
Password = Annotated[
    str, Field(min_length=8, max_length=1000, description="Never shown again, and stored as argon2id.")
]


class UserShown(Thing):
    """A person inside the tenant."""

    sub: str = Field(description="Who they are in this tenant; in another they are somebody else.")
    email: str
    name: str
    roles: list[str]
    active: bool = Field(description="Whether they may log in, refresh and consent here.")
    disabled_by_the_platform: bool = Field(description="Then no tenant can let them in.")


class UserPage(Shown):
    """Some people, the longest here first."""

    items: list[UserShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class NewUser(Strict):
    """A person who is to be a member."""

    email: Email
    name: str | None = Field(
        default=None, min_length=1, max_length=200, description="For an account that is new; else theirs stays."
    )
    password: Password | None = Field(default=None, description="For an account that is new; else theirs stays.")
    roles: Roles = Field(default=[])


class Wanted(Strict):
    """Who is looked for."""

    email: Email


class UserChange(Strict):
    """What is to be changed; what is left out stays."""

    roles: Roles | None = None
    active: bool | None = Field(default=None, description="False ends for good what they had allowed here.")
    leaves_no_admin: bool = Field(default=False, description="Say true to go on although nobody administers after it.")


class NewPassword(Strict):
    """A password that replaces the one before."""

    password: Password


@route("GET", "/users", gives=UserPage, says="List people")
async def list_users(ask: Ask, limit: Limit = 50, cursor: Cursor = None) -> UserPage:
    """All of the organisation, in the order in which they came."""
    after = ask.after(cursor)
    at, sub = (int(after[0]), str(after[1])) if after else (0, "")
    rows = await users.some(ask.work, after=(at, sub), most=limit + 1)
    return UserPage(
        items=[_shown(one) for one in rows[:limit]],
        next=ask.next_cursor(rows, limit, lambda one: [one.created_at, one.sub]),
    )


@route("POST", "/users/find", gives=UserPage, says="Find somebody by e-mail address")
async def find(ask: Ask, body: Wanted) -> UserPage:
    """One person or nobody. The address comes in the body, because URLs are written into logs."""
    found = await users.listed_by_email(ask.work, body.email)
    return UserPage(items=[_shown(found)] if found else [], next=None)


@route("POST", "/users", gives=UserShown, status=201, says="Make somebody a member")
async def add(ask: Ask, body: NewUser) -> Said:
    """By e-mail address. Whether they had an account before is not said; if so, their name and password stay theirs."""
    if power := _POWER.keys() & set(body.roles):
        _demand_own_power(ask, power)
        await ask.dangerous("user:empower")
    # The work of a password is done either way, so that time says nothing about who has an account.
    hashed = await ask.work.machines.passwords.hash(body.password or "nobody-uses-this")
    person = await users.person_by_email(ask.work, body.email)
    if person is None:
        name = body.name or body.email.partition("@")[0]
        person_id = users.add_person(
            ask.work,
            email=body.email,
            name=name,
            password_hash=hashed if body.password else None,
            password_of=ask.tenant if body.password and not ask.operator.is_platform else "",
        )
    else:
        person_id = person.id
        if await users.member_by_person(ask.work, person_id) is not None:
            raise ProblemError(409, "email: is a member already.", errors=[("email", "is a member already")])
    sub = users.add_member(ask.work, person_id=person_id, roles=tuple(body.roles))
    return Said(
        body=UserShown(
            sub=sub,
            email=body.email.strip() if person is None else person.email,
            name=(body.name or body.email.partition("@")[0]) if person is None else person.name,
            roles=list(users.clean_roles(tuple(body.roles))),
            active=person is None or person.is_active,
            disabled_by_the_platform=person is not None and not person.is_active,
        ),
        status=201,
        location=f"{ask.base}/users/{sub}",
    )


@route("GET", "/users/{sub}", gives=UserShown, says="Show somebody")
async def show(ask: Ask, sub: Id) -> UserShown:
    """By who they are in this tenant."""
    return _shown(await _listed(ask, sub))


@route("PATCH", "/users/{sub}", gives=UserShown, says="Change roles, or let in and out")
async def change(ask: Ask, sub: Id, body: UserChange) -> UserShown:
    """A role that administers needs a fresh login to be given; the last administrator is not lost by accident."""
    listed, member = await _both(ask, sub)
    ask.unchanged(_shown(listed))
    roles = None if body.roles is None else users.clean_roles(tuple(body.roles))
    if roles is not None and (power := _POWER.keys() & (set(roles) - set(member.roles))):
        _demand_own_power(ask, power)
        await ask.dangerous("user:empower", sub=sub)
    ends_an_admin = ADMIN in member.roles and ((roles is not None and ADMIN not in roles) or body.active is False)
    if ends_an_admin:
        await _someone_stays(ask, member, says_so=body.leaves_no_admin, field="leaves_no_admin")
    users.change_member(ask.work, member, roles=roles, is_active=body.active)
    now = roles if roles is not None else member.roles
    is_active = listed.is_active if body.active is None else body.active and not listed.is_disabled_everywhere
    return _shown(listed).model_copy(update={"roles": list(now), "active": is_active})


@route("DELETE", "/users/{sub}", gives=None, says="End a membership")
async def remove(ask: Ask, sub: Id, leaves_no_admin: bool = False) -> None:
    """Nothing of theirs works here again; other organisations are untouched."""
    listed, member = await _both(ask, sub)
    ask.unchanged(_shown(listed))
    if ADMIN in member.roles:
        await _someone_stays(ask, member, says_so=leaves_no_admin, field="leaves_no_admin")
    users.remove_member(ask.work, member)


@route("PUT", "/users/{sub}/password", gives=None, says="Set somebody's password")
async def set_password(ask: Ask, sub: Id, body: NewPassword) -> None:
    """It ends what came from the one before, everywhere. For those who run the deployment: it is the person's one password."""
    listed, member = await _both(ask, sub)
    ask.unchanged(_shown(listed))
    hashed = await ask.work.machines.passwords.hash(body.password)
    await login.change_password(ask.work, member.person_id, hashed)


def _demand_own_power(ask: Ask, roles: Collection[str]) -> None:
    beyond = sorted({scope for role in roles for scope in _POWER[role]} - ask.operator.scopes)
    if beyond:
        raise ProblemError(
            403,
            f"roles: your own token does not hold {', '.join(beyond)}.",
            errors=[("roles", "nobody gives more than they hold")],
        )


async def _someone_stays(ask: Ask, leaving: Member, *, says_so: bool, field: str) -> None:
    # Of two who take each other's role at once one is told: nobody else changes anything remembered meanwhile.
    ask.work.changes_directory = True
    others = [
        one for one in await users.with_role(ask.work, ADMIN, most=50) if one.sub != leaving.sub and one.is_active
    ]
    if others or not leaving.is_active:
        return
    if not says_so:
        raise ProblemError(
            409,
            f"Nobody would administer this organisation any more. Say {field}=true to go on.",
            kind="last-admin",
            errors=[(field, "say true to go on")],
        )
    await ask.dangerous("user:last_admin_leaves", sub=leaving.sub)


async def _listed(ask: Ask, sub: str) -> ListedUser:
    found = await users.listed(ask.work, sub)
    if found is None:
        raise not_found()
    return found


async def _both(ask: Ask, sub: str) -> tuple[ListedUser, Member]:
    listed = await _listed(ask, sub)
    member = await users.member_by_sub(ask.work, sub)
    if member is None:
        raise not_found()
    return listed, member


def _shown(listed: ListedUser) -> UserShown:
    return UserShown(
        sub=listed.sub,
        email=listed.email,
        name=listed.name,
        roles=list(listed.roles),
        active=listed.is_active,
        disabled_by_the_platform=listed.is_disabled_everywhere,
    )
