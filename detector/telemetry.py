"""What Prometheus sees of us: collectors made with the registry they live in.

`Telemetry` is the engine's ear and the API's tally. No label ever holds a
requester, a resource, an issuer or an address: the number of series must not
grow with the fleet. Words that come from elsewhere pass `Words`, which lets a
fixed number of them through and calls the rest `other`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from detector.engine import Vitals
from detector.engine.records import Announcement
from detector.rules import RuleChange, RuleState, Stage

Child = TypeVar("Child", Counter, Gauge, Histogram)

MOST_WORDS: Final = 64
"""Different values of one label: more than our vocabularies hold, few enough to scrape."""

OTHER: Final = "other"

REFUSALS: Final = ("missing", "malformed", "unknown", "expired", "revoked", "role", "host", "origin")
"""Why a caller was not let in."""

LIMITS: Final = ("rate", "concurrency", "authentication")
"""What may turn a request away."""

NATS: Final = (-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0)
"""Evidence: finer about where thresholds come to lie."""

SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
"""An answer and a commit: from the half millisecond they should take to the ten seconds nobody waits."""

WAITS: Final = (0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3_600.0, 86_400.0)
"""From an announcement to whom it is for: a second while all is well, the length of an outage where it is not."""

FAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "not_json": ("not json", "in the middle", "goes on with", "utf-8", "gzip", "zstd"),
    "not_an_object": ("no json object",),
    "missing_field": ("is missing", "is empty"),
    "too_large": ("too deep", "too large", "longer than", "more than"),
    "bad_time": ("rfc 3339", "is no time"),
    "unknown_kind": ("kind: ", "no dialect", "not recognised"),
    "wrong_type": ("must be", "not allowed"),
}
"""A decoder's sentence, which may name any field, as one of a few words: the first that fits."""


class Words:
    """Lets the first few different words through, then calls every new one `other`."""

    def __init__(self, most: int = MOST_WORDS) -> None:
        self._most = most
        self._known: set[str] = set()

    def bounded(self, word: str) -> str:
        """The word, or `other`."""
        if word in self._known:
            return word
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(word)
        return word


def fault(reason: str) -> str:
    """A decoder's sentence as one of a few words.

    >>> fault("requester: is missing")
    'missing_field'
    """
    lowered = reason.lower()
    for word, signs in FAULTS.items():
        if any(sign in lowered for sign in signs):
            return word
    return OTHER


class Telemetry:
    """Every collector there is, in the registry it was made with.

    >>> telemetry = Telemetry(CollectorRegistry())
    >>> telemetry.judged(kind="usage", verdict="allow", mode="enforce", nats=-0.5)
    >>> telemetry.registry.get_sample_value(
    ...     "assayer_verdicts_total", {"kind": "usage", "verdict": "allow", "mode": "enforce"})
    1.0
    """

    def __init__(self, registry: CollectorRegistry, *, version: str = "") -> None:
        self.registry = registry
        self._words = Words()
        self._children: dict[tuple[object, ...], Counter | Gauge | Histogram] = {}
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        Info("assayer_build", "The running version.", registry=registry).info({"version": version})

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"assayer_{name}", says, labels, registry=registry)

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"assayer_{name}", says, labels, registry=registry)

        def histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"assayer_{name}", says, labels, buckets=buckets, registry=registry)

        self._verdicts = counter("verdicts", "Rows judged.", "verdict", "kind", "mode")
        self._evidence = histogram("evidence_nats", "Evidence of judged rows, in nats.", NATS, "kind")
        self._reasons = counter("findings", "Judged rows that carried this reason or finding.", "code")
        self._joins = counter("joins", "Decisions sought for issuances, issuances for usages.", "join", "result")
        self._set_aside = counter("set_aside", "Events held for a partner, late, or duplicates.", "why")
        self._learnt = counter("learnt", "Events that taught the baselines.", "kind")
        self._glasses = counter("glasses_broken", "Asks that passed enforcement through a broken glass.")
        self._unreviewed_glasses = gauge("glasses_unreviewed", "Broken glasses that nobody has reviewed.")
        self._due = gauge("intents_due", "Pre-approved intents that somebody has to answer for anew.")
        self._step_ups = counter("access_requests", "Access requests and approvals, by what happened to them.", "what")
        self._halted = gauge("kill_switch", "1 while the kill switch lets everything pass.")
        self._rule_hits = counter("rule_hits", "Grants that matched a deny rule, by its stage.", "stage", "denied")
        self._rule_changes = counter("rule_changes", "Deny rules raised, switched, withdrawn.", "change")
        self._announced = counter("announcements", "Credentials and risk levels announced to others.", "kind")
        self._sent = counter("signals_delivered", "Announcements and findings that a receiver took.", "stream")
        self._unsent = counter("signals_undelivered", "Attempts to deliver that failed.", "stream", "why")
        self._wait = histogram("signals_wait_seconds", "From the log to a receiver.", WAITS, "stream")
        self._behind = gauge("signals_backlog", "Announcements that a stream has still to get.", "stream")
        self._oldest = gauge("signals_backlog_seconds", "How long the first of them has waited.", "stream")
        self._lagged = counter("signals_lagged", "Times a receiver came to lag behind.", "stream")
        self._accepted = counter("events_accepted", "Events taken in.", "dialect")
        self._unreadable = counter("decoder_errors", "Log records that could not be read.", "dialect", "reason")
        self._requests = counter("http_requests", "Requests answered.", "route", "method", "status")
        self._latency = histogram("http_request_seconds", "Time to answer a request.", SECONDS, "route")
        self._refused = counter("auth_failures", "Callers refused.", "why")
        self._limited = counter("limited_requests", "Requests turned away by a limit.", "limit")
        self._failures = counter("failures", "Errors of ours: each is a bug, and is in the log.")
        self._append = histogram("log_append_seconds", "Time until a record was durable.", SECONDS)
        self._unrecorded = counter("unrecorded_answers", "Answers marked recorded:false.")
        self._position = gauge("log_position", "Position the state has been folded to.")
        self._lag = gauge("log_lag_records", "Records folded but not durable yet.")
        self._trouble = gauge("log_trouble", "1 while the log cannot make records durable.")
        self._ready = gauge("ready", "1 while /readyz says so.")
        self._baselines = gauge("baselines", "Baselines held.", "level")
        self._waiting = gauge("waiting_events", "What waits: for a partner, to be learnt, for somebody's word.", "for")
        self._credentials = gauge("credentials", "Credentials remembered, to join their usage to.")
        self._rules = gauge("deny_rules", "Deny rules by state.", "state")
        self._thresholds = gauge("threshold_nats", "Where an issuer without its own steps up and denies.", "verdict")
        self._pressed = gauge("issuers_under_pressure", "Issuers with unusually many odd requesters at once.")
        self._begin_at_nothing()

    def _begin_at_nothing(self) -> None:
        """Give what alerts watch its zero: a counter born at one has not increased, as Prometheus sees it."""
        for change in get_args(RuleChange):
            self._rule_changes.labels(change=change)
        for stage in get_args(Stage):
            self._rule_hits.labels(stage=stage, denied="no")
        for state in get_args(RuleState):
            self._rules.labels(state=state)
        for kind in get_args(Announcement):
            self._announced.labels(kind=kind)
        for why in REFUSALS:
            self._refused.labels(why=why)
        for limit in LIMITS:
            self._limited.labels(limit=limit)

    # --- what the engine tells (detector.engine.ports.Ear) -------------------------------------------------

    def judged(
        self,
        *,
        kind: str,
        verdict: str,
        mode: str,
        nats: float,
        shares: Sequence[float] = (),
        novel: Sequence[int] = (),
    ) -> None:
        """A row was weighed. Its facets' shares are for who fits weights: here they would be series by the dozen."""
        del shares, novel
        self._child(self._verdicts, verdict, kind, mode).inc()
        self._child(self._evidence, kind).observe(nats)

    def found(self, code: str) -> None:
        """A row carried a reason or finding with this code."""
        self._child(self._reasons, self._words.bounded(code)).inc()

    def joined(self, join: str, *, found: bool) -> None:
        """A partner was sought, and found or not."""
        self._child(self._joins, join, "found" if found else "missing").inc()

    def set_aside(self, why: str) -> None:
        """An event was held, late, or a duplicate."""
        self._child(self._set_aside, why).inc()

    def learnt(self, kind: str) -> None:
        """An event taught the baselines."""
        self._child(self._learnt, kind).inc()

    def glass_broken(self) -> None:
        """Somebody passed enforcement in an emergency."""
        self._glasses.inc()

    def step_up(self, what: str) -> None:
        """An access request was made or answered, or an approval presented."""
        self._child(self._step_ups, what).inc()

    def rule_matched(self, stage: str, *, denied: bool) -> None:
        """A grant matched a deny rule: what it would have denied is counted apart from what it did."""
        self._child(self._rule_hits, stage, "yes" if denied else "no").inc()

    def rule_changed(self, change: str) -> None:
        """A deny rule was raised, switched or withdrawn."""
        self._child(self._rule_changes, change).inc()

    def announced(self, kind: str) -> None:
        """Others are told of a credential or a risk."""
        self._child(self._announced, kind).inc()

    # --- what signals tell (detector.signals.couriers.Tally) ------------------------------------------------

    def delivered(self, stream: str, seconds: float) -> None:
        """A receiver took what was logged so many seconds ago."""
        self._child(self._sent, stream).inc()
        self._child(self._wait, stream).observe(seconds)

    def undelivered(self, stream: str, why: str) -> None:
        """An attempt to deliver failed, or was refused for good."""
        self._child(self._unsent, stream, why).inc()

    def behind(self, stream: str, depth: int, age: float) -> None:
        """How far behind a stream is."""
        self._child(self._behind, stream).set(depth)
        self._child(self._oldest, stream).set(age)

    def lagged(self, stream: str) -> None:
        """A receiver came to lag."""
        self._child(self._lagged, stream).inc()

    # --- what intake tells ----------------------------------------------------------------------------------

    def accepted(self, dialect: str, events: int = 1) -> None:
        """Events of a dialect were taken in."""
        self._child(self._accepted, dialect).inc(events)

    def unreadable(self, dialect: str | None, reason: str) -> None:
        """A record could not be read, for this reason (a sentence)."""
        self._child(self._unreadable, dialect or "unknown", fault(reason)).inc()

    # --- what the API tells ---------------------------------------------------------------------------------

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the template, never the path."""
        self._child(self._requests, route, method, str(status)).inc()
        self._child(self._latency, route).observe(seconds)

    def refused(self, why: str) -> None:
        """A caller was not let in."""
        self._child(self._refused, why).inc()

    def limited(self, limit: str) -> None:
        """A request met a limit: `rate`, `concurrency` or `authentication`."""
        self._child(self._limited, limit).inc()

    def failed(self) -> None:
        """An error of ours reached the door."""
        self._failures.inc()

    def appended(self, seconds: float) -> None:
        """A record became durable this long after it was appended."""
        self._append.observe(seconds)

    def unrecorded(self) -> None:
        """An answer went out before its record was durable."""
        self._unrecorded.inc()

    def examined(self, vitals: Vitals, *, durable: int, trouble: str | None, ready: bool) -> None:
        """Set the gauges from what the engine and the log say of themselves."""
        self._position.set(vitals.position)
        self._lag.set(max(0, vitals.position - durable))
        self._trouble.set(trouble is not None)
        self._ready.set(ready)
        waiting = {"partner": vitals.held, "quarantine": vitals.quarantined, "outcome": vitals.flagged}
        for what, number in {**waiting, "approval": vitals.access_pending}.items():
            self._child(self._waiting, what).set(number)
        self._credentials.set(vitals.credentials)
        self._baselines.labels(level="requester").set(vitals.requesters)
        self._baselines.labels(level="issuer").set(vitals.issuers)
        for state, number in vitals.rules.items():
            self._rules.labels(state=state).set(number)
        for verdict, nats in vitals.thresholds.items():
            self._thresholds.labels(verdict=verdict).set(nats)
        self._pressed.set(vitals.pressed)
        self._halted.set(vitals.halted)
        self._unreviewed_glasses.set(vitals.glasses_unreviewed)
        self._due.set(vitals.intents_due)

    def _child(self, family: Child, *values: str) -> Child:
        """The family's child for these label values, remembered: `labels` takes a lock every time."""
        key = (family, *values)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = family.labels(*values)
        return child  # type: ignore[return-value] # what was stored under a family is that family's child
