"""
What an MCP server says of its own tools, read strictly: `PUT /rs/tools` of design §4.

It is one server's word about itself and changes nothing that is registered; see `domain/health/report.py`.
"""

import re
from typing import Any, Final

from authserver.domain.health import report
from authserver.domain.health.report import MOST_TOOLS, ReportedTool
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.approval_request import Members, instance
from authserver.oauth.errors import InvalidRequest
from authserver.oauth.resource_server import authenticated, heard_for
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.tool_policy import CLASSES

_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MOST_SCOPES: Final = 50


async def handle(work: UnitOfWork, issuer: Issuer, said: Members, authorization: bytes | None) -> None:
    """Take a server's word. Raises InvalidClient, InvalidRequest, SlowDown."""
    client = await authenticated(work, issuer, authorization)
    found, _ = await heard_for(work, issuer, client)
    if found is None:
        raise InvalidRequest("The resource that this server speaks for is not registered.", reason="resource_unknown")
    tools = said.get("tools")
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise InvalidRequest(f"tools: is a list of at most {MOST_TOOLS}.", reason="invalid_tools")
    read = [_tool(tool) for tool in tools]
    if len({tool.name for tool in read}) != len(read):
        raise InvalidRequest("tools: one stands there twice.", reason="invalid_tools")
    await report.take(work, client, instance=instance(said, "instance"), tools=read)


def _tool(said: Any) -> ReportedTool:
    if not isinstance(said, dict) or not isinstance(name := said.get("name"), str) or not _NAME.fullmatch(name):
        raise InvalidRequest("tools: each has a name of 1 to 128 of A-Z a-z 0-9 _ . / -.", reason="invalid_tools")
    if said.get("class") not in CLASSES:
        raise InvalidRequest(f"tools: {name}: class is one of {', '.join(CLASSES)}.", reason="invalid_tools")
    scopes = said.get("scopes", [])
    if (
        not isinstance(scopes, list)
        or len(scopes) > _MOST_SCOPES
        or not all(isinstance(scope, str) and _SCOPE.fullmatch(scope) for scope in scopes)
    ):
        raise InvalidRequest(f"tools: {name}: scopes is a list of scopes (RFC 6749 §3.3).", reason="invalid_tools")
    definition = said.get("definition_hash", "")
    if not isinstance(definition, str) or (definition and not _HASH.fullmatch(definition)):
        raise InvalidRequest(
            f"tools: {name}: definition_hash is 64 hexadecimal digits, or left out.", reason="invalid_tools"
        )
    return ReportedTool(name=name, tool_class=said["class"], scopes=tuple(scopes), definition_hash=definition)
