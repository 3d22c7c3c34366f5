"""Plan: the example that reads pages by path and finds them by words; I want a file beside it, and a query of mine."""

import os
import subprocess

import httpx2
import pytest

from examples.handbook import make_app
from resource_lib.testing import TestIssuer
from tests.support.guarded import free_socket, serving


@pytest.fixture
async def handbook(tmp_path):
    (tmp_path / "root" / "sales").mkdir(parents=True)
    (tmp_path / "root" / "sales" / "refunds.md").write_text("Within 30 days.", encoding="utf-8")
    (tmp_path / "root" / ".env").write_text("SECRET", encoding="utf-8")
    (tmp_path / "secret.md").write_text("SECRET", encoding="utf-8")
    (tmp_path / "root" / "link.md").symlink_to(tmp_path / "secret.md")
    place = free_socket()
    uri = f"http://127.0.0.1:{place.getsockname()[1]}/mcp"
    issuer = TestIssuer(resource=uri)
    app = make_app(tmp_path / "root", issuer=issuer.issuer, resource=uri, keys=issuer.keys(), lint="error")
    headers = {
        "authorization": f"Bearer {issuer.token(scopes=['handbook:read'])}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
    }
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}

    async with serving(app, place), httpx2.AsyncClient(headers=headers, trust_env=False) as http:

        async def called(tool, **arguments):
            params = {"name": tool, "arguments": arguments, "_meta": meta}
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            return (await http.post(uri, json=message, headers={"mcp-name": tool})).text

        yield called


@pytest.mark.requirement("safe:paths:stay-inside")
@pytest.mark.parametrize(
    "path", ["../secret.md", "sales/../../secret.md", "link.md", ".env", "/etc/passwd", "sales/refunds.md\0"]
)
async def test_no_path_leads_out_of_the_handbook(handbook, path):
    """C30: through the whole server, whoever refuses first."""
    said = await handbook("read_page", path=path)

    assert "SECRET" not in said
    assert '"isError":true' in said.replace(" ", "")
    assert "Within 30 days." in await handbook("read_page", path="sales/refunds.md")


@pytest.mark.requirement("safe:sql:values-are-bound")
async def test_what_is_asked_for_is_found_and_nothing_else(handbook):
    """C29: words are words, a page is read."""
    assert "Within 30 days." in await handbook("read_page", path="sales/refunds.md")
    assert "sales/refunds.md" in await handbook("find_pages", words="refund")
    assert "sales/refunds.md" not in await handbook("find_pages", words="' OR '1'='1")
    assert "sales/refunds.md" not in await handbook("find_pages", words="%x%")


@pytest.mark.requirement("safe:processes:arguments-stay-arguments")
async def test_the_history_of_a_page_is_told_and_no_option_of_git_is_taken(tmp_path, handbook):
    """C26, CWE-88: `--output=…` would write a file; behind `--` it is a page that is not there."""
    root = tmp_path / "root"

    before = await handbook("page_history", path="sales/refunds.md")
    for words in (
        ["init", "-q"],
        ["add", "sales"],
        ["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "Thirty days"],
    ):
        subprocess.run(
            ["git", "-C", str(root), *words], check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        )
    told = await handbook("page_history", path="sales/refunds.md")
    wrong = [
        await handbook("page_history", path=path)
        for path in ("--output=stolen.md", "-p", "../secret.md", ".git/config")
    ]

    assert "No history is kept" in before
    assert "Thirty days" in told
    assert not any("Thirty days" in said or "SECRET" in said for said in wrong)
    assert not (root / "stolen.md").exists()
