"""Reasons in plain words: what was expected of this requester, and what was seen instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from math import expm1
from typing import Final

from detector.baselines.baselines import Baselines
from detector.baselines.habits import Habits
from detector.evidence import GRANT_CODES, in_nats, quantise
from detector.features.facets import ABSENT, Facets
from detector.features.rhythm import GRADES
from detector.verdict import Reason

MOST_REASONS: Final = 6
"""A reader takes in a handful; what is left out says least."""

LEAST_NATS: Final = 0.25
"""Below this a share is no reason, only a habit kept or nearly kept."""

_MOST_EXPECTED: Final = 3

_ABSENT: Final = re.compile(rf"(?<!\S){re.escape(ABSENT)}(?!\S)")
"""What was not given, alone or within a value of several parts."""

SENTENCES: Final[dict[str, str]] = {
    "issuer": "asks an issuer it does not usually ask",
    "resource": "asks for a resource it does not usually ask for",
    "area": "asks in an area it does not usually work in",
    "privilege": "asks for a privilege it does not usually hold",
    "actions": "asks for actions it does not usually take",
    "sensitivity": "asks for something of unusual sensitivity",
    "address": "comes from an address it does not usually come from",
    "network": "comes from a network it does not usually come from",
    "site": "comes from a site it does not usually come from",
    "environment": "comes from an environment it does not usually run in",
    "region": "comes from an unusual region",
    "client": "uses an unusual client",
    "workload": "comes from an unusual workload",
    "consumer": "asks for an unusual consumer",
    "authentication": "proved itself in an unusual way",
    "chain": "acts on behalf of an unusual chain",
    "task": "works on an unusual kind of task",
    "purpose": "states an unusual purpose",
    "break_glass": "breaks glass, which it does not usually do",
    "lifetime": "asks for an unusual lifetime",
    "right": "asks for an unusual privilege on this resource",
    "path": "asks for this resource from an unusual network",
    "term": "asks for an unusual lifetime for this resource",
    "origin": "acts on behalf of somebody it does not usually act for",
    "head": "is asked through somebody it is not usually asked through",
    "depth": "is asked through a chain of unusual length",
    "crossing": "asks across environments in an unusual way",
    "kinship": "asks for what is named after other work than its own",
    "company": "asks for what those it works with do not ask for",
    "renewal": "renews in an unusual way",
    "task_state": "names a task in an unusual state",
    "policy": "asks right after a change of policy",
    "decision": "the issuance does not agree with what was decided",
    "watch": "asks at a time of day or week when it does not usually ask (UTC)",
    "hour": "asks at an unusual hour (UTC)",
    "longer": "asks for a longer lifetime than usual",
    "gap": "comes at an unusual distance from its last request",
    "pace_10m": "asks unusually often within minutes",
    "pace_1h": "asks unusually often within the hour",
    "pace_1d": "asks unusually often within the day",
    "spread": "asks for unusually many different resources within the hour",
    "unused": "leaves unusually many credentials unused",
    "refusals": "is refused unusually often",
    "task_age": "comes back to a task after an unusually long time",
    "action": "the credential is used for an unusual action",
    "power": "the credential is used with unusual power",
    "used_area": "the credential is used in an unusual area",
    "used_network": "the credential is used from an unusual network",
    "used_site": "the credential is used from an unusual site",
    "used_environment": "the credential is used in an unusual environment",
    "used_client": "the credential is used by an unusual client",
    "whereabouts": "the credential is used in another place than usual",
    "outcome": "the use ended unusually",
    "state": "the credential was used in an unusual state",
    "scope": "the use does not fit the privilege that was asked for",
    "errand": "the use does not fit the resource that was asked for",
    "user": "the credential is used by somebody it was not minted for",
    "minted_for": "the credential is used for what it was not minted for",
    "age": "the credential is used unusually late after its mint",
    "uses": "the credential is used unusually often",
    "denials": "the uses are denied unusually often",
    "accumulated": "earlier events of this requester were odd already",
}
"""One sentence a code: what telemetry may count by, and what the README lists."""


def reasons(
    found: Sequence[float],
    codes: Sequence[str],
    facets: Facets,
    baselines: Baselines,
    before: tuple[float, Collection[str]],
) -> tuple[Reason, ...]:
    """The weightiest shares as reasons, largest first.

    `before` is what had accumulated against the requester (nats) and the oddities
    it came from.
    """
    carried, oddities = before
    telling = [index for index, nats in enumerate(found) if nats >= LEAST_NATS]
    if not telling and carried < LEAST_NATS:
        telling = [found.index(max(found))]  # many small shares add up too, and nothing is refused without a reason
    telling.sort(key=lambda index: -found[index])
    family = baselines.grants if codes is GRANT_CODES else baselines.uses
    own = family.habits.get(facets.requester)
    made = [
        Reason(
            code=codes[index],
            because=SENTENCES[codes[index]],
            nats=in_nats(quantise(found[index])),
            expected=_expected(index, codes[index], facets, own, baselines),
            observed=_observed(index, codes[index], facets),
        )
        for index in telling[:MOST_REASONS]
    ]
    if carried >= LEAST_NATS:
        accumulated = Reason(
            code="accumulated",
            because=SENTENCES["accumulated"],
            nats=in_nats(quantise(carried)),
            expected="nothing held against it",
            observed="; ".join(list(oddities)[-_MOST_EXPECTED:]) or "odd requests, only asked so far",
        )
        made.append(accumulated)
        made.sort(key=lambda reason: -reason.nats)
    return tuple(made)


def _expected(index: int, code: str, facets: Facets, own: Habits | None, baselines: Baselines) -> str:
    if own is None:
        return f"nothing learnt of this requester yet: what {_fellows(facets, baselines)} do"
    if index < len(facets.values):
        return _usual(own.counts[index], own.total)
    if code == "longer":
        return f"about {expm1(baselines.lifetimes[facets.requester].mean.get()):.0f} s"
    bins = own.histograms[index - len(facets.values)][:GRADES]
    likeliest = sorted(range(len(bins)), key=lambda i: -bins[i])[:_MOST_EXPECTED]
    if code == "hour":
        return ", ".join(_hour(i) for i in sorted(likeliest) if bins[i] > 0)
    return _quantity(code, likeliest[0])


def _fellows(facets: Facets, baselines: Baselines) -> str:
    if not facets.peers:
        return "its peers"
    profile = baselines.peers.profiles.get(facets.peers)
    if profile is None or facets.sure <= 0.0:
        return "others (it is like no group of them)"
    return f"the {profile.members} of group {facets.peers} (its peers with {facets.sure:.0%} sureness)"


def _usual(counts: Mapping[str, float], total: float) -> str:
    usual = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_EXPECTED]
    said = ", ".join(f"{_plainly(value)} ({count / total:.0%})" for value, count in usual)
    more = len(counts) - len(usual)
    return f"{said} and {more} more" if more > 0 else said


def _observed(index: int, code: str, facets: Facets) -> str:
    if index < len(facets.values):
        return _plainly(facets.values[index])
    if code == "longer":
        return f"{facets.lifetime or 0:.0f} s"
    grade = facets.grades[index - len(facets.values)]
    return _hour(grade) if code == "hour" else _quantity(code, grade)


def _plainly(value: str) -> str:
    return _ABSENT.sub("none given", value)


def _hour(index: int) -> str:
    return f"{index % 24:02d}:00 on a {'working day' if index < 24 else 'weekend'}"  # noqa: PLR2004 - hours of a day


def _quantity(code: str, graded: int) -> str:
    last = graded == GRADES - 1  # all that is more has the same grade
    about = 2.0 ** ((graded if last else graded + 0.5) / 2.0) - 1.0 if graded else 0.0
    how = "more than" if last else "about"
    if code not in {"gap", "age", "task_age"}:
        return f"{how} {about:.0f}"
    for unit, seconds in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if about >= 2 * seconds:
            return f"{how} {about / seconds:.0f} {unit}"
    return f"{how} {about:.0f} seconds"
