"""Explanations are true: every reason speaks, all of them and the rest add up, and the top three are why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bench.detection.ours import shipped_policy
from bench.explanations import Flagged, flagged
from detector.engine import judge
from detector.engine.policing import SAID
from detector.engine.words import ASPECTS, LEAST_NATS, SENTENCES
from detector.evidence import GRANT_CODES, QUANTA, USE_CODES, in_nats
from detector.intake import read
from detector.intake.order import in_time_order
from detector.verdict import Reason
from tests.engine.world import World
from tests.properties.histories import Step, histories

LONG = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
UNSAID = re.compile(r"(?<!\S)-(?!\S)|^$|nan|None")


def assert_speaks(reason: Reason) -> None:
    """Its sentence, what was expected and what was seen are words: never empty, never a dash, never a hole."""
    for said in (reason.because, reason.expected, reason.observed):
        assert said == said.strip()
        assert not UNSAID.search(said), reason


def assert_adds_up(judged: judge.Judged, codes: Sequence[str]) -> None:
    """Every share worth telling stands in one reason, and with what is not named reasons come to the evidence."""
    weighed, shares = judged.weighed, dict(zip(codes, judged.shares, strict=True))
    carried = in_nats(weighed.evidence - weighed.own)
    telling = {code: nats for code, nats in shares.items() if nats >= LEAST_NATS}
    for reason in weighed.reasons:
        assert reason.nats == pytest.approx(
            carried if reason.code == "accumulated" else told_by(reason.code, shares), abs=2 / QUANTA
        )
    if weighed.reasons:
        named = {code for reason in weighed.reasons for code in aspect(reason.code)}
        assert set(telling) <= named
    rest = sum(nats for code, nats in shares.items() if code not in telling)
    rest += carried if carried < LEAST_NATS else 0.0
    if telling and weighed.reasons:
        said = sum(reason.nats for reason in weighed.reasons)
        assert said + rest == pytest.approx(in_nats(weighed.evidence), abs=(len(weighed.reasons) + 2) / QUANTA)


def aspect(code: str) -> tuple[str, ...]:
    """The facets that are told together with this one."""
    return next((codes for codes in ASPECTS.values() if code in codes), (code,))


def told_by(code: str, shares: Mapping[str, float]) -> float:
    """What a reason with this code has to come to: all shares of its aspect worth telling, or the only one there is."""
    return sum(shares[c] for c in aspect(code) if shares.get(c, 0.0) >= LEAST_NATS) or shares[code]


@LONG
@given(histories)
def test_every_reason_of_any_history_speaks(steps: list[Step]) -> None:
    """Whatever happened before: what a decision or a row says for itself is said in words."""
    world = World()
    for step in steps:
        step(world)
    for record in world.log.records():
        weighed = getattr(record, "weighed", None)
        for reason in weighed.reasons if weighed is not None else ():
            assert_speaks(reason)
            ordered = reason.code in {"deny_rule", "maintenance", *SAID}  # no surprise: somebody's own words
            assert ordered or reason.because in {SENTENCES[reason.code], *ASPECTS}


@LONG
@given(histories)
def test_reasons_and_what_is_not_named_come_to_the_evidence(steps: list[Step]) -> None:
    """For an ask, a mint, a mint against a deny, and a use, after any history."""
    world = World()
    for step in steps:
        step(world)
    state, now = world.state, world.clock.now + 7.0
    for odd in ({}, {"requester": "spiffe://prod/app/a", "resource": "kv/new", "privilege": "admin", "issuer": "sts"}):
        for word in ("allowed", "minted against a deny"):
            facets = judge.prepare_grant(state, world.grant(**odd), now, decision=word)
            assert_adds_up(judge.weigh_grant(state, facets, now, decision=None), GRANT_CODES)
        assert_adds_up(judge.weigh_ask(state, facets, now), GRANT_CODES)
    for credential in ("c1", "c2", None):
        used = judge.prepare_use(state, world.usage(credential, action="iam:AttachRolePolicy"), now)
        assert_adds_up(judge.weigh_use(state, used, now), USE_CODES)


@pytest.fixture(scope="module")
def sampled() -> list[Flagged]:
    """What the engine flags in the shipped samples, in time order."""
    folder = Path(__file__).resolve().parents[2] / "data" / "samples"
    paths = [str(path) for path in sorted(folder.iterdir()) if path.name != "README.md"]
    events = (event for _, event in read(paths, on_rejected=pytest.fail))
    return list(flagged(in_time_order(events), shipped_policy()))


def test_without_the_top_three_reasons_the_verdict_flips(sampled: list[Flagged]) -> None:
    """In at least nineteen of twenty flagged rows of the samples; `python -m bench.explanations` measures more."""
    assert len(sampled) >= 20
    assert sum(told.flips() for told in sampled) >= 0.95 * len(sampled)


def test_every_reason_of_the_samples_speaks(sampled: list[Flagged]) -> None:
    """Real dialects leave out other fields than a simulated world does: their reasons are words, too."""
    for told in sampled:
        for reason in told.row.reasons:
            assert_speaks(reason)
