"""Forgetting what is older than is wanted, without losing what it came to, nor any proof.

In three steps, each durable before the next: the state that the old entries fold to is written as the base; a record in
the log says so; then the rows go. Interrupted anywhere, either all entries are there, or the base is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from detector.engine import judge
from detector.engine.policy import Policy
from detector.engine.records import Compacted
from detector.engine.state import State
from detector.proof import TILE_HASHES
from detector.store.audit import Audit
from detector.store.errors import LogDamaged, StoreError
from detector.store.reader import LogReader
from detector.store.snapshots import SnapshotRefused, drop_bases_but, read_base, write_base
from detector.store.sqlite import SqliteLog
from detector.wiring.unsent import unsent

REST_ENTRIES: Final = 25
"""Entries folded between two rests: a millisecond, so that a server in the same process hardly notices."""


def compacted(
    directory: Path, *, older_than: float, by: str, rest: Callable[[], None] = lambda: None
) -> Compacted | None:
    """Write what the entries logged before `older_than` (Unix seconds) came to, and give the record that says so.

    What is still to be delivered to somebody is kept. `None` where there is nothing new to forget. `rest` is called now
    and then. Raises `StoreError` for a log that is not what was written, or a base that cannot be read, `OSError` where
    the disk refuses.
    """
    reader = LogReader(directory)
    base = reader.base()
    before = _cut(reader, older_than, unsent(directory))
    if before <= (base.position if base is not None else 0):
        return None
    state = _folded(directory, before, rest)
    root = reader.signed_root(before)
    digest = write_base(directory, before, state.snapshot()).digest
    return Compacted(before=before, state_digest=digest, root=(root or b"").hex(), by=by)


def forget(log: SqliteLog, directory: Path, *, shrink: bool = False) -> int:
    """Take away what the log says is forgotten, also what an interruption left; gives how many rows that were."""
    base = log.base()
    if base is None:
        return 0
    taken = log.forget(base.position, shrink=shrink)
    drop_bases_but(directory, base.position)
    return taken


def _cut(reader: LogReader, older_than: float, needed: int | None) -> int:
    """The last entry to be forgotten; 0 for none. `needed` is the first one that somebody still needs.

    Whole tiles only, whose hashes are all that is left: up to 255 entries stay for a while longer.
    """
    first = reader.first_at(older_than)
    before = ((first if needed is None else min(first, needed)) - 1) // TILE_HASHES * TILE_HASHES
    return before if before and reader.signed_root(before) is not None else 0


def _folded(directory: Path, before: int, rest: Callable[[], None]) -> State:
    """The state at an entry. All up to it is audited meanwhile: what was edited is not forgotten."""
    audit = Audit(directory)
    try:
        state = State(Policy()) if audit.base is None else State.revive(read_base(directory, audit.base))
    except (SnapshotRefused, ValueError, msgspec.DecodeError) as error:
        raise StoreError(f"what was forgotten before came to a state that cannot be read: {error}") from None
    for entry in audit.entries():
        if entry.position > before:
            break
        state.fold(entry, judge.prepare)
        if entry.position % REST_ENTRIES == 0:
            rest()
    if audit.found or state.memory.position != before:
        why = audit.found[0].words() if audit.found else f"it ends at entry {state.memory.position}"
        raise LogDamaged(f"nothing is forgotten: {why} (see `assayer verify`)")
    return state
