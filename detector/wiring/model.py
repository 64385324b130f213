"""The fitted model that this release ships, read as plain data."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec

from detector.assets import AssetMissing, models
from detector.evidence import EvidenceModel

MODEL_NAME: Final = "evidence.json"


@cache
def shipped_model() -> EvidenceModel:
    """How shares of evidence combine; the even one where none is shipped.

    Raises `msgspec.ValidationError` for a file that holds something else.
    """
    try:
        file = models() / MODEL_NAME
    except AssetMissing:
        return EvidenceModel()
    return msgspec.json.decode(file.read_bytes(), type=EvidenceModel) if file.is_file() else EvidenceModel()
