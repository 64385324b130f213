"""A tree that grows leaf by leaf, kept as tiles: what a proof of any age is made of, in 32 bytes a leaf and a bit.

A tile is up to 256 hashes of one level side by side (C2SP tlog-tiles): level 0 holds the leaves' hashes, and each
hash of level `n + 1` is the root over a full tile of level `n`. Besides, of each level only the frontier of its
last tile is kept: the roots of perfect subtrees that have no right neighbour yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from detector.proof.merkle import EMPTY_ROOT, HASH_BYTES, Node, node_hash

TILE_HASHES: Final = 256
TILE_BITS: Final = 8
"""256 is 2 to this power."""


class Tile(NamedTuple):
    """Hashes side by side: those of `level` from `place * 256` on; full, or the last of its level."""

    level: int
    place: int
    hashes: bytes


class Frontier:
    """The roots of the perfect subtrees that leaves, counted from the first, make up: the largest first.

    >>> frontier = Frontier()
    >>> frontier.append(b"a" * 32); frontier.append(b"b" * 32); frontier.append(b"c" * 32)
    >>> frontier.count, len(frontier.roots)
    (3, 2)
    """

    __slots__ = ("count", "roots")

    def __init__(self) -> None:
        """Of nothing."""
        self.count = 0
        self.roots: list[bytes] = []

    def append(self, found: bytes) -> None:
        """Take one more hash in."""
        count, roots = self.count, self.roots
        self.count = count + 1
        while count & 1:
            found = node_hash(roots.pop(), found)
            count >>= 1
        roots.append(found)

    def root(self, right: bytes | None = None) -> bytes | None:
        """The root over all of them, and over `right`, which is a smaller tree to the right; `None` over nothing."""
        for root in reversed(self.roots):
            right = root if right is None else node_hash(root, right)
        return right


class Tree:
    """A tree in memory: of each level only the last tile, so that it stays small at any size.

    `filled` are the full tiles that nobody has taken yet.
    """

    def __init__(self) -> None:
        """Without leaves."""
        self.size = 0
        self.filled: list[Tile] = []
        self._levels: list[_Level] = [_Level(0, 0)]

    @classmethod
    def revived(cls, size: int, tile: Callable[[int, int], bytes]) -> Tree:
        """The tree of so many leaves, of which `tile` gives each level's last tile, or more of it.

        Raises `ValueError` for a tile that is too short.
        """
        tree = cls()
        tree.size = size
        tree._levels = [*_revived_levels(size, tile)] or [_Level(0, 0)]
        return tree

    def append(self, leaf: bytes) -> None:
        """Take one more leaf's hash in."""
        self.size += 1
        level = self._levels[0]
        level.append(leaf)
        if level.frontier.count == TILE_HASHES:
            self._carry()

    def root(self) -> bytes:
        """The tree's root (RFC 6962, 2.1)."""
        found: bytes | None = None
        for level in self._levels:
            found = level.frontier.root(found)
        return EMPTY_ROOT if found is None else found

    def last_tiles(self) -> list[Tile]:
        """Each level's last tile, as far as it goes; none where it would be empty."""
        return [level.tile() for level in self._levels if level.hashes]

    def _carry(self) -> None:
        """A tile is full: its root goes into the level above, and so on."""
        for depth, level in enumerate(self._levels):
            if level.frontier.count < TILE_HASHES:
                return
            self.filled.append(level.tile())
            if depth + 1 == len(self._levels):
                self._levels.append(_Level(depth + 1, 0))
            self._levels[depth + 1].append(level.frontier.roots[0])
            level.begin()


class _Level:
    """A level's last tile."""

    __slots__ = ("depth", "frontier", "hashes", "place")

    def __init__(self, depth: int, place: int) -> None:
        self.depth, self.place = depth, place
        self.hashes = bytearray()
        self.frontier = Frontier()

    def append(self, found: bytes) -> None:
        self.hashes += found
        self.frontier.append(found)

    def begin(self) -> None:
        """Begin the next tile."""
        self.place += 1
        self.hashes = bytearray()
        self.frontier = Frontier()

    def tile(self) -> Tile:
        return Tile(self.depth, self.place, bytes(self.hashes))


def _revived_levels(size: int, tile: Callable[[int, int], bytes]) -> Iterator[_Level]:
    depth = 0
    while size:
        size, count = divmod(size, TILE_HASHES)
        level = _Level(depth, size)
        if count:
            hashes = tile(depth, size)
            if len(hashes) < count * HASH_BYTES:
                raise ValueError(f"tile {size} of level {depth} ends before its hash {count}")
            for at in range(0, count * HASH_BYTES, HASH_BYTES):
                level.append(hashes[at : at + HASH_BYTES])
        yield level
        depth += 1


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
        frontier = Frontier()
        for at in range(0, len(hashes), HASH_BYTES):
            frontier.append(hashes[at : at + HASH_BYTES])
        return frontier.roots[0]

    return node
