"""What is remembered of policy documents: the one in force, its intents' authorisations, what came before, dry-runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct, field

from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.features.rhythm import DAY
from detector.policies import Document, DryRun, Intent, Intents, Limits, state

MOST_PAST: Final = 64
"""Documents whose coming into force is remembered; the log has them all, and what they said."""

MOST_DRY_RUNS: Final = 16
"""Documents whose dry-runs are remembered: what is still being written."""

DRY_RUN_SECONDS: Final = 7 * DAY
"""How long a dry-run speaks for what a document would do: history goes on."""


class Applied(Struct, frozen=True, kw_only=True):
    """A document came into force: which, when (the log's clock), by whom and why.

    `overridden` is why it did without a dry-run; empty where it had one.
    """

    version: int
    digest: str
    at: float
    by: str
    because: str
    overridden: str = ""


class Authorisation(Struct, frozen=True, kw_only=True):
    """Somebody answered for an intent, as it stood then, at a time."""

    intent: Intent
    at: float
    by: str


class DryRunMade(Struct, frozen=True, kw_only=True):
    """A document was tried on history, at a time of the log's clock, by somebody."""

    found: DryRun
    at: float
    by: str


class Documents(Struct):
    """All of it. What is in force is compiled beside it (`Agreed`)."""

    document: Document | None = None
    past: list[Applied] = field(default_factory=list)
    authorised: dict[str, Authorisation] = field(default_factory=dict)
    dry_runs: dict[str, DryRunMade] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """Of the document in force; 0 before there is one."""
        return self.document.version if self.document is not None else 0

    def apply(self, document: Document, applied: Applied) -> None:
        """A document comes into force. An intent that says what it said before stays authorised as long as it was."""
        self.document = document
        self.past = [*self.past, applied][-MOST_PAST:]
        before = self.authorised
        self.authorised = {}
        for name, intent in document.intents.items():
            known = before.get(name)
            if known is None or known.intent != intent:
                known = Authorisation(intent=intent, at=applied.at, by=applied.by)
            self.authorised[name] = known

    def reauthorise(self, intent: str, at: float, by: str) -> None:
        """Somebody answered for an intent anew; nothing happens where the document has none of that id."""
        known = self.authorised.get(intent)
        if known is not None:
            self.authorised[intent] = Authorisation(intent=known.intent, at=at, by=by)

    def due(self, now: float) -> list[str]:
        """The intents that do nothing until somebody answers for them anew, or agrees on them anew."""
        states = {name: state(known.intent, known.at, now) for name, known in self.authorised.items()}
        return [name for name, found in states.items() if found in {"due", "expired"}]

    def tried(self, digest: str, made: DryRunMade) -> None:
        """Remember a dry-run, the latest of its document."""
        self.dry_runs.pop(digest, None)
        self.dry_runs[digest] = made
        while len(self.dry_runs) > MOST_DRY_RUNS:
            del self.dry_runs[next(iter(self.dry_runs))]


def note_document(documents: Documents, record: PolicyTried | PolicyApplied | IntentReauthorised, now: float) -> None:
    """Fold a record that is about documents, stamped `now`."""
    if isinstance(record, PolicyTried):
        documents.tried(record.digest, DryRunMade(found=record.found, at=now, by=record.by))
    elif isinstance(record, IntentReauthorised):
        documents.reauthorise(record.intent, now, record.by)
    else:
        version, because = record.document.version, record.because
        applied = Applied(
            version=version,
            digest=record.digest,
            at=now,
            by=record.by,
            because=because,
            overridden=record.overridden,
        )
        documents.apply(record.document, applied)


class Agreed:
    """The document in force, compiled: intents by requester, limits by sensitivity."""

    __slots__ = ("intents", "limits")

    def __init__(self, documents: Documents, fold: Callable[[str], str]) -> None:
        document = documents.document
        authorised = {name: known.at for name, known in documents.authorised.items()}
        self.intents = Intents(document.intents if document is not None else {}, authorised=authorised, fold=fold)
        self.limits = Limits(document.limits if document is not None else {})
