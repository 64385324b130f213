"""An organisation's logs as files: each issuer's in its own dialect, or everything in ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from detector.events import Event, Issuance, Lifecycle, Usage
from detector.simulator.labels import Organisation
from detector.simulator.writers.cloudtrail import CloudTrail
from detector.simulator.writers.kubernetes import Kubernetes
from detector.simulator.writers.native import Native
from detector.simulator.writers.vault import Vault

Record: TypeAlias = dict[str, Any]
Writer: TypeAlias = Callable[[Event], Iterable[Record]]
"""The log records that one event leaves: none, one, or several. It remembers what it wrote before."""

WRITERS: Final[Mapping[str, Callable[[], Writer]]] = {
    "native": lambda: Native().records,
    "cloudtrail": lambda: CloudTrail().records,
    "vault": lambda: Vault().records,
    "kubernetes": lambda: Kubernetes().records,
}

__all__ = ["WRITERS", "Record", "Writer", "records", "split"]


def records(dialect: str, events: Sequence[Event]) -> Iterator[Record]:
    """The log of these events in a dialect, in their order.

    Clocks differ, and a use may stand before its issuance: what was issued is known beforehand.
    """
    writer = WRITERS[dialect]()
    issued = sorted((event for event in events if isinstance(event, Issuance)), key=lambda event: event.time)
    written = {id(event): list(writer(event)) for event in issued}
    for event in events:
        yield from written[id(event)] if id(event) in written else writer(event)


def split(organisation: Organisation) -> dict[str, list[Event]]:
    """The organisation's events as they were delivered, by the dialect of the issuer they belong to.

    Uses stand with their credential's issuer, what happens to tasks and policies in the native log.
    """
    out: dict[str, list[Event]] = {dialect: [] for dialect in WRITERS}
    home: dict[str, str] = {}
    for row in organisation.rows:
        if isinstance(row.event, Issuance) and row.event.credential:
            home[row.event.credential] = organisation.dialects[row.event.grant.issuer]
    for row in organisation.arrivals():
        event = row.event
        if isinstance(event, Issuance):
            out[organisation.dialects[event.grant.issuer]].append(event)
        elif isinstance(event, Usage):
            out[home.get(event.credential or "", "native")].append(event)
        elif isinstance(event, Lifecycle):
            out["native"].append(event)
    return out
