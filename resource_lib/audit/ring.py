"""
The latest calls of each login, in this process's memory: for the author's own eyes, while they build and look for a fault.

Redacted as the record is, with the beginning of the result alone. Bounded in logins and in calls; gone with the process.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any, Final

MOST_LOGINS: Final = 500
_PREVIEW: Final = 200
_MOST_ARGUMENTS: Final = 2000
_SHOWN: Final = (
    "at", "phase", "decision", "error", "reason", "status", "tool", "method", "tenant", "client_id", "authorization_id", "approval_id",
    "rules", "latency_us", "result_bytes", "arguments_bytes", "call", "signs",
)  # fmt: skip


class Ring:
    """Remembers `most` of each login. Safe between threads."""

    def __init__(self, most: int, *, logins: int = MOST_LOGINS) -> None:
        self._most = most
        self._logins = logins
        self._kept: OrderedDict[str, deque[dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, event: Mapping[str, Any]) -> None:
        """Remember an event; the login that was quiet for longest gives way."""
        if not self._most:
            return
        shown = {name: event[name] for name in _SHOWN if name in event}
        if "arguments" in event:
            text = str(event["arguments"])
            shown["arguments"] = event["arguments"] if len(text) <= _MOST_ARGUMENTS else f"{text[:_PREVIEW]}…"
        if "result" in event:
            shown["result"] = event["result"][:_PREVIEW]
        key = event.get("authorization_id", "")
        with self._lock:
            calls = self._kept.get(key)
            if calls is None:
                calls = self._kept[key] = deque(maxlen=self._most)
                if len(self._kept) > self._logins:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            calls.append(shown)

    def recent(self, authorization_id: str | None, most: int) -> list[dict[str, Any]]:
        """Return the latest events of a login, or of all, the newest first."""
        with self._lock:
            if authorization_id is not None:
                found = list(self._kept.get(authorization_id, ()))
            else:
                found = [one for calls in self._kept.values() for one in calls]
        found.sort(key=lambda one: one["at"], reverse=True)
        return [dict(one) for one in found[:most]]
