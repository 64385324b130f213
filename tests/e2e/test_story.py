"""The whole story on a live server: a runner is stolen, stopped, and everything afterwards is as it was before."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec.structs import replace

from detector.api.tokens import ROLES, Tokens
from detector.assets import samples
from detector.cli import demo
from detector.cli.background import background_sidecar
from detector.cli.moved import moved
from detector.cli.output import console
from detector.engine.records import RuleChanged
from detector.events import Event, GrantRequest
from detector.intake.native_lines import native_record
from detector.store import LogReader
from detector.store.schema import LOG_NAME
from detector.wiring.compose import tokens_file

RUNNER: Final = "spiffe://prod/ci/pricing-report/runner"
CONFIGURATION: Final = """\
[rules]
mode = "enforced"
shadow_seconds = 1.0
canary_seconds = 1.0
canary_share = 0.5
"""
PATIENCE_SECONDS: Final = 20.0


class Company:
    """A broker, an approver, an analyst and an operator, each with a token of their own, before one sidecar."""

    def __init__(self, url: str, folder: Path) -> None:
        tokens = Tokens(tokens_file(folder))
        self._secrets = {role: tokens.create([role], name=f"{role}@acme").secret for role in ROLES}
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=10.0)
        time.sleep(1.1)  # the server looks at the token file once a second

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def call(self, role: str, method: str, path: str, **more: Any) -> Any:
        """One call in a role; its JSON."""
        headers = {"Authorization": f"Bearer {self._secrets[role]}"}
        answer = self._client.request(method, path, headers=headers, **more)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def ask(self, request: GrantRequest, number: int) -> dict[str, Any]:
        """The broker asks, under a new id."""
        asked = native_record(replace(request, id=f"{request.id}-{number}"))
        found: dict[str, Any] = self.call("broker", "POST", "/v1/score", json=asked)
        return found

    def say(self, role: str, decision: str, outcome: str) -> None:
        """Somebody answers for a decision."""
        self.call(role, "POST", f"/v1/decisions/{decision}/outcome", json={"outcome": outcome, "by": f"{role}@acme"})

    def rules(self) -> list[dict[str, Any]]:
        """Every rule against the runner that has not ended."""
        every = self.call("operator", "GET", "/v1/deny-rules")["deny_rules"]
        return [rule for rule in every if rule["selector"]["requester"] == RUNNER and rule["state"] not in demo.ENDED]

    def habits(self) -> Any:
        """What is normal for the runner."""
        return self.call("analyst", "GET", f"/v1/requesters/{RUNNER}")["baseline"]


@contextmanager
def company(folder: Path) -> Iterator[tuple[Company, list[GrantRequest], list[GrantRequest]]]:
    """The company after its logs were learnt, with the runner's honest requests and the thief's."""
    folder.mkdir()
    (folder / "assayer.toml").write_text(CONFIGURATION, encoding="utf-8")
    shipped = Path(str(samples()))
    honest, stolen = (demo._story(shipped / name) for name in (demo.HONEST, demo.STOLEN))
    shift = time.time() - max(event.time for event in (*honest, *stolen))
    demo._learn(console(), shipped, folder, shift)
    with background_sidecar(config=folder / "assayer.toml", data=folder) as url:
        acme = Company(url, folder)
        try:
            yield acme, _asks(honest, shift), _asks(stolen, shift)
        finally:
            acme.close()


def _asks(events: list[Event], shift: float) -> list[GrantRequest]:
    found = [moved(event, shift) for event in events if isinstance(event, GrantRequest)]
    return [event for event in found if isinstance(event, GrantRequest)]


@pytest.mark.process
@pytest.mark.slow
def test_a_stolen_runner_is_stopped_and_its_own_work_goes_on(tmp_path: Path) -> None:
    """Step-ups, a rule through its life, a deny; honest jobs throughout; labels, habits unharmed; every step proven."""
    folder = tmp_path / "acme"
    with company(folder) as (acme, honest, stolen):
        before = acme.habits()
        assert {acme.ask(job, 0)["verdict"] for job in honest} == {"allow"}

        theft = [acme.ask(job, 0) for job in stolen[:4]]
        assert {answer["verdict"] for answer in theft} == {"step_up"}, "the first of them are stepped up, not denied"
        assert acme.rules() == [], "asks alone raise no rule"

        for answer in theft:
            acme.say("approver", answer["decision_id"], "refused")
        (rule,) = acme.rules()
        assert set(rule["selector"]) > {"requester"}
        _until_enforced(acme, rule["id"])

        for number in range(3):
            for job in stolen:
                stopped = acme.ask(job, 10 + number)
                assert stopped["verdict"] == "deny"
            assert {acme.ask(job, 10 + number)["verdict"] for job in honest} == {"allow"}, "the runner's jobs go on"
        assert stopped["deny_rule"] == {
            "id": rule["id"],
            "stage": "enforced",
            "denied": True,
            "rule": f"/v1/deny-rules/{rule['id']}",
        }

        acme.say("analyst", theft[0]["decision_id"], "malicious")
        gone = acme.call("operator", "POST", f"/v1/deny-rules/{rule['id']}/withdraw", json={"reason": "runner rebuilt"})
        assert (gone["state"], gone["taken_back"]) == ("withdrawn", "by operator@acme: runner rebuilt")
        assert acme.ask(stolen[0], 90)["verdict"] != "allow", "what was flagged stays held against whoever asks for it"
        assert {acme.ask(job, 90)["verdict"] for job in honest} == {"allow"}
        assert acme.habits() == before, "nothing of the theft was learnt, and nothing was forgotten"

    changes = [
        entry.record.change
        for entry in LogReader(folder).find(rule["id"])
        if isinstance(entry.record, RuleChanged) and entry.record.change != "lengthened"
    ]
    assert changes == ["proposed", "backtested", "shadowed", "canaried", "enforced", "withdrawn"]

    whole = _verify(folder)
    assert (whole.returncode, "all to the same evidence" in whole.stdout) == (0, True), whole.stderr
    with closing(sqlite3.connect(folder / LOG_NAME)) as log, log:
        log.execute(
            "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB) WHERE id = ?",
            ("withdrawn", "whitdrawn", rule["id"]),
        )
    edited = _verify(folder)
    assert edited.returncode == 1, "an edited word is found"


def _verify(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "detector", "verify", "--data", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _until_enforced(acme: Company, rule_id: str) -> dict[str, Any]:
    """The rule once it bites; it carries a backtest within its limit."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        rule: dict[str, Any] = acme.call("operator", "GET", f"/v1/deny-rules/{rule_id}")
        if rule["state"] == "enforced":
            assert rule["backtest"]["within"]
            assert rule["backtest"]["honest"] == 0
            return rule
        time.sleep(0.1)
    raise AssertionError(f"rule {rule_id} is still {rule['state']}")
