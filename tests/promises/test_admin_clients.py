"""The noun `clients` of the admin API, and which strangers' applications a tenant lets in."""

import pytest

from authserver.domain.clients import registry
from authserver.domain.clients.client import Origin
from authserver.domain.resources import administration
from authserver.web.admin.ids import id_of
from tests.support.administered import administered
from tests.support.world import R1, R9, Application

ROBOT = {
    "name": "Robot",
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["client_credentials"],
    "scope": ["orders:read"],
    "resources": [R1],
}


def as_application(made):
    """What was answered, as an application that can ask for tokens."""
    return Application(
        name=made["name"],
        tenant="t1",
        auth_method=made["token_endpoint_auth_method"],
        client_id=made["client_id"],
        secret=made["client_secret"],
        grant_types=tuple(made["grant_types"]),
    )


async def works(server, made):
    """Whether a machine gets a token."""
    server.world.clients["made"] = as_application(made)
    return (await server.client("made").client_credentials()).ok


@pytest.mark.requirement("admin:clients:registered-rotated-ended")
async def test_a_machine_is_registered_rotated_disabled_and_removed(server):
    admin = await administered(server)

    made = (await admin.call("POST", "/clients", "a1", body=ROBOT)).json()
    path = f"/clients/{made['id']}"
    first = await works(server, made)
    rotated = (await admin.call("POST", f"{path}/rotate", "a1", body={"overlap_hours": 0})).json()
    old, new = await works(server, made), await works(server, rotated)
    disabled = await admin.change("PATCH", path, "a1", body={"active": False})
    while_disabled = await works(server, rotated)
    removed = await admin.change("DELETE", path, "a1")

    assert [True, False, True, False] == [first, old, new, while_disabled]
    assert (200, 204) == (disabled.status_code, removed.status_code)
    assert 404 == (await admin.call("GET", path, "a1")).status_code


@pytest.mark.requirement("admin:clients:registered-rotated-ended")
async def test_a_secret_is_shown_once_and_by_what_made_it_alone(server):
    admin = await administered(server)

    made = await admin.call("POST", "/clients", "a1", body=ROBOT, headers={"idempotency-key": "k"})
    again = await admin.call("POST", "/clients", "a1", body=ROBOT, headers={"idempotency-key": "k"})
    secret = made.json()["client_secret"]
    shown = [await admin.call("GET", path, "a1") for path in ("/clients?limit=200", f"/clients/{made.json()['id']}")]

    assert made.content == again.content
    assert not [one for one in shown if secret in one.text or "client_secret" in one.json()]
    if server.place.kind == "sqlite":
        assert secret.encode() not in server.bytes_at_rest()


@pytest.mark.requirement("admin:clients:own-tenant-alone")
@pytest.mark.parametrize(
    "wrong",
    [
        {"speaks_for": R1}, {"verified": True}, {"is_verified": True}, {"tenant": "t2"}, {"tenant_id": "*"},
        {"client_id": "cli_mine"}, {"client_secret": "mine"}, {"secret_hash": "x"}, {"epoch": 9}, {"origin": "document"},
        {"resources": [R9]}, {"resources": ["https://nobody.example/mcp"]}, {"scope": ["orders:purge"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]}, {"grant_types": []},
        {"token_endpoint_auth_method": "none"}, {"name": ""}, {"name": "a\u0000b"}, {"redirect_uris": ["javascript:alert(1)"]},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.one_database
async def test_what_an_administrator_may_not_say_of_an_application_is_refused(server, wrong):
    """AD-04, TN-03: neither shared, nor verified, nor a server's credential, nor another tenant's server."""
    admin = await administered(server)
    before = len(await registry.of_tenant(server.operator.work("t1")))

    answer = await admin.call("POST", "/clients", "a1", body=ROBOT | wrong)

    assert answer.status_code in {400, 422}, answer.text
    assert before == len(await registry.of_tenant(server.operator.work("t1")))


@pytest.mark.requirement("admin:clients:own-tenant-alone")
async def test_another_tenants_server_and_an_unknown_one_are_refused_alike(server):
    """TN-15: registering for a server tells nobody which servers others have."""
    admin = await administered(server)
    unknown = R9.replace("9", "8")

    refused = [await admin.call("POST", "/clients", "a1", body=ROBOT | {"resources": [uri]}) for uri in (R9, unknown)]

    said = [one.json()["detail"].replace(uri, "URI") for one, uri in zip(refused, (R9, unknown), strict=True)]
    assert said[0] == said[1]


@pytest.mark.requirement("admin:clients:own-tenant-alone")
async def test_an_administrators_application_is_not_verified_and_the_platforms_is(server):
    admin = await administered(server)

    own = await admin.call("POST", "/clients", "a1", body=ROBOT)
    platforms = await admin.call("POST", "/clients?tenant=t1", "p1", body=ROBOT)
    shared = await admin.call(
        "POST", "/clients?tenant=*", "p1", body={"name": "Shared", "redirect_uris": ["https://app.example/cb"]}
    )

    assert [False, True] == [own.json()["verified"], platforms.json()["verified"]]
    assert 201 == shared.status_code
    assert 404 == (await admin.call("GET", f"/clients/{shared.json()['id']}", "a1")).status_code


@pytest.mark.requirement("admin:clients:nobody-gives-more-than-they-hold")
async def test_a_machine_that_administers_needs_what_its_maker_holds_and_a_fresh_login(server):
    """By its scopes when it is made or changed, and by its credential when that is rotated."""
    admin = await administered(server)
    uri = server.issuer + administration.PATH
    powerful = ROBOT | {"resources": [uri], "scope": ["users:read", "users:write"]}
    narrow = await admin.sign_in("a1", scope="clients:read clients:write")
    await admin.token("a1")

    beyond = await admin.call("POST", "/clients", token=narrow, body=powerful)
    made = await admin.call("POST", "/clients", "a1", body=powerful)
    path = f"/clients/{made.json()['id']}"
    stolen = await admin.call("POST", f"{path}/rotate", token=narrow, body={"overlap_hours": 0})
    server.clock.advance(301)
    late = [
        await admin.call("POST", "/clients", "a1", body=powerful),
        await admin.call("POST", f"{path}/rotate", "a1", body={"overlap_hours": 0}),
        await admin.change("PATCH", path, "a1", body={"scope": ["users:read"]}),
    ]

    assert [403, 201, 403] == [one.status_code for one in (beyond, made, stolen)]
    assert [401, 401, 401] == [one.status_code for one in late]


@pytest.mark.requirement("admin:clients:registered-rotated-ended")
async def test_a_shared_application_that_is_a_url_has_one_place(server):
    admin = await administered(server)
    work = server.machines.work(tenant="*")
    url = "https://app.example/oauth/client.json"
    registry.add(
        work,
        name="By document",
        auth_method="none",
        grant_types=("authorization_code",),
        redirect_uris=("https://app.example/cb",),
        client_id=url,
        origin=Origin.DOCUMENT,
    )
    assert await work.commit()

    shown = await admin.call("GET", f"/clients/{id_of(url)}?tenant=*", "p1")
    other_spelling = await admin.call("GET", f"/clients/{id_of(url)}A?tenant=*", "p1")
    removed = await admin.call("DELETE", f"/clients/{id_of(url)}?tenant=*", "p1", headers={"if-match": "*"})

    assert (200, url) == (shown.status_code, shown.json()["client_id"])
    assert [404, 409] == [other_spelling.status_code, removed.status_code]


@pytest.mark.requirement("admin:clients:who-is-let-in")
async def test_a_tenants_policy_and_verdicts_decide_in_it_alone(server):
    admin = await administered(server)

    policy = await admin.change("PATCH", "/client-trust", "a1", body={"policy": "listed"})
    allowed = await admin.call(
        "POST", "/client-trust/verdicts", "a1", body={"subject": "claude.ai", "verdict": "allowed"}
    )
    listed = (await admin.call("GET", "/client-trust/verdicts", "a1")).json()["items"]
    elsewhere = (await admin.call("GET", "/client-trust/verdicts", "a2")).json()["items"]
    forgotten = await admin.change("DELETE", f"/client-trust/verdicts/{allowed.json()['id']}", "a1")

    assert "listed" == policy.json()["policy"]
    assert ["host:claude.ai"] == [one["subject"] for one in listed]
    assert [] == elsewhere
    assert "any" == (await admin.call("GET", "/client-trust", "a2")).json()["policy"]
    assert 204 == forgotten.status_code
    assert 0 == (await admin.call("GET", "/client-trust", "a1")).json()["allowed"]


@pytest.mark.requirement("admin:clients:who-is-let-in")
async def test_a_blocked_application_ends_in_that_tenant_at_once(server):
    admin = await administered(server)
    app = server.client("G")
    tokens = await app.sign_in("u5", tenant="t1")

    blocked = await admin.call(
        "POST", "/client-trust/verdicts", "a1", body={"subject": app.app.client_id, "verdict": "blocked", "note": "odd"}
    )

    assert 201 == blocked.status_code
    assert "invalid_grant" == (await app.refresh(tokens)).error
