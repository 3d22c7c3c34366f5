"""`authserver user add|list|show|set|disable|remove|erase`."""

import getpass
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.cleaned import cleaned_now, tell_cleaned
from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    committed,
    confirm,
    confirm_by_name,
    examples,
    fail,
    progress_of,
    show,
    tenant_named,
    with_machines,
)

app = typer.Typer(no_args_is_help=True)

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's short name.", metavar="SLUG")]
TenantOrAll = Annotated[
    str | None, typer.Option("--tenant", help="The tenant's short name; or --everywhere.", metavar="SLUG")
]
Everywhere = Annotated[
    bool, typer.Option("--everywhere", help="The person in every tenant at once, whoever they are a member of.")
]
Email = Annotated[str, typer.Argument(help="The person's e-mail address.", metavar="EMAIL")]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="A role in this tenant, a word that a tool's policy may ask for; repeat.", metavar="ROLE"
    ),
]
PasswordFile = Annotated[
    str | None,
    typer.Option(
        "--password-file",
        help="Read the password from a file; `-`: typed twice on a terminal, else one line of standard input.",
        metavar="FILE",
    ),
]


def _password(source: str | None) -> str | None:
    # Never an argument: arguments are in the process list and the shell's history.
    if source is None:
        return None
    if source == "-":
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\r\n")
        typed = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != typed:
            fail("--password-file: the two passwords differ; nothing was changed.", code=2)
        return typed
    try:
        return Path(source).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError:
        fail(f"--password-file: {source} cannot be read.", code=2)


def _row(listed: Any) -> dict[str, Any]:
    return {
        "email": listed.email,
        "name": listed.name,
        "roles": list(listed.roles),
        "active": listed.is_active,
        "disabled_everywhere": listed.is_disabled_everywhere,
        "sub": listed.sub,
    }


async def _listed(machines: Any, slug: str, email: str) -> tuple[Any, Any]:
    from authserver.domain.users import user as users

    tenant = await tenant_named(machines, slug)
    found = [
        listed
        for listed in await users.members(machines.work(tenant=tenant.id))
        if listed.email.casefold() == email.strip().casefold()
    ]
    if found:
        return tenant, found[0]
    return fail(f"email: {email} is not a member of {slug}. `authserver user list --tenant {slug}` lists them.")


@app.command(
    epilog=examples(
        'authserver user add alice@acme.example --tenant acme --name "Alice" --role approver',
        "authserver user add alice@acme.example --tenant acme --password-file -",
        "pass show alice | authserver user add alice@acme.example --tenant acme --password-file -",
    )
)
def add(
    email: Email,
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="The name people see. Default: what stands before the @.")] = "",
    role: Roles = None,
    password_file: PasswordFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a person a member of a tenant; a new person gets a password, generated and shown once unless one is given."""
    from authserver.domain.users import user as users

    chosen = _password(password_file)

    async def job(machines: Any) -> Any:
        owner = await tenant_named(machines, tenant)
        person = await users.person_by_email(machines.work(), email)
        password = None
        work = machines.work(tenant=owner.id)
        if person is None:
            password = chosen or secrets.token_urlsafe(12)
            hashed = await machines.passwords.hash(password)
            person_id = users.add_person(work, email=email, name=name or email.partition("@")[0], password_hash=hashed)
        else:
            person_id = person.id
        sub = users.add_member(work, person_id=person_id, roles=tuple(role or ()))
        await committed(work, otherwise=f"email: {email} is a member of {tenant} already.")
        said: dict[str, Any] = {"email": email, "tenant": tenant, "sub": sub, "roles": list(role or ())}
        if person is not None:
            said["password"] = (
                "unchanged: this person has an account"
                if person.opens(owner.id)
                else "another organisation's administrator gave it, so it opens nothing here: see whose address it is, then"
                f" `authserver user set {email} --tenant {tenant} --password-file -`"
            )
        elif chosen is None:
            said["password"] = password
        return said

    show(with_machines(data_dir, job), as_json=as_json)


@app.command("list", epilog=examples("authserver user list --tenant acme"))
def list_(tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the members of a tenant."""
    from authserver.domain.users import user as users

    async def job(machines: Any) -> Any:
        owner = await tenant_named(machines, tenant)
        return [_row(listed) for listed in await users.members(machines.work(tenant=owner.id))]

    show(
        with_machines(data_dir, job),
        as_json=as_json,
        empty=f"Nobody yet. `authserver user add EMAIL --tenant {tenant}`.",
    )


@app.command("show", epilog=examples("authserver user show alice@acme.example --tenant acme"))
def show_(email: Email, tenant: Tenant, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one member."""

    async def job(machines: Any) -> Any:
        return _row((await _listed(machines, tenant, email))[1])

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    "set",
    epilog=examples(
        "authserver user set alice@acme.example --tenant acme --role approver --role admin",
        "authserver user set alice@acme.example --tenant acme --password-file -",
        "authserver user set alice@acme.example --tenant acme --active",
        "authserver user set alice@acme.example --everywhere --active",
    ),
)
def set_(
    email: Email,
    tenant: TenantOrAll = None,
    everywhere: Everywhere = False,
    role: Roles = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Take every role away.")] = False,
    active: Annotated[
        bool | None, typer.Option("--active/--disabled", help="Whether they may use this tenant, or any.")
    ] = None,
    password_file: PasswordFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change roles, status or password; a new password signs every browser of the person out."""
    from authserver.domain.login import login
    from authserver.domain.users import user as users

    if everywhere:
        if tenant or role or no_roles or password_file or active is None:
            fail("--everywhere: goes with --active or --disabled alone.", code=2)
        _set_everywhere(email, is_active=active, data_dir=data_dir, as_json=as_json)
        return
    if tenant is None:
        fail("--tenant: say which; with --active or --disabled, --everywhere is all of them.", code=2)
    chosen = _password(password_file)

    async def job(machines: Any) -> Any:
        owner, listed = await _listed(machines, tenant, email)
        work = machines.work(tenant=owner.id)
        member = await users.member_by_sub(work, listed.sub)
        if member is None:
            fail(f"{email} was removed meanwhile.")
        roles = () if no_roles else tuple(role) if role else None
        users.change_member(work, member, roles=roles, is_active=active)
        if chosen is not None:
            await login.change_password(work, member.person_id, await machines.passwords.hash(chosen))
        await committed(work, otherwise=f"{email} was removed or changed meanwhile; try again.")
        return _row((await _listed(machines, tenant, email))[1])

    show(with_machines(data_dir, job), as_json=as_json)


def _set_everywhere(email: str, *, is_active: bool, data_dir: DataDir, as_json: bool) -> None:
    from authserver.domain.tenants import tenant as tenants
    from authserver.domain.users import user as users

    async def job(machines: Any) -> Any:
        work = machines.work()
        person = await users.person_by_email(work, email)
        if person is None:
            fail(f"email: nobody here has the address {email}. `authserver user list --tenant SLUG` lists members.")
        found = await users.with_every_tenant(work, person.id)
        joined = [await tenants.by_id(work, owner) for owner in (found[1] if found else ())]
        await users.set_active(work, person.id, is_active=is_active)
        await committed(work, otherwise=f"{email} was removed meanwhile.")
        return {"email": email, "active": is_active, "tenants": [tenant.slug for tenant in joined if tenant]}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    epilog=examples(
        "authserver user disable alice@acme.example --tenant acme",
        "authserver user disable alice@acme.example --everywhere --yes",
    )
)
def disable(
    email: Email,
    tenant: TenantOrAll = None,
    everywhere: Everywhere = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a person's every login, refresh and consent, in a tenant or everywhere, and end what they hold there.

    `user set … --active` lets them in again; nothing that ended comes back.
    """
    if everywhere == bool(tenant):
        fail("--tenant, --everywhere: say one of the two.", code=2)
    confirm(f"Disable {email} {'everywhere' if everywhere else f'in {tenant}'}?", yes=yes)
    set_(
        email,
        tenant,
        everywhere=everywhere,
        active=False,
        data_dir=data_dir,
        as_json=as_json,
        role=None,
        no_roles=False,
        password_file=None,
    )


@app.command(epilog=examples("authserver user remove alice@acme.example --tenant acme --yes"))
def remove(email: Email, tenant: Tenant, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """End a membership: no login, consent or refresh in this tenant works again. The person's other tenants are untouched."""
    from authserver.domain.users import user as users

    confirm(f"Remove {email} from {tenant}?", yes=yes)

    async def job(machines: Any) -> Any:
        owner, listed = await _listed(machines, tenant, email)
        work = machines.work(tenant=owner.id)
        member = await users.member_by_sub(work, listed.sub)
        if member is None:
            fail(f"{email} was removed meanwhile.")
        users.remove_member(work, member)
        await committed(work, otherwise=f"{email} was removed already.")
        return {"removed": email, "tenant": tenant}

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    epilog=examples(
        "authserver user erase alice@acme.example --dry-run",
        "authserver user erase alice@acme.example --also +4917012345678 --by 'request 4711'",
    )
)
def erase(
    email: Email,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            help="What else they are called in calls: a customer's number, a telephone; repeat.",
            metavar="NAME",
        ),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who asked for it, as the receipts keep it.", metavar="WORDS")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much that would be, and erase nothing.")] = False,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person: what they hold ends, their account goes in every tenant, and with it all that the record says of them.

    What is proved stays. Exit code 3: erased, and the database's files are not clean of it yet; `audit clean` goes on.
    """
    from authserver.domain.forgetting import account
    from authserver.domain.tenants.tenant import all_tenants

    async def erased(machines: Any, *, is_rehearsal: bool = False, told: Any = None) -> Any:
        slugs = {one.id: one.slug for one in await all_tenants(machines.work())}
        try:
            done = await account.erase_account(
                machines, email, also=also or (), by=by, is_rehearsal=is_rehearsal, told=told
            )
        except account.NobodyError:
            fail(
                f"email: nobody here has the address {email}. What the record says of them: `authserver audit erase --subject`."
            )
        return slugs, done

    slugs, meant = with_machines(data_dir, lambda machines: erased(machines, is_rehearsal=True))
    count = sum(one.count for one in meant.record)
    if not dry_run:
        where = ", ".join(slugs[tenant] for tenant in meant.tenants) or "no tenant"
        confirm_by_name(
            f"Erase {email}, a member of {where}, and what {count} events say of them? It cannot be undone.",
            email,
            yes=yes,
        )
        with progress_of(count) as told:
            slugs, meant = with_machines(data_dir, lambda machines: erased(machines, told=told))
    said: dict[str, Any] = {
        "erased" if not dry_run else "would_erase": email,
        "tenants": [slugs[tenant] for tenant in meant.tenants],
        "events": sum(one.count for one in meant.record),
        "approvals": sum(one.shown for one in meant.record),
        "receipts": [receipt for one in meant.record for receipt in one.receipts],
    }
    if dry_run:
        show(said, as_json=as_json)
        return
    cleaned = cleaned_now(data_dir)
    show(said | (cleaned if as_json else {}), as_json=as_json)
    if not as_json:
        tell_cleaned(cleaned)
    if cleaned["left"]:
        raise SystemExit(3)
