"""What the writers write, the project's own decoders read back: the same events, the same joins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec
import pytest

from detector.events import Event, Issuance, Lifecycle, Usage
from detector.simulator import Organisation, simulate
from detector.simulator.samples import organisation as sample
from detector.simulator.writers import records, split
from detector.sources import DIALECTS
from detector.sources.base import Unreadable


@pytest.fixture(scope="module")
def logs() -> Mapping[str, list[Event]]:
    """The samples' organisation, each issuer's events in its own dialect."""
    return split(sample())


def read_back(dialect: str, events: list[Event]) -> list[Event]:
    """What the decoder makes of what the writer wrote, through JSON."""
    out: list[Event] = []
    for record in records(dialect, events):
        decoded = DIALECTS[dialect](msgspec.json.decode(msgspec.json.encode(record)))
        assert not isinstance(decoded, Unreadable), decoded
        out.extend(decoded)
    return out


def joins(events: list[Event]) -> dict[str, str]:
    """Each use's id and the id of the issuance it joins by credential: the first one of that credential."""
    minted: dict[str, str] = {}
    for event in sorted((e for e in events if isinstance(e, Issuance)), key=lambda e: e.time):
        if event.credential:
            minted.setdefault(event.credential, event.id)
    return {e.id: minted[e.credential] for e in events if isinstance(e, Usage) and e.credential in minted}


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_counts_survive(logs: Mapping[str, list[Event]], dialect: str) -> None:
    """Issuances, refusals and uses are as many, under the same ids; every dialect has some."""
    wrote, read = logs[dialect], read_back(dialect, logs[dialect])
    used = [e.id for e in wrote if isinstance(e, Usage)]
    for outcome in ("granted", "refused"):
        ours = [e.id for e in wrote if isinstance(e, Issuance) and e.outcome == outcome]
        assert ours
        # A use may itself mint (an operator makes an access key): CloudTrail tells it as both.
        theirs = [e.id for e in read if isinstance(e, Issuance) and e.outcome == outcome and e.id not in set(used)]
        assert theirs == ours
    theirs = [e.id for e in read if isinstance(e, Usage)]
    assert set(used) <= set(theirs)
    assert used == [identity for identity in theirs if identity in set(used)]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_joins_survive(logs: Mapping[str, list[Event]], dialect: str) -> None:
    """Every use joins the issuance it belongs to; where a renewal keeps its token (Vault), the token's first one."""
    wrote, read = logs[dialect], read_back(dialect, logs[dialect])
    expected, found = joins(wrote), joins(read)
    assert expected
    if dialect == "vault":
        roots = {}
        for event in sorted((e for e in wrote if isinstance(e, Issuance)), key=lambda e: e.time):
            if event.credential:
                before = event.grant.renewal_of
                roots[event.id] = roots.get(_issuance_of(wrote, before), event.id) if before else event.id
        expected = {use: roots[mint] for use, mint in expected.items()}
    assert {use: found[use] for use in expected} == expected


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_identities_and_resources_stay_apart(logs: Mapping[str, list[Event]], dialect: str) -> None:
    """Whoever was one requester is read as one, and two stay two; so do resources, but where a name is too coarse."""
    wrote = {e.id: e for e in logs[dialect] if isinstance(e, Issuance) and e.outcome == "granted"}
    read = {e.id: e for e in read_back(dialect, logs[dialect]) if isinstance(e, Issuance)}
    names: dict[str, set[str]] = defaultdict(set)
    for identity, event in wrote.items():
        names[event.grant.requester].add(read[identity].grant.requester)
    assert all(len(found) == 1 for found in names.values())
    assert len({next(iter(found)) for found in names.values()}) == len(names)


def test_native_loses_nothing() -> None:
    """Every field of every style comes back as it was, times to the millisecond."""
    for style in ("vault", "cloud-role", "agents"):
        organisation = simulate(style, 2, days=7, warm_up_days=5, requesters=15, campaigns=3)
        wrote = [row.event for row in organisation.rows]
        read = read_back("native", wrote)
        assert [_rounded(event) for event in read] == [_rounded(event) for event in wrote]


def test_each_event_stands_in_one_log(logs: Mapping[str, list[Event]]) -> None:
    """Splitting loses no event and doubles none that the delivery did not double."""
    organisation: Organisation = sample()
    assert sum(len(events) for events in logs.values()) == len(organisation.rows)
    assert all(isinstance(e, Issuance | Usage | Lifecycle) for events in logs.values() for e in events)


def _issuance_of(events: list[Event], credential: str | None) -> str:
    return next(e.id for e in events if isinstance(e, Issuance) and e.credential == credential)


def _rounded(event: Event) -> dict[str, object]:
    """The event as a plain mapping, its expiry to the millisecond (a log's own precision)."""
    plain = msgspec.to_builtins(event)
    if plain.get("expires_at") is not None:
        plain["expires_at"] = round(plain["expires_at"], 2)
    return {"type": type(event).__name__, **plain}
