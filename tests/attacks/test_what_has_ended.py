"""Plan: go on with something after its permission, its issuer, its password or its role has gone."""

import asyncio

import pytest

from tests.support.operator import Operator
from tests.support.world import R1, R5, WRITE


@pytest.fixture
def operator(server):
    return Operator(machines=server.machines, world=server.world)


@pytest.mark.requirement("attack:ended:a-new-yes-revives-nothing")
async def test_allowing_again_does_not_revive_what_was_withdrawn(server, operator):
    """TK-35, TK-40: a thief's refresh token, ended with the consent, must not come back with the owner's next yes."""
    app = server.client("B")
    stolen = await app.sign_in("u1")
    await operator.withdraw_consent("u1", "t1", app.app, R1)
    assert "invalid_grant" == (await app.refresh(stolen)).error

    again = await app.sign_in("u1")

    assert "invalid_grant" == (await app.refresh(stolen)).error
    assert (await app.refresh(again)).ok


@pytest.mark.requirement("attack:ended:a-code-stays-under-its-consent")
async def test_a_code_gives_no_more_than_the_person_allows_when_it_is_used(server):
    """Design decision 11: consent is the ceiling of every token, those of a code that was waiting too."""
    app = server.client("B")
    waiting = await app.authorize("u2", scope=WRITE, tools=["update_order"])
    await app.sign_in("u2", scope=WRITE, tools=[], prompt="consent")

    tokens = await app.redeem(waiting)

    assert "tool:update_order" not in tokens.scope
    assert "orders:read" in tokens.scope


@pytest.mark.requirement("attack:ended:an-issuer-speaks-for-its-tenants-alone")
async def test_the_shared_issuer_stops_speaking_for_a_tenant_that_gets_its_own(server, operator):
    """AZ-24, decision 22: a client of nobody's keeps no token that another tenant's servers would trust."""
    app = server.client("G")
    tokens = await app.sign_in("u5", tenant="t1", resource=R5)
    waiting = await app.authorize("u5", tenant="t1", resource=R5)
    other = await app.sign_in("u5", tenant="t2", resource=R5)

    await operator.give_issuer("t1")

    assert "invalid_grant" == (await app.refresh(tokens)).error
    assert "invalid_grant" == (await app.redeem(waiting)).error
    assert (await app.refresh(other)).ok


@pytest.mark.requirement("attack:ended:a-login-ends-with-its-password")
async def test_a_login_that_was_under_way_when_the_password_changed_signs_nobody_in(server, operator, monkeypatch):
    """ASVS 7.4: whoever has the old password must not slip in while it is being checked."""
    person = server.world.people["u1"]
    verify = server.machines.passwords.verify
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(stored, password):
        proven = await verify(stored, password)
        started.set()
        await go_on.wait()
        return proven

    monkeypatch.setattr(server.machines.passwords, "verify", slow)
    browser = server.browser()
    page = await browser.open(f"{server.issuer}/login")
    attempt = asyncio.create_task(browser.log_in(page, person.email, person.password))
    await started.wait()
    await operator.change_password("u1", "another long password of u1")
    go_on.set()
    await attempt

    assert "You are signed in" not in (await browser.open(f"{server.issuer}/login")).text


@pytest.mark.requirement("attack:ended:a-machine-has-no-role")
async def test_a_machine_that_was_given_no_list_gets_nothing_that_needs_a_role(server, operator):
    """CC-03: a scope that only some people may grant is no machine's by default."""
    found = await operator.resource(R1)
    tools = [tool for tool in found.tools if tool.name != "purge_orders"]
    tools.append(type(tools[0])(name="see_books", sensitivity="read", scopes=("orders:admin",)))
    await operator.set_resource(R1, tools=tools)
    machine = server.client("M")
    await operator.set_client(machine.app, scope=())

    tokens = await machine.client_credentials(resource=R1)

    assert {"orders:read"} == tokens.scope
    assert "invalid_scope" == (await machine.client_credentials(resource=R1, scope="orders:admin")).error
