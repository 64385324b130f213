"""The desk put together: what the configuration says, and the key of a data directory."""

from __future__ import annotations

from pathlib import Path

from detector.engine.tasks import Method
from detector.stepup.desk import Desk
from detector.stepup.key_sets import KeySet
from detector.stepup.keys import SealKeys, SealKeysUnreadable
from detector.stepup.methods import Human, SecondBroker, StepUpMethod
from detector.stepup.seals import Seals
from detector.stepup.workload import WorkloadProof
from detector.wiring.step_ups import StepUpSettings


class DeskUnusable(Exception):
    """The desk cannot be put together; the text says why."""


def desk(settings: StepUpSettings, *, data: Path) -> Desk:
    """The desk of a data directory: the ways to answer, by name, and what seals. Raises `DeskUnusable`."""
    ways: dict[Method, StepUpMethod] = {"human": Human(), "second_broker": SecondBroker()}
    proof = settings.proof
    if proof.keys:
        ways["workload_proof"] = WorkloadProof(
            KeySet(proof.keys), issuer=proof.issuer, audience=proof.audience, max_age_seconds=proof.max_age_seconds
        )
    try:
        seals = Seals(SealKeys.kept(data), identity=settings.url)
    except (SealKeysUnreadable, OSError) as error:
        raise DeskUnusable(f"step-ups: {error}") from None
    return Desk(terms=settings.terms(), seals=seals, methods=ways)
