"""Why it is asked: task, purpose, and whether glass is broken.

- `task`: the kind of task it names, numbers folded; absent where it names none. Wrong where task names are prose.
- `purpose`: the same of what it says it is for. Wrong where people type it.
- `break_glass`: whether it was asked for past the rules. Wrong for an operator's first incident.
"""

from __future__ import annotations

from typing import NamedTuple

from detector.events import GrantRequest
from detector.features.facets.vocabulary import ABSENT
from detector.features.names import pattern


class Why(NamedTuple):
    """The facets of why it is asked, as the module's docstring lists them."""

    task: str
    purpose: str
    break_glass: str


def why(grant: GrantRequest) -> Why:
    """Why a grant is asked."""
    return Why(
        pattern(grant.task) if grant.task else ABSENT,
        pattern(grant.purpose) if grant.purpose else ABSENT,
        "yes" if grant.break_glass else "no",
    )
