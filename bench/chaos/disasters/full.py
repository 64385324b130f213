"""The disk is full; then somebody makes room."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.chaos.disasters.small_disk import small_disk
from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, DURING, Figures, Scale, Scene
from bench.chaos.site import OWN

MEGABYTES = 128


def full(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Fill the disk to the last byte, go on, make room. Raises `NoDisk` where there is none to fill."""
    with small_disk(folder.absolute() / "disk", megabytes=MEGABYTES) as disk:
        shutil.copytree(ground.data, disk.outside / "data")
        command = [*disk.command, *OWN]
        with Scene(
            ground, folder, "full", command=command, data=disk.inside / "data", seen_as=disk.outside / "data"
        ) as scene:
            scene.calm(scale.seconds)
            disk.fill()
            scene.load.live(DURING, 2 * scale.seconds)
            assert "full" in scene.site.trouble()
            disk.empty()
            waited = scene.site.becomes(ready=True)
            scene.load.live(AFTER, scale.seconds / 2)
            scene.tell("durable again after, s", f"{waited:.1f}")
        return scene.figures
