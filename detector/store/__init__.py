"""Where the log and the snapshots live: in memory, or in a data directory on a local disk."""

from detector.store.errors import DirectoryHeld, EntriesForgotten, LogDamaged, StoreError
from detector.store.lock import running_server
from detector.store.memory import MemoryLog, MemorySnapshots
from detector.store.reader import LogReader
from detector.store.snapshots import FileSnapshots
from detector.store.sqlite import SqliteLog

__all__ = [
    "DirectoryHeld",
    "EntriesForgotten",
    "FileSnapshots",
    "LogDamaged",
    "LogReader",
    "MemoryLog",
    "MemorySnapshots",
    "SqliteLog",
    "StoreError",
    "running_server",
]
