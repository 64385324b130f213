"""What is known of a requester or an issuer, as plain values ready for JSON.

Reach (blast radius) is what an identity did mint: its resources, its privileges, the
credentials that are live now, and the points that all its rights come to (`detector.risk.reach`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from detector.baselines.habits import Habits
from detector.engine.answers import Vitals
from detector.engine.joins import Lease
from detector.engine.state import State
from detector.evidence import in_nats
from detector.features.facets import GRANT_FACETS, USE_FACETS
from detector.rules import ENDED, RuleState

_ISSUER: Final = GRANT_FACETS.index("issuer")
_RESOURCE: Final = GRANT_FACETS.index("resource")

MOST_VALUES: Final = 10
"""Values shown of one facet: the usual ones; the log has the rest."""

MOST_CREDENTIALS: Final = 50
"""Live credentials shown."""


def requester(state: State, name: str, now: float) -> Mapping[str, Any] | None:
    """Baseline, risk over time, reach and live credentials of one canonical requester."""
    own = state.baselines.grants.habits.get(name)
    used = state.baselines.uses.habits.get(name)
    standing = state.memory.standings.get(name)
    if own is None and used is None and standing is None:
        return None
    live = _live(state, now, requester=name)
    return {
        "requester": name,
        "risk": {
            "nats": round(standing.risk.level(now), 3) if standing else 0.0,
            "history": [{"time": at, "nats": in_nats(quanta)} for at, quanta in (standing.history if standing else [])],
        },
        "peers": _peers(state, name),
        "baseline": {
            "grants": _baseline(own, GRANT_FACETS) if own else None,
            "uses": _baseline(used, USE_FACETS) if used else None,
        },
        "reach": {"points": round(state.memory.reach.requesters.get(name, 0.0), 1), **_reach(own, live)},
        "live_credentials": [_credential(key, lease) for key, lease in live[:MOST_CREDENTIALS]],
        "deny_rules": [rule.id for rule in state.rules.of(name) if rule.state(now) not in ENDED],
    }


def issuer(state: State, name: str, now: float) -> Mapping[str, Any] | None:
    """Who asks an issuer, for what, and what of it is live."""
    crowd = state.baselines.grants.issuers.get(name)
    live = _live(state, now, issuer=name)
    if crowd is None and not live:
        return None
    thresholds = state.thresholds_for(name)
    habits = state.baselines.grants.habits.values()
    return {
        "issuer": name,
        "mode": state.mode_for(name, ""),
        "thresholds": {"step_up": thresholds.step_up, "deny": thresholds.deny},
        "under_pressure": state.pressed(name, now),
        "requesters": sum(1 for own in habits if name in own.counts[_ISSUER]),
        "asks_before_minting": name in state.memory.askers,
        "baseline": {
            facet: {
                "values": len(counts),
                "widespread": [value for value, _ in _usual(counts)],
            }
            for facet, counts in zip(GRANT_FACETS, crowd.counts, strict=True)
        }
        if crowd
        else None,
        "reach": {
            "points": round(state.memory.reach.issuers.get(name, 0.0), 1),
            "resources": len(crowd.counts[_RESOURCE]) if crowd else 0,
            "live_credentials": len(live),
        },
        "live_credentials": [_credential(key, lease) for key, lease in live[:MOST_CREDENTIALS]],
    }


def vitals(state: State, durable: int, now: float) -> Vitals:
    """How the engine is; `durable` is the log's head."""
    memory, grants = state.memory, state.baselines.grants
    thresholds = state.general_thresholds()
    states = dict.fromkeys(get_args(RuleState), 0)
    for rule in memory.rules.values():
        states[rule.state(now)] += 1
    return Vitals(
        position=memory.position,
        durable=durable,
        requesters=len(grants.habits),
        issuers=len(grants.issuers),
        held=memory.joins.waiting,
        credentials=len(memory.joins.leases),
        quarantined=len(memory.lessons),
        flagged=len(memory.flagged),
        rules=states,
        thresholds={"step_up": thresholds.step_up, "deny": thresholds.deny},
        pressed=sum(1 for name in memory.pressures if state.pressed(name, now)),
        halted=state.halted is not None,
        access_pending=memory.tasks.waiting(now),
        glasses_unreviewed=sum(1 for glass in memory.glasses.values() if glass.finding is None),
        intents_due=len(memory.documents.due(now)),
    )


def _baseline(own: Habits, facets: tuple[str, ...]) -> Mapping[str, Any]:
    return {
        "events": own.events,
        "since": own.since,
        "until": own.until,
        "facets": {
            facet: {
                "values": len(counts),
                "usual": [{"value": value, "share": round(count / own.total, 4)} for value, count in _usual(counts)],
            }
            for facet, counts in zip(facets, own.counts, strict=True)
        },
        "hours_utc": [round(mass / own.total, 4) for mass in own.histograms[0]] if facets is GRANT_FACETS else None,
    }


def _peers(state: State, name: str) -> Mapping[str, Any] | None:
    """Whom it is like; `None` where no groups were found, or none is like it."""
    peers = state.baselines.peers
    placed = peers.placed.get(name)
    if placed is None:
        return None
    members = peers.profiles[placed.group].members
    return {"group": placed.group, "members": members, "sureness": placed.sure, "assigned": placed.assigned}


def _reach(own: Habits | None, live: list[tuple[str, Lease]]) -> Mapping[str, Any]:
    def seen(facet: str) -> list[str]:
        return sorted(own.counts[GRANT_FACETS.index(facet)]) if own else []

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
