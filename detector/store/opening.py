"""Opens a data directory to write: its database, and the hand that signs its head."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from detector.proof import Checkpoint, Note, NoteRefused, Signer, Verifier
from detector.store import keys, schema, tree
from detector.store.errors import LogDamaged, StoreError
from detector.store.files import create_private
from detector.store.publishing import CHECKPOINT_NAME
from detector.store.sealing import Sealer

BUSY_SECONDS: Final = 0.25
"""How long one attempt waits for somebody else's lock before it counts as trouble and is tried again."""


def opened(path: Path, *, created: float) -> sqlite3.Connection:
    """The writing connection, on a log that is there and whole enough to open."""
    create_private(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
        if mode != "wal":
            message = f"{path}: this file system cannot hold the log (journal mode {mode}); use a local disk"
            raise StoreError(message)  # noqa: TRY301 the connection must be closed on every way out
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("PRAGMA cache_size=-16384")
        schema.create(connection, created=created)
        schema.identity(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        message = f"{path}: {error}"
        raise StoreError(message) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        message = f"{path}: {error}"
        raise LogDamaged(message) from error
    except BaseException:
        connection.close()
        raise
    return connection


def sealer(
    connection: sqlite3.Connection,
    directory: Path,
    *,
    head: int,
    publish: Callable[[bytes], None],
    warn: Callable[[str], None],
) -> Sealer:
    """Who signs the log's head from here on. Raises `LogDamaged` for a log that is not the one that was signed."""
    last = tree.last_sealed(connection)
    known = [key for _, key in tree.signers(connection)]
    _must_hold(directory, known, head)
    grown = tree.revived(connection, last, head=head)
    signer = _signer(directory, tree.origin(schema.identity(connection)), known, warn)
    number, size = (last.number, last.checkpoint.size) if last is not None else (0, 0)
    made = Sealer(grown, signer=signer, number=number, sealed=size, publish=publish)
    if not known or known[-1] != signer.verifier:
        made.introduce(connection)
    if last is not None:
        made.latest = last.note.encoded()
    return made


def _signer(directory: Path, name: str, known: list[Verifier], warn: Callable[[str], None]) -> Signer:
    """The key that signs; a rotation that was interrupted is finished, or forgotten where the old key said nothing."""
    following = keys.next_signer(directory)
    if following is not None and known and following.verifier == known[-1]:
        keys.follow(directory)
    else:
        keys.forget_next(directory)
    signer = keys.signer(directory, name, warn=warn)
    if known and signer.verifier != known[-1]:
        warn(f"{directory}: another key signs from here on, and the one before did not name it (see `assayer verify`)")
    return signer


def _must_hold(directory: Path, known: list[Verifier], head: int) -> None:
    """Refuse a log that ends before the file `checkpoint` does, which our key signed. Raises `LogDamaged`."""
    path = directory / CHECKPOINT_NAME
    try:
        note = Note.parse(path.read_bytes())
        note.signers(known)
        size = Checkpoint.of(note).size
    except (OSError, NoteRefused):
        return  # none yet, or not ours: it says nothing about this log
    if size > head:
        raise LogDamaged(
            f"{path} was signed over {size} entries, and the log ends at {head}: entries were cut off. Where an older"
            " copy was put back on purpose, move that file away"
        )
