"""A policy document as somebody wrote it: what was agreed on beforehand, and what is out of the question.

Strictly read: an unknown key, a name twice or a limit that limits nothing is an error that says where.
It is compiled by `intents` and `limits`; what is in force of it is the engine's matter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from detector.events import Privilege, Sensitivity
from detector.policies.wildcard import MOST_STARS

MOST_INTENTS: Final = 2_000
"""Intents of one document: what more people agreed on than that, nobody has read again."""

MOST_LIMITS: Final = 200
MOST_NAMED: Final = 64
"""Actions that one intent names."""

LONGEST_NAME: Final = 2_048
LONGEST_ID: Final = 100
LONGEST_TEXT: Final = 1_000

MOST_TTL_SECONDS: Final = 366 * 86_400.0
"""A cap longer than a year is none."""

MOST_REAUTHORISE_DAYS: Final = 366
REAUTHORISE_DAYS: Final = 90
"""What was agreed on is looked at again every quarter, unless the document says otherwise."""

Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LimitVerdict: TypeAlias = Literal["deny", "step_up"]

Part = TypeVar("Part")

Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Whole = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^*]*$")]
Pattern = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=rf"^([^*]*\*){{0,{MOST_STARS}}}[^*]*$")]
Words = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
Moment = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[float, Meta(gt=0, le=MOST_TTL_SECONDS)]
Hours = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Misfit(ValueError):
    """A value is no policy document: `path` says where, `reason` why."""

    def __init__(self, path: Sequence[str | int], reason: str) -> None:
        self.path, self.reason = tuple(path), reason
        super().__init__(f"{written(self.path)}: {reason}" if path else reason)


class Intent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Work that was agreed on beforehand: who asks for what, how far, when, and who answers for it.

    `resource` and `task` may hold `*`. `privilege` is the most that is agreed on; `actions` are those that are;
    one of the two has to be named. `hours` (like `22:00-04:00`) and `weekdays` are in UTC; hours past midnight
    belong to the day they began on, and hours that end when they begin are all day. It does nothing from `expires`
    on, nor `reauthorise_days` after it was last authorised.
    """

    requester: Whole
    resource: Pattern
    authorised_by: Words
    expires: Moment
    max_ttl_seconds: Seconds
    issuer: Name | None = None
    task: Pattern | None = None
    privilege: Privilege | None = None
    actions: Annotated[tuple[Name, ...], Meta(max_length=MOST_NAMED)] = ()
    since: Moment | None = field(default=None, name="from")
    until: Moment | None = None
    hours: Hours | None = None
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    reauthorise_days: Annotated[int, Meta(ge=1, le=MOST_REAUTHORISE_DAYS)] = REAUTHORISE_DAYS
    note: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""

    def __post_init__(self) -> None:
        """Refuse what would cover more than its writer thinks, or nothing."""
        if self.privilege is None and not self.actions:
            raise ValueError("privilege: name the most that is agreed on, or the actions")


class Limit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is out of the question for resources of some sensitivity, whoever asks and however usual it is.

    `privileges` are those it is about, all where none is named. `verdict` is what breaking it comes to.
    """

    sensitivity: Annotated[tuple[Sensitivity, ...], Meta(min_length=1, max_length=4)]
    privileges: Annotated[tuple[Privilege, ...], Meta(min_length=1, max_length=3)] | None = None
    max_ttl_seconds: Seconds | None = None
    attested: bool = False
    task: bool = False
    verdict: LimitVerdict = "deny"
    note: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""

    def __post_init__(self) -> None:
        """Refuse a limit that nothing can break."""
        if self.max_ttl_seconds is None and not self.attested and not self.task:
            raise ValueError("max_ttl_seconds, attested or task: one has to be limited")


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole of it, intents and limits by their names. `version` is one more than that of the document before."""

    version: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    note: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    intents: Annotated[dict[Id, Intent], Meta(max_length=MOST_INTENTS)] = {}
    limits: Annotated[dict[Id, Limit], Meta(max_length=MOST_LIMITS)] = {}

    def contradiction(self) -> Misfit | None:
        """What can never come to anything, though each part of it may be said; `None` where all can."""
        for name, intent in self.intents.items():
            for field_name, moment in (("until", intent.until), ("expires", intent.expires)):
                if intent.since is not None and moment is not None and moment <= intent.since:
                    return Misfit(("intents", name, field_name), "must be after from")
        return None


class _Shell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document whose parts have not been looked at."""

    version: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    note: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    intents: Annotated[dict[Id, Any], Meta(max_length=MOST_INTENTS)] = {}
    limits: Annotated[dict[Id, Any], Meta(max_length=MOST_LIMITS)] = {}


def read(value: Any) -> Document:
    """The document in a parsed TOML or JSON value. Raises `Misfit`, which names the intent or limit that it is in."""
    shell = _fitting(value, _Shell, ())
    return Document(
        version=shell.version,
        note=shell.note,
        intents={name: _fitting(one, Intent, ("intents", name)) for name, one in shell.intents.items()},
        limits={name: _fitting(one, Limit, ("limits", name)) for name, one in shell.limits.items()},
    )


def _fitting(value: Any, shape: type[Part], path: tuple[str, ...]) -> Part:
    try:
        if path and path[-1].endswith("\n"):  # which a pattern's $ lets pass
            raise Misfit(path, "is no name")
        return msgspec.convert(_whole(value), shape)
    except msgspec.ValidationError as error:
        raise misfit(str(error), path) from None


def _whole(value: Any) -> Any:
    """The same, where JSON wrote a whole number with a point."""
    if not isinstance(value, Mapping):
        return value
    points = {name: one for name in _INTEGERS if isinstance(one := value.get(name), float) and one.is_integer()}
    return {**value, **{name: int(one) for name, one in points.items()}} if points else value


def misfit(said: str, within: Sequence[str | int] = ()) -> Misfit:
    """What msgspec's sentence means: where it points, `within` what, and what is wrong there.

    >>> print(misfit("Object contains unknown field `colour`", ("intents", "nightly")))
    intents.nightly.colour: unknown key
    >>> print(misfit("Invalid enum value 'monday' - at `$.weekdays[0]`", ("intents", "nightly")))
    intents.nightly.weekdays[0]: invalid enum value 'monday'
    """
    at = _AT.search(said)
    inner = [int(index) if index else name for name, index in _PARTS.findall(at["path"])] if at else []
    path = [*within, *inner]
    reason = said[: at.start()] if at else said
    unknown, missing = _UNKNOWN.search(reason), _MISSING.search(reason)
    if unknown:
        return Misfit([*path, unknown["name"]], "unknown key")
    if missing:
        return Misfit([*path, missing["name"]], "is missing")
    named = _FIELD.match(reason)
    if named:
        return Misfit([*path, named["name"]], named["rest"])
    return Misfit(path, reason[:1].lower() + reason[1:])


def written(path: Sequence[str | int]) -> str:
    """A path as one reads it: `intents.nightly.weekdays[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def digest(document: Document) -> str:
    """SHA-256 of what a document says, however it was written down."""
    return hashlib.sha256(_ENCODER.encode(document)).hexdigest()


_INTEGERS: Final = ("version", "reauthorise_days")
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_AT: Final = re.compile(r" - at (?:`key` in )?`\$\.?(?P<path>[^`]*)`$")
_PARTS: Final = re.compile(r"([^.\[\]]+)(?:$|(?=[.\[]))|\[(\d+)\]")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]+)`")
_MISSING: Final = re.compile(r"missing required field `(?P<name>[^`]+)`")
_FIELD: Final = re.compile(r"^(?P<name>[a-z_]+): (?P<rest>.+)$", re.DOTALL)
