"""What came out of a pile of logs: counts a dialect, and what could not be read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from detector.cli.output import complain, console, printable, table

if TYPE_CHECKING:
    from detector.engine import Row
    from detector.events import Event
    from detector.intake import Rejected

PLACES_SHOWN: Final = 3
"""Places named for each reason: enough to go and look, few enough to read."""

REASONS_SHOWN: Final = 10
REASONS_KEPT: Final = 1_000
"""Different reasons counted apart: a reason may quote a value, and a hostile log must not grow our memory."""

NAMES_KEPT: Final = 100_000
"""Requesters, and issuers, counted apart: whoever invents names must not grow our memory either."""

NAMES_SHOWN: Final = 3

KINDS: Final = ("GrantRequest", "Issuance", "Usage", "Lifecycle")
HEADINGS: Final = ("dialect", "requests", "issuances", "usages", "lifecycle", "rejected")


class Tally:
    """Counts events as they pass, and remembers what was rejected and where."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str]] = Counter()
        self.rejected: Counter[tuple[str, str]] = Counter()
        self.places: dict[tuple[str, str], list[str]] = {}
        self.usages = 0
        self.joined = 0
        self.waiting = 0
        self.requesters: Counter[str] = Counter()
        self.issuers: Counter[str] = Counter()

    def read(self, dialect: str, event: Event) -> None:
        """An event was read."""
        self.events[dialect, type(event).__name__] += 1

    def reject(self, rejected: Rejected) -> None:
        """A record could not be read."""
        key = (rejected.dialect or "unknown", rejected.reason)
        if key not in self.rejected and len(self.rejected) >= REASONS_KEPT:
            key = (key[0], "other reasons")
        self.rejected[key] += 1
        places = self.places.setdefault(key, [])
        if len(places) < PLACES_SHOWN:
            places.append(f"{rejected.file}:{rejected.line}")

    def judged(self, row: Row) -> None:
        """A row was judged: who minted where, and of usages how many found the issuance of their credential."""
        if row.kind == "usage":
            self.usages += 1
            self.joined += row.issuance is not None
        elif row.kind == "issuance":
            for names, name in ((self.requesters, row.requester), (self.issuers, row.issuer or "")):
                if name in names or len(names) < NAMES_KEPT:
                    names[name] += 1

    @property
    def nothing_read(self) -> bool:
        """Whether there were records, and not one of them could be read."""
        return bool(self.rejected) and not self.events

    def show(self, *, joins: bool = True) -> None:
        """The table on standard output; what was rejected on standard error."""
        if not self.events and not self.rejected:
            complain("there was not one record to read")
            return
        out = console()
        out.print(table(HEADINGS, self._rows()))
        if joins and self.usages:
            waiting = f"; {self.waiting:,} wait for theirs to be read" if self.waiting else ""
            out.print(f"{self.joined:,} of {self.usages:,} usages joined to the issuance of their credential{waiting}")
        if self.requesters:
            out.print(f"{_names(self.requesters, 'requester')} at {_names(self.issuers, 'issuer')}", markup=False)
        self.show_rejected()

    def show_rejected(self) -> None:
        """Each reason with its count and the first places, commonest first, on standard error."""
        if not self.rejected:
            return
        total = self.rejected.total()
        many = "1 record could not be read and was" if total == 1 else f"{total:,} records could not be read and were"
        complain(f"{many} skipped:")
        for (dialect, reason), count in self.rejected.most_common(REASONS_SHOWN):
            places = ", ".join(self.places[dialect, reason])
            more = ", …" if count > PLACES_SHOWN else ""
            complain(printable(f"  {count:,} × {reason} [{dialect}] at {places}{more}"))
        hidden = len(self.rejected) - REASONS_SHOWN
        if hidden > 0:
            complain(f"  and {hidden:,} reasons more")

    def _rows(self) -> list[tuple[object, ...]]:
        dialects = sorted({dialect for dialect, _ in (*self.events, *self.rejected)})
        rows: list[tuple[object, ...]] = []
        for dialect in dialects:
            rejected = sum(count for (of, _), count in self.rejected.items() if of == dialect)
            rows.append((dialect, *(self.events[dialect, kind] for kind in KINDS), rejected))
        if len(rows) > 1:
            rows.append(("all", *(sum(int(str(row[place])) for row in rows) for place in range(1, len(HEADINGS)))))
        return rows


def _names(counts: Counter[str], what: str) -> str:
    """How many there are, and the busiest by name, as one would ask about them."""
    busiest = ", ".join(f"{printable(name)} ({count:,})" for name, count in counts.most_common(NAMES_SHOWN))
    more = ", …" if len(counts) > NAMES_SHOWN else ""
    return f"{len(counts):,} {what}{'' if len(counts) == 1 else 's'} ({busiest}{more})"
