"""A small world for tests of the engine: a clock moved by hand, a log on paper, and words for what happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Final

from detector.engine import Engine, Row
from detector.engine.encoding import decode, encode
from detector.engine.policy import DAY, Policy, RulePolicy, Thresholds
from detector.engine.ports import LogUnavailable
from detector.engine.records import Decided, Entry, Record
from detector.engine.state import State
from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.evidence import EvidenceModel, in_nats
from detector.rules import Backtest, Rule
from detector.store import MemorySnapshots
from detector.wiring.history import backtests

MONDAY: Final = 1_772_409_600.0
"""2026-03-02T00:00:00Z."""

HOUR: Final = 3_600.0
QUARANTINE: Final = 3_600.0

SERVICE: Final = "spiffe://prod/app/svc1"
ISSUER: Final = "vault:prod/aws"
RESOURCE: Final = "aws/creds/app-write"
HOME: Final = Source(ip="10.10.4.61", environment="prod")
AWAY: Final = Source(ip="185.220.101.47", environment="prod", user_agent="curl/8.5.0")

PLAIN: Final = EvidenceModel(name="plain", elsewhere=1.0)
"""Every facet's share counts in full: what a test says then depends on no fit."""


HOUSE: Final = Policy(
    model=PLAIN,
    thresholds=Thresholds(step_up=6.0, deny=14.0),
    rules=RulePolicy(raise_at=8.0, lifetime_seconds=4 * HOUR, mode="shadow"),
    quarantine_seconds=QUARANTINE,
    flagged_quarantine_seconds=7 * DAY,
)
"""Spelled out, so that a change of defaults is no change of these tests."""


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = MONDAY) -> None:
        self.now = now

    def __call__(self) -> float:
        """Unix seconds."""
        return self.now


class Paper:
    """A log that keeps what was written as it was written, so that reading it back is what a restart does.

    `full` makes it take no more, as a full queue does.
    """

    def __init__(self, entries: list[tuple[float, bytes]] | None = None) -> None:
        self.lines: list[tuple[float, bytes]] = [] if entries is None else list(entries)
        self.full = False

    def append(self, stamp: float, record: Record) -> Future[int]:
        """Write one record down."""
        if self.full:
            message = "the disk is full"
            raise LogUnavailable(message)
        self.lines.append((stamp, encode(record)))
        durable: Future[int] = Future()
        durable.set_result(len(self.lines))
        return durable

    def read(self, after: int = 0) -> Iterator[Entry]:
        """Every record after a position, decoded."""
        for position, (stamp, line) in enumerate(self.lines[after:], after + 1):
            yield Entry(position, stamp, decode(line))

    def grants_since(self, stamp: float) -> Iterator[Entry]:
        """Every record from a stamp on."""
        return (entry for entry in self.read() if entry.stamp >= stamp)

    def head(self) -> int:
        """The last position."""
        return len(self.lines)

    def trouble(self) -> str | None:
        """Whether it is full."""
        return "the disk is full" if self.full else None

    def close(self) -> None:
        """Nothing to release."""

    def records(self) -> list[Record]:
        """What was written, decoded."""
        return [entry.record for entry in self.read()]


class World:
    """An engine over a paper log, and short words for asking, minting, using and waiting."""

    def __init__(self, policy: Policy | None = None, *, log: Paper | None = None, **more: Any) -> None:
        self.clock = Hand()
        self.log = Paper() if log is None else log
        self.policy = HOUSE if policy is None else policy
        self.engine = Engine(policy=self.policy, log=self.log, clock=self.clock, backtester=self._backtests, **more)
        self._number = 0

    def _backtests(self, rules: Sequence[Rule], policy: Policy) -> list[list[Backtest]]:
        return backtests(self.log, rules, policy, now=self.clock.now)

    @property
    def state(self) -> State:
        """The engine's state."""
        return self.engine.state

    def number(self) -> int:
        """The next of a row of numbers, for ids."""
        self._number += 1
        return self._number

    def wait(self, seconds: float) -> World:
        """Let time pass."""
        self.clock.now += seconds
        return self

    # -- events, dated now unless told otherwise ---------------------------------------------------

    def grant(self, **more: Any) -> GrantRequest:
        """An ordinary request of `SERVICE`, with whatever is different about it."""
        plain: dict[str, Any] = {
            "id": f"r{self.number()}",
            "time": self.clock.now,
            "issuer": ISSUER,
            "requester": SERVICE,
            "resource": RESOURCE,
            "actions": ("write",),
            "privilege": "write",
            "ttl_seconds": 900.0,
            "source": HOME,
        }
        return GrantRequest(**{**plain, **more})

    def issuance(
        self, *, credential: str | None = "own", outcome: str = "granted", decision: str | None = None, **more: Any
    ) -> Issuance:
        """A mint of an ordinary request; its credential is named after its id unless told otherwise."""
        grant = self.grant(**more)
        named = f"c-{grant.id}" if credential == "own" else credential
        return Issuance(grant=grant, outcome=outcome, credential=named, decision=decision)  # type: ignore[arg-type]

    def usage(self, credential: str | None, **more: Any) -> Usage:
        """An ordinary use of a credential."""
        plain: dict[str, Any] = {
            "id": f"u{self.number()}",
            "time": self.clock.now,
            "action": "s3:PutObject",
            "resource": "bucket/x",
            "source": HOME,
        }
        return Usage(credential=credential, **{**plain, **more})

    # -- what happens -----------------------------------------------------------------------------

    def ask(self, *, trusted: bool = True, **more: Any) -> Decided:
        """Ask, and take the decision."""
        return self.engine.ask(self.grant(**more), trusted=trusted).decision

    def issue(self, *, trusted: bool = True, **more: Any) -> Row:
        """Observe a mint, and take its row out of those that it brings."""
        event = self.issuance(**more)
        (row,) = (
            row for row in self.engine.observe(event, trusted=trusted) if (row.kind, row.id) == ("issuance", event.id)
        )
        return row

    def use(self, credential: str | None, *, trusted: bool = True, **more: Any) -> Row:
        """Observe a use that is judged at once, and take its row."""
        event = self.usage(credential, **more)
        (row,) = (
            row for row in self.engine.observe(event, trusted=trusted) if (row.kind, row.id) == ("usage", event.id)
        )
        return row

    def happens(self, change: str, subject: str, *, trusted: bool = True, **more: Any) -> None:
        """Observe a lifecycle change."""
        plain: dict[str, Any] = {"id": f"l{self.number()}", "time": self.clock.now}
        event = Lifecycle(change=change, subject=subject, **{**plain, **more})  # type: ignore[arg-type]
        rows = self.engine.observe(event, trusted=trusted)
        assert {row.kind for row in rows} <= {"usage"}, "a change has no row of its own"

    def live(self, days: int = 4, **more: Any) -> World:
        """Let a requester mint and use once an hour for so many days, and all of that be learnt."""
        for _ in range(24 * days):
            self.wait(HOUR)
            row = self.issue(**more)
            self.use(row.credential, source=more.get("source", HOME))
        return self.wait(HOUR)

    def steal(self, *, hours: int = 3, **more: Any) -> Row:
        """A thief mints from away at an issuer whose broker does not ask, each time a little bolder; his last row."""
        boldness = ("aws/creds/billing", "aws/creds/prod-admin", "aws/creds/root-keys", "pki/issue/any", "kv/all")
        row = self.issue(source=AWAY, **more)
        for hour in range(hours):
            self.wait(600.0)
            row = self.issue(
                source=AWAY, resource=boldness[hour % len(boldness)], privilege="admin", ttl_seconds=43_200.0, **more
            )
        return row

    # -- looking ----------------------------------------------------------------------------------

    def risk(self, requester: str = SERVICE) -> float:
        """The accumulated evidence against a requester, in nats."""
        standing = self.state.memory.standings.get(requester)
        return standing.risk.level(self.clock.now) if standing else 0.0

    def seen_risk(self, requester: str = SERVICE) -> float:
        """The part of it that logs bore out."""
        standing = self.state.memory.standings.get(requester)
        return standing.risk.observed_level(self.clock.now) if standing else 0.0

    def learnt(self, requester: str = SERVICE) -> int:
        """How many grants of a requester have taught."""
        habits = self.state.baselines.grants.habits.get(requester)
        return habits.events if habits else 0

    def folded(self, **more: Any) -> Engine:
        """Another engine that knows only what this one wrote down."""
        return Engine(policy=self.policy, log=Paper(self.log.lines), clock=self.clock, **more)

    def restarted(self, *, cut: int | None = None) -> Engine:
        """As `folded`, from a snapshot that was taken at `cut` (the log's end unless told otherwise) and the tail."""
        snapshots = MemorySnapshots()
        early = Engine(policy=self.policy, log=Paper(self.log.lines[:cut]), clock=self.clock)
        snapshots.save(early.position, early.snapshot())
        return self.folded(snapshots=snapshots)


def nats(decision: Decided) -> float:
    """What a decision was decided on."""
    return in_nats(decision.weighed.evidence)


def codes(found: Row | Decided) -> list[str]:
    """The codes of its reasons, weightiest first."""
    told = found.weighed.reasons if isinstance(found, Decided) else found.reasons
    return [reason.code for reason in told]


__all__ = [
    "AWAY",
    "DAY",
    "HOME",
    "HOUR",
    "HOUSE",
    "ISSUER",
    "MONDAY",
    "PLAIN",
    "QUARANTINE",
    "RESOURCE",
    "SERVICE",
    "Hand",
    "Paper",
    "World",
    "codes",
    "nats",
]
