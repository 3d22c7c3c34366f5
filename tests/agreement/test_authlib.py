"""authlib's client over our HTTP client: a login, a refresh, what introspection says, and a revocation that ends it."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client

from tests.agreement.demo_process import Demo
from tests.agreement.people import FormPerson, listening


class Proof(ClientAuth, httpx2.Auth):
    """How authlib's client proves itself, in the words of httpx2."""

    requires_request_body = True

    def auth_flow(self, request: httpx2.Request) -> Iterator[httpx2.Request]:
        url, headers, body = self.prepare(request.method, str(request.url), request.headers, request.content.decode())
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        yield httpx2.Request(request.method, url, headers=headers, content=body)


class AuthlibClient(OAuth2Client):
    client_auth_class = Proof
    SESSION_REQUEST_PARAMS = ("timeout",)

    def __init__(self, session: httpx2.Client, client_id: str, secret: str | None = None, **more: Any) -> None:
        method = "client_secret_basic" if secret else "none"
        super().__init__(session, client_id, secret, token_endpoint_auth_method=method, **more)


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.requirement("interop:authlib:whole-life")
async def test_authlib_logs_in_refreshes_introspects_and_revokes(demo: Demo, http: httpx2.Client):
    """RFC 6749, RFC 7636, RFC 7662, RFC 7009: the resource server looks, and sees the end that the application made."""
    about = http.get(f"{demo.facts['issuer']}/.well-known/oauth-authorization-server").json()
    user, guard = demo.user("hugo"), demo.facts["resource_server"]
    verifier = "authlib-chose-this-verifier-which-is-long-enough-0"
    looking = AuthlibClient(http, guard["client_id"], guard["client_secret"])

    async with listening() as callback:
        app = AuthlibClient(
            http,
            demo.public_client["client_id"],
            redirect_uri=callback.url,
            scope="orders:read",
            code_challenge_method="S256",
        )
        url, state = app.create_authorization_url(
            about["authorization_endpoint"], code_verifier=verifier, resource=demo.facts["resource"]
        )
        await FormPerson(email=user["email"], password=user["password"]).visit(url)
        answer = await callback.answers.get()
    first = dict(app.fetch_token(about["token_endpoint"], code=answer["code"], code_verifier=verifier))
    second = dict(app.refresh_token(about["token_endpoint"], first["refresh_token"]))
    before = looking.introspect_token(about["introspection_endpoint"], second["access_token"]).json()
    revoked = app.revoke_token(about["revocation_endpoint"], second["refresh_token"])
    after = looking.introspect_token(about["introspection_endpoint"], second["access_token"]).json()

    assert (state, about["issuer"]) == (answer["state"], answer["iss"])
    assert first["refresh_token"] != second["refresh_token"]
    assert (True, app.client_id, "orders:read") == (before["active"], before["client_id"], before["scope"])
    assert 200 == revoked.status_code
    assert {"active": False} == after
