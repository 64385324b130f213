"""What the operator decided, as frozen values: everything in the configuration that can change an answer.

`wiring` makes a `Policy` from the configuration file; the engine logs it as a
`Configured` record when it differs from the last one logged, so that folding
the log needs no configuration file beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from detector.events import Sensitivity
from detector.evidence import EvidenceModel
from detector.features.identity import DEFAULT_IDENTITY_RULES, IdentityRule
from detector.features.rhythm import DAY
from detector.features.sensitivity import DEFAULT_SENSITIVITY_RULES, SensitivityRule
from detector.rules import Goal
from detector.verdict import Mode

COLD_SHARE: Final = 0.65
"""What part of an old hand's evidence is enough of one with few events: it has few habits yet that could
be broken, so that abuse of it says less. Placed where about one in a hundred of its legitimate issuances
is stepped up on organisations not trained on, half of the ceiling of two (`python -m bench.cold`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When an issuer's requests are stepped up, and when denied, in nats.

    `step_up` is a row's evidence; `deny` what its requester had accumulated before,
    so that an odd row is denied rather than stepped up.
    """

    step_up: float = 6.0
    deny: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """When a deny rule is raised for a requester, how long it lives, how far it goes by itself, and how proven.

    `raise_at` is accumulated risk in nats; `lifetime_seconds` is the mandatory expiry of a rule that the engine
    raises. `collateral_limit` is the share of a requester's own grants in `backtest_seconds` of history that a rule
    may have hit without need. A rule that goes on to "enforced" spends `shadow_seconds` in shadow and
    `canary_seconds` denying `canary_share` of what it matches.
    """

    raise_at: float = 8.0
    lifetime_seconds: float = 4 * 3600.0
    mode: Goal = "shadow"
    collateral_limit: float = 0.01
    backtest_seconds: float = 30 * DAY
    shadow_seconds: float = 60.0
    canary_seconds: float = 120.0
    canary_share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassPolicy:
    """How far a broken glass goes: past every verdict for `window_seconds`, and `unreviewed` times at most.

    `unreviewed` counts a requester's windows that nobody has reviewed: past it, a broken glass
    is judged like any request. 0 lets nobody past.
    """

    window_seconds: float = 4 * 3600.0
    unreviewed: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of it. The defaults are what a fresh installation runs with.

    `thresholds` are where it starts; from there they follow the budgets (see
    `detector.engine.budgets`). Where a budget is 0, and at an issuer with
    thresholds of its own, they stay as they were set. `tighten` is how many nats the
    step-up threshold gives for each standard deviation by which more is at stake. A task that
    works for longer than `task_timeout_seconds` has its credentials announced; 0 lets it.
    """

    mode: Mode = "enforce"
    issuer_modes: Mapping[str, Mode] = field(default_factory=dict)
    requester_modes: Mapping[str, Mode] = field(default_factory=dict)
    thresholds: Thresholds = Thresholds()
    issuer_thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    step_up_budget: float = 0.001
    false_deny_budget: float = 0.001
    tighten: float = 0.25
    rules: RulePolicy = RulePolicy()
    break_glass: GlassPolicy = GlassPolicy()
    identity: tuple[IdentityRule, ...] = DEFAULT_IDENTITY_RULES
    sensitivity: tuple[SensitivityRule, ...] = DEFAULT_SENSITIVITY_RULES
    quarantine_seconds: float = 3600.0
    flagged_quarantine_seconds: float = DAY
    model: EvidenceModel = field(default_factory=EvidenceModel)
    decision_deadline_seconds: float = 300.0
    task_timeout_seconds: float = 0.0

    def mode_for(self, issuer: str, requester: str = "") -> Mode:
        """The mode of a canonical requester, else of the issuer, else the general one."""
        if self.requester_modes:
            own = self.requester_modes.get(requester)
            if own is not None:
                return own
        return self.issuer_modes.get(issuer, self.mode)


__all__ = ["GlassPolicy", "Mode", "Policy", "RulePolicy", "Sensitivity", "Thresholds"]
