"""Baselines: cold says "can't tell", asking changes nothing, saving and reviving is exact, stranger is never less."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from detector.baselines.baselines import Baselines
from detector.baselines.crowd import Crowd
from detector.baselines.fading import EPOCH, HABIT_HALF_LIFE, adoption_weight, habit_weight
from detector.baselines.family import Family
from detector.baselines.habits import MOST_VALUES, Habits
from detector.events import GrantRequest, Source, Usage
from detector.evidence import GRANT_CODES, USE_CODES, EvidenceModel
from detector.features.facets import (
    ABSENT,
    GRANT_FACETS,
    GRANT_GRADES,
    UNMINTED,
    USE_FACETS,
    Facets,
    GrantContext,
    grant_facets,
    use_facets,
)
from detector.features.pulse import Pulse
from detector.features.rhythm import GRADES
from detector.wiring.model import shipped_model
from tests.engine.world import AWAY, DAY, HOUR, ISSUER, MONDAY, SERVICE, World

PLAIN = GrantRequest(
    id="r",
    time=MONDAY,
    issuer=ISSUER,
    requester=SERVICE,
    resource="aws/creds/app-write",
    actions=("write",),
    privilege="write",
    ttl_seconds=900.0,
    source=Source(ip="10.10.4.61", environment="prod"),
)


def facets(*, pulse: Pulse | None = None, **more: Any) -> Facets:
    """A grant as facets, with nothing known around it."""
    grant = msgspec.structs.replace(PLAIN, **more)
    return grant_facets(
        grant,
        fold=str,
        level=lambda _: None,
        context=GrantContext(),
        task_age=0.0,
        pulse=pulse or Pulse(),
        now=grant.time,
    )


def warm(events: int = 100, *, until: float = MONDAY) -> Baselines:
    """Baselines that learnt so many ordinary mints, one an hour, the last one at `until`."""
    baselines = Baselines()
    for number in range(events):
        at = until - (events - number - 1) * HOUR
        baselines.learn_grant(facets(time=at), at)
    return baselines


def ratio(baselines: Baselines, code: str, event: Facets, now: float = MONDAY) -> float | None:
    """What one facet of a grant says."""
    return baselines.weigh_grant(event, now).ratios[GRANT_CODES.index(code)]


def test_cold_can_tell_nothing() -> None:
    """With nothing learnt every ratio is `None`, and nothing counts as novel."""
    baselines = Baselines()
    assert set(baselines.weigh_grant(facets(), MONDAY).ratios) == {None}
    assert baselines.weigh_grant(facets(), MONDAY).novel == []
    use = use_facets(
        Usage(id="u", time=MONDAY, credential="c"),
        requester=SERVICE,
        issuer=ISSUER,
        minted=UNMINTED,
        state="live",
        quantities=(0.0, 0.0, 0.0),
        fold=str,
    )
    assert set(baselines.weigh_use(use, MONDAY).ratios) == {None}


def test_ratios_run_parallel_to_the_codes() -> None:
    """Cold or warm, there is one ratio for each code, so that no facet is taken for another."""
    for baselines in (Baselines(), warm()):
        for requester in (SERVICE, "nobody/knows/me"):
            assert len(baselines.weigh_grant(facets(requester=requester), MONDAY).ratios) == len(GRANT_CODES)
    assert len(USE_CODES) == len(USE_FACETS) + 3


@pytest.mark.parametrize("model", [EvidenceModel(name="plain", elsewhere=1.0), shipped_model()], ids=lambda m: m.name)
def test_a_newcomer_at_a_new_issuer_is_allowed_and_stays_so(model: EvidenceModel) -> None:
    """Being new is not being odd: about 0 nats, allow, and nothing adds up over a whole working day of being new."""
    policy = dataclasses.replace(World().policy, model=model)
    for world in (World(policy), World(policy).live()):
        for number in range(40):
            new = {
                "requester": "tenant9/team/new",
                "issuer": "new:issuer",
                "resource": "some/thing",
                "source": Source(ip="192.0.2.7"),
            }
            asked = world.wait(600.0).ask(**new)
            assert (asked.answer, asked.weighed.own <= 2 * 1024) == ("allow", True), (number, asked.weighed)
            row = world.issue(**new)
            assert row.verdict == "allow", number
        assert world.risk("tenant9/team/new") < 0.5


def test_a_newcomer_borrows_from_its_peers() -> None:
    """A stranger that does what its siblings do fits; one that does what none of them did does not fit as well."""
    baselines = Baselines()
    for sibling in range(8):
        for number in range(12):
            at = MONDAY + number * HOUR
            baselines.learn_grant(facets(requester=f"spiffe://prod/app/svc{sibling}", time=at), at)
    now = MONDAY + DAY
    new = "spiffe://prod/app/svc99"
    fits = ratio(baselines, "resource", facets(requester=new), now)
    odd = ratio(baselines, "resource", facets(requester=new, resource="aws/creds/prod-admin"), now)
    assert fits is not None
    assert odd is not None
    assert fits < 1.0 < odd


def test_asking_changes_nothing() -> None:
    """Hundreds of weighings, of known and unknown, leave the bytes as they were."""
    baselines = warm()
    before = baselines.snapshot()
    for number in range(300):
        event = facets(
            resource=f"r{number}", requester=SERVICE if number % 2 else f"new{number}", issuer=f"i{number % 9}"
        )
        baselines.weigh_grant(event, MONDAY + number * DAY)
        baselines.weigh_use(Facets(SERVICE, "g", ISSUER, (f"v{number}",) * len(USE_FACETS), (1, 2, 3), None), MONDAY)
        baselines.score_one({"requester": SERVICE, "resource": f"r{number}"})
    assert baselines.snapshot() == before


def test_a_revived_baseline_is_the_saved_one() -> None:
    """The same bytes, the same weighings, and the same after learning on."""
    baselines = warm()
    baselines.learn_use(Facets(SERVICE, "g", ISSUER, ("a",) * len(USE_FACETS), (1, 2, 3), None), MONDAY)
    revived = Baselines.revive(baselines.snapshot())
    assert revived.snapshot() == baselines.snapshot()
    for odd in ({}, {"resource": "x"}, {"ttl_seconds": 9e4}, {"requester": "new"}):
        assert revived.weigh_grant(facets(**odd), MONDAY) == baselines.weigh_grant(facets(**odd), MONDAY)
    for either in (revived, baselines):
        for number in range(20):
            either.learn_grant(facets(resource=f"r{number}", ttl_seconds=60.0 * number), MONDAY + number)
    assert revived.snapshot() == baselines.snapshot()


@pytest.mark.parametrize("data", [b"", b"\xc1", b"nonsense", msgspec.msgpack.encode({"grants": 1})])
def test_other_bytes_are_refused(data: bytes) -> None:
    """What is no snapshot raises, and nothing is ever unpickled."""
    with pytest.raises(msgspec.DecodeError):
        Baselines.revive(data)


def test_baselines_of_other_facets_are_refused() -> None:
    """After an upgrade that adds a facet, an old snapshot is not taken for a new one."""
    data = warm(3).snapshot().replace(b"\xa8resource", b"\xa8reSource", 1)
    with pytest.raises(ValueError, match="other facets"):
        Baselines.revive(data)


def test_what_fits_says_less_than_nothing_and_what_does_not_says_more() -> None:
    """A known value is more likely as habit than as abuse; a new one the other way round."""
    baselines = warm()
    for code, odd in (
        ("resource", {"resource": "aws/creds/prod-admin"}),
        ("privilege", {"privilege": "admin"}),
        ("site", {"source": AWAY}),
        ("longer", {"ttl_seconds": 86_400.0}),
    ):
        fits, strange = ratio(baselines, code, facets()), ratio(baselines, code, facets(**odd))
        assert fits is not None
        assert strange is not None
        assert fits < 1.0 < strange, code


def test_a_rarer_value_is_never_less_evidence() -> None:
    """Of the values a requester shows, the rarer says the more."""
    baselines = Baselines()
    for number in range(127):
        shown = f"kv/r{number.bit_length()}"  # twice as often each
        baselines.learn_grant(facets(resource=shown), MONDAY + number * HOUR)
    said = [
        ratio(baselines, "resource", facets(resource=f"kv/r{often}"), MONDAY + 127 * HOUR) for often in range(7, 0, -1)
    ]
    assert None not in said
    assert all(more >= less for less, more in pairwise(said))  # type: ignore[operator]
    assert said[0] < said[-1]  # type: ignore[operator]


def test_a_longer_lifetime_is_never_less_evidence() -> None:
    """From the shortest to the longest lifetime, in steps of a tenth, what `longer` says never falls."""
    baselines = Baselines()
    for number in range(60):
        baselines.learn_grant(facets(ttl_seconds=600.0 + 20.0 * (number % 30)), MONDAY + number * HOUR)
    said = [ratio(baselines, "longer", facets(ttl_seconds=1.1**power)) for power in range(140)]
    assert all(more >= less for less, more in pairwise(said))  # type: ignore[operator]
    assert said[-1] > 10.0  # type: ignore[operator]


@pytest.mark.parametrize("grade", [name for name in GRANT_GRADES if name not in {"hour", "gap"}])
def test_more_of_a_quantity_is_never_less_evidence(grade: str) -> None:
    """Faster, wider, more left unused, more refusals: each grade says at least what the one below it says."""
    baselines = warm()
    place = GRANT_GRADES.index(grade)

    def said(level: int) -> float:
        event = facets()
        grades = tuple(level if index == place else value for index, value in enumerate(event.grades))
        found = ratio(baselines, grade, event._replace(grades=grades))
        assert found is not None
        return found

    ladder = [said(level) for level in range(GRADES)]
    assert all(more >= less for less, more in pairwise(ladder))
    assert ladder[-1] > 1.0


def test_the_more_constant_a_habit_the_more_its_break_says() -> None:
    """A thousand requests with one value make a new value more surprising than ten do."""
    said = [ratio(warm(events), "resource", facets(resource="aws/creds/new")) for events in (10, 100, 1_000)]
    assert said == sorted(said)  # type: ignore[type-var]


def test_who_changes_all_the_time_does_not_surprise_by_changing() -> None:
    """A runner with a new address every time says little with the next; a service with one address says much."""
    runner = Baselines()
    for number in range(100):
        runner.learn_grant(facets(source=Source(ip=f"10.{number}.{number}.7")), MONDAY - (100 - number) * HOUR)
    odd = facets(source=Source(ip="10.200.1.1"))
    fickle, constant = ratio(runner, "site", odd), ratio(warm(), "site", odd)
    assert fickle is not None
    assert constant is not None
    assert fickle < constant / 5


def test_a_roll_out_says_less_than_a_novelty() -> None:
    """A new value that many peers took up this week is likelier to be the next one's too."""
    baselines = Baselines()
    for peer in range(20):
        for number in range(30):
            at = MONDAY - (30 - number) * HOUR
            rolled = {"source": Source(ip="10.99.1.1")} if number > 25 and peer else {}
            event = facets(requester=f"spiffe://prod/app/svc{peer}", time=at, **rolled)
            baselines.learn_grant(event, at)
    moved = ratio(baselines, "site", facets(requester="spiffe://prod/app/svc0", source=Source(ip="10.99.1.1")))
    alone = ratio(baselines, "site", facets(requester="spiffe://prod/app/svc0", source=Source(ip="185.220.101.47")))
    assert moved is not None
    assert alone is not None
    assert moved < alone / 3


def test_habits_fade() -> None:
    """What was usual long ago, and is no more, becomes news again by and by."""
    baselines = warm(100, until=MONDAY)
    now = MONDAY + 365 * DAY
    for number in range(100):
        at = now - (100 - number) * HOUR
        baselines.learn_grant(facets(resource="aws/creds/new-home", time=at), at)
    old, fresh = (
        ratio(baselines, "resource", facets(), now),
        ratio(baselines, "resource", facets(resource="aws/creds/new-home"), now),
    )
    assert old is not None
    assert fresh is not None
    assert old > 10 * fresh


@pytest.mark.parametrize("now", [0.0, 6.3e8, EPOCH - 1.0, EPOCH, MONDAY, 4e9, 7.2e9, 1e12])
def test_any_time_can_be_learnt_at(now: float) -> None:
    """Logs of 1970 or 2200 neither overflow nor vanish: weights stay positive and finite, and ratios are numbers."""
    assert 0.0 < adoption_weight(now) < float("inf")
    assert 0.0 < habit_weight(now) < float("inf")
    baselines = Baselines()
    for number in range(30):
        baselines.learn_grant(facets(ttl_seconds=900.0 + number), now + number * 60.0)
    for odd in ({}, {"resource": "x"}, {"ttl_seconds": 9e5}, {"requester": "new/one"}):
        for found in baselines.weigh_grant(facets(**odd), now + 3_600.0).ratios:
            assert found is None or 0.0 < found < float("inf")


def test_usual_lifetimes_are_the_same_whenever_they_are_learnt() -> None:
    """The weights of an early year are as good as those of a late one: the same habit gives the same surprise."""
    said = []
    for start in (EPOCH - 3 * 365 * DAY, EPOCH - 20 * HOUR, MONDAY, MONDAY + 10 * 365 * DAY):
        baselines = Baselines()
        for number in range(40):
            baselines.learn_grant(facets(ttl_seconds=600.0 + 10.0 * number), start + number * HOUR)
        said.append(ratio(baselines, "longer", facets(ttl_seconds=1_500.0), start + 41 * HOUR))
    assert said == pytest.approx([said[0]] * 4, rel=1e-6)


def test_fading_has_the_half_life_it_says() -> None:
    """Half a habit's weight is lost in a half-life."""
    assert habit_weight(MONDAY + HABIT_HALF_LIFE) == pytest.approx(2.0 * habit_weight(MONDAY))


def test_new_and_vanished_fields_survive() -> None:
    """A field that appears late, or is never seen again, is learnt and weighed like any other; river's verbs too."""
    baselines = warm(50)
    for number in range(50):
        at = MONDAY + number * HOUR
        baselines.learn_grant(facets(task=f"deploy-{number}", source=Source(), ttl_seconds=None, time=at), at)
    now = MONDAY + 51 * HOUR
    for odd in ({}, {"task": "deploy-1"}, {"consumer": "first ever"}, {"source": Source()}, {"ttl_seconds": None}):
        found = baselines.weigh_grant(facets(**odd), now).ratios
        assert all(said is None or said > 0.0 for said in found)
    late, known = facets(consumer="first ever"), facets(task="deploy-1")
    assert ratio(baselines, "consumer", late, now) > 1.0  # type: ignore[operator]
    assert ratio(baselines, "task", known, now) < 1.5  # type: ignore[operator]
    plain = Baselines()
    for number in range(20):
        plain.learn_one({"requester": "svc", "issuer": "v", "resource": "db", "time": MONDAY + number})
    plain.learn_one({"requester": "svc", "network": "n", "time": MONDAY + 30.0, "not a facet": object()})
    fits = plain.score_one({"requester": "svc", "issuer": "v", "resource": "db", "time": MONDAY + 40.0})
    odd = plain.score_one(
        {"requester": "svc", "issuer": "v", "resource": "other", "region": "x", "time": MONDAY + 40.0}
    )
    assert fits < odd


def test_direction_higher_is_more_anomalous() -> None:
    """River's direction: a score is a number, more of it is more anomalous, and cold it is 0, not "normal"."""
    assert Baselines().score_one({"requester": "svc", "resource": "db"}) == 0.0


def test_values_kept_of_one_facet_are_bounded_and_the_common_ones_stay() -> None:
    """A requester who invents names is cut back to its common half; what it usually shows is not forgotten."""
    habits = Habits.empty(1, 0, 0.0)
    habits.learn(0, "usual", 1_000.0)
    for number in range(5 * MOST_VALUES):
        habits.learn(0, f"invented{number}", 1.0)
    assert len(habits.counts[0]) <= MOST_VALUES
    assert "usual" in habits.counts[0]


def test_a_crowd_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are the values that a scope remembers of everybody."""
    from detector.baselines import crowd

    monkeypatch.setattr(crowd, "MOST_VALUES", 16)
    scope = Crowd.empty(1, 0)
    for number in range(200):
        scope.adopt(0, f"v{number}", 1.0 + number, first=True)
    assert len(scope.counts[0]) <= 16
    assert "v199" in scope.counts[0]


def test_an_empty_family_is_empty() -> None:
    """Nothing learnt, nothing held."""
    family = Family.empty(GRANT_FACETS, GRANT_GRADES)
    assert (family.habits, family.issuers, family.groups) == ({}, {}, {})
    assert ABSENT not in family.fleet.counts[0]


def test_what_a_credential_was_minted_for_is_not_weighed_again_when_it_is_used() -> None:
    """Its resource was weighed with its mint: of a known user or a stranger, it says nothing of its own."""
    baselines = Baselines()
    for number in range(30):
        at = MONDAY + number * HOUR
        baselines.learn_use(Facets(SERVICE, "g", ISSUER, ("a",) * len(USE_FACETS), (1, 2, 3), None), at)
    for requester in (SERVICE, "nobody/knows/me"):
        use = Facets(requester, "g", ISSUER, ("b",) * len(USE_FACETS), (1, 2, 3), None)
        ratios = baselines.weigh_use(use, MONDAY + 31 * HOUR).ratios
        assert ratios[USE_CODES.index("minted_for")] is None
