"""One pure decoder a log dialect: record → events, or unreadable with a reason. Opens no files, knows no clock.

Events carry names as the log wrote them. One record may give several events (an
AssumeRole by a role's session is an issuance and a use of that session's key),
or none (a stage that was already counted).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.sources import cloudtrail, gke, kubernetes, native, vault
from detector.sources.base import Decoded, Decoder, Record, Unreadable

DIALECTS: Final[Mapping[str, Decoder]] = {
    "native": native.decode,
    "cloudtrail": cloudtrail.decode,
    "vault": vault.decode,
    "kubernetes": kubernetes.decode,
}

_RECOGNISERS: Final = {
    "native": native.recognises,
    "kubernetes": lambda record: kubernetes.recognises(record) or gke.recognises(record),
    "vault": vault.recognises,
    "cloudtrail": cloudtrail.recognises,
}


def recognise(record: Record) -> str | None:
    """The dialect that a record is written in, by its content; None for none that we know.

    >>> recognise({"kind": "usage", "credential": "c1"}), recognise({"eventName": "AssumeRole", "eventSource": "s"})
    ('native', 'cloudtrail')
    """
    return next((name for name, recognises in _RECOGNISERS.items() if recognises(record)), None)


__all__ = ["DIALECTS", "Decoded", "Decoder", "Record", "Unreadable", "recognise"]
