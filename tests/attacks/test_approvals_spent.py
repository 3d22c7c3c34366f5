"""
The attacker wants a second execution, or another call than the one somebody read: replay, races, changed calls, clocks, ends.

Attack group AP (01, 02, 03, 07, 15); decision 13. Whatever is refused here burns nothing.
"""

import asyncio
from dataclasses import replace

import pytest

from tests.support.approvals import ARGUMENTS, REFUND, WITH_REFUND, Approver, new_run, refunding, tool_server
from tests.support.exchange import SCOPES, deputy
from tests.support.world import R1, R2


async def ready(server, rs, token, arguments=None, who="u1"):
    """Return the id of a call that has its yes."""
    approval_id = await rs.asked(token, arguments)
    await Approver(server=server, who=who).decide(approval_id)
    return approval_id


@pytest.mark.requirement("attack:approvals:one-of-parallel-consumes")
async def test_of_two_hundred_runs_at_once_one_may_begin(server):
    """AP-02: each with a name of its own, as two hundred retries have."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await ready(server, rs, token)

    answers = await asyncio.gather(*(rs.consume(approval_id, token) for _ in range(200)))

    assert 1 == len([answer for answer in answers if answer.status_code == 200])
    refused = {answer.json()["error"] for answer in answers if answer.status_code != 200}
    assert refused <= {"approval_in_progress", "temporarily_unavailable"}
    assert 1 == (await server.operator.kinds()).count("client:approval:consumed")


@pytest.mark.requirement("attack:approvals:one-prompt-for-parallel-calls")
async def test_a_hundred_identical_calls_at_once_open_one_question(server):
    """AP-02, decision 13: identical pending calls attach to the one row."""
    rs, token = tool_server(server), await refunding(server)

    answers = await asyncio.gather(*(rs.ask(token) for _ in range(100)))

    assert {200, 201, 503} >= {answer.status_code for answer in answers}
    answered = [answer.json() for answer in answers if answer.status_code != 503]
    assert 1 == len({one["approval_id"] for one in answered})
    assert 1 == len([one for one in answered if one["is_new"]])


CHANGES = {
    "another value": {"order_id": "o-1001", "amount_cents": 1251},
    "an extra member": {**ARGUMENTS, "note": ""},
    "a member less": {"order_id": "o-1001"},
    "null for absent": {**ARGUMENTS, "note": None},
    "a string for a number": {**ARGUMENTS, "amount_cents": "1250"},
    "another case": {**ARGUMENTS, "order_id": "O-1001"},
    "__proto__": {**ARGUMENTS, "__proto__": {"amount_cents": 1}},
}


@pytest.mark.requirement("attack:approvals:a-changed-call-is-refused")
@pytest.mark.requirement("clients:seen:6-a-changed-call-as-a-fresh-one")
async def test_a_changed_call_does_not_run_and_burns_nothing(server):
    """AP-03: as a retry with the same id, and as a fresh call; then the approved one still runs."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await ready(server, rs, token)

    retried = {name: await rs.consume(approval_id, token, changed) for name, changed in CHANGES.items()}
    fresh = {name: await rs.ask(token, changed) for name, changed in CHANGES.items()}
    hashes = [
        await rs.consume(approval_id, token, **{name: "f" * 64})
        for name in ("args_hash", "definition_hash", "policy_version")
    ]
    honest = await rs.consume(approval_id, token, {"amount_cents": 1250.0, "order_id": "o-1001"})

    assert {(409, "approval_mismatch", "approved")} == {
        (answer.status_code, answer.json()["error"], answer.json()["state"]) for answer in (*retried.values(), *hashes)
    }
    assert {(201, "pending")} == {(answer.status_code, answer.json()["state"]) for answer in fresh.values()}
    assert 200 == honest.status_code
    assert len(CHANGES) + 3 == (await server.operator.kinds()).count("client:approval:refused")


@pytest.mark.requirement("attack:approvals:hash-is-of-the-arguments")
@pytest.mark.parametrize(
    "changed",
    [
        {"args_hash": "0" * 64},
        {"arguments": [1]},
        {"arguments": {"n": 2**53 + 1}},
        {"arguments": {"n": "x" * 33_000}},
        {"args_hash": "not a hash"},
        {"definition_hash": "D" * 64},
        {"tool": "a tool"},
        {"tool_class": "harmless"},
        {"rule": {"approvers": 0}},
        {"rule": {"by": "role", "role": 'x","approver'}},
        {"rule": None},
        {"age_ms": -1},
        {"age_ms": True},
        {"display": "text"},
        {"access_token": None},
    ],
    ids=lambda changed: str(changed)[:40],
)
async def test_a_server_that_misreports_a_call_is_refused(server, changed):
    """AP-03: what a person is shown is what was hashed, and the hash is computed here."""
    rs, token = tool_server(server), await refunding(server)

    answer = await rs.ask(token, **changed)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert [] == await Approver(server=server, who="u1").inbox()


@pytest.mark.requirement("attack:approvals:bodies-mean-one-thing")
@pytest.mark.parametrize(
    "body",
    [
        b'{"arguments": {"a": 1, "a": 2}}',
        b'{"arguments": {"a": NaN}}',
        b'{"arguments": {"a": "\\ud800"}}',
        b'{"arguments": ' + b"[" * 70 + b"]" * 70 + b"}",
        b"[]",
        b"\xff\xfe{}",
        b"",
    ],
    ids=["twice", "NaN", "surrogate", "deep", "list", "bytes", "empty"],
)
async def test_a_body_that_two_readers_could_take_differently_is_refused(server, body):
    """AP-03, RFC 8259 §4: duplicate members first."""
    headers = server.client("RS1").credential()[0] | {"content-type": "application/json"}

    answer = await server.http.post("/rs/approvals", content=body, headers=headers)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


@pytest.mark.requirement("attack:approvals:another-callers-yes")
async def test_another_person_application_or_session_cannot_use_it(server):
    """Decision 13: bound to person, client and authorization; each is refused with a reason, and nothing is burnt."""
    rs, token = tool_server(server), await refunding(server)
    others = [
        await refunding(server, "u2"),
        await refunding(server, letter="P"),
        await refunding(server),  # the same person and application, signed in anew
    ]
    approval_id = await ready(server, rs, token)

    refused = [await rs.consume(approval_id, other) for other in others]
    honest = await rs.consume(approval_id, token)

    assert {(409, "approval_mismatch")} == {(answer.status_code, answer.json()["error"]) for answer in refused}
    assert 200 == honest.status_code


@pytest.mark.requirement("attack:approvals:another-callers-yes")
async def test_a_server_that_acts_for_its_caller_has_no_share_in_the_callers_yes(server):
    """RFC 8693: the exchanged token is of the same authorization, and still another call."""
    await server.operator.allow_exchange(R1, R2, {**SCOPES, "tool:refund_order": ("tool:refund_order",)})
    await server.operator.set_resource(R1, is_active=True)
    token = await refunding(server)
    upstream, rs2 = await deputy(server), tool_server(server, "RS2")
    traded = await upstream.exchange(token, scope="orders:write tool:refund_order")
    assert traded.ok, traded.body
    approval_id = await ready(server, tool_server(server), token)

    answer = await rs2.ask(traded)
    at_two = await rs2.consume(approval_id, traded)

    assert (201, "pending") == (answer.status_code, answer.json()["state"])
    assert approval_id != answer.json()["approval_id"]
    assert (404, "not_found") == (at_two.status_code, at_two.json()["error"])


@pytest.mark.requirement("attack:approvals:clocks")
async def test_late_is_late_and_a_clock_that_is_set_back_brings_nothing_back(server):
    """AP-07: a yes too late, a use too late; once told, it stays so."""
    rs, token = tool_server(server, expires_in=60, use_within=60), await refunding(server)
    person = Approver(server=server, who="u1")
    waiting, used = await rs.asked(token), await ready(server, rs, token, {"order_id": "o-2"})

    server.clock.advance(60)
    with pytest.raises(Exception, match="not_pending"):
        await person.decide(waiting)
    late = await rs.consume(used, token, {"order_id": "o-2"})
    told = await rs.ask(token)
    server.clock.advance(-15)
    with pytest.raises(Exception, match="not_pending"):
        await person.decide(waiting)
    back = await rs.consume(used, token, {"order_id": "o-2"})
    states = [await rs.state(waiting), await rs.state(used)]

    assert (409, "approval_expired", "expired") == (late.status_code, late.json()["error"], late.json()["state"])
    assert "expired" == told.json()["state"]
    assert (409, "approval_expired") == (back.status_code, back.json()["error"])
    assert ["expired", "expired"] == states


ENDS = {
    "the member is disabled": lambda it, app, token: it.set_member("u1", "t1", is_active=False),
    "the membership is removed": lambda it, app, token: it.remove_member("u1", "t1"),
    "the person is disabled": lambda it, app, token: it.set_person("u1", is_active=False),
    "the password is changed": lambda it, app, token: it.change_password("u1", "another long password of u1"),
    "the client is disabled": lambda it, app, token: it.set_client(app, is_active=False),
    "the client is not let in": lambda it, app, token: it.block("t1", app.client_id),
    "the tenant is suspended": lambda it, app, token: it.set_tenant("t1", is_active=False),
    "the resource is disabled": lambda it, app, token: it.set_resource(R1, is_active=False),
    "the resource is unlinked": lambda it, app, token: it.unlink(R1, "t1"),
    "the consent is withdrawn": lambda it, app, token: it.withdraw_consent("u1", "t1", app, R1),
    "the session is ended": lambda it, app, token: it.end_authorization("t1", token.claims["authorization_id"]),
    "the tool is taken away": lambda it, app, token: it.set_resource(
        R1, tools=tuple(tool for tool in it_tools() if tool.name != REFUND)
    ),
}


def it_tools():
    """Return the tools of the world."""
    from tests.support.world import TOOLS

    return TOOLS


@pytest.mark.requirement("attack:approvals:what-has-ended-does-not-run")
@pytest.mark.parametrize("how", ENDS)
async def test_an_approved_call_does_not_run_once_what_it_stood_on_has_ended(server, how):
    """Decision 13: asked of the rows again at that moment; after a restart too."""
    rs, token, app = tool_server(server), await refunding(server), server.client("N").app
    approval_id = await ready(server, rs, token)

    await ENDS[how](server.operator, app, token)
    at_once = await rs.consume(approval_id, token)
    await server.restart()
    later = await rs.consume(approval_id, token)

    assert {at_once.status_code, later.status_code} <= {401, 403, 404, 409}
    assert "client:approval:consumed" not in await server.operator.kinds()


@pytest.mark.requirement("attack:approvals:what-has-ended-is-in-no-inbox")
@pytest.mark.parametrize(
    "how", [how for how in ENDS if how not in {"the tool is taken away", "the client is not let in"}]
)
async def test_what_waits_in_the_name_of_something_that_ended_waits_no_more(server, how):
    """Issue: nobody is asked about a call that could not run; it reads as expired."""
    rs, token, app = tool_server(server, by="role"), await refunding(server), server.client("N").app
    approval_id = await rs.asked(token)
    approver = Approver(server=server, who="v1")
    assert [approval_id] == await approver.inbox()

    await ENDS[how](server.operator, app, token)

    assert [] == await approver.inbox()
    with pytest.raises(Exception, match=r"not_pending|not_for_you"):
        await approver.decide(approval_id)


@pytest.mark.requirement("attack:approvals:an-end-and-a-use-cannot-pass")
async def test_an_end_that_comes_at_the_same_moment_wins_or_loses_and_nothing_between(server):
    """AP-02, decision 14: after the end was answered, nothing begins."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await ready(server, rs, token)

    async def end():
        await server.operator.end_authorization("t1", token.claims["authorization_id"])
        return await rs.consume(approval_id, token)

    answers = await asyncio.gather(end(), *(rs.consume(approval_id, token) for _ in range(10)))

    assert 200 != answers[0].status_code
    assert len([answer for answer in answers if answer.status_code == 200]) <= 1


@pytest.mark.requirement("attack:approvals:a-token-that-lost-the-tool")
async def test_a_token_without_the_tools_own_scope_asks_for_nothing(server):
    """Decision 11: nobody is asked about a call that the token does not permit."""
    rs, token = tool_server(server), await server.client("N").sign_in(scope=WITH_REFUND)

    answer = await rs.ask(token)

    assert (403, "access_denied") == (answer.status_code, answer.json()["error"])


@pytest.mark.requirement("attack:approvals:only-its-run-tells")
async def test_only_the_run_that_was_let_in_may_tell_what_came_of_it(server):
    """AP-15: a forged outcome, an outcome of what never ran, a second outcome."""
    rs, token, run = tool_server(server), await refunding(server), new_run()
    approval_id = await ready(server, rs, token)
    before = await rs.outcome(approval_id, run)
    await rs.consume(approval_id, token, instance_id=run)

    forged = await rs.outcome(approval_id, "forged", {"content": []})
    early = await rs.delivered(approval_id, run)
    told = await rs.outcome(approval_id, run)
    second = await rs.outcome(approval_id, run, {"content": [{"type": "text", "text": "Something else."}]})
    large = await rs.outcome(approval_id, run, {"content": "x" * 70_000})
    nothing = await rs.post(f"/rs/approvals/{approval_id}/outcome", {"instance_id": run})
    kept = await rs.look(approval_id)

    assert [409, 409, 409] == [answer.status_code for answer in (before, forged, early)]
    assert [200, 200] == [answer.status_code for answer in (told, second)]
    assert [400, 400] == [answer.status_code for answer in (large, nothing)]
    assert "Refunded." in kept.text
    assert "Something else." not in kept.text


@pytest.mark.requirement("attack:approvals:servers-with-a-credential-alone")
@pytest.mark.parametrize("letter", ["P", "B", "M", None])
async def test_only_an_mcp_server_with_its_credential_is_answered(server, letter):
    """RFC 6749 §2.3: no application, no machine, nobody."""
    rs, token = tool_server(server), await refunding(server)
    approval_id = await rs.asked(token)
    app = server.client(letter or "RS1")
    rs.app = app if letter else replace(app, app=replace(app.app, secret="a wrong secret"))

    answers = [
        await rs.ask(token), await rs.look(approval_id), await rs.consume(approval_id, token),
        await rs.outcome(approval_id, "run"),
    ]  # fmt: skip

    assert {(401, "invalid_client")} == {(answer.status_code, answer.json()["error"]) for answer in answers}
