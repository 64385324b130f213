"""The deny list that a sidecar leaves with its brokers, so that a dead one still blocks what was known.

A value: taking in what a sidecar tells makes a new one. A rule is matched by the server's own words for the request
(see `folding`), holds until its own expiry by the broker's clock, however long nobody has been heard, and only where
the operator enforces: under observe, under shadow and with the kill switch on the server would deny nothing either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from detector.client.folding import SELECTABLE, Fold, Folding
from detector.client.requests import LONGEST_NAME, GrantRequest

MOST_RULES: Final = 20_000
"""As many as the server remembers, ended ones among them; those that end last are kept."""

MOST_BYTES: Final = 16_777_216
"""Of one telling: `MOST_RULES` rules of ordinary names take a third of it."""

STALE_SECONDS: Final = 60.0
"""A list that nobody has confirmed for so long is called stale. Its rules hold all the same until they expire: they
were narrow and proven when they were made, and withdrawing one is what a living sidecar is for."""

Mode: TypeAlias = Literal["observe", "shadow", "enforce"]
Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]

REQUESTER: Final = "requester"
REDACTED: Final = "redacted:"
"""What the mark of a redacted value begins with."""

FINDING: Final = ("resource", "network", *(name for name in SELECTABLE if name not in {"resource", "network"}))
Key: TypeAlias = tuple[str, str, str]
"""A requester, the first of `FINDING` that a rule against it names (or nothing), and its value."""

_KNOWN: Final = frozenset({REQUESTER, *SELECTABLE})


class Modes(Struct, frozen=True):
    """What the operator enforces: in general, at issuers, and for canonical requesters, who go first."""

    general: Mode = "enforce"
    issuers: dict[str, Mode] = {}
    requesters: dict[str, Mode] = {}

    def of(self, issuer: str, requester: str) -> Mode:
        """The mode for one requester at one issuer."""
        return self.requesters.get(requester) or self.issuers.get(issuer, self.general)


EVERYWHERE: Final = Modes()


class Rule(Struct, frozen=True):
    """An enforced deny rule: every value that its selector names is the request's own."""

    id: Text
    selector: dict[str, Text]
    expires: Annotated[datetime, Meta(tz=True)]

    def understood(self) -> bool:
        """Whether all that it names is known here: matched by half of it, it would deny what it was not made for.

        What the server redacts is not: only its key tells what a value's mark is.
        """
        known = REQUESTER in self.selector and self.selector.keys() <= _KNOWN
        return known and not any(value.startswith(REDACTED) for value in self.selector.values())

    def matches(self, values: Mapping[str, str | None]) -> bool:
        """Whether a request of its requester with these values is one that it denies."""
        return all(values[name] == wanted for name, wanted in self.selector.items() if name != REQUESTER)

    def key(self) -> Key:
        """By which it is found among many of its requester: the value that it names which few requests share."""
        named = next((name for name in FINDING if name in self.selector), "")
        return self.selector[REQUESTER], named, self.selector.get(named, "")

    def words(self) -> str:
        """Its scope, as the server words it."""
        named = (name for name in (REQUESTER, *SELECTABLE) if name in self.selector)
        return " · ".join(f"{name} {self.selector[name]}" for name in named)


class Telling(Struct, frozen=True, kw_only=True):
    """What a sidecar tells of its enforced rules: everything (`full`), or what is new and gone since a position."""

    position: Annotated[int, Meta(ge=0)]
    full: bool
    new: list[Rule]
    deleted: list[str]
    kill_switch: bool
    fold: list[Fold]
    modes: Modes = EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class DenyList:
    """What is known: `told` at (Unix seconds; `None` for never), up to a log position.

    `found` are the rules that are understood, by their keys; `overflowed` is how many there was no room for.
    """

    told: float | None = None
    position: int = 0
    kill_switch: bool = False
    modes: Modes = EVERYWHERE
    folding: Folding = field(default_factory=lambda: Folding(()))
    rules: Mapping[str, Rule] = field(default_factory=dict)
    found: Mapping[Key, Mapping[str, Rule]] = field(default_factory=dict)
    overflowed: int = 0

    @property
    def left_out(self) -> int:
        """The rules that do not hold here: those without room, and those that name what this client has no word for."""
        return self.overflowed + sum(not rule.understood() for rule in self.rules.values())

    def taking(self, telling: Telling, *, now: float) -> DenyList:
        """What is known once this was told. Raises `ValueError` for what cannot be true."""
        if not telling.full and telling.position < self.position:
            raise ValueError("position: the log went back")
        same = tuple(telling.fold) == self.folding.folds
        told = replace(
            self,
            told=now,
            position=telling.position,
            kill_switch=telling.kill_switch,
            modes=telling.modes,
            folding=self.folding if same else Folding(telling.fold),
        )
        if not (telling.full or telling.new or telling.deleted):
            return told
        if telling.full:
            live = [rule for rule in telling.new if rule.expires.timestamp() > now]
            return _filled(replace(told, overflowed=0), {rule.id: rule for rule in live})
        rules, found = dict(self.rules), dict(self.found)
        for name in (*telling.deleted, *(rule.id for rule in telling.new)):
            gone = rules.pop(name, None)
            if gone is not None and gone.understood():
                _without(found, gone)
        for rule in telling.new:
            rules[rule.id] = rule
            if rule.understood():
                found[rule.key()] = {**found.get(rule.key(), {}), rule.id: rule}
        return replace(told, rules=rules, found=found) if len(rules) <= MOST_RULES else _filled(told, rules)

    def blocking(self, grant: GrantRequest, *, now: float) -> Rule | None:
        """A rule that denies a request, if there is one."""
        if self.kill_switch or not self.found:
            return None
        requester = self.folding.name(grant.requester)
        if self.modes.of(grant.issuer, requester) != "enforce":
            return None
        values = self.folding.values(grant)
        for named, value in (("", ""), *values.items()):
            for rule in self.found.get((requester, named, value or ""), {}).values():
                if rule.matches(values) and now < rule.expires.timestamp():
                    return rule
        return None

    def live(self, now: float) -> int:
        """How many rules have not ended."""
        return sum(rule.expires.timestamp() > now for rule in self.rules.values())

    def differs(self, other: DenyList) -> bool:
        """Whether it stops others than another list does: a log that merely went on changes nothing."""
        return (self.rules, self.kill_switch, self.modes, self.folding.folds) != (
            other.rules,
            other.kill_switch,
            other.modes,
            other.folding.folds,
        )

    def telling(self) -> Telling:
        """All of it, to be told to oneself later."""
        return Telling(
            position=self.position,
            full=True,
            new=list(self.rules.values()),
            deleted=[],
            kill_switch=self.kill_switch,
            fold=list(self.folding.folds),
            modes=self.modes,
        )

    def age(self, now: float) -> float | None:
        """Seconds since a sidecar last confirmed it; `None` where none ever did."""
        return None if self.told is None else max(0.0, now - self.told)


_DECODER: Final = msgspec.json.Decoder(Telling)


def read(body: bytes) -> Telling:
    """What a sidecar told. Raises `ValueError`."""
    try:
        return _DECODER.decode(body)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _filled(known: DenyList, rules: dict[str, Rule]) -> DenyList:
    """With these rules and no others; where there are too many, those that end last."""
    surplus = max(0, len(rules) - MOST_RULES)
    if surplus:
        latest = sorted(rules.values(), key=lambda rule: rule.expires, reverse=True)[:MOST_RULES]
        rules = {rule.id: rule for rule in latest}
    found: dict[Key, dict[str, Rule]] = {}
    for rule in rules.values():
        if rule.understood():
            found.setdefault(rule.key(), {})[rule.id] = rule
    return replace(known, rules=rules, found=found, overflowed=known.overflowed + surplus)


def _without(found: dict[Key, Mapping[str, Rule]], rule: Rule) -> None:
    """Take a rule out; what others hold of the same is left alone."""
    bucket = {name: other for name, other in found.pop(rule.key()).items() if name != rule.id}
    if bucket:
        found[rule.key()] = bucket
