"""The machine's clock is set a day ahead, set right, set a day back, and set right again, while everybody asks."""

from __future__ import annotations

from pathlib import Path

from bench.chaos.control import Control
from bench.chaos.ground import Ground
from bench.chaos.scene import Figures, Scale, Scene
from bench.chaos.site import spoilt

DAY = 86_400.0
COURSE = (("a day ahead", DAY), ("right again", 0.0), ("a day back", -DAY), ("right once more", 0.0))


def clock(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Jump both ways, with a rule in force that lives an hour, and one that lives two days."""
    folder.mkdir(parents=True)
    control = Control(folder / "control")
    with Scene(ground, folder, "clock", command=spoilt(folder / "control", "clock")) as scene:
        short, long = (_raised(scene, seconds) for seconds in (DAY / 24, 2 * DAY))
        scene.calm(scale.seconds)
        for phase, ahead in COURSE:
            control.set(ahead=ahead)
            scene.load.live(phase, scale.seconds)
            states = [scene.site.ask("GET", f"/v1/deny-rules/{rule}").document["state"] for rule in (short, long)]
            scene.tell(f"{phase}: rules of an hour and of two days are", " and ".join(states))
    return scene.figures


def _raised(scene: Scene, seconds: float) -> str:
    rule = {
        "selector": {"requester": f"stranger-{seconds}"},
        "reason": "chaos",
        "lifetime_seconds": seconds,
        "mode": "enforced",
        "override": "chaos",
    }
    return str(scene.site.ask("POST", "/v1/deny-rules", rule).document["id"])
