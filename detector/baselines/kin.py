"""Whose work a resource is: told from its name, and from who else asks for it.

Both speak only of a resource that is news to its requester. A name is told by
its most telling word, the one that fewest requesters bear: `checkout` tells
more than `prod`. Company is told by the others who took the resource up: do
they share other resources with this requester, or none?

Wrong where names carry no words of the work they serve, and where one resource
serves everybody: sharing that says nothing, and does not count.

Source: Spärck Jones (1972) for telling words; Liben-Nowell and Kleinberg (2007)
for common neighbours.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Final

from msgspec import Struct, field

from detector.features.names import words

MOST_WORDS: Final = 65_536
"""Words kept; past it new ones are not taken up: whoever invents names cannot push the old ones out."""

MOST_RESOURCES: Final = 65_536
"""Resources whose takers are kept; past it the one first seen goes."""

MOST_TAKERS: Final = 16
"""Takers kept of a resource: what more have taken up is everybody's, and its company says nothing."""

MOST_OWN: Final = 64
"""Resources of a requester's own that are looked through for company."""

NEARLY: Final = 2.0
"""Words borne by at most so many times as many requesters as the most telling one tell nearly as much."""

FAMILIAR: Final = "familiar"
"""What both say of a resource that the requester has asked for before."""


class Kin(Struct):
    """How many requesters bear a word in their names, and who took up which resource."""

    requesters: int = 0
    words: dict[str, int] = field(default_factory=dict)
    takers: dict[str, list[str]] = field(default_factory=dict)

    def kinship(self, requester: str, resource: str) -> str:
        """Whose work the resource is named after: `its own`, `another's`, or `nobody's`."""
        mine = words(requester)
        borne = {word: max(self.words.get(word, 0), word in mine) for word in words(resource)}
        fewest = min((count for count in borne.values() if count), default=0)
        if not fewest or 2 * fewest > self.requesters + 1:
            return "nobody's"
        telling = {word for word, count in borne.items() if count and count <= NEARLY * fewest}
        return "its own" if telling & mine else "another's"

    def company(self, requester: str, resource: str, own: Collection[str]) -> str:
        """Who has taken the resource up: `those it works with`, `strangers to it`, or `nobody yet`."""
        takers = [taker for taker in self.takers.get(resource, ()) if taker != requester]
        if not takers:
            return "nobody yet"
        for shared in islice(reversed(list(own)), MOST_OWN):
            others = self.takers.get(shared, ())
            if len(others) < MOST_TAKERS and not set(takers).isdisjoint(others):
                return "those it works with"
        return "strangers to it"

    def meet(self, requester: str) -> None:
        """Take up a new requester's words."""
        self.requesters += 1
        for word in sorted(words(requester)):  # a set has another order in every process
            if word in self.words:
                self.words[word] += 1
            elif len(self.words) < MOST_WORDS:
                self.words[word] = 1

    def take(self, requester: str, resource: str) -> None:
        """Note that a requester took a resource up."""
        takers = self.takers.setdefault(resource, [])
        if len(takers) < MOST_TAKERS and requester not in takers:
            takers.append(requester)
        if len(self.takers) > MOST_RESOURCES:
            del self.takers[next(iter(self.takers))]
