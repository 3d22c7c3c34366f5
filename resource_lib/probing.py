"""
`python -m resource_lib probe URL`: does this MCP server refuse what it must?

Asked as a stranger: without a token, with tokens that nobody made, by every method that could list or call something. With `--token-file`
(a token that may only read) also an unknown tool, and a reading tool with arguments that no tool takes. Ends with 0 when everything was
refused, 1 when something was not, 2 when something could not be asked. Each server's operator has more: `authserver check --probe`.
"""

import argparse
import asyncio
import base64
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx2

from resource_lib.wire.refusal import refusal_in

State = Literal["refused", "not refused", "not asked"]

TIMEOUT_S: Final = 10.0
MOST_BYTES: Final = 64 * 1024
NO_TOOL: Final = "resource-lib-probe-of-no-tool"
NO_ARGUMENT: Final = "resource_lib_probe"
_LOOKED_AT: Final = frozenset({200, 202, 204, 400, 404, 405, 406, 415, 422})
"""Whoever answers so has looked at a request that should not have reached it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One forbidden request, and what became of it."""

    what: str
    state: State
    detail: str


async def probe(
    url: str, *, token: str | None = None, tool: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
) -> tuple[Tried, ...]:
    """Make every forbidden request at `url`. `token` is one that may read, `tool` a reading tool that it may call; `transport` replaces
    the network.
    """
    async with httpx2.AsyncClient(
        transport=transport, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False
    ) as client:
        asking = _Asking(client, url)
        tried = [await asking.expects_401(what, verb, body, sent) for what, verb, body, sent in strangers(url)]
        if token is None or any(one.state != "refused" for one in tried):
            return tuple(tried)
        tried.append(await asking.expects("an unknown tool", "tool_unknown", token, called(NO_TOOL, {})))
        if tool is not None:
            call = called(tool, {NO_ARGUMENT: True})
            tried.append(await asking.expects("arguments that no tool takes", "invalid_arguments", token, call))
        return tuple(tried)


class _Asking:
    def __init__(self, client: httpx2.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def expects_401(self, what: str, verb: str, body: Any, token: str | None) -> Tried:
        """Ask, and say whether it was the one 401 (docs/adr/0011)."""
        status, _ = await self._answer(verb, body, token)
        if status == 401:
            return Tried(what=what, state="refused", detail="HTTP 401")
        if status in _LOOKED_AT:
            return Tried(what=what, state="not refused", detail=f"HTTP {status}")
        return Tried(what=what, state="not asked", detail=f"HTTP {status}" if status else "no answer")

    async def expects(self, what: str, error: str, token: str, body: Any) -> Tried:
        """Ask with a token that counts, and say whether the call was refused as that."""
        status, raw = await self._answer("POST", body, token)
        said = refusal_in(raw)
        if said == error:
            return Tried(what=what, state="refused", detail=f"{said}, HTTP {status}")
        if said or status in (0, 401, 429) or status >= 500:
            return Tried(what=what, state="not asked", detail=said or (f"HTTP {status}" if status else "no answer"))
        return Tried(what=what, state="not refused", detail=f"HTTP {status}, and no refusal that a guard gives")

    async def _answer(self, verb: str, body: Any, token: str | None) -> tuple[int, bytes]:
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        content = None if body is None else json.dumps(body).encode("ascii")
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._client.stream(verb, self._url, headers=headers, content=content) as answer:
                held = bytearray()
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    async for chunk in answer.aiter_bytes():
                        held += chunk
                        if len(held) > MOST_BYTES:
                            break
                return answer.status_code, bytes(held[:MOST_BYTES])
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return 0, b""


def strangers(url: str) -> list[tuple[str, str, Any, str | None]]:
    """Return what nobody may ask who is nobody: what it is, the HTTP method, the JSON body and the token that is sent."""
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "probe", "version": "1"}}
    opening = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "https://nobody.example",
        "sub": "client:probe",
        "aud": url,
        "client_id": "probe",
        "scope": "admin",
    }
    claims |= {"iat": now, "exp": now + 60, "jti": "probe", "tenant_id": "probe", "authorization_id": "probe"}
    unsigned = f"{_encoded({'typ': 'at+jwt', 'alg': 'none'})}.{_encoded(claims)}."
    forged = f"{_encoded({'typ': 'at+jwt', 'alg': 'ES256', 'kid': 'probe'})}.{_encoded(claims)}.{'A' * 86}"
    call = called(NO_TOOL, {})
    return [
        ("a call without a token", "POST", call, None),
        ("a list of tools without a token", "POST", listing, None),
        ("a session without a token", "POST", opening, None),
        ("a stream without a token", "GET", None, None),
        ("a batch without a token", "POST", [call, listing], None),
        ("a call with a token of nobody", "POST", call, "probe.of.nobody"),
        ("a call with an unsigned token", "POST", call, unsigned),
        ("a call with a forged token", "POST", call, forged),
    ]


def called(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of a call."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": dict(arguments)}}


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode("ascii")).rstrip(b"=").decode("ascii")


def main(words: list[str]) -> int:
    """Probe, say what was refused, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m resource_lib probe",
        description="Makes forbidden requests at an MCP server; each must be refused.",
    )
    parser.add_argument("url", help="where it serves, such as https://mcp.example.com/mcp")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="holds a token that may only read")
    parser.add_argument("--tool", help="a tool that reads and that the token may call")
    parser.add_argument("--json", action="store_true", help="say it for a program")
    given = parser.parse_args(words)
    try:
        token = given.token_file.read_text(encoding="ascii").strip() if given.token_file else None
    except (OSError, UnicodeDecodeError):
        sys.stderr.write(f"probe: {given.token_file} cannot be read\n")
        return 2
    parts = urlsplit(given.url)
    is_here = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if (
        not parts.hostname
        or parts.scheme not in ("https", "http")
        or (token and parts.scheme == "http" and not is_here)
    ):
        sys.stderr.write("probe: give an https URL; a token goes over plain http to this machine alone\n")
        return 2
    tried = asyncio.run(probe(given.url, token=token, tool=given.tool))
    if given.json:
        sys.stdout.write(json.dumps([asdict(one) for one in tried], indent=2) + "\n")
    else:
        for one in tried:
            sys.stdout.write(f"{one.state:<12} {one.what} ({one.detail})\n")
    if any(one.state == "not refused" for one in tried):
        return 1
    return 2 if any(one.state == "not asked" for one in tried) else 0
