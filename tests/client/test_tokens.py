"""The broker's token: where it comes from, how it is changed, and that it is nowhere to be seen."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from detector.client import Client
from tests.client.conftest import Make, Skipping
from tests.client.sidecars import REQUEST, Sidecar, says

AMPLE = 20.0
SECRET = "asy_0123456789ab_secret"


def sent(beside: Sidecar) -> str | None:
    """What the latest ask was authorised with."""
    return beside.asks()[-1].headers.get("authorization")


def test_a_token_is_given_in_a_file_or_in_the_environment(
    broker: Make, beside: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is given goes over the environment; without any, nothing is sent."""
    broker(beside.url, timeout=AMPLE).ask(REQUEST)
    assert sent(beside) is None
    monkeypatch.setenv("ASSAYER_TOKEN", "from-the-environment\n")
    broker(beside.url, timeout=AMPLE).ask(REQUEST)
    assert sent(beside) == "Bearer from-the-environment"
    broker(beside.url, timeout=AMPLE, token=SECRET).ask(REQUEST)
    assert sent(beside) == f"Bearer {SECRET}"
    (tmp_path / "token").write_text(f"{SECRET}\n", "utf-8")
    broker(beside.url, timeout=AMPLE, token_file=tmp_path / "token").ask(REQUEST)
    assert sent(beside) == f"Bearer {SECRET}"


def test_a_changed_file_is_a_changed_token(broker: Make, beside: Sidecar, tmp_path: Path) -> None:
    """Within a second; while it is gone or empty the last one is used, and that shows."""
    file, clocks = tmp_path / "token", Skipping()
    file.write_text("first", "utf-8")
    client = broker(beside.url, timeout=AMPLE, token_file=file, clocks=clocks.clocks)
    for text, wanted, trouble in (
        ("second", "second", False),
        (None, "second", True),
        ("", "second", True),
        ("two words", "second", True),
        ("third", "third", False),
    ):
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text, "utf-8")
        clocks.skip(1.1)
        client.ask(REQUEST)
        assert sent(beside) == f"Bearer {wanted}"
        assert (client.health().token_trouble is not None) is trouble


@pytest.mark.parametrize("status", [200, 401, 403, 500])
def test_a_token_is_nowhere_to_be_seen(
    beside: Sidecar, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    """Not in logs at any level, answers, health, or what a client looks like, however the ask ends."""
    caplog.set_level(logging.DEBUG)
    if status != 200:
        beside.scores = says({"status": status, "detail": "no"}, status)
    with Client(beside.url, default="open", token=SECRET, timeout=AMPLE) as client:
        answer = client.ask(REQUEST)
        shown = [repr(answer), repr(client.health()), repr(client), repr(vars(client)), repr(vars(client._core))]
    assert sent(beside) == f"Bearer {SECRET}"
    told = caplog.text + "".join(capsys.readouterr()) + "".join(shown)
    assert "secret" not in told
