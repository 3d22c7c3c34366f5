"""
Every kind of credential at every door that is not its own: a code, a refresh token, an access token, an ID token, a cookie.
"""

import base64
import json

import pytest

from authserver.domain.exchange.policy import InvalidExchangeError
from tests.spec.test_oidc_core import userinfo
from tests.support.exchange import allowed_deputy
from tests.support.oauth_client import OAuthClient
from tests.support.oracle import unverified_claims
from tests.support.world import R1, R2, READ

pytestmark = pytest.mark.requirement("attack:confusion:each-credential-at-its-own-door")

KINDS = ("code", "refresh_token", "access_token", "id_token", "session")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


async def everything(server, app: OAuthClient) -> dict[str, str]:
    """Return one live credential of each kind, of one person and one application."""
    tokens = await app.sign_in(scope=f"openid profile {READ}", allowed=["profile"])
    return {
        "code": (await app.authorize(scope=f"openid {READ}")).code,
        "refresh_token": tokens.refresh_token,
        "access_token": tokens.access_token,
        "id_token": tokens.body["id_token"],
        "session": next(value for name, value in app.browser_of("u1").cookies.items() if "session" in name),
    }


@pytest.mark.parametrize("letter", ["P", "B"])
async def test_nothing_but_its_own_kind_opens_a_door(server, letter):
    """RS-12, RFC 8725 §3.11, §3.12: the token endpoint's two grants, userinfo and the session cookie."""
    app = server.client(letter)
    have = await everything(server, app)
    opened = []

    for kind in KINDS:
        credential = have[kind]
        if kind != "code" and (await app.redeem(credential)).ok:
            opened.append((kind, "code"))
        if kind != "refresh_token" and (await app.refresh(credential)).ok:
            opened.append((kind, "refresh"))
        if kind != "access_token" and (await userinfo(server, credential)).status_code != 401:
            opened.append((kind, "userinfo"))
        browser = server.browser()
        for name in app.browser_of("u1").cookies:
            browser.plant(name, credential)
        if kind != "session" and not (await browser.open("/account")).is_login:
            opened.append((kind, "session"))

    assert [] == opened
    assert 200 == (await userinfo(server, have["access_token"])).status_code
    assert (await app.refresh(have["refresh_token"])).ok


async def test_an_id_token_is_no_subject_of_an_exchange_and_no_proof_of_a_client(server):
    """RFC 8693 §2.1, RFC 7523 §3: what says who signed in gives nobody anything."""
    app = server.client("B")
    have = await everything(server, app)

    for kind in ("id_token", "access_token"):
        exchanged = await app.token(
            grant_type=EXCHANGE,
            subject_token=have[kind],
            subject_token_type=f"urn:ietf:params:oauth:token-type:{kind}",
            resource=app.app.resource,
        )
        proven = await app.token(
            authenticate=False,
            grant_type="client_credentials",
            client_id=app.app.client_id,
            client_assertion=have[kind],
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        assert not exchanged.ok
        assert not proven.ok
        assert proven.error in {"invalid_client", "invalid_request", "unauthorized_client"}


async def test_only_an_access_token_is_active_to_its_resource_server(server):
    """RFC 7662 §2.2: of every other kind it is told the same bytes as of nonsense."""
    app, rs = server.client("B"), server.client("RS1")
    have = await everything(server, app)

    said = {kind: (await rs.introspect(credential)).body for kind, credential in have.items()}

    assert said.pop("access_token")["active"]
    assert [{"active": False}] * 4 == list(said.values())


async def test_an_id_token_ends_nothing(server):
    """RFC 7009 §2.1: what is not a token of the two kinds is unknown, and what it names goes on."""
    app = server.client("B")
    have = await everything(server, app)

    for kind in ("id_token", "session", "code"):
        assert 200 == (await app.post("/revoke", token=have[kind])).status

    assert (await app.refresh(have["refresh_token"])).ok
    assert 200 == (await userinfo(server, have["access_token"])).status_code
    assert (await app.redeem(have["code"])).ok


@pytest.mark.one_database
async def test_a_header_that_says_something_else_is_not_believed(server):
    """RFC 8725 §3.11: an ID token with the type of an access token written over its own is no token of ours."""
    app = server.client("P")
    have = await everything(server, app)
    _, payload, signature = have["id_token"].split(".")
    access_header = have["access_token"].split(".")[0]
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()

    for forged in (
        f"{access_header}.{payload}.{signature}",
        f"{none}.{payload}.",
        f"{none}.{have['access_token'].split('.')[1]}.",
    ):
        assert 401 == (await userinfo(server, forged)).status_code


@pytest.mark.one_database
async def test_a_machines_token_and_another_issuers_say_nothing_of_a_person(server):
    """OpenID Connect Core §5.3: there is nobody behind the one, and the other is not ours to answer for."""
    machine = await server.client("M").client_credentials()
    third = await server.client("W").sign_in("u7", scope=f"openid {READ}")

    assert 403 == (await userinfo(server, machine.access_token)).status_code
    assert 401 == (await userinfo(server, third.access_token)).status_code
    assert 200 == (await userinfo(server, third.access_token, path="/t/t3")).status_code


@pytest.mark.one_database
async def test_a_code_of_one_login_carries_the_nonce_of_that_login_alone(server):
    """OpenID Connect Core §15.5.2: two requests at once do not mix."""
    app = server.client("P")
    one = await app.authorize(scope=f"openid {READ}", nonce="one")
    two = await app.authorize(scope=f"openid {READ}", nonce="two")

    second, first = await app.redeem(two), await app.redeem(one)

    assert ["one", "two"] == [unverified_claims(answer.body["id_token"])["nonce"] for answer in (first, second)]


@pytest.mark.one_database
async def test_a_token_that_a_server_got_to_act_with_says_nothing_of_the_person(server):
    """RFC 8693 §1.1: who acts for somebody is not told who that is, and no operator can allow it by a scope."""
    deputy = await allowed_deputy(server)
    caller = await server.client("P").sign_in("u1", scope=f"openid profile {READ}", allowed=["profile"])

    exchanged = await deputy.exchange(caller)
    wider = await deputy.exchange(caller, scope="openid profile")

    assert exchanged.ok
    assert not wider.ok
    assert 401 == (await userinfo(server, exchanged.access_token)).status_code
    for scopes in ({"openid": ()}, {READ: ("profile",)}):
        with pytest.raises(InvalidExchangeError):
            await server.operator.allow_exchange(R1, R2, scopes)
