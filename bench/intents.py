"""What intents save and cost: `python -m bench.intents` (some minutes; `--quick` for less).

Every requester is given an intent for each area that it asked in during the warm-up: everything under it, with the
strongest privilege and the longest lifetime it had there. Then the same rows are counted with the step-up threshold
raised by so many nats within them: which legitimate step-ups are gone, and which campaigns, of those whose first mint
carries a tell.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bench.detection import QUICK, TEST, organisations
from bench.detection.ground import truth
from bench.detection.ours import HandClock, Witness, shipped_policy
from bench.detection.tables import share, table
from detector.engine import Engine
from detector.events import GrantRequest, Issuance
from detector.evidence import in_nats
from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities
from detector.features.names import area
from detector.policies import RANK, Intent, Intents
from detector.simulator import KINDS, Organisation
from detector.wiring.compose import group_peers

EASES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
HEADER: Final = ("nats", "legitimate step-ups left", "of", "flagged: first mint", "ever", "n")


class Seen(NamedTuple):
    """One row: where it counts, of which campaign and step, how far above its threshold, and whether within an intent.

    `above` is in nats; what is denied is infinitely far above it.
    """

    where: str
    campaign: str
    first: bool
    above: float
    within: bool


def agreed(organisation: Organisation) -> Intents:
    """What everybody did during the warm-up, as intents."""
    fold = Identities(DEFAULT_IDENTITY_RULES).fold
    usual: dict[tuple[str, str], list[GrantRequest]] = defaultdict(list)
    for row in organisation.rows:
        event = row.event
        if isinstance(event, Issuance) and event.time < organisation.warm_until and not row.label.abuse:
            usual[fold(event.grant.requester), area(fold(event.grant.resource))].append(event.grant)
    intents: dict[str, Intent] = {}
    for number, ((requester, ground), grants) in enumerate(usual.items()):
        known = [grant.privilege for grant in grants if grant.privilege is not None]
        actions = tuple({action: None for grant in grants for action in grant.actions})
        if not known and not actions:
            continue
        intents[f"i{number}"] = Intent(
            requester=requester,
            resource=f"{ground}*",
            privilege=max(known, key=RANK.__getitem__) if known else None,
            actions=() if known else actions,
            max_ttl_seconds=max(1.0, *(grant.ttl_seconds or 3600.0 for grant in grants)),
            authorised_by="everybody",
            expires=datetime(2199, 1, 1, tzinfo=UTC),
            reauthorise_days=366,
        )
    return Intents(intents, authorised=dict.fromkeys(intents, organisation.start), fold=fold)


def rows(organisation: Organisation) -> Iterator[Seen]:
    """Every row that counts, as the engine judged it."""
    clock, log = HandClock(), Witness()
    engine = Engine(policy=shipped_policy(), log=log, clock=clock, grouper=group_peers)
    for row in organisation.rows:
        clock.now = max(clock.now, row.event.time)
        engine.observe(row.event)
    engine.settle()
    intents, fold = agreed(organisation), Identities(DEFAULT_IDENTITY_RULES).fold
    for event, label, where in truth(organisation):
        kind = "issuance" if isinstance(event, Issuance) else "usage"
        weighed = log.weighed.get((kind, event.id))
        above = float("-inf")
        if weighed is not None and weighed.verdict != "allow":
            above = float("inf") if weighed.verdict == "deny" else in_nats(weighed.evidence - weighed.step_up_at)
        within = False
        if isinstance(event, Issuance):
            grant = event.grant
            found = intents.covering(fold(grant.requester), grant, fold(grant.resource), event.time)
            within = found is not None
        tells = label.abuse and KINDS[label.kind or ""].tell == "mint"
        campaign = f"{organisation.style}-{organisation.seed} {label.campaign}" if tells else ""
        yield Seen(where, campaign, label.step == 1 and kind == "issuance", above, within)


def line(found: Iterable[Seen], ease: float) -> tuple[str, ...]:
    """One line of the table."""
    honest, left = 0, 0
    campaigns: dict[str, list[bool]] = {}
    for row in found:
        flagged = row.above >= (ease if row.within else 0.0)
        if row.where == "honest":
            honest += row.above >= 0.0
            left += flagged
        elif row.campaign:
            caught = campaigns.setdefault(row.campaign, [False, False])
            caught[0] |= flagged and row.first
            caught[1] |= flagged
    total = len(campaigns)
    first, ever = (sum(caught[moment] for caught in campaigns.values()) for moment in (0, 1))
    return f"{ease:g}", str(left), str(honest), share(first, total, 1), share(ever, total, 1), str(total)


def main() -> None:
    """Replay, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.intents", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four organisations instead of all")
    pairs = QUICK if parser.parse_args().quick else TEST
    found = [row for organisation in organisations(pairs) for row in rows(organisation)]
    inside = sum(row.within for row in found if row.where == "honest")
    abusive = sum(row.within for row in found if row.campaign)
    print(f"within an intent: {inside} legitimate rows, {abusive} of campaigns")
    print(table(HEADER, [line(found, ease) for ease in EASES]))


if __name__ == "__main__":
    main()
