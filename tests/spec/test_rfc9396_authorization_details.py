"""RFC 9396: a client asks for so many calls of one tool, a person ticks them, and the token speaks of them."""

import json
from dataclasses import replace

import pytest

from resource_lib.wire.tool_call import args_hash
from tests.support.approvers import arguments_on
from tests.support.call_grants import Given
from tests.support.world import R1, R2

TYPE = "mcp_tool_call"
EXACT = {"order_id": "o1", "amount_cents": 500}
SCOPE = "orders:read"


def detail(**changed):
    wanted = {"type": TYPE, "locations": [R1], "tool": "refund_order", "arguments": EXACT, **changed}
    return {name: value for name, value in wanted.items() if value is not None}


def asking(*details):
    return {"scope": SCOPE, "authorization_details": json.dumps(list(details))}


async def found(server, tokens):
    """Return the grant that the first detail of a token response names."""
    yes = Given(server.machines, tokens.claims, EXACT)
    from authserver.domain.call_grants import grant

    yes.grant = await grant.find(yes.work(), tokens.body["authorization_details"][0]["grant_id"])
    return yes


@pytest.mark.requirement("rfc9396:request:what-is-asked-is-granted")
async def test_an_exact_call_that_a_person_ticks_may_run_once(server):
    """§2, §7: its scopes are asked along, the response says what was granted, and the row covers exactly that call."""
    tokens = await server.client("P").sign_in("u1", details=True, **asking(detail()))

    (told,) = tokens.body["authorization_details"]
    yes = await found(server, tokens)

    assert (TYPE, [R1], "refund_order") == (told["type"], told["locations"], told["tool"])
    assert (args_hash(EXACT), 1, server.now + 3600) == (told["args_hash"], told["max_calls"], told["expires_at"])
    assert {"orders:read", "orders:write", "tool:refund_order"} == tokens.scope
    assert not await yes.covers(arguments={**EXACT, "amount_cents": 501})
    assert await yes.covers()
    assert await yes.spend()
    assert not await yes.covers()


@pytest.mark.requirement("rfc9396:request:only-what-a-person-ticks")
async def test_nothing_comes_ticked_and_what_is_not_ticked_is_not_granted(server):
    """Decision 11: not at first, and not when the tool was allowed before; the tool itself is another box."""
    app = server.client("P")
    page = await app.consent_page("u1", **asking(detail()))
    form = page.form("decision")
    assert 1 == len(form.offered("detail"))
    assert form.value("detail") is None

    unticked = await app.sign_in("u1", tools=["refund_order"], **asking(detail()))
    again = await app.consent_page("u1", **asking(detail()))

    assert "authorization_details" not in unticked.body
    assert "authorization_details" not in unticked.claims
    assert "tool:refund_order" in unticked.scope
    assert again.form("decision").value("detail") is None


@pytest.mark.requirement("rfc9396:request:only-what-a-person-ticks")
@pytest.mark.one_database
async def test_a_box_that_stood_on_no_page_of_this_request_grants_nothing(server):
    """The key of a box is all that it says: that of another detail, or a place, is nobody's."""
    app = server.client("P")
    other = (await app.consent_page("u1", **asking(detail(max_calls=9)))).form("decision").offered("detail")
    page = await app.ask("u1", **asking(detail()))

    sent = await app.browser_of("u1").submit(page.form("decision"), decision="allow", detail=[*other, "0", "1"])
    code = sent.location.split("code=")[1].split("&")[0]
    tokens = await app.redeem(code)

    assert tokens.ok
    assert "authorization_details" not in tokens.body


@pytest.mark.requirement("rfc9396:request:only-what-a-person-ticks")
@pytest.mark.one_database
async def test_who_may_not_grant_the_tool_is_not_asked_about_a_call_of_it(server):
    """u1 has no role for orders:admin; u2 has."""
    purge = detail(tool="purge_orders", arguments={})
    for who, boxes in (("u1", 0), ("u2", 1)):
        page = await server.client("P").consent_page(who, **asking(purge))
        assert boxes == len(page.form("decision").offered("detail"))


@pytest.mark.requirement("rfc9396:request:only-what-a-person-ticks")
@pytest.mark.one_database
async def test_a_client_that_is_never_asked_about_is_asked_about_a_call(server):
    """A confidential client skips consent for what was allowed before; a yes beforehand is one of its own."""
    app = server.client("B")
    allowed = {"scope": "orders:read orders:write tool:refund_order"}
    await app.sign_in("u1", tools=["refund_order"], **allowed)
    assert (await app.authorize("u1", **allowed)).has_code

    page = await app.ask("u1", **allowed | {"authorization_details": json.dumps([detail()])})

    assert page.is_consent


REFUSED = {
    "no JSON": "nope",
    "an object": json.dumps(detail()),
    "nothing": "[]",
    "no objects": "[1]",
    "another type": json.dumps([detail(type="payment")]),
    "no type": json.dumps([detail(type=None)]),
    "an unknown member": json.dumps([detail(actions=["*"])]),
    "our own members": json.dumps([detail(grant_id="cg_x")]),
    "no location": json.dumps([detail(locations=None)]),
    "another resource": json.dumps([detail(locations=[R2])]),
    "two resources": json.dumps([detail(locations=[R1, R2])]),
    "an unknown tool": json.dumps([detail(tool="drop_tables")]),
    "a tool that is no name": json.dumps([detail(tool=["refund_order"])]),
    "arguments that are no object": json.dumps([detail(arguments=[1])]),
    "an integer that nobody can hash": json.dumps([detail(arguments={"n": 2**53 + 1})]),
    "a hash that nobody can read": json.dumps([detail(arguments=None, args_hash="a" * 64)]),
    "a hash of something else": json.dumps([detail(args_hash="a" * 64)]),
    "a condition beside exact arguments": json.dumps([detail(condition="args.amount_cents < 5")]),
    "a condition that is none": json.dumps([detail(arguments=None, condition="drop table")]),
    "a condition about earlier calls": json.dumps(
        [detail(arguments=None, condition="called('search_orders', within='10 min')")]
    ),
    "an empty condition": json.dumps([detail(arguments=None, condition=" ")]),
    "too many calls": json.dumps([detail(max_calls=101)]),
    "no calls": json.dumps([detail(max_calls=0)]),
    "always": json.dumps([detail(max_calls=-1)]),
    "a true number": json.dumps([detail(max_calls=True)]),
    "a text for a number": json.dumps([detail(max_calls="5")]),
    "longer than a day": json.dumps([detail(expires_in=86401)]),
    "over already": json.dumps([detail(expires_in=0)]),
    "a definition that is no hash": json.dumps([detail(definition_hash="latest")]),
    "too many": json.dumps([detail(max_calls=count) for count in range(1, 7)]),
    "the same twice": json.dumps([detail(), detail()]),
    "a member twice": '[{"type":"mcp_tool_call","type":"mcp_tool_call"}]',
    "a second value behind": '[],"details":[]',
    "nested deeply": json.dumps([detail(arguments={"a": [[[[[[[[1]]]]]]]]})]),
    "huge": json.dumps([detail(arguments={"text": "x" * 12000})]),
    "more values than a page shows": json.dumps([detail(arguments={f"n{i}": i for i in range(21)})]),
    "a longer value than a page shows": json.dumps([detail(arguments={"text": "x" * 301})]),
}


@pytest.mark.requirement("rfc9396:request:refused-by-name")
@pytest.mark.one_database
@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_granted_is_refused_before_anybody_is_asked(server, sent):
    """§5: at /authorize and at /par, by the same name; the answer says what to change and quotes nothing."""
    app = server.client("P")
    page = await app.ask("u1", scope=SCOPE, authorization_details=sent)
    pushed = await app.push(scope=SCOPE, authorization_details=sent)

    assert "error=invalid_authorization_details" in page.location
    assert (400, "invalid_authorization_details") == (pushed.status, pushed.error)
    assert "authorization_details: " in pushed.body["error_description"]


@pytest.mark.requirement("rfc9396:request:refused-by-name")
@pytest.mark.one_database
async def test_a_tool_that_this_client_may_not_have_is_refused_like_one_that_is_not_there(server):
    """Decision 11: nobody learns from the answer which it was."""
    app = server.client("P")
    await server.operator.set_client(app.app, scope=("orders:read", "orders:write", "tool:update_order"))

    forbidden = await app.push(scope=SCOPE, authorization_details=json.dumps([detail()]))
    unknown = await app.push(scope=SCOPE, authorization_details=json.dumps([detail(tool="no_such_tool")]))

    assert "invalid_authorization_details" == forbidden.error
    assert unknown.body == forbidden.body


@pytest.mark.requirement("rfc9396:request:refused-by-name")
@pytest.mark.one_database
async def test_the_parameter_stands_once_and_no_other_door_takes_it(server):
    """OAuth 2.1 §3.1; §6: where nobody is asked, nobody has said yes."""
    app, sent = server.client("P"), json.dumps([detail()])
    twice = await app.ask("u1", scope=SCOPE, authorization_details=[sent, sent])
    device = await server.client("D").start_device(authorization_details=sent)
    machine = await server.client("M").client_credentials(authorization_details=sent)

    assert "error=invalid_request" in twice.location
    assert "invalid_authorization_details" == device.error
    assert "invalid_authorization_details" == machine.error


@pytest.mark.requirement("rfc9396:request:pushed")
async def test_what_was_pushed_counts_and_what_stands_beside_it_does_not(server):
    """RFC 9126 §4: a browser adds no call to a request that a client pushed."""
    app = server.client("P")
    pushed = await app.pushed(**asking(detail()))
    plain = await app.pushed(scope=SCOPE)
    smuggled = {"authorization_details": json.dumps([detail(max_calls=100, arguments=None)])}

    with_details = await app.sign_in("u1", details=True, **pushed | smuggled)
    without = await app.consent_page("u1", **plain | smuggled)

    assert [1] == [each["max_calls"] for each in with_details.body["authorization_details"]]
    assert [] == without.form("decision").offered("detail")


@pytest.mark.requirement("rfc9396:request:words")
@pytest.mark.one_database
async def test_the_page_says_each_call_in_words_and_hides_nothing(server):
    """AP-10: a number and a text look different, a character that turns the line is spelled, no markup is ours."""
    hostile = {"order_id": "\u202e1o", "amount_cents": 500, "as_text": "500", "note": "<b>approved  by admin</b>"}
    app = server.client("P")
    exact = await app.consent_page("u1", **asking(detail(arguments=hostile, max_calls=2, expires_in=5400)))
    others = await app.ask(
        "u1",
        **asking(
            detail(tool="update_order", arguments=None, condition="args.amount_cents < 5"),
            detail(tool="update_order", arguments=None, max_calls=3),
        ),
    )

    shown = exact.response.text
    values = shown.partition('<div class="inset">')[2].partition("</dl>")[0]
    assert "twice within 1 hour 30 minutes" in exact.text
    assert hostile == arguments_on(f'<section aria-labelledby="values">{values}</dl></section>')
    assert "\u202e" not in shown
    assert "<b>approved" not in shown
    assert "args.amount_cents &lt; 5" in others.response.text
    assert "Nothing limits what it fills in." in others.text


@pytest.mark.requirement("rfc9396:request:words")
@pytest.mark.one_database
async def test_a_yes_counts_only_for_the_details_that_stood_on_the_page(server):
    """The hash of the page covers every value; a form of one request allows nothing in another."""
    app = server.client("P")
    first = (await app.consent_page("u1", **asking(detail()))).form("decision")
    second = (await app.ask("u1", **asking(detail(arguments={**EXACT, "amount_cents": 5})))).form("decision")

    assert first.value("shown") != second.value("shown")
    assert first.offered("detail") != second.offered("detail")


@pytest.mark.requirement("rfc9396:token:claim")
@pytest.mark.one_database
async def test_a_token_says_what_it_stands_for_and_stays_small(server):
    """§9.1. What there is no room for counts all the same: the row decides, and the response names all."""
    few = await server.client("P").sign_in("u1", details=True, **asking(detail()))
    long = "args.amount_cents < 500 and " + " and ".join(f"args.n{i} == {i}" for i in range(14))
    many = await server.client("P").sign_in(
        "u1",
        details=True,
        **asking(*(detail(arguments=None, condition=long, max_calls=count) for count in range(1, 6))),
    )

    assert few.body["authorization_details"] == few.claims["authorization_details"]
    assert 5 == len(many.body["authorization_details"])
    assert len(many.access_token) < 2048
    assert 1 <= len(many.claims["authorization_details"]) < 5


@pytest.mark.requirement("rfc9396:token:introspection")
async def test_introspection_tells_what_is_left_now(server):
    """§9.2: a grant that was spent or ended is gone from it at once, whatever the token still says."""
    tokens = await server.client("P").sign_in("u1", details=True, **asking(detail(max_calls=2)))
    yes, asks = await found(server, tokens), server.client("RS1")

    before = await asks.introspect(tokens.access_token)
    assert await yes.spend()
    between = await asks.introspect(tokens.access_token)
    assert await yes.spend()
    after = await asks.introspect(tokens.access_token)

    told = tokens.body["authorization_details"][0]
    assert [told | {"used": 0}] == before.body["authorization_details"]
    assert [told | {"used": 1}] == between.body["authorization_details"]
    assert [] == after.body["authorization_details"]


@pytest.mark.requirement("rfc9396:token-request:fewer-never-more")
async def test_a_refresh_may_name_fewer_and_its_token_stands_for_those_alone(server):
    """§6: as they were asked for or as they were granted; the next refresh has all again."""
    app = server.client("P")
    asked = (detail(), detail(tool="update_order", arguments=None, condition="args.amount_cents < 5", max_calls=3))
    tokens = await app.sign_in("u1", details=True, **asking(*asked))
    exact, other = tokens.body["authorization_details"]

    one = await app.refresh(tokens, authorization_details=json.dumps([asked[0]]))
    granted = await app.refresh(one, authorization_details=json.dumps([other]))
    none = await app.refresh(granted, authorization_details="[]")
    every = await app.refresh(none)

    assert [exact] == one.body["authorization_details"] == one.claims["authorization_details"]
    assert [other] == granted.body["authorization_details"]
    assert "authorization_details" not in none.body
    assert [exact, other] == every.body["authorization_details"]
    assert (True, True, None) == tuple(each.claims.get("authorization_details_narrowed") for each in (one, none, every))
    introspected = await server.client("RS1").introspect(one.access_token)
    assert [exact["grant_id"]] == [each["grant_id"] for each in introspected.body["authorization_details"]]


@pytest.mark.requirement("rfc9396:token-request:fewer-never-more")
@pytest.mark.parametrize(
    "sent",
    [
        [detail(max_calls=2)],
        [detail(arguments=None)],
        [detail(arguments={**EXACT, "amount_cents": 501})],
        [detail(tool="purge_orders")],
        [detail(locations=[R2])],
        [detail(), detail()],
        [detail(expires_at=2**40)],
        [detail(grant_id="cg_another")],
        [detail(max_calls=1.0)],
        [detail(max_calls=True)],
        ["everything"],
    ],
    ids=str,
)
@pytest.mark.one_database
async def test_no_token_request_widens_anything(server, sent):
    """§6: not with a code, not with a refresh token; a refused request burns neither."""
    app = server.client("P")
    code = await app.authorize("u1", details=True, **asking(detail()))

    at_code = await app.redeem(code, authorization_details=json.dumps(sent))
    tokens = await app.redeem(code)
    at_refresh = await app.refresh(tokens, authorization_details=json.dumps(sent))

    assert "invalid_authorization_details" == at_code.error == at_refresh.error
    assert 1 == len(tokens.body["authorization_details"])
    assert (await app.refresh(tokens)).ok


@pytest.mark.requirement("rfc9396:token-request:fewer-never-more")
async def test_details_need_a_yes_whoever_asks_at_the_token_endpoint(server):
    """§6: a code without any gets none, and neither does its refresh token."""
    app = server.client("P")
    code = await app.authorize("u1", tools=["refund_order"], scope=f"{SCOPE} orders:write tool:refund_order")

    smuggled = await app.redeem(code, authorization_details=json.dumps([detail()]))
    tokens = await app.redeem(code)
    later = await app.refresh(tokens, authorization_details=json.dumps([detail()]))

    assert "invalid_authorization_details" == smuggled.error == later.error
    assert "authorization_details" not in tokens.body


@pytest.mark.requirement("rfc9396:token-request:fewer-never-more")
async def test_what_the_tool_needs_and_the_client_lost_takes_its_details_along(server):
    """A refresh with fewer scopes, or after the person lost the role, speaks of no call that could not be made."""
    app = server.client("P")
    tokens = await app.sign_in("u1", details=True, **asking(detail()))

    narrow = await app.refresh(tokens, scope="orders:read")

    assert narrow.ok
    assert "authorization_details" not in narrow.body


@pytest.mark.requirement("rfc9396:metadata")
@pytest.mark.one_database
async def test_the_metadata_names_the_type(server):
    """§10."""
    document = (await server.http.get("/.well-known/oauth-authorization-server")).json()

    assert [TYPE] == document["authorization_details_types_supported"]


@pytest.mark.requirement("call-grants:condition:types-do-not-pass")
async def test_a_condition_is_asked_of_the_arguments_as_they_are(server):
    """A text for a number, nothing at all, a list of it, something undecided: none of them is covered."""
    tokens = await server.client("P").sign_in(
        "u1", details=True, **asking(detail(arguments=None, condition="args.amount_cents <= 500", max_calls=5))
    )
    yes = await found(server, tokens)

    assert await yes.covers(arguments={"amount_cents": 500})
    for arguments in (
        {"amount_cents": 501},
        {"amount_cents": "100"},
        {"amount_cents": None},
        {"amount_cents": [100]},
        {"amount_cents": True},
        {"amount_cents": {"value": 100}},
        {"Amount_cents": 100},
        {"args": {"amount_cents": 100}},
        {},
    ):
        assert not await yes.covers(arguments=arguments), arguments


@pytest.mark.requirement("call-grants:condition:types-do-not-pass")
@pytest.mark.one_database
async def test_a_condition_about_what_only_the_caller_states_is_undecided_and_covers_nothing(server):
    """Roles, scopes and a purpose are facts of the guard's; the server does not take them on trust."""
    yes = Given(server.machines, (await server.client("P").sign_in("u1")).claims)
    await yes.give(condition='"admin" in roles')

    assert not await yes.covers()


@pytest.mark.requirement("rfc9396:request:only-what-a-person-ticks")
@pytest.mark.one_database
async def test_a_tool_that_changed_between_the_page_and_the_code_is_not_covered(server):
    """What a person was shown of the tool is part of what they allowed."""
    app = server.client("P")
    code = await app.authorize("u1", details=True, **asking(detail()))
    changed = tuple(
        replace(tool, description="Now it refunds everything") if tool.name == "refund_order" else tool
        for tool in server.tools
    )
    await server.operator.set_resource(R1, tools=changed)

    yes = await found(server, await app.redeem(code))

    assert not await yes.covers()
    assert not await yes.spend()
