"""What the steps of the tour share: the two servers, the people, and an application that speaks MCP through the official SDK."""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from authserver.cli.tour.held import hold
from authserver.cli.tour.person import CALLBACK, Person


class Memory:
    """The SDK's token storage: with a pre-registered application's record in it, or empty, and then the SDK registers itself."""

    def __init__(self, client_id: str | None) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None
        if client_id is not None:
            self.client = OAuthClientInformationFull.model_validate(
                {"client_id": client_id, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
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
class Session:
    """One connection of the SDK's client, in the name of one person."""

    person: Person
    memory: Memory
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
async def connected(
    walk: "Walk", person: Person, *, is_registered: bool = True, name: str = "Demo app"
) -> AsyncIterator[Session]:
    """Connect the official SDK's client; `is_registered` false: nobody has told the server of this application."""
    memory = Memory(walk.app if is_registered else None)
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
            {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", "client_name": name}
        ),
        memory,
        open_browser,
        wait_for_callback,
    )
    async with httpx2.AsyncClient(auth=provider, timeout=30, trust_env=False) as http:
        http.event_hooks["response"].append(note)
        async with Client(streamable_http_client(walk.resource, http_client=http)) as client:
            yield Session(person=person, memory=memory, statuses=statuses, client=client)


@dataclass(kw_only=True)
class Walk:
    """What the steps share."""

    facts: dict[str, Any]
    folder: Path
    http: httpx2.AsyncClient
    machines: Any
    """The deployment's machines, for what an operator does meanwhile."""
    alice: Session | None = None
    guest: Memory | None = None
    """What the application that made itself known holds."""

    approval: str = ""
    """Where Alice decides about the call that waits."""

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

    def absolute(self, link: str) -> str:
        """Return a link of the authorization server's pages in full."""
        return urljoin(f"{self.issuer}/", link)

    def person(self, login: str, **more: Any) -> Person:
        """Return somebody of the demo by the first part of their address."""
        known = next(user for user in self.facts["users"] if user["email"].startswith(f"{login}@"))
        return Person(email=known["email"], password=known["password"], **more)

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

    async def authorize(self, person: Person, client_id: str, **asked: str) -> tuple[dict[str, str], str]:
        """Send a person through the authorization endpoint; returns the answer and the code verifier."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
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
            client_id, grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=CALLBACK
        )

    async def refresh(self, client_id: str, refresh_token: str) -> httpx2.Response:
        """Exchange a refresh token."""
        return await self.token(client_id, grant_type="refresh_token", refresh_token=refresh_token)

    async def exchange(self, auth: tuple[str, str] | None, **form: str) -> httpx2.Response:
        """Trade a token or an API key for a token (RFC 8693), as a client or as whoever holds the key."""
        data = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", **form}
        return await self.http.post(f"{self.issuer}/token", data=data, auth=auth or httpx2.USE_CLIENT_DEFAULT)

    async def is_active(self, token: str, *, at: str = "resource_server") -> object:
        """Ask, as one of the resource servers, whether a token lives (RFC 7662)."""
        answered = await self.http.post(f"{self.issuer}/introspect", auth=self.credential(at), data={"token": token})
        return answered.json().get("active")

    def credential(self, of: str) -> tuple[str, str]:
        """Return the client id and secret of one of the resource servers."""
        return self.facts[of]["client_id"], self.facts[of]["client_secret"]

    def tenant(self, slug: str) -> str:
        """Return a tenant's id."""
        return next(str(tenant["id"]) for tenant in self.facts["tenants"] if tenant["slug"] == slug)

    @property
    def session(self) -> Session:
        """Alice's connection."""
        hold(self.alice, "nobody is connected")
        assert self.alice is not None
        return self.alice


def claims(token: str) -> dict[str, Any]:
    """Return what a token says; the tour reads what the servers verify."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


Step = Callable[[Walk], Awaitable[str]]
"""One step: it does something, holds or raises, and says in one line what it saw."""
