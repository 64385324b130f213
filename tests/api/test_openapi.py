"""The OpenAPI document: complete, valid, and kept to the word by a live server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from starlette.routing import Route

from detector.api.openapi import document
from detector.api.server import settings
from detector.signals import receivers
from detector.store import SqliteLog
from tests.api.conftest import House, issuance


def served(house: House) -> set[tuple[str, str]]:
    """Every method and path that the application answers."""
    found = set()
    routes = [*house.app.router.routes]
    while routes:
        route = routes.pop()
        if isinstance(route, APIRoute | Route):
            found |= {(method, route.path_format) for method in route.methods or ()}
        else:
            routes += getattr(route, "original_router", route).routes  # type: ignore[attr-defined]
    return found


def test_the_document_has_every_route_and_no_other(house: House) -> None:
    """It is written by hand: this is what keeps it whole."""
    written = {(verb.upper(), path) for path, verbs in document()["paths"].items() for verb in verbs}
    assert written == served(house)


def test_every_example_fits_its_schema() -> None:
    """What is shown is what is taken and given."""
    whole = document()
    shown = 0

    def check(content: dict[str, Any]) -> int:
        schema = {**content["schema"], "components": whole["components"]}
        Draft202012Validator(schema).validate(content["example"])
        return 1

    for verbs in whole["paths"].values():
        for operation in verbs.values():
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for part in [*bodies, *operation["responses"].values()]:
                shown += sum(check(content) for content in part["content"].values() if "example" in content)
    assert shown > 8


def test_every_operation_names_its_refusals() -> None:
    """Each can be unauthenticated, forbidden, limited or unavailable, and says so as problem details."""
    for verbs in document()["paths"].values():
        for operation in verbs.values():
            for status in ("401", "403", "429", "503"):
                assert "application/problem+json" in operation["responses"][status]["content"]


@pytest.fixture
def live(
    make_house: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """A server on a free port over a log on the disk, and a token with every role."""
    monkeypatch.setattr(receivers, "HOLD_SECONDS", 0.01)  # a poll that finds nothing is answered all the same
    house = make_house(log=SqliteLog(tmp_path / "log"), signals=True)
    for number in range(20):
        house.ask("POST", "/v1/events", json=[issuance(number)])
    secret = house.tokens.create(["broker", "ingest", "approver", "analyst", "operator", "receiver"]).secret
    server = uvicorn.Server(settings(house.app, host="127.0.0.1", port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", secret
    server.should_exit = True
    thread.join()


@pytest.mark.slow
@pytest.mark.process
def test_schemathesis_finds_no_word_that_the_server_breaks(live: tuple[str, str], tmp_path: Path) -> None:
    """Examples, edge values, fuzzing and call sequences, with valid and invalid data: no 5xx, nothing undocumented."""
    url, secret = live
    command = [
        str(Path(sys.executable).with_name("st")),
        "--config-file",
        str(Path(__file__).with_name("schemathesis.toml")),
        "run",
        f"{url}/openapi.json",
        "--header",
        f"Authorization: Bearer {secret}",
        "--max-examples=12",
        "--no-shrink",
        "--no-color",
        "--warnings=off",
        "--suppress-health-check=all",
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.api.hooks", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
