"""`assayer policy`: documents checked, tried, applied and answered for, on the store and through a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from detector.cli.background import background_sidecar
from tests.api.conftest import GRANT, issuance
from tests.cli.conftest import Assayer

DOCUMENT = f"""
version = 1

[intents.nightly]
requester = "{GRANT["requester"]}"
resource = "aws/creds/*"
privilege = "write"
max_ttl_seconds = 3600
authorised_by = "ana"
expires = 2199-01-01T00:00:00Z

[limits.short]
sensitivity = ["medium"]
privileges = ["write", "admin"]
max_ttl_seconds = 600
"""


@pytest.fixture
def log() -> str:
    """A history of fifty hourly grants, of which every tenth is for something of medium sensitivity."""
    lines = [issuance(n, time=f"2026-03-0{2 + n // 24}T{n % 24:02d}:00:00Z") for n in range(50)]
    for line in lines[::10]:
        line["resource"] = "aws/creds/prod-write"
    Path("log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    Path("policy.toml").write_text(DOCUMENT, encoding="utf-8")
    return "log.jsonl"


@pytest.fixture(
    params=[pytest.param("store", id="on the store"), pytest.param("server", marks=pytest.mark.process, id="served")]
)
def where(request: pytest.FixtureRequest, assayer: Assayer, log: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A data directory whose log holds that history, alone or with a server running on it."""
    assert assayer("ingest", log, "--data", "data").status == 0
    monkeypatch.setenv("ASSAYER_TOKEN", assayer("token", "create", "--role", "operator", "--data", "data").out.strip())
    Path("assayer.toml").write_text("", encoding="utf-8")
    served = background_sidecar(config=Path("assayer.toml"), data=Path("data"))
    with served if request.param == "server" else nullcontext():
        yield "data"


def test_a_document_is_tried_then_applied(assayer: Assayer, where: str) -> None:
    """The dry-run says whom it would have hit and what it would have eased; applied, it is shown and remembered."""
    assert "no policy document is in force" in assayer("policy", "show", "--data", where).out
    early = assayer("policy", "apply", "policy.toml", "--because", "change 4711", "--data", where)
    assert (early.status, "dry-run" in early.err) == (1, True)
    tried = assayer("policy", "dry-run", "policy.toml", "--last", "365d", "--data", where)
    assert (tried.status, tried.err) == (0, "")
    assert "of 50 grants 5 would have been denied and 0 stepped up by a limit, of 1 requesters" in tried.out
    assert f"limit short (deny): 5 grants: {GRANT['requester']} (5)" in tried.out
    assert "nightly  " in tried.out
    applied = assayer("policy", "apply", "policy.toml", "--because", "change 4711", "--data", where)
    assert (applied.status, "version 1, applied 20" in applied.out, "change 4711" in applied.out) == (0, True, True)
    shown = assayer("policy", "show", "--data", where).out
    assert "in_force" in shown
    assert "write or admin on medium resources: at most 600 s" in shown
    assert "change 4711" in assayer("policy", "history", "--data", where).out


def test_who_overrides_says_why(assayer: Assayer, where: str) -> None:
    """And finds it in the history."""
    done = assayer(
        *("policy", "apply", "policy.toml", "--because", "x", "--override-because", "incident 12", "--data", where)
    )
    assert done.status == 0
    assert "incident 12" in assayer("policy", "history", "--data", where).out
    again = assayer("policy", "apply", "policy.toml", "--because", "x", "--data", where)
    assert (again.status, "version 1 is in force, so this one must be 2" in again.err) == (1, True)


def test_an_intent_is_answered_for_anew(assayer: Assayer, where: str) -> None:
    """By its id; an unknown one is said to be unknown."""
    assayer("policy", "apply", "policy.toml", "--because", "x", "--override-because", "y", "--data", where)
    done = assayer("policy", "reauthorise", "nightly", "--because", "review 12", "--data", where)
    assert (done.status, "nightly: in_force, to be answered for by 20" in done.out) == (0, True)
    unknown = assayer("policy", "reauthorise", "none", "--because", "x", "--data", where)
    assert (unknown.status, "no intent 'none' in the policy document in force" in unknown.err) == (1, True)


def test_any_log_will_do_for_a_dry_run(assayer: Assayer, log: str) -> None:
    """Without a server, without a store: nothing is recorded, nothing there was weighed."""
    tried = assayer("policy", "dry-run", "policy.toml", log)
    assert (tried.status, tried.err) == (0, "")
    assert "of 50 grants 5 would have been denied" in tried.out
    assert "0 step-ups eased" in tried.out
    assert not Path("assayer-data").exists()


def test_a_check_says_what_a_document_is(assayer: Assayer, log: str) -> None:
    """Its version, how much is in it, and the digest that a dry-run is kept under."""
    said = assayer("policy", "check", "policy.toml")
    assert (said.status, said.err) == (0, "")
    assert "version 1, 1 intents, 1 limits" in said.out
    assert len(said.out.split("digest  ")[1].strip()) == 64


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("check", "wrong.toml"), 1, "wrong.toml:15: limits.short.max_ttl: unknown key"),
        (("check", "none.toml"), 1, "none.toml: No such file or directory"),
        (("dry-run", "policy.toml", "--last", "3h"), 2, "--last: at least one day"),
        (("dry-run", "policy.toml", "none.jsonl"), 1, "none.jsonl"),
        (("dry-run", "policy.toml", "--data", "nowhere"), 1, "no log here"),
        (("apply", "policy.toml"), 2, "--because"),
    ],
)
def test_what_is_wrong_is_said(assayer: Assayer, log: str, arguments: tuple[str, ...], status: int, said: str) -> None:
    """In one line, never with a traceback."""
    Path("wrong.toml").write_text(DOCUMENT.replace("max_ttl_seconds = 600", "max_ttl = 600"), encoding="utf-8")
    refused = assayer("policy", *arguments)
    assert (refused.status, said in " ".join(refused.err.split())) == (status, True)
