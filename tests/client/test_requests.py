"""What a broker may hand in, and how bad use is named."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.api.problems import Problem
from detector.api.wire import asked_for
from detector.client import AsyncClient, Client, GrantRequest, Source, Tripping
from detector.client.choices import Choices
from detector.client.requests import MOST_BYTES, MOST_MEMBERS, prepared

BARE = {"issuer": "vault", "requester": "svc", "resource": "kv/a"}
WHEN = datetime(2026, 3, 2, tzinfo=UTC)


@dataclasses.dataclass
class Ours:
    """A broker's own type, with the contract's fields."""

    issuer: str
    requester: str
    resource: str
    time: datetime | None = None
    source: Source | None = None
    ticket: int = 7


def made(request: object) -> tuple[str, Any]:
    """The id and what is sent."""
    asked = prepared(request, make_id=lambda: "made")
    return asked.id, json.loads(asked.body)


@pytest.mark.parametrize(
    "request_",
    [
        {**BARE, "source": {"ip": "10.0.0.1"}, "time": WHEN},
        MappingProxyType({**BARE, "source": Source(ip="10.0.0.1"), "time": "2026-03-02T00:00:00Z"}),
        GrantRequest(**BARE, source=Source(ip="10.0.0.1"), time=WHEN),
        Ours(**BARE, source=Source(ip="10.0.0.1"), time=WHEN),
    ],
    ids=["mapping", "proxy", "struct", "dataclass"],
)
def test_a_mapping_a_struct_and_a_dataclass_are_one_request(request_: object) -> None:
    """Each is sent as the contract writes it, under an id made once; fields of the broker's own go along."""
    name, sent = made(request_)
    own = {"ticket": 7} if isinstance(request_, Ours) else {}
    assert name == "made"
    assert sent == {
        **BARE,
        "id": "made",
        "time": "2026-03-02T00:00:00Z",
        "source": {**sent["source"], "ip": "10.0.0.1"},
        **own,
    }


def test_an_id_that_is_given_is_kept() -> None:
    """So that the broker's own retries are one ask; an empty one is none."""
    assert made({**BARE, "id": "r1"})[0] == "r1"
    assert made({**BARE, "id": ""})[0] == "made"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"issuer": None}, "issuer"),
        ({"requester": ""}, "requester"),
        ({"resource": 7}, "resource"),
        ({"id": 7}, "id"),
        ({"kind": "issuance"}, "kind"),
        ({"privilege": "root"}, "privilege"),
        ({"ttl_seconds": -1}, "ttl_seconds"),
        ({"ttl_seconds": 1e12}, "ttl_seconds"),
        ({"time": "yesterday"}, "time"),
        ({"time": datetime(2026, 3, 2)}, "time"),  # noqa: DTZ001 - that it has no offset is the point
        ({"source": "10.0.0.1"}, "source"),
        ({"source": {"ip": 7}}, "source.ip"),
        ({"actions": "write"}, "actions"),
        ({"actions": [""]}, "actions"),
        ({"break_glass": "yes"}, "break_glass"),
        ({"requester": "x" * 3_000}, "requester"),
        ({"attributes": {"a": object()}}, "request"),
        ({"attributes": {"a": "x" * MOST_BYTES}}, "request"),
    ],
)
def test_what_is_no_request_is_named(change: dict[str, Any], named: str) -> None:
    """ValueError, before anything is sent, the field first."""
    record = {name: value for name, value in {**BARE, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=rf"^{named}[:\[.]"):
        made(record)


@pytest.mark.parametrize("request_", [None, 7, "svc", [BARE], b"{}"])
def test_what_is_no_mapping_is_named(request_: object) -> None:
    """Not a crash somewhere inside."""
    with pytest.raises(ValueError, match="request"):
        made(request_)


names = st.text(max_size=8) | st.sampled_from(("svc", "a/b", "x" * 2_049))
values = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | names | st.lists(names, max_size=3)
inner = st.dictionaries(st.sampled_from(("ip", "network", "user_agent", "method", "attested")), values, max_size=3)
records = st.fixed_dictionaries(
    {"issuer": names, "requester": names, "resource": names},
    optional={
        **dict.fromkeys(("id", "actions", "on_behalf_of", "task", "consumer", "purpose", "renewal_of"), values),
        **dict.fromkeys(("ttl_seconds", "break_glass", "privilege", "sensitivity", "more"), values),
        **dict.fromkeys(("source", "authentication", "attributes"), values | inner),
        "time": st.datetimes(datetime(1991, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)) | values,  # noqa: DTZ001
    },
)


@given(records)
def test_what_is_let_through_the_server_takes(record: dict[str, Any]) -> None:
    """So that a request that somebody malformed is refused at once, and never by way of a fallback."""
    try:
        asked = prepared(record, make_id=lambda: "made")
    except ValueError:
        return
    try:
        taken = asked_for(asked.body, now=WHEN.timestamp())
    except Problem as problem:  # pragma: no cover - the failure that is looked for
        pytest.fail(f"{problem}: {asked.body!r}")
    assert taken.id == asked.id
    assert taken.requester == asked.grant.requester


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"default": "maybe"}, "default"),
        ({"on_failure": {"vault": "shut"}}, "on_failure"),
        ({"on_failure": {"": "open"}}, "on_failure"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": "1"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"bulk_timeout": 0}, "bulk_timeout"),
        ({"refresh_seconds": 0}, "refresh_seconds"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": 1.5}, "attempts"),
        ({"breaker": 5}, "breaker"),
        ({"on_event": 5}, "on_event"),
        ({"token": "two words"}, "token"),
        ({"token": ""}, "token"),
        ({"token": "a\nb"}, "token"),
        ({"token": "a", "token_file": "b"}, "token_file"),
        ({"token_file": "/nowhere/at/all"}, "token_file"),
        ({"url": "ftp://sidecar"}, "url"),
        ({"url": "127.0.0.1:8181"}, "url"),
        ({"url": "http://user:word@sidecar"}, "url"),
        ({"url": "http://sidecar/?a=b"}, "url"),
        ({"url": "http://sidecar:port"}, "url"),
    ],
)
def test_terms_that_cannot_be_are_named(kind: type[Client], terms: dict[str, Any], named: str) -> None:
    """At once, when the client is made; and what was given as a token is not repeated."""
    with pytest.raises(ValueError, match=rf"^{named}: ") as raised:
        kind(**{"default": "open", **terms})
    assert "two words" not in str(raised.value)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_there_is_no_default_without_an_answer(kind: type[Client]) -> None:
    """Open or closed must have been chosen; a term that there is not is no term either."""
    with pytest.raises(TypeError, match="default"):
        kind()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="fail_open"):
        kind(default="open", fail_open=True)  # type: ignore[call-arg]


def test_a_negative_timeout_of_one_ask_is_named() -> None:
    """As one of a client's."""
    with Client(default="open") as client, pytest.raises(ValueError, match="timeout"):
        client.ask(BARE, timeout=-0.1)


def test_batches_events_and_outcomes_are_checked_before_they_are_sent() -> None:
    """None, too many, twice one id, no JSON, no such outcome."""
    with Client("http://127.0.0.1:9", default="open") as client:
        for requests in ([], [BARE] * (MOST_MEMBERS + 1), [{**BARE, "id": "a"}, {**BARE, "id": "a"}], [{}]):
            with pytest.raises(ValueError, match=r"requests|issuer"):
                client.ask_batch(requests)
        for events in ([], [{"kind": object()}]):
            with pytest.raises(ValueError, match="events"):
                client.send_events(events)
        with pytest.raises(ValueError, match="outcome"):
            client.tell_outcome("d-1", "maybe", by="anna")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="by"):
            client.tell_outcome("d-1", "approved", by="")
        with pytest.raises(ValueError, match="decision_id"):
            client.tell_outcome("", "approved", by="anna")


def test_the_longest_pattern_decides_for_an_issuer() -> None:
    """Wherever it was written; of two as long, closed; a pattern is a whole name, and only * is special."""
    choices = Choices("open", {"v*": "closed", "vault:dev/*": "open", "*t:dev/aws1": "closed", "a?c": "closed"})
    assert choices.of("vault:prod/aws") == "closed"
    assert choices.of("vault:dev/aws1") == "closed"
    assert choices.of("vault:dev/aws2") == "open"
    assert choices.of("my-vault") == "open"
    assert choices.of("abc") == "open"
    assert choices.of("a?c") == "closed"
    assert Choices("closed", {"ab*": "open", "*ab": "closed"}).of("ab") == "closed"


def test_a_breaker_is_one_of_the_terms() -> None:
    """And shows in the client's health."""
    with Client(default="open", breaker=Tripping(consecutive=1)) as client:
        assert client.health().breaker in {"closed", "open"}
