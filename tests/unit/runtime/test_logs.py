"""A secret that is planted anywhere in an event never leaves the process, and an event is one line."""

import base64
import io
import json
import logging
import os

import pytest
import structlog

from authserver.runtime import logs
from authserver.runtime.identifiers import new_secret, new_tenant_secret
from authserver.runtime.vault import DeploymentKeys

CANARY = "canary" + base64.b32encode(os.urandom(20)).decode().lower()


@pytest.fixture(params=["json", "console"])
def written(request, monkeypatch):
    """Configure the logs as a process does and return what they wrote; put everything back afterwards."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = root.handlers, root.level
    names = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "asyncpg", "httpx2", "httpcore2")
    kept = {name: (logging.getLogger(name).handlers, logging.getLogger(name).level) for name in names}
    logs.configure(level="debug", console=request.param == "console")
    yield stream
    root.handlers, root.level = before
    for name, (handlers, level) in kept.items():
        logging.getLogger(name).handlers = handlers
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


SECRET_NAMES = [
    "authorization", "Authorization", "token", "access_token", "refresh_token", "id_token", "code", "client_secret",
    "password", "code_verifier", "assertion", "client_assertion", "cookie", "Set-Cookie", "csrf", "csrf_token", "kek",
    "upstream_client_secret", "new_password", "private_jwe", "X-Api-Key",
]  # fmt: skip


@pytest.mark.requirement("logs:secrets:never-appear")
@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_member_with_the_name_of_a_secret_is_never_written(written, name):
    """At any depth, in any spelling of upper and lower case, whatever its value looks like."""
    log = structlog.get_logger("test")

    log.info("planted", **{name: CANARY})
    log.info("planted", deep={"list": [{"deeper": {name: CANARY}}]})
    log.info("planted", headers={name: [CANARY]})

    assert 3 == written.getvalue().count("planted")
    assert CANARY not in written.getvalue()


def jwt():
    part = base64.urlsafe_b64encode(json.dumps({"sub": CANARY, "x": "y" * 40}).encode()).decode().rstrip("=")
    return f"{part}.{part}.{CANARY}"


SECRET_TEXTS = [
    lambda: new_tenant_secret("rt", "ten_aaaaaaaaaaaaaaaa"),
    lambda: new_tenant_secret("ac", "ten_aaaaaaaaaaaaaaaa"),
    lambda: new_secret("cs"),
    lambda: new_secret("se"),
    jwt,
    lambda: f"Bearer {CANARY}",
    lambda: f"bearer  {CANARY}",
    lambda: f"Basic {CANARY}",
    lambda: f"code={CANARY}",
    lambda: f"client_secret={CANARY}",
    lambda: f"postgresql://role:{CANARY}@host/name",
]


@pytest.mark.requirement("logs:secrets:never-appear")
@pytest.mark.parametrize("make", SECRET_TEXTS)
def test_what_looks_like_a_secret_is_cut_out_wherever_it_stands(written, make):
    """In the event, in a value under a harmless name, in a key, in bytes, in a library's message, in an exception."""
    secret = make()
    log = structlog.get_logger("test")
    structlog.contextvars.bind_contextvars(request_id=f"req {secret}")

    log.info("planted " + secret)  # noqa: G003 - the event itself is what is tried
    log.info("planted", url=f"https://example.com/?a=b&{secret} c", nested=[{"harmless": secret}])
    log.info("planted", mapping={f"https:{secret}": 1}, raw=secret.encode())
    logging.getLogger("uvicorn.error").warning("planted %s", f"x {secret} y")
    logging.getLogger("asyncpg").info("planted %s", {"url": f"postgresql:{secret}"})
    try:
        raise ValueError(f"planted {secret}")
    except ValueError:
        log.exception("planted")
        logging.getLogger("some.library").exception("planted")

    assert written.getvalue().count("planted") >= 7
    parts = [part for part in (secret, secret.rpartition(" ")[2], secret.rpartition("=")[2]) if len(part) > 8]
    leaked = [line for line in written.getvalue().splitlines() if any(part in line for part in parts)]
    assert [] == leaked
    assert CANARY not in written.getvalue()


@pytest.mark.requirement("logs:secrets:never-appear")
def test_keys_do_not_show_themselves():
    """A traceback or a debugger that prints the machines of a process prints no key."""
    keys = DeploymentKeys(
        blind_index=b"canary1", personal_data=b"canary2", forms=b"canary3", audit=b"canary4", checkpoints=b"canary5"
    )

    assert "canary" not in f"{keys!r} {keys}"


@pytest.mark.requirement("logs:event:is-one-line")
def test_nobody_writes_a_line_of_their_own(written):
    """CWE-117: line breaks, terminal escapes and directions from outside are shown, not obeyed."""
    attack = 'x\r\n{"event": "forged"}\x1b[2J\u2028\u202e\x00\x85'
    try:
        raise ValueError(attack)
    except ValueError:
        structlog.get_logger("test").exception(attack, path=attack, **{"key\nforged": 1})
        logging.getLogger("library").exception(attack)

    text = written.getvalue()
    # The console's renderer starts a new line before a trace; what stands in the event never does.
    assert 2 * (1 + (not text.startswith("{"))) == len(text.splitlines())
    assert not any(character in text for character in "\r\u2028\u202e\x00\x85")
    assert "\x1b[2J" not in text
    assert "\\u000a" in text


@pytest.mark.requirement("logs:event:is-bounded")
def test_an_event_is_bounded(written):
    """Whoever controls a value does not fill the disk with it, nor make us look at it for long."""
    deep = {}
    inner = deep
    for _ in range(300):
        inner["a"] = inner = {}

    structlog.get_logger("test").info("e", long="a" * 10_000_000, deep=deep, wide=list(range(10**6)))

    assert len(written.getvalue()) < 10_000


def test_an_event_says_when_where_and_for_which_request(monkeypatch):
    """What an operator searches for is there, as JSON."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = root.handlers, root.level
    logs.configure()
    structlog.contextvars.bind_contextvars(request_id="req_1")
    structlog.get_logger("authserver.test").warning("it_happened", client_id="cli_1", authorization_id="auz_1", count=3)
    structlog.get_logger("authserver.test").debug("too small")
    logging.getLogger("uvicorn.access").info("GET /authorize?code=1")
    root.handlers, root.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()

    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert {
        "event": "it_happened", "level": "warning", "logger": "authserver.test", "request_id": "req_1",
        "client_id": "cli_1", "authorization_id": "auz_1", "count": 3,
    } == event  # fmt: skip
