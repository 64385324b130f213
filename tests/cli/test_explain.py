"""`assayer explain`: every reason, who was meant, and what would have made it another verdict."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from detector.cli.explain import what_would_flip
from detector.engine.policy import Thresholds
from detector.engine.records import Weighed
from detector.events import Source, Usage
from detector.verdict import Reason
from detector.wiring.compose import EventClock, embedded
from detector.wiring.files import load
from tests.cli import organisation
from tests.cli.conftest import Assayer


@pytest.fixture
def decisions(tmp_path: Path) -> dict[str, str]:
    """A store with a history, an honest decision and a thief's; their ids."""
    clock = EventClock()
    settings = load(None, environment={}, overrides={"server": {"data": tmp_path / "data"}})
    store = embedded(settings, warn=pytest.fail, clock=clock)
    for event in organisation.history():
        clock.see(event.time)
        store.engine.observe(event)
    now = organisation.START + 300 * organisation.HOUR
    clock.see(now)
    honest = store.engine.ask(organisation.request(1_000, time=now), trusted=True)
    theft = organisation.thief(1, time=now + 60.0)
    clock.see(theft.time)
    stolen = store.engine.ask(theft, trusted=True)
    store.engine.observe(
        Usage(
            id="stolen-use",
            time=now + 70.0,
            credential="c299",
            action="iam:CreateUser",
            resource="*",
            outcome="denied",
            source=Source(ip="185.220.101.7", user_agent="curl/8"),
        )
    )
    store.engine.record_outcome(stolen.decision.decision, "malicious", by="ana")
    store.close()
    return {"honest": honest.decision.decision, "stolen": stolen.decision.decision}


def test_a_refusal_is_explained(assayer: Assayer, decisions: dict[str, str]) -> None:
    """Verdict, reasons with expected and seen, the folding rule, the outcome, and what would have flipped it."""
    said = assayer("explain", decisions["stolen"], "--data", "data")
    assert said.status == 0
    assert "verdict    step_up" in said.out
    assert "requester  arn:aws:sts::1:assumed-role/deploy\n" in said.out
    assert "folded by  aws-assumed-role-session" in said.out
    assert "expected" in said.out
    assert "admin" in said.out
    assert "flipped by  taking away" in said.out
    assert "outcome    malicious, said ana" in said.out


def test_an_allow_says_how_far_from_a_step_up_it_was(assayer: Assayer, decisions: dict[str, str]) -> None:
    """What fits is explained too."""
    said = assayer("explain", decisions["honest"], "--data", "data")
    assert "verdict    allow" in said.out
    assert "nats more: from 6 it is stepped up" in said.out


def test_an_observed_event_is_explained(assayer: Assayer, decisions: dict[str, str]) -> None:
    """An issuance that was ingested is found by its own id, and so is a usage that was found odd."""
    mint = assayer("explain", "r5", "--data", "data").out
    assert "minted     aws/creds/app-write from vault:prod/aws: granted" in mint
    used = assayer("explain", "stolen-use", "--data", "data").out
    assert "used       credential c299 for iam:CreateUser on *: denied" in used
    assert "verdict    step_up" in used


def test_an_unknown_decision_is_said_to_be_unknown(assayer: Assayer, decisions: dict[str, str]) -> None:
    """A wrong id is one line and 1."""
    said = assayer("explain", "d-nothing", "--data", "data")
    assert (said.status, said.err) == (1, "assayer: the log in data holds no decision and no event 'd-nothing'\n")


def test_a_directory_without_a_log_is_said_to_have_none(assayer: Assayer) -> None:
    """Pointing at the wrong directory is told apart from a wrong id, and makes no log there."""
    said = assayer("explain", "d-1", "--data", "nowhere")
    assert said.status == 1
    assert "no log here" in said.err
    assert not Path("nowhere").exists()


def test_a_name_is_explained_without_a_decision(assayer: Assayer) -> None:
    """`--identity` says who a raw name is taken for, and by which rule."""
    folded = assayer("explain", "--identity", "arn:aws:sts::1:assumed-role/deploy/run-8842").out
    assert folded.splitlines()[0] == "requester  arn:aws:sts::1:assumed-role/deploy"
    assert "folded by  aws-assumed-role-session" in folded
    assert "no identity rule folds this name" in assayer("explain", "--identity", "svc1").out


def test_names_cannot_write_on_the_terminal(assayer: Assayer) -> None:
    """Control characters of a hostile name are shown, not sent."""
    assert "\x1b" not in assayer("explain", "--identity", "a\x1b[2Jb").out


def weighed(verdict: str, *nats: float) -> Weighed:
    """A weighing with one reason for each share."""
    reasons = tuple(Reason(f"code{i}", "because", share, "x", "y") for i, share in enumerate(nats))
    total = round(sum(nats) * 1024)
    return Weighed(own=total, evidence=total, step=total, risk=0.5, verdict=verdict, reasons=reasons)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "rule", "said"),
    [
        (weighed("step_up", 5.0, 3.0, 1.0), None, "taking away code0: 4.00 nats are left, which is allow"),
        (weighed("step_up", 3.0, 3.0, 3.0), None, "taking away code0, code1: 3.00 nats are left, which is allow"),
        (weighed("deny", 6.0, 5.0, 4.0), None, "taking away code0: 9.00 nats are left, which is step_up"),
        (weighed("deny", 1.0), "r-1", "withdrawing the deny rule r-1: 1.00 nats are left, which is allow"),
        (weighed("deny", 7.0), "r-1", "withdrawing the deny rule r-1 and taking away code0: 0.00 nats are left"),
        (weighed("allow", 2.0), None, "4.00 nats more: from 6 it is stepped up"),
    ],
)
def test_what_would_flip_is_the_fewest_largest_reasons(found: Weighed, rule: str | None, said: str) -> None:
    """The named reasons suffice, and one fewer would not."""
    assert said in what_would_flip(found, Thresholds(step_up=6.0, deny=14.0), rule=rule)


def test_the_cold_are_told_their_own_threshold() -> None:
    """What would flip a row of a requester with few events is told against the threshold that it was judged by."""
    weighed = Weighed(own=2048, evidence=2048, step=0, risk=0.01, verdict="allow", cold=True)
    usual = Thresholds(step_up=6.0, deny=14.0)
    assert what_would_flip(weighed, usual) == "flipped by  1.90 nats more: from 3.9 it is stepped up"
    old = msgspec.structs.replace(weighed, cold=False)
    assert what_would_flip(old, usual) == "flipped by  4.00 nats more: from 6 it is stepped up"
