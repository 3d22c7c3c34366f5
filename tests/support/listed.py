"""A guarded server that lists its tools and notes what is called, in both eras; for what a guard makes of schemas."""

import json

from tests.support.guarded import Guarded, Recorder

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


class Server(Recorder):
    """Lists `tools`, answers every call, and notes the arguments that reach it. `is_broken`: its list cannot be read."""

    def __init__(self, tools):
        super().__init__()
        self.tools = tools
        self.called = []
        self.lists = 0
        self.is_broken = False
        self.more = {}

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await super().__call__(scope, receive, send)
        message = await receive()
        body = json.loads(message.get("body") or b"null")
        replies = [self.reply(each) for each in (body if isinstance(body, list) else [body]) if isinstance(each, dict)]
        whole = replies if isinstance(body, list) else (replies or [None])[0]
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(whole).encode()})
        return None

    def reply(self, message):
        return {"jsonrpc": "2.0", "id": message.get("id"), "result": self.result(message)}

    def result(self, message):
        method = message.get("method")
        if method == "tools/list":
            self.lists += 1
            return {"tools": "broken"} if self.is_broken else {"tools": self.tools, **self.more}
        if method == "initialize":
            return {
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {},
                "serverInfo": {"name": "x", "version": "1"},
            }
        if method == "tools/call":
            self.called.append(message["params"].get("arguments"))
            return {"content": [{"type": "text", "text": "done"}]}
        return {}


class Listed(Guarded):
    """A guard, with arguments looked at, around such a server."""

    def __init__(self, *tools, **settings):
        super().__init__(**{"arguments": "strict"} | settings)
        self.server = Server(list(tools))
        self.app = self.guard.wrap(self.server)

    async def call(self, arguments, *, tool="see", scopes=("notes:read",), headers=(), **claims):
        """Call a tool with these arguments; `...` leaves them out."""
        params = {"name": tool} if arguments is ... else {"name": tool, "arguments": arguments}
        return await self.rpc("tools/call", params, auth=self.bearer(*scopes, **claims), headers=headers)

    async def listed(self, *headers, scopes=("notes:read",), **claims):
        """Return what a caller is shown."""
        answer = await self.send(headers=[self.bearer(*scopes, **claims), *headers], body=json.dumps(LIST).encode())
        return answer.json["result"]


def tool(schema, name="see", **more):
    return {"name": name, "inputSchema": {"type": "object", **schema}, **more}
