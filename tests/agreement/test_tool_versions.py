"""FastMCP keeps several versions of a tool under one name: through a guard a caller reaches the one that is listed, and no other."""

import pytest
from fastmcp import Client, FastMCP
from fastmcp.exceptions import ToolError

from resource_lib import ResourceGuard, read
from resource_lib.call import PINNED
from resource_lib.integrations.fastmcp import guarded
from resource_lib.testing import TestIssuer
from resource_lib.wire.tool_call import definition_hash
from tests.agreement.test_guard_integrations import Bearer, fastmcp_client
from tests.support.guarded import free_socket, serving

ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
RAN = []


def two_versions():
    server = FastMCP("spend")

    @server.tool(version="1", name="get_spend")
    def old(customer: str) -> int:
        """Everything that a customer ever bought, whoever asks."""
        RAN.append("1")
        return 1

    @server.tool(version="2", name="get_spend")
    def new(customer: str) -> int:
        """What a customer bought this year."""
        RAN.append("2")
        return 2

    return server


@pytest.fixture
async def spend():
    RAN.clear()
    own = free_socket()
    resource = f"http://127.0.0.1:{own.getsockname()[1]}/mcp"
    issuer = TestIssuer(resource=resource)
    guard = ResourceGuard(
        issuer=issuer.issuer,
        resource=resource,
        keys=issuer.keys(),
        tools={"get_spend": read("spend:read")},
        limits=None,
    )
    async with serving(guarded(two_versions(), guard), own):
        yield resource, Bearer(issuer.token(scopes=["spend:read"]))


@ERAS
@pytest.mark.requirement("attack:inventory:no-other-version-is-selected")
async def test_a_caller_selects_the_listed_version_and_no_other(spend, mode):
    """C53: what is reviewed, approved, validated and killed is what is listed; FastMCP alone would run the old one."""
    async with fastmcp_client(*spend, mode) as client:
        [listed] = await client.list_tools()
        plain = await client.call_tool("get_spend", {"customer": "c"})
        same = await client.call_tool("get_spend", {"customer": "c"}, version="2")
        refused = []
        for version in ("1", "3", "2.0"):
            with pytest.raises(ToolError) as error:
                await client.call_tool("get_spend", {"customer": "c"}, version=version)
            refused.append(str(error.value))

    assert "2" == listed.meta["fastmcp"]["version"]
    assert (2, 2) == (plain.data, same.data)
    assert ["2", "2"] == RAN
    assert all("Unknown tool: get_spend" in said for said in refused)


@ERAS
@pytest.mark.requirement("inventory:pin:a-client-names-what-it-tested")
async def test_a_client_that_names_what_it_was_tested_with_runs_as_that_alone(spend, mode):
    """C53: the hash is of what it was shown; a call that names another one does not run, and says why."""
    async with fastmcp_client(*spend, mode) as client:
        [listed] = await client.list_tools()
        shown = listed.model_dump(by_alias=True, exclude_none=True, mode="json")
        good = await client.call_tool("get_spend", {"customer": "c"}, meta={PINNED: definition_hash(shown)})
        with pytest.raises(ToolError) as refused:
            await client.call_tool("get_spend", {"customer": "c"}, meta={PINNED: "0" * 64})

    assert (2, ["2"]) == (good.data, RAN)
    assert "not what this application was tested with" in str(refused.value)


@pytest.mark.requirement("attack:inventory:no-other-version-is-selected")
async def test_without_a_guard_a_caller_selects_the_old_version():
    """What this is against: if FastMCP stops doing so, the check above shows nothing."""
    RAN.clear()
    async with Client(two_versions()) as client:
        await client.call_tool("get_spend", {"customer": "c"}, version="1")

    assert ["1"] == RAN
