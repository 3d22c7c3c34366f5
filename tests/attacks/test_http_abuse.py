"""The attacker speaks HTTP as no client would: other methods, sizes, encodings, hosts and paths."""

import time

import pytest

from tests.support.browser import query_of
from tests.support.oauth_client import basic

pytestmark = pytest.mark.one_database

FORM = (b"content-type", b"application/x-www-form-urlencoded")
ENDPOINTS = [
    "/authorize",
    "/token",
    "/login",
    "/consent",
    "/logout",
    "/jwks.json",
    "/.well-known/oauth-authorization-server",
]


@pytest.mark.requirement("attack:http:head-issues-no-code")
async def test_head_never_issues_a_code(server):
    """AZ-55: the classic HEAD bypass; B's consent may be skipped, so GET would give one."""
    app = server.client("B")
    await app.sign_in()
    browser, known = app.browser_of("u1"), await server.operator.events()

    page = await browser.request("HEAD", app.url())

    assert "code=" not in (page.location or "")
    assert page.status in {303, 405}
    assert "client:code:issued" not in await server.operator.kinds(besides=known)


@pytest.mark.requirement("attack:http:unknown-methods-are-405")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 100])
@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_method_that_an_endpoint_does_not_have_is_405(server, path, method):
    """AZ-55, RFC 9110 §15.5.6: with Allow, and without effect."""
    answer = await server.raw(path, method=method)

    assert 405 == answer.status_code
    assert answer.headers["allow"]


@pytest.mark.requirement("attack:http:unknown-methods-are-405")
@pytest.mark.parametrize("header", ["x-http-method-override", "x-method-override", "x-http-method"])
async def test_no_header_or_parameter_changes_the_method(server, header):
    """AD-10 kin: verb tampering is ignored."""
    answer = await server.http.get("/token?_method=POST", headers={header: "POST"})

    assert 405 == answer.status_code


async def flood(server, path, body, headers=()):
    began = time.thread_time()
    answer = await server.raw(path, method="POST", headers=[FORM, *headers], body=body)
    return answer, time.thread_time() - began


@pytest.mark.requirement("attack:http:bodies-are-bounded")
@pytest.mark.parametrize("path", ["/token", "/login", "/consent", "/logout"])
@pytest.mark.parametrize(
    "body",
    [
        b"a=b&" * 100_000,
        b"a" * 5_000_000,
        b"grant_type=" + b"x" * 2_000_000,
        [b"x" * 60_000, b"x" * 60_000, b"x" * 60_000],
        b"&".join(b"k%d=v" % number for number in range(8000)),
        b"=" * 60_000,
        b"%" * 60_000,
        b"%00" * 20_000,
        b"\xff" * 60_000,
    ],
    ids=["100k fields", "5 MB", "2 MB value", "chunked", "8k names", "equals", "percents", "nul", "not utf-8"],
)
async def test_a_huge_or_broken_body_is_refused_quickly(server, path, body):
    """EX-03, CVE-2023-30798, CVE-2024-24762: a bounded read, a bounded number of fields, no accident."""
    answer, cpu_seconds = await flood(server, path, body)

    # Signing out where nobody is signed in is done already.
    assert answer.status_code in {400, 401, 403, 413} | ({200} if path == "/logout" else set())
    assert cpu_seconds < 1


@pytest.mark.requirement("attack:http:bodies-are-bounded")
@pytest.mark.parametrize("length", [b"99999999999999999999", b"-1", b"1e3", b"abc", b"70000", b"+5", b""])
async def test_a_declared_length_that_is_too_large_or_no_number_is_refused_before_reading(server, length):
    """EX-03: the body need not arrive."""
    answer, _ = await flood(server, "/token", b"", [(b"content-length", length)])

    assert answer.status_code in {400, 413}


@pytest.mark.requirement("attack:http:bodies-are-bounded")
@pytest.mark.parametrize("path", ["/token", "/login", "/consent", "/logout"])
async def test_a_body_without_a_declared_length_is_read_no_further_than_its_bound(server, path):
    """EX-03: an endless chunked body is refused after 64 KiB, whoever pays for sending the rest."""
    chunks = [b"a" * 16_384] * 1000
    given, headers = [], [(b"host", b"127.0.0.1:9000"), FORM]

    async def receive():
        return {"type": "http.request", "body": chunks.pop(), "more_body": True}

    async def send(message):
        given.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 1), "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    await server.app(scope, receive, send)

    assert 413 == given[0]["status"]
    assert len(chunks) >= 1000 - 6


@pytest.mark.requirement("attack:http:bodies-are-bounded")
async def test_multipart_is_not_read_at_all(server):
    """EX-03, CVE-2024-53981: a hundred thousand parts cost nothing."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]

    answers = [
        await server.raw("/token", method="POST", headers=headers, body=part * count) for count in (1, 1000, 100_000)
    ]

    assert [400, 400, 413] == [answer.status_code for answer in answers]


@pytest.mark.requirement("attack:http:compressed-bodies-are-refused")
@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip"])
async def test_a_compressed_body_is_refused_and_never_unpacked(server, encoding):
    """EX-08: no decompression bomb."""
    import gzip

    app = server.client("M")
    credential = (b"authorization", basic(app.app.client_id, app.app.secret)["authorization"].encode())
    body = gzip.compress(b"grant_type=client_credentials&x=" + b"a" * 1_000_000)

    answer, _ = await flood(server, "/token", body, [(b"content-encoding", encoding), credential])

    assert answer.status_code in {400, 415}
    assert b"access_token" not in answer.content


@pytest.mark.requirement("attack:http:unreadable-requests-are-no-accident")
@pytest.mark.parametrize("path", ["/authorize", "/login", "/consent"])
@pytest.mark.parametrize(
    "query",
    [b"\xff\xfe", b"a=%ff", b"a=%00", b"foo", b"&&&", b"=", b"a=b;c=d", b"%", b"a=%zz", b"a=" + b"x" * 100_000, b"a=b&" * 5000,
     b"client_id=%ed%a0%80", b"client_id[]=x", b"client_id=x&client_id[]=y", b"\r\nX: y"],
    ids=lambda query: repr(query[:24]),
)  # fmt: skip
async def test_a_query_that_cannot_be_read_gets_an_error_page(server, path, query):
    """TK-13 kin, EX-04: 400, a page, nothing sent anywhere."""
    answer = await server.raw(path, query=query)

    assert answer.status_code == 400 or (path == "/login" and answer.status_code == 200)
    assert "location" not in answer.headers


@pytest.mark.requirement("attack:http:unreadable-requests-are-no-accident")
@pytest.mark.parametrize("query", ["foo", "a=%ff", "client_id=nobody", "a=b&a=b"])
async def test_a_login_with_a_query_that_cannot_be_read_is_no_accident(server, query):
    """Ours: the password was right, the request is nonsense: an error page, not a 500."""
    browser, person = server.browser(), server.world.people["u1"]
    form = (await browser.open("/login")).form("password")
    form.action = f"{server.issuer}/login?{query}"

    page = await browser.submit(form, email=person.email, password=person.password)

    assert page.status in {200, 400, 403}


@pytest.mark.requirement("attack:http:hosts-are-not-believed")
@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"127.0.0.1:9000/admin/public?", b"a/b#", b"evil?", b"a@b", b"", b"127.0.0.1:9000\r\nX: y", b"[::1", b"\xff",
     b"x" * 10_000],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/authorize", "/jwks.json", "/.well-known/oauth-authorization-server", "/login", "/token"]
)
async def test_no_host_header_changes_where_a_request_goes_or_what_it_says(server, path, host):
    """PX-04, CVE-2026-48710 "BadHost", JK-08: routed by the raw path; no URL is built from a header."""
    method = "POST" if path == "/token" else "GET"
    plain = await server.raw(path, method=method, headers=[(b"host", b"127.0.0.1:9000")])

    answer = await server.raw(path, method=method, headers=[(b"host", host)])

    assert answer.status_code in {plain.status_code, 400, 421}
    assert b"evil" not in answer.content
    assert "evil" not in str(answer.headers)


@pytest.mark.requirement("attack:http:hosts-are-not-believed")
async def test_two_host_headers_change_nothing(server):
    """PX-04."""
    headers = [(b"host", b"127.0.0.1:9000"), (b"host", b"evil.example")]

    answer = await server.raw("/.well-known/oauth-authorization-server", headers=headers)

    assert answer.status_code in {200, 400}
    assert b"evil" not in answer.content


@pytest.mark.requirement("attack:http:identity-headers-are-ignored")
async def test_no_header_says_who_somebody_is(server):
    """PX-03: injected identities are nobody."""
    person = server.world.people["u1"]
    headers = {
        "x-user": person.email, "remote-user": person.email, "x-remote-user": person.email, "x-forwarded-user": person.email,
        "x-tenant": "t1", "x-client-cert": "anything", "x-client-id": server.client("M").app.client_id,
    }  # fmt: skip

    page = await server.browser().open(server.client("P").url(), headers=headers)
    token = await server.http.post("/token", data={"grant_type": "client_credentials"}, headers=headers)

    assert page.is_login
    assert 401 == token.status_code


@pytest.mark.requirement("attack:http:paths-have-one-form")
@pytest.mark.parametrize(
    "raw_path",
    [b"/%61uthorize", b"/authorize%2f", b"//authorize", b"/./authorize", b"/x/../authorize", b"/authorize/", b"/authorize;x", b"/AUTHORIZE",
     b"/authorize%00", b"/token%20", b"/%2e%2e/token", b"/static/../token", b"/static/%2e%2e/%2e%2e/etc/passwd", b"/static/style.css/x", b"*",
     b"http://127.0.0.1:9000/token"],
    ids=repr,
)  # fmt: skip
async def test_a_path_has_one_form(server, raw_path):
    """PX-04, TN-11: what a proxy might read differently is nobody's."""
    from urllib.parse import unquote

    path = unquote(raw_path.decode())

    for method in ("GET", "POST"):
        answer = await server.raw(path, method=method, raw_path=raw_path, headers=[FORM])
        assert 404 == answer.status_code


@pytest.mark.requirement("attack:http:errors-are-silent-about-our-inside")
async def test_an_accident_is_told_without_its_inside(server, monkeypatch):
    """D8, AD-15: a correlation id, no trace, no path, no SQL, at a protocol endpoint and on a page."""
    from authserver.domain.clients import registry

    async def accident(*_):
        raise RuntimeError("/secret/path SELECT password FROM persons")

    monkeypatch.setattr(registry, "find", accident)
    token = await server.client("M").client_credentials()
    page = await server.client("P").ask("u1")

    for status, text in ((token.status, token.response.text), (page.status, page.response.text)):
        assert 500 == status
        for inside in ("secret", "SELECT", "RuntimeError", "Traceback", "registry"):
            assert inside not in text
        assert "req_" in text


@pytest.mark.requirement("attack:http:errors-are-silent-about-our-inside")
@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/redoc",
        "/openapi.json",
        "/metrics",
        "/debug",
        "/admin",
        "/.env",
        "/.git/config",
        "/static/",
        "/static/../app.py",
    ],
)
async def test_nothing_is_open_that_is_for_us(server, path):
    """AD-15, ASVS 13.4."""
    answer = await server.raw(path)

    assert answer.status_code in {401, 403, 404}


@pytest.mark.requirement("attack:http:errors-are-silent-about-our-inside")
@pytest.mark.parametrize("path", ["/token", "/authorize", "/jwks.json", "/nowhere", "/livez"])
async def test_no_answer_says_what_we_are_made_of(server, path):
    """ASVS 13.4: no Server or X-Powered-By of ours, nosniff everywhere."""
    answer = await server.raw(path)

    assert not {"server", "x-powered-by", "x-aspnet-version"} & set(answer.headers)
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.requirement("attack:http:forwarding-is-believed-from-declared-proxies")
@pytest.mark.settings(trusted_proxies="10.0.0.0/8, 2001:db8:ffff::/48")
@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.5, 10.0.0.2, 10.9.9.9", "203.0.113.5"),
        ("2001:db8:ffff::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
    ],
)
async def test_the_caller_is_the_right_most_hop_that_is_no_proxy_of_ours(server, peer, forwarded, address):
    """PX-02, CVE-2025-64102: what a caller writes to the left of it is their own invention."""
    from authserver.domain.audit import event

    browser = server.browser(peer)
    form = (await browser.open("/login")).form("password")

    await browser.post(
        form.action, form.filled(email="x@example.com", password="wrong"), {"x-forwarded-for": forwarded}
    )
    [row] = [row for row in await server.operator.events(None) if row["kind"] == "person:login:refused"]

    assert address == event.open_payload(server.operator.work(), row)["address"]


@pytest.mark.requirement("attack:http:a-declared-proxy-is-the-one-door")
@pytest.mark.parametrize(
    ("peer", "status"),
    [("203.0.113.9", 403), ("2001:db8::9", 403), ("10.0.0.1", 200), ("::ffff:10.0.0.1", 200), ("127.0.0.1", 200)],
)
async def test_behind_a_declared_proxy_nobody_comes_past_it(server_with, peer, status):
    """C60, C61: the proxy is the protection that was declared; past it there would be plain HTTP for everybody."""
    server = await server_with(host="0.0.0.0", exposure="trusted-proxy", trusted_proxies="10.0.0.0/8")

    for path in ("/login", "/jwks.json", "/.well-known/openid-configuration"):
        answer = await server.http_from(peer).get(path, headers={"x-forwarded-for": "10.0.0.1"})
        assert status == answer.status_code
    assert 200 == (await server.http_from(peer).get("/readyz")).status_code


@pytest.mark.requirement("attack:abuse:no-address-is-an-accident")
@pytest.mark.parametrize(
    "resource", ["https://[::1/mcp", "https://[v1]/mcp", "http://\u2100.example/mcp", "https://x:port/"]
)
async def test_a_resource_that_is_no_url_is_an_unknown_resource(server, resource):
    """TK-25 kin, AZ-45: what cannot be parsed is refused, not a 500 with a trace in the log that anybody can order."""
    app, machine = server.client("P"), server.client("M")

    assert "invalid_target" == query_of((await app.ask("u1", resource=resource)).location)["error"][0]
    assert "invalid_target" == (await machine.client_credentials(resource=resource)).error
    code = await app.authorize("u1")
    assert "invalid_target" == (await app.redeem(code, resource=resource)).error
    assert (await app.redeem(code)).ok
