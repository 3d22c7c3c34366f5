"""
What ends with what: each cause against everything that could go on, before and after a restart, and after it is undone.

Issue: disabling a user, client or tenant, or a new password, ends what hangs on it at once. Decision 14: nothing that died
comes back.
"""

import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from authserver.domain.revocation import feed
from authserver.domain.tokens import authorization
from authserver.runtime.memory import Memory
from tests.support.world import R1, R2, R5

Act = Callable[[Any, Any, Any], Awaitable[Any]]
PASSWORD = "another long password of u1"


@dataclass(frozen=True)
class Cause:
    """Something that ends, how it is undone where an operator can, and as what it is announced."""

    act: Act
    announced: str
    undo: Act | None = None


CAUSES: dict[str, Cause] = {
    "the member is disabled": Cause(
        lambda it, app, tokens: it.set_member("u1", "t1", is_active=False),
        "user",
        lambda it, app, tokens: it.set_member("u1", "t1", is_active=True),
    ),
    "the membership is removed": Cause(lambda it, app, tokens: it.remove_member("u1", "t1"), "user"),
    "the person is disabled": Cause(
        lambda it, app, tokens: it.set_person("u1", is_active=False),
        "user",
        lambda it, app, tokens: it.set_person("u1", is_active=True),
    ),
    "the password is changed": Cause(lambda it, app, tokens: it.change_password("u1", PASSWORD), "user"),
    "the client is disabled": Cause(
        lambda it, app, tokens: it.set_client(app.app, is_active=False),
        "client",
        lambda it, app, tokens: it.set_client(app.app, is_active=True),
    ),
    "the client is removed": Cause(lambda it, app, tokens: it.remove_client(app.app), "client"),
    "the tenant is suspended": Cause(
        lambda it, app, tokens: it.set_tenant("t1", is_active=False),
        "tenant",
        lambda it, app, tokens: it.set_tenant("t1", is_active=True),
    ),
    "the resource is unlinked": Cause(
        lambda it, app, tokens: it.unlink(R1, "t1"), "resource", lambda it, app, tokens: it.link(R1, "t1")
    ),
    "the resource is disabled": Cause(
        lambda it, app, tokens: it.set_resource(R1, is_active=False),
        "resource",
        lambda it, app, tokens: it.set_resource(R1, is_active=True),
    ),
    "the consent is withdrawn": Cause(
        lambda it, app, tokens: it.withdraw_consent("u1", "t1", app.app, R1),
        "authorization",
        lambda it, app, tokens: replace(app, browsers={}).sign_in("u1"),
    ),
    "the refresh token is revoked": Cause(lambda it, app, tokens: app.revoke(tokens.refresh_token), "authorization"),
}


async def what_goes_on(server, app, tokens, code):
    """Try everything; return the names of what still works."""
    rs = server.client("RS1")
    asked = {
        "refresh": (await app.refresh(tokens)).ok,
        "introspect": (await rs.introspect(tokens.access_token)).body.get("active"),
        "userinfo": 200 == (await userinfo(server, tokens)).status_code,
    }
    if code is not None:
        asked["redeem"] = (await app.redeem(code)).ok
    return {name for name, works in asked.items() if works}


async def userinfo(server, tokens):
    return await server.http.get("/userinfo", headers={"authorization": f"Bearer {tokens.access_token}"})


@pytest.mark.requirement("ends:at-once:everything-that-hangs-on-it")
@pytest.mark.parametrize("name", CAUSES)
async def test_everything_that_hangs_on_it_ends_at_once_and_for_good(server, name):
    """TK-40, IN-06, CVE-2024-46999, CVE-2025-64521, CVE-2026-9802: in the same second, without asking a clock."""
    cause, app = CAUSES[name], server.client("B")
    code = await app.authorize("u1", scope="openid orders:read")
    tokens = await app.sign_in("u1", scope="openid orders:read")
    assert {"introspect", "userinfo"} == await what_goes_on(server, app, tokens, None) - {"refresh"}
    tokens = await app.sign_in("u1", scope="openid orders:read")
    bystander = server.client("N")
    kept = await bystander.sign_in("u2", resource=R2)
    known = len(await feed.since(server.machines.work(), after=0))

    answer = await cause.act(server.operator, app, tokens)
    at_once = await what_goes_on(server, app, tokens, None if "refresh token" in name else code)
    announced = (await feed.since(server.machines.work(), after=0))[known:]
    await server.restart()
    after_a_restart = await what_goes_on(server, app, tokens, None if "refresh token" in name else code)
    if cause.undo is not None:
        await cause.undo(server.operator, app, tokens)
    undone = await what_goes_on(server, app, tokens, None if "refresh token" in name else code)

    assert [set(), set(), set()] == [at_once, after_a_restart, undone], answer
    assert cause.announced in {row["kind"] for row in announced}
    assert (await server.client("RS2").introspect(kept.access_token)).body["active"] is (
        "tenant is suspended" not in name
    )


@pytest.mark.requirement("ends:at-once:everything-that-hangs-on-it")
async def test_an_access_token_that_was_revoked_ends_for_userinfo_and_exchange_too(server):
    """RFC 7009 §2.1: one verdict for every endpoint that is shown a token."""
    app = server.client("P")
    tokens = await app.sign_in(scope="openid orders:read")
    assert 200 == (await userinfo(server, tokens)).status_code

    await app.revoke(tokens.access_token)

    assert 401 == (await userinfo(server, tokens)).status_code
    assert {"refresh"} == await what_goes_on(server, app, tokens, None)


@pytest.mark.requirement("ends:at-once:other-processes-do-not-go-on-from-memory")
@pytest.mark.parametrize("name", ["the client is disabled", "the tenant is suspended", "the resource is unlinked"])
async def test_a_process_that_has_not_heard_of_it_refuses_all_the_same(server, monkeypatch, name):
    """Ours: what another process ended is in the rows; a directory that is remembered for a moment revives nothing."""
    app, rs = server.client("B"), server.client("RS1")
    tokens, code = await app.sign_in("u1"), await app.authorize("u1")
    assert (await rs.introspect(tokens.access_token)).body["active"]

    with monkeypatch.context() as deaf:
        # As a process is for a quarter of a second: it remembers the directory as it was before.
        deaf.setattr(Memory, "forget", lambda self: None)
        await CAUSES[name].act(server.operator, app, tokens)

        assert "invalid_grant" == (await app.refresh(tokens)).error
        assert "invalid_grant" == (await app.redeem(code)).error
        assert not (await rs.introspect(tokens.access_token)).body["active"]


@pytest.mark.requirement("ends:at-once:everything-that-hangs-on-it")
async def test_a_code_is_burnt_for_whoever_looked_at_the_clock_earlier_too(server):
    """Ours: a redemption that began a second ago at another process must not slip past the end."""
    app = server.client("B")
    code = await app.authorize("u1")
    server.clock.advance(1)
    await server.operator.set_member("u1", "t1", is_active=False)
    await server.operator.set_member("u1", "t1", is_active=True)

    server.clock.advance(-1)

    assert "invalid_grant" == (await app.redeem(code)).error


@pytest.mark.requirement("ends:at-once:however-many")
@pytest.mark.parametrize("name", ["the member is disabled", "the client is disabled", "the password is changed"])
async def test_thousands_end_by_one_statement_and_one_announcement(server, name):
    """Ours: no row is read to be ended, so nobody is too big to be stopped."""
    app, many = server.client("P"), 3000
    tokens = await app.sign_in("u1")
    work = server.operator.work("t1")
    owner = await authorization.find(work, tokens.claims["authorization_id"])
    for number in range(many):
        authorization.start(
            work, authorization_id=f"az_{number}", issuer_path="", sub=owner.sub, client_id=owner.client_id,
            resource=R1, scope=owner.scope, profile=owner.profile, auth_time=owner.auth_time,
        )  # fmt: skip
    assert await work.commit()
    known = len(await feed.since(server.machines.work(), after=0))
    committed = []
    commit = server.machines.database.commit

    async def counted(unit):
        committed.append(len(unit.claims) + len(unit.writes) + len(unit.last))
        return await commit(unit)

    server.machines.database.commit = counted
    await CAUSES[name].act(server.operator, app, tokens)

    assert 1 == len(committed)
    assert committed[0] < 20
    assert 1 == len(await feed.since(server.machines.work(), after=0)) - known
    for number in (0, many - 1):
        found = await authorization.find(server.operator.work("t1"), f"az_{number}")
        assert found.is_ended, name


@pytest.mark.requirement("ends:at-once:in-every-tenant-of-a-shared-thing")
async def test_a_shared_client_ends_in_every_tenant_and_a_person_in_every_browser_and_tenant(server):
    """Decision 22: one commit, whatever tenants it reaches; a person's two memberships are not told as one."""
    app, rs = server.client("G"), server.client("RS5")
    first = await app.sign_in("u5", tenant="t1", resource=R5)
    second = await app.sign_in("u5", tenant="t2", resource=R5)
    other = await app.sign_in("u1", tenant="t1", resource=R5)
    known = len(await feed.since(server.machines.work(), after=0))

    await server.operator.change_password("u5", PASSWORD)
    active = [(await rs.introspect(one.access_token)).body["active"] for one in (first, second, other)]
    announced = (await feed.since(server.machines.work(), after=0))[known:]
    page = await app.ask("u5", resource=R5)
    code = await app.authorize("u1", tenant="t1", resource=R5)
    await server.operator.set_client(app.app, is_active=False)
    await server.operator.set_client(app.app, is_active=True)
    last = (await rs.introspect(other.access_token)).body["active"]

    assert [False, False, True] == active
    assert ["invalid_grant"] * 2 == [(await app.redeem(code)).error, (await app.refresh(other)).error]
    assert {server.world.tenants[slug] for slug in ("t1", "t2")} == {row["scope_tenant"] for row in announced}
    assert not [row for row in announced if server.world.people["u5"].person_id in row["subject"]]
    assert page.is_login
    assert not last
    assert "platform:work:done" in await server.operator.kinds(None)


@pytest.mark.requirement("ends:at-once:a-person-everywhere")
async def test_a_person_who_is_disabled_ends_everywhere_and_cannot_come_in(server):
    """CVE-2024-46999 kin: in every tenant, every browser, and at the door, until an operator lets them in again."""
    app, rs = server.client("G"), server.client("RS5")
    held = [await app.sign_in("u5", tenant=slug, resource=R5) for slug in ("t1", "t2")]
    other = await app.sign_in("u1", tenant="t1", resource=R5)
    known = len(await feed.since(server.machines.work(), after=0))

    await server.operator.set_person("u5", is_active=False)
    active = [(await rs.introspect(one.access_token)).body["active"] for one in (*held, other)]
    announced = (await feed.since(server.machines.work(), after=0))[known:]
    at_the_door = await replace(app, browsers={}).consent_page("u5", resource=R5)
    signed_in = await app.ask("u5", resource=R5)
    await server.operator.set_person("u5", is_active=True)
    revived = [(await rs.introspect(one.access_token)).body["active"] for one in held]

    assert [False, False, True] == active
    assert {server.world.tenants[slug] for slug in ("t1", "t2")} == {row["scope_tenant"] for row in announced}
    assert not [row for row in announced if server.world.people["u5"].person_id in row["subject"]]
    assert at_the_door.is_login
    assert signed_in.is_login
    assert [False, False] == revived
    assert (await app.sign_in("u5", tenant="t2", resource=R5)).ok


@pytest.mark.requirement("ends:at-once:a-person-everywhere")
async def test_letting_a_person_in_again_undoes_no_tenants_own_decision(server):
    """Decision 22: what a tenant's administrator disabled is theirs to enable."""
    app = server.client("G")
    await server.operator.set_member("u5", "t1", is_active=False)

    await server.operator.set_person("u5", is_active=False)
    await server.operator.set_person("u5", is_active=True)
    page = await app.consent_page("u5", resource=R5)

    assert (await app.sign_in("u5", resource=R5)).claims["tenant_id"] == server.world.tenants["t2"]
    assert not page.is_login


@pytest.mark.requirement("ends:at-once:one-tenant-does-not-sign-out-of-another")
async def test_a_membership_that_ends_signs_out_of_nothing_else(server):
    """Ours: a tenant's administrator has no say over a person's other tenants; who is in none is signed out."""
    app, rs = server.client("G"), server.client("RS5")
    here = await app.sign_in("u5", tenant="t1", resource=R5)
    there = await app.sign_in("u5", tenant="t2", resource=R5)
    alone = server.client("P")
    await alone.sign_in("u1")

    await server.operator.set_member("u5", "t1", is_active=False)
    await server.operator.set_member("u1", "t1", is_active=False)

    assert [False, True] == [(await rs.introspect(one.access_token)).body["active"] for one in (here, there)]
    assert (await app.refresh(there)).ok
    assert not (await app.ask("u5", resource=R5)).is_login
    assert (await alone.ask("u1")).is_login


@pytest.mark.requirement("ends:machines:begin-anew-without-being-renewed")
@pytest.mark.parametrize(
    "name",
    ["the client is disabled", "the tenant is suspended", "the resource is unlinked", "the resource is disabled"],
)
async def test_a_machine_begins_another_authorization_when_an_operator_enables_it_again(server, name):
    """Ours: nobody could log it in. Its old token stays dead, and its absolute end stays where it was."""
    cause, machine, rs = CAUSES[name], server.client("M"), server.client("RS1")
    old = await machine.client_credentials()
    server.clock.advance(60)

    await cause.act(server.operator, machine, old)
    refused = await machine.client_credentials()
    await cause.undo(server.operator, machine, old)
    new = await machine.client_credentials()
    work = server.operator.work("t1")
    ends = [(await authorization.find(work, tokens.claims["authorization_id"])).expires_at for tokens in (old, new)]

    assert not refused.ok
    assert [False, True] == [(await rs.introspect(tokens.access_token)).body["active"] for tokens in (old, new)]
    assert old.claims["authorization_id"] != new.claims["authorization_id"]
    assert ends[0] == ends[1]


@pytest.mark.requirement("ends:machines:begin-anew-without-being-renewed")
async def test_a_machines_authorization_that_was_ended_by_itself_stays_ended(server):
    """Decision 14: enabling something else does not bring it back."""
    machine = server.client("M")
    tokens = await machine.client_credentials()

    await server.operator.end_authorization("t1", tokens.claims["authorization_id"])
    await server.operator.set_client(machine.app, is_active=False)
    await server.operator.set_client(machine.app, is_active=True)

    assert "invalid_grant" == (await machine.client_credentials()).error


@pytest.mark.one_database
@pytest.mark.requirement("ends:at-once:nobody-is-left-out")
def test_every_table_that_holds_something_usable_ends_with_what_it_hangs_on():
    """Ours: a new table of codes, tokens or sessions must say with what it ends."""
    from authserver.domain.revocation import ends
    from authserver.runtime.migration import every_table

    holders = {
        name
        for name, table in every_table().tables.items()
        if {"sub", "person_id"} & set(table.columns.keys()) and {"expires_at", "ended_at"} & set(table.columns.keys())
    }
    said = " ".join(
        statement.sqlite
        for by_cause in ends._HANGING.values()
        for statements in by_cause.values()
        for statement in statements
    )

    assert {"authorization_codes", "authorizations", "browser_sessions"} <= holders
    # A consent outlives: it is what the person said. An API key, an approval and a counted yes are worth nothing without their
    # authorization, which ends by a number: see the next test.
    outlives = {"consents", "api_keys", "approvals", "call_grants", "authorizations"}
    assert set() == {name for name in holders - outlives if f"UPDATE {name}" not in said}


@pytest.mark.one_database
@pytest.mark.requirement("ends:at-once:nobody-is-left-out")
def test_every_statement_that_asks_whether_an_authorization_lives_asks_for_the_number_too():
    """Decision 14: what was ended by a number has no mark of its own, so a statement that forgets it would revive it."""
    from authserver.runtime.migration import every_table
    from authserver.runtime.schema import Statement

    every_table()
    asking = {
        f"{module.__name__}.{name}": each.sqlite
        for module in [known for path, known in sys.modules.items() if path.startswith("authserver.domain.")]
        for name, each in vars(module).items()
        if isinstance(each, Statement) and re.search(r"\bauthorizations\b", each.sqlite) and "ended_at" in each.sqlite
    }
    # These end whatever they meet.
    ending = {f"authserver.domain.tokens.store.{name}" for name in ("END", "END_OF_CONSENT")}

    assert len(asking) > 12
    assert ending == {name for name, text in asking.items() if "FROM kills" not in text}
