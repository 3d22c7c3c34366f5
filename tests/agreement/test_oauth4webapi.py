"""npm `oauth4webapi`, which checks every answer against its specification, walks through our server without a word about us."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.agreement import npm
from tests.agreement.conftest import Documents
from tests.agreement.demo_process import Demo
from tests.agreement.keys import key_pair, registered
from tests.agreement.people import FormPerson

pytestmark = [npm.needs_npm, pytest.mark.usefixtures("packages")]

READING = {"orders:read", "customers:read", "tickets:read"}


@pytest.fixture
def walk(demo: Demo, tally: Callable[..., None]) -> Callable[..., Any]:
    """Return what runs the script with these steps, while alice does what a person has to do."""

    async def walked(*steps: str, tells: frozenset[str] = frozenset(), **job: Any) -> dict[str, dict[str, Any]]:
        user = demo.user("alice")
        person = FormPerson(email=user["email"], password=user["password"], tells=tells)
        script = npm.Script("oauth4webapi", {"resource": demo.facts["resource"], "steps": steps, **job})
        try:
            return await script.walk(
                person, device=lambda said: person.connect_device(said["verification_uri"], said["user_code"])
            )
        finally:
            suite = f"oauth4webapi {npm.version('oauth4webapi')}"
            tally(suite, scenarios=1, checks=len(steps), failures=len(steps) - script.held)

    return walked


@pytest.mark.requirement("interop:oauth4webapi:login-and-refresh")
async def test_it_finds_us_logs_in_and_refreshes(demo: Demo, walk: Callable[..., Any]):
    """RFC 9728, RFC 8414, RFC 7636, RFC 9207, RFC 9068; from the MCP server's address alone."""
    app = {"client_id": demo.public_client["client_id"]}

    told = await walk("discovery", "known", "login", "refresh", client=app)

    assert told["discovery"]["alike"]
    assert demo.facts["issuer"] == told["discovery"]["metadata"]["issuer"]
    for step in (told["login"], told["refresh"]):
        assert set(step["scope"].split()) >= READING
        assert (600, True) == (step["expires_in"], step["refreshable"])
        assert demo.facts["resource"] == step["claims"]["aud"]
    assert told["login"]["claims"]["authorization_id"] == told["refresh"]["claims"]["authorization_id"]
    assert told["login"]["claims"]["jti"] != told["refresh"]["claims"]["jti"]
    assert told["refresh"]["rotated"]


@pytest.mark.requirement("interop:oauth4webapi:registers-itself")
async def test_it_registers_itself_logs_in_and_refreshes(demo: Demo, walk: Callable[..., Any]):
    """RFC 7591 §3.2.1: 201, and what was registered."""
    registration = {"client_name": "oauth4webapi", "token_endpoint_auth_method": "none"}

    told = await walk("discovery", "registration", "login", "refresh", registration=registration)

    assert 201 == told["registration"]["status"]
    assert "oauth4webapi" == told["registration"]["client"]["client_name"]
    assert told["registration"]["client"]["client_id"] == told["login"]["claims"]["client_id"]
    assert set(told["refresh"]["scope"].split()) >= READING


@pytest.mark.requirement("interop:oauth4webapi:pushes-its-requests")
async def test_it_pushes_its_authorization_request(demo: Demo, walk: Callable[..., Any]):
    """RFC 9126: what was left there comes back as a code for the same application, once for every request."""
    registration = {"client_name": "oauth4webapi, pushing", "token_endpoint_auth_method": "none"}

    told = await walk("discovery", "registration", "pushing", "login", "refresh", "login", registration=registration)

    assert demo.facts["issuer"] + "/par" == told["pushing"]["endpoint"]
    assert told["login"]["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert told["registration"]["client"]["client_id"] == told["login"]["claims"]["client_id"]
    assert set(told["refresh"]["scope"].split()) >= READING


@pytest.mark.requirement("interop:oauth4webapi:whole-life")
async def test_a_whole_life_of_a_token(demo: Demo, walk: Callable[..., Any]):
    """RFC 9728, 8414, 7591, 9126, 7636, 9207, 6749 §6, 7662, 7009: from nothing to an end that is an end."""
    registration = {"client_name": "oauth4webapi, all of it", "token_endpoint_auth_method": "none"}
    job = {"registration": registration, "resource_server": demo.facts["resource_server"]}
    end = ("introspection", "revocation", "introspection", "refusedRefresh")

    told = await walk("discovery", "registration", "pushing", "login", "refresh", *end, **job)

    active = told["introspection"]["answer"]
    assert active["active"]
    assert told["refresh"]["claims"]["sub"] == active["sub"]
    assert told["registration"]["client"]["client_id"] == active["client_id"]
    assert 200 == told["revocation"]["status"]
    assert {"active": False} == told["introspection again"]["answer"]
    assert ("invalid_grant", 400) == (told["refusedRefresh"]["error"], told["refusedRefresh"]["status"])


@pytest.mark.requirement("interop:oauth4webapi:is-known-by-its-document")
@pytest.mark.parametrize("proof", ["none", "private_key_jwt"])
async def test_it_is_known_by_its_metadata_document(
    demo: Demo, walk: Callable[..., Any], documents: Documents, proof: str
):
    """draft-ietf-oauth-client-id-metadata-document: a public application, and one that proves itself with a key."""
    private, public = key_pair("ES256")
    keys = {"jwks": {"keys": [public]}} if proof == "private_key_jwt" else {}
    redirects = {"redirect_uris": ["http://127.0.0.1/callback"]}
    address = documents.publish(f"oauth4webapi-{proof}", token_endpoint_auth_method=proof, **redirects, **keys)
    holder = {"private_jwk": private} if keys else {}

    told = await walk(
        "discovery", "document", "pushing", "login", "refresh", "revocation", document=address, client=holder
    )

    assert told["discovery"]["metadata"]["client_id_metadata_document_supported"]
    assert address == told["login"]["claims"]["client_id"] == told["refresh"]["claims"]["client_id"]
    assert 200 == told["revocation"]["status"]


@pytest.mark.requirement("interop:oauth4webapi:openid")
async def test_it_learns_who_signed_in(demo: Demo, walk: Callable[..., Any]):
    """OpenID Connect Core §3.1.3.7, §5.3.2: signature, issuer, audience, nonce, auth_time, and the same `sub` everywhere."""
    app = {"client_id": demo.public_client["client_id"]}

    told = await walk(
        "discovery", "known", "openid", "userinfo", "refresh", client=app, openid_scope="openid orders:read"
    )

    assert "openid" in told["openid"]["scope"].split()
    assert app["client_id"] == told["openid"]["id_token"]["aud"]
    assert told["openid"]["id_token"]["sub"] == told["userinfo"]["claims"]["sub"] == told["refresh"]["claims"]["sub"]
    assert set() == {"name", "email"} & {*told["openid"]["id_token"], *told["userinfo"]["claims"]}


@pytest.mark.requirement("interop:oauth4webapi:openid")
async def test_it_learns_a_name_that_the_person_ticked(demo: Demo, walk: Callable[..., Any]):
    """OpenID Connect Core §5.4: the e-mail address was asked for too, and not given."""
    app = {"client_id": demo.public_client["client_id"]}
    job = {"client": app, "openid_scope": "openid profile email", "tells": frozenset({"profile"})}

    told = await walk("discovery", "known", "openid", "userinfo", **job)

    assert "Alice Andersson" == told["userinfo"]["claims"]["name"]
    assert "email" not in told["userinfo"]["claims"]


@pytest.mark.requirement("interop:oauth4webapi:machine")
async def test_a_machine_proves_itself_with_its_secret(demo: Demo, walk: Callable[..., Any]):
    """RFC 6749 §2.3.1, §4.4."""
    robot = next(one for one in demo.facts["clients"] if one["name"] == "Acme robot")
    proof = {name: robot[name] for name in ("client_id", "client_secret")}

    told = await walk("discovery", "known", "machine", client=proof, scope="orders:read")

    assert "orders:read" == told["machine"]["scope"]
    assert not told["machine"]["refreshable"]
    assert f"client:{robot['client_id']}" == told["machine"]["claims"]["sub"]


@pytest.mark.requirement("interop:oauth4webapi:device")
async def test_a_device_without_a_browser_is_connected(demo: Demo, walk: Callable[..., Any]):
    """RFC 8628: it asks, waits as it is told, and has what its person allowed elsewhere."""
    grants = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
    registration = {"client_name": "Television", "token_endpoint_auth_method": "none", "grant_types": grants}

    told = await walk("discovery", "registration", "device", "refresh", registration=registration, scope="orders:read")

    assert "authorization_pending" == told["device"]["waited"][0]
    assert "orders:read" in told["device"]["scope"].split()
    assert told["registration"]["client"]["client_id"] == told["device"]["claims"]["client_id"]
    assert told["device"]["claims"]["sub"] == told["refresh"]["claims"]["sub"]


@pytest.mark.requirement("interop:oauth4webapi:exchange")
async def test_the_mcp_server_trades_its_callers_token(demo: Demo, walk: Callable[..., Any]):
    """RFC 8693: as an operator allowed, narrower, and the token says who acts."""
    app = {"client_id": demo.public_client["client_id"]}
    upstream = "https://invoices.example.com/api"
    words = ("--name", "Invoices", "--scope", "invoices:read=Read your invoices", "--link", "acme")
    demo.told("resource", "add", upstream, *words)
    demo.told(
        "exchange", "add", demo.facts["resource"], "--to", upstream, "--scope", "invoices:read=orders:read", "--yes"
    )
    exchange = {"resource": upstream, "scope": "invoices:read"}
    job = {"client": app, "exchange": exchange, "resource_server": demo.facts["resource_server"]}

    told = await walk("discovery", "known", "login", "exchange", **job)

    caller, traded = told["login"]["claims"], told["exchange"]["claims"]
    assert ("invoices:read", False) == (told["exchange"]["scope"], told["exchange"]["refreshable"])
    assert (caller["sub"], caller["tenant_id"], upstream) == (traded["sub"], traded["tenant_id"], traded["aud"])
    assert f"client:{demo.facts['resource_server']['client_id']}" == traded["act"]["sub"]
    assert traded["exp"] <= caller["exp"]


@pytest.mark.requirement("interop:oauth4webapi:machine-with-a-key")
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_a_machine_proves_itself_with_a_key(demo: Demo, walk: Callable[..., Any], algorithm: str):
    """RFC 7523 §2.2, §3: each assertion is its own, so it asks twice."""
    robot = registered(demo, algorithm, scope="orders:read")

    told = await walk("discovery", "known", "machine", "machine", client=robot, scope="orders:read")

    assert "private_key_jwt" in told["discovery"]["metadata"]["token_endpoint_auth_methods_supported"]
    assert "orders:read" == told["machine"]["scope"]
    assert f"client:{robot['client_id']}" == told["machine"]["claims"]["sub"]
