"""An operator sees at the issuer which limits are met at which server: counts of tools and tenants, of nobody, and none of other tenants."""

import json

import pytest
import structlog

from authserver.cli.control.local import LocalControl
from authserver.cli.server import _line
from authserver.domain.resources import listing
from authserver.domain.revocation.kill_switch import Target
from resource_lib import Limits, read, write
from resource_lib.wire.control import Kind
from resource_lib.wire.limits_met import LimitMet
from tests.promises.test_feed import stop
from tests.promises.test_servers_seen import overview
from tests.support.administered import administered
from tests.support.console import at_console
from tests.support.following import follower
from tests.support.guarding import Guarding
from tests.support.world import R1, R5

TOOLS = {
    "search_orders": read("orders:read", limit="1/hour"),
    "update_order": write("orders:write"),
}


@pytest.fixture
async def guarding(server):
    """A guard of the server that both tenants share, which asks the real issuer."""
    made = Guarding(server, letter="RS5", resource=R5, tools=TOOLS, limits=Limits(credential="6/hour"))
    yield made
    await made.guard.aclose()


async def told(guarding):
    """Let the guard hear, and tell what it has to tell, as it does every two seconds."""
    await guarding.heard()
    await guarding.guard.overlay._do_also()


def counted(limited):
    return [(one.tenant, one.tool, one.limit, one.times, one.in_minute) for one in limited]


@pytest.mark.requirement("limits:reported:counts-of-tools-and-tenants")
async def test_limits_that_are_met_at_a_guard_are_seen_by_the_operators_of_that_tenant(server, guarding):
    """C43, RL-06: on the server's row of the command line, the admin API and the console, and in the log; other tenants see none of it."""
    admin = await administered(server)
    tokens = await server.client("G", resource=R5).sign_in("u1", tenant="t1")
    tenant = server.world.tenants["t1"]
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            await guarding.call("search_orders", tokens.access_token)
        await told(guarding)
        for _ in range(7):
            await guarding.call("no_such_tool", tokens.access_token)
        await told(guarding)  # within ten seconds of the last word nothing more is said
        early = counted((await overview(server, "t1"))[R5].limited)
        await guarding.guard.revocations.follower.tell()

    seen, others, all_ = [(await overview(server, who))[R5].limited for who in ("t1", "t2", None)]
    (row,) = [one for one in await LocalControl(server.machines).servers("t1") if one["uri"] == R5]
    path = f"/servers/{listing.id_of(R5)}"
    shown, not_shown = [(await admin.call("GET", path, who)).json()["limited"] for who in ("d1", "a2")]
    page = await (await at_console(server, "o1")).open("server", tenant="t1", kind="resource", server=R5)

    assert [(tenant, "search_orders", "tool", 2, 2)] == early
    assert {(tenant, "search_orders", "tool", 2, 2), (tenant, "", "credential", 2, 2)} == set(counted(seen))
    assert ((), []) == (others, not_shown)
    assert (seen, [one.to_json() for one in seen]) == (all_, shown)
    assert {"requests 2x (credential)", "search_orders 2x (tool)"} == set(_line(row)["limited"].split(", "))
    assert "Limits that were met" in page.text
    assert "how often this tool may be called; 2 times, last" in page.text
    lines = [one for one in logged if one["event"] == "server_limited"]
    assert [("search_orders", "tool", 2), ("", "credential", 2)] == [
        (one["tool"], one["limit"], one["times"]) for one in lines
    ]
    written = json.dumps([lines, shown], default=str)
    assert not any(word in written for word in (server.world.people["u1"].email, tokens.access_token, "no_such_tool"))


ONE = {"tenant": "", "tool": "search_orders", "limit": "tool", "times": 5, "in_minute": 5, "at": 1_800_000_000}


@pytest.mark.requirement("limits:reported:only-of-its-own-tenants")
async def test_a_server_says_nothing_of_tenants_that_it_is_not_heard_for(server):
    """Attacker: a tenant's own server makes another tenant's operators look for what is not there."""
    here = follower(server, "RS5t1", instance="one")
    await here.ask()
    lines = [ONE | {"tenant": server.world.tenants[name]} for name in ("t1", "t2")]

    heard = await here.acknowledge(about={"library": "1"}, limited=lines)

    assert 204 == heard.status_code
    assert [5] == [one.times for one in (await overview(server, "t1"))[R5].limited]
    assert () == (await overview(server, "t2"))[R5].limited
    assert [server.world.tenants["t1"]] == [one.tenant for one in (await overview(server))[R5].limited]


@pytest.mark.requirement("limits:reported:only-of-its-own-tenants")
async def test_what_several_copies_say_is_added_and_a_copy_that_says_no_more_of_it_is_believed(server):
    """Each copy counts since it began."""
    tenant = server.world.tenants["t1"]
    for name, times, at in (("one", 5, 1_800_000_000), ("two", 2, 1_800_000_100)):
        here = follower(server, "RS1", instance=name)
        await here.ask()
        said = [ONE | {"tenant": tenant, "times": times, "in_minute": 1, "at": at}]
        assert 204 == (await here.acknowledge(about={}, limited=said)).status_code
    both = (await overview(server, "t1"))[R1].limited
    await here.acknowledge(about={})
    one = (await overview(server, "t1"))[R1].limited

    assert (LimitMet(**ONE | {"tenant": tenant, "times": 7, "in_minute": 1, "at": 1_800_000_100}),) == both
    assert [5] == [each.times for each in one]


@pytest.mark.one_database
@pytest.mark.requirement("limits:reported:read-strictly")
@pytest.mark.parametrize(
    "limited",
    [
        {},
        "many",
        [ONE] * 51,
        [ONE | {"tenant": "Ten With Spaces"}],
        [ONE | {"tool": "<script>"}],
        [ONE | {"tool": "x" * 129}],
        [ONE | {"limit": "somebody's"}],
        [ONE | {"times": -1}],
        [ONE | {"times": True}],
        [ONE | {"at": 2**60}],
        [ONE | {"subject": "usr_a"}],
        [{name: said for name, said in ONE.items() if name != "at"}],
        [[]],
    ],
)
async def test_what_is_told_in_another_form_is_refused_whole(server, limited):
    """Nothing that a person wrote, and nothing that could be a person's name, has a place in it."""
    here = follower(server, "RS1", instance="one")
    await here.ask()
    said = [ONE | {"tenant": "ten_x"}] if limited == [] else limited
    if isinstance(said, list):
        said = [one | {"tenant": one.get("tenant") or "ten_x"} if isinstance(one, dict) else one for one in said]

    refused = await here.acknowledge(about={}, limited=said)
    alone = await here.acknowledge(limited=[])
    hidden = await here.acknowledge(about={"limited": "x"})

    assert [(400, "limited:"), (400, "limited:"), (400, "about:")] == [
        (one.status_code, one.json()["error_description"].split()[0]) for one in (refused, alone, hidden)
    ]


@pytest.mark.one_database
@pytest.mark.requirement("limits:reported:costs-no-acknowledgement")
async def test_an_issuer_that_does_not_know_of_it_hears_how_far_a_server_has_come_all_the_same(
    server, guarding, monkeypatch
):
    """`kill --wait` must not wait in vain for a newer guard; and the guard says it no more."""
    from authserver.oauth import feed

    understood, bodies = feed._acknowledgement, []

    def earlier(body):
        bodies.append(json.loads(body))
        return understood(body.replace(b'"limited"', b'"unheard_of"'))

    monkeypatch.setattr(feed, "_acknowledgement", earlier)
    tokens = await server.client("G", resource=R5).sign_in("u1", tenant="t1")
    for _ in range(2):
        await guarding.call("search_orders", tokens.access_token)
    await told(guarding)
    await stop(server, Target(kind=Kind.CLIENT, client_id="cli_other"))
    await guarding.heard()
    follower = guarding.guard.revocations.follower
    await follower._acknowledge()

    assert ["limited" in one for one in bodies].count(True) == 1
    assert bodies[-1]["cursor"] == follower.cursor
    (running,) = (await overview(server))[R5].instances
    assert (0, ()) == (running.behind_ms, running.limited)
