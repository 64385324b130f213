"""For how long: the lifetime that is asked for.

- `lifetime`: in whole seconds, as a value. Wrong where lifetimes are computed (what is left of a session): each is new.
- `term`: this lifetime for this resource. Wrong as `lifetime` is.

How much longer than usual a lifetime is, `baselines.longer` says.
"""

from __future__ import annotations

from typing import NamedTuple

from detector.features.facets.vocabulary import ABSENT


class HowLong(NamedTuple):
    """The facets of how long it is to live, as the module's docstring lists them."""

    lifetime: str
    term: str


def how_long(seconds: float | None, resource: str) -> HowLong:
    """For how long a grant of this resource is asked."""
    lifetime = f"{seconds:.0f} s" if seconds is not None else ABSENT
    return HowLong(lifetime, f"{lifetime} for {resource}")
