"""How much abuse is stopped, how early, and what it costs the legitimate.

from bench.detection import TEST, assayer, evaluate, organisations, report
print(report(evaluate("assayer", organisations(TEST), assayer)))
"""

from bench.detection.cache import organisations
from bench.detection.measure import Evaluation, evaluate
from bench.detection.ours import assayer
from bench.detection.peers import PEERS
from bench.detection.report import report
from bench.detection.splits import QUICK, TEST, TRAIN, VALIDATION

__all__ = [
    "PEERS",
    "QUICK",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Evaluation",
    "assayer",
    "evaluate",
    "organisations",
    "report",
]
