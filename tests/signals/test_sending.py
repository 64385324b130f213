"""One attempt to push a token (RFC 8935) or a webhook to a real receiver, and what its answer means."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from detector.engine.records import Announced
from detector.signals import sending, webhook
from detector.signals.couriers import LEAST_JITTER, LONGEST_PAUSE, pause
from detector.signals.keys import SigningKeys
from detector.signals.letters import Desk
from detector.signals.sending import Delivered, Failed, Refused, Sender, retry_after
from detector.signals.streams import Stream
from tests.signals.conftest import Got, Inbox, Log, decoded, revoked, risen, run, stream

Answer = tuple[int, dict[str, str], bytes]


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[Got], Answer]:
    """A receiver that always answers so."""
    return lambda _got: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def sent(desk: Desk, to: Stream, record: Announced | None = None, **more: Any) -> Any:
    """What came of sending one announcement once."""

    async def once() -> Any:
        sender = Sender(**more)
        letter = desk.written(to, desk_log(desk).append(record or revoked()))
        assert letter is not None
        try:
            return await sender.send(to, letter)
        finally:
            await sender.close()

    return run(once())


def desk_log(desk: Desk) -> Log:
    """The log that a desk writes from."""
    assert isinstance(desk.past, Log)
    return desk.past


# -- one attempt -------------------------------------------------------------------------------------


def test_a_token_is_pushed_as_the_standard_has_it(desk: Desk, inbox: Inbox, keys: SigningKeys) -> None:
    """With whatever the receiver told us to authenticate with.

    RFC 8935, 2.1: a POST whose body is the SET, `Content-Type: application/secevent+jwt`, `Accept: application/json`.
    SSF 1.0, 6.1.1: "If present, the Transmitter MUST provide this value with every HTTP request to the endpoint_url."
    """
    to = stream(endpoint=inbox.url, authorization="Bearer s3cret")
    assert sent(desk, to) == Delivered()
    (got,) = inbox.got
    assert (got.headers["Content-Type"], got.headers["Accept"]) == ("application/secevent+jwt", "application/json")
    assert got.headers["Authorization"] == "Bearer s3cret"
    assert got.headers["Host"] == f"127.0.0.1:{inbox.port}"
    assert decoded(got.body, keys)["sub_id"]["session"]["id"] == "c1"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_is_one(desk: Desk, inbox: Inbox, status: int) -> None:
    """RFC 8935, 2.2: the recipient answers 202; whoever answers another success has it as well."""
    inbox.answers = answering(status)
    assert sent(desk, stream(endpoint=inbox.url)) == Delivered()


@pytest.mark.parametrize("code", ["invalid_request", "invalid_issuer", "invalid_audience", "something_new"])
def test_a_receiver_that_will_never_take_it_says_so(desk: Desk, inbox: Inbox, code: str) -> None:
    """RFC 8935, 2.3: an error is a 400 with a JSON object whose "err" says what was wrong with what was sent.

    RFC 8935, 2: the transmitter should not retransmit "unless the SET Transmitter suspects that previous
    transmissions may have failed due to potentially recoverable errors".
    """
    body = f'{{"err":"{code}","description":"no thanks"}}'.encode()
    inbox.answers = answering(400, body, Content_Type="application/json")
    assert sent(desk, stream(endpoint=inbox.url)) == Refused(f"{code}: no thanks")


@pytest.mark.parametrize("body", [b"", b"nginx", b"[]", b'{"err":7}', b'{"err":"access_denied"}', b"[" * 5_000])
def test_a_400_that_is_not_the_receivers_word_is_tried_again(desk: Desk, inbox: Inbox, body: bytes) -> None:
    """A proxy's, or one about who we are to the receiver: that can be set right."""
    inbox.answers = answering(400, body)
    assert sent(desk, stream(endpoint=inbox.url)) == Failed("status_4xx", "HTTP 400")


@pytest.mark.parametrize(
    ("status", "why"),
    [(401, "status_4xx"), (403, "status_4xx"), (404, "status_4xx"), (429, "status_4xx"), (500, "status_5xx")],
)
def test_everything_else_may_pass(desk: Desk, inbox: Inbox, status: int, why: str) -> None:
    """A wrong token, a missing route, a busy or broken server: all of them are mended by somebody, some time."""
    inbox.answers = answering(status, Retry_After="17")
    assert sent(desk, stream(endpoint=inbox.url)) == Failed(why, f"HTTP {status}", 17.0)  # type: ignore[arg-type]


def test_nobody_is_followed_anywhere_else(desk: Desk, inbox: Inbox) -> None:
    """A redirect would take the token, and what we authenticate with, to where nobody looked."""
    inbox.answers = answering(307, Location=inbox.url.replace("/events", "/elsewhere"))
    outcome = sent(desk, stream(endpoint=inbox.url))
    assert isinstance(outcome, Failed)
    assert outcome.why == "redirect"
    assert [got.path for got in inbox.got] == ["/events"]


def test_a_receiver_that_is_slow_is_given_up(desk: Desk, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it says nothing or trickles: an attempt has an end."""
    monkeypatch.setattr(sending, "ATTEMPT_SECONDS", 0.3)
    inbox.answers = lambda _got: (time.sleep(1.0), (202, {}, b""))[1]
    began = time.monotonic()
    assert sent(desk, stream(endpoint=inbox.url)) == Failed("timeout", "TimeoutError")
    assert time.monotonic() - began < 1.0


def test_a_receiver_that_is_not_there_may_come(desk: Desk) -> None:
    """A refused connection, and an endpoint that may not be sent to, are failures like others."""
    gone = Inbox().start()
    gone.stop()
    outcome = sent(desk, stream(endpoint=gone.url))
    assert isinstance(outcome, Failed)
    assert outcome.why == "connection"
    inside = sent(desk, stream(endpoint=gone.url, owner="token abc"))
    assert isinstance(inside, Failed)
    assert inside.why == "address"


def test_an_endless_answer_is_not_read(desk: Desk, inbox: Inbox) -> None:
    """An error code and a sentence are what we want of it."""
    inbox.answers = answering(500, b"x" * 5_000_000)
    assert sent(desk, stream(endpoint=inbox.url)) == Failed("status_5xx", "HTTP 500")


def test_no_proxy_of_the_environment_is_used(desk: Desk, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can set a variable must not read what is announced."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert sent(desk, stream(endpoint=inbox.url)) == Delivered()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("86400", 3_600.0),
        ("Mon, 02 Mar 2026 00:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(value: str | None, seconds: float | None) -> None:
    """RFC 9110, 10.2.3: seconds or a date; an hour is the most we wait for anybody."""
    assert retry_after(value, now=1_772_409_600.0) == seconds


def test_pauses_grow_and_have_an_end() -> None:
    """Doubling from a second to five minutes, shortened at random, and never below what the receiver asked for."""
    whole = [pause(failures, None, 1.0) for failures in range(1, 12)]
    assert whole == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_PAUSE, LONGEST_PAUSE]
    assert [pause(failures, None, 0.0) for failures in range(1, 12)] == [LEAST_JITTER * most for most in whole]
    assert pause(1, 30.0, 0.0) == 30.0
    assert pause(10_000, None, 0.5) <= LONGEST_PAUSE


# -- the webhook ---------------------------------------------------------------------------------------


def test_a_webhook_is_signed_over_what_and_when(desk: Desk, inbox: Inbox) -> None:
    """A receiver that knows the secret can tell it from a forgery, and a fresh one from a replay."""
    to = stream(endpoint=inbox.url, form="webhook", secret="s3cret")
    assert sent(desk, to) == Delivered()
    (got,) = inbox.got
    now = float(got.headers[webhook.TIMESTAMP])
    assert webhook.genuine(b"s3cret", got.body, got.headers, now=now)
    assert webhook.genuine(b"s3cret", got.body, got.headers, now=now + webhook.TOLERANCE_SECONDS)
    assert not webhook.genuine(b"s3cret", got.body, got.headers, now=now + webhook.TOLERANCE_SECONDS + 1)
    assert not webhook.genuine(b"other", got.body, got.headers, now=now)
    assert not webhook.genuine(b"s3cret", got.body + b" ", got.headers, now=now)
    later = {**got.headers, webhook.TIMESTAMP: str(int(now) + 1)}
    assert not webhook.genuine(b"s3cret", got.body, later, now=now)
    assert not webhook.genuine(b"s3cret", got.body, {}, now=now)


def test_a_webhook_says_it_plainly(desk: Desk, inbox: Inbox) -> None:
    """Everything that is announced, under an id that is the same at every attempt."""
    to = stream(endpoint=inbox.url, form="webhook")
    assert sent(desk, to) == sent(desk, to, risen()) == Delivered()
    credential, risk = (json.loads(got.body) for got in inbox.got)
    assert credential["id"] == inbox.got[0].headers[webhook.DELIVERY] != risk["id"]
    assert (credential["kind"], credential["credential"], credential["issuer"]) == (
        "session_revoked",
        "c1",
        "vault:prod/aws",
    )
    assert credential["expires_at"] == "2026-03-02T00:15:06.000Z"
    assert (risk["previous_level"], risk["level"], risk["requester"]) == ("LOW", "HIGH", "spiffe://prod/app/svc1")
    assert "credential" not in risk
    assert webhook.SIGNATURE not in inbox.got[0].headers


@pytest.mark.parametrize(("status", "final"), [(400, True), (422, True), (401, False), (409, False), (503, False)])
def test_a_webhooks_receiver_refuses_by_status(desk: Desk, inbox: Inbox, status: int, *, final: bool) -> None:
    """400 and 422 are its last word on one message; what can be set right is sent again."""
    inbox.answers = answering(status)
    assert isinstance(sent(desk, stream(endpoint=inbox.url, form="webhook")), Refused) is final


# -- TLS -------------------------------------------------------------------------------------------------


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that vouches for itself, for one host; and its key."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    no_password = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password))
    return certificate, private


@pytest.mark.parametrize(
    ("named", "believed", "taken"),
    [("localhost", True, True), ("other.example", True, False), ("localhost", False, False)],
)
def test_a_receiver_is_who_its_certificate_says(
    desk: Desk, tmp_path: Path, named: str, *, believed: bool, taken: bool
) -> None:
    """Though we connect to an address: the name in the URL is the one that the certificate has to be for."""
    certificate, key = certified(tmp_path, named)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure = Inbox(tls=context).start()
    to = stream(endpoint=f"https://localhost:{secure.port}/events")
    outcome = sent(desk, to, ca_file=str(certificate) if believed else "")
    secure.stop()
    assert (outcome == Delivered()) is taken
    assert [got.headers["Host"] for got in secure.got] == [f"localhost:{secure.port}"] * taken
