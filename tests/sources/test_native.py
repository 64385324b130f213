"""Native events: the contract's own lines, and everything that is wrong with others."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.sources import Unreadable, native
from detector.sources.fields import LIST_LENGTH, NAME_LENGTH

ISSUANCE: dict[str, Any] = {
    "kind": "issuance",
    "id": "r1",
    "time": "2026-03-02T00:00:06.204Z",
    "issuer": "vault:prod/aws",
    "requester": "spiffe://prod/app/svc1",
    "resource": "aws/creds/app-write",
    "actions": ["write"],
    "privilege": "write",
    "ttl_seconds": 900,
    "source": {"ip": "10.10.4.61", "environment": "prod"},
    "task": "deploy-71",
    "on_behalf_of": ["agent:orchestrator"],
    "break_glass": False,
    "outcome": "granted",
    "credential": "c1",
    "expires_at": "2026-03-02T00:15:06.204Z",
}
USAGE: dict[str, Any] = {"kind": "usage", "id": "u1", "time": "2026-03-02T00:00:07Z", "credential": "c1"}


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """The record without some of its fields."""
    return {name: value for name, value in record.items() if name not in names}


def read(record: dict[str, Any]) -> Any:
    """The one event of a record, by the way of dictionaries and, where it goes that way, of lines: they must agree."""
    decoded = native.decode(record)
    by_line = native.decode_line(json.dumps(record).encode())
    assert by_line is None or by_line == decoded
    assert isinstance(decoded, tuple), decoded
    (event,) = decoded
    return event


def reason(record: dict[str, Any]) -> str:
    """Why a record is unreadable."""
    decoded = native.decode(record)
    assert isinstance(decoded, Unreadable)
    return decoded.reason


def test_the_contracts_issuance() -> None:
    """Every field of the contract's example arrives where it belongs."""
    assert read(ISSUANCE) == Issuance(
        grant=GrantRequest(
            id="r1",
            time=1772409606.204,
            issuer="vault:prod/aws",
            requester="spiffe://prod/app/svc1",
            resource="aws/creds/app-write",
            actions=("write",),
            privilege="write",
            ttl_seconds=900.0,
            source=Source(ip="10.10.4.61", environment="prod"),
            task="deploy-71",
            on_behalf_of=("agent:orchestrator",),
        ),
        outcome="granted",
        credential="c1",
        expires_at=1772410506.204,
    )


def test_a_grant_request_is_an_issuance_without_its_end() -> None:
    """`kind: grant_request` gives the same grant, and its optional words arrive."""
    asked = without(ISSUANCE, "outcome", "credential", "expires_at") | {
        "kind": "grant_request",
        "consumer": "job-7",
        "authentication": {"method": "jwt", "attested": True},
        "purpose": "nightly",
        "sensitivity": "high",
        "renewal_of": "c0",
        "attributes": {"team": "shop"},
    }
    grant = read(asked)
    assert isinstance(grant, GrantRequest)
    assert (grant.consumer, grant.purpose, grant.sensitivity, grant.renewal_of) == ("job-7", "nightly", "high", "c0")
    assert (grant.authentication_method, grant.attested, grant.attributes) == ("jwt", True, {"team": "shop"})


def test_the_contracts_usage_and_lifecycle() -> None:
    """Usages and lifecycle changes arrive whole."""
    usage = read(
        USAGE | {"source": {"ip": "10.10.4.61"}, "action": "s3:GetObject", "resource": "app/x", "outcome": "denied"}
    )
    assert usage == Usage(
        id="u1",
        time=1772409607.0,
        credential="c1",
        action="s3:GetObject",
        resource="app/x",
        outcome="denied",
        source=Source(ip="10.10.4.61"),
    )
    change = {"kind": "lifecycle", "id": "l1", "time": "2026-03-02T00:00:07Z", "change": "maintenance_declared"}
    change |= {"subject": "shop", "until": "2026-03-02T01:00:07Z"}
    assert read(change) == Lifecycle(
        id="l1", time=1772409607.0, change="maintenance_declared", subject="shop", until=1772413207.0
    )


@pytest.mark.parametrize("name", ["kind", "time", "issuer", "requester", "resource"])
def test_what_a_grant_cannot_do_without(name: str) -> None:
    """A missing, null, empty or wrongly typed required field is named."""
    assert reason(without(ISSUANCE, name)).startswith(f"{name}: ")
    for wrong in (None, "", 5, [], {}):
        assert reason(ISSUANCE | {name: wrong}).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ttl_seconds", -1),
        ("ttl_seconds", "900"),
        ("ttl_seconds", float("nan")),
        ("ttl_seconds", float("inf")),
        ("ttl_seconds", 1e300),
        ("ttl_seconds", True),
        ("privilege", "root"),
        ("sensitivity", "huge"),
        ("outcome", "perhaps"),
        ("outcome", 1),
        ("actions", "write"),
        ("actions", [1]),
        ("actions", [""]),
        ("actions", ["a"] * (LIST_LENGTH + 1)),
        ("on_behalf_of", {"a": 1}),
        ("break_glass", "yes"),
        ("source", "10.0.0.1"),
        ("source", {"ip": 5}),
        ("source", {"ip": "x" * (NAME_LENGTH + 1)}),
        ("authentication", "jwt"),
        ("authentication", {"attested": "yes"}),
        ("attributes", []),
        ("attributes", {"a": ["x"] * 2_000}),
        ("credential", 7),
        ("decision", []),
        ("expires_at", 1772409606),
        ("expires_at", "soon"),
        ("requester", "x" * (NAME_LENGTH + 1)),
        ("id", 5),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    """What has a wrong type, or is out of bounds, is unreadable, and the reason begins with the field."""
    assert reason(ISSUANCE | {field: value}).startswith(field)


@pytest.mark.parametrize(
    "time",
    [
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "10000-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-03-02",
        "2026-03-02T00:00:06",
        "yesterday",
        "",
        "1772409606",
    ],
)
def test_absurd_times_are_unreadable(time: str) -> None:
    """Year 0, year 9999, no offset, no time of day, no date: named, never a traceback."""
    assert reason(ISSUANCE | {"time": time}).startswith("time: ")
    assert reason(ISSUANCE | {"expires_at": time}).startswith("expires_at: ") if time else True


@pytest.mark.parametrize("secret", ["hunter2", "AKIASECRET"])
def test_a_reason_quotes_nothing(secret: str) -> None:
    """What stood in a wrong field may be a secret: no reason repeats it."""
    for field in ("privilege", "outcome", "time", "actions", "source", "kind"):
        assert secret not in reason(ISSUANCE | {"kind": "issuance", field: secret})


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("success", "granted"),
        ("allowed", "granted"),
        ("denied", "refused"),
        ("failed", "refused"),
        ("error", "refused"),
    ],
)
def test_outcomes_have_synonyms(word: str, outcome: str) -> None:
    """Issuers that say it otherwise are understood."""
    assert read(ISSUANCE | {"outcome": word}).outcome == outcome


def test_an_issuance_is_granted_unless_it_says_otherwise() -> None:
    """Most issuers log what they minted and nothing else."""
    assert read(without(ISSUANCE, "outcome")).outcome == "granted"
    assert read(USAGE).outcome == "success"


def test_unknown_fields_are_kept() -> None:
    """Also those inside `source`, those that have the names of our own inner fields, and none is fatal."""
    extra = {"trace": "t-1", "unknown": 1, "attested": "no", "source": {"ip": "10.0.0.1", "rack": 7}}
    grant = read(ISSUANCE | extra).grant
    assert grant.unknown == {"trace": "t-1", "unknown": 1, "attested": "no", "source": {"rack": 7}}
    assert (grant.source.ip, grant.attested) == ("10.0.0.1", None)


def test_an_unknown_field_beyond_the_limits_keeps_its_name() -> None:
    """A field that we only keep cannot fill the log: it is cut, and the event goes on."""
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    unknown = read(ISSUANCE | {"deep": deep, "wide": [0] * 5_000, "long": "x" * 50_000, "big": 2**80}).grant.unknown
    assert unknown == dict.fromkeys(("deep", "wide", "long", "big"), native.CUT)


def test_null_is_absence() -> None:
    """A producer that writes every field, null where it has nothing, is read as one that leaves it out."""
    nulls = ISSUANCE | dict.fromkeys(
        ("task", "actions", "source", "ttl_seconds", "break_glass", "expires_at", "outcome")
    )
    assert read(nulls) == read(without(ISSUANCE, "task", "actions", "source", "ttl_seconds", "expires_at"))


def test_an_id_is_made_from_the_content() -> None:
    """Without an id, the same content has the same one, in whatever order it is written; other content has another."""
    bare = without(ISSUANCE, "id")
    made = read(bare).id
    assert made == read(dict(reversed(bare.items()))).id
    assert made != read(bare | {"task": "deploy-72"}).id


def test_everything_decoded_can_be_logged() -> None:
    """An event with any JSON in its open parts is encoded and comes back the same."""
    event = read(ISSUANCE | {"attributes": {"n": [1, 2.5, None, True, {"x": "é"}]}, "extra": {"k": [2**62]}})
    assert msgspec.json.decode(msgspec.json.encode(event), type=Issuance) == event


def test_lines_with_something_to_look_at_twice_take_the_slower_way() -> None:
    """The typed look at a line accepts whole native events only; everything else says None, never an error."""
    for line in (b"", b"{", b"[]", b"5", b'{"kind":"usage"}', b'{"kind":"other"}', b"\xff", b"[" * 5_000):
        assert native.decode_line(line) is None
    assert native.decode_line(json.dumps(USAGE).encode()) is not None
    assert native.decode_line(json.dumps(USAGE | {"extra": 1}).encode()) is None


@pytest.mark.parametrize("said", [{}, {"kind": "grant_request"}])
def test_a_request_alone_need_not_say_what_it_is(said: dict[str, Any]) -> None:
    """The typed look at a request gives what the slower way gives, and None for all that is not one whole request."""
    asked = without(ISSUANCE, "kind", "outcome", "credential", "expires_at") | said
    assert native.decode_request(json.dumps(asked).encode()) == read({**asked, "kind": "grant_request"})
    for other in ({"kind": "usage"}, {"kind": None}, {"id": ""}, {"time": None}, {"time": "now"}, {"extra": 1}):
        assert native.decode_request(json.dumps(asked | other).encode()) is None
