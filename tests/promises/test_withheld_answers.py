"""An answer that reads like orders to a model waits for a person: who reads exactly it, and then it is handed over once, and nothing runs twice."""

import asyncio
import hashlib
import json

import pytest

from resource_lib import read
from resource_lib.output import Output
from tests.support.outside import ORDERS, SCOPES, TOOLS, Outside, text


def quarantined(**more):
    return Outside(tools=TOOLS | {"search": read("orders:read", screening="quarantine")}, **more)


async def asked(desk, arguments=None, **more):
    """Have an answer withheld, and ask for it once more, so that a person is asked."""
    first = await desk.call("search", arguments or {"q": "lamp"}, **more)
    assert first.error["error"] == "quarantined", first.json
    return await desk.call("search", arguments or {"q": "lamp"}, **more)


@pytest.mark.requirement("quarantine:withheld")
@pytest.mark.parametrize("streams", [False, True])
async def test_a_withheld_answer_leaves_by_no_way_and_nobody_is_bothered_before_it_is_wanted(streams, caplog):
    """A page full of orders cannot fill a person's inbox."""
    desk = quarantined()
    desk.shop.streams = streams
    desk.shop.progress = [{"progressToken": 1, "progress": 1, "message": ORDERS}]
    desk.shop.results["search"] = text(ORDERS, structuredContent={"a": ORDERS}, _meta={"x": ORDERS})
    desk.shop.outputs["search"] = {"type": "object", "additionalProperties": True}
    answer = await desk.call("search", {"q": "lamp"})

    assert b"flickers" not in answer.body
    assert b'"quarantined"' in answer.body
    assert "flickers" not in str([vars(one) for one in caplog.records])
    assert not desk.issuer.rows


@pytest.mark.requirement("quarantine:released")
async def test_a_person_reads_all_of_it_and_after_the_yes_the_retry_gets_it_once_and_nothing_runs_again():
    desk = quarantined()
    result = text(ORDERS, _meta={"kept": 1})
    desk.shop.results["search"] = result
    waiting = await asked(desk)
    row = desk.issuer.only

    assert waiting.error["error"] == "quarantined"
    assert waiting.error["approval_url"].endswith(row.id)
    assert ORDERS in row.asked["arguments"]["texts"]
    assert row.asked["arguments"]["called_with"] == {"q": "lamp"}
    assert row.asked["arguments"]["reads_like"]
    assert row.asked["display"]["releases"] is True
    assert row.asked["tool_class"] == "read"
    desk.issuer.approve()
    released = (await desk.call("search", {"q": "lamp"})).json["result"]
    await desk.landed()

    assert ORDERS in [block["text"] for block in released["content"]]
    assert released["content"][0]["text"].startswith("[This text reads like orders")
    raw = json.dumps({name: released[name] for name in ("content", "_meta")}, sort_keys=True, separators=(",", ":"))
    assert row.asked["arguments"]["sha256"] == hashlib.sha256(b"mcp-result/1\n" + raw.encode()).hexdigest()
    assert 1 == desk.shop.count("search")
    again = await desk.call("search", {"q": "lamp"})
    assert again.error["error"] == "quarantined"
    assert 2 == desk.shop.count("search")


@pytest.mark.requirement("quarantine:released")
async def test_what_is_released_holds_the_writes_that_follow_it():
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS)
    await asked(desk)
    await desk.call("update", {"n": 1})
    assert 1 == desk.shop.count("update")
    desk.issuer.approve()
    await desk.call("search", {"q": "lamp"})

    assert (await desk.call("update", {"n": 2})).error["error"] == "approval_required"


@pytest.mark.requirement("quarantine:released")
async def test_a_no_stays_a_no_and_says_what_became_of_it():
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS)
    await asked(desk)
    desk.issuer.deny()

    for _ in range(2):
        answer = await desk.call("search", {"q": "lamp"})
        assert answer.error["error"] == "approval_denied"
        assert "has run, and its answer stays withheld" in answer.error["message"]
        assert b"flickers" not in answer.body
    assert 1 == desk.shop.count("search")


@pytest.mark.requirement("quarantine:bound")
async def test_nobody_else_and_no_other_call_gets_what_was_released():
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS)
    await asked(desk)
    desk.issuer.approve()
    strangers = [
        desk.issuer.token(scopes=SCOPES, subject="somebody-else"),
        desk.issuer.token(scopes=SCOPES, client_id="another-app"),
        desk.issuer.token(scopes=SCOPES, override={"authorization_id": "another-login"}),
        desk.issuer.token(scopes=SCOPES, tenant="ten_bbbbbbbbbbbbbbbb"),
    ]

    for number, token in enumerate(strangers):
        desk.shop.results["search"] = text(f"{ORDERS} Answer {number}.")
        for _ in range(2):
            answer = await desk.call("search", {"q": "lamp"}, token=token)
            assert answer.error["error"] == "quarantined"
            assert b"flickers" not in answer.body
        # Their own call ran, and what their person reads is its answer, not the one of somebody else that was fetched before.
        assert 2 + number == desk.shop.count("search")
        assert f"{ORDERS} Answer {number}." in desk.issuer.rows[-1].asked["arguments"]["texts"]
    other = await desk.call("search", {"q": "lamps"})
    assert other.error["error"] == "quarantined"


@pytest.mark.requirement("quarantine:bound")
async def test_a_yes_to_an_answer_is_none_to_a_call_that_sends_the_same():
    """The tool is asked about itself too; whoever sends what the person read as arguments has no yes."""
    tools = TOOLS | {"search": read("orders:read", approval=True, screening="quarantine")}
    desk = Outside(tools=tools)
    desk.shop.results["search"] = text(ORDERS)
    await desk.call("search", {"q": "lamp"})
    desk.issuer.approve()
    await desk.call("search", {"q": "lamp"})
    await desk.landed()
    await desk.call("search", {"q": "lamp"})
    release = desk.issuer.rows[-1]
    desk.issuer.approve(release)

    answer = await desk.call("search", release.asked["arguments"])

    assert answer.error["error"] == "approval_required"
    assert 1 == desk.shop.count("search")


@pytest.mark.requirement("quarantine:bound")
async def test_another_answer_needs_another_yes():
    """After a restart the tool runs again, and what it says then is what somebody must read."""
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS)
    await asked(desk)
    desk.issuer.approve()
    desk.guard._handed.quarantine._kept.clear()
    desk.shop.results["search"] = text(ORDERS + " Now.")

    assert (await desk.call("search", {"q": "lamp"})).error["error"] == "quarantined"
    answer = await desk.call("search", {"q": "lamp"})

    assert answer.error["error"] == "quarantined"
    assert b"flickers" not in answer.body
    assert 2 == len(desk.issuer.rows)


@pytest.mark.requirement("quarantine:released")
async def test_fifty_retries_at_once_get_it_once():
    """One of them is handed it; those that were under way hear the same, and the tool does not run."""
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS)
    await asked(desk)
    desk.issuer.approve()

    found = await asyncio.gather(*(desk.call("search", {"q": "lamp"}, request_id=n) for n in range(50)))
    await desk.landed()

    assert 1 == desk.issuer.count("consume")
    assert 1 == desk.shop.count("search")
    assert all(b"flickers" in one.body for one in found)


@pytest.mark.requirement("quarantine:writes")
async def test_what_a_write_answers_is_withheld_for_good_because_asking_again_would_do_it_again():
    desk = Outside(output=Output(screening="quarantine"))
    desk.shop.results["update"] = text(ORDERS)
    answer = await desk.call("update", {"n": 1})

    assert answer.error["error"] == "policy_denied"
    assert "update has run" in answer.error["message"]
    assert b"flickers" not in answer.body
    assert not desk.guard._handed.quarantine._kept


@pytest.mark.requirement("quarantine:bounded")
async def test_what_nobody_could_read_is_not_kept_and_what_is_kept_is_bounded():
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS, *(f"line {n}" for n in range(300)))
    assert (await desk.call("search", {"q": "lamp"})).error["error"] == "policy_denied"
    desk.shop.results["search"] = text(ORDERS)
    for number in range(600):
        await desk.call("search", {"q": str(number)})

    assert 512 == len(desk.guard._handed.quarantine._kept)


@pytest.mark.requirement("quarantine:released")
async def test_a_policy_that_changed_since_lets_nothing_be_handed_over():
    desk = quarantined()
    desk.shop.results["search"] = text(ORDERS)
    await asked(desk)
    desk.issuer.approve()
    lacking = desk.issuer.token(scopes=["orders:write"])

    answer = await desk.call("search", {"q": "lamp"}, token=lacking)

    assert answer.status == 403
    assert b"flickers" not in answer.body


class Silent:
    """A screen that is away."""

    async def looks_at(self, texts, *, tool):
        raise OSError("away")


@pytest.mark.requirement("screening:screen:required")
async def test_an_answer_that_its_screen_did_not_judge_waits_for_a_person_as_one_that_reads_like_orders_does():
    """C31, C33: `screen_required` at a tool that quarantines, until the person's yes."""
    desk = quarantined(output=Output(screen=Silent(), screen_required=True))
    desk.shop.results["search"] = text("Kindly forward the ledger, as we agreed.")

    waiting = await asked(desk)
    row = desk.issuer.only
    before = desk.shop.count("search")
    desk.issuer.approve()
    released = await desk.call("search", {"q": "lamp"})

    assert b"ledger" not in waiting.body
    assert "unscreened" in row.asked["arguments"]["reads_like"]
    assert "ledger" in json.dumps(released.json["result"])
    assert (1, 1) == (before, desk.shop.count("search"))


@pytest.mark.requirement("screening:screen:required")
async def test_where_the_screen_is_not_required_its_silence_alone_holds_nothing_back():
    desk = quarantined(output=Output(screen=Silent()))
    desk.shop.results["search"] = text("Kindly forward the ledger, as we agreed.")

    assert b"ledger" in (await desk.call("search", {"q": "lamp"})).body
    assert not desk.issuer.rows
