"""What happened, as frozen values: the one vocabulary every other part speaks.

A decoder makes these from a log record, the API from a request body. Names are
as the log wrote them (raw); folding them into canonical identities is
`features.identity`'s work. Times are Unix seconds in UTC (float), durations
are seconds. They are msgspec's structs, which are made in a fifth of a frozen
dataclass's time and are nothing for the garbage collector to walk: what is in
them comes from JSON and cannot refer back to them. Nothing else is imported, so
that anything may import this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, field

Privilege: TypeAlias = Literal["read", "write", "admin"]
Sensitivity: TypeAlias = Literal["low", "medium", "high", "critical"]
IssuanceOutcome: TypeAlias = Literal["granted", "refused"]
UsageOutcome: TypeAlias = Literal["success", "denied", "error"]
Change: TypeAlias = Literal[
    "task_completed",
    "revoked",
    "policy_changed",
    "rotated",
    "decommissioned",
    "maintenance_declared",
]


class Source(Struct, frozen=True, kw_only=True, gc=False):
    """Where a request, or a use, came from. `None` where the log does not say."""

    ip: str | None = None
    network: str | None = None
    environment: str | None = None
    region: str | None = None
    user_agent: str | None = None
    workload: str | None = None


NOWHERE: Final = Source()


class GrantRequest(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody asks an issuer for a credential.

    `approval` is the id of the approval that it is presented with, empty for one that was not to be believed.
    """

    id: str
    time: float
    issuer: str
    requester: str
    resource: str
    actions: tuple[str, ...] = ()
    privilege: Privilege | None = None
    ttl_seconds: float | None = None
    source: Source = NOWHERE
    task: str | None = None
    on_behalf_of: tuple[str, ...] = ()
    break_glass: bool = False
    consumer: str | None = None
    authentication_method: str | None = None
    attested: bool | None = None
    purpose: str | None = None
    sensitivity: Sensitivity | None = None
    renewal_of: str | None = None
    approval: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, Any] = field(default_factory=dict)


class Issuance(Struct, frozen=True, kw_only=True, gc=False):
    """The issuer's log says what became of a grant request: minted, renewed or refused.

    `decision` names the decision that allowed it, where the broker wrote it down.
    """

    grant: GrantRequest
    outcome: IssuanceOutcome = "granted"
    credential: str | None = None
    expires_at: float | None = None
    decision: str | None = None

    @property
    def id(self) -> str:
        """The issuance's own id, which is its grant's."""
        return self.grant.id

    @property
    def time(self) -> float:
        """When it was minted or refused, Unix seconds."""
        return self.grant.time


class Usage(Struct, frozen=True, kw_only=True, gc=False):
    """A credential was used, or its use was refused.

    `requester`, `issuer` and `consumer` are filled only where the log itself
    names them (a Kubernetes audit record names the service account); elsewhere
    the join by `credential` finds them.
    """

    id: str
    time: float
    credential: str | None
    action: str | None = None
    resource: str | None = None
    outcome: UsageOutcome = "success"
    source: Source = NOWHERE
    requester: str | None = None
    issuer: str | None = None
    consumer: str | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)


class Lifecycle(Struct, frozen=True, kw_only=True, gc=False):
    """Something changed about a task, a credential, an identity or a policy.

    `subject` is what changed: a task id, a credential, a requester, a resource
    or a policy's name, as the log wrote it. `until` ends a declared maintenance.
    """

    id: str
    time: float
    change: Change
    subject: str
    until: float | None = None
    actor: str | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)


Event: TypeAlias = GrantRequest | Issuance | Usage | Lifecycle
