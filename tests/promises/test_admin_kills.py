"""The nouns `kills` and `revocations`: an operator stops, sees who has obeyed, and lets begin again."""

import pytest

from authserver.domain.audit.event import Kind as Event
from tests.support.administered import administered

WHY = "An agent misbehaves"


def client(server, letter="P"):
    return server.world.clients[letter].client_id


async def stop(admin, who="a1", *, query="", key=None, **body):
    headers = {"idempotency-key": key} if key else {}
    return await admin.call("POST", f"/kills{query}", who, body={"reason": WHY, **body}, headers=headers)


async def numbers(server, kind):
    """Return how many events of a kind are in the numbered list."""
    from authserver.domain.revocation import feed

    return sum(row["kind"] == kind.value for row in await feed.since(server.operator.work(), after=0))


@pytest.mark.requirement("admin:kills:stopped-and-revived")
async def test_a_kill_ends_what_there_is_and_what_is_new_until_it_is_revived(server):
    """C51, C59: from one operator's laptop, without a deploy; and what ended stays ended."""
    admin, app = await administered(server), server.client("P")
    before = await app.sign_in("u1")

    killed = await stop(admin, "o1", kind="client", client_id=client(server))
    ended = await admin.call("GET", f"/authorizations/{before.claims['authorization_id']}", "d1")
    path = killed.headers["location"].removeprefix(admin.base)
    seen = await admin.call("GET", path, "d1")
    revived = await admin.call("POST", f"{path}/revive", "o1", body={"reason": "It was mended"})

    assert (201, "kill", {"client_id": client(server)}) == (
        killed.status_code, killed.json()["stopped"], killed.json()["subject"],
    )  # fmt: skip
    assert ("ended", "killed") == (ended.json()["state"], ended.json()["ended_by"])
    assert (200, "kill", WHY) == (seen.status_code, seen.json()["stopped"], seen.json()["reason"])
    assert seen.json()["number"] > 0
    assert (200, "") == (revived.status_code, revived.json()["stopped"])
    assert (await app.sign_in("u1")).ok
    assert {Event.STOPPED.value, Event.REVIVED.value} <= set(await server.operator.kinds("t1"))
