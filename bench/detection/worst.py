"""`python -m bench.detection.worst STYLE SEED`: the worst legitimate rows and the missed first mints, with reasons."""

from __future__ import annotations

import sys
from collections import Counter

from bench.detection.cache import organisations
from bench.detection.ground import truth
from bench.detection.ours import rows, shipped_policy
from bench.detection.splits import Pair
from detector.engine import Row
from detector.events import Issuance


def main() -> None:
    """Print them, and which reasons stand on top how often."""
    style, seed = sys.argv[1], int(sys.argv[2])
    pair: Pair = (style, seed)
    organisation = next(organisations([pair]))
    judged = {(r.kind, r.id): r for r in rows((row.event for row in organisation.rows), shipped_policy())}
    honest, firsts = [], []
    for event, label, where in truth(organisation):
        row = judged.get(("issuance" if isinstance(event, Issuance) else "usage", event.id))
        if row and where == "honest":
            honest.append((row, label.upheaval or "everyday", label.principal))
        elif row and label.first_mint:
            firsts.append((row, f"{label.kind} {label.variant}", label.principal))
    for kind in ("issuance", "usage"):
        worst = sorted((h for h in honest if h[0].kind == kind), key=lambda h: -h[0].evidence)
        print(f"== worst legitimate rows: {kind}")
        for row, why, who in worst[:15]:
            print(_line(row, why, who))
        print(Counter(r.reasons[0].code for r, _, _ in worst[:100] if r.reasons).most_common(), "\n")
    print("== first mints, lowest first")
    for row, why, who in sorted(firsts, key=lambda f: f[0].evidence):
        print(_line(row, why, who))


def _line(row: Row, why: str, who: str) -> str:
    said = ", ".join(f"{reason.code} {reason.nats:.1f}" for reason in row.reasons[:5])
    return f"{row.evidence:7.2f} {row.verdict:8} {why:26} {who:45} {said}"


if __name__ == "__main__":
    main()
