"""
That somebody met a limit, for whoever watches: each time to a hook, and to the log without a flood of its own.

The first refusal of a caller at a limit is logged at once; those of the next minute are counted, and said together when it is over.
C43, RL-06.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from resource_lib.limits.limits import Limited

TOGETHER_S: Final = 60.0
MOST_KEPT: Final = 1024

log = logging.getLogger("resource_lib.limits")

_Key = tuple[str, str, str, str, str | None]


class _Minute:
    """The refusals of one caller at one limit, since the first of them was logged."""

    __slots__ = ("last", "since", "untold")

    def __init__(self, since: float, last: Limited) -> None:
        self.since = since
        self.last = last
        self.untold = 0


class Signals:
    """Tells of refusals. `clock` counts monotonic seconds."""

    def __init__(self, hook: Callable[[Limited], None] | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hook = hook
        self._clock = clock
        self._minutes: OrderedDict[_Key, _Minute] = OrderedDict()

    def tell(self, limited: Limited) -> None:
        """Take note of one refusal. Raises nothing, whatever the hook does."""
        if self._hook is not None:
            try:
                self._hook(limited)
            except Exception:
                log.exception("on_limited raised", extra={"event": "limits.hook_failed"})
        now = self._clock()
        self.tell_what_is_over(now)
        key = (limited.tenant, limited.subject, limited.client_id, limited.scope, limited.tool)
        minute = self._minutes.get(key)
        if minute is not None:
            minute.untold += 1
            minute.last = limited
            return
        _say(limited, times=1)
        self._minutes[key] = _Minute(now, limited)
        if len(self._minutes) > MOST_KEPT:
            _, oldest = self._minutes.popitem(last=False)
            _say_rest(oldest)

    def tell_what_is_over(self, now: float | None = None) -> None:
        """Log what was counted in minutes that are over; without a `now`, in all of them: nobody may ask again."""
        while self._minutes:
            key, oldest = next(iter(self._minutes.items()))
            if now is not None and now - oldest.since < TOGETHER_S:
                return
            del self._minutes[key]
            _say_rest(oldest)


def _say_rest(minute: _Minute) -> None:
    if minute.untold:
        _say(minute.last, times=minute.untold)


def _say(limited: Limited, *, times: int) -> None:
    log.warning(
        "limited %s: %s",
        limited.tool or "requests",
        limited.scope,
        extra={
            "event": "call.limited",
            "times": times,
            "scope": limited.scope,
            "tool": limited.tool,
            "definition_hash": limited.definition_hash,
            "most": limited.most,
            "window_s": limited.window_s,
            "retry_after_s": limited.retry_after_s,
            "tenant": limited.tenant,
            "subject": limited.subject,
            "client_id": limited.client_id,
            "authorization_id": limited.authorization_id,
        },
    )
