"""The deny list as brokers keep it, so that a dead sidecar still blocks what was known.

Only what would be denied now is told: enforced rules, not those in shadow or canary. With them goes what a broker needs
to tell a match as we do: how names fold, which modes hold where, and whether the kill switch is on.
"""

from __future__ import annotations

from msgspec import Struct

from detector.engine.policy import Policy
from detector.engine.state import State
from detector.rules import Rule


class DenyList(Struct, frozen=True, kw_only=True):
    """What is enforced at a log `position`: everything where it is `full`, else what is new and gone since another."""

    position: int
    full: bool
    new: tuple[Rule, ...]
    deleted: tuple[str, ...]
    halted: bool
    policy: Policy


def deny_list(state: State, since: int, now: float) -> DenyList:
    """What to tell a broker that was told up to a position; 0 is one that knows nothing."""
    memory = state.memory
    told = 0 < since <= memory.position
    changed = state.rule_changes.since(since) if told else None
    ids = memory.rules if changed is None else changed
    known = {rule_id: memory.rules.get(rule_id) for rule_id in ids}
    enforced = {rule_id: rule for rule_id, rule in known.items() if rule and rule.state(now) == "enforced"}
    return DenyList(
        position=memory.position,
        full=changed is None,
        new=tuple(enforced.values()),
        deleted=() if changed is None else tuple(rule_id for rule_id in known if rule_id not in enforced),
        halted=state.halted is not None,
        policy=memory.policy,
    )
