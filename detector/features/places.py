"""Where a request came from, as values that can recur: address, network, site, and the client's kind.

Addresses fold to the networks that stay when a machine is replaced: a /24 and a
/16 of IPv4, a /56 and a /40 of IPv6. What is no address (`ec2.amazonaws.com`,
`AWS Internal`) stands for itself. Wrong where one site's addresses are scattered
over many networks: there the site is as new as the machine.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

from detector.features.marks import REDACTED, habitual
from detector.features.remembering import remembered

_VERSION: Final = re.compile(r"[/ ]?v?\d[\w.+-]*")


class Place(NamedTuple):
    """One address at three resolutions."""

    address: str
    network: str
    site: str


@remembered
def place(ip: str) -> Place:
    """The address, its network and its site; the text itself where it is no address.

    >>> place("10.10.4.61")
    Place(address='10.10.4.61', network='10.10.4.0/24', site='10.10.0.0/16')
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return Place(ip, ip, ip)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    near, far = (24, 16) if address.version == 4 else (56, 40)  # noqa: PLR2004 - the IP version
    return Place(
        str(address),
        str(ipaddress.ip_network((address, near), strict=False)),
        str(ipaddress.ip_network((address, far), strict=False)),
    )


@remembered
def client(user_agent: str) -> str:
    """The kind of client: the user agent without its version numbers.

    >>> client("aws-sdk-go/1.44.2 (go1.19; linux)")
    'aws-sdk-go (go; linux)'
    """
    return habitual(user_agent)[:80] if user_agent.startswith(REDACTED) else _VERSION.sub("", user_agent)[:80]
