"""How records are written in the log: one line of JSON, its kind under `type`."""

from __future__ import annotations

from typing import Any, Final, Union, get_args

import msgspec

from detector.engine.records import Observed, Record
from detector.events import Issuance, Lifecycle, Usage


class _IssuanceObserved(Observed, frozen=True, kw_only=True, omit_defaults=True, tag="issuance_observed"):
    """How `Observed` is written: msgspec tells event types apart by the record's tag only."""

    event: Issuance


class _UsageObserved(Observed, frozen=True, kw_only=True, omit_defaults=True, tag="usage_observed"):
    """As `_IssuanceObserved`."""

    event: Usage


class _LifecycleObserved(Observed, frozen=True, kw_only=True, omit_defaults=True, tag="lifecycle_observed"):
    """As `_IssuanceObserved`."""

    event: Lifecycle


_OBSERVED: Final[dict[type, type[Observed]]] = {
    Issuance: _IssuanceObserved,
    Usage: _UsageObserved,
    Lifecycle: _LifecycleObserved,
}
_WRITTEN: Final[Any] = Union[(*(kind for kind in get_args(Record) if kind is not Observed), *_OBSERVED.values())]
_DECODER: Final = msgspec.json.Decoder(_WRITTEN)
_ENCODER: Final = msgspec.json.Encoder()


def encode(record: Record) -> bytes:
    """The record as JSON, one line, its kind under `type`."""
    if isinstance(record, Observed):
        record = _OBSERVED[type(record.event)](
            event=record.event,
            weighed=record.weighed,
            deadline=record.deadline,
            decision=record.decision,
            rule=record.rule,
            rule_stage=record.rule_stage,
            rule_bit=record.rule_bit,
            teaches=record.teaches,
        )
    return _ENCODER.encode(record)


def decode(data: bytes) -> Record:
    """The record that `encode` wrote. Raises `msgspec.ValidationError` for anything else."""
    record: Record = _DECODER.decode(data)
    if isinstance(record, Observed):
        return Observed(**msgspec.structs.asdict(record))
    return record
