"""
An agent hammers with calls that nobody lets through: of tools that there are not, without the scope, with arguments that fit no schema, as
parts of batches, in sessions of others. Each is a request as any other; and no stranger's refusals take anything of what others may call.
"""

import asyncio
import json

import pytest

from resource_lib import Limits, read, write
from resource_lib.limits.process_store import ProcessStore
from tests.support.guarded import LEGACY, MODERN, Guarded
from tests.support.outside import SCOPES, Outside

TOOLS = {
    "query": read("data:read", limit="5/hour per server"),
    "audit": read("data:read", roles=["auditor"]),
    "send": write("data:write"),
}
FOREIGN = ("mcp-session-id", "a session of somebody else")


def guarded(**words):
    return Guarded(tools=TOOLS, limits=Limits(**{"credential": "10/hour", "server": "15/hour"} | words))


def body(*tools):
    calls = [
        {"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        for n, tool in enumerate(tools, 1)
    ]
    return json.dumps(calls if len(calls) > 1 else calls[0]).encode()


HAMMERS = {
    "an unknown tool": lambda it, auth: it.send(headers=[auth], body=body("no_such_tool")),
    "another spelling": lambda it, auth: it.send(headers=[auth, MODERN], body=body("QUERY")),
    "without the scope": lambda it, auth: it.send(headers=[auth], body=body("send")),
    "without the role": lambda it, auth: it.send(headers=[auth], body=body("audit")),
    "no JSON": lambda it, auth: it.send(headers=[auth], body=b'{"jsonrpc":'),
    "too large": lambda it, auth: it.send(headers=[auth], body=b" " * (5 << 20)),
    "an encoding": lambda it, auth: it.send(headers=[auth, ("content-encoding", "br")], body=body("query")),
    "somebody else's session": lambda it, auth: it.send(headers=[auth, LEGACY, FOREIGN], body=body("query")),
}


@pytest.mark.requirement("limits:refused:count-for-whoever-asks")
@pytest.mark.parametrize("how", HAMMERS)
async def test_whatever_is_refused_is_a_request_of_whoever_sent_it(how):
    """C38, RL-01: ten an hour, in whatever way they were wasted; then a 429, for good calls too; a second login gains nothing."""
    it = guarded()
    auths = [it.bearer("data:read", subject="usr_m", override={"authorization_id": f"aut_{n}"}) for n in range(2)]

    found = [await HAMMERS[how](it, auths[n % 2]) for n in range(13)]
    good = await it.tool("query", "data:read", subject="usr_m")

    assert [429] * 3 == [one.status for one in found[10:]]
    assert 429 not in {one.status for one in found[:10]}
    assert ("rate_limited", "credential") == (found[10].error["error"], found[10].error["scope"])
    assert 1 <= int(found[10].header("retry-after")) <= 361
    assert (429, 10 if how == "no JSON" else 0) == (good.status, it.reached), (
        "what is no JSON its server answers itself"
    )


@pytest.mark.requirement("limits:refused:count-for-whoever-asks")
async def test_each_message_of_a_refused_batch_counts():
    """RL-01: ten wrong guesses in one body are ten."""
    it = guarded()
    auth = it.bearer("data:read", subject="usr_m")

    first = await it.send(headers=[auth], body=body(*["no_such_tool"] * 9))
    second = await it.send(headers=[auth], body=body("query", "no_such_tool"))

    assert (200, 429) == (first.status, second.status)
    assert (await it.tool("query", "data:read", subject="usr_m")).status == 200, "a batch that found no room took none"


@pytest.mark.requirement("limits:refused:count-for-whoever-asks")
async def test_arguments_that_fit_no_schema_count_behind_a_real_server():
    """C22, C38: whoever lets a model guess at arguments pays for each guess."""
    desk = Outside(limits=Limits(credential="6/hour"))
    desk.shop.inputs["update"] = {"type": "object", "properties": {"n": {"type": "integer"}}}

    found = [await desk.call("update", {"n": "no number", "extra": True}) for _ in range(8)]

    assert ["invalid_arguments"] * 6 + ["rate_limited"] * 2 == [one.error["error"] for one in found]
    assert 0 == desk.shop.count("update")


@pytest.mark.requirement("limits:refused:lock-nobody-out")
async def test_a_strangers_refusals_take_nothing_of_a_tool_of_the_server_or_of_another_tenant():
    """C39: five calls an hour for everybody together, fifteen requests: all of them are still there for others."""
    it = guarded(tenant="12/hour", client="11/hour")
    for how in HAMMERS.values():
        for number in range(8):
            await how(it, it.bearer(subject=f"usr_{number}", tenant="ten_mallory", client_id=f"cli_{number}"))

    ran = [await it.tool("query", "data:read", tenant="ten_victim", client_id="cli_0") for _ in range(6)]

    assert [None] * 5 + ["tool"] == [None if "error" not in str(one.json) else one.error["scope"] for one in ran]


@pytest.mark.requirement("limits:refused:lock-nobody-out")
async def test_people_of_one_tenant_share_what_was_given_to_the_tenant():
    """C38: the tenant's own budget is the tenant's, and a colleague takes of it no more than they themselves may ask."""
    it = guarded(tenant="25/hour", server="1000/hour")
    for _ in range(40):
        await it.tool("no_such_tool", subject="usr_m")

    others = [await it.tool("audit", "data:read", subject=f"usr_{n}") for n in range(16)]

    assert [200] * 15 + [429] == [one.status for one in others]


@pytest.mark.requirement("limits:refused:count-for-whoever-asks")
async def test_a_thousand_refused_at_the_same_moment_are_a_thousand_requests():
    """RL-02: no more answers about what there is than the limit has room for."""
    it = guarded(credential="100/hour")
    auth = it.bearer("data:read", subject="usr_m")

    found = await asyncio.gather(*(it.send(headers=[auth], body=body("no_such_tool")) for _ in range(1000)))

    assert 100 == sum(one.status == 200 for one in found)


@pytest.mark.requirement("limits:refused:lock-nobody-out")
async def test_what_bears_no_valid_token_counts_nowhere():
    """Decision 10: nobody can use up somebody's requests with tokens that are not theirs, or that are nobody's."""
    it = guarded()
    assert isinstance(it.guard._gate.store, ProcessStore)
    for auth in (("authorization", "Bearer x.y.z"), it.bearer(override={"aud": "https://elsewhere.example"})):
        for _ in range(5):
            assert 401 == (await it.send(headers=[auth], body=body("query"))).status

    assert 0 == len(it.guard._gate.store)


@pytest.mark.requirement("limits:refused:count-for-whoever-asks")
async def test_a_limit_that_is_not_there_refuses_nothing():
    """`limits=None`, and limits of nobody, change no refusal."""
    for limits in (None, Limits(credential=None)):
        it = Guarded(tools=TOOLS, limits=limits)
        found = [await it.tool("no_such_tool", *SCOPES) for _ in range(100)]
        assert {"tool_unknown"} == {one.error["error"] for one in found}
