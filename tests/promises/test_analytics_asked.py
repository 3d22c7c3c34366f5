"""Operators ask what many calls amount to, at a terminal and through the admin API: each of their own tenant, the platform's of all."""

import csv
import io
import json

import pytest

from authserver.domain.tenants import tenant as tenants
from tests.promises.test_analytics import count
from tests.support.administered import administered
from tests.support.call_streams import call, keep
from tests.support.deployment import Deployment, logs_kept
from tests.support.world import R1, R5, R9

HOUR_US = 3_600_000_000


@pytest.fixture
async def admin(server):
    """Calls of two tenants: three tools at one server, one at a shared one, and what another tenant's people did."""
    made = await administered(server)
    now = server.clock()
    one, two = server.operator.work("t1"), server.operator.work("t2")
    for tool, many in (("see", 6), ("add", 3), ("wipe", 1)):
        said = [call(one.tenant, now - HOUR_US + place, tool=tool, latency_us=1000 * many) for place in range(many)]
        await keep(one, R1, said)
    refused = call(one.tenant, now, phase="refused", error="rate_limited", tool="add", client_id="cli_b")
    await keep(one, R5, [call(one.tenant, now, tool="export"), refused])
    await keep(two, R5, [call(two.tenant, now, tool="secret_tool", client_id="cli_secret")])
    await keep(two, R9, [call(two.tenant, now, tool="secret_tool", client_id="cli_secret")])
    await count(server)
    return made


async def asked(admin, who, query=""):
    answer = await admin.call("GET", "/analytics" + query, who)
    return answer.json() if answer.status_code == 200 else answer.status_code


@pytest.mark.requirement("analytics:asked:by-each")
async def test_calls_are_told_together_and_by_tool_server_client_and_time(admin):
    """C57: counts, success, latency, cost, refusals; the most called first, page by page."""
    by_tool, by_server, by_client, by_hour = [
        await asked(admin, "d1", f"?by={by}&limit=200") for by in ("tool", "server", "client", "hour")
    ]

    assert [("see", R1, 6), ("add", R1, 3), ("add", R5, 1), ("export", R5, 1), ("wipe", R1, 1)] == sorted(
        ((one["tool"], one["resource"], one["calls"]) for one in by_tool["items"]), key=lambda each: (-each[2], *each)
    )
    assert {R1: 10, R5: 2} == {one["resource"]: one["calls"] for one in by_server["items"]}
    assert {"cli_a": 11, "cli_b": 1} == {one["client_id"]: one["calls"] for one in by_client["items"]}
    assert [10, 2] == [one["calls"] for one in by_hour["items"]][-2:]
    assert (169, 169) == (len(by_hour["items"]), by_hour["count"])
    total = by_tool["total"]
    assert (12, 11, 11, 100.0, 1, 1, {"rate_limited": 1}, 11, 1) == tuple(
        total[name] for name in ("calls", "ran", "ok", "success_percent", "refused", "limited", "refusals", "cost", "people")
    )  # fmt: skip
    assert abs(total["p50_us"] - 6000) <= 300
    first = await asked(admin, "d1", "?limit=3")
    rest = await asked(admin, "d1", f"?limit=3&cursor={first['next']}")
    assert by_tool["items"] == first["items"] + rest["items"]
    assert (5, None) == (first["count"], rest["next"])


@pytest.mark.requirement("analytics:asked:narrowed")
async def test_a_question_is_narrowed_by_server_tool_client_and_span(admin, server):
    for query, calls in (
        (f"?resource={R1}", 10), ("?tool=add", 4), ("?client_id=cli_b", 1), (f"?resource={R5}&tool=export", 1),
        ("?tool=nothing", 0), (f"?since={server.now - 600}", 2), (f"?until={server.now - 600}", 10),
    ):  # fmt: skip
        assert calls == (await asked(admin, "d1", query))["total"]["calls"], query
    for wrong in (
        "?by=person", "?since=0&by=hour", f"?since={server.now}&until={server.now - 1}", f"?since={2**40}", "?by=tenant",
        "?limit=0",
    ):  # fmt: skip
        assert 422 == await asked(admin, "d1", wrong), wrong
    assert 400 == await asked(admin, "d1", "?cursor=forged")


@pytest.mark.requirement("analytics:asked:only-ones-own")
async def test_nobody_is_told_of_another_tenant_but_the_platforms_operators(admin):
    """TN-15: not a number, not a name; whoever names another tenant is told of their own or of nothing."""
    for query in ("", f"?resource={R5}", f"?resource={R9}", "?tool=secret_tool", "?client_id=cli_secret", "?by=client"):
        said = await asked(admin, "d1", query)
        assert "secret" not in json.dumps(said), query
    for query in ("?tenant=t2", "?tenant=*"):
        said = await asked(admin, "d1", query)
        assert said in (403, 404) or "secret" not in json.dumps(said), query

    everywhere, theirs, mine = [await asked(admin, "p2", query) for query in ("?by=tenant", "?tenant=t2", "?tenant=t1")]

    assert {admin.tenant("t1"): 12, admin.tenant("t2"): 2} == {
        one["tenant"]: one["calls"] for one in everywhere["items"]
    }
    assert (14, 2, 12) == tuple(said["total"]["calls"] for said in (everywhere, theirs, mine))
    assert 403 == await asked(admin, "bot1")


# -- at a terminal


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with logs_kept():
        deployment = Deployment.migrated(tmp_path_factory.mktemp("counted"))
        for slug in ("acme", "globex", "empty"):
            deployment.told("tenant", "add", slug)
        deployment.inside(_some_calls)
        yield deployment


async def _some_calls(machines):
    ids = {one.slug: one.id for one in await tenants.all_tenants(machines.work())}
    now = machines.clock()
    acme, globex = machines.work(tenant=ids["acme"]), machines.work(tenant=ids["globex"])
    told = [call(ids["acme"], now - place, tool="see", latency_us=1000) for place in range(3)]
    told += [
        call(ids["acme"], now - place, tool="add", latency_us=2_000_000, status="tool_error") for place in range(2)
    ]
    told += [call(ids["acme"], now, phase="refused", error="policy_denied", tool="add", client_id="=cmd")]
    await keep(acme, R1, told)
    await keep(globex, R1, [call(ids["globex"], now, tool="theirs")])


@pytest.mark.requirement("analytics:asked:at-a-terminal")
def test_a_table_says_how_many_how_well_and_how_long_also_where_no_server_runs(made):
    said = made.run("analytics", "--tenant", "acme").stdout
    lines = [line.split() for line in said.splitlines()]

    assert ["TOOL", "OF", "CALLS", "OK", "ERRORS", "REFUSED", "HELD", "P50", "MS", "P95", "MS"] == lines[1][:11]
    assert ["add", R1, "3", "0.0%", "2", "1", "0"] == lines[2][:7]
    assert ["see", R1, "3", "100.0%", "0", "0", "0"] == lines[3][:7]
    assert ["together", "-", "6", "60.0%", "2", "1", "0"] == lines[4][:7]
    assert "Refused: 1 policy_denied" in said
    assert "theirs" not in said


@pytest.mark.requirement("analytics:asked:at-a-terminal")
def test_json_and_csv_have_every_figure_and_an_empty_time_says_so(made):
    told = made.told("analytics", "--by", "tenant")
    empty = made.run("analytics", "--tenant", "empty").stdout
    table = list(
        csv.DictReader(io.StringIO(made.run("analytics", "--tenant", "acme", "--by", "client", "--csv").stdout))
    )

    assert {"acme": 6, "globex": 1} == {one["tenant"]: one["calls"] for one in told["items"]}
    assert 7 == told["total"]["calls"]
    assert "Nobody called anything" in empty
    assert [("cli_a", "5", "{}"), ("'=cmd", "1", '{"policy_denied": 1}')] == [
        (row["client_id"], row["calls"], row["refusals"]) for row in table
    ]


@pytest.mark.requirement("analytics:asked:at-a-terminal")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "person"], "--by"), (["--since", "yesterday"], "--since"), (["--since", "90d", "--by", "hour"], "15 days"),
        (["--tenant", "acme", "--by", "tenant"], "--by"), (["--tenant", "nobody"], "nobody"), (["--json", "--csv"], "--csv"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_asked_is_said_with_the_cure(made, words, said):
    done = made.run("analytics", *words)

    assert done.exit_code in {1, 2}
    assert said in done.stderr
