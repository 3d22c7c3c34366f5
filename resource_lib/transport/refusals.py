"""
The one answer to a body of which something may not run.

A batch runs whole or not at all: nothing of it has happened when part of it is refused. A missing scope is an HTTP 403, or, for
clients that look for it in the result, a challenge in `_meta["mcp/www_authenticate"]`; a login that is too weak or too old is the
second 401 of RFC 9470; everything else is a reply in the protocol's own form.
"""

import logging
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from resource_lib.challenge import Challenges
from resource_lib.decision import Decision, Deny
from resource_lib.definition import Definition, named
from resource_lib.identity.principal import Principal
from resource_lib.transport import answers
from resource_lib.transport.answers import Answer
from resource_lib.transport.asgi import Headers
from resource_lib.transport.body import Body, Message
from resource_lib.transport.listing import ToolSchemas

log = logging.getLogger("resource_lib.guard")

Decided = list[tuple[Message, Decision | None]]
"""Each message of a body, and what was decided about it; None: nothing was asked of it."""

_UNKNOWN: Final[Mapping[str | None, Definition]] = {}
_NOT_RUN: Final = Deny(
    error="policy_denied",
    message="Not run: another call of the same batch is refused, and a batch runs whole or not at all.",
    reason="part of a refused batch",
)


class Refusals:
    """Answers what is refused. `in_result` are the clients that take a challenge in a result; None: all of them."""

    def __init__(
        self,
        challenges: Challenges,
        tools: Container[str],
        schemas: ToolSchemas,
        in_result: Collection[str] | None = (),
        *,
        limited: Literal["auto", "tool_result", "http_429"] = "auto",
        rate_headers: bool = True,
    ) -> None:
        self._challenges = challenges
        self._tools = tools
        self._schemas = schemas
        self._in_result = in_result
        self._limited = limited
        self._rate_headers = rate_headers

    def to(
        self,
        body: Body,
        decided: Decided,
        principal: Principal,
        *,
        modern: bool,
        today: Mapping[str | None, Definition] = _UNKNOWN,
    ) -> Answer | None:
        """Return the answer to a body; None when nothing in it is refused. `today`: what the called tools are, for the log."""
        refused = [
            (message, decision.refusal)
            for message, decision in decided
            if decision is not None and decision.refusal is not None
        ]
        if not refused:
            return None
        for message, deny in refused:
            note(message, deny, principal, known=message.tool in self._tools, definition=today.get(message.tool))
        return (
            self._stopped(refused)
            or self._step_up(refused, principal)
            or self._login_again(refused)
            or self._replies(decided, principal, modern=modern, is_batch=body.is_batch)
        )

    def structured(self, tool: str | None, *, modern: bool) -> bool:
        """Tell whether an error may stand in `structuredContent`: not where an older client holds it against a schema.

        A tool nobody knows declares nothing; of the others we know what a listing has shown us.
        """
        return modern or tool is None or tool not in self._tools or self._schemas.has_none(tool)

    def stopped(self, why: Deny, *, method: str) -> Answer:
        """Return the answer to a request that asks for no method by name, and whose caller or server is stopped."""
        if why.error == "invalid_token":
            return answers.unauthenticated(self._challenges.refused)
        error = answers.error_object(why, subject=method, is_tool=False)
        return answers.inactive(None, error, why.retry_after_s or 1)

    def limited(
        self, deny: Deny, messages: Sequence[Message], *, method: str, modern: bool, is_batch: bool = False
    ) -> Answer:
        """Return the answer to a body whose limits have no room: in a tool's result, or as an HTTP 429. One truth in all places.

        `method` is that of HTTP, for a request that names no other. What is no request has no result that could say it.
        """
        exceeded = deny.exceeded
        tool = None if exceeded is None else exceeded.tool
        further: Headers = []
        if self._rate_headers and exceeded is not None and deny.retry_after_s is not None:
            further = answers.rate_headers(exceeded, deny.retry_after_s)
        met = [message for message in messages if tool is None or message.tool == tool]
        is_of_tools = bool(met) and (
            tool is not None or (exceeded is None and all(one.tool is not None for one in met))
        )
        as_result = (
            deny.error != "rate_limited" or self._limited == "tool_result" or (self._limited == "auto" and is_of_tools)
        )
        if not as_result or all(message.id is None for message in messages):
            if not met:
                error = answers.error_object(deny, subject=method, is_tool=False)
                return answers.too_many(None, error, further)
            return answers.too_many(met[0].id, described(met[0], deny), further)
        replies = []
        for message in messages:
            why = deny if message in met else _NOT_RUN
            is_tool, structured = message.tool is not None, self.structured(message.tool, modern=modern)
            error = described(message, why)
            replies.append(
                answers.refused_reply(message.id, error, is_tool=is_tool, modern=modern, structured=structured)
            )
        return answers.replied(replies if is_batch else replies[0], retry_after_s=deny.retry_after_s, further=further)

    def cancelled(self, body: Body, *, modern: bool) -> Answer:
        """Return the answer to calls that were stopped while they ran, before anything of an answer was sent."""
        replies = []
        for message in body.messages:
            name = answers.shown(message.tool or message.method)
            deny = Deny(
                error="cancelled",
                message=f"{name} was stopped while it ran. What it had done by then it has done; nobody knows how far it came.",
                reason="stopped while it ran",
            )
            structured = self.structured(message.tool, modern=modern)
            is_tool = message.tool is not None
            replies.append(
                answers.refused_reply(
                    message.id, described(message, deny), is_tool=is_tool, modern=modern, structured=structured
                )
            )
        return answers.replied(replies if body.is_batch else replies[0])

    def _stopped(self, refused: list[tuple[Message, Deny]]) -> Answer | None:
        """Return the one 401 to what is dead, and the 503 where nothing of a body is a tool call; None: neither."""
        if any(deny.error == "invalid_token" for _, deny in refused):
            return answers.unauthenticated(self._challenges.refused)
        message, deny = refused[0]
        if deny.error != "server_inactive" or any(message.tool is not None for message, _ in refused):
            return None
        return answers.inactive(message.id, described(message, deny), deny.retry_after_s or 1)

    def _step_up(self, refused: list[tuple[Message, Deny]], principal: Principal) -> Answer | None:
        lacking = [
            (message, deny)
            for message, deny in refused
            if deny.error == "insufficient_scope" and not self._takes_it_in_result(message, principal)
        ]
        if not lacking:
            return None
        needed = _union(deny.needed for _, deny in lacking)
        challenge, scopes = self._challenges.insufficient_scope(needed=needed, granted=principal.scopes)
        message, deny = lacking[0]
        return answers.forbidden(message.id, described(message, deny, scopes), challenge)

    def _takes_it_in_result(self, message: Message, principal: Principal) -> bool:
        return message.tool is not None and (self._in_result is None or principal.client_id in self._in_result)

    def _login_again(self, refused: list[tuple[Message, Deny]]) -> Answer | None:
        for message, deny in refused:
            if deny.error == "insufficient_user_authentication":
                challenge = self._challenges.insufficient_authentication(
                    acr_values=deny.acr_values, max_age=deny.max_age
                )
                return answers.login_again(message.id, described(message, deny), challenge)
        return None

    def _replies(self, decided: Decided, principal: Principal, *, modern: bool, is_batch: bool) -> Answer:
        replies = []
        for message, decision in decided:
            deny = _NOT_RUN if decision is None or decision.refusal is None else decision.refusal
            challenge, scopes = None, None
            if deny.error == "insufficient_scope":
                challenge, scopes = self._challenges.insufficient_scope(needed=deny.needed, granted=principal.scopes)
            replies.append(
                answers.refused_reply(
                    message.id,
                    described(message, deny, scopes),
                    is_tool=message.tool is not None,
                    modern=modern,
                    # A tool that this caller is not offered answers as one that nobody knows, byte for byte.
                    structured=deny.error == "tool_unknown" or self.structured(message.tool, modern=modern),
                    challenge=challenge,
                )
            )
        return answers.replied(replies if is_batch else replies[0])


def described(message: Message, deny: Deny, scopes: list[str] | None = None) -> dict[str, Any]:
    """Return the one object that describes a refusal of `message`."""
    subject = answers.shown(message.method if message.tool is None else message.tool)
    return answers.error_object(deny, subject=subject, is_tool=message.tool is not None, scopes=scopes)


def note(
    message: Message, deny: Deny, principal: Principal, *, known: bool, definition: Definition | None = None
) -> None:
    """Write a refusal to the log: ids and words of ours, nothing a caller wrote."""
    subject = message.method if message.tool is None else (message.tool if known else "(outside the policy)")
    log.info(
        "refused %s: %s",
        subject,
        deny.error,
        extra={
            "event": "call.refused",
            "error": deny.error,
            "reason": deny.reason,
            **named(subject if message.tool is not None else "", definition if known else None),
            "tenant": principal.tenant,
            "authorization_id": principal.authorization_id,
        },
    )


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    return found.union(*sets)
