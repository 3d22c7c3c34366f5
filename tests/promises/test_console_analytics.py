"""The console says what many calls amount to, in charts and in tables that say the same, of one's own organisation alone."""

import re

import pytest

from authserver.web.console.charts import lined, round_top, stacked
from authserver.web.console.numbers import number, size, took
from tests.promises.test_analytics import count
from tests.support.call_streams import call, keep
from tests.support.console import at_console
from tests.support.world import R1, R5

HOUR_US = 3_600_000_000


def rows_of(page, section):
    """Return the rows of the table of a section, as texts."""
    html = page.response.text.partition(f'aria-labelledby="{section}"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2], re.DOTALL)
    return [[re.sub(r"<[^>]+>", " ", cell).split() for cell in re.split(r"</t[hd]>", row)[:-1]] for row in rows]


@pytest.fixture
async def called(server):
    """A visitor factory; before that, calls of t1 at two servers, and of t2 at the one that both use."""
    now, one, two = server.clock(), server.operator.work("t1"), server.operator.work("t2")
    said = [call(one.tenant, now - HOUR_US + place, tool="see", latency_us=20_000) for place in range(5)]
    said += [call(one.tenant, now, phase="refused", error="policy_denied", tool="add")]
    said += [call(one.tenant, now, tool="add", status="tool_error", client_id="cli_<b>odd")]
    await keep(one, R1, said)
    await keep(one, R5, [call(one.tenant, now, tool="export", cost=9)])
    await keep(
        two, R5, [call(two.tenant, now + place, tool="secret_tool", client_id="cli_secret") for place in range(90)]
    )
    await count(server)
    return lambda who: at_console(server, who)


@pytest.mark.requirement("analytics:page:charts-and-tables")
async def test_a_page_without_a_script_draws_what_its_tables_say(called):
    """C57: each bar says in words what it shows; nothing on the page needs a script, a style or another origin."""
    page = await (await called("d1")).open("analytics")

    tools = {row[0][0]: row[1:] for row in rows_of(page, "tools")}
    assert [["5"], ["100.0", "%"], ["0"], ["0"], ["0"]] == tools["see"][:5]
    assert [["2"], ["0.0", "%"], ["1"], ["1"], ["0"]] == tools["add"][:5]
    assert {"see", "add", "export"} == set(tools)
    times = [row for row in rows_of(page, "times") if row[1] != ["0"]]
    assert [["5"], ["3"]] == [row[1] for row in times]
    bars = re.findall(r"<title>([^<]*)</title>", page.response.text)
    assert 2 == sum("5 calls, 5 went well" in one or "3 calls, 1 went well, 1 failed, 1 refused" in one for one in bars)
    assert "policy_denied" in page.response.text
    assert [] == re.findall(
        r"<script|\sstyle=|\son[a-z]+=|https?://(?!127|mcp|shared)", page.response.text.partition("<body")[2]
    )
    assert "default-src 'none'" in page.response.headers["content-security-policy"]


@pytest.mark.requirement("analytics:page:narrowed")
async def test_what_one_chooses_narrows_everything_on_the_page(called):
    visitor = await called("o1")
    found = {}
    for words in (
        {"tool": "add"},
        {"server": R5},
        {"client": "cli_<b>odd"},
        {"span": "hour"},
        {"span": "month"},
        {"tool": "nothing"},
    ):
        page = await visitor.open("analytics", **words)
        found[next(iter(words.values()))] = sum(int(row[1][0]) for row in rows_of(page, "tools"))
        assert "<b>odd" not in page.response.text

    assert {"add": 2, R5: 1, "cli_<b>odd": 1, "hour": 3, "month": 8, "nothing": 0} == found
    page = await visitor.open("analytics", tool="nothing")
    assert "Nobody called anything" in page.response.text
    for odd in ({"span": "century"}, {"page": "-1"}, {"page": "9" * 50}, {"page": "²"}, {"tool": "x" * 3000}):
        assert 200 == (await visitor.open("analytics", **odd)).status, odd


@pytest.mark.requirement("analytics:page:only-ones-own")
async def test_no_number_of_another_organisation_is_on_the_page(called, server):
    """TN-15: whatever the address names; those who run the deployment see every organisation, or one."""
    visitor = await called("d1")
    for words in ({}, {"server": R5}, {"tool": "secret_tool"}, {"client": "cli_secret"}):
        page = await visitor.open("analytics", **words)
        assert not re.search(r"\b(90|91|98)\b", page.text), words
        assert words.get("tool") or words.get("client") or "secret" not in page.response.text
    assert 404 == (await visitor.open("analytics", tenant="t2")).status

    platform = await called("p2")
    everywhere = await platform.open("analytics")
    theirs = await platform.open("analytics", tenant="t2")

    assert {"t1": "8", "t2": "90"} == {row[0][-1]: row[1][0] for row in rows_of(everywhere, "tenants")}
    assert ["secret_tool"] == [row[0][0] for row in rows_of(theirs, "tools")]


@pytest.mark.requirement("analytics:page:thousands-are-paged")
async def test_thousands_of_tools_are_paged(server):
    work, now = server.operator.work("t1"), server.clock()
    await keep(work, R1, [call(work.tenant, now, tool=f"tool_{place:03}") for place in range(120)])
    await count(server)
    visitor = await at_console(server, "o1")
    pages = [await visitor.open("analytics", page=str(page)) for page in (1, 2, 3, 99)]

    named = [[row[0][0] for row in rows_of(page, "tools")] for page in pages]

    assert [50, 50, 20, 20] == [len(each) for each in named]
    assert 120 == len({tool for each in named for tool in each})
    assert ("After" in pages[0].response.text, "After" in pages[2].response.text) == (True, False)


@pytest.mark.requirement("analytics:page:charts-and-tables")
def test_bars_and_lines_stand_where_their_numbers_say():
    bars = stacked([[("ok", 3), ("refused", 1)], [("ok", 0)], [("ok", 8)]], ["a", "b", "c"], ["x"], str)
    lines = lined([("low", [None, 5, None, 2, 10])], list("abcde"), ["x"], str)

    assert ("10", "5", "0") == bars.scale
    assert [[(70.0, 30.0), (60.0, 10.0)], [], [(20.0, 80.0)]] == [
        [(one.y, one.height) for one in bar.pieces] for bar in bars.bars
    ]
    assert ("M700.0 80.0L900.0 0.0", "M300.0 50.0h0") == (lines.lines[0].path, lines.lines[0].dots)
    assert [2, 2, 4, 20, 50, 100, 5000] == [round_top(value) for value in (0, 2, 3, 11, 21, 99, 2001)]


@pytest.mark.requirement("analytics:page:charts-and-tables")
def test_numbers_are_said_as_people_read_them():
    assert ["0", "99,999", "100 k", "999 k", "1.5 M", "20 M"] == [
        number(one) for one in (0, 99_999, 100_000, 999_400, 1_500_000, 20_000_000)
    ]
    assert ["-", "0", "999 µs", "1 ms", "1.5 s", "2 min", "1.5 h"] == [
        took(one) for one in (None, 0, 999, 1000, 1_500_000, 120_000_000, 5_400_000_000)
    ]
    assert ["0 B", "1 KiB", "1.5 MiB"] == [size(one) for one in (0, 1024, 3 * 2**19)]
