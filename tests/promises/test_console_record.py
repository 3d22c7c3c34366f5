"""The record at the console: what somebody looks for is found and named in no address, and one call is told whole."""

import re

import pytest

from authserver.domain.audit import sealing
from authserver.domain.audit.event import Kind, reference
from authserver.domain.audit.header import about
from authserver.web.console.event_words import CALLED, called
from tests.support.calls_told import tell, told, unrun, written
from tests.support.console import at_console

CALL = "/console/record/{id}"
RIGHT_TO_LEFT, BELL = "\u202e", "\u0007"


async def look(visitor, **given):
    """Fill in the form of the record, as a person would."""
    page = await visitor.open("record", tenant="t1")
    return await visitor.browser.submit(page.form("person"), **given)


def calls_on(page):
    """Return the tools of the calls that a page lists, from top to bottom."""
    return re.findall(r'<a href="[^"]*/record/[^"]*"><bdi>([^<]*)</bdi>', page.response.text)


async def recorded(server, kind, tenant="t1"):
    """Return what is particular to each event of a kind."""
    return [about(row) for row in await server.operator.events(tenant) if row["kind"] == kind.value]


@pytest.mark.requirement("questions:page:finds-what-is-typed-and-names-nobody-in-an-address")
async def test_what_somebody_types_is_found_and_stands_in_no_address(server):
    """C48, on one page: a row for each call; the address that holds a person's name says nothing to whoever reads it in a log."""
    visitor, someone = await at_console(server, "d1"), server.world.people["u1"]
    await tell(
        server, *written(server), told(server, "v1", tool="get_order"), unrun(server, "refused", tool="delete_order")
    )
    await tell(server, told(server, at=server.clock() - 7200 * 1_000_000, tool="list_orders"))

    hour = await look(visitor, person=someone.email, within="1h")
    customer = await look(visitor, subject="Customer-8812", tool="get_order")
    refused = await look(visitor, decision="refused")
    nobody = await look(visitor, person="mallory@t1.example")
    nothing = await look(visitor, tool="no_such_tool", within="7d")

    assert {"update_order", "delete_order"} == set(calls_on(hour))
    assert 2 == len(calls_on(hour)), "a write is one row, though two events tell of it"
    assert someone.name in hour.text
    assert ["get_order"] == calls_on(customer)
    assert ["delete_order"] == calls_on(refused)
    assert "Nobody in" in nobody.text and [] == calls_on(nobody)
    assert "Looked through calls of tools, the last 7 days, narrowed down to a tool" in nothing.text
    for page in (hour, customer, nobody):
        assert not re.search("person@|8812|mallory|get_order|@", page.url, re.IGNORECASE), page.url
    assert [someone.email, "Customer-8812"] == [
        hour.form("person").value("person"),
        customer.form("person").value("subject"),
    ]


@pytest.mark.requirement("questions:page:every-event-has-words")
async def test_events_that_are_no_calls_are_listed_in_words(server):
    """Ours: no page shows a person the code of an event, and none of another version is hidden."""
    visitor = await at_console(server, "d1")

    page = await look(visitor, what="operator:record:", within="1h")
    page = await look(visitor, what="operator:record:", within="1h")

    assert '<strong title="operator:record:searched">Searched the record</strong>' in page.response.text
    assert set(Kind) == set(CALLED) and len(set(Kind)) == len(set(CALLED.values())), "each has words of its own"
    assert "later:version:wrote" == called("later:version:wrote")


@pytest.mark.requirement("questions:page:every-event-has-words")
async def test_where_no_calls_can_stand_everything_is_shown_first(server):
    """Ours: a page that opens empty says nothing; calls are in the logs of organisations, not in the platform's own."""
    visitor = await at_console(server, "p1")

    own, theirs = await visitor.open("record"), await visitor.open("record", tenant="t1")

    assert ("", "call:") == (own.form("person").value("what"), theirs.form("person").value("what"))


@pytest.mark.requirement("questions:page:finds-what-is-typed-and-names-nobody-in-an-address")
async def test_a_sealed_address_is_of_one_organisation_and_of_ours_alone(server):
    """TN-15, CVE-2026-33504: neither made up, nor changed, nor carried to another organisation."""
    visitor = await at_console(server, "p1")
    page = await visitor.browser.submit((await visitor.open("record", tenant="t1")).form("person"), subject="x-1")
    word = re.search("asked=([^&]+)", page.url)[1]

    assert 200 == page.status
    for broken in (
        page.url.replace("tenant=t1", "tenant=t2"),
        page.url.replace(word, word[:-2]),
        page.url.replace(word, "e30"),
    ):
        answer = await visitor.browser.open(broken)
        assert 404 == answer.status, broken


@pytest.mark.requirement("questions:page:pages-hold-every-call-once")
async def test_what_does_not_fit_on_a_page_is_further_back(server):
    """Ours: the end is said, and whoever looked is recorded once for each page."""
    visitor = await at_console(server, "d1")
    await tell(server, *(told(server, tool=f"tool_{n:02}") for n in range(45)))
    page, seen, looked = (
        await visitor.open("record", tenant="t1"),
        [],
        len(await recorded(server, Kind.RECORD_SEARCHED)),
    )
    while True:
        seen += calls_on(page)
        further = [link for link in page.links if "after=" in link]
        if not further:
            break
        page = await visitor.browser.open(further[0].replace("&amp;", "&"))

    assert sorted(f"tool_{n:02}" for n in range(45)) == sorted(seen)
    readings = await recorded(server, Kind.RECORD_SEARCHED)
    assert 1 == len(readings) - looked
    assert [("console", 5)] == [(one["via"], one["rows"]) for one in readings if not one["is_first"]]


@pytest.mark.requirement("questions:story:a-call-is-told-whole")
async def test_one_call_is_told_from_who_asked_to_where_it_is_proved(server):
    """It must show 8: who, which client, decided by which rules, what came back, and the row of the log."""
    visitor = await at_console(server, "a1")
    wish = written(
        server,
        tool="refund_order",
        tool_class="destructive",
        rules=[["scopes", "allow"], ["limit:refunds", "would_deny", "above 100"], ["approval", "allow"]],
        traceparent=f"00-{'1a' * 16}-{'2b' * 8}-01",
        latency_us=182_000,
    )
    beside = told(server, tool="get_order", traceparent=f"00-{'1a' * 16}-{'3c' * 8}-01")
    await tell(server, *wish, beside)
    await sealing.seal_round(server.machines)

    page = await visitor.browser.open(CALL.replace("{id}", wish[0]["id"]) + "?tenant=t1")
    rows = [row["leaf_index"] for row in await leaves(server, [one["id"] for one in wish])]

    assert 200 == page.status
    for said in (
        "Public Web App",
        "scopes",
        "limit:refunds",
        "Would refuse",
        "above 100",
        "182 ms",
        "Cannot be undone",
        "ab" * 32,
    ):
        assert said in page.text, said
    assert all(f"row {row:,} of the log" in page.text for row in rows)
    assert f"authserver audit export --tenant t1 --from {min(rows)} " in page.text
    assert str(sealing.verifier(server.machines)) in page.text
    assert ["get_order"] == calls_on(page)
    assert "customer-8812" not in page.response.text, "what people said is not opened by looking"
    assert (await visitor.open("record/" + "0" * 26, tenant="t1")).status == 404


async def leaves(server, ids):
    """Return where the log holds these events."""
    import orjson

    from authserver.domain.audit import store

    return await server.operator.work("t1").all(store.LEAF_OF, event_ids=orjson.dumps(ids).decode())


@pytest.mark.requirement("questions:story:opened-by-whom-it-may-be-and-recorded")
@pytest.mark.parametrize(("who", "opens"), [("a1", True), ("d1", True), ("o1", False)])
async def test_what_was_said_is_opened_by_administrators_and_auditors_and_that_is_recorded(server, who, opens):
    """Decision 15, C45: an operator sees what was decided and not what was said; a form from elsewhere opens nothing."""
    visitor = await at_console(server, who)
    call = told(server, arguments={"note": "for customer-8812"})
    await tell(server, call)
    page = await visitor.open(f"record/{call['id']}", tenant="t1")
    forged = await visitor.browser.post(page.url, [("csrf", "nothing")])

    if opens:
        opening = [form for form in page.forms if form.value("csrf")]
        shown = await visitor.browser.submit(opening[-1])
        assert "for customer-8812" in shown.text
        [event] = await recorded(server, Kind.RECORD_OPENED)
        assert ([call["id"]], "console") == (event["events"], event["via"])
        by = reference(server.operator.work("t1"), server.world.people[who].subs["t1"])
        [row] = [row for row in await server.operator.events("t1") if row["kind"] == Kind.RECORD_OPENED.value]
        assert by == row["sub_ref"]
    else:
        assert "Your role may not" in page.text
        assert [] == await recorded(server, Kind.RECORD_OPENED)
    assert 403 == forged.status
    assert "8812" not in page.response.text + forged.response.text


@pytest.mark.requirement("questions:story:strangers-words-draw-nothing")
async def test_what_strangers_wrote_stays_in_its_frame(server):
    """LG, AP-10: markup, text that turns around, characters that draw nothing, and a wall of text."""
    visitor = await at_console(server, "a1")
    bad = f"</bdi><script>alert(1)</script>{RIGHT_TO_LEFT}evil{BELL}"
    call = told(
        server, arguments={bad: [bad, "x" * 60_000]}, result='{"a":"' + "<img src=x onerror=alert(2)>" * 300 + '"',
        subjects=[["customer", bad[:60]]], rules=[["scopes", "allow", "<script>alert(3)</script>"]], tool="search_orders",
    )  # fmt: skip
    await tell(server, call)
    closed = await visitor.open(f"record/{call['id']}", tenant="t1")

    opened = await visitor.browser.submit([form for form in closed.forms if form.value("csrf")][-1])

    for page in (closed, opened):
        assert 200 == page.status
        assert not re.search("<script|<img|onerror=alert\\(2\\)>", page.response.text)
        assert RIGHT_TO_LEFT not in page.response.text and BELL not in page.response.text
    assert "U+202E" in opened.text
    assert "Show all" in opened.text or "Show the other" in opened.text
    assert "It holds characters that cannot be seen" in opened.text


@pytest.mark.requirement("questions:story:strangers-words-draw-nothing")
@pytest.mark.one_database
@pytest.mark.parametrize(
    "result",
    [
        '{"a":' * 900 + "1" + "}" * 900,
        '{"n":1e400}',
        '{"n":9007199254740993}',
        "[" * 9000,
        '{"a":"\\ud800"}',
        '{"x":' + "9" * 5000,
    ],
    ids=["deep", "infinite", "large", "unclosed", "half a letter", "cut"],
)
async def test_whatever_a_tool_returned_can_be_shown(server, result):
    """A page that fails on somebody's answer hides it from whoever has to read it."""
    visitor = await at_console(server, "a1")
    call = told(server, result=result)
    await tell(server, call)
    closed = await visitor.open(f"record/{call['id']}", tenant="t1")

    opened = await visitor.browser.submit([form for form in closed.forms if form.value("csrf")][-1])

    assert 200 == opened.status
    assert "Answer" in opened.text


@pytest.mark.requirement("questions:story:what-is-erased-is-said-to-be")
async def test_a_call_of_somebody_who_was_erased_is_told_without_what_was_said(server):
    """C50: what was decided is still there and proved, and says that the rest is erased."""
    from authserver.domain.forgetting.forgetting import forget

    visitor = await at_console(server, "d1")
    call = told(server)
    await tell(server, call)
    await sealing.seal_round(server.machines)
    await forget(server.machines, "customer-8812")

    page = await visitor.open(f"record/{call['id']}", tenant="t1")
    listed = await look(visitor, tool="search_orders")

    assert "Erased: the keys to it were destroyed" in page.text
    assert "row " in page.text and "of the log" in page.text
    assert "Erased" in listed.text
    assert not [form for form in page.forms if form.value("csrf")]


@pytest.mark.requirement("questions:story:who-said-yes-and-how-long-they-looked")
async def test_a_write_that_nobody_saw_end_and_a_trail_of_its_approval_are_told(server):
    """Who approved, after how long a look; and an intent without an outcome says that nobody knows."""
    from authserver.domain.audit import event

    visitor = await at_console(server, "a1")
    [intent, _] = written(server, approval_id="ap_told", tool="refund_order")
    for kind, who, wait in (
        (Kind.APPROVAL_REQUESTED, "u1", 0),
        (Kind.APPROVAL_SHOWN, "v1", 5),
        (Kind.APPROVAL_APPROVED, "v1", 42),
        (Kind.APPROVAL_CONSUMED, "u1", 1),
    ):
        server.clock.advance(wait)
        work = server.operator.work("t1")
        event.record(work, kind, sub=server.world.people[who].subs["t1"], approval_id="ap_told", tool="refund_order")
        assert await work.commit()
    await tell(server, intent)

    page = await visitor.open(f"record/{intent['id']}", tenant="t1")

    assert "Nobody saw its end" in page.text
    order = ["was asked for", "was shown it", "said yes after 42 s", "was spent on this call"]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.requirement("questions:page:of-ones-own-organisation-alone")
async def test_another_organisations_call_is_not_there(server):
    """TN-15: neither listed nor told, whoever asks; the same bytes as for a call that never was."""
    visitor = await at_console(server, "a1")
    call = told(server, "u9", "t2")
    await tell(server, call, letter="RS5t2")

    page = await visitor.open(f"record/{call['id']}", tenant="t1")
    never = await visitor.open("record/" + "0" * 26, tenant="t1")
    other = await visitor.open("record", tenant="t2")

    assert (404, never.response.content) == (page.status, page.response.content)
    assert 404 == other.status
