"""
Charts without a script: what a page needs to draw them as SVG, in units of a canvas that is stretched to whatever room there is.

Shapes alone are drawn; words stand beside them as text, so that they keep their size on a small screen. Each shape says in words what it
shows, and a table on the same page has the same numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 1000
HEIGHT: Final = 100
_GAP: Final = 0.16
"""Of the room of one bar."""

Said = Callable[[int], str]
"""A value in words, with its unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One coloured part of a bar."""

    look: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar, from the bottom up, what it says, and the room in which it says so."""

    words: str
    x: float
    width: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line: `path` as SVG writes it, with a gap where nothing was measured. `dots`: the points without a neighbour."""

    look: str
    path: str
    dots: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What is drawn. `scale`: words for the top, the middle and the bottom; `times`: words below, each for an equal part."""

    scale: tuple[str, str, str]
    times: tuple[str, ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()


def stacked(
    values: Sequence[Sequence[tuple[str, int]]], words: Sequence[str], times: Sequence[str], said: Said
) -> Chart:
    """Return bars, each of parts with a look, the first one at the bottom."""
    top = round_top(max((sum(value for _, value in parts) for parts in values), default=0))
    room = WIDTH / max(1, len(values))
    bars = []
    for place, parts in enumerate(values):
        x, width, y = (place + _GAP / 2) * room, room * (1 - _GAP), float(HEIGHT)
        pieces = []
        for look, value in parts:
            height = value * HEIGHT / top
            y -= height
            if value:
                pieces.append(Piece(look=look, x=_r(x), y=_r(y), width=_r(width), height=_r(height)))
        bars.append(Bar(words=words[place], x=_r(place * room), width=_r(room), pieces=tuple(pieces)))
    return Chart(scale=_scale(top, said), times=tuple(times), bars=tuple(bars))


def lined(
    values: Sequence[tuple[str, Sequence[int | None]]], words: Sequence[str], times: Sequence[str], said: Said
) -> Chart:
    """Return lines, each with a look, and over each moment a bar without a part that says it in words."""
    top = round_top(max((value for _, line in values for value in line if value is not None), default=0))
    room = WIDTH / max(1, len(words))
    bars = [Bar(words=one, x=_r(place * room), width=_r(room), pieces=()) for place, one in enumerate(words)]
    lines = [
        _line(look, [None if value is None else HEIGHT * (1 - value / top) for value in line], room)
        for look, line in values
    ]
    return Chart(scale=_scale(top, said), times=tuple(times), bars=tuple(bars), lines=tuple(lines))


def round_top(largest: int) -> int:
    """Return a round number at or above the largest value whose half is a whole one."""
    top = 1
    while True:
        for factor in (2, 4) if top == 1 else (1, 2, 5):
            if factor * top >= largest:
                return factor * top
        top *= 10


def _scale(top: int, said: Said) -> tuple[str, str, str]:
    return said(top), said(top // 2), said(0)


def _line(look: str, heights: Sequence[float | None], room: float) -> Line:
    path, dots = [], []
    for place, y in enumerate(heights):
        if y is None:
            continue
        point = f"{_r((place + 0.5) * room)} {_r(y)}"
        follows = place > 0 and heights[place - 1] is not None
        is_followed = place + 1 < len(heights) and heights[place + 1] is not None
        if follows or is_followed:
            path.append(f"{'L' if follows else 'M'}{point}")
        else:
            dots.append(f"M{point}h0")
    return Line(look=look, path="".join(path), dots="".join(dots))


def _r(value: float) -> float:
    return round(value, 2)
