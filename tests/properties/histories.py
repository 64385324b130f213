"""Random histories: what brokers, issuers, thieves and strangers might send in any order, as hypothesis draws it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final, get_args

import msgspec
from hypothesis import strategies as st

from detector.engine import ConflictingRequest
from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.tasks import Settlement
from detector.events import Change, Source
from detector.policies import read
from detector.rules import Selector
from tests.engine.world import World

Step = Callable[[World], object]

REQUESTERS: Final = ("spiffe://prod/app/a", "spiffe://prod/app/b", "arn:aws:sts::1:assumed-role/deploy/run-1")
ISSUERS: Final = ("vault", "sts")
RESOURCES: Final = ("kv/a", "kv/b", "aws/creds/prod-admin")
CREDENTIALS: Final = ("c1", "c2", "c3", "c4", None)
IDS: Final = tuple(f"e{number}" for number in range(12))

requests: Final = st.fixed_dictionaries(
    {
        "requester": st.sampled_from(REQUESTERS),
        "issuer": st.sampled_from(ISSUERS),
        "resource": st.sampled_from(RESOURCES),
        "privilege": st.sampled_from(("read", "admin", None)),
        "source": st.sampled_from((Source(ip="10.0.0.1"), Source(ip="185.220.101.47"), Source())),
        "ttl_seconds": st.sampled_from((60.0, 900.0, 86_400.0, None)),
    },
    optional={
        "id": st.sampled_from(IDS),
        "task": st.sampled_from(("t1", "t2")),
        "break_glass": st.booleans(),
        "renewal_of": st.sampled_from(CREDENTIALS),
        "consumer": st.sampled_from(REQUESTERS),
        "attributes": st.sampled_from(({"shared_event": "s1"}, {"policies": ["p"]}, {"n": [1, 2.5, None]})),
    },
)
trust: Final = st.sampled_from((True, True, True, False))


def _asks(fields: dict[str, Any], *, trusted: bool) -> Step:
    def step(world: World) -> object:
        with contextlib.suppress(ConflictingRequest):
            return world.ask(trusted=trusted, **fields)

    return step


def _mints(fields: dict[str, Any], credential: str | None, outcome: str, *, named: bool, trusted: bool) -> Step:
    def step(world: World) -> object:
        decisions = list(world.state.memory.decisions.young)
        decision = decisions[-1] if named and decisions else None
        event = world.issuance(credential=credential, outcome=outcome, decision=decision, **fields)
        return world.engine.observe(event, trusted=trusted)

    return step


def _uses(credential: str | None, fields: dict[str, Any], *, trusted: bool) -> Step:
    return lambda world: world.engine.observe(world.usage(credential, **fields), trusted=trusted)


def _changes(change: str, subject: str, *, trusted: bool) -> Step:
    return lambda world: world.happens(change, subject, trusted=trusted)


def _outcome(word: str, which: int) -> Step:
    def step(world: World) -> object:
        decisions = list(world.state.memory.decisions.young)
        if decisions:
            return world.engine.record_outcome(decisions[which % len(decisions)], word, by="anna")  # type: ignore[arg-type]
        return None

    return step


def _rule(fields: dict[str, Any], mode: str, seconds: float) -> Step:
    def step(world: World) -> object:
        selector = Selector(requester=fields["requester"], resource=fields["resource"])
        return world.engine.propose_rule(
            selector,
            by="anna",
            reason="x",
            lifetime_seconds=seconds,
            goal=mode,
            override="x" if mode == "enforced" else "",
        )  # type: ignore[arg-type]

    return step


def _switch(word: str, which: int) -> Step:
    def step(world: World) -> object:
        rules = world.engine.rules()
        if not rules:
            return None
        with contextlib.suppress(ValueError):  # it has ended
            return getattr(world.engine, f"{word}_rule")(rules[which % len(rules)].id, by="anna")

    return step


def _policy(fields: dict[str, Any], verdict: str, days: int) -> Step:
    """The next document, agreeing on a request like this one, and limiting what is critical."""

    def step(world: World) -> object:
        document = read(
            {
                "version": world.state.memory.documents.version + 1,
                "intents": {
                    "agreed": {
                        "requester": fields["requester"],
                        "resource": f"{fields['resource'][:3]}*",
                        "privilege": "admin",
                        "max_ttl_seconds": 86_400,
                        "authorised_by": "ana",
                        "expires": "2026-06-01T00:00:00Z",
                        "reauthorise_days": days,
                    }
                },
                "limits": {"short": {"sensitivity": ["critical"], "max_ttl_seconds": 900, "verdict": verdict}},
            }
        )
        return world.engine.apply_policy(document, by="ana", because="x", override="a test")

    return step


def _answered_for(world: World) -> object:
    with contextlib.suppress(KeyError):  # no document has it
        return world.engine.reauthorise("agreed", by="ana", because="x")
    return None


def _access(status: Settlement, seconds: float, *, again: bool) -> Step:
    """Somebody's answer to the latest step-up is asked for and given, and brought back with the same request."""

    def step(world: World) -> object:
        found = [one for one in world.state.memory.decisions.young.values() if one.answer == "step_up"]
        if not found:
            return None
        asked, now, number = found[-1], world.clock.now, world.number()
        task, approval = f"t{number}", f"a{number}"
        world.engine.request_access(
            AccessRequested(
                task=task,
                decision=asked.decision,
                requester=asked.requester,
                issuer=asked.request.issuer,
                resource=asked.request.resource,
                scope=world.engine.scope(asked.request),
                evidence=asked.weighed.evidence,
                methods=("human",),
                by="vault",
                expires=now + seconds,
                limits=asked.weighed.limits,
                ttl_seconds=asked.request.ttl_seconds,
            )
        )
        with contextlib.suppress(ValueError):  # nothing was approved that could be taken back
            world.engine.settle_access(
                AccessSettled(
                    task=task, status=status, by="ana", approval=approval, until=now + seconds, uses=1, margin=99
                )
            )
        if not again:
            return None
        fields = {"id": f"r{number}", "approval": approval}
        return world.engine.ask(msgspec.structs.replace(asked.request, **fields), trusted=True)

    return step


def _wait(seconds: float) -> Step:
    return lambda world: world.wait(seconds)


mints: Final = st.builds(
    _mints,
    requests,
    st.sampled_from(CREDENTIALS),
    st.sampled_from(("granted", "granted", "refused")),
    named=st.booleans(),
    trusted=trust,
)
uses: Final = st.builds(
    _uses,
    st.sampled_from(CREDENTIALS),
    st.fixed_dictionaries(
        {"action": st.sampled_from(("s3:GetObject", "iam:AttachRolePolicy"))},
        optional={
            "id": st.sampled_from(IDS),
            "outcome": st.sampled_from(("success", "denied", "error")),
            "requester": st.sampled_from(REQUESTERS),
            "source": st.sampled_from((Source(ip="10.0.0.1"), Source(ip="8.8.8.8"))),
        },
    ),
    trusted=trust,
)
changes: Final = st.builds(
    _changes,
    st.sampled_from(get_args(Change)),
    st.sampled_from(("t1", "c1", "kv/a", REQUESTERS[0], "p")),
    trusted=trust,
)
steps: Final = st.one_of(
    st.builds(_asks, requests, trusted=trust),
    mints,
    mints,
    uses,
    uses,
    changes,
    st.builds(_outcome, st.sampled_from(("approved", "refused", "legitimate", "malicious")), st.integers(0, 9)),
    st.builds(_rule, requests, st.sampled_from(("shadow", "enforced")), st.sampled_from((60.0, 86_400.0))),
    st.builds(_policy, requests, st.sampled_from(("deny", "step_up")), st.integers(1, 9)),
    st.just(_answered_for),
    st.builds(
        _access,
        st.sampled_from(("approved", "approved", "denied", "cancelled", "revoked")),
        st.sampled_from((60.0, 5_000.0)),
        again=st.booleans(),
    ),
    st.builds(_switch, st.sampled_from(("enforce", "shadow", "withdraw")), st.integers(0, 9)),
    st.sampled_from((1.0, 100.0, 200.0, 4_000.0, 90_000.0, 700_000.0, -50.0)).map(_wait),
)
histories: Final = st.lists(steps, min_size=1, max_size=60)
