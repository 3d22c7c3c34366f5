"""
The attacker has a yes to a few calls of one tool, or knows of one, and wants more of it than was given.

AP-01, AP-02, AP-03, AP-05, AP-07: the row decides, in one statement, whatever a token or a caller says.
"""

import asyncio
from dataclasses import replace

import pytest

from authserver.domain.call_grants import grant
from authserver.domain.call_grants.grant import InvalidCallGrantError
from authserver.domain.stopping.stopping import Target
from authserver.domain.tokens import authorization
from resource_lib.wire.approvals import ApprovalRule
from resource_lib.wire.control import Kind
from resource_lib.wire.tool_call import args_hash
from tests.spec.test_rfc9396_authorization_details import asking, detail
from tests.support.approvals import ARGUMENTS, tool_server
from tests.support.call_grants import Given
from tests.support.killing import revive, stop
from tests.support.server import DATABASES
from tests.support.workers import Workers
from tests.support.world import R2

WRITES = {"scope": "orders:read orders:write tool:refund_order", "tools": ["refund_order"]}


async def given(server, letter="P", who="u1", **changed):
    tokens = await server.client(letter).sign_in(who, **WRITES)
    return await Given(server.machines, tokens.claims).give(**changed)


@pytest.fixture(scope="module", params=DATABASES)
def processes(request, templates, tmp_path_factory):
    deployment = Workers(templates, request.param, tmp_path_factory.mktemp("processes"))
    deployment.start()
    yield deployment
    deployment.stop()
    deployment.place.discard()


@pytest.mark.requirement("call-grants:spend:exactly-so-many")
async def test_of_fifty_uses_in_parallel_exactly_three_are_won(server):
    """AP-02: each use is its own unit of work, and the database counts."""
    yes = await given(server)

    won = await asyncio.gather(*(yes.spend() for _ in range(50)))

    assert 3 == sum(won)
    assert 3 == await yes.used()
    assert not await yes.covers()


@pytest.mark.requirement("call-grants:spend:only-what-it-is-for")
@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "usr_somebodyelse"},
        {"client_id": "another"},
        {"authorization_id": "az_another"},
        {"resource": R2},
        {"tool": "purge_orders"},
        {"definition_hash": "e" * 64},
        {"args_hash": args_hash({"order_id": "o1", "amount_cents": 501})},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_what_differs_in_one_thing_spends_nothing(server, changed):
    """AP-03, and nothing is burnt by the try: the call that it is for is covered afterwards."""
    tokens = await server.client("P").sign_in("u1", **WRITES)
    yes = Given(server.machines, tokens.claims)
    await yes.give(args_hash=yes.call().args_hash, max_calls=1)

    assert not await yes.covers(**changed)
    assert not await yes.spend(**changed)
    assert 0 == await yes.used()
    assert await yes.covers()
    assert await yes.spend()
    assert not await yes.spend()


@pytest.mark.requirement("call-grants:spend:only-what-it-is-for")
async def test_another_login_and_another_tenant_have_nothing_of_it(server):
    """Another laptop of the same person has an authorization of its own; another tenant's rows are not even seen."""
    yes = await given(server)
    second = Given(server.machines, (await server.client("P").sign_in("u1", **WRITES)).claims)
    second.grant = yes.grant
    stranger = Given(server.machines, yes.said | {"tenant_id": server.world.tenants["t2"]})
    stranger.grant = yes.grant

    for attacker in (second, stranger):
        assert not await attacker.covers()
        assert not await attacker.spend()
    assert 0 == await yes.used()


@pytest.mark.requirement("call-grants:spend:only-what-it-is-for")
async def test_it_is_over_at_its_second_and_never_longer_than_a_day(server):
    """AP-07: the end is asked at the use. Nobody can give more than the settings permit, and there is no "always"."""
    yes = await given(server)
    server.clock.advance(3599)
    assert await yes.covers()

    server.clock.advance(1)

    assert not await yes.covers()
    assert not await yes.spend()
    for beyond in (
        {"max_calls": 101},
        {"max_calls": 0},
        {"expires_at": server.now + 86401},
        {"expires_at": server.now},
    ):
        with pytest.raises(InvalidCallGrantError):
            await yes.give(**{"expires_at": server.now + 60} | beyond)


async def _by_grant(server, yes):
    work = yes.work()
    grant.end(work, yes.grant, reason="test")
    assert await work.commit()


async def _by_authorization(server, yes):
    work = yes.work()
    authorization.end(work, await authorization.find(work, yes.grant.authorization_id), reason="test")
    assert await work.commit()


async def _by_consent(server, yes):
    work = yes.work()
    said = yes.said
    await authorization.withdraw_consent(work, sub=said["sub"], client_id=said["client_id"], resource=said["aud"])
    assert await work.commit()


async def _by_client(server, yes):
    await server.operator.set_client(server.client("P").app, is_active=False)


async def _by_person(server, yes):
    await server.operator.set_person("u1", is_active=False)


async def _by_tenant(server, yes):
    await server.operator.set_tenant("t1", is_active=False)


async def _by_resource(server, yes):
    await server.operator.set_resource(yes.said["aud"], is_active=False)


async def _by_taking_the_tool_away(server, yes):
    """And giving it back: what ended does not come to life again."""
    app = server.client("P")
    await app.sign_in("u1", scope=WRITES["scope"], tools=[])
    await app.sign_in("u1", **WRITES)


async def _by_changing_what_it_may(server, yes):
    app = server.client("P")
    await app.consent_page("u1")
    browser = app.browser_of("u1")
    address = next(href for href in (await browser.open("/account")).links if "/account/change?" in href)
    await browser.submit((await browser.open(address)).form("shown"), tool=[])
    await app.sign_in("u1", **WRITES)


ENDS = [
    _by_taking_the_tool_away,
    _by_changing_what_it_may,
    _by_grant,
    _by_authorization,
    _by_consent,
    _by_client,
    _by_person,
    _by_tenant,
    _by_resource,
]


@pytest.mark.requirement("call-grants:spend:ends-with-everything-it-hangs-on")
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__.removeprefix("_by_"))
async def test_whatever_ends_its_authorization_ends_it_at_once(server, end):
    """The next use is refused, in every process, because the one statement asks the rows."""
    yes = await given(server)
    assert await yes.spend()

    await end(server, yes)

    assert not await yes.covers()
    assert not await yes.spend()
    assert 1 == await yes.used()


@pytest.mark.requirement("call-grants:rule:who-gave-it-counts")
async def test_a_persons_own_grant_does_not_stand_for_an_approver(server):
    """AP-05: four eyes, a role, or several people: each is more than the yes of whoever the call runs for."""
    yes = await given(server)

    assert await yes.covers(rule=ApprovalRule())
    # Holding the role oneself changes nothing: it is still the yes of whoever the call runs for.
    for roles in (("member",), ("member", "approver")):
        await server.operator.set_member("u1", "t1", roles=roles)
        for rule in (ApprovalRule(by="role"), ApprovalRule(four_eyes=True), ApprovalRule(approvers=2)):
            assert not await yes.covers(rule=rule)


@pytest.mark.requirement("call-grants:rule:who-gave-it-counts")
async def test_an_approvers_grant_counts_while_they_are_one(server):
    """And never where the rule wants the person's own yes, or more people than one."""
    yes = await given(server, given_by=server.world.people["v1"].subs["t1"])

    assert await yes.covers(rule=ApprovalRule(by="role"))
    assert await yes.covers(rule=ApprovalRule(four_eyes=True))
    assert not await yes.covers(rule=ApprovalRule())
    assert not await yes.covers(rule=ApprovalRule(four_eyes=True, approvers=2))
    assert not await yes.covers(rule=ApprovalRule(by="role", role="treasurer"))

    await server.operator.set_member("v1", "t1", roles=("member",))

    assert not await yes.covers(rule=ApprovalRule(by="role"))


@pytest.mark.requirement("call-grants:rule:a-stopped-approver-takes-theirs-back")
async def test_what_a_stopped_approver_gave_covers_nothing_any_more(server):
    """RV-13, decision 13: at once for each call that is left, and not when they are revived; what they give then counts."""
    v1 = server.world.people["v1"].subs["t1"]
    target = Target(kind=Kind.USER, tenant=server.world.tenants["t1"], sub=v1)
    rule = ApprovalRule(by="role")
    yes, own = await given(server, given_by=v1), await given(server)
    assert await yes.spend(role="approver")
    assert await yes.covers(rule=rule)

    seen = []
    for act in (stop, revive):
        await act(server, target)
        seen.append((await yes.covers(rule=rule), await yes.spend(role="approver")))
    anew = await Given(server.machines, yes.said).give(given_by=v1)

    assert [(False, False), (False, False)] == seen
    assert (1, True) == (await yes.used(), await own.spend())
    assert await anew.covers(rule=rule)
    assert await anew.spend(role="approver")


@pytest.mark.requirement("call-grants:rule:who-gave-it-counts")
async def test_a_login_that_was_too_old_or_too_weak_when_it_was_given_is_not_enough(server):
    """RFC 9470: what the rule demands of a yes, it demands of one given beforehand."""
    yes = await given(server)
    old = await given(server, auth_time=server.now - 301)

    assert await yes.covers(rule=ApprovalRule(max_age=300))
    assert not await old.covers(rule=ApprovalRule(max_age=300))
    assert not await yes.covers(rule=ApprovalRule(acr=("urn:stronger",)))
    assert await yes.covers(rule=ApprovalRule(acr=(yes.said["acr"],)))


@pytest.mark.requirement("call-grants:spend:only-what-it-is-for")
async def test_a_token_that_was_narrowed_spends_only_what_it_names(server):
    """RFC 9396 §6: a client that hands a part of its right on keeps the rest to itself."""
    yes = await given(server)

    narrowed = {"authorization_details_narrowed": True, "authorization_details": [{"grant_id": yes.grant.id}]}

    assert await yes.covers(only=grant.named_in(narrowed))
    assert not await yes.covers(only=grant.named_in(narrowed | {"authorization_details": []}))
    assert await yes.covers(only=grant.named_in({"authorization_details": []}))


@pytest.mark.requirement("call-grants:spend:only-what-it-is-for")
async def test_what_was_given_for_the_words_of_our_directory_is_bound_to_the_first_definition(server):
    """At consent nobody has seen the tool's own definition yet; the first use fixes it, and a changed directory ends it."""
    tool = next(tool for tool in server.tools if tool.name == "refund_order")
    yes = await given(server, definition_hash=grant.as_shown(tool))
    renamed = await given(server, definition_hash=grant.as_shown(replace(tool, description="Refund anything")))

    assert not await renamed.covers()
    assert not await renamed.spend()
    assert await yes.spend()
    assert not await yes.covers(definition_hash="e" * 64)
    assert not await yes.spend(definition_hash="e" * 64)
    assert await yes.spend()


@pytest.mark.requirement("call-grants:spend:only-what-it-is-for")
@pytest.mark.settings(call_grant_most_calls=5, call_grant_most_seconds=600)
@pytest.mark.one_database
async def test_an_operator_bounds_what_a_person_can_give(server):
    """Never more than the deployment permits, at consent neither."""
    yes = await given(server, max_calls=5, expires_at=server.now + 600)
    for beyond in ({"max_calls": 6}, {"expires_at": server.now + 601}):
        with pytest.raises(InvalidCallGrantError):
            await yes.give(**{"expires_at": server.now + 60} | beyond)

    pushed = await server.client("P").push(**asking(detail(max_calls=6, expires_in=60)))

    assert "invalid_authorization_details" == pushed.error


@pytest.mark.requirement("call-grants:guard:honoured-once")
async def test_an_exact_call_allowed_at_consent_runs_without_another_question_and_once(server):
    """A server that asks is told "approved" at once; the second identical call waits for a person."""
    tokens = await server.client("P").sign_in("u1", details=True, **asking(detail(arguments=ARGUMENTS)))
    asks = tool_server(server)

    first = (await asks.ask(tokens)).json()
    assert "approved" == first["state"]
    await asks.run(first["approval_id"], tokens)
    second = (await asks.ask(tokens)).json()

    assert "pending" == second["state"]
    assert {"person:call_grant:given", "client:call_grant:spent"} <= set(await server.operator.kinds())


@pytest.mark.requirement("call-grants:guard:honoured-once")
@pytest.mark.one_database
async def test_another_call_or_a_stricter_rule_is_asked_about_all_the_same(server):
    """Other arguments, another person, another application, four eyes: each waits."""
    tokens = await server.client("P").sign_in("u1", details=True, **asking(detail(arguments=ARGUMENTS)))
    other = await server.client("P").sign_in("u2", **WRITES)
    app = await server.client("B").sign_in("u1", **WRITES)

    asked = [
        await tool_server(server).ask(tokens, {**ARGUMENTS, "amount_cents": 1251}),
        await tool_server(server).ask(other),
        await tool_server(server).ask(app),
        await tool_server(server, four_eyes=True).ask(tokens, policy_version="a" * 64),
    ]

    assert ["pending"] * 4 == [answer.json()["state"] for answer in asked]


@pytest.mark.requirement("call-grants:guard:honoured-once")
async def test_a_grant_that_ended_between_the_answer_and_the_run_is_not_spent(server):
    """AP-07: the row is asked in the commit that starts the call, and the next question goes to a person."""
    tokens = await server.client("P").sign_in("u1", details=True, **asking(detail(arguments=ARGUMENTS)))
    asks = tool_server(server)
    approval_id = (await asks.ask(tokens)).json()["approval_id"]
    yes = Given(server.machines, tokens.claims, ARGUMENTS)
    yes.grant = await grant.find(yes.work(), tokens.body["authorization_details"][0]["grant_id"])
    await _by_grant(server, yes)

    refused = await asks.consume(approval_id, tokens)
    again = (await asks.ask(tokens)).json()

    assert (409, "approval_ended") == (refused.status_code, refused.json()["error"])
    assert "pending" == again["state"]


@pytest.mark.requirement("call-grants:guard:honoured-once")
@pytest.mark.one_database
async def test_a_narrowed_token_has_nothing_of_the_rest(server):
    """RFC 9396 §6: asked for without details, it is asked about; the whole token is not."""
    app = server.client("P")
    tokens = await app.sign_in("u1", details=True, **asking(detail(arguments=ARGUMENTS)))
    narrowed = await app.refresh(tokens, authorization_details="[]")
    # A refusal by one does not void what the other has.
    other = {**ARGUMENTS, "order_id": "o-2"}

    assert "pending" == (await tool_server(server).ask(narrowed, other)).json()["state"]
    assert "pending" == (await tool_server(server).ask(narrowed)).json()["state"]


@pytest.mark.slow
@pytest.mark.requirement("call-grants:spend:exactly-so-many")
async def test_of_fifty_calls_at_two_processes_exactly_ten_run(processes):
    """AP-02: each is another call that the condition covers, and all are told "approved"; ten may start, forty may not."""
    try:
        app, asks = processes.client("P"), tool_server(processes)
        for _ in range(2):
            tokens = await app.sign_in(
                "u1",
                details=True,
                **asking(detail(arguments=None, condition="args.amount_cents < 1000", max_calls=10)),
            )
            calls = [{"order_id": f"o{number}", "amount_cents": number} for number in range(50)]
            asked = await asyncio.gather(*(asks.ask(tokens, call) for call in calls))
            assert {"approved"} == {answer.json()["state"] for answer in asked}

            started = await asyncio.gather(
                *(
                    asks.consume(answer.json()["approval_id"], tokens, call)
                    for answer, call in zip(asked, calls, strict=True)
                )
            )

            # Whoever was told to come back because so many came at once has run nothing, and comes back.
            codes = [answer.status_code for answer in started]
            late = [
                (await asks.consume(answer.json()["approval_id"], tokens, call)).status_code
                for answer, call, code in zip(asked, calls, codes, strict=True)
                if code not in {200, 409}
            ]
            assert 10 == (codes + late).count(200), codes
    finally:
        await processes.close()
