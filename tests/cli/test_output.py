"""How commands speak: to people on a terminal, to machines elsewhere, and never what a log's names would have them."""

from __future__ import annotations

import io
import sys

import pytest

from detector.cli.options import duration, instant
from detector.cli.output import DRAW_SECONDS, console, printable, progress, table
from detector.cli.tally import PLACES_SHOWN, REASONS_KEPT, Tally
from detector.intake import Rejected


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def test_progress_shows_count_and_rate_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work says how far it is and how fast, on standard error."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("time.monotonic", iter(n * 2 * DRAW_SECONDS for n in range(10_000)).__next__)
    with progress("learning") as advance:
        for _ in range(10):
            advance(500)
    drawn = screen.getvalue()
    assert "learning" in drawn
    assert "events" in drawn


def test_progress_is_silent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """A log file or a pipe is spared the bar."""
    with progress("learning") as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_a_table_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Markup and control characters in a name are shown, not obeyed; numbers are grouped and to the right."""
    console().print(table(("name", "count"), [("[red]x[/]\x1b[31m", 12_345), ("y", 6)]))
    shown = capsys.readouterr().out
    assert "[red]x[/]\\x1b[31m" in shown
    assert "12,345" in shown
    assert "     6" in shown


def test_what_prints_is_left_alone() -> None:
    """Letters of any script stay."""
    assert printable("größe→日本") == "größe→日本"


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000), ("4w", 2_419_200)]
)
def test_lengths_of_time_are_read(text: str, seconds: int) -> None:
    """A number and a unit."""
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "d", "0d", "-1d", "1.5h", "90", "1y", "9999999d", "\u0663d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    """Nobody's token lives for ever by a typing mistake."""
    with pytest.raises(Exception, match=r"length of time|hundred years"):
        duration(text)


def test_an_instant_is_utc() -> None:
    """Times are read without a zone to guess."""
    assert (instant(1_772_409_606.2), instant(None)) == ("2026-03-02 00:00:06Z", "-")


def test_rejections_are_grouped_by_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """A reason is named once, with its count and its first places."""
    tally = Tally()
    for line in range(1, 8):
        tally.reject(Rejected("a.log", line, "time: is missing", "native"))
    tally.show_rejected()
    said = capsys.readouterr().err
    assert "7 × time: is missing [native] at a.log:1, a.log:2, a.log:3, …" in said
    assert said.count("a.log:") == PLACES_SHOWN


def test_endless_different_reasons_are_bounded() -> None:
    """A hostile log with a new reason on each line does not grow our memory."""
    tally = Tally()
    for line in range(REASONS_KEPT + 500):
        tally.reject(Rejected("a.log", line, f"reason {line}", None))
    assert tally.rejected.total() == REASONS_KEPT + 500
    assert len(tally.rejected) <= REASONS_KEPT + 1
