"""Finds what implements a port, so that a new implementation cannot forget its contract."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def implementations(package: ModuleType, port: type) -> list[type]:
    """Every class of a package that has all of a port's public methods, by name."""
    verbs = {name for name in vars(port) if not name.startswith("_")}
    return sorted(
        (found for found in set(classes(package)) if verbs <= set(dir(found))),
        key=lambda found: found.__name__,
    )


def classes(package: ModuleType) -> Iterator[type]:
    """Every class that a module of a package defines."""
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(info.name)
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__:
                yield found
