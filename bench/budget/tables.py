"""The tables, each measured rate with its interval and the budget it is held against."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from bench.budget.intervals import Interval, clustered, exact, resampled
from bench.budget.strains import HEALTHY, STRESSES
from bench.budget.tally import COLD, Lived, Tally
from bench.budget.years import Played
from bench.detection.measure import Campaign
from bench.detection.tables import share, table
from detector.engine.policy import Policy

COLD_CEILING: Final = 0.02
"""Cold identities are outside the promise, and have this ceiling of step-ups."""

_BAR: Final = 0.5  # of a campaign's rows marked 1.0: those that were not allowed, or were denied
_LISTED: Final = 15
_LONG_ENOUGH: Final = 0.3  # of the longest life: whose rate a day means something


class Budgets(NamedTuple):
    """What is allowed unless configured: of healthy requesters ever denied in a year, of requests stepped up."""

    false_deny: float = Policy().false_deny_budget
    step_up: float = Policy().step_up_budget


def report(played: Sequence[Played], budgets: Budgets) -> str:
    """Everything that was measured of honest years, of power, and of what breaks the promise."""
    lived = [p for p in played if not p.year.campaigns]
    healthy = [p for p in lived if p.year.stress == HEALTHY]
    parts = ["== healthy years", _scale(healthy), _promises(healthy, budgets)]
    parts += ["== by style", _by_style(healthy, budgets), "== by month after the warm-up", _by_month(healthy, budgets)]
    parts += ["== what was behind the false alarms", _causes(healthy), _told(healthy)]
    robbed = [p for p in played if p.year.campaigns]
    if robbed:
        parts += ["== power at the same thresholds", _power(robbed)]
    if any(p.year.stress != HEALTHY for p in lived):
        parts += ["== what breaks it", _stresses(lived, budgets), _sentences(lived, budgets)]
    return "\n\n".join(parts)


def verdict(found: Interval, budget: float) -> str:
    """Whether a rate keeps its budget, as far as can be told."""
    if found.high <= budget:
        return "within"
    return "over" if found.low > budget else "cannot tell"


def _scale(played: Sequence[Played]) -> str:
    """How much was lived, how busily, and what that took."""
    years = sum(p.requester_years for p in played)
    most = max(life.years for life in _everybody(played))
    rates = sorted(x.requests / x.years / 365.0 for x in _everybody(played) if x.years >= _LONG_ENOUGH * most)
    rows = sum(p.rows for p in played)
    mean = sum(life.requests for life in _everybody(played)) / max(years, 1e-9) / 365.0
    cpu = sum(p.simulating + p.judging for p in played)
    busiest = max(played, key=lambda p: p.megabytes)
    return (
        f"{years:.0f} requester-years of {sum(1 for _ in _everybody(played))} requesters"
        f" in {len(played)} organisations, {rows:,} rows.\n"
        f"Requests a requester and day: mean {mean:.1f}, median {statistics.median(rates):.1f},"
        f" busiest twentieth over {rates[int(0.95 * len(rates))]:.0f}.\n"
        f"{cpu:.0f} s of processor time: {rows / max(sum(p.simulating for p in played), 1e-9):,.0f} rows/s simulated,"
        f" {rows / max(sum(p.judging for p in played), 1e-9):,.0f} rows/s judged;"
        f" {busiest.megabytes:.0f} MB for the largest organisation."
    )


def _promises(played: Sequence[Played], budgets: Budgets) -> str:
    """Each rate that was promised, with its interval and its budget."""
    tallies = [p.tally for p in played]
    rows = [
        _requests("requests stepped up", tallies, lambda x: (x.step_ups, x.requests), budgets.step_up),
        _requests("… of identities no longer cold", tallies, _warm, budgets.step_up),
        _requests(f"… of cold ones (under {COLD} requests)", tallies, _cold, COLD_CEILING),
        _requests("requests denied", tallies, lambda x: (x.denies, x.requests), None),
        _requests("uses looked at", tallies, lambda x: (x.looks, x.uses), None),
        _denied("requesters ever denied in a year", played, lambda x: x.denied, budgets.false_deny),
        _denied("… by organisation", played, lambda x: x.denied, budgets.false_deny, by_organisation=True),
        _denied("… denied a request", played, lambda x: x.denies > 0, budgets.false_deny),
        _denied("… no longer cold", played, lambda x: x.denies > x.cold_denies or x.revokes > 0, budgets.false_deny),
    ]
    warm, early = Counter[str](), sum(t.warm_up_denied for t in tallies)
    for one in tallies:
        warm.update(one.warm_up)
    note = (
        f"Before that, in the warm-up: {warm['step_up']} of {warm['request']:,} requests stepped up"
        f" ({_percent(warm['step_up'], warm['request'])}), {early} requesters denied."
    )
    return table(("rate", "found", "of", "share", "95 %", "budget", ""), rows) + "\n\n" + note


def _requests(
    name: str, tallies: Sequence[Tally], count: Callable[[Lived], tuple[int, int]], budget: float | None
) -> list[str]:
    """A share of rows, drawn again by organisation."""
    pairs = [[sum(side) for side in zip(*map(count, t.requesters), strict=True)] or [0, 0] for t in tallies]
    hits, totals = [h for h, _ in pairs], [n for _, n in pairs]
    return _line(name, sum(hits), f"{sum(totals):,}", resampled(hits, totals), budget)


def _denied(
    name: str,
    played: Sequence[Played],
    chosen: Callable[[Lived], bool],
    budget: float,
    *,
    by_organisation: bool = False,
) -> list[str]:
    """A share of requester-years."""
    hits, years = _ever(played, chosen)
    found = clustered(hits, years) if by_organisation else exact(sum(hits), sum(years))
    return _line(name, sum(hits), f"{sum(years):,.0f}", found, budget)


def _ever(played: Sequence[Played], chosen: Callable[[Lived], bool]) -> tuple[list[int], list[float]]:
    """For each organisation, the chosen ones, and the requester-years they are of (never fewer)."""
    hits = [sum(map(chosen, p.tally.requesters)) for p in played]
    return hits, [max(p.requester_years, float(h)) for p, h in zip(played, hits, strict=True)]


def _line(name: str, hits: int, total: str, found: Interval, budget: float | None) -> list[str]:
    held = [_part(budget), verdict(found, budget)] if budget is not None else ["-", ""]
    return [name, str(hits), total, _part(found.share), f"{_part(found.low)} – {_part(found.high)}", *held]


def _by_style(played: Sequence[Played], budgets: Budgets) -> str:
    """One line a style."""
    rows = []
    for style in sorted({p.year.style for p in played}):
        mine = [p for p in played if p.year.style == style]
        rows.append([style, *_both(mine, budgets)])
    return table(("style", *_BOTH), rows)


_BOTH: Final = ("req-years", "requests", "stepped up", "95 %", "budget", "ever denied", "95 %", "budget")


def _both(played: Sequence[Played], budgets: Budgets) -> list[str]:
    """Both promises in one line."""
    steps = _requests("", [p.tally for p in played], lambda x: (x.step_ups, x.requests), budgets.step_up)
    denies = _denied("", played, lambda x: x.denied, budgets.false_deny)
    return [denies[2], steps[2], *steps[3:6], f"{denies[1]} = {denies[3]}", *denies[4:6]]


def _by_month(played: Sequence[Played], budgets: Budgets) -> str:
    """One line a month: whether it gets better with time, or worse."""
    rows = []
    for month in sorted({m for p in played for m in p.tally.months}):
        counts = [p.tally.months.get(month, Counter()) for p in played]
        hits, totals = [c["step_up"] for c in counts], [c["request"] for c in counts]
        firsts = sum(
            life.first_deny is not None and int(life.first_deny / (365.0 / 12.0)) == month
            for life in _everybody(played)
        )
        line = _line(str(month + 1), sum(hits), f"{sum(totals):,}", resampled(hits, totals), budgets.step_up)
        rows.append([*line[:-1], str(firsts)])
    return table(("month", "stepped up", "requests", "share", "95 %", "budget", "first denied"), rows)


def _causes(played: Sequence[Played]) -> str:
    """One line an upheaval: its false alarms, and how many of its rows they are."""
    alarms, sizes = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    denies = Counter[tuple[str, str]]()
    for p in played:
        sizes.update(p.tally.rows_by_cause)
        for (kind, word, because), count in p.tally.causes.items():
            (denies if word == "deny" else alarms)[kind, because] += count
    found = sorted(set(alarms) | set(denies), key=lambda k: (-denies[k], -alarms[k], k))
    rows = [
        [b, k, str(alarms[k, b]), str(denies[k, b]), f"{sizes[k, b]:,}", _percent(alarms[k, b], sizes[k, b])]
        for k, b in found[:_LISTED]
    ]
    return table(("upheaval", "rows", "stepped up", "denied", "of", "stepped up"), rows) if rows else "No false alarm."


def _told(played: Sequence[Played]) -> str:
    told = Counter[tuple[str, str]]()
    for p in played:
        told.update(p.tally.told)
    listed = ", ".join(f"{code} {count}" for (word, code), count in told.most_common(8) if word == "step_up")
    denied = ", ".join(f"{code} {count}" for (word, code), count in told.most_common() if word == "deny")
    return f"First reasons of step-ups: {listed or 'none'}. Of denies: {denied or 'none'}."


def _power(played: Sequence[Played]) -> str:
    """What thieves meet, where the promise is kept to the honest."""
    rows = []
    groups = {
        "25 days": [p for p in played if p.year.days <= 60],
        "after a year": [p for p in played if p.year.days > 60],
    }
    for name, mine in groups.items():
        for tell, words in (("mint", "first mint"), ("use", "use"), ("late", "late")):
            campaigns = [c for p in mine for c in p.campaigns if c.tell == tell]
            if campaigns:
                rows.append([f"{name}, tell in {words}" if tell != "late" else f"{name}, late tell", *power(campaigns)])
    heads = ("campaigns", "n", "stepped up: first", "ever", "ever denied", "rows until", "minutes until")
    note = (
        "Stepped up or denied; rows and minutes until the deny are the median (and ninetieth percentile) of the denied."
    )
    return table(heads, rows) + "\n\n" + note


def power(campaigns: Sequence[Campaign]) -> list[str]:
    """How many campaigns; stepped up at once, or ever; denied, and after how many rows and minutes."""
    seen = [_marked(c, ("step_up", "deny")).stopped(_BAR) for c in campaigns]
    denied = [found for c in campaigns if (found := until_deny(c)) is not None]
    first, ever = sum(s["first"] for s in seen), sum(s["ever"] for s in seen)
    total = len(campaigns)
    return [
        str(total),
        share(first, total),
        share(ever, total),
        share(len(denied), total),
        *(_spread([d[side] for d in denied]) for side in (0, 1)),
    ]


def until_deny(campaign: Campaign) -> tuple[float, float] | None:
    """At which of its rows a campaign was first denied, and how many minutes after its first; `None` if never."""
    steps = sorted(campaign.steps, key=lambda s: s.time)
    for number, step in enumerate(steps, start=1):
        if step.verdict == "deny":
            return float(number), (step.time - steps[0].time) / 60.0
    return None


def _marked(campaign: Campaign, words: tuple[str, ...]) -> Campaign:
    """The campaign with its rows of such a verdict at one, and the rest at nought."""
    steps = [s._replace(score=float(s.verdict in words)) for s in campaign.steps]
    c = campaign
    return Campaign(c.name, c.organisation, c.kind, c.variant, c.tell, steps)


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    ranked = sorted(values)
    return f"{statistics.median(ranked):.0f} ({ranked[min(int(0.9 * len(ranked)), len(ranked) - 1)]:.0f})"


def _stresses(lived: Sequence[Played], budgets: Budgets) -> str:
    """The same organisations, at ease and strained."""
    return table(("life", *_BOTH), [[name, *_both(mine, budgets)] for name, mine in _same(lived).items()])


def _same(lived: Sequence[Played]) -> Mapping[str, list[Played]]:
    """By stress, the organisations that went through all of them."""
    strained = {(p.year.style, p.year.seed) for p in lived if p.year.stress != HEALTHY}
    return {
        name: [p for p in lived if p.year.stress == name and (p.year.style, p.year.seed) in strained]
        for name in STRESSES
    }


def _sentences(lived: Sequence[Played], budgets: Budgets) -> str:
    """The same in words."""
    lines, same = [], _same(lived)
    calm = resampled(*_step_ups(same[HEALTHY])).share
    for name, mine in same.items():
        if name == HEALTHY:
            continue
        steps, denies = resampled(*_step_ups(mine)), exact(*map(sum, _ever(mine, lambda x: x.denied)))
        times = f", {steps.share / calm:.1f} times as often as at ease" if calm else ""
        lines.append(
            f"{name} ({STRESSES[name].words}): the step-up budget {_WORDS[verdict(steps, budgets.step_up)]}"
            f" ({_part(steps.share)} of requests{times}); the deny budget"
            f" {_WORDS[verdict(denies, budgets.false_deny)]} ({_part(denies.share)} a year,"
            f" {_part(denies.low)} – {_part(denies.high)})."
        )
    return "\n".join(lines)


_WORDS: Final = {
    "within": "holds",
    "over": "breaks",
    "cannot tell": "is neither shown to hold nor to break",
}


def _step_ups(played: Sequence[Played]) -> tuple[list[int], list[int]]:
    return (
        [sum(x.step_ups for x in p.tally.requesters) for p in played],
        [sum(x.requests for x in p.tally.requesters) for p in played],
    )


def _everybody(played: Sequence[Played]) -> list[Lived]:
    return [life for p in played for life in p.tally.requesters]


def _warm(life: Lived) -> tuple[int, int]:
    return life.step_ups - life.cold_step_ups, life.requests - life.cold_requests


def _cold(life: Lived) -> tuple[int, int]:
    return life.cold_step_ups, life.cold_requests


def _part(value: float) -> str:
    """A share in percent, with three decimals: budgets are thousandths."""
    return f"{100.0 * value:.3f} %"


def _percent(hits: int, total: int) -> str:
    return _part(hits / total) if total else "-"
