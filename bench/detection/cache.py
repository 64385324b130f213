"""Simulated organisations, kept on disk between runs for as long as the simulator's code is the same.

Kept as MessagePack of typed values, in a folder that only this user can enter; nothing is unpickled.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

import detector.simulator
from bench.detection.splits import Pair
from detector.events import Issuance, Lifecycle, Usage
from detector.simulator import Label, Labelled, Organisation, simulate

_KEPT = 90  # files, some five megabytes each: all splits, of the code before too


class _Row(msgspec.Struct, array_like=True):
    """A labelled event with its type's own column (dataclasses carry no tag)."""

    label: Label
    arrived: float
    issuance: Issuance | None = None
    usage: Usage | None = None
    lifecycle: Lifecycle | None = None


class _Kept(msgspec.Struct, array_like=True):
    style: str
    seed: int
    start: float
    days: int
    warm_up_days: int
    campaigns: dict[str, str]
    dialects: dict[str, str]
    rows: list[_Row]


def organisations(pairs: Sequence[Pair]) -> Iterator[Organisation]:
    """The organisations of a split, one after the other, from the cache where they are in it."""
    folder, code = _folder(), _code()
    for style, seed in pairs:
        path = folder / f"{code}-{style}-{seed}.msgpack.gz"
        if path.exists():
            yield _thaw(gzip.decompress(path.read_bytes()))
            continue
        organisation = simulate(style, seed)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(gzip.compress(_freeze(organisation), 1))
        partial.replace(path)
        _tidy(folder)
        yield organisation


def _tidy(folder: Path) -> None:
    """Keep the newest files; another process may be tidying too."""
    with suppress(FileNotFoundError):
        for stale in sorted(folder.glob("*.msgpack.gz"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            stale.unlink()


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"assayer-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        message = f"{folder} belongs to somebody else"
        raise PermissionError(message)
    return folder


def _code() -> str:
    """A digest of everything a simulated organisation depends on."""
    root = Path(detector.simulator.__file__).parent
    digest = hashlib.sha256((root.parent / "events.py").read_bytes())
    for path in sorted(root.rglob("*.py")):
        if "writers" not in path.parts and path.name not in {"samples.py", "__main__.py"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _freeze(organisation: Organisation) -> bytes:
    rows = [
        _Row(
            label=row.label,
            arrived=row.arrived,
            issuance=row.event if isinstance(row.event, Issuance) else None,
            usage=row.event if isinstance(row.event, Usage) else None,
            lifecycle=row.event if isinstance(row.event, Lifecycle) else None,
        )
        for row in organisation.rows
    ]
    o = organisation
    return msgspec.msgpack.encode(
        _Kept(o.style, o.seed, o.start, o.days, o.warm_up_days, dict(o.campaigns), dict(o.dialects), rows)
    )


def _thaw(data: bytes) -> Organisation:
    kept = msgspec.msgpack.decode(data, type=_Kept)
    rows = tuple(
        Labelled(event=row.issuance or row.usage or row.lifecycle, label=row.label, arrived=row.arrived)  # type: ignore[arg-type]
        for row in kept.rows
    )
    return Organisation(
        style=kept.style,
        seed=kept.seed,
        start=kept.start,
        days=kept.days,
        warm_up_days=kept.warm_up_days,
        rows=rows,
        campaigns=kept.campaigns,
        dialects=kept.dialects,
    )
