"""Labels from a file, and from the log's own outcomes."""

from __future__ import annotations

from detector.engine.records import Outcome
from detector.events import GrantRequest, Issuance
from detector.training.labels import logged_events, logged_labels, read_labels
from tests.engine.world import AWAY, World


def test_a_bad_line_costs_itself() -> None:
    """It is named by number and reason; blank lines are nothing, and the last word on an id counts."""
    lines = [
        b'{"id": "a", "label": "malicious"}\n',
        b"\n",
        b"{broken\n",
        b'{"id": "b", "label": "odd"}\n',
        b'{"label": "malicious"}\n',
        b"\xff\xfe\n",
        b'{"id": 3, "label": "malicious"}\n',
        b"[" * 100_000,
        b'{"id": "c", "label": "legitimate", "by": "ana"}\n',
        b'{"id": "a", "label": "legitimate"}\n',
    ]
    bad: dict[int, str] = {}
    truth = read_labels(lines, bad.__setitem__)
    assert truth.malicious == {"a": False, "c": False}
    assert list(bad) == [3, 4, 5, 6, 7, 8]
    assert "label" in bad[4]
    assert "id" in bad[5]


def settled(world: World, outcome: Outcome, *, minted: bool, **more: object) -> str:
    """A request is asked, minted or not, and its decision settled; gives its id."""
    decision = world.ask(source=AWAY, **more)
    if minted:
        world.issue(source=AWAY, decision=decision.decision, id=f"minted-{decision.request.id}", **more)
    world.engine.record_outcome(decision.decision, outcome, by="ana")
    return decision.request.id


def test_outcomes_label_the_request_and_its_issuance_as_one() -> None:
    """Two outcomes speak for it and two against; request and issuance are both known, and that they are one."""
    world = World().live(1)
    ids = {outcome: settled(world, outcome, minted=False) for outcome in ("approved", "refused", "malicious")}
    honest = settled(world, "legitimate", minted=True)
    truth = logged_labels(world.log.read())
    assert truth.malicious == {
        ids["approved"]: False,
        ids["refused"]: True,
        ids["malicious"]: True,
        honest: False,
        f"minted-{honest}": False,
    }
    assert truth.issued == {honest: f"minted-{honest}"}


def test_the_last_outcome_counts_and_strangers_count_for_nothing() -> None:
    """An analyst may change their mind; what an untrusted caller asked is neither event nor label."""
    world = World().live(1)
    asked = world.ask(source=AWAY)
    overheard = world.ask(source=AWAY, trusted=False)
    for outcome in ("malicious", "legitimate"):
        world.engine.record_outcome(asked.decision, outcome, by="ana")  # type: ignore[arg-type]
    world.engine.record_outcome(overheard.decision, "malicious", by="ana")
    assert logged_labels(world.log.read()).malicious == {asked.request.id: False}
    events = list(logged_events(world.log.read()))
    assert asked.request in events
    assert overheard.request not in events
    assert sum(isinstance(event, Issuance) for event in events) == 24
    assert sum(isinstance(event, GrantRequest) for event in events) == 1
