"""A fold made into a report: everything sorted, counted and told."""

from __future__ import annotations

import msgspec

from detector.report import thresholds
from detector.report.counts import Before, Uses, Verdicts, summed
from detector.report.credentials import Lifetimes
from detector.report.evidence import Standing, stand
from detector.report.figures import figures
from detector.report.fold import Fold
from detector.report.frameworks import controls
from detector.report.hygiene import Asked, asked
from detector.report.ledger import Reached, Row
from detector.report.profiles import MOST_NAMES, Profile
from detector.report.shape import FORMAT, LogCovered, PeriodCovered, Report, Totals
from detector.report.telling import Names, moment
from detector.report.views import IssuerView, MintRow, Mints, Named, RequesterView


def report(fold: Fold, *, identity: str | None, forgotten: int = 0, root: str | None = None) -> Report:
    """The report of what was folded. To be asked once for a fold: it closes what was still open.

    `identity` is the log's own name, `forgotten` the last entry that was compacted away, `root` the Merkle root
    over all entries up to the last one read (hexadecimal), once a signed checkpoint is over them.
    """
    period = fold.period
    now = _end(fold)
    profiles = fold.profiles.all()
    renewed = (thresholds.RENEWED_TIMES, thresholds.STANDING_SECONDS)
    standing = stand(fold.ledger, profiles, fold.credentials, now, renewed=renewed, reached=fold.reached)
    found = asked(standing)
    rows = fold.ledger.all()
    made = Report(
        format=FORMAT,
        log=_log(fold, identity, forgotten, root),
        period=_period(fold),
        totals=_totals(fold, rows),
        frameworks=(),
        mints=Mints(
            rows=tuple(_mint(row) for row in standing.rows if row.active),
            rest=_mint(fold.ledger.rest) if fold.ledger.rest.active else None,
        ),
        requesters=tuple(_requester(profile, standing, found) for profile in profiles),
        issuers=tuple(_issuer(name, standing, fold) for name in sorted(standing.at)),
        checks=found.checks,
        exceptions=fold.answers.exceptions(rows, citing=fold.citing),
        step_ups=fold.answers.step_ups(),
        access_requests=fold.approvals.view(now),
        outcomes=fold.answers.outcomes(),
        break_glass=fold.glasses.view(period),
        kill_switch=fold.switch.view(now, period),
        rules=fold.lives.view(now, period),
        policy=fold.doings.policy(),
        announced=fold.doings.announcements(),
        readings=fold.doings.readings(),
        changes=fold.turns.view(),
        limits=_limits(fold),
    )
    return msgspec.structs.replace(made, frameworks=controls(figures(made)))


def _end(fold: Fold) -> float:
    """The moment that live, dormant and expired are told for: the period's end once it is over, else the log's last."""
    if fold.ended and fold.period.until is not None:
        return fold.period.until
    return fold.stamp if fold.stamp is not None else 0.0


def _log(fold: Fold, identity: str | None, forgotten: int, root: str | None) -> LogCovered:
    return LogCovered(
        identity=identity,
        first_position=fold.first,
        last_position=fold.last,
        forgotten=forgotten,
        entries=dict(fold.kinds),
        entries_in_period=dict(fold.kinds_in_period),
        root=root,
    )


def _period(fold: Fold) -> PeriodCovered:
    period = fold.period
    return PeriodCovered(
        since=None if period.since is None else moment(period.since),
        until=None if period.until is None else moment(period.until),
        as_of=None if fold.stamp is None else moment(fold.stamp),
        ended=fold.ended,
    )


def _totals(fold: Fold, rows: list[Row]) -> Totals:
    credentials = fold.credentials
    return Totals(
        requests=summed(Verdicts, [row.requests for row in rows]),
        told=summed(Verdicts, [row.told for row in rows]),
        modes=dict(fold.answers.modes),
        mints=summed(Verdicts, [row.minted for row in rows]),
        mints_before=summed(Before, [row.before for row in rows]),
        refused=sum(row.refused for row in rows),
        renewals=sum(row.renewals for row in rows),
        usages=fold.usages,
        usages_waiting=fold.waiting,
        used_for=summed(Uses, [row.used for row in rows]),
        uses_of_unknown_credentials=credentials.strangers,
        uses_after_expiry=credentials.after_expiry,
        uses_after_revocation=credentials.after_end,
        lifecycle=dict(fold.lifecycle),
        mints_citing_unknown_decisions=fold.citing,
        untrusted_requests=fold.untrusted_requests,
        untrusted_events=fold.untrusted_events,
        late_events=fold.profiles.late,
    )


def _mint(row: Row) -> MintRow:
    return MintRow(
        issuer=row.issuer,
        requester=row.requester,
        resource=row.resource,
        privilege=row.privilege or None,
        sensitivity=row.sensitivity or None,
        requests=row.requests,
        told=row.told,
        mints=row.minted,
        before=row.before,
        refused=row.refused,
        renewals=row.renewals,
        used_for=row.used,
        first=moment(row.first),
        last=moment(row.last),
    )


def _requester(profile: Profile, standing: Standing, found: Asked) -> RequesterView:
    rows = standing.of.get(profile.requester, [])
    reached = standing.reach.get(profile.requester, Reached())
    alive = standing.alive_of(rows)
    resources = sorted({row.resource for row in rows})
    return RequesterView(
        requester=profile.requester,
        raw_names=_named(profile.raw),
        issuers=tuple(sorted({row.issuer for row in rows})),
        resources=Named(shown=tuple(resources[:MOST_NAMES]), more=len(resources) > MOST_NAMES),
        resource_count=len(resources),
        privileges=tuple(sorted({row.privilege for row in rows if row.privilege})),
        sensitivities=reached.sensitivities(),
        reach_points=round(reached.points, 1),
        live_credentials=alive.count,
        live_without_end=alive.endless,
        consumers=_named(profile.consumers),
        delegation_chains=_named(profile.chains),
        environments=_named(profile.environments),
        networks=_named(profile.networks),
        authentication=_named(profile.proofs),
        attested=profile.attested,
        unattested=profile.unattested,
        attestation_unstated=profile.unstated,
        requests=sum(row.requests.total for row in rows),
        mints=sum(row.minted.total for row in rows),
        mints_ever=sum(row.ever for row in rows),
        refused=sum(row.refused for row in rows),
        break_glass=profile.glasses,
        first_seen=moment(profile.first),
        last_seen=moment(profile.last),
        decommissioned=None if profile.decommissioned is None else moment(profile.decommissioned),
        findings=tuple(found.about.get(profile.requester, ())),
    )


def _issuer(name: str, standing: Standing, fold: Fold) -> IssuerView:
    rows = standing.at[name]
    reached = standing.issuer_reach[name]
    alive = standing.alive_of(rows)
    lived = fold.credentials.lifetimes.get(name, Lifetimes())
    return IssuerView(
        issuer=name,
        requesters=len({row.requester for row in rows}),
        resources=len({row.resource for row in rows}),
        privileges=tuple(sorted({row.privilege for row in rows if row.privilege})),
        sensitivities=reached.sensitivities(),
        reach_points=round(reached.points, 1),
        asks_before_minting=name in fold.answers.askers,
        mints=sum(row.minted.total for row in rows),
        mints_before=summed(Before, [row.before for row in rows]),
        refused=sum(row.refused for row in rows),
        live_credentials=alive.count,
        live_without_end=alive.endless,
        oldest_live_seconds=round(standing.now - alive.oldest, 3) if alive.count else None,
        lifetime_median_seconds=lived.spread.median(),
        lifetime_max_seconds=lived.spread.most,
        without_end=lived.endless,
        renewals=lived.renewals,
        unnamed_credentials=lived.unnamed,
        usage_seen=name in standing.used_issuers,
        last_seen=moment(max(row.last for row in rows)),
    )


def _limits(fold: Fold) -> dict[str, int]:
    """What was left off anywhere; all zeros say that everything is told."""
    return {
        "rights": fold.ledger.left_off,
        "requesters": fold.profiles.left_off,
        "credentials": fold.credentials.forgotten,
        "glasses": fold.glasses.left_off,
        "halts": fold.switch.left_off,
        "rules": fold.lives.left_off,
    }


def _named(names: Names) -> Named:
    return Named(shown=tuple(sorted(names.shown)), more=names.more)
