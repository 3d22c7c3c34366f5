"""A version of a tool that ends says so beforehand, and is then as one that never was, while the one beside it goes on. C53."""

from datetime import UTC, date, datetime

import pytest

from authserver.domain.tool_policies import tool_policy
from resource_lib import Output, read
from resource_lib.policy.demand import demand_of
from resource_lib.settings import SettingsError
from resource_lib.wire.tool_call import definition_hash
from resource_lib.wire.tool_policy import InvalidRulesError, Rules, is_over, parse_rules
from tests.support.guarded import LEGACY, MODERN, Guarded
from tests.support.listed import Server
from tests.support.tooled import named, report, tool
from tests.support.world import R1

LAST = "2031-03-31"
AFTER = int(datetime(2031, 4, 1, tzinfo=UTC).timestamp())
SUNSET, WARNING = "authserver/sunset", "authserver/warning"
OLD, NEW = tool("spend_v1"), tool("spend_v2", _meta={"vendor": 1})


class Clock:
    """The wall, set by hand; an issuer's tokens are made by the real one."""

    now = float(AFTER - 1)

    def __call__(self):
        return self.now


def guarded(**words):
    """Return both versions behind a guard whose wall is set by hand, and that wall."""
    wall = Clock()
    tools = {"spend_v1": read("o:read", sunset=LAST), "spend_v2": read("o:read")}
    it = Guarded(**{"tools": tools, "clock": wall, "arguments": "strict", "output": Output()} | words)
    it.server = Server([OLD, NEW])
    it.app = it.guard.wrap(it.server)
    it.wall = wall
    return it


def bearer(it):
    return it.bearer("o:read", override={"iat": int(it.wall.now) - 1, "exp": int(it.wall.now) + 300})


async def listed(it, era=MODERN):
    answer = await it.rpc("tools/list", auth=bearer(it), headers=[era])
    return {one["name"]: one for one in answer.json["result"]["tools"]}


async def called(it, name, **meta):
    params = {"name": name, "arguments": {"order_id": "o-1"}, **({"_meta": meta} if meta else {})}
    return await it.rpc("tools/call", params, auth=bearer(it), headers=[MODERN])


@pytest.mark.requirement("inventory:sunset:said-beforehand")
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_a_version_that_ends_says_its_last_day_in_the_list_and_nothing_else_of_it_changes(era):
    """C53: in `_meta`; name, description, schema and so the hash that clients pin are what they were."""
    it = guarded()
    tools = await listed(it, era)

    assert LAST == tools["spend_v1"]["_meta"][SUNSET]
    assert {"vendor": 1} == tools["spend_v2"]["_meta"]
    assert OLD["description"] == tools["spend_v1"]["description"]
    without = {name: member for name, member in tools["spend_v1"].items() if name != "_meta"}
    assert definition_hash(without) == definition_hash(tools["spend_v1"])


@pytest.mark.requirement("inventory:sunset:said-beforehand")
async def test_whoever_pinned_it_is_warned_in_each_answer_and_a_servers_own_word_is_not_repeated():
    """C53: the policy says when a tool ends, not the server behind it: neither that it ends nor that it does not."""
    it = guarded()
    (shown,) = [one for name, one in (await listed(it)).items() if name == "spend_v1"]
    warned = await called(it, "spend_v1", **{"authserver/definition_hash": definition_hash(shown)})
    it.server.tools[1] = {**NEW, "_meta": {SUNSET: "2001-01-01", "vendor": 1}}
    it.server.result = lambda _: {"content": [], "_meta": {SUNSET: "2099-01-01", WARNING: "x", "vendor": 1}}
    lied, other = await called(it, "spend_v1"), await called(it, "spend_v2")

    meta = warned.json["result"]["_meta"]
    assert (LAST, True) == (meta[SUNSET], LAST in meta[WARNING] and "spend_v1" in meta[WARNING])
    assert (LAST, 1) == (lied.json["result"]["_meta"][SUNSET], lied.json["result"]["_meta"]["vendor"])
    assert {"vendor": 1} == other.json["result"]["_meta"]


@pytest.mark.requirement("inventory:sunset:said-beforehand")
async def test_a_list_says_no_last_day_that_only_its_server_invented():
    """Ours: a client that moves away from a tool because its server said so would be moved by whoever writes the server."""
    it = guarded()
    it.server.tools[1] = {**NEW, "_meta": {SUNSET: "2001-01-01", WARNING: "move to evil", "vendor": 1}}

    assert {"vendor": 1} == (await listed(it))["spend_v2"]["_meta"]


@pytest.mark.requirement("inventory:sunset:then-it-is-gone")
async def test_from_the_first_second_after_its_last_day_it_is_an_unknown_tool_and_the_other_goes_on():
    """C53: its last second counts; then the same bytes as for a name that never was, in lists too, for pins too."""
    it = guarded()
    in_time = await called(it, "spend_v1")
    it.wall.now = float(AFTER)
    late, unknown, other = [await called(it, name) for name in ("spend_v1", "no_such", "spend_v2")]
    pinned = await called(it, "spend_v1", **{"authserver/definition_hash": definition_hash(OLD)})

    assert [True, True] == ["authserver/error" not in str(one.json) for one in (in_time, other)]
    assert unknown.body.replace(b"no_such", b"spend_v1") == late.body == pinned.body
    assert ["spend_v2"] == list(await listed(it))
    assert 2 == len(it.server.called)


@pytest.mark.requirement("inventory:sunset:then-it-is-gone")
async def test_at_consent_and_in_tokens_it_ends_on_the_same_day_by_its_guards_word_and_by_an_operators(server):
    """C53, C16: nobody is asked for a tool that is not there any more."""
    day = datetime.fromtimestamp(server.now + 3 * 86_400, UTC).date().isoformat()
    await report(server, "RS1", named("search_orders") | {"sunset": day}, named("update_order", tool_class="write"))
    await server.operator.demand("t1", R1, "purge_orders", sunset=datetime.fromtimestamp(server.now, UTC).date())
    resource = await server.operator.resource(R1)

    async def offered():
        work = server.operator.work("t1")
        found = await tool_policy.seen(work, server.world.tenants["t1"], resource, "cli_any")
        return {one.name for one in found.tools} & {"search_orders", "update_order", "purge_orders"}

    known = {one.name for one in resource.tools}
    seen = [await offered()]
    for _ in range(2):
        server.clock.advance(2 * 86_400)
        seen.append(await offered())

    everything = {"search_orders", "update_order", "purge_orders"} & known
    assert [everything, everything - {"purge_orders"}, everything - {"purge_orders", "search_orders"}] == seen
    assert {"search_orders", "update_order"} <= everything
    assert day == (await server.operator.reviewed(R1))[0].sunset


@pytest.mark.requirement("inventory:sunset:read-strictly")
@pytest.mark.parametrize(
    "said", ["31.12.2026", "2026-12-31T00:00:00Z", "2026-02-30", "20261231", "soon", "", 20261231, True]
)
def test_a_last_day_that_is_no_date_stops_the_start(said):
    """Ours: a version that was to end and does not is found out at the worst moment."""
    with pytest.raises(SettingsError, match=r"sunset.*no date.*2027-03-31"):
        read("o:read", sunset=said)
    with pytest.raises(InvalidRulesError, match=r"spend_v1\.sunset"):
        parse_rules({"sunset": said}, "spend_v1")


@pytest.mark.requirement("inventory:sunset:read-strictly")
def test_of_two_layers_the_earlier_last_day_counts_and_a_day_is_whole():
    """ADR 26: layers only tighten; a policy file's YAML may write the date without quotes."""
    layers = [Rules(scopes=frozenset({"a"}), sunset=date(2031, 4, 1)), Rules(sunset=date(2031, 3, 31)), Rules()]
    demand = demand_of("x", layers)

    assert date(2031, 3, 31) == demand.sunset == parse_rules({"sunset": date(2031, 3, 31)}).sunset
    assert [False, True] == [is_over(demand.sunset, AFTER - 0.001), is_over(demand.sunset, AFTER)]
    assert demand.policy_version == demand_of("x", [layers[0], Rules(), Rules()]).policy_version
    assert {"sunset": LAST} == Rules(sunset=demand.sunset).to_json()
