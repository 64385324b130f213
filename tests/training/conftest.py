"""The labelled organisation and what was gathered from it, once for all tests that only look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from detector.events import Event
from detector.training.labels import Truth
from detector.training.refit import Gathered, gather
from tests.training.labelled import lived


class Lived(NamedTuple):
    """Events in time order, their labels, and the labelled rows."""

    events: Sequence[Event]
    labels: dict[str, bool]
    gathered: Gathered


@pytest.fixture(scope="session")
def organisation() -> Lived:
    """The small organisation with true labels."""
    events, labels = lived()
    return Lived(events, labels, gather(events, Truth(labels, {}), lambda _: None))
