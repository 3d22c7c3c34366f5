"""Each registered MCP server is looked at as a stranger would look, and its operators see what was found."""

import asyncio
import json

import pytest

from authserver import jobs
from authserver.domain.audit.event import Kind
from authserver.domain.audit.header import about
from authserver.domain.health import check, servers
from authserver.domain.health.check import Finding
from resource_lib import ResourceGuard, read
from resource_lib.testing import TestIssuer
from tests.support.bare import BARE
from tests.support.guarded import Recorder, free_socket, serving
from tests.support.internet import Answer, Internet
from tests.support.looked_at import GUARDED, WELL_KNOWN, Site
from tests.support.world import R1, R5

pytestmark = pytest.mark.one_database


@pytest.fixture
async def internet():
    async with Internet().running() as running:
        yield running


@pytest.fixture
async def looking(server_with, internet, tmp_path):
    """Return a server that looks at servers of that internet, and soon gives up."""
    return await server_with(outbound=internet.outbound(tmp_path, seconds=0.4))


async def registered(looking, internet, **changed):
    """Return a site that an operator has registered for t1."""
    site = await Site(issuer=looking.issuer, **changed).open(internet)
    await looking.operator.add_resource(site.uri, "t1")
    return site


async def look(looking, uri):
    """Look now, as an operator of the platform."""
    return await servers.look(looking.operator.work(), uri, None)


@pytest.mark.requirement("health:check:says-what-is-wrong")
async def test_a_real_guard_is_there_and_nothing_is_wrong_with_it(server_with):
    """C56, RFC 9728 §3: over a real socket, with the library that we tell everybody to use."""
    looking = await server_with()
    place = free_socket()
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    await looking.operator.add_resource(uri, "t1")
    issuer, behind = TestIssuer(resource=uri), Recorder()
    guard = ResourceGuard(
            **BARE,
        issuer=looking.issuer, resource=uri, tools={"see": read("orders:read")}, keys=issuer.keys()
    )  # fmt: skip

    async with serving(guard.wrap(behind), place):
        found = await look(looking, uri)

    assert (True, True, ()) == (found.is_reachable, found.is_guarded, found.findings)
    assert [] == behind.seen


WRONG = {
    "nobody behind it": ({"call": Answer(status=200, body=b'{"jsonrpc":"2.0","id":1,"result":{}}')}, False, {Finding.UNGUARDED}),
    "a protocol error without a token": ({"call": Answer(status=400, body=b"{}")}, False, {Finding.UNGUARDED}),
    "a stream without a token": (
        {"call": Answer(raw=[b"HTTP/1.1 200 x\r\ncontent-type: text/event-stream\r\n\r\n"], hangs=True)},
        False,
        {Finding.UNGUARDED},
    ),
    "a bare 401": ({"call": Answer(status=401)}, True, {Finding.NO_CHALLENGE}),
    "no metadata": ({"metadata": Answer(status=404)}, True, {Finding.NO_METADATA}),
    "metadata that is no JSON": ({"metadata": Answer(body=b"<html>")}, True, {Finding.NO_METADATA}),
    "metadata that is no object": ({"metadata": Answer(body=b"[]")}, True, {Finding.NO_METADATA}),
    "a broken server": ({"call": Answer(status=500)}, None, {Finding.SERVER_ERROR}),
    "a redirect": (
        {"call": Answer(status=307, headers={"location": "http://127.0.0.1:1/"})}, None, {Finding.REDIRECTS}
    ),
}  # fmt: skip


@pytest.mark.requirement("health:check:says-what-is-wrong")
@pytest.mark.parametrize("how", WRONG)
async def test_what_is_wrong_with_a_server_is_said(looking, internet, how):
    """C56: each fault by its name, and in words for an operator."""
    answers, is_guarded, findings = WRONG[how]
    site = await registered(looking, internet, **answers)

    found = await look(looking, site.uri)

    assert (True, is_guarded, findings) == (found.is_reachable, found.is_guarded, set(found.findings))
    assert all(finding.words for finding in found.findings)


@pytest.mark.requirement("health:check:says-what-is-wrong")
@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"resource": "https://another.example/mcp"}, Finding.OTHER_RESOURCE),
        ({"authorization_servers": ["https://another.example"]}, Finding.OTHER_ISSUER),
        ({"authorization_servers": "http://127.0.0.1:9000"}, Finding.OTHER_ISSUER),
    ],
)
async def test_metadata_that_is_not_of_this_server_or_not_of_this_issuer_is_said(looking, internet, changed, finding):
    """RFC 9728 §3.3: byte for byte."""
    site = await registered(looking, internet)
    site.metadata = site.says(**changed)

    found = await look(looking, site.uri)

    assert (finding,) == found.findings


@pytest.mark.requirement("health:check:says-what-is-wrong")
async def test_a_server_that_is_silent_or_gone_is_not_reachable_and_soon_known_to_be(looking, internet):
    """C56; when it was last there is kept."""
    site = await registered(looking, internet)
    before = await look(looking, site.uri)
    site.is_silent = True
    looking.clock.advance(60)
    silent = await look(looking, site.uri)
    await looking.operator.add_resource("http://127.0.0.1:9/mcp", "t1")
    gone = await look(looking, "http://127.0.0.1:9/mcp")

    assert (True, ()) == (before.is_reachable, before.findings)
    assert (False, None, (Finding.TOO_SLOW,)) == (silent.is_reachable, silent.is_guarded, silent.findings)
    assert before.at == silent.last_reached_at
    assert (False, (Finding.UNREACHABLE,), None) == (gone.is_reachable, gone.findings, gone.last_reached_at)


@pytest.mark.requirement("health:check:gives-nothing-away")
async def test_a_look_carries_nothing_of_ours_and_calls_no_tool_there_is(looking, internet):
    """What is asked may be written by anybody who holds the server's name by now."""
    site = await registered(looking, internet)

    await look(looking, site.uri)

    asked = [headers for _, headers in site.listener.requests]
    assert 2 == len(asked)
    for headers in asked:
        assert not {"authorization", "cookie", "x-forwarded-for", "forwarded", "dpop"} & set(headers)
    called = json.loads(site.listener.posted[0].body)
    assert ("tools/call", "authserver-health-check") == (called["method"], called["params"]["name"])


@pytest.mark.requirement("health:check:gives-nothing-away")
async def test_a_redirect_leads_nowhere(looking, internet):
    """CWE-918: the place it names is never asked."""
    elsewhere = await Site(issuer=looking.issuer).open(internet)
    away = Answer(status=302, headers={"location": elsewhere.uri})
    site = await registered(looking, internet, metadata=away, call=away)

    found = await look(looking, site.uri)

    assert (Finding.REDIRECTS,) == found.findings
    assert [] == elsewhere.listener.requests


@pytest.mark.requirement("health:check:one-looks-at-a-time")
async def test_of_many_who_want_to_look_at_once_one_does(looking, internet):
    """C56: on demand and by the timetable, in any number of processes."""
    site = await registered(looking, internet)

    await asyncio.gather(
        *(look(looking, site.uri) for _ in range(8)), check.check_due(looking.machines, every_s=300)
    )  # fmt: skip
    again = await look(looking, site.uri)

    assert 1 == site.calls
    assert (looking.now, True) == (again.at, again.is_guarded)


@pytest.mark.requirement("health:check:by-the-timetable")
async def test_by_the_timetable_each_active_server_is_looked_at_when_it_is_due(looking, internet):
    """C56: a disabled one is left alone."""
    site, disabled = [await registered(looking, internet) for _ in range(2)]
    for uri in (
        R1,
        R5,
        "https://mcp2.example/mcp",
        "https://mcp7.example/mcp",
        "https://mcp9.example/mcp",
        disabled.uri,
    ):
        await looking.operator.set_resource(uri, is_active=False)

    await check.check_due(looking.machines, every_s=300)
    looking.clock.advance(299)
    await check.check_due(looking.machines, every_s=300)
    early = site.calls
    looking.clock.advance(1)
    await check.check_due(looking.machines, every_s=300)

    assert (1, 2) == (early, site.calls)
    assert [] == disabled.listener.requests


@pytest.mark.requirement("health:check:by-the-timetable")
async def test_the_timetable_can_be_turned_off(server_with, internet, tmp_path):
    """Ours: `server_check_seconds`."""
    off = await server_with(server_check_seconds=0, outbound=internet.outbound(tmp_path))

    async with asyncio.timeout(60):
        await jobs.look_at_servers(off.machines)

    assert [] == internet.dialled


@pytest.mark.requirement("health:check:by-the-timetable")
async def test_the_job_looks_by_itself(server_with, internet, tmp_path):
    """Ours: with a timetable of a second."""
    running = await server_with(server_check_seconds=1, outbound=internet.outbound(tmp_path, seconds=0.4))
    site = await registered(running, internet)
    job = asyncio.create_task(jobs.look_at_servers(running.machines))

    async with asyncio.timeout(60):
        while not site.calls:
            await asyncio.sleep(0.01)
    job.cancel()

    assert not job.done() or job.cancelled()


@pytest.mark.requirement("health:check:news-is-recorded")
async def test_what_was_found_is_recorded_when_it_is_news(looking, internet):
    """Decision 15: once when it was first seen, once when the guard is gone, not each time."""
    site = await registered(looking, internet)
    for answer in (GUARDED, GUARDED, Answer(status=200), Answer(status=200), GUARDED):
        site.call = answer
        await look(looking, site.uri)
        looking.clock.advance(60)

    told = [
        about(row)
        for row in await looking.operator.events(None)
        if row["kind"] == Kind.SERVER_CHECKED and row["resource"] == site.uri
    ]

    assert [False, True, True] == sorted(said["guarded"] for said in told)


@pytest.mark.requirement("health:check:is-for-those-who-see-the-server")
async def test_an_operator_of_a_tenant_looks_at_the_servers_of_that_tenant_alone(looking, internet):
    """Decision 22: another tenant's server is not there, and is not asked."""
    site = await registered(looking, internet)
    t1, t2 = looking.world.tenants["t1"], looking.world.tenants["t2"]

    theirs = await servers.look(looking.operator.work(), site.uri, t2)
    nowhere = await servers.look(looking.operator.work(), "https://nowhere.example/mcp", t1)
    asked = len(site.listener.requests)
    mine = await servers.look(looking.operator.work(), site.uri, t1)

    assert (None, None, 0) == (theirs, nowhere, asked)
    assert mine.is_guarded
    assert WELL_KNOWN + "/mcp" == site.listener.requests[0][0]
