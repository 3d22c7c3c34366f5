"""The deployment that the pages are looked at in: one customer, its people, and an MCP server with orders."""

import json
from pathlib import Path

from tests.browser.test_flow import MCP, PASSWORD, TOOLS
from tests.support.deployment import Deployment, free_port


def acme(folder: Path, *, grace: str) -> Deployment:
    """Return it, migrated and not yet served; `grace` is the role of the one who decides."""
    made = Deployment.migrated(folder, port=free_port())
    (folder / "tools.json").write_text(json.dumps(TOOLS))
    made.told("tenant", "add", "acme", "--name", "Acme Industries")
    scopes = ("--scope", "orders:read=See orders and what is in them", "--scope", "orders:write=Change orders")
    links = ("--link", "acme", "--tools", str(folder / "tools.json"))
    made.credential = made.told("resource", "add", MCP, "--name", "Orders", *scopes, *links)
    for email, name, role in (
        ("ada@acme.example", "Ada Lovelace", "member"),
        ("edsger@acme.example", "Edsger Dijkstra", "member"),
        ("grace@acme.example", "Grace Hopper", grace),
    ):
        words = ("--tenant", "acme", "--name", name, "--role", role, "--password-file", "-")
        made.told("user", "add", email, *words, typed=PASSWORD + "\n")
    return made
