"""Decisions as stories: each is told to a fresh engine, and its answers, rows and log entries are what it expects."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from detector.engine import Row
from detector.engine.records import Decided, RuleChanged
from detector.rules import Selector
from tests.cases.loader import BadCase, Case, Step, cases, corpus
from tests.engine.world import AWAY, HOME, HOUSE, SERVICE, World, codes

STORIES = Path(__file__).parent / "stories"


def told(case: Case) -> None:
    """Tell one story and hold it to what it expects."""
    world = World(dataclasses.replace(HOUSE, mode=case.mode))  # type: ignore[arg-type]
    named: dict[str, Decided] = {}
    for number, step in enumerate(case.steps, 1):
        lines = len(world.log.lines)
        came = happen(world, step, named)
        if step.called is not None:
            assert isinstance(came, Decided)
            named[step.called] = came
        if step.expected:
            assert came is not None
            assert found(world, came, step.expected, lines) == step.expected, f"step {number}, {step.verb}"
    assert world.folded().digest() == world.engine.digest()


def happen(world: World, step: Step, named: dict[str, Decided]) -> Decided | Row | None:
    """Let one step happen."""
    said = dict(step.said)
    if "ttl_seconds" in said:
        said["ttl_seconds"] = float(said["ttl_seconds"])
    if "from" in said:
        said["source"] = {"away": AWAY, "home": HOME}[said.pop("from")]
    match step.verb:
        case "ask":
            return world.ask(**said)
        case "mint":
            decision = named[said.pop("for")].decision if "for" in said else None
            return world.issue(decision=decision, **said)
        case "use":
            return world.use(said.pop("credential"), **said)
        case "live":
            world.live(said.pop("days"), **said)
        case "wait":
            world.wait(said["seconds"])
        case "happens":
            world.happens(**said)
        case "outcome":
            world.engine.record_outcome(named[said["of"]].decision, said["says"], by="anna")
        case "rule":
            selector = Selector(requester=said.get("requester", SERVICE), resource=said.get("resource"))
            world.engine.propose_rule(
                selector,
                by="anna",
                reason="a story",
                lifetime_seconds=said["seconds"],
                goal=said["mode"],
                override="the story says so" if said["mode"] == "enforced" else "",
            )
    return None


def found(world: World, came: Decided | Row, expected: dict[str, Any], lines: int) -> dict[str, Any]:
    """What came of a step, in the words that the story uses; a decision is read back from the log."""
    written = world.log.records()[lines:]
    if isinstance(came, Decided):
        assert came in written, "the decision stands in the log as it was answered"
    reasons = codes(came)
    facts: dict[str, Any] = {
        "verdict": came.weighed.verdict if isinstance(came, Decided) else came.verdict,
        "answer": came.answer if isinstance(came, Decided) else None,
        "first_reason": reasons[0] if reasons else None,
        "denied_by_rule": "deny_rule" in reasons,
        "raises_rule": any(isinstance(record, RuleChanged) for record in written),
        "reasons": reasons,
    }
    wanted = expected.get("reasons")
    if wanted:
        facts["reasons"] = [code for code in wanted if code in reasons]
    return {name: facts[name] for name in expected}


@pytest.mark.parametrize("case", corpus(STORIES), ids=lambda case: case.name.replace(" ", "-"))
def test_a_story_comes_out_as_it_is_told(case: Case) -> None:
    """Every answer, verdict and reason is what the story expects, and the log folds to the same state."""
    assert case.tells.endswith(".")
    told(case)


GOOD = """
- name: a
  tells: It is so.
  steps:
    - ask: {}
      expect: {answer: allow}
"""


def test_the_loader_reads_a_good_story() -> None:
    """What is written is what is read."""
    (case,) = cases(GOOD, "good.yaml")
    assert (case.name, case.mode, len(case.steps)) == ("a", "enforce", 1)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (GOOD.replace("tells", "tels"), "'tels'"),
        (GOOD.replace("answer:", "anwser:"), "'anwser'"),
        (GOOD.replace("ask: {}", "ask: {resuorce: x}"), "'resuorce'"),
        (GOOD.replace("ask: {}", "aks: {}"), "'aks'"),
        (GOOD + GOOD, "two cases are named 'a'"),
        (GOOD.replace("  tells: It is so.\n", ""), "tells"),
        (GOOD.replace("      expect: {answer: allow}\n", ""), "expects nothing"),
        (GOOD.replace("{answer: allow}", "{answer: allow, answer: deny}"), "stands twice"),
        (GOOD.replace("    - ask: {}", "    - ask: {}\n      wait: {seconds: 1}"), "one thing at a time"),
        (GOOD.replace("ask: {}", "wait: {seconds: 1}"), "nothing can be expected"),
        ("", "a list of cases"),
        ("- just text", "a case is a mapping"),
    ],
)
def test_the_loader_refuses_what_may_assert_nothing(bad: str, why: str) -> None:
    """Unknown keys, double keys, double names and stories that cannot fail are errors that say what is wrong."""
    with pytest.raises(BadCase, match=why):
        list(cases(bad, "bad.yaml"))


def test_a_name_is_used_once_in_all_files(tmp_path: Path) -> None:
    """Two files may not tell two stories under one name."""
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(BadCase, match="named twice"):
        corpus(tmp_path)
