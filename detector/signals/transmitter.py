"""The transmitter as a whole: what it says of itself, its streams, and the couriers that serve them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from detector.signals.couriers import LAGGING, LOOK_SECONDS, MEASURE_SECONDS, Courier, Tally
from detector.signals.keys import SigningKeys
from detector.signals.letters import Desk, Past
from detector.signals.receivers import Receivers
from detector.signals.sending import Sender
from detector.signals.streams import CONFIGURED, Stream, Streams
from detector.signals.vocabulary import POLL, PUSH

SPEC_VERSION: Final = "1_0"
OAUTH: Final = "urn:ietf:rfc:6749"
"""How a receiver shows who it is: a bearer token (RFC 6750), which our operator gives it."""


class Transmitter:
    """Delivers what the log announces. `begin` on the loop, once; everything else from its thread.

    `issuer` is our URL, empty where only plain webhooks and findings are sent. `entitled` says
    whether an owner (of a token) may still have its streams served.
    """

    def __init__(
        self,
        past: Past,
        streams: Streams,
        *,
        head: Callable[[], int],
        issuer: str,
        keys: SigningKeys | None,
        tally: Tally,
        warn: Callable[..., None],
        version: str,
        hosts: Collection[str] = (),
        ca_file: str = "",
        entitled: Callable[[str], bool] = lambda _owner: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer, self.keys = issuer, keys
        self._past, self._streams, self._head = past, streams, head
        self._tally, self._warn, self._entitled, self._clock = tally, warn, entitled, clock
        self._desk = Desk(past, streams, issuer=issuer, keys=keys, version=version)
        self._sender = Sender(hosts=hosts, ca_file=ca_file, clock=clock)
        self.receivers = Receivers(
            streams,
            self._desk,
            head=head,
            allow=self._sender.endpoint,
            changed=self._changed,
            refused=self._refused,
            clock=clock,
        )
        self._couriers: dict[str, Courier] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lagging: set[str] = set()
        self._seen = head()
        self._loop: asyncio.AbstractEventLoop | None = None

    def metadata(self) -> dict[str, Any]:
        """The transmitter configuration metadata (SSF 1.0, 7.1)."""
        url = self.issuer
        return {
            "spec_version": SPEC_VERSION,
            "issuer": url,
            "jwks_uri": f"{url}/ssf/jwks.json",
            "delivery_methods_supported": [PUSH, POLL],
            "configuration_endpoint": f"{url}/ssf/stream",
            "status_endpoint": f"{url}/ssf/status",
            "add_subject_endpoint": f"{url}/ssf/subjects:add",
            "remove_subject_endpoint": f"{url}/ssf/subjects:remove",
            "verification_endpoint": f"{url}/ssf/verify",
            "authorization_schemes": [{"spec_urn": OAUTH}],
            "default_subjects": "ALL",
        }

    # -- delivering --------------------------------------------------------------------------------

    def begin(self) -> None:
        """Serve every stream there is, and those that come."""
        self._loop = asyncio.get_running_loop()
        for stream in self._streams.all():
            self._serve(stream)
        self._spawn(self._repeat(LOOK_SECONDS, self._watch))
        self._spawn(self._repeat(MEASURE_SECONDS, self._measure))

    async def end(self) -> None:
        """Stop serving: what is on its way may be delivered again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()

    def close(self) -> None:
        """Close what is open. Idempotent."""
        self._streams.close()

    def _serve(self, stream: Stream) -> None:
        if stream.method != PUSH or stream.id in self._couriers or self._loop is None:
            return
        courier = Courier(
            stream.id,
            self._streams,
            self._desk,
            self._sender,
            self._tally,
            entitled=self._may,
            warn=self._warn,
            clock=self._clock,
        )
        self._couriers[stream.id] = courier
        task = self._spawn(courier.run())
        task.add_done_callback(lambda _done: self._couriers.pop(stream.id, None))

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _may(self, stream: Stream) -> bool:
        return stream.owner == CONFIGURED or self._entitled(stream.owner)

    def _changed(self, name: str) -> None:
        """A stream is new, or another than it was, or gone. From any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._attend, name)

    def _attend(self, name: str) -> None:
        stream, courier = self._streams.get(name), self._couriers.get(name)
        if courier is not None:
            courier.changed.set()
            courier.news.set()
        elif stream is not None:
            self._serve(stream)

    def _refused(self, stream: Stream, jti: str, reason: str) -> None:
        self._tally.undelivered(stream.label, "refused")
        self._warn("signals: a receiver refused what it polled", stream=stream.label, delivery=jti, reason=reason)

    # -- watching ----------------------------------------------------------------------------------

    async def _repeat(self, seconds: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await look()
            except Exception as error:  # noqa: BLE001 - a look that fails is looked again
                self._warn("signals: cannot look at the log just now", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(seconds)

    async def _watch(self) -> None:
        """Wake the couriers when the log has grown: for announcements when there are any, for findings always."""
        head = self._head()
        if head == self._seen:
            return
        announced = bool(await asyncio.to_thread(self._past.announced, self._seen, most=1))
        self._seen = head
        for name, courier in list(self._couriers.items()):
            stream = self._streams.get(name)
            if announced or (stream is not None and stream.form == "ocsf"):
                courier.news.set()

    async def _measure(self) -> None:
        """Say how far behind each stream is, and when one has come to lag."""
        await asyncio.to_thread(self._measured)

    def _measured(self) -> None:
        behind: dict[str, tuple[int, float]] = {}
        for stream in self._streams.all():
            depth, age = self._behind(stream)
            known, oldest = behind.get(stream.label, (0, 0.0))
            behind[stream.label] = (known + depth, max(oldest, age))
            if depth < LAGGING:
                self._lagging.discard(stream.id)
            elif stream.id not in self._lagging:
                self._lagging.add(stream.id)
                self._tally.lagged(stream.label)
                self._warn("signals: a receiver lags; nothing is dropped", stream=stream.label, behind=depth)
        for label, (depth, age) in behind.items():
            self._tally.behind(label, depth, age)

    def _behind(self, stream: Stream) -> tuple[int, float]:
        if stream.status == "disabled":
            return 0, 0.0
        depth, stamp = self._past.announced_after(self._streams.cursor(stream.id))
        return depth, 0.0 if stamp is None else max(self._clock() - stamp, 0.0)
