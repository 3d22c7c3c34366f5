"""
People and machines who administer, on top of the world of `world.py`, and a way to send what they send.

`a1`, `o1`, `d1`: admin, operator and auditor of t1 (`b1`, `c1`, `e1` admins too, to be lost); `m1` an ordinary member; `a2` admin of t2; `p1`, `p2` admins of the platform.
`ops` is the application by which people administer, `bot1` a machine of t1 that has few scopes, `botp` one of the platform.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

from authserver.domain.clients import registry
from authserver.domain.resources import administration
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user
from authserver.runtime.schema import SHARED
from tests.support.oauth_client import OAuthClient
from tests.support.server import Server
from tests.support.world import Application, Someone

PEOPLE = {
    "a1": ("t1", ("admin",)),
    "b1": ("t1", ("admin",)),
    "c1": ("t1", ("admin",)),
    "e1": ("t1", ("admin",)),
    "o1": ("t1", ("operator",)),
    "d1": ("t1", ("auditor",)),
    "m1": ("t1", ("member",)),
    "a2": ("t2", ("admin",)),
    "p1": ("platform", ("admin",)),
    "p2": ("platform", ("auditor",)),
}

EVERYTHING = " ".join(administration.SCOPES)
BOT_SCOPE = ("users:read", "clients:read")


@dataclass(kw_only=True)
class Administered:
    """A server, those who administer it, and their tokens."""

    server: Server
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.server.issuer + administration.PATH

    def tenant(self, slug: str) -> str:
        """Return a tenant's id."""
        return self.server.world.tenants[slug]

    async def token(self, who: str) -> str:
        """Return an access token for the admin API, got as anybody gets one."""
        if who not in self.tokens:
            self.tokens[who] = await self.sign_in(who)
        return self.tokens[who]

    async def sign_in(self, who: str, *, scope: str = EVERYTHING, **changed: Any) -> str:
        """Walk the whole flow and return a new access token; a machine asks for itself."""
        if self.server.world.clients.get(who) is not None:
            return (await self.server.client(who).client_credentials()).access_token
        app = self.server.client("ops")
        page = await app.authorize(who, scope=scope, prompt="login", **changed)
        return (await app.redeem(page)).access_token

    async def call(
        self,
        method: str,
        path: str,
        who: str | None = None,
        *,
        token: str | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one request as somebody, or with a token, or as nobody."""
        sent = {}
        if who is not None:
            token = await self.token(who)
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            sent["content-type"] = "application/json"
            content = json.dumps(body).encode()
        return await self.server.http.request(method, self.base + path, content=content, headers=sent | (headers or {}))

    async def change(self, method: str, path: str, who: str, *, body: Any = None, at: str = "") -> httpx2.Response:
        """Change what is at a path as it is now: read its ETag, send it back. `at`: where it is read."""
        seen = await self.call("GET", at or path, who)
        assert 200 == seen.status_code, seen.text
        return await self.call(method, path, who, body=body, headers={"if-match": seen.headers["etag"]})


async def administered(server: Server) -> Administered:
    """Make those who administer."""
    machines, world = server.machines, server.world
    work = machines.work()
    platform = tenants.add(work, slug="platform", name="Those who run it", may_be_platform=True)
    assert await work.commit()
    world.tenants["platform"] = platform.id
    for who, (slug, roles) in PEOPLE.items():
        someone = Someone(email=f"{who}@admins.example", name=f"Admin {who}", password=f"correct horse {who} battery")
        work = machines.work(tenant=world.tenants[slug])
        password = await machines.passwords.hash(someone.password)
        person = user.add_person(work, email=someone.email, name=someone.name, password_hash=password)
        sub = user.add_member(work, person_id=person, roles=roles)
        assert await work.commit()
        world.people[who] = Someone(
            email=someone.email, name=someone.name, password=someone.password, person_id=person, subs={slug: sub}
        )
    uri = server.issuer + administration.PATH
    for letter, owner, auth, grants, scope in (
        ("ops", SHARED, "none", ("authorization_code", "refresh_token"), ()),
        ("bot1", world.tenants["t1"], "client_secret_basic", ("client_credentials",), BOT_SCOPE),
        ("botp", platform.id, "client_secret_basic", ("client_credentials",), administration.SCOPES),
    ):
        work = machines.work(tenant=owner)
        made = registry.add(
            work,
            name=f"Administering {letter}",
            auth_method=auth,
            grant_types=grants,
            redirect_uris=("https://ops.example/cb",) if auth == "none" else (),
            scope=scope,
            resources=(uri,),
            default_resource=uri,
        )
        assert await work.commit()
        world.clients[letter] = Application(
            name=made.client.name,
            tenant=None,
            auth_method=auth,
            client_id=made.client.id,
            secret=made.secret,
            redirect_uris=made.client.redirect_uris,
            grant_types=grants,
            scope=scope,
            resource=uri,
        )
    return Administered(server=server)


def client_of(admin: Administered, letter: str) -> OAuthClient:
    """Return an application of the world."""
    return admin.server.client(letter)
