"""Ten thousand rules, a thousand of them about one requester who goes on asking; then all of them end at once."""

from __future__ import annotations

from pathlib import Path

from bench.chaos.caller import Call, called
from bench.chaos.control import Control
from bench.chaos.ground import Ground
from bench.chaos.scene import AFTER, CALM, Figures, Scale, Scene
from bench.chaos.site import spoilt

AT_ONCE = 4
LIVES_SECONDS = 3_600.0

RAISING, HELD, LISTED = "while they are raised", "with all of them", "while they are listed"


def rules(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Raise them over the API, list them, and let them end."""
    victim = str(ground.asks[0]["requester"])
    folder.mkdir(parents=True)
    control = Control(folder / "control")
    with Scene(ground, folder, "rules", command=spoilt(folder / "control", "clock")) as scene:
        port, secret = scene.site.port, ground.secrets["operator"]
        scene.calm(scale.seconds)
        whose = [victim if number < scale.rules_of_one else f"stranger-{number}" for number in range(scale.rules)]
        with scene.load.through(RAISING):
            raised = called(port, secret, [_rule(name, n) for n, name in enumerate(whose)], at_once=AT_ONCE)
        assert set(raised.statuses) == {201}, raised
        scene.tell("raised a second", f"{scale.rules / raised.seconds:.0f}")
        scene.load.live(HELD, scale.seconds)
        with scene.load.through(LISTED):
            listed = called(port, secret, [("GET", "/v1/deny-rules", None)] * 3)
        scene.tell("listing all of them, s", f"{listed.seconds / 3:.2f} ({listed.bytes / 3e6:.1f} MB)")
        control.set(ahead=LIVES_SECONDS)
        scene.load.live(AFTER, scale.seconds)
        in_force, ended = (scene.site.metric("assayer_deny_rules", state=state) for state in ("enforced", "expired"))
        scene.tell("in force afterwards, and ended", f"{in_force:.0f} and {ended:.0f}")
    figures = scene.figures
    ratio = figures.quantile(0.99, HELD) / figures.quantile(0.99, CALM)
    return figures.telling("99th percentile with all of them, times the calm one", f"{ratio:.1f}")


def _rule(requester: str, number: int) -> Call:
    rule = {
        "selector": {"requester": requester, "resource": f"nothing-{number}"},
        "reason": "chaos",
        "lifetime_seconds": LIVES_SECONDS,
        "mode": "enforced",
        "override": "chaos",
    }
    return ("POST", "/v1/deny-rules", rule)
