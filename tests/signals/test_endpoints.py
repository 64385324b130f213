"""Where a receiver may have us send to: nowhere that only we can reach."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from detector.signals.endpoints import EndpointRefused, addresses, endpoint, refuse

OUTSIDE = "93.184.216.34"


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/events",
        "ftp://receiver.example/events",
        "https://",
        "https:///events",
        "receiver.example/events",
        "https://user:secret@receiver.example/events",
        "https://receiver.example/events#here",
        "https://receiver.example:99999/",
        "https://receiver.example/a b",
        "https://receiver.example/\r\nX-Evil: 1",
        "https://receiver.example/ümlaut",
        "https://receiver.example/" + "a" * 2_000,
        "https://localhost/events",
        "https://127.0.0.1/events",
        "http://127.0.0.1/events",
        "https://[::1]/events",
        "https://[::ffff:127.0.0.1]/events",
        "https://[2002:7f00:1::]/events",
        "https://[64:ff9b::7f00:1]/events",
        "https://0.0.0.0/events",
        "https://[::]/events",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/events",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[fd00:ec2::254]/latest/meta-data/",
        "https://100.100.100.200/latest/meta-data/",
        "https://168.63.129.16/",
        "https://224.0.0.1/events",
        "https://240.0.0.1/events",
        "",
    ],
)
def test_a_receiver_may_not_name_this(url: str) -> None:
    """Plain text, this machine in any spelling, clouds' metadata in any spelling, and what is no URL at all."""
    with pytest.raises(EndpointRefused):
        endpoint(url)


@pytest.mark.parametrize(
    ("url", "authority", "at"),
    [
        ("https://receiver.example/events?a=1", "receiver.example", f"https://{OUTSIDE}:443/events?a=1"),
        ("https://receiver.example:8443", "receiver.example:8443", f"https://{OUTSIDE}:8443/"),
        ("https://10.0.0.7/events", "10.0.0.7", f"https://{OUTSIDE}:443/events"),
        ("https://RECEIVER.example./x", "receiver.example", f"https://{OUTSIDE}:443/x"),
    ],
)
def test_a_receiver_may_name_this(url: str, authority: str, at: str) -> None:
    """Any other host over https, a private one too: receivers mostly stand in the same network."""
    made = endpoint(url)
    assert made.authority == authority
    assert made.at(ip_address(OUTSIDE)) == at


def test_the_configuration_may_name_this_machine() -> None:
    """Over plain http as well: nothing leaves it. But no metadata service, whoever writes it."""
    assert endpoint("http://127.0.0.1:9000/x", local=True).port == 9_000
    assert endpoint("http://[::1]:9000/x", local=True).authority == "[::1]:9000"
    assert endpoint("http://localhost/x", local=True).host == "localhost"
    with pytest.raises(EndpointRefused):
        endpoint("http://receiver.example/x", local=True)
    with pytest.raises(EndpointRefused):
        endpoint("https://169.254.169.254/x", local=True)


def test_named_hosts_are_the_only_ones() -> None:
    """Where the operator lists hosts, no other is sent to; a listed one may be this machine."""
    assert endpoint("https://siem.example/x", hosts=("siem.example",))
    assert endpoint("http://127.0.0.1:9000/x", hosts=("127.0.0.1",)).port == 9_000
    with pytest.raises(EndpointRefused, match="push_hosts"):
        endpoint("https://evil.example/x", hosts=("siem.example",))


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """A resolver that knows what a test tells it: no test asks the network."""
    known: dict[str, list[str]] = {}

    async def getaddrinfo(_loop: Any, host: str, port: int, **_more: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(0, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


def test_a_name_that_leads_inside_is_refused_at_delivery(resolver: dict[str, list[str]]) -> None:
    """A name is looked at again each time: it may have been an honest one when the stream was made."""
    to = endpoint("https://receiver.example/events")
    resolver["receiver.example"] = [OUTSIDE, OUTSIDE, "2606:2800:220:1::"]
    assert [str(address) for address in asyncio.run(addresses(to))] == [OUTSIDE, "2606:2800:220:1::"]
    for inside in ("127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:127.0.0.1"):
        resolver["receiver.example"] = [OUTSIDE, inside]
        with pytest.raises(EndpointRefused):
            asyncio.run(addresses(to))


def test_a_number_that_a_resolver_reads_is_looked_at(resolver: dict[str, list[str]]) -> None:
    """2130706433 is 127.0.0.1 to a resolver, and a name to a parser."""
    resolver["2130706433"] = ["127.0.0.1"]
    with pytest.raises(EndpointRefused):
        asyncio.run(addresses(endpoint("https://2130706433/events")))


def test_a_name_without_an_address_is_an_error_of_the_network(resolver: dict[str, list[str]]) -> None:
    """It may come back."""
    with pytest.raises(OSError, match="no such name"):
        asyncio.run(addresses(endpoint("https://gone.example/events")))


def test_this_machine_is_let_pass_only_where_it_was_named() -> None:
    """A loopback address is one of a receiver's only if the endpoint says loopback."""
    refuse(ip_address("127.0.0.1"), local=True)
    with pytest.raises(EndpointRefused, match="this machine"):
        refuse(ip_address("127.0.0.1"))
