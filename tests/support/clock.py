"""A clock that stands still until a test moves it."""

NOON = 1_767_268_800
"""2026-01-01 12:00:00 UTC, where every world begins: before today, so that a real process can go on from there."""


class HandClock:
    """Reads as the server's clock does: microseconds since the epoch."""

    def __init__(self, seconds: int = NOON) -> None:
        self._us = seconds * 1_000_000

    def __call__(self) -> int:
        return self._us

    @property
    def now(self) -> int:
        """Seconds since the epoch."""
        return self._us // 1_000_000

    def advance(self, seconds: float) -> None:
        """Let time pass, or run backwards."""
        self._us += int(seconds * 1_000_000)
