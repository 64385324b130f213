"""A neighbour without a token sends garbage on every route while brokers ask: first fast, then also without end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, CALM, DURING, Figures, Scale, Scene

CRAWLING = "during, with crawlers"
SLOW = 100
"""Connections of each kind that begin and do not go on: a head, a body, a large body."""


def flood(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Let another process flood it, half of the time beside a few hundred connections that crawl."""
    with Scene(ground, folder, "flood") as scene:
        scene.calm(scale.seconds)
        for phase, slow in ((DURING, 0), (CRAWLING, SLOW)):
            _flooded(scene, phase, scale.garbage // 2, slow)
        scene.load.live(AFTER, scale.seconds / 2)
        scene.tell("failures inside", f"{scene.site.metric('assayer_failures_total'):.0f}")
    figures = scene.figures
    ratios = [figures.quantile(0.99, phase) / figures.quantile(0.99, CALM) for phase in (DURING, CRAWLING)]
    return figures.telling("99th percentile, times the calm one", " and ".join(f"{ratio:.1f}" for ratio in ratios))


def _flooded(scene: Scene, phase: str, count: int, slow: int) -> None:
    command = [sys.executable, "-m", "bench.chaos.garbage", *map(str, (scene.site.port, count, slow))]
    began = time.monotonic()
    with scene.load.through(phase):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    seen = dict(sorted(json.loads(done.stdout).items()))
    assert "500" not in seen, seen
    scene.tell(f"{phase}: bodies a second", f"{sum(seen.values()) / (time.monotonic() - began):.0f}")
    scene.tell(f"{phase}: statuses", ", ".join(f"{status} {times}" for status, times in seen.items()))
