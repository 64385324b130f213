"""Where the files that ship beside the code are: fitted models and sample logs.

In an installed wheel they lie inside the package; in a checkout one folder up,
where `models/` and `data/samples/` are kept.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

PACKAGE = "detector"


class AssetMissing(Exception):
    """The installation lacks files that it should ship with."""


def models() -> Traversable:
    """The folder of what training fitted and this release ships."""
    return _shipped("models_data", "models")


def samples() -> Traversable:
    """The folder of generated sample logs.

    >>> samples().is_dir()
    True
    """
    return _shipped("samples_data", "data/samples")


def _shipped(packaged: str, checkout: str) -> Traversable:
    """The packaged folder where there is one, else the checkout's. Raises `AssetMissing` where neither exists."""
    installed = files(PACKAGE) / packaged
    if installed.is_dir():
        return installed
    beside = Path(__file__).parent.parent / checkout
    if beside.is_dir():
        return beside
    message = f"neither {installed} nor {beside} exists: install the package again"
    raise AssetMissing(message)
