"""Verifies a data directory's log: first that it is what was written and signed, then that it comes to what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from detector.engine.policy import Policy
from detector.engine.recheck import Recheck
from detector.engine.records import Entry
from detector.engine.state import State
from detector.proof import Discrepancy, Note, Verifier
from detector.store.audit import Audit
from detector.store.snapshots import SnapshotRefused, read_base

MOST_DIFFERING: Final = 20
"""Entries that come to something else, after which nothing more is decided again: another version of assayer weighs
everything otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying came to.

    `before` is the last entry that was compacted away, `head` the last one, `covered` the last under a checkpoint;
    `replayed` is how many were decided again; `keys` are those that signed, in order.
    """

    before: int
    head: int
    covered: int
    checkpoints: int
    keys: tuple[Verifier, ...]
    replayed: int
    found: tuple[Discrepancy, ...] = field(default=())


def verify(
    directory: Path,
    *,
    key: Verifier | None = None,
    outside: Note | None = None,
    replay: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Read a log to its end; `advance` hears of every entry that was looked at. Raises `StoreError` for no log."""
    audit = Audit(directory, key=key, outside=outside)
    recheck = _started(directory, audit) if replay else None
    found: list[Discrepancy] = []
    for entry in audit.entries():
        advance(1)
        if recheck is not None and len(found) < MOST_DIFFERING:
            found.extend(_seen(recheck, entry))
    return Verified(
        before=audit.before,
        head=audit.head,
        covered=audit.covered,
        checkpoints=len(audit.sealed),
        keys=tuple(audit.chain.keys),
        replayed=recheck.checked if recheck is not None else 0,
        found=(*audit.found, *found),
    )


def _started(directory: Path, audit: Audit) -> Recheck | None:
    """Where replaying begins: at nothing, or at what the forgotten entries came to."""
    if audit.base is None:
        return Recheck(State(Policy()))
    try:
        return Recheck(State.revive(read_base(directory, audit.base)))
    except (OSError, SnapshotRefused, ValueError, msgspec.DecodeError) as error:
        audit.wrong(
            0, f"what the entries up to {audit.base.position} came to cannot be read, so nothing is replayed: {error}"
        )
        return None


def _seen(recheck: Recheck, entry: Entry) -> Iterator[Discrepancy]:
    try:
        yield from recheck.see(entry)
    except Exception as error:  # noqa: BLE001 - a record that was forged may hold anything
        yield Discrepancy(entry.position, f"cannot be decided again: {type(error).__name__}: {error}")
