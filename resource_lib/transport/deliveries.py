"""
How a caller learns that somebody has to open a page first: three ways, by what its client has said it can do.

URL-mode elicitation inside an `InputRequiredResult` (2026-07-28), the error -32042 (2025-11-25 alone), and a typed tool result with
the URL for everybody else. A form is never a way: whoever answers it is the client.
MCP 2026-07-28 "Elicitation", "Multi Round-Trip Requests"; MCP 2025-11-25 "URL Elicitation Required".
"""

from collections.abc import Mapping
from typing import Any, Final

from resource_lib.transport.answers import RequestId
from resource_lib.transport.body import Message

ASKED: Final = "authserver_approval"
"""Under which name we ask, and look for the answer."""
REPLAYED_META: Final = "authserver/replayed"
URL_ELICITATION_REQUIRED: Final = -32042

_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"


def takes_urls(capabilities: Any) -> bool:
    """Tell whether a client's capabilities declare URL elicitation. `elicitation: {}` means forms alone."""
    elicitation = capabilities.get("elicitation") if isinstance(capabilities, dict) else None
    return isinstance(elicitation, dict) and isinstance(elicitation.get("url"), dict)


def takes_urls_now(params: Mapping[str, Any]) -> bool:
    """Tell whether a request of 2026-07-28 declares it, as each request does for itself."""
    meta = params.get("_meta")
    return isinstance(meta, dict) and takes_urls(meta.get(_CAPABILITIES))


def opens_with_urls(message: Message) -> bool:
    """Tell whether `initialize` declares it for the session that it opens."""
    return isinstance(message.params, dict) and takes_urls(message.params.get("capabilities"))


def input_required(request_id: RequestId, *, state: str, url: str = "", invitation: str = "") -> dict[str, Any]:
    """Return the reply that asks a client to open `url` and to call again; without one it is only to call again."""
    result: dict[str, Any] = {"resultType": "input_required", "requestState": state}
    if url:
        asked = {"mode": "url", "url": url, "message": invitation}
        result["inputRequests"] = {ASKED: {"method": "elicitation/create", "params": asked}}
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def url_required(
    request_id: RequestId, *, approval_id: str, url: str, invitation: str, error: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the error of 2025-11-25 that asks a client to open `url` and to call again."""
    asked = {"mode": "url", "elicitationId": approval_id, "url": url, "message": invitation}
    said = {"code": URL_ELICITATION_REQUIRED, "message": error["message"], "data": {**error, "elicitations": [asked]}}
    return {"jsonrpc": "2.0", "id": request_id, "error": said}


def answer_of(params: Mapping[str, Any]) -> str | None:
    """Return what a client says the person did when it asked them for us: accept, decline, cancel; None: it says nothing."""
    responses = params.get("inputResponses")
    said = responses.get(ASKED) if isinstance(responses, dict) else None
    if not isinstance(said, dict):
        return None
    action = said.get("action")
    return action if action in ("accept", "decline") else "cancel"


def outcome(request_id: RequestId, result: Mapping[str, Any], *, is_replay: bool, modern: bool) -> dict[str, Any]:
    """Return the reply that tells a caller of its own what came of a call that ran once."""
    if set(result) == {"error"}:
        return {"jsonrpc": "2.0", "id": request_id, "error": result["error"]}
    said = dict(result)
    if result.get("too_large") is True:
        text = "The call ran once. Its result was too large to be kept, so it cannot be shown again; do not repeat the call."
        said = {"content": [{"type": "text", "text": text}]}
    if is_replay:
        meta = said.get("_meta")
        said["_meta"] = {**(meta if isinstance(meta, dict) else {}), REPLAYED_META: True}
    if modern:
        said.setdefault("resultType", "complete")
    return {"jsonrpc": "2.0", "id": request_id, "result": said}
