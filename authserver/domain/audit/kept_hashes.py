"""
The hashes of a log as its tiles keep them, and proofs made of them: RFC 9162 §2.1.3.1 and §2.1.4.1.

They outlive the rows: of what retention has pruned every hash is still here, so that each checkpoint that anybody ever saved can be
proven to be one of this log.
"""

from collections.abc import Callable, Sequence

from authserver.domain.audit import sealing, store
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.merkle import HASH_BYTES, Nodes, consistency_proof, inclusion_proof, node_hash, root_of, subtrees
from resource_lib.wire.tiles import WIDTH, split

_NOTHING = bytes(HASH_BYTES)


class KeptHashes:
    """Reads the tiles of the bound tenant's log, as it stood at one size. Where a tile is gone, its hashes are those of nothing."""

    def __init__(self, work: UnitOfWork, log: sealing.Log) -> None:
        self._work, self._log = work, log
        self._last: tuple[tuple[int, int], bytes] | None = None

    async def hashes(self, level: int, index: int, width: int) -> bytes:
        """Return that many hashes of a tile."""
        if self._last is None or self._last[0] != (level, index):
            self._last = (level, index), await self._tile(level, index)
        return self._last[1][: width * HASH_BYTES].ljust(width * HASH_BYTES, b"\0")

    async def _tile(self, level: int, index: int) -> bytes:
        row = await self._work.one(store.TILE, level=level, tile_index=index)
        if row is not None:
            return bytes(row["hashes"])
        if level < len(self._log.partial) and index == (self._log.size >> (8 * level)) // WIDTH:
            return self._log.partial[level]
        return b""

    async def node(self, level: int, index: int) -> bytes:
        """Return the root of a whole subtree."""
        tile_level, above = divmod(level, 8)
        tile, at = divmod(index << above, WIDTH)
        hashes = await self.hashes(tile_level, tile, at + (1 << above))
        return root_of(split(hashes[at * HASH_BYTES :]))

    async def root(self, size: int) -> bytes:
        """Return the root that the log had at a smaller size."""
        whole = [await self.node(*one) for one in subtrees(0, size)] or [root_of([])]
        root = whole.pop()
        while whole:
            root = node_hash(whole.pop(), root)
        return root

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the log of `new` leaves begins with that of `old`. Raises ValueError where there are not so many."""
        return await self._proof(lambda nodes: consistency_proof(old, new, nodes))

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that a leaf stands where it does. Raises ValueError where there are not so many."""
        return await self._proof(lambda nodes: inclusion_proof(index, size, nodes))

    async def _proof(self, made: Callable[[Nodes], Sequence[bytes]]) -> list[bytes]:
        # First by which subtrees it is made, then of these.
        asked: dict[tuple[int, int], bytes] = {}

        def ask(level: int, index: int) -> bytes:
            asked[level, index] = _NOTHING
            return _NOTHING

        made(ask)
        for place in asked:
            asked[place] = await self.node(*place)
        return list(made(lambda level, index: asked[level, index]))
