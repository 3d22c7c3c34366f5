"""
An event stream taken apart: whole events, and the message in each.

HTML Living Standard "Server-sent events"; MCP "Streamable HTTP".
"""

import re
from collections.abc import Iterator

_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r){2}")
_LINE = re.compile(rb"\r\n|\n|\r")


class Events:
    """Cuts a stream into events; the unfinished one waits for its rest."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def __len__(self) -> int:
        """How many bytes wait."""
        return len(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that `data` completes, as they stand."""
        scanned = max(0, len(self._held) - 3)
        self._held += data
        found, begun = [], 0
        for end in _BLANK_LINE.finditer(self._held, scanned):
            if end.end() > begun:
                found.append(bytes(self._held[begun : end.end()]))
                begun = end.end()
        del self._held[:begun]
        return found

    def rest(self) -> bytes:
        """Return what waits, when no more will come."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


def lines_of(event: bytes) -> list[bytes]:
    """Return the lines of one event that hold anything."""
    return [line for line in _LINE.split(event) if line]


def data_of(event: bytes) -> bytes:
    """Return the data of one event; empty when it has none."""
    lines = [line[5:].removeprefix(b" ") for line in _LINE.split(event) if line.startswith(b"data:")]
    return b"\n".join(lines)


def with_data(event: bytes, data: bytes) -> bytes:
    """Return the same event with other data on one line."""
    newline = b"\r\n" if b"\r\n" in event else b"\n"
    other = [line for line in _LINE.split(event) if line and not line.startswith(b"data:")]
    return newline.join([*other, b"data: " + data, b"", b""])


def messages_of(stream: bytes) -> Iterator[bytes]:
    """Yield the data of every event of a whole stream."""
    events = Events()
    for event in [*events.feed(stream), events.rest()]:
        data = data_of(event)
        if data:
            yield data
