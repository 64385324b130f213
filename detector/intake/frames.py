"""The log as a polars frame: one row a record, for notebooks and for Parquet.

The whole frame is in memory: some 1 kB a record. A log of many millions is
better read in slices (`LogReader.read(after)`), a frame each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import polars as pl

from detector.engine.records import (
    Configured,
    Decided,
    Entry,
    Observed,
    OutcomeRecorded,
    Released,
    RuleChanged,
    Weighed,
)
from detector.events import Event, GrantRequest, Issuance, Lifecycle, Usage
from detector.evidence import in_nats
from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities
from detector.intake.export import ROW_SCHEMA

_MOMENT: Final = pl.Datetime("us", time_zone="UTC")

LOG_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "position": pl.Int64,
    "stamp": _MOMENT,
    "record": pl.String,
    "id": pl.String,
    "kind": pl.String,
    "time": _MOMENT,
    "requester": pl.String,
    "raw_requester": pl.String,
    "issuer": pl.String,
    "resource": pl.String,
    "privilege": pl.String,
    "ttl_seconds": pl.Float64,
    "action": pl.String,
    "ip": pl.String,
    "network": pl.String,
    "environment": pl.String,
    "task": pl.String,
    "credential": pl.String,
    "outcome": pl.String,
    "answer": pl.String,
    "verdict": pl.String,
    "risk": pl.Float64,
    "own": pl.Float64,
    "evidence": pl.Float64,
    "reasons": ROW_SCHEMA["reasons"],
}
"""The columns. `stamp` is when the log took the record in, `time` the event's own; `own` is this
event's evidence in nats, `evidence` that with what its requester had accumulated; `verdict` is what
was weighed, `answer` what the broker was told. What a record does not have is null."""


def log_frame(entries: Iterable[Entry]) -> pl.DataFrame:
    """The entries as a frame with the columns of `LOG_SCHEMA`, in the log's order.

    `requester` is canonical, folded by the identity rules in force at that place
    in the log; a usage is its credential's requester's, where the entries given
    hold the issuance. No entries give no rows.
    """
    reader = _Reader()
    rows = [reader.row(entry) for entry in entries]
    frame = pl.DataFrame(rows, schema={**LOG_SCHEMA, "stamp": pl.Float64, "time": pl.Float64}, orient="row")
    return frame.with_columns((pl.col("stamp", "time") * 1e6).round().cast(pl.Int64).cast(_MOMENT))


class _Reader:
    """What must be remembered between entries: the identity rules in force, and whose a credential is."""

    def __init__(self) -> None:
        self._identities = Identities(DEFAULT_IDENTITY_RULES)
        self._minted: dict[str, tuple[str, str]] = {}

    def row(self, entry: Entry) -> tuple[Any, ...]:
        """One entry as the values of `LOG_SCHEMA`, in order."""
        record = entry.record
        cells: dict[str, Any] = {}
        if isinstance(record, Configured):
            self._identities = Identities(record.policy.identity)
        elif isinstance(record, Decided):
            cells = {**self._event(record.request), **_weighed(record.weighed)}
            cells |= {"id": record.decision, "requester": record.requester, "answer": record.answer}
        elif isinstance(record, Observed | Released):
            cells = {**self._event(record.event), **_weighed(record.weighed)}
        elif isinstance(record, OutcomeRecorded):
            cells = {"id": record.decision, "outcome": record.outcome}
        elif isinstance(record, RuleChanged):
            selector = record.rule.selector
            cells = {"id": record.rule.id, "outcome": record.change, "requester": selector.requester}
            cells |= {"issuer": selector.issuer, "resource": selector.resource, "privilege": selector.privilege}
        cells |= {"position": entry.position, "stamp": entry.stamp, "record": record.__struct_config__.tag}
        return tuple(cells.get(name) for name in LOG_SCHEMA)

    def _event(self, event: Event) -> dict[str, Any]:
        if isinstance(event, GrantRequest):
            return {**self._grant(event), "kind": "grant_request"}
        if isinstance(event, Issuance):
            cells = self._grant(event.grant)
            if event.credential is not None:
                self._minted[event.credential] = (cells["requester"], event.grant.issuer)
            return {**cells, "kind": "issuance", "credential": event.credential, "outcome": event.outcome}
        if isinstance(event, Usage):
            return self._usage(event)
        return _lifecycle(event)

    def _grant(self, grant: GrantRequest) -> dict[str, Any]:
        return {
            "id": grant.id,
            "time": grant.time,
            "requester": self._identities.fold(grant.requester),
            "raw_requester": grant.requester,
            "issuer": grant.issuer,
            "resource": grant.resource,
            "privilege": grant.privilege,
            "ttl_seconds": grant.ttl_seconds,
            "action": ", ".join(grant.actions) or None,
            "ip": grant.source.ip,
            "network": grant.source.network,
            "environment": grant.source.environment,
            "task": grant.task,
        }

    def _usage(self, usage: Usage) -> dict[str, Any]:
        requester, issuer = self._minted.get(usage.credential or "", (None, None))
        if usage.requester is not None:
            requester = self._identities.fold(usage.requester)
        return {
            "id": usage.id,
            "kind": "usage",
            "time": usage.time,
            "requester": requester,
            "raw_requester": usage.requester,
            "issuer": usage.issuer or issuer,
            "resource": usage.resource,
            "action": usage.action,
            "ip": usage.source.ip,
            "network": usage.source.network,
            "environment": usage.source.environment,
            "credential": usage.credential,
            "outcome": usage.outcome,
        }


def _lifecycle(change: Lifecycle) -> dict[str, Any]:
    return {
        "id": change.id,
        "kind": "lifecycle",
        "time": change.time,
        "resource": change.subject,
        "action": change.change,
        "raw_requester": change.actor,
    }


def _weighed(weighed: Weighed | None) -> dict[str, Any]:
    if weighed is None:
        return {}
    return {
        "verdict": weighed.verdict,
        "risk": weighed.risk,
        "own": in_nats(weighed.own),
        "evidence": in_nats(weighed.evidence),
        "reasons": [
            {
                "code": reason.code,
                "because": reason.because,
                "nats": reason.nats,
                "expected": reason.expected,
                "observed": reason.observed,
            }
            for reason in weighed.reasons
        ],
    }
