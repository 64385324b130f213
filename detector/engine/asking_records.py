"""What the log holds of access requests: that one was made, what became of it, and an approval that was presented."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from detector.engine.tasks import Method, Settlement, Trust

Refusal: TypeAlias = Literal["approval_expired", "out_of_scope", "policy_denied", "approval_unverifiable"]
"""Why an approval lets nobody pass, in the words of the Access Request and Approval Profile."""


class Presented(Struct, frozen=True, omit_defaults=True, gc=False):
    """An approval that a request was presented with: until when what is minted on it may live, or why it did not pass.

    With neither it was not needed: the request was allowed without.
    """

    approval: str
    until: float = 0.0
    refused: Refusal | None = None


class AccessRequested(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="access_requested"):
    """A broker asked for somebody's answer to a step-up: `scope` is what would be approved, `methods` what may answer.

    `evidence` (quanta) is what the step-up was decided on, `parties` are whom it was asked for or on behalf of,
    beside the requester, `limits` the hard limits that it breaks. `key` and `body` are digests of the idempotency
    key and of what was sent under it. `wanted` is until when it is wanted, `because` what it is wanted for.
    It ends by itself at `expires` (Unix seconds).
    """

    task: str
    decision: str
    requester: str
    issuer: str
    resource: str
    scope: str
    evidence: int
    methods: tuple[Method, ...]
    by: str
    expires: float
    parties: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    ttl_seconds: float | None = None
    wanted: float | None = None
    emergency: bool = False
    because: str = ""
    key: str = ""
    body: str = ""


class AccessSettled(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="access_settled"):
    """An access request was answered, cancelled by its broker, or its approval taken back.

    An `approval` is good until `until` (Unix seconds), for `uses` decisions, each with at most `margin` quanta more
    evidence than the step-up had.
    """

    task: str
    status: Settlement
    by: str
    method: Method | None = None
    trust: Trust = "approver"
    approval: str = ""
    until: float = 0.0
    uses: int = 0
    margin: int = 0
    because: str = ""
