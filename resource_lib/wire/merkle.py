"""
A log that only grows, as one hash: RFC 9162 §2.1 (the same hashing as RFC 6962).

Leaves and nodes are hashed apart (a leaf can never be taken for a node). `Range` holds what of a tree is needed to go on and to
say its root: one hash for each bit of its size. Proofs are made from a reader of whole subtrees, so that nobody has to hold a
tree; `tiles.py` reads them from tiles. Pure: no clock, no file, no signature (`signed_note.py`).

A verification says yes or no and never raises: whatever a stranger sends as a proof is a proof or it is not.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, Self

HASH_BYTES: Final = 32
MOST_LEAVES: Final = 1 << 62
"""More than any log will hold; a size beyond it is no size."""
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a log without a leaf (RFC 9162 §2.1.1)."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"

Nodes = Callable[[int, int], bytes]
"""`nodes(level, index)` returns the root of the leaves from `index * 2**level` to `(index + 1) * 2**level`, all of which exist."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one entry."""
    return sha256(_LEAF + data).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the hashes of many entries, in order."""
    return [sha256(_LEAF + data).digest() for data in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of what stands above two subtrees."""
    return sha256(_NODE + left + right).digest()


class Range:
    """
    The leaves from 0 to `size`, as the roots of the whole subtrees they fall into: at most one for each level.

    It can be kept (`to_bytes`), goes on from where it was, and costs one hash for each leaf that is appended.
    """

    __slots__ = ("_levels", "size")

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[bytes | None] = []

    @classmethod
    def of(cls, size: int, hashes: Sequence[bytes]) -> Self:
        """Return the range of `size` leaves with these subtrees, largest first. Raises ValueError where they are not one."""
        if not 0 <= size <= MOST_LEAVES or len(hashes) != size.bit_count():
            raise ValueError("a range of that size has another number of hashes")
        if any(len(one) != HASH_BYTES for one in hashes):
            raise ValueError("a hash has 32 bytes")
        made = cls()
        made.size = size
        left = iter(reversed(hashes))
        made._levels = [next(left) if size >> level & 1 else None for level in range(size.bit_length())]
        return made

    @classmethod
    def from_bytes(cls, kept: bytes) -> Self:
        """Return what `to_bytes` kept. Raises ValueError for anything else."""
        if len(kept) % HASH_BYTES != 8:
            raise ValueError("not a range")
        hashes = [kept[at : at + HASH_BYTES] for at in range(8, len(kept), HASH_BYTES)]
        return cls.of(int.from_bytes(kept[:8]), hashes)

    def to_bytes(self) -> bytes:
        """Return it as bytes: eight of the size, then the hashes, largest subtree first."""
        return self.size.to_bytes(8) + b"".join(self.hashes)

    @property
    def hashes(self) -> list[bytes]:
        """The roots of its subtrees, largest first."""
        return [one for one in reversed(self._levels) if one is not None]

    def copy(self) -> "Range":
        """Return another one that goes on by itself."""
        made = Range()
        made.size = self.size
        made._levels = self._levels.copy()
        return made

    def extend(self, hashes: Iterable[bytes], *, level: int = 0) -> None:
        """
        Append leaves by their hashes; with `level`, whole subtrees of `2**level` leaves each.

        Raises ValueError where a subtree cannot begin at this size.
        """
        nodes = list(hashes)
        grown = self.size + (len(nodes) << level)
        if not 0 <= level <= 62 or self.size & ((1 << level) - 1):
            raise ValueError(f"no subtree of level {level} begins at {self.size}")
        if grown > MOST_LEAVES:
            raise ValueError("a log does not grow that large")
        levels = self._levels
        levels.extend([None] * (level + 1 - len(levels)))
        # Level by level, all at once: what has no right neighbour yet waits, pairs go up.
        while nodes:
            if level == len(levels):
                levels.append(None)
            waiting = levels[level]
            if waiting is not None:
                nodes = [waiting, *nodes]
            levels[level] = nodes.pop() if len(nodes) & 1 else None
            pairs = iter(nodes)
            nodes = [sha256(_NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level += 1
        self.size = grown

    def root(self) -> bytes:
        """Return the root of the tree of all its leaves."""
        root = None
        for one in self._levels:
            if one is not None:
                root = one if root is None else node_hash(one, root)
        return EMPTY_ROOT if root is None else root


def root_of(hashes: Iterable[bytes]) -> bytes:
    """Return the root of a tree of these leaf hashes."""
    tree = Range()
    tree.extend(hashes)
    return tree.root()


def subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """
    Return the fewest whole subtrees that cover the leaves from `begin` to `end`, in order, as (level, index).

    They are what stands in for leaves that are gone: appended one after the other (`Range.extend(…, level=)`) to the range of size
    `begin`, they give the range of size `end`.
    """
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that leaf `index` stands in the tree of `size` leaves (RFC 9162 §2.1.3.1). Raises ValueError outside of it."""
    if not 0 <= index < size <= MOST_LEAVES:
        raise ValueError(f"there is no leaf {index} in a log of {size}")
    begin, end, proof = 0, size, []
    while end - begin > 1:
        middle = begin + _left(end - begin)
        if index < middle:
            proof.append(_root(middle, end, nodes))
            end = middle
        else:
            proof.append(_root(begin, middle, nodes))
            begin = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with that of `old` (RFC 9162 §2.1.4.1). Raises ValueError where `old` is larger."""
    if not 0 <= old <= new <= MOST_LEAVES:
        raise ValueError(f"a log of {new} leaves does not begin with {old}")
    if old in {0, new}:
        return []
    begin, end, proof = 0, new, []
    while old != end:
        middle = begin + _left(end - begin)
        if old <= middle:
            proof.append(_root(middle, end, nodes))
            end = middle
        else:
            proof.append(_root(begin, middle, nodes))
            begin = middle
    if begin:  # the old root itself is known to whoever asks
        proof.append(_root(begin, end, nodes))
    proof.reverse()
    return proof


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether `proof` shows that the leaf with this hash is number `index` of the log with this size and root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size <= MOST_LEAVES or not _are_hashes(leaf, root, *proof):
        return False
    at, last, seen = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            seen = node_hash(one, seen)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            seen = node_hash(seen, one)
        at >>= 1
        last >>= 1
    return last == 0 and seen == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """
    Say whether `proof` shows that the log of `new` leaves begins with the log of `old` (RFC 9162 §2.1.4.2).

    Of an empty log nothing can be proven but that it was empty; the same size is the same root, and both need no proof.
    """
    if not 0 <= old <= new <= MOST_LEAVES or not _are_hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root and (new > 0 or new_root == EMPTY_ROOT)
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not proof:
        return False
    steps = iter([old_root, *proof] if old & (old - 1) == 0 else proof)
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    of_old = of_new = next(steps)
    for one in steps:
        if last == 0:
            return False
        if at & 1 or at == last:
            of_old = node_hash(one, of_old)
            of_new = node_hash(one, of_new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            of_new = node_hash(of_new, one)
        at >>= 1
        last >>= 1
    return last == 0 and of_old == old_root and of_new == new_root


def _left(size: int) -> int:
    """Return how many leaves stand left in a tree of `size`: the largest power of two below it."""
    return 1 << ((size - 1).bit_length() - 1)


def _root(begin: int, end: int, nodes: Nodes) -> bytes:
    """Return the root of the leaves from `begin` to `end`, a subtree of the whole, from those that are complete."""
    complete = [nodes(level, index) for level, index in subtrees(begin, end)]
    root = complete.pop()
    while complete:
        root = node_hash(complete.pop(), root)
    return root


def _are_hashes(*claimed: bytes) -> bool:
    return all(isinstance(one, bytes) and len(one) == HASH_BYTES for one in claimed)
