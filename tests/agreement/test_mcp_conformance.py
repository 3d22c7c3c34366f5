"""The guard changes no answer of the server it wraps: the official conformance suite says the same with it and without."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from resource_lib import Limits, ResourceGuard, read
from resource_lib.integrations.mcp_sdk import guarded
from resource_lib.testing import TestIssuer
from tests.agreement import npm
from tests.agreement.conformance_server import Events, make_server
from tests.support.forwarder import Forwarder
from tests.support.guarded import free_socket, serving

REVISIONS = ("2025-11-25", "2026-07-28")
ASKED_FOR_IN_VAIN = (
    *("greet", "slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input"),
    *("test_tool_with_task", "test_logging_tool", "test_streaming_elicitation"),
    *("test_elicitation_sep1330_enums", "test_trigger_tool_change", "test_trigger_prompt_change"),
    *(f"test_input_required_result_{kind}" for kind in ("multi_round", "tampered_state", "capabilities")),
)
"""Tools that the suite calls and our server has not: in the policy, so that the answer is the server's."""

# Half of what the suite asks for belongs to revisions whose features the SDK calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")

suite = pytest.mark.skipif(not npm.DEMANDED, reason="the official suite takes minutes in this mode: `make conformance`")


@asynccontextmanager
async def served(*, with_guard):
    """Serve the suite's server, guarded or bare, behind the same forwarder; yields the URL for the suite."""
    server = make_server()
    options = {"event_store": Events(), "retry_interval": 100}
    place, door = free_socket(), free_socket()
    issuer = TestIssuer(resource=f"http://127.0.0.1:{place.getsockname()[1]}/mcp")
    if with_guard:
        names = [tool.name for tool in await server.list_tools()]
        policy = {name: read("everything:read") for name in (*names, *ASKED_FOR_IN_VAIN)}
        guard = ResourceGuard(
            issuer=issuer.issuer,
            resource=issuer.resource,
            keys=issuer.keys(),
            tools=policy,
            preset="full",
            # Counted, and more than the suite asks in a minute.
            limits=Limits(credential="10000/min", read="10000/min"),
        )
        app = guarded(server, guard, **options)
    else:
        app = server.streamable_http_app(**options)

    def authorization():
        return "Bearer " + issuer.token(scopes=["everything:read"])

    async with serving(app, place) as target, serving(Forwarder(target, authorization), door) as url:
        yield f"{url}/mcp"


async def run(*command, **options):
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, **options
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")


def verdicts(folder):
    """Return each scenario's checks: what was looked at, and how it came out."""
    found = {}
    for path in sorted(folder.glob("**/checks.json")):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z?$", "", path.parent.name)
        checks = json.loads(path.read_text())
        found[scenario] = sorted((check["id"], check["status"]) for check in checks)
    return found


async def result(revision, folder, *, with_guard):
    packages = npm.packages_or_skip()
    async with served(with_guard=with_guard) as url:
        code, output = await run(
            *(npm.node(), npm.CONFORMANCE, "server", "--url", url),
            *("--requirements", revision, "--output-dir", folder),
            cwd=packages,
        )
    assert code in (0, 1), output
    return verdicts(Path(folder)), output


@suite
@pytest.mark.slow
@pytest.mark.requirement("guard:conformance:same-verdicts-with-and-without")
@pytest.mark.parametrize("revision", REVISIONS)
async def test_the_official_suite_gives_the_same_verdicts_with_the_guard_as_without(revision, tmp_path, tally):
    """Decision 18; MCP §7b.12: scenario by scenario and check by check."""
    bare, _ = await result(revision, tmp_path / "bare", with_guard=False)
    behind, output = await result(revision, tmp_path / "guarded", with_guard=True)

    for words, found in (("the SDK's server", bare), ("the same, guarded", behind)):
        failed = [status for checks in found.values() for _, status in checks if status == "FAILURE"]
        tally(
            f"MCP conformance, server, {revision}, {words}",
            scenarios=len(found),
            checks=sum(map(len, found.values())),
            failures=len(failed),
        )
    assert len(bare) > 20, output
    assert {} == {
        name: (bare.get(name), behind.get(name)) for name in bare | behind if bare.get(name) != behind.get(name)
    }


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
JSON = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


def modern(method, params=None, **headers):
    """One request of 2026-07-28."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META, **(params or {})}}
    name = {"mcp-name": params["name"]} if params and "name" in params else {}
    return (
        "POST",
        {**JSON, "mcp-protocol-version": "2026-07-28", "mcp-method": method, **name, **headers},
        json.dumps(message),
    )


def legacy(method, params=None, **headers):
    """One request of 2025-11-25, in the session that was opened before."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return "POST", {**JSON, "mcp-session-id": "SESSION", **headers}, json.dumps(message)


BY_PHONE = {"name": "Ada", "address": {"city": "Paris"}, "contactMethod": "phone", "phone": "1", "email": ""}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
REQUESTS = {
    "list, modern": modern("tools/list"),
    "call, modern": modern("tools/call", {"name": "test_simple_text", "arguments": {}}),
    "conditional schema, modern": modern("tools/call", {"name": "json_schema_2020_12_tool", "arguments": BY_PHONE}),
    "conditional schema, legacy": legacy("tools/call", {"name": "json_schema_2020_12_tool", "arguments": BY_PHONE}),
    "failing call, modern": modern("tools/call", {"name": "test_error_handling", "arguments": {}}),
    "progress, modern": modern(
        "tools/call", {"name": "test_tool_with_progress", "arguments": {}, "_meta": {**META, "progressToken": 1}}
    ),
    "discover": modern("server/discover"),
    "resources, modern": modern("resources/list"),
    "resource, modern": modern("resources/read", {"uri": "test://static-text"}, **{"mcp-name": "test://static-text"}),
    "no such resource": modern("resources/read", {"uri": "test://no"}, **{"mcp-name": "test://no"}),
    "prompts, modern": modern("prompts/list"),
    "no such method": modern("no/such"),
    "another method in the header": modern("tools/list", **{"mcp-method": "tools/call"}),
    "another name in the header": modern(
        "tools/call", {"name": "test_simple_text"}, **{"mcp-name": "test_error_handling"}
    ),
    "unsupported version": modern("tools/list", **{"mcp-protocol-version": "2999-01-01"}),
    "no meta": (
        "POST",
        {**JSON, "mcp-protocol-version": "2026-07-28"},
        '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    ),
    "a session id that is ignored": modern("tools/list", **{"mcp-session-id": "stale"}),
    "get, modern": ("GET", {"mcp-protocol-version": "2026-07-28", "accept": "text/event-stream"}, ""),
    "delete, modern": ("DELETE", {"mcp-protocol-version": "2026-07-28"}, ""),
    "not json": ("POST", JSON, "{"),
    "not json, modern": ("POST", {**JSON, "mcp-protocol-version": "2026-07-28"}, "{"),
    "nothing": ("POST", JSON, ""),
    "no accept": ("POST", {"content-type": "application/json"}, '{"jsonrpc":"2.0","id":1,"method":"ping"}'),
    "another content type": (
        "POST",
        {**JSON, "content-type": "text/plain"},
        '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    ),
    "a batch": ("POST", {**JSON, "mcp-session-id": "SESSION"}, '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'),
    "before a session": ("POST", JSON, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'),
    "no such session": ("POST", {**JSON, "mcp-session-id": "no"}, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'),
    "get, no such session": ("GET", {"accept": "text/event-stream", "mcp-session-id": "no"}, ""),
    "put": ("PUT", {**JSON, "mcp-session-id": "SESSION"}, "{}"),
    "list, legacy": legacy("tools/list"),
    "call, legacy": legacy("tools/call", {"name": "test_simple_text", "arguments": {}}),
    "mixed content, legacy": legacy("tools/call", {"name": "test_multiple_content_types", "arguments": {}}),
    "failing call, legacy": legacy("tools/call", {"name": "test_error_handling", "arguments": {}}),
    "resource, legacy": legacy("resources/read", {"uri": "test://static-text"}),
    "notification, legacy": (
        "POST",
        {**JSON, "mcp-session-id": "SESSION"},
        '{"jsonrpc":"2.0","method":"notifications/x"}',
    ),
    "an answer, legacy": ("POST", {**JSON, "mcp-session-id": "SESSION"}, '{"jsonrpc":"2.0","id":9,"result":{}}'),
    "another path": ("GET", {}, ""),
    "delete, legacy": ("DELETE", {"mcp-session-id": "SESSION"}, ""),
    "after the end": legacy("tools/list"),
}


@pytest.mark.requirement("guard:conformance:same-bytes-with-and-without")
async def test_every_answer_has_the_same_bytes_with_the_guard_as_without():
    """Decision 18: status, headers and body of the server's own answers, its errors too, in both eras."""
    answers = {}
    for with_guard in (False, True):
        async with served(with_guard=with_guard) as url, httpx2.AsyncClient(timeout=20) as client:
            hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO}
            opened = await client.post(url, headers=JSON, json=hello)
            session = opened.headers["mcp-session-id"]
            for name, (method, headers, body) in REQUESTS.items():
                place = url.replace("/mcp", "/other") if name == "another path" else url
                sent = {key: value.replace("SESSION", session) for key, value in headers.items()}
                answer = await client.request(method, place, headers=sent, content=body)
                answers[with_guard, name] = (
                    answer.status_code,
                    sorted(
                        (key, SESSION_ID.sub("SESSION", value))
                        for key, value in answer.headers.items()
                        if key != "date"
                    ),
                    SESSION_ID.sub("SESSION", EVENT_ID.sub("id: N", answer.text)),
                )

    different = {name for name in REQUESTS if answers[False, name] != answers[True, name]}
    assert different <= LISTS, [(answers[False, name], answers[True, name]) for name in different - LISTS]
    for name in LISTS:
        (status, headers, body), (own_status, own_headers, own_body) = answers[False, name], answers[True, name]
        assert (status, without_length(headers)) == (own_status, without_length(own_headers))
        assert as_a_caller_is_shown(body) == as_a_caller_is_shown(own_body)


LISTS = {"list, modern", "list, legacy", "a session id that is ignored"}


def without_length(headers):
    return [header for header in headers if header[0] != "content-length"]


def as_a_caller_is_shown(body):
    """Return a list of tools without what is the caller's own in it: its order, who may keep it, and that nothing extra is taken."""
    data = next(line.removeprefix("data: ") for line in body.splitlines() if "tools" in line)
    reply = json.loads(data, object_hook=open_again)
    result = reply["result"]
    result["tools"].sort(key=lambda tool: tool["name"])
    return {**reply, "result": {name: value for name, value in result.items() if name not in ("ttlMs", "cacheScope")}}


def open_again(value):
    closed = {"additionalProperties": False, "unevaluatedProperties": False}
    return {name: member for name, member in value.items() if closed.get(name) is not member}


SESSION_ID = re.compile(r"\b[0-9a-f]{32}\b")
EVENT_ID = re.compile(r"id: \d+")
