"""RFC 7591: a client registers itself, is told what is in force, and logs a person in."""

import orjson
import pytest

from authserver import jobs
from authserver.domain.clients import registration
from authserver.domain.clients.registration import Wanted
from authserver.domain.clients.registry import NewClient
from authserver.runtime.schema import SHARED
from authserver.settings import SettingsError, load_settings
from tests.support.assertions import claims, form, new_key, public, signed
from tests.support.deployment import Deployment, logs_kept
from tests.support.registering import PLAIN, register, register_raw, registered
from tests.support.world import R5, R7

HOUR = 3600
DAY = 24 * HOUR

WELL_KNOWN = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/t3",
]


@pytest.mark.requirement("rfc7591:register:effective-metadata-without-nulls")
async def test_a_client_registers_and_is_told_what_is_in_force(server):
    """RFC 7591 §3.2.1; Claude Code breaks on null members (claude-code#52565)."""
    answer = await register(server, client_uri="https://agent.example", logo_uri=None, tos_uri="", unheard_of={"a": 1})

    assert 201 == answer.status_code
    assert "no-store" == answer.headers["cache-control"]
    assert "*" == answer.headers["access-control-allow-origin"]
    said = answer.json()
    client_id = said.pop("client_id")
    assert {
        **PLAIN,
        "client_uri": "https://agent.example",
        "application_type": "native",
        "client_id_issued_at": server.clock.now,
    } == said
    assert client_id.startswith("cli_")


@pytest.mark.requirement("rfc7591:register:becomes-a-login")
async def test_a_registered_client_logs_a_person_in_and_refreshes(server):
    """MCP A21: registration is enough to begin."""
    app = await registered(server)

    tokens = await app.sign_in("u1")

    assert server.world.tenants["t1"] == tokens.claims["tenant_id"]
    assert (await app.refresh(tokens)).ok


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:register:missing-members-have-defaults")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"grant_types": ...}, {"grant_types": ["authorization_code", "refresh_token"]}),
        ({"grant_types": []}, {"grant_types": ["authorization_code", "refresh_token"]}),
        ({"response_types": ...}, {"response_types": ["code"]}),
        ({"client_name": ...}, {"client_name": "Application without a name"}),
        ({"application_type": ...}, {"application_type": "native"}),
        ({"application_type": "spaceship"}, {"application_type": "native"}),
        ({"redirect_uris": ["https://agent.example/cb"]}, {"application_type": "web"}),
        ({"redirect_uris": ["com.example.agent:/cb", "http://localhost:7777/cb"]}, {"application_type": "native"}),
        (
            {"redirect_uris": ["https://agent.example/cb"], "token_endpoint_auth_method": ...},
            {"token_endpoint_auth_method": "client_secret_basic", "client_secret_expires_at": 0},
        ),
        ({"token_endpoint_auth_method": ...}, {"token_endpoint_auth_method": "none"}),
        ({"token_endpoint_auth_method": "client_secret_post"}, {"token_endpoint_auth_method": "none"}),
        ({"scope": "mcp:tools offline_access"}, {"scope": "mcp:tools offline_access"}),
    ],
    ids=str,
)
async def test_what_is_missing_has_a_default_that_the_answer_names(server, said, expected):
    """RFC 7591 §2, §3.2.1; boardoil#11, elmo#684: an OIDC default of `web` would refuse what native clients send."""
    answer = await register(server, **said)

    assert 201 == answer.status_code, answer.text
    assert expected == {name: answer.json().get(name) for name in expected}


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:register:at-most-a-public-interactive-client")
async def test_grants_without_a_person_are_dropped(server):
    """Issue: never more than a public interactive client; claude.ai lists jwt-bearer and must not fail by it."""
    bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    answer = await register(
        server,
        redirect_uris=["https://agent.example/cb"],
        token_endpoint_auth_method="client_secret_basic",
        grant_types=["client_credentials", "authorization_code", bearer, "implicit", "password"],
    )
    alone = await register(server, grant_types=["client_credentials"])

    device = "urn:ietf:params:oauth:grant-type:device_code"
    assert [device] == (await register(server, grant_types=[device], redirect_uris=...)).json()["grant_types"]
    assert ["authorization_code"] == answer.json()["grant_types"]
    assert (400, "invalid_client_metadata") == (alone.status_code, alone.json()["error"])


@pytest.mark.requirement("rfc7591:register:a-secret-where-it-can-be-kept")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_on_a_server_gets_a_secret_and_needs_it(server, method):
    """anthropics/claude-ai-mcp#1043: claude.ai asks for client_secret_post; RFC 7591 §3.2.1."""
    app = await registered(server, redirect_uris=["https://agent.example/cb"], token_endpoint_auth_method=method)

    tokens = await app.sign_in("u1")
    bare = await app.token(
        authenticate=False,
        grant_type="refresh_token",
        client_id=app.app.client_id,
        refresh_token=tokens.refresh_token,
    )
    machine = await app.client_credentials()

    assert "invalid_client" == bare.error
    assert "unauthorized_client" == machine.error
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("rfc7591:register:a-key-of-its-own")
async def test_a_client_registers_its_public_key_and_proves_itself_with_it(server):
    """RFC 7591 §2 `jwks`, RFC 7523 §2.2."""
    key = new_key()
    app = await registered(
        server,
        redirect_uris=["https://agent.example/cb"],
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [public(key)]},
    )
    code = await app.authorize("u1")

    bare = await app.redeem(code)
    tokens = await app.redeem(code, **form(signed(key, claims(app.app.client_id, server.issuer, server.clock.now))))

    assert "invalid_client" == bare.error
    assert tokens.ok


@pytest.mark.one_database
@pytest.mark.settings(confidential_redirects="https://search.example/oauth/callback")
@pytest.mark.requirement("rfc7591:register:a-secret-where-an-operator-says-so")
async def test_an_operator_names_clients_that_say_none_and_then_need_a_secret(server):
    """stacklok/toolhive#6252: Perplexity registers `none` and fails without client_secret; §3.2.1 lets us replace it."""
    app = await registered(server, redirect_uris=["https://search.example/oauth/callback"])

    assert "client_secret_post" == app.app.auth_method
    assert (await app.sign_in("u1")).ok


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:redirects:judged-one-by-one")
async def test_one_unusable_redirect_uri_is_left_out_and_named(server):
    """clients.md rule 3, erp-mafia/accounted#2225: the good ones register, the answer says what became of the rest."""
    answer = await register(
        server, redirect_uris=["editor://unknown/cb", "http://127.0.0.1/cb", "http://agent.example/cb"]
    )

    assert ["http://127.0.0.1/cb"] == answer.json()["redirect_uris"]
    refused = answer.json()["redirect_uris_refused"]
    assert ["editor://unknown/cb", "http://agent.example/cb"] == [one["redirect_uri"] for one in refused]
    assert all(one["reason"] for one in refused)


@pytest.mark.one_database
@pytest.mark.settings(private_use_redirects="editor://company.editor/oauth/callback")
@pytest.mark.requirement("rfc7591:redirects:private-use-by-exact-list")
@pytest.mark.parametrize(
    ("uri", "is_served"),
    [
        ("cursor://anysphere.cursor-mcp/oauth/callback", True),
        ("cursor://anysphere.cursor-retrieval/oauth/user-orders/callback", True),
        ("vscode://vscode.github-authentication/did-authenticate", True),
        ("claude://claude.ai/mcp-auth-callback/sdk", True),
        ("editor://company.editor/oauth/callback", True),
        ("cursor://anysphere.cursor-mcp/oauth/callback/", False),
        ("cursor://anysphere.cursor-retrieval/oauth/user-a/b/callback", False),
        ("cursor://evil.example/oauth/callback", False),
        ("editor://company.editor/oauth/callback?x=1", False),
        ("vscode://evil.extension/cb", False),
    ],
)
async def test_a_scheme_of_an_application_is_served_by_its_exact_uri(server, uri, is_served):
    """clients.md rule 3: a prefix would hand the code to any extension of the same editor; the list can be extended."""
    answer = await register(server, redirect_uris=[uri])

    assert is_served == (201 == answer.status_code)
    if is_served:
        assert [uri] == answer.json()["redirect_uris"]
    else:
        assert "invalid_redirect_uri" == answer.json()["error"]


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:redirects:reverse-domain-is-native")
@pytest.mark.parametrize(("application_type", "status"), [("native", 201), (..., 201), ("web", 400)])
async def test_a_reverse_domain_scheme_is_for_native_applications(server, application_type, status):
    """DR-04, OAuth 2.1 §8.4.3."""
    answer = await register(server, redirect_uris=["com.example.app:/cb"], application_type=application_type)

    assert status == answer.status_code


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:register:can-be-switched-off")
@pytest.mark.settings(dynamic_registration=False)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_where_registration_is_off_there_is_no_such_address(server, method):
    """DR-01; the issue wants it on by default, and one switch per deployment."""
    answer = await server.http.request(method, "/register")

    assert (404, "not_found") == (answer.status_code, answer.json()["error"])
    for address in WELL_KNOWN:
        assert "registration_endpoint" not in (await server.http.get(address)).json()


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:register:is-advertised")
@pytest.mark.parametrize("address", WELL_KNOWN)
async def test_registration_is_advertised_where_the_issuer_has_it(server, address):
    """RFC 8414 §2, RFC 7591 §3."""
    said = (await server.http.get(address)).json()

    assert said["issuer"] + "/register" == said["registration_endpoint"]


@pytest.mark.requirement("rfc7591:register:belongs-to-its-issuers-tenant")
async def test_a_client_that_registers_at_a_tenants_issuer_is_that_tenants(server):
    """Decision 22: at the shared issuer the person chooses the tenant; at a tenant's own it is chosen already."""
    own = await registered(server, issuer_path="/t/t3", resource=R7)
    shared = await registered(server, resource=R5)

    assert (await own.sign_in("u7")).ok
    elsewhere = await server.http.get("/authorize", params={"client_id": own.app.client_id})
    assert 400 == elsewhere.status_code
    for tenant in ("t1", "t2"):
        tokens = await shared.sign_in("u5", tenant=tenant)
        assert server.world.tenants[tenant] == tokens.claims["tenant_id"]
    assert own.app.client_id != shared.app.client_id


@pytest.mark.requirement("rfc7591:same:a-public-client-finds-itself-again")
async def test_a_public_client_that_says_the_same_gets_the_same_client_id(server):
    """lion-reader#975, mcphub#1174: claude.ai registers at nearly every connect; one row, not thousands."""
    said = {"redirect_uris": ["https://claude.ai/api/mcp/auth_callback"], "client_name": "Claude"}
    first = await registered(server, **said)
    tokens = await first.sign_in("u1")

    again = await registered(server, **said)
    other = await registered(server, **said | {"client_name": "Claude 2"})

    assert first.app.client_id == again.app.client_id != other.app.client_id
    assert (await first.refresh(tokens)).ok
    assert (await again.consent_page("u1")).is_consent, (
        "a public client is never believed to be the one that was allowed"
    )


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:same:a-public-client-finds-itself-again")
async def test_another_loopback_port_is_no_other_client(server):
    """microsoft/vscode#278512, Claude Code: the port changes at every start, and is free (RFC 8252 §7.3)."""
    first = await registered(server, redirect_uris=["http://localhost:3118/callback"])
    again = await registered(server, redirect_uris=["http://localhost:50001/callback"])
    other = await registered(server, redirect_uris=["http://localhost:3118/elsewhere"])

    assert first.app.client_id == again.app.client_id != other.app.client_id
    assert ("http://localhost:50001/callback",) == again.app.redirect_uris
    assert (await again.sign_in("u1")).ok


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:same:a-secret-is-never-shared")
async def test_two_confidential_clients_are_never_one(server):
    """Ours: whoever copies a confidential client's metadata learns and changes nothing of it."""
    said = {"redirect_uris": ["https://agent.example/cb"], "token_endpoint_auth_method": "client_secret_post"}
    first, second = await registered(server, **said), await registered(server, **said)

    assert first.app.client_id != second.app.client_id
    assert first.app.secret != second.app.secret
    assert (await first.sign_in("u1")).ok


@pytest.mark.requirement("rfc7591:expiry:unused-registrations-lapse")
async def test_a_registration_that_nobody_uses_lapses(server):
    """clients.md rule 3: without a grant it is gone after a day, everywhere, and the same client may come again."""
    app = await registered(server)
    server.clock.advance(DAY - 60)
    await jobs.expire(server.machines)
    still_there = await app.ask("u1")

    server.clock.advance(60)
    await jobs.expire(server.machines)

    assert still_there.is_login
    gone = await server.browser().open(app.url())
    assert server.is_error_page(gone)
    assert "add it again" in gone.text
    answer = await app.refresh("rt_x")
    assert (401, "invalid_client") == (answer.status, answer.error)
    assert app.app.client_id != (await registered(server)).app.client_id
    assert "client:registration:expired" in await server.operator.kinds(None)


@pytest.mark.one_database
@pytest.mark.settings(registration_unused_seconds=HOUR)
@pytest.mark.requirement("rfc7591:expiry:unused-registrations-lapse")
async def test_asking_again_keeps_an_unused_registration(server):
    """Ours: whoever was told a client_id a minute ago can log in with it."""
    app = await registered(server)
    server.clock.advance(HOUR - 60)
    again = await registered(server)

    server.clock.advance(120)
    await jobs.expire(server.machines)

    assert app.app.client_id == again.app.client_id
    assert (await again.sign_in("u1")).ok


@pytest.mark.requirement("rfc7591:expiry:used-registrations-outlive-their-tokens")
async def test_a_registration_that_is_used_stays_long_after_its_last_authorization(server):
    """MCP pitfall 9: an id that dies before its tokens leaves the client stuck."""
    app = await registered(server)
    await app.sign_in("u1")
    life = server.settings.interactive_absolute_seconds

    server.clock.advance(life + 89 * DAY)
    await jobs.expire(server.machines)
    late = await app.sign_in("u1")
    server.clock.advance(life + 89 * DAY)
    await jobs.expire(server.machines)
    later = await app.refresh(late)
    server.clock.advance(2 * DAY)
    await jobs.expire(server.machines)

    assert "invalid_grant" == later.error, "the client is still known"
    assert "invalid_client" == (await app.refresh(late)).error


@pytest.mark.requirement("rfc7591:register:is-recorded")
async def test_a_registration_and_its_refusal_are_recorded(server):
    """Decision 15: without a name or address in the clear."""
    before = await server.operator.events(None)
    await register(server)
    await register(server, redirect_uris=["javascript:alert(1)"])

    recorded = await server.operator.events(None, besides=before)

    assert ["client:registration:done", "client:registration:refused"] == sorted(row["kind"] for row in recorded)
    assert "dangerous_redirect_uri" in {row["reason"] for row in recorded}
    assert all("Some Agent" not in str(row) for row in recorded)


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:register:is-json")
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"[]", {}),
        (b'"text"', {}),
        (b"{", {}),
        (b'{"redirect_uris": ["http://127.0.0.1/cb"], "redirect_uris": ["https://x.example/cb"]}', {}),
        (b'{"redirect_uris": ["http://127.0.0.1/cb"], "a": ' + b"[" * 40 + b"]" * 40 + b"}", {}),
        (b'{"redirect_uris": ["http://127.0.0.1/cb"], "client_name": "\\ud800"}', {}),
        (b'{"redirect_uris": ["http://127.0.0.1/cb"], "client_name": "\xff"}', {}),
        (orjson.dumps(PLAIN), {"content-type": "text/plain"}),
        (orjson.dumps(PLAIN), {"content-type": "application/x-www-form-urlencoded"}),
        (orjson.dumps(PLAIN), {"content-type": "application/json; charset=utf-16"}),
        (orjson.dumps(PLAIN), {"content-encoding": "gzip"}),
    ],
    ids=range(12),
)
async def test_only_one_strict_json_object_is_read(server, body, headers):
    """RFC 7591 §3.1; two readers must not see two clients."""
    answer = await register_raw(server, body, **headers)

    assert (400, "invalid_client_metadata") == (answer.status_code, answer.json()["error"])


@pytest.mark.one_database
@pytest.mark.requirement("rfc7591:register:is-json")
async def test_a_charset_of_utf8_is_understood(server):
    """RFC 8259 §8.1; some HTTP libraries always say it."""
    answer = await register_raw(server, orjson.dumps(PLAIN), **{"content-type": "application/json; charset=UTF-8"})

    assert 201 == answer.status_code


@pytest.mark.requirement("ours:registration:settings-are-checked")
@pytest.mark.parametrize(
    "wrong",
    [
        {"private_use_redirects": "https://agent.example/cb"},
        {"private_use_redirects": "no-scheme"},
        {"confidential_redirects": "http://127.0.0.1/cb"},
        {"confidential_redirects": "editor://company.editor/cb"},
        {"registration_unused_seconds": 60},
        {"registration_unused_seconds": 8 * DAY},
        {"registrations_per_minute": 0},
    ],
    ids=str,
)
def test_a_wrong_setting_of_registration_stops_the_start(wrong):
    """Design §4: and names the setting."""
    with pytest.raises(SettingsError, match=next(iter(wrong)).upper()):
        load_settings(**wrong)


@pytest.mark.requirement("ours:registration:operators-see-and-remove")
def test_an_operator_finds_and_removes_what_registered_itself(tmp_path):
    """Issue: with how it became known and when it was last used."""
    with logs_kept():
        deployment = Deployment.migrated(tmp_path)
        deployment.told("client", "add", "--name", "Ours", "--redirect-uri", "https://ours.example/cb")
        client_id = deployment.inside(_registers)

        listed = deployment.told("client", "list", "--shared", "--origin", "registration", "--unused")
        deployment.told("client", "remove", client_id, "--yes")
        left = deployment.told("client", "list", "--shared")

    assert [(client_id, "registration", None)] == [
        (client["client_id"], client["origin"], client["last_used"]) for client in listed
    ]
    assert [("Ours", "operator")] == [(client["name"], client["origin"]) for client in left]


async def _registers(machines):
    work = machines.work(tenant=SHARED)
    wanted = Wanted(
        name="Stranger",
        auth_method="none",
        grant_types=("authorization_code",),
        redirect_uris=("http://127.0.0.1/cb",),
        application_type="native",
    )
    made = await registration.register(work, wanted)
    assert isinstance(made, NewClient)
    assert await work.commit()
    return made.client.id
