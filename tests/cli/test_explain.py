"""`assayer explain`: every reason, who was meant, and what would have made it another verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from detector.cli.explain import what_would_flip
from detector.engine.records import Weighed
from detector.events import Source, Usage
from detector.policies import read
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
    assert nats_shown(said.out) == pytest.approx(float(said.out.partition("evidence   ")[2].split()[0]), abs=0.05)
    assert "outcome    malicious, said ana" in said.out


def nats_shown(out: str) -> float:
    """What the reasons and what is not named come to, as the screen shows them."""
    told = [float(found) for found in re.findall(r"^\s*(\d+\.\d+) +\S", out, re.MULTILINE)]
    return sum(told) + float(out.partition("not named  ")[2].split()[0])


def test_an_allow_says_how_far_from_a_step_up_it_was(assayer: Assayer, decisions: dict[str, str]) -> None:
    """What fits is explained too."""
    said = assayer("explain", decisions["honest"], "--data", "data")
    assert "verdict    allow" in said.out
    assert "nats more: from 6.00 it is stepped up" in said.out


def test_what_a_policy_document_did_is_explained(assayer: Assayer, decisions: dict[str, str]) -> None:
    """The intent that eased, the limits that were broken and what would pass; and what would have flipped it."""
    store = embedded(load(None, environment={}, overrides={"server": {"data": Path("data")}}), warn=pytest.fail)
    asked = organisation.request(2_000, time=store.engine.state.memory.stamp)
    intent = {
        "requester": asked.requester,
        "resource": "*",
        "privilege": "admin",
        "max_ttl_seconds": 86_400,
        "authorised_by": "ana",
        "expires": "2199-01-01T00:00:00Z",
    }
    short = {"sensitivity": ["low"], "max_ttl_seconds": 60}
    document = read({"version": 1, "intents": {"agreed": intent}, "limits": {"short": short}})
    store.engine.apply_policy(document, by="ana", because="x", override="a test")
    decided = store.engine.ask(replace(asked, sensitivity="low", ttl_seconds=900.0), trusted=True).decision
    store.close()
    said = " ".join(assayer("explain", decided.decision, "--data", "data").out.split())
    assert "agreed within intent agreed: stepped up 1.00 nats later than otherwise" in said
    assert "limits breaks short; without that: allow" in said
    assert "advice a lifetime of 60 s, no more than read (limit short; " in said
    assert "flipped by keeping to short" in said


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


def weighed(verdict: str, *nats: float, unnamed: float = 0.0) -> Weighed:
    """A weighing with one reason for each share, and what no reason names."""
    reasons = tuple(Reason(f"code{i}", "because", share, "x", "y") for i, share in enumerate(nats))
    total = round((sum(nats) + unnamed) * 1024)
    return Weighed(own=total, evidence=total, step=total, risk=0.5, verdict=verdict, reasons=reasons)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "rule", "said"),
    [
        (weighed("step_up", 5.0, 3.0, 1.0), None, "taking away code0: 4.00 nats are left, which is allow"),
        (weighed("step_up", 3.0, 3.0, 3.0), None, "taking away code0, code1: 3.00 nats are left, which is allow"),
        (weighed("deny", 6.0, 5.0, 4.0), None, "taking away code0, code1: 4.00 nats are left, which is allow"),
        (weighed("deny", 16.0, 4.0), None, "taking away code0: 4.00 nats are left, which is allow"),
        (weighed("step_up", 0.5, unnamed=6.0), None, "taking away code0, what no reason names: 0.00 nats are left"),
        (weighed("deny", 1.0), "r-1", "withdrawing the deny rule r-1: 1.00 nats are left, which is allow"),
        (weighed("deny", 7.0), "r-1", "withdrawing the deny rule r-1 and taking away code0: 0.00 nats are left"),
        (weighed("allow", 2.0), None, "4.00 nats more: from 6.00 it is stepped up"),
    ],
)
def test_what_would_flip_is_the_fewest_largest_reasons(found: Weighed, rule: str | None, said: str) -> None:
    """The named reasons suffice, and one fewer would not."""
    assert said in what_would_flip(found, rule=rule)
