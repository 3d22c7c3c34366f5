"""RFC 8414: who we are and what we support, at every place a client may look, byte for byte."""

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from authserver.web.routes import ROUTES, WELL_KNOWN

pytestmark = pytest.mark.one_database

ROOT = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
PATH = [
    "/.well-known/oauth-authorization-server/t/t3",
    "/.well-known/openid-configuration/t/t3",
    "/t/t3/.well-known/openid-configuration",
]


@pytest.mark.requirement("rfc8414:metadata:at-every-location")
@pytest.mark.parametrize(
    ("location", "path"), [*((place, "") for place in ROOT), *((place, "/t/t3") for place in PATH)]
)
async def test_the_metadata_is_at_every_place_a_client_may_look(server, location, path):
    """RFC 8414 §3.1, §5, MCP A3 to A5: root and path issuers, inserted and appended, the issuer byte-identical."""
    answer = await server.http.get(location)
    found = answer.json()

    assert 200 == answer.status_code
    assert "application/json" == answer.headers["content-type"]
    assert server.issuer + path == found["issuer"]
    assert answer.content == (await server.http.get((PATH if path else ROOT)[0])).content


@pytest.mark.requirement("rfc8414:metadata:says-what-we-do")
@pytest.mark.parametrize("location", [ROOT[0], PATH[0]])
async def test_the_metadata_says_what_the_specifications_ask_for(server, location):
    """RFC 8414 §2, RFC 9207 §3, RFC 7636, MCP A6, A7, A28, A34; §7a.2 as far as it is built."""
    found = (await server.http.get(location)).json()

    assert ["S256"] == found["code_challenge_methods_supported"]
    assert ["code"] == found["response_types_supported"]
    assert {"authorization_code", "refresh_token", "client_credentials"} <= set(found["grant_types_supported"])
    assert {"none", "client_secret_basic", "client_secret_post"} <= set(found["token_endpoint_auth_methods_supported"])
    assert found["authorization_response_iss_parameter_supported"] is True
    assert "offline_access" in found["scopes_supported"]
    for name, value in found.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(found["issuer"] + "/"), name


@pytest.mark.requirement("rfc8414:metadata:is-valid-to-authlib")
@pytest.mark.parametrize("location", [ROOT[0], PATH[0]])
async def test_somebody_elses_library_finds_the_metadata_valid(server_at_https, location):
    """RFC 8414 §2, by authlib's validation; it demands https, so the issuer is an https one."""
    found = (await server_at_https.http.get(location)).json()

    AuthorizationServerMetadata(found).validate()

    assert found["issuer"].startswith("https://")


@pytest.mark.requirement("rfc8414:metadata:advertises-nothing-that-is-not-there")
@pytest.mark.parametrize("location", [ROOT[0], PATH[0]])
async def test_every_advertised_endpoint_answers(server, location):
    """Design §1: what we advertise is what we do."""
    found = (await server.http.get(location)).json()
    endpoints = {name: value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))}

    statuses = {name: (await server.http.get(value)).status_code for name, value in endpoints.items()}

    assert {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(endpoints)
    assert not {name for name, status in statuses.items() if status in {404, 500}}


@pytest.mark.requirement("rfc8414:metadata:leaves-nothing-out-that-is-there")
@pytest.mark.parametrize("location", [ROOT[0], PATH[0]])
async def test_every_endpoint_that_a_program_can_use_is_advertised(server, location):
    """Design §1, the other way round: what works and is not told is found by nobody but whoever looks for holes."""
    found = (await server.http.get(location)).json()
    told = {
        value.removeprefix(found["issuer"]) for name, value in found.items() if name.endswith(("_endpoint", "_uri"))
    }

    # Under `/rs` the resource servers' library knows its way; they are told of by the contract, not by the metadata.
    there = {
        path
        for path, route in ROUTES.items()
        if route.group in {"public", "protocol", "backchannel"} and not path.startswith("/rs/")
    }

    assert there - set(WELL_KNOWN) == told - {"/authorize"}


@pytest.mark.requirement("rfc8414:metadata:leaves-nothing-out-that-is-there")
@pytest.mark.parametrize("letter", ["P", "B", "K"])
async def test_the_grants_that_are_understood_are_those_that_are_advertised(server, letter):
    """RFC 8414 §2: any other is unknown, each of these is at most not this client's."""
    advertised = (await server.http.get(ROOT[0])).json()["grant_types_supported"]
    app = server.client(letter)
    others = [
        "implicit", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba",
    ]  # fmt: skip

    known = {name: (await app.token(grant_type=name)).error for name in advertised}
    unknown = {(await app.token(grant_type=name)).error for name in others}

    assert "unsupported_grant_type" not in known.values()
    assert {"unsupported_grant_type"} == unknown


@pytest.mark.requirement("rfc8414:metadata:unknown-issuers-are-404")
@pytest.mark.parametrize(
    "location",
    [
        "/.well-known/oauth-authorization-server/t/t1",
        "/.well-known/oauth-authorization-server/t/nobody",
        "/.well-known/oauth-authorization-server/t/t3/",
        "/.well-known/oauth-authorization-server/T/t3",
        "/.well-known/oauth-authorization-server/t/T3",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/oauth-authorization-server/t/..%2ft3",
        "/.well-known/oauth-authorization-server/t/t3%2f",
        "/.well-known/oauth-authorization-server//t/t3",
        "/t/nobody/.well-known/openid-configuration",
        "/t/../.well-known/openid-configuration",
    ],
)
async def test_an_issuer_that_does_not_exist_has_no_metadata(server, location):
    """RFC 8414 §3 (TN-11): one canonical form; a tenant without an issuer of its own has none."""
    answer = await server.raw(location)

    assert 404 == answer.status_code


@pytest.mark.requirement("rfc8414:metadata:issuer-comes-from-settings")
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {"forwarded": "host=evil.example;proto=https"},
        {"x-original-host": "evil.example", "x-forwarded-prefix": "/evil"},
    ],
)
@pytest.mark.parametrize("location", [ROOT[0], ROOT[1], PATH[0], "/jwks.json"])
async def test_no_header_changes_who_we_say_we_are(server, location, headers):
    """JK-08, GHSA-93m4-mfpg-c3xf, CVE-2025-64101: the issuer comes from the settings alone."""
    plain = await server.http.get(location)

    answer = await server.http.get(location, headers=headers)

    assert answer.status_code in {200, 400, 421}
    assert b"evil" not in answer.content
    assert answer.status_code != 200 or plain.content == answer.content


@pytest.mark.requirement("rfc7517:jwks:public-halves-alone")
@pytest.mark.parametrize("location", ["/jwks.json", "/t/t3/jwks.json"])
async def test_the_key_set_holds_public_halves_alone(server, location):
    """RFC 7517 §9.3 (JK-01): no private member, unique kid, use and alg, cacheable for a while."""
    answer = await server.http.get(location)
    keys = answer.json()["keys"]

    assert keys
    assert len(keys) == len({key["kid"] for key in keys})
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & set(key)
        assert ("sig", "ES256") == (key["use"], key["alg"])
    assert answer.headers["content-type"] in {"application/json", "application/jwk-set+json"}
    assert "max-age=300" in answer.headers["cache-control"]


@pytest.mark.requirement("rfc7517:jwks:public-halves-alone")
async def test_each_issuer_has_keys_of_its_own(server):
    """Decision 22: a tenant's own issuer shares no key with the deployment's."""
    shared = {key["kid"] for key in (await server.http.get("/jwks.json")).json()["keys"]}
    own = {key["kid"] for key in (await server.http.get("/t/t3/jwks.json")).json()["keys"]}

    assert not shared & own


@pytest.mark.requirement("rfc9110:conditional:unchanged-documents-are-304")
@pytest.mark.parametrize("location", [ROOT[0], "/jwks.json"])
async def test_a_document_that_did_not_change_is_not_sent_again(server, location):
    """RFC 9110 §13.1.2, decision 20."""
    first = await server.http.get(location)

    second = await server.http.get(location, headers={"if-none-match": first.headers["etag"]})

    assert 304 == second.status_code
    assert b"" == second.content
