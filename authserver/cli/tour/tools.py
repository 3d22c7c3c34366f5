"""The first login, what its token can do with the tools of one server, and the wall between two tenants."""

import json

from authserver.cli.tour.held import hold
from authserver.cli.tour.walk import Step, Walk, claims, connected


async def _discovery(walk: Walk) -> str:
    refused = await walk.http.post(walk.resource, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    hold(refused.status_code == 401, f"a call without a token got {refused.status_code}")
    challenge = refused.headers.get("www-authenticate", "")
    hold("resource_metadata=" in challenge, f"the 401 does not say where to look: {challenge}")
    where = challenge.partition('resource_metadata="')[2].partition('"')[0]
    about = (await walk.http.get(where)).json()
    hold(about["resource"] == walk.resource, f"the metadata speaks of {about['resource']}")
    hold(about["authorization_servers"] == [walk.issuer], f"it trusts {about['authorization_servers']}")
    server = (await walk.http.get(f"{walk.issuer}/.well-known/oauth-authorization-server")).json()
    hold(server["issuer"] == walk.issuer, f"the server calls itself {server['issuer']}")
    hold(server["code_challenge_methods_supported"] == ["S256"], "PKCE S256 is not what is offered")
    return "A call without a token gets a 401 that leads to the login: nothing had to be configured in the client."


async def _login(walk: Walk) -> str:
    person = walk.session.person
    hold(person.was_refused_once, "a wrong password was not refused")
    page = person.saw[0]
    hold("Demo app" in page.text and "127.0.0.1" in page.text, "the consent page hides who asks or where it goes")
    hold("Acme" in page.text, "the consent page does not say for which organisation")
    return (
        "Alice mistypes her password and is refused, then logs in; the consent page names the application, "
        "where its answer goes, and what it wants in words."
    )


async def _reads_only(walk: Walk) -> str:
    carried = claims(walk.session.token)
    acme = walk.tenant("acme")
    scopes = set(carried["scope"].split())
    hold(carried["aud"] == walk.resource, f"the token is for {carried['aud']}")
    hold(carried["tenant_id"] == acme, "the token is for another tenant")
    hold(not [scope for scope in scopes if "write" in scope or scope.startswith("tool:")], f"it may {scopes}")
    hold(carried["exp"] - carried["iat"] <= 600, "the token lives longer than ten minutes")
    hold("alice" not in json.dumps(carried).lower(), "the token holds personal data")
    return (
        "Her client holds a token for this one server and this one tenant: it reads, for ten minutes, and names nobody."
    )


async def _lists(walk: Walk) -> str:
    listed = {tool.name for tool in (await walk.session.client.list_tools()).tools}
    expected = {tool["name"] for tool in walk.facts["tools"]}
    hold(listed == expected, f"the tools listed are {sorted(listed)}")
    return (
        f"The client sees the {len(listed)} tools on offer, those it may not use yet too, so that it can ask for them."
    )


async def _reads(walk: Walk) -> str:
    found = await walk.session.call("search_orders", query="desk")
    hold(isinstance(found, dict) and found["orders"], f"search_orders answered {found}")
    return f"A read works: search_orders finds {len(found['orders'])} orders of Acme that have to do with desks."


async def _write_is_refused(walk: Walk) -> str:
    refused = await walk.call(walk.session.token, "update_order", order_id="A-1002", status="packed")
    challenge = refused.headers.get("www-authenticate", "")
    hold(refused.status_code == 403, f"update_order got {refused.status_code}")
    hold('error="insufficient_scope"' in challenge, f"the 403 says {challenge}")
    hold("orders:write" in challenge and "tool:update_order" in challenge, f"the 403 does not name all: {challenge}")
    return "A write is refused: HTTP 403 insufficient_scope, naming every scope that update_order needs."


async def _step_up(walk: Walk) -> str:
    session = walk.session
    pages = len(session.person.saw)
    session.statuses.clear()
    changed = await session.call("update_order", order_id="A-1002", status="packed", note="Leave at the door")
    hold(403 in session.statuses, "the SDK met no 403")
    hold(len(session.person.saw) == pages + 1, "Alice was not asked")
    page = session.person.saw[-1]
    hold(page.choices.get("tool") == ["update_order"], f"she was asked about {page.choices.get('tool')}")
    hold(isinstance(changed, dict) and changed["status"] == "packed", f"update_order answered {changed}")
    return "The SDK asks again by itself, Alice ticks that one tool by its name, and the same call now works."


async def _other_writes_stay_shut(walk: Walk) -> str:
    refused = await walk.call(walk.session.token, "delete_order", order_id="A-1004")
    hold(refused.status_code == 403, f"delete_order got {refused.status_code}")
    hold("tool:delete_order" in refused.headers.get("www-authenticate", ""), "the 403 does not name the tool")
    return "Her yes was for update_order alone: delete_order is still refused."


async def _unknown_tool(walk: Walk) -> str:
    answered = await walk.call(walk.session.token, "drop_everything")
    hold(answered.status_code == 200 and "Unknown tool: drop_everything" in answered.text, answered.text[:200])
    return "A tool that nobody declared does not exist for anyone."


async def _hostile_ticket(walk: Walk) -> str:
    bob = walk.person("bob", tools=frozenset({"update_order"}))
    async with connected(walk, bob) as agent:
        ticket = await agent.call("read_ticket", ticket_id="AT-2")
        hold(isinstance(ticket, dict) and "moss" in ticket["untrusted_text"], f"read_ticket answered {ticket}")
        hold("delete_order" not in ticket["untrusted_text"], "the hidden comment arrived")
        held = await agent.call("update_order", order_id="A-1003", note="as the ticket says")
        hold(isinstance(held, str) and "follows text from outside" in held, f"after the ticket update_order got {held}")
    return (
        "A ticket hides orders to the agent in a comment that nobody sees: none of it arrives. And for ten minutes after it, whatever Bob's "
        "agent would change waits for Bob, who is told of the ticket."
    )


async def _wall(walk: Walk) -> str:
    session = walk.session
    found = await session.call("search_orders", query="G-1")
    hold(isinstance(found, dict) and found["orders"] == [], f"Globex's orders showed up: {found}")
    for answer in (
        await session.call("get_customer", customer_id="GC-1"),
        await session.call("update_order", order_id="G-1001", status="delivered"),
    ):
        hold(isinstance(answer, str) and "There is no" in answer, f"across the wall came {answer}")
    return "The wall: Alice asks for a customer and an order of Globex by their numbers, and there are none."


async def _other_side(walk: Walk) -> str:
    async with connected(walk, walk.person("gina")) as gina:
        found = await gina.call("search_orders")
        hold(isinstance(found, dict) and found["orders"], f"search_orders answered {found}")
        strange = [order["id"] for order in found["orders"] if not order["id"].startswith("G-")]
        hold(not strange, f"Gina of Globex sees {strange}")
        hold(claims(gina.token)["tenant_id"] != claims(walk.session.token)["tenant_id"], "both have one tenant")
    return "Gina of Globex, with the same application and the same server, sees Globex's orders and no other."


STEPS: tuple[Step, ...] = (
    _discovery,
    _login,
    _reads_only,
    _lists,
    _reads,
    _write_is_refused,
    _step_up,
    _other_writes_stay_shut,
    _unknown_tool,
    _hostile_ticket,
    _wall,
    _other_side,
)
