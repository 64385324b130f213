"""Telemetry: what is counted, and that counting never grows with the fleet."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from detector.engine import Vitals
from detector.telemetry import MOST_WORDS, OTHER, Telemetry, Words, fault


def series(telemetry: Telemetry) -> int:
    """How many samples a scrape returns."""
    return sum(len(family.samples) for family in telemetry.registry.collect())


@pytest.fixture
def telemetry() -> Telemetry:
    """Collectors in a registry of their own."""
    return Telemetry(CollectorRegistry(), version="1.2.3")


def test_two_in_one_process_do_not_meet() -> None:
    """Collectors live in the registry they were given, so a process may hold two applications."""
    one, two = Telemetry(CollectorRegistry()), Telemetry(CollectorRegistry())
    one.failed()
    assert one.registry.get_sample_value("assayer_failures_total") == 1
    assert two.registry.get_sample_value("assayer_failures_total") == 0


def test_verdicts_are_counted_by_verdict_kind_and_mode(telemetry: Telemetry) -> None:
    """Each judged row counts once under its verdict, kind and mode, and its evidence is seen."""
    telemetry.judged(kind="grant_request", verdict="deny", mode="shadow", nats=15.5)
    telemetry.judged(kind="grant_request", verdict="deny", mode="shadow", nats=3.0)
    labels = {"kind": "grant_request", "verdict": "deny", "mode": "shadow"}
    assert telemetry.registry.get_sample_value("assayer_verdicts_total", labels) == 2
    buckets = {
        bound: telemetry.registry.get_sample_value(
            "assayer_evidence_nats_bucket", {"kind": "grant_request", "le": bound}
        )
        for bound in ("2.0", "4.0", "14.0", "20.0")
    }
    assert buckets == {"2.0": 0, "4.0": 1, "14.0": 1, "20.0": 2}


def test_invented_words_cannot_grow_the_metrics() -> None:
    """Codes past the sixty-fourth count as `other`."""
    words = Words()
    assert {words.bounded(f"code-{number}") for number in range(10 * MOST_WORDS)} == {
        *(f"code-{number}" for number in range(MOST_WORDS)),
        OTHER,
    }


def test_ten_thousand_different_reasons_are_a_handful_of_series(telemetry: Telemetry) -> None:
    """A decoder's sentence may hold anything; its metric holds one of a few words."""
    telemetry.unreadable("vault", "time: is no time")
    before = series(telemetry)
    for number in range(10_000):
        telemetry.unreadable("vault", f"time: {number} is no time")
    assert series(telemetry) == before


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("is not JSON: it ends in the middle", "not_json"),
        ("is no JSON object", "not_an_object"),
        ("requester: is missing", "missing_field"),
        ("time: must be an RFC 3339 time with an offset, between 1990 and 2200", "bad_time"),
        ("kind: must be grant_request, issuance, usage or lifecycle", "unknown_kind"),
        ("attributes: is too deep or too large", "too_large"),
        ("ttl_seconds: must be a number", "wrong_type"),
        ("the moon is full", OTHER),
    ],
)
def test_a_decoders_sentence_has_one_word(reason: str, word: str) -> None:
    """Operators group errors by a word; the sentence is in the sender's answer."""
    assert fault(reason) == word


@pytest.mark.parametrize("name", ["assayer_rule_changes_total", "assayer_auth_failures_total"])
def test_what_alerts_watch_starts_at_zero(telemetry: Telemetry, name: str) -> None:
    """A counter that first appears at one has not increased for Prometheus, and its alert would stay silent."""
    assert f"{name}{{".encode() in generate_latest(telemetry.registry)


def test_gauges_say_what_the_engine_said(telemetry: Telemetry) -> None:
    """Lag is what has been folded and is not durable; trouble and readiness are 0 or 1."""
    vitals = Vitals(
        position=120,
        durable=100,
        requesters=7,
        issuers=2,
        held=3,
        credentials=5,
        quarantined=4,
        flagged=1,
        rules={"enforced": 2},
        thresholds={"step_up": 6.25, "deny": 8.0},
        pressed=1,
        halted=True,
        glasses_unreviewed=2,
        access_pending=2,
        intents_due=1,
    )
    telemetry.examined(vitals, durable=100, trouble="disk full", ready=False)
    values = {
        "assayer_log_position": 120,
        "assayer_log_lag_records": 20,
        "assayer_log_trouble": 1,
        "assayer_ready": 0,
        "assayer_credentials": 5,
    }
    assert {name: telemetry.registry.get_sample_value(name) for name in values} == values
    assert telemetry.registry.get_sample_value("assayer_deny_rules", {"state": "enforced"}) == 2
    assert telemetry.registry.get_sample_value("assayer_baselines", {"level": "requester"}) == 7
    assert telemetry.registry.get_sample_value("assayer_waiting_events", {"for": "quarantine"}) == 4
