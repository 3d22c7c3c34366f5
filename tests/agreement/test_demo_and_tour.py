"""`make demo` and `make tour` as a newcomer meets them, and the two clients that they will try first."""

import asyncio
import base64
import json
import signal
import socket
import stat
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp import Client as FastMCPClient
from fastmcp.client.auth import OAuth
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.agreement.demo_process import ROOT, Demo, running
from tests.agreement.people import BrowserPerson, FormPerson, Person, listening
from tests.browser.conftest import chromium

ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"], ids=["2025-11-25", "2026-07-28"])

BY_CHROMIUM = pytest.param(
    "chromium",
    marks=[
        pytest.mark.browser,
        pytest.mark.skipif(chromium() is None, reason="NO BROWSER: install chromium or set $CHROMIUM"),
    ],
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running(tmp_path_factory.mktemp("demo") / "data") as running_demo:
        yield running_demo


def somebody(kind: str, user: dict[str, Any], *, ticks: str) -> Person:
    given = {"email": user["email"], "password": user["password"], "ticks": frozenset({ticks})}
    if kind == "chromium":
        return BrowserPerson(executable=str(chromium()), **given)
    return FormPerson(**given)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Storage:
    """What the SDK remembers."""

    def __init__(self, client_id: str, redirect_uri: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull.model_validate(
            {"client_id": client_id, "redirect_uris": [redirect_uri], "token_endpoint_auth_method": "none"}
        )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


# ---------------------------------------------------------------------------------------------------------------------
# The clients
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("agreement:sdk:steps-up-by-itself")
@ERAS
@pytest.mark.parametrize("kind", ["forms", BY_CHROMIUM])
async def test_the_official_sdk_logs_in_reads_is_refused_steps_up_and_writes(demo: Demo, mode: str, kind: str):
    """MCP A27, SEP-2350; the way of every official client, in both protocol eras."""
    person = somebody(kind, demo.user("alice"), ticks="update_order")
    met: list[tuple[str, int]] = []

    async def note(response: httpx2.Response) -> None:
        met.append((response.request.url.path, response.status_code))

    async with listening() as callback:
        storage = Storage(demo.public_client["client_id"], callback.url)
        provider = OAuthClientProvider(
            demo.facts["resource"],
            OAuthClientMetadata.model_validate(
                {"redirect_uris": [callback.url], "token_endpoint_auth_method": "none", "client_name": "SDK"}
            ),
            storage,
            person.visit,
            lambda: take(callback),
        )
        http = httpx2.AsyncClient(auth=provider, timeout=60, trust_env=False, event_hooks={"response": [note]})
        transport = streamable_http_client(demo.facts["resource"], http_client=http)
        async with http, Client(transport, mode=mode) as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
            found = await client.call_tool("search_orders", {"query": "lamp"})
            first = set(str(storage.tokens.scope).split())
            changed = await client.call_tool("update_order", {"order_id": "A-1002", "note": f"by {mode} and {kind}"})
            second = set(str(storage.tokens.scope).split())
            spoken = client.protocol_version

    assert {tool["name"] for tool in demo.facts["tools"]} == listed
    assert ["A-1002"] == [order["id"] for order in found.structured_content["orders"]]
    assert {"orders:read", "customers:read", "tickets:read"} == first - {"offline_access"}
    assert first | {"orders:write", "tool:update_order"} == second
    assert f"by {mode} and {kind}" == changed.structured_content["note"]
    assert [(), ("update_order",)] == person.asked_about
    assert ("/mcp", 401) in met
    assert ("/mcp", 403) in met
    assert "127.0.0.1" in person.read[0]
    assert "Demo app" in person.read[0]
    assert ("2025-11-25" if mode == "legacy" else mode) == spoken


async def take(callback) -> AuthorizationCodeResult:
    return AuthorizationCodeResult.model_validate(await callback.answers.get())


@pytest.mark.requirement("agreement:fastmcp:steps-up-by-itself")
@pytest.mark.filterwarnings("ignore:Using in-memory token storage:UserWarning")
@ERAS
@pytest.mark.parametrize("kind", ["forms", BY_CHROMIUM])
async def test_fastmcps_client_logs_in_reads_is_refused_steps_up_and_writes(
    demo: Demo, mode: str, kind: str, monkeypatch: pytest.MonkeyPatch
):
    """MCP A27; FastMCP opens a browser and listens on a port of its own."""
    person = somebody(kind, demo.user("gina"), ticks="update_order")
    visits: list[asyncio.Task[None]] = []

    def open_browser(url: str) -> bool:
        visits.append(asyncio.get_running_loop().create_task(person.visit(url)))
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    auth = OAuth(client_id=demo.public_client["client_id"], callback_host="127.0.0.1")
    transport = StreamableHttpTransport(demo.facts["resource"], auth=auth)

    async with FastMCPClient(transport, mode=mode) as client:
        listed = {tool.name for tool in await client.list_tools()}
        found = await client.call_tool("search_orders", {"query": "lamp"})
        changed = await client.call_tool("update_order", {"order_id": "G-1002", "note": f"by {mode} and {kind}"})
    await asyncio.gather(*visits)

    assert {tool["name"] for tool in demo.facts["tools"]} == listed
    assert ["G-1002"] == [order["id"] for order in found.structured_content["orders"]]
    assert f"by {mode} and {kind}" == changed.structured_content["note"]
    assert [(), ("update_order",)] == person.asked_about


# ---------------------------------------------------------------------------------------------------------------------
# The demo and the tour
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("demo:facts:hold-what-scripts-need")
def test_the_demo_writes_down_what_a_script_needs(demo: Demo):
    """Design §4: programs rely on these members."""
    facts = demo.facts

    for slug in ("acme", "globex"):
        people = [user for user in facts["users"] if slug == user["tenant"]]
        assert 3 == len(people)
        assert 2 == sum("approver" in user["roles"] for user in people)
    assert {"http://127.0.0.1/callback", "http://localhost/callback"} == set(demo.public_client["redirect_uris"])
    assert demo.public_client["tenant"] is None
    assert [one for one in facts["clients"] if "client_credentials" in one["grant_types"] and one["client_secret"]]
    assert {"client_id", "client_secret", "scope"} <= set(facts["admin"])
    assert {"client_id", "client_secret"} <= set(facts["resource_server"])
    assert {"read", "write", "destructive"} == {tool["class"] for tool in facts["tools"]}
    assert {"refund_order", "delete_order"} == {tool["name"] for tool in facts["tools"] if tool["approval"] is True}
    (exchange,) = facts["exchanges"]
    assert (facts["resource"], facts["upstream"]["resource"]) == (exchange["resource"], exchange["to"])
    assert {
        "resource": exchange["resource"],
        "to": exchange["to"],
        "scopes": [f"{name}={' '.join(needed)}" for name, needed in exchange["scopes"].items()],
    } in demo.told("exchange", "list")
    assert "ready" == demo.said[-1]


@pytest.mark.requirement("demo:secrets:are-for-their-owner-alone")
def test_what_holds_secrets_can_be_read_by_its_owner_alone(demo: Demo):
    """Ours: a demo's passwords open its servers too."""
    modes = {
        name: stat.S_IMODE((demo.folder / name).stat().st_mode) for name in ("demo.json", "env", "kek", "orders.secret")
    }

    assert {"demo.json": 0o600, "env": 0o600, "kek": 0o600, "orders.secret": 0o600} == modes
    assert 0o700 == stat.S_IMODE(demo.folder.stat().st_mode)


@pytest.mark.requirement("demo:tour:every-step-holds")
def test_the_tour_walks_through_a_running_demo_and_every_step_holds(demo: Demo):
    """Design §4: exit 0 only if each step held."""
    command = [sys.executable, "-m", "authserver", "demo", "--tour", "--json", "--data-dir", str(demo.folder)]
    ports = ["--port", str(demo.port), "--mcp-port", str(demo.mcp_port)]

    toured = subprocess.run([*command, *ports], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)

    steps = [json.loads(line) for line in toured.stdout.splitlines()]
    assert [] == [step for step in steps if not step["held"]], toured.stderr
    assert 0 == toured.returncode
    assert 24 <= len(steps)


@pytest.mark.requirement("demo:tour:every-step-holds")
def test_a_tour_whose_steps_do_not_hold_ends_with_one(demo: Demo, tmp_path: Path):
    """Design §4: a tour that cannot fail would show nothing."""
    spoilt = tmp_path / "data"
    spoilt.mkdir()
    for name in ("env", "kek", "authserver.db"):
        (spoilt / name).symlink_to(demo.folder / name)
    facts = demo.facts
    next(user for user in facts["users"] if user["email"].startswith("alice@"))["password"] = "not-hers"
    (spoilt / "demo.json").write_text(json.dumps(facts))
    command = [sys.executable, "-m", "authserver", "demo", "--tour", "--json", "--data-dir", str(spoilt)]
    ports = ["--port", str(demo.port), "--mcp-port", str(demo.mcp_port)]

    toured = subprocess.run([*command, *ports], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)

    assert 1 == toured.returncode
    assert not json.loads(toured.stdout.splitlines()[-1])["held"]


@pytest.mark.requirement("demo:start:second-keeps-the-data")
def test_a_second_start_keeps_the_data_and_ctrl_c_ends_both_servers(tmp_path: Path):
    """Design §4; and whoever presses Ctrl-C wants their ports back."""
    first = Demo(tmp_path / "data")
    first.wait_until_ready()
    known = first.facts
    assert 0 == first.end(signal.SIGINT)
    assert [False, False] == [answers(port) for port in (first.port, first.mcp_port)]

    with running(tmp_path / "data", port=first.port, mcp_port=first.mcp_port) as second:
        assert known == second.facts

    with running(tmp_path / "data") as moved:
        assert known["users"] == moved.facts["users"]
        assert known["clients"] == moved.facts["clients"]
        assert f"http://127.0.0.1:{moved.mcp_port}/mcp" == moved.facts["resource"]
        assert known["upstream"] == moved.facts["upstream"]
        assert [moved.facts["resource"]] == [exchange["resource"] for exchange in moved.facts["exchanges"]]


@pytest.mark.requirement("demo:start:leaves-nothing-behind")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent died")
def test_a_demo_that_is_killed_hard_leaves_no_server_behind(tmp_path: Path):
    """Ours: otherwise the next start finds its ports taken by ghosts."""
    demo = Demo(tmp_path / "data")
    demo.wait_until_ready()

    demo.end(signal.SIGKILL)

    deadline = time.monotonic() + 60
    while any(answers(port) for port in (demo.port, demo.mcp_port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [False, False] == [answers(port) for port in (demo.port, demo.mcp_port)]


@pytest.mark.requirement("demo:start:says-the-cure")
def test_a_taken_port_and_a_strange_folder_are_named_with_the_cure(tmp_path: Path):
    """Ours: the two ways in which a first start goes wrong."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = Demo(tmp_path / "data", port=holder.getsockname()[1])
        assert 1 == taken.process.wait(timeout=120)
        taken.end()
    strange = Demo(tmp_path / "mine", "--fresh")
    assert 1 == strange.process.wait(timeout=120)
    strange.end()

    assert "choose another with --port" in taken.errors.read_text()
    assert "left alone" in strange.errors.read_text()
    assert "years of work" == (tmp_path / "mine" / "thesis.txt").read_text()


@pytest.mark.requirement("demo:start:says-the-cure")
@pytest.mark.parametrize("words", [(), ("--fresh",), ("--tour",)], ids=["plain", "fresh", "tour"])
def test_a_second_demo_with_the_data_of_a_running_one_is_refused(demo: Demo, words: tuple[str, ...]):
    """Ours: on other ports it would move the data there, and with --fresh remove it, under the feet of the first."""
    before = demo.facts
    command = [sys.executable, "-m", "authserver", "demo", "--data-dir", str(demo.folder), "--port=0", "--mcp-port=0"]

    second = subprocess.run([*command, *words], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)

    assert 1 == second.returncode
    assert before["issuer"] in second.stderr
    assert "--data-dir" in second.stderr
    assert before == demo.facts


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return 0 == probe.connect_ex(("127.0.0.1", port))
