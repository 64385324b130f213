"""The report of a log, written down; `python -m detector.wiring.reporting` does so beside the server that writes it.

A report reads the whole log: in the server's own process scores would wait for the interpreter meanwhile, twice as
long as usual (`python -m bench.report`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from detector.engine.ports import Log
from detector.engine.state import State
from detector.report import Fold, Period, Report, as_json, as_markdown, begin, fold, report
from detector.store import LogReader, SqliteLog, StoreError

Form: TypeAlias = Literal["md", "json"]
Paged: TypeAlias = Callable[[int], None]

NICE: Final = 10
"""An auditor has time, and somebody waits for whatever else runs."""


def written(log: Log | LogReader, period: Period, form: Form, *, paged: Paged | None = None) -> bytes:
    """The report of a period as Markdown or JSON; `paged` hears of every thousand entries read.

    Raises `StoreError` where the log cannot be read.
    """
    made = _stored(log, period, paged) if isinstance(log, LogReader) else _remembered(log, period, paged)
    return as_markdown(made).encode() if form == "md" else as_json(made)


def _remembered(log: Log, period: Period, paged: Paged | None) -> Report:
    """Of a log in memory, which has neither a name nor a tree."""
    return report(fold(log.read(), period, paged=paged), identity=None)


def _stored(log: LogReader, period: Period, paged: Paged | None) -> Report:
    """Of a log on the disk; where it was compacted, the fold begins with what the forgotten entries came to."""
    base, begun = log.base(), Fold(period)
    state = log.base_state()
    if state is not None:
        try:
            begin(begun, State.revive(state))
        except (ValueError, msgspec.DecodeError) as error:
            message = f"what the forgotten entries came to cannot be read: {error}"
            raise StoreError(message) from error
    forgotten = 0 if base is None else base.position
    folded = fold(log.read(forgotten), period, made=begun, paged=paged)
    root = log.signed_root(folded.last) if folded.last else None
    return report(folded, identity=log.identity, forgotten=forgotten, root=None if root is None else root.hex())


class Writing:
    """One report, made on whichever thread calls `run`: of a log on the disk in another process, else here."""

    def __init__(self, log: Log, period: Period, form: Form) -> None:
        self._log, self._period, self._form = log, period, form
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self) -> bytes:
        """The report. Waits; raises `StoreError` where the log cannot be read, or where it was stopped."""
        if not isinstance(self._log, SqliteLog):
            return written(self._log, self._period, self._form)
        bounds = [msgspec.json.encode(bound).decode() for bound in (self._period.since, self._period.until)]
        command = [sys.executable, "-m", "detector.wiring.reporting", str(self._log.reader.directory), self._form]
        with self._lock:
            if self._stopped:
                message = "nobody waits for the report any more"
                raise StoreError(message)
            process = self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [*command, *bounds], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        text, trouble = process.communicate()
        if process.returncode:
            last = trouble.decode(errors="replace").strip().splitlines()
            message = last[-1] if last else f"it ended with {process.returncode}"
            raise StoreError(message)
        return text

    def stop(self) -> None:
        """End it; nobody waits any more."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()


def main() -> None:
    """Write to our parent, or say on the last line of standard error why not."""
    os.nice(NICE)
    directory, form, *bounds = sys.argv[1:]
    since, until = (msgspec.json.decode(bound, type=float | None) for bound in bounds)
    try:
        text = written(LogReader(Path(directory)), Period(since, until), "md" if form == get_args(Form)[0] else "json")
    except StoreError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(text)


if __name__ == "__main__":
    main()
