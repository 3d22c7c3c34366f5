"""
What a request body asks for, read so strictly that no parser behind us can read it otherwise.

The guard decides on this reading, the wrapped server acts on its own; a body that two parsers could read in two ways is
therefore refused: repeated members, members that differ from the protocol's only in case or look (some parsers match
`Method`), another encoding than UTF-8, NaN, compressed bodies. A body that is no JSON goes on to the server, whose
answer that is, but only if nothing in it could be a method for any parser.

JSON-RPC 2.0 §4, §6; RFC 7493 (I-JSON) §2.1, §2.3; MCP 2025-03-26 "Batching".
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from resource_lib.transport.answers import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    RequestId,
    UnacceptableBodyError,
    unreadable,
)
from resource_lib.wire import strict_json

MOST_IN_A_BATCH: Final = 100
MOST_MEMBERS: Final = 100
MOST_NAME_CHARACTERS: Final = 128
"""Of what is compared with the protocol's own names: bringing a long text into NFKC takes the square of its length."""

_METHOD = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$./:-]{0,255}")
_MESSAGE_MEMBERS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_CALL_MEMBERS: Final = frozenset({"name", "arguments", "_meta", "task", "inputResponses", "requestState"})
_FOLDED_CALL_MEMBERS: Final = frozenset(name.casefold() for name in _CALL_MEMBERS)


class Message(NamedTuple):
    """One JSON-RPC message that names a method."""

    method: str
    params: Any
    id: RequestId
    """The request's id, None for a notification and for an id that is no id."""
    tool: str | None
    """The tool that `tools/call` names; None for any other method."""

    @property
    def arguments(self) -> Any:
        """The arguments of a tool call, as they were sent: any JSON value, None where there are none."""
        return self.params.get("arguments") if isinstance(self.params, dict) else None


class Body(NamedTuple):
    """What a body asks for; `messages` is empty when it asks for nothing (an answer, or no JSON-RPC at all)."""

    messages: tuple[Message, ...]
    is_batch: bool = False


class _RepeatedMemberError(ValueError):
    pass


def read_body(raw: bytes) -> Body:
    """Return what `raw` asks for. Raises UnacceptableBodyError when that is not certain; nothing else, for any bytes."""
    try:
        value = strict_json.written_plainly(raw)
        if value is strict_json.UNTOLD:
            value = _value(raw.decode("utf-8"))
    except _RepeatedMemberError:
        raise _refused("a member is repeated") from None
    except (ValueError, RecursionError):
        return _no_json(raw)
    if type(value) is dict:
        message = _message(value)
        return Body(() if message is None else (message,))
    if type(value) is list:
        return _batch(value)
    return Body(())


def _value(text: str) -> Any:
    """Return what `text` is in JSON. Raises ValueError, RecursionError."""
    if text[:1] == "{":
        # What nearly every body is: one object, with nothing around it. `decode` would look for white space first.
        value, end = _DECODER.raw_decode(text)
        if end == len(text):
            return value
    return _DECODER.decode(text)


def strictly(raw: bytes) -> Any:
    """Return the JSON value that `raw` is. Raises ValueError or RecursionError; a repeated member is no JSON here."""
    return _DECODER.decode(raw.decode("utf-8"))


def _refused(reason: str, *, code: int = INVALID_REQUEST, request_id: RequestId = None) -> UnacceptableBodyError:
    return UnacceptableBodyError(unreadable(code, reason, request_id))


def _no_json(raw: bytes) -> Body:
    """Let a body pass on to the server's own parse error, if no parser at all could find a method in it.

    Plain ASCII without NUL and without a backslash has one reading as text in every encoding a server might guess, and
    a message needs the letters of `method` in it.
    """
    if raw.isascii() and b"\x00" not in raw and b"\\" not in raw and b"method" not in raw.lower():
        return Body(())
    raise _refused("Parse error", code=PARSE_ERROR)


def _batch(values: list[Any]) -> Body:
    if len(values) > MOST_IN_A_BATCH:
        raise _refused(f"a batch holds at most {MOST_IN_A_BATCH} messages")
    messages = []
    for value in values:
        if type(value) is list:
            raise _refused("a batch holds messages, not batches")
        if type(value) is dict:
            message = _message(value)
            if message is not None:
                messages.append(message)
    return Body(tuple(messages), is_batch=True)


def _message(value: dict[str, Any]) -> Message | None:
    _refuse_lookalikes(value, _MESSAGE_MEMBERS, _MESSAGE_MEMBERS)
    method = value.get("method")
    if method is None:
        return None
    given = value.get("id")
    request_id: RequestId = (
        given if type(given) in (str, int) or (type(given) is float and abs(given) < 1e300) else None
    )
    if type(method) is not str or not _METHOD.fullmatch(method):
        raise _refused("method is no method name", request_id=request_id)
    params = value.get("params")
    if method != "tools/call":
        if method.casefold() == "tools/call":
            raise _refused("method is no method name", request_id=request_id)
        return Message(method, params, request_id, None)
    if type(params) is not dict:
        raise _refused("params must be an object", code=INVALID_PARAMS, request_id=request_id)
    _refuse_lookalikes(params, _CALL_MEMBERS, _FOLDED_CALL_MEMBERS)
    tool = params.get("name")
    if type(tool) is not str:
        raise _refused("params.name must be a string", code=INVALID_PARAMS, request_id=request_id)
    return Message(method, params, request_id, tool)


def _refuse_lookalikes(value: Mapping[str, Any], exact: frozenset[str], folded: frozenset[str]) -> None:
    """Refuse a member that a lenient parser would take for one of the protocol's, as `Method` or `NAME`."""
    if exact.issuperset(value):
        return
    if len(value) > MOST_MEMBERS or any(len(name) > MOST_NAME_CHARACTERS for name in value):
        raise _refused("a message has more members, or longer names, than any protocol")
    for name in value:
        if name not in exact and unicodedata.normalize("NFKC", name).strip("\x00 \t\r\n").casefold() in folded:
            raise _refused("a member's name differs from the protocol's only in its look")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedMemberError
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
