"""The report's figures under flat names, for sentences that need a few of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from detector.report import thresholds
from detector.report.shape import Report

Figures: TypeAlias = Mapping[str, int | float]

DAY: Final = 86_400.0
HOUR: Final = 3_600.0


def figures(report: Report) -> Figures:
    """All of them. Shares are in percent; where nothing was counted they are 0."""
    return {
        **_asking(report),
        **_using(report),
        **_identities(report),
        **{check.name: check.found for check in report.checks},
        **_enforcing(report),
        **_changes(report),
    }


def _asking(report: Report) -> Figures:
    totals, before = report.totals, report.totals.mints_before
    mints = totals.mints.total
    return {
        "entries": sum(report.log.entries_in_period.values()),
        "requests": totals.requests.total,
        "requests_allow": totals.requests.allow,
        "requests_step_up": totals.requests.step_up,
        "requests_deny": totals.requests.deny,
        "told_step_up": totals.told.step_up,
        "told_deny": totals.told.deny,
        "in_enforce": totals.modes.get("enforce", 0),
        "in_shadow": totals.modes.get("shadow", 0),
        "in_observe": totals.modes.get("observe", 0),
        "mints": mints,
        "mints_odd": totals.mints.step_up + totals.mints.deny,
        "mints_asked": before.asked,
        "mints_asked_share": _share(before.asked, mints),
        "never_asked": before.never_asked,
        "never_asked_where_others_do": report.exceptions.never_asked_where_others_do,
        "against": before.against,
        "on_step_up": before.on_step_up,
        "citing_unknown": totals.mints_citing_unknown_decisions,
        "refused": totals.refused,
        "untrusted": totals.untrusted_requests + totals.untrusted_events,
    }


def _using(report: Report) -> Figures:
    totals = report.totals
    return {
        "usages": totals.usages.total,
        "usages_step_up": totals.usages.step_up,
        "usages_deny": totals.usages.deny,
        "strangers": totals.uses_of_unknown_credentials,
        "after_expiry": totals.uses_after_expiry,
        "after_revocation": totals.uses_after_revocation,
        "revoked": totals.lifecycle.get("revoked", 0),
        "rotated": totals.lifecycle.get("rotated", 0),
        "decommissioned": totals.lifecycle.get("decommissioned", 0),
        "policy_changed": totals.lifecycle.get("policy_changed", 0),
        "renewals": totals.renewals,
    }


def _identities(report: Report) -> Figures:
    requesters, issuers = report.requesters, report.issuers
    stated = sum(view.attested + view.unattested for view in requesters)
    unstated = sum(view.attestation_unstated for view in requesters)
    longest = max((view.lifetime_max_seconds or 0.0 for view in issuers), default=0.0)
    return {
        "requesters": len(requesters),
        "requesters_minting": sum(1 for view in requesters if view.mints_ever),
        "admins": sum(1 for view in requesters if "admin" in view.privileges),
        "reach_total": round(sum(view.reach_points for view in requesters), 1),
        "delegating": sum(1 for view in requesters if view.delegation_chains.shown),
        "attested": sum(view.attested for view in requesters),
        "unattested": sum(view.unattested for view in requesters),
        "unstated": unstated,
        "stated_share": _share(stated, stated + unstated),
        "issuers": len(issuers),
        "issuers_asking": sum(1 for view in issuers if view.asks_before_minting),
        "issuers_used": sum(1 for view in issuers if view.usage_seen),
        "resources": len({row.resource for row in report.mints.rows}),
        "rights": len(report.mints.rows),
        "live": sum(view.live_credentials for view in issuers),
        "live_without_end": sum(view.live_without_end for view in issuers),
        "longest_hours": round(longest / HOUR, 1),
        "dormant_days": round(thresholds.DORMANT_SECONDS / DAY),
    }


def _enforcing(report: Report) -> Figures:
    step_ups, rules, words = report.step_ups, report.rules, report.outcomes
    return {
        "step_ups_ended": sum(step_ups.ended.values()),
        "access_requested": report.access_requests.requested,
        "access_approved": report.access_requests.settled.get("approved", 0),
        "access_denied": report.access_requests.settled.get("denied", 0),
        "access_expired": report.access_requests.expired,
        "beyond_approval": report.access_requests.minted_beyond_approval,
        "step_ups_open": step_ups.unanswered,
        "words": sum(words.by_outcome.values()),
        "words_analyst": words.by_trust.get("analyst", 0),
        "words_approver": words.by_trust.get("approver", 0),
        "words_broker": words.by_trust.get("broker", 0),
        "malicious": words.by_outcome.get("malicious", 0),
        "words_changed": words.changed,
        "rules": rules.lived,
        "rules_proposed": rules.changes.get("proposed", 0),
        "rules_backtested": rules.changes.get("backtested", 0),
        "rules_enforced": rules.changes.get("enforced", 0),
        "rules_withdrawn": rules.changes.get("withdrawn", 0),
        "rules_demoted": rules.changes.get("demoted", 0),
        "rules_overridden": rules.enforced_by_override,
        "rule_denials": rules.denied,
        "glasses": report.break_glass.opened,
        "glasses_unreviewed": report.break_glass.unreviewed,
        "glasses_unjustified": report.break_glass.unjustified,
        "announced": sum(report.announced.by_kind.values()),
        "eased": sum(report.policy.eased_by_intent.values()),
        "limits_broken": sum(report.policy.broken_limits.values()),
        "readings": sum(report.readings.by_view.values()),
        "halts": len(report.kill_switch.periods),
        "halted_hours": round(report.kill_switch.seconds / HOUR, 2),
        "halted_answers": report.kill_switch.answers,
    }


def _changes(report: Report) -> Figures:
    return {
        "configured": len(report.changes.configured),
        "recalibrated": len(report.changes.thresholds),
        "applied": sum(1 for turn in report.changes.other if turn.kind == "policy_applied"),
        "keys_rotated": sum(1 for turn in report.changes.other if turn.kind == "key_rotated"),
        "turned": len(report.changes.other),
    }


def _share(part: int, whole: int) -> float:
    return round(100.0 * part / whole, 1) if whole else 0.0
