"""
A log's hashes in tiles, as C2SP tlog-tiles cuts them: 256 wide, each level eight levels of the tree above the one below.

What is full never changes again, and a proof of any leaf reads a handful of tiles. Pure: where tiles are kept is somebody else's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from resource_lib.wire.merkle import HASH_BYTES, Nodes, Range, root_of

WIDTH: Final = 256
_HEIGHT: Final = 8

ReadTile = Callable[[int, int], bytes]
"""`read(level, index)` returns the hashes of that tile, one after the other; it may return more than were asked for, never fewer."""


class NoTileError(LookupError):
    """A tile that a proof needs is not there, or is narrower than the size of the log says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One tile: where it is, and its hashes, one after the other."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes it has: 256 when it is full."""
        return len(self.hashes) // HASH_BYTES

    @property
    def path(self) -> str:
        """Where tlog-tiles puts it: `tile/0/x001/234.p/17`."""
        elements = [f"{self.index % 1000:03d}"]
        above = self.index // 1000
        while above:
            elements.insert(0, f"x{above % 1000:03d}")
            above //= 1000
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{self.level}/{'/'.join(elements)}{partial}"


def tile_spans(old: int, new: int) -> Iterator[tuple[int, int, int]]:
    """Yield (level, index, width) of each tile that is new, or wider than before, when a log grows from `old` to `new` leaves."""
    level = 0
    while old < new:
        for index in range(old // WIDTH, (new + WIDTH - 1) // WIDTH):
            yield level, index, min(WIDTH, new - index * WIDTH)
        old, new, level = old // WIDTH, new // WIDTH, level + 1


def partial_widths(size: int) -> list[int]:
    """Return how wide the last tile of each level is in a log of `size` leaves, lowest level first; 0 where it is full or none."""
    widths = []
    while size:
        widths.append(size % WIDTH)
        size //= WIDTH
    return widths


def grown(size: int, partial: Sequence[bytes], leaves: Sequence[bytes]) -> tuple[list[Tile], list[bytes]]:
    """
    Return the tiles that appending `leaves` (hashes) to a log of `size` changes, and the partial tiles that are then last.

    `partial` are the hashes of the last tile of each level, lowest first, empty where it is full (as this function returned them).
    Raises ValueError where they are not those of a log of this size.
    """
    widths = partial_widths(size)
    given = [len(one) // HASH_BYTES for one in partial]
    if given[: len(widths)] != widths or any(given[len(widths) :]) or any(len(one) % HASH_BYTES for one in partial):
        raise ValueError(f"those are not the last tiles of a log of {size}")
    rest = list(partial)
    changed: list[Tile] = []
    level, coming = 0, list(leaves)
    while coming:
        if level == len(rest):
            rest.append(b"")
        begin = size // WIDTH
        whole = rest[level] + b"".join(coming)
        coming = []
        step = WIDTH * HASH_BYTES
        for place, at in enumerate(range(0, len(whole), step)):
            hashes = whole[at : at + step]
            changed.append(Tile(level=level, index=begin + place, hashes=hashes))
            if len(hashes) == step:
                coming.append(root_of(split(hashes)))
        rest[level] = whole[len(whole) - len(whole) % step :]
        size, level = begin, level + 1
    return changed, rest


def range_of(size: int, partial: Sequence[bytes]) -> Range:
    """Return the range of a log from the last tile of each level, as `grown` returns them. Raises ValueError where they are not."""
    tree = Range()
    for level in range(len(partial) - 1, -1, -1):
        tree.extend(split(partial[level]), level=_HEIGHT * level)
    if tree.size != size:
        raise ValueError(f"those are not the last tiles of a log of {size}")
    return tree


def nodes_of(read: ReadTile) -> Nodes:
    """Return a reader of whole subtrees for proofs, from a reader of tiles. It raises NoTileError where a tile is missing or too narrow."""

    def node(level: int, index: int) -> bytes:
        tile_level, above = divmod(level, _HEIGHT)
        first = index << above
        tile, at = divmod(first, WIDTH)
        kept = read(tile_level, tile)
        hashes = kept[at * HASH_BYTES : (at + (1 << above)) * HASH_BYTES]
        if len(hashes) != HASH_BYTES << above:
            raise NoTileError(f"tile {tile} of level {tile_level} has fewer hashes than the log needs")
        return hashes if above == 0 else root_of(split(hashes))

    return node


def split(hashes: bytes) -> list[bytes]:
    """Return the hashes of a tile one by one. Raises ValueError where they are not whole."""
    if len(hashes) % HASH_BYTES:
        raise ValueError("a hash has 32 bytes")
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
