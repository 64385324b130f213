"""A hundred thousand step-ups that nobody answers, each of another requester; by nobody first, then by a broker."""

from __future__ import annotations

import time
from pathlib import Path

from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, CALM, DURING, Figures, Scale, Scene
from bench.chaos.strangers import ASKED, REPORTED, sent

UNBELIEVED = "asked and reported by strangers"


def stepups(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Ask for that many requesters nobody knows, who want bold things, and leave every one of them waiting."""
    with Scene(ground, folder, "stepups") as scene:
        scene.calm(scale.seconds)
        site, like = scene.site, ground.asks[0]
        before = site.resident()
        with scene.load.through(UNBELIEVED):
            by_strangers = [sent(site.port, path, scale.step_ups, like=like, secret=None) for path in (ASKED, REPORTED)]
        between = site.resident()
        began = time.monotonic()
        with scene.load.through(DURING):
            by_broker = sent(site.port, ASKED, scale.step_ups, like=like, secret=ground.secrets["broker"])
        scene.tell("asked a second", f"{scale.step_ups / (time.monotonic() - began):.0f}")
        scene.tell("told, by strangers and by a broker", f"{by_strangers} and {by_broker}")
        scene.load.live(AFTER, scale.seconds)
        after = site.resident()
        scene.tell("kB each, by strangers", f"{(between - before) * 1024 / scale.step_ups:.1f}")
        scene.tell("kB each, by a broker", f"{(after - between) * 1024 / scale.step_ups:.1f}")
    figures = scene.figures
    ratio = figures.quantile(0.99, AFTER) / figures.quantile(0.99, CALM)
    return figures.telling("99th percentile afterwards, times the calm one", f"{ratio:.1f}")
