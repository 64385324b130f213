"""Reasons in plain words: what was expected of this requester, and what was seen instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from detector.baselines.portrait import GRANT_GRADES, USE_GRADES, Portrait
from detector.evidence import GRANT_CODES, Share, in_nats, quantise
from detector.features.facets import ABSENT, GRANT_FACETS, USE_FACETS
from detector.verdict import Reason

if TYPE_CHECKING:
    from detector.engine.state import Prepared

MOST_REASONS: Final = 6
"""A reader takes in a handful; what is left out says least."""

LEAST_NATS: Final = 0.25
"""Below this a share is no reason, only a habit kept or nearly kept."""

_MOST_EXPECTED: Final = 3

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
    "renewal": "renews in an unusual way",
    "task_state": "names a task in an unusual state",
    "policy": "asks right after a change of policy",
    "decision": "the issuance does not agree with what was decided",
    "hour": "asks at an unusual hour (UTC)",
    "lifetime_longer": "asks for a longer lifetime than usual",
    "gap": "comes at an unusual distance from its last request",
    "pace_10m": "asks unusually often within minutes",
    "pace_1h": "asks unusually often within the hour",
    "pace_1d": "asks unusually often within the day",
    "spread": "asks for unusually many different resources within the hour",
    "unused": "leaves unusually many credentials unused",
    "refusals": "is refused unusually often",
    "action": "the credential is used for an unusual action",
    "power": "the credential is used with unusual power",
    "used_area": "the credential is used in an unusual area",
    "used_network": "the credential is used from an unusual network",
    "used_site": "the credential is used from an unusual site",
    "used_environment": "the credential is used in an unusual environment",
    "used_client": "the credential is used by an unusual client",
    "whereabouts": "the credential is used away from where it was minted",
    "outcome": "the use ended unusually",
    "state": "the credential was not live when used",
    "scope": "the use does not fit the privilege that was asked for",
    "errand": "the use does not fit the resource that was asked for",
    "user": "the credential is used by somebody it was not minted for",
    "age": "the credential is used unusually late after its mint",
    "uses": "the credential is used unusually often",
    "denials": "the uses are denied unusually often",
    "accumulated": "earlier events of this requester were odd already",
}
"""One sentence a code: what telemetry may count by, and what the README lists."""


def reasons(
    found: Sequence[Share],
    codes: Sequence[str],
    prepared: Prepared,
    portrait: Portrait | None,
    carried: float,
) -> tuple[Reason, ...]:
    """The weightiest shares as reasons, largest first; `carried` is what had accumulated (nats)."""
    telling = sorted((s for s in found if s.nats >= LEAST_NATS), key=lambda s: -s.nats)
    made = [_reason(share, codes, prepared, portrait) for share in telling[:MOST_REASONS]]
    if carried >= LEAST_NATS:
        accumulated = Reason(
            code="accumulated",
            because=SENTENCES["accumulated"],
            nats=in_nats(quantise(carried)),
            expected="nothing held against it",
            observed=f"{carried:.1f} nats from earlier events, fading",
        )
        made.append(accumulated)
        made.sort(key=lambda reason: -reason.nats)
    return tuple(made)


def _reason(share: Share, codes: Sequence[str], prepared: Prepared, portrait: Portrait | None) -> Reason:
    code = codes[share.index]
    return Reason(
        code=code,
        because=SENTENCES[code],
        nats=in_nats(quantise(share.nats)),
        expected=_expected(share.index, codes, portrait),
        observed=_observed(share.index, codes, prepared),
    )


def _expected(index: int, codes: Sequence[str], portrait: Portrait | None) -> str:
    grants = codes is GRANT_CODES
    names = GRANT_FACETS if grants else USE_FACETS
    if portrait is None:
        return "nothing known of this requester yet: what its peers do"
    if index < len(names):
        habits = portrait.grants if grants else portrait.uses
        if not habits or not habits[index].counts:
            return "nothing learnt yet: what its peers do"
        counts, total = habits[index].counts, habits[index].total
        usual = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_EXPECTED]
        said = ", ".join(f"{_plainly(value)} ({count / total:.0%})" for value, count in usual)
        more = len(counts) - len(usual)
        return f"{said} and {more} more" if more > 0 else said
    if grants and codes[index] == "hour":
        bins = portrait.hours.bins
        usual_hours = sorted(range(len(bins)), key=lambda i: -bins[i])[:_MOST_EXPECTED]
        return ", ".join(_hour(i) for i in sorted(usual_hours) if bins[i] > 0)
    if grants and codes[index] == "lifetime_longer":
        return f"about {2.718281828459045 ** portrait.lifetime.mean.get() - 1:.0f} s"
    histograms = portrait.grades if grants else portrait.use_grades
    start = len(codes) - len(GRANT_GRADES if grants else USE_GRADES)
    if not histograms:
        return "nothing learnt yet"
    bins = histograms[index - start].bins
    likely = max(range(len(bins)), key=bins.__getitem__, default=0)
    return _quantity(codes[index], likely)


def _observed(index: int, codes: Sequence[str], prepared: Prepared) -> str:
    facets, graded = prepared.facets, prepared.graded
    if index < len(facets.values):
        return _plainly(facets.values[index])
    code = codes[index]
    if code == "hour":
        return _hour(graded.hour or 0)
    if code == "lifetime_longer":
        return f"{facets.lifetime or 0:.0f} s"
    return _quantity(code, graded.grades[index - (len(codes) - len(graded.grades))])


def _plainly(value: str) -> str:
    return "none given" if value == ABSENT else value


def _hour(index: int) -> str:
    return f"{index % 24:02d}:00 on a {'working day' if index < 24 else 'weekend'}"  # noqa: PLR2004 - hours of a day


def _quantity(code: str, graded: int) -> str:
    about = 2.0 ** (graded / 2.0) - 1.0
    if code not in {"gap", "age"}:
        return f"about {about:.0f}"
    for unit, seconds in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if about >= 2 * seconds:
            return f"about {about / seconds:.0f} {unit}"
    return f"about {about:.0f} seconds"
