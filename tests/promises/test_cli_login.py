"""`authserver login --server`: an operator at a remote server, by a code that they type in a browser of their own."""

import json
import re
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import trustme
from typer.testing import CliRunner

from authserver.cli.tree import app
from tests.support.browser import Browser
from tests.support.deployment import ROOT, Deployment, bare_environment, free_port, logs_kept

ADA = "ada@platform.example"


class Shell:
    """Somebody's shell on another machine: no settings of a server, and a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **bare_environment(),
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
        }

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "authserver", *words], cwd=ROOT, env={**self.environment, **more}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def here(self, *words: str, **more: str) -> Any:
        """Run a command in this process, which is much quicker; its event loop is a thread's."""
        given = {"HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state"), **more}
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(CliRunner().invoke, app, [*words], env=given).result()

    @property
    def files(self) -> list[Path]:
        """What it keeps."""
        return [path for path in (self.home / "state").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with logs_kept():
        made = Deployment.migrated(tmp_path_factory.mktemp("remote"), port=free_port())
        made.told("tenant", "add", "platform")
        made.told("tenant", "add", "acme")
        ada = made.told("user", "add", ADA, "--tenant", "platform", "--role", "admin")
        made.credential = {"email": ADA, "password": ada["password"]}
    with made.served():
        yield made


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


async def type_code(served: Deployment, code: str, decision: str = "allow") -> str:
    """Be Ada at a browser: log in, type the code, read who asks, decide; returns what was read."""
    browser = Browser(httpx2.AsyncHTTPTransport(), served.issuer)
    try:
        typing = await browser.log_in(await browser.open("/device"), **served.credential)
        asked = await browser.submit(typing.form("user_code"), user_code=code)
        await browser.submit(asked.form("decision"), decision=decision)
        return asked.text
    finally:
        await browser.close()


def told_code(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return json.loads(line)


async def logged_in(served: Deployment, shell: Shell, *words: str) -> str:
    """Log Ada in from a shell; returns what her browser showed."""
    process = shell.start("login", "--server", served.issuer, "--json", *words)
    shown = await type_code(served, told_code(process)["type"])
    said, errors = process.communicate(timeout=120)
    assert 0 == process.returncode, errors
    assert json.loads(said)["logged_in"]
    return shown


@pytest.mark.requirement("cli:login:by-a-code-in-any-browser")
@pytest.mark.requirement("cli:login:the-token-is-its-owners-alone")
@pytest.mark.requirement("cli:login:logout-ends-it-there-and-here")
async def test_an_operator_logs_in_by_a_code_holds_a_file_of_their_own_and_logs_out(served: Deployment, shell: Shell):
    """RFC 8628 §3, ASVS 14.3, RFC 7009 §2.1: the page says who asks for what; a file that others can read is not used; a copy dies."""
    shown = await logged_in(served, shell)
    (kept,) = shell.files
    held = json.loads(kept.read_text())
    mode, folder = stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)

    kept.chmod(0o644)
    refused = shell.here("kill", "list", "--server", served.issuer)
    kept.chmod(0o600)
    ended = shell.here("logout", "--server", served.issuer)

    assert "authserver command line" in shown
    assert "Stop people, applications, tools and servers" in shown
    assert "Rotate and remove signing keys" not in shown
    assert (0o600, 0o700) == (mode, folder)
    assert 1 == refused.exit_code
    assert "can be read by others" in refused.stderr
    assert held["access_token"] not in refused.stderr + ended.output
    assert 0 == ended.exit_code
    assert [] == shell.files
    async with httpx2.AsyncClient() as http:
        form = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"], "client_id": held["client_id"]}
        after = await http.post(f"{served.issuer}/token", data=form)
    assert "invalid_grant" == after.json()["error"]


@pytest.mark.requirement("cli:login:a-no-is-a-no")
async def test_a_no_at_the_browser_ends_the_command_with_one_sentence(served: Deployment, shell: Shell):
    """RFC 8628 §3.5 access_denied."""
    process = shell.start("login", "--server", served.issuer, "--json")
    await type_code(served, told_code(process)["type"], "deny")

    _, errors = process.communicate(timeout=120)

    assert 1 == process.returncode
    assert ["error: the person at the browser said no."] == errors.splitlines()
    assert [] == shell.files


# ---------------------------------------------------------------------------------------------------------------------
# A server that is none
# ---------------------------------------------------------------------------------------------------------------------


class Odd:
    """A server on loopback that answers as the test says, and remembers what it was sent."""

    def __init__(
        self, answer: Callable[["Odd", str], tuple[int, dict[str, str], bytes]], tls: ssl.SSLContext | None = None
    ) -> None:
        self.sent: list[tuple[str, str]] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                odd.sent.append((self.path, self.rfile.read(length).decode() + str(self.headers)))
                status, headers, body = answer(odd, self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _any  # noqa: N815 - the standard library's names

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def metadata(odd: Odd, **changed: str) -> bytes:
    said = {
        "issuer": odd.url, "token_endpoint": f"{odd.url}/token",
        "device_authorization_endpoint": f"{odd.url}/device_authorization", "revocation_endpoint": f"{odd.url}/revoke",
    }  # fmt: skip
    return json.dumps(said | changed).encode()


ODD: dict[str, tuple[Callable[[Odd, str], tuple[int, dict[str, str], bytes]], str]] = {
    "garbage": (lambda _odd, _path: (200, {}, b"<html>\x1b[31mhello"), "not from an authserver"),
    "not an object": (lambda _odd, _path: (200, {}, b"[1]"), "not from an authserver"),
    "twice the same member": (lambda _odd, _path: (200, {}, b'{"issuer": "a", "issuer": "b"}'), "not from an authserver"),
    "elsewhere": (lambda _odd, _path: (302, {"location": "https://evil.example/"}, b""), "sends elsewhere"),
    "another name": (lambda odd, _path: (200, {}, metadata(odd, issuer="https://evil.example")), "does not say that it is"),
    "endpoints elsewhere": (
        lambda odd, _path: (200, {}, metadata(odd, token_endpoint="https://evil.example/token")), "names one elsewhere",
    ),
    "too much": (lambda _odd, _path: (200, {}, b" " * 5_000_000), "nothing of it was used"),
    "an error": (lambda _odd, _path: (500, {}, b"{}"), "does not say that it is"),
    "a page elsewhere to type at": (
        lambda odd, path: (200, {}, metadata(odd)) if "well-known" in path else (200, {}, json.dumps({
            "device_code": "secret-code", "user_code": "A\x1b[2J", "verification_uri": "https://evil.example/device",
            "expires_in": 60,
        }).encode()),
        "sends people elsewhere",
    ),
}  # fmt: skip


@pytest.mark.requirement("cli:login:odd-servers-are-one-sentence")
@pytest.mark.parametrize("how", ODD)
def test_a_server_that_answers_oddly_is_one_plain_sentence(shell: Shell, how: str):
    """Ours: no trace, no escape codes of a stranger in the terminal, nothing kept, and nothing sent elsewhere."""
    answer, said = ODD[how]
    odd = Odd(answer)
    try:
        done = shell.here("login", "--server", odd.url)
    finally:
        odd.close()

    assert 1 == done.exit_code
    assert 1 == len(done.stderr.splitlines())
    assert said in done.stderr
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", done.output)
    assert "evil.example" not in done.output
    assert [] == shell.files


@pytest.mark.requirement("cli:login:tls-is-verified")
def test_a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent(shell: Shell, tmp_path: Path):
    """RFC 8628 §5.5, RFC 6749 §10.9: TLS is verified; a private authority is named by SSL_CERT_FILE."""
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    odd = Odd(lambda _odd, _path: (200, {}, b"{}"), tls)
    try:
        refused = shell.here("login", "--server", odd.url)
        sent = list(odd.sent)
        vouched = shell.here("login", "--server", odd.url, SSL_CERT_FILE=str(trusted))
    finally:
        odd.close()

    assert (1, 1) == (refused.exit_code, vouched.exit_code)
    assert "is not to be trusted" in refused.stderr
    assert [] == sent
    assert "does not say that it is" in vouched.stderr


@pytest.mark.requirement("cli:login:tls-is-verified")
@pytest.mark.parametrize(
    "url",
    ["http://auth.example.com", "ftp://auth.example.com", "https://auth.example.com/t/acme", "https://a@auth.example.com",
     "auth.example.com", "https://auth.example.com?x=1", "http://127.0.0.1.example.com"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_not_asked(shell: Shell, url: str):
    """Plain http is for this machine alone."""
    done = shell.here("login", "--server", url)

    assert 1 == done.exit_code
    assert done.stderr.startswith("error: --server: ")


@pytest.mark.requirement("cli:login:odd-servers-are-one-sentence")
def test_a_server_that_is_not_there_and_a_login_that_was_never_made_are_one_sentence(shell: Shell):
    """Ours."""
    nowhere = f"http://127.0.0.1:{free_port()}"

    gone, never = shell.here("login", "--server", nowhere), shell.here("kill", "list", "--server", nowhere)

    assert (1, f"error: {nowhere} cannot be reached. Nothing was sent.\n") == (gone.exit_code, gone.stderr)
    assert 1 == never.exit_code
    assert f"error: nobody is logged in at {nowhere}: `authserver login --server {nowhere}`.\n" == never.stderr


@pytest.mark.requirement("cli:login:fresh-asks-for-the-password-again")
@pytest.mark.parametrize(("words", "max_age"), [((), False), (("--fresh",), True)], ids=["as it is", "fresh"])
def test_a_fresh_login_is_asked_for_by_max_age(shell: Shell, words: tuple[str, ...], max_age: bool):
    """RFC 9470 §4; what the server does with it is shown in tests/spec."""
    odd = Odd(
        lambda odd, path: (200, {}, metadata(odd)) if "well-known" in path else (400, {}, b'{"error": "invalid_scope"}')
    )
    try:
        shell.here("login", "--server", odd.url, *words)
    finally:
        odd.close()

    (asked,) = [body for path, body in odd.sent if path == "/device_authorization"]
    assert max_age == ("max_age=0" in asked)
    assert quote(f"{odd.url}/admin/api/v1", safe="") in asked
