"""Declared maintenance: for a while, what its scope does counts for less where maintenance explains it. Never a bypass.

Its subject is a requester, or what requests are made of: an issuer, a resource, an environment. Work at odd hours,
much of it, for longer and with other actions is what maintenance looks like. It explains neither where somebody comes
from, in whose name and with what proof he asks, nor a privilege that he never had, what he never asked for, what was
refused, or used after its end: those count in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from detector.engine.recent import Recent
from detector.events import Lifecycle
from detector.evidence import GRANT_CODES, USE_CODES, in_nats, quantise
from detector.features.facets import ABSENT, GRANT_FACETS, USE_FACETS, Facets
from detector.verdict import Reason

SHARE: Final = 0.4
"""What is left of a surprise that maintenance explains: with it more than a third of the false step-ups are none, and
five in six of the thieves who are stepped up otherwise still are (`python -m bench.maintenance`)."""

EXPLAINED: Final = (
    *("watch", "hour", "gap", "opening"),
    *("pace_10m", "pace_1h", "pace_1d", "spread", "unused", "uses"),
    *("lifetime", "term", "longer", "age"),
    *("right", "actions", "action"),
)
"""When, how often, how long, and what is done with what one has. New ground and new privileges are left out: they
would save hardly a false step-up more, and are what most thieves are seen by."""

MOST_SECONDS: Final = 86_400.0
"""No window is longer, whatever its declaration says: longer work is declared again, by somebody who looks at it."""

UNTIL_TOLD_SECONDS: Final = 3_600.0
"""How long a window is whose declaration does not say until when."""

MOST_WINDOWS: Final = 4
"""Windows of one subject that are remembered, the latest: one in force, and some that are planned."""

LEAST_NATS: Final = 0.25
"""What has to be taken off a row before its reasons say so."""


class Window(Struct, frozen=True):
    """From when until when a subject is under maintenance, Unix seconds."""

    since: float
    until: float


class Declared(NamedTuple):
    """The window that a row falls in: of which subject, and until when."""

    subject: str
    until: float


class Quiet(NamedTuple):
    """What declared maintenance took off a row (nats), and the codes that it was taken off."""

    declared: Declared
    nats: float
    codes: frozenset[str]


def declare(windows: Recent[tuple[Window, ...]], event: Lifecycle, subject: str) -> None:
    """Remember a declaration under the name it gives, and under the canonical one (`subject`)."""
    until = event.time + UNTIL_TOLD_SECONDS if event.until is None else event.until
    window = Window(event.time, min(until, event.time + MOST_SECONDS))
    if window.until <= window.since:
        return
    for name in {event.subject: None, subject: None}:
        if name == ABSENT:  # what is not said is no scope
            continue
        before = windows.get(name) or ()
        windows.put(name, (*before, window)[-MOST_WINDOWS:])


def during(windows: Recent[tuple[Window, ...]], facets: Facets, now: float, *, use: bool) -> Declared | None:
    """The window that a row falls in at `now`; of several the one that ends last."""
    found = None
    for name in (facets.requester, facets.issuer, *(facets.values[index] for index in _SUBJECTS[use])):
        for window in windows.get(name) or ():
            if window.since <= now < window.until and (found is None or window.until > found.until):
                found = Declared(name, window.until)
    return found


def quiet(
    windows: Recent[tuple[Window, ...]], facets: Facets, found: list[float], codes: Sequence[str], now: float
) -> Quiet | None:
    """Turn down in `found` what declared maintenance explains; `None` where it explains nothing of the row."""
    use = codes is USE_CODES
    declared = during(windows, facets, now, use=use)
    if declared is None:
        return None
    taken, explained = 0.0, []
    for index in _EXPLAINED[use]:
        if found[index] > 0.0:
            taken += (1.0 - SHARE) * found[index]
            found[index] *= SHARE
            explained.append(codes[index])
    return Quiet(declared, taken, frozenset(explained)) if explained else None


def told(quieted: Quiet) -> Reason:
    """How the reasons say it: what is named beside it counts for so much less."""
    return Reason(
        code="maintenance",
        because=f"during declared maintenance of {quieted.declared.subject}, which explains some of it",
        nats=0.0,
        expected="odd hours, more and longer work than usual",
        observed=f"{in_nats(quantise(quieted.nats)):.2f} nats less",
    )


_SUBJECTS: Final = {
    False: (GRANT_FACETS.index("resource"), GRANT_FACETS.index("environment")),
    True: (USE_FACETS.index("minted_for"), USE_FACETS.index("used_environment")),
}
"""Where in a grant's values, and in a use's, the names stand that may be under maintenance beside requester and
issuer."""

_EXPLAINED: Final = {
    use: tuple(codes.index(code) for code in EXPLAINED if code in codes)
    for use, codes in ((False, GRANT_CODES), (True, USE_CODES))
}
