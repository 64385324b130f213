"""Brokers of both kinds, made with one call and closed in the end; sidecars of every kind."""

from __future__ import annotations

import asyncio
import gc
import random
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from detector.client import AsyncClient, Client, Clocks
from tests.client.sidecars import Sidecar, sidecar


class Skipping:
    """Clocks that go as they go, and can be put forward: monotonic and wall together."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self.clocks = Clocks(
            monotonic=lambda: time.monotonic() + self.skipped,
            wall=lambda: time.time() + self.skipped,
            dice=random.random,
        )

    def skip(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.skipped += seconds


class Awaited:
    """An `AsyncClient` for those who do not wait: every call is run to its end on a loop of its own."""

    def __init__(self, url: str, **terms: Any) -> None:
        self.client = AsyncClient(url, **terms)
        self.runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not asyncio.iscoroutinefunction(found):
            return found
        return lambda *args, **named: self.runner.run(found(*args, **named))

    def close(self) -> None:
        """Close the client and its loop."""
        self.runner.run(self.client.close())
        self.runner.close()


@pytest.fixture(autouse=True)
def _lost_connections() -> Iterator[None]:
    """Collect here, where it is forgiven, what would otherwise be blamed on whichever test comes next.

    anyio loses a connection that comes about in the very moment in which its wait is cancelled, so on a busy machine
    now and then one is closed by the garbage collector only, which says so.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


Make = Callable[..., Any]


@pytest.fixture(params=[Client, Awaited], ids=["sync", "async"])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make clients of one kind, by default open without an answer, and without the list being looked at by itself."""
    monkeypatch.delenv("ASSAYER_TOKEN", raising=False)
    with ExitStack() as stack:

        def make(url: str, **terms: Any) -> Any:
            made = request.param(url, **{"default": "open", "refresh_seconds": 3_600.0, **terms})
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def beside() -> Iterator[Sidecar]:
    """An honest sidecar."""
    with sidecar() as made:
        yield made
