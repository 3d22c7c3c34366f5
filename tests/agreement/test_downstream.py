"""A tool that asks an API too often: its requests are counted, and its caller hears `rate_limited`, by the official SDK and by FastMCP."""

import contextlib
import json

import httpx2
import pytest

from resource_lib import DownstreamLimitedError, NoPrincipalError, Output, ResourceGuard, SettingsError, read
from resource_lib.testing import TestIssuer
from tests.agreement.test_guard_integrations import ERAS, Bearer, sdk_client
from tests.support.approved import Approved, Shop
from tests.support.bare import BARE
from tests.support.guarded import free_socket, serving


class Api(httpx2.AsyncBaseTransport):
    """An API that notes what reaches it, and answers as it is told."""

    def __init__(self):
        self.seen = []
        self.answers = []

    async def handle_async_request(self, request):
        self.seen.append(str(request.url))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        return httpx2.Response(status, headers=headers, text="fine")


def guard_at(resource="https://mcp.example.com/mcp", **settings):
    issuer = TestIssuer(resource=resource)
    tools = {name: read("notes:read") for name in ("report", "careful", "plain")}
    return issuer, ResourceGuard(
        **{"issuer": issuer.issuer, "resource": resource, "tools": tools, "keys": issuer.keys(), **settings}
    )


def sdk_app(api):
    from mcp.server import MCPServer

    server = MCPServer("reports")
    tools_of(server, api)
    return server.streamable_http_app()


def fastmcp_app(api):
    from fastmcp import FastMCP

    server = FastMCP("reports", mask_error_details=True)
    tools_of(server, api)
    return server.http_app()


def tools_of(server, api):
    @server.tool()
    async def report() -> str:
        return (await api.get("https://crm.example.com/orders")).text

    @server.tool()
    async def careful() -> str:
        try:
            return (await api.get("https://crm.example.com/orders")).text
        except DownstreamLimitedError:
            return "from memory"

    @server.tool()
    async def plain() -> str:
        with contextlib.suppress(DownstreamLimitedError):
            await api.get("https://crm.example.com/orders")
        raise RuntimeError("something else")


@ERAS
@pytest.mark.parametrize("app_of", [sdk_app, fastmcp_app])
@pytest.mark.parametrize("output", ["on", "off"])
@pytest.mark.requirement("limits:downstream:is-heard-as-rate-limited")
async def test_a_tool_that_asks_too_often_answers_rate_limited(app_of, mode, output):
    """C40, C42: one typed answer, whichever framework turned the exception into a result; what a tool caught stays its own."""
    place = free_socket()
    settings = {"output": None} if output == "off" else {}
    heard = []
    from resource_lib import Limits

    issuer, guard = guard_at(
        f"http://127.0.0.1:{place.getsockname()[1]}/mcp", limits=Limits(on_limited=heard.append), **settings
    )
    behind = Api()
    bearer = Bearer(issuer.token(scopes=["notes:read"]))
    async with (
        guard.downstream("crm", "1/hour", transport=behind) as api,
        serving(guard.wrap(app_of(api)), place),
        sdk_client(issuer.resource, bearer, mode) as client,
    ):
        first = await client.call_tool("report", {})
        over = await client.call_tool("report", {})
        caught = await client.call_tool("careful", {})
        other = await client.call_tool("plain", {})

    assert ("fine", False) == (first.content[0].text, bool(first.is_error))
    assert over.is_error
    said = json.loads(over.content[-1].text[over.content[-1].text.index("{") :])
    assert ("rate_limited", "downstream", "crm", 1, 3600, 0) == tuple(
        said[name] for name in ("error", "scope", "downstream", "limit", "window_s", "remaining")
    )
    assert 3500 < said["retry_after_s"] <= 3600
    assert "Traceback" not in str(over)
    assert ("from memory", False) == (caught.content[0].text, bool(caught.is_error))
    assert other.is_error
    assert "crm" not in str(other)
    assert 1 == len(behind.seen)
    if output == "on":
        assert "report" == said["tool"]
        assert said == over.meta["authserver/error"]
        assert [("downstream", "report")] == [(one.scope, one.tool) for one in heard]


@pytest.mark.requirement("limits:downstream:everything-is-counted")
async def test_redirects_repetitions_and_retries_are_counted():
    """C40: what the API sees is what is counted."""

    class Again(httpx2.AsyncBaseTransport):
        def __init__(self, inner):
            self.inner = inner

        async def handle_async_request(self, request):
            for _ in range(3):
                response = await self.inner.handle_async_request(request)
                if response.status_code != 503:
                    break
            return response

    class Login(httpx2.Auth):
        def auth_flow(self, request):
            response = yield request
            if response.status_code == 401:
                yield request

    _, guard = guard_at()
    behind = Api()
    behind.answers = [(302, {"location": "/b"}), (200, {}), (401, {}), (200, {}), (503, {}), (503, {}), (503, {})]
    crm = guard.downstream("crm", "7/hour", transport=behind, around=Again, follow_redirects=True, auth=Login())

    for _ in range(3):
        await crm.get("https://crm.example.com/a")
    with pytest.raises(DownstreamLimitedError) as over:
        await crm.get("https://crm.example.com/a")

    assert 7 == len(behind.seen)
    assert "crm" == over.value.downstream


@pytest.mark.requirement("limits:downstream:everything-is-counted")
async def test_nothing_goes_past_the_count(monkeypatch):
    """C40: not by the environment's proxies, not by mounts; one API has one limit, whoever asks for a client."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    _, guard = guard_at()
    assert "option" == guard.doctor().controls["C40"][0]
    behind = Api()
    one, two = (guard.downstream("crm", "3/hour", transport=behind) for _ in range(2))
    for client in (one, two, one):
        await client.get("https://crm.example.com/")

    for client in (one, two):
        with pytest.raises(DownstreamLimitedError):
            await client.get("https://crm.example.com/")
    with pytest.raises(SettingsError, match="elsewhere"):
        guard.downstream("crm", "4/hour")
    for options in ({"mounts": {"all://": behind}}, {"transport": behind, "proxy": "http://127.0.0.1:1"}):
        with pytest.raises(SettingsError, match="past the count"):
            guard.downstream("other", "3/hour", **options)
    for wrong in ("3/hour per nobody", "often", "", "3"):
        with pytest.raises(SettingsError):
            guard.downstream("other", wrong)
    assert {"crm": "3/3600s per server"} == guard.doctor().downstream
    assert "on" == guard.doctor().controls["C40"][0]


@pytest.mark.requirement("limits:downstream:waits-in-bounds")
async def test_a_request_waits_for_its_turn_and_not_longer_than_it_may():
    """C40: waiting is asked for, bounded, and for a few."""
    _, guard = guard_at()
    behind = Api()
    quick = guard.downstream("quick", "20/s", wait_s=5, transport=behind)
    for _ in range(25):
        await quick.get("https://crm.example.com/")

    slow = guard.downstream("slow", "1/hour", wait_s=5, transport=behind)
    await slow.get("https://crm.example.com/")
    with pytest.raises(DownstreamLimitedError):
        await slow.get("https://crm.example.com/")

    assert 26 == len(behind.seen)


@pytest.mark.requirement("limits:downstream:whose")
async def test_a_limit_per_tenant_asks_who_is_calling():
    """C38: outside a call there is nobody whose it could be."""
    _, guard = guard_at(**BARE)
    crm = guard.downstream("crm", "1/hour per tenant", transport=Api())

    with pytest.raises(NoPrincipalError):
        await crm.get("https://crm.example.com/")


class Reselling(Shop):
    """A shop that asks an API for each refund, and tells its caller what came of it as a framework does."""

    api = None

    async def _call(self, said, send):
        try:
            await self.api.get("https://pay.example.com/refunds")
            self.result = None
        except DownstreamLimitedError as error:
            text = f"Error executing tool refund: {error}"
            self.result = {"content": [{"type": "text", "text": text}], "isError": True}
        await super()._call(said, send)


@pytest.mark.requirement("limits:downstream:is-heard-as-rate-limited")
async def test_an_approved_call_over_the_limit_of_an_api_hears_so_too():
    """Decision 13, C40: it has run, once; what came of it is said, and said again, as the typed answer."""
    shop = Reselling()
    it = Approved(shop=shop, output=Output())
    shop.api = it.guard.downstream("pay", "1/hour", transport=Api())

    first = await it.approved(arguments={"order": "o1"})
    await it.landed()
    over = await it.approved(arguments={"order": "o2"})
    await it.landed()

    assert "result" in first.json
    assert not first.json["result"].get("isError")
    assert ("rate_limited", "downstream", "pay", "refund") == tuple(
        over.error[name] for name in ("error", "scope", "downstream", "tool")
    )
    assert 2 == len(shop.ran)
