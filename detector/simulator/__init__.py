"""Seeded organisations, honest and not, with the truth beside every event.

>>> from detector.simulator import simulate
>>> organisation = simulate("small-idle", 1, days=16, requesters=12, campaigns=2)
>>> {row.label.abuse for row in organisation.rows} == {True, False}
True
"""

from detector.simulator.abuse import KINDS
from detector.simulator.labels import Label, Labelled, Organisation
from detector.simulator.organisation import simulate
from detector.simulator.strain import CALM, Strain
from detector.simulator.styles import STYLES, Style
from detector.simulator.upheaval import UPHEAVALS
from detector.simulator.year import SEASONS

__all__ = [
    "CALM",
    "KINDS",
    "SEASONS",
    "STYLES",
    "UPHEAVALS",
    "Label",
    "Labelled",
    "Organisation",
    "Strain",
    "Style",
    "simulate",
]
