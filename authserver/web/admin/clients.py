"""
The noun `clients`: the applications of one tenant; those of nobody (`?tenant=*`) are the platform's.

A tenant's administrator registers applications for their own tenant, never shared ones, never one that speaks for an MCP server, and
never marked as verified: that mark is the platform's word. A secret is shown once, by what makes it. A machine that administers is
power: nobody gives one more than they hold themselves, and only on a fresh login, whether by its scopes or by its credential.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field

from authserver.domain.clients import key_set, registry
from authserver.domain.clients.client import Client
from authserver.domain.resources import resource as resources
from authserver.domain.resources.administration import SCOPES, uri_of
from authserver.runtime.schema import SHARED
from authserver.web.admin.ask import Ask, Said
from authserver.web.admin.ids import id_of, name_of
from authserver.web.admin.problems import ProblemError, invalid, not_found
from authserver.web.admin.routing import Cursor, Id, Limit, Shown, Strict, Thing, route

Name = Annotated[str, Field(min_length=1, max_length=200, description="The name people see at consent.")]
Uri = Annotated[str, Field(min_length=1, max_length=2000)]
Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$", examples=["orders:read"])]
Grant = Literal[
    "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"
]
Jwks = Annotated[
    dict[str, Any], Field(description="Its public keys, a JWK Set (RFC 7517).", examples=[{"keys": []}], max_length=10)
]
_MACHINE = "client_credentials"


class ClientShown(Thing):
    """An application."""

    id: str = Field(description="As it stands in paths; the client_id where that is plain.")
    client_id: str
    name: str
    token_endpoint_auth_method: str
    grant_types: list[str]
    redirect_uris: list[str]
    scope: list[str] = Field(description="What it may ask for; empty: whatever its resources offer.")
    resources: list[str] = Field(description="Which MCP servers it may reach; empty: any of its tenant.")
    jwks_uri: str
    keys: list[str] = Field(description="The names of its public keys.")
    token_endpoint_auth_signing_alg: str
    require_pushed_authorization_requests: bool
    refresh_replay_seconds: int | None
    speaks_for: str = Field(description="The MCP server whose credential it is; empty: none.")
    verified: bool
    origin: str
    active: bool
    created_at: int
    ends_at: int | None = Field(description="When a machine ends unless somebody renews it; null: never.")
    old_secret_until: int | None


class ClientMade(ClientShown):
    """An application with its secret, which is shown this once."""

    client_secret: str | None = Field(description="Shown once; null where it has none.")


class ClientPage(Shown):
    """Some applications, the oldest first."""

    items: list[ClientShown]
    next: str | None = Field(description="The cursor of the next page; null: there is none.")


class NewClient(Strict):
    """An application to be registered."""

    name: Name
    token_endpoint_auth_method: Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] = Field(
        default="none"
    )
    grant_types: list[Grant] = Field(default=["authorization_code", "refresh_token"], min_length=1, max_length=4)
    redirect_uris: list[Uri] = Field(default=[], max_length=50, examples=[["https://app.example.com/callback"]])
    scope: list[Scope] = Field(default=[], max_length=200)
    resources: list[Uri] = Field(default=[], max_length=50, description="The first is its default.")
    refresh_replay_seconds: Annotated[int, Field(ge=0, le=600)] | None = None
    require_pushed_authorization_requests: bool = False
    jwks: Jwks | None = None
    jwks_uri: Uri | None = None
    token_endpoint_auth_signing_alg: Annotated[str, Field(max_length=20)] | None = None


class ClientChange(Strict):
    """What is to be changed; what is left out stays, a list that is given replaces the whole list."""

    name: Name | None = None
    grant_types: Annotated[list[Grant], Field(min_length=1, max_length=4)] | None = None
    redirect_uris: Annotated[list[Uri], Field(max_length=50)] | None = None
    scope: Annotated[list[Scope], Field(max_length=200)] | None = None
    resources: Annotated[list[Uri], Field(max_length=50)] | None = None
    refresh_replay_seconds: Annotated[int, Field(ge=0, le=600)] | None = None
    require_pushed_authorization_requests: bool | None = None
    jwks: Jwks | None = None
    jwks_uri: Uri | None = None
    token_endpoint_auth_signing_alg: Annotated[str, Field(max_length=20)] | None = None
    active: bool | None = Field(default=None, description="False ends everything it holds.")


class Rotation(Strict):
    """How the old credential goes."""

    overlap_hours: int = Field(default=24, ge=0, le=720, description="For how long the old one stays good.")
    jwks: Jwks | None = Field(default=None, description="For one with keys of its own: the new ones.")


@route("GET", "/clients", gives=ClientPage, says="List applications")
async def list_clients(
    ask: Ask,
    limit: Limit = 50,
    cursor: Cursor = None,
    origin: Literal["operator", "registration", "document"] | None = None,
) -> ClientPage:
    """Those that are registered for the tenant; `?tenant=*` those of nobody."""
    after = ask.after(cursor)
    at, last = (int(after[0]), str(after[1])) if after else (0, "")
    rows = await registry.some(ask.work, after=(at, last), most=limit + 1, origin=origin or "")
    return ClientPage(
        items=[_shown(one, ask.work.now) for one in rows[:limit]],
        next=ask.next_cursor(rows, limit, lambda one: [one.created_at, one.id]),
    )


@route("POST", "/clients", gives=ClientMade, status=201, says="Register an application")
async def add(ask: Ask, body: NewClient) -> Said:
    """One with a secret gets it shown once."""
    await _demand_known(ask, body.resources, body.scope)
    await _demand_own_power(ask, body.grant_types, body.resources, body.scope, name=body.name)
    made = registry.add(
        ask.work,
        name=body.name,
        auth_method=body.token_endpoint_auth_method,
        grant_types=tuple(body.grant_types),
        redirect_uris=tuple(body.redirect_uris),
        scope=tuple(body.scope),
        resources=tuple(body.resources),
        default_resource=body.resources[0] if body.resources else "",
        is_verified=ask.operator.is_platform,
        refresh_replay_seconds=body.refresh_replay_seconds,
        is_pushed_only=body.require_pushed_authorization_requests,
        jwks=_keys(body.jwks),
        jwks_uri=body.jwks_uri or "",
        assertion_alg=body.token_endpoint_auth_signing_alg or "",
    )
    shown = _shown(made.client, ask.work.now)
    return Said(
        body=ClientMade(**shown.model_dump(), client_secret=made.secret),
        status=201,
        location=f"{ask.base}/clients/{shown.id}",
    )


@route("GET", "/clients/{client}", gives=ClientShown, says="Show an application")
async def show(ask: Ask, client: Id) -> ClientShown:
    """By its id."""
    return _shown(await _found(ask, client), ask.work.now)


@route("PATCH", "/clients/{client}", gives=ClientShown, says="Change an application")
async def change(ask: Ask, client: Id, body: ClientChange) -> ClientShown:
    """Its secret is not changed here: see `rotate`."""
    found = await _found(ask, client)
    ask.unchanged(_shown(found, ask.work.now))
    given: dict[str, Any] = {
        "name": body.name,
        "redirect_uris": _tuple(body.redirect_uris),
        "grant_types": _tuple(body.grant_types),
        "scope": _tuple(body.scope),
        "resources": _tuple(body.resources),
        "default_resource": None if body.resources is None else (body.resources or [""])[0],
        "is_active": body.active if body.active != found.is_active else None,
        "refresh_replay_seconds": body.refresh_replay_seconds,
        "is_pushed_only": body.require_pushed_authorization_requests,
        "jwks": _keys(body.jwks) if body.jwks else "" if body.jwks_uri else None,
        "jwks_uri": body.jwks_uri or ("" if body.jwks else None),
        "assertion_alg": body.token_endpoint_auth_signing_alg,
    }
    fields = {field: value for field, value in given.items() if value is not None}
    if found.speaks_for and set(fields) - {"name", "is_active", "jwks", "jwks_uri", "assertion_alg"}:
        raise ProblemError(409, "This is an MCP server's credential; only its name, keys and state are changed here.")
    if body.resources is not None or body.scope is not None:
        await _demand_known(ask, fields.get("resources", found.resources), fields.get("scope", found.scope))
    if {"grant_types", "resources", "scope", "jwks", "jwks_uri", "assertion_alg", "is_active"} & set(fields):
        await _demand_own_power(
            ask,
            fields.get("grant_types", found.grant_types),
            fields.get("resources", found.resources),
            fields.get("scope", found.scope),
            name=found.name,
        )
    return _shown(registry.change(ask.work, found, **fields), ask.work.now)


@route("DELETE", "/clients/{client}", gives=None, says="Forget an application")
async def remove(ask: Ask, client: Id) -> None:
    """It is unknown everywhere from then on, and nothing it holds is refreshed."""
    found = await _found(ask, client)
    ask.unchanged(_shown(found, ask.work.now))
    if found.document_host:
        raise ProblemError(409, "It is described by its own document and would be known again by it; disable it.")
    registry.remove(ask.work, found)


@route("POST", "/clients/{client}/rotate", gives=ClientMade, says="Give an application a new credential")
async def rotate(ask: Ask, client: Id, body: Rotation) -> ClientMade:
    """A new secret, shown once, or new keys; what was being replaced already is dead at once."""
    found = await _found(ask, client)
    if found.is_public:
        raise ProblemError(409, "It is public and has no credential.")
    await _demand_own_power(ask, found.grant_types, found.resources, found.scope, name=found.name)
    ask.otherwise("Somebody else rotated or removed it meanwhile.")
    if found.auth_method != "private_key_jwt":
        if body.jwks is not None:
            raise invalid("jwks", "it has a secret, no key")
        secret = registry.rotate_secret(ask.work, found, overlap_s=body.overlap_hours * 3600)
        return ClientMade(**_shown(found, ask.work.now).model_dump(), client_secret=secret)
    if found.jwks_uri:
        raise ProblemError(409, "It publishes its keys itself: rotate them there; `renew` gives it more time.")
    if body.jwks is None:
        raise invalid("jwks", "it has keys of its own: give the new public ones")
    changed = registry.rotate_keys(ask.work, found, _keys(body.jwks), overlap_s=body.overlap_hours * 3600)
    return ClientMade(**_shown(changed, ask.work.now).model_dump(), client_secret=None)


@route("POST", "/clients/{client}/renew", gives=ClientShown, says="Give a machine more time")
async def renew(ask: Ask, client: Id) -> ClientShown:
    """With the credential it has; its standing authorizations begin anew."""
    found = await _found(ask, client)
    if not found.is_machine:
        raise ProblemError(409, "It is no machine: what people allowed it ends with their logins.")
    ask.otherwise("Somebody else rotated or removed it meanwhile.")
    return _shown(registry.renew(ask.work, found), ask.work.now)


async def _demand_known(ask: Ask, uris: Sequence[str], scope: Sequence[str]) -> None:
    if ask.tenant != SHARED:
        await resources.demand_reachable(ask.work, uris, scope, tenant=ask.tenant)
    else:
        await resources.demand_reachable(ask.work, uris, scope)


async def _demand_own_power(
    ask: Ask, grants: Sequence[str], uris: Sequence[str], scope: Sequence[str], *, name: str
) -> None:
    if _MACHINE not in grants or (uris and uri_of(ask.work.machines.settings) not in uris):
        return
    power = set(scope) & set(SCOPES)
    if not power:
        return
    if beyond := sorted(power - ask.operator.scopes):
        raise ProblemError(
            403,
            f"scope: your own token does not hold {', '.join(beyond)}.",
            errors=[("scope", "nobody gives more than they hold")],
        )
    await ask.dangerous("client:empower", name=name)


async def _found(ask: Ask, sent: str) -> Client:
    found = await registry.of_id(ask.work, name_of(sent))
    if found is None:
        raise not_found()
    return found


def _keys(given: dict[str, Any] | None) -> str:
    return "" if given is None else key_set.given(orjson.dumps(given)).text()


def _tuple(given: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _shown(client: Client, now: int) -> ClientShown:
    return ClientShown(
        id=id_of(client.id),
        client_id=client.id,
        name=client.name,
        token_endpoint_auth_method=client.auth_method,
        grant_types=list(client.grant_types),
        redirect_uris=list(client.redirect_uris),
        scope=list(client.scope),
        resources=list(client.resources),
        jwks_uri=client.jwks_uri,
        keys=key_set.names(client.jwks, now) if client.jwks else [],
        token_endpoint_auth_signing_alg=client.assertion_alg,
        require_pushed_authorization_requests=client.must_push,
        refresh_replay_seconds=client.refresh_replay_seconds,
        speaks_for=client.speaks_for,
        verified=client.is_verified,
        origin=client.origin.value,
        active=client.is_active,
        created_at=client.created_at,
        ends_at=client.secret_expires_at,
        old_secret_until=client.previous_secret_until if len(client.live_secrets(now)) > 1 else None,
    )
