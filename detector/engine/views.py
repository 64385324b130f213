"""What is known of a requester or an issuer, as plain values ready for JSON.

Reach (blast radius) is what an identity could and did mint: its resources, its
privileges, and the credentials that are live now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from detector.baselines.portrait import Portrait
from detector.engine.joins import Lease
from detector.engine.state import State
from detector.evidence import in_nats
from detector.features.facets import GRANT_FACETS, USE_FACETS

MOST_VALUES: Final = 10
"""Values shown of one facet: the usual ones; the log has the rest."""

MOST_CREDENTIALS: Final = 50
"""Live credentials shown."""


def requester(state: State, name: str, now: float) -> Mapping[str, Any] | None:
    """Baseline, risk over time, reach and live credentials of one canonical requester."""
    portrait = state.baselines.portraits.get(name)
    standing = state.memory.standings.get(name)
    if portrait is None and standing is None:
        return None
    live = _live(state, now, requester=name)
    return {
        "requester": name,
        "risk": {
            "nats": round(standing.risk.level(now), 3) if standing else 0.0,
            "history": [
                {"time": at, "nats": in_nats(quanta)} for at, quanta in (standing.history if standing else [])
            ],
        },
        "baseline": _baseline(portrait) if portrait else None,
        "reach": _reach(portrait, live),
        "live_credentials": [_credential(key, lease) for key, lease in live[:MOST_CREDENTIALS]],
        "deny_rules": [rule.id for rule in state.rules_of.get(name, []) if rule.state(now) in {"shadow", "enforced"}],
    }


def issuer(state: State, name: str, now: float) -> Mapping[str, Any] | None:
    """Who asks an issuer, for what, and what of it is live."""
    crowd = state.baselines.crowds.get(f"issuer {name}")
    live = _live(state, now, issuer=name)
    if crowd is None and not live:
        return None
    thresholds = state.policy.thresholds_for(name)
    askers = [who for who, portrait in state.baselines.portraits.items() if name in portrait.grants[0].counts]
    return {
        "issuer": name,
        "mode": state.policy.mode_for(name),
        "thresholds": {"step_up": thresholds.step_up, "deny": thresholds.deny},
        "requesters": len(askers),
        "asks_before_minting": name in state.memory.askers,
        "baseline": {
            facet: {
                "adopted": len(adoption.counts),
                "widespread": [value for value, _ in _usual(adoption.counts)],
            }
            for facet, adoption in zip(GRANT_FACETS, crowd.grants, strict=True)
        }
        if crowd
        else None,
        "reach": {
            "resources": len(crowd.grants[GRANT_FACETS.index("resource")].counts) if crowd else 0,
            "live_credentials": len(live),
        },
        "live_credentials": [_credential(key, lease) for key, lease in live[:MOST_CREDENTIALS]],
    }


def _baseline(portrait: Portrait) -> Mapping[str, Any]:
    facets = [*zip(GRANT_FACETS, portrait.grants, strict=True), *zip(USE_FACETS, portrait.uses, strict=False)]
    return {
        "issuances": portrait.events,
        "since": portrait.first,
        "until": portrait.last,
        "facets": {
            facet: {
                "values": len(habit.counts),
                "usual": [{"value": v, "share": round(c / habit.total, 4)} for v, c in _usual(habit.counts)],
            }
            for facet, habit in facets
            if habit.counts
        },
        "hours_utc": [round(mass / portrait.hours.total, 4) for mass in portrait.hours.bins],
    }


def _reach(portrait: Portrait | None, live: list[tuple[str, Lease]]) -> Mapping[str, Any]:
    def seen(facet: str) -> list[str]:
        return sorted(portrait.grants[GRANT_FACETS.index(facet)].counts) if portrait else []

    return {
        "issuers": len(seen("issuer")),
        "resources": len(seen("resource")),
        "privileges": seen("privilege"),
        "sensitivities": seen("sensitivity"),
        "live_credentials": len(live),
    }


def _usual(counts: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]


def _live(
    state: State, now: float, *, requester: str | None = None, issuer: str | None = None
) -> list[tuple[str, Lease]]:
    leases = state.memory.joins.leases
    held = {**leases.old, **leases.young}
    return [
        (key, lease)
        for key, lease in held.items()
        if requester in {None, lease.requester}
        and issuer in {None, lease.issuer}
        and lease.expires is not None
        and lease.expires > now
        and lease.ended is None
    ]


def _credential(key: str, lease: Lease) -> Mapping[str, Any]:
    return {
        "credential": key,
        "issuance": lease.issuance,
        "requester": lease.requester,
        "resource": lease.mint.resource,
        "privilege": lease.mint.privilege,
        "minted": lease.minted,
        "expires": lease.expires,
        "uses": lease.uses,
    }
