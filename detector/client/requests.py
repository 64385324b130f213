"""A grant request as a broker hands it in: a mapping, a `GrantRequest`, or a dataclass with the same fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Meta, Struct

LONGEST_NAME: Final = 2_048
MOST_NAMES: Final = 256
LONGEST_TTL: Final = 100 * 365.25 * 86_400
"""As the server has them: characters of a name, names in a list, seconds of a credential's life."""

LONGEST_WORD: Final = 1_000
"""As the server has it: characters of who said something."""

MOST_BYTES: Final = 1_048_576
MOST_MEMBERS: Final = 1_000
MOST_EVENT_BYTES: Final = 33_554_432
"""As the server has them: bytes of a body that asks, requests in one batch, and bytes of a body of events."""

Outcome: TypeAlias = Literal["approved", "refused", "legitimate", "malicious"]
OUTCOMES: Final = get_args(Outcome)

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Text = Annotated[str, Meta(max_length=LONGEST_NAME)]
Names = Annotated[tuple[Name, ...], Meta(max_length=MOST_NAMES)]


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a request comes from."""

    ip: Text | None = None
    network: Text | None = None
    environment: Text | None = None
    region: Text | None = None
    user_agent: Text | None = None
    workload: Text | None = None


class Authentication(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the requester proved itself."""

    method: Text | None = None
    attested: bool | None = None


class GrantRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody asks an issuer for a credential. Without `time` it is now, and without `id` one is made."""

    issuer: Name
    requester: Name
    resource: Name
    id: Text | None = None
    kind: Literal["grant_request"] = "grant_request"
    time: Annotated[datetime, Meta(tz=True)] | None = None
    actions: Names | None = None
    privilege: Literal["read", "write", "admin"] | None = None
    ttl_seconds: Annotated[float, Meta(ge=0, le=LONGEST_TTL)] | None = None
    source: Source | None = None
    task: Text | None = None
    on_behalf_of: Names | None = None
    break_glass: bool | None = None
    consumer: Text | None = None
    authentication: Authentication | None = None
    purpose: Text | None = None
    sensitivity: Literal["low", "medium", "high", "critical"] | None = None
    renewal_of: Text | None = None
    attributes: dict[str, Any] | None = None


class Asked(NamedTuple):
    """A request that is ready to be sent: under which id, as what, and what it says."""

    id: str
    body: bytes
    grant: GrantRequest


def prepared(request: object, *, make_id: Callable[[], str]) -> Asked:
    """The request with an id, checked. Raises `ValueError` naming the field that is wrong.

    Fields that the contract does not name are sent as they are.
    """
    try:
        record = msgspec.to_builtins(dict(request) if isinstance(request, Mapping) else request, str_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"request: cannot be sent as JSON: {error}") from None
    if not isinstance(record, dict):
        given = type(request).__name__
        raise ValueError(f"request: must be a mapping, a GrantRequest or a dataclass, not a {given}")  # noqa: TRY004
    named = {name: value for name, value in record.items() if value is not None}
    named["id"] = named.get("id") or make_id()
    try:
        grant = msgspec.convert(named, GrantRequest)
    except msgspec.ValidationError as error:
        raise ValueError(worded(str(error))) from None
    body = msgspec.json.encode(named)
    if len(body) > MOST_BYTES:
        raise ValueError(f"request: is larger than {MOST_BYTES} bytes")
    return Asked(str(named["id"]), body, grant)


def together(asked: Sequence[Asked]) -> bytes:
    """Requests as one body. Raises `ValueError` for none, or too many."""
    if not 1 <= len(asked) <= MOST_MEMBERS:
        raise ValueError(f"requests: must be 1 to {MOST_MEMBERS}, not {len(asked)}")
    if len({one.id for one in asked}) < len(asked):
        raise ValueError("requests: two of them have one id")
    body = b"[" + b",".join(one.body for one in asked) + b"]"
    if len(body) > MOST_BYTES:
        raise ValueError(f"requests: are larger than {MOST_BYTES} bytes together")
    return body


def outcome(decision_id: object, said: object, by: object) -> Mapping[str, object]:
    """How a step-up ended, as it is told. Raises `ValueError`."""
    for name, value in (("decision_id", decision_id), ("by", by)):
        if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_WORD:
            raise ValueError(f"{name}: must be a text of 1 to {LONGEST_WORD} characters")
    if said not in OUTCOMES:
        raise ValueError(f"outcome: must be {', '.join(OUTCOMES)}, not {said!r}")
    return {"outcome": said, "by": by}


def lines(events: Iterable[object]) -> bytes:
    """Events as JSON Lines. Raises `ValueError` for what is no JSON, nothing, or too much."""
    try:
        encoded = [msgspec.json.encode(dict(event) if isinstance(event, Mapping) else event) for event in events]
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"events: cannot be sent as JSON: {error}") from None
    body = b"\n".join(encoded)
    if not encoded or len(body) > MOST_EVENT_BYTES:
        raise ValueError(f"events: must be 1 or more, of {MOST_EVENT_BYTES} bytes together at most")
    return body


def worded(said: str) -> str:
    """msgspec's sentence with the field first.

    >>> worded("Expected `str`, got `int` - at `$.source.ip`"), worded("Object missing required field `issuer`")
    ('source.ip: Expected `str`, got `int`', 'issuer: is missing')
    """
    reason, _, path = said.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    missing = reason.removeprefix("Object missing required field `")
    if missing != reason:
        name = missing.rstrip("`")
        return f"{field}.{name}: is missing" if field else f"{name}: is missing"
    return f"{field or 'request'}: {reason}"
