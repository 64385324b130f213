"""Streams survive a restart with all that is held for them, are private, and bounded in everything."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.signals.streams import (
    CONFIGURED,
    MOST_OF_ONE,
    MOST_STREAMS,
    MOST_SUBJECTS,
    MOST_VERIFICATIONS,
    SAVED_EVERY,
    STREAMS_NAME,
    Streams,
    StreamsFull,
    Verification,
    configured,
)
from tests.signals.conftest import stream

SUBJECT = {"format": "opaque", "id": "x"}


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """What a stream is, how far it was served, what was acknowledged, removed and asked for."""
    streams = Streams(tmp_path)
    made = stream(
        "mine", owner="token a", endpoint="https://r.example/", authorization="Bearer s3cret", requested=("x",)
    )
    streams.add(made, cursor=5)
    streams.advance("mine", 7)
    streams.acknowledge("mine", [9, 12])
    streams.remove_subject("mine", SUBJECT)
    streams.verify("mine", Verification("v-1", "state", 1.0))
    streams.close()
    again = Streams(tmp_path)
    assert again.all() == [made]
    assert (again.cursor("mine"), again.acked("mine")) == (7, frozenset({9, 12}))
    assert again.removed("mine") == [SUBJECT]
    assert again.verifications("mine") == [Verification("v-1", "state", 1.0)]
    again.close()


def test_they_are_nobody_elses_business(tmp_path: Path) -> None:
    """0600, the files beside the database as well: receivers' secrets are in them."""
    streams = Streams(tmp_path)
    streams.add(stream("mine", owner="token a", authorization="Bearer s3cret"), cursor=0)
    for path in tmp_path.glob(f"{STREAMS_NAME}*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    streams.close()


def test_a_deleted_stream_leaves_nothing(tmp_path: Path, streams: Streams) -> None:
    """A new one under its name begins with nothing of it."""
    streams.add(stream(), cursor=5)
    streams.acknowledge("siem", [9])
    streams.remove_subject("siem", SUBJECT)
    streams.verify("siem", Verification("v-1", None, 1.0))
    streams.delete("siem")
    streams.add(stream(), cursor=0)
    again = Streams(tmp_path)
    for known in (streams, again):
        assert known.cursor("siem") == 0
        assert [*known.acked("siem"), *known.removed("siem"), *known.verifications("siem")] == []
    again.close()


def test_a_cursor_only_goes_on(streams: Streams) -> None:
    """What was served is served; acknowledgements that it passed are forgotten."""
    streams.add(stream(), cursor=5)
    streams.acknowledge("siem", [3, 6, 8, 8])
    assert streams.acked("siem") == {6, 8}
    streams.advance("siem", 7)
    streams.advance("siem", 6)
    streams.advance("gone", 9)
    assert (streams.cursor("siem"), streams.acked("siem")) == (7, {8})


def test_what_is_passed_over_is_written_down_now_and_then(tmp_path: Path, streams: Streams) -> None:
    """A quiet stream costs the disk nothing, and a restart little."""
    streams.add(stream(), cursor=0)
    streams.skip("siem", SAVED_EVERY - 1)
    assert streams.cursor("siem") == SAVED_EVERY - 1
    early = Streams(tmp_path)
    assert early.cursor("siem") == 0
    early.close()
    streams.skip("siem", SAVED_EVERY)
    late = Streams(tmp_path)
    assert late.cursor("siem") == SAVED_EVERY
    late.close()


@pytest.mark.parametrize(
    ("most", "one_more"),
    [
        (MOST_STREAMS, lambda streams, number: streams.add(stream(f"s{number}"), cursor=0)),
        (MOST_OF_ONE, lambda streams, number: streams.add(stream(f"s{number}", owner="token a"), cursor=0)),
        (
            MOST_SUBJECTS,
            lambda streams, number: streams.remove_subject("siem", {"format": "opaque", "id": str(number)}),
        ),
        (MOST_VERIFICATIONS, lambda streams, number: streams.verify("siem", Verification(f"v-{number}", None, 0.0))),
    ],
)
def test_there_is_an_end_to_everything(streams: Streams, most: int, one_more: Callable[[Streams, int], Any]) -> None:
    """Streams, those of one receiver, subjects that it removed, verifications that wait."""
    if most in {MOST_SUBJECTS, MOST_VERIFICATIONS}:
        streams.add(stream(), cursor=0)
    for number in range(most):
        one_more(streams, number)
    with pytest.raises(StreamsFull, match=str(most)):
        one_more(streams, most)


def test_the_configuration_is_followed(tmp_path: Path, streams: Streams) -> None:
    """A new stream begins now, a known one goes on, one that is gone is forgotten, and receivers' are let be."""
    streams.add(stream("theirs", owner="token a"), cursor=3)
    configured(streams, {"old": stream("old"), "kept": stream("kept")}, head=10)
    streams.advance("kept", 15)
    changed = stream("kept", endpoint="https://new.example/", authorization="Bearer s3cret", secret="x")
    configured(streams, {"kept": changed, "new": stream("new")}, head=20)
    assert {known.id for known in streams.all()} == {"theirs", "kept", "new"}
    assert {name: streams.cursor(name) for name in ("theirs", "kept", "new")} == {"theirs": 3, "kept": 15, "new": 20}
    assert streams.get("kept") == changed
    assert [known.id for known in streams.of(CONFIGURED)] == ["kept", "new"]


def test_secrets_of_the_configuration_stay_in_their_files(tmp_path: Path, streams: Streams) -> None:
    """They are read at every start, and kept in memory."""
    configured(streams, {"kept": stream("kept", authorization="Bearer s3cret", secret="h1dden")}, head=0)
    streams.advance("kept", 1)
    assert streams.get("kept").secret == "h1dden"  # type: ignore[union-attr]
    again = Streams(tmp_path)
    assert msgspec.structs.replace(again.get("kept"), created=0.0) == stream("kept")  # type: ignore[type-var]
    again.close()
    assert all(b"s3cret" not in path.read_bytes() for path in tmp_path.glob(f"{STREAMS_NAME}*"))
