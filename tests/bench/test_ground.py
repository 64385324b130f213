"""What is true of an organisation's rows, on logs of a few lines."""

from __future__ import annotations

import pytest

from bench.detection.ground import COLD, DAY, QUARANTINE, YEAR, ground
from detector.events import GrantRequest, Issuance
from detector.simulator import Label, Labelled, Organisation

WARM = 14.0 * DAY


def issued(name: str, time: float, label: Label, outcome: str = "granted") -> Labelled:
    """An issuance as it stands in a log."""
    grant = GrantRequest(id=name, time=time, issuer="vault:a", requester=label.principal, resource="x")
    return Labelled(event=Issuance(grant=grant, outcome=outcome), label=label, arrived=time)


def organisation(*rows: Labelled) -> Organisation:
    """Twenty-five days with these rows."""
    ordered = tuple(sorted(rows, key=lambda row: row.event.time))
    return Organisation(style="vault", seed=1, start=0.0, days=25, warm_up_days=14, rows=ordered)


@pytest.mark.parametrize(
    ("learnt", "waited", "outcome", "cold"),
    [
        (COLD - 1, QUARANTINE, "granted", True),
        (COLD, QUARANTINE, "granted", False),
        (COLD, QUARANTINE - 1.0, "granted", True),
        (COLD, QUARANTINE, "refused", True),
    ],
)
def test_cold_until_twenty_are_learnt(learnt: int, waited: float, outcome: str, cold: bool) -> None:
    """Twenty granted issuances that the quarantine let go make an identity warm; refused ones teach nothing."""
    me = Label(principal="service/a")
    now = WARM + 5.0 * DAY
    before = [issued(f"r{n}", now - waited, me, outcome) for n in range(learnt)]
    found = ground(organisation(*before, issued("now", now, me))).rows["honest", "issuance"]
    assert found.cold[found.ids.index("now")] == cold


def test_a_campaign_is_cold_by_what_was_learnt_when_it_began() -> None:
    """What a thief has issued in the victim's name does not make the campaign warm in hindsight."""
    thief = Label(principal="service/a", campaign="c1", kind="escalation", step=1)
    rows = [issued(f"r{n}", WARM + n * 2.0 * QUARANTINE, thief) for n in range(2 * COLD)]
    (campaign,) = ground(organisation(*rows)).campaigns
    assert campaign.cold
    assert [step.id for step in campaign.steps] == [f"r{n}" for n in range(2 * COLD)]


def test_healthy_requesters_are_watched_from_the_warm_ups_end() -> None:
    """From then or from their first row to the end; victims and those who had left by then are not among them."""
    rows = [
        issued("a", 1.0, Label(principal="service/old")),
        issued("b", WARM + 1.0 * DAY, Label(principal="service/old")),
        issued("c", WARM + 6.0 * DAY, Label(principal="service/young")),
        issued("d", 1.0, Label(principal="service/gone")),
        issued("e", WARM + 2.0 * DAY, Label(principal="service/victim")),
        issued("f", WARM + 3.0 * DAY, Label(principal="service/victim", campaign="c", kind="escalation", step=1)),
    ]
    healthy = ground(organisation(*rows)).healthy
    assert healthy == {"service/old": 11.0 * DAY / YEAR, "service/young": 5.0 * DAY / YEAR}
