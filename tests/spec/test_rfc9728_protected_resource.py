"""RFC 9728: a client finds out whom to ask for a token."""

import pytest

from resource_lib import write
from tests.support.guarded import Guarded

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.mark.requirement("rfc9728:metadata:at-path-and-root")
@pytest.mark.parametrize(
    ("resource", "paths", "url"),
    [
        (
            "https://mcp.example.com/mcp",
            ["/mcp", "", "/"],
            "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
        ),
        ("https://mcp.example.com", ["", "/"], "https://mcp.example.com/.well-known/oauth-protected-resource"),
        ("https://mcp.example.com/", ["", "/"], "https://mcp.example.com/.well-known/oauth-protected-resource"),
        (
            "https://MCP.example.com:8443/a/b/",
            ["/a/b/", "/a/b", ""],
            "https://MCP.example.com:8443/.well-known/oauth-protected-resource/a/b/",
        ),
    ],
)
async def test_the_document_stands_at_the_path_and_at_the_root_for_everybody(resource, paths, url):
    """§3.1, MCP R3: clients probe the path form first, then the root; neither needs a token."""
    it = Guarded(resource=resource)

    answers = [await it.send("GET", WELL_KNOWN + path) for path in paths]

    assert [200] * len(paths) == [answer.status for answer in answers]
    assert 1 == len({answer.body for answer in answers})
    assert f'resource_metadata="{url}"' in (await it.send()).header("www-authenticate")
    assert 0 == it.reached


@pytest.mark.requirement("rfc9728:metadata:resource-is-byte-equal")
@pytest.mark.parametrize(
    "resource", ["https://MCP.example.com/Mcp", "https://mcp.example.com/", "https://mcp.example.com:443/a%2Fb"]
)
async def test_the_resource_is_repeated_byte_for_byte(resource):
    """§3.3, RS-30: a client compares the strings; nothing is normalised."""
    it = Guarded(resource=resource, resource_name="Notes")

    document = (await it.send("GET", WELL_KNOWN)).json

    assert {
        "resource": resource,
        "authorization_servers": [it.issuer.issuer],
        "scopes_supported": ["notes:read", "people:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Notes",
    } == document


@pytest.mark.requirement("rfc9728:metadata:least-scopes")
async def test_the_published_scopes_are_the_least_that_makes_the_server_useful():
    """MCP R5, R6; RS-30: the scopes of the read tools; no write, no tool, no offline_access, no empty list."""
    reads = (await Guarded().send("GET", WELL_KNOWN)).json["scopes_supported"]
    chosen = (await Guarded(initial_scopes=["notes:read"]).send("GET", WELL_KNOWN)).json["scopes_supported"]
    writes_only = await Guarded(tools={"add": write("notes:write")}).send("GET", WELL_KNOWN)

    assert (["notes:read", "people:read"], ["notes:read"]) == (reads, chosen)
    assert "scopes_supported" not in writes_only.json


async def test_any_page_may_read_it_and_a_cache_may_keep_it():
    """MCP users' complaint 13; §3.2: application/json."""
    it = Guarded()
    page = ("origin", "https://inspector.example")

    answer = await it.send("GET", WELL_KNOWN + "/mcp", headers=[page])
    preflight = await it.send("OPTIONS", WELL_KNOWN, headers=[page, ("access-control-request-method", "GET")])
    again = await it.send("GET", WELL_KNOWN, headers=[("if-none-match", answer.header("etag"))])
    head = await it.send("HEAD", WELL_KNOWN)

    assert ("*", "application/json") == (answer.header("access-control-allow-origin"), answer.header("content-type"))
    assert answer.header("cache-control").startswith("public, max-age=")
    assert [204, 304, 200] == [preflight.status, again.status, head.status]
    assert "*" == preflight.header("access-control-allow-origin")
    assert (b"", b"") == (again.body, head.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_it_is_only_read(method):
    """RFC 9110 §15.5.6."""
    assert 405 == (await Guarded().send(method, WELL_KNOWN)).status


@pytest.mark.parametrize(
    "path",
    [
        WELL_KNOWN + "/other",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/",
    ],
)
async def test_what_is_not_there_is_a_404_and_not_a_401(path):
    """MCP users' complaint 14: clients look for more documents than there are, and take a 401 for the server's word."""
    it = Guarded()

    assert (404, 0) == ((await it.send("GET", path)).status, it.reached)


async def test_below_a_mount_the_document_is_found_too():
    """ASGI root_path: `app.mount("/x", guarded)` passes the whole path."""
    it = Guarded()
    seen = []

    async def send(message):
        seen.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x" + WELL_KNOWN, "root_path": "/x", "headers": []}
    await it.app(scope, None, send)

    assert 200 == seen[0]["status"]
