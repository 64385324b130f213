"""The two journeys, ask and observe, over one log whose fold is the state."""

from __future__ import annotations

from detector.engine.answers import Asked, ConflictingRequest, Row, Vitals
from detector.engine.engine import Engine

__all__ = ["Asked", "ConflictingRequest", "Engine", "Row", "Vitals"]
