"""What the record says of a call and of everything else, in words a person reads."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from authserver.domain.audit.event import Kind, reference
from authserver.domain.audit.search import Event
from authserver.domain.resources import resource as resources
from authserver.domain.tokens import search as held
from authserver.domain.users import user
from authserver.runtime.unit_of_work import UnitOfWork
from authserver.web.console import targets
from authserver.web.console.targets import tag

_DECISIONS = {
    "allowed": ("good", "Allowed"),
    "refused": ("bad", "Refused"),
    "held": ("warn", "Waits for a yes"),
    "observed": ("warn", "Allowed, a rule objects"),
}
_ENDS = {
    "ok": ("quiet", "Answered"),
    "tool_error": ("warn", "The tool reports an error"),
    "withheld": ("warn", "Answer kept back"),
    "cancelled": ("warn", "Cancelled"),
    "failed": ("bad", "No answer"),
    "unknown": ("bad", "Nobody saw its end"),
}
VERDICTS = {
    "allow": ("good", "Allows"),
    "deny": ("bad", "Refuses"),
    "ask": ("warn", "Asks a person"),
    "would_allow": ("quiet", "Would allow"),
    "would_deny": ("warn", "Would refuse"),
    "would_ask": ("warn", "Would ask a person"),
}
_CLASSES = {"destructive": ("bad", "Cannot be undone"), "write": ("warn", "Changes things"), "read": ("quiet", "Reads")}
_OPEN_END = ("bad", "Nobody saw its end")


def decided(said: Mapping[str, Any], events: Sequence[Event]) -> list[dict[str, str]]:
    """Return what was decided about a call, and how it ended, as tags."""
    tags = [tag(*_DECISIONS[said["decision"]])] if said.get("decision") in _DECISIONS else []
    if said.get("status") in _ENDS:
        tags.append(tag(*_ENDS[said["status"]]))
    elif all(one.kind == Kind.CALL_INTENT for one in events):
        tags.append(tag(*_OPEN_END))
    return tags


def grave(said: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return how grave the tool of a call is, as a tag."""
    return [tag(*_CLASSES[said["tool_class"]])] if said.get("tool_class") in _CLASSES else []


def moment(at_us: int) -> str:
    """Return a moment to the second, in UTC."""
    when = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC"


def iso(at_us: int) -> str:
    """Return a moment for machines that read the page."""
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def length(us: int) -> str:
    """Return a length of time, as exactly as somebody who waits for an answer means it."""
    if us < 1_000_000:
        return f"{us / 1000:.3g} ms"
    if us < 120_000_000:
        return f"{us / 1_000_000:.3g} s"
    minutes, seconds = divmod(us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def size(count: int) -> str:
    """Return a number of bytes."""
    return f"{count:,} bytes" if count < 10_000 else f"{count / 1024:,.0f} KiB"


class Names:
    """How those are called of whom headers hold references and ids alone, each looked up once for a page."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._people: dict[str, tuple[str, str]] = {}
        self._clients: dict[str, str] = {}
        self._servers: dict[str, str] = {}

    async def person(self, event: Event) -> tuple[str, str]:
        """Return how somebody is called and their `sub`; empty: nobody is named, or nothing here leads to them any more."""
        if not event.sub_ref:
            return "", ""
        if event.sub_ref not in self._people:
            self._people[event.sub_ref] = await self._by_sign_in(event)
        return self._people[event.sub_ref]

    async def know(self, sub: str) -> None:
        """Remember somebody, whose reference may come."""
        listed = await user.listed(self._work, sub)
        if listed is not None:
            self._people[reference(self._work, sub)] = (listed.name, sub)

    async def _by_sign_in(self, event: Event) -> tuple[str, str]:
        found = await held.find(self._work, event.authorization_id) if event.authorization_id else None
        # The sign-in leads to somebody, and the reference proves that it is they.
        if found is None or reference(self._work, found.authorization.sub) != event.sub_ref:
            return "", ""
        sub = found.authorization.sub
        if found.authorization.is_of_machine:
            return "Itself", ""
        listed = await user.listed(self._work, sub)
        return (listed.name, sub) if listed is not None else ("", "")

    async def client(self, client_id: str) -> str:
        """Return how an application is called here."""
        if client_id not in self._clients:
            assert self._work.tenant is not None
            name, _ = await targets.client_words(self._work, self._work.tenant, client_id)
            self._clients[client_id] = name
        return self._clients[client_id]

    async def server(self, uri: str) -> str:
        """Return how an MCP server is called; its address, where it is not known."""
        if uri not in self._servers:
            found = await resources.by_uri(self._work, uri)
            self._servers[uri] = found.name if found is not None else uri
        return self._servers[uri]
