"""
The four questions about an approval: may this call run, what has become of it, let it begin, this came of it.

Decision 13. The issuer keeps the record and decides; everything here may be asked twice, because every question names the run
that asks it. Answers are read strictly; an answer of another form is no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from resource_lib.backchannel.channel import Channel, IssuerUnavailableError, Reply
from resource_lib.identity.issuer_documents import is_plain_loopback, refuse_unsafe
from resource_lib.wire.approvals import State

TOO_LARGE: Final[Mapping[str, Any]] = {"too_large": True}


class NotStandingError(Exception):
    """The caller's token does not count any more."""


class SlowDownError(Exception):
    """Too much was asked for this caller. Again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("the issuer asks for patience")
        self.retry_after_s = retry_after_s


class RefusedError(Exception):
    """The issuer does not take what this server said: a fault of a server, not of a caller. `description` is for the log."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description


class ConflictError(Exception):
    """The call may not begin. `error` says why: `approval_in_progress`, `approval_mismatch`, …; `state` what has become of it."""

    def __init__(self, error: str, state: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.state = state


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What the issuer says of one approval. Times are seconds since the epoch."""

    id: str
    state: State
    expires_at: int
    url: str = ""
    retry_after_s: int = 5
    differs: tuple[str, ...] = ()
    """In what another call of the same caller and tool, which has its yes, is not this one."""
    outcome: Mapping[str, Any] | None = field(default=None, repr=False)


class Approvals:
    """Asks one issuer."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def ask(self, said: Mapping[str, Any]) -> Record:
        """Find or ask for the approval of one call.

        Raises NotStandingError, SlowDownError, RefusedError, IssuerUnavailableError; and ConflictError where `only_known` is said
        and nobody was asked about it so far.
        """
        reply = await self._asked("POST", "/rs/approvals", said)
        if reply.status == 409:
            raise ConflictError("approval_required")
        if reply.status not in (200, 201):
            raise IssuerUnavailableError
        return _record(reply.object(), is_whole=True)

    async def state(self, approval_id: str, *, wait: int) -> Record:
        """Return what has become of it, after `wait` seconds (at most 25) or as soon as it changes."""
        reply = await self._asked("GET", f"{_path(approval_id)}?wait={wait}", None, wait=wait)
        if reply.status != 200:
            raise IssuerUnavailableError
        return _record(reply.object(), is_whole=False)

    async def consume(self, approval_id: str, said: Mapping[str, Any]) -> int:
        """Let the call begin, or go on running it; return for how many seconds. Raises ConflictError besides the others."""
        reply = await self._asked("POST", f"{_path(approval_id)}/consume", said)
        answer = reply.object()
        if reply.status == 409:
            error, state = answer.get("error"), answer.get("state")
            raise ConflictError(error if isinstance(error, str) else "approval_required", str(state))
        lease = answer.get("lease_s")
        if reply.status != 200 or answer.get("state") != State.EXECUTING or type(lease) is not int:
            raise IssuerUnavailableError
        return lease

    async def outcome(
        self, approval_id: str, *, instance_id: str, is_error: bool, outcome: Mapping[str, Any], delivered: bool
    ) -> None:
        """Say what came of it."""
        said = {
            "instance_id": instance_id,
            "state": State.DONE,
            "is_error": is_error,
            "outcome": outcome,
            "delivered": delivered,
        }
        await self._told(f"{_path(approval_id)}/outcome", said)

    async def delivered(self, approval_id: str, *, instance_id: str) -> None:
        """Say that its answer was sent in full."""
        await self._told(f"{_path(approval_id)}/outcome", {"instance_id": instance_id, "delivered": True})

    async def _told(self, path: str, said: Mapping[str, Any]) -> None:
        reply = await self._asked("POST", path, said)
        if reply.status != 200:
            raise RefusedError(f"the issuer answered {reply.status} to an outcome")

    async def _asked(self, method: str, path: str, said: Mapping[str, Any] | None, *, wait: int = 0) -> Reply:
        reply = await self._channel.ask(method, path, body=said, wait=wait)
        if reply.status == 403:
            raise NotStandingError
        if reply.status == 429:
            raise SlowDownError(_retry_after(reply))
        if reply.status in (400, 404, 413):
            description = reply.object().get("error_description") if reply.body else None
            raise RefusedError(str(description)[:300])
        return reply


def _retry_after(reply: Reply) -> int:
    said = reply.object().get("retry_after_s")
    return min(max(said, 1), 3600) if type(said) is int else reply.retry_after_s


def _path(approval_id: str) -> str:
    return f"/rs/approvals/{quote(approval_id, safe='')}"


def _record(said: Mapping[str, Any], *, is_whole: bool) -> Record:
    approval_id, state, expires_at = said.get("approval_id"), said.get("state"), said.get("expires_at")
    url, retry, outcome, differs = (said.get(name) for name in ("approval_url", "retry_after_s", "outcome", "differs"))
    if type(approval_id) is not str or not 0 < len(approval_id) <= 256 or type(expires_at) is not int:
        raise IssuerUnavailableError
    if type(state) is not str or state not in set(State) or not (outcome is None or type(outcome) is dict):
        raise IssuerUnavailableError
    if is_whole:
        _refuse_odd_url(url)
    return Record(
        id=approval_id,
        state=State(state),
        expires_at=expires_at,
        url=url if type(url) is str else "",
        retry_after_s=min(max(retry, 1), 300) if type(retry) is int else 5,
        differs=tuple(name for name in differs if type(name) is str) if type(differs) is list else (),
        outcome=outcome,
    )


def _refuse_odd_url(url: Any) -> None:
    """Refuse a link that no person should be asked to open."""
    if type(url) is not str or len(url) > 2048 or not url.isascii() or not url.isprintable():
        raise IssuerUnavailableError
    try:
        refuse_unsafe(url, "approval_url", may_be_plain=is_plain_loopback(url))
    except ValueError:
        raise IssuerUnavailableError from None
