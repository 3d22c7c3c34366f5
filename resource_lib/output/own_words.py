"""
What the protocol itself says in an answer, whatever a tool calls personal: of which server it is, and why a request failed.

A server of 2026-07-28 says in the `_meta` of every result who it is, by a `name` among others, and a tool may write that member itself. So it
counts as the server's own only where it is, letter by letter, what the server said in an answer in which no tool speaks (a list of
tools, `server/discover`). The same holds of an error's `code` only where it is one that JSON-RPC keeps for the protocol.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from resource_lib.wire import strict_json

SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
_META: Final = "_meta"
_CODE: Final = "code"
_RESERVED: Final = range(-32768, -31999)
"""Codes of errors that JSON-RPC 2.0 §5.1 keeps for itself and for the protocol above it."""
_MOST: Final = 1000


class OwnWords:
    """What one server says of itself."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: OrderedDict[bytes, None] = OrderedDict()

    def learn(self, result: Mapping[str, Any]) -> None:
        """Take note of the result of a request that no tool answers."""
        meta = result.get(_META)
        said = _digest(meta.get(SERVER_INFO)) if type(meta) is dict else None
        if said is not None and said not in self._said:
            self._said[said] = None
            if len(self._said) > _MOST:
                self._said.popitem(last=False)

    def knows(self, value: Any) -> bool:
        """Tell whether it is what the server said of itself before."""
        return bool(self._said) and _digest(value) in self._said


def set_aside(said: Mapping[str, Any], own: OwnWords | None, *, is_error: bool) -> Mapping[str, Any]:
    """Return `said` without the protocol's own words; the very same object where none stands there."""
    meta = said.get(_META)
    if own is not None and type(meta) is dict and SERVER_INFO in meta and own.knows(meta[SERVER_INFO]):
        said = {**said, _META: {name: member for name, member in meta.items() if name != SERVER_INFO}}
    if is_error and type(said.get(_CODE)) is int and said[_CODE] in _RESERVED:
        said = {name: member for name, member in said.items() if name != _CODE}
    return said


def put_back(found: Mapping[str, Any], aside: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was found of `aside` with what `said` had beside it; `said` itself where nothing was changed."""
    if found is aside:
        return said
    whole = dict(found)
    if _CODE in said and _CODE not in aside:
        whole[_CODE] = said[_CODE]
    meta = found.get(_META)
    if type(meta) is dict and SERVER_INFO in said.get(_META, ()) and SERVER_INFO not in aside[_META]:
        whole[_META] = {**meta, SERVER_INFO: said[_META][SERVER_INFO]}
    return whole


def _digest(value: Any) -> bytes | None:
    written = strict_json.written(value) if type(value) is dict else None
    return None if written is None else sha256(written.encode("utf-8", "surrogatepass")).digest()
