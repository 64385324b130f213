"""Merkle trees as RFC 6962 hashes them, and its two proofs: that a leaf is in a tree, that a tree grew out of another.

Leaves are counted from 0. A proof is the hashes of the subtrees that whoever checks it does not know, from the
bottom up. Making one needs hashes of perfect subtrees only: `Node` gives that of the leaves
`index << level` up to `(index + 1) << level`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""

LARGEST: Final = 1 << 62
"""Leaves: sizes beyond it fit no database's row numbers, and are refused before anything is counted with them."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"

Node: TypeAlias = Callable[[int, int], bytes]
"""(level, index) → the hash of a perfect subtree."""


class ProofRefused(Exception):
    """A proof proves nothing: it is of the wrong shape, or leads to another root."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return sha256(_NODE + left + right).digest()


def root_between(start: int, end: int, node: Node) -> bytes:
    """The root over the leaves from `start` up to `end`, which must be how RFC 6962 divides a tree."""
    count = end - start
    if count == 0:
        return EMPTY_ROOT
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(root_between(start, middle, node), root_between(middle, end, node))


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The proof that a leaf is in the tree of so many leaves. Raises `ValueError` where it cannot be."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(root_between(middle, end, node))
            end = middle
        else:
            path.append(root_between(start, middle, node))
            start = middle
    return path[::-1]


def consistency(old: int, size: int, node: Node) -> list[bytes]:
    """The proof that the tree of `size` leaves begins with that of `old`. Raises `ValueError` for a larger `old`."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} does not begin with one of {old}")
    if old in {0, size}:
        return []
    path, start, end = [], 0, size
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(root_between(middle, end, node))
            end = middle
        else:
            path.append(root_between(start, middle, node))
            start = middle
    return [*([root_between(start, end, node)] if start else ()), *path[::-1]]


def included(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that a proof of inclusion leads to. Raises `ProofRefused` for one of the wrong shape.

    >>> included(0, 2, leaf_hash(b"a"), [leaf_hash(b"b")]) == node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
    True
    """
    if not 0 <= index < size <= LARGEST:
        raise ProofRefused(f"leaf {index} cannot be in a tree of {size}")
    _must_be_hashes([leaf, *path])
    found, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    return found


def consistent(old: int, size: int, old_root: bytes, path: Sequence[bytes]) -> bytes:
    """The root of `size` leaves that a proof of consistency leads to, from the root of `old`.

    For `old` = 0 everything is consistent and nothing is proven: it is refused. Raises `ProofRefused`.
    """
    if not 0 < old <= size <= LARGEST:
        raise ProofRefused(f"a tree of {size} cannot be held against one of {old}")
    _must_be_hashes([old_root, *path])
    if old == size:
        if path:
            raise ProofRefused("the proof is too long")
        return old_root
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    rest = list(path if at else [old_root, *path])
    if not rest:
        raise ProofRefused("the proof is too short")
    before = after = rest.pop(0)
    for sibling in rest:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if at & 1 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    if before != old_root:
        raise ProofRefused(f"the proof is of another tree of {old} leaves")
    return after


def _split(count: int) -> int:
    """How many of several leaves stand to the left: the largest power of two below their number."""
    return 1 << ((count - 1).bit_length() - 1)


def _must_be_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(found) != HASH_BYTES for found in hashes):
        raise ProofRefused(f"a hash is not of {HASH_BYTES} bytes")
