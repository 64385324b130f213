"""The engine as whoever poisons it sees it: events go in, asks teach nothing."""

from __future__ import annotations

from bench.detection.ours import HandClock
from bench.poisoning.attackers import Answer
from bench.poisoning.cases import Told
from detector.engine import Engine
from detector.engine.policy import Policy
from detector.events import GrantRequest
from detector.evidence import in_nats
from detector.store import MemoryLog, MemorySnapshots


class Ours:
    """An engine with a clock that follows the events, and can be copied."""

    def __init__(self, policy: Policy, snapshots: MemorySnapshots | None = None) -> None:
        """From nothing, or as it was saved."""
        self._policy, self._clock = policy, HandClock()
        self._engine = Engine(policy=policy, log=MemoryLog(keep=0), clock=self._clock, snapshots=snapshots)

    def copy(self) -> Ours:
        """Another one in the same state."""
        saved = MemorySnapshots()
        saved.save(self._engine.position, self._engine.snapshot())
        return Ours(self._policy, saved)

    def take(self, told: Told) -> bool | None:
        """Whether an issuance was flagged; `None` for what is none, or was seen before."""
        self._clock.now = max(self._clock.now, told.time)
        rows = self._engine.observe(told.event)
        flagged = [row.verdict != "allow" for row in rows if (row.kind, row.id) == ("issuance", told.event.id)]
        return flagged[0] if flagged else None

    def ask(self, grant: GrantRequest, principal: str) -> Answer:
        """What an ask would be told. It comes from nobody we trust, so it moves no risk either."""
        del principal
        self._clock.now = max(self._clock.now, grant.time)
        weighed = self._engine.ask(grant, trusted=False).decision.weighed
        return Answer(weighed.verdict == "allow", in_nats(weighed.evidence))
