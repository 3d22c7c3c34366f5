"""
What is measured: one function per flow, the same requests to every server, every answer checked.

A flow is prepared (signed in, given its first refresh token) before it is measured, one per connection. The first access
token that a connection gets is verified whole, signature included; later ones by form, or the check would be the load.
"""

import base64
import hashlib
import itertools
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import jwt

from benchmarks.browser import Browser
from benchmarks.load import Answer, Exchange, Flow, WrongAnswerError, once
from benchmarks.targets import REDIRECT_URI, RESOURCE, SCOPE, SCOPES, Client, Endpoints, Target


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A target with its metadata and keys read: what flows are prepared from."""

    target: Target
    endpoints: Endpoints
    metadata: bytes
    jwks: bytes

    @property
    def host(self) -> str:
        """The `Host` of every request."""
        return f"127.0.0.1:{self.target.port}"

    def get(self, path: str) -> bytes:
        """Return the request for a path."""
        return f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()

    def post(self, path: str, form: dict[str, str], *, authorization: str | None = None) -> bytes:
        """Return the request that sends a form."""
        body = urlencode(form)
        credential = f"Authorization: {authorization}\r\n" if authorization else ""
        return (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\n{credential}"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def verify(self, token: str, client_id: str) -> None:
        """Check an access token whole (RFC 9068 §4). Raises WrongAnswerError."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "ES256" or header.get("typ") != "at+jwt":
            raise WrongAnswerError(f"the token's header is {header}")
        said = jwt.decode(
            token,
            jwt.PyJWKSet.from_json(self.jwks.decode())[header["kid"]],
            algorithms=["ES256"],
            audience=RESOURCE,
            issuer=self.target.issuer,
            options={"require": ["exp", "iat", "jti", "sub", "client_id", "scope"]},
        )
        if said["client_id"] != client_id or set(said["scope"].split()) != set(SCOPES):
            raise WrongAnswerError(f"the token is for {said['client_id']} and {said['scope']}")


Prepare = Callable[[Scene, int], Awaitable[Flow]]
"""Makes the flow of the n-th connection ready."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One thing that is measured."""

    name: str
    unit: str
    prepare: Prepare
    needs_store: bool
    """Whether it writes or reads rows, so that it is measured on each store."""


async def open_scene(target: Target) -> Scene:
    """Read a target's metadata and keys."""
    documents: dict[str, bytes] = {}
    host = f"127.0.0.1:{target.port}"

    def fetch(path: str) -> Exchange:
        answer = yield f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        documents[path] = answer.expect(200).body

    await once(target.port, fetch(target.metadata_path))
    said = Answer(200, b"", documents[target.metadata_path]).json()
    if said["issuer"] != target.issuer:
        raise WrongAnswerError(f"the issuer is {said['issuer']}, expected {target.issuer}")
    endpoints = Endpoints.from_metadata(said)
    await once(target.port, fetch(endpoints.jwks))
    return Scene(
        target=target,
        endpoints=endpoints,
        metadata=documents[target.metadata_path],
        jwks=documents[endpoints.jwks],
    )


class TokenCheck:
    """Checks token answers (RFC 6749 §5.1): all by form, the first of each connection whole."""

    def __init__(self, scene: Scene, client_id: str) -> None:
        self._scene = scene
        self._client_id = client_id
        self._verified = False

    def __call__(self, answer: Answer) -> dict:
        """Return the answer's members, or raise WrongAnswerError."""
        said = answer.expect(200).json()
        token = said.get("access_token", "")
        if token.count(".") != 2 or said.get("token_type") != "Bearer" or not 0 < said.get("expires_in", 0) <= 600:
            raise WrongAnswerError(f"not a token answer: {answer.body[:300]!r}")
        if not self._verified:
            self._scene.verify(token, self._client_id)
            self._verified = True
        return said


async def client_credentials(scene: Scene, number: int) -> Flow:  # noqa: ARG001 - one client, many connections
    """RFC 6749 §4.4 with client_secret_basic: one request."""
    machine = scene.target.machine
    request = scene.post(
        scene.endpoints.token,
        {"grant_type": "client_credentials", "scope": SCOPE, "resource": RESOURCE},
        authorization=machine.authorization,
    )
    check = TokenCheck(scene, machine.id)

    def unit() -> Exchange:
        check((yield request))

    return unit


async def introspect(scene: Scene, number: int) -> Flow:  # noqa: ARG001 - one server, many connections
    """RFC 7662 with client_secret_basic: one request about a live token of a machine; each connection has a token of its own."""
    machine, asking = scene.target.machine, scene.target.resource_server
    got: dict = {}

    def token() -> Exchange:
        form = {"grant_type": "client_credentials", "scope": SCOPE, "resource": scene.target.introspected}
        answer = yield scene.post(scene.endpoints.token, form, authorization=machine.authorization)
        got.update(answer.expect(200).json())

    await once(scene.target.port, token())
    assert scene.endpoints.introspect is not None
    request = scene.post(scene.endpoints.introspect, {"token": got["access_token"]}, authorization=asking.authorization)

    def unit() -> Exchange:
        said = (yield request).expect(200).json()
        if said.get("active") is not True or said.get("client_id") != machine.id or said.get("scope") != SCOPE:
            raise WrongAnswerError(f"not the meaning of a live token: {said}")

    return unit


async def refresh(scene: Scene, number: int) -> Flow:
    """RFC 6749 §6 with rotation: one request; each connection follows a chain of its own."""
    native = scene.target.native
    token = await _first_refresh_token(scene, native, number)
    check = TokenCheck(scene, native.id)

    def unit() -> Exchange:
        nonlocal token
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": native.id}
        said = check((yield scene.post(scene.endpoints.token, form)))
        if said.get("refresh_token", token) == token:
            raise WrongAnswerError("the refresh token was not rotated")
        token = said["refresh_token"]

    return unit


async def code_with_session(scene: Scene, number: int) -> Flow:
    """Code with PKCE in a browser that is signed in and has consented: authorize and token, two requests."""
    browser = _browser(scene, number)
    walk = _code_flow(scene, scene.target.web, browser)
    await once(scene.target.port, walk())

    def unit() -> Exchange:
        yield from walk()
        if browser.was_asked_password:
            raise WrongAnswerError("the session was lost")

    return unit


async def code_with_login(scene: Scene, number: int) -> Flow:
    """Code with PKCE in a fresh browser: authorize, login page, password (argon2id at both), redirects, token."""
    browser = _browser(scene, number)
    walk = _code_flow(scene, scene.target.web, browser)
    # The consent is given once, before; its page is not part of a returning person's login.
    await once(scene.target.port, walk())

    def unit() -> Exchange:
        browser.forget()
        yield from walk()
        if not browser.was_asked_password:
            raise WrongAnswerError("nobody asked for the password")

    return unit


async def key_set(scene: Scene, number: int) -> Flow:  # noqa: ARG001
    """The JWK set, whole, from the server's memory."""
    return _document(scene.get(scene.endpoints.jwks), scene.jwks)


async def metadata(scene: Scene, number: int) -> Flow:  # noqa: ARG001
    """RFC 8414 metadata, whole, from the server's memory."""
    return _document(scene.get(scene.target.metadata_path), scene.metadata)


def _document(request: bytes, expected: bytes) -> Flow:
    def unit() -> Exchange:
        answer = yield request
        if answer.status != 200 or answer.body != expected:
            raise WrongAnswerError(f"another document: {answer.status} {answer.body[:200]!r}")

    return unit


def _browser(scene: Scene, number: int) -> Browser:
    accounts = scene.target.accounts
    return Browser(scene.host, accounts[number % len(accounts)])


def _code_flow(scene: Scene, client: Client, browser: Browser, keep: dict | None = None) -> Flow:
    check = TokenCheck(scene, client.id)
    count = itertools.count()
    fixed = "&".join(
        (
            f"{scene.endpoints.authorize}?response_type=code",
            f"client_id={quote(client.id, safe='')}",
            f"redirect_uri={quote(REDIRECT_URI, safe='')}",
            f"scope={quote(SCOPE)}",
            f"resource={quote(RESOURCE, safe='')}",
            "code_challenge_method=S256",
        )
    )

    def unit() -> Generator[bytes, Answer, None]:
        number = next(count)
        verifier = f"{number:064d}"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        location = yield from browser.authorize(f"{fixed}&code_challenge={challenge}&state=s{number}")
        answer = dict(parse_qsl(urlsplit(location).query))
        if answer.get("state") != f"s{number}" or answer.get("iss") != scene.target.issuer or "code" not in answer:
            raise WrongAnswerError(f"not an authorization response: {location}")
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": REDIRECT_URI,
            "client_id": client.id,
            "code_verifier": verifier,
        }
        said = check((yield scene.post(scene.endpoints.token, form, authorization=client.authorization)))
        if not said.get("refresh_token"):
            raise WrongAnswerError("no refresh token")
        if keep is not None:
            keep.update(said)

    return unit


async def _first_refresh_token(scene: Scene, client: Client, number: int) -> str:
    got: dict = {}
    await once(scene.target.port, _code_flow(scene, client, _browser(scene, number), got)())
    return got["refresh_token"]


KINDS = (
    Kind(name="client_credentials", unit="token", prepare=client_credentials, needs_store=True),
    Kind(name="introspect", unit="verdict", prepare=introspect, needs_store=True),
    Kind(name="refresh", unit="rotation", prepare=refresh, needs_store=True),
    Kind(name="code_with_session", unit="authorize + token", prepare=code_with_session, needs_store=True),
    Kind(name="code_with_login", unit="whole login", prepare=code_with_login, needs_store=True),
    Kind(name="jwks", unit="GET", prepare=key_set, needs_store=False),
    Kind(name="metadata", unit="GET", prepare=metadata, needs_store=False),
)
