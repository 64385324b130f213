"""Replaces what must not be kept by keyed hashes, before anything is weighed or written.

The same value always gives the same mark, so that habits, joins and replays go on; a value of which habit looks at a
part (a task's pattern, a client's kind) gives the mark of that part. What an identity is, what was asked for and when
cannot be redacted: nothing could be decided without it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from detector.events import Event, GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.features.marks import REDACTED
from detector.features.names import pattern
from detector.features.places import client, place
from detector.features.remembering import MEMO

DIGITS: Final = 32
"""Hexadecimal digits of a mark: 128 bits, so that two values never share one by chance."""

IDENTITY: Final = frozenset({"issuer", "requester", "resource", "subject"})
MOMENTS: Final = frozenset({"kind", "time", "id", "until", "expires_at", "decision", "change"})
GRADES: Final = frozenset({"privilege", "sensitivity", "ttl_seconds", "break_glass", "outcome", "actions", "action"})
SOURCE: Final = frozenset(Source.__struct_fields__)

_TEXTS: Final = ("task", "purpose", "consumer", "on_behalf_of", "renewal_of", "credential", "actor")
_WHOLE: Final = {"source", "authentication", "attributes"}
_MADE: Final = re.compile(rf"(?<![0-9a-f])[0-9a-f]{{{DIGITS}}}(?![0-9a-f])")
"""An id that was made of a record's content, in clear: whoever knows the rest of it could try what was redacted."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def checked(field: str) -> str:
    """A field that can be redacted; raises `ValueError` saying why it cannot."""
    first, _, inner = field.partition(".")
    if not field or any(not part for part in field.split(".")):
        raise ValueError(f"{field!r} names no field")
    if field in IDENTITY:
        raise ValueError(f"{field} says who asks whom for what: nothing can be decided without it")
    if field in MOMENTS:
        raise ValueError(f"{field} orders events and brings them together: it cannot be redacted")
    if field in GRADES:
        raise ValueError(f"{field} says how much is at stake, in a few words that name nobody: it cannot be redacted")
    if field in _WHOLE:
        raise ValueError(f"{field} has fields of its own: name them ({field}.…)")
    if field == "authentication.attested":
        raise ValueError(f"{field} is yes or no: it cannot be redacted")
    if inner and first in _TEXTS:
        raise ValueError(f"{first} is a text: it has no {inner}")
    return field


class Redaction:
    """The fields to redact, and the key their hashes are made with.

    >>> redaction = Redaction(["purpose"], b"key")
    >>> redaction.mark("patient 4711")[:29]
    'redacted:hmac-sha256:7566ae59'
    """

    def __init__(self, fields: Sequence[str], key: bytes) -> None:
        """Raises `ValueError` for a field that cannot be redacted."""
        named = frozenset(checked(field) for field in fields)
        credentials = {"credential", "renewal_of"}
        self._fields = named | credentials if named & credentials else named
        self._source = tuple(sorted(name for name in SOURCE if f"source.{name}" in named))
        self._paths = tuple(tuple(field.split(".")) for field in sorted(self._fields))
        self._key = key
        self.mark = lru_cache(MEMO)(self._mark)

    def __call__(self, event: Event, fold: Callable[[str], str]) -> Event:
        """The event with its fields redacted; `fold` makes names canonical, which is what habit knows them by."""
        if isinstance(event, Issuance):
            grant = self._grant(event.grant, fold)
            return msgspec.structs.replace(event, grant=grant, credential=self._text("credential", event.credential))
        if isinstance(event, GrantRequest):
            return self._grant(event, fold)
        if isinstance(event, Usage):
            return msgspec.structs.replace(
                event,
                id=self._id(event.id),
                credential=self._text("credential", event.credential),
                consumer=self._text("consumer", event.consumer, fold),
                source=self._placed(event.source),
                unknown=self._opened(event.unknown),
            )
        return self._lifecycle(event)

    def said(self, purpose: str) -> str:
        """What somebody wrote about a request, redacted where purposes are."""
        return self.mark(purpose) if purpose and "purpose" in self._fields else purpose

    def _mark(self, value: str, kind: str = "") -> str:
        """What stands for a value; `kind` is what habit sees of it, where that is less."""
        return REDACTED + self._hash(value) + (f".{self._hash(kind)}" if kind else "")

    def _hash(self, value: str) -> str:
        return hmac.digest(self._key, value.encode(errors="replace"), "sha256").hex()[:DIGITS]

    def _grant(self, grant: GrantRequest, fold: Callable[[str], str]) -> GrantRequest:
        fields = self._fields
        changed: dict[str, Any] = {"id": self._id(grant.id)}
        if "task" in fields and grant.task:
            changed["task"] = self.mark(grant.task, pattern(grant.task))
        if "purpose" in fields and grant.purpose:
            changed["purpose"] = self.mark(pattern(grant.purpose))
        if "on_behalf_of" in fields:
            changed["on_behalf_of"] = tuple(self.mark(fold(name)) for name in grant.on_behalf_of)
        if "authentication.method" in fields and grant.authentication_method:
            changed["authentication_method"] = self.mark(grant.authentication_method)
        return msgspec.structs.replace(
            grant,
            **changed,
            consumer=self._text("consumer", grant.consumer, fold),
            renewal_of=self._text("renewal_of", grant.renewal_of),
            source=self._placed(grant.source),
            attributes=self._opened(grant.attributes, "attributes"),
            unknown=self._opened(grant.unknown),
        )

    def _lifecycle(self, event: Lifecycle) -> Lifecycle:
        """A change is about a task or a credential where it ends one: then its subject is redacted as they are."""
        subject = event.subject
        if "task" in self._fields and event.change == "task_completed":
            subject = self.mark(subject, pattern(subject))
        if "credential" in self._fields and event.change in {"revoked", "rotated"}:
            subject = self.mark(subject)
        return msgspec.structs.replace(
            event,
            id=self._id(event.id),
            subject=subject,
            actor=self._text("actor", event.actor),
            unknown=self._opened(event.unknown),
        )

    def _text(self, field: str, value: str | None, fold: Callable[[str], str] = str) -> str | None:
        return value if field not in self._fields or not value else self.mark(fold(value))

    def _id(self, name: str) -> str:
        return _MADE.sub(lambda made: self._hash(made[0]), name)

    def _placed(self, source: Source) -> Source:
        """The source; of an address that is redacted its network stays, which habit knows it by."""
        changed: dict[str, str] = {}
        for name in self._source:
            value = getattr(source, name)
            if value:
                changed[name] = self.mark(_FOLDED.get(name, str)(value))
        if "ip" in changed and source.network is None and source.ip is not None:
            found = place(source.ip)
            if found.network != source.ip:
                changed.setdefault("network", found.network)
        return msgspec.structs.replace(source, **changed) if changed else source

    def _opened(self, values: Mapping[str, Any], inside: str = "") -> Mapping[str, Any]:
        """An open map with what the paths lead to redacted: a field of one kind of event is unknown to another."""
        for path in self._paths:
            if not inside or path[0] == inside:
                values = self._at(values, path[1:] if inside else path)
        return values

    def _at(self, values: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
        whole = ".".join(path)
        if whole in values:
            return {**values, whole: self._anything(values[whole])}
        inner = values.get(path[0])
        if len(path) > 1 and isinstance(inner, Mapping):
            return {**values, path[0]: self._at(inner, path[1:])}
        return values

    def _anything(self, value: Any) -> Any:
        if value is None:
            return None
        return self.mark(value) if isinstance(value, str) else self.mark(_ENCODER.encode(value).decode())


def _address(ip: str) -> str:
    return place(ip).address


_FOLDED: Final[Mapping[str, Callable[[str], str]]] = {"ip": _address, "user_agent": client, "workload": pattern}
"""What habit sees of a source's fields, where that is less than the whole."""
