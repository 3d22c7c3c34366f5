"""Where a demo lives: its folder, which is its own while it runs, its two ports, and what it wrote down."""

import json
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authserver.cli.operator import fail

HOST = "127.0.0.1"
FOLDER = Path("demo-data")
PORTS = (9000, 9001)

UPSTREAM = "https://shipping.example/api"
"""An API that the example server may act at. It is registered and nobody serves it: the tour plays its part."""

MARKER = "env"
"""What makes a folder ours: only a folder that has it is ever emptied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where this demo lives: one folder, two ports."""

    folder: Path
    port: int
    mcp_port: int

    @property
    def issuer(self) -> str:
        """The authorization server's name."""
        return f"http://{HOST}:{self.port}"

    @property
    def resource(self) -> str:
        """The MCP server's name, as people type it into a client."""
        return f"http://{HOST}:{self.mcp_port}/mcp"

    @property
    def metadata(self) -> str:
        """What the MCP server says about itself to everybody (RFC 9728 §3.1)."""
        return f"http://{HOST}:{self.mcp_port}/.well-known/oauth-protected-resource/mcp"

    @property
    def facts(self) -> Path:
        """What a script needs to know."""
        return self.folder / "demo.json"

    @property
    def secret(self) -> Path:
        """The MCP server's own secret, with which it asks for approvals."""
        return self.folder / "orders.secret"


def claim(place: Place) -> None:
    """Make the folder ours until this process ends: a second demo in it would move the first one's data to other ports."""
    try:
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(place.folder, os.O_RDONLY)
    except OSError as error:
        fail(f"{place.folder} cannot be used: {error.strerror}. Name another folder with --data-dir.")
    if not os.access(place.folder, os.W_OK | os.X_OK):
        fail(f"{place.folder} cannot be written to. Name another folder with --data-dir.")
    if sys.platform == "win32":
        return
    import fcntl

    try:
        # Never closed: the lock ends with the process, however that ends.
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        facts = known_facts(place)
        where = f" at {facts['issuer']} and {facts['resource']}" if facts else ""
        fail(
            f"a demo is running{where} with the data of {place.folder}: end it, "
            "or start a second one beside it with --port, --mcp-port and --data-dir. "
            "`--tour` with the ports of the first walks through that one."
        )


def forget(folder: Path) -> None:
    if not any(folder.iterdir()):
        return
    if not (folder / MARKER).exists():
        fail(f"--fresh: {folder} was not made by a demo, so it is left alone. Name another --data-dir.")
    # The folder itself stays: the lock is on it.
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def known_facts(place: Place) -> dict[str, Any]:
    try:
        facts = json.loads(place.facts.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        fail(f"{place.facts} cannot be read. `--fresh` begins anew.")
    return facts if isinstance(facts, dict) else {}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server would: a port that is only cooling down after the last run counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_running(place: Place) -> bool:
    """Whether the demo of this folder answers already, so that a tour can walk through it as it is."""
    import httpx2

    facts = known_facts(place)
    if (facts.get("issuer"), facts.get("resource")) != (place.issuer, place.resource):
        return False
    try:
        with httpx2.Client(timeout=2, trust_env=False) as client:
            about = client.get(place.metadata)
            return client.get(f"{place.issuer}/readyz").status_code == 200 and about.status_code == 200
    except httpx2.TransportError:
        return False
