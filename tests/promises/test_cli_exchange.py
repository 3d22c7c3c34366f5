"""`authserver exchange`: an operator says which MCP server may act where, and takes it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, logs_kept

MCP, API = "https://mcp.example.com/mcp", "https://api.example.com"


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    with logs_kept():
        yield


@pytest.fixture
def two_servers(tmp_path: Path) -> Deployment:
    made = Deployment.migrated(tmp_path)
    made.told("tenant", "add", "acme")
    for uri, scope in ((MCP, "orders"), (API, "invoices")):
        words = [part for verb in ("read", "write") for part in ("--scope", f"{scope}:{verb}=In words")]
        made.told("resource", "add", uri, "--name", scope, *words, "--link", "acme")
    return made


@pytest.mark.requirement("cli:exchange:add-list-remove")
def test_an_exchange_lives_from_add_to_remove(two_servers: Deployment):
    """What stands after `=` is what a caller must carry; `*` is said out loud; adding again replaces."""
    scopes = ("--scope", "invoices:read=orders:read", "--scope", "invoices:write=orders:read orders:write")
    added = two_servers.told("exchange", "add", MCP, "--to", API, *scopes, "--yes")
    replaced = two_servers.told("exchange", "add", MCP, "--to", API, "--scope", "invoices:read=*", "--yes")
    listed = two_servers.told("exchange", "list")
    removed = two_servers.told("exchange", "remove", MCP, "--to", API, "--yes")

    wanted = ["invoices:read=orders:read", "invoices:write=orders:read orders:write"]
    assert {"resource": MCP, "to": API, "scopes": wanted} == added
    assert ["invoices:read=*"] == replaced["scopes"]
    assert [replaced] == listed
    assert {"removed": MCP, "to": API} == removed
    assert [] == two_servers.told("exchange", "list")
    assert "may not act" in two_servers.run("exchange", "remove", MCP, "--to", API, "--yes").stderr


@pytest.mark.requirement("cli:exchange:add-list-remove")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((MCP, "--to", API, "--scope", "invoices:read=*"), 2, "--yes"),
        ((MCP, "--to", API, "--scope", "invoices:read", "--yes"), 2, "has no scope 'invoices:read' that a caller"),
        ((MCP, "--to", API, "--scope", "nonsense=*", "--yes"), 2, "has no scope 'nonsense'"),
        ((MCP, "--to", API, "--scope", "invoices:read=", "--yes"), 2, "or invoices:read=* for any caller"),
        ((MCP, "--to", API, "--scope", "offline_access=*", "--yes"), 2, "offline_access"),
        ((MCP, "--to", MCP, "--scope", "orders:read", "--yes"), 2, "another server"),
        (
            (MCP, "--to", "https://nobody.example", "--scope", "x=*", "--yes"),
            1,
            "to: https://nobody.example is unknown",
        ),
        ((MCP, "--to", API, "--yes"), 2, "--scope"),
    ],
)
def test_an_exchange_that_means_nothing_is_refused_with_the_cure(
    two_servers: Deployment, words: tuple[str, ...], code: int, said: str
):
    """Contract; nothing is allowed by a slip of the hand, and nothing without a yes."""
    result = two_servers.run("exchange", "add", *words)

    assert code == result.exit_code
    assert said in result.stderr
    assert [] == two_servers.told("exchange", "list")


@pytest.mark.requirement("cli:exchange:is-recorded")
def test_allowing_and_taking_back_are_recorded(two_servers: Deployment):
    """Decision 15: operator:exchange:changed, both times."""

    async def recorded(machines):
        from authserver.domain.audit import event

        rows = await event.recent(machines.work(tenant="*"))
        return [row["resource"] for row in rows if row["kind"] == "operator:exchange:changed"]

    two_servers.told("exchange", "add", MCP, "--to", API, "--scope", "invoices:read=*", "--yes")
    two_servers.told("exchange", "remove", MCP, "--to", API, "--yes")

    assert [MCP, MCP] == two_servers.inside(recorded)
