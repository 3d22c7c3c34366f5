"""
A tenant's operators lay down limits, costs and caps that would stop everybody else, if they were counted where everybody is.

Two tenants of one server, in this process, in Valkey and in PostgreSQL.
"""

import asyncio

import pytest

from resource_lib import Limits, read
from resource_lib.wire.tool_policy import parse_rules
from tests.support.guarded import Guarded
from tests.support.limit_stores import kept_in
from tests.support.valkey import valkey_server

ATTACKER, VICTIM = "ten_mallory", "ten_victim"
TOOLS = {"query": read("data:read", limit=["20/hour per server", "100/hour"], concurrent="3 per server")}


@pytest.fixture(scope="module")
def valkey():
    with valkey_server() as url:
        yield url


@pytest.fixture(params=["process", "valkey", "postgresql"])
async def store(request, valkey, tmp_path):
    if request.param == "process":
        yield None
        return
    postgres = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    async with kept_in(request.param, valkey=valkey, postgres=postgres, folder=tmp_path) as found:
        yield found.store


@pytest.fixture
async def guarded(store):
    """Make a guard of these rules of the attacker's; closed in the end, with the seats that it gives back by then."""
    made = []

    def make(rules, **words):
        it = Guarded(tools=TOOLS, limits=Limits(**{"credential": None, "store": store} | words))
        it.guard.take_overlays({ATTACKER: {"query": parse_rules(rules)}}, "v1")
        made.append(it)
        return it

    yield make
    for it in made:
        await it.guard.aclose()


async def ended(it, tenant, times=1, **claims):
    """Call as somebody of a tenant; returns how often it ran."""
    before = it.reached
    for number in range(times):
        await it.tool("query", "data:read", tenant=tenant, **({"subject": f"usr_{number}"} | claims))
    return it.reached - before


@pytest.mark.requirement("limits:tenants:own-limit-own-bucket")
@pytest.mark.parametrize(
    "rules",
    [
        {"limit": "1/hour per server"},
        {"limit": ["1/30d per server", "1/hour per server"]},
        {"limit": "1/hour per tenant"},
        {"limit": "1/hour", "cost": 1},
    ],
)
async def test_the_limit_of_a_tenant_is_used_up_for_that_tenant_alone(guarded, rules):
    """C39: the author's twenty an hour for all of them stay twenty, of which the attacker takes what it was let."""
    it = guarded(rules)

    attacked = await ended(it, ATTACKER, 5, subject="usr_mallory")
    others = await ended(it, VICTIM, 25)

    assert (1, 19) == (attacked, others)


@pytest.mark.requirement("limits:tenants:own-limit-own-bucket")
async def test_a_milder_limit_of_a_tenant_gives_it_no_more_of_what_is_everybodys(guarded):
    """C37: what a tenant writes only ever tightens; a million an hour for all is its own affair."""
    it = guarded({"limit": "1000000/hour per server"})

    assert 20 == await ended(it, ATTACKER, 30)
    assert 0 == await ended(it, VICTIM, 1)


@pytest.mark.requirement("limits:tenants:own-cost-own-bucket")
async def test_the_cost_of_a_tenant_is_paid_by_that_tenant_alone(guarded):
    """C37: one call that counts as fifteen takes one of what the author gave to everybody, and fifteen of the tenant's own."""
    it = guarded({"cost": 15, "limit": "40/hour per tenant"}, server="18/hour")

    attacked = await ended(it, ATTACKER, 5)
    others = await ended(it, VICTIM, 25)

    assert (2, 16) == (attacked, others), "two of fifteen in forty, and the eighteen requests of all less those two"


@pytest.mark.requirement("limits:tenants:own-cost-own-bucket")
async def test_a_batch_of_dear_calls_takes_of_everybodys_what_it_has_messages(guarded):
    """RL-01, C37: no more by a batch than by single calls."""
    it = guarded({"cost": 10}, server="10/hour", tenant="40/hour")
    one = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{}}}'
    auth = it.bearer("data:read", tenant=ATTACKER)

    await it.send(headers=[auth], body=b"[" + b",".join([one] * 3) + b"]")

    assert 1 == it.reached
    assert 7 == await ended(it, VICTIM, 12)


@pytest.mark.requirement("limits:tenants:own-cap-own-seats")
async def test_a_cap_of_a_tenant_holds_its_own_calls_and_nobody_elses(guarded):
    """C39: `1 per server`, said by a tenant, is one call of that tenant."""
    it = guarded({"concurrent": "1 per server"})
    going, begun = asyncio.Event(), []

    async def slow(scope, receive, send):
        begun.append(scope["principal"].tenant)
        await going.wait()
        await it.server(scope, receive, send)

    it.app = it.guard.wrap(slow)
    calls = [asyncio.ensure_future(ended(it, ATTACKER, subject=f"usr_{n}")) for n in range(3)]
    calls += [asyncio.ensure_future(ended(it, VICTIM, subject=f"usr_{n}")) for n in range(2)]
    async with asyncio.timeout(10):
        while len(begun) < 3 or sum(one.done() for one in calls) < 2:
            await asyncio.sleep(0.005)

    assert [ATTACKER, VICTIM, VICTIM] == sorted(begun)
    going.set()
    await asyncio.gather(*calls)
