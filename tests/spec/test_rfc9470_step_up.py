"""RFC 9470: a guard asks for a fresher login, and a client that follows the challenge gets its call through."""

import json
import re

import httpx2
import pytest

from resource_lib import ResourceGuard, read
from resource_lib.identity.jwks_cache import JWKSCache
from tests.support.bare import BARE
from tests.support.guarded import Recorder, call
from tests.support.world import R1

PASSWORD = "urn:authserver:acr:password"


class Guard:
    """A guarded server that believes the authorization server of this test, by its keys and its clock."""

    def __init__(self, server, **demand):
        self.behind = Recorder()
        guard = ResourceGuard(
            **BARE,
            issuer=server.issuer,
            resource=R1,
            tools={"search_orders": read("orders:read", **demand)},
            keys=JWKSCache(issuer=server.issuer, transport=httpx2.ASGITransport(app=server.app)),
            clock=lambda: float(server.now),
        )
        self._app = guard.wrap(self.behind)

    async def call(self, tokens):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search_orders", "arguments": {}}}
        headers = [("authorization", f"Bearer {tokens.access_token}"), ("host", "mcp1.example")]
        return await call(self._app, "POST", "/mcp", headers=headers, body=json.dumps(body).encode())


def challenged(answer):
    """Return the parameters of the challenge, as a client reads them."""
    return dict(re.findall(r'(\w+)="([^"]*)"', answer.header("www-authenticate")))


@pytest.mark.requirement("rfc9470:step-up:end-to-end")
async def test_a_client_that_follows_the_challenge_logs_its_person_in_again_and_calls(server):
    """§3, §4, §5: 401 with max_age, /authorize with it, the password once more, a token that says when, the call runs."""
    app, guard = server.client("P"), Guard(server, max_age=300, acr=[PASSWORD])
    tokens = await app.sign_in("u1")
    server.clock.advance(301)

    refused = await guard.call(tokens)
    said = challenged(refused)
    assert (401, "insufficient_user_authentication", "300") == (refused.status, said["error"], said["max_age"])
    refreshed = await app.refresh(tokens)
    assert 401 == (await guard.call(refreshed)).status, "a refresh is no login"

    page = await app.ask("u1", max_age=said["max_age"], acr_values=said["acr_values"])
    assert page.is_login
    fresh = await app.sign_in("u1", max_age=said["max_age"], acr_values=said["acr_values"])
    ran = await guard.call(fresh)

    assert server.now == fresh.claims["auth_time"]
    assert PASSWORD == fresh.claims["acr"]
    assert 200 == ran.status
    assert 1 == len(guard.behind.seen)


@pytest.mark.requirement("rfc9470:step-up:end-to-end")
@pytest.mark.one_database
async def test_a_refused_login_gives_no_fresher_token(server):
    """§4: whoever holds the browser without the password gets nothing by asking."""
    app = server.client("P")
    await app.sign_in("u1")
    server.clock.advance(301)

    page = await app.ask("u1", max_age=300)
    again = await app.browser_of("u1").log_in(page, server.world.people["u1"].email, "wrong password")

    assert again.is_login or not again.is_consent
    assert (await app.ask("u1", max_age=300)).is_login


@pytest.mark.requirement("rfc9470:acr-values:what-cannot-be-met-is-said")
@pytest.mark.one_database
async def test_a_strength_that_no_login_here_has_is_refused_before_anybody_logs_in(server):
    """§5: unmet_authentication_requirements at the client's own address, and at /par; one of several is enough."""
    app = server.client("P")
    page = await app.ask("u1", acr_values="urn:test:hardware phr")
    pushed = await app.push(acr_values="urn:test:hardware")
    among = await app.ask("u1", acr_values=f"urn:test:hardware {PASSWORD}")
    long = await app.push(acr_values="x" * 1001)

    assert "error=unmet_authentication_requirements" in page.location
    assert "unmet_authentication_requirements" == pushed.error
    assert among.is_login
    assert "invalid_request" == long.error


@pytest.mark.requirement("rfc9470:acr-values:what-cannot-be-met-is-said")
@pytest.mark.one_database
async def test_the_metadata_names_what_a_token_then_says(server):
    """§7."""
    document = (await server.http.get("/.well-known/oauth-authorization-server")).json()
    tokens = await server.client("P").sign_in("u1", acr_values=document["acr_values_supported"][0])

    assert document["acr_values_supported"] == [tokens.claims["acr"]]
