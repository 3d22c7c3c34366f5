"""
What exactly was approved: one hash of a call's arguments and one of a tool's definition, the same on both sides.

RFC 8785 (JSON Canonicalization Scheme), decision 13. Frozen: another prefix or member is another hash, and every approval that
is pending ends. The standard library and rfc8785 only.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import rfc8785

_CALL: Final = b"mcp-call/1\n"
_RAW: Final = b"mcp-raw/1\n"
_TOOL: Final = b"mcp-tool/1\n"
_DEFINITION: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "version")


class InexpressibleError(ValueError):
    """RFC 8785 has no form for this value: an integer beyond 2^53, a lone surrogate, a number that is not finite."""


def args_hash(arguments: Any) -> str:
    """
    Return the hex SHA-256 of a call's arguments as they were sent, with no defaults added.

    Raises InexpressibleError: a tool that needs approval then refuses them as `invalid_arguments`, and any other commits to
    their bytes with `raw_args_hash`.
    """
    return sha256(_CALL + _canonical(arguments)).hexdigest()


def raw_args_hash(arguments: bytes) -> str:
    """Return the hex SHA-256 of arguments that `args_hash` cannot express, taken as the bytes that were sent."""
    return sha256(_RAW + arguments).hexdigest()


def definition_hash(tool: Mapping[str, Any]) -> str:
    """
    Return the hex SHA-256 of what a tool says of itself, as it stands in `tools/list`.

    It covers name, title, description, inputSchema, outputSchema, annotations and version; a member that is absent or null
    counts as absent, any other member (such as `_meta` or icons) not at all. Raises InexpressibleError.
    """
    said = {member: tool[member] for member in _DEFINITION if tool.get(member) is not None}
    return sha256(_TOOL + _canonical(said)).hexdigest()


def _canonical(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise InexpressibleError(f"RFC 8785 cannot express it ({type(error).__name__})") from None
