"""The alerting rules: valid, tested with promtool, complete, and about metrics that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from detector.telemetry import Telemetry

NOT_OURS = {"up", "process_cpu_seconds_total"}


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the rules are."""
    return Path(__file__).parents[2] / "deploy" / "prometheus"


@pytest.fixture(scope="module")
def alerts(folder: Path) -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load((folder / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus' own checker."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    return found


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")])
def test_promtool_is_content(folder: Path, promtool: str, arguments: tuple[str, ...]) -> None:
    """Prometheus loads the rules, and each fires on its own trouble and not on a healthy day."""
    done = subprocess.run([promtool, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_tells_what_and_what_to_do(alerts: list[dict[str, Any]]) -> None:
    """Whoever is woken reads what happened, what it means and where to look, and how bad it is."""
    for alert in alerts:
        assert set(alert["annotations"]) == {"summary", "description", "runbook"}, alert["alert"]
        assert alert["labels"]["severity"] in {"warning", "critical"}


def test_each_alert_is_unit_tested(folder: Path, alerts: list[dict[str, Any]]) -> None:
    """An alert that no case mentions might never fire."""
    cases = (folder / "alerts.test.yml").read_text()
    firing = cases[cases.index("cannot be scraped is down") :]
    silent = cases[: cases.index("cannot be scraped is down")]
    for alert in alerts:
        assert alert["alert"] in silent
        assert alert["alert"] in firing


def test_alerts_ask_only_for_metrics_that_exist(alerts: list[dict[str, Any]]) -> None:
    """A renamed metric would silence its alert for ever."""
    exported = set()
    for family in Telemetry(CollectorRegistry()).registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        exported |= {family.name + suffix for suffix in suffixes}
    for alert in alerts:
        asked = set(re.findall(r"\b((?:assayer|process)_\w+|up)\b(?=[{\[ ]|$)", alert["expr"]))
        assert asked, alert["alert"]
        assert asked <= exported | NOT_OURS, alert["alert"]
