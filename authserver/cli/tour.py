"""
`authserver demo --tour`: a scripted client walks through the demo and says in plain words what it saw.

Nothing is simulated: every step is HTTP against the two servers, by the official SDK's client or by hand, and a person
whose browser is played by plain form posts. A step that does not hold ends the tour with exit code 1.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

_CALLBACK = "http://127.0.0.1:33418/callback"
"""Where answers go. Nobody listens there: the person's browser stops at the redirect and hands it over."""

_LATER = (
    "a person's yes to one exact call (approvals)",
    "budgets per person and tool (limits)",
    "the kill switch that every server obeys within seconds",
    "the sealed record that anybody can verify",
)


class _NotHeldError(Exception):
    """A step did not hold. The message says what was seen instead."""


def _hold(condition: object, otherwise: str) -> None:
    if not condition:
        raise _NotHeldError(otherwise)


# ---------------------------------------------------------------------------------------------------------------------
# A person with a browser, and an application that speaks MCP
# ---------------------------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Reads what a form would send, and what a person reads."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.inputs: set[str] = set()
        self.choices: dict[str, list[str]] = {}
        self.ticked: dict[str, list[str]] = {}
        self._words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note every input and button."""
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag not in {"input", "button"} or not name:
            return
        self.inputs.add(name)
        if kind in {"checkbox", "radio"}:
            self.choices.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                self.ticked.setdefault(name, []).append(given.get("value", "on"))
        elif kind == "hidden":
            self.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        """Note the words."""
        self._words.append(data)


@dataclass(kw_only=True)
class _Person:
    """Somebody at a browser: logs in, reads the consent page, ticks the tools they want, and allows."""

    email: str
    password: str
    tools: frozenset[str] = frozenset()
    mistypes_first: bool = False
    saw: list[_Page] = field(default_factory=list)
    """The consent pages, in order."""
    was_refused_once: bool = False

    async def answer(self, url: str) -> dict[str, str]:
        """Walk from the authorization URL to the redirect back to the application; returns what it carries."""
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as browser:
            response = await browser.get(url)
            for _ in range(12):
                if response.is_redirect:
                    target = urljoin(str(response.url), response.headers["location"])
                    if target.startswith(_CALLBACK):
                        return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
                    response = await browser.get(target)
                    continue
                page = _Page(response.text)
                if "password" in page.inputs:
                    response = await self._log_in(browser, response, page)
                elif "decision" in page.inputs and response.status_code == 200:
                    response = await self._allow(browser, response, page)
                else:
                    raise _NotHeldError(f"the browser was stopped with {response.status_code}: {page.text[:200]}")
        raise _NotHeldError("the login went round in circles")

    async def _log_in(self, browser: httpx2.AsyncClient, shown: httpx2.Response, page: _Page) -> httpx2.Response:
        password = self.password
        if self.mistypes_first:
            self.mistypes_first, password = False, "not-my-password"
        elif "error" in page.text.lower() or shown.status_code != 200:
            self.was_refused_once = True
        return await browser.post(str(shown.url), data=page.fields | {"email": self.email, "password": password})

    async def _allow(self, browser: httpx2.AsyncClient, shown: httpx2.Response, page: _Page) -> httpx2.Response:
        self.saw.append(page)
        tools = [tool for tool in page.choices.get("tool", []) if tool in self.tools]
        return await browser.post(str(shown.url), data=page.fields | {"decision": "allow", "tool": tools})


class _Memory:
    """The SDK's token storage, with the application's pre-registered record in it."""

    def __init__(self, client_id: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull.model_validate(
            {"client_id": client_id, "redirect_uris": [_CALLBACK], "token_endpoint_auth_method": "none"}
        )

    async def get_tokens(self) -> OAuthToken | None:
        """Return what was stored."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Store."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the application's record."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Store."""
        self.client = client_info


@dataclass(kw_only=True)
class _Session:
    """One connection of the SDK's client, in the name of one person."""

    person: _Person
    memory: _Memory
    statuses: list[int] = field(default_factory=list)
    """Every HTTP status that the SDK met."""
    client: Client

    @property
    def token(self) -> str:
        """The access token that the SDK holds now."""
        assert self.memory.tokens is not None
        return self.memory.tokens.access_token

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool; returns its structured answer. A refusal by the tool itself is returned as its text."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            return " ".join(getattr(block, "text", "") for block in result.content)
        return result.structured_content


@asynccontextmanager
async def _connected(walk: "Walk", person: _Person) -> AsyncIterator[_Session]:
    memory = _Memory(walk.app)
    answered: list[dict[str, str]] = []
    statuses: list[int] = []

    async def open_browser(url: str) -> None:
        answered.append(await person.answer(url))

    async def wait_for_callback() -> AuthorizationCodeResult:
        return AuthorizationCodeResult.model_validate(answered.pop())

    async def note(response: httpx2.Response) -> None:
        statuses.append(response.status_code)

    provider = OAuthClientProvider(
        walk.resource,
        OAuthClientMetadata.model_validate(
            {"redirect_uris": [_CALLBACK], "token_endpoint_auth_method": "none", "client_name": "Demo app"}
        ),
        memory,
        open_browser,
        wait_for_callback,
    )
    async with httpx2.AsyncClient(auth=provider, timeout=30, trust_env=False) as http:
        http.event_hooks["response"].append(note)
        async with Client(streamable_http_client(walk.resource, http_client=http)) as client:
            yield _Session(person=person, memory=memory, statuses=statuses, client=client)


# ---------------------------------------------------------------------------------------------------------------------
# The walk
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Walk:
    """What the steps share."""

    facts: dict[str, Any]
    folder: Path
    http: httpx2.AsyncClient
    machines: Any
    """The deployment's machines, for what an operator does meanwhile."""
    alice: _Session | None = None

    @property
    def issuer(self) -> str:
        """The authorization server."""
        return str(self.facts["issuer"])

    @property
    def resource(self) -> str:
        """The MCP server."""
        return str(self.facts["resource"])

    @property
    def app(self) -> str:
        """The public application's client id."""
        return str(self.facts["clients"][0]["client_id"])

    def person(self, login: str, **more: Any) -> _Person:
        """Return somebody of the demo by the first part of their address."""
        known = next(user for user in self.facts["users"] if user["email"].startswith(f"{login}@"))
        return _Person(email=known["email"], password=known["password"], **more)

    async def call(self, token: str, tool: str, **arguments: Any) -> httpx2.Response:
        """Call a tool by hand, as one 2026-07-28 request, to see the HTTP answer as it is."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "tour", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        return await self.http.post(
            self.resource,
            headers={
                "authorization": f"Bearer {token}",
                "accept": "application/json, text/event-stream",
                "mcp-protocol-version": "2026-07-28",
                "mcp-method": "tools/call",
                "mcp-name": tool,
            },
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": tool, "arguments": arguments, "_meta": meta},
            },
        )

    async def authorize(self, person: _Person, client_id: str, **asked: str) -> tuple[dict[str, str], str]:
        """Send a person through the authorization endpoint; returns the answer and the code verifier."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": _CALLBACK,
            "state": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.resource,
        } | asked
        return await person.answer(f"{self.issuer}/authorize?{urlencode(asked)}"), verifier

    async def token(self, client_id: str, **form: str) -> httpx2.Response:
        """Ask the token endpoint as a public client."""
        return await self.http.post(f"{self.issuer}/token", data={"client_id": client_id, **form})

    async def redeem(self, client_id: str, code: str, verifier: str) -> httpx2.Response:
        """Exchange a code."""
        return await self.token(
            client_id, grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=_CALLBACK
        )

    async def refresh(self, client_id: str, refresh_token: str) -> httpx2.Response:
        """Exchange a refresh token."""
        return await self.token(client_id, grant_type="refresh_token", refresh_token=refresh_token)

    @property
    def session(self) -> _Session:
        """Alice's connection."""
        _hold(self.alice, "nobody is connected")
        assert self.alice is not None
        return self.alice


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


async def _discovery(walk: Walk) -> str:
    refused = await walk.http.post(walk.resource, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    _hold(refused.status_code == 401, f"a call without a token got {refused.status_code}")
    challenge = refused.headers.get("www-authenticate", "")
    _hold("resource_metadata=" in challenge, f"the 401 does not say where to look: {challenge}")
    where = challenge.partition('resource_metadata="')[2].partition('"')[0]
    about = (await walk.http.get(where)).json()
    _hold(about["resource"] == walk.resource, f"the metadata speaks of {about['resource']}")
    _hold(about["authorization_servers"] == [walk.issuer], f"it trusts {about['authorization_servers']}")
    server = (await walk.http.get(f"{walk.issuer}/.well-known/oauth-authorization-server")).json()
    _hold(server["issuer"] == walk.issuer, f"the server calls itself {server['issuer']}")
    _hold(server["code_challenge_methods_supported"] == ["S256"], "PKCE S256 is not what is offered")
    return "A call without a token gets a 401 that leads to the login: nothing had to be configured in the client."


async def _login(walk: Walk) -> str:
    person = walk.session.person
    _hold(person.was_refused_once, "a wrong password was not refused")
    page = person.saw[0]
    _hold("Demo app" in page.text and "127.0.0.1" in page.text, "the consent page hides who asks or where it goes")
    _hold("Acme" in page.text, "the consent page does not say for which organisation")
    return (
        "Alice mistypes her password and is refused, then logs in; the consent page names the application, "
        "where its answer goes, and what it wants in words."
    )


async def _reads_only(walk: Walk) -> str:
    claims = _claims(walk.session.token)
    acme = next(tenant["id"] for tenant in walk.facts["tenants"] if tenant["slug"] == "acme")
    scopes = set(claims["scope"].split())
    _hold(claims["aud"] == walk.resource, f"the token is for {claims['aud']}")
    _hold(claims["tenant_id"] == acme, "the token is for another tenant")
    _hold(not [scope for scope in scopes if "write" in scope or scope.startswith("tool:")], f"it may {scopes}")
    _hold(claims["exp"] - claims["iat"] <= 600, "the token lives longer than ten minutes")
    _hold("alice" not in json.dumps(claims).lower(), "the token holds personal data")
    return (
        "Her client holds a token for this one server and this one tenant: it reads, for ten minutes, and names nobody."
    )


async def _lists(walk: Walk) -> str:
    listed = {tool.name for tool in (await walk.session.client.list_tools()).tools}
    expected = {tool["name"] for tool in walk.facts["tools"]}
    _hold(listed == expected, f"the tools listed are {sorted(listed)}")
    return (
        f"The client sees the {len(listed)} tools on offer, those it may not use yet too, so that it can ask for them."
    )


async def _reads(walk: Walk) -> str:
    found = await walk.session.call("search_orders", query="desk")
    _hold(isinstance(found, dict) and found["orders"], f"search_orders answered {found}")
    return f"A read works: search_orders finds {len(found['orders'])} orders of Acme that have to do with desks."


async def _write_is_refused(walk: Walk) -> str:
    refused = await walk.call(walk.session.token, "update_order", order_id="A-1002", status="packed")
    challenge = refused.headers.get("www-authenticate", "")
    _hold(refused.status_code == 403, f"update_order got {refused.status_code}")
    _hold('error="insufficient_scope"' in challenge, f"the 403 says {challenge}")
    _hold("orders:write" in challenge and "tool:update_order" in challenge, f"the 403 does not name all: {challenge}")
    return "A write is refused: HTTP 403 insufficient_scope, naming every scope that update_order needs."


async def _step_up(walk: Walk) -> str:
    session = walk.session
    pages = len(session.person.saw)
    session.statuses.clear()
    changed = await session.call("update_order", order_id="A-1002", status="packed", note="Leave at the door")
    _hold(403 in session.statuses, "the SDK met no 403")
    _hold(len(session.person.saw) == pages + 1, "Alice was not asked")
    page = session.person.saw[-1]
    _hold(page.choices.get("tool") == ["update_order"], f"she was asked about {page.choices.get('tool')}")
    _hold(isinstance(changed, dict) and changed["status"] == "packed", f"update_order answered {changed}")
    return "The SDK asks again by itself, Alice ticks that one tool by its name, and the same call now works."


async def _other_writes_stay_shut(walk: Walk) -> str:
    refused = await walk.call(walk.session.token, "delete_order", order_id="A-1004")
    _hold(refused.status_code == 403, f"delete_order got {refused.status_code}")
    _hold("tool:delete_order" in refused.headers.get("www-authenticate", ""), "the 403 does not name the tool")
    return "Her yes was for update_order alone: delete_order is still refused."


async def _unknown_tool(walk: Walk) -> str:
    answered = await walk.call(walk.session.token, "drop_everything")
    _hold(answered.status_code == 200 and "Unknown tool: drop_everything" in answered.text, answered.text[:200])
    return "A tool that nobody declared does not exist for anyone."


async def _hostile_ticket(walk: Walk) -> str:
    ticket = await walk.session.call("read_ticket", ticket_id="AT-2")
    _hold(isinstance(ticket, dict) and "delete_order" in ticket["untrusted_text"], f"read_ticket answered {ticket}")
    refused = await walk.call(walk.session.token, "refund_order", order_id="A-1004", amount_cents=88_500)
    _hold(refused.status_code == 403, f"refund_order got {refused.status_code}")
    return "A ticket tells the agent to delete and refund; whatever the agent believes, its token cannot."


async def _wall(walk: Walk) -> str:
    session = walk.session
    found = await session.call("search_orders", query="G-1")
    _hold(isinstance(found, dict) and found["orders"] == [], f"Globex's orders showed up: {found}")
    for answer in (
        await session.call("get_customer", customer_id="GC-1"),
        await session.call("read_ticket", ticket_id="GT-1"),
        await session.call("update_order", order_id="G-1001", status="delivered"),
    ):
        _hold(isinstance(answer, str) and "There is no" in answer, f"across the wall came {answer}")
    return "The wall: Alice asks for a customer, a ticket and an order of Globex by their numbers, and there are none."


async def _other_side(walk: Walk) -> str:
    async with _connected(walk, walk.person("gina")) as gina:
        found = await gina.call("search_orders")
        _hold(isinstance(found, dict) and found["orders"], f"search_orders answered {found}")
        strange = [order["id"] for order in found["orders"] if not order["id"].startswith("G-")]
        _hold(not strange, f"Gina of Globex sees {strange}")
        _hold(_claims(gina.token)["tenant_id"] != _claims(walk.session.token)["tenant_id"], "both have one tenant")
    return "Gina of Globex, with the same application and the same server, sees Globex's orders and no other."


async def _other_resource(walk: Walk) -> str:
    from authserver.domain.resources import resource as resources

    elsewhere = walk.resource.replace("/mcp", "/warehouse")
    acme = next(tenant["id"] for tenant in walk.facts["tenants"] if tenant["slug"] == "acme")
    work = walk.machines.work()
    resources.add(
        work, uri=elsewhere, name="Warehouse", scopes={"orders:read": resources.ScopeInfo(description="See shelves")}
    )
    resources.link(work, elsewhere, acme)
    _hold(await work.commit(), "the second server could not be registered")
    try:
        answer, verifier = await walk.authorize(walk.person("alice"), walk.app, resource=elsewhere, scope="orders:read")
        _hold("code" in answer, f"the authorization answered {answer}")
        token = (await walk.redeem(walk.app, answer["code"], verifier)).json()["access_token"]
        _hold(_claims(token)["aud"] == elsewhere, "the token is not for the second server")
        refused = await walk.call(token, "search_orders")
        _hold(refused.status_code == 401, f"the orders server answered {refused.status_code}")
    finally:
        work = walk.machines.work()
        resources.unlink(work, elsewhere, acme)
        resources.remove(work, elsewhere)
        await work.commit()
    unknown, _ = await walk.authorize(walk.person("alice"), walk.app, resource="https://elsewhere.example/mcp")
    _hold(unknown.get("error") == "invalid_target", f"an unknown server got {unknown}")
    return "A token for another server is refused here, with the same scope in it; for an unknown server there is none at all."


async def _code_once(walk: Walk) -> str:
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    _hold(answer.get("iss") == walk.issuer, "the answer does not say who gave it")
    first = await walk.redeem(walk.app, answer["code"], "x" * 64)
    _hold(first.json().get("error") == "invalid_grant", f"a wrong verifier got {first.text[:100]}")
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    won = await walk.redeem(walk.app, answer["code"], verifier)
    _hold(won.status_code == 200, f"the code got {won.text[:100]}")
    again = await walk.redeem(walk.app, answer["code"], verifier)
    _hold(again.json().get("error") == "invalid_grant", f"the second use got {again.text[:100]}")
    dead = await walk.refresh(walk.app, won.json()["refresh_token"])
    _hold(dead.json().get("error") == "invalid_grant", "what the replayed code had given goes on living")
    return "A code works once, with its verifier alone; a second use is a theft, and ends what the first one got."


async def _rotation(walk: Walk) -> str:
    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    first = (await walk.redeem(walk.app, answer["code"], verifier)).json()["refresh_token"]
    second = (await walk.refresh(walk.app, first)).json()["refresh_token"]
    retried = (await walk.refresh(walk.app, first)).json()["refresh_token"]
    _hold(second != first, "the refresh token did not change")
    _hold(retried == second, "a retry got another token: two branches would live")
    return "A refresh token changes with each use, and a client that missed the answer gets the same one again."


async def _replay(walk: Walk) -> str:
    from authserver.domain.clients import registry

    work = walk.machines.work(tenant="*")
    strict = registry.add(
        work,
        name="Tour, strict",
        auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
        redirect_uris=("http://127.0.0.1/callback",),
        refresh_replay_seconds=0,
    ).client
    _hold(await work.commit(), "the strict client could not be registered")
    try:
        answer, verifier = await walk.authorize(walk.person("alice"), strict.id, scope="orders:read")
        stolen = (await walk.redeem(strict.id, answer["code"], verifier)).json()["refresh_token"]
        fresh = (await walk.refresh(strict.id, stolen)).json()["refresh_token"]
        replayed = await walk.refresh(strict.id, stolen)
        _hold(replayed.json().get("error") == "invalid_grant", f"the replay got {replayed.text[:100]}")
        ended = await walk.refresh(strict.id, fresh)
        _hold(ended.json().get("error") == "invalid_grant", "the family outlived the replay")
    finally:
        work = walk.machines.work()
        registry.remove(work, strict)
        await work.commit()
    return "Where no retry is allowed, a used refresh token means theft: the thief and the owner both have to log in again."


async def _asked_and_revoked(walk: Walk) -> str:
    server = walk.facts["resource_server"]

    async def is_active(token: str) -> object:
        answered = await walk.http.post(
            f"{walk.issuer}/introspect", auth=(server["client_id"], server["client_secret"]), data={"token": token}
        )
        return answered.json().get("active")

    answer, verifier = await walk.authorize(walk.person("alice"), walk.app, scope="orders:read")
    got = (await walk.redeem(walk.app, answer["code"], verifier)).json()
    _hold(await is_active(got["access_token"]) is True, "the server was not told of a token that is meant for it")
    _hold(await is_active(got["refresh_token"]) is False, "the server was told of a refresh token")
    ended = await walk.http.post(f"{walk.issuer}/revoke", data={"client_id": walk.app, "token": got["refresh_token"]})
    _hold(ended.status_code == 200, f"the revocation got {ended.text[:100]}")
    _hold(await is_active(got["access_token"]) is False, "the access token outlived what it came from")
    refused = await walk.refresh(walk.app, got["refresh_token"])
    _hold(refused.json().get("error") == "invalid_grant", f"the revoked refresh token got {refused.text[:100]}")
    return "A server asks whether a token still lives, and is told; once its client revoked the login, it does not, at once."


async def _robot(walk: Walk) -> str:
    robot = next(client for client in walk.facts["clients"] if "client_credentials" in client["grant_types"])
    answered = await walk.http.post(
        f"{walk.issuer}/token",
        auth=(robot["client_id"], robot["client_secret"]),
        data={"grant_type": "client_credentials", "resource": walk.resource, "scope": "orders:read"},
    )
    _hold(answered.status_code == 200, f"the robot got {answered.text[:100]}")
    token = answered.json()["access_token"]
    _hold(_claims(token)["sub"] == f"client:{robot['client_id']}", "the token does not say that no person is behind it")
    _hold((await walk.call(token, "search_orders")).status_code == 200, "the robot cannot read")
    refused = await walk.call(token, "update_order", order_id="A-1001", status="open")
    _hold(refused.status_code == 403, f"the robot's write got {refused.status_code}")
    return "A machine client with a secret of its own reads Acme's orders without a person, and writes nothing."


async def _disabled(walk: Walk) -> str:
    from authserver.domain.users import user as users

    answer, verifier = await walk.authorize(walk.person("gina"), walk.app, scope="orders:read")
    refresh_token = (await walk.redeem(walk.app, answer["code"], verifier)).json()["refresh_token"]
    globex = next(tenant["id"] for tenant in walk.facts["tenants"] if tenant["slug"] == "globex")
    person = await users.person_by_email(walk.machines.work(), walk.person("gina").email)
    _hold(person is not None, "Gina is gone")
    assert person is not None

    async def set_active(*, is_active: bool) -> None:
        work = walk.machines.work(tenant=globex)
        member = await users.member_by_person(work, person.id)
        assert member is not None
        users.change_member(work, member, is_active=is_active)
        _hold(await work.commit(), "Gina's membership could not be changed")

    await set_active(is_active=False)
    try:
        refused = await walk.refresh(walk.app, refresh_token)
        _hold(refused.json().get("error") == "invalid_grant", f"Gina's refresh got {refused.text[:100]}")
    finally:
        await set_active(is_active=True)
    ended = await walk.refresh(walk.app, refresh_token)
    _hold(ended.json().get("error") == "invalid_grant", f"let back in, Gina's old login got {ended.text[:100]}")
    answer, verifier = await walk.authorize(walk.person("gina"), walk.app, scope="orders:read")
    again = await walk.redeem(walk.app, answer["code"], verifier)
    _hold(again.status_code == 200, f"let back in, Gina's new login got {again.text[:100]}")
    return "An operator disables Gina: her very next refresh is refused, and stays so. Let back in, she logs in anew."


Step = Callable[[Walk], Awaitable[str]]

STEPS: tuple[Step, ...] = (
    _discovery,
    _login,
    _reads_only,
    _lists,
    _reads,
    _write_is_refused,
    _step_up,
    _other_writes_stay_shut,
    _unknown_tool,
    _hostile_ticket,
    _wall,
    _other_side,
    _other_resource,
    _code_once,
    _rotation,
    _replay,
    _asked_and_revoked,
    _robot,
    _disabled,
)
"""The tour, in order; each says in one line what it saw."""


async def walk(facts: dict[str, Any], folder: Path, *, as_json: bool = False) -> int:
    """Walk all steps and print one line each. Returns 0 when all held, 1 at the first that did not."""
    from authserver.app import close_machines, open_machines
    from authserver.settings import load_settings

    machines = await open_machines(load_settings(folder))
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
            one = Walk(facts=facts, folder=folder, http=http, machines=machines)
            held = await _walked(one, as_json=as_json)
    finally:
        await close_machines(machines)
    if not held:
        return 1
    if not as_json:
        print(f"\nAll {len(STEPS)} steps held. Later versions add, and this tour will show:")
        for capability in _LATER:
            print(f"  - {capability}")
    return 0


async def _walked(one: Walk, *, as_json: bool) -> bool:
    alice = one.person("alice", tools=frozenset({"update_order"}), mistypes_first=True)
    number = 0
    try:
        number = 1
        _say(number, await STEPS[0](one), as_json=as_json)
        number = 2
        async with _connected(one, alice) as session:
            one.alice = session
            for number, step in enumerate(STEPS[1:], start=2):
                _say(number, await step(one), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - whatever it was, the step did not hold
        _say(number, _why(error), as_json=as_json, held=False)
        return False
    return True


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = str(error) if isinstance(error, _NotHeldError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())[:500]


def _say(number: int, sentence: str, *, as_json: bool, held: bool = True) -> None:
    if as_json:
        print(json.dumps({"step": number, "held": held, "sentence": sentence}), flush=True)
        return
    mark = "ok" if held else "FAILED"
    print(f"{number:>3}  {mark}  {sentence}", flush=True)
