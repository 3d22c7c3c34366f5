"""
Whoever steals the database gets nothing to log in with (C09, decisions 8 and 16).

After a day of every feature, everything that looked like a secret on the wire, in either direction, is searched for in every
byte of the database: as it was sent, without its prefix, decoded, and in hexadecimal. A new endpoint fails the first test
until the day uses it.
"""

import asyncio
import base64
import json
import re
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from authserver import jobs
from authserver.oauth.grants import GRANTS
from authserver.web.routes import ROUTES, find
from tests.promises.test_api_keys import exchange
from tests.promises.test_personal_data_at_rest import a_day_of_work, everything_at_rest
from tests.support import assertions
from tests.support.approvals import Approver, refunding, tool_server
from tests.support.console import at_console
from tests.support.exchange import allowed_deputy
from tests.support.following import follower
from tests.support.registering import registered
from tests.support.world import R1

SECRETS = {
    "access_token", "refresh_token", "id_token", "client_secret", "code", "code_verifier", "client_assertion", "password", "token",
    "subject_token", "actor_token", "request_uri", "device_code", "user_code", "registration_access_token", "api_key", "key",
    "current", "new", "id_token_hint",
}  # fmt: skip
"""Members and parameters whose values are good for something."""

WITHOUT_A_SECRET = {
    "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/jwks.json", "/livez", "/readyz",
    "/.well-known/security.txt", "/security", "/static/style.css", "/static/mark.svg", "/",
}  # fmt: skip
"""What anybody may read, and nobody sends anything to."""


class Wire:
    """An application with somebody who listens: every secret that goes in or out, by the name it goes by."""

    def __init__(self, app):
        self._app = app
        self.heard: dict[str, set[str]] = {}
        self.asked: set[str] = set()
        self.grants: set[str] = set()

    def __getattr__(self, name):
        return getattr(self._app, name)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = find(scope["path"])
        self.asked.add(scope["path"].replace(found[1], "{id}") if found and found[1] else scope["path"])
        came, went = bytearray(), bytearray()

        async def hear():
            message = await receive()
            came.extend(message.get("body", b""))
            return message

        async def say(message):
            went.extend(message.get("body", b""))
            for name, value in message.get("headers", ()):
                self._header(name.lower(), value.decode("latin-1"))
            await send(message)

        for name, value in scope["headers"]:
            self._header(name.lower(), value.decode("latin-1"))
        self._pairs(parse_qsl(scope["query_string"].decode()))
        await self._app(scope, hear, say)
        for body in (bytes(came), bytes(went)):
            self._body(body)

    def _header(self, name, value):
        if name == b"location":
            self._pairs(parse_qsl(urlsplit(value).query))
        elif name in {b"set-cookie", b"cookie"}:
            for part in value.split("; ") if name == b"cookie" else [value.partition(";")[0]]:
                self._note("cookie", part.partition("=")[2])
        elif name == b"authorization":
            kind, _, credential = value.partition(" ")
            if kind.lower() == "basic":
                credential = base64.b64decode(credential).decode().rpartition(":")[2]
            self._note(f"authorization {kind.lower()}", credential)

    def _body(self, body):
        try:
            self._members(json.loads(body))
        except ValueError:
            self._pairs(parse_qsl(body.decode("utf-8", "replace")))

    def _members(self, value):
        if isinstance(value, dict):
            for name, member in value.items():
                if isinstance(member, str):
                    self._pairs([(name, member)])
                self._members(member)
        elif isinstance(value, list):
            for member in value:
                self._members(member)

    def _pairs(self, pairs):
        for name, value in pairs:
            if name == "grant_type":
                self.grants.add(value)
            if name in SECRETS:
                self._note(name, value)

    def _note(self, name, value):
        if len(value) >= 8:
            self.heard.setdefault(name, set()).add(value)


async def a_day_of_every_feature(server):
    """Everybody does what they can do; returns who listened."""
    wire = server.app = Wire(server.app)
    server.http = server.http_from("127.0.0.1")
    await a_day_of_work(server)
    # Clients with keys, with secrets that rotate, and those that introduce themselves.
    keyed, secret = server.client("K"), server.client("S")
    await keyed.refresh(await keyed.sign_in(scope="orders:read"))
    await keyed.client_credentials()
    await keyed.authorize(**await keyed.pushed())
    rotated = server.client("S", secret=await server.operator.rotate_secret(secret.app, overlap_s=3600))
    for app in (secret, rotated):
        await app.sign_in()
    newcomer = await registered(server)
    await newcomer.sign_in()
    confidential = await registered(server, token_endpoint_auth_method="client_secret_basic")
    await confidential.sign_in()
    # A request that is pushed, a name that is asked for, a token that is looked at, traded and revoked.
    pushed = server.client("B")
    told = await pushed.redeem(await pushed.authorize("u2", **await pushed.pushed(scope="openid email orders:read")))
    for method in ("GET", "POST"):
        await server.http.request(method, "/userinfo", headers={"authorization": f"Bearer {told.access_token}"})
    server_of_r1 = await allowed_deputy(server)
    await server_of_r1.app.introspect(told.access_token)
    await server.operator.demand("t1", R1, "refund_order", mode="step_up")
    assert 200 == (await server_of_r1.app.policy()).status_code
    basic, tool = (
        httpx2.BasicAuth(server.client("RS1").app.client_id, server.client("RS1").app.secret),
        {"name": "see", "class": "read"},
    )
    said = await server.http.put("/rs/tools", json={"instance": "i1", "tools": [tool]}, auth=basic)
    assert 204 == said.status_code
    said = await server.http.post("/rs/audit", json={"events": [{}]}, auth=basic)
    assert 1 == len(said.json()["rejected"])
    await server_of_r1.exchange(told)
    for made in (await server.operator.add_api_key(who="u1"), await server.operator.add_api_key(app=keyed.app)):
        assert (await exchange(server, made.secret)).ok
    await pushed.revoke(told.refresh_token)
    await pushed.revoke(told.access_token)
    # A device asks, somebody types its code, and another one is never answered.
    device = server.client("D")
    started, _ = await device.start_device(), await device.start_device()
    await device.connect("u2", started)
    server.clock.advance(6)
    assert (await device.poll(started)).ok
    # A call that waits for a yes, gets it, runs, and comes back.
    tools, caller = tool_server(server), await refunding(server)
    approval_id = await tools.asked(caller)
    await Approver(server=server, who="u1").decide(approval_id)
    assert 200 == (await tools.look(approval_id)).status_code
    await tools.run(approval_id, caller)
    # Their own pages.
    app = server.client("P")
    await app.sign_in("u5", tenant=None)
    browser = app.browser_of("u5")
    account = await browser.open("/account")
    for address in [href for href in account.links if href.startswith("/account/")]:
        await browser.open(address)
    for path in sorted(
        path for path in ROUTES if path.startswith(("/account", "/approvals", "/console")) or path == "/logout"
    ):
        for method in ROUTES[path].methods:
            await server.http.request(
                method,
                path.replace("{id}", "ap_x"),
                data={"password": "a-canary-for-the-pages"} if method == "POST" else None,
            )
    # An operator at the console, and a server that obeys.
    copy = follower(server, "RS1", instance="a-copy")
    await copy.ask()
    assert 204 == (await copy.acknowledge(max_staleness_ms=5000)).status_code
    operator = await at_console(server, "u2")
    purging = {"tenant": "t1", "kind": "tool", "server": R1, "tool": "purge_orders"}
    await operator.stop(**purging)
    assert "May go on" in (await operator.revive(**purging)).text
    await jobs.expire(server.machines)
    await jobs.announce_ends(server.machines)
    return wire


def ways_to_write(secret):
    """The bytes by which a secret could stand in a row."""
    bare = re.sub(r"^(?:[a-z]{1,4}_)+", "", secret)
    texts = {secret, bare, *(part for part in secret.split(".") if len(part) > 40)}
    texts |= {secret.rpartition("_")[2], secret.rpartition(":")[2], secret.replace("-", "")}
    found = {text.encode() for text in texts if len(text) >= 8}
    for text in list(found):
        found |= {text.hex().encode(), base64.b64encode(text)}
        if len(text) >= 32 and re.fullmatch(rb"[A-Za-z0-9_-]+", text):
            raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""
            found |= {raw, raw.hex().encode()} if len(raw) >= 16 else set()
    return found


def is_public_part(text):
    """The first part of our own JWTs is no secret: everybody's tokens begin so."""
    return text.startswith(b"eyJ") and b"." not in text


@pytest.mark.requirement("secrets:dump:holds-nothing-usable")
async def test_a_dump_after_a_day_of_every_feature_holds_no_usable_credential(server, templates):
    """C09, decision 8: both databases, every table, the write-ahead log too; by any name and in any spelling."""
    wire = await a_day_of_every_feature(server)

    rest = await asyncio.to_thread(everything_at_rest, server, templates)
    found = {
        name: secret
        for name, secrets in wire.heard.items()
        for secret in secrets
        for written in ways_to_write(secret)
        if not is_public_part(written) and written in rest
    }

    assert {} == found
    assert R1.encode() in rest


@pytest.mark.one_database
@pytest.mark.requirement("secrets:dump:holds-nothing-usable")
async def test_the_day_uses_every_endpoint_and_the_wire_hears_every_kind_of_secret(server):
    """Ours: a search that heard nothing finds nothing. Whoever adds an endpoint adds it to the day."""
    wire = await a_day_of_every_feature(server)

    asked = {path for path in ROUTES for way in wire.asked if re.fullmatch(path.replace("{id}", "[^/]+"), way)}
    assert set() == set(ROUTES) - WITHOUT_A_SECRET - asked
    assert set() == set(GRANTS) - wire.grants
    assert {
        "access_token", "refresh_token", "id_token", "client_secret", "code", "code_verifier", "client_assertion", "password",
        "token", "subject_token", "request_uri", "device_code", "user_code", "cookie", "authorization basic", "authorization bearer",
    } <= set(wire.heard)  # fmt: skip
    assert all(len(secrets) for secrets in wire.heard.values())
    assert 60 < sum(len(secrets) for secrets in wire.heard.values())


@pytest.mark.one_database
@pytest.mark.requirement("secrets:dump:holds-nothing-usable")
@pytest.mark.parametrize("spelling", ["as it is", "without its prefix", "decoded", "hexadecimal", "base64"])
async def test_the_search_would_find_a_secret_that_was_kept(server, spelling):
    """The control: one written into a row, in each spelling."""
    import sqlite3
    from contextlib import closing

    secret = server.client("M").app.secret
    raw = base64.urlsafe_b64decode(secret.removeprefix("cs_") + "=")
    written = {
        "as it is": secret.encode(), "without its prefix": secret.removeprefix("cs_").encode(), "decoded": raw,
        "hexadecimal": raw.hex().encode(), "base64": base64.b64encode(secret.encode()),
    }[spelling]  # fmt: skip
    with closing(sqlite3.connect(server.place.url.removeprefix("sqlite:///"))) as connection:
        connection.execute("INSERT INTO used_assertions (use_hash, expires_at) VALUES (?, 1)", (written,))
        connection.commit()

    rest = server.bytes_at_rest()

    assert any(way in rest for way in ways_to_write(secret))


def test_an_assertion_is_heard_as_it_is_sent():
    """Ours: the listener knows the names that the forms use."""
    assert {"client_assertion"} == set(assertions.form("x")) & SECRETS
