"""A tree of hashes: the one that others compute, and no proof but a true one."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resource_lib.wire import merkle
from resource_lib.wire.merkle import Range, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from resource_lib.wire.tiles import NoTileError, grown, nodes_of, partial_widths, range_of, split, tile_spans

pytestmark = pytest.mark.requirement("record:tree:is-rfc-9162")

ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""The entries with which certificate-transparency tests its trees, and the roots over the first 0, 1, 2 … of them."""
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 8): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    (5, 8): "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 3): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    (1, 5): "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
}
CONSISTENCY = {
    (1, 1): "",
    (1, 8): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    (6, 8): "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 5): "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    (6, 7): "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
}
"""The proofs of transparency-dev/merkle over the same entries."""
LEAVES = merkle.leaf_hashes(bytes.fromhex(one) for one in ENTRIES)


def naive(leaves):
    """RFC 9162 §2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


def naive_path(m, leaves):
    """RFC 9162 §2.1.3.1."""
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive(leaves[:k])]


def naive_subproof(m, leaves, *, is_whole):
    """RFC 9162 §2.1.4.1."""
    if m == len(leaves):
        return [] if is_whole else [naive(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], is_whole=is_whole), naive(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], is_whole=False), naive(leaves[:k])]


def some(count, seed=0):
    return [sha256(f"{seed}:{at}".encode()).digest() for at in range(count)]


def nodes_over(leaves):
    def node(level, index):
        within = leaves[index << level : (index + 1) << level]
        assert len(within) == 1 << level, "only whole subtrees are asked for"
        return naive(within)

    return node


def many(hashes):
    return split(bytes.fromhex(hashes))


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size):
    """RFC 9162 §2.1.1."""
    tree = Range()

    tree.extend(LEAVES[:size])

    assert ROOTS[size] == tree.root().hex()
    assert ROOTS[size] == merkle.root_of(LEAVES[:size]).hex()


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_others(index, size):
    """RFC 9162 §2.1.3."""
    proof = many(INCLUSION[index, size])

    assert proof == inclusion_proof(index, size, nodes_over(LEAVES))
    assert verify_inclusion(index, size, LEAVES[index], proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_others(old, new):
    """RFC 9162 §2.1.4."""
    proof = many(CONSISTENCY[old, new])

    assert proof == consistency_proof(old, new, nodes_over(LEAVES))
    assert verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), proof)


@given(st.lists(st.integers(0, 40), max_size=12))
def test_however_leaves_are_appended_the_root_is_the_definition(parts):
    """RFC 9162 §2.1.1; a range that was kept goes on as if it had not been."""
    leaves, tree = some(sum(parts)), Range()

    at = 0
    for part in parts:
        tree.extend(leaves[at : at + part])
        tree = Range.from_bytes(tree.to_bytes())
        at += part
        assert naive(leaves[:at]) == tree.root()

    assert len(leaves) == tree.size
    assert tree.hashes == Range.of(tree.size, tree.hashes).hashes


@given(st.integers(1, 90), st.data())
def test_proofs_are_those_of_the_definition_and_verify(size, data):
    """RFC 9162 §2.1.3.1, §2.1.4.1, whatever the size."""
    leaves = some(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))

    path = inclusion_proof(index, size, nodes_over(leaves))
    steps = consistency_proof(old, size, nodes_over(leaves))

    assert naive_path(index, leaves) == path
    assert naive_subproof(old, leaves, is_whole=True) == steps
    assert verify_inclusion(index, size, leaves[index], path, naive(leaves))
    assert verify_consistency(old, size, naive(leaves[:old]), naive(leaves), steps)


def forgeries(proof):
    """Every shape of a proof that is not this one."""
    stranger = sha256(b"stranger").digest()
    for at in range(len(proof)):
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[:at], stranger, *proof[at + 1 :]]
        yield [*proof[:at], stranger, *proof[at:]]
        yield [*proof[:at], proof[at][:-1], *proof[at + 1 :]]
        yield [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        if at and proof[at] != proof[at - 1]:
            yield [*proof[: at - 1], proof[at], proof[at - 1], *proof[at + 1 :]]
    yield [*proof, stranger]
    yield [stranger, *proof]
    yield [*proof, b""]
    yield [*proof, *proof, stranger]


@pytest.mark.requirement("record:tree:forged-proofs-fail")
@given(st.integers(1, 40), st.data())
@settings(max_examples=60)
def test_no_other_proof_of_inclusion_verifies(size, data):
    """Truncated, extended, swapped, flipped, for another place, size, leaf or root."""
    leaves, index = some(size), data.draw(st.integers(0, size - 1))
    root, leaf, proof = naive(leaves), leaves[index], inclusion_proof(index, size, nodes_over(leaves))

    for forged in forgeries(proof):
        assert not verify_inclusion(index, size, leaf, forged, root), forged
    for other in {*range(size), -1, size, size + 1, index ^ 2} - {index}:
        assert not verify_inclusion(other, size, leaf, proof, root), other
    for other in (0, -1, merkle.MOST_LEAVES + 1):
        assert not verify_inclusion(index, other, leaf, proof, root), other
    for bad_leaf, bad_root in [(some(1, 9)[0], root), (leaf, some(1, 9)[0]), (leaf, merkle.EMPTY_ROOT), (leaf[:-1], root), (b"", root), (leaf, b"")]:  # fmt: skip
        assert not verify_inclusion(index, size, bad_leaf, proof, bad_root)


@pytest.mark.requirement("record:tree:forged-proofs-fail")
@given(st.integers(1, 40), st.data())
@settings(max_examples=60)
def test_no_other_proof_of_consistency_verifies(new, data):
    """A log that was rewritten has no proof that it goes on from what it was."""
    leaves, old = some(new), data.draw(st.integers(1, new))
    before, now, proof = naive(leaves[:old]), naive(leaves), consistency_proof(old, new, nodes_over(leaves))
    rewritten = naive(some(new, 1))

    for forged in forgeries(proof):
        assert not verify_consistency(old, new, before, now, forged), forged
    assert not verify_consistency(old, new, before, rewritten, proof)
    assert not verify_consistency(old, new, naive(some(old, 1)), now, proof)
    if old != new:
        assert not verify_consistency(old, new, now, before, proof)
        assert not verify_consistency(new, old, now, before, proof)
        assert not verify_consistency(old, new, before, now, [])
    for wrong in (-1, 0, new + 1):
        assert not verify_consistency(wrong, new, before, now, proof)


@pytest.mark.requirement("record:tree:forged-proofs-fail")
def test_an_empty_log_proves_nothing_but_that_it_was_empty():
    """Size 0: whoever claims it had another root claims nothing."""
    root, stranger = naive(some(3)), some(1)[0]

    assert verify_consistency(0, 3, merkle.EMPTY_ROOT, root, [])
    assert verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert not verify_consistency(0, 3, stranger, root, [])
    assert not verify_consistency(0, 0, stranger, stranger, [])
    assert not verify_consistency(0, 3, merkle.EMPTY_ROOT, root, [stranger])
    assert not verify_inclusion(0, 0, stranger, [], merkle.EMPTY_ROOT)
    with pytest.raises(ValueError, match="no leaf 0"):
        inclusion_proof(0, 0, nodes_over([]))
    with pytest.raises(ValueError, match="does not begin"):
        consistency_proof(4, 3, nodes_over(some(3)))


@given(st.integers(0, 200), st.integers(0, 200))
def test_whole_subtrees_stand_in_for_leaves_that_are_gone(begin, more):
    """Decision 15: what retention prunes keeps its roots, and every later root stays the same."""
    leaves = some(begin + more)
    tree = Range()
    tree.extend(leaves[:begin])

    for level, index in merkle.subtrees(begin, begin + more):
        tree.extend([naive(leaves[index << level : (index + 1) << level])], level=level)

    assert naive(leaves) == tree.root()
    assert begin + more == tree.size


@pytest.mark.parametrize("kept", [b"", bytes(7), bytes(8) + bytes(32), (1).to_bytes(8), (3).to_bytes(8) + bytes(32), (1).to_bytes(8) + bytes(31), b"\xff" * 8 + bytes(32 * 64)])  # fmt: skip
def test_what_is_no_range_is_refused(kept):
    """Ours: a state that was damaged is noticed where it is read."""
    with pytest.raises(ValueError, match=r"range|32 bytes"):
        Range.from_bytes(kept)


def test_a_subtree_begins_only_where_one_can():
    """Ours."""
    tree = Range()
    tree.extend(some(3))

    with pytest.raises(ValueError, match="begins at 3"):
        tree.extend(some(1), level=1)
    assert 3 == tree.size


# -- tiles


@pytest.mark.requirement("record:tree:tiles")
def test_a_log_is_cut_as_the_specification_says():
    """C2SP tlog-tiles, its own examples: 70,000 leaves, 256 leaves, and the path of tile 1234067."""
    last = {level: (index, width) for level, index, width in tile_spans(0, 70_000)}
    whole = [level for level, _, width in tile_spans(0, 70_000) if width == 256]

    assert {0: (273, 112), 1: (1, 17), 2: (0, 1)} == last
    assert (273, 1) == (whole.count(0), whole.count(1))
    assert [(0, 0, 256), (1, 0, 1)] == list(tile_spans(0, 256))
    assert [] == list(tile_spans(256, 256))
    assert [112, 17, 1] == partial_widths(70_000)
    tiles, _ = grown(0, [], some(3))
    assert "tile/0/000.p/3" == tiles[0].path
    assert "tile/0/x001/x234/067" == type(tiles[0])(level=0, index=1234067, hashes=bytes(32 * 256)).path


@pytest.mark.requirement("record:tree:tiles")
@given(st.lists(st.sampled_from([1, 2, 3, 100, 255, 256, 257, 600]), min_size=1, max_size=7), st.data())
@settings(max_examples=25)
def test_what_was_sealed_in_rounds_proves_every_leaf(rounds, data):
    """C2SP tlog-tiles: the tiles that each round changes are those that any proof of any size needs."""
    leaves, kept, partial, size = some(sum(rounds)), {}, [], 0
    for round_ in rounds:
        changed, partial = grown(size, partial, leaves[size : size + round_])
        assert list(tile_spans(size, size + round_)) == [(one.level, one.index, one.width) for one in changed]
        kept |= {(one.level, one.index): one.hashes for one in changed}
        size += round_
    tree = Range()
    tree.extend(leaves)
    nodes = nodes_of(lambda level, index: kept[level, index])
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    before = Range()
    before.extend(leaves[:old])

    assert tree.to_bytes() == range_of(size, partial).to_bytes()
    assert verify_inclusion(index, size, leaves[index], inclusion_proof(index, size, nodes), tree.root())
    assert verify_consistency(old, size, before.root(), tree.root(), consistency_proof(old, size, nodes))


@pytest.mark.requirement("record:tree:tiles")
def test_tiles_that_are_not_those_of_the_size_are_refused():
    """Ours: a sealer never goes on from a state that somebody else has changed."""
    _, partial = grown(0, [], some(300))

    with pytest.raises(ValueError, match="log of 301"):
        grown(301, partial, some(1))
    with pytest.raises(ValueError, match="log of 299"):
        range_of(299, partial)
    with pytest.raises(NoTileError):
        inclusion_proof(2, 300, nodes_of(lambda level, index: b""))
