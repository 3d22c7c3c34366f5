"""A person's yes to one exact call: it waits, is shown, given, spent once, and counts for nothing else."""

import json
from typing import Any

from authserver.cli.tour.held import NotHeldError, hold
from authserver.cli.tour.walk import Session, Step, Walk, connected

_ORDER = "A-1004"
_CENTS = 100
_AGENT = "Tour agent"
_SAID = "She says the drawer arrived broken"


async def _waits(walk: Walk) -> str:
    session = walk.session
    session.person.tools |= {"refund_order", "delete_order"}
    before = await _refunded(session)
    told = await _attempt(session, "refund_order", order_id=_ORDER, amount_cents=_CENTS, note=_SAID)
    walk.approval = _approval(told, walk)
    offered = session.person.saw[-1].choices.get("tool", [])
    hold("refund_order" in offered and "delete_order" not in offered, f"she was asked about {offered}")
    hold(await _refunded(session) == before, "money moved before anybody said yes")
    return (
        "Alice lets her agent use refund_order, and still the call waits: the agent gets an address for her and is told "
        "to call again with the same words. No money has moved."
    )


async def _shown(walk: Walk) -> str:
    page = await walk.person("alice").read(walk.approval)
    hold(f"Pay {_CENTS} cents back for order {_ORDER}" in page.text, f"the page says {page.text[:300]}")
    for word in ("Demo app", "Acme", "Refund an order"):
        hold(word in page.text, f"the page does not name {word}")
    hold("hidden: " in page.text, "the page does not say that something is hidden")
    hold(_SAID not in page.text, "the page shows what the server's author wants hidden")
    hold({"decision", "csrf"} <= page.inputs, "the page has no buttons")
    return (
        "Its page says in the author's words what a yes would do, who asks, and for which organisation; what the customer "
        "said is hidden there, as the author wants, and the page says that something is."
    )


async def _nobody_else(walk: Walk) -> str:
    unknown = await walk.person("gina").look(walk.approval[:-1] + ("A" if walk.approval[-1] != "A" else "B"))
    for login, whose in (("gina", "of another organisation"), ("bob", "a colleague")):
        seen = await walk.person(login).look(walk.approval)
        hold(seen == unknown, f"somebody else ({whose}) got {seen}, and for an address that nobody has {unknown}")
    hold((await _attempt(walk.session, *_REFUND)).get("error") == "approval_required", "the call ran without her yes")
    return (
        "Bob, her colleague, and Gina of Globex open the same address: for them there is nothing, as for an address that "
        "nobody has."
    )


async def _once(walk: Walk) -> str:
    before = await _refunded(walk.session)
    await walk.person("alice").decide(walk.approval, "allow")
    paid = await _attempt(walk.session, *_REFUND)
    hold(paid.get("refunded_cents") == before + _CENTS, f"after her yes the call answered {paid}")
    again = _approval(await _attempt(walk.session, *_REFUND), walk)
    hold(again != walk.approval, "one yes was asked for and used twice")
    hold(await _refunded(walk.session) == before + _CENTS, "one yes paid twice")
    walk.approval = again
    return "Alice says yes and the same call pays, once: the very same call again has to ask again."


async def _exactly_this(walk: Walk) -> str:
    before = await _refunded(walk.session)
    await walk.person("alice").decide(walk.approval, "allow")
    more = await _attempt(walk.session, "refund_order", order_id=_ORDER, amount_cents=_CENTS * 100, note=_SAID)
    hold(more.get("error") == "approval_required", f"a hundred times as much got {more}")
    hold(_approval(more, walk) != walk.approval, "her yes was taken for another call")
    hold(await _refunded(walk.session) == before, "a hundred times as much was paid")
    paid = await _attempt(walk.session, *_REFUND)
    hold(paid.get("refunded_cents") == before + _CENTS, f"her yes was spent by the call it was not for: {paid}")
    return "She says yes to that one, and the agent asks for a hundred times as much: refused, and her yes still pays what she saw."


async def _four_eyes(walk: Walk) -> str:
    session = walk.session
    asked = _approval(await _attempt(session, "delete_order", order_id=_ORDER), walk)
    own = await walk.person("alice").read(asked)
    hold("somebody else has to allow it" in own.text, f"to Alice the page says {own.text[:300]}")
    refused = await walk.person("alice").decide(asked, "allow")
    hold("You allowed it" not in refused.text, "Alice allowed what runs in her own name")
    waits = await _attempt(session, "delete_order", order_id=_ORDER)
    hold(waits.get("error") == "approval_required", f"after her own yes the deletion answered {waits}")
    inbox = await walk.person("bob").read(f"{walk.issuer}/approvals")
    hold(asked in [walk.absolute(link) for link in inbox.links], "Bob does not find it where his decisions wait")
    await walk.person("bob").decide(asked, "deny")
    for _ in range(2):
        over = await _attempt(session, "delete_order", order_id=_ORDER)
        hold(over.get("error") == "approval_denied", f"after Bob's no the deletion answered {over}")
    hold(await _refunded(session), "the order is gone")
    return (
        "To delete takes four eyes: Alice cannot allow it to her own agent. Bob finds it among his decisions and says no; "
        "calling again does not ask him again."
    )


async def _machine(walk: Walk) -> str:
    robot = next(one for one in walk.facts["clients"] if one["name"] == "Acme refund robot")
    answered = await walk.http.post(
        f"{walk.issuer}/token",
        auth=(robot["client_id"], robot["client_secret"]),
        data={
            "grant_type": "client_credentials",
            "resource": walk.resource,
            "scope": "orders:read orders:write tool:refund_order",
        },
    )
    hold(answered.status_code == 200, f"the robot got {answered.text[:100]}")
    token = answered.json()["access_token"]
    before = await _refunded(walk.session)

    async def call() -> dict[str, Any]:
        return _told(await walk.call(token, "refund_order", order_id=_ORDER, amount_cents=_CENTS))

    asked = _approval(await call(), walk)
    hold((await walk.person("alice").look(asked))[0] == 404, "somebody without the role sees it")
    await walk.person("bob").decide(asked, "allow")
    paid = await call()
    hold(paid.get("refunded_cents") == before + _CENTS, f"after Bob's yes the robot got {paid}")
    return "A robot works for nobody who could say yes, so its refund waits for somebody with the role approver: Bob, not Alice."


async def _stopped(walk: Walk) -> str:
    from authserver.domain.clients import registry

    alice = walk.person("alice", tools=frozenset({"refund_order"}))
    async with connected(walk, alice, is_registered=False, name=_AGENT) as agent:
        asked = _approval(await _attempt(agent, *_REFUND), walk)
        token, memory = agent.token, agent.memory
        if memory.tokens is None or memory.client is None:
            raise NotHeldError("the agent holds nothing")
        await walk.person("alice").decide(asked, "deny_and_stop")
        refused = await walk.refresh(str(memory.client.client_id), str(memory.tokens.refresh_token))
        hold(refused.json().get("error") == "invalid_grant", f"its refresh got {refused.text[:100]}")
        hold(await walk.is_active(token) is False, "its token was called alive")
        hold(await walk.is_active(walk.session.token) is True, "another application went with it")
    stranger = await registry.find(walk.machines.work(), str(memory.client.client_id))
    if stranger is not None:
        work = walk.machines.work(tenant=stranger.tenant)
        registry.remove(work, stranger)
        await work.commit()
    return "Another agent asks for a refund that Alice never wanted: she says no and stops it, and its session is over, at once."


_REFUND: tuple[str, dict[str, Any]] = ("refund_order", {"order_id": _ORDER, "amount_cents": _CENTS, "note": _SAID})


async def _attempt(
    session: Session, tool: str, given: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    """Call a tool; returns its answer, or the one object that describes why it did not run."""
    result = await session.client.call_tool(tool, given or arguments)
    if isinstance(result.structured_content, dict):
        return result.structured_content
    words = [getattr(block, "text", "") for block in result.content]
    raise NotHeldError(f"{tool} answered {' '.join(words)[:200]}")


def _told(answered: Any) -> dict[str, Any]:
    """Return the structured answer of a call by hand, which came as JSON or as one event."""
    text = answered.text
    if answered.headers.get("content-type", "").startswith("text/event-stream"):
        text = next(line[5:] for line in text.splitlines() if line.startswith("data:"))
    result = json.loads(text).get("result", {})
    return dict(result.get("structuredContent") or {"answered": text[:200]})


def _approval(told: dict[str, Any], walk: Walk) -> str:
    """Return the address of the page on which somebody decides."""
    hold(told.get("error") == "approval_required", f"it answered {told}")
    url = str(told["approval_url"])
    hold(url.startswith(f"{walk.issuer}/approvals/"), f"it sends people to {url}")
    return url


async def _refunded(session: Session) -> int:
    found = await session.call("search_orders", query=_ORDER)
    hold(isinstance(found, dict) and len(found["orders"]) == 1, f"{_ORDER} is not there: {found}")
    return int(found["orders"][0]["refunded_cents"])


STEPS: tuple[Step, ...] = (
    _waits,
    _shown,
    _nobody_else,
    _once,
    _exactly_this,
    _four_eyes,
    _machine,
    _stopped,
)
