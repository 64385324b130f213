"""Merkle trees as RFC 6962 has them: published trees and proofs, and what no proof may lead to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.proof import (
    EMPTY_ROOT,
    TILE_HASHES,
    ProofRefused,
    Tree,
    consistency,
    consistent,
    included,
    inclusion,
    leaf_hash,
    node_hash,
    nodes_of,
    root_between,
)

LEAVES = [
    bytes.fromhex(data)
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
"""The leaves that implementations of Certificate Transparency test with."""

ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The roots of the first 1 to 8 of them."""

INCLUDED = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
"""Published proofs of inclusion: of which leaf in a tree of how many."""

CONSISTENT = {
    (1, 1): [],
    (1, 8): INCLUDED[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
"""Published proofs of consistency: from a tree of how many to one of how many."""


def grown(size: int) -> Tree:
    """A tree of so many different leaves."""
    tree = Tree()
    tree.extend(hash_of(number) for number in range(size))
    return tree


def hash_of(number: int) -> bytes:
    """The hash of leaf `number` of `grown`."""
    return leaf_hash(b"%d" % number)


def by_definition(hashes: list[bytes]) -> bytes:
    """The root as RFC 6962, section 2.1, defines it."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


def perfect(hashes: list[bytes]) -> Callable[[int, int], bytes]:
    """The hashes of perfect subtrees over these."""
    return lambda level, index: by_definition(hashes[index << level : (index + 1) << level])


PUBLISHED = perfect([leaf_hash(data) for data in LEAVES])


def test_published_trees_have_the_published_roots() -> None:
    """Leaf by leaf, the tree comes to the root that others found; without leaves to the hash of nothing."""
    tree = Tree()
    assert tree.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for data, root in zip(LEAVES, ROOTS, strict=True):
        tree.extend([leaf_hash(data)])
        assert tree.root().hex() == root


def test_published_proofs_are_made_and_believed() -> None:
    """Ours are the published ones, hash for hash, and they lead to the published roots."""
    for (index, size), path in INCLUDED.items():
        assert [found.hex() for found in inclusion(index, size, PUBLISHED)] == path
        assert included(index, size, leaf_hash(LEAVES[index]), [*map(bytes.fromhex, path)]).hex() == ROOTS[size - 1]
    for (old, size), path in CONSISTENT.items():
        assert [found.hex() for found in consistency(old, size, PUBLISHED)] == path
        assert (
            consistent(old, size, bytes.fromhex(ROOTS[old - 1]), [*map(bytes.fromhex, path)]).hex() == ROOTS[size - 1]
        )


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 70_001])
def test_a_tree_kept_as_tiles_has_the_root_of_the_definition(size: int) -> None:
    """Around every border of a tile, and of a tile of tiles, the root is the definition's."""
    assert grown(size).root() == by_definition([hash_of(number) for number in range(size)])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 65_792, 66_000])
def test_a_tree_revived_from_its_tiles_grows_on_as_it_would_have(size: int) -> None:
    """Each level's last tile is all that a tree needs to go on."""
    tree, tiles = grown(size), {}
    for level, place, hashes in [*tree.filled, *tree.last_tiles()]:
        tiles[level, place] = hashes
    revived = Tree.revived(size, lambda level, place: tiles[level, place])
    assert (revived.size, revived.root()) == (size, tree.root())
    for number in range(size, size + 300):
        tree.extend([hash_of(number)])
    revived.extend(hash_of(number) for number in range(size, size + 300))
    assert revived.root() == tree.root()
    assert revived.last_tiles() == tree.last_tiles()


def test_a_tree_is_not_revived_from_tiles_that_are_cut_short() -> None:
    """A tile with fewer hashes than the tree has leaves is no tree."""
    tiles = {(level, place): hashes for level, place, hashes in grown(300).last_tiles()}
    with pytest.raises(ValueError, match="ends before"):
        Tree.revived(301, lambda level, place: tiles[level, place])


def test_a_tree_in_memory_stays_small() -> None:
    """Once its full tiles are taken, a tree of any size is one tile a level."""
    tree = grown(70_000)
    assert len(tree.filled) == 70_000 // TILE_HASHES + 1
    assert [len(tile.hashes) // 32 for tile in tree.last_tiles()] == [70_000 % 256, 70_000 // 256 % 256, 1]


@given(st.integers(1, 700), st.data())
def test_proofs_from_tiles_lead_to_the_root(size: int, data: st.DataObject) -> None:
    """Any leaf's inclusion and any older tree's consistency is proven from tiles."""
    tree = grown(size)
    tiles = {(level, place): hashes for level, place, hashes in [*tree.filled, *tree.last_tiles()]}
    node = nodes_of(lambda level, place: tiles[level, place])
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert root_between(0, size, node) == tree.root()
    assert included(index, size, hash_of(index), inclusion(index, size, node)) == tree.root()
    assert consistent(old, size, grown(old).root(), consistency(old, size, node)) == tree.root()


@given(st.integers(1, 40), st.data())
def test_a_proof_of_inclusion_leads_nowhere_else(size: int, data: st.DataObject) -> None:
    """Another leaf, place, size or path leads to another root or is refused, never to the same one."""
    index = data.draw(st.integers(0, size - 1))
    hashes = [hash_of(number) for number in range(size)]
    path, root = inclusion(index, size, perfect(hashes)), by_definition(hashes)
    wrong: list[tuple[int, int, bytes, list[bytes]]] = [
        (index, size, hash_of(size), path),
        (index, size, hashes[index], [*path, root]),
        (index, size, hashes[index], [root, *path]),
        *((other, size, hashes[index], path) for other in range(-1, size + 2) if other != index),
        *((index, size, hashes[index], [*path[:at], hash_of(99), *path[at + 1 :]]) for at in range(len(path))),
        *((index, size, hashes[index], path[:at] + path[at + 1 :]) for at in range(len(path))),
    ]
    for case in wrong:
        assert root_or_none(lambda case=case: included(*case)) != root


@given(st.integers(1, 40), st.data())
def test_a_proof_of_consistency_leads_nowhere_else(size: int, data: st.DataObject) -> None:
    """Another old root or size, or another path, leads to another root or is refused, never to the same one."""
    old = data.draw(st.integers(1, size))
    hashes = [hash_of(number) for number in range(size)]
    path, before, root = consistency(old, size, perfect(hashes)), by_definition(hashes[:old]), by_definition(hashes)
    wrong: list[tuple[int, int, bytes, list[bytes]]] = [
        (0, size, before, path),
        (old, size, hash_of(99), path),
        (old, size, before, [*path, root]),
        (old, size, before, [before, *path]),
        *((other, size, before, path) for other in range(size + 2) if other != old),
        *((old, size, before, [*path[:at], hash_of(99), *path[at + 1 :]]) for at in range(len(path))),
        *((old, size, before, path[:at] + path[at + 1 :]) for at in range(len(path))),
    ]
    for case in wrong:
        assert root_or_none(lambda case=case: consistent(*case)) != root


def root_or_none(found: Callable[[], bytes]) -> bytes | None:
    """What a proof leads to; nothing where it is refused."""
    try:
        return found()
    except ProofRefused:
        return None


def test_what_cannot_be_proven_is_not_tried() -> None:
    """A leaf outside the tree and an older tree that is larger have no proof; a hash of another length is none."""
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion(8, 8, PUBLISHED)
    with pytest.raises(ValueError, match="does not begin"):
        consistency(9, 8, PUBLISHED)
    with pytest.raises(ProofRefused, match="32 bytes"):
        included(0, 2, hash_of(0), [b"short"])
