"""Clients that nobody registered: the official SDK and FastMCP's helper make themselves known to the guarded demo and log in."""

import asyncio
import webbrowser
from typing import Any

import httpx2
import pytest
from fastmcp import Client as FastMCPClient
from fastmcp.client.auth import OAuth
from fastmcp.client.transports import StreamableHttpTransport
from key_value.aio.stores.memory import MemoryStore
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.agreement.conftest import Documents
from tests.agreement.demo_process import Demo
from tests.agreement.people import Callback, FormPerson, listening

ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"], ids=["2025-11-25", "2026-07-28"])

pytestmark = pytest.mark.filterwarnings("ignore:Using in-memory token storage:UserWarning")


def somebody(demo: Demo, login: str) -> FormPerson:
    user = demo.user(login)
    return FormPerson(email=user["email"], password=user["password"], ticks=frozenset({"update_order"}))


class Memory:
    """What the SDK remembers: nothing at first."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def official_sdk(
    demo: Demo, person: FormPerson, mode: str, *, order: str = "A-1002", **options: Any
) -> tuple[Memory, list[Any]]:
    """Read, step up and write with the official SDK; returns what it remembers and what the calls gave."""

    async def came_back(callback: Callback) -> AuthorizationCodeResult:
        return AuthorizationCodeResult.model_validate(await callback.answers.get())

    memory = Memory()
    async with listening() as callback:
        about = {"redirect_uris": [callback.url], "token_endpoint_auth_method": "none", "client_name": "SDK"}
        provider = OAuthClientProvider(
            demo.facts["resource"],
            OAuthClientMetadata.model_validate(about),
            memory,
            person.visit,
            lambda: came_back(callback),
            **options,
        )
        http = httpx2.AsyncClient(auth=provider, timeout=30, trust_env=False)
        transport = streamable_http_client(demo.facts["resource"], http_client=http)
        async with http, Client(transport, mode=mode) as client:
            found = await client.call_tool("search_orders", {"query": "lamp"})
            changed = await client.call_tool("update_order", {"order_id": order, "note": f"by {mode}"})
    return memory, [found.structured_content, changed.structured_content]


@pytest.mark.requirement("interop:python-sdk:registers-itself")
@ERAS
async def test_the_official_sdk_registers_itself_logs_in_and_steps_up(demo: Demo, mode: str):
    """RFC 7591, MCP A21, A27: it knows the MCP server's address and nothing else."""
    alice = somebody(demo, "alice")

    memory, (found, changed) = await official_sdk(demo, alice, mode)

    assert memory.client is not None
    assert "none" == memory.client.token_endpoint_auth_method
    assert memory.client.client_id not in {one["client_id"] for one in demo.facts["clients"]}
    assert ["A-1002"] == [order["id"] for order in found["orders"]]
    assert f"by {mode}" == changed["note"]
    assert [(), ("update_order",)] == alice.asked_about
    assert memory.tokens is not None
    assert memory.tokens.refresh_token


@pytest.mark.requirement("interop:python-sdk:is-known-by-its-document")
@ERAS
async def test_the_official_sdk_is_known_by_its_metadata_document(demo: Demo, mode: str, documents: Documents):
    """SEP-991: the address of the document is the client's name, and any loopback port is its own."""
    about = {"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}
    address = documents.publish(f"sdk-{mode}", **about)
    gina = somebody(demo, "gina")

    memory, (found, changed) = await official_sdk(demo, gina, mode, order="G-1002", client_metadata_url=address)

    assert memory.client is not None
    assert address == memory.client.client_id
    assert ["G-1002"] == [order["id"] for order in found["orders"]]
    assert f"by {mode}" == changed["note"]
    assert [(), ("update_order",)] == gina.asked_about
    assert "localhost" in gina.read[0]


class Visits:
    """What FastMCP's helper asks of a browser."""

    def __init__(self, person: FormPerson, monkeypatch: pytest.MonkeyPatch) -> None:
        self.person = person
        self.tasks: list[asyncio.Task[None]] = []
        monkeypatch.setattr(webbrowser, "open", self.open)

    def open(self, url: str) -> bool:
        self.tasks.append(asyncio.get_running_loop().create_task(self.person.visit(url)))
        return True


@pytest.mark.requirement("interop:fastmcp:registers-itself")
@ERAS
async def test_fastmcps_helper_registers_itself_looks_before_it_opens_a_browser_and_steps_up(
    demo: Demo, mode: str, monkeypatch: pytest.MonkeyPatch
):
    """RFC 7591; it asks for /authorize itself first, and then sends the browser there with the same request."""
    visits = Visits(somebody(demo, "gina"), monkeypatch)
    auth = OAuth(token_storage=MemoryStore(), client_name="FastMCP")
    transport = StreamableHttpTransport(demo.facts["resource"], auth=auth)

    async with FastMCPClient(transport, mode=mode) as client:
        found = await client.call_tool("search_orders", {"query": "lamp"})
        changed = await client.call_tool("update_order", {"order_id": "G-1002", "note": f"by {mode}"})
    await asyncio.gather(*visits.tasks)

    assert ["G-1002"] == [order["id"] for order in found.structured_content["orders"]]
    assert f"by {mode}" == changed.structured_content["note"]
    assert [(), ("update_order",)] == visits.person.asked_about


@pytest.mark.requirement("interop:fastmcp:is-known-by-its-document")
async def test_fastmcps_helper_is_known_by_its_metadata_document(
    demo: Demo, documents: Documents, monkeypatch: pytest.MonkeyPatch
):
    """SEP-991; it looks at /authorize before it opens a browser there."""
    visits = Visits(somebody(demo, "alice"), monkeypatch)
    about = {"redirect_uris": ["http://localhost/callback"], "token_endpoint_auth_method": "none"}
    address = documents.publish("fastmcp", **about)
    auth = OAuth(token_storage=MemoryStore(), client_metadata_url=address)

    async with FastMCPClient(StreamableHttpTransport(demo.facts["resource"], auth=auth)) as client:
        found = await client.call_tool("search_orders", {"query": "lamp"})
    await asyncio.gather(*visits.tasks)

    assert ["A-1002"] == [order["id"] for order in found.structured_content["orders"]]
    assert auth.context.client_info is not None
    assert address == auth.context.client_info.client_id


@pytest.mark.requirement("interop:fastmcp:recovers-when-its-registration-is-gone")
async def test_fastmcps_helper_registers_again_when_its_registration_is_gone(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
):
    """clients.md: an unknown client is a 400 at /authorize, which is how this helper notices."""
    visits = Visits(somebody(demo, "hugo"), monkeypatch)
    store = MemoryStore()

    async def session() -> tuple[str, Any]:
        auth = OAuth(token_storage=store, client_name="FastMCP, remembered")
        async with FastMCPClient(StreamableHttpTransport(demo.facts["resource"], auth=auth)) as client:
            found = await client.call_tool("search_orders", {"query": "lamp"})
        assert auth.context.client_info is not None
        # As it is ten minutes later: the access token is of no more use.
        await auth.token_storage_adapter.set_tokens(OAuthToken(access_token="spent"))
        return str(auth.context.client_info.client_id), found.structured_content

    first, _ = await session()
    demo.told("client", "remove", first, "--yes")

    second, found = await session()
    await asyncio.gather(*visits.tasks)

    assert first != second
    assert ["G-1002"] == [order["id"] for order in found["orders"]]
