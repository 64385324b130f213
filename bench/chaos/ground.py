"""The ground every disaster happens on: one honest organisation's life learnt once, and what it goes on asking for.

Asks are what an identity has asked for often, from where it does: that a verdict on one of them is not `allow` is the
server's mistake, or the disaster's doing.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import history
from bench.serving import QUARANTINE, Clock
from detector.api.tokens import Role, Tokens
from detector.events import Issuance, Usage
from detector.intake.native_lines import native_record
from detector.wiring.compose import embedded, group_peers, tokens_file
from detector.wiring.files import load

SEASONED = 20
"""Issuances from which an identity is no newcomer any more."""

USUAL = 5
"""Issuances of one resource from one network from which it is what the identity does."""

ROLES: tuple[Role, ...] = ("broker", "ingest", "analyst", "operator")


@dataclass(frozen=True, slots=True)
class Ground:
    """A learnt data directory, never served itself, and what may be asked and reported on a copy of it.

    `asks` are grant requests without id and time, `mints` issuances of them without id, time and credential, `uses`
    what was done with a credential so minted, in the same order. `secrets` are tokens by role.
    """

    data: Path
    asks: tuple[dict[str, Any], ...]
    mints: tuple[dict[str, Any], ...]
    uses: tuple[dict[str, Any], ...]
    secrets: dict[str, str] = field(default_factory=dict)

    def copy(self, to: Path) -> Path:
        """A data directory of one's own."""
        shutil.copytree(self.data, to)
        return to


def learnt(folder: Path, *, events: int | None = None) -> Ground:
    """Learn an organisation's last so many honest events, moved so that they ended when their quarantine did."""
    data = folder / "learnt"
    lived = history.life() if events is None else history.life()[-events:]
    clock = Clock()
    settings = load(overrides={"server": {"data": str(data)}})
    store = embedded(settings, warn=sys.stderr.write, clock=clock, grouper=group_peers)
    _learn(lived, store, clock)
    store.close()
    tokens = Tokens(tokens_file(data))
    asks, mints, uses = zip(*_usual(lived), strict=True)
    return Ground(data, asks, mints, uses, {role: tokens.create([role]).secret for role in ROLES})


def _learn(lived: Sequence[Issuance | Usage], store: Any, clock: Clock) -> None:
    later = time.time() - QUARANTINE - lived[-1].time
    for number, event in enumerate(lived):
        moved = history.moved(event, later)
        clock.past.see(moved.time)
        store.engine.observe(moved)
        if number % 5_000 == 0:
            store.log.flush()
    store.engine.settle()
    store.log.flush()


def _usual(lived: Sequence[Issuance | Usage]) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """For each thing that an identity often asks for: the ask, the issuance, and a use of the credential."""
    used = {event.credential: event for event in lived if isinstance(event, Usage) and event.credential}
    issued = [event for event in lived if isinstance(event, Issuance) and event.credential in used]
    often = Counter(_way(event) for event in issued)
    whose = Counter(event.grant.requester for event in issued)
    latest = {_way(event): event for event in issued}
    for way, event in sorted(latest.items()):
        if often[way] < USUAL or whose[event.grant.requester] < SEASONED or event.grant.break_glass:
            continue
        mint = {name: value for name, value in native_record(event).items() if name not in _MINTED}
        ask = {name: value for name, value in mint.items() if name != "outcome"}
        use = native_record(used[event.credential or ""])
        yield (
            {**ask, "kind": "grant_request"},
            mint,
            {name: value for name, value in use.items() if name not in _MINTED},
        )


_MINTED = frozenset({"id", "time", "credential", "expires_at", "decision", "renewal_of"})


def _way(event: Issuance) -> tuple[str, ...]:
    grant = event.grant
    return (grant.requester, grant.issuer, grant.resource, str(grant.privilege), str(grant.source.ip))


def numbered(ground: Ground, prefix: str) -> Iterator[dict[str, Any]]:
    """Asks for ever, no two with one id, each identity in its turn; every other one says no time of its own."""
    for number, ask in enumerate(itertools.cycle(ground.asks)):
        named = {**ask, "id": f"{prefix}-{number}"}
        if "task" in named:
            named["task"] = f"{named['task']}-{prefix}-{number}"
        yield named if number % 2 else {**named, "time": history.moment(time.time())}
