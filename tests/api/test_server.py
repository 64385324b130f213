"""The server as a process: it starts, says where, drains, closes what it holds, and ends well."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from detector.api.server import settings
from detector.store import LogReader

PROGRAM = """
import sys, time
from pathlib import Path
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.routing import Route
from detector.api.app import create_app
from detector.api.server import serve
from detector.api.tokens import Tokens
from detector.engine import Engine
from detector.engine.policy import Policy
from detector.store import SqliteLog
from detector.telemetry import Telemetry
import asyncio

folder = Path(sys.argv[1])
telemetry = Telemetry(CollectorRegistry())
log = SqliteLog(folder)
engine = Engine(policy=Policy(), log=log, clock=time.time, ear=telemetry)

async def slow(request):
    print("inside", flush=True)
    await asyncio.sleep(1)
    return Response("done")

app = create_app(
    engine, log=log, tokens=Tokens(folder / "tokens.json"), telemetry=telemetry,
    extra_routes=[Route("/slow", slow)], on_close=lambda: print("closing", flush=True),
)
serve(app, host="127.0.0.1", port=0, on_ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""

GRANT = {"issuer": "vault:prod/aws", "requester": "app/one", "resource": "aws/creds/x"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The server's data directory."""
    return tmp_path / "data"


@pytest.fixture
def server(folder: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """A server of its own process."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_what_it_began(
    server: subprocess.Popen[str], folder: Path, number: signal.Signals
) -> None:
    """Requests under way are answered, the log is closed whole, and the process ends with 0."""
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    answers: list[httpx.Response] = []
    with httpx.Client(base_url=url) as client:
        decided = client.post("/v1/score", json=GRANT).json()
        assert decided["recorded"]
        slow = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/slow")))
        slow.start()
        assert server.stdout.readline() == "inside\n"
        server.send_signal(number)
        slow.join()
        assert answers[0].text == "done"
        last = server.stdout.read().splitlines()
        assert (last[0], last[-1]) == ("closing", "ended")
        assert server.wait(timeout=10) == 0
    assert [entry.record.decision for entry in LogReader(folder).find(decided["decision_id"])] == [
        decided["decision_id"]
    ]


@pytest.mark.process
def test_a_client_that_hangs_up_in_the_middle_harms_nobody(server: subprocess.Popen[str]) -> None:
    """Half a request, no request at all, a connection cut while it waits: the next one is answered."""
    import socket

    assert server.stdout is not None
    url = server.stdout.readline().strip()
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    head = (
        b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    )
    for sent in (b"", b"POST /v1", head, head + b'{"issuer":'):
        with socket.create_connection(address) as connection:
            connection.sendall(sent)
            time.sleep(0.05)
    assert httpx.post(f"{url}/v1/score", json=GRANT).status_code == 200
    server.terminate()
    assert server.stderr is not None
    assert "Traceback" not in server.stderr.read()


def test_the_settings_that_security_rests_on() -> None:
    """Nobody can claim to be on this machine by a header, and no access log prints names."""
    config = settings(lambda *_: None, host="127.0.0.1", port=0)  # type: ignore[arg-type, return-value]
    assert config.proxy_headers is False
    assert config.access_log is False
    assert config.server_header is False
    assert config.log_config is None
