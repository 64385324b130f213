"""`assayer serve`: starts, says where, stops when told, and refuses what cannot work in a line."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from detector.cli.chores import regroup
from detector.cli.serve import is_loopback, neighbourly
from detector.store import LogReader, running_server
from detector.training.peers import peer_groups
from tests.cli.conftest import Assayer
from tests.engine.world import World

REQUEST = {"id": "r1", "issuer": "vault:prod/aws", "requester": "svc1", "resource": "aws/creds/app"}


@contextmanager
def served(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process and the first line it printed; it is ended in any case."""
    command = [sys.executable, "-m", "detector", "serve", "--data", "data", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def url_in(line: str) -> str:
    """The address in the line that the server prints."""
    return line.split()[3]


def score(url: str) -> dict[str, object]:
    """Ask about one request."""
    asked = Request(f"{url}/v1/score", json.dumps(REQUEST).encode(), {"content-type": "application/json"})  # noqa: S310 - our own server
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - as above
        found: dict[str, object] = json.load(answer)
    return found


@pytest.mark.process
def test_a_server_says_where_it_is_and_stops_when_told() -> None:
    """One line with address, documentation and metrics; SIGTERM ends it with 0, its work durable and snapshotted."""
    with served() as (process, line):
        url = url_in(line)
        assert line == f"assayer listens on {url} (documentation {url}/docs, metrics {url}/metrics)\n"
        assert running_server(Path("data")) == url
        decision = score(url)["decision_id"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert running_server(Path("data")) is None
    assert list(LogReader(Path("data")).find(str(decision)))
    assert list(Path("data").glob("snapshot-*.bin"))


@pytest.mark.process
def test_a_restart_goes_on_where_it_was() -> None:
    """The same question after a restart gets the first decision."""
    answers = []
    for _ in range(2):
        with served() as (process, line):
            answers.append(score(url_in(line))["decision_id"])
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
    assert answers[0] == answers[1]


@pytest.mark.process
def test_a_second_server_is_told_who_holds_the_directory(assayer: Assayer) -> None:
    """Two writers would make two truths."""
    with served() as (process, line):
        said = assayer("serve", "--data", "data", "--port", "0")
    assert said.status == 1
    assert f"another process writes here (pid {process.pid}, serving {url_in(line)})" in said.err


def test_a_taken_port_is_a_line(assayer: Assayer) -> None:
    """The address that cannot be had is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = assayer("serve", "--data", "data", "--port", port)
    assert (said.status, said.err) == (1, f"assayer: cannot listen on 127.0.0.1:{port}: Address already in use\n")


@pytest.mark.process
def test_listening_to_everybody_without_tokens_is_warned_of() -> None:
    """Default closed: strangers are refused until there is a token, and the operator is told how to make one."""
    with served("--host", "0.0.0.0") as (process, line):  # noqa: S104 - that is what is tested
        assert running_server(Path("data")) == url_in(line).replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert process.stderr is not None
        assert "no token exists: all their calls will be refused" in process.stderr.read()


def test_a_neighbour_does_not_call_everywhere() -> None:
    """What listens everywhere is called on loopback."""
    assert neighbourly("http://[::]:80") == "http://[::1]:80"
    assert neighbourly("http://10.0.0.1:80") == "http://10.0.0.1:80"


def test_loopback_is_known_by_address_and_name() -> None:
    """A name that is not localhost is taken for the outside."""
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")] == [  # noqa: S104
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_server_groups_peers_on_another_thread() -> None:
    """A round on the server's loop logs what the same round between two events would, with turns for asks between."""
    world = World()
    for hour in range(26):
        for number in range(30):
            kind = ("payments", "search", "builds")[number % 3]
            more = {"requester": f"svc{number}", "resource": f"{kind}/db/{hour % 2}", "credential": None}
            world.engine.observe(world.issuance(**more))
        world.wait(3_600.0)
    assert world.engine.grouping_due()
    wanted = peer_groups(list(world.engine.ways()))
    turns = 0

    async def round_with_a_neighbour() -> None:
        nonlocal turns
        regrouping = asyncio.create_task(regroup(world.engine))
        while not regrouping.done():
            turns += 1
            await asyncio.sleep(0)
        await regrouping

    asyncio.run(round_with_a_neighbour())
    assert turns > 2
    assert world.state.baselines.peers.placed == wanted.moved
    assert not world.engine.grouping_due()
    assert world.folded().digest() == world.engine.digest()
