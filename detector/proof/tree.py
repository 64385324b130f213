"""A tree that grows leaf by leaf, kept as tiles: what a proof of any age is made of, in 32 bytes a leaf and a bit.

A tile is up to 256 hashes of one level side by side (C2SP tlog-tiles): level 0 holds the leaves' hashes, and each
hash of level `n + 1` is the root over a full tile of level `n`. The last tile of each level is all that a tree needs
to grow on: they are its frontier, the roots of perfect subtrees that have no right neighbour yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from detector.proof.merkle import EMPTY_ROOT, HASH_BYTES, Node, node_hash

TILE_HASHES: Final = 256
TILE_BITS: Final = 8
"""256 is 2 to this power."""


class Tile(NamedTuple):
    """Hashes side by side: those of `level` from `place * 256` on; full, or the last of its level."""

    level: int
    place: int
    hashes: bytes


class Tree:
    """A tree in memory: of each level only the last tile, so that it stays small at any size.

    `filled` are the full tiles that nobody has taken yet.
    """

    def __init__(self) -> None:
        """Without leaves."""
        self.size = 0
        self.filled: list[Tile] = []
        self._levels: list[_Level] = [_Level(0, 0, [])]

    @classmethod
    def revived(cls, size: int, tile: Callable[[int, int], bytes]) -> Tree:
        """The tree of so many leaves, of which `tile` gives each level's last tile, or more of it.

        Raises `ValueError` for a tile that is too short.
        """
        tree = cls()
        tree.size = size
        tree._levels = [*_revived_levels(size, tile)] or [_Level(0, 0, [])]
        return tree

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Take more leaves' hashes in."""
        last = self._levels[0].hashes
        last.extend(leaves)
        self.size = self._levels[0].place * TILE_HASHES + len(last)
        if len(last) >= TILE_HASHES:
            self._carry()

    def root(self) -> bytes:
        """The tree's root (RFC 6962, 2.1)."""
        found: list[bytes] = []
        for level in self._levels:
            if level.hashes or found:
                found = [_reduced([*level.hashes, *found])]
        return found[0] if found else EMPTY_ROOT

    def last_tiles(self) -> list[Tile]:
        """Each level's last tile, as far as it goes; none where it would be empty."""
        return [Tile(level.depth, level.place, b"".join(level.hashes)) for level in self._levels if level.hashes]

    def _carry(self) -> None:
        """The root of each full tile goes into the level above, and so on."""
        for level in self._levels:
            if len(level.hashes) < TILE_HASHES:
                return
            roots, whole = [], len(level.hashes) // TILE_HASHES * TILE_HASHES
            for start in range(0, whole, TILE_HASHES):
                full = level.hashes[start : start + TILE_HASHES]
                roots.append(_reduced(full))
                self.filled.append(Tile(level.depth, level.place, b"".join(full)))
                level.place += 1
            del level.hashes[:whole]
            if level is self._levels[-1]:
                self._levels.append(_Level(level.depth + 1, 0, []))
            self._levels[level.depth + 1].hashes += roots


class _Level(Struct):
    """A level's last tile."""

    depth: int
    place: int
    hashes: list[bytes]


def _revived_levels(size: int, tile: Callable[[int, int], bytes]) -> Iterator[_Level]:
    depth = 0
    while size:
        size, count = divmod(size, TILE_HASHES)
        hashes = tile(depth, size) if count else b""
        if len(hashes) < count * HASH_BYTES:
            raise ValueError(f"tile {size} of level {depth} ends before its hash {count}")
        yield _Level(depth, size, split(hashes)[:count])
        depth += 1


def split(hashes: bytes) -> list[bytes]:
    """A tile's hashes, one by one."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def _reduced(hashes: list[bytes]) -> bytes:
    """The root over hashes side by side, of which the last may be of a smaller tree than the others."""
    while len(hashes) > 1:
        last = hashes[-1:] if len(hashes) & 1 else []
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=False)] + last
    return hashes[0]


def nodes_of(tile: Callable[[int, int], bytes]) -> Node:
    """The hashes of perfect subtrees, from tiles that hold enough.

    Raises `ValueError` where a tile is too short.
    """

    def node(level: int, index: int) -> bytes:
        depth, height = divmod(level, TILE_BITS)
        first = index << height
        place, offset = divmod(first, TILE_HASHES)
        hashes = tile(depth, place)[offset * HASH_BYTES : (offset + (1 << height)) * HASH_BYTES]
        if len(hashes) < HASH_BYTES << height:
            raise ValueError(f"tile {place} of level {depth} ends before its hash {offset + (1 << height)}")
        return _reduced(split(hashes))

    return node
