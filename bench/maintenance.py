"""What declared maintenance costs and saves: `python -m bench.maintenance` (some minutes; `--quick` for less).

Each campaign is played inside maintenance that was declared for its victim, or for the issuer that its victim asks,
from a minute before the first row to the last. Campaigns are those whose first mint carries a tell. Beside it the
legitimate rows, once as they are and once with every requester under maintenance all the time: what it quiets at most.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Final

from bench.detection import QUICK, TEST, organisations
from bench.detection.ground import ROW_KINDS, ground
from bench.detection.measure import FLAGGED, Evaluation, Scored, moments
from bench.detection.ours import rows, shipped_policy
from bench.detection.tables import share, table
from detector.engine.maintenance import MOST_SECONDS
from detector.events import Event, Issuance, Lifecycle
from detector.simulator import Organisation

BUDGET: Final = 0.001
BEFORE: Final = 60.0
"""Seconds between a declaration and the campaign that it covers."""

HEADER: Final = ("maintenance", "flagged: first mint", "ever", "0.1 %: first mint", "ever", "n", "issuances", "uses")


def nobody(_organisation: Organisation) -> Iterator[Lifecycle]:
    """No declaration but those that the organisation makes itself."""
    yield from ()


def victims(organisation: Organisation) -> Iterator[Lifecycle]:
    """One for each victim."""
    return _campaigns(organisation, lambda event: event.grant.requester)


def their_issuers(organisation: Organisation) -> Iterator[Lifecycle]:
    """One for the issuer that each victim asks."""
    return _campaigns(organisation, lambda event: event.grant.issuer)


def everybody(organisation: Organisation) -> Iterator[Lifecycle]:
    """All requesters, always."""
    names = {row.event.grant.requester: None for row in organisation.rows if isinstance(row.event, Issuance)}
    for name in names:
        yield from _windows(name, organisation.start, organisation.start + organisation.days * 86_400.0)


DECLARED: Final[dict[str, Callable[[Organisation], Iterator[Lifecycle]]]] = {
    "none": nobody,
    "of the victim": victims,
    "of its issuer": their_issuers,
    "of everybody, always": everybody,
}


def _campaigns(organisation: Organisation, name: Callable[[Issuance], str]) -> Iterator[Lifecycle]:
    """Windows about each campaign, named after what its victim last asked for before it."""
    spans: dict[str, tuple[str, float, float]] = {}
    latest: dict[str, str] = {}
    named: dict[str, str] = {}
    for row in organisation.rows:
        label, event = row.label, row.event
        if label.abuse and label.campaign:
            _, first, _ = spans.get(label.campaign, ("", event.time, 0.0))
            spans[label.campaign] = (label.principal, first, event.time)
            if label.campaign not in named and label.principal in latest:
                named[label.campaign] = latest[label.principal]
        elif isinstance(event, Issuance):
            latest[label.principal] = name(event)
    for campaign, subject in named.items():
        _, first, last = spans[campaign]
        yield from _windows(subject, first - BEFORE, last + BEFORE)


def _windows(subject: str, since: float, until: float) -> Iterator[Lifecycle]:
    """As many declarations as so long a time needs."""
    at = since
    while at < until:
        name = f"maintenance {subject} {at}"
        yield Lifecycle(id=name, time=at, change="maintenance_declared", subject=subject, until=at + MOST_SECONDS)
        at += MOST_SECONDS


def judged(organisation: Organisation, declared: Callable[[Organisation], Iterator[Lifecycle]]) -> list[Scored]:
    """The organisation's rows with these declarations among its events."""
    events: list[Event] = [row.event for row in organisation.rows]
    events += declared(organisation)
    events.sort(key=lambda event: event.time)
    return [Scored(row.id, row.kind, row.evidence, row.verdict) for row in rows(events, shipped_policy())]


def line(name: str, found: Evaluation, threshold: float) -> tuple[str, ...]:
    """One line of the table."""
    campaigns = found.chosen()
    flagged, (stopped, total) = moments(c.flagged() for c in campaigns), found.stopped(threshold)
    cells = [share(hits[moment], total) for hits in (flagged, stopped) for moment in ("first", "ever")]
    for kind in ROW_KINDS:
        honest = found.honest[kind]
        cells.append(share(sum(int(r.got(*FLAGGED).sum()) for r in honest), sum(r.scores.size for r in honest), 3))
    return (name, *cells[:4], str(total), *cells[4:])


def main() -> None:
    """Replay, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.maintenance", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four organisations instead of all")
    pairs = QUICK if parser.parse_args().quick else TEST
    found = {name: Evaluation(name) for name in DECLARED}
    for organisation in organisations(pairs):
        true = ground(organisation)
        for name, declared in DECLARED.items():
            found[name].add(true, judged(organisation, declared))
    threshold = found["none"].threshold(BUDGET)
    print(table(HEADER, [line(name, evaluation, threshold) for name, evaluation in found.items()]))


if __name__ == "__main__":
    main()
