"""How a step-up goes on: what is offered and signed, who or what may answer it, and on which terms."""

from detector.stepup.desk import Desk
from detector.stepup.key_sets import KeySet, KeySetUnusable
from detector.stepup.keys import SealKeys, SealKeysUnreadable
from detector.stepup.methods import Human, Offered, SecondBroker, StepUpMethod, Unsatisfied
from detector.stepup.seals import Binding, SealBroken, SealExpired, Seals
from detector.stepup.terms import METHODS, Terms
from detector.stepup.workload import WorkloadProof

__all__ = [
    "METHODS",
    "Binding",
    "Desk",
    "Human",
    "KeySet",
    "KeySetUnusable",
    "Offered",
    "SealBroken",
    "SealExpired",
    "SealKeys",
    "SealKeysUnreadable",
    "Seals",
    "SecondBroker",
    "StepUpMethod",
    "Terms",
    "Unsatisfied",
    "WorkloadProof",
]
