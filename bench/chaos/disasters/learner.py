"""Everything that learns stops: chores hang, then crash; then for a day no log arrives. Asking goes on."""

from __future__ import annotations

from pathlib import Path

from bench.chaos.control import Chores, Control
from bench.chaos.disasters.clock import DAY
from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, Figures, Scale, Scene
from bench.chaos.site import spoilt

HANG, CRASH, SILENCE = "chores hang", "chores crash", "no log for a day"


def learner(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Hang what takes snapshots, groups peers and backtests; let it crash; let it be; then stop the log shipper."""
    folder.mkdir(parents=True)
    control = Control(folder / "control")
    with Scene(ground, folder, "learner", command=spoilt(folder / "control", "clock", "chores")) as scene:
        scene.calm(scale.seconds)
        control.set(chores=Chores.HANG)
        _propose(scene, HANG)
        scene.load.live(HANG, scale.seconds)
        control.set(chores=Chores.CRASH)
        _propose(scene, CRASH)
        scene.load.live(CRASH, scale.seconds)
        control.set()
        scene.load.live(AFTER, scale.seconds)
        scene.load.reporting = False
        control.set(ahead=DAY)
        scene.load.live(SILENCE, scale.seconds)
        scene.tell("chores that failed, said", str(scene.site.said("a chore failed") + scene.site.said("no snapshot")))
        rules = scene.site.ask("GET", "/v1/deny-rules").document["deny_rules"]
        scene.tell("rules backtested afterwards", f"{sum(bool(rule['backtest']) for rule in rules)} of {len(rules)}")
    return scene.figures


def _propose(scene: Scene, name: str) -> None:
    rule = {"selector": {"requester": f"stranger, {name}"}, "reason": "chaos", "lifetime_seconds": 2 * DAY}
    scene.site.ask("POST", "/v1/deny-rules", rule)
