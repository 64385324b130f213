"""What every test shares: where the repository is, and that nothing is skipped in silence."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REAL_LOGS = ROOT.parent / "shared" / "data"
MUST_RUN = "TESTS_MUST_RUN"  # set by .ci/run: what its machine could run must run


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_logs() -> Path:
    """The folder of real logs beside the checkout; skips the test where it is absent."""
    if not REAL_LOGS.is_dir():
        pytest.skip(f"no real logs at {REAL_LOGS.relative_to(ROOT.parent)} beside the checkout")
    return REAL_LOGS


def _must_run(item: pytest.Item) -> bool:
    """Whether a skip of this test is a failure here: real logs may be absent, nothing else may."""
    if not os.environ.get(MUST_RUN):
        return False
    reads_real_logs = "real_logs" in getattr(item, "fixturenames", ()) or item.get_closest_marker("real_logs")
    return REAL_LOGS.is_dir() or not reads_real_logs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where this machine should have run the test."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _must_run(item):
        report.outcome = "failed"
        report.longrepr = f"skipped under {MUST_RUN}: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself whole is treated as its tests would be."""
    report = yield
    if report.skipped and os.environ.get(MUST_RUN) and REAL_LOGS.is_dir():
        report.outcome = "failed"
        report.longrepr = f"skipped under {MUST_RUN}: {report.longrepr}"
    return report
