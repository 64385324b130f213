"""Whatever may answer a step-up keeps to the port: it names who answered, and takes nobody's word for himself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detector.engine.outcomes import RANK
from detector.stepup.methods import Human, SecondBroker, StepUpMethod, Unsatisfied
from detector.stepup.workload import WorkloadProof
from detector.wiring.desk import desk
from detector.wiring.step_ups import ProofSettings, StepUpSettings
from tests.stepup.conftest import AUDIENCE, ISSUER, ROLE, RUN, Issuer, offered

PEOPLE = ("human", "second_broker")


@pytest.fixture
def methods(tmp_path: Path) -> dict[str, StepUpMethod]:
    """Every way that there is, as they are wired, with proofs switched on."""
    issuer = Issuer(tmp_path)
    settings = StepUpSettings(proof=ProofSettings(keys=str(issuer.where), issuer=ISSUER, audience=AUDIENCE))
    return dict(desk(settings, data=tmp_path).methods)


def test_every_way_is_wired_and_trusted_as_far_as_it_goes(methods: dict[str, StepUpMethod]) -> None:
    """A person's word weighs more than a second broker's, and that more than a machine's."""
    ranks = {name: RANK[way.trust] for name, way in methods.items()}
    assert ranks["human"] > ranks["second_broker"] > ranks["workload_proof"]
    assert set(ranks) == {"human", "second_broker", "workload_proof"}


@pytest.mark.parametrize("name", PEOPLE)
def test_somebody_else_answers_under_the_name_of_his_token(methods: dict[str, StepUpMethod], name: str) -> None:
    """And no other name."""
    assert asyncio.run(methods[name].answered_by(offered("ana"))) == "ana"


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize(
    "caller",
    [
        *("vault-1", "VAULT-1", " vault-1 "),
        *(RUN, ROLE, RUN.upper()),
        *("agent:planner", "Agent:Planner"),
        *("alice@example.org", "ALICE@example.org"),
    ],
)
def test_nobody_answers_for_himself(methods: dict[str, StepUpMethod], name: str, caller: str) -> None:
    """Not the broker that asked, not the requester in any run of it, nor whom it acts for, in whatever letters."""
    with pytest.raises(Unsatisfied):
        asyncio.run(methods[name].answered_by(offered(caller)))


def test_no_way_answers_for_nothing(methods: dict[str, StepUpMethod]) -> None:
    """A proof is needed where a proof answers."""
    with pytest.raises(Unsatisfied):
        asyncio.run(methods["workload_proof"].answered_by(offered("vault-1")))
    assert isinstance(methods["workload_proof"], WorkloadProof)
    assert isinstance(methods["human"], Human)
    assert isinstance(methods["second_broker"], SecondBroker)
