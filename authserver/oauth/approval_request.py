"""
What an MCP server's request about an approval says, read strictly: each member's form, and that the hash is of the arguments.

Decision 13, RFC 8785. Errors name the member and the cure.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import rfc8785

from authserver.domain.approvals import asking, outcomes, spending
from authserver.oauth.errors import InvalidRequest
from resource_lib.wire import strict_json
from resource_lib.wire.approvals import (
    MOST_ARGUMENT_BYTES,
    MOST_OUTCOME_BYTES,
    ApprovalRule,
    Follows,
    InvalidFollowsError,
    InvalidRuleError,
    State,
    follows_from_json,
    rule_from_json,
)
from resource_lib.wire.tool_call import InexpressibleError, args_hash

Members = Mapping[str, Any]

MOST_TOKEN = 8192
_MOST_DEPTH = 64
_MOST_AGE_MS = 10 * 60 * 1000
_HASH = re.compile(r"[0-9a-f]{64}")
_TOOL = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_INSTANCE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_CLASSES = frozenset({"read", "write", "destructive"})


def members_of(body: bytes) -> Members:
    """Return the members of a request's JSON object. Raises InvalidRequest."""
    try:
        return strict_json.loads_object(body, most_depth=_MOST_DEPTH)
    except ValueError:
        raise InvalidRequest(
            "The body must be one JSON object in UTF-8, no member of it twice, at most 64 deep.",
            reason="unreadable_json",
        ) from None


def token(said: Members) -> str:
    """Return the caller's token, unread. Raises InvalidRequest."""
    return _text(said, "access_token", most=MOST_TOKEN)


def use(said: Members) -> spending.Use:
    """Return what is about to run. Raises InvalidRequest."""
    return spending.Use(
        args_hash=_hash(said, "args_hash"),
        definition_hash=_hash(said, "definition_hash"),
        policy_version=_hash(said, "policy_version"),
        instance_id=instance(said),
        leg=_number(said, "leg", most=spending.MOST_LEGS),
    )


def call(said: Members) -> asking.Call:
    """Return the call that is asked about. Raises InvalidRequest, naming the member and the cure."""
    tool, tool_class = _text(said, "tool", most=128), _text(said, "tool_class", most=20)
    if not _TOOL.fullmatch(tool):
        raise InvalidRequest("tool: is no tool name.", reason="invalid_tool")
    if tool_class not in _CLASSES:
        raise InvalidRequest("tool_class: is read, write or destructive.", reason="invalid_tool")
    arguments = said.get("arguments")
    if not isinstance(arguments, dict):
        raise InvalidRequest("arguments: is the object that the tool is called with.", reason="invalid_arguments")
    try:
        hashed = args_hash(arguments)
        size = len(rfc8785.dumps(arguments))
    except (InexpressibleError, rfc8785.CanonicalizationError):
        raise InvalidRequest(
            "arguments: hold what RFC 8785 cannot express, such as an integer beyond 2^53.", reason="invalid_arguments"
        ) from None
    if size > MOST_ARGUMENT_BYTES:
        raise InvalidRequest(f"arguments: at most {MOST_ARGUMENT_BYTES} bytes.", reason="invalid_arguments")
    if hashed != _hash(said, "args_hash"):
        raise InvalidRequest("args_hash: is not of these arguments.", reason="args_hash")
    display = said.get("display", {})
    if not isinstance(display, dict):
        raise InvalidRequest(
            "display: is an object with title, description, version, follows and releases.", reason="invalid_display"
        )
    return asking.Call(
        tool=tool,
        tool_class=tool_class,
        title=_words(display, "title", most=200),
        description=_words(display, "description", most=2000),
        version=_words(display, "version", most=100),
        follows=_follows(display),
        releases=flag(display, "releases"),
        arguments=arguments,
        args_hash=hashed,
        definition_hash=_hash(said, "definition_hash"),
        policy_version=_hash(said, "policy_version"),
        rule=_rule(said),
        age_ms=_number(said, "age_ms", most=_MOST_AGE_MS),
        only_known=flag(said, "only_known"),
    )


def _follows(display: Members) -> Follows | None:
    try:
        return None if display.get("follows") is None else follows_from_json(display["follows"])
    except InvalidFollowsError as error:
        raise InvalidRequest(f"display.{error}.", reason="invalid_display") from None


def _rule(said: Members) -> ApprovalRule:
    try:
        return rule_from_json(said.get("rule"))
    except InvalidRuleError as error:
        raise InvalidRequest(f"rule: {error}.", reason="invalid_rule") from None


def told(said: Members) -> outcomes.Outcome | None:
    """Return what came of a call; None: this request does not say. Raises InvalidRequest."""
    if "state" not in said and "outcome" not in said:
        return None
    if said.get("state") != State.DONE.value or "outcome" not in said:
        raise InvalidRequest("state: is done, with the outcome beside it.", reason="invalid_outcome")
    if len(json.dumps(said["outcome"], ensure_ascii=False, separators=(",", ":")).encode()) > MOST_OUTCOME_BYTES:
        raise InvalidRequest(
            f'outcome: at most {MOST_OUTCOME_BYTES} bytes; send {{"too_large": true}} instead.',
            reason="invalid_outcome",
        )
    return outcomes.Outcome(result=said["outcome"], is_error=flag(said, "is_error"))


def instance(said: Members, name: str = "instance_id") -> str:
    """Return which run of the call, or which start of the server, speaks. Raises InvalidRequest."""
    instance_id = _text(said, name, most=128)
    if not _INSTANCE.fullmatch(instance_id):
        raise InvalidRequest(f"{name}: 1 to 128 of A-Z a-z 0-9 _ . : -", reason="invalid_instance")
    return instance_id


def _hash(said: Members, name: str) -> str:
    value = _text(said, name, most=64)
    if not _HASH.fullmatch(value):
        raise InvalidRequest(f"{name}: is a SHA-256 in lower-case hex.", reason="invalid_hash")
    return value


def _text(said: Members, name: str, *, most: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise InvalidRequest(f"{name}: is text of 1 to {most} characters.", reason="invalid_parameter")
    return value


def _words(said: Members, name: str, *, most: int) -> str:
    """Return what a tool says of itself, cut where it is longer than anybody reads; its definition's hash is of all of it."""
    value = said.get(name) or ""
    if not isinstance(value, str):
        raise InvalidRequest(f"display.{name}: is text.", reason="invalid_display")
    return value if len(value) <= most else value[: most - 1] + "…"


def _number(said: Members, name: str, *, most: int) -> int:
    value = said.get(name, 0)
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidRequest(f"{name}: is a whole number, 0 to {most}.", reason="invalid_parameter")
    return value


def flag(said: Members, name: str) -> bool:
    """Return a member that is true or false, false where it is absent. Raises InvalidRequest."""
    value = said.get(name, False)
    if type(value) is not bool:
        raise InvalidRequest(f"{name}: is true or false.", reason="invalid_parameter")
    return value
