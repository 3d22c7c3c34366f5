"""OpenID Connect Discovery 1.0: one document with RFC 8414, true in every member."""

import warnings

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from tests.support.oracle import header, unverified_claims

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.oidc.discovery import OpenIDProviderMetadata

pytestmark = pytest.mark.one_database

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
NEEDED = {
    "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "scopes_supported",
    "response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported", "claims_supported",
}  # fmt: skip


@pytest.mark.requirement("oidc:discovery:one-document")
@pytest.mark.parametrize("path", ["", "/t/t3"])
async def test_the_same_bytes_serve_oauth_and_openid(server, path):
    """clients.md rule 1; OpenID Connect Discovery §3, §4.3: one issuer, one document."""
    openid = await server.http.get(path + OPENID)
    oauth = await server.http.get((OAUTH + path) if path else OAUTH)

    found = openid.json()
    assert oauth.content == openid.content
    assert server.issuer + path == found["issuer"]
    assert not NEEDED - set(found)
    assert {"openid", "profile", "email", "offline_access"} == set(found["scopes_supported"])
    assert ["public"] == found["subject_types_supported"]
    assert f"{server.issuer}{path}/userinfo" == found["userinfo_endpoint"]
    for unsupported in ("request_parameter_supported", "request_uri_parameter_supported", "claims_parameter_supported"):
        assert found[unsupported] is False


@pytest.mark.requirement("oidc:discovery:valid-to-authlib")
async def test_somebody_elses_library_finds_it_valid_as_both(server_with):
    """By authlib's two models. OpenID Connect Discovery §3 wants RS256 listed; who needs it signs with it."""
    server = await server_with(issuer="https://auth.example.com", signing_algorithm="RS256")
    assert await server.operator.rotate_keys()

    found = (await server.http.get(OPENID)).json()
    AuthorizationServerMetadata(found).validate()
    OpenIDProviderMetadata(found).validate()

    assert "RS256" in found["id_token_signing_alg_values_supported"]


@pytest.mark.requirement("oidc:discovery:says-how-it-signs")
async def test_what_is_not_signed_with_is_not_advertised(server):
    """Ours: RS256 is not listed by a deployment that signs with ES256, although a strict reading wants it to be."""
    tokens = await server.client("P").sign_in(scope="openid orders:read")

    found = (await server.http.get(OPENID)).json()
    with pytest.raises(ValueError, match="RS256"):
        OpenIDProviderMetadata(
            {**found, "issuer": "https://a.example"}
        ).validate_id_token_signing_alg_values_supported()

    assert ["ES256"] == found["id_token_signing_alg_values_supported"]
    assert "ES256" == header(tokens.body["id_token"])["alg"]


@pytest.mark.requirement("oidc:discovery:says-how-it-signs")
async def test_while_keys_change_both_ways_of_signing_are_listed(server_with):
    """Decision 16: the next key is published before it signs, and so is how it will."""
    server = await server_with(signing_algorithm="EdDSA")
    before = (await server.http.get(OPENID)).json()["id_token_signing_alg_values_supported"]
    assert await server.operator.rotate_keys(publish_ahead_s=600)

    after = (await server.http.get(OPENID)).json()["id_token_signing_alg_values_supported"]

    assert ["ES256"] == before
    assert ["ES256", "EdDSA"] == after


@pytest.mark.requirement("oidc:discovery:claims-are-those-that-come")
async def test_every_claim_that_comes_is_listed_and_every_listed_one_can_come(server):
    """OpenID Connect Discovery §3 `claims_supported`."""
    app = server.client("P")
    tokens = await app.sign_in(scope="openid profile email orders:read", nonce="n", allowed=["profile", "email"])
    found = (await server.http.get(OPENID)).json()

    assert set(found["claims_supported"]) == set(unverified_claims(tokens.body["id_token"]))
    assert [unverified_claims(tokens.body["id_token"])["acr"]] == found["acr_values_supported"]


@pytest.mark.requirement("oidc:discovery:says-how-it-signs")
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"id_token_signed_response_alg": "RS256"}, "ES256"),
        ({"id_token_signed_response_alg": "none"}, "ES256"),
        ({"scope": "openid email"}, "ES256"),
        ({}, None),
    ],
)
async def test_whoever_registers_for_openid_is_told_how_id_tokens_are_signed(server, asked, told):
    """RFC 7591 §3.2.1: what was asked for is replaced by what is in force, and said so; never `none`."""
    answer = await server.http.post("/register", json={"redirect_uris": ["http://127.0.0.1/cb"], **asked})

    assert 201 == answer.status_code
    assert told == answer.json().get("id_token_signed_response_alg")
