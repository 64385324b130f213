"""A simulated organisation's life as native lines, as long as wanted: its days repeated, later each time.

Two usages an issuance. Ids and credentials differ from one repetition to the
next, identities and habits do not, as in a real log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from detector.events import Issuance, Usage
from detector.intake.native_lines import native_record
from detector.simulator import simulate

STYLE, SEED = "vault", 1
USAGES = 2

_MARKERS = re.compile(r"@(again|time|expires)@")


@cache
def life() -> tuple[Issuance | Usage, ...]:
    """The organisation's honest events in time order: every issuance that was used, with its first two usages."""
    rows = [row.event for row in simulate(STYLE, SEED).rows if not row.label.abuse]
    usages: dict[str, list[Usage]] = {}
    for event in rows:
        if isinstance(event, Usage) and event.credential:
            usages.setdefault(event.credential, []).append(event)
    events: list[Issuance | Usage] = []
    for event in rows:
        if isinstance(event, Issuance) and event.credential:
            used = [usage for usage in usages.pop(event.credential, []) if usage.time >= event.time]
            if len(used) >= USAGES:
                events += [event, *used[:USAGES]]
    return tuple(sorted(events, key=lambda event: event.time))


def write(path: Path, wanted: int) -> None:
    """Write so many lines."""
    events = life()
    templates = [_template(event) for event in events]
    span = events[-1].time - events[0].time + 3_600
    with path.open("wb") as file:
        for number in range(wanted):
            again, place = divmod(number, len(templates))
            file.write(_filled(templates[place], again, again * span))


def _template(event: Issuance | Usage) -> tuple[list[str], float, float]:
    """The line in pieces between markers, and the times that go there."""
    record: dict[str, Any] = {**native_record(event), "time": "@time@"}
    for name in ("id", "credential"):
        record[name] += "-@again@"
    expires = event.expires_at if isinstance(event, Issuance) else None
    if expires is not None:
        record["expires_at"] = "@expires@"
    return _MARKERS.split(msgspec.json.encode(record).decode() + "\n"), event.time, expires or 0.0


def _filled(template: tuple[list[str], float, float], again: int, later: float) -> bytes:
    pieces, time, expires = template
    values = {"again": str(again), "time": moment(time + later), "expires": moment(expires + later)}
    return "".join(values[piece] if place % 2 else piece for place, piece in enumerate(pieces)).encode()


def moment(time: float) -> str:
    """Unix seconds as lines write them."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def grants(*, now: float) -> Iterator[dict[str, Any]]:
    """What the organisation's identities ask for, as grant requests of this moment, without ids."""
    for event in life():
        if isinstance(event, Issuance):
            record = native_record(event)
            wanted = {"outcome", "credential", "expires_at", "decision", "id", "kind"}
            asked = {name: value for name, value in record.items() if name not in wanted}
            yield {"kind": "grant_request", **asked, "time": moment(now)}


def moved(event: Issuance | Usage, later: float) -> Issuance | Usage:
    """The event as it would have happened so many seconds later."""
    if isinstance(event, Usage):
        return replace(event, time=event.time + later)
    expires = None if event.expires_at is None else event.expires_at + later
    return replace(event, grant=replace(event.grant, time=event.grant.time + later), expires_at=expires)
