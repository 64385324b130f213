"""What a running sidecar does beside answering: snapshots, peers, backtests, rules that move on, the switch on disk.

All of it begins on the engine's own thread, which only hands out and takes back; the work itself is done on others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from detector.engine import Engine
    from detector.wiring.compose import Embedded

SNAPSHOT_SECONDS: Final = 300.0
"""Between two looks: often enough that a restart after a crash folds minutes of log, not days."""

RULES_SECONDS: Final = 0.25
"""Between two looks at the rules and at the kill switch's file: it has to work within a second."""

RETENTION_SECONDS: Final = 86_400.0
"""Between two looks at what is old enough to be forgotten: retention is counted in days."""

DAY: Final = 86_400.0

WAYS_A_TURN: Final = 50
"""Requesters whose ways are handed out before whoever asks has a turn: some milliseconds."""

SWITCH_NAME: Final = "KILL_SWITCH"
"""The file that halts enforcement while it is in the data directory: what is left when nothing answers any more.
Whoever may write there holds the log too."""

BY_FILE: Final = f"the file {SWITCH_NAME}"
BY_RETENTION: Final = "[retention] days"


class Chores:
    """Begun on the loop once the server listens; they end with the loop."""

    def __init__(self, store: Embedded, *, switch: Path, keep_days: float, warn: Callable[..., None]) -> None:
        self._store, self._switch, self._keep_days, self._warn = store, switch, keep_days, warn
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Look at everything now, then at its own pace."""
        self._every(SNAPSHOT_SECONDS, self._snapshot)
        self._every(SNAPSHOT_SECONDS, self._regroup)
        self._every(RULES_SECONDS, self._look_at_switch)
        self._every(RULES_SECONDS, self._rules)
        self._every(RULES_SECONDS, self._announce)
        if self._keep_days:
            self._every(RETENTION_SECONDS, self._retain)

    def _every(self, seconds: float, chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(self._repeat(seconds, chore)))

    async def _repeat(self, seconds: float, chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await chore()
            except Exception as error:  # noqa: BLE001 - a chore that fails once is done again, and never ends the others
                self._warn(f"a chore failed: {type(error).__name__}: {error}")
            await asyncio.sleep(seconds)

    async def _snapshot(self) -> None:
        if self._store.due():
            await asyncio.to_thread(self._store.fold_beside)

    async def _regroup(self) -> None:
        if self._store.engine.grouping_due():
            await regroup(self._store.engine)

    async def _retain(self) -> None:
        """Forget what is older than is wanted, by the log's own clock."""
        from detector.wiring.retention import forget

        store = self._store
        older_than = store.engine.state.memory.stamp - self._keep_days * DAY
        record = await asyncio.to_thread(store.retention.run, older_than=older_than, by=BY_RETENTION)
        if record is not None:
            await asyncio.wrap_future(store.engine.keep_house(record))
            self._warn("forgotten", entries_up_to=record.before, by=BY_RETENTION)
        await asyncio.to_thread(forget, store.log, store.directory)

    async def _look_at_switch(self) -> None:
        """Turn the kill switch as its file says; one that was turned otherwise is left alone."""
        state, there = self._store.engine.state, self._switch.exists()
        halted = state.halted
        if state.unlogged is not None:
            self._store.engine.turn_kill_switch(engaged=True, by=state.unlogged.by, because=state.unlogged.because)
        elif there and halted is None:
            self._turn(engaged=True)
        elif not there and halted is not None and halted.by == BY_FILE:
            self._turn(engaged=False)

    def _turn(self, *, engaged: bool) -> None:
        self._warn("kill switch", engaged=engaged, by=BY_FILE)
        self._store.engine.turn_kill_switch(
            engaged=engaged, by=BY_FILE, because="the file appeared" if engaged else "the file is gone"
        )

    async def _announce(self) -> None:
        """Announce what is due: what was just denied, and tasks whose time is over."""
        self._store.engine.announce()

    async def _rules(self) -> None:
        """Backtest what was proposed, and move on what has been long enough where it is."""
        from detector.wiring.history import backtests

        engine = self._store.engine
        rules = engine.unproven_rules()
        if rules:
            await asyncio.to_thread(self._store.log.flush)
            policy, now = engine.state.policy, engine.state.memory.stamp
            results = await asyncio.to_thread(backtests, self._store.log, rules, policy, now=now)
            for rule, found in zip(rules, results, strict=True):
                engine.take_backtest(rule.id, found)
                await asyncio.sleep(0)
        engine.tend_rules()


async def regroup(engine: Engine) -> None:
    """Group peers anew, with another thread finding the groups.

    The engine's own thread only hands out what requesters did, and logs who belongs
    where: asks come in between.
    """
    from detector.engine.ports import LogUnavailable
    from detector.wiring.compose import group_peers

    ways = []
    for way in engine.ways():
        ways.append(way)
        if len(ways) % WAYS_A_TURN == 0:
            await asyncio.sleep(0)
    found = await asyncio.to_thread(group_peers, ways)
    with suppress(LogUnavailable):  # then the round stays due
        for _ in engine.assign_peers(found):
            await asyncio.sleep(0)
