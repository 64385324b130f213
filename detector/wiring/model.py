"""Fitted models as files of plain data: the one that this release ships, and those that others fit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from detector.assets import AssetMissing, models
from detector.evidence import GRANT_CODES, USE_CODES, EvidenceModel

MODEL_NAME: Final = "evidence.json"
MANIFEST_NAME: Final = "manifest.json"

NEEDED: Final = ("grants", "uses")
"""Without these every weight would silently be the default one."""

LARGEST_FILE: Final = 1_048_576
"""Bytes of a model read: two hundred times the shipped one; a log given by mistake is refused at once."""


class ModelRefused(ValueError):
    """A file holds no model that may be used; the text says why."""


@cache
def shipped_model() -> EvidenceModel:
    """How shares of evidence combine; the even one where none is shipped.

    Raises `ModelRefused` for a file that is not the one the manifest beside it names.
    """
    try:
        folder = models()
    except AssetMissing:
        return EvidenceModel()
    file, manifest = folder / MODEL_NAME, folder / MANIFEST_NAME
    if not file.is_file():
        return EvidenceModel()
    data = file.read_bytes()
    listed = msgspec.json.decode(manifest.read_bytes(), type=dict[str, dict[str, Any]]) if manifest.is_file() else {}
    if listed.get(MODEL_NAME, {}).get("sha256") != hashlib.sha256(data).hexdigest():
        raise ModelRefused(f"{file} is not the model that was shipped, by {MANIFEST_NAME}: install the package again")
    return decoded(data)


def read_model(path: Path) -> EvidenceModel:
    """The model in a file. Raises `ModelRefused`, whose text names the file and what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ModelRefused(f"{path}: {error.strerror or error}") from None
    if len(data) > LARGEST_FILE:
        raise ModelRefused(f"{path}: too large for a model")
    try:
        return decoded(data)
    except ModelRefused as error:
        raise ModelRefused(f"{path}: {error}") from None


def decoded(data: bytes) -> EvidenceModel:
    """The model that `written` wrote. Raises `ModelRefused` for anything else, misspelt names included."""
    try:
        raw = msgspec.json.decode(data, type=dict[str, Any])
        model = msgspec.convert(raw, type=EvidenceModel)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelRefused(f"no evidence model: {error}") from None
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        raise ModelRefused(f"no evidence model: {missing[0]} is missing")
    unknown = [*_unknown(raw, EvidenceModel.__dataclass_fields__, ""), *_unknown(model.grants, GRANT_CODES, "grants.")]
    unknown += _unknown(model.uses, USE_CODES, "uses.")
    if unknown:
        raise ModelRefused(f"no evidence model of this release: {unknown[0]} is not known")
    return model


def written(model: EvidenceModel) -> bytes:
    """The model as JSON, sorted and indented: equal models give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(model, order="sorted"), indent=1) + b"\n"


def _unknown(found: Mapping[str, Any], known: Any, where: str) -> list[str]:
    return [f"{where}{name}" for name in found if name not in known]
