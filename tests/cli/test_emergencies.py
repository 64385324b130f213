"""`assayer kill-switch` and `assayer break-glass`: on the store itself, and through a running server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from detector.cli.background import background_sidecar
from detector.cli.chores import SWITCH_NAME
from detector.wiring.compose import embedded
from detector.wiring.files import load
from tests.api.conftest import GRANT
from tests.cli.conftest import Assayer
from tests.engine.world import AWAY, World

SOON_SECONDS = 1.0
"""Within this the switch has to work, however it is turned."""


@pytest.fixture(
    params=[pytest.param("store", id="on the store"), pytest.param("server", marks=pytest.mark.process, id="served")]
)
def where(request: pytest.FixtureRequest, assayer: Assayer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A data directory whose log holds a broken glass, alone or with a server running on it."""
    token = assayer("token", "create", "--role", "operator", "--data", "data").out.strip()
    Path("assayer.toml").write_text("", encoding="utf-8")
    store = embedded(load(None, environment={}, overrides={"server": {"data": Path("data")}}), warn=pytest.fail)
    grant = World().grant(source=AWAY, resource="db/root", break_glass=True, purpose="the database is down")
    store.engine.ask(grant, trusted=True)
    store.close()
    monkeypatch.setenv("ASSAYER_TOKEN", token)
    served = background_sidecar(config=Path("assayer.toml"), data=Path("data"))
    with served if request.param == "server" else nullcontext():
        yield "data"


def test_the_switch_is_turned_and_looked_at(assayer: Assayer, where: str) -> None:
    """On with a reason, then off; each is said, and stays so for the next command."""
    assert "is off" in assayer("kill-switch", "status", "--data", where).out
    turned = assayer("kill-switch", "on", "--because", "the release is stuck", "--data", where)
    assert (turned.status, "the release is stuck" in turned.out) == (0, True)
    assert "the kill switch is on since 20" in assayer("kill-switch", "status", "--data", where).out
    assert "is off" in assayer("kill-switch", "off", "--because", "unstuck", "--data", where).out


def test_the_switch_wants_a_reason(assayer: Assayer, where: str) -> None:
    """Without one it is bad usage: the post-mortem will ask."""
    refused = assayer("kill-switch", "on", "--data", where)
    assert (refused.status, "--because" in refused.err) == (2, True)


def test_a_broken_glass_is_listed_until_it_is_reviewed(assayer: Assayer, where: str) -> None:
    """Its purpose stands in the list; reviewed, it leaves the list of those that are not."""
    listed = assayer("break-glass", "list", "--unreviewed", "--data", where).out
    assert "the database is down" in " ".join(listed.split())
    glass = next(word for word in listed.split() if word.startswith("d-"))
    reviewed = assayer("break-glass", "review", glass, "justified", "--note", "4711", "--data", where)
    assert f"{glass}: justified, by " in reviewed.out
    assert glass not in assayer("break-glass", "list", "--unreviewed", "--data", where).out
    unknown = assayer("break-glass", "review", "d-0", "justified", "--data", where)
    assert (unknown.status, "no broken glass" in unknown.err) == (1, True)


@pytest.mark.process
def test_a_file_halts_a_running_server_and_its_going_lets_it_enforce(assayer: Assayer) -> None:
    """What is left when nobody has a token at hand: within a second every answer says so, and back."""
    Path("assayer.toml").write_text("", encoding="utf-8")
    with background_sidecar(config=Path("assayer.toml"), data=_made()) as url:
        switch = Path("data") / SWITCH_NAME
        switch.touch()
        assert _mode_within(url, "kill_switch") < SOON_SECONDS
        switch.unlink()
        assert _mode_within(url, "enforce") < SOON_SECONDS


def _made() -> Path:
    Path("data").mkdir(mode=0o700)
    return Path("data")


def _mode_within(url: str, mode: str) -> float:
    """Seconds until an answer is given under this mode."""
    began = time.monotonic()
    while time.monotonic() - began < 5 * SOON_SECONDS:
        said = httpx.post(f"{url}/v1/score", json={**GRANT, "id": str(time.monotonic_ns())}, trust_env=False).json()
        if said["mode"] == mode:
            break
    return time.monotonic() - began
