"""Shared Signals 1.0, sections 7 and 8, and polling (RFC 8936), clause by clause against the application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from detector.engine.records import Announced
from detector.signals import receivers
from detector.signals.streams import MOST_OF_ONE, MOST_SUBJECTS, MOST_VERIFICATIONS
from detector.signals.vocabulary import EVENTS, POLL, PUSH
from tests.api.conftest import ASSAYER, ELSEWHERE, House, issuance

SESSION = EVENTS["session_revoked"]
CHANGE = EVENTS["credential_change"]
PUSHED = {"method": PUSH, "endpoint_url": "https://receiver.example/events"}


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house that tells others."""
    return make_house(signals=True)


def ask(house: House, method: str, path: str, *, role: str | None = "receiver", **more: Any) -> httpx.Response:
    """A receiver's request."""
    return house.ask(method, path, role=role, **more)


def make(house: House, **wanted: Any) -> dict[str, Any]:
    """A new stream's configuration."""
    answer = ask(house, "POST", "/ssf/stream", json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def announce(house: House, *numbers: int, **more: Any) -> None:
    """Put announcements into the log, as the engine does."""
    for number in numbers:
        plain: dict[str, Any] = {
            "kind": "session_revoked",
            "code": "denied",
            "requester": f"ci/{number}",
            "issuer": "vault:prod/aws",
            "cause": f"d-{number}",
            "because": "its requester was denied",
            "credential": f"c{number}",
        }
        house.log.append(house.clock.now, Announced(**{**plain, **more}))


def poll(house: House, stream: str, **body: Any) -> dict[str, Any]:
    """What a poll gives at once."""
    answer = ask(house, "POST", f"/ssf/poll/{stream}", json={"returnImmediately": True, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def told(house: House, sets: dict[str, str]) -> list[str]:
    """The credentials that tokens are about, verified as a receiver verifies them."""
    published = jwt.PyJWKSet.from_dict(house.ask("GET", "/ssf/jwks.json").json())
    found = []
    for jti, token in sets.items():
        key = published[jwt.get_unverified_header(token)["kid"]].key
        claims = jwt.decode(token, key, algorithms=["RS256"], issuer=ASSAYER, options={"verify_aud": False})
        assert claims["jti"] == jti
        found.append(claims["sub_id"].get("session", claims["sub_id"])["id"])
    return found


# -- discovery ---------------------------------------------------------------------------------------


def test_the_metadata_is_complete_and_for_everybody(house: House) -> None:
    """Where everything is, and by which rules, without a token and from anywhere.

    SSF 1.0, 7.1: issuer is a "URL using the https scheme with no query or fragment component"; jwks_uri "MUST be
    specified if the Transmitter intends to generate signed JWTs"; endpoints "MUST use HTTP over TLS"; default_subjects
    is "ALL" or "NONE". 7.2: it "MUST be returned using the "application/json" content type". The interoperability
    profile wants spec_version, delivery_methods_supported, jwks_uri, configuration_endpoint, status_endpoint,
    verification_endpoint and an authorization scheme "urn:ietf:rfc:6749".
    """
    answer = ask(house, "GET", "/.well-known/ssf-configuration", role=None, address=ELSEWHERE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    metadata = answer.json()
    assert metadata["issuer"] == ASSAYER
    assert metadata["spec_version"] == "1_0"
    assert metadata["delivery_methods_supported"] == [PUSH, POLL]
    assert metadata["authorization_schemes"] == [{"spec_urn": "urn:ietf:rfc:6749"}]
    assert metadata["default_subjects"] == "ALL"
    endpoints = {name: value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri"))}
    assert set(endpoints) == {
        "jwks_uri",
        "configuration_endpoint",
        "status_endpoint",
        "add_subject_endpoint",
        "remove_subject_endpoint",
        "verification_endpoint",
    }
    assert all(value.startswith(f"{ASSAYER}/ssf/") for value in endpoints.values())


def test_every_endpoint_that_is_named_is_there(house: House) -> None:
    """What the metadata says is served: under the same paths, behind whatever the issuer's host is."""
    metadata = ask(house, "GET", "/.well-known/ssf-configuration").json()
    for name in ("configuration_endpoint", "status_endpoint"):
        path = metadata[name].removeprefix(ASSAYER)
        assert ask(house, "GET", path, params={"stream_id": "none"}).status_code == 404
    for name in ("add_subject_endpoint", "remove_subject_endpoint", "verification_endpoint"):
        path = metadata[name].removeprefix(ASSAYER)
        assert ask(house, "POST", path, json={}).status_code == 400


def test_keys_are_for_everybody(house: House) -> None:
    """A push receiver's library fetches them without a token; they hold nothing secret."""
    answer = ask(house, "GET", "/ssf/jwks.json", role=None, address=ELSEWHERE)
    assert answer.status_code == 200
    assert len(answer.json()["keys"]) == 2
    assert not {"d", "p", "q"}.intersection(*answer.json()["keys"])


def test_without_an_issuer_there_is_nothing(make_house: Callable[..., House]) -> None:
    """Shared Signals are off until their issuer has a name; the answer says so."""
    off = make_house()
    for path in ("/.well-known/ssf-configuration", "/ssf/jwks.json", "/ssf/stream"):
        answer = ask(off, "GET", path)
        assert answer.status_code == 404
        assert "signals.issuer" in answer.json()["detail"]


# -- streams -----------------------------------------------------------------------------------------


def test_a_stream_is_polled_unless_it_says_otherwise(house: House) -> None:
    """Then the answer says where to poll.

    SSF 1.0, 8.1.1.1: without delivery "the Transmitter MUST assume that the method is urn:ietf:rfc:8936 (poll)", and
    answers 201 with "a delivery property in the response with this method property and an endpoint_url property".

    8.1.1: stream_id, iss, aud, events_delivered and delivery are REQUIRED.
    """
    made = make(house)
    assert {"stream_id", "iss", "aud", "events_delivered", "delivery"} <= set(made)
    assert made["iss"] == ASSAYER
    assert made["delivery"] == {"method": POLL, "endpoint_url": f"{ASSAYER}/ssf/poll/{made['stream_id']}"}
    assert made["events_delivered"] == made["events_supported"] == list(EVENTS.values())


def test_an_empty_body_makes_a_stream_too(house: House) -> None:
    """Everything that a receiver may say is optional."""
    assert ask(house, "POST", "/ssf/stream").status_code == 201


def test_events_are_those_that_both_know(house: House) -> None:
    """What a receiver asks for that we do not have is no mistake.

    SSF 1.0, 8.1.1: events_delivered is a subset of "the intersection of events_supported and events_requested"; "A
    Transmitter MUST ignore any array values that it does not understand".
    """
    made = make(house, events_requested=[CHANGE, "urn:example:secevent:events:type_2", SESSION])
    assert made["events_requested"] == [CHANGE, "urn:example:secevent:events:type_2", SESSION]
    assert set(made["events_delivered"]) == {SESSION, CHANGE}
    announce(house, 1, kind="risk_level_change", credential=None, after="HIGH", before="LOW")
    announce(house, 2)
    assert told(house, poll(house, made["stream_id"])["sets"]) == ["c2"]


def test_a_push_stream_never_shows_what_it_authenticates_with(house: House) -> None:
    """The receiver knows it; whoever reads over its shoulder does not."""
    made = make(house, delivery={**PUSHED, "authorization_header": "Bearer s3cret"})
    assert made["delivery"] == PUSHED
    shown = ask(house, "GET", "/ssf/stream", params={"stream_id": made["stream_id"]})
    assert "s3cret" not in shown.text
    assert house.transmitter is not None
    stream = house.transmitter._streams.get(made["stream_id"])
    assert stream is not None
    assert stream.authorization == "Bearer s3cret"


def test_writing_back_what_was_read_keeps_it_and_another_endpoint_does_not_get_it(house: House) -> None:
    """A secret follows to no other endpoint, and is not lost because it is not shown."""
    made = make(house, delivery={**PUSHED, "authorization_header": "Bearer s3cret"})
    name = made["stream_id"]
    assert house.transmitter is not None
    known = house.transmitter._streams
    assert ask(house, "PUT", "/ssf/stream", json=made).status_code == 200
    assert known.get(name).authorization == "Bearer s3cret"  # type: ignore[union-attr]
    elsewhere = {**PUSHED, "endpoint_url": "https://receiver.example/other"}
    assert ask(house, "PATCH", "/ssf/stream", json={"stream_id": name, "delivery": elsewhere}).status_code == 200
    assert known.get(name).authorization == ""  # type: ignore[union-attr]


def test_streams_are_read_one_by_one_and_all(house: House) -> None:
    """By name, or a list of all that are the caller's.

    SSF 1.0, 8.1.1.2: without stream_id "the Transmitter MUST return a list of the stream configurations available to
    this Receiver. In the event that there are no Event Streams configured, the Transmitter MUST return an empty list."
    """
    assert ask(house, "GET", "/ssf/stream").json() == []
    made = [make(house, description=f"stream {number}") for number in range(2)]
    assert ask(house, "GET", "/ssf/stream").json() == made
    one = ask(house, "GET", "/ssf/stream", params={"stream_id": made[1]["stream_id"]})
    assert one.json() == made[1]
    assert one.headers["Cache-Control"] == "no-store"


def test_a_patch_changes_what_is_given_and_a_put_everything(house: House) -> None:
    """What is left out stays under the one, and goes under the other.

    SSF 1.0, 8.1.1.3: "Any properties missing in the request MUST NOT be changed by the Transmitter."; 8.1.1.4: "Missing
    Receiver-Supplied properties MUST be interpreted as requested to be deleted."
    """
    made = make(house, description="one", events_requested=[SESSION])
    name = {"stream_id": made["stream_id"]}
    patched = ask(house, "PATCH", "/ssf/stream", json={**name, "description": "two"}).json()
    assert patched == {**made, "description": "two"}
    replaced = ask(house, "PUT", "/ssf/stream", json={**name, "delivery": {"method": POLL}}).json()
    assert "description" not in replaced
    assert "events_requested" not in replaced
    assert replaced["events_delivered"] == list(EVENTS.values())


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("wrong", ["iss", "aud", "events_supported", "events_delivered"])
def test_what_we_supply_must_be_what_it_is(house: House, method: str, wrong: str) -> None:
    """A receiver may send it back, and may not change it.

    SSF 1.0, 8.1.1.3 and 8.1.1.4: "Transmitter-Supplied properties besides the stream_id MAY be present, but they MUST
    match the expected value"; 400 "if … a Transmitter-Supplied property is incorrect".
    """
    made = make(house)
    assert ask(house, method, "/ssf/stream", json=made).status_code == 200
    changed = {**made, wrong: ["urn:other"] if wrong.startswith("events") else "https://other.example"}
    answer = ask(house, method, "/ssf/stream", json=changed)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == wrong


def test_a_deleted_stream_is_gone(house: House) -> None:
    """SSF 1.0, 8.1.1.5: "an empty "204 No Content" response"; then 404."""
    name = make(house)["stream_id"]
    assert house.transmitter is not None
    gone = ask(house, "DELETE", "/ssf/stream", params={"stream_id": name})
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        assert ask(house, method, "/ssf/stream", params={"stream_id": name}).status_code == 404
    assert house.transmitter._streams.all() == []


def test_a_receiver_sees_its_own_streams_only(house: House) -> None:
    """Another's is not there, whatever is done with it.

    SSF 1.0, 8: the authorization "MUST associate a Receiver with one or more stream IDs and "aud" values, such that
    only authorized Receivers are able to access or modify the details of the associated Event Streams".
    """
    made = make(house)
    name = made["stream_id"]
    other = {"Authorization": f"Bearer {house.tokens.create(['receiver']).secret}"}
    assert house.ask("GET", "/ssf/stream", headers=other).json() == []
    for method, path, more in (
        ("GET", "/ssf/stream", {"params": {"stream_id": name}}),
        ("PATCH", "/ssf/stream", {"json": {"stream_id": name}}),
        ("PUT", "/ssf/stream", {"json": made}),
        ("DELETE", "/ssf/stream", {"params": {"stream_id": name}}),
        ("GET", "/ssf/status", {"params": {"stream_id": name}}),
        ("POST", "/ssf/status", {"json": {"stream_id": name, "status": "disabled"}}),
        ("POST", "/ssf/verify", {"json": {"stream_id": name}}),
        ("POST", "/ssf/subjects:remove", {"json": {"stream_id": name, "subject": {"format": "opaque", "id": "x"}}}),
        ("POST", f"/ssf/poll/{name}", {"json": {"returnImmediately": True}}),
    ):
        assert house.ask(method, path, headers=other, **more).status_code == 404, path
    mine = house.ask("POST", "/ssf/stream", headers=other, json={}).json()
    assert mine["aud"] != made["aud"]


def test_there_is_an_end_to_streams(house: House) -> None:
    """SSF 1.0, 8.1.1.1: 409 where the transmitter allows no more streams of one receiver."""
    for _ in range(MOST_OF_ONE):
        make(house)
    answer = ask(house, "POST", "/ssf/stream", json={})
    assert answer.status_code == 409
    assert str(MOST_OF_ONE) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"delivery": {"method": "urn:other"}}, "delivery.method"),
        ({"delivery": {}}, "delivery.method"),
        ({"delivery": {"method": PUSH}}, "delivery.endpoint_url"),
        ({"delivery": {**PUSHED, "endpoint_url": "http://receiver.example/x"}}, "delivery.endpoint_url"),
        ({"delivery": {**PUSHED, "endpoint_url": "https://169.254.169.254/x"}}, "delivery.endpoint_url"),
        ({"delivery": {**PUSHED, "endpoint_url": "https://evil.example/x"}}, "delivery.endpoint_url"),
        ({"delivery": {**PUSHED, "authorization_header": "Bearer a\r\nX: 1"}}, "delivery.authorization_header"),
        ({"delivery": "push"}, "delivery"),
        ({"events_requested": "all"}, "events_requested"),
        ({"events_requested": [1]}, "events_requested"),
        ({"events_requested": ["urn:x"] * 101}, "events_requested"),
        ({"description": 7}, "description"),
        ([], "body"),
    ],
)
def test_what_is_wrong_is_a_400_that_names_it(house: House, wanted: Any, field: str) -> None:
    """One status for all of it, and the member that is wrong.

    SSF 1.0, tables of section 8: 400 "if the request body cannot be parsed or if the request is otherwise invalid".
    """
    answer = ask(house, "POST", "/ssf/stream", json=wanted)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)


def test_a_body_that_is_no_json_is_a_400(house: House) -> None:
    """Cut short, or of nothing."""
    made = ask(house, "POST", "/ssf/stream", content=b'{"delivery":', headers={"Content-Type": "application/json"})
    assert made.status_code == 400


# -- status, subjects, verification ------------------------------------------------------------------


@pytest.mark.parametrize("status", ["enabled", "paused", "disabled"])
def test_a_status_is_set_and_read(house: House, status: str) -> None:
    """SSF 1.0, 8.1.2: status is one of enabled, paused, disabled; the answer has stream_id, status and reason."""
    name = make(house)["stream_id"]
    wanted = {"stream_id": name, "status": status, "reason": "by hand"}
    assert ask(house, "POST", "/ssf/status", json=wanted).json() == wanted
    assert ask(house, "GET", "/ssf/status", params={"stream_id": name}).json() == wanted
    assert ask(house, "POST", "/ssf/status", json={**wanted, "status": "asleep"}).status_code == 400


def test_a_paused_stream_holds_what_a_disabled_one_drops(house: House) -> None:
    """What was announced meanwhile comes later, or never.

    SSF 1.0, 8.1.2.1: paused, events SHOULD be held and transmitted "when the stream's status becomes "enabled"";
    disabled, the transmitter "will not hold any events for later transmission".
    """
    name = make(house)["stream_id"]

    def turn(status: str) -> None:
        assert ask(house, "POST", "/ssf/status", json={"stream_id": name, "status": status}).status_code == 200

    turn("paused")
    announce(house, 1)
    assert poll(house, name) == {"sets": {}}
    turn("enabled")
    held = poll(house, name)["sets"]
    assert told(house, held) == ["c1"]
    poll(house, name, ack=list(held))
    turn("disabled")
    announce(house, 2)
    turn("enabled")
    announce(house, 3)
    assert told(house, poll(house, name)["sets"]) == ["c3"]


def test_a_removed_subject_is_heard_of_no_more_until_it_is_added(house: House) -> None:
    """Everybody's events come by default; a receiver may do without somebody's.

    SSF 1.0, 7.1: with "ALL", the receiver "MAY remove subjects from the stream", "causing events for those subjects to
    _not_ be transmitted", and "MAY re-add any subjects removed this way". 8.1.3.2: an empty 200; 8.1.3.3: a 204.
    """
    name = make(house)["stream_id"]
    subject = {"format": "complex", "user": {"format": "iss_sub", "iss": ASSAYER, "sub": "ci/2"}}
    about = {"stream_id": name, "subject": subject}
    removed = ask(house, "POST", "/ssf/subjects:remove", json=about)
    assert (removed.status_code, removed.content) == (204, b"")
    announce(house, 1, 2, 3)
    assert told(house, poll(house, name)["sets"]) == ["c1", "c3"]
    added = ask(house, "POST", "/ssf/subjects:add", json={**about, "verified": True})
    assert (added.status_code, added.content) == (200, b"")
    assert told(house, poll(house, name)["sets"]) == ["c1", "c2", "c3"]


def test_a_subject_is_looked_at_before_it_is_kept(house: House) -> None:
    """400 for what is none, 403 past what a receiver may remove."""
    name = make(house)["stream_id"]
    for wrong in ({}, {"format": "email"}, "email", {"format": "opaque", "id": "x" * 5_000}):
        answer = ask(house, "POST", "/ssf/subjects:remove", json={"stream_id": name, "subject": wrong})
        assert answer.status_code == 400
    assert house.transmitter is not None
    for number in range(MOST_SUBJECTS):
        house.transmitter._streams._removed.setdefault(name, {})[str(number).encode()] = {}
    about = {"stream_id": name, "subject": {"format": "opaque", "id": "one too many"}}
    assert ask(house, "POST", "/ssf/subjects:remove", json=about).status_code == 403


def test_a_verification_event_comes_with_its_state(house: House) -> None:
    """SSF 1.0, 8.1.4.2: "an empty "204 No Content" response"; the transmitter "MUST echo" the state in the event.

    8.1.4.1: the subject that identifies a stream "is always implicitly added to the stream and MAY NOT be removed".
    """
    made = make(house)
    name, state = made["stream_id"], "VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo="
    ask(house, "POST", "/ssf/subjects:remove", json={"stream_id": name, "subject": {"format": "opaque", "id": name}})
    asked = ask(house, "POST", "/ssf/verify", json={"stream_id": name, "state": state})
    assert (asked.status_code, asked.content) == (204, b"")
    ((jti, token),) = poll(house, name)["sets"].items()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub_id"] == {"format": "opaque", "id": name}
    assert claims["aud"] == made["aud"]
    assert claims["events"] == {"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": state}}
    assert poll(house, name, ack=[jti]) == {"sets": {}}


def test_verifications_are_bounded(house: House) -> None:
    """SSF 1.0, 8.1.4.2: 429 "if the Event Receiver is sending too many requests"."""
    name = make(house)["stream_id"]
    statuses = [
        ask(house, "POST", "/ssf/verify", json={"stream_id": name}).status_code for _ in range(MOST_VERIFICATIONS + 1)
    ]
    assert statuses == [204] * MOST_VERIFICATIONS + [429]
    assert ask(house, "POST", "/ssf/status", json={"stream_id": name, "status": "disabled"}).status_code == 200
    assert ask(house, "POST", "/ssf/verify", json={"stream_id": name}).status_code == 409


# -- polling (RFC 8936) ------------------------------------------------------------------------------


def test_what_is_not_acknowledged_is_given_again(house: House) -> None:
    """Until it is; then never again.

    RFC 8936, 2.4: "a SET Transmitter MAY redeliver SETs it has previously delivered"; 2.2: once a SET has been
    acknowledged, "the SET Transmitter is released from any obligation to retain the SET".
    """
    name = make(house)["stream_id"]
    announce(house, 1, 2, 3)
    first = poll(house, name)["sets"]
    assert told(house, first) == ["c1", "c2", "c3"]
    assert poll(house, name)["sets"] == first
    jtis = list(first)
    assert list(poll(house, name, ack=jtis[:1])["sets"]) == jtis[1:]
    assert poll(house, name, ack=jtis[1:]) == {"sets": {}}
    announce(house, 4)
    assert told(house, poll(house, name, ack=jtis)["sets"]) == ["c4"]


def test_acknowledged_out_of_order_none_is_lost(house: House) -> None:
    """What lies between two acknowledgements is given until it is acknowledged too, and then the cursor moves on."""
    name = make(house)["stream_id"]
    announce(house, 1, 2, 3, 4)
    jtis = list(poll(house, name)["sets"])
    assert list(poll(house, name, ack=[jtis[3], jtis[1]])["sets"]) == [jtis[0], jtis[2]]
    assert house.transmitter is not None
    streams = house.transmitter._streams
    cursor = streams.cursor(name)
    assert list(poll(house, name, ack=[jtis[0]])["sets"]) == [jtis[2]]
    assert streams.cursor(name) == cursor + 2
    assert poll(house, name, ack=[jtis[2]]) == {"sets": {}}
    assert streams.acked(name) == frozenset()


def test_no_more_come_than_are_asked_for(house: House) -> None:
    """The oldest first, and none where only an acknowledgement was meant.

    RFC 8936, 2.2: "The SET Transmitter SHOULD NOT send more SETs than the specified maximum"; moreAvailable says that
    there are more. "A value of 0 MAY be used by SET Recipients that would like to perform an acknowledge-only request."
    """
    name = make(house)["stream_id"]
    announce(house, 1, 2, 3)
    some = poll(house, name, maxEvents=2)
    assert told(house, some["sets"]) == ["c1", "c2"]
    assert some["moreAvailable"] is True
    assert poll(house, name, maxEvents=0, ack=list(some["sets"])) == {"sets": {}}
    rest = poll(house, name, maxEvents=2)
    assert told(house, rest["sets"]) == ["c3"]
    assert not rest.get("moreAvailable")


def test_what_a_receiver_refuses_is_counted_and_not_given_again(house: House) -> None:
    """RFC 8936, 2.2: setErrs are "the jti values of invalid SETs received", each with err and description."""
    name = make(house)["stream_id"]
    announce(house, 1, 2)
    first, second = poll(house, name)["sets"]
    errors = {first: {"err": "authentication_failed", "description": "The SET could not be authenticated"}}
    assert list(poll(house, name, setErrs=errors)["sets"]) == [second]
    assert house.metric("assayer_signals_undelivered_total", stream="receivers", why="refused") == 1


@pytest.mark.parametrize("ack", [["nonsense"], ["1-000000000000000000000000"], ["ff-00"], [""], ["v-00"]])
def test_made_up_acknowledgements_change_nothing(house: House, ack: list[str]) -> None:
    """Only what was sent on this stream can be acknowledged on it."""
    name = make(house)["stream_id"]
    announce(house, 1)
    before = poll(house, name)["sets"]
    assert poll(house, name, ack=ack)["sets"] == before


def test_acknowledging_anothers_changes_nothing(house: House) -> None:
    """An id belongs to one stream."""
    one, two = make(house)["stream_id"], make(house)["stream_id"]
    announce(house, 1)
    theirs = list(poll(house, one)["sets"])
    assert len(poll(house, two, ack=theirs)["sets"]) == 1


def test_a_poll_is_held_until_there_is_something(house: House) -> None:
    """It is answered when something is announced.

    RFC 8936, 2.2: returnImmediately is false by default, "which indicates the request is to be treated as an HTTP long
    poll".
    """
    name = make(house)["stream_id"]

    async def work() -> tuple[httpx.Response, float]:
        began = time.monotonic()
        held = asyncio.create_task(house.asking("POST", f"/ssf/poll/{name}", role="receiver", json={}))
        await asyncio.sleep(0.4)
        assert not held.done()
        announce(house, 1)
        return await held, time.monotonic() - began

    answer, seconds = house.run(work())
    assert told(house, answer.json()["sets"]) == ["c1"]
    assert 0.4 <= seconds < 3.0


def test_a_poll_is_not_held_for_ever_nor_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is an end to waiting; and a second poll of the stream is answered at once: nobody hoards requests."""
    monkeypatch.setattr(receivers, "HOLD_SECONDS", 0.6)
    name = make(house)["stream_id"]

    async def work() -> list[float]:
        async def timed() -> float:
            began = time.monotonic()
            answer = await house.asking("POST", f"/ssf/poll/{name}", role="receiver")
            assert answer.json() == {"sets": {}}
            return time.monotonic() - began

        first = asyncio.create_task(timed())
        await asyncio.sleep(0.1)
        second = await timed()
        return [await first, second]

    held, at_once = house.run(work())
    assert held >= 0.5
    assert at_once < 0.4


@pytest.mark.parametrize("body", [{"maxEvents": -1}, {"maxEvents": "many"}, {"ack": "x"}, {"setErrs": []}, []])
def test_a_poll_that_is_wrong_is_a_400(house: House, body: Any) -> None:
    """RFC 8936, 2.6 answers errors with 400 and what was wrong."""
    name = make(house)["stream_id"]
    assert ask(house, "POST", f"/ssf/poll/{name}", json=body).status_code == 400


def test_a_pushed_stream_is_not_polled(house: House) -> None:
    """Each is delivered in one way."""
    name = make(house, delivery=PUSHED)["stream_id"]
    assert ask(house, "POST", f"/ssf/poll/{name}", json={}).status_code == 404


def test_from_the_verdict_to_the_token(house: House) -> None:
    """The whole way: what was asked and minted is found to be malicious; that is announced; a receiver polls it."""
    name = make(house, events_requested=[SESSION])["stream_id"]
    decision = house.score(role="broker").json()["decision_id"]
    minted = issuance(0, credential="c-live", time=house.clock.rfc3339(), decision=decision)
    assert house.ask("POST", "/v1/events", json=[minted], role="ingest").json()["accepted"] == 1
    outcome = {"outcome": "malicious", "by": "anna"}
    assert house.ask("POST", f"/v1/decisions/{decision}/outcome", json=outcome, role="analyst").status_code == 200
    house.engine.announce()
    ((_, token),) = poll(house, name)["sets"].items()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub_id"]["session"] == {"format": "opaque", "id": "c-live"}
    assert claims["events"][SESSION]["initiating_entity"] == "admin"
    assert house.metric("assayer_announcements_total", kind="session_revoked") == 1
