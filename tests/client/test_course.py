"""The course of one question: whatever comes of its attempts, it ends in time and asks again only what may be."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.client.course import Clocks, Course, Heard, Patience, Try, Wait, course, retry_after
from detector.client.failures import Failure, FailureKind

KINDS: tuple[FailureKind, ...] = ("unreachable", "garbled", "slow", "lying", "too_large")
failures = st.builds(Failure, st.sampled_from(KINDS), st.just("x"))
headers = st.sampled_from(({}, {"retry-after": "0"}, {"retry-after": "1"}, {"retry-after": "soon"}))
answers = st.builds(Heard, st.sampled_from((200, 404, 429, 500, 503)), headers, st.just(b""))


class Hand:
    """Time that passes only when it is told to."""

    now = 0.0

    def clocks(self, dice: float) -> Clocks:
        """All of it from this hand."""
        return Clocks(monotonic=lambda: self.now, wall=lambda: self.now, dice=lambda: dice)


def may_be_repeated(came: Failure | Heard) -> bool:
    """A connection that failed, or a sidecar that is busy."""
    return came.kind in {"unreachable", "garbled"} if isinstance(came, Failure) else came.status in {429, 503}


def sent(asking: Course, came: Failure | Heard | None) -> tuple[Try | Wait | None, Failure | Heard | None]:
    """The next step, or how it ended."""
    try:
        return asking.send(came), None
    except StopIteration as ended:
        return None, ended.value


@given(
    st.lists(st.tuples(failures | answers, st.floats(0, 1)), min_size=10, max_size=10),
    st.integers(1, 5),
    st.floats(0.001, 3.0),
    st.floats(0, 1, exclude_max=True),
)
def test_a_course_ends_in_time_and_repeats_only_what_may_be(
    world: list[tuple[Failure | Heard, float]], attempts: int, seconds: float, dice: float
) -> None:
    """At most so many tries; none is begun, and none is waited for, past the deadline; each retry is allowed one."""
    hand, events = Hand(), iter(world)
    asking = course(Patience(attempts=attempts, least_wait=0.01, most_wait=0.1), ends=seconds, clocks=hand.clocks(dice))
    step: Try | Wait | None = next(asking)
    tried, came = 0, []
    while step is not None:
        if isinstance(step, Try):
            tried += 1
            assert 0 < step.connecting < step.seconds <= seconds - hand.now + 1e-9
            last, took = next(events)
            came.append(last)
            hand.now += min(took, step.seconds)
        else:
            assert hand.now + step.seconds < seconds
            assert may_be_repeated(came[-1])
            if isinstance(came[-1], Heard):
                assert step.seconds >= retry_after(came[-1].headers, hand.now)
            hand.now += step.seconds
        step, ended = sent(asking, came[-1] if isinstance(step, Try) else None)
    assert ended is came[-1]
    assert 1 <= tried <= attempts
    assert hand.now <= seconds + 1e-9


def test_waits_grow_up_to_their_longest() -> None:
    """Full jitter: anything below a limit that doubles."""
    asking = course(Patience(attempts=6, least_wait=0.01, most_wait=0.05), ends=9.0, clocks=Hand().clocks(0.5))
    waits, step = [], next(asking)
    while len(waits) < 5:
        step = asking.send(None if isinstance(step, Wait) else Failure("unreachable", "x"))
        if isinstance(step, Wait):
            waits.append(step.seconds)
    assert waits == pytest.approx([0.005, 0.01, 0.02, 0.025, 0.025])


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2", 2.0),
        (" 2 ", 2.0),
        (formatdate(1_000_030.0, usegmt=True), 30.0),
        (formatdate(999_000.0, usegmt=True), 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("", 0.0),
        ("٣", 0.0),
    ],
)
def test_retry_after_is_read_as_http_writes_it(said: str, seconds: float) -> None:
    """Seconds or a date; what is neither asks for nothing."""
    assert retry_after({"retry-after": said}, 1_000_000.0) == seconds
