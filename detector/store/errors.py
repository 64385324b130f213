"""What the store refuses, each with a text that an operator can act on."""

from __future__ import annotations


class StoreError(Exception):
    """The data directory cannot be used; the text says why and what to do."""


class DirectoryHeld(StoreError):
    """Another process writes this data directory."""


class LogDamaged(StoreError):
    """The log is not what was written: a gap, an unreadable record, a damaged file."""


class EntriesForgotten(StoreError, LookupError):
    """What is asked for was compacted away: of the entries up to `before` only the hashes are left."""

    def __init__(self, before: int) -> None:
        super().__init__(f"entries up to {before} are forgotten: the log was compacted, and only their hashes are kept")
        self.before = before
