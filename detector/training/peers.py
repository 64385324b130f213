"""Peer groups from what requesters did: sparse marks, a few latent dimensions, k-means, and k by silhouette.

What is found leaves as plain data (`Grouping`): profiles by which anybody can be
placed without scikit-learn, and who belongs elsewhere than before. Deterministic:
the same requesters with the same marks give the same groups on one machine, and
what is logged is the groups, not the recipe.

Wrong where a fleet has no kinds at all (the silhouette then chooses few, loose
groups, and members are unsure of them), and for kinds of fewer than `LEAST_MEMBERS`.

Source: Deerwester et al. (1990) for latent dimensions; Sculley (2010) for
mini-batch k-means; Rousseeuw (1987) for the silhouette, here its simplified form
over centres; Vendramin, Campello, Hruschka (2010) for how well that chooses.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log1p
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from detector.baselines.peers import Grouping, Placement, Profile, Way, likeness, sureness, weighed

SEED: Final = 0

LEAST_FLEET: Final = 24
"""Requesters below which nobody is grouped: a dozen identities show no kinds."""

LEAST_MEMBERS: Final = 4
"""A group of fewer is no crowd to borrow from; its members go to the next likest one."""

DIMENSIONS: Final = 32
"""Latent dimensions: kinds of work differ in a few dozen ways; what is left is the single requester's own."""

SAMPLE: Final = 4_000
"""Requesters from which the centres are found; all are then assigned. Centres of some hundred groups
do not become better with more, and a hundred thousand requesters take seconds."""

GROUPS: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Numbers of groups that are tried, as far as each has `LEAST_MEMBERS` to share; the one with the highest
mean silhouette is taken, the smaller of equals."""

BATCH: Final = 1_024
STARTS: Final = 3

MOST_MARKS: Final = 96
"""Marks kept of a profile, the heaviest: what is left out says a few per cent of its likeness."""

DIGITS: Final = 4
"""Decimals of what is logged."""


def peer_groups(ways: Sequence[Way]) -> Grouping:
    """The groups of these requesters; none where they are too few to have any. Their order is nothing.

    >>> peer_groups([]).profiles
    {}
    """
    ways = sorted(ways, key=lambda way: way.requester)
    if len(ways) < LEAST_FLEET:
        return Grouping()
    scarcity, unheard = _scarcities(ways)
    matrix = _matrix(ways, scarcity)
    with threadpool_limits(1):  # many threads over small tables wait for each other, and add up in another order
        labels = _named(_labels(matrix), ways)
    centres = _centres(matrix, labels, list(scarcity))
    heard = {mark for marks in centres.values() for mark in marks}
    kept = {mark: weight for mark, weight in scarcity.items() if mark in heard}
    near = np.array(
        [likeness(*weighed(way.marks, kept, unheard), centres[group]) for way, group in zip(ways, labels, strict=True)]
    )
    profiles = {
        group: Profile(marks, round(float(near[labels == group].mean()), DIGITS), int((labels == group).sum()))
        for group, marks in centres.items()
    }
    placed = {
        way.requester: Placement(group, sureness(float(like), profiles[group].tight, way.events))
        for way, group, like in zip(ways, map(str, labels), near, strict=True)
    }
    return Grouping(profiles, kept, unheard, placed)


def _scarcities(ways: Sequence[Way]) -> tuple[dict[str, float], float]:
    """What each mark that at least two show weighs, and what any other does."""
    shown = Counter(mark for way in ways for mark in way.marks)
    total = len(ways)
    found = {mark: round(log1p(total / count) - log1p(1.0), DIGITS) for mark, count in shown.items() if count > 1}
    return dict(sorted(found.items())), round(log1p(total / 2.0) - log1p(1.0), DIGITS)


def _matrix(ways: Sequence[Way], scarcity: Mapping[str, float]) -> csr_matrix:
    """Requesters × shared marks, rows of length one."""
    columns = {mark: index for index, mark in enumerate(scarcity)}
    values, indices, ends = list[float](), list[int](), [0]
    for way in ways:
        row = [(columns[mark], value * scarcity[mark]) for mark, value in sorted(way.marks.items()) if mark in columns]
        length = sum(value * value for _, value in row) ** 0.5 or 1.0
        indices += [index for index, _ in row]
        values += [value / length for _, value in row]
        ends.append(len(indices))
    return csr_matrix((np.array(values), np.array(indices, dtype=np.int64), np.array(ends)), (len(ways), len(columns)))


def _labels(matrix: csr_matrix) -> NDArray[np.int64]:
    """A group's number for each row."""
    dice = np.random.default_rng(SEED)
    count = matrix.shape[0]
    chosen = np.sort(dice.choice(count, SAMPLE, replace=False)) if count > SAMPLE else np.arange(count)
    dimensions = min(DIMENSIONS, matrix.shape[1] - 1, len(chosen) - 1)
    latent = TruncatedSVD(dimensions, random_state=SEED).fit(matrix[chosen])
    points = _unit(latent.transform(matrix))
    best, quality = np.zeros(count, dtype=np.int64), 0.0
    for groups in GROUPS:
        if groups * LEAST_MEMBERS > len(chosen):
            break
        model = MiniBatchKMeans(groups, batch_size=BATCH, n_init=STARTS, random_state=SEED)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # fewer kinds than asked for: the silhouette says so too
            centres = _unit(model.fit(points[chosen]).cluster_centers_)
        labels = _enough(points, centres)
        found = _silhouette(points[chosen], centres, labels[chosen])
        if found > quality + 10.0**-DIGITS:
            best, quality = labels, found
    return best


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0.0))


def _enough(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nearest centre of each point, of those that have `LEAST_MEMBERS`."""
    near = points @ centres.T
    kept = np.arange(len(centres))
    while True:
        labels = kept[np.argmax(near[:, kept], axis=1)]
        sizes = np.bincount(labels, minlength=len(centres))
        small = [group for group in kept if sizes[group] < LEAST_MEMBERS]
        if not small or len(kept) == 1:
            return np.asarray(labels)
        kept = np.array([group for group in kept if group != min(small, key=lambda g: (sizes[g], g))])


def _silhouette(points: NDArray[np.float64], centres: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The mean of (b - a) / max(a, b): distances to one's own centre and to the next one's."""
    used = np.unique(labels)
    if len(used) < 2:  # noqa: PLR2004 - there is no next one
        return 0.0
    away = 1.0 - points @ centres[used].T
    rows = np.arange(len(points))
    place = np.searchsorted(used, labels)
    own = away[rows, place]
    away[rows, place] = np.inf
    other = away.min(axis=1)
    return float(np.mean((other - own) / np.maximum(np.maximum(own, other), 1e-9)))


def _named(labels: NDArray[np.int64], ways: Sequence[Way]) -> NDArray[np.str_]:
    """The groups' names: that of the former group with which one shares most members, else the next free number."""
    shared = Counter((way.group, int(label)) for way, label in zip(ways, labels, strict=True) if way.group is not None)
    names: dict[int, str] = {}
    for (group, label), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if label not in names and group not in names.values():
            names[label] = str(group)
    taken = {int(way.group[1:]) for way in ways if way.group is not None}
    number = max(taken, default=0)
    for label in sorted({int(label) for label in labels} - names.keys()):
        number += 1
        names[label] = f"g{number}"
    return np.array([names[int(label)] for label in labels])


def _centres(matrix: csr_matrix, labels: NDArray[np.str_], marks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Each group's marks: its members' mean, of length one, heaviest first."""
    found = {}
    for group in sorted(set(labels), key=lambda name: int(name[1:])):
        mean = np.asarray(matrix[labels == group].mean(axis=0)).ravel()
        heaviest = [index for index in np.argsort(-mean, kind="stable")[:MOST_MARKS] if mean[index] > 0.0]
        length = float(np.linalg.norm(mean[heaviest])) or 1.0
        found[str(group)] = {marks[index]: round(float(mean[index]) / length, DIGITS) for index in heaviest}
    return found
