"""A few organisations, made once for all tests that only look at them."""

from __future__ import annotations

import pytest

from detector.simulator import Organisation, simulate


@pytest.fixture(scope="session")
def small() -> Organisation:
    """A small organisation with a campaign of nearly every kind."""
    return simulate("vault", 5, days=18, warm_up_days=12, requesters=60, campaigns=25)


@pytest.fixture(scope="session")
def whole() -> Organisation:
    """An organisation as the benches use them."""
    return simulate("vault", 71)
