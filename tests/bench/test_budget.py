"""The years' counts, intervals and tables are what they say they are."""

from __future__ import annotations

import dataclasses

import pytest

from bench.budget.__main__ import main
from bench.budget.intervals import Interval, clustered, exact, resampled
from bench.budget.strains import HEALTHY, STRESSES
from bench.budget.tables import Budgets, power, report, until_deny, verdict
from bench.budget.tally import DAY, MONTH, YEAR, Judged, tally
from bench.budget.years import FIRST_SEED, Played, Year, plan, play, robbed, stressed
from bench.detection import TEST, TRAIN, VALIDATION
from bench.detection.measure import Campaign, Seen
from detector.simulator import STYLES

WARM = 1000.0


def ask(at: float, verdict: str = "allow", who: str = "a", *, name: str = "", because: str = "everyday") -> Judged:
    """A request at so many seconds after the warm-up."""
    return Judged("issuance", WARM + at, who, name or who, verdict, because, "site" if verdict != "allow" else "")


def use(at: float, verdict: str = "allow", who: str = "a") -> Judged:
    """A use at so many seconds after the warm-up."""
    return Judged("usage", WARM + at, who, who, verdict)


@pytest.fixture(scope="module")
def played() -> Played:
    """Two months of a tiny organisation, as it really goes."""
    return play(Year("small-idle", FIRST_SEED, days=92, requesters=8, activity=0.4))


def test_a_year_is_counted_by_hand() -> None:
    """Requests, step-ups, denies and uses of two requesters; the time between first and last row is what they lived."""
    counted = tally(
        [
            ask(-5.0, "step_up"),
            ask(0.0),
            ask(1.0, "step_up", because="redeploy"),
            use(2.0, "step_up"),
            use(3.0, "deny"),
            ask(2 * MONTH, "deny"),
            ask(YEAR / 2.0),
            ask(10.0, who="b"),
        ],
        WARM,
    )
    first, second = counted.requesters
    assert (first.requests, first.step_ups, first.denies, first.uses, first.looks, first.revokes) == (4, 1, 1, 2, 1, 1)
    assert (first.years, first.first_deny) == (0.5, 3.0 / DAY)
    assert first.denied
    assert (second.requests, second.years, second.denied) == (1, 0.0, False)
    assert counted.warm_up == {"request": 1, "step_up": 1}
    assert counted.months[0] == {"request": 3, "allow": 2, "step_up": 1}
    assert counted.months[2] == {"request": 1, "deny": 1}
    assert counted.causes["issuance", "step_up", "redeploy"] == 1
    assert counted.rows_by_cause["usage", "everyday"] == 2
    assert counted.told["step_up", "site"] == 1


def test_what_is_denied_in_the_warm_up_is_counted_apart() -> None:
    """A deny before the warm-up's end denies nobody in the year, and is not lost."""
    counted = tally([ask(-2.0, "deny"), ask(-1.0, "deny"), ask(1.0)], WARM)
    assert counted.warm_up_denied == 1
    assert not counted.requesters[0].denied


def test_cold_is_a_name_with_few_requests() -> None:
    """Twenty requests of a name are cold, those of the warm-up among them; a new name is cold again."""
    rows = [ask(-float(n) - 1.0) for n in range(15)]
    rows += [ask(float(n), "step_up") for n in range(8)]
    rows += [ask(100.0, "deny", name="a-v2"), use(101.0)]
    (life,) = tally(rows, WARM).requesters
    assert (life.cold_requests, life.cold_step_ups, life.cold_denies) == (6, 5, 1)
    assert (life.requests, life.step_ups) == (9, 8)


def test_exact_intervals_are_the_textbook_ones() -> None:
    """None of 3,000 leaves up to 1.23 in 1,000 possible; one of ten lies between 0.25 and 44.5 %."""
    assert exact(0, 3000) == (0.0, 0.0, pytest.approx(1.0 - 0.025 ** (1.0 / 3000.0)))
    assert exact(1, 10) == pytest.approx((0.1, 0.002529, 0.445016), abs=1e-6)
    assert exact(10, 10)[1:] == (pytest.approx(0.025**0.1), 1.0)
    assert exact(0, 0)[1:] == (0.0, 1.0)


def test_what_comes_in_clusters_is_known_less_well() -> None:
    """Four denied in one organisation of four say less than one in each; spread evenly, nothing is lost."""
    together, apart = clustered([4, 0, 0, 0], [80.0] * 4), clustered([1, 1, 1, 1], [80.0] * 4)
    assert apart == pytest.approx(exact(4, 320))
    assert together.share == pytest.approx(apart.share)
    assert together.high > 1.5 * apart.high
    assert clustered([0, 0], [80.0] * 2) == exact(0, 160)


def test_organisations_are_drawn_again() -> None:
    """The bounds hold the share and lie within the organisations' own; one alone, or none with a hit, is no nought."""
    found = resampled([1, 3, 2, 6], [1000] * 4)
    assert found.share == 0.003
    assert 0.001 <= found.low < found.share < found.high <= 0.006
    assert found == resampled([1, 3, 2, 6], [1000] * 4)
    assert resampled([3], [1000]) == (0.003, 0.0, 1.0)
    assert resampled([0, 0], [1000] * 2) == exact(0, 2000)


def test_a_budget_is_kept_only_where_that_can_be_told() -> None:
    """Within when the upper bound is, over when the lower bound is; else nobody can tell."""
    assert verdict(Interval(0.0, 0.0, 0.0009), 0.001) == "within"
    assert verdict(Interval(0.0005, 0.0002, 0.0012), 0.001) == "cannot tell"
    assert verdict(Interval(0.003, 0.0011, 0.005), 0.001) == "over"


def test_power_counts_rows_and_minutes_until_the_deny() -> None:
    """The first deny counts, in the order of time; a campaign that was only stepped up was never denied."""
    steps = [
        Seen(0.0, "issuance", 1, 0.0, "step_up"),
        Seen(0.0, "issuance", 3, 300.0, "deny"),
        Seen(0.0, "issuance", 2, 120.0, "allow"),
    ]
    denied = Campaign("a", "o", "spread", "", "mint", steps)
    stepped = Campaign("b", "o", "spread", "", "mint", [Seen(0.0, "issuance", 2, 0.0, "step_up")])
    missed = Campaign("c", "o", "spread", "", "mint", [Seen(9.0, "issuance", 1, 0.0, "allow")])
    assert until_deny(denied) == (3.0, 5.0)
    assert until_deny(stepped) is None
    assert power([denied, stepped, missed]) == ["3", "33 %", "67 %", "33 %", "3 (3)", "5 (5)"]


def test_the_plan_is_of_seeds_that_nobody_else_has() -> None:
    """Every style as often, sizes that come to what was asked for, the same organisations under stress."""
    years = plan(3000, seed=FIRST_SEED)
    assert sum(year.requesters or 0 for year in years) >= 3000
    assert {sum(year.style == style for year in years) for style in STYLES} == {6}
    assert not {(y.style, y.seed) for y in years} & {*TRAIN, *VALIDATION, *TEST}
    strained = stressed(years, 500)
    assert {year._replace(stress=HEALTHY) for year in strained} == set(years[:6])
    assert {year.stress for year in strained} == set(STRESSES) - {HEALTHY}
    stolen = robbed(years, 2)
    assert [(y.style, y.seed) for y in stolen[: len(VALIDATION)]] == list(VALIDATION)
    assert all(y.campaigns and y.warm_up_days == y.days - 25 for y in stolen[len(VALIDATION) :])


def test_playing_counts_every_row_once(played: Played) -> None:
    """What was lived adds up: rows of the year and of the warm-up, and no campaign in a healthy year."""
    lives = played.tally.requesters
    requests = sum(life.requests for life in lives)
    assert requests == sum(month["request"] for month in played.tally.months.values())
    assert requests + sum(life.uses for life in lives) == sum(played.tally.rows_by_cause.values())
    assert played.tally.warm_up["request"] > 0
    assert 8 * 0.1 < played.requester_years < 12 * 62 / 365
    assert played.campaigns == []


def test_campaigns_are_told_from_the_honest() -> None:
    """With thieves in the last weeks, each of their rows goes to its campaign."""
    robbed_year = Year("vault", FIRST_SEED, days=24, warm_up_days=16, requesters=14, activity=0.4, campaigns=6)
    found = play(robbed_year).campaigns
    assert len({c.name for c in found}) == len(found) > 1
    assert all(step.verdict for campaign in found for step in campaign.steps)


def test_the_report_holds_each_rate_against_its_budget(played: Played) -> None:
    """Budgets stand beside the rates; what was strained is said in words."""
    strained = dataclasses.replace(played, year=played.year._replace(stress="drift ×2"))
    thief = Campaign("c", "o", "spread", "", "mint", [Seen(0.0, "issuance", 1, 0.0, "deny")])
    robbed_year = dataclasses.replace(played, year=played.year._replace(campaigns=1), campaigns=[thief])
    text = report([played, strained, robbed_year], Budgets(false_deny=0.002, step_up=0.003))
    for words in ("requesters ever denied in a year", "0.200 %", "0.300 %", "2.000 %", "what breaks it"):
        assert words in text
    assert text.count("drift ×2") == 2
    assert "after a year, tell in first mint  1              100 %" in text
    assert f"{played.requester_years:.0f} requester-years of" in text


def test_the_command_plays_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """The smallest run there is goes through all six styles."""
    main(
        ["--requester-years", "1", "--days", "8", "--no-stress", "--no-power", "--processes", "1", "--activity", "0.2"]
    )
    text = capsys.readouterr().out
    assert all(style in text for style in STYLES)
