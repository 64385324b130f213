"""The Merkle tree over the entries, as the database keeps it: tiles, checkpoints, and the keys that signed them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from detector.proof import (
    Checkpoint,
    KeyRefused,
    Note,
    NoteRefused,
    Tree,
    Verifier,
    consistency,
    inclusion,
    nodes_of,
    root_between,
)
from detector.proof.merkle import Node
from detector.store.errors import LogDamaged
from detector.store.rows import between, fetched
from detector.store.schema import LOG_NAME

T = TypeVar("T")

HOST: Final = "assayer.local"
"""What a log's name begins with. Names of logs look like addresses; this one is nobody's."""

TILES_AT_HAND: Final = 64
"""Tiles kept while a proof is made: it looks at a few of each level, and at some of them twice."""

_CHECKPOINTS: Final = "SELECT number, note FROM checkpoints WHERE number > ? ORDER BY number"
_LAST: Final = "SELECT number, note FROM checkpoints ORDER BY number DESC LIMIT 1"
_TILE: Final = "SELECT hashes FROM tiles WHERE level = ? AND place = ?"
_SIGNERS: Final = "SELECT since, vkey FROM signers ORDER BY since"


class Sealed(NamedTuple):
    """A checkpoint as it is stored: its number, its note, and what that says."""

    number: int
    note: Note
    checkpoint: Checkpoint


def origin(identity: str) -> str:
    """The name of the log with this identity, which is its keys' too.

    >>> origin("4f2a")
    'assayer.local/4f2a'
    """
    return f"{HOST}/{identity}"


def tile(connection: sqlite3.Connection, level: int, place: int) -> bytes:
    """A tile's hashes; none where it is not kept."""
    rows = fetched(connection, _TILE, (level, place))
    return bytes(rows[0][0]) if rows else b""


def sealed(connection: sqlite3.Connection, *, after: int = 0) -> Iterator[Sealed]:
    """The checkpoints with a higher number, in order. Raises `LogDamaged` for one that is none."""
    return (_sealed(number, note) for number, note in fetched(connection, _CHECKPOINTS, (after,)))


def last_sealed(connection: sqlite3.Connection) -> Sealed | None:
    """The newest checkpoint; `None` before the first."""
    rows = fetched(connection, _LAST)
    return _sealed(*rows[0]) if rows else None


def signers(connection: sqlite3.Connection) -> list[tuple[int, Verifier]]:
    """The keys that sign, and from which checkpoint on, in order. Raises `LogDamaged` for one that is none."""
    found = []
    for since, vkey in fetched(connection, _SIGNERS):
        try:
            found.append((since, Verifier.parse(bytes(vkey).decode(errors="replace"))))
        except KeyRefused as error:
            raise LogDamaged(f"{LOG_NAME}: signers: the key since checkpoint {since}: {error}") from None
    return found


def revived(connection: sqlite3.Connection, last: Sealed | None, *, head: int) -> Tree:
    """The tree over all entries: that of the last checkpoint, and what was appended since.

    Raises `LogDamaged` where entries are missing, or the tree is not the one that was signed.
    """
    tree = Tree() if last is None else _signed(connection, last, head)
    tree.extend(row.leaf() for row in between(connection, tree.size + 1, head))
    return tree


def path_to(connection: sqlite3.Connection, position: int, size: int) -> list[bytes]:
    """The proof that the entry at a position is in the tree of so many. Raises `LogDamaged` for a tree in pieces."""
    return _proven(connection, lambda node: inclusion(position - 1, size, node))


def root(connection: sqlite3.Connection, size: int) -> bytes:
    """The root over the first so many entries. Raises as `path_to`."""
    return _proven(connection, lambda node: root_between(0, size, node))


def path_from(connection: sqlite3.Connection, old: int, size: int) -> list[bytes]:
    """The proof that the tree of `size` entries begins with that of `old`. Raises as `path_to`."""
    return _proven(connection, lambda node: consistency(old, size, node))


def _proven(connection: sqlite3.Connection, prove: Callable[[Node], T]) -> T:
    @lru_cache(TILES_AT_HAND)
    def at_hand(level: int, place: int) -> bytes:
        return tile(connection, level, place)

    try:
        return prove(nodes_of(at_hand))
    except ValueError as error:
        raise LogDamaged(f"{LOG_NAME}: {error}") from None


def _signed(connection: sqlite3.Connection, last: Sealed, head: int) -> Tree:
    checkpoint = last.checkpoint
    if checkpoint.size > head:
        raise LogDamaged(
            f"{LOG_NAME}: ends at entry {head}, and a checkpoint over {checkpoint.size} was signed:"
            " entries were cut off (see `assayer verify`)"
        )
    try:
        tree = Tree.revived(checkpoint.size, lambda level, place: tile(connection, level, place))
    except ValueError as error:
        raise LogDamaged(f"{LOG_NAME}: {error} (see `assayer verify`)") from None
    if tree.root() != checkpoint.root:
        raise LogDamaged(f"{LOG_NAME}: its tree is not the one that was signed (see `assayer verify`)")
    return tree


def _sealed(number: int, data: bytes) -> Sealed:
    try:
        note = Note.parse(bytes(data))
        return Sealed(number, note, Checkpoint.of(note))
    except NoteRefused as error:
        raise LogDamaged(f"{LOG_NAME}: checkpoint {number}: {error}") from None
