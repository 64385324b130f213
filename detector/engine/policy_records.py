"""What the log holds of policy documents: tried on history, applied, an intent answered for anew."""

from __future__ import annotations

from msgspec import Struct

from detector.policies import Document, DryRun


class PolicyTried(Struct, frozen=True, kw_only=True, tag="policy_tried"):
    """A policy document was tried on the log's own history: what it would have done there."""

    digest: str
    found: DryRun
    by: str


class PolicyApplied(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="policy_applied"):
    """A policy document came into force, instead of the one before it.

    `overridden` is why it did without a dry-run of its own; empty where it had one.
    """

    document: Document
    digest: str
    by: str
    because: str
    overridden: str = ""


class IntentReauthorised(Struct, frozen=True, kw_only=True, tag="intent_reauthorised"):
    """Somebody answered anew for an intent of the policy document in force."""

    intent: str
    by: str
    because: str
