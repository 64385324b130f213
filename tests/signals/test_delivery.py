"""Delivery to real receivers: in order, again after a failure, never lost, and nobody waits for another."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.signals import couriers, transmitter
from detector.signals.keys import SigningKeys
from detector.signals.receivers import NewStatus, Verify
from detector.signals.streams import Stream, Streams, Verification
from detector.signals.transmitter import Transmitter
from tests.signals.conftest import ISSUER, Counted, Inbox, Log, decoded, revoked, risen, run, stream, until
from tests.signals.test_findings import decided

Answer = tuple[int, dict[str, str], bytes]


class Office:
    """A transmitter over a log in a list, its streams and what it counted."""

    def __init__(self, directory: Path, log: Log, keys: SigningKeys, **more: Any) -> None:
        self.streams, self.tally, self.warned = Streams(directory), Counted(), []  # type: ignore[var-annotated]
        self.transmitter = Transmitter(
            log,
            self.streams,
            head=log.head,
            issuer=ISSUER,
            keys=keys,
            tally=self.tally,
            warn=lambda what, /, **more: self.warned.append((what, more)),
            version="0.1",
            **more,
        )

    def open(self, *wanted: Stream) -> Office:
        """With these streams, from the log's beginning."""
        for one in wanted:
            self.streams.add(one, cursor=0)
        return self

    async def serve(self, enough: Callable[[], object]) -> None:
        """Deliver until something holds, then stop as a process does that is told to."""
        self.transmitter.begin()
        try:
            await until(enough)
        finally:
            await self.transmitter.end()
            self.transmitter.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers are asked again at once: no test waits for a pause."""
    monkeypatch.setattr(couriers, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(couriers, "LONGEST_PAUSE", 0.02)


@pytest.fixture
def office(tmp_path: Path, log: Log, keys: SigningKeys) -> Office:
    """An office with no streams yet."""
    return Office(tmp_path, log, keys)


def order(inbox: Inbox, keys: SigningKeys) -> list[str]:
    """The credentials that a receiver got tokens of, in order."""
    return [decoded(got.body, keys)["sub_id"]["session"]["id"] for got in inbox.got]


def test_everything_comes_in_the_order_of_the_log(office: Office, log: Log, inbox: Inbox, keys: SigningKeys) -> None:
    """What was there before, and what comes while it runs."""
    for number in range(30):
        log.append(revoked(number))

    async def work() -> None:
        served = asyncio.create_task(office.serve(lambda: len(inbox.got) == 60))
        await until(lambda: len(inbox.got) == 30)
        for number in range(30, 60):
            log.append(revoked(number))
        await served

    office.open(stream(endpoint=inbox.url))
    run(work())
    assert order(inbox, keys) == [f"c{number}" for number in range(60)]
    assert office.tally.heard == [("delivered", "siem")] * 60


def test_a_failing_receiver_gets_everything_once_it_works_again(
    office: Office, log: Log, inbox: Inbox, keys: SigningKeys
) -> None:
    """Nothing is skipped meanwhile, and what is sent again is the same token."""
    failures = iter([500, 503, 404, 401, 429, 500])
    inbox.answers = lambda _got: (next(failures, 202), {}, b"")
    for number in range(5):
        log.append(revoked(number))
    run(office.open(stream(endpoint=inbox.url)).serve(lambda: len(inbox.got) == 11))
    assert order(inbox, keys) == ["c0"] * 7 + ["c1", "c2", "c3", "c4"]
    assert len({got.body for got in inbox.got[:7]}) == 1
    assert office.tally.heard.count(("status_5xx", "siem")) == 3
    said = [more["attempts"] for what, more in office.warned if "trying again" in what]
    assert said == [1, 2, 4]


def test_a_dead_receiver_holds_up_nobody_else(office: Office, log: Log, inbox: Inbox) -> None:
    """Each stream has a courier of its own."""
    dead = Inbox().start()
    dead.stop()
    slow = Inbox(answers=lambda _got: (time.sleep(0.5), (202, {}, b""))[1]).start()
    for number in range(20):
        log.append(revoked(number))
    office.open(stream("dead", endpoint=dead.url), stream("slow", endpoint=slow.url), stream(endpoint=inbox.url))
    began = time.monotonic()
    run(office.serve(lambda: len(inbox.got) == 20))
    assert time.monotonic() - began < 5.0
    assert len(slow.got) < 20
    slow.stop()


def test_a_dead_receiver_that_comes_back_is_told_all(office: Office, log: Log, keys: SigningKeys) -> None:
    """In order, from where it left off."""
    flaky = Inbox().start()
    for number in range(3):
        log.append(revoked(number))

    async def work() -> None:
        served = asyncio.create_task(office.serve(lambda: len(flaky.got) == 8))
        await until(lambda: len(flaky.got) == 3)
        await asyncio.to_thread(flaky.stop)
        for number in range(3, 8):
            log.append(revoked(number))
        await until(lambda: ("connection", "siem") in office.tally.heard)
        flaky.start()
        await served

    run(office.open(stream(endpoint=flaky.url)) and work())
    flaky.stop()
    assert order(flaky, keys) == [f"c{number}" for number in range(8)]


def test_a_refused_token_is_counted_and_the_next_one_comes(
    office: Office, log: Log, inbox: Inbox, keys: SigningKeys
) -> None:
    """One poisonous message must not stop a stream for ever; where it stands in the log is said."""
    refusing = (400, {"Content-Type": "application/json"}, b'{"err":"invalid_request","description":"no"}')
    taking: Answer = (202, {}, b"")
    inbox.answers = lambda got: refusing if got.body != b"" and len(inbox.got) == 2 else taking
    for number in range(4):
        log.append(revoked(number))
    run(office.open(stream(endpoint=inbox.url)).serve(lambda: len(inbox.got) == 4))
    assert order(inbox, keys) == ["c0", "c1", "c2", "c3"]
    assert ("refused", "siem") in office.tally.heard
    (said,) = [more for what, more in office.warned if "refused" in what]
    assert (said["position"], said["reason"]) == (2, "invalid_request: no")


def test_a_restart_goes_on_where_it_was(tmp_path: Path, log: Log, inbox: Inbox, keys: SigningKeys) -> None:
    """The cursor is on the disk: nothing is sent twice after a stop in good order, and nothing is left out."""
    for number in range(10):
        log.append(revoked(number))
    first = Office(tmp_path, log, keys).open(stream(endpoint=inbox.url))
    run(first.serve(lambda: first.streams.cursor("siem") == 10))
    for number in range(10, 15):
        log.append(revoked(number))
    again = Office(tmp_path, log, keys)
    assert again.streams.cursor("siem") == 10
    run(again.serve(lambda: len(inbox.got) == 15))
    assert order(inbox, keys) == [f"c{number}" for number in range(15)]


def test_only_what_a_stream_wants_is_sent(office: Office, log: Log, inbox: Inbox, keys: SigningKeys) -> None:
    """Events it did not ask for, and subjects it removed, are passed over; metrics do not wait for them."""
    other = Inbox().start()
    wanted = ("https://schemas.openid.net/secevent/caep/event-type/session-revoked", "urn:unknown")
    office.open(stream(endpoint=inbox.url, requested=wanted), stream("all", endpoint=other.url))
    office.streams.remove_subject(
        "all", {"format": "complex", "user": {"format": "iss_sub", "iss": ISSUER, "sub": "quiet"}}
    )
    for number in range(4):
        log.append(revoked(number, kind="credential_change"))
        log.append(revoked(number, requester="quiet" if number == 2 else "loud"))
    log.append(risen())
    run(office.serve(lambda: len(inbox.got) == 4 and len(other.got) == 8 and office.streams.cursor("siem") == 9))
    other.stop()
    assert order(inbox, keys) == ["c0", "c1", "c2", "c3"]


def test_a_paused_stream_holds_and_a_disabled_one_drops(office: Office, log: Log, inbox: Inbox) -> None:
    """As a receiver, or its operator, wants it.

    SSF 1.0, 8.1.2.1: paused, the transmitter "SHOULD hold any events it would have transmitted while paused"; disabled,
    it "will not hold any events for later transmission".
    """
    receivers = office.transmitter.receivers
    office.open(stream(endpoint=inbox.url))

    async def work() -> None:
        served = asyncio.create_task(office.serve(lambda: len(inbox.got) == 3))
        for status, number in (("paused", 0), ("enabled", 1), ("disabled", 2), ("enabled", 3)):
            current = office.streams.get("siem")
            assert current is not None
            receivers.set_status(current, _status(status))
            await asyncio.sleep(0.05)
            log.append(revoked(number))
            await asyncio.sleep(0.4)
        await served

    run(work())
    assert [b'"c2"' in got.body for got in inbox.got] == [False] * 3
    assert len(inbox.got) == 3


def _status(status: str) -> Any:
    return NewStatus(stream_id="siem", status=status)  # type: ignore[arg-type]


def test_a_verification_event_is_pushed_when_it_may_be(office: Office, inbox: Inbox, keys: SigningKeys) -> None:
    """At once, with its state, though nothing was announced; while the stream is paused it waits (SSF 1.0, 8.1.2.1)."""
    receivers = office.transmitter.receivers
    office.open(stream(endpoint=inbox.url))

    async def work() -> None:
        served = asyncio.create_task(office.serve(lambda: not office.streams.verifications("siem")))
        for status in ("paused", "enabled"):
            current = office.streams.get("siem")
            assert current is not None
            receivers.set_status(current, _status(status))
            if status == "paused":
                receivers.verify(current, Verify(stream_id="siem", state="s1"))
                await asyncio.sleep(0.4)
                assert inbox.got == []
        await served

    office.streams.verify("siem", Verification("v-1", "s0", time.time()))
    office.streams.replace(msgspec.structs.replace(office.streams.all()[0], status="paused"))
    run(work())
    claims = [decoded(got.body, keys) for got in inbox.got]
    uri = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    assert [one["events"][uri]["state"] for one in claims] == ["s0", "s1"]
    assert {one["sub_id"]["id"] for one in claims} == {"siem"}


def test_whose_token_was_revoked_gets_nothing_more(tmp_path: Path, log: Log, keys: SigningKeys, inbox: Inbox) -> None:
    """A stream lives as long as its owner's right to it."""
    entitled = {"token a"}
    office = Office(tmp_path, log, keys, entitled=entitled.__contains__, hosts=("127.0.0.1",))
    office.open(stream("mine", owner="token a", endpoint=inbox.url))

    async def work() -> None:
        log.append(revoked(0))
        served = asyncio.create_task(office.serve(lambda: log.head() == 3))
        await until(lambda: len(inbox.got) == 1)
        entitled.clear()
        log.append(revoked(1))
        await asyncio.sleep(0.6)
        log.append(revoked(2))
        await served

    run(work())
    assert len(inbox.got) == 1


def test_a_lagging_receiver_is_said_to_lag_and_nothing_is_dropped(
    office: Office, log: Log, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, when it begins to; how far behind it is and for how long stands in the metrics."""
    monkeypatch.setattr(transmitter, "LAGGING", 10)
    monkeypatch.setattr(transmitter, "MEASURE_SECONDS", 0.05)
    dead = Inbox().start()
    dead.stop()
    for number in range(25):
        log.append(revoked(number), stamp=time.time() - 100.0)
    office.open(stream(endpoint=dead.url))

    async def work() -> None:
        served = asyncio.create_task(office.serve(lambda: len(dead.got) == 25))
        await until(lambda: office.tally.backlog.get("siem", (0, 0.0))[0] == 25)
        assert 100.0 <= office.tally.backlog["siem"][1] < 160.0
        await asyncio.sleep(0.3)
        dead.start()
        await served

    run(work())
    dead.stop()
    assert order(dead, keys) == [f"c{number}" for number in range(25)]
    assert office.tally.heard.count(("lagged", "siem")) == 1


def test_a_disk_that_fails_costs_a_repetition_and_no_more(
    office: Office, log: Log, inbox: Inbox, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was delivered and could not be written down is delivered again, under the same id."""
    advance, fails = office.streams.advance, iter([True, True])

    def failing(name: str, position: int) -> None:
        if next(fails, False):
            raise sqlite3.OperationalError("database or disk is full")
        advance(name, position)

    monkeypatch.setattr(office.streams, "advance", failing)
    for number in range(3):
        log.append(revoked(number))
    run(office.open(stream(endpoint=inbox.url)).serve(lambda: office.streams.cursor("siem") == 3))
    assert order(inbox, keys) == ["c0", "c0", "c0", "c1", "c2"]
    assert len({got.body for got in inbox.got[:3]}) == 1


def test_findings_are_delivered_like_everything_else(office: Office, log: Log, inbox: Inbox) -> None:
    """A stream of findings goes through the log's flagged rows, whatever was announced of them."""
    for number in range(3):
        log.append(decided(f"d{number}"))
        log.append(decided(f"a{number}", verdict="allow"))
    log.append(revoked(1))
    office.open(stream(endpoint=inbox.url, form="ocsf"))
    run(office.serve(lambda: len(inbox.got) == 4))
    found = [json.loads(got.body)["finding_info"]["uid"] for got in inbox.got]
    assert found == ["d0", "d1", "d2", "u1"]
    assert inbox.got[0].headers["Content-Type"] == "application/json"
