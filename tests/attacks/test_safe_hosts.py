"""Plan: a tool fetches what I name. I want our inside: a cloud's credentials, a neighbour, or a redirect and a resolver that lead there."""

import ssl

import httpx2
import pytest

from resource_lib.safe import Hosts, RefusedHostError
from tests.support.internet import PUBLIC, Answer, Internet

INSIDE = [
    "127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "fc00::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "not an address", "fe80::1%eth0",
]  # fmt: skip


class Wire(httpx2.AsyncBaseTransport):
    """Notes what would be sent, and answers."""

    def __init__(self, answers=None):
        self.sent = []
        self.answers = answers or {}

    async def handle_async_request(self, request):
        self.sent.append((str(request.url), request.headers["host"], request.extensions.get("sni_hostname")))
        return self.answers.get(request.headers["host"], lambda: httpx2.Response(200, content=b"ok"))()


def hosts(*names, wire=None, addresses=(PUBLIC,), **options):
    async def resolve(host, port):
        if callable(addresses):
            return addresses()
        return list(addresses)

    return Hosts(
        *(names or ("api.example.com", ".files.example.com")),
        resolve=resolve,
        connect=lambda: wire or Wire(),
        **options,
    )


@pytest.mark.requirement("safe:hosts:known-hosts-alone")
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/", "https://api.example.com.evil.example/", "https://xapi.example.com/", "https://files.example.com/",
        "https://evilfiles.example.com/", "http://api.example.com/", "https://api.example.com:8443/", "https://127.0.0.1/",
        "https://[::1]/", "https://2130706433/", "https://0x7f.1/", "https://user@api.example.com/", "https://api.example.com@evil.example/",
        "ftp://api.example.com/", "file:///etc/passwd", "https://api.example.com./", "https://API.example.com.", "https://api%2eexample.com/",
        "https://[fe80::1%25eth0]/", "https://[::ffff:169.254.169.254]/", "https://api.example.com%00.evil.example/", "https://api\u3002example.com.evil/",
        "https://\uff41pi.example.com.evil/", "https://api.example.com:@evil.example/",
        "https://\u2070.example/", "https://", "not a url", "https://api.example.com\\@evil.example/", "https://a..files.example.com/",
    ],
)  # fmt: skip
async def test_any_other_host_port_or_scheme_is_refused_before_a_name_is_asked_for(url):
    """CWE-918, C29: an allow-list by whole names and whole labels."""
    asked, wire = [], Wire()

    async def resolve(host, port):
        asked.append(host)
        return [PUBLIC]

    one = Hosts("api.example.com", ".files.example.com", resolve=resolve, connect=lambda: wire)

    with pytest.raises(RefusedHostError):
        one.check(url)
    async with one.client() as client:
        with pytest.raises((RefusedHostError, httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
            await client.get(url)
    assert ([], []) == (asked, wire.sent)


@pytest.mark.requirement("safe:hosts:known-hosts-alone")
@pytest.mark.parametrize(
    "url", ["https://api.example.com/a?b=1", "https://API.EXAMPLE.COM/a", "https://a.b.files.example.com/x"]
)
async def test_a_known_host_is_asked_at_the_checked_address_in_its_own_name(url):
    """CWE-350: connected to the address that was checked; Host and TLS are those of the name."""
    wire = Wire()

    async with hosts(wire=wire).client() as client:
        answer = await client.get(url)

    name = httpx2.URL(url).host
    assert 200 == answer.status_code
    (sent,) = wire.sent
    assert (name, name) == sent[1:]
    assert sent[0].startswith(f"https://{PUBLIC}/")


@pytest.mark.requirement("safe:hosts:inside-is-refused")
@pytest.mark.parametrize("address", INSIDE)
async def test_a_known_name_that_leads_inside_is_not_dialled_not_even_among_good_ones(address):
    """CWE-918: private, link-local, loopback, clouds' credentials, and every form that carries one."""
    wire = Wire()

    for addresses in ([address], [PUBLIC, address]):
        async with hosts(wire=wire, addresses=addresses).client() as client:
            with pytest.raises(RefusedHostError, match="could not be reached"):
                await client.get("https://api.example.com/")

    assert [] == wire.sent


@pytest.mark.requirement("safe:hosts:inside-is-refused")
@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0"])
async def test_with_private_a_network_of_ones_own_is_asked_and_credentials_of_a_cloud_are_not(address):
    """Ours: an internal API stands at a private address, no API stands there."""
    wire = Wire()

    async with hosts(wire=wire, private=True, addresses=["10.0.0.8"]).client() as client:
        assert 200 == (await client.get("https://api.example.com/")).status_code
    async with hosts(wire=wire, private=True, addresses=[address]).client() as client:
        with pytest.raises(RefusedHostError):
            await client.get("https://api.example.com/")

    assert 1 == len(wire.sent)


@pytest.mark.requirement("safe:hosts:inside-is-refused")
async def test_a_resolver_that_changes_its_mind_is_asked_once_per_request_and_checked_each_time():
    """DNS rebinding, CWE-367: what was checked is what is dialled."""
    wire, answers = Wire(), [[PUBLIC], ["127.0.0.1"]]

    async with hosts(wire=wire, addresses=lambda: answers.pop(0)).client() as client:
        await client.get("https://api.example.com/")
        with pytest.raises(RefusedHostError):
            await client.get("https://api.example.com/")

    assert [f"https://{PUBLIC}/"] == [url for url, *_ in wire.sent]


@pytest.mark.requirement("safe:hosts:redirects-do-not-leave")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "http://api.example.com/",
        "https://169.254.169.254/",
        "https://api.example.com:22/",
        "//evil.example/",
    ],
)
async def test_a_redirect_is_not_followed_by_itself_and_never_out(target):
    """CWE-918: each hop passes the same checks."""
    away = {"api.example.com": lambda: httpx2.Response(302, headers={"location": target})}
    wire = Wire(away)

    async with hosts(wire=wire).client() as client:
        assert 302 == (await client.get("https://api.example.com/")).status_code
        with pytest.raises(RefusedHostError):
            await client.get("https://api.example.com/", follow_redirects=True)

    assert {"api.example.com"} == {host for _, host, _ in wire.sent}


@pytest.mark.requirement("safe:hosts:known-hosts-alone")
async def test_a_host_header_and_a_proxy_of_the_environment_change_nothing(monkeypatch):
    """CWE-441: whoever sets HTTPS_PROXY or a Host header does not read along."""
    monkeypatch.setenv("HTTPS_PROXY", "http://evil.example:3128")
    wire = Wire()

    async with hosts(wire=wire).client() as client:
        await client.get("https://api.example.com/", headers={"Host": "evil.example"})

    assert "api.example.com" == wire.sent[0][1]


@pytest.mark.requirement("safe:hosts:known-hosts-alone")
@pytest.mark.parametrize(
    "options",
    [
        {"proxy": "http://evil.example:3128"},
        {"mounts": {"all://": Wire()}},
        {"transport": Wire()},
        {"trust_env": True},
        {"verify": False},
        {"cert": "mine.pem"},
        {"app": Wire()},
        {"a_word_of_tomorrow": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_client_is_told_no_other_way_out(options):
    """CWE-441: whatever says how requests travel would send them past the list, a word that is not known yet too."""
    with pytest.raises(TypeError, match=f"{next(iter(options))}= would send"):
        hosts().client(**options)


@pytest.mark.requirement("safe:hosts:known-hosts-alone")
async def test_what_says_nothing_of_the_way_is_passed_on():
    """Ours: headers, a base URL, a time."""
    wire = Wire()

    async with hosts(wire=wire).client(
        base_url="https://api.example.com/v1/", headers={"X-A": "1"}, timeout=3
    ) as client:
        await client.get("orders")
        with pytest.raises(RefusedHostError):
            await client.get("https://evil.example/")

    assert [f"https://{PUBLIC}/v1/orders"] == [url for url, *_ in wire.sent]


@pytest.mark.requirement("safe:hosts:known-hosts-alone")
@pytest.mark.parametrize(
    "name",
    [
        "10.0.0.1",
        "::1",
        "API.example.com",
        "api.example.com:443",
        ".com",
        "",
        "*.example.com",
        "1.2",
        "a b",
        "-a.example",
    ],
)
def test_a_list_holds_names_and_whole_labels_alone(name):
    """Ours: an entry that means more than its author thought is refused at the start."""
    with pytest.raises(ValueError):
        Hosts(name)


@pytest.mark.requirement("safe:hosts:tls-is-of-the-name")
async def test_tls_is_verified_for_the_name_although_an_address_is_dialled():
    """RFC 9525: a real server with a certificate for the name answers, one with another's is not believed."""
    async with Internet().running() as internet:
        right = await internet.serve(
            lambda path, headers: Answer(body=b"{}"), name="api.example.com", address="127.0.0.1"
        )
        wrong = await internet.serve(
            lambda path, headers: Answer(),
            name="other.example.com",
            address="127.0.0.1",
            certificate=internet.authority.issue_cert("evil.example"),
        )
        context = ssl.create_default_context()
        internet.authority.configure_trust(context)
        one = Hosts(
            ".example.com", ports=(right.port, wrong.port), private=True, resolve=internet.resolve, verify=context
        )

        async with one.client() as client:
            assert 200 == (await client.get(f"https://api.example.com:{right.port}/x")).status_code
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"https://other.example.com:{wrong.port}/x")

        assert "api.example.com" in right.requests[0][1]["host"]
        assert [] == wrong.requests
