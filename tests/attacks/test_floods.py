"""A stranger with no credential tries to fill our disk, or to use up what belongs to somebody else."""

import pytest

from authserver.web.application import without_port


@pytest.mark.one_database
@pytest.mark.requirement("attack:flood:strangers-cannot-fill-the-record")
async def test_a_flood_of_requests_from_nobody_leaves_a_bounded_record(server):
    """EX-09: an anonymous flood is answered and not stored; each answer stays the same."""
    statuses = set()
    for number in range(400):
        page = await server.http.get("/authorize", params={"client_id": f"nobody-{number}"})
        statuses.add(page.status_code)

    assert {400} == statuses
    assert 300 + 30 > len(await server.operator.events(None))


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("attack:flood:nobody-spends-anothers-budget")
async def test_a_stranger_cannot_use_up_the_budget_of_a_client(server):
    """Decision 12, CC-07: only who proved to be the client spends its budget."""
    for _ in range(60):
        await server.http.post(
            "/token", data={"grant_type": "client_credentials", "client_id": server.client("M").app.client_id}
        )

    assert (await server.client("M").client_credentials()).ok


@pytest.mark.one_database
@pytest.mark.settings(token_requests_per_minute=60)
@pytest.mark.requirement("attack:flood:nobody-spends-anothers-budget")
async def test_a_client_that_asks_too_often_is_told_when_to_come_back(server):
    """CC-07: 429 with Retry-After, and nobody else is slowed."""
    answers = [await server.client("M").client_credentials() for _ in range(12)]

    assert 429 == answers[-1].status
    assert 1 <= int(answers[-1].response.headers["retry-after"])
    assert (await server.client("N").sign_in("u1")).ok


@pytest.mark.requirement("consent:narrowing:acts-everywhere")
async def test_what_a_person_unticks_ends_in_their_other_sessions_too(server):
    """Decision 11: consent is the ceiling of every authorization made under it."""
    app = server.client("N")
    scope = "orders:read orders:write tool:refund_order"
    await app.sign_in("u1", scope=scope, tools=["refund_order"])
    laptop = await app.sign_in("u1", scope=scope, tools=["refund_order"])
    assert "tool:refund_order" in laptop.scope

    await app.sign_in("u1", scope=scope, tools=[])

    assert "tool:refund_order" not in (await app.refresh(laptop)).scope


@pytest.mark.requirement("attack:flood:nobody-chooses-whose-record-they-fill")
@pytest.mark.parametrize("kind", ["ac", "rt"])
async def test_an_invented_secret_leaves_nothing_in_the_tenant_that_it_names(server, kind):
    """A shared public client is anybody; a tenant's auditors read what happened to the tenant."""
    tenant = server.world.tenants["t1"].removeprefix("ten_")
    before = await server.operator.kinds("t1")
    app, invented = server.client("G"), f"{kind}_{tenant}_{'a' * 43}"

    answer = await (app.redeem(invented) if kind == "ac" else app.refresh(invented))

    assert "invalid_grant" == answer.error
    assert before == await server.operator.kinds("t1")


@pytest.mark.requirement("attack:address:a-port-is-no-address")
@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
def test_a_proxy_may_name_the_port_of_the_caller(hop, address):
    """PX-02: else everybody behind the proxy would share one budget."""
    assert address == without_port(hop)
