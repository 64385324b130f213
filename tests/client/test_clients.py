"""Both clients against an honest sidecar: what they send, what they make of it, and how they are."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import Any

import pytest

from detector.client import AsyncClient, Client, Event, GrantRequest, Refused, Tripping, Unavailable
from detector.client.conversation import FIRST_SECONDS
from detector.client.watching import FULL_SECONDS
from tests.client import sidecars
from tests.client.conftest import Make, Skipping
from tests.client.sidecars import REQUEST, RULE, STREAM, Asked, Sidecar, says, telling, verdict

AMPLE = 20.0
BATCH = "/v1/score/batch"


def test_an_answer_is_what_the_sidecar_said(broker: Make, beside: Sidecar) -> None:
    """Every field of it, typed; what a newer sidecar adds does no harm."""
    reasons = [{"code": "network", "because": "new", "nats": 5.1, "expected": "10.0.0.0/24", "observed": "185…"}]
    more = {
        "verdict": "step_up",
        "risk": 0.62,
        "evidence": 7.4,
        "reasons": reasons,
        "deny_rule": {"id": "r-9", "stage": "shadow", "denied": False, "rule": "/v1/deny-rules/r-9"},
        "step_up": {"outcome": "/v1/decisions/d-1/outcome", "more": 1},
        "advice": {"max_ttl_seconds": 300},
        "phase_of_moon": "full",
    }
    beside.scores = says(lambda asked: verdict(asked, **more))
    answer = broker(beside.url, timeout=AMPLE).ask(GrantRequest(issuer="i", requester="r", resource="x", id="a"))
    assert (answer.verdict, answer.source, answer.allowed, answer.recorded) == ("step_up", "sidecar", False, True)
    assert (answer.request, answer.decision_id, answer.mode) == ("a", "d-a", "enforce")
    assert (answer.risk, answer.evidence) == (0.62, 7.4)
    assert [(reason.code, reason.nats) for reason in answer.reasons] == [("network", 5.1)]
    assert (answer.deny_rule.id, answer.deny_rule.stage, answer.deny_rule.denied) == ("r-9", "shadow", False)
    assert answer.step_up["outcome"] == "/v1/decisions/d-1/outcome"
    assert answer.advice == {"max_ttl_seconds": 300}
    assert (answer.why, answer.failure) == ("", None)


def test_an_answer_of_the_contracts_fields_alone_is_one(broker: Make, beside: Sidecar) -> None:
    """What nobody said is not made up: not recorded, no rule, nothing to do."""
    named = ("decision_id", "verdict", "risk", "evidence", "reasons", "mode")
    beside.scores = says(lambda asked: {name: verdict(asked)[name] for name in named})
    answer = broker(beside.url, timeout=AMPLE).ask(REQUEST)
    assert (answer.source, answer.verdict, answer.recorded, answer.deny_rule) == ("sidecar", "allow", False, None)


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_a_request_that_the_sidecar_refuses_is_no_failure_of_its(broker: Make, beside: Sidecar, status: int) -> None:
    """It raises, naming the field, also on an open issuer: what is malformed must not get past. No breaker opens."""
    problem = {"status": status, "title": "No", "detail": "x", "errors": [{"field": "requester", "reason": "too odd"}]}
    beside.scores = says(problem, status)
    client = broker(beside.url, timeout=AMPLE, breaker=Tripping(consecutive=1))
    for _ in range(3):
        with pytest.raises(Refused, match="requester: too odd") as refused:
            client.ask(REQUEST)
        assert (refused.value.status, refused.value.errors) == (status, (("requester", "too odd"),))
    assert client.health().breaker == "closed"
    assert len(beside.asks()) == 3


def answers_each(asked: Asked) -> list[Any]:
    """What a sidecar gives to a batch: one is odd, one is no good."""
    members: list[Any] = []
    for member in asked.json():
        plain = {"risk": 0.0, "evidence": 0.0, "reasons": [], "mode": "enforce", "recorded": True}
        members.append({**plain, "decision_id": f"d-{member['id']}", "request": member["id"], "verdict": "allow"})
    members[1] = {"problem": {"status": 422, "detail": "no", "errors": [{"field": "task", "reason": "odd"}]}}
    return members


def test_a_batch_is_answered_in_its_order(broker: Make, beside: Sidecar) -> None:
    """A member that is no good has its refusal in its place; the others their answers."""
    beside.scores = says(answers_each)
    first, second, third = broker(beside.url, timeout=AMPLE).ask_batch({**REQUEST, "id": name} for name in "abc")
    assert (first.decision_id, third.decision_id) == ("d-a", "d-c")
    assert isinstance(second, Refused)
    assert second.errors == (("task", "odd"),)


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        (lambda asked: answers_each(asked)[:2], "lying"),
        (lambda asked: list(reversed(answers_each(asked))), "lying"),
        (lambda _: {}, "lying"),
        (lambda _: b"x" * 5_000_000, "too_large"),
    ],
)
def test_a_batch_that_cannot_be_true_falls_back_member_by_member(
    broker: Make, beside: Sidecar, how: Any, kind: str
) -> None:
    """Too few answers, in another order, none, or far too much: each member by the deny list, then its own issuer."""
    beside.scores, beside.lists = says(how), says(telling(RULE))
    client = broker(beside.url, timeout=AMPLE, on_failure={"sts:*": "closed"})
    assert client.refresh()
    elsewhere = {**REQUEST, "source": {}}
    answers = client.ask_batch([REQUEST, elsewhere, {**elsewhere, "issuer": "sts:1"}])
    assert [answer.source for answer in answers] == ["deny_list", "fail_open", "fail_closed"]
    assert {answer.failure for answer in answers} == {kind}
    assert client.health().failures[kind] == 1


def test_an_outcome_is_told(broker: Make, beside: Sidecar) -> None:
    """Where the decision's answer said; whether it is durable comes back."""
    client = broker(beside.url)
    assert client.tell_outcome("d-1/2", "approved", by="anna") is True
    (told,) = beside.asks("/v1/decisions/d-1%2F2/outcome")
    assert (told.method, told.path, told.json()) == (
        "POST",
        "/v1/decisions/d-1%2F2/outcome",
        {"outcome": "approved", "by": "anna"},
    )
    beside.tells = says({"recorded": False})
    assert client.tell_outcome("d-1", "refused", by="anna") is False


def test_an_outcome_that_is_not_taken_says_why(broker: Make, beside: Sidecar) -> None:
    """Refused for good, or not heard: then telling it again is right."""
    client = broker(beside.url, bulk_timeout=0.5)
    beside.tells = says({"status": 404, "detail": "no decision 'd-1'"}, 404)
    with pytest.raises(Refused, match="no decision"):
        client.tell_outcome("d-1", "approved", by="anna")
    for behaviour, kind in ((sidecars.resets, "unreachable"), (says({}), "lying"), (sidecars.silent, "slow")):
        beside.tells = behaviour
        with pytest.raises(Unavailable) as raised:
            client.tell_outcome("d-1", "approved", by="anna")
        assert raised.value.failure.kind == kind


def test_events_are_sent_as_lines(broker: Make, beside: Sidecar) -> None:
    """In the order they were given; what could not be read comes back with its place."""
    beside.tells = says({"accepted": 1, "rejected": [{"line": 2, "reason": "time: is missing"}], "rejected_total": 1})
    events = [{"kind": "usage", "id": "u1"}, {"kind": "usage", "id": "u2"}]
    sent = broker(beside.url).send_events(iter(events), dialect="auto")
    assert (sent.accepted, sent.rejected_total, sent.rejected[0].line) == (1, 1, 2)
    (told,) = beside.asks("/v1/events")
    assert told.path == "/v1/events?dialect=auto"
    assert told.headers["content-type"] == "application/x-ndjson"
    assert told.body == b'{"kind":"usage","id":"u1"}\n{"kind":"usage","id":"u2"}'


def test_a_busy_sidecar_gets_events_again(broker: Make, beside: Sidecar) -> None:
    """After the time it asked for: duplicates count once."""
    calls: list[int] = []

    def busy_once(connection: Any, asked: Asked) -> None:
        calls.append(1)
        busy = says({}, 503, Retry_After="0")
        (busy if len(calls) == 1 else says({"accepted": 1}))(connection, asked)

    beside.tells = busy_once
    assert broker(beside.url).send_events([{"kind": "usage"}]).accepted == 1
    assert len(calls) == 2


def test_the_deny_list_is_asked_for_from_where_it_was_told(broker: Make, beside: Sidecar) -> None:
    """Everything at first and every ten minutes, and after what could not be read; else what changed."""
    clocks = Skipping()
    client = broker(beside.url, clocks=clocks.clocks)
    assert client.refresh()
    assert client.refresh()  # with the first look of its own it has been told three times now
    clocks.skip(FULL_SECONDS)
    before, wanted = len(beside.asks(STREAM)), []
    for said, told, since, skip in (
        (telling(RULE), True, 0, 0.0),
        (telling(full=False, position=9), True, 7, 0.0),
        (b"raving", False, 9, 0.0),
        (telling(RULE, position=10), True, 0, 0.0),
        (telling(full=False, position=11), True, 10, FULL_SECONDS),
        (telling(RULE, position=12), True, 0, 0.0),
    ):
        beside.lists = says(said)
        assert client.refresh() is told
        wanted.append(f"{STREAM}?since={since}")
        assert client.health().deny_list.rules == 1
        clocks.skip(skip)
    assert [asked.path for asked in beside.asks(STREAM)[before:]] == wanted


def test_a_sidecar_that_does_not_tell_its_list_is_trouble_that_shows(broker: Make, beside: Sidecar) -> None:
    """An age that grows, why, and what was known holds on; asks are not concerned."""
    clocks = Skipping()
    happened: list[Event] = []
    beside.lists = says(telling(RULE))
    client = broker(
        beside.url,
        clocks=clocks.clocks,
        timeout=AMPLE,
        on_event=happened.append,
    )
    assert client.refresh()
    assert not client.health().deny_list.stale
    beside.lists = says({"status": 401, "detail": "a bearer token"}, 401)
    clocks.skip(100.0)
    assert not client.refresh()
    listed = client.health().deny_list
    assert 100 <= listed.age < 200
    assert listed.stale
    assert "a bearer token" in listed.trouble
    assert Event("deny_list", "untold") in happened
    assert client.ask(REQUEST).source == "sidecar"
    beside.scores = says({}, 500)
    assert client.ask(REQUEST).source == "deny_list"


def until(true: Any) -> None:
    """Wait for it."""
    ends = time.monotonic() + 30.0
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_the_deny_list_is_followed_by_itself(beside: Sidecar) -> None:
    """In the background, every so often: entering waits for the first look, and later ones need nobody."""
    beside.lists = says(telling(RULE))
    with Client(beside.url, default="open", refresh_seconds=0.02, timeout=AMPLE) as client:
        assert client.health().deny_list.rules == 1
        beside.lists = says(telling())
        until(lambda: client.health().deny_list.rules == 0)

    async def broker() -> int:
        beside.lists = says(telling(RULE))
        async with AsyncClient(beside.url, default="open", refresh_seconds=0.02) as client:
            first = client.health().deny_list.rules
            beside.lists = says(telling())
            await asyncio.to_thread(until, lambda: client.health().deny_list.rules == 0)
            return first

    assert asyncio.run(broker()) == 1


def test_a_sidecar_that_hangs_does_not_hold_its_broker_up(beside: Sidecar) -> None:
    """Entering waits a moment for the deny list, and goes on without."""
    beside.lists = sidecars.silent
    began = time.monotonic()
    with Client(beside.url, default="open", timeout=AMPLE) as client:
        assert FIRST_SECONDS <= time.monotonic() - began < FIRST_SECONDS + AMPLE
        assert client.ask(REQUEST).source == "sidecar"
        assert client.health().deny_list.age is None


def test_a_hook_that_fails_stops_nothing(broker: Make, beside: Sidecar) -> None:
    """A broker's metrics may be broken; it is counted."""

    def broken(_event: Event) -> None:
        raise RuntimeError("no metrics today")

    client = broker(beside.url, on_event=broken, timeout=AMPLE)
    assert client.ask(REQUEST).source == "sidecar"
    assert client.health().deaf_hooks >= 1


def test_what_happens_is_told_in_a_few_words(broker: Make, beside: Sidecar) -> None:
    """Answers by source and failures by kind, as in the health: words, never names."""
    happened: list[Event] = []
    client = broker(beside.url, on_event=happened.append, timeout=AMPLE)
    client.ask(REQUEST)
    beside.scores = says({}, 500)
    client.ask(REQUEST)
    asks = [event for event in happened if event.happening in {"answered", "failed"}]
    assert asks == [Event("answered", "sidecar"), Event("failed", "broken"), Event("answered", "fail_open")]
    health = client.health()
    assert (health.answers["sidecar"], health.answers["fail_open"], health.failures["broken"]) == (1, 1, 1)


def test_a_closed_client_says_so(beside: Sidecar) -> None:
    """That is no state of a sidecar's, so it raises; closing twice does nothing."""
    client = Client(beside.url, default="open", timeout=AMPLE)
    assert client.ask(REQUEST).source == "sidecar"
    client.close()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.ask(REQUEST)
    assert not [thread for thread in threading.enumerate() if thread.name == "assayer client"]


def test_an_awaited_client_belongs_to_one_loop(beside: Sidecar) -> None:
    """Its connections do, so on another it says so."""
    client = AsyncClient(beside.url, default="open", timeout=AMPLE)
    with asyncio.Runner() as one, asyncio.Runner() as other:
        assert one.run(client.ask(REQUEST)).source == "sidecar"
        with pytest.raises(RuntimeError, match="loop"):
            other.run(client.ask(REQUEST))
        one.run(client.close())
        with pytest.raises(RuntimeError, match="closed"):
            one.run(client.ask(REQUEST))


def test_a_forked_broker_goes_on(beside: Sidecar) -> None:
    """A server that loads itself and then forks: parent and child each have connections of their own."""
    with Client(beside.url, default="closed", timeout=AMPLE) as client:
        assert client.ask({**REQUEST, "id": "before"}).decision_id == "d-before"
        child = os.fork()
        if child == 0:  # pragma: no cover - in the child
            signal.alarm(60)
            told = client.ask({**REQUEST, "id": "child"}).decision_id
            os._exit(0 if told == "d-child" else 1)
        assert client.ask({**REQUEST, "id": "parent"}).decision_id == "d-parent"
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert client.ask({**REQUEST, "id": "after"}).decision_id == "d-after"
