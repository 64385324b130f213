"""Forgetting what is older than is wanted, without losing what it came to, nor any proof.

In three steps, each durable before the next: the state that the old entries fold to is written as the base; a record in
the log says so; then the rows go. Interrupted anywhere, either all entries are there, or the base is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from detector.engine import judge
from detector.engine.encoding import decode, encode
from detector.engine.policy import Policy
from detector.engine.records import Compacted
from detector.engine.state import State
from detector.proof import TILE_HASHES
from detector.store.audit import Audit
from detector.store.errors import LogDamaged, StoreError
from detector.store.reader import LogReader
from detector.store.snapshots import SnapshotRefused, drop_bases_but, read_base, write_base
from detector.store.sqlite import SqliteLog
from detector.wiring.beside import NICE, Beside
from detector.wiring.unsent import unsent


class Retention:
    """Finds what is to be forgotten in another process, one at a time. `warn` hears of one that failed."""

    def __init__(self, directory: Path, *, warn: Callable[[str], None]) -> None:
        self._directory = directory
        self._beside = Beside("detector.wiring.retention", warn=lambda last: warn(f"nothing was forgotten: {last}"))

    def run(self, *, older_than: float, by: str) -> Compacted | None:
        """As `compacted`; `None` too where that failed. Waits, on any thread."""
        said = self._beside.run(self._directory, repr(older_than), by)
        record = decode(said.encode()) if said else None
        return record if isinstance(record, Compacted) else None

    def stop(self) -> None:
        """End the one that is under way, and run no more."""
        self._beside.stop()


def compacted(directory: Path, *, older_than: float, by: str) -> Compacted | None:
    """Write what the entries logged before `older_than` (Unix seconds) came to, and give the record that says so.

    What is still to be delivered to somebody is kept. `None` where there is nothing new to forget. Raises `StoreError`
    for a log that is not what was written, or a base that cannot be read, `OSError` where the disk refuses.
    """
    reader = LogReader(directory)
    base = reader.base()
    before = _cut(reader, older_than, unsent(directory))
    if before <= (base.position if base is not None else 0):
        return None
    state = _folded(directory, before)
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


def _folded(directory: Path, before: int) -> State:
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
    if audit.found or state.memory.position != before:
        why = audit.found[0].words() if audit.found else f"it ends at entry {state.memory.position}"
        raise LogDamaged(f"nothing is forgotten: {why} (see `assayer verify`)")
    return state


def main() -> None:
    """Find what is to be forgotten, and give the record."""
    os.nice(NICE)
    directory, older_than, by = sys.argv[1:]
    record = compacted(Path(directory), older_than=float(older_than), by=by)
    if record is not None:
        print(encode(record).decode())  # noqa: T201 - to our parent


if __name__ == "__main__":
    main()
