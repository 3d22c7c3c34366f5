"""An OAuth client that speaks in sentences: `tokens = await app.sign_in("u1")`, `await app.refresh(tokens)`."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx2

from tests.support import assertions
from tests.support.browser import Browser, Page, query_of
from tests.support.oracle import unverified_claims
from tests.support.world import Application, Someone

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"

_VERIFIER = "the-verifier-of-this-suite-is-43-characters-or-more"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, kw_only=True)
class AuthorizationAnswer:
    """What arrived at the redirect URI, or the page on which the request ended."""

    page: Page
    verifier: str = _VERIFIER

    @property
    def parameters(self) -> dict[str, list[str]]:
        return query_of(self.page.location) if self.page.location else {}

    def one(self, name: str) -> str | None:
        values = self.parameters.get(name, [])
        assert len(values) < 2, f"{name} stands {len(values)} times"
        return values[0] if values else None

    @property
    def code(self) -> str:
        code = self.one("code")
        assert code, f"no code: {self.page.status} {self.page.location or self.page.text[:400]}"
        return code

    @property
    def has_code(self) -> bool:
        return "code" in self.parameters

    @property
    def error(self) -> str | None:
        return self.one("error")


@dataclass(frozen=True, kw_only=True)
class TokenAnswer:
    """What the token endpoint said."""

    response: httpx2.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def body(self) -> dict[str, Any]:
        found = json.loads(self.response.content)
        assert isinstance(found, dict)
        return found

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def error(self) -> str | None:
        return self.body.get("error")

    def _of(self, name: str) -> str:
        value = self.body.get(name)
        assert isinstance(value, str), f"no {name}: {self.status} {self.body}"
        return value

    @property
    def access_token(self) -> str:
        return self._of("access_token")

    @property
    def refresh_token(self) -> str:
        return self._of("refresh_token")

    @property
    def scope(self) -> set[str]:
        return set(self._of("scope").split())

    @property
    def claims(self) -> dict[str, Any]:
        return unverified_claims(self.access_token)


@dataclass(kw_only=True)
class OAuthClient:
    """One application at one server."""

    server: Any
    app: Application
    verifier: str = _VERIFIER
    browsers: dict[str, Browser] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return str(self.server.issuer) + self.app.issuer_path

    def browser_of(self, who: str) -> Browser:
        """Return the browser this person uses with this application."""
        if who not in self.browsers:
            self.browsers[who] = self.server.browser()
        return self.browsers[who]

    def request(self, **changed: Any) -> list[tuple[str, str]]:
        """Return the parameters of an authorization request; `None` leaves one out, a list repeats it."""
        wanted: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": self.app.redirect_uris[0] if self.app.redirect_uris else None,
            "state": "state-of-this-suite",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": self.app.resource,
            "scope": "orders:read",
            **changed,
        }
        pairs = []
        for name, value in wanted.items():
            pairs.extend((name, str(one)) for one in (value if isinstance(value, list) else [value]) if one is not None)
        return pairs

    def url(self, **changed: Any) -> str:
        """Return the URL of an authorization request."""
        return f"{self.base}/authorize?{urlencode(self.request(**changed))}"

    async def ask(self, who: str | Browser, **changed: Any) -> Page:
        """Send the person to /authorize and show where they arrive: login, consent, an error, or back at the client."""
        browser = who if isinstance(who, Browser) else self.browser_of(who)
        return await browser.open(self.url(**changed))

    async def consent_page(self, who: str, **changed: Any) -> Page:
        """Bring the person to the consent page, through login where needed."""
        browser, page = self.browser_of(who), await self.ask(who, **changed)
        if page.is_login:
            someone = self.person(who)
            page = await browser.log_in(page, someone.email, someone.password)
        return page

    async def authorize(
        self,
        who: str = "u1",
        *,
        decision: str = "allow",
        tenant: str | None = None,
        tools: list[str] | None = None,
        allowed: list[str] | None = None,
        purpose: str | None = None,
        details: bool = False,
        **changed: Any,
    ) -> AuthorizationAnswer:
        """Let the person log in where needed and decide; `tools`, `allowed`: what they tick (None: as the page came).

        `details`: they tick every call that the page offers to allow beforehand.
        """
        browser = self.browser_of(who)
        page = await self.consent_page(who, **changed)
        if page.is_consent:
            given: dict[str, Any] = {"decision": decision}
            if tenant is not None:
                given["tenant"] = tenant
            if tools is not None:
                given["tool"] = tools
            if allowed is not None:
                given["allowed"] = allowed
            if purpose is not None:
                given["purpose"] = purpose
            if details:
                given["detail"] = page.form("decision").offered("detail")
            page = await browser.submit(page.form("decision"), **given)
        return AuthorizationAnswer(page=page, verifier=self.verifier)

    async def sign_in(self, who: str = "u1", **options: Any) -> TokenAnswer:
        """Walk the whole flow and return the tokens."""
        answer = await self.redeem(await self.authorize(who, **options))
        assert answer.ok, answer.body
        return answer

    async def redeem(self, code: AuthorizationAnswer | str, **changed: Any) -> TokenAnswer:
        """Exchange a code; `None` leaves a parameter out."""
        wanted: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": code if isinstance(code, str) else code.code,
            "code_verifier": self.verifier,
            "redirect_uri": self.app.redirect_uris[0] if self.app.redirect_uris else None,
            **changed,
        }
        return await self.token(**wanted)

    async def refresh(self, token: TokenAnswer | str, **changed: Any) -> TokenAnswer:
        """Use a refresh token."""
        presented = token if isinstance(token, str) else token.refresh_token
        return await self.token(**{"grant_type": "refresh_token", "refresh_token": presented, **changed})

    async def client_credentials(self, **changed: Any) -> TokenAnswer:
        """Ask for a token of the client's own."""
        return await self.token(**{"grant_type": "client_credentials", **changed})

    async def revoke(self, token: str | list[str], **changed: Any) -> TokenAnswer:
        """Say that a token is needed no more (RFC 7009)."""
        return await self.post("/revoke", **{"token": token, **changed})

    async def introspect(self, token: str | list[str], **changed: Any) -> TokenAnswer:
        """Ask what a token means (RFC 7662), as a resource server does."""
        return await self.post("/introspect", **{"token": token, **changed})

    async def policy(self, *, headers: dict[str, str] | None = None) -> httpx2.Response:
        """Ask, as an MCP server, what its tenants demand of its tools; `headers` replace its credential's."""
        sent = self.credential()[0] if headers is None else headers
        return await self.server.http.get(f"{self.base}/rs/policy", headers=sent)

    async def token(
        self, *, headers: dict[str, str] | None = None, authenticate: bool = True, **wanted: Any
    ) -> TokenAnswer:
        """Post to the token endpoint, authenticated as the client is registered unless told otherwise."""
        return await self.post("/token", headers=headers, authenticate=authenticate, **wanted)

    async def push(
        self, *, headers: dict[str, str] | None = None, authenticate: bool = True, **changed: Any
    ) -> TokenAnswer:
        """Push an authorization request (RFC 9126 §2.1)."""
        wanted: dict[str, Any] = {}
        for name, value in self.request(**changed):
            wanted.setdefault(name, []).append(value)
        return await self.post("/par", headers=headers, authenticate=authenticate, **wanted)

    async def pushed(self, **changed: Any) -> dict[str, Any]:
        """Push a request and return what to give `authorize` or `ask` for it: the reference alone (RFC 9126 §4)."""
        answer = await self.push(**changed)
        assert 201 == answer.status, answer.body
        return self.by_reference(answer.body["request_uri"])

    def by_reference(self, request_uri: str, **beside: Any) -> dict[str, Any]:
        """Return the changes that leave nothing of a request but its reference."""
        return {name: None for name, _ in self.request() if name != "client_id"} | {"request_uri": request_uri} | beside

    async def start_device(
        self, *, headers: dict[str, str] | None = None, authenticate: bool = True, **changed: Any
    ) -> TokenAnswer:
        """Ask for a device code (RFC 8628 §3.1)."""
        wanted = {"scope": "orders:read", "resource": self.app.resource, **changed}
        return await self.post("/device_authorization", headers=headers, authenticate=authenticate, **wanted)

    async def poll(self, started: TokenAnswer, **changed: Any) -> TokenAnswer:
        """Ask whether somebody has decided (RFC 8628 §3.4)."""
        wanted = {"grant_type": DEVICE_CODE, "device_code": started.body["device_code"], **changed}
        return await self.token(**wanted)

    async def device_form(self, who: str | Browser, url: str | None = None) -> Page:
        """Bring the person to the page that asks for the code, through login where needed."""
        browser = who if isinstance(who, Browser) else self.browser_of(who)
        page = await browser.open(url or f"{self.base}/device")
        if page.is_login and isinstance(who, str):
            someone = self.person(who)
            page = await browser.log_in(page, someone.email, someone.password)
        return page

    async def type_code(self, who: str, user_code: str) -> Page:
        """Let the person type a code; shows who asks for what, or why not."""
        form = (await self.device_form(who)).form("user_code")
        return await self.browser_of(who).submit(form, user_code=user_code)

    async def connect(self, who: str, started: TokenAnswer, **given: Any) -> Page:
        """Let the person type the code of a device and decide."""
        page = await self.type_code(who, started.body["user_code"])
        return await self.browser_of(who).submit(page.form("decision"), **{"decision": "allow", **given})

    async def post(
        self, path: str, *, headers: dict[str, str] | None = None, authenticate: bool = True, **wanted: Any
    ) -> TokenAnswer:
        """Post a form to an endpoint of the protocol, authenticated as the client is registered unless told otherwise."""
        sent = {"content-type": "application/x-www-form-urlencoded"}
        if authenticate:
            header, body = self.credential()
            sent |= header
            wanted = {**body, **wanted}
        pairs = []
        for name, value in wanted.items():
            pairs.extend((name, str(one)) for one in (value if isinstance(value, list) else [value]) if one is not None)
        content = urlencode(pairs).encode()
        return TokenAnswer(
            response=await self.server.http.post(f"{self.base}{path}", content=content, headers=sent | (headers or {}))
        )

    def credential(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the header and the body members by which this application says who it is, a fresh assertion each time."""
        return ({}, assertions.form(self.assertion())) if self.app.key is not None else credential(self.app)

    def assertion(self, *, alg: str = "ES256", **changed: Any) -> str:
        """Return a good assertion of this application, with other claims where the test says so; None removes one."""
        assert self.app.key is not None
        said = assertions.claims(self.app.client_id, self.base, self.server.now, **changed)
        return assertions.signed(self.app.key, said, alg=alg)

    def person(self, who: str) -> Someone:
        """Return who that is."""
        found = self.server.world.people[who]
        assert isinstance(found, Someone)
        return found


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the header of client_secret_basic (RFC 6749 §2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def credential(app: Application) -> tuple[dict[str, str], dict[str, str]]:
    """Return the header and the body members by which this application says who it is."""
    if app.auth_method == "client_secret_basic":
        return basic(app.client_id, app.secret or ""), {}
    body = {"client_id": app.client_id}
    if app.auth_method == "client_secret_post":
        body["client_secret"] = app.secret or ""
    return {}, body
