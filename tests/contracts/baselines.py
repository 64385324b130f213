"""Every baseline there is, behind the verbs that the contract speaks, and the lives they learn from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

import detector.baselines.baselines
from detector.baselines.baselines import Baselines
from detector.baselines.family import Family, Weighing
from detector.evidence import GRANT_CODES, USE_CODES
from detector.features.facets import ABSENT, GRANT_FACETS, GRANT_GRADES, USE_FACETS, USE_GRADES, Facets
from detector.features.rhythm import GRADES, UNTOLD

MONDAY: Final = 1_772_409_600.0
"""2026-03-02T00:00:00Z."""

HOUR: Final = 3_600.0

Baseline = Any


@dataclass(frozen=True, slots=True)
class Subject:
    """One baseline under the contract: how it is made, asked, taught, saved and revived.

    `facets` and `grades` are the parts of its events, `codes` the names of the ratios it gives.
    """

    name: str
    empty: Callable[[], Baseline]
    weigh: Callable[[Baseline, Facets, float], Weighing]
    learn: Callable[[Baseline, Facets, float], None]
    save: Callable[[Baseline], bytes]
    revive: Callable[[bytes], Baseline]
    facets: tuple[str, ...]
    grades: tuple[str, ...]
    codes: tuple[str, ...]


def _family(data: bytes) -> Family:
    return msgspec.msgpack.decode(data, type=Family)


SUBJECTS: Final = (
    Subject(
        "Baselines, of grants",
        Baselines,
        Baselines.weigh_grant,
        Baselines.learn_grant,
        Baselines.snapshot,
        Baselines.revive,
        GRANT_FACETS,
        GRANT_GRADES,
        GRANT_CODES,
    ),
    Subject(
        "Baselines, of uses",
        Baselines,
        Baselines.weigh_use,
        Baselines.learn_use,
        Baselines.snapshot,
        Baselines.revive,
        USE_FACETS,
        USE_GRADES,
        USE_CODES,
    ),
    Subject(
        "Family, of grants",
        lambda: Family.empty(GRANT_FACETS, GRANT_GRADES),
        Family.weigh,
        Family.learn,
        msgspec.msgpack.encode,
        _family,
        GRANT_FACETS,
        GRANT_GRADES,
        (*GRANT_FACETS, *GRANT_GRADES),
    ),
    Subject(
        "Family, of uses",
        lambda: Family.empty(USE_FACETS, USE_GRADES),
        Family.weigh,
        Family.learn,
        msgspec.msgpack.encode,
        _family,
        USE_FACETS,
        USE_GRADES,
        USE_CODES,
    ),
)
"""The estimator in both its voices, and the family that both are made of."""

PACKAGE: Final = detector.baselines

WORDS: Final = (ABSENT, "a", "b", "c", "read", "admin", "no", "yes", "at work", "settled", "success", "-x-", "é 1")
"""Few enough to recur; some are words that weighing treats apart."""

REQUESTERS: Final = ("spiffe://prod/app/a", "spiffe://prod/app/b", "staging/job", "new")
_LIFETIMES: Final = (None, 0.0, 60.0, 900.0, 86_400.0, 9e6)


def event(
    subject: Subject, requester: str, values: Sequence[str], grades: Sequence[int], lifetime: float | None
) -> Facets:
    """An event of a subject's: a grant names its lifetime in the facet of that name, as `grant_facets` writes it."""
    shown = list(values)
    if "lifetime" in subject.facets:
        shown[subject.facets.index("lifetime")] = ABSENT if lifetime is None else f"{lifetime:.0f} s"
    return Facets(requester, requester[:8], f"issuer of {requester[:4]}", tuple(shown), tuple(grades), lifetime)


def events(subject: Subject) -> st.SearchStrategy[Facets]:
    """Any event: most facets keep to one value, a few stray, so that there are habits to break."""
    values = st.dictionaries(st.sampled_from(subject.facets), st.sampled_from(WORDS), max_size=6).map(
        lambda odd: [odd.get(name, "a") for name in subject.facets]
    )
    grades = st.lists(
        st.one_of(st.just(3), st.integers(UNTOLD, GRADES - 1)),
        min_size=len(subject.grades),
        max_size=len(subject.grades),
    )
    return st.builds(
        lambda who, shown, graded, lifetime: event(subject, who, shown, graded, lifetime),
        st.sampled_from(REQUESTERS[:3]),
        values,
        grades,
        st.sampled_from(_LIFETIMES),
    )


def lives(subject: Subject) -> st.SearchStrategy[list[tuple[Facets, float]]]:
    """Events with the seconds since the one before."""
    return st.lists(st.tuples(events(subject), st.sampled_from((0.0, 1.0, HOUR, 40 * HOUR))), max_size=40)


def learnt(subject: Subject, life: Sequence[tuple[Facets, float]], *, by: Baseline = None) -> tuple[Baseline, float]:
    """A baseline that learnt a life, and the time it then is."""
    baseline, now = subject.empty() if by is None else by, MONDAY
    for shown, waited in life:
        now += waited
        subject.learn(baseline, shown, now)
    return baseline, now


def constant(subject: Subject, *, requester: str = REQUESTERS[0], grade: int = 3, **odd: str) -> Facets:
    """The event that everybody shows, but for what is odd about it."""
    values = [odd.get(name, "a") for name in subject.facets]
    return event(subject, requester, values, [grade] * len(subject.grades), 900.0)


def plain(shown: Facets, now: float) -> dict[Hashable, Any]:
    """A grant as the plain feature dictionary that a river pipeline hands on."""
    named: Mapping[str, str] = dict(zip(GRANT_FACETS, shown.values, strict=True))
    kept = {name: value for name, value in named.items() if value != ABSENT}
    return {**kept, "requester": shown.requester, "issuer": shown.issuer, "group": shown.group, "time": now}
