"""`assayer explain`: why a decision was as it was, and what would have made it another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.complaint import Complaint
from detector.cli.options import ConfigOption, DataOption, configured, instant
from detector.cli.output import console, printable, table

if TYPE_CHECKING:
    from rich.console import Console

    from detector.engine.policy import Policy
    from detector.engine.records import Decided, Entry, Observed, Released, Weighed
    from detector.policies import Advice
    from detector.wiring.settings import Settings


def explain(
    decision: Annotated[
        str | None, typer.Argument(metavar="DECISION", help="Its id; or that of an issuance, or of an odd usage.")
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option("--identity", metavar="NAME", help="Say instead who a raw name is taken for, and by which rule."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Explain one decision: every reason, and what would have flipped it.

    It says what was expected, what was seen, and by which rule the raw name was folded. It is read
    from the log in the data directory, whether or not a server runs there.
    """
    if (decision is None) == (identity is None):
        raise typer.BadParameter("name a DECISION, or a raw name with --identity")
    settings = configured(config, data=data)
    screen = console()
    if identity is not None:
        show_identity(screen, identity, settings.policy_in_force())
    elif decision is not None:
        _show_recorded(screen, decision, settings)


def show_identity(screen: Console, raw: str, policy: Policy) -> None:
    """Who a raw name is taken for, and the rules that folded it."""
    from detector.features.identity import Identities

    canonical, rules = Identities(policy.identity).explain(raw)
    screen.print(f"requester  {printable(canonical)}", markup=False)
    if rules is None:
        screen.print("as the log wrote it: no identity rule folds this name", markup=False)
    else:
        screen.print(f"raw name   {printable(raw)}", markup=False)
        screen.print(f"folded by  {rules}", markup=False)


def _show_recorded(screen: Console, name: str, settings: Settings) -> None:
    from detector.engine.answers import decided_after
    from detector.engine.records import Decided, Observed, OutcomeRecorded, Released
    from detector.store import LogReader, StoreError

    try:
        reader = LogReader(settings.server.data)
        entries = list(reader.find(name))
    except StoreError as error:
        raise Complaint(str(error)) from None
    judged = [entry for entry in entries if isinstance(entry.record, (Decided, Observed, Released))]
    if not judged:
        base, made = reader.base(), decided_after(name)
        if base is not None and made is not None and made < base.position:
            raise Complaint(f"decision {name} is forgotten: the log was compacted, and keeps only the decision's hash")
        raise Complaint(f"the log in {settings.server.data} holds no decision and no event {name!r}")
    entry = judged[-1]
    policy = reader.policy_at(entry.position) or settings.policy_in_force()
    if isinstance(entry.record, Decided):
        _show_decision(screen, entry, policy)
    elif isinstance(entry.record, (Observed, Released)):
        _show_event(screen, entry.record, policy)
    for later in entries:
        if isinstance(later.record, OutcomeRecorded):
            screen.print(f"outcome    {later.record.outcome}, said {printable(later.record.by)}", markup=False)


def _show_decision(screen: Console, entry: Entry, policy: Policy) -> None:
    record: Decided = entry.record  # type: ignore[assignment] # the caller looked
    request = record.request
    _facts(
        screen,
        decision=f"{record.decision}  made {instant(entry.stamp)}, entry {entry.position} of the log",
        asked=f"{request.id}  for {request.resource} from {request.issuer}",
    )
    show_identity(screen, request.requester, policy)
    if record.group is not None:
        _facts(screen, peers=f"the {record.fellows} of group {record.group}, with {record.sure:.0%} sureness")
    _facts(screen, verdict=verdict_in_words(record))
    if record.advice is not None:
        _facts(screen, advice=_advised(record.advice))
    _show_weighed(screen, record.weighed, rule=_biting(record))


def _show_event(screen: Console, record: Observed | Released, policy: Policy) -> None:
    from detector.events import Issuance, Usage

    event = record.event
    _facts(screen, event=f"{event.id}  {type(event).__name__.lower()} at {instant(event.time)}")
    if isinstance(event, Issuance):
        show_identity(screen, event.grant.requester, policy)
        _facts(screen, minted=f"{event.grant.resource} from {event.grant.issuer}: {event.outcome}")
    elif isinstance(event, Usage):
        _facts(screen, used=f"credential {event.credential} for {event.action} on {event.resource}: {event.outcome}")
    if record.weighed is None:
        screen.print("not judged: it waits for its issuance, or is of a kind that is never judged", markup=False)
        return
    _facts(screen, verdict=record.weighed.verdict)
    _show_weighed(screen, record.weighed, rule=None)


def verdict_in_words(record: Decided) -> str:
    """What was decided, and where the mode softened it, what the broker was told."""
    found = record.weighed.verdict
    if found == record.answer:
        return found
    return f"{found}, but the mode is {record.mode}: the broker was told {record.answer}"


def _advised(advice: Advice) -> str:
    """What to ask for instead, in words."""
    parts = [f"a lifetime of {advice.max_ttl_seconds:.0f} s"] if advice.max_ttl_seconds is not None else []
    parts += [said for said, wanted in (("an attested identity", advice.attested), ("a task", advice.task)) if wanted]
    narrower = advice.narrower
    if narrower is not None:
        named = (narrower.privilege, ", ".join(narrower.actions), narrower.resource)
        parts += [f"no more than {name}" for name in named if name]
    return f"{', '.join(parts)} ({'; '.join(advice.because)})"


def _biting(record: Decided) -> str | None:
    """The deny rule that decided, where one did."""
    return record.rule if record.rule_bit else None


def _show_weighed(screen: Console, weighed: Weighed, *, rule: str | None) -> None:
    from detector.evidence import in_nats

    evidence, step_up_at, deny_at = in_nats(weighed.evidence), in_nats(weighed.step_up_at), in_nats(weighed.deny_at)
    _facts(
        screen,
        evidence=f"{evidence:.2f} nats (step-up from {step_up_at:.2f}, a deny once {deny_at:.2f} had accumulated)",
        risk=f"{weighed.risk:.3f} of 1, as it would be if one issuance in a hundred were abuse",
    )
    if weighed.intent:
        said = f"within intent {weighed.intent}: stepped up {in_nats(weighed.eased):.2f} nats later than otherwise"
        _facts(screen, agreed=said)
    if weighed.limits:
        _facts(
            screen, limits=f"breaks {', '.join(weighed.limits)}; without that: {weighed.otherwise or weighed.verdict}"
        )
    if weighed.reasons:
        screen.print(
            table(
                ("nats", "because", "expected", "seen"),
                [(reason.nats, reason.because, reason.expected, reason.observed) for reason in weighed.reasons],
            )
        )
        screen.print(f"not named  {_unnamed(weighed):+.2f} nats: small things, less all that fits", markup=False)
    else:
        screen.print("nothing spoke against it", markup=False)
    if weighed.verdict == "step_up":
        screen.print(
            f"not denied  what its requester's earlier rows had come to is less than {deny_at:.2f} nats: "
            "a first odd row is never denied, nor is what was only asked",
            markup=False,
        )
    screen.print(what_would_flip(weighed, rule=rule), markup=False)


def what_would_flip(weighed: Weighed, *, rule: str | None = None) -> str:
    """The fewest of the largest reasons without which the verdict would have been milder, in a sentence.

    What no reason names counts after those. An allow is told how far from a
    step-up it was.
    """
    from detector.evidence import in_nats

    left, limit = in_nats(weighed.evidence), in_nats(weighed.step_up_at)
    if weighed.verdict == "allow":
        return f"flipped by  {limit - left:.2f} nats more: from {limit:.2f} it is stepped up"
    named = [(reason.code, reason.nats) for reason in weighed.reasons if reason.nats > 0]
    taken: list[str] = []
    for code, nats in (*named, ("what no reason names", _unnamed(weighed))):
        if left < limit:
            break
        left -= nats
        taken.append(code)
    parts = [f"withdrawing the deny rule {rule}"] if rule else []
    parts += [f"keeping to {', '.join(weighed.limits)}"] if weighed.limits else []
    parts += [f"taking away {', '.join(taken)}"] if taken else []
    return f"flipped by  {' and '.join(parts)}: {left:.2f} nats are left, which is allow"


def _unnamed(weighed: Weighed) -> float:
    """What the evidence comes to beside its reasons (nats): many small things, less all that fits."""
    from detector.evidence import in_nats

    return in_nats(weighed.evidence) - sum(reason.nats for reason in weighed.reasons)


def _facts(screen: Console, **facts: str) -> None:
    for name, fact in facts.items():
        screen.print(f"{name:<10} {printable(fact)}", markup=False)
