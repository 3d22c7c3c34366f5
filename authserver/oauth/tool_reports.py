"""
What an MCP server says of its own tools, read strictly: `PUT /rs/tools` of design §4.

It is one server's word about itself and changes nothing that is registered; see `domain/health/report.py`, and for what each tool was
listed as, and on which day it was last used, `domain/inventory/`. A definition whose hash is of something else is refused: what is shown to whoever looks at it is what counts.
"""

import json
import re
from datetime import date
from typing import Any, Final

from authserver.domain.health import report
from authserver.domain.health.report import MOST_TOOLS, ReportedTool
from authserver.domain.inventory import reported, uses
from authserver.domain.inventory.reported import MOST_DEFINITIONS, SeenDefinition, SeenTool
from authserver.domain.inventory.uses import MOST_USES
from authserver.domain.issuers.issuer import Issuer
from authserver.oauth.approval_request import Members, instance
from authserver.oauth.errors import InvalidRequest
from authserver.oauth.resource_server import authenticated, heard_for
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.tool_call import InexpressibleError, definition_hash
from resource_lib.wire.tool_policy import CLASSES, day_of

_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MOST_SCOPES: Final = 50
_MOST_TENANTS: Final = 200
_MOST_ID: Final = 64
_MOST_DEFINITION_BYTES: Final = 64 * 1024
_MEMBERS: Final = frozenset({"name", "title", "description", "inputSchema", "outputSchema", "annotations", "version"})


async def handle(work: UnitOfWork, issuer: Issuer, said: Members, authorization: bytes | None) -> None:
    """Take a server's word. Raises InvalidClient, InvalidRequest, SlowDown."""
    client = await authenticated(work, issuer, authorization)
    found, tenants = await heard_for(work, issuer, client)
    if found is None:
        raise InvalidRequest("The resource that this server speaks for is not registered.", reason="resource_unknown")
    tools = said.get("tools")
    if not isinstance(tools, list) or len(tools) > MOST_TOOLS:
        raise InvalidRequest(f"tools: is a list of at most {MOST_TOOLS}.", reason="invalid_tools")
    read = [_tool(tool) for tool in tools]
    if len({tool.name for tool in read}) != len(read):
        raise InvalidRequest("tools: one stands there twice.", reason="invalid_tools")
    seen = [
        SeenTool(
            name=tool.name,
            tool_class=tool.tool_class,
            scopes=tool.scopes,
            sunset=_sunset(tool, sent),
            definitions=_definitions(tool, sent),
        )
        for tool, sent in zip(read, tools, strict=True)
    ]
    used = {tool.name: days for tool, sent in zip(read, tools, strict=True) if (days := _used(tool, sent)) is not None}
    if sum(len(days) for days in used.values()) > MOST_USES:
        raise InvalidRequest(f"tools: used has at most {MOST_USES} entries in one report.", reason="invalid_tools")
    await report.take(work, client, instance=instance(said, "instance"), tools=read)
    await reported.take(work, client, seen, tenants=tenants, tells_of_uses=bool(used))
    uses.take(work, client.speaks_for, used, tenants=tenants)


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


def _sunset(tool: ReportedTool, said: Any) -> date | None:
    given = said.get("sunset")
    if given is not None and day_of(given) is None:
        raise InvalidRequest(
            f"tools: {tool.name}: sunset is a day, such as 2027-03-31, or left out.", reason="invalid_tools"
        )
    return day_of(given)


def _used(tool: ReportedTool, said: Any) -> dict[str, date] | None:
    """Return the day of its last use by tenant; None: this guard does not tell of uses."""
    given = said.get("used")
    if given is None:
        return None
    if not isinstance(given, dict) or not all(len(tenant) <= _MOST_ID for tenant in given):
        raise InvalidRequest(f"tools: {tool.name}: used is an object of tenants and days.", reason="invalid_tools")
    days = {tenant: day for tenant, one in given.items() if (day := day_of(one)) is not None}
    if len(days) != len(given):
        raise InvalidRequest(f"tools: {tool.name}: used: each is a day, such as 2027-03-31.", reason="invalid_tools")
    return days


def _definitions(tool: ReportedTool, said: Any) -> tuple[SeenDefinition, ...]:
    given = said.get("definitions", [])
    if not isinstance(given, list) or len(given) > MOST_DEFINITIONS:
        raise InvalidRequest(
            f"tools: {tool.name}: definitions is a list of at most {MOST_DEFINITIONS}.", reason="invalid_tools"
        )
    found = [_definition(tool.name, one) for one in given]
    if len({one.hash for one in found}) != len(found):
        raise InvalidRequest(f"tools: {tool.name}: one definition stands there twice.", reason="invalid_tools")
    return tuple(found)


def _definition(name: str, said: Any) -> SeenDefinition:
    hashed, tenants = (said.get("hash"), said.get("tenants", [])) if isinstance(said, dict) else (None, None)
    if not isinstance(hashed, str) or not _HASH.fullmatch(hashed):
        raise InvalidRequest(
            f"tools: {name}: definitions: each has a hash of 64 hexadecimal digits.", reason="invalid_tools"
        )
    if (
        not isinstance(tenants, list)
        or len(tenants) > _MOST_TENANTS
        or not all(isinstance(tenant, str) and len(tenant) <= _MOST_ID for tenant in tenants)
    ):
        raise InvalidRequest(
            f"tools: {name}: definitions: tenants is a list of at most {_MOST_TENANTS} ids.", reason="invalid_tools"
        )
    return SeenDefinition(
        hash=hashed, definition=_whole(name, said.get("definition"), hashed), tenants=frozenset(tenants)
    )


def _whole(name: str, said: Any, hashed: str) -> str:
    """Return a definition as we keep it; empty for none. Raises InvalidRequest for one that is not what its hash says."""
    if said is None:
        return ""
    if not isinstance(said, dict) or said.get("name") != name or not set(said) <= _MEMBERS:
        raise InvalidRequest(
            f"tools: {name}: definition is the tool as listed: {', '.join(sorted(_MEMBERS))}.", reason="invalid_tools"
        )
    try:
        is_it = definition_hash(said) == hashed
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    except InexpressibleError:
        is_it, text = False, ""
    if not is_it:
        raise InvalidRequest(f"tools: {name}: hash is not of this definition.", reason="invalid_tools")
    if len(text) > _MOST_DEFINITION_BYTES:
        raise InvalidRequest(
            f"tools: {name}: definition has at most {_MOST_DEFINITION_BYTES // 1024} KiB; leave a longer one out.",
            reason="invalid_tools",
        )
    return text
