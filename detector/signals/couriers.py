"""Delivery, in order and never lost: a courier a stream, who goes on where the log was delivered to.

A letter is sent until the receiver has it, or says that it will never take it; only then comes the next. So
a receiver that is down holds up its own stream and nothing else, and what it missed is still in the log when it is
back. A process that dies between a delivery and its note of it delivers that one again, under the same id.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from detector.signals.letters import Desk, Letter
from detector.signals.sending import Delivered, Failed, Outcome, Refused, Sender
from detector.signals.streams import Stream, Streams
from detector.signals.vocabulary import PUSH

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
"""Seconds between attempts while a receiver fails: doubling, so that a restart costs seconds and a day's outage asks
twelve times an hour whether it is over."""

LEAST_JITTER: Final = 0.5
"""A pause is shortened to this part of it at most, at random: receivers that came back are not all asked at once."""

LOOK_SECONDS: Final = 0.25
"""Between two looks whether the log has grown."""

MEASURE_SECONDS: Final = 5.0

LAGGING: Final = 1_000
"""Announcements behind at which a receiver is said to lag, in metrics and in the log. Nothing is dropped: the log has
them, and an operator has a disk to watch."""


class Tally(Protocol):
    """Counts what becomes of deliveries. Streams are told apart by label: few, and bounded."""

    def delivered(self, stream: str, seconds: float) -> None:
        """A receiver has a letter that was logged so many seconds ago."""

    def undelivered(self, stream: str, why: str) -> None:
        """An attempt failed; or, where `why` is `refused`, a receiver will never take a letter."""

    def behind(self, stream: str, depth: int, age: float) -> None:
        """How many announcements a stream has still to get, and how long the first of them has waited (seconds)."""

    def lagged(self, stream: str) -> None:
        """A receiver has come to lag."""


def pause(failures: int, wait: float | None, chance: float) -> float:
    """Seconds until the next attempt, after so many failures in a row; `chance` in [0, 1) is its luck.

    A receiver that says how long to `wait` is believed, and never asked sooner.

    >>> round(pause(1, None, 0.999999), 3), round(pause(20, None, 0.999999)), pause(1, 30.0, 0.0)
    (1.0, 300, 30.0)
    """
    longest = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 30), LONGEST_PAUSE)
    return max(longest * (LEAST_JITTER + (1.0 - LEAST_JITTER) * chance), wait or 0.0)


class Courier:
    """Delivers one stream until it is deleted.

    `news` is set when the log has grown, and `changed` as well when the stream is another than it was.
    """

    def __init__(
        self,
        name: str,
        streams: Streams,
        desk: Desk,
        sender: Sender,
        tally: Tally,
        *,
        entitled: Callable[[Stream], bool],
        warn: Callable[..., None],
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.news = asyncio.Event()
        self.changed = asyncio.Event()
        self._streams, self._desk, self._sender, self._tally = streams, desk, sender, tally
        self._entitled, self._warn, self._clock, self._chance = entitled, warn, clock, chance
        self._failures = 0
        self._seen = streams.cursor(name)

    async def run(self) -> None:
        """Deliver whatever comes. Ends when the stream is gone, or polled."""
        while (stream := self._streams.get(self.name)) is not None and stream.method == PUSH:
            self.news.clear()
            self.changed.clear()
            served = stream.status == "enabled" and self._entitled(stream)
            try:
                rest = await self._step(stream) if served else None
            except Exception as error:  # noqa: BLE001 - whatever it was, the next letter is still in the log
                self._failures += 1
                said = f"{type(error).__name__}: {error}"
                self._warn("signals: a stream cannot be served just now", stream=stream.label, error=said)
                rest = self._later(None)
            await self._rest(rest)

    async def _step(self, stream: Stream) -> float | None:
        """Send what is next; gives how long to rest, 0 for not at all and `None` until there is news."""
        for asked in self._streams.verifications(stream.id):
            letter = await asyncio.to_thread(self._desk.verification, stream, asked)
            outcome = await self._sent(stream, letter)
            if isinstance(outcome, Failed):
                return self._later(outcome.wait)
            await asyncio.to_thread(self._streams.verified, stream.id, [asked.id])
        letter_or_none, reached = await asyncio.to_thread(self._desk.next, stream)
        if letter_or_none is None:
            return await self._nothing(stream, reached)
        outcome = await self._sent(stream, letter_or_none)
        if isinstance(outcome, Failed):
            return self._later(outcome.wait)
        self._seen = letter_or_none.position
        await asyncio.to_thread(self._streams.advance, stream.id, letter_or_none.position)
        return 0.0

    async def _nothing(self, stream: Stream, reached: int) -> float | None:
        """There was no letter up to `reached`: go on from there."""
        before, self._seen = self._seen, max(self._seen, reached)
        passed = self._streams.skip if stream.form == "ocsf" else self._streams.advance
        await asyncio.to_thread(passed, stream.id, reached)
        return 0.0 if self._seen > before else None

    async def _sent(self, stream: Stream, letter: Letter) -> Outcome:
        outcome = await self._sender.send(stream, letter)
        if isinstance(outcome, Delivered):
            self._failures = 0
            self._tally.delivered(stream.label, max(self._clock() - letter.stamp, 0.0))
        elif isinstance(outcome, Refused):
            self._failures = 0
            self._tally.undelivered(stream.label, "refused")
            self._warn(
                "signals: a receiver refused what it was sent; it is not sent again",
                stream=stream.label,
                delivery=letter.id,
                position=letter.position,
                reason=outcome.reason,
            )
        else:
            self._failed(stream, outcome)
        return outcome

    def _failed(self, stream: Stream, outcome: Failed) -> None:
        self._failures += 1
        self._tally.undelivered(stream.label, outcome.why)
        if self._failures & (self._failures - 1) == 0:  # the first, second, fourth: an outage is no news all day
            self._warn(
                "signals: a receiver cannot be delivered to; trying again",
                stream=stream.label,
                attempts=self._failures,
                why=outcome.why,
                said=outcome.said,
            )

    def _later(self, wait: float | None) -> float:
        return pause(max(self._failures, 1), wait, self._chance())

    async def _rest(self, seconds: float | None) -> None:
        if seconds == 0.0:
            await asyncio.sleep(0)
            return
        # News do not wake who waits for a receiver that is down: more to deliver is no reason to ask it any sooner.
        woken = self.news if seconds is None else self.changed
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), seconds)
