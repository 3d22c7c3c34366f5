"""
Makes the event of a call from what was noted of it: redacted, committed to, and in the words of the wire. Beside the call's own way.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from resource_lib.audit.recording import MOST_ANSWER_BYTES, NOT_RECORDED, Call, Ending, Noted, Tap, is_observed
from resource_lib.audit.redacting import clean, redacted
from resource_lib.audit.subjects import Subjects, named_in
from resource_lib.decision import Allow, Ask, Decision, Deny, Observed, Outcome
from resource_lib.event_stream import Events, data_of
from resource_lib.identity.principal import Principal
from resource_lib.output.detectors import redacted as redacted_text
from resource_lib.output.detectors import redacted_value
from resource_lib.output.shape import UnreadableSchemaError, shape_of, shape_of_arguments
from resource_lib.policy.method_policy import DOCUMENTS
from resource_lib.wire.commitment import SALT_BYTES, canonical, committed_bytes
from resource_lib.wire.record import (
    MOST_ACTORS,
    MOST_RESULT_CHARACTERS,
    MOST_RULE_CHARACTERS,
    MOST_RULES,
    MOST_SIGNS,
    Status,
    characters_of,
    new_id,
)

_MOST_RULES_KEPT: Final = 4096
_MOST_CALLERS: Final = 1024
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,128}")
_SPOKEN: Final = NOT_RECORDED | DOCUMENTS | {"tools/call", "resources/subscribe", "resources/unsubscribe", "token"}
_PLAIN: Final = re.compile(r"[A-Za-z]{1,24}(/[A-Za-z]{1,24}){0,3}")
_TOOL: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_REQUEST: Final = re.compile(r"[\x21-\x7e]{1,64}")
_TRACE: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_KIND: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/ -]{0,63}")
_PREVIEW: Final = 200

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Made:
    """An event, and its bytes."""

    event: dict[str, Any]
    data: bytes
    is_kept: bool
    preview: str = ""
    """Of an answer that is an error: its beginning, redacted, for the log."""


class Maker:
    """Makes them for one guard. `instance` names this process; `is_header` leaves arguments and results out; `redacts` says that answers leave
    as they are, so that what is kept of them is redacted here.
    """

    def __init__(self, *, instance: str, is_header: bool, redacts: bool) -> None:
        self._instance = instance
        self._is_header = is_header
        self._redacts = redacts
        self._callers: dict[int, tuple[Principal, str, dict[str, Any]]] = {}
        self._rules: dict[int, tuple[Decision, list[list[str]]]] = {}

    def made(self, noted: Noted) -> Made:
        """Return the event."""
        call, phase = noted.call, noted.phase
        at = noted.at // 1000
        event_id = new_id(at)
        call.id = call.id or event_id
        demand, principal, decision = call.demand, call.caller.principal, call.decision
        event: dict[str, Any] = {
            "id": event_id,
            "call": call.id,
            "phase": phase,
            "at": at,
            "instance": self._instance,
            **self._who(principal, call.caller.token),
            # A caller may write anything there: of what the protocol does not know only plain words are repeated, and no number.
            "method": call.method if call.method in _SPOKEN or _PLAIN.fullmatch(call.method) else "other",
            "arguments_bytes": 0,
        }
        if call.caller.session is not None:
            event["session"] = sha256(call.caller.session).hexdigest()
        self._say_request(event, call)
        if demand is not None:
            if call.tool is not None and _TOOL.fullmatch(call.tool):
                event["tool"] = call.tool
            event["tool_class"] = demand.tool_class
            if demand.policy_version:
                event["policy_version"] = demand.policy_version
            if call.tool is not None and phase == "outcome":
                event["cost"] = demand.cost
        if call.definition is not None:
            event["definition_hash"] = call.definition.hash
        allowed = "observed" if is_observed(decision) else "allowed"
        event["decision"] = {"refused": "refused", "held": "held", "observed": "observed"}.get(phase, allowed)
        if noted.deny is not None:
            error, reason = noted.deny
            if error:
                event["error"] = error
            event["reason"] = _said(reason) or "refused"
        if decision is not None and decision.outcomes:
            event["rules"] = self._rules_of(decision)
        if call.approval_id and _VISIBLE.fullmatch(call.approval_id):
            event["approval_id"] = call.approval_id
        subjects: Subjects = {}
        is_full = not self._is_header and (demand is None or demand.record != "header")
        # What was asked stands once: in the intent, or in the one event that there is.
        if not (call.has_intent and phase == "outcome"):
            self._say_arguments(event, call, subjects, is_full=is_full)
        preview = ""
        if noted.ending is not None:
            preview = self._say_ending(event, call, noted.ending, subjects, is_full=is_full)
            if phase == "outcome":
                event["latency_us"] = noted.latency // 1000
        if call.signs and phase != "intent":
            event["signs"] = _signs(call.signs)
        if subjects and is_full:
            event["subjects"] = [list(one) for one in subjects]
        data = _dumps(event).encode("utf-8", "replace")
        return Made(event, data, noted.is_kept or phase == "intent", preview)

    def _who(self, principal: Principal, token: str) -> dict[str, Any]:
        """Return who asks. A caller makes many calls with one token, so it is kept."""
        known = self._callers.get(id(principal))
        if known is not None and known[0] is principal and known[1] == token:
            return known[2]
        found: dict[str, Any] = {
            "tenant": _visible(principal.tenant, 128),
            "sub": _visible(principal.subject, 2048),
            "client_id": _visible(principal.client_id, 2048),
            "authorization_id": _visible(principal.authorization_id, 128),
            "token": sha256(token.encode("utf-8", "replace")).hexdigest(),
        }
        if principal.actor is not None and (act := list(_actors(principal.actor))):
            found["act"] = act
        if len(self._callers) >= _MOST_CALLERS:
            self._callers.pop(next(iter(self._callers)))
        self._callers[id(principal)] = (principal, token, found)
        return found

    def _say_request(self, event: dict[str, Any], call: Call) -> None:
        request_id = call.request_id
        if request_id is not None:
            said = str(request_id)
            # A client may write anything there; of a text that is no plain id nothing is kept.
            if type(request_id) is not str or (_REQUEST.fullmatch(said) and redacted_text(said)[0] is said):
                event["request"] = said
        for name, value in call.caller.headers:
            if name == b"traceparent" and _TRACE.fullmatch(value):
                event["traceparent"] = value.decode("ascii")
                break

    def _rules_of(self, decision: Decision) -> list[list[str]]:
        known = self._rules.get(id(decision))
        if known is not None and known[0] is decision:
            return known[1]
        found = [_rule(name, outcome) for name, outcome in decision.outcomes[:MOST_RULES]]
        while characters_of(found) > MOST_RULE_CHARACTERS:
            found.pop()
        if len(self._rules) >= _MOST_RULES_KEPT:
            self._rules.pop(next(iter(self._rules)))
        self._rules[id(decision)] = (decision, found)
        return found

    def _say_arguments(self, event: dict[str, Any], call: Call, subjects: Subjects, *, is_full: bool) -> None:
        arguments = call.arguments
        if arguments is None:
            return
        data = canonical(arguments)
        event["arguments_bytes"] = len(call.caller.raw if data is None else data)
        salt = os.urandom(SALT_BYTES)
        event["arguments_commit"] = committed_bytes(salt, call.caller.raw if data is None else data)
        event["arguments_salt"] = salt.hex()
        if is_full:
            kept = redacted(arguments, call.definition)
            if kept is not None:
                event["arguments"] = kept
            try:
                named_in(arguments, shape_of_arguments(call.definition), subjects)
            except UnreadableSchemaError:
                call.sign("record:unreadable_schema")

    def _say_ending(
        self, event: dict[str, Any], call: Call, ending: Ending, subjects: Subjects, *, is_full: bool
    ) -> str:
        result, status, error = ending.result, ending.status, ending.error
        if result is None and ending.tap is not None:
            event["result_bytes"] = ending.tap.size
            reply = reply_in(ending.tap, call.request_id)
            if reply is not None:
                result = reply.get("result") if type(reply.get("result")) is dict else {"error": reply.get("error")}
                status = status if status == "cancelled" else None
            elif ending.tap.size > MOST_ANSWER_BYTES:
                call.sign("record:too_large")
                status = status or ("ok" if ending.tap.is_complete and ending.tap.status < 400 else "unknown")
            elif ending.tap.status >= 400:
                status = status or "failed"
            else:
                status = status or "unknown"
        if call.withheld is not None:
            status, error = "withheld", call.withheld
        elif status is None:
            status = _status(result)
        event["status"] = status
        if error is not None:
            event["error"] = error
        if result is None:
            return ""
        if type(result.get("task")) is dict:
            call.sign("record:task")
        if result.get("resultType") == "input_required":
            call.sign("record:input_required")
        text = _dumps(result)
        data = canonical(result)
        raw = text.encode("utf-8", "replace")
        salt = os.urandom(SALT_BYTES)
        event["result_bytes"] = len(raw)
        event["result_commit"] = committed_bytes(salt, raw if data is None else data)
        event["result_salt"] = salt.hex()
        if self._redacts or call.sees_personal:
            result, _ = redacted_value(result)
            text = _dumps(result)
        preview = ""
        if status in ("tool_error", "failed"):
            preview = _said(redacted_text(text[: 4 * _PREVIEW])[0])[:_PREVIEW]
        if is_full:
            event["result"] = clean(text[:MOST_RESULT_CHARACTERS])
            for clear in [result] if call.clear is None and self._redacts else call.clear or ():
                try:
                    structure = clear.get("structuredContent")
                    named_in(structure, shape_of(call.definition), subjects)
                except UnreadableSchemaError:
                    call.sign("record:unreadable_schema")
        return preview


def reply_in(tap: Tap, request_id: Any) -> dict[str, Any] | None:
    """Return the reply to a request in what left; None: it is not there, or not whole."""
    if tap.size > MOST_ANSWER_BYTES or not tap.chunks:
        return None
    raw = b"".join(tap.chunks)
    if any(
        name.lower() == b"content-type" and value[:17].lower() == b"text/event-stream" for name, value in tap.headers
    ):
        events = Events()
        texts = [data_of(event) for event in events.feed(raw)]
        if tap.is_complete and len(events):
            texts.append(data_of(events.rest()))
    else:
        texts = [raw]
    for text in reversed(texts):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for reply in value if type(value) is list else [value]:
            if (
                type(reply) is dict
                and ("result" in reply or "error" in reply)
                and _is_same(reply.get("id"), request_id)
            ):
                return reply
    return None


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other and one is not None


def _status(result: Mapping[str, Any] | None) -> Status:
    if result is None:
        return "unknown"
    if set(result) == {"error"}:
        return "failed"
    return "tool_error" if result.get("isError") is True else "ok"


def _rule(name: str, outcome: Outcome) -> list[str]:
    name = _UNSEEN.sub(" ", name)[:300] or "rule"
    would = isinstance(outcome, Observed)
    said = outcome.would if isinstance(outcome, Observed) else outcome
    word = "allow" if isinstance(said, Allow) else ("deny" if isinstance(said, Deny) else "ask")
    why = _said(said.reason) if isinstance(said, Deny | Ask) else ""
    found = [name, f"would_{word}" if would else word]
    return [*found, why] if why else found


def _actors(actor: Mapping[str, Any]) -> Iterator[str]:
    one: Any = actor
    for _ in range(MOST_ACTORS):
        if not isinstance(one, Mapping):
            return
        said = one.get("sub") or one.get("client_id")
        if isinstance(said, str) and said:
            yield _visible(said, 2048)
        one = one.get("act")


def _signs(noted: list[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, count in noted:
        name = kind[:64] if _KIND.fullmatch(kind[:64]) else "other"
        if name in found or len(found) < MOST_SIGNS:
            found[name] = found.get(name, 0) + max(1, count)
    return found


def _said(text: str) -> str:
    return _UNSEEN.sub(" ", text).strip()[:_PREVIEW]


def _visible(text: str, most: int) -> str:
    return (
        text
        if len(text) <= most and _VISIBLE.fullmatch(text)
        else quote(text, safe=":/?#[]@!$&'()*+,;=%")[:most] or "-"
    )
