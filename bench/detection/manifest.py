"""What `models/manifest.json` says of each file that is shipped there: its digest, and what made it from what.

No date: the same command gives the same bytes on another day. `versions` are those
of the libraries that what was fitted, or drawn, depends on to its last digits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench.detection.splits import Pair
from detector.assets import models
from detector.wiring.model import MANIFEST_NAME

FOLDER: Final = Path(str(models()))


def register(
    name: str, *, command: str, libraries: Sequence[str] = ("numpy", "scikit-learn"), **pairs: Sequence[Pair]
) -> None:
    """Say in the manifest what is in `models/NAME` now; `pairs` are the organisations that it was made from."""
    path = FOLDER / MANIFEST_NAME
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    manifest[name] = {
        "sha256": hashlib.sha256((FOLDER / name).read_bytes()).hexdigest(),
        "command": command,
        "versions": {library: version(library) for library in libraries},
        **{role: [f"{style}-{seed}" for style, seed in chosen] for role, chosen in pairs.items()},
    }
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
