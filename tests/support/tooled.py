"""An MCP server that lists what a test lets it list, and the reports in which a guard tells its issuer of that."""

import json

import httpx2

from resource_lib.wire.tool_call import definition_hash


def tool(name, description="What it does.", **members):
    """Return a tool as a server lists it."""
    schema = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
    return {"name": name, "description": description, "inputSchema": schema, **members}


def told(listed, tenants, *, tool_class="read", scopes=("orders:read",)):
    """Return what a report says of one tool that was listed, each time like one of `listed`."""
    forms = listed if isinstance(listed, list) else [listed]
    definitions = [{"hash": definition_hash(one), "definition": one, "tenants": sorted(tenants)} for one in forms]
    return {"name": forms[0]["name"], "class": tool_class, "scopes": list(scopes), "definitions": definitions}


def named(name, *, tool_class="read", scopes=("orders:read",)):
    """Return what a report says of a tool that nobody has listed yet."""
    return {"name": name, "class": tool_class, "scopes": list(scopes)}


async def report(server, letter, *tools, status=204, instance="i1"):
    """Say which tools there are, as the server of a credential."""
    app = server.world.clients[letter]
    answer = await server.http.put(
        "/rs/tools",
        json={"instance": instance, "tools": list(tools)},
        auth=httpx2.BasicAuth(app.client_id, app.secret),
    )
    assert status == answer.status_code, answer.text
    return answer


class Tooled:
    """An ASGI app that lists `tools` in a single request, and answers every call; `called` are the names."""

    def __init__(self, *tools):
        self.tools = list(tools)
        self.called = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        asked = json.loads(body)
        if asked["method"] == "tools/list":
            result = {"tools": self.tools}
        else:
            self.called.append(asked["params"].get("name"))
            result = {"content": [{"type": "text", "text": "done"}]}
        said = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": said})
