"""Which scope stops an abuse and nothing else: a search over what the abusive rows share.

Every combination of a few of the latest row's values is a candidate, and so are all of them together. It is judged by
how much of the abuse it covers, in nats, and by how much of the requester's own habit it can hit at most: no more
than the rarest of its values is usual. The best few go to the backtest, which counts what they really would have hit.

Wrong where abuse shares every value with honest work: then each candidate has collateral, the backtest says so, and
the rule does not bite unless somebody takes it upon himself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from msgspec import Struct

from detector.rules.selector import SELECTABLE, Selector

MOST_NAMES: Final = 3
"""Values that a candidate names, but for the one that names all: with more it would match little but that row."""

MOST_CANDIDATES: Final = 8
"""Candidates that the backtest chooses from: one scan of the history counts all of them."""

COVERED_STEP: Final = 0.1
"""Shares of the abuse that differ by less cover alike."""

WHERE: Final = ("network", "environment", "region", "workload", "consumer", "client")
"""What tells a thief from his victim whatever he asks for, the hardest for him to change first."""

WHAT: Final = ("resource", "area", "privilege", "actions", "issuer")
"""What he asks for, the narrowest first."""


class Abusive(Struct, frozen=True):
    """One flagged grant: its nameable values, what it was worth in nats, and when (Unix seconds)."""

    values: Mapping[str, str | None]
    nats: float
    at: float


_ORDER: Final = (*WHERE, *WHAT)


class _Weighed(NamedTuple):
    hit: float
    missed: int
    elsewhere: bool
    names: int
    usual: float
    place: int
    selector: Selector


def narrowest(requester: str, abuse: Sequence[Abusive], usual: Callable[[str, str], float]) -> tuple[Selector, ...]:
    """Scopes that stop the latest of `abuse` and what is like it, the best first; at least one.

    `usual` is the share of the requester's own grants that have a value, 0 for one
    it never showed. Raises `ValueError` without any abuse, or where a row has no values.
    """
    if not abuse or not any(abuse[-1].values.values()):
        message = "abuse: a scope is searched for over at least one row with a value"
        raise ValueError(message)
    latest, total = abuse[-1].values, sum(row.nats for row in abuse) or 1.0
    weighed = []
    for names in _combinations(latest):
        wanted = {name: latest[name] for name in names}
        shares = [usual(name, str(latest[name])) for name in names]
        hit = round(min(shares), 3)
        covered = sum(row.nats for row in abuse if all(row.values.get(name) == wanted[name] for name in names))
        weighed.append(
            _Weighed(
                hit=hit,
                missed=round((1.0 - covered / total) / COVERED_STEP),
                elsewhere=not any(name in WHERE and not share for name, share in zip(names, shares, strict=True)),
                names=-len(names) if hit else len(names),  # where habit is hit, what is narrower hits less of it
                usual=round(sum(shares), 3),
                place=min(_ORDER.index(name) for name in names),
                selector=Selector(requester=requester, **wanted),
            )
        )
    best = sorted(weighed, key=lambda found: (*found[:6], found.selector.words()))
    return tuple(_at_its_issuer(found.selector, latest) for found in best[:MOST_CANDIDATES])


def _combinations(values: Mapping[str, str | None]) -> Iterator[tuple[str, ...]]:
    shown = [name for name in SELECTABLE if values.get(name)]
    for size in range(1, MOST_NAMES + 1):
        yield from combinations(shown, size)
    if len(shown) > MOST_NAMES:  # where every value is usual, only all of them together may not be
        yield tuple(shown)


def _at_its_issuer(selector: Selector, latest: Mapping[str, str | None]) -> Selector:
    """A scope of what is asked for holds at one issuer: the same name means another thing at another."""
    if set(WHERE).intersection(selector.names()) or selector.issuer is not None or not latest.get("issuer"):
        return selector
    named = {name: getattr(selector, name) for name in selector.names()}
    return Selector(requester=selector.requester, issuer=latest["issuer"], **named)
