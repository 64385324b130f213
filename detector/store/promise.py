"""The future that a log gives for each record: as cheap as it can be, and not to be taken back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Final, TypeAlias

Listener: TypeAlias = Callable[[Future[int]], object]

_LOGGER: Final = logging.getLogger(__name__)

_LOCK: Final = threading.Lock()
"""Guards every promise's few fields, never held while anything of others runs: a lock each is what makes the base
class dear."""


class Promise(Future[int]):
    """A record's position, once it is durable.

    A `concurrent.futures.Future` whose own fields cost 6 µs and eight objects
    for the garbage collector to walk, a third of what appending a record costs;
    this one has three fields and one lock for all. It cannot be cancelled: the
    record will be written whether or not somebody waits. Wrong for
    `concurrent.futures.wait` and `as_completed`, which look inside: there it
    fails with an `AttributeError`. `asyncio.wrap_future` works.
    """

    fate: bool | BaseException = False
    listeners: list[Listener] | None = None

    def __init__(self, position: int) -> None:
        """Of `position`, which `keep` makes true."""
        self._position = position

    def __repr__(self) -> str:
        """The position and what became of it."""
        return f"<Promise of {self._position}: {self.fate or 'pending'}>"

    def done(self) -> bool:
        """Whether it was kept or broken."""
        return self.fate is not False

    def running(self) -> bool:
        """Whether it is still pending."""
        return self.fate is False

    def cancel(self) -> bool:
        """Never."""
        return False

    def cancelled(self) -> bool:
        """Never."""
        return False

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Why it was broken; `None` when it was kept. Raises `TimeoutError` after `timeout` seconds."""
        if self.fate is False:
            settled = threading.Event()
            self.add_done_callback(lambda _: settled.set())
            if not settled.wait(timeout):
                raise TimeoutError
        return self.fate if isinstance(self.fate, BaseException) else None

    def result(self, timeout: float | None = None) -> int:
        """The position. Raises why it was broken, `TimeoutError` after `timeout` seconds."""
        failure = self.exception(timeout)
        if failure is not None:
            raise failure
        return self._position

    def add_done_callback(self, fn: Listener) -> None:
        """Call `fn` with this promise once it settles, on the thread that settles it; at once if it has."""
        with _LOCK:
            if self.fate is False:
                if self.listeners is None:
                    self.listeners = []
                self.listeners.append(fn)
                return
        fn(self)


def keep(promises: Iterable[Promise]) -> None:
    """The records are durable."""
    _settle(promises, kept=True)


def break_(promises: Iterable[Promise], *, because: BaseException) -> None:
    """The records never will be."""
    _settle(promises, kept=because)


def kept(position: int) -> Promise:
    """A promise that was never pending."""
    promise = Promise(position)
    promise.fate = True
    return promise


def _settle(promises: Iterable[Promise], *, kept: bool | BaseException) -> None:
    waited_for = []
    with _LOCK:
        for promise in promises:
            promise.fate = kept
            if promise.listeners is not None:
                waited_for.append(promise)
    for promise in waited_for:
        for listener in promise.listeners or ():
            try:
                listener(promise)
            except Exception:
                # As the base class does: a listener's mistake must not stop the thread that writes the log.
                _LOGGER.exception("a listener failed on %r", promise)
        promise.listeners = None
