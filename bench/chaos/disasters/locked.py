"""Somebody else holds the database: a backup tool, an operator's shell with an open transaction. Twice."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, DURING, Figures, Scale, Scene
from detector.store.schema import LOG_NAME


@contextmanager
def held(log: Path) -> Iterator[None]:
    """Nobody else may write the database meanwhile."""
    with closing(sqlite3.connect(log, isolation_level=None, timeout=10.0)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def locked(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Hold the lock for some seconds, let it go, and hold it again."""
    with Scene(ground, folder, "locked") as scene:
        scene.calm(scale.seconds)
        waits = []
        for _ in range(2):
            with held(scene.data / LOG_NAME):
                scene.load.live(DURING, scale.seconds)
                assert "locked" in scene.site.trouble()
            waits.append(scene.site.becomes(ready=True))
        scene.load.live(AFTER, scale.seconds / 2)
        time.sleep(0.1)
        scene.tell("durable again after, s", f"{max(waits):.1f}")
    return scene.figures
