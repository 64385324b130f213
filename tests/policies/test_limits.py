"""Hard limits compiled: what is broken, and that nothing is kept by leaving it out."""

from __future__ import annotations

from typing import Any

import pytest

from detector.events import GrantRequest
from detector.policies import Advice, Limits, Narrower, read, stricter, within

LIMITS = Limits(
    read(
        {
            "version": 1,
            "limits": {
                "short": {"sensitivity": ["high", "critical"], "max_ttl_seconds": 900},
                "proved": {"sensitivity": ["critical"], "privileges": ["write", "admin"], "attested": True},
                "tasked": {"sensitivity": ["critical"], "privileges": ["admin"], "task": True},
            },
        }
    ).limits
)
KEPT: dict[str, Any] = {"ttl_seconds": 900.0, "attested": True, "task": "t", "privilege": "admin"}


def broken(level: Any, **asked: Any) -> set[tuple[str, str]]:
    """The limits that a request breaks, and in what."""
    grant = GrantRequest(id="r", time=0.0, issuer="i", requester="q", resource="x", **{**KEPT, **asked})
    return {(one.name, one.code) for one in LIMITS.broken(grant, level)}


def test_what_keeps_them_breaks_nothing() -> None:
    """To the last second."""
    assert broken("critical") == set()


@pytest.mark.parametrize(
    ("level", "asked", "found"),
    [
        ("critical", {"ttl_seconds": 901.0}, {("short", "limit_lifetime")}),
        ("high", {"ttl_seconds": 901.0}, {("short", "limit_lifetime")}),
        ("medium", {"ttl_seconds": 901.0, "attested": None, "task": None}, set()),
        (None, {"ttl_seconds": 901.0, "attested": None, "task": None}, set()),
        ("critical", {"attested": False}, {("proved", "limit_attestation")}),
        ("critical", {"attested": False, "privilege": "read"}, set()),
        ("critical", {"task": None, "privilege": "write"}, set()),
        ("critical", {"task": None}, {("tasked", "limit_task")}),
    ],
)
def test_each_is_about_its_levels_and_privileges(level: Any, asked: dict[str, Any], found: set[Any]) -> None:
    """And about nothing else."""
    assert broken(level, **asked) == found


def test_what_is_not_said_is_not_kept() -> None:
    """Nobody gets round a limit by leaving out what it is about; without a privilege it is held to all."""
    silent = broken("critical", ttl_seconds=None, attested=None, task=None, privilege=None)
    assert silent == {("short", "limit_lifetime"), ("proved", "limit_attestation"), ("tasked", "limit_task")}


def test_nobody_talks_sensitivity_down() -> None:
    """The name's own counts where it is higher, and what is said where that is."""
    assert stricter("low", "critical") == stricter("critical", "low") == "critical"
    assert stricter(None, None) is None


def test_the_advice_is_what_would_pass() -> None:
    """All of it at once, naming the limits it comes from."""
    grant = GrantRequest(id="r", time=0.0, issuer="i", requester="q", resource="x")
    advice = within(LIMITS.broken(grant, "critical"))
    assert advice is not None
    assert (advice.max_ttl_seconds, advice.attested, advice.task) == (900.0, True, True)
    assert set(advice.because) == {"limit short", "limit proved", "limit tasked"}
    assert within([]) is None


def test_two_pieces_of_advice_are_the_stricter_of_both() -> None:
    """The shorter lifetime, and everything that either says."""
    one = Advice(max_ttl_seconds=900.0, task=True, because=("a",))
    other = Advice(max_ttl_seconds=300.0, narrower=Narrower("read"), because=("b",))
    whole = Advice(max_ttl_seconds=300.0, task=True, narrower=Narrower("read"), because=("a", "b"))
    assert one.joined(other) == whole
    assert one.joined(None) == one
