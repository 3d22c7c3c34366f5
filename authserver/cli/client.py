"""`authserver client add|list|show|set|disable|rotate|renew|remove`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.operator import (
    AsJson,
    DataDir,
    Yes,
    committed,
    confirm,
    date,
    examples,
    fail,
    show,
    tenant_named,
    with_machines,
)

app = typer.Typer(no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(help="The client_id.", metavar="CLIENT_ID")]
Tenant = Annotated[
    str | None, typer.Option("--tenant", help="The tenant it belongs to; without one it is shared.", metavar="SLUG")
]
Redirects = Annotated[
    list[str] | None, typer.Option("--redirect-uri", help="Where answers may go; repeat for several.", metavar="URI")
]
Grants = Annotated[
    list[str] | None,
    typer.Option(
        "--grant",
        help="authorization_code, refresh_token, client_credentials, device_code; repeat.",
        metavar="GRANT",
    ),
]
Scope = Annotated[
    str | None,
    typer.Option(help='What it may ask for, "a b c". Default: whatever its resources offer.', metavar="SCOPES"),
]
PushedOnly = Annotated[
    bool | None,
    typer.Option(
        "--pushed-only/--not-pushed-only", help="Whether its authorization requests must be pushed (RFC 9126)."
    ),
]
Resources = Annotated[
    list[str] | None,
    typer.Option("--resource", help="Which MCP servers it may reach; repeat. The first is its default.", metavar="URI"),
]
Jwks = Annotated[
    Path | None,
    typer.Option(
        "--jwks",
        help="For private_key_jwt: its public keys, a JWK Set as JSON; `client keygen` makes one.",
        metavar="FILE",
    ),
]
JwksUri = Annotated[
    str | None, typer.Option("--jwks-uri", help="For private_key_jwt: where it publishes its keys.", metavar="URL")
]
SigningAlg = Annotated[
    str | None,
    typer.Option("--signing-alg", help="For private_key_jwt: the one algorithm it signs with. Default: its key's."),
]


_AT_A_GLANCE = frozenset(
    {"client_id", "name", "token_endpoint_auth_method", "active", "origin", "created", "last_used", "ends_in"}
)
"""What a list shows of each on a terminal; `--json` and `client show` have the rest."""


def _row(client: Any, now: int) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": list(client.grant_types),
        "redirect_uris": list(client.redirect_uris),
        "scope": list(client.scope),
        "resources": list(client.resources),
        "require_pushed_authorization_requests": client.must_push,
        "active": client.is_active,
        "origin": client.origin.value,
        "created": _day(client.created_at),
        "last_used": _day(client.used_at),
        "ends": date(client.secret_expires_at),
        "ends_in": _ends_in(client, now),
        "old_secret_until": date(client.previous_secret_until) if len(client.live_secrets(now)) > 1 else None,
    }


def _day(at: int | None) -> str | None:
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at else None


def _details(client: Any, now: int) -> dict[str, Any]:
    from authserver.domain.clients import key_set

    if not client.jwks and not client.jwks_uri:
        return _row(client, now)
    return _row(client, now) | {
        "token_endpoint_auth_signing_alg": client.assertion_alg,
        "jwks_uri": client.jwks_uri,
        "keys": key_set.names(client.jwks, now) if client.jwks else [],
    }


def _ends_in(client: Any, now: int) -> str | None:
    if client.secret_expires_at is None:
        return None
    left = client.secret_expires_at - now
    if left <= 0:
        return "has ended: `authserver client renew`"
    days, hours = left // 86_400, left // 3600
    return f"{days} day{'s' * (days != 1)}" if days else f"{hours} hour{'s' * (hours != 1)}"


def _keys_in(file: Path) -> str:
    from authserver.domain.clients import key_set

    try:
        if file.stat().st_size > key_set.MAX_BYTES:
            fail(f"--jwks: {file} is larger than {key_set.MAX_BYTES} bytes.", code=2)
        content = file.read_bytes()
    except OSError as error:
        fail(f"--jwks: {file} cannot be read: {error.strerror}.", code=2)
    if content.lstrip().startswith(b"-----BEGIN"):
        fail(
            f"--jwks: {file} is a PEM file; give the public half as a JWK Set in JSON. "
            "`authserver client keygen NAME` makes a pair.",
            code=2,
        )
    return key_set.given(content).text()


def _grants(given: Sequence[str]) -> tuple[str, ...]:
    """Return grant types as they are registered; the device's may be said shortly."""
    from authserver.domain.clients.client import DEVICE_CODE

    return tuple(DEVICE_CODE if name == "device_code" else name for name in given)


async def _found(machines: Any, client_id: str) -> Any:
    from authserver.domain.clients import registry

    client = await registry.find(machines.work(), client_id)
    if client is None:
        fail(f"client_id: {client_id} is unknown. `authserver client list --tenant SLUG` lists them.")
    return client


async def _known_resources(machines: Any, uris: Sequence[str], tenant: Any, scope: Sequence[str]) -> None:
    from authserver.domain.resources import resource as resources

    try:
        await resources.demand_reachable(machines.work(), uris, scope, tenant=tenant.id if tenant else None)
    except resources.InvalidResourceError as error:
        if str(error).startswith("scope: "):
            fail(f"--{error}.", code=2)
        fail(f"{error}. `authserver resource list` lists them, `resource set URI --link SLUG` links one.")


@app.command(
    epilog=examples(
        'authserver client add --tenant acme --name "Acme CLI" --redirect-uri http://127.0.0.1/callback',
        "authserver client add --tenant acme --name Robot --auth client_secret_basic --grant client_credentials"
        ' --scope "orders:read" --resource https://mcp.example.com/mcp',
        "authserver client add --tenant acme --name Robot --auth private_key_jwt --jwks robot.public.json"
        ' --grant client_credentials --scope "orders:read" --resource https://mcp.example.com/mcp',
        'authserver client add --name "Any tenant\'s assistant" --redirect-uri https://app.example.com/callback',
    )
)
def add(
    name: Annotated[str, typer.Option(help="The name people see at consent.")],
    tenant: Tenant = None,
    auth: Annotated[
        str,
        typer.Option(
            help="none (public), client_secret_basic, client_secret_post or private_key_jwt.", metavar="METHOD"
        ),
    ] = "none",
    grant: Grants = None,
    redirect_uri: Redirects = None,
    scope: Scope = None,
    resource: Resources = None,
    refresh_replay_seconds: Annotated[
        int | None,
        typer.Option(help="How long a retried refresh gets the same answer. Default: the setting's.", min=0, max=600),
    ] = None,
    pushed_only: PushedOnly = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    signing_alg: SigningAlg = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Register an application; one with a secret gets it shown once, one with a key of its own has none to lose."""
    from authserver.domain.clients import registry

    grants = _grants(grant or (("authorization_code", "refresh_token") if redirect_uri else ("client_credentials",)))
    uris = list(resource or ())

    async def job(machines: Any) -> Any:
        owner = await tenant_named(machines, tenant) if tenant else None
        await _known_resources(machines, uris, owner, tuple((scope or "").split()))
        if auth == "none" and not grant and not redirect_uri:
            fail(
                "--redirect-uri: needed by an application that people log in to. "
                "A machine says --auth client_secret_basic --grant client_credentials.",
                code=2,
            )
        work = machines.work(tenant=owner.id if owner else "*")
        made = registry.add(
            work,
            name=name,
            auth_method=auth,
            grant_types=grants,
            redirect_uris=tuple(redirect_uri or ()),
            scope=tuple((scope or "").split()),
            resources=tuple(uris),
            default_resource=uris[0] if uris else "",
            refresh_replay_seconds=refresh_replay_seconds,
            is_pushed_only=bool(pushed_only),
            jwks=_keys_in(jwks) if jwks else "",
            jwks_uri=jwks_uri or "",
            assertion_alg=signing_alg or "",
        )
        await committed(work, otherwise="that client exists already.")
        said = _details(made.client, work.now)
        if made.secret is not None:
            said["client_secret"] = made.secret
        return said

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    "list",
    epilog=examples(
        "authserver client list --tenant acme",
        "authserver client list --shared --origin registration --unused",
        "authserver client list --json",
    ),
)
def list_(
    tenant: Tenant = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Those that belong to no tenant; so it is without --tenant too.")
    ] = False,
    origin: Annotated[
        str | None,
        typer.Option(help="Only those made by an operator, by registration, or by a document.", metavar="ORIGIN"),
    ] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="Only those that registered themselves and never got a token.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List a tenant's applications, or the shared ones; `last used` is noted for those that registered themselves.

    `client show CLIENT_ID`, or --json, says the rest of each.
    """
    from authserver.domain.clients import registry
    from authserver.domain.clients.client import Origin

    if tenant and shared:
        fail("--tenant, --shared: say one of the two.", code=2)
    if origin is not None and origin not in set(Origin):
        fail(f"--origin: one of {', '.join(Origin)}.", code=2)

    async def job(machines: Any) -> Any:
        owner = (await tenant_named(machines, tenant)).id if tenant else "*"
        work = machines.work(tenant=owner)
        return [
            {name: value for name, value in _row(client, work.now).items() if as_json or name in _AT_A_GLANCE}
            for client in await registry.of_tenant(work)
            if (origin is None or client.origin == origin)
            and (not unused or (client.origin is Origin.REGISTRATION and client.used_at is None))
        ]

    show(
        with_machines(data_dir, job),
        as_json=as_json,
        empty="No application yet. `authserver client add` registers one.",
    )


@app.command("show", epilog=examples("authserver client show cli_abc"))
def show_(client_id: ClientId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one application."""

    async def job(machines: Any) -> Any:
        return _details(await _found(machines, client_id), machines.work().now)

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(
    "set",
    epilog=examples(
        "authserver client set cli_abc --redirect-uri https://app.example.com/callback",
        'authserver client set cli_abc --scope "orders:read orders:write" --active',
    ),
)
def set_(
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="The name people see at consent.")] = None,
    redirect_uri: Redirects = None,
    grant: Grants = None,
    scope: Scope = None,
    resource: Resources = None,
    active: Annotated[bool | None, typer.Option("--active/--disabled", help="Whether it is answered at all.")] = None,
    refresh_replay_seconds: Annotated[
        int | None, typer.Option(help="How long a retried refresh gets the same answer.", min=0, max=600)
    ] = None,
    pushed_only: PushedOnly = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    signing_alg: SigningAlg = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given; a list that is given replaces the whole list."""
    from authserver.domain.clients import registry

    async def job(machines: Any) -> Any:
        client = await _found(machines, client_id)
        if resource:
            await _known_resources(machines, resource, None, tuple((scope or "").split()))
        given: dict[str, Any] = {
            "name": name,
            "redirect_uris": tuple(redirect_uri) if redirect_uri else None,
            "grant_types": _grants(grant) if grant else None,
            "scope": tuple(scope.split()) if scope is not None else None,
            "resources": tuple(resource) if resource else None,
            "default_resource": resource[0] if resource else None,
            "is_active": active,
            "refresh_replay_seconds": refresh_replay_seconds,
            "is_pushed_only": pushed_only,
            "jwks": _keys_in(jwks) if jwks else "" if jwks_uri else None,
            "jwks_uri": jwks_uri or ("" if jwks else None),
            "assertion_alg": signing_alg,
        }
        work = machines.work()
        changed = registry.change(work, client, **{field: value for field, value in given.items() if value is not None})
        await committed(work, otherwise=f"{client_id} was removed meanwhile.")
        return _details(changed, work.now)

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver client disable cli_abc --yes"))
def disable(client_id: ClientId, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Answer an application no more. `client set CLIENT_ID --active` undoes it."""
    confirm(f"Disable {client_id}?", yes=yes)
    set_(
        client_id,
        active=False,
        data_dir=data_dir,
        as_json=as_json,
        name=None,
        redirect_uri=None,
        grant=None,
        scope=None,
        resource=None,
        refresh_replay_seconds=None,
        pushed_only=None,
        jwks=None,
        jwks_uri=None,
        signing_alg=None,
    )


@app.command(
    epilog=examples(
        "authserver client rotate cli_abc --yes --json",
        "authserver client rotate cli_abc --overlap 0 --yes",
        "authserver client rotate cli_robot --jwks new.public.json --overlap 48 --yes",
    )
)
def rotate(
    client_id: ClientId,
    overlap: Annotated[
        int,
        typer.Option(
            help="For how long the old secret or keys stay good. 0: not at all.", min=0, max=720, metavar="HOURS"
        ),
    ] = 24,
    jwks: Jwks = None,
    yes: Yes = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give an application a new secret, shown once, or new keys; the old ones stay good for an overlap.

    A machine's time and its standing authorizations begin anew. What was being replaced already is dead at once.
    """
    from authserver.domain.clients import key_set, registry

    confirm(
        f"The old credential of {client_id} stops working {f'in {overlap} hours' if overlap else 'at once'}. Go on?",
        yes=yes,
    )

    async def job(machines: Any) -> Any:
        client = await _found(machines, client_id)
        if client.is_public:
            fail(f"{client_id} is public and has no secret.")
        has_key = client.auth_method == "private_key_jwt"
        if has_key and client.jwks_uri:
            fail(
                f"{client_id} publishes its keys itself: rotate them at {client.jwks_uri}. "
                f"`authserver client renew {client_id}` gives it more time."
            )
        if has_key and jwks is None:
            fail(f"--jwks: {client_id} has a key of its own: give the file with its new public keys.", code=2)
        if not has_key and jwks is not None:
            fail(f"--jwks: {client_id} has a secret, no key.", code=2)
        work = machines.work()
        said: dict[str, Any] = {"client_id": client_id}
        if jwks is not None:
            changed = registry.rotate_keys(work, client, _keys_in(jwks), overlap_s=overlap * 3600)
            said["keys"] = key_set.names(changed.jwks, work.now)
        else:
            said["client_secret"] = registry.rotate_secret(work, client, overlap_s=overlap * 3600)
        await committed(work, otherwise=f"{client_id} was removed or rotated by somebody else meanwhile.")
        return _said_now(said, await _found(machines, client_id), work.now)

    show(with_machines(data_dir, job), as_json=as_json)


@app.command(epilog=examples("authserver client renew cli_abc"))
def renew(client_id: ClientId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Give a machine more time with the credential it has; its standing authorizations begin anew."""
    from authserver.domain.clients import registry

    async def job(machines: Any) -> Any:
        client = await _found(machines, client_id)
        if not client.is_machine:
            fail(f"{client_id} is no machine client: what people allowed it ends with their logins.")
        work = machines.work()
        registry.renew(work, client)
        await committed(work, otherwise=f"{client_id} was removed or rotated by somebody else meanwhile.")
        return _said_now({"client_id": client_id}, await _found(machines, client_id), work.now)

    show(with_machines(data_dir, job), as_json=as_json)


def _said_now(said: dict[str, Any], client: Any, now: int) -> dict[str, Any]:
    row = _row(client, now)
    return said | {name: row[name] for name in ("ends", "ends_in", "old_secret_until")}


@app.command(epilog=examples("authserver client remove cli_abc --yes"))
def remove(client_id: ClientId, yes: Yes = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Forget an application for good: it is unknown everywhere, and nothing it holds is refreshed again."""
    from authserver.domain.clients import registry

    confirm(f"Remove {client_id} for good?", yes=yes)

    async def job(machines: Any) -> Any:
        client = await _found(machines, client_id)
        if client.document_host:
            fail(
                f"{client_id} is described by its own document and would be known again by it. "
                "`authserver client disable` ends it for everybody, `authserver client trust block` for one tenant."
            )
        work = machines.work()
        registry.remove(work, client)
        await committed(work, otherwise=f"{client_id} is gone already.")
        return {"removed": client_id}

    show(with_machines(data_dir, job), as_json=as_json)
