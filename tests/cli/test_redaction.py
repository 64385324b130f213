"""What is redacted is nowhere in clear: not in the data directory, not in answers, not in what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from detector.store import LogReader
from tests.cli.conftest import Assayer
from tests.cli.test_serve import served, url_in

CONFIG = """
[redaction]
fields = ["purpose", "attributes.ticket", "source.ip", "source.user_agent", "credential", "consumer", "note"]
[policy]
mode = "enforce"
"""
SECRETS = ("merger", "10.66.77.88")


def events() -> list[dict[str, Any]]:
    """Two days of mints and uses, full of what must not be kept; some lines cannot be read."""
    lines: list[dict[str, Any]] = []
    for number in range(48):
        day, hour = f"2026-03-{2 + number // 24:02d}", f"{number % 24:02d}"
        mint = {"kind": "issuance", "issuer": "vault:prod", "requester": "svc1", "resource": "db/app"}
        mint |= {"time": f"{day}T{hour}:00:00Z", "credential": f"merger-{number}", "note": {"why": "merger"}}
        mint |= {"purpose": f"merger {number}", "consumer": "merger-team", "attributes": {"ticket": "MERGER-1"}}
        mint |= {"source": {"ip": "10.66.77.88", "user_agent": "merger-bot/1"}}
        use = {"kind": "usage", "time": f"{day}T{hour}:01:00Z", "credential": f"merger-{number}"}
        use |= {"source": {"ip": "10.66.77.88"}, "action": "read"}
        lines += [mint, use]
    return [*lines, {"kind": "issuance", "time": "2026-03-04T00:00:00Z", "purpose": "merger", "issuer": 7}]


def in_clear(*texts: str) -> list[str]:
    """Which secrets stand in a text, or in any file of the data directory."""
    held = [path.read_bytes().lower() for path in Path("data").rglob("*") if path.is_file()]
    found = [*held, *(text.lower().encode() for text in texts)]
    return [secret for secret in SECRETS if any(secret.encode() in data for data in found)]


@pytest.fixture
def logs() -> Path:
    """The events as a log, and a configuration that redacts."""
    Path("config.toml").write_text(CONFIG)
    path = Path("events.jsonl")
    path.write_text("".join(json.dumps(event) + "\n" for event in events()))
    return path


def test_nothing_redacted_is_kept_of_a_log_that_is_learnt(assayer: Assayer, logs: Path) -> None:
    """Log, snapshot and what was said hold marks; the joins worked, and the log verifies."""
    said = assayer("ingest", logs, "--config", "config.toml", "--data", "data")
    assert said.status == 0
    assert in_clear(said.out, said.err) == []
    records = [entry.record for entry in LogReader(Path("data")).read()]
    assert sum(b"redacted:hmac-sha256:" in repr(record).encode() for record in records) == 96
    assert "48 of 48 usages joined" in said.out
    verified = assayer("verify", "--data", "data")
    assert (verified.status, verified.err) == (0, "")


@pytest.mark.process
def test_nothing_redacted_leaves_a_server_that_is_asked(assayer: Assayer, logs: Path) -> None:
    """Neither answers, nor portraits, nor problems, nor its own log lines, nor the directory hold it."""
    assayer("ingest", logs, "--config", "config.toml", "--data", "data")
    tokens = {
        role: assayer("token", "create", "--role", role, "--data", "data").out.strip()
        for role in ("broker", "ingest", "analyst", "auditor")
    }
    answers = []
    with served("--config", "config.toml") as (process, line):
        url = url_in(line)

        def ask(role: str, path: str, body: Any = None) -> str:
            data = None if body is None else json.dumps(body).encode()
            headers = {"content-type": "application/json", "authorization": f"Bearer {tokens[role]}"}
            request = Request(url + path, data, headers)  # noqa: S310 our own server
            try:
                with urlopen(request, timeout=20) as answer:  # noqa: S310 as above
                    text = answer.read().decode()
            except OSError as error:
                text = error.read().decode()  # type: ignore[attr-defined] # an HTTP error is its own answer
            answers.append(text)
            return str(text)

        grant = {**events()[0], "kind": "grant_request", "time": "2026-03-04T03:00:00Z", "resource": "db/admin"}
        grant.pop("credential")
        theft = {**grant, "source": {"ip": "203.0.113.9", "user_agent": "merger-bot/9"}, "privilege": "admin"}
        decision = json.loads(ask("broker", "/v1/score", grant))["decision_id"]
        ask("broker", "/v1/score", {**theft, "id": "t1"})
        ask("broker", "/v1/score", {**theft, "id": "t1", "purpose": "merger again"})
        ask("broker", "/v1/score", {**theft, "purpose": {"merger": 1}})
        ask("ingest", "/v1/events", events())
        ask("analyst", f"/v1/decisions/{decision}")
        ask("analyst", "/v1/requesters/svc1")
        ask("analyst", "/v1/issuers/vault:prod")
        ask("auditor", "/v1/log/entries?limit=1000")
        ask("auditor", f"/v1/log/proof/{decision}")
        process.terminate()
        process.wait(timeout=30)
        assert process.stderr is not None
        logged = process.stderr.read()
    assert "redacted:hmac-sha256:" in "".join(answers)
    assert in_clear(*answers, logged) == []
    assert all("203.0.113.9" not in text for text in (*answers, logged))
    assert assayer("verify", "--data", "data").status == 0


def test_a_damaged_key_stops_the_start_and_a_readable_one_is_warned_of(assayer: Assayer, logs: Path) -> None:
    """Under another key everything redacted would look new: that is the operator's choice to make."""
    assayer("ingest", logs, "--config", "config.toml", "--data", "data")
    key = Path("data/redaction.key")
    key.chmod(0o644)
    assert "everybody may read this key" in assayer("ingest", logs, "--config", "config.toml", "--data", "data").err
    key.write_bytes(b"short")
    said = assayer("ingest", logs, "--config", "config.toml", "--data", "data")
    assert (said.status, "not a key of 32 bytes" in said.err) == (1, True)


def test_a_field_that_nothing_could_be_decided_without_is_refused(assayer: Assayer) -> None:
    """With its place in the file, and why."""
    Path("config.toml").write_text('[redaction]\nfields = ["requester"]\n')
    said = assayer("config", "check", "config.toml")
    assert said.status == 1
    assert "nothing can be decided without it" in said.out + said.err
