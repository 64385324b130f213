"""Detectors over organisations: several organisations at once, with the same result as one after the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, NamedTuple

from bench.detection.cache import organisations
from bench.detection.ground import ground
from bench.detection.measure import Evaluation
from bench.detection.ours import assayer
from bench.detection.peers import PEERS, faceted
from bench.detection.peers.fixed import RULES, one_rule
from bench.detection.splits import Pair

PROCESSES: Final = min(2, os.cpu_count() or 1)  # each holds an organisation and its facets: some 700 MB


class Judged(NamedTuple):
    """What each detector said: ours (or nobody), the others, and every fixed rule by itself."""

    ours: list[Evaluation]
    peers: list[Evaluation]
    rules: list[Evaluation]


class Wanted(NamedTuple):
    """An organisation, and who is to judge it."""

    pair: Pair
    ours: bool
    peers: bool


def judged(pairs: Sequence[Pair], *, ours: bool = True, peers: bool = True) -> Judged:
    """Every organisation by every detector wanted; says on standard error how far it is."""
    whole: Judged | None = None
    for done, part in enumerate(_parts([Wanted(pair, ours, peers) for pair in pairs]), 1):
        print(f"{done} of {len(pairs)} organisations", file=sys.stderr)
        whole = _joined(whole, part)
    assert whole, "no organisation"
    return whole


def _parts(wanted: Sequence[Wanted]) -> Iterator[Judged]:
    """In the order asked for, whoever is done first."""
    fresh = get_context("spawn")  # numerical libraries hold threads, which do not survive a fork
    with ProcessPoolExecutor(PROCESSES, mp_context=fresh) as pool:
        yield from pool.map(judge, wanted)


def judge(wanted: Wanted) -> Judged:
    """One organisation by every detector wanted."""
    (organisation,) = organisations([wanted.pair])
    true = ground(organisation)
    out = Judged([], [], [])
    if wanted.ours:
        out.ours.append(Evaluation("assayer"))
        out.ours[0].add(true, assayer(organisation))
    if wanted.peers:
        rows = faceted(organisation)
        rules = {name: one_rule(name) for name in RULES}
        for said, detectors in ((out.peers, PEERS), (out.rules, rules)):
            for name, detector in detectors.items():
                said.append(Evaluation(name))
                said[-1].add(true, detector(organisation, rows))
    return out


def _joined(whole: Judged | None, part: Judged) -> Judged:
    if whole is None:
        return part
    for mine, theirs in zip(whole, part, strict=True):
        for evaluation, further in zip(mine, theirs, strict=True):
            evaluation.join(further)
    return whole
