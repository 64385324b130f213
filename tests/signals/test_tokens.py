"""Security event tokens to the letter of RFC 8417, Shared Signals 1.0, CAEP 1.0 and its interoperability profile."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest

from detector.engine.records import Entry
from detector.signals.keys import SigningKeys
from detector.signals.letters import Desk
from detector.signals.streams import Streams, Verification
from detector.signals.tokens import position_of, token_id
from detector.signals.vocabulary import EVENTS
from tests.signals.conftest import ISSUER, Log, decoded, revoked, risen, stream

CHANGED = revoked(kind="credential_change")
STAMP = 1_772_409_606.204


def token(desk: Desk, record: Any, *, position: int = 7, **more: Any) -> bytes:
    """The token of an announcement."""
    letter = desk.written(stream(**more), Entry(position, STAMP, record))
    assert letter is not None
    return letter.body


def event(claims: dict[str, Any]) -> dict[str, Any]:
    """The one event in a token's claims."""
    ((_, found),) = claims["events"].items()
    return dict(found)


@pytest.mark.parametrize("record", [revoked(), CHANGED, risen()])
def test_the_header_is_typed_explicitly(desk: Desk, record: Any) -> None:
    """What kind of token it is, and how it is signed, stands in its header.

    SSF 1.0, 4.1.1: "SSF events MUST use explicit typing as defined in Section 2.3 of RFC 8417." CAEP interop:
    "All events MUST be signed using the RS256 algorithm using a minimum of 2048-bit keys."
    """
    header = jwt.get_unverified_header(token(desk, record).decode())
    assert (header["typ"], header["alg"]) == ("secevent+jwt", "RS256")
    assert header["kid"]


@pytest.mark.parametrize("record", [revoked(), CHANGED, risen()])
def test_the_claims_are_those_of_a_set_and_no_other(desk: Desk, keys: SigningKeys, record: Any) -> None:
    """What must not be there is not, and the subject is at the top.

    SSF 1.0, 4.1: "The "sub" claim MUST NOT be present", "The "exp" claim MUST NOT be used in SETs", "A top-level
    claim named `sub_id` MUST be used to describe the primary subject"; 4.2.1: "SHOULD contain only one event".
    """
    claims = decoded(token(desk, record), keys)
    assert set(claims) == {"iss", "jti", "iat", "aud", "txn", "sub_id", "events"}
    assert claims["iss"] == ISSUER
    assert claims["iat"] == int(STAMP)
    assert list(claims["events"]) == [EVENTS[record.kind]]


def test_two_tokens_of_one_cause_say_so(desk: Desk, keys: SigningKeys) -> None:
    """What one event brought about can be put together again.

    SSF 1.0, 4.1.9: the transmitter "may use the same value in the "txn" claim across different Security Event
    Tokens (SETs), such as session revoked and credential change, to indicate that the SETs originated from the same
    underlying cause", and "it MUST be unique to the underlying event".
    """
    one, two = decoded(token(desk, revoked()), keys), decoded(token(desk, CHANGED, position=8), keys)
    other = decoded(token(desk, revoked(2), position=9), keys)
    assert one["txn"] == two["txn"] != other["txn"]
    assert len({one["jti"], two["jti"], other["jti"]}) == 3


def test_a_revoked_session_is_told_with_when_by_whom_and_why(desk: Desk, keys: SigningKeys) -> None:
    """A revoked session needs no claims of its own; ours says when, by whom and why.

    CAEP 1.0, 3.1.1: "There are no event-specific claims"; 2: `event_timestamp` is a number of seconds,
    `initiating_entity` one of admin, user, policy, system. Interop, 3.1: "The reason_admin field of the event MUST be
    populated with a non-empty value"; CAEP 1.0, 2: "The object MUST contain one or more key/value pairs".
    """
    found = event(decoded(token(desk, revoked()), keys))
    assert set(found) == {"event_timestamp", "initiating_entity", "reason_admin"}
    assert found["event_timestamp"] == int(STAMP)
    assert found["initiating_entity"] == "policy"
    assert found["reason_admin"]["en"].startswith("its use was denied: ")


def test_a_credential_change_says_what_became_of_what(desk: Desk, keys: SigningKeys) -> None:
    """Both required claims are there.

    CAEP 1.0, 3.3.1: credential_type is "REQUIRED, JSON string: This MUST be one of the following strings, or any
    other credential type supported mutually"; change_type "MUST be one of the following strings: create, revoke,
    update, delete".
    """
    found = event(decoded(token(desk, CHANGED), keys))
    assert found["change_type"] == "revoke"
    assert isinstance(found["credential_type"], str)
    assert found["credential_type"]
    assert found["friendly_name"] == "aws/creds/app-write"


def test_a_risk_level_change_names_levels_and_principal(desk: Desk, keys: SigningKeys) -> None:
    """Whose risk, from where to where, and why.

    CAEP 1.0, 3.8.1: principal is REQUIRED, one of USER, DEVICE, …; current_level "MUST be one of LOW, MEDIUM,
    HIGH"; previous_level likewise; risk_reason is RECOMMENDED.
    """
    found = event(decoded(token(desk, risen()), keys))
    assert (found["principal"], found["previous_level"], found["current_level"]) == ("USER", "LOW", "HIGH")
    assert found["risk_reason"] == "network"
    faded = event(decoded(token(desk, risen(before="HIGH", after="LOW", codes=())), keys))
    assert faded["current_level"] == "LOW"
    assert faded["reason_admin"]["en"]


@pytest.mark.parametrize(
    ("code", "entity"),
    [("usage_denied", "policy"), ("rule", "policy"), ("labelled", "admin"), ("task_ended", "system")],
)
def test_who_brought_it_about_is_told(desk: Desk, keys: SigningKeys, code: str, entity: str) -> None:
    """An analyst is an administrator, a clock the system, everything else a policy.

    CAEP 1.0, 2: "admin: an administrative action triggered the event", "policy: a policy evaluation", "system: a
    system or platform assertion".
    """
    assert event(decoded(token(desk, revoked(code=code)), keys))["initiating_entity"] == entity


def test_a_verification_event_is_about_its_stream(desk: Desk, keys: SigningKeys) -> None:
    """The stream is its subject, and the state comes back as it was given.

    SSF 1.0, 8.1.4.1: sub_id "MUST always be set to have a simple value of type opaque. The id of the value MUST be
    the stream_id of the stream being verified"; `state` is what the receiver gave, and is left out where it gave none.
    """
    for state in ("VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo=", None):
        letter = desk.verification(stream(), Verification("v-1", state, STAMP))
        claims = decoded(letter.body, keys)
        assert claims["sub_id"] == {"format": "opaque", "id": "siem"}
        assert list(claims["events"]) == ["https://schemas.openid.net/secevent/ssf/event-type/verification"]
        assert event(claims) == ({} if state is None else {"state": state})


def test_a_token_is_the_same_whenever_it_is_made(desk: Desk, log: Log, streams: Streams, keys: SigningKeys) -> None:
    """What is sent again is what was sent, so that a receiver can tell it.

    RFC 8417, 2.2: "jti" is unique; what is sent again is the same, byte for byte, so a receiver can tell it.
    """
    again = Desk(log, streams, issuer=ISSUER, keys=keys, version="0.2")
    assert token(desk, revoked()) == token(again, revoked())
    elsewhere = Desk(Log("log-2"), streams, issuer=ISSUER, keys=keys, version="0.1")
    jtis = {decoded(token(made, revoked()), keys)["jti"] for made in (desk, elsewhere)}
    jtis.add(decoded(token(desk, revoked(), name="other"), keys)["jti"])
    jtis.add(decoded(token(desk, revoked(), position=8), keys)["jti"])
    assert len(jtis) == 4


def test_an_id_is_taken_back_only_from_its_own_stream() -> None:
    """Nobody acknowledges what was not sent to him, nor something he made up."""
    jti = token_id("log-1", 255, "siem")
    assert position_of(jti, identity="log-1", stream="siem") == 255
    for other in (
        token_id("log-1", 255, "other"),
        token_id("log-2", 255, "siem"),
        f"fe{jti[2:]}",
        "",
        "v-1",
        "x-y",
        "-",
    ):
        assert position_of(other, identity="log-1", stream="siem") is None


# -- what a receiver must refuse: the confusions that RFC 8417, 4 warns of ------------------------------


def forged(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_none_is_no_signature(desk: Desk, keys: SigningKeys) -> None:
    """A receiver that pins RS256 takes neither `none`, nor the public key used as an HMAC secret, nor another key."""
    ours = token(desk, revoked())
    claims, kid = decoded(ours, keys), jwt.get_unverified_header(ours.decode())["kid"]
    unsigned = forged(claims, {"alg": "none", "typ": "secevent+jwt", "kid": kid})
    with pytest.raises(jwt.InvalidAlgorithmError):
        decoded(unsigned, keys)
    published = next(key for key in keys.jwks()["keys"] if key["kid"] == kid)
    header = {"alg": "HS256", "typ": "secevent+jwt", "kid": kid}
    body = forged(claims, header).rpartition(".")[0]
    confused = forged(claims, header, hmac.digest(published["n"].encode(), body.encode(), "sha256"))
    with pytest.raises(jwt.InvalidAlgorithmError):
        decoded(confused, keys)
    head, body, _ = ours.decode().split(".")
    with pytest.raises(jwt.InvalidSignatureError):
        decoded(f"{head}.{body}.{base64.urlsafe_b64encode(bytes(256)).rstrip(b'=').decode()}", keys)


def test_a_token_for_somebody_else_is_refused(desk: Desk, keys: SigningKeys) -> None:
    """The audience is the stream's own: what was sent to one receiver is nothing at another."""
    with pytest.raises(jwt.InvalidAudienceError):
        decoded(token(desk, revoked()), keys, audience="https://other.example")


def test_nothing_is_published_that_could_sign(keys: SigningKeys) -> None:
    """The key set holds public halves: RFC 7517's private members are in none of them."""
    for key in keys.jwks()["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
