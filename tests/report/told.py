"""Worlds told as reports, and what tests look for in them."""

from __future__ import annotations

from typing import Any

from detector.report import Period, Report, fold, report
from detector.report.views import Check, Item, MintRow, RequesterView
from tests.engine.world import World

IDENTITY = "log-of-a-test"


def told(world: World, *, since: float | None = None, until: float | None = None) -> Report:
    """The report of what a world wrote down."""
    return report(fold(world.log.read(), Period(since, until)), identity=IDENTITY)


def check(of: Report, name: str) -> Check:
    """One check."""
    (found,) = (check for check in of.checks if check.name == name)
    return found


def found(of: Report, name: str) -> list[str | None]:
    """Whom a check found, as often as it did."""
    return [item.requester for item in check(of, name).items]


def item(of: Report, name: str) -> Item:
    """The one finding of a check."""
    (only,) = check(of, name).items
    return only


def requester(of: Report, name: str) -> RequesterView:
    """One identity of the inventory."""
    (only,) = (view for view in of.requesters if view.requester == name)
    return only


def row(of: Report, **named: Any) -> MintRow:
    """The one row that has these values."""
    (only,) = (each for each in of.mints.rows if all(getattr(each, field) == value for field, value in named.items()))
    return only
