"""A call that waits for a yes, at the guard: asked once, run once, told once, and refused in words a model can act on."""

import asyncio
import json

import pytest

from resource_lib import ask, destructive
from tests.support.approved import SCOPES, Approved, Shop


def text(answer):
    return answer.json["result"]["content"][0]["text"]


@pytest.mark.requirement("delivery:approval:asked-and-run-once")
async def test_a_refund_waits_runs_once_after_a_yes_and_the_next_one_asks_again():
    """AP-01: one yes, one execution; the second identical call is a new question."""
    it = Approved()

    first = await it.call()
    again = await it.call()
    it.issuer.approve()
    ran = await it.call(request_id="mine")
    after = await it.call()

    assert ["approval_required"] * 2 == [first.error["error"], again.error["error"]]
    assert first.error["approval_id"] == again.error["approval_id"] == it.issuer.rows[0].id
    assert {"approval_url", "expires_at", "retry_after_s", "tool", "message"} < set(first.error)
    assert first.error["approval_url"] in first.json["result"]["content"][0]["text"]
    assert ("mine", "ran 1") == (ran.json["id"], text(ran))
    assert "approval_required" == after.error["error"] and after.error["approval_id"] == it.issuer.rows[1].id
    assert 1 == len(it.shop.ran) == len(it.issuer.rows[0].consumed)
    assert ("done", True, False) == (it.issuer.rows[0].state, it.issuer.rows[0].delivered, it.issuer.rows[0].is_error)


@pytest.mark.requirement("delivery:arguments:exactly-what-was-approved")
@pytest.mark.parametrize(
    "other",
    [
        {"order": "o1", "amount": 101},
        {"order": "o1", "amount": 100, "note": None},
        {"order": "o1"},
        {"order": "o1", "amount": "100"},
        {"order": "\u00e9", "amount": 100},
    ],
)
async def test_changed_arguments_do_not_run_and_burn_nothing(other):
    """AP-03: a yes is for one exact call."""
    it = Approved()
    await it.call()
    it.issuer.approve()

    changed = await it.call(arguments=other)

    assert ("approval_required", ["arguments"]) == (changed.error["error"], changed.error["differs"])
    assert 0 == len(it.shop.ran)
    assert "approved" == it.issuer.rows[0].state
    assert "ran 1" == text(await it.call(arguments={"amount": 1e2, "order": "o1"})), "the same by RFC 8785"
    assert [{"amount": 100, "order": "o1"}] == [call["arguments"] for call in it.shop.ran]


@pytest.mark.requirement("delivery:arguments:unusable-ones-are-refused-with-words")
@pytest.mark.parametrize(
    "arguments",
    ['{"n":9007199254740993}', '{"n":1e999}', '{"s":"\\ud800"}', "[1]", "null", '"x"', '{"s":"%s"}' % ("x" * 40_000)],
)
async def test_arguments_nobody_can_judge_are_refused_before_anybody_is_asked(arguments):
    """RFC 8785 §3.1; decision 13: what has no certain meaning is not approved, and a person reads no megabytes."""
    it = Approved()
    raw = (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"refund","arguments":%s}}' % arguments.encode()
    )

    answer = await it.raw(raw).answer()

    assert "invalid_arguments" == answer.error["error"]
    assert [] == it.issuer.rows == it.shop.ran


@pytest.mark.requirement("delivery:principal:somebody-elses-yes-is-none")
@pytest.mark.parametrize(
    "claims",
    [
        {"subject": "usr_b"},
        {"tenant": "ten_bbbbbbbbbbbbbbbb"},
        {"client_id": "cli_b"},
        {"override": {"authorization_id": "aut_b"}},
    ],
)
async def test_somebody_elses_yes_is_nobodys(claims):
    """AP-03: another person, tenant, application or login asks for itself."""
    it = Approved()
    await it.call()
    it.issuer.approve()

    other = await it.call(token=it.issuer.token(scopes=SCOPES, **claims))

    assert "approval_required" == other.error["error"]
    assert (2, []) == (len(it.issuer.rows), it.shop.ran)


@pytest.mark.requirement("delivery:definition:a-changed-tool-asks-again")
async def test_a_tool_that_says_something_else_now_asks_again():
    """MCP "rug pull": the yes is for the tool as it was described."""
    it = Approved()
    clock = [0.0]
    it.guard._definitions._clock = lambda: clock[0]
    await it.call()
    it.issuer.approve()
    it.shop.description = "Send money to the moon."
    clock[0] = 61

    changed = await it.call()

    assert "approval_required" == changed.error["error"]
    assert ["Give money back.", "Send money to the moon."] == [
        row.asked["display"]["description"] for row in it.issuer.rows
    ]
    assert 2 == it.shop.listed


@pytest.mark.requirement("delivery:definition:unreadable-list-fails-closed")
@pytest.mark.parametrize(
    "listing", [{}, {"tools": [1]}, {"tools": [{"name": "refund"}] * 2}, {"tools": [], "nextCursor": 3}]
)
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_server_that_cannot_say_what_its_tool_is_runs_nothing(listing, era):
    """Fail closed: nobody can be shown what would run."""
    it = Approved()
    it.shop.listing = listing
    headers = {} if era == "modern" else {"headers": await it.session({})}

    answer = await it.call(**headers)

    assert "server_inactive" == answer.error["error"]
    assert [] == it.issuer.rows == it.shop.ran


async def test_a_list_that_passes_teaches_the_guard_what_the_tool_is():
    """One list for the client is one question less for the server, and nothing of the unfiltered list leaks."""
    it = Approved()
    listed = await it.raw({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).answer()

    await it.call()

    assert 1 == it.shop.listed
    assert ["look", "refund"] == [tool["name"] for tool in listed.json["result"]["tools"]]
    assert "Refund" == it.issuer.only.asked["display"]["title"]


@pytest.mark.requirement("delivery:race:one-execution-in-a-process")
async def test_a_hundred_identical_calls_run_once_and_hear_one_outcome():
    """AP-02, inside one process: losers wait for the winner and nobody opens a second question."""
    it = Approved()
    await it.call()
    it.issuer.approve()
    it.shop.gate = asyncio.Event()
    calls = [it.begin(request_id=number) for number in range(100)]
    await it.shop.started.wait()

    it.shop.gate.set()
    answers = [await call.answer() for call in calls]

    assert {"ran 1"} == {text(answer) for answer in answers}
    assert list(range(100)) == [answer.json["id"] for answer in answers]
    assert (1, 1) == (len(it.shop.ran), len(it.issuer.rows))


@pytest.mark.requirement("delivery:approval:asked-and-run-once")
@pytest.mark.parametrize("streams", [False, True])
async def test_who_has_read_the_answer_asks_anew_though_the_server_is_not_back_yet(streams):
    """Decision 13: after an answer that was sent in full the next identical call is a new one, not a loser of that race."""
    it = Approved()
    it.shop.streams, it.shop.lingers = streams, asyncio.Event()
    await it.call()
    it.issuer.approve()
    answered = it.begin()
    while not answered.found or answered.found[-1].get("more_body", True):
        await asyncio.sleep(0)

    following = it.begin()
    for _ in range(50):
        await asyncio.sleep(0)
    waits = not following.found
    it.shop.lingers.set()
    anew, ran = await following.answer(), await answered.answer()

    assert waits
    assert ("approval_required", it.issuer.rows[-1].id) == (anew.error["error"], anew.error["approval_id"])
    assert (2, 1) == (len(it.issuer.rows), len(it.shop.ran))
    assert b"ran 1" in ran.body


@pytest.mark.requirement("delivery:race:one-execution-between-processes")
async def test_two_guards_run_it_once_and_the_loser_hears_the_same():
    """AP-02, between processes: the issuer decides who begins."""
    it = Approved()
    other = Approved(it.issuer, it.shop)
    await it.call()
    it.issuer.approve()
    it.shop.gate = asyncio.Event()
    calls = [side.begin(token=it.token, request_id=n) for n in range(100) for side in (it, other)]
    await it.shop.started.wait()
    while it.issuer.count("state") < 1:
        await asyncio.sleep(0)

    it.shop.gate.set()
    answers = [await call.answer() for call in calls]

    assert {"ran 1"} == {text(answer) for answer in answers}
    assert (1, 1) == (len(it.shop.ran), len(it.issuer.rows))


@pytest.mark.requirement("delivery:hang-up:runs-on-and-is-told-once")
@pytest.mark.parametrize("streams", [False, True])
async def test_a_caller_who_hangs_up_stops_nothing_and_hears_the_outcome_once_later(streams):
    """AP-15: half a refund is worse than a late answer; the lost answer is told once, marked, then asked anew."""
    it = Approved()
    it.shop.streams, it.shop.gate = streams, asyncio.Event()
    await it.call()
    it.issuer.approve()
    gone = it.begin()
    await it.shop.started.wait()
    gone.hang_up()
    gone.task.cancel()
    it.shop.gate.set()
    while it.guard._held.flow._flights:
        await asyncio.sleep(0)

    told = await it.call(request_id=7)
    after = await it.call()

    assert ("done", False) == (it.issuer.rows[0].state, it.issuer.rows[0].delivered)
    assert (7, "ran 1", True) == (told.json["id"], text(told), told.json["result"]["_meta"]["authserver/replayed"])
    assert ("approval_required", 1) == (after.error["error"], len(it.shop.ran))


@pytest.mark.requirement("delivery:outcome:what-is-hidden-is-not-kept")
async def test_a_tool_that_repeats_what_is_hidden_is_heard_in_full_and_kept_without_it():
    """Decision 13: the caller, who sent it, reads it; the issuer keeps none of it, and a later telling has none."""
    rule = ask(redact=["card"], sentence="Refund {amount} cents")
    it = Approved(tools={"refund": destructive("orders:write", approval=rule)})
    it.shop.result = {"content": [{"type": "text", "text": "to 4111 1111 1111 1111"}], "isError": False}
    arguments = {"amount": 100, "card": "4111 1111 1111 1111"}

    ran = await it.approved(arguments=arguments)

    assert "to 4111 1111 1111 1111" == text(ran)
    assert {"content": [{"type": "text", "text": "to (hidden)"}], "isError": False} == it.issuer.rows[0].outcome


@pytest.mark.requirement("policy:approval:a-misspelt-argument-is-told")
@pytest.mark.parametrize(
    ("redact", "told"),
    [(["nte"], True), (["note.text", "a.b"], False), (["note", "card"], True)],
)
async def test_an_approval_that_names_an_argument_the_tool_does_not_take_is_told_once(redact, told, caplog):
    """Ours: a misspelt name in `redact` hides nothing, and nobody would see that before people do."""
    it = Approved(tools={"refund": destructive("orders:write", approval=ask(redact=redact, sentence="Pay {amount}"))})
    taken = {"amount": {"type": "integer"}, "note": {"type": "object"}, "a.b": {"type": "string"}}
    tool = {"name": "refund", "inputSchema": {"type": "object", "properties": taken}}
    it.shop.listing = {"tools": [tool]}

    await it.call(arguments={"amount": 1})
    await it.call(arguments={"amount": 2})

    assert int(told) == caplog.text.count("the approval of 'refund' names arguments that the tool does not list: ")
    assert not told or f"not list: {redact[-1]}; a misspelt one" in caplog.text


@pytest.mark.requirement("delivery:stream:progress-is-not-held")
async def test_progress_leaves_at_once_and_the_last_message_after_its_outcome_is_told():
    """Nothing on the path buffers a stream; the issuer knows the outcome before the caller does."""
    it = Approved()
    it.shop.streams, it.shop.gate = True, asyncio.Event()
    await it.call()
    it.issuer.approve()
    call = it.begin()
    await it.shop.started.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    early, told_early = call.so_far, it.issuer.count("outcome")
    it.shop.gate.set()
    answer = await call.answer()
    await it.landed()

    assert b"notifications/progress" in early and b"ran 1" not in early
    assert 0 == told_early
    assert b"ran 1" in answer.body and answer.body.startswith(early)
    assert ["outcome", "outcome"] == [name for name, _, _ in it.issuer.asked][-2:]
    assert it.issuer.only.delivered


@pytest.mark.requirement("delivery:crash:outcome-is-an-error")
async def test_a_server_that_crashes_has_an_outcome_that_says_so():
    """AP-15: the yes is spent, and the next identical call does not run it again unasked."""
    it = Approved()
    it.shop.crashes = True
    await it.call()
    it.issuer.approve()

    with pytest.raises(RuntimeError, match="till"):
        await it.call()
    told = await it.call()

    assert ("done", True) == (it.issuer.only.state, it.issuer.only.is_error)
    assert told.json["result"]["isError"] and told.json["result"]["_meta"]["authserver/replayed"]
    assert "till" not in json.dumps(it.issuer.only.outcome)
    assert 1 == len(it.shop.ran)


@pytest.mark.requirement("delivery:issuer:away-at-the-outcome")
async def test_an_outcome_that_cannot_be_told_is_told_as_soon_as_the_issuer_is_back(monkeypatch):
    """The answer leaves all the same; the record catches up."""
    waited = []

    async def wait(seconds):
        waited.append(seconds)
        it.issuer.is_down = len(waited) < 3

    it = Approved()
    it.shop.gate = asyncio.Event()
    await it.call()
    it.issuer.approve()
    call = it.begin()
    await it.shop.started.wait()
    it.issuer.is_down = True
    monkeypatch.setattr("resource_lib.approval.run.asyncio.sleep", wait)
    it.shop.gate.set()
    answer = await call.answer()
    await it.landed()

    assert "ran 1" == text(answer)
    assert ("done", True) == (it.issuer.only.state, it.issuer.only.delivered)


@pytest.mark.requirement("delivery:issuer:nothing-runs-without-it")
@pytest.mark.parametrize("endpoint", ["ask", "consume"])
async def test_nothing_runs_while_the_issuer_cannot_be_asked(endpoint):
    """Fail closed, with a time to come back."""
    it = Approved()
    if endpoint == "consume":
        await it.call()
        it.issuer.approve()
    it.issuer.answer_instead[endpoint] = 503, {}

    answer = await it.call()

    assert "control_plane_stale" == answer.error["error"] and 1 <= answer.error["retry_after_s"]
    assert [] == it.shop.ran


async def test_too_many_questions_are_a_typed_refusal_with_a_time():
    """AP-12; decision 12: a tool's limit is told in the result, with Retry-After."""
    it = Approved()
    it.issuer.answer_instead["ask"] = 429, {"error": "slow_down", "retry_after_s": 42}

    answer = await it.call()

    assert (200, "42") == (answer.status, answer.header("retry-after"))
    assert ("rate_limited", 42, "approvals") == tuple(
        answer.error[name] for name in ("error", "retry_after_s", "limit")
    )


@pytest.mark.requirement("delivery:token:ended-at-the-issuer")
async def test_a_token_that_ended_is_the_one_401_even_when_the_yes_was_given():
    """The issuer is asked at that moment whether the caller still stands."""
    it = Approved()
    await it.call()
    it.issuer.approve()
    it.issuer.ended_tokens.add(it.token)

    answer = await it.call()

    assert (401, []) == (answer.status, it.shop.ran)
    assert 'error="invalid_token"' in answer.header("www-authenticate")


@pytest.mark.parametrize(
    ("state", "word"),
    [("denied", "approval_denied"), ("expired", "approval_expired"), ("ambiguous", "approval_ambiguous")],
)
@pytest.mark.requirement("delivery:words:each-state-has-its-own")
async def test_each_end_has_its_word(state, word):
    """Decision 13: denied, expired and ambiguous are told apart, and nothing runs."""
    it = Approved()
    await it.call()
    row = it.issuer.only
    if state == "denied":
        it.issuer.deny()
    elif state == "expired":
        it.issuer.later = 901
    else:
        row.state, row.lease_until = "executing", 0

    answer = await it.call()

    assert (word, row.id) == (answer.error["error"], answer.error["approval_id"])
    assert [] == it.shop.ran


@pytest.mark.parametrize("error", ["approval_mismatch", "approval_denied", "approval_expired", "approval_ambiguous"])
async def test_the_last_word_is_the_consumption(error):
    """What changed between the question and the beginning counts."""
    it = Approved()
    await it.call()
    it.issuer.approve()
    it.issuer.answer_instead["consume"] = 409, {"error": error, "state": "approved"}

    answer = await it.call()

    assert (error, []) == (answer.error["error"], it.shop.ran)


@pytest.mark.requirement("delivery:batch:alone-please")
async def test_a_call_that_waits_runs_in_no_batch():
    """MCP 2025-03-26: one answer for many calls cannot wait for one of them."""
    it = Approved()
    await it.call()
    it.issuer.approve()
    call = {
        "jsonrpc": "2.0",
        "method": "tools/call",
        "params": {"name": "refund", "arguments": {"order": "o1", "amount": 100}},
    }
    other = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "look", "arguments": {}}}

    answer = await it.raw([{**call, "id": 1}, {**other, "id": 2}]).answer()

    assert ["approval_required", "policy_denied"] == [
        reply["result"]["_meta"]["authserver/error"]["error"] for reply in answer.json
    ]
    assert "outside a batch" in text(type(answer)(200, [], json.dumps(answer.json[0]).encode()))
    assert ([], "approved") == (it.shop.ran, it.issuer.only.state)


async def test_a_call_without_an_id_cannot_be_answered_and_does_not_run():
    """A notification has no outcome that anybody could hear."""
    it = Approved()
    message = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "refund", "arguments": {}}}

    answer = await it.raw(message).answer()

    assert "invalid_arguments" == answer.error["error"]
    assert [] == it.shop.ran == it.issuer.rows


@pytest.mark.parametrize("size", [70_000, 17_000_000])
async def test_a_huge_result_arrives_whole_and_is_not_kept(size):
    """At most 64 KiB of an outcome are kept; a caller loses nothing."""
    it = Approved()
    it.shop.result = {"content": [{"type": "text", "text": "x" * size}]}
    await it.call()
    it.issuer.approve()

    answer = await it.call()

    assert size == len(text(answer))
    assert {"too_large": True} == it.issuer.only.outcome


async def test_a_read_asks_nobody():
    """Decision 20: what needs no yes pays for none."""
    it = Approved()

    answer = await it.call("look", {})

    assert "ran 1" == text(answer)
    assert ([], 0) == (it.issuer.asked, it.shop.listed)


@pytest.mark.requirement("delivery:doctor:who-waits-for-whom")
def test_the_doctor_says_which_tools_wait_for_whom():
    """Decision 18: without a credential it says so, and refuses to start if a tool needs approval."""
    report = Approved().guard.doctor()

    assert ("full", {"refund", "pay_out"}) == (report.mode, set(report.approvals))
    assert "person you are working for" in report.approvals["refund"]
    assert "approver" in report.approvals["pay_out"] and "other than" in report.approvals["pay_out"]
    assert "2 wait for a yes" in str(report)


@pytest.mark.requirement("delivery:lease:renewed-while-it-runs")
async def test_a_long_run_keeps_its_lease_and_a_dead_one_does_not(monkeypatch):
    """Decision 13: executing with a dead owner is ambiguous, and a slow owner is not dead."""
    turns = asyncio.Event()

    async def ten_seconds(seconds):
        assert 10 == seconds
        it.issuer.later += 10
        if it.issuer.count("consume") >= 7:
            turns.set()
            await asyncio.Event().wait()

    it = Approved()
    it.shop.gate = asyncio.Event()
    await it.call()
    it.issuer.approve()
    monkeypatch.setattr("resource_lib.approval.run.asyncio.sleep", ten_seconds)
    call = it.begin()
    await turns.wait()

    assert "executing" == it.issuer._state(it.issuer.only), "a minute later"
    it.shop.gate.set()
    assert "ran 1" == text(await call.answer())


async def test_a_server_that_shuts_down_leaves_nothing_running():
    """The lifespan's end closes channels and cancels renewals; what was cut says ambiguous by itself."""
    it = Approved()
    it.shop.gate = asyncio.Event()
    await it.call()
    it.issuer.approve()
    call = it.begin()
    await it.shop.started.wait()

    await it.guard._held.flow.aclose(patience=0.01)

    with pytest.raises(asyncio.CancelledError):
        await call.task
    it.issuer.later = 31
    assert "ambiguous" == it.issuer._state(it.issuer.only)
    assert "approval_ambiguous" == (await Approved(it.issuer, Shop()).call(token=it.token)).error["error"]
