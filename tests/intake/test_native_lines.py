"""Events handed on as native lines: whatever dialect they came from, the line says the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.intake import read
from detector.intake.native_lines import native_line, native_record
from detector.sources import native

GRANT = GrantRequest(
    id="r1",
    time=1_772_409_606.204,
    issuer="vault:prod/aws",
    requester="spiffe://prod/app/svc1",
    resource="aws/creds/app-write",
    actions=("write",),
    privilege="write",
    ttl_seconds=900.0,
    source=Source(ip="10.10.4.61", environment="prod"),
    task="deploy-71",
    on_behalf_of=("agent:orchestrator",),
    break_glass=True,
    consumer="svc2",
    authentication_method="jwt",
    attested=False,
    purpose="release",
    sensitivity="high",
    renewal_of="c0",
    attributes={"team": "a"},
    unknown={"colour": "red", "source": {"rack": 7}},
)

EVERYTHING: list[Event] = [
    GRANT,
    Issuance(grant=GRANT, outcome="refused", credential="c1", expires_at=1_772_410_506.5, decision="d-1"),
    Usage(
        id="u1",
        time=1_772_409_607.123456,
        credential="c1",
        action="s3:GetObject",
        resource="app/x",
        outcome="denied",
        source=Source(user_agent="curl/8"),
        requester="svc1",
        issuer="vault",
        consumer="svc2",
        unknown={"x": [1, 2]},
    ),
    Lifecycle(id="l1", time=1.5e9, change="maintenance_declared", subject="db", until=1.6e9, actor="ana"),
]


def again(event: Event) -> Event:
    """The event as it comes back from its line."""
    decoded = native.decode(msgspec.json.decode(native_line(event)))
    assert isinstance(decoded, tuple), decoded
    [read_back] = decoded
    return read_back


@pytest.mark.parametrize("event", EVERYTHING, ids=lambda event: type(event).__name__)
def test_everything_an_event_says_comes_back(event: Event) -> None:
    """No field is lost, whether ours or unknown to us."""
    assert again(event) == event


def test_what_is_not_said_is_left_out() -> None:
    """A line holds no nulls and no defaults."""
    plain = GrantRequest(id="r", time=1.5e9, issuer="i", requester="q", resource="x")
    assert native_record(plain) == {
        "kind": "grant_request",
        "id": "r",
        "time": "2017-07-14T02:40:00.000000+00:00",
        "issuer": "i",
        "requester": "q",
        "resource": "x",
    }


@pytest.mark.real_logs
def test_real_events_of_every_dialect_come_back(real_logs: Path) -> None:
    """All of CloudTrail, Kubernetes and Vault that we can read can be handed on, to the microsecond."""
    rejected: list[object] = []
    paths = [str(real_logs / name) for name in ("cloudtrail", "kubernetes", "vault")]
    events = [event for _, event in read(paths, on_rejected=rejected.append)]
    assert len(events) > 3_000
    for event in events:
        back = again(event)
        assert abs(back.time - event.time) < 1e-6
        assert type(back) is type(event)
        assert back.id == event.id
