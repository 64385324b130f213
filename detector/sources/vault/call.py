"""One call to Vault, read from its audit entry."""

from __future__ import annotations

from dataclasses import dataclass

from detector.sources.base import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to Vault: `path` and `mount` without slashes at the ends, `error` where it failed."""

    id: str
    time: float
    path: str
    mount: str
    engine: str
    namespace: str
    operation: str
    request: Record
    response: Record
    auth: Record
    error: str | None
