"""Where it comes from: the address at three resolutions, and what runs there.

- `address`, `network`, `site`: see `features.places`. Wrong behind NAT and proxies, where strangers share one
  address, and where one site's addresses are scattered.
- `environment`, `region`: as the log states them. Wrong where the caller states them himself.
- `client`: the user agent's kind, versions folded. Wrong where every build has a name of its own.
- `workload`: the attested or stated workload, numbers folded. Wrong where pods are named at random.
- `path`: this resource from this network. Wrong for a job that runs wherever there is room.
- `whereabouts` (of a use): near or far from where the credential was minted. Wrong where minting and using are
  different machines by design: then that is the habit, and only its change tells.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from detector.events import Source
from detector.features.facets.vocabulary import ABSENT
from detector.features.marks import REDACTED
from detector.features.names import pattern
from detector.features.places import Place, client, place

NO_PLACE: Final = Place(ABSENT, ABSENT, ABSENT)


class Where(NamedTuple):
    """The facets of where a grant comes from, as the module's docstring lists them."""

    address: str
    network: str
    site: str
    environment: str
    region: str
    client: str
    workload: str


def where(source: Source) -> Where:
    """Where a grant comes from."""
    address, network, site = located(source)
    return Where(
        address,
        network,
        site,
        source.environment or ABSENT,
        source.region or ABSENT,
        client(source.user_agent) if source.user_agent else ABSENT,
        pattern(source.workload) if source.workload else ABSENT,
    )


def located(source: Source) -> Place:
    """A source's place; a network that the log states goes over the one that the address implies.

    Of an address that was redacted, the network is all that tells the site.
    """
    if source.ip is None:
        return NO_PLACE
    found = place(source.ip)
    if source.network is None:
        return found
    if source.ip.startswith(REDACTED):
        return Place(found.address, source.network, place(source.network.partition("/")[0]).site)
    return Place(found.address, source.network, found.site)


def whereabouts(used: Place, minted: Place) -> str:
    """How far from its mint a credential is used."""
    if NO_PLACE in (used, minted):  # equal, not the same: a lease from a snapshot has its own
        return ABSENT
    if used.address == minted.address:
        return "where it was minted"
    if used.network == minted.network:
        return "in the network it was minted in"
    return "at the site it was minted at" if used.site == minted.site else "elsewhere"
