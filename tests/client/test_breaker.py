"""The circuit breaker opens when it should, lets few try, closes again; no order of events makes it do otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from detector.client import Tripping
from detector.client.breaker import Breaker, Ticket


class Bench:
    """A breaker with a clock that is moved by hand, and no luck."""

    def __init__(self, dice: float = 0.999, **tripping: Any) -> None:
        self.now = 0.0
        self.heard: list[str] = []
        self.breaker = Breaker(
            Tripping(**tripping), monotonic=lambda: self.now, dice=lambda: dice, changed=self.heard.append
        )

    def asks(self, *outcomes: bool) -> list[bool]:
        """Ask one after the other; whether each was let through."""
        through = []
        for ok in outcomes:
            ticket = self.breaker.enter()
            through.append(ticket is not None)
            if ticket is not None:
                self.breaker.leave(ticket, ok=ok)
        return through


def test_it_opens_after_failures_in_a_row() -> None:
    """One success in between begins the count anew."""
    bench = Bench(consecutive=3)
    assert all(bench.asks(False, False, True, False, False))
    assert bench.breaker.state == "closed"
    assert bench.asks(False, True) == [True, False]
    assert bench.breaker.state == "open"


def test_it_opens_when_too_large_a_share_fails() -> None:
    """Failures that are never in a row open it once the window is full of them."""
    bench = Bench(consecutive=100, share=0.5, window=10)
    assert all(bench.asks(*[False, True] * 4, True))
    assert bench.breaker.state == "closed"
    assert bench.asks(False) == [True]
    assert bench.breaker.state == "open"


def test_after_its_pause_few_may_try() -> None:
    """As many probes at once as were said; so many successes close it."""
    bench = Bench(consecutive=1, open_seconds=10.0, probes=2, successes=3)
    bench.asks(False)
    bench.now = 9.9
    assert bench.breaker.enter() is None
    bench.now = 10.1
    probes = [bench.breaker.enter(), bench.breaker.enter()]
    assert None not in probes
    assert bench.breaker.enter() is None
    for probe in probes:
        assert probe is not None
        bench.breaker.leave(probe, ok=True)
    assert bench.breaker.state == "half_open"
    assert bench.asks(True, True) == [True, True]
    assert bench.breaker.state == "closed"
    assert bench.heard == ["open", "half_open", "closed"]


def test_a_failed_probe_doubles_the_pause_up_to_a_longest() -> None:
    """And a close begins with the short one again."""
    bench = Bench(consecutive=1, open_seconds=1.0, longest_open_seconds=5.0, successes=1)
    bench.asks(False)
    for pause in (1.0, 2.0, 4.0, 5.0, 5.0):
        bench.now += 0.99 * pause
        assert bench.breaker.enter() is None
        bench.now += 0.02 * pause
        assert bench.asks(False) == [True]
    bench.now += 5.1
    assert bench.asks(True, False, True) == [True, True, False]
    bench.now += 1.1
    assert bench.asks(True) == [True]


@given(st.floats(0, 1, exclude_max=True))
def test_brokers_do_not_come_back_at_once(dice: float) -> None:
    """The pause is between half and all of what was said."""
    bench = Bench(dice, consecutive=1, open_seconds=8.0)
    bench.asks(False)
    bench.now = 3.9
    assert bench.breaker.state == "open"
    bench.now = 8.0
    assert bench.breaker.state == "half_open"


def test_what_was_asked_in_another_era_says_nothing() -> None:
    """A late success does not close it, a late failure does not open it."""
    bench = Bench(consecutive=1, open_seconds=1.0, successes=1)
    late_success, late_failure = bench.breaker.enter(), bench.breaker.enter()
    assert late_success is not None
    assert late_failure is not None
    bench.asks(False)
    bench.breaker.leave(late_success, ok=True)
    assert bench.breaker.state == "open"
    bench.now = 1.1
    bench.asks(True)
    bench.breaker.leave(late_failure, ok=False)
    assert bench.breaker.state == "closed"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("consecutive", 0),
        ("window", -1),
        ("probes", 0),
        ("successes", 0),
        ("share", 0.0),
        ("share", 1.1),
        ("share", float("nan")),
        ("open_seconds", 0.0),
        ("open_seconds", 31.0),
        ("open_seconds", float("nan")),
        ("longest_open_seconds", float("inf")),
    ],
)
def test_a_breaker_that_could_not_work_cannot_be_made(field: str, value: float) -> None:
    """The field is named."""
    with pytest.raises(ValueError, match=field):
        Tripping(**{field: value})  # type: ignore[arg-type]


class Circuit(RuleBasedStateMachine):
    """Asks that begin, end and are given up in any order, while time passes."""

    inside: Bundle[Ticket] = Bundle("inside")

    def __init__(self) -> None:
        super().__init__()
        self.tripping = Tripping(consecutive=3, window=6, open_seconds=1.0, longest_open_seconds=4.0, probes=2)
        self.bench = Bench(0.5, consecutive=3, window=6, open_seconds=1.0, longest_open_seconds=4.0, probes=2)
        self.probing: list[Ticket] = []
        self.opened: float | None = None

    @rule(target=inside)
    def begin(self) -> Any:
        """Ask for leave: always given while closed, never while open, to few while half open."""
        state = self.bench.breaker.state
        ticket = self.bench.breaker.enter()
        if ticket is None:
            assert state == "open" or len(self.current()) == self.tripping.probes
            return Ticket(-1, probe=False)
        assert state != "open"
        assert ticket.probe == (state == "half_open")
        if ticket.probe:
            self.probing.append(ticket)
        return ticket

    @rule(ticket=consumes(inside), ok=st.booleans())
    def end(self, ticket: Ticket, *, ok: bool) -> None:
        """Tell how it went; a failed probe opens."""
        failed_probe = ticket in self.current() and not ok
        self.leave(ticket)
        self.bench.breaker.leave(ticket, ok=ok)
        if failed_probe:
            assert self.bench.breaker.state == "open"

    @rule(ticket=consumes(inside))
    def give_up(self, ticket: Ticket) -> None:
        """Say nothing: the state stays."""
        state = self.bench.breaker.state
        self.leave(ticket)
        self.bench.breaker.forget(ticket)
        assert self.bench.breaker.state == state

    @rule(seconds=st.floats(0.0, 5.0))
    def wait(self, seconds: float) -> None:
        """Time alone never closes it, and never opens it."""
        before = self.bench.breaker.state
        self.bench.now += seconds
        after = self.bench.breaker.state
        assert (before, after) in {("closed", "closed"), ("open", "open"), ("open", "half_open"), ("half_open",) * 2}

    @rule()
    def recover(self) -> None:
        """From whatever state: a sidecar that is well is found within the longest pause and a few asks."""
        for ticket in self.current():
            self.leave(ticket)
            self.bench.breaker.forget(ticket)
        self.bench.now += self.tripping.longest_open_seconds
        for _ in range(self.tripping.successes):
            ticket = self.bench.breaker.enter()
            assert ticket is not None
            self.bench.breaker.leave(ticket, ok=True)
        assert self.bench.breaker.state == "closed"

    def current(self) -> list[Ticket]:
        """The probes that are under way in this era."""
        era = self.bench.breaker._era
        return [ticket for ticket in self.probing if ticket.era == era]

    def leave(self, ticket: Ticket) -> None:
        """It is no longer under way."""
        if ticket in self.probing:
            self.probing.remove(ticket)

    @invariant()
    def probes_are_few(self) -> None:
        """Never more at once than was said."""
        assert len(self.current()) <= self.tripping.probes


TestCircuit = Circuit.TestCase
