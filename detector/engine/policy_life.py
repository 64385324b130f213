"""How a policy document comes into force: tried on history, applied by somebody with a name, answered for anew."""

from __future__ import annotations

from concurrent.futures import Future

from detector.engine.journal import Journal
from detector.engine.policy_memory import DRY_RUN_SECONDS
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.policies import Document, DryRun, digest


class PolicyConflict(ValueError):
    """A document cannot come into force as things stand; the text says why."""


def take_dry_run(journal: Journal, document: Document, found: DryRun, *, by: str) -> Future[int]:
    """Log what a document would have done."""
    return journal.append(PolicyTried(digest=digest(document), found=found, by=by), journal.now())


def apply(journal: Journal, document: Document, *, by: str, because: str, override: str = "") -> Future[int]:
    """Let a document come into force.

    Raises `PolicyConflict` where it contradicts itself, does not follow the version in force, or was not tried on
    history of late; `override` is why it is to be applied without that.
    """
    contradiction = document.contradiction()
    if contradiction is not None:
        raise PolicyConflict(str(contradiction))
    documents, now, own = journal.state.memory.documents, journal.now(), digest(document)
    if document.version != documents.version + 1:
        said = f"version {documents.version} is in force" if documents.version else "none is in force"
        raise PolicyConflict(f"version: {said}, so this one must be {documents.version + 1}, not {document.version}")
    made = documents.dry_runs.get(own)
    if not override and (made is None or now - made.at > DRY_RUN_SECONDS):
        when = "was not tried on history" if made is None else "was tried on history too long ago"
        raise PolicyConflict(f"this very document {when}: make a dry-run first, or say why it is to go without")
    overridden = "" if made is not None and now - made.at <= DRY_RUN_SECONDS else override
    return journal.append(
        PolicyApplied(document=document, digest=own, by=by, because=because, overridden=overridden), now
    )


def reauthorise(journal: Journal, intent: str, *, by: str, because: str) -> Future[int]:
    """Answer anew for an intent of the document in force. Raises `KeyError` for one that it does not have."""
    if intent not in journal.state.memory.documents.authorised:
        raise KeyError(intent)
    return journal.append(IntentReauthorised(intent=intent, by=by, because=because), journal.now())
