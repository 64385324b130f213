"""The two journeys, ask and observe, over one log whose fold is the state."""

from __future__ import annotations

from detector.engine.engine import Asked, ConflictingRequest, Engine, Row, Vitals

__all__ = ["Asked", "ConflictingRequest", "Engine", "Row", "Vitals"]
