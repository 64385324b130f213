"""Reads a whole log and holds it against its own tree, its signed checkpoints, and one that was kept elsewhere.

Read-only, also beside a running server. What it cannot see by itself: a log that was rewritten as a whole by somebody
who has the key, and one that was cut back together with all its checkpoints. A checkpoint kept elsewhere shows both.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Final

from detector.engine.records import Entry, KeyRotated
from detector.proof import Checkpoint, Discrepancy, Note, NoteRefused, Verifier
from detector.store import kept, tree
from detector.store.chain import Chain, chained
from detector.store.errors import LogDamaged
from detector.store.publishing import CHECKPOINT_NAME
from detector.store.reader import LogReader
from detector.store.rows import fetched
from detector.store.walk import Walk

MOST_FOUND: Final = 20
"""Discrepancies that are listed: whoever swapped a table around need not read a million lines about it."""

_OUTSIDE: Final = "SELECT position FROM entries WHERE position < 1 LIMIT 1"


class Audit:
    """One reading of a log. `entries` gives what is sound, in order; afterwards `found` is what is not.

    `outside` is a checkpoint that was kept elsewhere, `key` one of the log's keys as an outsider knows it.
    """

    def __init__(self, directory: Path, *, key: Verifier | None = None, outside: Note | None = None) -> None:
        """Look at checkpoints and keys. Raises `StoreError` where there is no log."""
        reader = LogReader(directory)
        self._directory, self._reader = directory, reader
        self.found: list[Discrepancy] = []
        with closing(reader.connect()) as connection:
            self._open(connection, reader.identity, key=key, outside=outside)

    def _open(
        self, connection: sqlite3.Connection, identity: str, *, key: Verifier | None, outside: Note | None
    ) -> None:
        self._sizes: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        try:
            self.sealed = list(tree.sealed(connection))
            self.chain = chained(self.sealed, tree.signers(connection), origin=tree.origin(identity), key=key)
        except LogDamaged as error:
            self.sealed, self.chain = [], Chain()
            self.wrong(0, str(error))
        for one in self.sealed:
            self._expect(f"checkpoint {one.number}", one.checkpoint)
        if outside is not None:
            self._expect("the checkpoint given", self.chain.vouched(outside, "the checkpoint given"))
        self._expect(f"the file {CHECKPOINT_NAME}", self._published())
        for record in kept.compacted(connection):
            self._sizes[record.before].append(("the root that was logged when the log was compacted", record.root))
        self.found.extend(self.chain.found)
        self.base = self._reader.base()
        self.head = self._reader.head()
        if fetched(connection, _OUTSIDE):
            self.wrong(0, "there are entries before the first, which no log writes")

    @property
    def before(self) -> int:
        """The last entry that is forgotten."""
        return self.base.position if self.base is not None else 0

    @property
    def covered(self) -> int:
        """How many entries are under a signature."""
        return max((one.checkpoint.size for one in self.sealed), default=0)

    def wrong(self, position: int, what: str) -> None:
        """Note what is wrong: what goes on from entry to entry once, and nothing where there is too much already."""
        before = self.found[-1] if self.found else None
        if position and before is not None and before.what == what and position == max(before[::2]) + 1:
            self.found[-1] = before._replace(last=position)
        elif len(self.found) < MOST_FOUND:
            self.found.append(Discrepancy(position, what))

    def entries(self) -> Iterator[Entry]:
        """The entries that are kept, up to the first that is not as it was written; hashes are followed to the end."""
        with closing(self._reader.connect()) as connection:
            # A text that is no UTF-8 any more is to be found by its hash, with its position.
            connection.text_factory = lambda data: data.decode(errors="replace")
            try:
                yield from Walk(self, connection).entries()
            except LogDamaged as error:
                self.wrong(0, str(error))

    def rotated(self, record: KeyRotated) -> bool:
        """Whether the keys of a rotation followed one another as it says."""
        keys = [key.text() for key in self.chain.keys]
        return (record.old, record.new) in pairwise(keys)

    def compacted_since(self, position: int) -> bool:
        """Whether an entry was forgotten while it was looked for."""
        base = self._reader.base()
        return base is not None and position <= base.position

    def expected(self, size: int) -> Sequence[tuple[str, str]]:
        """The roots that a tree of so many entries must have, and who says so."""
        return self._sizes.get(size, ())

    def sizes(self) -> list[int]:
        """The sizes at which a root is expected, in order."""
        return sorted(self._sizes)

    def _expect(self, who: str, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            self._sizes[checkpoint.size].append((who, checkpoint.root.hex()))

    def _published(self) -> Checkpoint | None:
        """The file that the writer leaves beside the log; `None` where there is none."""
        try:
            note = Note.parse((self._directory / CHECKPOINT_NAME).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, NoteRefused) as error:
            self.wrong(0, f"the file {CHECKPOINT_NAME}: {error}")
            return None
        return self.chain.vouched(note, f"the file {CHECKPOINT_NAME}")
