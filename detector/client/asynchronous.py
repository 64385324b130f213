"""The client for a broker with an event loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self, Unpack

from detector.client.answers import Answer, Sent
from detector.client.conversation import Conversation
from detector.client.core import Core
from detector.client.failures import Refused
from detector.client.health import Health
from detector.client.line import load
from detector.client.requests import Outcome, lines, outcome, together
from detector.client.settings import HERE, Settings, Terms


class AsyncClient:
    """Asks a sidecar before a credential is minted; the same as `Client`, awaited.

    It belongs to the event loop it is first used on. `async with` begins with a look at the deny list; without, it
    has to be closed.
    """

    def __init__(self, url: str = HERE, **terms: Unpack[Terms]) -> None:
        """See `Settings` for the terms. Raises `ValueError` naming what cannot be."""
        load()
        self._core = Core(Settings(url=url, **terms))
        self._conversation = Conversation(self._core)

    async def __aenter__(self) -> Self:
        await self._conversation.first_look()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go, and stop listening to the deny list."""
        await self._conversation.close()

    async def ask(self, request: object, *, timeout: float | None = None) -> Answer:  # noqa: ASYNC109 - it never raises
        """As `Client.ask`."""
        return await self._conversation.ask(self._core.prepared(request), self._core.ask_ends(timeout))

    async def ask_batch(
        self,
        requests: Iterable[object],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as `ask`
    ) -> list[Answer | Refused]:
        """As `Client.ask_batch`."""
        asked = [self._core.prepared(request) for request in requests]
        ends = self._core.ask_ends(timeout, members=len(asked))
        return await self._conversation.ask_batch(asked, together(asked), ends)

    async def tell_outcome(
        self,
        decision_id: str,
        said: Outcome,
        *,
        by: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as `ask`
    ) -> bool:
        """As `Client.tell_outcome`."""
        told = outcome(decision_id, said, by)
        return await self._conversation.tell_outcome(decision_id, told, self._core.bulk_ends(timeout))

    async def send_events(
        self,
        events: Iterable[object],
        *,
        dialect: str = "native",
        timeout: float | None = None,  # noqa: ASYNC109 - as `ask`
    ) -> Sent:
        """As `Client.send_events`."""
        return await self._conversation.send_events(lines(events), dialect, self._core.bulk_ends(timeout))

    async def refresh(self) -> bool:
        """As `Client.refresh`."""
        return await self._conversation.refresh()

    def health(self) -> Health:
        """As `Client.health`."""
        return self._core.health()
