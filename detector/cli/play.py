"""A broker as the demonstration plays it: asks before it mints, mints what is allowed, and reports what was minted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec.structs import replace

from detector.cli.remote import Remote
from detector.events import Event, GrantRequest, Issuance
from detector.intake.native_lines import native_line, native_record

if TYPE_CHECKING:
    from collections.abc import Iterable

LIFETIME_SECONDS: Final = 900.0
"""What the broker mints for where the request does not say."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request with what the sidecar said to it."""

    request: GrantRequest
    decision: str
    verdict: str
    evidence: float
    risk: float
    reasons: tuple[dict[str, Any], ...]
    rule: str | None


class Broker:
    """Talks to the sidecar at `url`; the token is for looking at rules only: on loopback a broker needs none yet."""

    def __init__(self, url: str, token: str) -> None:
        self._asking = Remote(url, None)
        self._looking = Remote(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._asking.close()
        self._looking.close()

    def ask(self, request: GrantRequest) -> Answered:
        """`POST /v1/score`, and where the answer is allow, mint and report it."""
        said = self._asking.post("v1", "score", body=native_record(request), needs="broker")
        rule = said.get("deny_rule") or {}
        answered = Answered(
            request=request,
            decision=said["decision_id"],
            verdict=said["verdict"],
            evidence=said["evidence"],
            risk=said["risk"],
            reasons=tuple(said["reasons"]),
            rule=rule.get("id") if rule.get("denied") else None,
        )
        if answered.verdict == "allow":
            self.report([_minted(answered)])
        return answered

    def report(self, events: Iterable[Event]) -> None:
        """`POST /v1/events`: what was minted or used. Raises `Complaint` where an event is refused."""
        lines = b"".join(native_line(event) + b"\n" for event in events)
        self._asking.post_lines("v1", "events", lines=lines, needs="ingest")

    def rules(self) -> list[dict[str, Any]]:
        """`GET /v1/deny-rules`."""
        rules: list[dict[str, Any]] = self._looking.get("v1", "deny-rules", needs="analyst")["deny_rules"]
        return rules


def _minted(answered: Answered) -> Issuance:
    """What the broker's log says of a request that was allowed."""
    request = answered.request
    lifetime = request.ttl_seconds or LIFETIME_SECONDS
    return Issuance(
        grant=replace(request, unknown={}),
        credential=f"credential-of-{request.id}",
        expires_at=request.time + lifetime,
        decision=answered.decision,
    )
