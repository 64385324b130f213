"""The frameworks' tables: their own identifiers, sentences that are filled, places that exist."""

from __future__ import annotations

from collections import Counter

import msgspec

from detector.report.frameworks import REQUIREMENTS
from detector.report.shape import Report
from tests.engine.world import AWAY, World
from tests.report.told import told

OWASP = (
    "Improper Offboarding",
    "Secret Leakage",
    "Vulnerable Third-Party NHI",
    "Insecure Authentication",
    "Overprivileged NHI",
    "Insecure Cloud Deployment Configurations",
    "Long-Lived Secrets",
    "Environment Isolation",
    "NHI Reuse",
    "Human Use of NHI",
)
"""The OWASP Non-Human Identities Top 10 of 2025, in its order."""

MAESTRO = (
    "Foundation Models",
    "Data Operations",
    "Agent Frameworks",
    "Deployment and Infrastructure",
    "Evaluation and Observability",
    "Security and Compliance",
    "Agent Ecosystem",
)
"""The seven layers, from the model up."""


def titles(framework: str) -> dict[str, str]:
    """The requirements of one framework by identifier."""
    return {each.id: each.title for each in REQUIREMENTS if each.framework == framework}


def test_each_framework_is_there_whole_where_it_is_short() -> None:
    """The ten risks, the seven tenets, the six outcomes, the seven layers; of the last what a log speaks to."""
    assert titles("OWASP NHI Top 10 2025") == {f"NHI{number}:2025": title for number, title in enumerate(OWASP, 1)}
    assert list(titles("NIST SP 800-207")) == [f"Tenet {number}" for number in range(1, 8)]
    assert list(titles("NIST CSF 2.0")) == [f"PR.AA-0{number}" for number in range(1, 7)]
    assert titles("CSA MAESTRO") == {f"Layer {number}": title for number, title in enumerate(MAESTRO, 1)}
    assert {each.split()[0] for each in titles("NIST AI RMF 1.0")} == {"GOVERN", "MAP", "MEASURE", "MANAGE"}
    assert max(Counter((each.framework, each.id) for each in REQUIREMENTS).values()) == 1


def test_every_sentence_is_filled_and_says_what_it_cannot() -> None:
    """No brace is left, each figure in it is told beside it, and each place named is a part of the report."""
    world = World().live()
    world.steal()
    world.ask(source=AWAY, resource="db/root", privilege="admin")
    of = told(world)
    parts = {field.name for field in msgspec.structs.fields(Report)}
    checks = {f"checks.{check.name}" for check in of.checks}
    assert len(of.frameworks) == len(REQUIREMENTS)
    for control in of.frameworks:
        assert "{" not in control.shows
        assert control.cannot_show.endswith(".")
        assert set(control.where) <= parts | checks
        assert bool(control.where) is (control.shows != "Nothing.")
        for figure in control.figures.values():
            assert isinstance(figure, int | float)


def test_figures_are_the_reports_own() -> None:
    """What a sentence says is what the part it points to holds."""
    world = World().live(2)
    world.issue(ttl_seconds=None)
    of = told(world)
    (risk,) = (control for control in of.frameworks if control.id == "NHI7:2025")
    assert risk.figures["live_without_end"] == sum(view.live_without_end for view in of.issuers) == 1
    (standing,) = (check for check in of.checks if check.name == "standing")
    assert risk.figures["standing"] == standing.found == 1
    assert "1 of them without an end" in risk.shows
