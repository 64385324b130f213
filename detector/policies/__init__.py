"""Policy documents: what was agreed on beforehand, what is out of the question, and what to ask for instead."""

from detector.policies.advice import Advice, Narrower, within
from detector.policies.document import (
    MOST_REAUTHORISE_DAYS,
    Document,
    Intent,
    Limit,
    LimitVerdict,
    Misfit,
    digest,
    read,
    written,
)
from detector.policies.intents import RANK, Intents, IntentState, Terms, compiled, state
from detector.policies.limits import Broken, LimitCode, Limits, stricter
from detector.policies.rehearsal import DryRun, IntentHits, LevelHits, LimitHits
from detector.policies.wildcard import Wildcard

__all__ = [
    "MOST_REAUTHORISE_DAYS",
    "RANK",
    "Advice",
    "Broken",
    "Document",
    "DryRun",
    "Intent",
    "IntentHits",
    "IntentState",
    "Intents",
    "LevelHits",
    "Limit",
    "LimitCode",
    "LimitHits",
    "LimitVerdict",
    "Limits",
    "Misfit",
    "Narrower",
    "Terms",
    "Wildcard",
    "compiled",
    "digest",
    "read",
    "state",
    "stricter",
    "within",
    "written",
]
