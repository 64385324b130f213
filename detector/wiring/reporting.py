"""The report of a log, written down: what the command line and the API have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from detector.engine.records import Entry
from detector.report import Period, as_json, as_markdown, fold, report

Form: TypeAlias = Literal["md", "json"]


class Readable(Protocol):
    """A log that can be read from its beginning."""

    def read(self, after: int = 0) -> Iterator[Entry]:
        """The durable entries after a position, in order."""


@runtime_checkable
class Identified(Protocol):
    """A log with a name of its own: an optional gift of the store's."""

    identity: str


def written(log: Readable, period: Period, form: Form, *, paged: Callable[[int], None] | None = None) -> bytes:
    """The report of a period as Markdown or JSON; `paged` hears of every thousand entries read, and may raise."""
    folded = fold(log.read(), period, paged=paged)
    made = report(folded, identity=log.identity if isinstance(log, Identified) else None)
    return as_markdown(made).encode() if form == "md" else as_json(made)
