"""RFC 9068: what stands in an access token, read by somebody else's library."""

import pytest

from tests.support.oracle import header, unverified_claims, verified_claims
from tests.support.world import R1, R7, WRITE

pytestmark = pytest.mark.one_database

EVERYBODY = {
    "iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "tenant_id", "authorization_id", "ctl",
}  # fmt: skip
PEOPLE = {"roles", "acr", "auth_time", "amr"}


@pytest.mark.requirement("rfc9068:token:has-exactly-the-contract-claims")
async def test_a_persons_token_says_exactly_what_the_contract_says(server):
    """RFC 9068 §2.2, design §4: every claim by name and value, none besides."""
    app = server.client("P")
    tokens = await app.sign_in("u2", scope=WRITE, tools=["update_order"])
    claims = tokens.claims

    assert EVERYBODY | PEOPLE == set(claims)
    assert server.issuer == claims["iss"]
    assert server.world.people["u2"].subs["t1"] == claims["sub"]
    assert R1 == claims["aud"]
    assert app.app.client_id == claims["client_id"]
    assert set(WRITE.split()) == set(claims["scope"].split())
    assert (server.clock.now, server.clock.now + 600) == (claims["iat"], claims["exp"])
    assert server.world.tenants["t1"] == claims["tenant_id"]
    assert ["member", "admin"] == claims["roles"]
    assert ["pwd"] == claims["amr"]
    assert isinstance(claims["ctl"], int)


@pytest.mark.requirement("rfc9068:token:header-is-fixed")
@pytest.mark.parametrize("letter", ["P", "M", "W"])
async def test_the_header_is_alg_kid_typ_and_nothing_else(server, letter):
    """RFC 9068 §2.1, RFC 8725 §3.11."""
    app = server.client(letter)
    tokens = await (app.client_credentials() if letter == "M" else app.sign_in("u7" if letter == "W" else "u1"))

    found = header(tokens.access_token)

    assert {"alg": "ES256", "typ": "at+jwt", "kid": found["kid"]} == found


@pytest.mark.requirement("rfc9068:token:verifies-for-others")
@pytest.mark.parametrize(("letter", "who", "path", "audience"), [("P", "u1", "", R1), ("W", "u7", "/t/t3", R7)])
async def test_somebody_elses_library_verifies_the_token_with_the_published_keys(server, letter, who, path, audience):
    """RFC 9068 §4: pyjwt, the issuer's key set, the issuer and the audience."""
    tokens = await server.client(letter).sign_in(who)
    keys = (await server.http.get(f"{path}/jwks.json")).json()

    claims = verified_claims(tokens.access_token, keys, issuer=server.issuer + path, audience=audience)

    assert tokens.claims == claims


@pytest.mark.requirement("rfc9068:token:holds-no-personal-data")
async def test_a_token_is_small_and_names_nobody(server):
    """Design §4: under 2 KB; no e-mail address, no name."""
    tokens = await server.client("P").sign_in(scope=WRITE, tools=["update_order"])
    someone = server.world.people["u1"]
    said = str(unverified_claims(tokens.access_token)).casefold()

    assert len(tokens.access_token) < 2048
    assert someone.email.casefold() not in said
    assert someone.name.casefold() not in said


@pytest.mark.requirement("rfc9068:token:subject-differs-by-tenant")
async def test_one_person_has_another_subject_in_every_tenant(server):
    """Decision 22: nobody can follow a person across tenants."""
    app = server.client("G")

    subjects = {(await app.sign_in("u5", tenant=slug)).claims["sub"] for slug in ("t1", "t2")}

    assert 2 == len(subjects)


@pytest.mark.requirement("rfc9068:token:is-unique")
async def test_every_token_has_an_id_of_its_own(server):
    """RFC 9068 §2.2 `jti`, even for tokens of the same second."""
    app = server.client("M")

    ids = {(await app.client_credentials()).claims["jti"] for _ in range(20)}

    assert 20 == len(ids)


@pytest.mark.requirement("rfc9068:token:algorithm-is-a-setting")
@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256"])
async def test_the_other_algorithms_verify_for_others_too(server_with, algorithm):
    """Design §4: ES256 by default, EdDSA and RS256 by a setting; the next key is of that kind."""
    server = await server_with(signing_algorithm=algorithm)
    await server.operator.rotate_keys()
    tokens = await server.client("M").client_credentials()
    keys = (await server.http.get("/jwks.json")).json()

    claims = verified_claims(tokens.access_token, keys, issuer=server.issuer, audience=R1)

    assert algorithm == header(tokens.access_token)["alg"]
    assert tokens.claims == claims
