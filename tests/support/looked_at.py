"""MCP servers that an operator has registered and that a test makes behave well or badly, on an internet of its own."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.internet import Answer, Internet, Listener

WELL_KNOWN = "/.well-known/oauth-protected-resource"
CHALLENGE = {"www-authenticate": f'Bearer resource_metadata="https://mcp.example{WELL_KNOWN}/mcp"'}
GUARDED = Answer(status=401, headers=CHALLENGE, body=b"{}")


@dataclass(kw_only=True)
class Site:
    """One of them; `metadata` and `call` are what it answers."""

    issuer: str
    uri: str = ""
    metadata: Answer | None = None
    call: Answer = field(default_factory=lambda: GUARDED)
    is_silent: bool = False
    listener: Listener | None = None

    async def open(self, internet: Internet) -> "Site":
        """Listen on loopback."""
        self.listener = await internet.serve(self._answer, tls=False)
        self.uri = self.uri or f"http://127.0.0.1:{self.listener.port}/mcp"
        return self

    def says(self, **changed: Any) -> Answer:
        """Its metadata, changed where a test says so."""
        said = {"resource": self.uri, "authorization_servers": [self.issuer], **changed}
        return Answer(body=json.dumps(said).encode())

    def _answer(self, path: str, headers: dict[str, str]) -> Answer:
        if self.is_silent:
            return Answer(raw=[b""], hangs=True)
        if path.startswith(WELL_KNOWN):
            return self.metadata or self.says()
        return self.call

    @property
    def calls(self) -> int:
        """How often a tool was called there."""
        assert self.listener is not None
        return len(self.listener.posted)
