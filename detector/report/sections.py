"""The parts of the Markdown report, each a list of lines."""

from __future__ import annotations

from typing import Final

from detector.report.counts import Before
from detector.report.paper import LONGEST_TEXT, cell, table
from detector.report.shape import Report
from detector.report.views import Named

SHOWN: Final = 25
"""Rows of a table: what somebody reads. The JSON has the rest."""

ROWS_ARE: Final = (
    "One row for each issuer, requester, resource and privilege, those minted most first. "
    "*Odd* are mints that were found worth a step-up or a deny, *after asking* those with a decision before them."
)
REACH_IS: Final = (
    "Blast radius: *reach* is the sum over all rights that an identity was ever minted, of privilege (read 1, write 3, "
    "admin 10) times sensitivity (low 1 to critical 8). What it could be minted and never was, no log tells. "
    "*Live* are credentials that work at the end."
)

FORGOTTEN: Final = "what entries up to {} said; what exists, is live and was in force is known from their state"

HOUR: Final = 3_600.0


def more(shown: int, there: int) -> list[str]:
    """A line on what a table leaves out; none where that is nothing."""
    return [f"… and {cell(there - shown)} more in the JSON.", ""] if there > shown else []


def log(report: Report) -> list[str]:
    """Which log, which entries, which period."""
    covered, period = report.log, report.period
    told = [
        ("log", covered.identity or "without a name"),
        ("period", f"{period.since or 'the beginning of the log'} to {period.until or 'the end of the log'}"),
        ("is it over", "yes" if period.ended else "no, or the log has nothing later: entries to come may belong to it"),
        ("known as of", period.as_of),
        ("entries read", f"{covered.first_position} to {covered.last_position}"),
        ("entries in the period", sum(covered.entries_in_period.values())),
        ("forgotten before", FORGOTTEN.format(covered.forgotten) if covered.forgotten else "nothing"),
    ]
    if covered.root is not None:
        told.append(("Merkle root over them", covered.root))
    lines = table(("", ""), told, longest=LONGEST_TEXT)
    kinds = [(kind, covered.entries_in_period.get(kind, 0), count) for kind, count in sorted(covered.entries.items())]
    return [*lines, *table(("entries", "in the period", "read in all"), kinds)]


def totals(report: Report) -> list[str]:
    """The sums."""
    all_of = report.totals
    verdicts = [
        ("requests, as found", all_of.requests.allow, all_of.requests.step_up, all_of.requests.deny),
        ("requests, as told to the broker", all_of.told.allow, all_of.told.step_up, all_of.told.deny),
        ("mints, as found", all_of.mints.allow, all_of.mints.step_up, all_of.mints.deny),
        ("uses, as found", all_of.usages.allow, all_of.usages.step_up, all_of.usages.deny),
    ]
    counts = [
        *[(f"answers in mode {mode}", count) for mode, count in sorted(all_of.modes.items())],
        ("mints refused by the issuer", all_of.refused),
        ("renewals", all_of.renewals),
        ("uses of credentials whose mint is not in the log", all_of.uses_of_unknown_credentials),
        ("uses after expiry", all_of.uses_after_expiry),
        ("uses after revocation", all_of.uses_after_revocation),
        ("uses still waiting for their mint", all_of.usages_waiting),
        *[(f"lifecycle: {change}", count) for change, count in sorted(all_of.lifecycle.items())],
        ("requests of untrusted callers, counted nowhere else", all_of.untrusted_requests),
        ("events of untrusted callers, counted nowhere else", all_of.untrusted_events),
    ]
    return [
        *table(("", "allow", "step up", "deny"), verdicts),
        *_before([("mints", all_of.mints_before)]),
        *table(("", "count"), counts),
    ]


def _before(rows: list[tuple[str, Before]], name: str = "") -> list[str]:
    heads = (name, "allowed before", "approved before", "on an open step-up", "against", "forgotten", "never asked")
    return table(
        heads,
        [(what, b.allowed, b.approved, b.on_step_up, b.against, b.forgotten, b.never_asked) for what, b in rows],
    )


def mints(report: Report) -> list[str]:
    """The rights that were minted most."""
    rows = sorted(report.mints.rows, key=lambda row: -row.mints.total)
    told = [
        (
            row.issuer,
            row.requester,
            row.resource,
            row.privilege,
            row.requests.total,
            row.told.step_up,
            row.told.deny,
            row.mints.total,
            row.mints.step_up + row.mints.deny,
            row.before.asked,
            row.refused,
        )
        for row in rows[:SHOWN]
    ]
    heads = (
        "issuer",
        "requester",
        "resource",
        "privilege",
        "asked",
        "stepped up",
        "denied",
        "minted",
        "odd",
        "after asking",
    )
    return [
        ROWS_ARE,
        "",
        *table((*heads, "refused by issuer"), told),
        *more(len(told), len(rows)),
    ]


def requesters(report: Report) -> list[str]:
    """Those that reach furthest."""
    views = sorted(report.requesters, key=lambda view: -view.reach_points)
    told = [
        (
            view.requester,
            _names(view.raw_names),
            view.reach_points,
            ", ".join(view.privileges) or None,
            ", ".join(view.sensitivities) or None,
            view.resource_count,
            len(view.issuers),
            view.live_credentials,
            _names(view.consumers),
            _names(view.delegation_chains),
            view.mints,
            view.last_seen,
            ", ".join(view.findings) or None,
        )
        for view in views[:SHOWN]
    ]
    heads = (
        "requester",
        "seen as",
        "reach",
        "privileges",
        "sensitivities",
        "resources",
        "issuers",
        "live",
        "consumers",
    )
    return [
        REACH_IS,
        "",
        *table((*heads, "chains", "minted", "last seen", "findings"), told),
        *more(len(told), len(views)),
    ]


def issuers(report: Report) -> list[str]:
    """Every issuer: reach, lifetimes, what was asked before."""
    views = sorted(report.issuers, key=lambda view: -view.reach_points)[:SHOWN]
    reach = [
        (v.issuer, v.requesters, v.resources, v.reach_points, v.asks_before_minting, v.usage_seen, v.mints, v.last_seen)
        for v in views
    ]
    lives = [
        (
            view.issuer,
            _hours(view.lifetime_median_seconds),
            _hours(view.lifetime_max_seconds),
            view.without_end,
            view.renewals,
            view.live_credentials,
            view.live_without_end,
            _hours(view.oldest_live_seconds),
        )
        for view in views
    ]
    heads = (
        "issuer",
        "requesters",
        "resources",
        "reach",
        "asks before minting",
        "uses are seen",
        "minted",
        "last seen",
    )
    lifetimes = ("issuer", "median life (h)", "longest life (h)", "minted without end", "renewals")
    rest = more(len(views), len(report.issuers))
    return [
        *table(heads, reach),
        *_before([(view.issuer, view.mints_before) for view in views], "issuer"),
        *table((*lifetimes, "live", "live without end", "oldest live (h)"), lives),
        *rest,
    ]


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / HOUR, 2)


def limits(report: Report) -> list[str]:
    """Where a limit was reached."""
    reached = [(what, count) for what, count in sorted(report.limits.items()) if count]
    if not reached:
        return ["Nothing: no limit was reached.", ""]
    return table(("of these so many were counted in sums only", "count"), reached)


def _names(names: Named) -> str | None:
    shown = ", ".join(names.shown[:3])
    return f"{shown}, …" if names.more or len(names.shown) > 3 else shown or None  # noqa: PLR2004 - three recognise one
