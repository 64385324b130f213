"""`assayer signals`, and a server that tells real receivers, through being killed."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from detector.api.tokens import Tokens
from detector.signals.keys import KEY_NAME, SigningKeys
from detector.signals.streams import CONFIGURED, STREAMS_NAME, Stream, Streams
from detector.store import LogReader, SqliteLog
from tests.cli.conftest import Assayer
from tests.signals.conftest import Inbox, revoked

ROUNDS = 4
WAIT = 40.0


def test_streams_are_listed_with_how_far_behind_they_are(assayer: Assayer) -> None:
    """Also while a server runs."""
    log = SqliteLog(Path("data"))
    for number in range(3):
        log.append(float(number), revoked(number))
    log.close()
    streams = Streams(Path("data"))
    streams.add(
        Stream(id="siem", owner=CONFIGURED, audience="a", created=0.0, endpoint="https://siem.example/x"), cursor=1
    )
    streams.close()
    ran = assayer("signals", "streams", "--data", "data")
    assert ran.status == 0
    line = next(line for line in ran.out.splitlines() if "siem" in line)
    assert line.split() == ["siem", "configuration", "set", "https://siem.example/x", "enabled", "2"]


def test_a_key_is_rotated(assayer: Assayer) -> None:
    """The next one signs from then on, and is named."""
    Path("data").mkdir()
    before = SigningKeys(Path("data") / KEY_NAME).jwks()["keys"]
    ran = assayer("signals", "rotate-keys", "--data", "data")
    assert ran.status == 0
    assert ran.out == f"tokens are signed with {before[1]['kid']}\n"


@pytest.mark.parametrize("command", ["streams", "rotate-keys"])
def test_where_nobody_is_told_there_is_nothing(assayer: Assayer, command: str) -> None:
    """In a line."""
    ran = assayer("signals", command, "--data", "nowhere")
    assert ran.status == 1
    assert "nowhere: there are no" in ran.err


@contextmanager
def served(config: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port, and its URL; killed in any case."""
    command = [sys.executable, "-m", "detector", "serve", "--config", str(config), "--data", "data", "--port", "0"]
    with Path("serve.log").open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("assayer listens on"), Path("serve.log").read_text("utf-8")
        yield process, line.split()[3]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def eventually(true: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, Path("serve.log").read_text("utf-8")[-3_000:]
        time.sleep(0.02)


def configured(inbox: Inbox, **more: str) -> Path:
    """A configuration with one receiver."""
    Path("authorization").write_text("Bearer s3cret\n", encoding="utf-8")
    config = Path("assayer.toml")
    lines = [
        "[signals]",
        'issuer = "https://assayer.example"',
        "[signals.streams.siem]",
        f'endpoint = "{inbox.url}"',
        'authorization_file = "authorization"',
        'audience = "https://siem.example"',
        'events = ["session_revoked"]',
        *(f"{name} = {value}" for name, value in more.items()),
    ]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


def abuse(url: str, token: dict[str, str], number: int) -> str:
    """A mint that an analyst finds to be malicious; its credential."""
    grant = {
        "id": f"r{number}",
        "issuer": "vault:prod/aws",
        "requester": f"ci/{number}",
        "resource": "aws/creds/app",
        "ttl_seconds": 900,
    }
    with httpx.Client(base_url=url, timeout=30.0) as client:
        decision = client.post("/v1/score", json=grant, headers={"Authorization": token["broker"]}).json()[
            "decision_id"
        ]
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        minted = {**grant, "kind": "issuance", "time": moment, "credential": f"c{number}", "decision": decision}
        assert client.post("/v1/events", json=[minted], headers={"Authorization": token["ingest"]}).is_success
        said = {"outcome": "malicious", "by": "anna"}
        path = f"/v1/decisions/{decision}/outcome"
        assert client.post(path, json=said, headers={"Authorization": token["analyst"]}).is_success
    return f"c{number}"


@pytest.fixture
def tokens() -> dict[str, str]:
    """A bearer token a role."""
    made = Tokens(Path("data") / "tokens.json")
    return {role: f"Bearer {made.create([role]).secret}" for role in ("broker", "ingest", "analyst", "receiver")}


def about(body: bytes) -> str:
    """The credential that a token is about."""
    claims: dict[str, Any] = jwt.decode(body.decode(), options={"verify_signature": False})
    return str(claims["sub_id"]["session"]["id"])


@pytest.mark.process
@pytest.mark.slow
def test_killed_again_and_again_a_server_tells_everything_in_order(tokens: dict[str, str]) -> None:
    """kill -9 while it announces and delivers: every credential is told of, and a repetition is the same token."""
    inbox = Inbox().start()
    config, expected = configured(inbox), []
    for turn in range(ROUNDS):
        with served(config) as (process, url):
            for number in range(6 * turn, 6 * turn + 6):
                try:
                    expected.append(abuse(url, tokens, number))
                except (httpx.TransportError, http.client.HTTPException):
                    break
            time.sleep(0.1 * turn)
            process.send_signal(signal.SIGKILL)
            process.wait()
    with served(config):
        eventually(lambda: {about(got.body) for got in inbox.got} >= set(expected))
    inbox.stop()
    first: dict[str, bytes] = {}
    for got in inbox.got:
        known = first.setdefault(about(got.body), got.body)
        assert known == got.body
        assert got.headers["Authorization"] == "Bearer s3cret"
    logged = [entry.record.credential for entry in LogReader(Path("data")).read() if _revoked(entry.record)]
    assert list(first) == logged
    assert len(logged) == len(set(logged)) == len(expected) == 6 * ROUNDS
    assert "s3cret" not in Path("serve.log").read_text("utf-8")
    assert b"s3cret" not in (Path("data") / "log.sqlite3").read_bytes()
    assert b"s3cret" not in (Path("data") / STREAMS_NAME).read_bytes()


def _revoked(record: Any) -> bool:
    return getattr(record, "kind", "") == "session_revoked"


@pytest.mark.process
def test_a_receiver_polls_a_running_server(tokens: dict[str, str]) -> None:
    """From its own stream, held until something is announced, and verified against the published keys."""
    inbox = Inbox().start()
    with served(configured(inbox)) as (_, url), httpx.Client(base_url=url, timeout=30.0) as client:
        mine = {"Authorization": tokens["receiver"]}
        made = client.post("/ssf/stream", json={}, headers=mine).json()
        abuse(url, tokens, 1)
        polled = client.post(f"/ssf/poll/{made['stream_id']}", json={"maxEvents": 1}, headers=mine).json()
        ((_, token),) = polled["sets"].items()
        keys = jwt.PyJWKSet.from_dict(client.get("/ssf/jwks.json").json())
        key = keys[jwt.get_unverified_header(token)["kid"]].key
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=made["aud"], issuer="https://assayer.example")
        assert json.dumps(claims["sub_id"]).count("c1") == 1
        metrics = client.get("/metrics", headers=mine).text
        eventually(
            lambda: 'assayer_signals_delivered_total{stream="siem"} 1.0' in client.get("/metrics", headers=mine).text
        )
    inbox.stop()
    assert 'assayer_announcements_total{kind="session_revoked"}' in metrics
    assert made["stream_id"] not in metrics


@pytest.mark.process
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('issuer = "http://assayer.example"', "signals.issuer"),
        ('[signals.streams.siem]\nendpoint = "http://siem.example"', "https"),
        ('[signals.streams.siem]\nendpoint = "https://169.254.169.254/"', "metadata"),
        ('[signals.streams.siem]\nendpoint = "https://siem.example/"', "issuer"),
        ('[signals.streams.SIEM]\nendpoint = "https://siem.example/"\nformat = "ocsf"', "small letters"),
        ('[signals.streams.a]\nendpoint = "https://a.example/"\nformat = "ocsf"\nsecret_file = "gone"', "secret_file"),
        ('[signals]\nissuer = "https://a.example"\n[redaction]\nfields = ["credential"]', "redaction.fields"),
        ('issuer = "https://assayer.example"\nca_file = "gone"', "signals.ca_file: gone"),
        ('issuer = "https://assayer.example"\nca_file = "assayer.toml"', "signals.ca_file: assayer.toml"),
    ],
)
def test_what_cannot_work_is_refused_in_a_line(assayer: Assayer, line: str, said: str) -> None:
    """Before anything is served; no traceback."""
    Path("assayer.toml").write_text(line if line.startswith("[") else f"[signals]\n{line}\n", encoding="utf-8")
    ran = assayer("serve", "--config", "assayer.toml", "--data", "data", "--port", "0")
    assert ran.status in {1, 2}
    assert said in ran.err
    assert "Traceback" not in ran.err
