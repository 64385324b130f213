"""What ships in data/samples is what the simulator makes, to the byte."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from detector.intake import Rejected, read
from detector.simulator import samples
from detector.simulator.__main__ import main


def test_samples_regenerate_without_a_diff(root: Path, tmp_path: Path) -> None:
    """The documented command writes what is committed: the same files, the same content.

    Compressed ones are compared unpacked, since zlib's versions pack differently;
    none of them holds a time in its header.
    """
    main(["samples", str(tmp_path)])
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {
        p.relative_to(root / "data/samples").as_posix() for p in (root / "data/samples").rglob("*") if p.is_file()
    }
    assert made == shipped
    for name in made:
        ours, theirs = (tmp_path / name).read_bytes(), (root / "data" / "samples" / name).read_bytes()
        if name.endswith(".gz"):
            assert ours[4:8] == theirs[4:8] == bytes(4)
            ours, theirs = gzip.decompress(ours), gzip.decompress(theirs)
        assert ours == theirs, name


def test_samples_are_made_the_same_twice() -> None:
    """No state, clock or environment goes into them."""
    assert samples.files() == samples.files()


def test_all_of_the_samples_can_be_read(root: Path) -> None:
    """The intake reads every log of the samples, recognises all four dialects, and rejects nothing."""
    rejected: list[Rejected] = []
    folder = root / "data" / "samples"
    paths = [str(path) for path in sorted(folder.iterdir()) if path.name != "README.md"]
    found = {dialect for dialect, _ in read(paths, on_rejected=rejected.append)}
    assert rejected == []
    assert found == {"native", "cloudtrail", "vault", "kubernetes"}


def test_the_readme_names_every_file_and_the_command(root: Path) -> None:
    """Whoever opens the folder learns what is what and how it is made."""
    text = (root / "data/samples/README.md").read_text("utf-8")
    assert samples.COMMAND in text
    for name in (
        "history.jsonl.gz",
        "cloudtrail/",
        "vault/audit.log.gz",
        "kubernetes/audit.log.gz",
        "honest-requests.jsonl",
        "stolen-runner.jsonl",
    ):
        assert name in text


@pytest.mark.parametrize("dialect", ["native", "cloudtrail"])
def test_a_whole_organisation_can_be_written(tmp_path: Path, dialect: str) -> None:
    """The other command writes an organisation in one dialect with its labels beside it."""
    main(
        [
            "organisation",
            str(tmp_path),
            "--style",
            "small-idle",
            "--days",
            "16",
            "--campaigns",
            "2",
            "--dialect",
            dialect,
        ]
    )
    assert (tmp_path / f"{dialect}.jsonl").stat().st_size > 100_000
    assert b'"campaign":"' in (tmp_path / "labels.jsonl").read_bytes()
