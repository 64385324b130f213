"""Somebody turns the kill switch under load, by the file and by the API, and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, Figures, Scale, Scene
from detector.cli.chores import SWITCH_NAME

HALTED = "halted"
WITHIN = 1.0
"""Seconds after which every answer is under it."""


def switch(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Turn it both ways, and see how long the first answer that was not yet under it went on."""
    with Scene(ground, folder, "switch") as scene:
        scene.calm(scale.seconds)
        file = scene.data / SWITCH_NAME

        def turn(*, engaged: bool) -> None:
            said = scene.site.ask("POST", "/v1/kill-switch", {"engaged": engaged, "reason": "chaos"})
            assert said.status == 200, said

        ways: dict[str, Callable[[], object]] = {
            "by the file, on": file.touch,
            "by the file, off": file.unlink,
            "by the API, on": lambda: turn(engaged=True),
            "by the API, off": lambda: turn(engaged=False),
        }
        slowest = 0.0
        for way, do in ways.items():
            mode = "kill_switch" if way.endswith("on") else "enforce"
            do()
            turned = time.time()
            scene.load.live(way, max(scale.seconds, 1.3 * WITHIN))
            behind = [
                one.sent - turned
                for one in scene.load.answers
                if one.phase == way and one.told.get("mode") not in {mode, None}
            ]
            slowest = max([slowest, *behind])
        scene.tell("last answer under the old mode, s after turning", f"{slowest:.2f}")
        scene.load.live(AFTER, 0.1)
    return scene.figures
