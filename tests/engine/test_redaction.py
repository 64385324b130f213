"""Redaction: what must not be kept is hashed with a key before anything sees it; everything else goes on as before."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from detector.engine.recheck import Recheck
from detector.engine.redaction import DIGITS, GRADES, IDENTITY, MOMENTS, Redaction, checked
from detector.engine.state import State
from detector.events import GrantRequest, Issuance, Lifecycle, Source, Usage
from detector.features.identity import Identities
from detector.features.marks import REDACTED
from detector.wiring.settings import Settings
from tests.engine.world import HOME, HOUR, HOUSE, MONDAY, World

KEY = bytes(range(32))
FIELDS = (
    *("purpose", "task", "consumer", "on_behalf_of", "credential", "actor", "authentication.method"),
    *("source.ip", "source.user_agent", "source.workload", "attributes.ticket", "attributes.deep.inside", "note"),
)

SECRETS = {
    "purpose": "the merger with Acme",
    "task": "deploy-merger-71",
    "consumer": "ns/merger-team",
    "ticket": "MERGER-9",
    "agent": "merger-client/1.2",
    "workload": "merger-pod-3",
    "method": "merger-saml",
    "credential": "merger-credential",
}


def always(name: str) -> str:
    """A name as it is."""
    return name


def secretive(**more: Any) -> GrantRequest:
    """A request that says in every field what must not be kept."""
    plain: dict[str, Any] = {
        "id": "r1",
        "time": MONDAY,
        "issuer": "vault:prod/aws",
        "requester": "spiffe://prod/app/svc1",
        "resource": "aws/creds/app-write",
        "task": SECRETS["task"],
        "purpose": SECRETS["purpose"],
        "consumer": SECRETS["consumer"],
        "on_behalf_of": (SECRETS["consumer"], "somebody/merger"),
        "renewal_of": SECRETS["credential"],
        "authentication_method": SECRETS["method"],
        "source": Source(ip="10.10.4.61", user_agent=SECRETS["agent"], workload=SECRETS["workload"]),
        "attributes": {"ticket": SECRETS["ticket"], "deep": {"inside": ["merger", 4]}, "plain": "kept"},
        "unknown": {"note": {"about": "merger"}, "other": "kept"},
    }
    return GrantRequest(**(plain | more))


def test_nothing_that_is_named_is_left_in_clear() -> None:
    """Every event, whichever of its fields the value stands in: known, open, or unknown to that kind of event."""
    redaction = Redaction(FIELDS, KEY)
    grant = secretive()
    events = [
        grant,
        Issuance(grant=grant, credential=SECRETS["credential"]),
        Usage(
            id="u1",
            time=MONDAY,
            credential=SECRETS["credential"],
            consumer=SECRETS["consumer"],
            source=grant.source,
            unknown={"purpose": SECRETS["purpose"], "attributes": {"ticket": SECRETS["ticket"]}},
        ),
        Lifecycle(id="l1", time=MONDAY, change="revoked", subject=SECRETS["credential"], actor="merger-bot"),
        Lifecycle(id="l2", time=MONDAY, change="task_completed", subject=SECRETS["task"], unknown={"note": "merger"}),
    ]
    for event in events:
        kept = msgspec.json.encode(redaction(event, always)).decode().lower()
        assert "merger" not in kept
        assert "10.10.4.61" not in kept
        assert REDACTED in kept
    assert '"plain":"kept"' in msgspec.json.encode(redaction(grant, always)).decode()


def test_what_is_not_named_is_as_it_was() -> None:
    """Without fields an event is itself; with one, only that field is another."""
    grant = secretive()
    assert Redaction((), KEY)(grant, always) == grant
    redacted = Redaction(["purpose"], KEY)(grant, always)
    assert isinstance(redacted, GrantRequest)
    assert msgspec.structs.replace(redacted, purpose=grant.purpose) == grant


def test_an_address_keeps_its_network_and_what_is_none_keeps_nothing() -> None:
    """The network is what habit knows an address by; a word that stands for one is hashed and leaves no network."""
    redaction = Redaction(["source.ip"], KEY)

    def placed(source: Source) -> Source:
        found = redaction(secretive(source=source), always)
        assert isinstance(found, GrantRequest)
        return found.source

    assert placed(Source(ip="10.10.4.61")).network == "10.10.4.0/24"
    assert placed(Source(ip="2001:db8:1:2::9")).network == "2001:db8:1::/56"
    assert placed(Source(ip="10.10.4.61", network="corp")).network == "corp"
    assert placed(Source(ip="AWS Internal")).network is None
    assert placed(Source(ip="::ffff:10.10.4.61")).ip == placed(Source(ip="10.10.4.61")).ip


def test_an_id_made_of_the_content_is_hashed_too() -> None:
    """Whoever knows the rest of a record could try values until its hash fits; an id that was given stays."""
    redaction = Redaction(["purpose"], KEY)
    made = "0123456789abcdef0123456789abcdef"
    ids = [redaction(secretive(id=given), always).id for given in ("r1", made, f"{made}#2", made + "0")]
    assert ids[0] == "r1"
    assert made not in ids[1]
    assert ids[2] == ids[1] + "#2"
    assert ids[3] == made + "0"


def test_other_keys_give_other_marks_and_one_key_always_the_same() -> None:
    """Without the key nobody can tell whether a mark is of a value; with it, equal values stay equal."""
    one, again, other = Redaction(["purpose"], KEY), Redaction(["purpose"], KEY), Redaction(["purpose"], bytes(32))
    assert one.mark("x") == again.mark("x") != other.mark("x")
    assert len(one.mark("x")) == len(REDACTED) + DIGITS


def test_names_that_are_hashed_are_canonical_to_habit() -> None:
    """No identity rule folds two marks into one."""
    identities, dice = Identities(HOUSE.identity), random.Random(5)
    for _ in range(2_000):
        mark = REDACTED + f"{dice.getrandbits(4 * DIGITS):0{DIGITS}x}"
        assert identities.fold(mark) == mark


@pytest.mark.parametrize(
    "field", [*sorted(IDENTITY | MOMENTS | GRADES), "source", "attributes", "", "a..b", "purpose.x"]
)
def test_what_nothing_could_be_decided_without_cannot_be_redacted(field: str) -> None:
    """The configuration says so, and why."""
    with pytest.raises(ValueError, match=field.partition(".")[0] or "names no field"):
        checked(field)
    with pytest.raises(ValueError, match="redaction"):
        Settings(redaction={"fields": [field]})


def lived(redaction: Redaction | None) -> World:
    """A week of work, a theft, a use before its mint, a task's end, a renewal."""
    world = World(redaction=redaction)
    for day in range(3):
        for hour in range(24):
            number = f"{day}-{hour}"
            source = msgspec.structs.replace(HOME, user_agent=f"merger-client/1.{hour}", workload=f"merger-pod-{hour}")
            world.engine.observe(world.usage(f"merger-c{number}", source=source))
            world.engine.observe(
                world.issuance(
                    id=f"i{number}",
                    credential=f"merger-c{number}",
                    task=f"deploy-merger-{number}",
                    purpose=f"run merger {hour}",
                    consumer="ns/merger-team",
                    source=source,
                    renewal_of=f"merger-c{day}-{hour - 1}" if hour else None,
                    attributes={"ticket": f"MERGER-{number}"},
                )
            )
            world.happens("task_completed", f"deploy-merger-{number}")
            world.wait(HOUR)
    world.happens("revoked", "merger-c2-3")
    world.engine.observe(world.usage("merger-c2-3", source=HOME))
    world.ask(source=Source(ip="185.220.101.47", user_agent="curl/8"), privilege="admin", task="deploy-merger-late")
    return world


def test_habits_joins_and_replays_are_as_without() -> None:
    """Evidence is the same to the quantum where a facet is told by equality, and the log comes to what it says."""
    clear, redacted = lived(None), lived(Redaction(FIELDS, KEY))
    for one, other in zip(clear.log.records(), redacted.log.records(), strict=True):
        assert type(one) is type(other)
        weighed = getattr(one, "weighed", None)
        if weighed is not None:
            other_weighed: Any = other
            assert weighed.own == other_weighed.weighed.own
            assert weighed.verdict == other_weighed.weighed.verdict
    assert "merger" in b"".join(line for _, line in clear.log.lines).decode().lower()
    assert "merger" not in b"".join(line for _, line in redacted.log.lines).decode().lower()
    assert b"merger" not in redacted.engine.snapshot().lower()
    recheck = Recheck(State(redacted.policy))
    assert [found for entry in redacted.log.read() for found in recheck.see(entry)] == []


def test_asking_twice_is_once_and_another_request_under_one_id_is_a_conflict() -> None:
    """An ask is told apart by what it says in clear, also where what is kept is a hash."""
    from detector.engine import ConflictingRequest

    world = World(redaction=Redaction(["purpose"], KEY))
    request = secretive(time=world.clock.now)
    first = world.engine.ask(request, trusted=True).decision
    assert world.engine.ask(request, trusted=True).decision is first
    with pytest.raises(ConflictingRequest):
        world.engine.ask(msgspec.structs.replace(request, purpose="another"), trusted=True)
