"""What the log shows of the requirements of five frameworks, and what it cannot.

Identifiers and titles are the frameworks' own. A row is evidence an assessor may use, never a claim of conformity.
"""

from __future__ import annotations

from detector.report.figures import Figures
from detector.report.frameworks import ai_rmf, csf, maestro, owasp, zero_trust
from detector.report.frameworks.requirement import Requirement
from detector.report.shape import Control

REQUIREMENTS: tuple[Requirement, ...] = (
    *owasp.REQUIREMENTS,
    *zero_trust.REQUIREMENTS,
    *csf.REQUIREMENTS,
    *maestro.REQUIREMENTS,
    *ai_rmf.REQUIREMENTS,
)


def controls(figures: Figures) -> tuple[Control, ...]:
    """Every requirement, its sentence filled in with these figures."""
    return tuple(requirement.filled(figures) for requirement in REQUIREMENTS)
