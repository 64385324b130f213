"""What the store refuses, each with a text that an operator can act on."""

from __future__ import annotations


class StoreError(Exception):
    """The data directory cannot be used; the text says why and what to do."""


class DirectoryHeld(StoreError):
    """Another process writes this data directory."""


class LogDamaged(StoreError):
    """The log is not what was written: a gap, an unreadable record, a damaged file."""
