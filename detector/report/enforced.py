"""The parts of the Markdown report that are about what was enforced and changed, each a list of lines."""

from __future__ import annotations

from collections.abc import Mapping

from detector.report.paper import LONGEST_TEXT, cell, table
from detector.report.sections import SHOWN, more
from detector.report.shape import DecisionLine, Report


def _lines(listed: tuple[DecisionLine, ...], there: int) -> list[str]:
    told = [
        (
            line.time,
            line.decision,
            line.requester,
            line.issuer,
            line.resource,
            line.told,
            line.outcome,
            line.by,
            line.trust,
            line.minted,
        )
        for line in listed[:SHOWN]
    ]
    heads = ("time", "decision", "requester", "issuer", "resource", "told", "outcome", "by", "whose word", "minted")
    return [*table(heads, told), *more(len(told), there)]


def exceptions(report: Report) -> list[str]:
    """Mints that went past a decision."""
    found = report.exceptions
    told = [
        ("against a deny, or a step-up that was refused", found.against),
        ("on a step-up that nobody had answered", found.on_step_up),
        ("never asked for", found.never_asked),
        ("of these at issuers whose broker asks otherwise", found.never_asked_where_others_do),
        ("naming a decision that the log does not know", found.citing_unknown_decisions),
    ]
    return [*table(("mints", "count"), told), *_lines(found.listed, found.against + found.on_step_up)]


def step_ups(report: Report) -> list[str]:
    """How step-ups ended, and the latest ones."""
    found = report.step_ups
    told: list[tuple[str, object]] = [
        ("step-ups told", found.told),
        *[(f"ended: {how}", count) for how, count in sorted(found.ended.items())],
        ("unanswered", found.unanswered),
        ("minted unanswered", found.minted_unanswered),
        ("minted after a refusal", found.minted_after_refusal),
        ("median seconds to the first word", found.median_seconds),
    ]
    denied = report.totals.told.deny
    return [*table(("", "count"), told), *_lines(found.listed, found.told + denied)]


def access_requests(report: Report) -> list[str]:
    """Requests for an answer, and what they came to."""
    asked = report.access_requests
    told: list[tuple[str, object]] = [
        ("requested", asked.requested),
        ("of these emergencies", asked.emergencies),
        *_most(asked.settled),
        ("expired unanswered", asked.expired),
        ("waiting at the end", asked.waiting),
        *[(f"answered by {method}", count) for method, count in _most(asked.by_method)],
        ("median seconds to the answer", asked.median_seconds),
        *[(f"approval presented: {what}", count) for what, count in _most(asked.presented)],
        ("minted for longer than approved", asked.minted_beyond_approval),
    ]
    return table(("access requests", "count"), told)


def outcomes(report: Report) -> list[str]:
    """Who said what of decisions."""
    words = report.outcomes
    told = [*sorted(words.by_both.items()), ("changed an earlier word", words.changed)]
    return table(("word", "count"), told)


def break_glass(report: Report) -> list[str]:
    """Windows and their reviews, the unreviewed first."""
    glass = report.break_glass
    told = [
        ("opened", glass.opened),
        ("decisions through them", glass.decisions),
        ("reviews", glass.reviewed),
        ("found unjustified", glass.unjustified),
        ("unreviewed", glass.unreviewed),
        *[(f"not let through: {why}", count) for why, count in sorted(glass.refused.items())],
    ]
    windows = sorted(glass.windows, key=lambda window: window.finding is not None)
    heads = ("opened", "until", "requester", "purpose", "decisions", "finding", "reviewer", "note")
    rows = [(w.opened, w.until, w.requester, w.purpose, w.decisions, w.finding, w.reviewer, w.note) for w in windows]
    return [*table(("", "count"), told), *table(heads, rows[:SHOWN]), *more(min(len(rows), SHOWN), len(rows))]


def kill_switch(report: Report) -> list[str]:
    """When enforcement was halted."""
    switch = report.kill_switch
    rows = [(halt.since, halt.until, halt.by, halt.because, halt.seconds, halt.answers) for halt in switch.periods]
    still = " It is on at the end." if switch.engaged_at_end else ""
    return [
        f"On for {cell(switch.seconds)} seconds in all; {cell(switch.answers)} requests were answered under it.{still}",
        "",
        *table(("since", "until", "by", "because", "seconds", "answers"), rows[:SHOWN]),
        *more(min(len(rows), SHOWN), len(rows)),
    ]


def rules(report: Report) -> list[str]:
    """Deny rules and their backtests."""
    found = report.rules
    rows = [
        (
            rule.rule,
            rule.scope,
            rule.state,
            rule.by,
            rule.created,
            rule.expires,
            rule.backtest,
            rule.override,
            rule.denied,
            rule.matched_enforced + rule.matched_canary,
            rule.matched_before,
        )
        for rule in found.rules[:SHOWN]
    ]
    heads = ("rule", "scope", "state", "by", "created", "expires", "backtest", "override", "denied", "matched biting")
    return [
        *table(("change", "count"), [*sorted(found.changes.items()), ("requests denied by rule", found.denied)]),
        *table((*heads, "matched before"), rows, longest=LONGEST_TEXT),
        *more(len(rows), found.lived),
    ]


def policy(report: Report) -> list[str]:
    """What intents, limits and advice did."""
    used = report.policy
    told = [
        *[(f"eased by intent {intent}", count) for intent, count in _most(used.eased_by_intent)],
        *[(f"limit {limit} broken", count) for limit, count in _most(used.broken_limits)],
        ("a harder verdict because of a limit", used.hardened),
        ("advised to ask for less", used.advised),
    ]
    return table(("requests, and mints never asked for", "count"), told)


def announced(report: Report) -> list[str]:
    """What others were told."""
    told = [*_most(report.announced.by_kind), *[(f"because: {code}", n) for code, n in _most(report.announced.by_code)]]
    return table(("announced", "count"), told)


def readings(report: Report) -> list[str]:
    """Who read what."""
    read = report.readings
    told = [
        *[(f"view: {view}", count) for view, count in _most(read.by_view)],
        *[(f"by {reader}", count) for reader, count in _most(read.by_reader)],
        ("of these without a record of their own", read.without_a_record),
    ]
    return table(("readings over the API", "count"), told)


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]


def changes(report: Report) -> list[str]:
    """Configurations, thresholds, and what else was turned."""
    found = report.changes
    configured = [
        (at.time, at.position, at.digest[:16], change.field, change.before, change.after)
        for at in found.configured
        for change in at.changed
    ]
    drawn = [(draw.time, draw.position, f"{draw.step_up:.3f}", f"{draw.deny:.3f}") for draw in found.thresholds]
    other = [(turn.time, turn.position, turn.kind, turn.by, turn.about) for turn in found.other]
    lines = [
        *table(("time", "entry", "policy", "setting", "before", "after"), configured[-SHOWN:], longest=LONGEST_TEXT),
        *more(min(len(configured), SHOWN), len(configured)),
        *table(("thresholds drawn", "entry", "step-up (nats)", "deny (nats)"), drawn[-SHOWN:]),
        *more(min(len(drawn), SHOWN), len(drawn)),
    ]
    if other:
        lines += table(("time", "entry", "what", "by", "about"), other[-SHOWN:], longest=LONGEST_TEXT)
        lines += more(min(len(other), SHOWN), len(other))
    return lines
