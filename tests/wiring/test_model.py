"""Models as files: what is shipped is what the manifest says, and what is no model is refused by name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.assets import models
from detector.engine.policy import Thresholds
from detector.evidence import GRANT_CODES, EvidenceModel, Weight
from detector.wiring import model as wiring
from detector.wiring.compose import embedded
from detector.wiring.files import load
from detector.wiring.model import MANIFEST_NAME, MODEL_NAME, ModelRefused, read_model, shipped_model, written
from detector.wiring.problems import ConfigurationError


def shipped() -> dict[str, bytes]:
    """Every file of `models/`."""
    return {file.name: file.read_bytes() for file in models().iterdir()}


def test_the_manifest_says_what_is_shipped() -> None:
    """Each file but the card and the manifest itself is named there, with its digest and what made it from what."""
    files = shipped()
    manifest = json.loads(files[MANIFEST_NAME])
    assert manifest.keys() == files.keys() - {"README.md", MANIFEST_NAME}
    for name, said in manifest.items():
        assert said["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert said["command"].startswith("python -m bench.detection.")
        assert said["versions"]
    assert len(manifest[MODEL_NAME]["trained_on"]) == 16


def test_the_shipped_file_is_as_it_would_be_written() -> None:
    """Reading and writing it again gives the same bytes."""
    assert written(shipped_model()) == shipped()[MODEL_NAME]


def folder(path: Path, **changed: bytes | None) -> Path:
    """A copy of the shipped folder, with some files changed or left out."""
    for name, data in {**shipped(), **{name.replace("_", "."): data for name, data in changed.items()}}.items():
        if data is not None:
            (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize(
    "changed",
    [{"evidence_json": written(EvidenceModel())}, {"manifest_json": None}, {"manifest_json": b"{}"}],
    ids=["changed", "no manifest", "not in the manifest"],
)
def test_a_shipped_model_that_was_changed_is_refused(
    changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration then cannot be used, and says what to do; with a model of one's own it can."""
    monkeypatch.setattr(wiring, "models", lambda: folder(tmp_path, **changed))
    shipped_model.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"evidence\.json is not the model that was shipped.*install"):
            load(None, environment={})
        own = tmp_path / "own.json"
        own.write_bytes(written(EvidenceModel(name="own")))
        settings = load(None, environment={}, overrides={"model": {"file": str(own)}})
        assert settings.policy_in_force().model.name == "own"
    finally:
        shipped_model.cache_clear()


def without(name: str) -> bytes:
    """The shipped model's JSON without one of its keys."""
    raw = json.loads(written(shipped_model()))
    return json.dumps({key: value for key, value in raw.items() if key != name}).encode()


def changed(**values: Any) -> bytes:
    """The shipped model's JSON with other values."""
    return json.dumps({**json.loads(written(shipped_model())), **values}).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no evidence model: "),
        (b"\xff\xfe", "no evidence model: "),
        (b"[" * 100_000, "no evidence model: "),
        (b"[]", "no evidence model: "),
        (b"{}", "grants is missing"),
        (without("uses"), "uses is missing"),
        (changed(wieghts=3), "wieghts is not known"),
        (changed(grants={"resorce": [1, 1, 1, 1]}), "grants.resorce is not known"),
        (changed(grants={"resource": [1, 1, 1]}), "grants"),
        (changed(grants={"resource": [1, -1, 1, 1]}), "not negative"),
        (changed(pi=1.0), "between 0 and 1"),
        (changed(base_rate=0.0), "between 0 and 1"),
        (changed(use_curve=[[0, 0]]), "two knots"),
        (changed(use_curve=[[0, 0], [1, -1]]), "must not fall"),
        (changed(use_curve=[[0, 0], [0, 1]]), "must not fall"),
        (b" " * (wiring.LARGEST_FILE + 1), "too large"),
    ],
)
def test_what_is_no_model_is_refused_by_name(data: bytes, said: str, tmp_path: Path) -> None:
    """A configuration that names such a file is wrong at its key, with the file and what is the matter with it."""
    file = tmp_path / "own.json"
    file.write_bytes(data)
    configuration = tmp_path / "assayer.toml"
    configuration.write_text(f'[model]\nbase_rate = 0.01\nfile = "{file}"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError) as found:
        load(configuration, environment={})
    (problem,) = found.value.problems
    assert str(problem).startswith(f"{configuration}:3: model.file: {file}: ")
    assert said in problem.message


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    """From the environment, the variable is named."""
    with pytest.raises(ConfigurationError, match=r"ASSAYER_MODEL__FILE \(model.file\): .*nowhere.json: No such file"):
        load(None, environment={"ASSAYER_MODEL__FILE": str(tmp_path / "nowhere.json")})


def test_written_and_read_is_the_same(tmp_path: Path) -> None:
    """Weights, curves and base rate go to a file and back."""
    model = replace(shipped_model(), name="own", grants={GRANT_CODES[0]: Weight(0.0, 0.5, 1.0, 2.0)}, base_rate=0.2)
    (tmp_path / "own.json").write_bytes(written(model))
    assert read_model(tmp_path / "own.json") == model
    with pytest.raises(ModelRefused, match="Is a directory"):
        read_model(tmp_path)


def test_the_base_rate_moves_risk_and_nothing_else() -> None:
    """Told that abuse is commoner, risk is higher everywhere; the weights are the same."""
    rare, common = (
        load(None, environment={"ASSAYER_MODEL__BASE_RATE": rate}).policy_in_force() for rate in ("0.0001", "0.05")
    )
    assert rare.model.grants == common.model.grants
    step_up = Thresholds().step_up
    for use in (False, True):
        assert rare.model.probability(step_up, use=use) < common.model.probability(step_up, use=use)
        risks = [common.model.probability(nats / 4, use=use) for nats in range(-40, 200)]
        assert risks == sorted(risks)
        assert 0.0 < risks[0] < risks[-1] <= 1.0


def test_another_model_is_a_logged_event(tmp_path: Path) -> None:
    """The log holds the whole model from where it came into force; the same one is not logged again."""
    own = tmp_path / "own.json"
    own.write_bytes(written(EvidenceModel(name="own")))
    data = {"server": {"data": tmp_path / "data"}}
    plain = load(None, environment={}, overrides=data)
    other = load(None, environment={}, overrides={**data, "model": {"file": str(own)}})
    positions = []
    for settings in (plain, plain, other, other):
        store = embedded(settings, warn=pytest.fail, clock=lambda: 1.5e9)
        positions.append(store.engine.position)
        assert store.engine.state.policy.model == settings.policy_in_force().model
        store.close()
    assert positions == [1, 1, 2, 2]
    reader = embedded(other, warn=pytest.fail, clock=lambda: 1.5e9)
    configured = [entry.record.policy.model.name for entry in reader.log.read()]  # type: ignore[union-attr]
    reader.close()
    assert configured == ["fitted", "own"]
