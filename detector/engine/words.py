"""Reasons in plain words: what was expected of this requester, and what was seen instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from math import expm1
from typing import Final

from detector.baselines.baselines import Baselines
from detector.baselines.family import Family
from detector.evidence import GRANT_CODES, in_nats, quantise
from detector.features.facets import ABSENT, GRANT_FACETS, Facets
from detector.features.rhythm import GRADES
from detector.verdict import Reason

LEAST_NATS: Final = 0.25
"""Below this a share is no reason, only a habit kept or nearly kept."""

_MOST_EXPECTED: Final = 3

_MOST_SHOWN: Final = 4
"""Facets of one reason that are shown, the weightiest; what is left out says least, and counts all the same."""

_MOST_COMPARED: Final = 1_024
"""Values of a crowd among which the usual ones are looked for; where it has more, none of them is usual."""

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
    "opening": "asks for this resource without, or after, what it usually asks for before",
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
"""One sentence a facet."""

COUNTED: Final[Mapping[str, str]] = {
    "pace_10m": "requests within minutes",
    "pace_1h": "requests within the hour",
    "pace_1d": "requests within the day",
    "spread": "resources within the hour",
    "unused": "unused credentials",
    "refusals": "refusals lately",
    "uses": "uses of one credential",
    "denials": "denied uses lately",
}
"""What a grade counts, where it is no time."""


ASPECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "comes from where it does not usually come from": (
        *("address", "network", "site", "path", "environment", "region", "client", "workload"),
    ),
    "asks for what it does not usually ask for": (
        *("issuer", "resource", "area", "right", "actions", "privilege", "sensitivity"),
        *("kinship", "company", "crossing"),
    ),
    "asks in a name, on an errand or with a proof that is not its usual one": (
        *("authentication", "chain", "origin", "head", "depth", "consumer"),
        *("task", "task_state", "task_age", "purpose", "break_glass"),
    ),
    "asks for a lifetime it does not usually ask for": ("lifetime", "term", "longer", "renewal"),
    "asks when it does not usually ask": ("watch", "hour", "gap", "opening"),
    "asks more than it usually does": ("pace_10m", "pace_1h", "pace_1d", "spread", "unused", "refusals"),
    "the credential is used from where it is not usually used": (
        *("used_network", "used_site", "used_environment", "used_client", "whereabouts"),
    ),
    "the credential is used for what it is not usually used for": (
        *("action", "power", "used_area", "scope", "errand", "minted_for"),
    ),
    "the credential is used later or more often than usual": ("age", "uses"),
    "the uses end unusually": ("outcome", "denials"),
}
"""Facets that are about one thing, under the sentence that tells it where several of them speak.

They look at it from several sides: a new site mostly comes with a new client, and whoever leaves
the task out leaves out its purpose. So a reader is told of it once, as one reason whose nats are
their sum and whose code is that of the weightiest. A facet that is not listed stands for itself."""

_ASPECT: Final[Mapping[str, str]] = {code: told for told, codes in ASPECTS.items() for code in codes}


def reasons(
    found: Sequence[float],
    codes: Sequence[str],
    facets: Facets,
    baselines: Baselines,
    before: tuple[float, Collection[str]],
) -> tuple[Reason, ...]:
    """The shares worth telling as reasons, one an aspect, largest first.

    `before` is what had accumulated against the requester (nats) and the oddities
    it came from. With what is not named, reasons add up to the evidence.
    """
    carried, oddities = before
    telling = [index for index, nats in enumerate(found) if nats >= LEAST_NATS]
    if not telling and carried < LEAST_NATS:
        telling = [found.index(max(found))]  # many small shares add up too, and nothing is refused without a reason
    telling.sort(key=lambda index: -found[index])
    together: dict[str, list[int]] = {}
    for index in telling:
        together.setdefault(_ASPECT.get(codes[index], codes[index]), []).append(index)
    made = [_told(members, found, codes, facets, baselines) for members in together.values()]
    if carried >= LEAST_NATS:
        accumulated = Reason(
            code="accumulated",
            because=SENTENCES["accumulated"],
            nats=in_nats(quantise(carried)),
            expected="nothing held against it",
            observed="; ".join(map(_oddity, list(oddities)[-_MOST_EXPECTED:])) or "odd requests, only asked so far",
        )
        made.append(accumulated)
    return tuple(sorted(made, key=lambda reason: -reason.nats))


def _told(
    members: Sequence[int], found: Sequence[float], codes: Sequence[str], facets: Facets, baselines: Baselines
) -> Reason:
    """One reason for facets of one aspect, the weightiest first; each is named where there are several."""
    family = baselines.grants if codes is GRANT_CODES else baselines.uses
    code, several = codes[members[0]], len(members) > 1
    shown, more = members[:_MOST_SHOWN], len(members) - _MOST_SHOWN
    names = [f"{codes[index].replace('_', ' ')} " if several else "" for index in shown]
    expected = [_expected(index, codes[index], facets, family, baselines) for index in shown]
    observed = [_observed(index, codes[index], facets) for index in shown]
    rest = f"; and {more} more" if more > 0 else ""
    return Reason(
        code=code,
        because=_ASPECT[code] if several else SENTENCES[code],
        nats=in_nats(quantise(sum(found[index] for index in members))),
        expected="; ".join(map(str.__add__, names, expected)) + rest,
        observed="; ".join(map(str.__add__, names, observed)) + rest,
    )


def _expected(index: int, code: str, facets: Facets, family: Family, baselines: Baselines) -> str:
    """What was usual: with the requester itself, or with those it was held against where nothing is known of it."""
    own = family.habits.get(facets.requester)
    if code == "longer":
        return _lifetimes(facets, baselines)
    if index < len(facets.values):
        if own is not None:
            return _usual(own.counts[index], own.total)
        group = family.peers.get(facets.peers) or family.groups.get(facets.group)
        crowd = group or family.issuers.get(facets.issuer) or family.fleet
        return f"{_usual(crowd.counts[index], crowd.totals[index])} with {_fellows(facets, baselines)}"
    grade = index - len(facets.values)
    if own is not None and own.histograms[grade][GRADES] > 0.0:
        return _graded(code, own.histograms[grade])
    wider = family.groups.get(facets.group, family.fleet).histograms[grade]
    return f"{_graded(code, wider)} with {_fellows(facets, baselines)}" if wider[GRADES] > 0.0 else "nothing learnt yet"


def _lifetimes(facets: Facets, baselines: Baselines) -> str:
    """Usual lifetimes of the requester, and of what it asks for, as far as either is known."""
    resource = facets.values[GRANT_FACETS.index("resource")]
    usual = (("", baselines.lifetimes.get(facets.requester)), (" for this resource", baselines.terms.get(resource)))
    return ", ".join(f"about {expm1(law.mean.get()):.0f} s{what}" for what, law in usual if law is not None)


def _fellows(facets: Facets, baselines: Baselines) -> str:
    """Those with whom a requester is compared of which nothing is known itself."""
    if not facets.peers:
        return "its peers"
    profile = baselines.peers.profiles.get(facets.peers)
    if profile is None or facets.sure <= 0.0:
        return "others (it is like no group of them)"
    return f"the {profile.members} of group {facets.peers} (its peers with {facets.sure:.0%} sureness)"


def _usual(counts: Mapping[str, float], total: float) -> str:
    if len(counts) > _MOST_COMPARED:
        return f"one of {len(counts)} different values"
    usual = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_EXPECTED]
    said = ", ".join(f"{_plainly(value)} ({count / total:.0%})" for value, count in usual)
    more = len(counts) - len(usual)
    return f"{said} and {more} more" if more > 0 else said


def _graded(code: str, histogram: Sequence[float]) -> str:
    """The likeliest hours, or the likeliest quantity."""
    bins = histogram[:GRADES]
    likeliest = sorted(range(GRADES), key=lambda i: -bins[i])[:_MOST_EXPECTED]
    if code == "hour":
        return ", ".join(_hour(i) for i in sorted(likeliest) if bins[i] > 0)
    return _quantity(code, likeliest[0])


def _observed(index: int, code: str, facets: Facets) -> str:
    if index < len(facets.values):
        return _plainly(facets.values[index])
    if code == "longer":
        return f"{facets.lifetime or 0:.0f} s"
    grade = facets.grades[index - len(facets.values)]
    return _hour(grade) if code == "hour" else _quantity(code, grade)


def _oddity(key: str) -> str:
    """An oddity that is remembered as `facet=value`, for a reader."""
    code, _, value = key.partition("=")
    return f"{code.replace('_', ' ')} {_plainly(value)}"


def _plainly(value: str) -> str:
    return _ABSENT.sub("none given", value)


def _hour(index: int) -> str:
    return f"{index % 24:02d}:00 on a {'working day' if index < 24 else 'weekend'}"  # noqa: PLR2004 - hours of a day


def _quantity(code: str, graded: int) -> str:
    last = graded == GRADES - 1  # all that is more has the same grade
    about = 2.0 ** ((graded if last else graded + 0.5) / 2.0) - 1.0 if graded else 0.0
    how = "more than" if last else "about"
    if code in COUNTED:
        return f"{how} {about:.0f} {COUNTED[code]}" if graded else f"no {COUNTED[code]}"
    for unit, seconds in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if about >= 2 * seconds:
            return f"{how} {about / seconds:.0f} {unit}"
    return f"{how} {about:.0f} seconds"
