"""A directory followed while it grows."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detector.intake import Rejected, follow

Line = Callable[..., bytes]


class Follower:
    """Follows a directory, one look at a time: each wait of the follower hands the test its turn."""

    def __init__(self, directory: Path, rejections: list[Rejected]) -> None:
        self.stop = threading.Event()
        self._looks: list[Callable[[], object]] = []
        self.stop.wait = self._turn  # type: ignore[method-assign,assignment]
        self._events = follow(str(directory), on_rejected=rejections.append, stop=self.stop)

    def play(self, *steps: Callable[[], object]) -> list[str]:
        """The ids of all events, when these things happen between looks, and then the end."""
        self._looks = list(steps)
        return [event.id for _, event in self._events]

    def _turn(self, _: float) -> bool:
        if self._looks:
            self._looks.pop(0)()
        else:
            self.stop.set()
        return False


@pytest.fixture
def follower(tmp_path: Path, rejections: list[Rejected]) -> Iterator[Follower]:
    """A follower of the test's own directory."""
    return Follower(tmp_path, rejections)  # type: ignore[return-value]


def append(path: Path, data: bytes) -> None:
    """Write at a file's end."""
    with path.open("ab") as file:
        file.write(data)


def test_files_grow_and_appear(tmp_path: Path, usage: Line, follower: Follower) -> None:
    """What is there is read, then every new line and every new file, once."""
    log = tmp_path / "a.log"
    log.write_bytes(usage("1") + b"\n")
    found = follower.play(
        lambda: append(log, usage("2") + b"\n"),
        lambda: (tmp_path / "b.log").write_bytes(usage("3") + b"\n"),
        lambda: None,
        lambda: append(log, usage("4") + b"\n"),
    )
    assert found == ["1", "2", "3", "4"]


def test_half_a_line_is_waited_for(tmp_path: Path, usage: Line, follower: Follower, rejections: list[Rejected]) -> None:
    """A line that is being written is not broken; one that never ends counts when we are stopped."""
    log, line = tmp_path / "a.log", usage("1") + b"\n"
    found = follower.play(lambda: append(log, line[:20]), lambda: append(log, line[20:] + usage("2")))
    assert found == ["1", "2"]
    assert rejections == []


def test_a_rotated_file_is_read_once(tmp_path: Path, usage: Line, follower: Follower) -> None:
    """Renamed, with a last line written after that, and a new file in its place."""
    log = tmp_path / "a.log"
    log.write_bytes(usage("1") + b"\n")

    def rotate() -> None:
        log.rename(tmp_path / "a.log.1")
        append(tmp_path / "a.log.1", usage("2") + b"\n")
        log.write_bytes(usage("3") + b"\n")

    assert sorted(follower.play(rotate, lambda: append(log, usage("4") + b"\n"))) == ["1", "2", "3", "4"]


def test_a_file_cut_in_place_is_read_from_its_beginning(tmp_path: Path, usage: Line, follower: Follower) -> None:
    """`copytruncate`: the same file, shorter; or as long again, but with another beginning."""
    log = tmp_path / "a.log"
    log.write_bytes(usage("first") + b"\n" + usage("second") + b"\n")
    found = follower.play(
        lambda: log.write_bytes(usage("third") + b"\n"),
        lambda: log.write_bytes(usage("fourth") + b"\n" + usage("fifth") + b"\n"),
    )
    assert found == ["first", "second", "third", "fourth", "fifth"]


def test_an_archive_is_read_when_it_stops_growing(
    tmp_path: Path, usage: Line, follower: Follower, rejections: list[Rejected]
) -> None:
    """Half a gzip file is no broken one while somebody writes it."""
    packed, log = gzip.compress(usage("1")), tmp_path / "a.json.gz"
    found = follower.play(
        lambda: log.write_bytes(packed[:20]), lambda: append(log, packed[20:]), lambda: None, lambda: None
    )
    assert found == ["1"]
    assert rejections == []


def test_a_stopped_follower_reads_what_is_there(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """Stopped before it began, it still reads everything once and ends."""
    stop = threading.Event()
    stop.set()
    (tmp_path / "a.log").write_bytes(usage("1"))
    (tmp_path / "b.gz").write_bytes(gzip.compress(usage("2")))
    events = follow(str(tmp_path), on_rejected=rejections.append, stop=stop)
    assert sorted(event.id for _, event in events) == ["1", "2"]


def test_broken_lines_are_named(tmp_path: Path, usage: Line, follower: Follower, rejections: list[Rejected]) -> None:
    """Line numbers go on over all that was appended."""
    log = tmp_path / "a.log"
    log.write_bytes(usage("1") + b"\n")
    assert follower.play(lambda: append(log, b"broken}\n" + usage("2") + b"\n")) == ["1", "2"]
    assert [(found.file, found.line) for found in rejections] == [(str(log), 2)]


def test_only_directories_are_followed(tmp_path: Path, rejections: list[Rejected]) -> None:
    """A file, or nothing, is said at once."""
    with pytest.raises(NotADirectoryError):
        next(follow(str(tmp_path / "no"), on_rejected=rejections.append))
