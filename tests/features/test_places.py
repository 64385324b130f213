"""Where a request came from: address, network and site, whatever the log put there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.features.places import client, place


@pytest.mark.parametrize(
    ("ip", "address", "network", "site"),
    [
        ("10.10.4.61", "10.10.4.61", "10.10.4.0/24", "10.10.0.0/16"),
        ("0.0.0.0", "0.0.0.0", "0.0.0.0/24", "0.0.0.0/16"),  # noqa: S104 - an address in a log, nothing is bound
        ("255.255.255.255", "255.255.255.255", "255.255.255.0/24", "255.255.0.0/16"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2:3::4", "2001:db8:1::/56", "2001:db8::/40"),
        ("2001:0DB8:0001:0002:0003:0000:0000:0004", "2001:db8:1:2:3::4", "2001:db8:1::/56", "2001:db8::/40"),
        ("::1", "::1", "::/56", "::/40"),
        ("::ffff:10.10.4.61", "10.10.4.61", "10.10.4.0/24", "10.10.0.0/16"),
        ("::FFFF:0A0A:043D", "10.10.4.61", "10.10.4.0/24", "10.10.0.0/16"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::/56", "fe80::/40"),
    ],
)
def test_an_address_has_a_network_and_a_site(ip: str, address: str, network: str, site: str) -> None:
    """IPv4 folds to /24 and /16, IPv6 to /56 and /40, and IPv4 in IPv6's clothes is IPv4."""
    assert place(ip) == (address, network, site)


@pytest.mark.parametrize(
    "text", ["ec2.amazonaws.com", "AWS Internal", "", " ", "10.10.4", "10.10.4.256", "10.10.4.61/24", "010.1.1.1", "☃"]
)
def test_what_is_no_address_stands_for_itself(text: str) -> None:
    """A service's name, or nonsense, is a value like any other at every resolution."""
    assert place(text) == (text, text, text)


@given(st.ip_addresses())
def test_neighbours_share_what_they_should(ip: object) -> None:
    """An address lies in its network and that in its site, so one network never spans two sites."""
    found = place(str(ip))
    assert place(found.network.partition("/")[0]).network == found.network
    assert place(found.network.partition("/")[0]).site == found.site


@given(st.text(max_size=60))
def test_any_text_is_a_place(text: str) -> None:
    """No text from a log is too odd to be looked at."""
    assert all(isinstance(part, str) for part in place(text))
    assert len(client(text)) <= 80


@pytest.mark.parametrize(
    ("agents", "kind"),
    [
        (("aws-sdk-go/1.44.2 (go1.19; linux)", "aws-sdk-go/1.50.0 (go1.22; linux)"), "aws-sdk-go (go; linux)"),
        (("Terraform/1.7.0", "Terraform/1.9.5-dev"), "Terraform"),
        (("curl/8.5.0", "curl/7.88.1"), "curl"),
    ],
)
def test_a_client_is_the_same_after_an_upgrade(agents: tuple[str, ...], kind: str) -> None:
    """Versions fall away: an upgrade of a tool is no new tool."""
    assert {client(agent) for agent in agents} == {kind}
