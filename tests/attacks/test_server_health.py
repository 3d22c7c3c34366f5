"""
Plan: let the server look where it should not. Whoever may name a server names an address of a cloud's credentials, a neighbour over
plain http, or a name that leads there later; whoever holds the server answers for ever.
"""

import asyncio

import pytest

from authserver.runtime.outbound import OutboundBusyError, OutboundError, OutboundFailedError, OutboundRefusedError
from tests.support.internet import Answer, Internet

pytestmark = pytest.mark.one_database

CREDENTIALS = [
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "255.255.255.255",
]
PRIVATE = ["10.1.2.3", "172.16.0.9", "192.168.1.20", "100.64.0.7", "fd12:3456::1"]


@pytest.fixture
async def internet():
    async with Internet().running() as running:
        yield running


@pytest.mark.requirement("attack:health:no-credentials-of-a-cloud")
@pytest.mark.parametrize("address", CREDENTIALS)
async def test_a_name_that_leads_to_credentials_or_to_nobody_is_not_dialled(internet, tmp_path, address):
    """CWE-918: an operator's server stands at none of these, whoever named it."""
    internet.names["mcp.internal"] = [[address]]
    outbound = internet.outbound(tmp_path)

    with pytest.raises(OutboundRefusedError):
        await outbound.look("GET", "https://mcp.internal:8443/mcp", most_bytes=100)

    assert [] == internet.dialled
    await outbound.close()


@pytest.mark.requirement("attack:health:no-credentials-of-a-cloud")
async def test_one_bad_address_among_good_ones_is_enough_to_be_refused(internet, tmp_path):
    """CWE-918: nobody chooses which of them is dialled."""
    internet.names["mcp.internal"] = [["10.0.0.1", "169.254.169.254"]]
    outbound = internet.outbound(tmp_path)

    with pytest.raises(OutboundRefusedError):
        await outbound.look("GET", "https://mcp.internal/mcp", most_bytes=100)

    assert [] == internet.dialled
    await outbound.close()


@pytest.mark.requirement("attack:health:private-servers-over-tls")
@pytest.mark.parametrize("address", PRIVATE)
async def test_a_private_address_is_asked_over_tls_for_its_name_and_never_in_plain(internet, tmp_path, address):
    """Ours: an operator's server may stand in a private network; what a stranger names still may not."""
    internet.names["mcp.internal"] = [[address]]
    listener = await internet.serve(lambda path, headers: Answer(status=401), name="mcp.internal", address=address)
    outbound = internet.outbound(tmp_path)

    seen = await outbound.look("GET", "https://mcp.internal/mcp", most_bytes=100)
    with pytest.raises(OutboundRefusedError):
        await outbound.look("GET", "http://mcp.internal/mcp", most_bytes=100)
    with pytest.raises(OutboundError):
        await outbound.get("https://mcp.internal/mcp", most_bytes=100)

    assert (401, 1) == (seen.status, listener.connections)
    await outbound.close()


@pytest.mark.requirement("attack:health:private-servers-over-tls")
async def test_a_certificate_for_another_name_is_no_server(internet, tmp_path):
    """RFC 9525: whoever took the address over has no certificate for the name."""
    internet.names["mcp.internal"] = [["10.0.0.1"]]
    wrong = internet.authority.issue_cert("other.internal")
    listener = await internet.serve(
        lambda path, headers: Answer(), name="mcp.internal", address="10.0.0.1", certificate=wrong
    )
    outbound = internet.outbound(tmp_path)

    with pytest.raises(OutboundFailedError) as failed:
        await outbound.look("GET", "https://mcp.internal/mcp", most_bytes=100)

    assert ("tls", []) == (failed.value.reason, listener.requests)
    await outbound.close()


@pytest.mark.requirement("attack:health:answers-are-bounded")
async def test_an_answer_without_end_is_read_to_its_bound(internet, tmp_path):
    """Ours: a server may answer with gigabytes, or drip."""
    huge = Answer(raw=[b"HTTP/1.1 200 x\r\n\r\n", *[b"x" * 65536] * 64], hangs=True)
    listener = await internet.serve(lambda path, headers: huge, tls=False)
    drip = await internet.serve(lambda path, headers: Answer(raw=[b"HTTP/1.1 200 x\r\n\r\n"], hangs=True), tls=False)
    outbound = internet.outbound(tmp_path, seconds=0.3)

    seen = await outbound.look("GET", f"http://127.0.0.1:{listener.port}/", most_bytes=1000)
    with pytest.raises(OutboundFailedError) as slow:
        await outbound.look("GET", f"http://127.0.0.1:{drip.port}/", most_bytes=1000)

    assert (1000, "timeout") == (len(seen.body), slow.value.reason)
    await outbound.close()


@pytest.mark.requirement("attack:health:answers-are-bounded")
async def test_looking_too_often_is_refused_before_anybody_is_asked(internet, tmp_path):
    """Ours: whoever may press the button is no hammer."""
    listener = await internet.serve(lambda path, headers: Answer(), tls=False)
    outbound = internet.outbound(tmp_path, clock=lambda: 0)
    url = f"http://127.0.0.1:{listener.port}/"

    tried = await asyncio.gather(*(outbound.look("GET", url, most_bytes=10) for _ in range(30)), return_exceptions=True)

    assert 10 == sum(isinstance(one, OutboundBusyError) for one in tried)
    assert 20 == listener.connections
    await outbound.close()
