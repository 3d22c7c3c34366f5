"""Saying stop: one command, the server says that it obeys, and nothing that ended comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from authserver.cli.control.local import LocalControl
from authserver.cli.control.port import Named
from authserver.cli.control.waiting import waited
from authserver.cli.tour.held import hold
from authserver.cli.tour.walk import Step, Walk


@asynccontextmanager
async def _stopped(walk: Walk, named: Named, act: str = "kill") -> AsyncIterator[str]:
    """Stop something, see every running server obey, and let it begin again at the end; yields how soon."""
    control = LocalControl(walk.machines)
    order = await control.stop(named, act=act, reason="the tour shows it")
    try:
        obeyed = await waited(control, order, quiet=True)
        hold(obeyed["everyone"], f"of the running servers obeyed {obeyed['applied']} of {obeyed['of']}")
        yield f"{obeyed['applied']}/{obeyed['of']} applied in {obeyed['seconds']:.1f} s"
    finally:
        await _revived(control, named)


async def _revived(control: LocalControl, named: Named) -> None:
    order = await control.stop(named, act="revive", reason="the tour goes on")
    obeyed = await waited(control, order, quiet=True)
    hold(obeyed["everyone"], "the server did not hear of the revival")


async def _tool(walk: Walk) -> str:
    token = walk.session.token
    named = Named(kind="tool", resource=walk.resource, tool="update_order")
    before = await walk.call(token, "update_order", order_id="A-1003", note="before")
    hold(
        before.status_code == 200 and "Unknown tool" not in before.text,
        f"before, the tool answered {before.text[:100]}",
    )
    async with _stopped(walk, named) as soon:
        killed = await walk.call(token, "update_order", order_id="A-1003", note="killed")
        never = await walk.call(token, "no_such_tool", order_id="A-1003", note="killed")
        hold("Unknown tool: update_order" in killed.text, f"the killed tool answered {killed.text[:100]}")
        hold(
            never.text.replace("no_such_tool", "update_order") == killed.text, "it can be told from one that never was"
        )
        hold((await walk.call(token, "search_orders")).status_code == 200, "reading stopped too")
    after = await walk.call(token, "update_order", order_id="A-1003", note="after")
    hold("Unknown tool" not in after.text, "revived, the tool is still unknown")
    return (
        f"An operator kills one tool: {soon}, it answers as one that never was, and reading goes on. Revived, it works again "
        "with the same token."
    )


async def _client(walk: Walk) -> str:
    from authserver.domain.clients import registry

    work = walk.machines.work(tenant="*")
    agent = registry.add(
        work,
        name="Tour agent",
        auth_method="none",
        grant_types=("authorization_code", "refresh_token"),
        redirect_uris=("http://127.0.0.1/callback",),
    ).client
    hold(await work.commit(), "the agent could not be registered")
    try:
        got = await _logged_in(walk, agent.id)
        token, kept = got["access_token"], got["refresh_token"]
        hold((await walk.call(token, "search_orders")).status_code == 200, "before, the agent cannot read")
        async with _stopped(walk, Named(kind="client", client_id=agent.id, tenant="acme")) as soon:
            refused = await walk.call(token, "search_orders")
            hold(refused.status_code == 401, f"the killed agent's call got {refused.status_code}")
            renewed = await walk.refresh(agent.id, kept)
            hold(renewed.json().get("error") == "invalid_grant", f"its refresh got {renewed.text[:100]}")
            hold(
                (await walk.call(walk.session.token, "search_orders")).status_code == 200, "another agent went with it"
            )
        hold((await walk.call(token, "search_orders")).status_code == 401, "revived, its old token works again")
        anew = await _logged_in(walk, agent.id)
        hold((await walk.call(anew["access_token"], "search_orders")).status_code == 200, "a new login does not work")
    finally:
        work = walk.machines.work()
        registry.remove(work, agent)
        await work.commit()
    return (
        f"An agent misbehaves, and is killed: {soon}, its token is refused at the server and its refresh by us. Revived, "
        "nothing of it comes back; Alice connects it anew."
    )


async def _logged_in(walk: Walk, client_id: str) -> dict[str, Any]:
    answer, verifier = await walk.authorize(walk.person("alice"), client_id, scope="orders:read")
    hold("code" in answer, f"Alice's login came to {answer}")
    return dict((await walk.redeem(client_id, answer["code"], verifier)).json())


async def _paused(walk: Walk) -> str:
    token = walk.session.token
    async with _stopped(walk, Named(kind="resource", resource=walk.resource), "pause") as soon:
        told = await walk.call(token, "search_orders")
        hold(
            "server_inactive" in told.text and "retry_after_s" in told.text, f"the paused server said {told.text[:200]}"
        )
    resumed = await walk.call(token, "search_orders")
    hold(resumed.status_code == 200 and "server_inactive" not in resumed.text, "resumed, the same login does not work")
    return f"The server is paused for its upkeep: {soon}, callers are told when to come back, nothing ends, and it goes on where it was."


STEPS: tuple[Step, ...] = (_tool, _client, _paused)
