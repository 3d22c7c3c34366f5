"""
The sandbox we ship: compose.yaml and Dockerfile read as data, and the real nginx and PostgreSQL run on their files.

No container engine runs these tests: what only an engine can show (that the images start, that the networks are closed)
is not claimed here; `deploy/README.md` lists it.
"""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.postgres import _binaries, postgres_server
from tests.support.processes import accepts, free_port

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SUITES = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


# ---------------------------------------------------------------------------------------------------------------------
# compose.yaml and Dockerfile
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("deploy:containers:are-locked-down")
@each_service
def test_no_container_is_root_writes_its_root_or_keeps_a_capability(name: str):
    """C62."""
    service = SERVICES[name]

    uid, gid = service["user"].split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert service["read_only"] is True
    assert ["ALL"] == service["cap_drop"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "devices", "pid", "ipc", "network_mode", "userns_mode"} & set(service)
    for mount in service.get("tmpfs", []):
        assert {"noexec", "nosuid", "nodev"} <= set(mount.partition(":")[2].split(","))
    for volume in service.get("volumes", []):
        assert "docker.sock" not in volume
        assert volume.startswith(("postgres:", "record:")) or volume.endswith(":ro")


@pytest.mark.requirement("deploy:containers:are-bounded-and-watched")
@each_service
def test_every_container_has_limits_and_a_sign_of_health(name: str):
    """C62: one that runs wild takes nobody along."""
    service = SERVICES[name]

    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} == set(limits)
    assert service["healthcheck"].get("test") or "migrate" == name


@pytest.mark.requirement("deploy:images:are-pinned")
@each_service
def test_every_image_is_pinned_to_an_exact_version(name: str):
    """C63: `latest` is whatever somebody pushed last night."""
    image = SERVICES[name]["image"]

    assert re.search(r":v?\d+\.\d+(\.\d+)?[\w.-]*$", image), image


@pytest.mark.requirement("deploy:secrets:are-files")
def test_secrets_are_mounted_files_and_stand_in_no_variable_argument_or_commit():
    """C62: environments and arguments are read by whoever lists processes, and logged."""
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY|TOKEN|KEK", variable):
                assert variable.endswith("_FILE"), (name, variable)
                assert value.startswith("/run/secrets/"), (name, variable)
        for word in [*service.get("environment", {}).values(), *service.get("command", [])]:
            assert not re.search(r"://[^/\s]*:[^/\s]*@", word), name
            assert not re.search(r"(?i)--?(requirepass|password|secret)", word), name
        for secret in service.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]

    assert {Path("deploy/secrets")} == {Path(entry["file"]).parent for entry in COMPOSE["secrets"].values()}
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "*" == next(line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#"))


@pytest.mark.requirement("deploy:networks:one-door-in-one-way-out")
def test_only_the_proxies_touch_the_outside_and_only_loopback_is_published():
    """C60, C62: the servers have no route to the internet; the one way out has an allow-list."""
    inside = {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")}
    for name, service in SERVICES.items():
        outside = set(service["networks"]) - inside
        assert (outside == {"outside"}) if name in {"proxy", "egress"} else (outside == set()), name
        for port in service.get("ports", []):
            assert "proxy" == name
            assert port.startswith("127.0.0.1:")

    assert {"postgres", "valkey"} == {
        name for name, one in SERVICES.items() if {"data"} == set(one["networks"]) and name != "migrate"
    }
    assert "edge" not in SERVICES["egress"]["networks"]
    assert "data" not in SERVICES["proxy"]["networks"]
    squid = (ROOT / "deploy/egress/squid.conf").read_text()
    rules = [line for line in squid.splitlines() if line.startswith("http_access")]
    assert "http_access deny private" == rules[0]
    assert "http_access deny all" == rules[-1]
    assert ["http_access allow inside listed"] == [rule for rule in rules if " allow " in rule]


@pytest.mark.requirement("deploy:images:are-pinned")
def test_the_image_is_built_from_hashed_wheels_and_runs_as_nobody():
    """C62, C63."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    instructions = [line for line in lines if re.match(r"[A-Z]+ ", line)]

    assert re.fullmatch(r"ARG PYTHON=\d+\.\d+\.\d+-slim-\w+", next(line for line in lines if line.startswith("ARG")))
    assert 2 == sum(line.startswith("FROM ") for line in instructions)
    assert "USER 10001:10001" == [line for line in instructions if line.startswith("USER")][-1]
    assert not [
        line
        for line in instructions[instructions.index("USER 10001:10001") :]
        if line.startswith(("RUN", "COPY", "ADD"))
    ]
    assert not [line for line in instructions if line.startswith("ADD")]
    (install,) = [line for line in lines if "pip" in line and "install" in line]
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    locked = (ROOT / "requirements/runtime.txt").read_text()
    pins = [line for line in locked.splitlines() if re.match(r"[a-z0-9].*==", line)]
    assert len(pins) == sum(line.endswith("\\") for line in pins)
    assert locked.count("--hash=sha256:") >= len(pins)


@pytest.mark.requirement("deploy:secrets:are-files")
def test_the_secrets_are_made_once_behind_a_closed_folder_and_the_server_takes_them(tmp_path: Path):
    """Ours: a second run must not lock the database out."""
    make = [sys.executable, str(ROOT / "deploy/make_secrets.py"), str(tmp_path / "secrets")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    subprocess.run(make, check=True, capture_output=True, env=environment)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(make, check=True, capture_output=True, env=environment)
    second = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    assert first == second
    assert set(COMPOSE["secrets"]) == set(first)
    assert 0o700 == (tmp_path / "secrets").stat().st_mode & 0o777
    passwords = [text for name, text in first.items() if name.endswith("_password")]
    assert len(passwords) == len(set(passwords))
    assert all(len(password) == 64 for password in passwords)

    from authserver.runtime.serving import check_exposure
    from authserver.settings import load_settings

    (tmp_path / "serve").mkdir()
    (tmp_path / "serve" / "env").write_text(first["authserver_env"])
    settings = load_settings(tmp_path / "serve")
    assert SERVICES["authserver"]["networks"]["edge"]["ipv4_address"] == settings.host
    assert f"{SERVICES['proxy']['networks']['edge']['ipv4_address']}/32" == settings.trusted_proxies
    assert settings.issuer in SERVICES["orders"]["command"][1]
    assert (
        check_exposure(settings.host, settings.exposure, has_tls=False, has_client_ca=False, has_proxies=True) is None
    )
    assert "OWNER" not in first["authserver_env"]


# ---------------------------------------------------------------------------------------------------------------------
# The proxy, for real
# ---------------------------------------------------------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it was given."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = "\n".join(f"{name.lower()}: {value}" for name, value in self.headers.items()).encode()
        body = self.path.encode() + b"\n" + body
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The shipped configuration under a real nginx: only names of places are replaced by those of this machine."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        pytest.skip("NO NGINX: install nginx to see the shipped configuration at work")
    folder = tmp_path_factory.mktemp("proxy")
    subprocess.run(
        [sys.executable, str(ROOT / "deploy/make_secrets.py"), str(folder / "secrets")],
        check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=upstream.serve_forever, daemon=True)
    thread.start()
    port = free_port()
    config = (ROOT / "deploy/proxy/nginx.conf").read_text()
    places = {
        "/tmp/": f"{folder}/",
        "/run/secrets/": f"{folder}/secrets/",
        "listen 8443": f"listen 127.0.0.1:{port}",
        "authserver:9000": f"127.0.0.1:{upstream.server_port}",
        "orders:9001": f"127.0.0.1:{upstream.server_port}",
    }
    for shipped, here in places.items():
        assert shipped in config
        config = config.replace(shipped, here)
    (folder / "nginx.conf").write_text(config)
    command = [nginx, "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert 0 == checked.returncode, checked.stderr
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        answers = accepts(port)
        while not answers() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield port, folder / "secrets" / "tls_authority"
    finally:
        process.terminate()
        process.wait(timeout=60)
        upstream.shutdown()
        upstream.server_close()
        thread.join()


def connect(proxy: tuple[int, Path], *, name: str = "auth.localhost", **context: Any) -> ssl.SSLSocket:
    port, authority = proxy
    made = ssl.create_default_context(cafile=str(authority))
    made.minimum_version = context.get("least", ssl.TLSVersion.TLSv1_2)
    made.maximum_version = context.get("most", ssl.TLSVersion.TLSv1_3)
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    try:
        return made.wrap_socket(raw, server_hostname=name)
    except BaseException:
        raw.close()
        raise


def ask(proxy: tuple[int, Path], target: str, *headers: str, name: str = "auth.localhost") -> str:
    with connect(proxy, name=name) as tls:
        lines = [f"GET {target} HTTP/1.1", f"Host: {name}:8443", *headers, "Connection: close", "", ""]
        tls.sendall("\r\n".join(lines).encode())
        answer = b""
        while chunk := tls.recv(65536):
            answer += chunk
    return answer.decode()


@pytest.mark.requirement("deploy:tls:1.3-and-two-suites")
def test_the_proxy_speaks_tls_1_3_with_two_suites_and_nothing_older(proxy: tuple[int, Path]):
    """C61."""
    with connect(proxy) as tls:
        assert "TLSv1.3" == tls.version()
        assert tls.cipher()[0] in SUITES

    with pytest.raises(ssl.SSLError), connect(proxy, most=ssl.TLSVersion.TLSv1_2):
        pass
    (line,) = re.findall(r"ssl_conf_command Ciphersuites (\S+);", (ROOT / "deploy/proxy/nginx.conf").read_text())
    assert SUITES == set(line.split(":"))


@pytest.mark.requirement("deploy:tls:1.3-and-two-suites")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="NO OPENSSL: offering one single suite needs its s_client")
@pytest.mark.parametrize(
    ("suite", "is_taken"), [("TLS_AES_256_GCM_SHA384", True), ("TLS_CHACHA20_POLY1305_SHA256", True), ("TLS_AES_128_GCM_SHA256", False)]
)  # fmt: skip
def test_each_suite_is_taken_or_refused_when_it_is_the_only_one_offered(
    proxy: tuple[int, Path], suite: str, is_taken: bool
):
    """C61: AES-128 is a fine cipher and is not on the list."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy[0]}", "-servername", "auth.localhost", "-tls1_3"]

    offered = subprocess.run(
        [*command, "-ciphersuites", suite], input="", capture_output=True, text=True, timeout=60, check=False
    )

    assert is_taken == (f"Cipher is {suite}" in offered.stdout)


@pytest.mark.requirement("deploy:proxy:believes-nobody")
def test_what_a_caller_says_about_itself_ends_at_the_proxy(proxy: tuple[int, Path]):
    """PX-01, PX-03, MT-01: X-Forwarded-For is written anew, certificate headers are gone."""
    answer = ask(
        proxy, "/token",
        "X-Forwarded-For: 10.9.9.9", "X-Forwarded-Host: evil.example", "Forwarded: for=10.9.9.9",
        "X-Client-Cert: forged", "X-SSL-Client-Cert: forged", "X-Real-IP: 10.9.9.9",
    )  # fmt: skip

    assert "x-forwarded-for: 127.0.0.1" in answer
    assert "x-forwarded-proto: https" in answer
    assert "10.9.9.9" not in answer
    assert "evil.example" not in answer
    assert "forged" not in answer
    assert "nginx/" not in answer


@pytest.mark.requirement("deploy:proxy:believes-nobody")
def test_the_path_passes_as_sent_and_inner_pages_stay_inside(proxy: tuple[int, Path]):
    """PX-04, AD-11: a proxy that tidies paths lets `/x/..;/admin` mean two things."""
    assert "/t/acme//token?a=%2F" in ask(proxy, "/t/acme//token?a=%2F")
    assert " 404 " in ask(proxy, "/metrics").splitlines()[0]
    assert " 404 " in ask(proxy, "/readyz").splitlines()[0]
    with pytest.raises(ssl.SSLError), connect(proxy, name="orders.localhost.evil.example"):
        pass


# ---------------------------------------------------------------------------------------------------------------------
# The roles of PostgreSQL, for real
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("deploy:database:serving-role-owns-nothing")
@pytest.mark.skipif(
    "TEST_DATABASE_URL" in os.environ, reason="makes roles of fixed names, so only on a server of its own"
)
def test_the_shipped_roles_migrate_and_the_serving_role_owns_nothing(tmp_path: Path):
    """Decision 5: row-level security binds whoever serves; TN-07."""
    import asyncpg

    from authserver.runtime.migration import migrate

    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for role in ("authserver", "authserver_owner", "orders", "orders_owner"):
        (secrets / f"{role}_password").write_text(f"pw-{role}")

    with postgres_server() as server:
        psql = _psql(tmp_path)
        place = server.admin_url.rpartition("@")[2].partition("/")[0]
        environment = {
            **os.environ, "PATH": f"{psql.parent}:{os.environ['PATH']}", "PGHOST": place.partition(":")[0],
            "PGPORT": place.partition(":")[2], "POSTGRES_USER": "postgres", "SECRETS": str(secrets),
        }  # fmt: skip
        made = subprocess.run(
            ["sh", str(ROOT / "deploy/postgres/roles.sh")], env=environment, capture_output=True, text=True, check=False
        )
        assert 0 == made.returncode, made.stderr
        urls = {
            role: f"postgresql://{role}:pw-{role}@{place}/{role.removesuffix('_owner')}"
            for role in ("authserver", "authserver_owner", "orders", "orders_owner")
        }

        (tmp_path / "serving").write_text(urls["orders"])
        (tmp_path / "owning").write_text(urls["orders_owner"] + "\n")
        files = [f"--database-file={tmp_path / 'serving'}", f"--owner-database-file={tmp_path / 'owning'}"]
        shops = ["--shop", "acme=ten_a", "--shop", "globex=ten_g"]
        stocked = subprocess.run(
            [sys.executable, "-m", "examples.orders", "--issuer=https://a.example", "--stock-only", *files, *shops],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert 0 == stocked.returncode, stocked.stderr

        async def used() -> tuple[list[str], int, int]:
            assert await migrate(urls["authserver_owner"], urls["authserver"])
            found = []
            for role in ("authserver", "orders"):
                connection = await asyncpg.connect(urls[role])
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute("CREATE TABLE mine (a int)")
                found += [
                    row["tablename"]
                    for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE tableowner = $1", role)
                ]
                rows = await connection.fetchval("SELECT count(*) FROM orders") if role == "orders" else 0
                if role == "orders":
                    async with connection.transaction():
                        await connection.execute("SELECT set_config('app.tenant', 'ten_a', true)")
                        own = await connection.fetchval("SELECT count(*) FROM orders")
                await connection.close()
            return found, rows, own

        owned, without_tenant, with_tenant = asyncio.run(used())

    assert [] == owned
    assert 0 == without_tenant
    assert 5 == with_tenant


def _psql(scratch: Path) -> Path:
    with contextlib.suppress(RuntimeError):
        found = _binaries(scratch) / "psql"
        if found.exists():
            return found
    on_path = shutil.which("psql")
    if on_path is None:
        pytest.skip("NO PSQL: the shipped script is for the image of PostgreSQL, which has it")
    return Path(on_path)
