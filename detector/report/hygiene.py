"""Questions asked of every identity: what is standing, dormant, over-used, shared, over-privileged, left behind.

Each is a bounded heuristic over what the log says. Each states from what on it speaks and when it is wrong; a
finding is a reason to look, no verdict. Those that reach furthest come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from detector.features.names import tier
from detector.features.rhythm import DAY
from detector.report import thresholds
from detector.report.evidence import Standing
from detector.report.ledger import Row
from detector.report.profiles import AT_ONCE, Burst, Profile
from detector.report.telling import moment, opaque
from detector.report.thresholds import MOST_ITEMS
from detector.report.views import Check, Figure, Item

HOUR: Final = 3_600.0


class Question(NamedTuple):
    """A check before it is asked."""

    name: str
    title: str
    means: str
    threshold: str
    wrong_when: str
    ask: Callable[[Standing], Iterator[Item]]


class Asked(NamedTuple):
    """Every check in its order, and by requester the names of those that found it."""

    checks: tuple[Check, ...]
    about: dict[str, list[str]]


def asked(standing: Standing) -> Asked:
    """Ask everything."""
    about: dict[str, list[str]] = {}
    return Asked(tuple(_answered(question, standing, about) for question in QUESTIONS), about)


def _answered(question: Question, standing: Standing, about: dict[str, list[str]]) -> Check:
    items = sorted(
        question.ask(standing),
        key=lambda item: (
            -standing.points(item.requester or ""),
            item.requester or "",
            item.issuer or "",
            item.resource or "",
            item.privilege or "",
        ),
    )
    for requester in {item.requester for item in items if item.requester}:
        about.setdefault(requester, []).append(question.name)
    return Check(
        name=question.name,
        title=question.title,
        means=question.means,
        threshold=question.threshold,
        wrong_when=question.wrong_when,
        found=len(items),
        items=tuple(items[:MOST_ITEMS]),
    )


def _of_row(row: Row, because: str, figures: dict[str, Figure]) -> Item:
    return Item(
        requester=row.requester,
        issuer=row.issuer,
        resource=row.resource,
        privilege=row.privilege or None,
        because=because,
        figures=figures,
    )


# -- what each asks -----------------------------------------------------------------------------------


def _standing(standing: Standing) -> Iterator[Item]:
    for row in standing.rows:
        alive = standing.alive.get(row.key)
        if alive is None or not (alive.endless or alive.longest > thresholds.STANDING_SECONDS):
            continue
        age = max(standing.now - alive.oldest, 0.0)
        endless = f"{alive.endless} without an end" if alive.endless else f"the longest for {_lasting(alive.longest)}"
        yield _of_row(
            row,
            f"{alive.count} live, {endless}, the oldest since {moment(alive.oldest)}",
            {
                "live": alive.count,
                "without_end": alive.endless,
                "longest_seconds": alive.longest,
                "oldest_age_seconds": round(age, 3),
            },
        )


def _renewed(standing: Standing) -> Iterator[Item]:
    for row in standing.rows:
        alive = standing.alive.get(row.key)
        if alive is not None and alive.renewed:
            lasting = standing.now - alive.renewed_since
            yield _of_row(
                row,
                f"{alive.renewed} live credentials renew one another since {moment(alive.renewed_since)}",
                {"renewed": alive.renewed, "lasting_seconds": round(lasting, 3)},
            )


def _dormant(standing: Standing) -> Iterator[Item]:
    for profile in standing.profiles:
        silent = standing.now - profile.last
        rows = standing.of.get(profile.requester, [])
        minted = sum(row.ever for row in rows)
        if silent < thresholds.DORMANT_SECONDS or profile.decommissioned is not None or not minted:
            continue
        alive = standing.alive_of(rows)
        yield Item(
            requester=profile.requester,
            because=f"last seen {moment(profile.last)}, after {minted} mints on {profile.days} days",
            figures={
                "silent_seconds": round(silent, 3),
                "mints_ever": minted,
                "active_days": profile.days,
                "live_credentials": alive.count,
            },
        )


def _left_behind(standing: Standing) -> Iterator[Item]:
    for profile in standing.profiles:
        alive = standing.alive_of(standing.of.get(profile.requester, []))
        gone = profile.decommissioned
        if gone is not None and (profile.after_end or alive.count):
            yield Item(
                requester=profile.requester,
                because=f"decommissioned {moment(gone)}; {profile.after_end} mints since, {alive.count} live ones",
                figures={"mints_after": profile.after_end, "live_credentials": alive.count},
            )
        elif alive.orphaned:
            yield Item(
                requester=profile.requester,
                because=f"{alive.orphaned} live credentials outlast the task they were minted for",
                figures={"outlasting_their_task": alive.orphaned, "live_credentials": alive.count},
            )


def _over_used(standing: Standing) -> Iterator[Item]:
    for profile in standing.profiles:
        if profile.busy.burst is not None:
            yield _peak(profile, profile.busy.burst, profile.busy.bursts, "requests")


def _roaming(standing: Standing) -> Iterator[Item]:
    for profile in standing.profiles:
        if profile.busy.roaming is not None:
            yield _peak(profile, profile.busy.roaming, profile.busy.roamings, "networks")


def _peak(profile: Profile, peak: Burst, hours: int, what: str) -> Item:
    when = f"in the hour of {moment(peak.began)}"
    return Item(
        requester=profile.requester,
        because=f"{peak.count} {what} {when}, usually {peak.usual:.1f}; so in {_several(hours, 'hour')}",
        figures={"most": peak.count, "usual": round(peak.usual, 2), "hours": hours},
    )


def _shared(standing: Standing) -> Iterator[Item]:
    for profile in standing.profiles:
        busy = profile.busy
        many = [index for index in range(len(AT_ONCE)) if busy.many.get(index, 0) >= thresholds.SHARED_HOURS]
        told = [
            f"{busy.most[index].count} {AT_ONCE[index]} in one hour, so in {_several(busy.many[index], 'hour')}"
            for index in many
        ]
        if profile.borrowed >= thresholds.BORROWED:
            told.append(f"{profile.borrowed} grants for tasks that another requester began")
        if not told:
            continue
        figures: dict[str, Figure] = {f"{AT_ONCE[index]}_at_once": busy.most[index].count for index in many}
        figures |= {f"{AT_ONCE[index]}_hours": busy.many[index] for index in many}
        yield Item(
            requester=profile.requester,
            because="; ".join(told),
            figures={**figures, "tasks_of_others": profile.borrowed},
            names=tuple(value for index in many for value in busy.most[index].values),
        )


def _over_privileged(standing: Standing) -> Iterator[Item]:
    for row in standing.rows:
        used = row.used
        stronger = used.write + used.admin if row.privilege == "write" else used.admin
        if row.privilege not in {"write", "admin"} or used.unnamed or stronger or used.total < thresholds.USES:
            continue
        strongest = "write" if used.write else "read"
        yield _of_row(
            row,
            f"minted with {row.privilege} {row.minted.total} times, used {used.total} times, at most to {strongest}",
            {"mints": row.minted.total, "uses": used.total, "reads": used.read, "writes": used.write},
        )


def _unused(standing: Standing) -> Iterator[Item]:
    for row in standing.rows:
        if row.issuer in standing.used_issuers and not row.ever_used and row.minted.total >= thresholds.MINTS:
            yield _of_row(row, f"minted {row.minted.total} times, never seen used", {"mints": row.minted.total})


def _crossing(standing: Standing) -> Iterator[Item]:
    apart = {"production", "below production"}
    for row in standing.rows:
        if not row.minted.total or opaque(row.requester) or opaque(row.resource):
            continue
        mine, its = tier(row.requester), tier(row.resource)
        if {mine, its} == apart:
            yield _of_row(
                row,
                f"by its name {mine}, minted for what is {its} by its name, {row.minted.total} times",
                {"mints": row.minted.total},
            )


def _by_hand(standing: Standing) -> Iterator[Item]:
    for profile in standing.profiles:
        if profile.by_hand:
            yield Item(
                requester=profile.requester,
                because=f"{profile.by_hand} requests or uses from a browser or a console",
                figures={"events": profile.by_hand},
                names=profile.agents.shown,
            )


def _lasting(seconds: float) -> str:
    """A length of time in words.

    >>> _lasting(86_400.0), _lasting(30 * 86_400.0), _lasting(5_400.0)
    ('1 day', '30 days', '1.5 hours')
    """
    return _several(seconds / DAY, "day") if seconds >= DAY else _several(seconds / HOUR, "hour")


def _several(count: float, what: str) -> str:
    shown = f"{count:.1f}".removesuffix(".0")
    return f"{shown} {what}" if shown == "1" else f"{shown} {what}s"


QUESTIONS: Final = (
    Question(
        "standing",
        "Standing credentials",
        "Credentials that are live at the end and were minted to live long, or without an end.",
        f"no end in the log, or a life of more than {_lasting(thresholds.STANDING_SECONDS)}",
        "The issuer ends credentials in a way that its log does not tell: then they are dead and look alive. "
        "A log that names no lifetime says nothing about one.",
        _standing,
    ),
    Question(
        "renewed",
        "Continuously renewed credentials",
        "Short-lived credentials that renew one another and so make one long-lived one.",
        f"at least {thresholds.RENEWED_TIMES} renewals over {_lasting(thresholds.STANDING_SECONDS)}, still live",
        "A service that runs for weeks renews by design. Renewal is only seen where the log names the credential "
        "renewed.",
        _renewed,
    ),
    Question(
        "dormant",
        "Dormant identities",
        "Identities that were minted for once, have been silent since, and were not decommissioned.",
        f"nothing asked, minted or used for {_lasting(thresholds.DORMANT_SECONDS)} before the end",
        "Work that comes by the quarter or the year; a log that stopped being fed; a log that is younger than that "
        "finds none.",
        _dormant,
    ),
    Question(
        "left_behind",
        "Left behind",
        "Identities minted for after they were decommissioned, or with live credentials since; live credentials whose "
        "task has ended.",
        "any mint or live credential after it",
        "An identity was brought back without a word in the log; credentials die with their task where the issuer sees "
        "to that without telling.",
        _left_behind,
    ),
    Question(
        "over_used",
        "Over-used identities",
        "Hours in which an identity asked far more than in its own usual hour.",
        f"at least {thresholds.BURST} requests in an hour and {thresholds.BURST_TIMES:.0f} times its mean active hour, "
        f"after {thresholds.BURST_HOURS} active hours",
        "A migration, a release, a retry storm. Slow growth is never seen.",
        _over_used,
    ),
    Question(
        "many_networks",
        "Many networks at once",
        "Hours in which an identity was seen in many more networks than usual.",
        f"at least {thresholds.ROAMING} networks in an hour and {thresholds.ROAMING_TIMES:.0f} times its mean, "
        f"after {thresholds.BURST_HOURS} active hours",
        "A fleet that scales out or moves to new machines; a proxy with many addresses.",
        _roaming,
    ),
    Question(
        "shared",
        "Shared identities",
        "Identities behind which several consumers, workloads, environments or networks were "
        "seen in the same hour, again and again; or which work on tasks that others began.",
        f"in one hour at least {thresholds.CONSUMERS} consumers, {thresholds.WORKLOADS} kinds of workload, "
        f"{thresholds.ENVIRONMENTS} environments or {thresholds.NETWORKS} networks, in "
        f"{thresholds.SHARED_HOURS} hours; or {thresholds.BORROWED} grants for others' tasks",
        "Deployers act for many by design; a service that scales runs in many networks; consumers named afresh "
        "for every job look like many.",
        _shared,
    ),
    Question(
        "over_privileged",
        "Over-privileged rights",
        "Rights minted to write or administer whose credentials were only ever used for less.",
        f"at least {thresholds.USES} uses in the period, every one with a named action, none as strong as the right",
        "Actions whose names do not say what they do; rights held for the rare day. Seen only where usage is logged.",
        _over_privileged,
    ),
    Question(
        "unused",
        "Minted and never used",
        "Rights minted again and again whose credentials nobody is seen to use.",
        f"at least {thresholds.MINTS} mints in the period and no use ever, at an issuer of which uses are seen",
        "Usage of that resource is not among the logs that are fed.",
        _unused,
    ),
    Question(
        "crossing",
        "Across environments",
        "Identities whose name says one tier, minted for resources whose name says the other.",
        "any mint between a name of production and one of what lies below it",
        "Names that do not mean what they say; deployers cross by design.",
        _crossing,
    ),
    Question(
        "by_hand",
        "Used by hand",
        "Requests and uses that came from a browser or a cloud's console, where only programs should.",
        "any",
        "A client that calls itself a browser. People at a command line look like programs and are not seen.",
        _by_hand,
    ),
)
