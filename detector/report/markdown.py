"""The report as Markdown: the frameworks first, then what stands behind them; tables show the top of the JSON's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Final

from detector.report import enforced, sections
from detector.report.paper import LONGEST_TEXT, Raw, cell, slug, table
from detector.report.shape import Report

HEADINGS: Final[Mapping[str, str]] = {
    "log": "Log and period",
    "totals": "Totals",
    "frameworks": "Frameworks",
    "mints": "Who was minted what",
    "requesters": "Inventory of identities that can mint",
    "issuers": "Issuers, lifetimes and rotation",
    "exceptions": "Mints past a decision",
    "step_ups": "Step-ups and denies",
    "access_requests": "Access requests",
    "outcomes": "Words on decisions",
    "break_glass": "Broken glass",
    "kill_switch": "Kill switch",
    "rules": "Deny rules",
    "policy": "Policy documents at work",
    "announced": "Announcements",
    "readings": "Readings of what is sensitive",
    "changes": "Changes to the system",
    "limits": "What was left off",
}
"""Each part of the report by its key, in the order it is told; the checks come before what is enforced."""


WHOLE: Final = 1_000
"""Characters of our own sentences, which are shorter."""


def as_markdown(report: Report) -> str:
    """The whole report; equal reports give equal text."""
    lines = ["# Evidence from the decision log", ""]
    lines += _section("log", sections.log(report))
    lines += _section("totals", sections.totals(report))
    lines += _section("frameworks", _frameworks(report))
    for name in ("mints", "requesters", "issuers"):
        lines += _section(name, WRITERS[name](report))
    lines += _checks(report)
    for name in list(WRITERS)[list(WRITERS).index("exceptions") :]:
        lines += _section(name, WRITERS[name](report))
    return "\n".join(lines).rstrip("\n") + "\n"


WRITERS: Final[Mapping[str, Callable[[Report], list[str]]]] = {
    "mints": sections.mints,
    "requesters": sections.requesters,
    "issuers": sections.issuers,
    "exceptions": enforced.exceptions,
    "step_ups": enforced.step_ups,
    "access_requests": enforced.access_requests,
    "outcomes": enforced.outcomes,
    "break_glass": enforced.break_glass,
    "kill_switch": enforced.kill_switch,
    "rules": enforced.rules,
    "policy": enforced.policy,
    "announced": enforced.announced,
    "readings": enforced.readings,
    "changes": enforced.changes,
    "limits": sections.limits,
}


def _section(name: str, lines: list[str]) -> list[str]:
    return [f"## {HEADINGS[name]}", "", *lines]


def _frameworks(report: Report) -> list[str]:
    lines = [
        "What the log shows of each requirement, and what it cannot. Evidence for an assessor; no claim of conformity.",
        "",
    ]
    titles = {check.name: check.title for check in report.checks}
    for framework, controls in groupby(report.frameworks, key=lambda control: control.framework):
        lines += [f"### {framework}", ""]
        rows = [
            (
                f"{control.id} {control.title}",
                control.shows,
                Raw(", ".join(_link(where, titles) for where in control.where) or "–"),
                control.cannot_show,
            )
            for control in controls
        ]
        lines += table(("requirement", "what the log shows", "where", "what it cannot show"), rows, longest=WHOLE)
    return lines


def _link(where: str, titles: Mapping[str, str]) -> str:
    heading = titles[where.removeprefix("checks.")] if where.startswith("checks.") else HEADINGS[where]
    return f"[{heading}](#{slug(heading)})"


def _checks(report: Report) -> list[str]:
    lines = [
        "## Checks",
        "",
        "Bounded heuristics: a finding is a reason to look. Those that reach furthest come first.",
        "",
    ]
    for check in report.checks:
        asked = f"{check.means} **Speaks from:** {cell(check.threshold, WHOLE)}."
        doubt = f"**Wrong when:** {cell(check.wrong_when, WHOLE)}"
        lines += [f"### {check.title}", "", f"{asked} {doubt}", "", f"Found: {cell(check.found)}.", ""]
        if not check.items:
            continue
        shown = check.items[: sections.SHOWN]
        of_rights = any(item.resource for item in shown)
        heads = ("requester", "issuer", "resource", "privilege", "because") if of_rights else ("requester", "because")
        lines += table(
            heads,
            [
                (item.requester, item.issuer, item.resource, item.privilege, item.because)
                if of_rights
                else (item.requester, item.because)
                for item in shown
            ],
            longest=LONGEST_TEXT,
        )
        lines += sections.more(len(shown), check.found)
    return lines
