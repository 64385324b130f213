"""That one decision is in the log, and that the log grew out of an older one, from what the database keeps."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from typing import Final

from detector.proof import Growth, Inclusion
from detector.store import tree
from detector.store.errors import LogDamaged
from detector.store.rows import Row, fetched
from detector.store.schema import LOG_NAME, index_key

_DECIDED: Final = """SELECT position, stamp, kind, id, body FROM entries
    WHERE id = ? AND kind = 'decided' ORDER BY position LIMIT 1"""


def inclusion_of(connection: sqlite3.Connection, decision: str) -> Inclusion:
    """The proof that a decision is under the newest checkpoint. Raises `KeyError` where it is not.

    Raises `LogDamaged` where the tree is in pieces.
    """
    last = tree.last_sealed(connection)
    rows = fetched(connection, _DECIDED, (index_key(decision),))
    if not rows or last is None or rows[0][0] > last.checkpoint.size:
        raise KeyError(decision)
    row, size = Row(*rows[0]), last.checkpoint.size
    keys = [key for since, key in tree.signers(connection) if since <= last.number]
    if not keys:
        raise LogDamaged(f"{LOG_NAME}: nobody is known to have signed checkpoint {last.number}")
    return Inclusion(
        position=row.position,
        stamp=row.stamp,
        kind=row.kind,
        id=row.id,
        body=row.body.decode(errors="replace"),
        path=tuple(b64encode(found).decode() for found in tree.path_to(connection, row.position, size)),
        checkpoint=last.note.encoded().decode(),
        verifier_key=keys[-1].text(),
    )


def growth_since(connection: sqlite3.Connection, old: int) -> Growth:
    """The proof that the log of the newest checkpoint begins with that of `old` entries. Raises `KeyError`.

    That is where it is shorter, or nothing is signed yet.
    """
    last = tree.last_sealed(connection)
    if last is None or not 0 < old <= last.checkpoint.size:
        raise KeyError(old)
    path = tree.path_from(connection, old, last.checkpoint.size)
    return Growth(
        old=old,
        path=tuple(b64encode(found).decode() for found in path),
        checkpoint=last.note.encoded().decode(),
    )
