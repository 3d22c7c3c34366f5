"""
A stranger names a URL and hopes that this server will speak to our own network for them.

The resolver is a stand-in that answers as the attacker's would; the wires are real sockets, so that a connection that was not
refused is counted.
"""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from authserver.cli.checking import findings
from authserver.runtime.outbound import (
    Fetched,
    Outbound,
    OutboundBusyError,
    OutboundError,
    OutboundFailedError,
    OutboundRefusedError,
)
from authserver.settings import SettingsError
from tests.support.internet import OTHER_PUBLIC, PUBLIC, Answer, Internet

NAME = "client.example.net"
URL = f"https://{NAME}/client.json"

HOSTILE_URLS = [
    "http://client.example.net/client.json",
    "https://client.example.net:8443/client.json",
    "https://client.example.net:22/client.json",
    "https://client.example.net:0443/client.json",
    "https://client.example.net:99999/client.json",
    "https://client.example.net:/client.json",
    "file:///etc/passwd",
    "ftp://client.example.net/client.json",
    "gopher://client.example.net/_client.json",
    "unix:///var/run/docker.sock",
    "data:application/json,{}",
    "//client.example.net/client.json",
    "client.example.net/client.json",
    "",
    "https://",
    "https:///client.json",
    "https:/client.example.net/client.json",
    "https:client.example.net",
    "https://user@client.example.net/client.json",
    "https://user:password@client.example.net/client.json",
    "https://client.example.net@127.0.0.1/client.json",
    "https://127.0.0.1\\@client.example.net/client.json",
    "https://client.example.net\\.evil.example/client.json",
    "https://client.example.net#@127.0.0.1/",
    "https://client.example.net/client.json#fragment",
    "https://client.example.net/ client.json",
    "https://client.example.net/\r\nHost: 127.0.0.1",
    "https://client.example.net/\tclient.json",
    " https://client.example.net/client.json",
    "https://client.example.net/client.json\n",
    "https://client.example.net\x00.evil.example/",
    "https://client.example.net/%0d%0a{}",
    "https://clíent.example.net/client.json",
    "https://client。example。net/client.json",
    "https://①②⑦.⓪.⓪.①/",
    "https://client.example.net./client.json",
    "https://.example.net/client.json",
    "https://client..example.net/client.json",
    "https://-client.example.net/client.json",
    "https://client_1.example.net/client.json",
    f"https://{'a' * 64}.example.net/",
    f"https://{'a.' * 127}example.net/",
    f"https://client.example.net/{'a' * 2048}",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost.localdomain/",
    "https://anything.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://router.home.arpa/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://hidden.onion/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.01/",
    "https://00000127.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://8.8.8.8/",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://client.example.0x7f/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2606:4700:4700::1111]/",
    "https://[::1",
    "https://::1/",
    "https://[127.0.0.1]/",
    "https://[client.example.net]/",
]
"""URLs that never come as far as the resolver."""

HOSTILE_ANSWERS = {
    "unspecified": ["0.0.0.0"],
    "this network": ["0.1.2.3"],
    "loopback": ["127.0.0.1"],
    "loopback, elsewhere": ["127.255.255.254"],
    "private 10": ["10.1.2.3"],
    "private 172": ["172.16.0.1"],
    "private 172, the end": ["172.31.255.255"],
    "private 192": ["192.168.1.1"],
    "carrier-grade NAT": ["100.64.0.1"],
    "a cloud's metadata behind NAT": ["100.100.100.200"],
    "link-local": ["169.254.1.1"],
    "a cloud's metadata": ["169.254.169.254"],
    "a container's credentials": ["169.254.170.2"],
    "a cloud's host": ["168.63.129.16"],
    "protocol assignments": ["192.0.0.1"],
    "metadata in the protocol assignments": ["192.0.0.192"],
    "documentation 1": ["192.0.2.1"],
    "documentation 2": ["198.51.100.1"],
    "documentation 3": ["203.0.113.1"],
    "6to4 relay": ["192.88.99.1"],
    "AS112": ["192.31.196.1"],
    "benchmarking": ["198.18.0.1"],
    "benchmarking, the end": ["198.19.255.255"],
    "multicast": ["224.0.0.1"],
    "multicast, the end": ["239.255.255.255"],
    "reserved": ["240.0.0.1"],
    "broadcast": ["255.255.255.255"],
    "v6 unspecified": ["::"],
    "v6 loopback": ["::1"],
    "v4-mapped loopback": ["::ffff:127.0.0.1"],
    "v4-mapped public": ["::ffff:93.184.216.34"],
    "v4-mapped metadata": ["::ffff:169.254.169.254"],
    "v4-compatible": ["::127.0.0.1"],
    "v4-translated": ["::ffff:0:127.0.0.1"],
    "6to4 of loopback": ["2002:7f00:1::"],
    "6to4 of a public address": ["2002:5db8:d822::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "ORCHID": ["2001:10::1"],
    "ORCHID 2": ["2001:20::1"],
    "v6 benchmarking": ["2001:2::1"],
    "NAT64 of loopback": ["64:ff9b::7f00:1"],
    "NAT64 of a public address": ["64:ff9b::5db8:d822"],
    "local NAT64": ["64:ff9b:1::a00:1"],
    "discard": ["100::1"],
    "unique local": ["fc00::1"],
    "unique local, assigned": ["fd12:3456:789a::1"],
    "a cloud's metadata, v6": ["fd00:ec2::254"],
    "v6 link-local": ["fe80::1"],
    "v6 link-local with a zone": ["fe80::1%eth0"],
    "public with a zone": ["2606:4700:4700::1111%1"],
    "site-local": ["fec0::1"],
    "v6 multicast": ["ff02::1"],
    "v6 documentation": ["2001:db8::1"],
    "v6 documentation, new": ["3fff::1"],
    "the 6bone": ["3ffe::1"],
    "segment routing": ["5f00::1"],
    "never given out": ["4000::1"],
    "ISATAP of a private address": ["2606:4700::5efe:a00:1"],
    "public and loopback": [PUBLIC, "127.0.0.1"],
    "loopback and public": ["127.0.0.1", PUBLIC],
    "public A and loopback AAAA": [PUBLIC, "::1"],
    "public AAAA and private A": [OTHER_PUBLIC, "10.0.0.1"],
    "twenty public and one private": [*[f"93.184.216.{n}" for n in range(20)], "192.168.0.1"],
    "octal": ["0177.0.0.1"],
    "decimal": ["2130706433"],
    "short": ["127.1"],
    "a name": ["localhost"],
    "nothing": [],
}
"""What a resolver may answer, each time for an innocent URL."""


@pytest.fixture
async def internet() -> AsyncIterator[Internet]:
    async with Internet().running() as running:
        yield running


@pytest.fixture
async def victim(internet: Internet):
    """A service of ours on loopback, which nobody outside may reach; every hostile address would lead to it."""
    return await internet.serve(lambda path, headers: Answer(body=b"{}"))


@pytest.fixture
async def outbound(internet: Internet, tmp_path: Path) -> AsyncIterator[Outbound]:
    made = internet.outbound(tmp_path)
    yield made
    await made.close()


async def fetch(outbound: Outbound, url: str = URL, **changed) -> Fetched:
    return await outbound.get(url, **{"most_bytes": 5120, **changed})


@pytest.mark.requirement("outbound:url:hostile-ones-are-not-asked")
@pytest.mark.parametrize("url", HOSTILE_URLS)
async def test_a_hostile_url_is_refused_before_anybody_is_asked(internet: Internet, outbound: Outbound, url: str):
    """CWE-918; MCP A16."""
    internet.names[NAME] = [[PUBLIC]]

    with pytest.raises(OutboundRefusedError):
        await fetch(outbound, url)

    assert ([], []) == (internet.asked, internet.dialled)


@pytest.mark.requirement("outbound:address:only-public-ones-are-dialled")
@pytest.mark.parametrize("answers", HOSTILE_ANSWERS.values(), ids=HOSTILE_ANSWERS)
async def test_a_name_that_leads_inside_is_refused_without_a_connection(
    internet: Internet, outbound: Outbound, victim, answers: list[str]
):
    """SF-03: every answer must be public, or none is used."""
    internet.names[NAME] = [answers]
    internet.routes = dict.fromkeys([PUBLIC, OTHER_PUBLIC, *answers], victim.port)

    with pytest.raises(OutboundError) as refused:
        await fetch(outbound)

    assert ([], 0) == (internet.dialled, victim.connections)
    assert "Its host could not be reached at a public address." == refused.value.description


@pytest.mark.requirement("outbound:address:rebinding-finds-nobody")
async def test_a_name_that_changes_its_mind_is_not_asked_again(internet: Internet, outbound: Outbound, victim):
    """SF-03, rebinding: public when it is checked, loopback a moment later."""
    site = await internet.serve(lambda path, headers: Answer(body=b'{"from": "outside"}'), name=NAME)
    internet.names[NAME] = [[PUBLIC], ["127.0.0.1"]]
    internet.routes["127.0.0.1"] = victim.port

    fetched = await fetch(outbound)

    assert b'{"from": "outside"}' == fetched.body
    assert ([NAME], [(PUBLIC, 443)]) == (internet.asked, internet.dialled)
    assert (1, 0) == (site.connections, victim.connections)
    with pytest.raises(OutboundRefusedError):
        await fetch(outbound)
    assert 0 == victim.connections


@pytest.mark.requirement("outbound:request:says-the-name-and-nothing-of-us")
async def test_the_request_carries_the_name_and_no_more_than_it_must(internet: Internet, outbound: Outbound):
    """SNI and Host are the name although the address was dialled; nothing is sent that a stranger could use."""
    names = []
    certificate = internet.authority.issue_cert(NAME)

    site = await internet.serve(
        lambda path, headers: Answer(body=b"{}", headers={"set-cookie": "a=b", "etag": '"1"'}), name=NAME,
        certificate=certificate,
    )  # fmt: skip
    await fetch(outbound, URL + "?v=1")
    await fetch(outbound)
    names = [headers for _, headers in site.requests]

    assert ["/client.json?v=1", "/client.json"] == [path for path, _ in site.requests]
    assert [
        {
            "host": NAME, "accept": "application/json", "accept-encoding": "identity", "user-agent": "authserver",
            "connection": "close",
        }
    ] * 2 == names  # fmt: skip


@pytest.mark.requirement("outbound:environment:is-not-asked")
async def test_a_proxy_of_the_environment_is_not_used(
    internet: Internet, outbound: Outbound, victim, monkeypatch: pytest.MonkeyPatch
):
    """A proxy would resolve the name again, out of our sight."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{victim.port}")
    site = await internet.serve(lambda path, headers: Answer(body=b"{}"), name=NAME)

    await fetch(outbound)

    assert (1, 0) == (site.connections, victim.connections)


@pytest.mark.requirement("outbound:redirect:is-not-followed")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["https://127.0.0.1/", "http://client.example.net/", "https://client.example.net/other", "file:///x"]
)
async def test_a_redirect_leads_nowhere(internet: Internet, outbound: Outbound, victim, status: int, location: str):
    """SF-04."""
    site = await internet.serve(lambda path, headers: Answer(status=status, headers={"location": location}), name=NAME)
    internet.routes["127.0.0.1"] = victim.port

    with pytest.raises(OutboundFailedError, match=f"{status}.*redirects are not followed"):
        await fetch(outbound)

    assert (1, 0, 1) == (site.connections, victim.connections, len(internet.asked))


@pytest.mark.requirement("outbound:answer:only-a-whole-small-one-counts")
@pytest.mark.parametrize(
    ("answer", "reason"),
    {
        "declared too large": (Answer(headers={"content-length": "1000000000"}, hangs=True), "too_large"),
        "a length beyond belief": (Answer(headers={"content-length": "9" * 20}, hangs=True), "too_large"),
        "larger than declared": (Answer(body=b"x" * 5121), "too_large"),
        "endless": (
            Answer(raw=[b"HTTP/1.1 200 x\r\n\r\n", *[b"x" * 1000] * 6], hangs=True),
            "too_large",
        ),
        "chunked, endless": (
            Answer(raw=[b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n", *[b"400\r\n" + b"x" * 1024 + b"\r\n"] * 6], hangs=True),
            "too_large",
        ),
        "compressed": (Answer(body=b"\x1f\x8b", headers={"content-encoding": "gzip"}), "content_encoding"),
        "cut off": (Answer(body=b"{", headers={"content-length": "2"}), "protocol"),
        "no HTTP": (Answer(raw=[b"SSH-2.0-OpenSSH_9.9\r\n"]), "protocol"),
        "headers without end": (Answer(raw=[b"HTTP/1.1 200 x\r\n", *[b"a: " + b"b" * 30_000 + b"\r\n"] * 9]), "protocol"),
        "two lengths": (Answer(raw=[b"HTTP/1.1 200 x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"]), "protocol"),
        "not found": (Answer(status=404), "status_404"),
        "an error": (Answer(status=500), "status_500"),
        "no content": (Answer(status=204, headers={"content-length": "0"}), "status_204"),
        "partial": (Answer(status=206, body=b"{}"), "status_206"),
        "not modified, though nobody asked": (Answer(status=304), "status_304"),
    }.values(),
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_an_answer_that_is_no_whole_small_200_is_no_answer(
    internet: Internet, outbound: Outbound, answer: Answer, reason: str
):
    """A body is read up to its cap and not a byte further."""
    await internet.serve(lambda path, headers: answer, name=NAME)

    with pytest.raises(OutboundFailedError) as failed:
        await fetch(outbound)

    assert reason == failed.value.reason


@pytest.mark.requirement("outbound:time:is-bounded")
@pytest.mark.parametrize(
    "raw",
    [
        [],
        [b"HTTP/1.1 200 x\r\ncontent-"],
        [b"HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{"],
        [b"HTTP/1.1 100 x\r\n\r\n"],
    ],
    ids=["silent", "in the headers", "in the body", "after an interim answer"],
)
async def test_a_server_that_falls_silent_is_given_up(internet: Internet, tmp_path: Path, raw: list[bytes]):
    """Slow loris: the deadline is for the whole, not for each byte."""
    await internet.serve(lambda path, headers: Answer(raw=raw, hangs=True), name=NAME)
    outbound = internet.outbound(tmp_path, seconds=0.3)

    with pytest.raises(OutboundFailedError) as failed:
        await fetch(outbound)

    assert "timeout" == failed.value.reason
    await outbound.close()


@pytest.mark.requirement("outbound:time:is-bounded")
async def test_a_server_that_drips_is_given_up(internet: Internet, tmp_path: Path):
    """Slow loris: every byte comes in time, the whole does not."""
    still_dripping = asyncio.Event()

    async def drip(path: str, headers: dict[str, str]) -> Answer:
        await still_dripping.wait()
        return Answer()

    await internet.serve(drip, name=NAME)
    outbound = internet.outbound(tmp_path, seconds=0.3)

    with pytest.raises(OutboundFailedError, match="within"):
        await fetch(outbound)

    still_dripping.set()
    await outbound.close()


@pytest.mark.requirement("outbound:time:is-bounded")
async def test_a_resolver_that_does_not_answer_is_given_up(internet: Internet, tmp_path: Path):
    """A name server can be the attacker's too."""

    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    outbound = Outbound(resolve=never, dial=internet, seconds=0.2)

    with pytest.raises(OutboundFailedError) as failed:
        await fetch(outbound)

    assert "timeout" == failed.value.reason
    await outbound.close()


def expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert(NAME, not_after=datetime.now(UTC) - timedelta(days=1))


@pytest.mark.requirement("outbound:tls:is-verified")
@pytest.mark.parametrize(
    "certificate",
    {
        "of a stranger's authority": lambda ours: trustme.CA().issue_cert(NAME),
        "for another name": lambda ours: ours.issue_cert("other.example.net"),
        "for the address alone": lambda ours: ours.issue_cert(PUBLIC),
        "for a name below": lambda ours: ours.issue_cert(f"*.{NAME}"),
        "expired": expired,
    }.values(),
    ids=["stranger", "other name", "address", "wildcard below", "expired"],
)
async def test_a_certificate_that_does_not_prove_the_name_is_refused(
    internet: Internet, outbound: Outbound, certificate
):
    """SF-06."""
    site = await internet.serve(
        lambda path, headers: Answer(body=b"{}"), name=NAME, certificate=certificate(internet.authority)
    )

    with pytest.raises(OutboundFailedError, match="certificate"):
        await fetch(outbound)

    assert [] == site.requests


@pytest.mark.requirement("outbound:tls:is-verified")
async def test_a_server_that_speaks_no_tls_or_an_old_one_is_refused(internet: Internet, tmp_path: Path):
    """SF-06; OAuth 2.1 §7.14: TLS 1.2 at least."""
    outbound = internet.outbound(tmp_path, seconds=0.3)
    plain = await internet.serve(lambda path, headers: Answer(body=b"{}"), name=NAME, tls=False)

    with pytest.raises(OutboundFailedError):
        await fetch(outbound)

    assert [] == plain.requests
    assert ssl.TLSVersion.TLSv1_2 <= outbound._tls.minimum_version
    assert (ssl.CERT_REQUIRED, True) == (outbound._tls.verify_mode, outbound._tls.check_hostname)
    await outbound.close()


@pytest.mark.requirement("outbound:budget:per-host-and-for-all")
async def test_one_host_is_not_asked_without_end(internet: Internet, tmp_path: Path):
    """A stranger must not use us to flood somebody; what was refused for that says nothing about the host."""
    now = [0]
    site = await internet.serve(lambda path, headers: Answer(body=b"{}"), name=NAME)
    await internet.serve(lambda path, headers: Answer(body=b"{}"), name="other.example.net", address="93.184.216.35")
    outbound = internet.outbound(tmp_path, clock=lambda: now[0])

    for number in range(20):
        await fetch(outbound, f"{URL}?{number}")
    with pytest.raises(OutboundBusyError):
        await fetch(outbound)

    assert 20 == site.connections
    assert 200 == (await fetch(outbound, "https://other.example.net/")).status
    now[0] += 2_000_000
    assert 200 == (await fetch(outbound)).status
    await outbound.close()


@pytest.mark.requirement("outbound:budget:per-host-and-for-all")
async def test_one_machine_is_not_asked_under_a_thousand_names(internet: Internet, tmp_path: Path):
    """A wildcard name points wherever its owner likes, at a victim too."""
    site = await internet.serve(lambda path, headers: Answer(body=b"{}"))
    internet.routes[PUBLIC] = site.port
    internet.names = {f"n{number}.example.net": [[PUBLIC]] for number in range(100)}
    outbound = internet.outbound(tmp_path, clock=lambda: 0)

    refused = 0
    for name in list(internet.names):
        with pytest.raises(OutboundFailedError) as failed:
            await fetch(outbound, f"https://{name}/")
        refused += isinstance(failed.value, OutboundBusyError)

    assert (40, 60) == (refused, len(internet.dialled))
    await outbound.close()


@pytest.mark.requirement("outbound:budget:per-host-and-for-all")
async def test_a_slow_host_holds_two_of_our_hands_and_no_more(internet: Internet, outbound: Outbound):
    """Concurrency is bounded per host, so that one cannot take every place."""
    answer = asyncio.Event()

    async def slow(path: str, headers: dict[str, str]) -> Answer:
        await answer.wait()
        return Answer(body=b"{}")

    site = await internet.serve(slow, name=NAME)
    await internet.serve(lambda path, headers: Answer(body=b"{}"), name="other.example.net", address="93.184.216.35")
    first = [asyncio.create_task(fetch(outbound, f"{URL}?{number}")) for number in range(6)]
    while site.connections < 2:
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)

    assert 2 == site.connections
    assert 200 == (await fetch(outbound, "https://other.example.net/")).status
    answer.set()
    assert [200] * 6 == [fetched.status for fetched in await asyncio.gather(*first)]


@pytest.mark.requirement("outbound:budget:per-host-and-for-all")
async def test_who_waits_for_a_slow_host_is_bounded(internet: Internet, tmp_path: Path):
    """Ours: a queue without end is a flood of another kind; when it is over, nothing of it is left."""
    minutes = itertools.count(step=60_000_000)
    outbound = internet.outbound(tmp_path, seconds=0.05, clock=minutes.__next__)
    await internet.serve(lambda path, headers: Answer(raw=[], hangs=True), name=NAME)

    found = await asyncio.gather(
        *(fetch(outbound, f"{URL}?{number}", most_bytes=10) for number in range(40)), return_exceptions=True
    )

    assert 8 == sum(isinstance(one, OutboundBusyError) and one.reason == "host_at_once" for one in found)
    assert {} == outbound._invented._turns
    await outbound.close()


@pytest.mark.requirement("outbound:budget:per-host-and-for-all")
async def test_everybody_together_has_sixteen_hands_and_the_next_waits(internet: Internet, outbound: Outbound):
    """Decision 12: the ceiling slows and does not close."""
    answer = asyncio.Event()

    async def slow(path: str, headers: dict[str, str]) -> Answer:
        await answer.wait()
        return Answer(body=b"{}")

    sites = [
        await internet.serve(slow, name=f"n{number}.example.net", address=f"93.184.216.{number + 40}")
        for number in range(20)
    ]
    fetches = [asyncio.create_task(fetch(outbound, f"https://n{number}.example.net/")) for number in range(20)]
    while sum(site.connections for site in sites) < 16:
        await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)

    assert 16 == len(internet.dialled)
    answer.set()
    assert [200] * 20 == [fetched.status for fetched in await asyncio.gather(*fetches)]


@pytest.mark.requirement("outbound:loopback:only-when-allowed")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("tls", [True, False])
async def test_loopback_is_fetched_where_a_developer_allowed_it_and_nothing_else_private(
    internet: Internet, tmp_path: Path, host: str, tls: bool
):
    """Design §4: AUTHSERVER_CIMD_ALLOW_LOOPBACK."""
    site = await internet.serve(lambda path, headers: Answer(body=b"{}"), tls=tls)
    internet.names = {"localhost": [["127.0.0.1", "127.0.0.1"]], "private.example.net": [["10.0.0.1"]]}
    internet.names |= {"mixed.example.net": [["127.0.0.1", "10.0.0.1"]], NAME: [[PUBLIC]]}
    outbound = internet.outbound(tmp_path, allow_loopback=True)
    scheme = "https" if tls else "http"

    fetched = await fetch(outbound, f"{scheme}://{host}:{site.port}/client.json")

    assert (200, 1, f"{host}:{site.port}") == (fetched.status, site.connections, site.requests[0][1]["host"])
    for url in (
        f"https://private.example.net:{site.port}/", "https://private.example.net/", "https://10.0.0.1/",
        "https://169.254.169.254/", "http://[::ffff:127.0.0.1]/", f"https://mixed.example.net:{site.port}/",
        f"http://{NAME}/", f"https://{NAME}:{site.port}/", "https://93.184.216.34/",
    ):  # fmt: skip
        with pytest.raises(OutboundRefusedError):
            await fetch(outbound, url)
    assert 1 == len(internet.dialled)
    await outbound.close()


@pytest.mark.one_database
@pytest.mark.requirement("outbound:loopback:only-when-allowed")
async def test_allowing_loopback_is_said_aloud(server_with, capsys: pytest.CaptureFixture[str]):
    """Design §4: development only, loudly logged, and a standing warning of `authserver check`."""
    quiet = await server_with()
    assert "CIMD_ALLOW_LOOPBACK" not in capsys.readouterr().out

    loud = await server_with(cimd_allow_loopback=True)

    assert "CIMD_ALLOW_LOOPBACK" in capsys.readouterr().out
    warned = [
        [finding.state for finding in await findings(server.settings) if "CIMD_ALLOW_LOOPBACK" in finding.detail]
        for server in (quiet, loud)
    ]
    assert [[], ["warning"]] == warned


@pytest.mark.one_database
@pytest.mark.requirement("outbound:loopback:only-when-allowed")
@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_an_unusable_authority_stops_the_start(server_with, tmp_path: Path, content: bytes | None):
    """Ours: a setting that is wrong is named before anybody is served."""
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match="AUTHSERVER_OUTBOUND_CA_FILE"):
        await server_with(outbound_ca_file=file)


@pytest.mark.requirement("outbound:answer:only-a-whole-small-one-counts")
async def test_an_unchanged_document_is_a_304_without_a_body(internet: Internet, outbound: Outbound):
    """RFC 9110 §13.1.2."""

    def site(path: str, headers: dict[str, str]) -> Answer:
        if headers.get("if-none-match") == '"1"':
            return Answer(status=304, headers={"etag": '"1"', "cache-control": "max-age=600", "content-length": "0"})
        return Answer(body=b"{}", headers={"etag": '"1"', "content-type": "Application/JSON; charset=utf-8"})

    await internet.serve(site, name=NAME)

    first = await fetch(outbound)
    second = await fetch(outbound, if_none_match=first.headers["etag"])

    assert (200, b"{}", "application/json") == (first.status, first.body, first.media_type)
    assert (304, b"", "max-age=600") == (second.status, second.body, second.headers["cache-control"])
