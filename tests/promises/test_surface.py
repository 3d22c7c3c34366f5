"""The corners of the surface: what an operator changes is recorded, sessions end, and what is asked of us outside OAuth."""

import json
import logging
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

from authserver import jobs
from authserver.domain.issuers import issuer as issuers
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from tests.support.deployment import ROOT, Deployment, bare_environment, free_port
from tests.support.world import R1


@pytest.mark.requirement("operator:changes:are-recorded")
@pytest.mark.one_database
async def test_what_an_operator_changes_is_recorded_where_it_acts(server):
    """Decision 15: tenants and members in their tenant, servers and issuers at the platform."""
    operator = server.operator
    ours, platform = await operator.events("t1"), await operator.events(None)

    await operator.set_tenant("t1", name="Another name")
    await operator.set_member("u1", "t1", roles=("approver",))
    await operator.set_resource(R1, name="Another name")
    work = operator.work()
    issuers.add(work, slug="t1", tenant=server.world.tenants["t1"])
    assert await work.commit()

    assert ["operator:tenant:changed", "operator:user:changed"] == await operator.kinds("t1", besides=ours)
    assert ["operator:issuer:changed", "operator:resource:changed"] == await operator.kinds(None, besides=platform)


@pytest.mark.requirement("operator:changes:are-recorded")
@pytest.mark.one_database
async def test_housekeeping_across_tenants_is_recorded_with_its_reason(server):
    """Decision 5: the second role is used through one recorded function."""
    known = await server.operator.events(None)

    await jobs.expire(server.machines)

    (done,) = await server.operator.events(None, besides=known)
    assert "platform:work:done" == done["kind"]
    assert "expire what has lapsed" in json.dumps(done, default=str)


@pytest.mark.requirement("login:session:ends")
@pytest.mark.one_database
async def test_a_logout_ends_the_session_and_is_recorded(server):
    """OWASP ASVS 7.4: a cookie kept from before opens nothing."""
    app = server.client("P")
    await app.sign_in()
    browser = app.browser_of("u1")
    kept = dict(browser.cookies)
    known = await server.operator.events(None) + await server.operator.events("t1")

    page = await browser.open("/login")
    await browser.submit(next(form for form in page.forms if form.action.endswith("/logout")))

    kinds = await server.operator.kinds(None, besides=known) + await server.operator.kinds("t1", besides=known)
    assert "person:session:ended" in kinds
    for name, value in kept.items():
        browser.plant(name, value)
    assert (await app.ask("u1")).is_login


@pytest.mark.requirement("login:session:ends")
@pytest.mark.one_database
@pytest.mark.settings(session_idle_seconds=600, session_absolute_seconds=1500)
async def test_a_session_ends_when_unused_and_when_old(server):
    """OWASP ASVS 7.3: both ends, and use prolongs only the first."""
    app = server.client("P")
    await app.sign_in()

    server.clock.advance(500)
    assert (await app.ask("u1")).is_consent
    server.clock.advance(500)
    assert (await app.ask("u1")).is_consent
    server.clock.advance(501)
    old = await app.ask("u1")

    idle = server.client("P")
    await idle.sign_in()
    server.clock.advance(601)
    assert old.is_login
    assert (await idle.ask("u1")).is_login


@pytest.mark.requirement("surface:accidents:tell-nothing")
@pytest.mark.one_database
@pytest.mark.parametrize(
    ("accident", "status", "said"),
    [
        (DatabaseUnavailableError("db7.internal: password hunter2"), 503, "temporarily_unavailable"),
        (RuntimeError("db7.internal: password hunter2"), 500, "server_error"),
    ],
)
async def test_an_accident_says_what_to_do_and_nothing_of_our_inside(server, monkeypatch, accident, status, said):
    """RFC 6749 §4.1.2.1, EX: the one says come back, the other that it is noted."""
    monkeypatch.setattr(logging.getLogger("authserver.web"), "disabled", True)

    async def fails(*_args, **_kwargs):
        raise accident

    monkeypatch.setattr(type(server.machines.database), "read", fails)
    server.machines.memory.forget()

    answer = await server.client("M").client_credentials()

    assert status == answer.status
    assert said == answer.error
    assert "hunter2" not in answer.response.text
    assert "db7" not in answer.response.text
    assert (503 == status) == ("retry-after" in answer.response.headers)


@pytest.mark.requirement("surface:corners:answer")
@pytest.mark.one_database
@pytest.mark.settings(security_contact="mailto:security@acme.example")
async def test_whoever_finds_a_hole_finds_whom_to_tell(server):
    """RFC 9116 §2.5: contact, and an end that lies ahead."""
    answer = await server.http.get("/.well-known/security.txt")

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Contact: mailto:security@acme.example" in answer.text.splitlines()
    (expires,) = [line for line in answer.text.splitlines() if line.startswith("Expires: ")]
    assert expires > f"Expires: {time.strftime('%Y-%m-%d', time.gmtime(server.clock.now))}"


@pytest.mark.requirement("surface:corners:answer")
@pytest.mark.one_database
async def test_the_mark_is_a_picture_that_runs_nothing(server):
    """DR-05: an SVG is a document; this one carries no script and loads nothing."""
    answer = await server.http.get("/static/mark.svg")

    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "<script" not in answer.text
    assert "href" not in answer.text.replace("xmlns:xlink", "")


@pytest.mark.requirement("login:failures:wait-ends")
@pytest.mark.one_database
@pytest.mark.settings(login_failures=3, login_window_seconds=120)
async def test_an_account_that_was_guessed_at_waits_no_longer_than_the_window(server):
    """AZ: the wait of `login_window_seconds` ends, so that a stranger cannot lock anybody out for good."""
    app = server.client("P")
    someone = app.person("u1")
    for _ in range(6):
        stranger = server.browser()
        await stranger.log_in(await app.ask(stranger), someone.email, "wrong")

    page = await app.ask("u1")
    too_early = await app.browser_of("u1").log_in(page, someone.email, someone.password)
    server.clock.advance(121)

    assert not too_early.is_consent
    assert (await app.sign_in()).ok


@pytest.mark.requirement("serve:tls:client-certificates")
def test_the_server_itself_speaks_tls_1_3_to_clients_with_a_certificate_alone(tmp_path: Path):
    """C60, C61: `authserver serve` with AUTHSERVER_TLS_CERTIFICATE, _KEY and _CLIENT_CA."""
    port = free_port()
    deployment = Deployment.migrated(tmp_path, port=port)
    authority, strangers = trustme.CA(), trustme.CA()
    ours, theirs = authority.issue_cert("client"), strangers.issue_cert("client")
    served = authority.issue_cert("127.0.0.1")
    (tmp_path / "tls.pem").write_bytes(b"".join(blob.bytes() for blob in served.cert_chain_pems))
    (tmp_path / "tls.key").write_bytes(served.private_key_pem.bytes())
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    settings = {
        "tls_certificate": tmp_path / "tls.pem",
        "tls_key": tmp_path / "tls.key",
        "tls_client_ca": tmp_path / "ca.pem",
        "exposure": "client-certificates",
        "log_format": "console",
    }
    with (tmp_path / "env").open("a") as env:
        env.writelines(f"AUTHSERVER_{name.upper()}={value}\n" for name, value in settings.items())

    def ask(
        certificate: trustme.LeafCert | None, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> tuple[str, str, bytes]:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        context.maximum_version = most
        if certificate is not None:
            certificate.configure_cert(context)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return tls.version() or "", tls.cipher()[0], tls.recv(4096)

    command = [sys.executable, "-m", "authserver", "serve", "--port", str(port), "--data-dir", str(deployment.folder)]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=bare_environment(), stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                version, suite, answer = ask(ours)
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "said").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)

        assert "TLSv1.3" == version
        assert suite in {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
        assert b" 200 " in answer.splitlines()[0]
        for refused in (
            (None, ssl.TLSVersion.TLSv1_3),
            (theirs, ssl.TLSVersion.TLSv1_3),
            (ours, ssl.TLSVersion.TLSv1_2),
        ):
            # How a refused handshake shows differs; what must not differ is that there is no answer.
            try:
                assert b"" == ask(*refused)[2]
            except OSError:
                continue
    finally:
        process.terminate()
        process.wait(timeout=60)
