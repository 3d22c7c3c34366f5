"""
Pages of keys, each of which can be destroyed alone, and of which a whole page is one small secret.

A page is a seed as long as all of its 64 keys live, and the list of those that are left once one of them has to go: from what is left
nobody computes it again.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Container
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

SLOTS: Final = 64
_KEY: Final = 32
_WHOLE: Final = b"\1"
_SOME: Final = b"\2"
_LONGEST_US: Final = 3600 * 1_000_000
"""For how long a process goes on with a page, and so knows its seed."""


@dataclass(frozen=True, slots=True, repr=False)
class Slot:
    """One key of a page."""

    page: str
    number: int
    key: bytes


class NewPage:
    """A page whose keys are given out, one after the other."""

    def __init__(self, now_us: int) -> None:
        self.id = f"kp_{secrets.token_hex(10)}"
        self.made_us = now_us
        self._seed = secrets.token_bytes(_KEY)
        self._taken = 0

    @property
    def content(self) -> bytes:
        """What is kept of it, sealed."""
        return _WHOLE + self._seed

    @property
    def is_spent(self) -> bool:
        """Whether all of its keys are given out."""
        return self._taken == SLOTS

    def take(self) -> Slot:
        """Give out the next key."""
        number, self._taken = self._taken, self._taken + 1
        return Slot(self.id, number, _grown(self._seed, number))


class OpenPages:
    """The pages of which this process still gives out keys: one for each of those for whom it lately did."""

    def __init__(self, *, limit: int = 10_000) -> None:
        self._limit = limit
        self._pages: OrderedDict[str, NewPage] = OrderedDict()

    def take(self, whose: str, now_us: int) -> Slot | None:
        """Give out a key of the open page; None: open a new one."""
        page = self._pages.get(whose)
        if page is None or page.is_spent or not 0 <= now_us - page.made_us <= _LONGEST_US:
            return None
        return page.take()

    def open(self, whose: str, page: NewPage) -> None:
        """Give out of this page from now on. It is kept already."""
        self._pages[whose] = page
        self._pages.move_to_end(whose)
        if len(self._pages) > self._limit:
            self._pages.popitem(last=False)

    def close(self) -> None:
        """Go on with none of them: their seeds are forgotten here."""
        self._pages.clear()


def key_at(content: bytes, number: int) -> bytes | None:
    """Return one key of a page; None: it was destroyed."""
    return _grown(content[1:], number) if content[:1] == _WHOLE else _left(content).get(number)


def without(content: bytes, numbers: Container[int]) -> bytes:
    """Return what is kept of a page without these keys; empty: none is left."""
    left = _left(content) if content[:1] == _SOME else {one: _grown(content[1:], one) for one in range(SLOTS)}
    kept = b"".join(bytes([number]) + key for number, key in left.items() if number not in numbers)
    return _SOME + kept if kept else b""


def _grown(seed: bytes, number: int) -> bytes:
    return hmac.digest(seed, bytes([number]), sha256)


def _left(content: bytes) -> dict[int, bytes]:
    return {content[at]: content[at + 1 : at + 1 + _KEY] for at in range(1, len(content), 1 + _KEY)}
