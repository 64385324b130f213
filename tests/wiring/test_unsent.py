"""Nothing is forgotten that somebody is still to be told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from detector.engine.policy import Policy
from detector.engine.records import Configured
from detector.proof import TILE_HASHES
from detector.signals.streams import Streams
from detector.store import LogReader, SqliteLog
from detector.wiring.retention import compacted
from detector.wiring.unsent import unsent
from tests.contracts.some_records import decision
from tests.signals.conftest import revoked, stream

FIRST = TILE_HASHES + 44
LENGTH = 3 * TILE_HASHES + 10


def filled(directory: Path) -> None:
    """A log with one announcement, past its first tile."""
    log = SqliteLog(directory)
    log.append(1.0, Configured(Policy()))
    for number in range(2, LENGTH + 1):
        log.append(float(number), revoked(number) if number == FIRST else decision(number))
    log.close()


def test_what_is_not_delivered_is_needed(tmp_path: Path) -> None:
    """By the stream that is furthest behind; not by one that is disabled, and by nobody where all is delivered."""
    filled(tmp_path)
    assert unsent(tmp_path) is None
    streams = Streams(tmp_path)
    streams.add(stream("behind"), cursor=0)
    streams.add(stream("ahead"), cursor=LENGTH)
    assert unsent(tmp_path) == FIRST
    streams.add(stream("findings", form="ocsf"), cursor=40)
    assert unsent(tmp_path) == 41
    for name in ("behind", "findings"):
        known = streams.get(name)
        assert known is not None
        streams.replace(msgspec.structs.replace(known, status="disabled"))
    assert unsent(tmp_path) is None
    streams.close()


def test_forgetting_stops_before_it(tmp_path: Path) -> None:
    """Whole tiles that nobody needs go; once it is delivered the rest may go too."""
    filled(tmp_path)
    streams = Streams(tmp_path)
    streams.add(stream("behind"), cursor=0)
    assert LogReader(tmp_path).signed_root(2 * TILE_HASHES) is not None
    held = compacted(tmp_path, older_than=float(LENGTH), by="anna")
    assert held is not None
    assert held.before == TILE_HASHES
    streams.advance("behind", FIRST)
    free = compacted(tmp_path, older_than=float(LENGTH), by="anna")
    assert free is not None
    assert free.before == 3 * TILE_HASHES
    streams.close()
