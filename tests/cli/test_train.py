"""`assayer train`: a model from labels, written where it is better, and a plain word where it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from detector.intake.native_lines import native_line
from detector.wiring.model import read_model, shipped_model
from tests.cli.conftest import Assayer
from tests.training.labelled import lived, shuffled


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bool]]:
    """The labelled organisation's log as native JSON Lines, and its labels."""
    events, labels = lived()
    file = tmp_path_factory.mktemp("log") / "log.jsonl"
    file.write_bytes(b"".join(native_line(event) + b"\n" for event in events))
    return file, labels


def told(labels: Mapping[str, bool]) -> Path:
    """A file of labels."""
    file = Path("labels.jsonl")
    lines = [{"id": event, "label": "malicious" if bad else "legitimate"} for event, bad in labels.items()]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.slow
def test_a_better_model_is_written_and_can_be_used(assayer: Assayer, log: tuple[Path, dict[str, bool]]) -> None:
    """It says by how much, on what, and how to use it; replay then weighs with it."""
    said = assayer("train", log[0], "--labels", told(log[1]), "--out", "model.json")
    assert (said.status, said.err) == (0, "")
    assert "judged on, after that: 30 malicious and 1,080 legitimate events" in said.out
    assert "better: at equal false alarms it finds" in said.out
    assert "wrote model.json" in said.out
    model = read_model(Path("model.json"))
    assert model.grants != shipped_model().grants
    Path("a.toml").write_text('[model]\nfile = "model.json"\n', encoding="utf-8")
    for name, more in (("before.jsonl", ()), ("after.jsonl", ("--config", "a.toml"))):
        assert assayer("replay", log[0], "--out", name, *more).status == 0
    assert Path("before.jsonl").read_bytes() != Path("after.jsonl").read_bytes()


@pytest.mark.slow
def test_noise_is_no_better_and_nothing_is_written(assayer: Assayer, log: tuple[Path, dict[str, bool]]) -> None:
    """The status is 1, and a file that stood there stays; --force writes what was fitted."""
    Path("model.json").write_text("precious", encoding="utf-8")
    labels = told(shuffled(log[1]))
    said = assayer("train", log[0], "--labels", labels, "--out", "model.json")
    assert said.status == 1
    assert "no better: " in said.out
    assert "assayer: model.json was not written; --force writes it all the same" in said.err
    assert Path("model.json").read_text(encoding="utf-8") == "precious"
    assert assayer("train", log[0], "--labels", labels, "--out", "model.json", "--force").status == 0
    assert read_model(Path("model.json")).name == "refitted"


def test_bad_labels_are_named_and_counted(assayer: Assayer, log: tuple[Path, dict[str, bool]]) -> None:
    """A bad line costs itself, an id of no event is counted, and too few labels are said to be too few."""
    Path("labels.jsonl").write_bytes(
        b'{"id": "t1", "label": "malicious"}\n{broken\n{"id": "x", "label": "legitimate"}\n'
    )
    said = assayer("train", log[0], "--labels", "labels.jsonl", "--out", "model.json")
    assert said.status == 1
    assert "labels.jsonl:2: " in said.err
    assert "1 line could not be read and was skipped" in said.err
    assert "1 of 2 labels are of no event that was read" in said.err
    assert "cannot be told: to fit on, 1 requesters have malicious events, and it takes" in said.out
    assert not Path("model.json").exists()


def test_the_data_directory_has_events_and_labels_of_its_own(
    assayer: Assayer, log: tuple[Path, dict[str, bool]]
) -> None:
    """Without paths and labels both come of the data directory's log, where nobody said how anything ended yet."""
    Path("some.jsonl").write_bytes(b"".join(log[0].read_bytes().splitlines(keepends=True)[:300]))
    assert assayer("ingest", "some.jsonl", "--data", "d").status == 0
    said = assayer("train", "--data", "d", "--out", "model.json")
    assert said.status == 1
    assert "cannot be told: to fit on, 0 requesters" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", "nowhere", "--out", "m.json"), "nowhere: no log here"),
        (("nowhere.jsonl", "--labels", "l.jsonl", "--out", "m.json"), "nowhere.jsonl"),
        (("empty.jsonl", "--labels", "no.jsonl", "--out", "m.json"), "no.jsonl: No such file"),
        (("empty.jsonl", "--labels", "l.jsonl", "--out", "no/m.json"), "no: no such directory"),
        (("empty.jsonl", "--labels", "l.jsonl", "--out", "m.json"), "m.json was not written"),
    ],
)
def test_what_cannot_be_done_is_a_line(assayer: Assayer, words: tuple[str, ...], said: str) -> None:
    """No log, no file, no folder, nothing in it: status 1 and one line, never a traceback."""
    for name in ("empty.jsonl", "l.jsonl"):
        Path(name).touch()
    ran = assayer("train", *words)
    assert ran.status == 1
    assert said in ran.err
    assert "defect" not in ran.err
    assert not Path("m.json").exists()
