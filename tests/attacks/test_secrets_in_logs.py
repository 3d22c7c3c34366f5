"""The attacker reads the logs: a canary in every place where a secret can stand, and none in what was written."""

import io
import json
import logging
from urllib.parse import quote, urlencode

import pytest
import structlog

from authserver.runtime import logs
from tests.support.oauth_client import basic


@pytest.fixture
def written(monkeypatch):
    """Configure logging as `serve` does, at the most talkative level, and return what is written."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers, root.level
    monkeypatch.setattr("sys.stderr", stream)
    logs.configure(level="debug")
    # The client of these tests is in our own process; what it says of its requests is not ours.
    monkeypatch.setattr(logging.getLogger("httpx2"), "level", logging.WARNING)
    yield stream
    structlog.reset_defaults()
    root.handlers, root.level = before


def lines(written):
    return [json.loads(line) for line in written.getvalue().splitlines()]


CANARIES = ("canary-password", "canary-code", "canary-refresh", "canary-secret", "canary-verifier", "canary-cookie", "canary-csrf",
            "canary-bearer", "canary-state", "canary-query", "canary-referer", "canary-email", "canary-assertion")  # fmt: skip


async def knock_everywhere(server):
    """Send a canary in every position where a secret can stand, rightly and wrongly."""
    browser = server.browser()
    cookies = {"cookie": "session_9000=canary-cookie; login_9000=canary-cookie"}
    form = (await browser.open("/login")).form("password")
    await browser.submit_once(form, email="canary-email@example.com", password="canary-password")
    await browser.post("/login", [("csrf", "canary-csrf"), ("password", "canary-password")])
    await browser.post("/consent?client_id=canary-query", [("csrf", "canary-csrf")], cookies)
    for url in (
        "/authorize?code=canary-query&state=canary-state",
        "/login?password=canary-password",
        "/nowhere?token=canary-query",
    ):
        await server.http.get(url, headers=cookies | {"referer": "https://x.example/?code=canary-referer"})
    for headers in (basic("canary-secret", "canary-secret"), {"authorization": "Bearer canary-bearer-0123456789"}):
        for wanted in (
            {"grant_type": "authorization_code", "code": "canary-code", "code_verifier": "canary-verifier"},
            {"grant_type": "refresh_token", "refresh_token": "canary-refresh", "client_assertion": "canary-assertion"},
        ):
            await server.client("P").token(headers=headers, authenticate=False, **wanted)
            await server.client("P").token(client_secret="canary-secret", **wanted)


@pytest.mark.one_database
@pytest.mark.requirement("attack:logs:no-secret-is-ever-written")
async def test_no_canary_stands_in_the_logs_of_refused_requests(server, written):
    """Issue: structured logs in which a planted canary secret never appears; C47."""
    await knock_everywhere(server)
    structlog.get_logger("test").info("the_log_is_on")

    assert "the_log_is_on" in written.getvalue()
    assert [] == [canary for canary in CANARIES if canary in written.getvalue()]


@pytest.mark.one_database
@pytest.mark.requirement("attack:logs:no-secret-is-ever-written")
async def test_no_secret_stands_in_the_logs_of_good_requests(server, written):
    """C47: the real ones, through login, code, refresh and machine token."""
    app, machine = server.client("B"), server.client("M")
    code = await app.authorize()
    tokens = await app.redeem(code)
    fresh = await app.refresh(tokens)
    own = await machine.client_credentials()
    structlog.get_logger("test").info("the_log_is_on")
    secrets = [
        server.world.people["u1"].password, server.world.people["u1"].email, code.code, app.verifier, app.app.secret,
        machine.app.secret, tokens.access_token, tokens.refresh_token, fresh.refresh_token, own.access_token,
        *app.browser_of("u1").cookies.values(),
    ]  # fmt: skip

    assert "the_log_is_on" in written.getvalue()
    assert [] == [secret for secret in secrets if secret in written.getvalue()]


@pytest.mark.one_database
@pytest.mark.requirement("attack:logs:accidents-quote-no-secret")
async def test_an_accident_with_a_secret_in_its_message_is_logged_without_it(server, written, monkeypatch):
    """C47: an exception of a library quotes what it was given; the second net cuts it out."""
    from authserver.domain.tokens import refresh_token

    app = server.client("B")
    tokens = await app.sign_in()

    async def accident(_work, token):
        raise RuntimeError(
            f"could not look up {token} with Basic Y2FuYXJ5OmNhbmFyeQ== at postgresql://app:canary-dsn@db/x"
        )

    monkeypatch.setattr(refresh_token, "find", accident)
    answer = await app.refresh(tokens)
    [line] = [line for line in lines(written) if line["event"] == "request_failed"]

    assert 500 == answer.status
    assert "RuntimeError" in json.dumps(line)
    assert logs.REDACTED in json.dumps(line)
    for secret in (tokens.refresh_token, "Y2FuYXJ5OmNhbmFyeQ", "canary-dsn"):
        assert secret not in written.getvalue()


@pytest.mark.requirement("attack:logs:names-of-secrets-are-replaced")
@pytest.mark.parametrize(
    "name",
    [
        "password",
        "client_secret",
        "refresh_token",
        "code",
        "code_verifier",
        "Authorization",
        "cookie",
        "kek",
        "dsn",
        "set-cookie",
        "proxy-authorization",
        "private_key",
        "id_token",
        "session",
        "key",
        "csrf",
        "assertion",
        "passwd",
        "apiKey",
        "X-Auth-Token",
        "clientSecret",
        "otp",
        "database_url",
        "sealed_jwe",
        "x-api-key",
        "some_cookie",
        "\uff50assword",
        "signing-key",
    ],
)
def test_a_member_with_the_name_of_a_secret_is_replaced_at_any_depth(written, name):
    """LG-05: in a list, in a map, in any case."""
    structlog.get_logger("test").warning("x", **{name: "canary-1"}, inside=[{"deep": {name.upper(): "canary-2"}}])

    assert "canary" not in written.getvalue()
    assert 2 == written.getvalue().count(logs.REDACTED)


@pytest.mark.requirement("attack:logs:one-event-is-one-line")
@pytest.mark.parametrize(
    "nasty",
    ["a\nb", 'a\r\n{"event": "forged"}', "\x1b[31mred", "nul\x00", "line\u2028sep", "\u202eright", "x" * (1 << 20)],
    ids=lambda value: repr(value)[:24],
)
def test_what_a_stranger_writes_stays_inside_one_line(written, nasty):
    """LG-01, CWE-117: escaped and bounded."""
    structlog.get_logger("test").info("seen", agent=nasty, header={nasty[:50]: nasty})
    logging.getLogger("uvicorn.error").warning("from a library: %s", nasty)

    found = written.getvalue()

    assert 2 == len(found.splitlines()) == found.count("\n")
    assert 2 == len(lines(written))
    assert len(found) < 40_000
    for raw in ("\x1b", "\x00", "\u2028", "\u202e"):
        assert raw not in found


NASTY = [
    "a\nb",
    'a\r\n{"event": "forged"}',
    "\x1b[2J\x1b]0;mine\x07",
    "nul\x00",
    "line\u2028sep\u2029",
    "\u202eright",
    "\x9b31m",
]


@pytest.mark.one_database
@pytest.mark.requirement("attack:logs:one-event-is-one-line")
async def test_nothing_that_a_stranger_says_anywhere_is_a_line_of_its_own(server, written):
    """LG-01, CWE-117: address, name of an application, scope, state, ids, paths, headers; at the most talkative level, JSON or refusal."""
    browser = server.browser()
    for nasty in [*NASTY, "x" * 50_000]:
        form = (await browser.open("/login")).form("password")
        await browser.submit_once(form, email=f"{nasty}@example.com", password=nasty)
        header = nasty.encode("utf-8").replace(b"\r", b"").replace(b"\n", b"").replace(b"\x00", b"")[:2000]
        told = [(name, header) for name in (b"user-agent", b"x-forwarded-for", b"referer", b"x-request-id", b"origin")]
        query = urlencode(
            {
                "client_id": nasty,
                "scope": nasty,
                "state": nasty,
                "redirect_uri": nasty,
                "resource": nasty,
                "prompt": nasty,
            }
        ).encode()
        await server.raw("/authorize", query=query, headers=told)
        await server.raw("/nowhere/" + quote(nasty[:100]), query=query, headers=told)
        json_type, form_type = (
            (b"content-type", b"application/json"),
            (b"content-type", b"application/x-www-form-urlencoded"),
        )
        registration = json.dumps(
            {"client_name": nasty, "redirect_uris": [nasty], "scope": nasty, nasty: nasty}
        ).encode()
        await server.raw("/register", method="POST", headers=[*told, json_type], body=registration)
        for path in ("/token", "/revoke", "/introspect", "/par", "/device_authorization"):
            await server.raw(
                path, method="POST", headers=[*told, form_type], body=query + b"&grant_type=" + quote(nasty).encode()
            )
    structlog.get_logger("test").info("the_log_is_on")

    found = written.getvalue()
    assert len(found.splitlines()) == found.count("\n") == len(lines(written))
    assert "the_log_is_on" == lines(written)[-1]["event"]
    assert not any(line.get("event") == "forged" for line in lines(written))
    assert max(map(len, found.splitlines())) < 40_000
    for raw in ("\x1b", "\x00", "\u2028", "\u2029", "\u202e", "\x9b"):
        assert raw not in found
