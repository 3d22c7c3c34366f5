"""The whole flow by somebody else's client: authlib's OAuth2 session logic over httpx2."""

from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.support.browser import Browser
from tests.support.oracle import unverified_claims
from tests.support.world import Application


class _Answer:
    """What authlib reads of a response."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status_code = status
        self._body = body

    def json(self) -> dict[str, Any]:
        return self._body


async def flow(server: Any, app: Application, who: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what authlib parsed of the code's and of the refresh's answer, claims added."""
    session = OAuth2Client(
        session=None,
        client_id=app.client_id,
        client_secret=app.secret,
        token_endpoint_auth_method=app.auth_method,
        scope="orders:read",
        redirect_uri=app.redirect_uris[0],
        code_challenge_method="S256",
    )
    verifier = "authlib-chose-this-verifier-which-is-long-enough-0"
    url, state = session.create_authorization_url(
        f"{server.issuer}/authorize", code_verifier=verifier, resource=app.resource
    )
    assert create_s256_code_challenge(verifier) in url
    browser: Browser = server.browser()
    someone = server.world.people[who]
    page = await browser.log_in(await browser.open(url), someone.email, someone.password)
    back = await browser.submit(page.form("decision"), decision="allow")
    assert back.location is not None
    from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response

    code = parse_authorization_code_response(back.location, state=state)["code"]
    first = await _fetch(server, session, grant_type="authorization_code", code=code, code_verifier=verifier)
    second = await _fetch(server, session, grant_type="refresh_token", refresh_token=first["refresh_token"])
    return first, second


async def _fetch(server: Any, session: OAuth2Client, **wanted: str) -> dict[str, Any]:
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    grant_type = wanted.pop("grant_type")
    redirect_uri = session.redirect_uri if grant_type == "authorization_code" else None
    body = prepare_token_request(grant_type, body="", redirect_uri=redirect_uri, **wanted)
    auth = session.client_auth(session.token_endpoint_auth_method)
    uri, headers, body = auth.prepare(
        "POST", f"{server.issuer}/token", {"Content-Type": "application/x-www-form-urlencoded"}, body
    )
    assert urlsplit(uri).path == "/token"
    response = await server.http.post(uri, content=body, headers=headers)
    token = session.parse_response_token(_Answer(response.status_code, response.json()))
    return {**token, "claims": unverified_claims(token["access_token"])}
