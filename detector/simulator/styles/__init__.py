"""Styles of organisation: a table of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector.simulator.styles.agents import AGENTS
from detector.simulator.styles.cloud import CLOUD
from detector.simulator.styles.idle import IDLE
from detector.simulator.styles.kubernetes import KUBERNETES
from detector.simulator.styles.platform import PLATFORM
from detector.simulator.styles.style import ResourceKind, Style
from detector.simulator.styles.vault import VAULT

STYLES: Final[Mapping[str, Style]] = {s.name: s for s in (VAULT, CLOUD, KUBERNETES, PLATFORM, AGENTS, IDLE)}

__all__ = ["STYLES", "ResourceKind", "Style"]
