"""The client for a broker without an event loop: the same conversation, on a loop of its own in a thread.

Blocking sockets could not hold a deadline: a name that does not resolve, or a sidecar that sends a byte now and then,
is given up on a loop alone. The caller waits for its thread, and no longer than its deadline either.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final, Self, TypeVar, Unpack

from detector.client.answers import Answer, Sent
from detector.client.conversation import Conversation
from detector.client.core import Core
from detector.client.failures import Failure, Refused, Unavailable
from detector.client.health import Health
from detector.client.line import load
from detector.client.requests import Outcome, lines, outcome, together
from detector.client.settings import HERE, Settings, Terms

GRACE_SECONDS: Final = 0.015
"""What the thread may take past a deadline to say so; where it does not, the caller falls back without it."""

ENDING_SECONDS: Final = 5.0

STUCK: Final = Failure("stuck", "the client's own thread did not get its turn in time")

Given = TypeVar("Given")


class Client:
    """Asks a sidecar before a credential is minted. What it is told without an answer is the broker's explicit choice.

    Any thread may use it. `with` begins with a look at the deny list; without, it has to be closed. A forked process
    goes on with a thread and connections of its own.

    >>> with Client("http://127.0.0.1:9", default="open", on_failure={"vault:prod/*": "closed"}) as assayer:
    ...     answer = assayer.ask({"issuer": "vault:prod/aws", "requester": "ci/deploy", "resource": "aws/creds/app"})
    >>> answer.verdict, answer.source, answer.failure
    ('deny', 'fail_closed', 'unreachable')
    """

    def __init__(self, url: str = HERE, **terms: Unpack[Terms]) -> None:
        """See `Settings` for the terms. Raises `ValueError` naming what cannot be."""
        load()
        self._core = Core(Settings(url=url, **terms))
        self._thread: _Thread | None = None
        self._inherited: list[_Thread] = []
        self._starting = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        with suppress(TimeoutError):
            self._wait(lambda talk: talk.first_look(), self._core.bulk_ends(None))
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go, and stop listening to the deny list. Idempotent."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is not None and thread.process == os.getpid():
            thread.end()

    def ask(self, request: object, *, timeout: float | None = None) -> Answer:
        """The verdict on a grant request: a mapping, a `GrantRequest`, or a dataclass with the contract's fields.

        Within `timeout` seconds there is an answer, and nothing that a sidecar does or does not do raises; see
        `Answer.source`. Raises `ValueError` naming the field for what is no grant request, and `Refused` where the
        sidecar says so: either way there is no verdict, and nothing is to be minted.
        """
        asked, ends = self._core.prepared(request), self._core.ask_ends(timeout)
        try:
            return self._wait(lambda talk: talk.ask(asked, ends), ends)
        except TimeoutError:
            return self._core.failed([asked], STUCK)[0]

    def ask_batch(self, requests: Iterable[object], *, timeout: float | None = None) -> list[Answer | Refused]:
        """The verdicts on several, in their order; where a request is refused as no good, that in its place."""
        asked = [self._core.prepared(request) for request in requests]
        body, ends = together(asked), self._core.ask_ends(timeout, members=len(asked))
        try:
            return self._wait(lambda talk: talk.ask_batch(asked, body, ends), ends)
        except TimeoutError:
            return list(self._core.failed(asked, STUCK))

    def tell_outcome(self, decision_id: str, said: Outcome, *, by: str, timeout: float | None = None) -> bool:
        """Tell how a step-up ended, and who says so; whether that is durable.

        Raises `ValueError` for what no outcome is, `Refused` where the sidecar does not take it, and `Unavailable`
        where none does: telling it again is right then.
        """
        told, ends = outcome(decision_id, said, by), self._core.bulk_ends(timeout)
        return self._told(lambda talk: talk.tell_outcome(decision_id, told, ends), ends)

    def send_events(self, events: Iterable[object], *, dialect: str = "native", timeout: float | None = None) -> Sent:
        """Send what was minted and used: mappings, one an event. Twice counts once. Raises as `tell_outcome`."""
        body, ends = lines(events), self._core.bulk_ends(timeout)
        return self._told(lambda talk: talk.send_events(body, dialect, ends), ends)

    def refresh(self) -> bool:
        """Have the deny list told now, not in a few seconds; whether it was."""
        return self._told(lambda talk: talk.refresh(), self._core.bulk_ends(None))

    def health(self) -> Health:
        """Breaker, answers by source, failures by kind, age of the deny list."""
        return self._core.health()

    def _told(self, work: Callable[[Conversation], Coroutine[Any, Any, Given]], ends: float) -> Given:
        try:
            return self._wait(work, ends)
        except TimeoutError:
            raise Unavailable(STUCK) from None

    def _wait(self, work: Callable[[Conversation], Coroutine[Any, Any, Given]], ends: float) -> Given:
        """What the thread makes of it. Raises `TimeoutError` where it does not in time."""
        thread = self._running()
        left = max(0.0, ends - self._core.clocks.monotonic())
        return thread.call(work(thread.conversation), left + GRACE_SECONDS)

    def _running(self) -> _Thread:
        """The thread of this process, started where there is none. Raises `RuntimeError` once it is closed."""
        thread = self._thread
        if thread is not None and thread.process == os.getpid():
            return thread
        with self._starting:
            if self._closed:
                raise RuntimeError("this client is closed")
            if self._thread is None or self._thread.process != os.getpid():
                if self._thread is not None:  # closed, or collected, it would take the parent's events away
                    self._inherited.append(self._thread)
                    self._core.reborn()
                self._thread = _Thread(self._core)
            return self._thread


class _Thread:
    """A conversation on an event loop of its own."""

    def __init__(self, core: Core) -> None:
        self.process = os.getpid()
        self.conversation = Conversation(core)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="assayer client", daemon=True)
        self._thread.start()
        self._loop.call_soon_threadsafe(self.conversation.begin)

    def call(self, work: Coroutine[Any, Any, Given], seconds: float) -> Given:
        """What comes of it. Raises `TimeoutError` where it takes longer."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except TimeoutError:
            future.cancel()
            raise

    def end(self) -> None:
        """Close the conversation and end the thread; what does not end in time is left to its fate."""
        with suppress(TimeoutError):
            self.call(self._ended(), ENDING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ENDING_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _ended(self) -> None:
        await self.conversation.close()
        await self._loop.shutdown_default_executor()
