"""kill -9, a hundred times, under load."""

from __future__ import annotations

import random
import time
from pathlib import Path
from statistics import median

from bench.chaos.audit import audit
from bench.chaos.ground import Ground
from bench.chaos.load import Answer, Load
from bench.chaos.scene import CALM, DURING, Figures, Scale
from bench.chaos.site import Site, ended

LIVES = 0.8
"""Seconds that a server lives at most before it is killed."""


def killed(ground: Ground, folder: Path, scale: Scale) -> Figures:
    """Kill, look whether all that was acknowledged is there, start again. The last one ends in peace."""
    folder.mkdir(parents=True)
    data, moments = ground.copy(folder / "data"), random.Random(1)
    answers: list[Answer] = []
    events: list[str] = []
    starts: list[float] = []
    peak = 0.0
    for life in range(scale.kills + 1):
        with ended(Site(data, secrets=ground.secrets, errors=folder / "killed.log")) as site:
            starts.append(site.started_in)
            with Load(site.port, ground, prefix=f"killed{life}") as load:
                load.phase = CALM if life == scale.kills else DURING
                time.sleep(moments.uniform(0.05, LIVES))
                peak = max(peak, site.peak())
                if life < scale.kills:
                    site.kill()
            if life == scale.kills:
                site.stop()
        answers += load.answers
        events += load.events
        found = audit(data, answers, events, folding=life == scale.kills)
        assert not found.wrong(), found.wrong()
    return Figures(
        name="killed",
        answers=answers,
        events={},
        counted=0.0,
        resident=peak,
        peak=peak,
        audit=found,
        told={
            "starts, s: median (most)": f"{median(starts):.2f} ({max(starts):.2f})",
            "unanswered": str(sum(not one.status for one in answers)),
        },
    )
