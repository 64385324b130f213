"""By whom it is asked, and for whom: proof, delegation chain, consumer.

- `consumer`: who will use it. Wrong where the field is a fresh name for every job.
- `authentication`: the method, and whether it was attested. Wrong while a fleet moves to another method.
- `chain`: the delegation chain. Wrong when an orchestrator or mesh is put into everybody's.
- `origin`, `head`, `depth`: its two ends and its length. Wrong where agents call one another freely.
- `user` (of a use): whether its consumer, its requester or somebody else uses it. Wrong where a log names the
  credential's owner as its user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from detector.events import GrantRequest, Usage
from detector.features.facets.vocabulary import ABSENT

DEEPEST: Final = 6
"""Links of a delegation chain that are told apart; longer ones share their head and their length."""


class Whom(NamedTuple):
    """The facets of who asks and for whom, as the module's docstring lists them."""

    consumer: str
    authentication: str
    chain: str
    origin: str
    head: str
    depth: str


def whom(grant: GrantRequest, fold: Callable[[str], str]) -> Whom:
    """By whom and for whom a grant is asked; `fold` canonicalises names."""
    chain = [fold(name) for name in grant.on_behalf_of]
    attested, method = grant.attested, grant.authentication_method or ABSENT
    return Whom(
        fold(grant.consumer) if grant.consumer else ABSENT,
        method if attested is None else f"{method} {'attested' if attested else 'unattested'}",
        _chain(chain),
        chain[-1] if chain else ABSENT,
        chain[0] if chain else ABSENT,
        str(min(len(chain), DEEPEST)) if chain else ABSENT,
    )


def _chain(names: Sequence[str]) -> str:
    if not names:
        return ABSENT
    shown = ">".join(names[:DEEPEST])
    return shown if len(names) <= DEEPEST else f"{shown}>… {len(names)}"


def user(usage: Usage, consumer: str, requester: str, fold: Callable[[str], str]) -> str:
    """Who uses a credential that `requester` was minted, for `consumer` if that is not itself."""
    used_by = usage.consumer or usage.requester
    if used_by is None:
        return ABSENT
    found = fold(used_by)
    if found == consumer:
        return "the consumer it was minted for"
    if found == requester:
        return "its requester" if consumer == ABSENT else "its requester, not its consumer"
    return "somebody else"
