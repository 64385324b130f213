"""What reach-aware thresholds save: `python -m bench.reach`.

An attacker's takings are privilege-minutes: the points of each right he is minted (`detector.risk.reach.points`)
times its lifetime in minutes, for every credential up to and with the first row that is flagged. They are compared
at equal false alarms: one legitimate issuance and one legitimate usage in a thousand, with thresholds alike for all
grants, and with thresholds that give way where more is at stake.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from bench.detection import QUICK, TEST, organisations
from bench.detection.ground import truth
from bench.detection.ours import HandClock, Witness, shipped_policy
from bench.detection.tables import table
from detector.engine import Engine
from detector.engine.policy import Policy
from detector.events import Issuance
from detector.evidence import in_nats
from detector.features.sensitivity import DEFAULT_SENSITIVITY_RULES, Sensitivities
from detector.risk.reach import USUAL_LIFETIME, points
from detector.simulator import Organisation

BUDGET: Final = 0.001
TIGHTENINGS: Final = (0.0, 0.25, 0.5, 1.0)


class Taken(NamedTuple):
    """One row: its evidence over what its threshold gave way, and what a thief gets by it (privilege-minutes)."""

    kind: str
    above: float
    gain: float
    where: str
    campaign: str
    time: float


def rows(organisation: Organisation, policy: Policy) -> list[Taken]:
    """Every row that counts, as the engine judged it."""
    clock, log = HandClock(), Witness()
    engine = Engine(policy=policy, log=log, clock=clock)
    for row in organisation.rows:
        clock.now = max(clock.now, row.event.time)
        engine.observe(row.event)
    engine.settle()
    level, found = Sensitivities(DEFAULT_SENSITIVITY_RULES).level, []
    owner = f"{organisation.style}-{organisation.seed}"
    for event, label, where in truth(organisation):
        kind = "issuance" if isinstance(event, Issuance) else "usage"
        gain = 0.0
        if isinstance(event, Issuance) and event.outcome == "granted":
            grant = event.grant
            right = points(grant.privilege or "", grant.sensitivity or level(grant.resource) or "")
            gain = right * (grant.ttl_seconds or USUAL_LIFETIME) / 60.0
        weighed = log.weighed.get((kind, event.id))
        above = -np.inf if weighed is None else in_nats(weighed.evidence + weighed.tightened)
        found.append(Taken(kind, above, gain, where, f"{owner} {label.campaign}", event.time))
    return found


def taken(found: Iterable[Taken]) -> tuple[float, float, int]:
    """The threshold at the budget, the share of privilege-minutes that thieves get, and how many campaigns get none."""
    every = list(found)
    threshold = -np.inf
    for kind in ("issuance", "usage"):
        honest = np.sort([row.above for row in every if row.kind == kind and row.where == "honest"])[::-1]
        threshold = max(threshold, honest[int(BUDGET * len(honest))])
    campaigns: dict[str, list[Taken]] = defaultdict(list)
    for row in every:
        if row.where == "abuse":
            campaigns[row.campaign].append(row)
    got, wanted, empty = 0.0, 0.0, 0
    for steps in campaigns.values():
        steps.sort(key=lambda row: row.time)
        wanted += sum(row.gain for row in steps)
        stop = next((at for at, row in enumerate(steps) if row.above > threshold), len(steps))
        got += sum(row.gain for row in steps[:stop])
        empty += stop == 0
    return float(threshold), got / wanted, empty


def main() -> None:
    """Replay, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.reach", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three organisations instead of all")
    pairs = QUICK if parser.parse_args().quick else TEST
    lines = []
    for nats in TIGHTENINGS:
        policy = replace(shipped_policy(), tighten=nats)
        found = [row for organisation in organisations(pairs) for row in rows(organisation, policy)]
        threshold, share, empty = taken(found)
        lines.append((f"{nats:g}", f"{threshold:.2f}", f"{100 * share:.1f} %", str(empty)))
    print(table(("nats a deviation", "threshold", "privilege-minutes taken", "campaigns that get nothing"), lines))


if __name__ == "__main__":
    main()
