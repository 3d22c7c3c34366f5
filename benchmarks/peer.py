"""
npm `oidc-provider`, started for one round: installed into build/ when it is first needed, never committed.

The signing key and the passwords are made anew each time; the flows find everything else in its metadata.
"""

import base64
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.children import Child, free_port
from benchmarks.targets import OPAQUE_RESOURCE, REDIRECT_URI, RESOURCE, SCOPES, Account, Client, Target
from tests.support.postgres import PostgresServer

SOURCE = Path(__file__).parent / "peers" / "oidc-provider"
POOL = 8


class PeerError(Exception):
    """The peer cannot be run here. The message says the cure."""


def install(build: Path) -> Path:
    """Return a folder with the peer's program and its packages, installing them with npm where they are missing."""
    folder = build / "oidc-provider"
    wanted = (SOURCE / "package.json").read_text()
    installed = folder / "package.json"
    if not (folder / "node_modules" / "oidc-provider").exists() or installed.read_text() != wanted:
        npm = shutil.which("npm")
        if npm is None:
            raise PeerError("npm is not here: install Node, or measure ours alone with --skip-peer")
        folder.mkdir(parents=True, exist_ok=True)
        installed.write_text(wanted)
        command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            installed.unlink()
            raise PeerError(
                f"npm install failed; try again, or measure ours alone with --skip-peer:\n{done.stderr[-2000:]}"
            )
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    return folder


def node(folder: Path) -> Path:
    """Return the Node that runs the peer: the one its package.json names, else the machine's."""
    own = folder / "node_modules" / ".bin" / "node"
    found = own if own.exists() else shutil.which("node")
    if found is None:
        raise PeerError("no Node: install Node 24, or measure ours alone with --skip-peer")
    return Path(found)


def versions(folder: Path) -> dict[str, str]:
    """Return what the peer is made of, for the report."""
    said = {"node": subprocess.run([node(folder), "-v"], capture_output=True, text=True, check=True).stdout.strip()}
    for package in ("oidc-provider", "better-sqlite3", "pg"):
        said[package] = json.loads((folder / "node_modules" / package / "package.json").read_text())["version"]
    return said


@contextmanager
def running(
    folder: Path, scratch: Path, *, store: str, core: int | None, postgres: PostgresServer | None, people: int
) -> Iterator[Target]:
    """Run the peer on a store: `memory`, `sqlite FULL`, `sqlite NORMAL` or `postgresql`."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    machine = Client(id="benchmark-machine", secret=secrets.token_urlsafe(32))
    web = Client(id="benchmark-web", secret=secrets.token_urlsafe(32))
    native = Client(id="benchmark-native")
    accounts = tuple(
        Account(email=f"person{number}@example.com", password=secrets.token_urlsafe(12)) for number in range(people)
    )
    kind, _, synchronous = store.partition(" ")
    rows: dict[str, object] = {"kind": kind}
    if kind == "sqlite":
        rows |= {"file": str(scratch / "peer.db"), "synchronous": synchronous}
    elif kind == "postgresql":
        assert postgres is not None
        rows |= {"url": postgres.empty_database().owner, "pool": POOL}
    settings = scratch / "peer.json"
    settings.write_text(
        json.dumps(
            {
                "port": port,
                "issuer": issuer,
                "resource": RESOURCE,
                "opaque_resource": OPAQUE_RESOURCE,
                "scopes": SCOPES,
                "signing_key": _signing_key(),
                "cookie_key": secrets.token_urlsafe(32),
                "clients": [_registered(client) for client in (machine, web, native)],
                "accounts": [{"email": account.email, "password": account.password} for account in accounts],
                "argon2": {"memory": 19 * 1024, "passes": 2},
                "store": rows,
            }
        )
    )
    child = Child(
        [node(folder), folder / "server.js", settings],
        log=scratch / "peer.log",
        core=core,
        folder=folder,
        environment={"NODE_ENV": "production"},
    )
    try:
        first_answer_s = child.wait_for(f"{issuer}/.well-known/oauth-authorization-server")
        yield Target(
            name="oidc-provider",
            store=store,
            port=port,
            pid=child.pid,
            database_pid=postgres.pid if kind == "postgresql" and postgres else None,
            issuer=issuer,
            machine=machine,
            web=web,
            native=native,
            # It tells a client of that client's own tokens alone.
            resource_server=machine,
            introspected=OPAQUE_RESOURCE,
            accounts=accounts,
            first_answer_s=first_answer_s,
        )
    finally:
        child.stop()


def _registered(client: Client) -> dict[str, object]:
    """Return a client as the peer's configuration spells it."""
    is_machine = client.id == "benchmark-machine"
    said: dict[str, object] = {
        "client_id": client.id,
        "token_endpoint_auth_method": "client_secret_basic" if client.secret else "none",
        "grant_types": ["client_credentials"] if is_machine else ["authorization_code", "refresh_token"],
        "response_types": [] if is_machine else ["code"],
        "redirect_uris": [] if is_machine else [REDIRECT_URI],
        # `native` would show a page each time: the same flow, so the same kind of application, for both interactive ones.
        "application_type": "web",
    }
    return said | ({"client_secret": client.secret} if client.secret else {})


def _signing_key() -> dict[str, str]:
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()

    def text(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()

    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "kid": "benchmark",
        "x": text(numbers.public_numbers.x),
        "y": text(numbers.public_numbers.y),
        "d": text(numbers.private_value),
    }
