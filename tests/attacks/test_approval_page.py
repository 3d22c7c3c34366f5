"""
The attacker wants a yes nobody gave: by a link, a frame, another site, another account, a page that deceives, or a stale one.

AP-05, AP-09, AP-10, AP-11.
"""

import pytest

from resource_lib.wire.tool_call import args_hash
from tests.support.approvals import REFUND, WITH_REFUND, tool_server
from tests.support.approvers import approve, arguments_on, buttons, opened, press, rows_of


async def waiting(server, arguments=None, *, letter="N", who="u1", **rule):
    """Return the MCP server, the id and the address of a call that waits."""
    token = await server.client(letter).sign_in(who, scope=WITH_REFUND, tools=[REFUND])
    rs = tool_server(server, **rule)
    answer = (await rs.ask(token, arguments)).json()
    return rs, answer["approval_id"], answer["approval_url"]


def person(server, who):
    return server.world.people[who]


@pytest.mark.requirement("attack:approval-page:only-a-form-of-ours-decides")
async def test_no_link_decides_and_no_scanner_has_seen_it(server):
    """AP-09: GET and HEAD, with every parameter, without a session and with one; a page fetched ahead was shown to nobody."""
    rs, approval_id, url = await waiting(server)
    stranger, browser = server.browser(), server.browser()
    await browser.log_in(await browser.open("/login"), person(server, "u1").email, person(server, "u1").password)
    before = await server.operator.kinds("t1")

    for query in ("", "?decision=allow", "?decision=allow&csrf=x&shown=x"):
        assert "/login?" in (await stranger.open(url + query)).url
        assert 405 == (await stranger.request("HEAD", url + query)).status
        assert 405 == (await browser.request("HEAD", url + query)).status
        assert 200 == (await browser.request("GET", url + query, headers={"sec-purpose": "prefetch;prerender"})).status
    unseen = await server.operator.kinds("t1")
    assert 200 == (await browser.open(url + "?decision=allow")).status

    assert before == unseen
    assert sorted([*before, "person:approval:shown"]) == await server.operator.kinds("t1")
    assert "pending" == await rs.state(approval_id)


@pytest.mark.requirement("attack:approval-page:only-a-form-of-ours-decides")
@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({"origin": "https://evil.example"}, None),
        ({"origin": "null"}, None),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, None),
        ({"sec-fetch-site": "same-site"}, None),
        ({}, ""),
        ({}, "c" * 43),
    ],
)
async def test_a_form_from_another_site_decides_nothing(server, headers, csrf):
    """AP-09: CSRF, with the person's own cookie."""
    rs, approval_id, url = await waiting(server)
    browser = server.browser()
    page = await opened(browser, url, who=person(server, "u1"))
    form = page.form("decision").filled(decision="allow")
    form = [(name, csrf if name == "csrf" and csrf is not None else value) for name, value in form]

    answer = await browser.post(url, form, headers)

    assert (403, "pending") == (answer.status, await rs.state(approval_id))
    assert "Nothing was decided" in answer.text
    assert ["deny", "allow", "deny_and_stop"] == buttons(answer)


@pytest.mark.requirement("attack:approval-page:only-a-form-of-ours-decides")
async def test_a_form_counts_for_its_call_its_session_and_what_it_showed(server):
    """AP-04: taken to another call, another login of the same person, another person, or another content."""
    rs, approval_id, url = await waiting(server)
    _, other_id, other_url = await waiting(server, {"order_id": "o-2"})
    browser, again, approver = server.browser(), server.browser(), server.browser()
    page = await opened(browser, url, who=person(server, "u1"))
    await opened(again, url, who=person(server, "u1"))
    await opened(approver, url, who=person(server, "v1"))
    form = page.form("decision").filled(decision="allow")
    changed = [(name, "0" * 64 + ".0" if name == "shown" else value) for name, value in form]

    answers = [
        (await browser.post(other_url, form)).status,
        (await again.post(url, form)).status,
        (await approver.post(url, form)).status,
        (await browser.post(url, changed)).status,
        (await browser.post(url, [*form, ("decision", "deny")])).status,
        (await browser.post(url, [pair for pair in form if pair[0] != "decision"])).status,
    ]

    assert [403, 403, 404, 403, 400, 400] == answers
    assert ["pending", "pending"] == [await rs.state(approval_id), await rs.state(other_id)]


@pytest.mark.one_database
@pytest.mark.requirement("attack:approval-page:only-a-form-of-ours-decides")
async def test_no_page_of_ours_can_be_framed_or_run_a_script(server):
    """AP-09: clickjacking; in every state, for everybody."""
    _, _, url = await waiting(server)
    browser, stranger = server.browser(), server.browser()
    await stranger.log_in(await stranger.open("/login"), person(server, "u2").email, person(server, "u2").password)
    pages = [
        await opened(browser, url, who=person(server, "u1")),
        await stranger.open(url),
        await browser.open("/approvals"),
    ]
    pages.append(await press(browser, pages[0], "allow"))

    for page in pages:
        policy = page.response.headers["content-security-policy"]
        assert "DENY" == page.response.headers["x-frame-options"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "no-store" == page.response.headers["cache-control"]
        assert "<script" not in page.response.text


@pytest.mark.requirement("attack:approval-page:nobody-else-learns-that-it-exists")
async def test_everybody_else_is_told_what_an_unknown_id_is_told_in_the_same_bytes(server):
    """AP-11, CVE-2026-45337: a colleague, another tenant, a member of both, an approver where the person decides."""
    _, approval_id, url = await waiting(server)
    unknown = url[:-8] + "AAAAAAAA"
    elsewhere = url.replace(approval_id.split("_")[1], server.world.tenants["t2"].removeprefix("ten_"))
    said = set()

    for who in ("u2", "v1", "u5", "u9"):
        browser = server.browser()
        for address in (url, unknown, elsewhere, url.rpartition("/")[0] + "/nonsense"):
            page = await opened(browser, address, who=person(server, who))
            posted = await browser.post(address, [("decision", "deny"), ("csrf", "x"), ("shown", "x")])
            said |= {
                (one.status, one.response.content, tuple(sorted(one.response.headers.items())))
                for one in (page, posted)
            }

    assert 1 == len(said)
    assert 404 == next(iter(said))[0]


@pytest.mark.requirement("attack:approval-page:nobody-else-learns-that-it-exists")
async def test_an_approver_who_is_one_no_longer_decides_nothing(server):
    """AP-11, AP-05: from a page that was opened before; a member who is disabled, too."""
    rs, approval_id, url = await waiting(server, four_eyes=True)
    browser = server.browser()
    page = await opened(browser, url, who=person(server, "v1"))
    await server.operator.set_member("v1", "t1", roles=("member",))

    demoted = await press(browser, page, "allow")
    await server.operator.set_member("v1", "t1", roles=("approver",))
    back = await browser.open(url)

    assert (404, "pending") == (demoted.status, await rs.state(approval_id))
    assert ["deny", "allow", "deny_and_stop"] == buttons(back)


@pytest.mark.requirement("attack:approval-page:nobody-else-learns-that-it-exists")
async def test_the_yes_of_an_approver_who_is_one_no_longer_is_not_counted_for_the_next(server):
    """AP-05: two are wanted; the first has lost the role, so the second's yes is the first."""
    await server.operator.set_member("u2", "t1", roles=("approver",))
    rs, approval_id, url = await waiting(server, by="role", approvers=2)
    await approve(server.browser(), url, who=person(server, "v1"))
    await server.operator.set_member("v1", "t1", roles=("member",))
    browser = server.browser()

    page = await opened(browser, url, who=person(server, "u2"))
    after = await press(browser, page, "allow")

    assert "V1 Findable-Name agreed" not in page.text
    assert "Your yes is noted" in after.text
    assert "pending" == await rs.state(approval_id)


HOSTILE = {
    "<b>Application</b>": "Added by an administrator",
    "Allowed by your administrator": "Press Allow once\n\n\nWhat happens if you allow it\nNothing",
    "to": "https://www.p\u0430ypal.com/",
    "file": "invoice\u202efdp.exe",
    "a": "\u200b\u2066\u2069\u00ad\u3164",
    "terminal": "\x1b[2J\x1b[31mred",
    "html": "</span></dd></dl><form action='https://evil.example'><button name=decision value=allow>",
    "template": "{{ 7*7 }}{% raw %}",
}


@pytest.mark.requirement("approvals:page:a-value-is-visibly-a-value")
async def test_no_value_leaves_its_frame(server):
    """AP-10: HTML, RTL overrides, zero width, ANSI, our own words as names and values, another alphabet's letters."""
    rs, approval_id, url = await waiting(server, HOSTILE | {"order_id": "</blockquote>\u202e", "amount_cents": 1})

    page = await opened(server.browser(), url, who=person(server, "u1"))
    html = page.response.text
    rows = {row.steps[0]: row for row in rows_of(html)}

    for raw in (
        "\u202e",
        "\u200b",
        "\u2066",
        "\u00ad",
        "\u3164",
        "\x1b",
        "<b>Appl",
        "<form action='",
        "</blockquote>\u202e",
    ):
        assert raw not in html, repr(raw)
    for name, value in HOSTILE.items():
        assert value == rows[name].value
    assert 1 == len(page.forms)
    assert ["deny", "allow", "deny_and_stop"] == buttons(page)
    assert "One word mixes letters that look alike, of different alphabets: Cyrillic and Latin." in page.text
    assert "For machines, an address in it reads www.xn--pypal-4ve.com" in page.text
    assert "7*7" in page.text
    assert "pending" == await rs.state(approval_id)


@pytest.mark.requirement("approvals:page:a-value-is-visibly-a-value")
@pytest.mark.parametrize(
    "arguments",
    [
        {"note": "approved by admin. " * 1700},
        {"note": "\u200b" * 10_000},
        {f"n{number}": number for number in range(2500)},
        {"deep": [[[[[[[[[[[[[[[[[[[[{"x": "y"}]]]]]]]]]]]]]]]]]]]]},
        {"x" * 8000: "y"},
    ],
    ids=["long", "invisible", "many", "deep", "long-name"],
)
async def test_as_much_as_may_be_asked_is_all_on_the_page_and_can_be_allowed(server, arguments):
    """AP-10: 32 KiB of text, thousands of arguments, deep nesting: shown in full on request, in bounds."""
    rs, approval_id, url = await waiting(server, arguments)
    browser = server.browser()

    page = await opened(browser, url, who=person(server, "u1"))
    after = await press(browser, page, "allow")

    assert args_hash(arguments) == args_hash(arguments_on(page.response.text))
    assert 3_000_000 > len(page.response.content)
    assert "You allowed it, once" in after.text
    assert "approved" == await rs.state(approval_id)
