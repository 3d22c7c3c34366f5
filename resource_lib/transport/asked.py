"""
Who asked what, as far as an answer may come later: again on a stream that is opened anew, or as what came of a task.

Bounded in all; tasks in time, and for each caller as well, so that nobody's flood makes another's results unknown. Of what is forgotten nobody
knows whose answer it is, and then it does not leave; where there is no room, what is new is not taken.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

from resource_lib.transport.answers import RequestId
from resource_lib.transport.outward import Question
from resource_lib.transport.sessions import Owner

MOST_ASKED: Final = 20_000
MOST_TASKS: Final = 20_000
MOST_OF_AN_OWNER: Final = 500
TASK_LIFE_S: Final = 24 * 3600.0
_MOST_LOST: Final = 100_000
"""More sessions than a guard knows."""
_LONGEST_ID: Final = 1024

log = logging.getLogger("resource_lib.guard")


class _Kept:
    """Questions by their owner and their id."""

    def __init__(self, most: int, most_of_one: int, life_s: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._life_s = life_s
        self._clock = clock
        self._of: OrderedDict[Hashable, OrderedDict[str, tuple[Question | None, float]]] = OrderedDict()
        self.count = 0

    def find(self, owner: Hashable, key: str) -> tuple[Question | None, float] | None:
        """Return what is kept, and until when; None: nothing is."""
        own = self._of.get(owner)
        found = None if own is None else own.get(key)
        return found if found is not None and found[1] > self._clock() else None

    def keep(self, owner: Hashable, key: str, question: Question | None) -> bool:
        """Keep it. False: there is no room."""
        now = self._clock()
        own = self._of.get(owner)
        if own is None:
            own = self._of[owner] = OrderedDict()
        self._of.move_to_end(owner)
        if key not in own:
            self.count += 1
        own[key] = question, now + self._life_s
        own.move_to_end(key)
        if len(own) > self._most_of_one:
            own.popitem(last=False)
            self.count -= 1
        if self.count <= self._most:
            return True
        self._forget_what_is_over(now)
        if self.count <= self._most:
            return True
        del own[key]
        self.count -= 1
        if not own:
            del self._of[owner]
        return False

    def _forget_what_is_over(self, now: float) -> None:
        for owner in list(self._of):
            own = self._of[owner]
            while own and next(iter(own.values()))[1] <= now:
                own.popitem(last=False)
                self.count -= 1
            if not own:
                del self._of[owner]


class Asked:
    """Which request of which session had which id: a stream that is opened anew repeats answers. The oldest is forgotten first.

    Ids count by their text, as servers tell them apart. Of one that was used twice nobody knows whose answer it names, and neither
    where one of the session was forgotten, which it could be once more.
    """

    def __init__(self, most: int = MOST_ASKED) -> None:
        self._most = most
        self._known: OrderedDict[tuple[bytes, str], Question | None] = OrderedDict()
        self._lost: OrderedDict[bytes, None] = OrderedDict()
        """Sessions of which something was forgotten."""
        self._open: set[tuple[bytes, str]] = set()

    def note(self, session: bytes, questions: Iterable[Question]) -> None:
        """Take note of what is asked in a session."""
        for question in questions:
            if question.id is not None:
                key = session, str(question.id)
                self._known[key] = None if key in self._known or session in self._lost else question
                if len(self._known) > self._most:
                    (gone, _), _ = self._known.popitem(last=False)
                    self._lost[gone] = None
                    if len(self._lost) > _MOST_LOST:
                        self._lost.popitem(last=False)

    def of(self, session: bytes, request_id: RequestId) -> Question | None:
        """Return what was asked by this id; None: nobody knows."""
        found = self._known.get((session, str(request_id)))
        return found if found is not None and type(found.id) is type(request_id) else None

    def begin(self, session: bytes, ids: Iterable[RequestId]) -> frozenset[tuple[bytes, str]] | None:
        """Take these ids while their requests run; None: one of them is that of another request that runs."""
        keys = [(session, str(one)) for one in ids]
        if len(set(keys)) < len(keys) or not self._open.isdisjoint(keys):
            return None
        self._open.update(keys)
        return frozenset(keys)

    def end(self, keys: frozenset[tuple[bytes, str]]) -> None:
        """Give them back."""
        self._open -= keys


class Tasks:
    """Which call goes on as which task, for whom."""

    def __init__(
        self,
        most: int = MOST_TASKS,
        most_of_one: int = MOST_OF_AN_OWNER,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = _Kept(most, most_of_one, TASK_LIFE_S, clock)

    def __len__(self) -> int:
        return self._kept.count

    def note(self, owner: Owner, task_id: str, question: Question) -> None:
        """Take note that a call goes on as a task."""
        if len(task_id) > _LONGEST_ID or not self._kept.keep(owner, task_id, question):
            log.warning(
                "there is no room to remember one more task: what comes of it will be withheld",
                extra={"event": "output.task_forgotten"},
            )

    def of(self, owner: Owner, task_id: Any) -> Question | None:
        """Return the call that a task is of; None: nobody knows."""
        kept = self._kept.find(owner, task_id) if isinstance(task_id, str) else None
        return None if kept is None else kept[0]
