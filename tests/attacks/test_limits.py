"""Ways around a limit: another login, session, registration, spelling, batch, and a thousand calls at the same moment."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from resource_lib import Limits, destructive, read
from tests.support.guarded import LEGACY, MODERN, Guarded, call

TOOLS = {"query": read("data:read", limit="10/min"), "wipe": destructive("data:read", approval=False)}
MINE = {"subject": "usr_mallory"}


def guarded(**words):
    return Guarded(tools=TOOLS, limits=Limits(**{"credential": "1000/min"} | words))


async def refused(it, tool="query", **how):
    answer = await it.tool(tool, "data:read", "tool:wipe", **MINE | how)
    return answer.status == 429 or (answer.json.get("result", {}).get("isError") is True)


@pytest.mark.requirement("limits:attacks:nothing-gives-a-second-budget")
async def test_no_other_login_session_token_or_registration_of_a_person_gives_an_eleventh_call():
    """RL-01: each call by another way in, all of them count on the same key."""
    it = guarded()
    ways = [
        {},
        {"override": {"authorization_id": "aut_second_login"}},
        {"override": {"jti": "a refreshed token"}},
        {"client_id": "cli_registered_again"},
        {"client_id": "https://client.example/metadata.json"},
        {"headers": [MODERN]},
        {"headers": [LEGACY]},
        {"headers": [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.8")]},
        {"override": {"acr": "urn:stronger", "auth_time": 1}},
        {"roles": ["admin"]},
    ]
    assert not any([await refused(it, **way) for way in ways])

    found = [await refused(it, **way) for way in ways]

    assert all(found) and 10 == it.reached
    assert not await refused(it, tenant="ten_cccccccccccccccc"), "the same subject of another tenant is another person"
    assert not await refused(it, subject="usr_bob")


@pytest.mark.requirement("limits:attacks:nothing-gives-a-second-budget")
async def test_by_default_a_second_login_and_a_second_registration_share_the_requests_of_one_person():
    """RL-01: 60 a minute for whoever asks, not for each of their logins."""
    it = Guarded(tools=TOOLS, limits=Limits(credential="6/min"))

    found = [
        await refused(it, "query", override={"authorization_id": f"aut_{number}"}, client_id=f"cli_{number}")
        for number in range(8)
    ]

    assert [False] * 6 + [True] * 2 == found


@pytest.mark.requirement("limits:attacks:another-spelling-is-no-tool")
@pytest.mark.parametrize(
    "name", ["Query", "QUERY", "query ", "\uff51uery", "query\u200b", "que\u0301ry", "query\x00", "./query"]
)
async def test_another_spelling_of_a_tool_is_an_unknown_tool_and_counts_nowhere(name):
    """RL-01: nothing is normalised, so nothing is reached, and no entry is made for what does not exist."""
    it = guarded()

    answer = await it.tool(name, "data:read", **MINE)

    assert "tool_unknown" == answer.error["error"]
    assert (0, 1) == (it.reached, len(it.guard._gate.store)), "the one is that of this person's requests"


@pytest.mark.requirement("limits:attacks:nothing-gives-a-second-budget")
@pytest.mark.parametrize("size", [1, 2, 5, 10, 11, 100])
async def test_a_batch_lets_no_more_through_than_single_calls_do(size):
    """RL-01: each message counts."""
    it = guarded()
    one = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "query", "arguments": {}}}
    auth = it.bearer("data:read", **MINE)

    for _ in range(12):
        await it.send(headers=[auth], body=json.dumps([one] * size).encode())

    ran = sum(len(json.loads(seen["body"])) for seen in it.server.seen)
    assert ran == 10 - 10 % size if size <= 10 else ran == 0


@pytest.mark.requirement("limits:attacks:parallel")
@pytest.mark.parametrize("threads", [1, 4])
def test_a_thousand_calls_at_the_same_moment_let_exactly_the_limit_through(threads):
    """RL-02: one guard, several event loops in several threads, a thousand calls."""
    it = Guarded(
        tools={"query": read("data:read", limit="100/hour")},
        limits=Limits(credential="100000/min", tenant="100000/min"),
    )
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "query", "arguments": {}}}
    body = json.dumps(message).encode()
    headers = [
        [it.bearer("data:read", **MINE, override={"authorization_id": f"aut_{number}"})] for number in range(1000 // 4)
    ]

    def flood(_):
        async def all_at_once():
            calls = [call(it.app, "POST", "/mcp", headers=each, body=body) for each in headers * (4 // threads)]
            return sum(b"rate_limited" not in answer.body for answer in await asyncio.gather(*calls))

        return asyncio.run(all_at_once())

    with ThreadPoolExecutor(threads) as pool:
        let_through = sum(pool.map(flood, range(threads)))

    assert 100 == let_through == it.reached


@pytest.mark.requirement("limits:attacks:nothing-hides-in-a-key")
async def test_what_is_kept_about_callers_names_none_of_them():
    """LG-01, C38: whoever reads the store learns neither people, tokens nor tools."""
    it = guarded(tenant="100/min", client="100/min", server="100/min", user="50/min")
    await it.tool("query", "data:read", subject="usr_alice@acme.example", client_id="cli_secretive")

    kept = " ".join(it.guard._gate.store._owed)

    assert 6 == len(it.guard._gate.store)
    for word in ("alice", "acme", "secretive", "query", "ten_", "aut_", "eyJ"):
        assert word not in kept
