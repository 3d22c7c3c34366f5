"""
How much a call may say at all, before any schema is asked: so that judging a call costs no more than the call is worth.

Members that stand twice, NaN and numbers of thousands of digits never come this far: the reading of the body refuses them. Refused
here besides size: numbers that programs read differently (RFC 7493 §2.2), half a surrogate pair and NUL in a text.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from resource_lib.arguments.words import Path
from resource_lib.settings import SettingsError

_PER_CHARACTER: Final = 6
_PER_VALUE: Final = 26
"""What one character, and one value beside its characters, takes in JSON at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The most that the arguments of one call may be, whatever their schema says."""

    bytes: int = 1024 * 1024
    """Of all arguments, written as JSON in UTF-8 without white space."""
    depth: int = 32
    """Objects and lists inside each other."""
    characters: int = 262_144
    """Of one text."""
    name: int = 256
    """Characters of the name of a member."""
    members: int = 10_000
    """Of one object, and items of one list."""
    values: int = 50_000
    """In all, counted at every depth."""
    number: int = 2**53
    """How far from zero a number may be: beyond 2^53 programs read the same digits as different numbers."""

    def __post_init__(self) -> None:
        """Refuse bounds that let nothing through, or that would end in no answer."""
        for name, most in _HIGHEST.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise SettingsError(
                    f"argument_bounds.{name}", f"{value!r} is not within 1 to {most}", "leave it out, or lower it"
                )


_HIGHEST: Final = {
    "bytes": 64 * 1024 * 1024,
    "depth": 64,
    "characters": 64 * 1024 * 1024,
    "name": 65_536,
    "members": 1_000_000,
    "values": 5_000_000,
    "number": 10**300,
}


class Measured(NamedTuple):
    """What was found of the size of some arguments."""

    values: int
    """How many there are, at every depth; up to the fault, if there is one."""
    beyond: tuple[Path, str] | None
    """Where they go beyond their bounds first, and what is allowed; None: nowhere."""


def measured(value: Any, bounds: Bounds) -> Measured:
    """Return how large arguments are."""
    if (values := _surely_within(value, bounds)) is not None:
        return Measured(values, None)
    walk = _Walk(bounds)
    found = walk.of(value, 1)
    if found is not None:
        return Measured(walk.values, (tuple(reversed(walk.path)), found))
    if walk.characters * _PER_CHARACTER + walk.values * _PER_VALUE > bounds.bytes:
        size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
        if size > bounds.bytes:
            return Measured(walk.values, ((), f"must be at most {bounds.bytes} bytes in all"))
    return Measured(walk.values, None)


def _surely_within(value: Any, bounds: Bounds) -> int | None:
    """Return how many values there are in arguments that go beyond no bound, which nearly all do; None: that has to be looked at closely."""
    values = characters = depth = 0
    layer = [value]
    while layer:
        depth += 1
        values += len(layer)
        below: list[Any] = []
        for one in layer:
            kind = type(one)
            if kind is str:
                if len(one) > bounds.characters or not one.isascii() or "\x00" in one:
                    return None
                characters += len(one)
            elif kind is int or kind is float:
                if not -bounds.number <= one <= bounds.number:
                    return None
            elif kind is dict or kind is list:
                if depth > bounds.depth or len(one) > bounds.members:
                    return None
                if kind is list:
                    below += one
                    continue
                for name in one:
                    if len(name) > bounds.name or not name.isascii() or "\x00" in name:
                        return None
                    characters += len(name)
                below += one.values()
        if values + len(below) > bounds.values:
            return None
        layer = below
    return values if characters * _PER_CHARACTER + values * _PER_VALUE <= bounds.bytes else None


class _Walk:
    """Goes through one value, each value once."""

    __slots__ = ("bounds", "characters", "path", "values")

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.values = 0
        self.characters = 0
        self.path: list[str | int] = []
        """Where it went wrong, from the inside out."""

    def of(self, value: Any, depth: int) -> str | None:
        """Return what is wrong with `value`; None: nothing."""
        self.values += 1
        kind = type(value)
        if kind is str:
            return self._text(value, self.bounds.characters)
        if kind is int or kind is float:
            # Whatever is not finite fails the comparison as well.
            if -self.bounds.number <= value <= self.bounds.number:
                return None
            if not math.isfinite(value):
                return "must be a finite number"
            return f"must be a number between -{self.bounds.number} and {self.bounds.number}"
        if kind is dict or kind is list:
            if depth > self.bounds.depth:
                return f"must lie at most {self.bounds.depth} levels deep"
            if len(value) > self.bounds.members:
                return f"must have at most {self.bounds.members} {'members' if kind is dict else 'items'}"
            if self.values + len(value) > self.bounds.values:
                return f"must hold at most {self.bounds.values} values in all, counted with everything before it"
            return self._members(value, depth + 1) if kind is dict else self._items(value, depth + 1)
        return None

    def _members(self, value: dict[str, Any], depth: int) -> str | None:
        for name, member in value.items():
            if (wrong := self._text(name, self.bounds.name)) is not None:
                return f"the name of a member {wrong}"
            if (wrong := self.of(member, depth)) is not None:
                self.path.append(name)
                return wrong
        return None

    def _items(self, value: list[Any], depth: int) -> str | None:
        for index, item in enumerate(value):
            if (wrong := self.of(item, depth)) is not None:
                self.path.append(index)
                return wrong
        return None

    def _text(self, text: str, most: int) -> str | None:
        self.characters += len(text)
        if len(text) > most:
            return f"must be at most {most} characters long"
        if "\x00" in text:
            return "must hold no NUL character"
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                return "must hold no half of a surrogate pair"
        return None
