"""What a tenant's operators demand of its tools: told to its MCP servers, and seen in everything that is granted."""

import pytest

from authserver.domain.audit import event
from authserver.domain.resources.resource import Tool
from authserver.domain.tool_policies import tool_policy
from authserver.domain.tool_policies.tool_policy import InvalidToolPolicyError
from authserver.oauth.exchange_parameters import API_KEY
from resource_lib.wire.tool_policy import Rules
from tests.support.assertions import claims, key_set, new_key, signed
from tests.support.oauth_client import basic
from tests.support.registering import registered
from tests.support.world import R1, R2, R5, TOOLS, WRITE

UPDATE = {"orders:read", "orders:write", "tool:update_order"}


def offered(page) -> list[str]:
    """The tools that a consent page has boxes for."""
    return page.form("decision").offered("tool")


@pytest.mark.requirement("opt-in:overlay:servers-hear-of-their-own-tenants")
async def test_a_server_hears_what_its_tenants_demand_and_nothing_else(server):
    """Decision 22: of its own resource; of the tenants that let it in; a tenant without demands is named too."""
    await server.operator.demand("t1", R5, "refund_order", mode="deny")
    await server.operator.demand("t2", R5, "*", most="write", clients=["cli_x"])
    await server.operator.demand("t1", R1, "update_order", mode="step_up")
    t1, t2 = (server.world.tenants[slug] for slug in ("t1", "t2"))

    shared, of_t1 = (await server.client("RS5").policy()).json(), (await server.client("RS5t1").policy()).json()
    other, silent = (await server.client("RS1").policy()).json(), (await server.client("RS2").policy()).json()

    rules = {t1: {"refund_order": {"mode": "deny"}}, t2: {"*": {"most": "write", "clients": ["cli_x"]}}}
    assert rules == shared["tenants"]
    assert {t1: rules[t1]} == of_t1["tenants"]
    assert {t1: {"update_order": {"mode": "step_up"}}} == other["tenants"]
    assert {t1: {}} == silent["tenants"]
    assert 4 == len({told["version"] for told in (shared, of_t1, other, silent)})


@pytest.mark.requirement("opt-in:overlay:servers-hear-of-their-own-tenants")
async def test_a_tenant_that_blocks_a_shared_server_tells_it_nothing(server):
    """Decision 22: nor does one that is suspended, or unlinked; the others are told on."""
    app = server.client("RS5")
    t1, t2 = (server.world.tenants[slug] for slug in ("t1", "t2"))
    both = (await app.policy()).json()["tenants"]

    await server.operator.block("t1", app.app.client_id)
    blocked = (await app.policy()).json()["tenants"]
    await server.operator.unlink(R5, "t2")
    unlinked = (await app.policy()).json()["tenants"]

    assert [{t1, t2}, {t2}, set()] == [set(told) for told in (both, blocked, unlinked)]


@pytest.mark.requirement("opt-in:overlay:only-servers-ask")
@pytest.mark.one_database
async def test_only_the_credential_of_an_mcp_server_is_answered(server):
    """RFC 6749 §2.3: no credential, a wrong one, an application's, and none of a server that was removed."""
    rs, machine = server.client("RS1").app, server.client("M").app
    wrong = [
        {}, basic(rs.client_id, "cs_wrong"), basic(machine.client_id, machine.secret), {"authorization": "Bearer x.y.z"},
        {"authorization": "Bearer " + (await server.client("P").sign_in()).access_token},
    ]  # fmt: skip

    known = await server.operator.kinds(None)
    answers = [await server.client("RS1").policy(headers=headers) for headers in wrong]
    twice = await server.raw(
        "/rs/policy",
        headers=[
            (b"host", b"127.0.0.1:9000"),
            *([(b"authorization", basic(rs.client_id, rs.secret)["authorization"].encode())] * 2),
        ],
    )
    await server.operator.remove_client(rs)
    removed = await server.client("RS1").policy()

    assert {(401, "invalid_client")} == {(answer.status_code, answer.json()["error"]) for answer in [*answers, removed]}
    assert 400 == twice.status_code
    assert "client:resource_server:refused" in await server.operator.kinds(None)
    assert "client:resource_server:refused" not in known
    assert all("tenants" not in answer.text for answer in [*answers, removed, twice])


@pytest.mark.requirement("opt-in:overlay:only-servers-ask")
@pytest.mark.one_database
async def test_a_server_with_a_key_is_heard_once_for_each_assertion(server):
    """RFC 7523 §2.2: there is no form to carry it, so the header does; a replay is refused."""
    key = new_key()
    app = await server.operator.credential_of(R1, auth_method="private_key_jwt", jwks=key_set(key))
    assertion = signed(key, claims(app.client_id, server.issuer, server.clock.now))
    sent = {"authorization": f"Bearer {assertion}"}

    first, replay = [await server.client("RS1").policy(headers=sent) for _ in range(2)]

    assert [200, 401] == [first.status_code, replay.status_code]


@pytest.mark.requirement("opt-in:overlay:acts-without-a-deploy")
async def test_a_change_is_told_with_the_next_question_and_no_change_is_a_304(server):
    """RFC 9110 §13.1.2: the tag names the demands, so it changes with them and comes back with them."""
    app = server.client("RS1")
    before = await app.policy()
    same = await app.policy(headers={**app.credential()[0], "if-none-match": before.headers["etag"]})

    await server.operator.demand("t1", R1, "refund_order", mode="deny")
    changed = await app.policy(headers={**app.credential()[0], "if-none-match": before.headers["etag"]})
    await server.operator.demand("t1", R1, "refund_order")
    cleared = await app.policy()

    assert (304, b"") == (same.status_code, same.content)
    assert 200 == changed.status_code
    assert {"refund_order": {"mode": "deny"}} == changed.json()["tenants"][server.world.tenants["t1"]]
    assert before.headers["etag"] == cleared.headers["etag"] != changed.headers["etag"]
    assert "no-store" in changed.headers["cache-control"]


@pytest.mark.requirement("opt-in:overlay:acts-without-a-deploy")
async def test_a_change_is_recorded_with_who_made_it_where_only_the_key_opens_it(server):
    """Decision 15: the header holds codes; the tool, the rules and the operator are in the payload."""
    known = await server.operator.events("t1")
    await server.operator.demand("t1", R1, "refund_order", mode="deny")

    (row,) = await server.operator.events("t1", besides=known)
    said = event.open_payload(server.operator.work("t1"), row)

    assert ("operator:tool_policy:changed", R1) == (row["kind"], row["resource"])
    assert {"tool": "refund_order", "rules": {"mode": "deny"}, "before": {}, "by": "the suite"} == said


@pytest.mark.requirement("opt-in:overlay:what-nobody-could-keep-is-refused")
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"mode": "perhaps"}, "refund_order.mode: 'perhaps' is unknown"),
        ({"colour": "red"}, "refund_order.colour: is no member"),
        ({"when": [{"deny": "args.amount >", "because": "much"}]}, "refund_order.when[0].deny: column"),
        ({"scopes": ["nobody:knows"]}, "has no scope nobody:knows"),
        ({"clients": ["c" * 100 + str(n) for n in range(200)]}, "too long"),
    ],
)
async def test_rules_are_read_before_they_are_kept(server, rules, said):
    """Ours: the member and the cure; nothing is stored."""
    with pytest.raises(InvalidToolPolicyError) as refused:
        await server.operator.demand("t1", R1, "refund_order", **rules)

    assert said in str(refused.value)
    assert [] == await tool_policy.entries(server.operator.work("t1"), R1)


@pytest.mark.requirement("opt-in:overlay:what-nobody-could-keep-is-refused")
async def test_of_two_operators_who_change_one_tool_at_once_one_looks_again(server):
    """Ours: the rules that the second one saw are gone, so what it would write is not what anybody decided."""
    resource, nothing = await server.operator.resource(R1), tool_policy.NO_RULES
    first, second, third = (server.operator.work("t1") for _ in range(3))
    await tool_policy.change(first, resource, "refund_order", nothing, {"mode": "deny"})
    await tool_policy.change(second, resource, "refund_order", nothing, {"mode": "step_up"})
    await tool_policy.change(third, resource, "refund_order", Rules(mode="step_up"), {})

    assert [True, False, False] == [await work.commit() for work in (first, second, third)]
    (kept,) = await tool_policy.entries(server.operator.work("t1"), R1)
    assert "deny" == kept.rules.mode


@pytest.mark.requirement("opt-in:list:hidden-tools-are-not-offered")
@pytest.mark.parametrize("hidden_by", [{"mode": "deny"}, {"clients": ["cli_another"]}, {"most": "read"}])
async def test_a_tool_outside_the_list_is_not_on_the_page_and_cannot_be_granted(server, hidden_by):
    """Decision 11: not by asking for its scope, nor by a form that names it anyway; nothing tells it from an unknown one."""
    await server.operator.demand("t1", R1, "update_order", **hidden_by)
    app = server.client("P")
    asked = WRITE + " tool:refund_order"

    page = await app.consent_page("u1", scope=asked)
    tokens = await app.sign_in("u1", scope=asked, tools=["update_order", "refund_order"])
    alone = await app.authorize("u1", scope="tool:update_order")
    unknown = await app.authorize("u1", scope="tool:no_such_tool")

    assert ["refund_order"] == offered(page)
    assert "Change an order" not in page.text
    assert "update_order" not in page.text
    assert {"orders:read", "orders:write", "tool:refund_order"} == tokens.scope
    assert "tool:update_order" not in (await app.redeem(alone)).scope | (await app.redeem(unknown)).scope


@pytest.mark.requirement("opt-in:list:hidden-tools-are-not-offered")
@pytest.mark.one_database
async def test_a_list_names_applications_and_another_ones_is_no_help(server):
    """K14: B is on the list and P is not."""
    b, p = server.client("B"), server.client("P")
    await server.operator.demand("t1", R1, "update_order", clients=[b.app.client_id])

    on, off = [await app.consent_page("u1", scope=WRITE) for app in (b, p)]

    assert ["update_order"] == offered(on)
    assert [] == (offered(off) if "Tools you let it use" in off.text else [])


@pytest.mark.requirement("opt-in:list:hidden-tools-are-not-offered")
async def test_where_the_person_chooses_a_tenant_that_tenants_list_decides(server):
    """Decision 22: the page shows what either permits; the choice narrows it."""
    app = server.client("G")
    await server.operator.demand("t1", R5, "update_order", mode="deny")

    page = await app.consent_page("u5", scope=WRITE)
    hidden = await app.sign_in("u5", tenant="t1", scope=WRITE, tools=["update_order"])
    granted = await app.sign_in("u5", tenant="t2", scope=WRITE, tools=["update_order"])

    assert ["update_order"] == offered(page)
    assert UPDATE - {"tool:update_order"} == hidden.scope
    assert UPDATE == granted.scope


@pytest.mark.requirement("opt-in:list:hidden-tools-are-not-offered")
@pytest.mark.one_database
async def test_nor_is_it_offered_for_a_while_on_the_account_page(server):
    """Decision 9: what a person may add there is what they could have allowed."""
    app = server.client("P")
    await app.sign_in("u1", scope="orders:read")
    browser = app.browser_of("u1")
    (address,) = [href for href in (await browser.open("/account")).links if href.startswith("/account/more?")]
    before = await browser.open(address)

    await server.operator.demand("t1", R1, "update_order", mode="deny")
    after = await browser.open(address)
    forged = await browser.submit(before.form("tool"), tool=["update_order"], hours="1")

    assert "Change an order" in before.text
    assert "Change an order" not in after.text
    assert "Tick at least one thing" in forged.text


@pytest.mark.requirement("opt-in:list:offered-tools-are-named-boxes")
async def test_a_tool_that_becomes_a_write_by_the_tenants_word_has_a_box_of_its_own(server):
    """Decision 11: graver than its author says, so it is opted into by name, by strangers' applications too."""
    app = await registered(server)
    read = await app.sign_in("u1", scope="orders:read")
    await server.operator.demand("t1", R1, "search_orders", **{"class": "write"})

    page = await app.consent_page("u1", scope="orders:read tool:search_orders")
    tokens = await app.sign_in("u1", scope="orders:read tool:search_orders", tools=["search_orders"])

    assert {"orders:read"} == read.scope == (await app.refresh(read)).scope
    assert ["search_orders"] == offered(page)
    assert {"orders:read", "tool:search_orders"} == tokens.scope


@pytest.mark.requirement("opt-in:page:says-what-a-scope-lets-which-tools-do")
@pytest.mark.one_database
async def test_the_page_says_what_each_scope_lets_which_tools_do_today(server):
    """Decision 11: reads at once, the others only through their box; nothing that was not asked for, and nothing hidden."""
    app = server.client("P")
    whole = (await app.consent_page("u1", scope=WRITE + " tool:refund_order")).text
    less = (await app.consent_page("u1", scope="orders:read orders:write")).text
    await server.operator.demand("t1", R1, "search_orders", mode="deny")
    hidden = (await app.consent_page("u1", scope=WRITE)).text

    assert "See orders orders:read With these tools today: Search orders" in whole
    assert (
        "Change orders orders:write Only through what you tick below: Change an order , Refund an order (cannot be undone)"
        in whole
    )
    assert "Refund an order" not in less
    assert "Only through" not in less
    assert "Search orders" not in hidden
    assert "Only through what you tick below: Change an order" in hidden


@pytest.mark.requirement("opt-in:page:says-what-a-scope-lets-which-tools-do")
@pytest.mark.one_database
async def test_a_page_that_showed_other_tools_allows_nothing(server):
    """Decision 7: a read tool that appeared meanwhile is shown before it is allowed."""
    app = server.client("P")
    page = await app.consent_page("u1", scope="orders:read")
    later = Tool(name="export_orders", sensitivity="read", scopes=("orders:read",), title="Export all orders")
    await server.operator.set_resource(R1, tools=(*TOOLS, later))

    again = await app.browser_of("u1").submit(page.form("decision"), decision="allow")

    assert again.is_consent
    assert "Nothing was allowed" in again.text
    assert "With these tools today: Search orders , Export all orders" in again.text


@pytest.mark.requirement("opt-in:choice:is-nobody-elses")
async def test_what_one_person_chose_is_not_another_persons(server):
    """Decision 11: the same client_id, the same MCP server, the same tenant; the other one's page comes unticked."""
    app = server.client("P")
    await app.sign_in("u1", scope=WRITE, tools=["update_order"])

    page = await app.consent_page("u2", scope=WRITE)
    tokens = await app.sign_in("u2", scope=WRITE)

    assert page.form("decision").value("tool") is None
    assert UPDATE - {"tool:update_order"} == tokens.scope
    assert "tool:update_order" not in (await app.refresh(tokens)).scope


@pytest.mark.requirement("opt-in:choice:is-nobody-elses")
async def test_what_was_chosen_in_one_tenant_or_at_one_server_is_not_chosen_at_another(server):
    """Decisions 11 and 22: the same person and client, another tenant; and another server of the same tenant."""
    shared, app = server.client("G"), server.client("P")
    await shared.sign_in("u5", tenant="t1", scope=WRITE, tools=["update_order"])
    await app.sign_in("u1", scope=WRITE, tools=["update_order"])

    elsewhere = await shared.sign_in("u5", tenant="t2", scope=WRITE)
    page = await app.consent_page("u1", scope=WRITE, resource=R2)

    assert "tool:update_order" not in elsewhere.scope
    assert page.form("decision").value("tool") is None
    assert "tool:update_order" not in (await app.sign_in("u1", scope=WRITE, resource=R2)).scope


@pytest.mark.requirement("opt-in:choice:a-later-tool-is-not-inherited")
async def test_a_tool_that_appears_later_was_not_chosen(server):
    """Decision 11: the author adds one under a scope that is held; only its own name opens it."""
    app = server.client("P")
    tokens = await app.sign_in("u1", scope=WRITE, tools=["update_order"])
    later = Tool(name="merge_orders", sensitivity="write", scopes=("orders:write",), title="Merge orders")
    await server.operator.set_resource(R1, tools=(*TOOLS, later))

    refreshed = await app.refresh(tokens)
    page = await app.consent_page("u1", scope=WRITE + " tool:merge_orders")
    again = await app.sign_in("u1", scope=WRITE + " tool:merge_orders", tools=["update_order"])

    assert UPDATE == refreshed.scope == again.scope
    assert ["update_order", "merge_orders"] == offered(page)


@pytest.mark.requirement("opt-in:list:taken-off-is-gone")
async def test_a_tool_taken_off_the_list_is_gone_at_the_next_refresh_and_introspection(server):
    """Decision 11: what is stored is narrowed, because nobody can make a client ask anew; back on the list, it is back."""
    app, rs = server.client("P"), server.client("RS1")
    tokens = await app.sign_in("u1", scope=WRITE, tools=["update_order"])
    held = (await rs.introspect(tokens.access_token)).scope

    await server.operator.demand("t1", R1, "update_order", clients=[])
    off = (await rs.introspect(tokens.access_token)).scope
    refreshed = await app.refresh(tokens)
    page = await app.browser_of("u1").open("/account")
    await server.operator.demand("t1", R1, "update_order")
    back = await app.refresh(refreshed)

    assert UPDATE == held == back.scope
    assert UPDATE - {"tool:update_order"} == off == refreshed.scope
    assert "Change an order" not in page.text
    assert "tool:update_order" not in page.response.text


@pytest.mark.requirement("opt-in:list:taken-off-is-gone")
async def test_machines_and_api_keys_lose_it_too(server):
    """Decision 11: whoever acts for itself stands on the same list, by its own name."""
    key = await server.operator.add_api_key(who="u1", scope=WRITE)
    app, machine = server.client("RS1"), server.client("K")
    trade = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": API_KEY,
        "subject_token": key.secret,
    }
    await server.operator.set_client(machine.app, scope=("orders:read", "tool:update_order"))
    before = [(await app.token(**trade)).scope, (await machine.client_credentials()).scope]

    await server.operator.demand("t1", R1, "update_order", mode="deny")
    after = [(await app.token(**trade)).scope, (await machine.client_credentials()).scope]

    assert [UPDATE, {"orders:read", "tool:update_order"}] == before
    assert [UPDATE - {"tool:update_order"}, {"orders:read"}] == after


@pytest.mark.requirement("opt-in:list:taken-off-is-gone")
async def test_a_server_that_trades_a_token_gets_no_tool_that_the_tenant_hides_there(server):
    """RFC 8693, decision 11: at the upstream server the list names the server that acts; what was traded ends with it too."""
    wanted = {"orders:read": ("orders:read",), "tool:update_order": ("orders:read",)}
    await server.operator.allow_exchange(R1, R2, wanted)
    app, rs, upstream = server.client("P"), server.client("RS1"), server.client("RS2")
    tokens = await app.sign_in("u1", scope="orders:read")
    trade = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token": tokens.access_token,
        "resource": R2,
    }
    before = await rs.token(**trade, scope="orders:read tool:update_order")
    listed = (await upstream.introspect(before.access_token)).scope

    await server.operator.demand("t1", R2, "update_order", clients=[app.app.client_id])
    refused = await rs.token(**trade, scope="orders:read tool:update_order")
    left = (await upstream.introspect(before.access_token)).scope

    assert {"orders:read", "tool:update_order"} == before.scope == listed
    assert "invalid_scope" == refused.error
    assert {"orders:read"} == left


@pytest.mark.requirement("opt-in:list:hiding-never-widens")
async def test_hiding_every_tool_gives_nobody_more(server):
    """Decision 19: who asks for nothing gets what the read tools need; with none left that is nothing, never everything."""
    await server.operator.demand("t1", R1, "*", mode="deny")

    nothing = await server.client("P").authorize("u1", scope=None)
    machine = await server.client("K").client_credentials(scope=None)
    asked = await server.client("P").sign_in("u1", scope="orders:read tool:update_order")

    assert not nothing.has_code
    assert not machine.ok or machine.scope <= {"orders:read", "orders:write"}
    assert {"orders:read"} == asked.scope
